laboratory-title = Esiti dei laboratori
laboratory-calls = Positivi da chiamare, che un SMS non raggiunge
laboratory-kept = { $new ->
    [one] { $new } esito registrato
   *[other] { $new } esiti registrati
}; già presenti: { $known }. Le righe da correggere sono nell’elenco qui sotto.
waiting-title = Da guardare
waiting-none = Nessun esito aspetta una persona.
waiting-came = Arrivato
waiting-why = Perché
waiting-what = Che fare
waiting-open = Correggere
waiting-more = { $more ->
    [one] Un altro aspetta: si vede quando questi sono corretti.
   *[other] Altri { $more } aspettano: si vedono quando questi sono corretti.
}
why-cancelled = Il laboratorio ha annullato un esito che era positivo: decidere del caso.
why-refused = Il caso non lo accetta: verificare con il laboratorio.
unreadable-no-header = Il messaggio non si legge: manca la prima riga (MSH).
unreadable-charset = Il messaggio non si legge: i caratteri non sono quelli dichiarati (MSH-18).
unreadable-long = Il messaggio è troppo lungo: chiedere al laboratorio di inviarlo a parti.
unreadable-kind = Non è un messaggio di esiti (ORU^R01).
unreadable-no-result = Il messaggio non contiene un esito completo (PID, OBR, OBX).
unreadable-trial = Il laboratorio lo segna come prova (MSH-11): non riguarda persone vere.
unreadable-segment = Il messaggio non si legge: una riga non è un segmento.
fault-laboratory = Manca il laboratorio.
fault-order = Manca il numero del campione o della richiesta.
fault-person-missing = Manca il Codice Fiscale (o STP, ENI).
fault-person = Il Codice Fiscale (o STP, ENI) non è valido.
fault-born = La data di nascita non è una data.
fault-phone-missing = Manca il telefono lasciato al prelievo.
fault-phone = Il telefono non è un numero.
fault-taken-missing = Manca quando è stato fatto il tampone.
fault-taken = La data del tampone non esiste, è nel futuro o è troppo vecchia.
fault-reported = La data del referto non è una data.
fault-test = Esame non conosciuto: scrivere molecolare o antigenico.
fault-outcome = Esito non conosciuto, o due esiti che non concordano.
fault-status = Stato non conosciuto: definitivo, corretto, provvisorio o annullato.
fault-contradiction = Prima il laboratorio aveva detto altro, e non dice di correggersi: chiedere.
fault-text = Un testo è troppo lungo.
upload-title = Caricare un foglio (CSV)
upload-what = La prima riga ha i nomi delle colonne, divise da punto e virgola, virgola o tabulazione. Sono necessarie campione, codice_fiscale, prelievo, esame, esito.
upload-laboratory = Laboratorio, se il foglio non ha la colonna
upload-file = File
upload-text = Oppure incollare qui le righe
upload-preview = Controllare
upload-keep = Registrare
sheet-empty = Il foglio è vuoto: scegliere un file o incollare le righe.
sheet-long = Il foglio è troppo lungo: al massimo { $most } righe, in più volte.
sheet-missing = Nella prima riga manca la colonna { $column }.
sheet-broken = La riga { $line } non è di un foglio CSV.
preview-good = { $good ->
    [one] { $good } riga è giusta.
   *[other] { $good } righe sono giuste.
} Non è ancora registrato nulla.
preview-faulty = Queste righe hanno un errore. Si possono correggere qui sotto, o registrare così: restano fra gli esiti da guardare.
preview-line = Riga { $line }:
preview-more = E altre { $more }.
time-title = Dal tampone al referto
time-what = Esiti definitivi arrivati negli ultimi 14 giorni.
time-none = Nessun esito in questi giorni.
time-median = Metà entro
time-tenth = Nove su dieci entro
time-measured = Misurati
time-unmeasured = Senza un’ora
lasting = { $hours } h { $minutes } min
field-laboratory = Laboratorio
field-order = Campione o richiesta
field-person = Codice Fiscale, STP o ENI
field-surname = Cognome
field-name = Nome
field-born = Data di nascita
field-phone = Telefono
field-no-phone = Non ha un telefono: il caso va all’elenco delle telefonate
field-taken = Tampone fatto il
field-reported = Referto del
field-test = Esame
field-outcome = Esito
field-status = Stato
mend-title = Esito da guardare
mend-came = Arrivato il { $at }.
mend-message = Come è arrivato
mend-what = Come deve essere
mend-refused = Non è stato registrato: c’è qualcosa da correggere.
mend-for-the-case = Se il caso è a posto, metterlo da parte con il motivo. Una correzione si scrive con stato «corretto».
mend-hint-moment = Per esempio 20/10/2020 10:30. Senza fuso è l’ora italiana.
mend-hint-person = Sedici caratteri.
mend-hint-test = molecolare o antigenico
mend-hint-outcome = positivo, negativo, indeterminato o da ripetere
mend-hint-status = definitivo, corretto, provvisorio o annullato
mend-press = Registrare corretto
mend-why-fault = Scrivere il motivo, in una riga.
aside-title = Oppure non è un esito
aside-why = Motivo
aside-press = Mettere da parte
