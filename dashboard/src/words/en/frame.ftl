# What stands around every page, and the pages that say what went wrong.

frame-skip = Skip to content
frame-sections = Sections
frame-menu = Menu
frame-leave = Sign out
frame-no-device = Not a certified medical device.
frame-licences = Licences of the components
frame-language = Language

menu-patients = Patients
menu-enrol = New patient
menu-calls = Calls
menu-shift = Handover
menu-night = Night
menu-tonight = Tonight
menu-fleet = Devices and gateways
menu-reach = On call
menu-own = My patients
menu-accounts = Accounts
menu-screens = Screens
menu-alerts = Alerts
menu-summary = Summary
menu-report = Report a case
menu-laboratory = Laboratories
menu-reports = Reported cases
menu-register = Access log

fault-home = Home page
fault-session = Session expired
fault-session-advice = Sign in again, then repeat what you were doing: it was not done.
fault-forbidden = Not allowed
fault-forbidden-advice = The request came from another page, or your role does not allow it. Go back to the home page and repeat it from there.
fault-nowhere = Page not found
fault-nowhere-advice = There is no page at this address. Check it, or go back to the home page.
fault-record = Service unavailable
fault-record-advice = The record does not answer. Try again in a minute; if it goes on, tell whoever runs the system. Meanwhile watch over the patients by telephone.
fault-request = Request not understood
fault-request-advice = Go back to the previous page, check what you entered and repeat.
fault-large = Too much at once
fault-large-advice = Nothing was written: the text that was sent is too long. Go back to the page before, shorten it or split it into several notes, and send it again.
fault-system = System error
fault-system-advice = It may not have been done. Go back to the previous page and check; if it happens again, tell whoever runs the system.

# A browser of which nothing else is known.
browser-unknown = unrecognised browser
browser-on = { $browser } on { $system }
