# The list of patients, its live events, and the screen on a wall.

ward-title = Patients
ward-hour = Time
page-again = Reload the page
ward-sound-off = Sound off
ward-sound-on = Sound on
ward-sound-mute = Sound stopped: press here
ward-views = Views
ward-kept = Saved views
ward-keep-name = Save this view under the name
ward-keep = Save
ward-forget = Remove
ward-forget-which = the view { $name }
ward-unkept-name = Write a name of 1 to 40 characters.
ward-unkept-many = There are 12 views already: remove one.
ward-part = <strong>Partial view.</strong> Not all patients are shown.
ward-part-all = Show all
ward-outside-show = Show them
ward-reach = On call
ward-handover = Handover
ward-late = Being processed: data that arrived { $span } ago still wait for the rules
ward-more = { $n ->
    [one] and one more alert
   *[other] and { $n } more alerts
}

view-all = All
view-waiting = Nobody in charge
view-mine = In my charge
view-technical = Technical

filter-search = Name or number
filter-more = More filters
filter-lane = Lane
filter-severity = Severity
filter-charge = In charge
filter-doctor = Family doctor (MMG)
filter-place = Municipio or town
filter-all-lanes = All
filter-all-severities = All
filter-all-doctors = All
filter-all-places = All
filter-whoever = Anybody
filter-show = Show
filter-red = ◆ Red
filter-amber = ▲ Amber
filter-technical = ▬ Technical
filter-nobody = Nobody
filter-me = Me

outside = Outside this view, with nobody in charge: { $who }.
outside-reds = { $n ->
    [one] { $n } red
   *[other] { $n } red
}
outside-ambers = { $n ->
    [one] { $n } amber
   *[other] { $n } amber
}
outside-both = { $reds } and { $ambers }

lane-clinical = Clinical alarms
lane-technical = Technical alerts and missing data
lane-technical-short = Technical and missing data
lane-calm = No alarms
lane-hidden = <span>{ $n }</span> more not shown on this page.
lane-alone = This lane only
nobody-here = Nobody in this view.
nobody-clinical = No clinical alarm open.
nobody-technical = No patient with technical alerts or missing data.
nobody-calm = No patient without alarms.
column-state = State
column-patient = Patient
column-why = Reason
line-code = no. …{ $code }
do-take-charge = Take charge

leaves = Pages of the list
leaf-before = Previous page
leaf-here = Page { $here } of { $all }
leaf-next = Next page

figures = Last { $days } days: { $opened } clinical alarms{ $rate }; { $closed }. Technical alerts: { $technical }.
figures-rate = { $rate } per patient and day
figures-closed = { $closed } closed, of which { $alone } ({ $share } %) by themselves, without a person
figures-none-closed = none closed

keys-title = Keys
keys-lines = next line, previous line
keys-enter = Enter
keys-open = opens the patient
keys-charge = takes charge
keys-call = calls: opens the patient at the telephone call
keys-doctor = asks for the doctor on call
keys-note = note
keys-apply = applies the waiting updates
keys-search = searches
keys-help = this box
keys-switch = Single-letter keys are on in this browser
keys-sound = With the sound on the page rings for each red that nobody has, and with another sound when the connection is lost.
keys-close = Close

news-red = { $n ->
    [one] 1 RED
   *[other] { $n } RED
}
news-update = { $n ->
    [one] 1 update
   *[other] { $n } updates
}
news-both = { $reds } and { $others }
news-apply = { $news } – apply (R)
news-alarm = { $n ->
    [one] 1 new red alarm
   *[other] { $n } new red alarms
}
news-names = { $alarms }: { $names }.
news-all = { $n } red in all with nobody in charge.
taken = Charge taken: { $name }.
taken-not = Charge not taken: { $name }. Open the patient.
taken-unsent = Charge not taken: { $name }. The connection is lost.

path-message = Veglia: the alarm path does not answer { $since }. Notices may be missing.
path-sentence = The alarm path does not answer { $since }: { $why }. Alarms may not arrive: watch over the patients by telephone and tell whoever runs the system.
path-record = the record does not answer
path-spoken = the test gateway sends no readings
path-received = the test reading does not get from the gateway to where data are gathered
path-judged = the test reading was not judged by the rules
path-called = nobody was called for the test alarm
path-carried = the call of the test was not taken to be delivered
path-delivered = the test message did not leave the queue

wall-last = Last data
wall-never = never
wall-dead = Screen stopped: the data are not up to date
wall-held = ✓ in charge
wall-nobody = No alert open
wall-clinical = Clinical
wall-technical = Technical
wall-more = <strong>{ $n }</strong> more not shown
