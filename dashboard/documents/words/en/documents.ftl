documents-title = Documents of { $name }
documents-what = The four telemonitoring documents, to print or to hand to another system (FHIR R4), in Italian. A draft can be looked at any time; a document that is issued stays as it is.
documents-back = To the patient’s page
documents-open = { $what }: open version { $version }
documents-issued = Version { $version }, issued { $at } by { $who }
documents-prepare = { $what }: prepare the draft
documents-none = Not issued yet.

kind-plan = Telemonitoring plan (Piano)
kind-plan-what = What is measured, when, with which devices, and within which limits nobody is called.
kind-card = Device card (Tesserino)
kind-card-what = The devices that the patient has: make, serial number, since when. To be kept at home.
kind-report = Report of readings (Report di rilevazione)
kind-report-what = The readings and alerts of a period, up to a month, with their moment and their origin.
kind-last = Final report (Relazione finale)
kind-last-what = How telemonitoring went, who ended it and when, and what the doctor concludes.

document-mark = BOZZA (draft):
document-draft = Draft: it is not issued, not kept, and no document.
document-kept = Version { $version }, kept as it is. SHA-256 of the file, to compare it with:
document-file = Download the FHIR file (JSON)
document-print = To print, use the browser’s print command: menu and forms are not printed.
document-first = First day
document-last = Last day
document-days = At most { $n } days.
document-days-show = Show this period
document-conclusions = The doctor’s conclusions
document-issue-what = Issuing keeps this document for ever, with your name and the time. Readings that came meanwhile are in it.
document-issue = Issue the document
document-who-issues = Doctors of the centre and the family doctor (MMG) issue.
document-versions = Issued versions
document-anew = Prepare a new draft
document-all = All documents

not-yet-plan = There is no plan yet: the document can be prepared once one is written.
not-yet-devices = The patient has no devices: the card can be prepared once one is handed over.
not-yet-over = Telemonitoring goes on: the final report can be prepared when the patient is discharged or has died, or on the last day of the plan.

fault-form = The document was not issued: the form is not complete. Load the page again.
fault-overtaken = The document was not issued: somebody issued a version meanwhile. Look at it below; what you typed is still here.
fault-conclusions = The document was not issued: write the conclusions.
fault-too-long = The document was not issued: the conclusions are too long, or hold characters that cannot be written.
fault-days = These days do not do: the first cannot come after the last, the last cannot be in the future, and they are at most 31.
