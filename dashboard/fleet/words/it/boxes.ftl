# What boxes and devices are, what they answer, and what was done about them.

span-none = meno di 1 min
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n ->
    [one] { $n } giorno
   *[other] { $n } giorni
}
ago-now = adesso
ago = { $span } fa

vital-spo2 = SpO₂ { $value } %
vital-pulse = polso { $value }/min
vital-temperature = temperatura { $value } °C
vital-respiratory = respiri { $value }/min
vital-systolic = pressione massima { $value } mmHg
vital-unsure = { $reading } (incerta)

fault-bond = La scatola e il dispositivo non si riconoscono più: bisogna abbinarli di nuovo. Al paziente: «Tenga il dispositivo vicino alla scatola e acceso, ci pensiamo noi»; poi sulla scatola veglia gateway pair.
fault-held = Il dispositivo è vicino ma occupato: quasi certamente lo tiene un telefono. Al paziente: «Chiuda l’app dell’ossimetro sul telefono, o spenga il Bluetooth del telefono, poi spenga e riaccenda il dispositivo».
fault-radio-off = Il Bluetooth della scatola è spento. Al paziente: «Stacchi la spina della scatola, conti fino a dieci e la riattacchi». Se continua, serve un tecnico.
fault-no-radio = La scatola non trova la sua antenna Bluetooth. Al paziente: «Controlli che la chiavetta sia ben inserita nella scatola, poi stacchi e riattacchi la spina». Se continua, cambiare la scatola.
fault-not-allowed = Il programma della scatola non può usare il Bluetooth: serve un tecnico. Il paziente non può farci nulla.
fault-no-service = Il Bluetooth della scatola si sta riavviando da sé: attendere cinque minuti. Al paziente: «Non deve fare nulla».
fault-unsupported = Questo dispositivo parla una lingua che la scatola non conosce: va cambiato con uno dell’elenco. Le sue misure si dettano al telefono.
fault-list = La scatola non riesce più a leggere l’elenco dei suoi dispositivi: vanno abbinati di nuovo. Il paziente non può farci nulla; sulla scatola veglia gateway pair dice quale file spostare.
fault-too-many = Vicino alla scatola ci sono più dispositivi di quanti ne può ascoltare: uno resta fuori. Togliere dalla scatola quelli che il paziente non usa più.
fault-clock = L’orologio del dispositivo è sbagliato e la scatola non può regolarlo: le sue misure arrivano senza un’ora sicura e nessuna regola le giudica. Al paziente: «Regoli data e ora del dispositivo»; altrimenti va cambiato. Intanto le misure si dettano al telefono.
fault-other = Guasto { $code }: questa centrale non lo conosce, va aggiornata. Intanto le misure si dettano al telefono.

clock-unknown = non regolato: ore delle misure ignote
clock-holdover = ora propria, non confermata in rete
clock-synchronised = ora confermata in rete

box-waits-nothing = niente in attesa
box-waits = { $n ->
    [one] { $n } lettura in attesa
   *[other] { $n } letture in attesa
}
box-waits-since = { $waits } da { $span }
battery-percent = batteria { $percent }{"\u00A0"}%
battery-low = batteria scarica

ping-done = { $gateway } ha risposto: il collegamento funziona.
ping-refused = { $gateway } ha risposto, ma non ha accettato la domanda.
measure-done = Misura chiesta a { $device }. Se il sensore è indossato, il valore arriva tra poco.
measure-not-supported = { $device } non accetta richieste: misura da solo. Per una misura subito, telefonare.
measure-not-connected = { $gateway } risponde, ma { $device } non è collegato: far controllare cavo e accensione.
measure-busy = { $gateway } ha altro da fare in questo momento: riprovare tra un minuto.
measure-not-understood = { $gateway } non ha capito la richiesta: aggiornare il suo programma.
unheard-not-connected = { $gateway } non è collegato, o il suo programma è troppo vecchio: non può ricevere domande.
unheard-gone = Il collegamento con { $gateway } è caduto prima della risposta: riprovare tra un minuto.
unheard-too-many = Ci sono già troppe domande in attesa per { $gateway }: aspettare un minuto.
unheard-no-answer = { $gateway } non ha risposto entro 10 secondi: controllare la rete di casa, poi riprovare.
unheard-centre = La centrale non riesce a parlare con le scatole in questo momento: non è stato chiesto nulla. Riprovare tra un minuto; se continua, avvisare chi gestisce il sistema.

nameless = Paziente non registrato …{ $end }
together = { $others } e { $last }
signed-number = operatore n. { $number }
signed-terminal = { $account } (da terminale)
signed-box = la scatola stessa

port-speaking = trasmette
port-spoke = trasmetteva
port-silent = non trasmette
port-absent = non collegato
port-frame = ultimo segnale { $ago }
port-name = porta { $name }

box-ports-unknown = Quali dispositivi ha, ora non è noto.
box-ports-unsaid = Non ha ancora detto quali dispositivi ha.
box-waiting = In attesa
box-unsaid = non detto
box-clock = Orologio
box-software = Programma
box-version = versione { $version }
box-connected = Collegato
box-connected-since = dal { $time }
box-connected-before = da prima dell’avvio della centrale
box-contact = Ultimo contatto
box-contact-at = { $ago } ({ $time })
box-access = Accesso
box-access-unlisted = non è nell’elenco
box-access-password = con password, solo su questa macchina
box-access-until = con certificato, fino al { $date }
box-access-certificate = con certificato

chip-mute = muto da { $span }
chip-mute-advice = Controllare che la scatola sia accesa e che la rete di casa funzioni. Le misure restano nella scatola e arrivano quando si ricollega.
chip-expired = certificato scaduto il { $date }
chip-expired-advice = La scatola non può più collegarsi: farla accendere con la rete funzionante, o darle un nuovo codice.
chip-expires = certificato scade il { $date }
chip-expires-advice = La scatola non riesce a rinnovarlo: deve raggiungere le pagine di questa centrale. Avvisare chi gestisce il sistema.
chip-troubled = da guardare
chip-troubled-advice = La scatola è collegata, ma { $why }.
chip-idle = collegato, nessuna misura
chip-idle-advice = Nessun dispositivo trasmette: controllare cavi, accensione e batterie.
chip-unseen = non ancora visto
chip-unseen-advice = Dall’ultimo avvio della centrale non si è fatto sentire. Una scatola accesa parla ogni minuto.
chip-unknown = stato sconosciuto
chip-well = collegato
chip-revoked = revocato il { $moment }
chip-revoked-advice = Non può collegarsi. Le misure non inviate restano nella scatola finché non viene registrata di nuovo.
trouble-unlisted = non è nell’elenco di questa centrale
trouble-clock = il suo orologio non è regolato: controllare la rete di casa
trouble-refused = alcune letture non sono state capite dalla centrale: avvisare chi gestisce il sistema
trouble-late = le letture arrivano in ritardo: controllare la rete di casa

summary-none = Nessun gateway ancora registrato.
summary-all = { $n } gateway: { $parts }.
summary-mute = { $n ->
    [one] { $n } muto
   *[other] { $n } muti
}
summary-troubled = { $n } da guardare
summary-idle = { $n } senza misure
summary-unseen = { $n ->
    [one] { $n } non ancora visto
   *[other] { $n } non ancora visti
}
summary-unknown = { $n } di stato sconosciuto
summary-well = { $n ->
    [one] { $n } collegato
   *[other] { $n } collegati
}
summary-revoked = { $n ->
    [one] { $n } revocato
   *[other] { $n } revocati
}

deed-invited = { $by } ha fatto un codice per { $gateway }
deed-withdrawn = { $by } ha ritirato il codice di { $gateway }
deed-enrolled = { $gateway } si è registrato con il suo codice
deed-revoked = { $by } ha revocato { $gateway }
deed-pinged = { $by } ha provato il collegamento di { $gateway }
deed-measured = { $by } ha chiesto una misura a { $gateway }
deed-failed = { $gateway }: l’operazione di { $by } non è riuscita
deed-unknown = { $by }: { $gateway }
