# Somebody else's patient, the glass that is broken, a form that lost its session, what doctors of
# elsewhere see, and the screens on walls.

door-home = Back to the home page

stranger-title = Patient not found
stranger-why = <strong>No patient in your care is at this address.</strong> The address may be wrong, or the patient is not, or is no longer, one of yours.
stranger-help = If somebody needs help now, you can open their record for an hour by giving the reason. The access is recorded and will be reviewed.

glass-until = <strong>Urgent access until { $until }.</strong> What is read is written in the access log.
glass-title = Emergency access
glass-what = For helping, now, a person who is not one of your patients. It opens their record for an hour. Name, reason and time stay in the access log and in the person’s diary, and are reviewed.
glass-code = The person’s Codice Fiscale
glass-number = For the patient with the number <strong>{ $patient }</strong>.
glass-why = Reason
glass-open = Open for an hour
glass-unknown = Nobody on file matches: check, then repeat. The search was written in the access log.
glass-code-wrong = This Codice Fiscale is not valid: check it letter by letter.
glass-why-wrong = Give the reason, in { $min } to { $max } characters: it will be reviewed.
glass-too-many = This can be done at most { $max } times a day. Ask the Centrale Medica to entrust the patient to you.

lost-what = <strong>Nothing was written.</strong> What you typed is below and is not lost as long as this page stays open.
lost-sign-in = Sign in, in another tab
lost-again = Come back to this tab and send again. The act is signed by whoever signed in.
lost-typed = What was typed
lost-send = Send again

own-nobody-mmg = None of your patients is in telemonitoring, and you are not standing in for anybody now.
own-nobody-hospital = Your unit has no patients in telemonitoring.
own-nobody-night = No patients: either you are not on shift now, or nobody was entrusted to the Continuità Assistenziale. Shifts are kept by the Centrale Medica.
own-glass = Emergency access to a patient who is not one of yours

notice-title = Notice
notice-what = The Centrale Medica watches over patients at home, from a distance. There is a notice for you, about somebody in your care.
notice-seen = <strong>Confirmed.</strong> The Centrale Medica knows that you have received the notice.
notice-confirm = I have received the notice
notice-open = Sign in and see the notice
notice-private = For privacy there are no clinical data here: the Centrale Medica gives them by telephone. If the notice is not for you, close this page.

screens-title = Wall screens
screens-what = A wall screen shows who needs somebody, without names: only the last digits of the number. It opens at an address of its own, without signing in.
screens-made = <strong>Screen created.</strong> Open this address on the television now: it will not be shown again.
screens-where = Where it is
screens-make = Create a screen
screens-none = No screens.
screens-end = Turn off
screens-ended = off
screens-name-wrong = Say where the screen is, in 1 to 100 characters.
screens-too-many = There are already 50 screens: first turn off those that are not needed.
since-today = since { $hour }
since-before = since { $day }, { $hour }
