# How many wait for somebody, in the bar of the centre's pages.
bell-waiting = Non presi in carico
bell-lost = Collegamento interrotto
bell-sound-off = Audio spento
bell-sound-on = Audio attivo
bell-sound-mute = Audio fermo: premere qui
