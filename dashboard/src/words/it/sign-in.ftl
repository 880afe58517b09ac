# Signing in: the password, the second step, an identity from elsewhere.

sign-in-title = Accesso
sign-in-refused = <strong>Nome utente o password non corretti.</strong> Controllare le maiuscole e riprovare.
sign-in-too-many = <strong>Troppi tentativi.</strong> Riprovare tra { $minutes } min. Chi ha dimenticato la password la chieda all’amministratore.
sign-in-no-accounts = <strong>Nessun utente registrato.</strong> L’amministratore crea il primo dalla riga di comando; poi ricaricare questa pagina.
sign-in-username = Nome utente
sign-in-password = Password
sign-in-do = Accedi
sign-in-passkey = Accedi con una passkey
sign-in-staff-only = Pagina riservata al personale della Centrale Medica. In caso di emergenza chiamare il <strong>112</strong>.

second-title = Codice di accesso
second-too-many = <strong>Troppi tentativi.</strong> Riprovare tra { $minutes } min.
second-code = Codice dell’applicazione sul telefono
second-passkey = Questo account si apre con una passkey.
second-no-passkey = Questo browser non può usarla: servono JavaScript e un browser recente.
second-lost-passkey = Chi non l’ha più lo dica all’amministratore.
second-recovery = Senza telefono vale uno dei codici di recupero, una volta ciascuno. Chi non ha più né l’uno né gli altri lo dica all’amministratore.
second-again = Ricominciare da capo

code-wrong = Codice non corretto, scaduto o già usato. Aspettare il prossimo sul telefono, poi scriverlo.
code-slowed = Troppi tentativi: riprovare tra un minuto.

elsewhere-refused = Accesso non riuscito. Usare nome utente e password, oppure chiedere all’amministratore se questa identità è collegata all’account.
elsewhere-weak = Serve un’identità di livello più alto, per esempio SPID di livello 2. Ricominciare, oppure usare nome utente e password.
elsewhere-down = Il servizio di identità non risponde. Usare nome utente e password.
