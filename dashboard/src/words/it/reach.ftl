# Who is called, and by what.

reach-nobody = <strong>Nessuno è in turno: gli avvisi non chiamano nessuno.</strong> L’amministratore scrive i turni dalla riga di comando (<code>veglia duty add</code>).
reach-for-repair = Per chi lo ripara:
reach-repaired = Recapito sistemato: chiudi la segnalazione
reach-now = In turno adesso
reach-now-nobody = nessuno
reach-mmg = medico n. { $id }
reach-no-address = { $name } (nessun recapito: non può essere chiamato)
reach-own = I suoi recapiti
reach-own-none = Non c’è alcun suo recapito: gli avvisi non la raggiungono. L’amministratore lo scrive dalla riga di comando (<code>veglia duty contact</code>).
reach-own-order = In quest’ordine, finché uno riesce:
reach-browser = un browser ({ $host })
reach-this-browser = questo browser
reach-remove = Togli
reach-try = Invia una prova a tutti i miei recapiti
reach-messages = Messaggi
reach-waiting = In attesa
reach-sent = Inviati
reach-received = Con ricevuta di consegna
reach-failed = Non consegnati a nessuno

reach-done-trial = Messaggio di prova in partenza verso ciascuno dei suoi recapiti: controlli che arrivi. Se un recapito non funziona, entro un minuto lo si legge in questa pagina.
reach-done-nothing = Non ci sono suoi recapiti a cui inviare una prova.
reach-done-browser = Questo browser riceve gli avvisi. Per provarlo: «Invia una prova».
reach-done-removed = Il browser è stato tolto: non riceve più gli avvisi.
reach-done-seen = Segnalazione chiusa.
reach-done-too-many = Ci sono già troppi recapiti: toglierne uno, poi ripetere.

post-operator = Operatore
post-second-operator = Secondo operatore
post-doctor = Medico di turno
post-out-of-hours = Continuità Assistenziale

push-title = Questo dispositivo
push-script = Per ricevere gli avvisi su questo dispositivo serve JavaScript.
push-subscribe = Ricevi gli avvisi su questo dispositivo
push-private = L’avviso dice solo che qualcosa la aspetta: nomi e dati clinici restano in Veglia. Su iPhone e iPad occorre prima aggiungere Veglia alla schermata Home.
push-forbidden = Il browser non permette le notifiche: consentirle nelle impostazioni del sito, poi riprovare.
push-subscribing = Iscrizione in corso…
push-failed = L’iscrizione non è riuscita: il servizio di notifiche del browser non risponde. Riprovare più tardi.
push-unable = Questo browser non riceve notifiche: usare un altro recapito.
push-on = Questo dispositivo riceve gli avvisi.
push-off = Questo dispositivo non riceve gli avvisi.
push-refused = Questo browser non permette le notifiche in questa pagina.

channel-sms = SMS
channel-email = Posta elettronica
channel-push = Notifiche del browser
channel-webhook = Chiamate ad altri programmi

amiss-mmg = medico di famiglia n. { $id }
amiss-patient = un paziente
amiss-channel = { $channel }: gli avvisi non partono
amiss-person = { $channel }: { $who } non è raggiungibile
amiss-still = { $what } { $began }; chi ha un altro recapito è avvisato lì.
amiss-over = { $what } { $began }. Risolto: funziona di nuovo { $ended }.
amiss-phone-closed = Telefonate: le misure dette per telefono NON si possono salvare. Chiamare chi gestisce il sistema; se un valore preoccupa, agire subito.
amiss-phone-waiting = { $answers ->
    [one] Telefonate: una risposta detta per telefono aspetta, e niente arriva alle regole { $since }. Se preoccupa, agire subito.
   *[other] Telefonate: { $answers } risposte dette per telefono aspettano, e niente arriva alle regole { $since }. Se preoccupano, agire subito.
}
