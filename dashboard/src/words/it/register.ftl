# Who read whom, for the auditor.

register-patient = Paziente (numero o codice fiscale)
register-patient-unknown = Né un numero di paziente (16 cifre esadecimali) né un codice fiscale in archivio.
register-reader = Chi ha letto
register-anybody = Chiunque
register-search = Cerca
register-lines = Chi ha letto chi
register-no-lines = Nessun accesso corrisponde.
register-number = N.
register-when = Quando
register-who = Chi
register-what = Che cosa
register-whose = Paziente
register-older = Più vecchi
register-glasses = Accessi urgenti
register-no-glasses = Nessuno.
register-from = Dal
register-until = Al
register-chain = Integrità
register-chain-what = Ogni riga è legata a quella prima: una riga cambiata o tolta si vede.
register-verify = Verifica tutto il registro

verified-title = Integrità del registro
verified-broken = <strong>La catena si rompe alla riga { $line }.</strong> Le { $intact } righe prima sono intatte; da lì in poi qualcosa è stato cambiato o tolto. Confrontare con una copia di sicurezza.
verified-intact = <strong>Il registro è intatto.</strong> Righe controllate: { $intact }.
verified-head = Impronta dell’ultima riga intatta: annotarla altrove e confrontarla la prossima volta, perché una fine tagliata via si vede solo così.

audit-passkey-made = Passkey creata
audit-passkey-shown = Passkey usata
audit-passkey-copied = Passkey rifiutata: risulta copiata
audit-passkey-removed = Passkey tolta da chi la possiede
audit-passkey-withdrawn = Passkey ritirata
audit-codes-made = Codici di accesso attivati
audit-codes-renewed = Codici di recupero rinnovati
audit-codes-withdrawn = Codici di accesso tolti
audit-identity-shown = Accesso con un’identità esterna
audit-identity-linked = Identità esterna collegata
audit-identity-unlinked = Identità esterna scollegata
