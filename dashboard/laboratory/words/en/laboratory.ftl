laboratory-title = Laboratory results
laboratory-calls = Positives to call, whom no SMS reaches
laboratory-kept = { $new ->
    [one] { $new } result kept
   *[other] { $new } results kept
}; already there: { $known }. Lines to correct are in the list below.
waiting-title = To look at
waiting-none = No result is waiting for a person.
waiting-came = Received
waiting-why = Why
waiting-what = What to do
waiting-open = Correct
waiting-more = { $more ->
    [one] One more is waiting: it appears when these are corrected.
   *[other] { $more } more are waiting: they appear when these are corrected.
}
why-cancelled = The laboratory has cancelled a result that was positive: decide about the case.
why-refused = The case does not accept it: check with the laboratory.
unreadable-no-header = The message cannot be read: its first line (MSH) is missing.
unreadable-charset = The message cannot be read: its characters are not the declared ones (MSH-18).
unreadable-long = The message is too long: ask the laboratory to send it in parts.
unreadable-kind = This is not a message of results (ORU^R01).
unreadable-no-result = The message has no complete result (PID, OBR, OBX).
unreadable-trial = The laboratory marks it as a trial (MSH-11): it is not about real people.
unreadable-segment = The message cannot be read: a line is not a segment.
fault-laboratory = The laboratory is missing.
fault-order = The number of the specimen or order is missing.
fault-person-missing = The Codice Fiscale (or STP, ENI) is missing.
fault-person = The Codice Fiscale (or STP, ENI) is not valid.
fault-born = The date of birth is not a date.
fault-phone-missing = The phone number left at the swab is missing.
fault-phone = The phone number is not a number.
fault-taken-missing = It is not said when the swab was taken.
fault-taken = The date of the swab does not exist, is in the future or is too old.
fault-reported = The date of the report is not a date.
fault-test = Unknown test: write molecolare or antigenico.
fault-outcome = Unknown result, or two results that do not agree.
fault-status = Unknown status: definitivo, corretto, provvisorio or annullato.
fault-contradiction = The laboratory said otherwise before and does not say that it corrects itself: ask.
fault-text = A text is too long.
upload-title = Upload a sheet (CSV)
upload-what = The first line has the names of the columns, divided by semicolons, commas or tabs. Needed are campione, codice_fiscale, prelievo, esame, esito.
upload-laboratory = Laboratory, if the sheet has no such column
upload-file = File
upload-text = Or paste the lines here
upload-preview = Check
upload-keep = Keep
sheet-empty = The sheet is empty: choose a file or paste the lines.
sheet-long = The sheet is too long: at most { $most } lines, in several goes.
sheet-missing = The first line lacks the column { $column }.
sheet-broken = Line { $line } is not of a CSV sheet.
preview-good = { $good ->
    [one] { $good } line is right.
   *[other] { $good } lines are right.
} Nothing has been kept yet.
preview-faulty = These lines have an error. Correct them below, or keep them as they are: they stay among the results to look at.
preview-line = Line { $line }:
preview-more = And { $more } more.
time-title = From swab to result
time-what = Final results received in the last 14 days.
time-none = No result in these days.
time-median = Half within
time-tenth = Nine of ten within
time-measured = Measured
time-unmeasured = Without a time
lasting = { $hours } h { $minutes } min
field-laboratory = Laboratory
field-order = Specimen or order
field-person = Codice Fiscale, STP or ENI
field-surname = Surname
field-name = Name
field-born = Date of birth
field-phone = Phone
field-no-phone = Has no phone: the case goes to the call list
field-taken = Swab taken on
field-reported = Reported on
field-test = Test
field-outcome = Result
field-status = Status
mend-title = Result to look at
mend-came = Received on { $at }.
mend-message = As it came
mend-what = As it should be
mend-refused = It was not kept: there is something to correct.
mend-for-the-case = If the case is in order, set it aside with the reason. A correction is written with the status “corretto”.
mend-hint-moment = For example 20/10/2020 10:30. Without an offset it is Italian time.
mend-hint-person = Sixteen characters.
mend-hint-test = molecolare or antigenico
mend-hint-outcome = positivo, negativo, indeterminato or da ripetere
mend-hint-status = definitivo, corretto, provvisorio or annullato
mend-press = Keep as corrected
mend-why-fault = Write the reason, in one line.
aside-title = Or it is not a result
aside-why = Reason
aside-press = Set aside
