# What stands around every page, and the pages that say what went wrong.

frame-skip = Vai al contenuto
frame-sections = Sezioni
frame-menu = Menu
frame-leave = Esci
frame-no-device = Non è un dispositivo medico certificato.
frame-licences = Licenze dei componenti
frame-language = Lingua

menu-patients = Pazienti
menu-enrol = Nuovo paziente
menu-calls = Telefonate
menu-shift = Consegne
menu-night = Notte
menu-tonight = Questa notte
menu-fleet = Dispositivi e gateway
menu-reach = Reperibilità
menu-own = I miei pazienti
menu-accounts = Utenti
menu-screens = Schermi
menu-alerts = Segnalazioni
menu-summary = Riepilogo
menu-report = Segnala un caso
menu-reports = Casi segnalati
menu-laboratory = Laboratori
menu-register = Registro degli accessi

fault-home = Pagina iniziale
fault-session = Sessione scaduta
fault-session-advice = Accedere di nuovo, poi ripetere l’operazione: non è stata eseguita.
fault-forbidden = Operazione non permessa
fault-forbidden-advice = La richiesta è arrivata da un’altra pagina, oppure il suo ruolo non la prevede. Tornare alla pagina iniziale e ripeterla da lì.
fault-nowhere = Pagina non trovata
fault-nowhere-advice = L’indirizzo non corrisponde ad alcuna pagina. Controllarlo, oppure tornare alla pagina iniziale.
fault-record = Servizio non disponibile
fault-record-advice = L’archivio non risponde. Riprovare tra un minuto; se continua, avvisare chi gestisce il sistema. Nel frattempo sorvegliare i pazienti per telefono.
fault-request = Richiesta non compresa
fault-request-advice = Tornare alla pagina precedente, controllare i dati inseriti e ripetere l’operazione.
fault-large = Troppo in una volta
fault-large-advice = Nulla è stato scritto: il testo inviato è troppo lungo. Tornare alla pagina precedente, accorciarlo o dividerlo in più note, e inviare di nuovo.
fault-system = Errore del sistema
fault-system-advice = L’operazione potrebbe non essere stata eseguita. Tornare alla pagina precedente e verificare; se si ripete, avvisare chi gestisce il sistema.

# A browser of which nothing else is known.
browser-unknown = browser non riconosciuto
browser-on = { $browser } su { $system }
