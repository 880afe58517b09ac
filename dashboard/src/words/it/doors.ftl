# Somebody else's patient, the glass that is broken, a form that lost its session, what doctors of
# elsewhere see, and the screens on walls.

door-home = Torna alla pagina iniziale

stranger-title = Paziente non trovato
stranger-why = <strong>Nessun paziente in carico a lei corrisponde a questo indirizzo.</strong> L’indirizzo può essere sbagliato, oppure il paziente non è, o non è più, tra i suoi.
stranger-help = Se una persona ha bisogno di aiuto adesso, si può aprire la sua scheda per un’ora indicando il motivo. L’accesso resta scritto e viene riletto.

glass-until = <strong>Accesso urgente fino alle { $until }.</strong> Quanto viene letto è scritto nel registro degli accessi.
glass-title = Accesso urgente
glass-what = Serve ad aiutare adesso una persona che non è tra i suoi pazienti. Apre la sua scheda per un’ora. Nome, motivo e ora restano nel registro degli accessi e nel diario della persona, e vengono riletti.
glass-code = Codice fiscale della persona
glass-number = Per il paziente con il numero <strong>{ $patient }</strong>.
glass-why = Motivo
glass-open = Apri per un’ora
glass-unknown = Nessuno in archivio corrisponde: controllare, poi ripetere. La ricerca è stata scritta nel registro degli accessi.
glass-code-wrong = Questo codice fiscale non è valido: controllarlo lettera per lettera.
glass-why-wrong = Scrivere il motivo, da { $min } a { $max } caratteri: verrà riletto.
glass-too-many = In un giorno si può fare al massimo { $max } volte. Chiedere alla Centrale di affidarle il paziente.

lost-what = <strong>Nulla è stato scritto.</strong> Ciò che è stato digitato è qui sotto e non va perso finché questa pagina resta aperta.
lost-sign-in = Accedere in un’altra scheda
lost-again = Tornare a questa scheda e inviare di nuovo. L’atto porta la firma di chi ha fatto l’accesso.
lost-typed = Testo digitato
lost-send = Invia di nuovo

own-nobody-mmg = Nessun suo assistito è in telemonitoraggio, e adesso non sostituisce nessuno.
own-nobody-hospital = Il suo reparto non ha pazienti in telemonitoraggio.
own-nobody-night = Nessun paziente: o non risulta in turno adesso, o nessuno è stato affidato alla Continuità Assistenziale. I turni li tiene la Centrale.
own-glass = Accesso urgente a un paziente che non è tra i suoi

notice-title = Avviso
notice-what = La Centrale Medica segue a distanza pazienti che sono a casa. C’è un avviso per lei, su una persona che lei segue.
notice-seen = <strong>Confermato.</strong> La Centrale sa che lei ha ricevuto l’avviso.
notice-confirm = Ho ricevuto l’avviso
notice-open = Accedere e vedere l’avviso
notice-private = Per riservatezza qui non ci sono dati clinici: li dà la Centrale, per telefono. Se l’avviso non è per lei, chiuda questa pagina.

screens-title = Schermi a parete
screens-what = Uno schermo a parete mostra chi ha bisogno di qualcuno, senza nomi: solo le ultime cifre del numero. Si apre con un indirizzo proprio, senza accesso.
screens-made = <strong>Schermo creato.</strong> Aprire questo indirizzo sul televisore, adesso: non sarà mostrato di nuovo.
screens-where = Dove si trova
screens-make = Crea uno schermo
screens-none = Nessuno schermo.
screens-end = Spegni
screens-ended = spento
screens-name-wrong = Scrivere dove si trova lo schermo, con 1 a 100 caratteri.
screens-too-many = Ci sono già 50 schermi: spegnere prima quelli che non servono.
since-today = dalle { $hour }
since-before = dal { $day } alle { $hour }
