token-title = Token per programmi
token-what = Un token fa entrare un programma nell’API al posto di una persona: vede e fa al massimo ciò che può questo account, e solo per ciò che si sceglie. Ogni lettura è nel registro degli accessi. Chi lo ha può usarlo: va custodito come una password.
token-none = Nessun token.
token-made = Copiare adesso il token: non sarà più mostrato.
token-unused = Valido fino al { $until }, mai usato.
token-used = Valido fino al { $until }, ultimo uso { $used }.
token-over = Non più valido dal { $at }.
token-end = Termina
token-new = Nuovo token
token-name = Nome
token-name-hint = Il programma che lo usa, e dove si trova.
token-scopes = A che cosa serve
token-ward-read = Leggere l’elenco dei pazienti
token-patient-read = Leggere i dati di un paziente
token-diary-write = Scrivere nel diario: prese in carico, telefonate, note, chiusure
token-days = Per quanto tempo
token-so-many = { $n ->
    [one] { $n } giorno
   *[other] { $n } giorni
}
token-make = Crea il token
token-name-wrong = Il nome ha da 1 a 60 caratteri. Nessun token è stato creato.
token-scopes-none = Scegliere almeno una voce: un token senza scopo non serve. Nessun token è stato creato.
token-days-wrong = Un token vale da 1 a 365 giorni. Nessun token è stato creato.
token-full = I token validi sono già 10: terminare quelli che nessun programma usa.
account-tokens-page = Token: creare, terminare
audit-token-made = Token per programmi creato
audit-token-ended = Token per programmi terminato
