# The pages of boxes and devices.

fleet-title = Dispositivi e gateway
fleet-now = Ora
fleet-reload = Aggiorna la pagina
fleet-lost = Collegamento interrotto – lo stato delle scatole non è noto.
fleet-kit = Consegna un kit
fleet-invite = Registra una scatola
fleet-loose-chip = da assegnare
fleet-loose = Dispositivi non assegnati che misurano
fleet-loose-what = Le loro misure non compaiono presso alcun paziente.
fleet-loose-measured = Che cosa hanno misurato
fleet-on = su { $gateway }
fleet-assign = Assegna<span class="visually-hidden"> { $device }</span> a un paziente
fleet-loose-hidden = Altri { $n } non mostrati in questa pagina.
fleet-boxes = Gateway
fleet-search-what = Cerca un gateway o un dispositivo
fleet-search = Cerca
fleet-all = Mostra tutti
fleet-then = Come ha detto all’ultimo contatto:
fleet-unassigned = Non assegnato.
fleet-shared-by-some = Condiviso da { $n } pazienti
fleet-worn-by-one = Assegnato a un paziente
fleet-shared-by = Condiviso da
fleet-worn-by = Indossato da
fleet-sheet = Scheda<span class="visually-hidden"> di { $device }</span>
fleet-measure = Chiedi una misura ora<span class="visually-hidden"> a { $device }</span>
fleet-ping = Prova collegamento<span class="visually-hidden"> di { $gateway }</span>
fleet-again = Registra di nuovo<span class="visually-hidden"> { $gateway }</span>
fleet-revoke = Revoca…<span class="visually-hidden"> { $gateway }</span>
fleet-none-found = Nessun gateway trovato per «{ $search }».
fleet-hidden = Altri { $n } gateway non mostrati in questa pagina: cercarli per nome.
fleet-unlisted = Alcuni gateway parlano e non trovano posto nell’elenco: avvisare chi gestisce il sistema.
fleet-codes = Codici aperti
fleet-code = <strong>{ $gateway }</strong>, fatto il { $made }, valido fino al { $until }
fleet-code-withdraw = Ritira il codice<span class="visually-hidden"> di { $gateway }</span>
fleet-no-authority = Per registrare scatole serve l’autorità di certificazione della centrale: chi gestisce il sistema la crea una volta con <code>veglia ca init</code>.
fleet-log = Registro
fleet-log-empty = Ancora nessuna operazione.

whose-title = Di chi è?
whose-back = Torna ai pazienti
whose-lost = Le misure senza nome non sono note in questo momento.
whose-red = ROSSO
whose-red-over = ROSSO, rientrato
whose-values = Valori, nell’ordine in cui sono stati misurati
whose-old = in attesa da troppo
whose-readings = { $n ->
    [one] { $n } lettura
   *[other] { $n } letture
}
whose-nobody-has-it = Nessuno ha questo dispositivo.
whose-before = Misurata prima della consegna.
whose-assign = Assegna<span class="visually-hidden"> { $device }</span>
whose-trial = Una prova, di nessuno
whose-none-of-them = Nessuno di loro
whose-why = Perché il rosso non è di nessuno
whose-close = Chiudi il rosso: non è di nessuno
whose-left-out = { $n ->
    [one] Una misura di dispositivi senza paziente
   *[other] { $n } misure di dispositivi senza paziente
}
whose-nothing = Nessuna misura aspetta di sapere di chi è.
whose-hidden = Altre { $n } non mostrate: compaiono man mano che si risponde.
whose-at = alle { $at }
whose-from-until = dalle { $from } alle { $until }
whose-reasonless = Una misura rossa, o che potrebbe esserlo, non si chiude con un tocco: scrivere in breve perché non è di nessuno. Nulla è stato scritto.
whose-nobody = nessuno di loro
whose-said = { $by } ha già risposto: { $whose }. Nulla è stato scritto; per correggere, aprire la scheda del dispositivo.
whose-stranger = Questa persona non aveva il dispositivo in quel momento. Nulla è stato scritto.

assign-title = Assegna { $device }
assign-page = Assegna un dispositivo
assign-heard = Trasmette attraverso { $gateway }.
assign-unheard = In questo momento nessun gateway collegato lo sente.
assign-worn = È assegnato a
assign-change = Ritirarlo o correggere
assign-nobody = Nessun paziente ha un piano: chi gestisce il sistema lo registra dalla riga di comando.
assign-patient = Paziente che lo indossa
assign-choose = Scegliere…
assign-shared = Lo usano in più persone della stessa casa
assign-shared-what = Di ogni misura si chiede poi «di chi è?» nella pagina dei pazienti. Finché nessuno risponde, un valore rosso chiama secondo i limiti più severi tra i loro.
assign-together = Insieme a
assign-and = e a
assign-nobody-else = Nessun altro
assign-what = Da adesso le sue misure compaiono presso il paziente. Quelle di prima restano senza paziente. Controllare per telefono che lo indossi davvero la persona scelta.
assign-do = Assegna da adesso
assign-unchosen = Scegliere un paziente dall’elenco. Nulla è stato scritto.
assign-taken = { $device } è già assegnato a { $name } dal { $since }. Nulla è stato scritto.
assign-twice = Chi condivide un dispositivo va scelto una volta sola. Nulla è stato scritto.

sheet-page = Scheda di un dispositivo
sheet-title = Scheda del dispositivo
sheet-nobody = Adesso non lo ha nessuno.
sheet-assign = Assegna a un paziente
sheet-has = Adesso lo ha
sheet-share = Adesso lo condividono
sheet-card = Tesserino da stampare
sheet-returned = Riconsegnato il (vuoto: adesso)
sheet-returned-hint = Con un momento passato le misure da allora in poi non sono più di chi lo aveva: ciò che ne era nato viene ritirato.
sheet-take-back = Ritira il dispositivo
sheet-history = Consegne
sheet-never = Non è mai stato assegnato.
sheet-to = A chi
sheet-from = Dal
sheet-until = Fino al
sheet-given-by = Consegnato da
sheet-taken-by = Ritirato da
sheet-is-shared = (condiviso)
sheet-lasts = in corso
sheet-said = Di chi erano le misure
sheet-said-what = Vale la riga più in alto che comprende il momento della misura.
sheet-measured = Misurate
sheet-of = Di
sheet-said-by = Detto da
sheet-why = Motivo
sheet-answer = risposta
sheet-correct = Correggere di chi sono le misure
sheet-correct-from = Misurate dal
sheet-correct-until = fino al, compreso quel minuto (vuoto: adesso)
sheet-correct-whose = Sono di
sheet-correct-nobody = Nessun paziente (prova, visitatore)
sheet-correct-what = Le curve seguono la correzione. Le segnalazioni nate da queste misure vengono ritirate, con il motivo, e rivalutate per la persona giusta; nulla viene cancellato. Per chi le perde le regole ricominciano da capo.
sheet-correct-do = Correggi
sheet-unchosen = Scegliere di chi sono le misure, e da quando a quando.
sheet-backwards = La fine viene dopo l’inizio, e non nel futuro.
sheet-in-future = Il momento della riconsegna è nel passato, o adesso.
sheet-not-assigned = Il dispositivo non è assegnato a nessuno.
sheet-overtaken = { $name } lo ha dal { $since }: la pagina era di prima.
sheet-too-early = La consegna è del { $from }: la riconsegna viene dopo. Se non l’ha mai avuto, correggere di chi sono le misure.
sheet-already = { $by } lo ha già ritirato, con le { $until }.
sheet-reasonless = Scrivere il motivo della correzione.
sheet-corrected = Nel frattempo qualcun altro ha corretto: rileggere, poi ripetere.
sheet-before-all = Fino al { $first } non lo aveva nessuno: correggere da allora in poi. Di chi sia ciò che ha misurato prima si dice in «Di chi è?».
sheet-never-given = Non lo ha mai avuto nessuno: assegnarlo, poi dire di chi sono le misure in «Di chi è?».
sheet-too-wide = In quel tempo lo ha avuto più di qualcuno: correggere una consegna per volta, con i tempi della tabella.
sheet-nobodys = nessun paziente
sheet-nothing-written = { $sentence } Nulla è stato scritto.

card-page = Tesserino
card-title = Tesserino di { $device }
card-print = Stampare su A6, oppure su A4 e ritagliare. Resta con il dispositivo.
card-head = Tesserino del dispositivo
card-shared = Condiviso: a ogni misura la Centrale chiede di chi è.
card-square = Codice QR con l’identificativo del dispositivo
card-device = Dispositivo
card-make = Tipo
card-serial = N. di serie
card-given = Consegnato
card-returned = Restituito
card-foot = Accendere, mettere al dito, restare fermi. Se manca il fiato: 112.

kit-title = Consegna di un kit
kit-device = 1. Dispositivo: leggere o scrivere l’etichetta
kit-device-hint = Il codice intero, per esempio nonin:501234, o solo il numero di serie.
kit-patient = 2. Paziente: scrivere il cognome e scegliere
kit-with = Lo usa anche (facoltativo)
kit-more = In più di due:
kit-more-link = assegnare dalla pagina dei dispositivi
kit-give = 3. Consegna adesso
kit-is-it = È questo il dispositivo? Nulla è ancora stato scritto.
kit-recognised = <strong>{ $make } n. { $serial }</strong>, sulla scatola { $heard }
kit-give-this = Sì, consegna { $device }
kit-is-not = Se non lo è, scrivere il codice intero dell’etichetta.
kit-unknown = Nessun dispositivo si riconosce da «{ $label }»: leggere l’etichetta intera, per esempio nonin:501234.
kit-last-sign = { $gateway }, ultimo segnale { $ago }
kit-no-sign = { $gateway }, non ancora sentito
kit-wait-page = Prima misura
kit-another = Un altro kit
kit-wait-title = { $device } per { $to }
kit-given = Consegnato il { $since }.
kit-first = Prima misura, alle { $at }. Leggerla al paziente: «La vediamo anche noi».
kit-print = 4. Stampa il tesserino
kit-waiting = In attesa della prima misura…
kit-lost = La raccolta dei dati non risponde: la misura potrebbe essere già arrivata.
kit-say = Al telefono: «Accenda il dispositivo e lo metta al dito. Resti fermo un minuto».
kit-heard = La scatola { $gateway } lo sente.
kit-unheard = Nessuna scatola collegata lo sente ancora: controllare che la scatola sia accesa e vicina.
kit-reload = Aggiorna
kit-card = Tesserino senza attendere

invite-title = Registra una scatola
invite-no-authority = <strong>Questa centrale non può ancora registrare scatole.</strong> Chi gestisce il sistema crea una volta l’autorità di certificazione con <code>veglia ca init</code>, poi ricaricare questa pagina.
invite-what = Il codice fa entrare una sola scatola. Viene mostrato una volta sola, da stampare come etichetta.
invite-name = Nome del gateway
invite-name-hint = Per esempio casa-12: lettere, cifre, trattini. Niente nomi di persone.
invite-hours = Il codice vale per
invite-day = 24 ore
invite-days = { $n ->
    [one] { $n } giorno
   *[other] { $n } giorni
}
invite-centre = Indirizzo della centrale, come lo vede la scatola
invite-replace = Sì, la nuova scatola prende il posto di { $gateway }
invite-do = Fai il codice
invite-name-wrong = Il nome può avere da 1 a 64 lettere senza accento, cifre, trattini e trattini bassi, per esempio casa-12.
invite-centre-wrong = L’indirizzo della centrale comincia con https:// (http:// solo per prove su questa macchina), per esempio https://centrale.example.
invite-there = { $gateway } è già registrato. Con un nuovo codice un’altra scatola prenderebbe il suo posto e quella di oggi non potrebbe più collegarsi.
invite-none-made = Nessun codice è stato fatto.
invite-too-many = Ci sono già troppi codici aperti: ritirarne qualcuno.

label-page = Codice di una scatola
label-title = Codice per { $gateway }
label-once = <strong>Questo codice non verrà mostrato di nuovo.</strong> Stampare la pagina o copiarlo adesso. Chi ha il codice può collegare una scatola: non lasciarlo in giro.
label-square = Codice QR da leggere con la scatola
label-until = Vale una volta, fino al { $until }
label-at-the-box = Sulla scatola
label-at-the-box-what = Leggere il codice QR, oppure scrivere:

revoke-page = Revocare un gateway
revoke-title = Revocare { $gateway }?
revoke-when = Da fare quando la scatola è persa, rubata o non deve più inviare misure.
revoke-cut = Il collegamento si interrompe subito e la scatola non può più collegarsi.
revoke-kept = Le misure non ancora inviate <strong>restano nella scatola</strong> finché non viene registrata di nuovo; non vanno perse.
revoke-unwatched = Le misure già arrivate restano. I pazienti che usano questa scatola <strong>non sono più sorvegliati</strong> da qui: avvisarli.
revoke-code = Un codice aperto per { $gateway } viene ritirato.
revoke-why = Motivo (facoltativo)
revoke-why-hint = Resta nel registro, con il suo nome. Niente dati di pazienti.
revoke-do = Sì, revoca { $gateway }
revoke-back = No, torna indietro
