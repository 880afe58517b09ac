# The pages of boxes and devices.

fleet-title = Devices and gateways
fleet-now = Time
fleet-reload = Refresh the page
fleet-lost = Connection lost – how the boxes are is not known.
fleet-kit = Hand over a kit
fleet-invite = Register a box
fleet-loose-chip = to assign
fleet-loose = Unassigned devices that measure
fleet-loose-what = Their readings appear with no patient.
fleet-loose-measured = What they have measured
fleet-on = on { $gateway }
fleet-assign = Assign<span class="visually-hidden"> { $device }</span> to a patient
fleet-loose-hidden = { $n } more not shown on this page.
fleet-boxes = Gateways
fleet-search-what = Search for a gateway or a device
fleet-search = Search
fleet-all = Show all
fleet-then = As it said at the last contact:
fleet-unassigned = Not assigned.
fleet-shared-by-some = Shared by { $n } patients
fleet-worn-by-one = Assigned to a patient
fleet-shared-by = Shared by
fleet-worn-by = Worn by
fleet-sheet = Sheet<span class="visually-hidden"> of { $device }</span>
fleet-measure = Ask for a reading now<span class="visually-hidden"> from { $device }</span>
fleet-ping = Test the connection<span class="visually-hidden"> of { $gateway }</span>
fleet-again = Register again<span class="visually-hidden"> { $gateway }</span>
fleet-revoke = Revoke…<span class="visually-hidden"> { $gateway }</span>
fleet-none-found = No gateway found for “{ $search }”.
fleet-hidden = { $n } more gateways not shown on this page: search for them by name.
fleet-unlisted = Some gateways speak and find no place in the list: tell whoever runs the system.
fleet-codes = Open codes
fleet-code = <strong>{ $gateway }</strong>, made on { $made }, valid until { $until }
fleet-code-withdraw = Withdraw the code<span class="visually-hidden"> of { $gateway }</span>
fleet-no-authority = Registering boxes needs the centre’s certificate authority: whoever runs the system creates it once with <code>veglia ca init</code>.
fleet-log = Log
fleet-log-empty = Nothing was done yet.

whose-title = Whose is it?
whose-back = Back to the patients
whose-lost = Readings without a name are not known at the moment.
whose-red = RED
whose-red-over = RED, over
whose-values = Values, in the order in which they were measured
whose-old = waiting for too long
whose-readings = { $n ->
    [one] { $n } reading
   *[other] { $n } readings
}
whose-nobody-has-it = Nobody has this device.
whose-before = Measured before it was handed over.
whose-assign = Assign<span class="visually-hidden"> { $device }</span>
whose-trial = A trial, nobody’s
whose-none-of-them = None of them
whose-why = Why the red is nobody’s
whose-close = Close the red: it is nobody’s
whose-left-out = { $n ->
    [one] One measurement of devices without a patient
   *[other] { $n } measurements of devices without a patient
}
whose-nothing = No measurement is waiting for its patient.
whose-hidden = { $n } more not shown: they appear as the others are answered.
whose-at = at { $at }
whose-from-until = from { $from } to { $until }
whose-reasonless = A red reading, or one that may be red, is not closed with a touch: write briefly why it is nobody’s. Nothing was written.
whose-nobody = none of them
whose-said = { $by } has already answered: { $whose }. Nothing was written; to correct it, open the sheet of the device.
whose-stranger = This person did not have the device at that moment. Nothing was written.

assign-title = Assign { $device }
assign-page = Assign a device
assign-heard = It transmits through { $gateway }.
assign-unheard = At the moment no connected gateway hears it.
assign-worn = It is assigned to
assign-change = Take it back or correct
assign-nobody = No patient has a plan: whoever runs the system registers it at the command line.
assign-patient = Patient who wears it
assign-choose = Choose…
assign-shared = Several people in the same home use it
assign-shared-what = For each reading the patients’ page then asks “whose is it?”. Until somebody answers, a red value calls by the strictest limits among theirs.
assign-together = Together with
assign-and = and
assign-nobody-else = Nobody else
assign-what = From now on its readings appear with the patient. Earlier ones stay without a patient. Check by telephone that the person chosen is really wearing it.
assign-do = Assign from now on
assign-unchosen = Choose a patient from the list. Nothing was written.
assign-taken = { $device } is already assigned to { $name } since { $since }. Nothing was written.
assign-twice = Whoever shares a device is to be chosen only once. Nothing was written.

sheet-page = Sheet of a device
sheet-title = Sheet of the device
sheet-nobody = Nobody has it now.
sheet-assign = Assign to a patient
sheet-has = It is now with
sheet-share = It is now shared by
sheet-card = Card to print
sheet-returned = Returned on (empty: now)
sheet-returned-hint = With a past moment, the readings from then on are no longer of whoever had it: what came of them is withdrawn.
sheet-take-back = Take the device back
sheet-history = Hand-overs
sheet-never = It was never assigned.
sheet-to = To whom
sheet-from = From
sheet-until = Until
sheet-given-by = Handed over by
sheet-taken-by = Taken back by
sheet-is-shared = (shared)
sheet-lasts = still out
sheet-said = Whose the readings were
sheet-said-what = The topmost line that covers the moment of the reading holds.
sheet-measured = Measured
sheet-of = Of
sheet-said-by = Said by
sheet-why = Reason
sheet-answer = answer
sheet-correct = Correct whose the readings are
sheet-correct-from = Measured from
sheet-correct-until = until, that minute included (empty: now)
sheet-correct-whose = They are of
sheet-correct-nobody = No patient (trial, visitor)
sheet-correct-what = The curves follow the correction. Flags raised by these readings are withdrawn, with the reason, and judged again for the right person; nothing is deleted. For whoever loses them the rules start afresh.
sheet-correct-do = Correct
sheet-unchosen = Choose whose the readings are, and from when to when.
sheet-backwards = The end comes after the beginning, and not in the future.
sheet-in-future = The moment of the return is in the past, or now.
sheet-not-assigned = The device is not assigned to anybody.
sheet-overtaken = { $name } has it since { $since }: the page was older.
sheet-too-early = It was handed over on { $from }: the return comes later. If they never had it, correct whose the readings are.
sheet-already = { $by } has already taken it back, as of { $until }.
sheet-reasonless = Write the reason for the correction.
sheet-corrected = Somebody else has corrected it meanwhile: read again, then repeat.
sheet-before-all = Until { $first } nobody had it: correct from then on. Whose the earlier readings are is said in “Whose is it?”.
sheet-never-given = Nobody ever had it: assign it, then say whose the readings are in “Whose is it?”.
sheet-too-wide = More than one had it in that time: correct one hand-over at a time, with the times of the table.
sheet-nobodys = no patient
sheet-nothing-written = { $sentence } Nothing was written.

card-page = Device card
card-title = Card of { $device }
card-print = Print on A6, or on A4 and cut out. It stays with the device.
card-head = Device card
card-shared = Shared: at each reading the Centrale Medica asks whose it is.
card-square = QR code with the device’s identifier
card-device = Device
card-make = Type
card-serial = Serial no.
card-given = Handed over
card-returned = Returned
card-foot = Switch on, put on the finger, keep still. If short of breath: 112.

kit-title = Handing over a kit
kit-device = 1. Device: scan or type the label
kit-device-hint = The whole code, for example nonin:501234, or the serial number alone.
kit-patient = 2. Patient: type the surname and choose
kit-with = Also used by (optional)
kit-more = More than two:
kit-more-link = assign from the page of devices
kit-give = 3. Hand over now
kit-is-it = Is this the device? Nothing was written yet.
kit-recognised = <strong>{ $make } no. { $serial }</strong>, on the box { $heard }
kit-give-this = Yes, hand over { $device }
kit-is-not = If it is not, type the whole code on the label.
kit-unknown = No device is recognised by “{ $label }”: read the whole label, for example nonin:501234.
kit-last-sign = { $gateway }, last sign { $ago }
kit-no-sign = { $gateway }, not heard yet
kit-wait-page = First reading
kit-another = Another kit
kit-wait-title = { $device } for { $to }
kit-given = Handed over on { $since }.
kit-first = First reading, at { $at }. Read it to the patient: “We see it too”.
kit-print = 4. Print the card
kit-waiting = Waiting for the first reading…
kit-lost = The collection of data does not answer: the reading may have arrived already.
kit-say = On the telephone: “Switch the device on and put it on your finger. Keep still for a minute”.
kit-heard = The box { $gateway } hears it.
kit-unheard = No connected box hears it yet: check that the box is on and near.
kit-reload = Refresh
kit-card = Card without waiting

invite-title = Register a box
invite-no-authority = <strong>This centre cannot register boxes yet.</strong> Whoever runs the system creates the certificate authority once with <code>veglia ca init</code>; then reload this page.
invite-what = The code lets one box in. It is shown only once, to be printed as a label.
invite-name = Name of the gateway
invite-name-hint = For example casa-12: letters, digits, hyphens. No names of people.
invite-hours = The code is valid for
invite-day = 24 hours
invite-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
invite-centre = Address of the centre, as the box sees it
invite-replace = Yes, the new box takes the place of { $gateway }
invite-do = Make the code
invite-name-wrong = The name may have 1 to 64 unaccented letters, digits, hyphens and underscores, for example casa-12.
invite-centre-wrong = The address of the centre begins with https:// (http:// only for trials on this machine), for example https://centrale.example.
invite-there = { $gateway } is registered already. With a new code another box would take its place, and today’s could no longer connect.
invite-none-made = No code was made.
invite-too-many = There are too many open codes already: withdraw some.

label-page = Code of a box
label-title = Code for { $gateway }
label-once = <strong>This code will not be shown again.</strong> Print the page or copy it now. Whoever has the code can connect a box: do not leave it lying around.
label-square = QR code to be read with the box
label-until = Valid once, until { $until }
label-at-the-box = At the box
label-at-the-box-what = Read the QR code, or type:

revoke-page = Revoke a gateway
revoke-title = Revoke { $gateway }?
revoke-when = To be done when the box is lost, stolen, or must no longer send readings.
revoke-cut = The connection is cut at once, and the box can no longer connect.
revoke-kept = Readings not yet sent <strong>stay in the box</strong> until it is registered again; they are not lost.
revoke-unwatched = Readings that have arrived stay. Patients who use this box <strong>are no longer watched over</strong> from here: tell them.
revoke-code = An open code for { $gateway } is withdrawn.
revoke-why = Reason (optional)
revoke-why-hint = It stays in the log, with your name. No patients’ data.
revoke-do = Yes, revoke { $gateway }
revoke-back = No, go back
