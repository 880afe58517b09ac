# Accounts: one's own, with its sessions, codes and passkeys, and those that the administrator sees.

account-title = Il mio account
account-sessions = Dove ho fatto l’accesso
account-this = questa
account-end-others = Termina tutte le altre
account-codes-on = Attivi: oltre alla password serve il codice del telefono. Codici di recupero ancora validi: <strong>{ $left }</strong>.
account-code = Codice del telefono
account-recovery-hint = I codici di recupero di prima non valgono più.
account-recovery = Nuovi codici di recupero
account-lost-phone = Telefono perso o cambiato: l’amministratore toglie i codici, poi si attivano di nuovo.
account-codes-must = Il suo ruolo li richiede: finché non sono attivi, le altre pagine restano chiuse.
account-codes-off = Non attivi. Con i codici, chi conosce la password non entra senza il suo telefono.
account-codes-begin = Attiva i codici
account-passkeys-none = Nessuna. Con una passkey si accede senza password e senza codice.
account-passkeys = Quante ne ha: <strong>{ $n }</strong>. Con una di queste si accede senza password e senza codice.
account-passkeys-page = Passkey: creare, togliere
account-continue = Continua

session-told = dal { $opened }, ultimo uso { $seen }
session-end = Termina<span class="visually-hidden"> { $browser } del { $opened }</span>

codes-title = Codici di accesso
codes-must = <strong>Il suo ruolo li richiede.</strong> Servono due minuti e un telefono con un’applicazione per codici (per esempio FreeOTP o Google Authenticator).
codes-scan = Aprire l’applicazione sul telefono e inquadrare il riquadro.
codes-type = Scrivere qui il codice di sei cifre che compare.
codes-square = Riquadro da inquadrare con il telefono
codes-cannot-scan = Non si può inquadrare
codes-secret = Scrivere nell’applicazione questa chiave, di tipo «a tempo»:
codes-code = Codice di sei cifre
codes-do = Attiva

recovery-title = Codici di recupero
recovery-what = <strong>I codici sono attivi.</strong> Questi si vedono solo adesso: stamparli o copiarli, e tenerli lontano dal telefono. Ciascuno vale una volta, se il telefono non c’è.

passkey-title = Passkey
passkey-what = Al posto di password e codice: l’impronta, il volto o il PIN di un telefono, di un computer o di una chiave USB. Non si può rubare con una pagina falsa.
passkey-none = Nessuna.
passkey-told = dal { $made }
passkey-told-used = dal { $made }, ultimo uso { $used }
passkey-remove = Togli
passkey-new = Una nuova
passkey-name = Come chiamarla
passkey-name-hint = Il dispositivo che la tiene, per esempio «telefono».
passkey-make = Crea la passkey
passkey-not-made = La passkey non è stata creata. Riprovare, oppure usare un altro dispositivo.
passkey-unable = Questo browser non può creare passkey: usarne uno recente, con JavaScript, all’indirizzo { $origin }.
passkey-confirm = Per crearne o toglierne
passkey-password = La password, di nuovo
passkey-continue = Continua con una passkey
passkey-unused = La passkey non è stata usata. Riprovare.
passkey-unused-sign-in = La passkey non è stata usata. Riprovare, oppure usare nome utente e password.
passkey-unused-confirm = La passkey non è stata usata. Riprovare, oppure scrivere la password.
passkey-refused = Passkey non riconosciuta. Usare nome utente e password, oppure un’altra passkey.
passkey-over = La richiesta è scaduta o è già stata usata. Ricominciare.
passkey-again = Prima scrivere di nuovo la password, oppure usare una passkey.
passkey-password-wrong = Password non corretta. Controllare le maiuscole e riprovare.
passkey-name-wrong = Dare alla passkey un nome di 60 caratteri al massimo.
passkey-full = Le passkey sono già 16: toglierne una prima di farne un’altra.
passkey-known = Questa passkey c’è già.

confirm-title = La password, di nuovo
confirm-what = Prima di continuare con «{ $page }»: chi trova lo schermo aperto non deve poterlo fare.

account-identities-none = Nessuna. Con un’identità esterna si accede senza password e senza codice.
account-identities = Quante aprono l’account: <strong>{ $n }</strong>.
account-identities-page = Identità: collegare, scollegare

identity-title = Identità esterne
identity-what = Con un’identità collegata si accede dal pulsante «{ $button }», senza password e senza codice.
identity-none = Nessuna identità è collegata a questo account.
identity-own = Collegata da lei il { $at }.
identity-given = Collegata dall’amministratore il { $at }.
identity-remove = Scollega
identity-link = Collega un’identità
identity-hint = Si apre il servizio di identità: dopo averla riconosciuta la riporta qui. Chi scollega un’identità termina gli accessi aperti con essa.
identity-change = Collegare o scollegare
identity-done = L’identità è collegata: dal prossimo accesso apre questo account.
identity-refused = L’identità non è stata riconosciuta e nulla è stato collegato. Ricominciare.
identity-weak = Serve un’identità di livello più alto, per esempio SPID di livello 2. Nulla è stato collegato.
identity-down = Il servizio di identità non risponde. Nulla è stato collegato: riprovare più tardi.
identity-taken = Questa identità apre già un account. Se non è il suo, avvisare l’amministratore.
identity-full = Le identità collegate sono già 8: scollegarne una prima.

users-name = Nome
users-role = Ruolo
users-sessions = Accessi aperti
users-codes = Codici
users-codes-on = attivi
users-codes-must = da attivare
users-codes-off = non attivi
users-erasures = Cancellazioni di pazienti
users-made = Gli utenti si creano e si chiudono dalla riga di comando.

user-title = Utente
user-no-sessions = Nessuno.
user-end-all = Termina tutti gli accessi
user-codes-on = Attivi. Si tolgono a chi ha perso il telefono, dopo averlo riconosciuto: al prossimo accesso basta la password, e li attiva di nuovo.
user-codes-withdraw = Togliere i codici…
user-codes-withdraw-do = Togli i codici e termina gli accessi
user-codes-off = Non attivi.
user-passkey-withdraw = Ritira
user-passkeys-withdraw = Ritira tutte le passkey e termina gli accessi
user-identities = Identità esterne che aprono l’account: <strong>{ $n }</strong>. Le collega chi le possiede, o la riga di comando.
