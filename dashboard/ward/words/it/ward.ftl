# The list of patients, its live events, and the screen on a wall.

ward-title = Pazienti
ward-hour = Ora
page-again = Aggiorna la pagina
ward-sound-off = Audio spento
ward-sound-on = Audio attivo
ward-sound-mute = Audio fermo: premere qui
ward-views = Viste
ward-kept = Viste salvate
ward-keep-name = Salva questa vista con il nome
ward-keep = Salva
ward-forget = Togli
ward-forget-which = la vista { $name }
ward-unkept-name = Scrivere un nome, da 1 a 40 caratteri.
ward-unkept-many = Ci sono già 12 viste: toglierne una.
ward-part = <strong>Vista parziale.</strong> Non sono mostrati tutti i pazienti.
ward-part-all = Mostra tutti
ward-outside-show = Mostrali
ward-reach = Reperibilità
ward-handover = Consegne
ward-late = In elaborazione: dati arrivati da { $span } attendono ancora le regole
ward-more = { $n ->
    [one] e un’altra segnalazione
   *[other] e altre { $n } segnalazioni
}

view-all = Tutti
view-waiting = Non presi in carico
view-mine = In carico a me
view-technical = Tecnici

filter-search = Nome o numero
filter-more = Altri filtri
filter-lane = Corsia
filter-severity = Gravità
filter-charge = In carico
filter-doctor = Medico di famiglia
filter-place = Municipio o comune
filter-all-lanes = Tutte
filter-all-severities = Tutte
filter-all-doctors = Tutti
filter-all-places = Tutti
filter-whoever = Non importa
filter-show = Mostra
filter-red = ◆ Rosso
filter-amber = ▲ Giallo
filter-technical = ▬ Tecnico
filter-nobody = A nessuno
filter-me = A me

outside = Fuori da questa vista, non presi in carico: { $who }.
outside-reds = { $n ->
    [one] { $n } rosso
   *[other] { $n } rossi
}
outside-ambers = { $n ->
    [one] { $n } giallo
   *[other] { $n } gialli
}
outside-both = { $reds } e { $ambers }

lane-clinical = Allarmi clinici
lane-technical = Segnalazioni tecniche e dati mancanti
lane-technical-short = Tecnici e dati mancanti
lane-calm = Senza allarmi
lane-hidden = Altri <span>{ $n }</span> non mostrati in questa pagina.
lane-alone = Solo questa corsia
nobody-here = Nessuno in questa vista.
nobody-clinical = Nessun allarme clinico aperto.
nobody-technical = Nessun paziente con segnalazioni tecniche o dati mancanti.
nobody-calm = Nessun paziente senza allarmi.
column-state = Stato
column-patient = Paziente
column-why = Motivo
line-code = n. …{ $code }
do-take-charge = Prendi in carico

leaves = Pagine dell’elenco
leaf-before = Pagina precedente
leaf-here = Pagina { $here } di { $all }
leaf-next = Pagina successiva

figures = Ultimi { $days } giorni: { $opened } allarmi clinici{ $rate }; { $closed }. Segnalazioni tecniche: { $technical }.
figures-rate = { $rate } per paziente al giorno
figures-closed = { $closed } chiusi, di cui { $alone } ({ $share } %) da sé, senza una persona
figures-none-closed = nessuno chiuso

keys-title = Tasti
keys-lines = riga seguente, riga precedente
keys-enter = Invio
keys-open = apre il paziente
keys-charge = prende in carico
keys-call = telefona: apre il paziente alla telefonata
keys-doctor = chiede il medico di guardia
keys-note = nota
keys-apply = applica gli aggiornamenti in attesa
keys-search = cerca
keys-help = questo riquadro
keys-switch = Tasti di una lettera attivi in questo browser
keys-sound = Con l’audio attivo la pagina suona per ogni rosso che nessuno ha in carico, e con un altro suono quando il collegamento è interrotto.
keys-close = Chiudi

news-red = { $n ->
    [one] 1 ROSSO
   *[other] { $n } ROSSI
}
news-update = { $n ->
    [one] 1 aggiornamento
   *[other] { $n } aggiornamenti
}
news-both = { $reds } e { $others }
news-apply = { $news } – applica (R)
news-alarm = { $n ->
    [one] 1 nuovo allarme rosso
   *[other] { $n } nuovi allarmi rossi
}
news-names = { $alarms }: { $names }.
news-all = In tutto { $n } rossi non presi in carico.
taken = Preso in carico: { $name }.
taken-not = Non preso in carico: { $name }. Aprire il paziente.
taken-unsent = Non preso in carico: { $name }. Il collegamento è interrotto.

path-message = Veglia: la catena degli allarmi non risponde { $since }. Gli avvisi possono mancare.
path-sentence = La catena degli allarmi non risponde { $since }: { $why }. Gli allarmi potrebbero non arrivare: sorvegliare i pazienti per telefono e avvisare chi gestisce il sistema.
path-record = l’archivio non risponde
path-spoken = il gateway di prova non invia letture
path-received = la lettura di prova non arriva dal gateway alla raccolta dei dati
path-judged = la lettura di prova non è stata valutata dalle regole
path-called = per l’allarme di prova non è partita nessuna chiamata
path-carried = la chiamata di prova non è stata presa in consegna
path-delivered = il messaggio di prova non è uscito dalla coda degli invii

wall-last = Ultimo dato
wall-never = mai
wall-dead = Schermo fermo: i dati non sono aggiornati
wall-held = ✓ in carico
wall-nobody = Nessuna segnalazione aperta
wall-clinical = Clinici
wall-technical = Tecnici
wall-more = Altri <strong>{ $n }</strong> non mostrati
