documents-title = Documenti di { $name }
documents-what = I quattro documenti del telemonitoraggio, da stampare o da consegnare a un altro sistema (FHIR R4). Una bozza si può guardare sempre; un documento emesso resta com’è.
documents-back = Alla scheda del paziente
documents-open = { $what }: apri la versione { $version }
documents-issued = Versione { $version }, emessa il { $at } da { $who }
documents-prepare = { $what }: prepara la bozza
documents-none = Non ancora emesso.

kind-plan = Piano di telemonitoraggio
kind-plan-what = Che cosa si misura, quando, con quali dispositivi e dentro quali limiti nessuno viene chiamato.
kind-card = Tesserino dei dispositivi
kind-card-what = I dispositivi affidati al paziente: marca, numero di serie, da quando. Da tenere in casa.
kind-report = Report di rilevazione
kind-report-what = Le misure e le segnalazioni di un periodo, fino a un mese, con il loro momento e la loro provenienza.
kind-last = Relazione finale
kind-last-what = Com’è andato il telemonitoraggio, chi lo ha concluso e quando, e le conclusioni del medico.

document-mark = BOZZA:
document-draft = Bozza: non è emessa, non è conservata e non vale come documento.
document-kept = Versione { $version }, conservata com’è. Impronta SHA-256 del file, con cui confrontarla:
document-file = Scarica il file FHIR (JSON)
document-print = Per stampare usare il comando di stampa del browser: menu e moduli non vengono stampati.
document-first = Primo giorno
document-last = Ultimo giorno
document-days = Al massimo { $n } giorni.
document-days-show = Mostra questo periodo
document-conclusions = Conclusioni del medico
document-issue-what = Emettere conserva questo documento per sempre, con il suo nome e l’ora. Le misure arrivate nel frattempo vi entrano.
document-issue = Emetti il documento
document-who-issues = Emettono i medici della Centrale e il medico di famiglia.
document-versions = Versioni emesse
document-anew = Prepara una nuova bozza
document-all = Tutti i documenti

not-yet-plan = Non c’è ancora un piano: il documento si può preparare quando è scritto.
not-yet-devices = Il paziente non ha dispositivi: il tesserino si può preparare quando gliene è affidato uno.
not-yet-over = Il telemonitoraggio è in corso: la relazione finale si può preparare quando il paziente è dimesso o deceduto, o dall’ultimo giorno del piano.

fault-form = Il documento non è stato emesso: il modulo non è completo. Ricaricare la pagina.
fault-overtaken = Il documento non è stato emesso: qualcuno ne ha emesso una versione nel frattempo. Guardarla qui sotto; quanto digitato è ancora qui.
fault-conclusions = Il documento non è stato emesso: scrivere le conclusioni.
fault-too-long = Il documento non è stato emesso: le conclusioni sono troppo lunghe o hanno caratteri che non si possono scrivere.
fault-days = Questi giorni non vanno: il primo non può venire dopo l’ultimo, l’ultimo non può essere futuro, e sono al massimo 31.
