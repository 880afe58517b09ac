# Il passaggio di consegne: pagina di chi scrive e di chi riceve.

turn-morning = mattina
turn-afternoon = pomeriggio
turn-night = notte

shift-title = Passaggio di consegne
shift-when = Cambio turno del { $at }: dal turno di { $from } al turno di { $to }.
shift-waits = Consegne precedenti, non ancora confermate
shift-newest = Consegne scritte per questo cambio turno
writing-read = Leggere e confermare
shift-write = Scrivere le consegne
shift-write-again = Scrivere una nuova versione
shift-how = Sono proposti i pazienti con qualcosa di aperto o accaduto nel turno. Le raccomandazioni le scrive lei.
writing-promised-lost = Le richiamate promesse per telefono non si possono leggere adesso: controllarle nell’elenco.
writing-calls = Telefonate
shift-nobody = Nessun paziente da proporre: scrivere comunque due parole per tutti.
writing-left-out = { $n ->
    [one] Un altro paziente, meno urgente, non è nell’elenco.
   *[other] Altri { $n } pazienti, meno urgenti, non sono nell’elenco.
}
writing-ward = Elenco dei pazienti
writing-add = Aggiungere un paziente (cognome)
writing-add-press = Aggiungi
writing-words = Per tutti: organizzazione, guasti, assenze
shift-press = Salva le consegne
writing-old = Consegne delle ultime due settimane
writing-no-old = Ancora nessuna.

version-shift = Consegne del { $at } per il turno di { $turn }, versione { $n }
version-written = scritte da { $who } alle { $at }
version-ack = confermate da { $who } alle { $at }
version-no-ack = Non ancora confermate

sbar-situation = Situazione
sbar-background = Contesto
sbar-assessment = Valutazione
sbar-recommendation = Raccomandazione
sbar-no-assessment = Nessun valore e nessuna nota.
sbar-no-recommendation = non scritta
sbar-phones = Telefoni

line-in = Nelle consegne
line-offer = Cedo il mio carico a chi conferma
line-take = Lo prendo in carico io

handed-back = Torna all’elenco
handed-newer = È stata scritta una versione più nuova.
handed-newer-open = Leggere quella
handed-all = Per tutti
handed-patients = Pazienti
handed-nobody = Nessun paziente in queste consegne.
handed-own = Le ha scritte lei: le conferma chi entra in turno.
handed-mine = Le ha già confermate.
handed-how = Confermando, risulta col suo nome e l’ora che le ha lette.
handed-how-charge = Confermando, risulta col suo nome e l’ora che le ha lette; dei pazienti spuntati ha il carico.
handed-press = Ho letto: confermo le consegne
handed-paper = Contiene dati sanitari: dopo l’uso distruggere la copia stampata.

notice-too-long = Un testo è troppo lungo: al massimo { $n } caratteri ordinari. Nulla è stato scritto; ciò che è stato digitato è ancora qui.
notice-too-many = Al massimo { $n } pazienti in un elenco: togliere quelli meno urgenti. Nulla è stato scritto; ciò che è stato digitato è ancora qui.
notice-mute = Scrivere almeno una raccomandazione, oppure due parole per tutti. Nulla è stato scritto.
notice-news = { $n ->
    [one] Intanto è arrivato un rosso che la pagina non mostrava: adesso è qui sotto. Rileggere, poi salvare di nuovo. Nulla è stato scritto; ciò che è stato digitato è ancora qui.
   *[other] Intanto sono arrivati { $n } rossi che la pagina non mostrava: adesso sono qui sotto. Rileggere, poi salvare di nuovo. Nulla è stato scritto; ciò che è stato digitato è ancora qui.
}
notice-overtaken = { $who } ha scritto la versione { $n } alle { $at }, mentre questa pagina era aperta. Nulla è stato scritto; ciò che è stato digitato è ancora qui: leggere quella versione, poi salvare di nuovo.
notice-overtaken-who = Un’altra versione è stata scritta mentre questa pagina era aperta. Nulla è stato scritto; ciò che è stato digitato è ancora qui.
notice-stale = Questa pagina era di un altro passaggio di consegne. Nulla è stato scritto; ciò che è stato digitato è ancora qui: rileggere, poi salvare.
notice-sought-empty = Scrivere il cognome del paziente da aggiungere.
notice-sought-nobody = Nessun paziente seguito si chiama «{ $name }».
notice-sought-several = Più pazienti: { $names }. Scrivere cognome e nome.
notice-own = Le consegne le conferma chi entra in turno, non chi le ha scritte.
notice-superseded = { $who } ha scritto una versione più nuova alle { $at }: leggere e confermare quella.
notice-taken = Consegne confermate, ma { $name } è già in carico a { $who } dalle { $at }.

charge-now = Adesso in carico a: { $who }
charge-nobody = nessuno

severity-red = Rosso
severity-amber = Giallo
severity-technical = Tecnico

fact-flag = { $about } { $value } dalle { $since }
fact-flag-waits = { $about } { $value } dalle { $since }, da confermare: seconda misura attesa entro le { $by }
fact-flag-over = { $about } { $value } dalle { $since }: rientrato, da chiudere
fact-silent = { $about }: non arrivano misure dalle { $since }
fact-held = In carico a { $who } fino alle { $until }
fact-unattended = Nessuno l’ha in carico
fact-snoozed = Sospeso da { $who } fino alle { $until }
fact-snoozed-soon = Sospeso da { $who } fino alle { $until }: la sospensione finisce nel prossimo turno
fact-asked = Chiesto di rimisurare ({ $vital }) alle { $at }: non è ancora arrivato nulla
fact-unreachable = { $n ->
    [one] Irraggiungibile: una telefonata senza risposta, alle { $at }
   *[other] Irraggiungibile: { $n } telefonate senza risposta, l’ultima alle { $at }
}
fact-call-back = Promesso: richiamare alle { $at }
fact-joined = Nuovo in monitoraggio dalle { $at } ({ $who })
fact-replanned = Piano cambiato alle { $at } da { $who }, versione { $version }: { $why }
fact-went = { $place } dalle { $at }
fact-did = { $at } { $what } ({ $who })
fact-value = { $vital } { $value } alle { $at } ({ $age }), { $source }
fact-value-doubtful = { $vital } { $value } alle { $at } ({ $age }), { $source }, dubbia
fact-score = { $missing ->
    [0] { $scale } { $min }
    [one] { $scale } almeno { $min }; manca un valore
   *[other] { $scale } almeno { $min }; mancano { $missing } valori
}
fact-no-values = Le misure non si possono leggere in questo momento.
fact-given = Affidato per la notte
fact-chosen = Aggiunto da chi scrive

deed-note = nota
deed-called = telefonata { $whom }: { $outcome }
deed-escalated = chiesto il medico di guardia
deed-referred = chiesto: { $service }
deed-closed = segnalazione chiusa

whom-patient = Paziente
whom-contact = Persona di contatto
whom-key-holder = Chi ha le chiavi
whom-family-doctor = Medico di famiglia
whom-112 = 112
outcome-well = sta bene
outcome-unwell = non sta bene
outcome-no-answer = non risponde
outcome-help-sent = soccorso in arrivo
service-special-unit = USCA (medico a domicilio)
service-home-care = ADI (assistenza infermieristica)
service-oxygen = ossigeno a domicilio
service-swab = tampone a domicilio
service-social = servizi sociali del Comune
service-errands = spesa e farmaci a domicilio
service-psychology = sostegno psicologico

vital-spo2 = SpO₂
vital-pulse = Polso
vital-temperature = Temperatura
vital-breaths = Respiro
vital-pressure = Pressione massima
about-news2 = NEWS2
about-mews = MEWS
about-symptoms = Sintomi
about-together = Più parametri insieme
about-home = Casa
place-home = A casa
place-hospital = In ospedale
place-suspended = Monitoraggio sospeso
place-discharged = Dimesso dal monitoraggio
place-deceased = Deceduto
source-device = dispositivo
source-hand = inserita a mano
source-phone = per telefono
age-now = adesso
age-minutes = { $n } min fa
age-hours = { $n } h fa
age-days = { $n ->
    [one] un giorno fa
   *[other] { $n } giorni fa
}

chart-unknown = non registrato
chart-no-number = numero non registrato
chart-conditions = Malattie:
chart-therapy = Terapia:
chart-allergies = Allergie:
chart-oxygen = Ossigeno a casa:
chart-plan = Piano di monitoraggio:
chart-address = Indirizzo:
chart-floor = Piano, scala, campanello:
chart-keys = Chiavi:
plan-every = { $vital } ogni { $n } min
plan-daily = { $vital } alle { $times }
plan-within = { $vital } dalle { $from } alle { $until }
plan-target = obiettivo di SpO₂ { $low }–{ $high } %
plan-red-to = { $vital }: rosso fino a { $limit }
plan-amber-to = { $vital }: giallo fino a { $limit }
plan-amber-from = { $vital }: giallo da { $limit }
plan-red-from = { $vital }: rosso da { $limit }

night-title = Elenco della notte
night-when = Continuità Assistenziale dal { $from } al { $until }.
night-how = Sono proposti i pazienti che possono peggiorare. Quelli spuntati sono affidati alla Continuità Assistenziale per questa notte: i medici di turno ne leggono la scheda. Scrivere che cosa è stato concordato.
night-nobody = Nessun paziente da proporre per la notte.
night-newest = Elenco scritto per questa notte
night-waits = La notte ha restituito i pazienti: leggere e confermare
night-write = Scrivere l’elenco
night-write-again = Scrivere una nuova versione
night-agreed = Concordato
night-in = Affidato per la notte
night-press = Salva l’elenco e affida i pazienti
tonight-title = Questa notte
tonight-unwritten = La Centrale non ha scritto l’elenco di questa notte: questi sono i pazienti affidati.
tonight-unwritten-nobody = La Centrale non ha scritto l’elenco di questa notte e non risulta affidato nessuno: telefonare alla Centrale.
tonight-unread = Non ha ancora confermato l’elenco: la Centrale lo vede.
writing-missing = L’ora è passata e nessuno ha ancora scritto.
tonight-nobody = Nessun paziente: o non risulta in turno adesso, o nessuno è stato affidato alla Continuità Assistenziale. I turni li tiene la Centrale.
tonight-unlisted = affidato senza una nota
tonight-left-out = { $n ->
    [one] Un altro paziente affidato, meno urgente, non è in questa pagina.
   *[other] Altri { $n } pazienti affidati, meno urgenti, non sono in questa pagina.
}
tonight-all = I miei pazienti
tonight-112 = Scheda 112
morning-title = Restituzione al giorno
morning-how = Sono qui i pazienti affidati, con ciò che la notte ha fatto e scritto nel diario. Scrivere che cosa resta da fare.
morning-nobody = Nessun paziente affidato.
morning-newest = Restituzione già scritta
morning-write = Scrivere la restituzione
morning-write-again = Scrivere una nuova versione
morning-left = Che cosa resta da fare
morning-in = Nella restituzione
morning-press = Salva la restituzione
version-night = Elenco della notte dal { $at }, versione { $n }
version-morning = Restituzione della notte dal { $at }, versione { $n }

ward-shift = Consegne delle { $change }, scritte da { $who } alle { $at }: nessuno le ha ancora confermate. Vedere la pagina Consegne.
ward-night = Elenco della notte dalle { $change }, scritto da { $who } alle { $at }: nessun medico di continuità assistenziale l’ha ancora confermato. Vedere la pagina Notte.
ward-morning = Restituzione della notte, scritta da { $who } alle { $at }: nessuno l’ha ancora confermata. Vedere la pagina Notte.
ward-shift-unwritten = Cambio turno delle { $change }: nessuno ha scritto le consegne. Vedere la pagina Consegne.
ward-night-unwritten = Notte dalle { $change }: nessuno ha scritto l’elenco per la Continuità Assistenziale. Vedere la pagina Notte.
ward-morning-unwritten = Fine della notte alle { $change }: la Continuità Assistenziale non ha restituito i pazienti. Vedere la pagina Notte.
