# The handover: the page of whoever writes and of whoever takes over.

turn-morning = morning
turn-afternoon = afternoon
turn-night = night

shift-title = Shift handover
shift-when = Change of shift of { $at }: from the { $from } shift to the { $to } shift.
shift-waits = Earlier handover, not acknowledged yet
shift-newest = Handover written for this change of shift
writing-read = Read and acknowledge
shift-write = Write the handover
shift-write-again = Write a new version
shift-how = Patients with something open, or with something that happened in the shift, are proposed. You write the recommendations.
writing-promised-lost = Calls promised by telephone cannot be read now: check them in the list.
writing-calls = Calls
shift-nobody = Nobody to propose: write a word for everybody all the same.
writing-left-out = { $n ->
    [one] One more patient, less urgent, is not in the list.
   *[other] { $n } more patients, less urgent, are not in the list.
}
writing-ward = List of patients
writing-add = Add a patient (surname)
writing-add-press = Add
writing-words = For everybody: organisation, faults, absences
shift-press = Save the handover
writing-old = Handovers of the last two weeks
writing-no-old = None yet.

version-shift = Handover of { $at } to the { $turn } shift, version { $n }
version-written = written by { $who } at { $at }
version-ack = acknowledged by { $who } at { $at }
version-no-ack = Not acknowledged yet

sbar-situation = Situation
sbar-background = Background
sbar-assessment = Assessment
sbar-recommendation = Recommendation
sbar-no-assessment = No value and no note.
sbar-no-recommendation = not written
sbar-phones = Telephones

line-in = In the handover
line-offer = I give my charge to whoever acknowledges
line-take = I take charge

handed-back = Back to the list
handed-newer = A newer version was written.
handed-newer-open = Read that one
handed-all = For everybody
handed-patients = Patients
handed-nobody = No patient in this handover.
handed-own = You wrote it: whoever comes on shift acknowledges it.
handed-mine = You have acknowledged it.
handed-how = Acknowledging records, with your name and the time, that you have read it.
handed-how-charge = Acknowledging records, with your name and the time, that you have read it; of the ticked patients you have charge.
handed-press = I have read it: acknowledge
handed-paper = Contains health data: destroy the printed copy after use.

notice-too-long = A text is too long: at most { $n } ordinary characters. Nothing was written; what you typed is still here.
notice-too-many = At most { $n } patients on one list: take off the less urgent ones. Nothing was written; what you typed is still here.
notice-mute = Write at least one recommendation, or a word for everybody. Nothing was written.
notice-news = { $n ->
    [one] Meanwhile a red came up that the page did not show: it is below now. Read again, then save again. Nothing was written; what you typed is still here.
   *[other] Meanwhile { $n } reds came up that the page did not show: they are below now. Read again, then save again. Nothing was written; what you typed is still here.
}
notice-overtaken = { $who } wrote version { $n } at { $at }, while this page was open. Nothing was written; what you typed is still here: read that version, then save again.
notice-overtaken-who = Another version was written while this page was open. Nothing was written; what you typed is still here.
notice-stale = This page was of another handover. Nothing was written; what you typed is still here: read again, then save.
notice-sought-empty = Write the surname of the patient to add.
notice-sought-nobody = No patient who is followed is called “{ $name }”.
notice-sought-several = Several patients: { $names }. Write surname and name.
notice-own = A handover is acknowledged by whoever comes on shift, not by whoever wrote it.
notice-superseded = { $who } wrote a newer version at { $at }: read and acknowledge that one.
notice-taken = Acknowledged, but { $who } has had charge of { $name } since { $at }.

charge-now = In charge now: { $who }
charge-nobody = nobody

severity-red = Red
severity-amber = Amber
severity-technical = Technical

fact-flag = { $about } { $value } since { $since }
fact-flag-waits = { $about } { $value } since { $since }, to be confirmed: second measurement awaited by { $by }
fact-flag-over = { $about } { $value } since { $since }: recovered, to be closed
fact-silent = { $about }: nothing measured since { $since }
fact-held = In charge: { $who } until { $until }
fact-unattended = Nobody has charge
fact-snoozed = Snoozed by { $who } until { $until }
fact-snoozed-soon = Snoozed by { $who } until { $until }: it ends in the next shift
fact-asked = Asked to measure again ({ $vital }) at { $at }: nothing has come yet
fact-unreachable = { $n ->
    [one] Unreachable: one call without an answer, at { $at }
   *[other] Unreachable: { $n } calls without an answer, the last at { $at }
}
fact-call-back = Promised: call again at { $at }
fact-joined = New under telemonitoring since { $at } ({ $who })
fact-replanned = Plan changed at { $at } by { $who }, version { $version }: { $why }
fact-went = { $place } since { $at }
fact-did = { $at } { $what } ({ $who })
fact-value = { $vital } { $value } at { $at } ({ $age }), { $source }
fact-value-doubtful = { $vital } { $value } at { $at } ({ $age }), { $source }, doubtful
fact-score = { $missing ->
    [0] { $scale } { $min }
    [one] { $scale } at least { $min }; one value is missing
   *[other] { $scale } at least { $min }; { $missing } values are missing
}
fact-no-values = Values cannot be read at this moment.
fact-given = Entrusted for the night
fact-chosen = Added by the writer

deed-note = note
deed-called = call { $whom }: { $outcome }
deed-escalated = asked for the doctor on duty
deed-referred = asked for: { $service }
deed-closed = flag closed

whom-patient = Patient
whom-contact = Contact
whom-key-holder = Key-holder
whom-family-doctor = Family doctor (MMG)
whom-112 = 112
outcome-well = well
outcome-unwell = not well
outcome-no-answer = no answer
outcome-help-sent = help on its way
service-special-unit = USCA (doctor at home)
service-home-care = ADI (nursing at home)
service-oxygen = oxygen at home
service-swab = swab at home
service-social = social services of the Comune
service-errands = shopping and medicines at home
service-psychology = psychological support

vital-spo2 = SpO₂
vital-pulse = Pulse rate
vital-temperature = Temperature
vital-breaths = Breathing
vital-pressure = Systolic pressure
about-news2 = NEWS2
about-mews = MEWS
about-symptoms = Symptoms
about-together = Several parameters together
about-home = Home
place-home = At home
place-hospital = In hospital
place-suspended = Monitoring suspended
place-discharged = Discharged from monitoring
place-deceased = Deceased
source-device = device
source-hand = by hand
source-phone = by phone
age-now = now
age-minutes = { $n } min ago
age-hours = { $n } h ago
age-days = { $n ->
    [one] one day ago
   *[other] { $n } days ago
}

chart-unknown = not recorded
chart-no-number = number not recorded
chart-conditions = Conditions:
chart-therapy = Therapy:
chart-allergies = Allergies:
chart-oxygen = Oxygen at home:
chart-plan = Monitoring plan:
chart-address = Address:
chart-floor = Floor, stair, bell:
chart-keys = Keys:
plan-every = { $vital } every { $n } min
plan-daily = { $vital } at { $times }
plan-within = { $vital } from { $from } to { $until }
plan-target = SpO₂ target { $low }–{ $high } %
plan-red-to = { $vital }: red up to { $limit }
plan-amber-to = { $vital }: amber up to { $limit }
plan-amber-from = { $vital }: amber from { $limit }
plan-red-from = { $vital }: red from { $limit }

night-title = List for the night
night-when = Continuità Assistenziale (out-of-hours doctors) from { $from } to { $until }.
night-how = Patients who may get worse are proposed. Those ticked are entrusted to the out-of-hours doctors for this night: the doctors on duty read their record. Write what was agreed.
night-nobody = Nobody to propose for the night.
night-newest = List written for this night
night-waits = The night has handed the patients back: read and acknowledge
night-write = Write the list
night-write-again = Write a new version
night-agreed = Agreed
night-in = Entrusted for the night
night-press = Save the list and entrust the patients
tonight-title = Tonight
tonight-unwritten = The Centrale Medica has not written tonight’s list: these are the patients entrusted.
tonight-unwritten-nobody = The Centrale Medica has not written tonight’s list, and nobody is entrusted: telephone the Centrale Medica.
tonight-unread = You have not acknowledged the list yet: the Centrale Medica sees it.
writing-missing = Its time has passed and nobody has written it yet.
tonight-nobody = No patient: either you are not on duty now, or nobody was entrusted to the out-of-hours doctors. The Centrale Medica keeps the roster.
tonight-unlisted = entrusted without a note
tonight-left-out = { $n ->
    [one] One more entrusted patient, less urgent, is not on this page.
   *[other] { $n } more entrusted patients, less urgent, are not on this page.
}
tonight-all = My patients
tonight-112 = Sheet for 112
morning-title = Handing back to the day
morning-how = Here are the patients entrusted, with what the night did and wrote in the diary. Write what is left to do.
morning-nobody = No patient is entrusted.
morning-newest = Handed back already
morning-write = Hand back to the day
morning-write-again = Write a new version
morning-left = What is left to do
morning-in = Handed back
morning-press = Save
version-night = List for the night of { $at }, version { $n }
version-morning = Handed back after the night of { $at }, version { $n }

ward-shift = Handover of { $change }, written by { $who } at { $at }: nobody has acknowledged it yet. See the page Handover.
ward-night = List for the night from { $change }, written by { $who } at { $at }: no out-of-hours doctor has acknowledged it yet. See the page Night.
ward-morning = What the night handed back, written by { $who } at { $at }: nobody has acknowledged it yet. See the page Night.
ward-shift-unwritten = Change of shift of { $change }: nobody has written the handover. See the page Handover.
ward-night-unwritten = Night from { $change }: nobody has written the list for the out-of-hours doctors. See the page Night.
ward-morning-unwritten = End of the night at { $change }: the out-of-hours doctors have not handed the patients back. See the page Night.
