# Values, times, flags, acts: what the list, the patient's pages and the live events say.

vital-spo2 = SpO₂
vital-pulse = Polso
vital-temperature = Temperatura
vital-breaths = Respiro
vital-pressure = Pressione massima
vital-pulse-within = polso
vital-temperature-within = temperatura
vital-breaths-within = respiro
vital-pressure-within = pressione massima
unit-breaths = atti/min

colour-red = ◆ ROSSO
colour-amber = ▲ GIALLO
colour-technical = ▬ TECNICO

about-symptoms = Sintomo
about-together = Più parametri insieme
about-home = Casa

evidence-answer = Risposta
evidence-median = mediana di { $n } misure

answer-breathless = fiato corto a riposo
answer-sentence = non riesce a finire una frase
answer-chest-pain = dolore al petto
answer-confusion = confusione
answer-blue-lips = labbra blu
answer-fainting = svenimento
answer-blood = tosse con sangue
answer-on-oxygen = con ossigeno
answer-antipyretic = preso un antipiretico
answer-walking = minima camminando { $value }
answer-sit-to-stand = minima alzandosi e sedendosi { $value }
answer-before-exertion = a riposo prima della prova { $value }
answer-baseline = valore abituale { $value }
answer-alert = vigile
answer-to-voice = risponde alla voce
answer-to-pain = risponde al dolore
answer-unresponsive = non risponde
answer-new-confusion = confusione nuova

where-home = A casa
where-hospital = In ospedale
where-suspended = Monitoraggio sospeso
where-discharged = Dimesso dal monitoraggio
where-deceased = Deceduto

cause-home = casa non collegata
cause-device = dispositivo spento o scollegato
cause-not-measuring = il paziente non sta misurando
cause-unknown = causa non nota

source-device = dispositivo
source-hand = inserita a mano
source-phone = per telefono

doubt-sensor-off = sensore staccato
doubt-finger-off = dito fuori dal sensore
doubt-searching = ricerca del polso
doubt-artefact = disturbo da movimento
doubt-perfusion = perfusione bassa
doubt-weak = segnale debole
doubt-held = valore precedente
doubt-demo = dato dimostrativo
doubt-questionable = dubbia per il dispositivo
doubt-invalid = non valida per il dispositivo
doubt-uncalibrated = sensore non calibrato
doubt-time = ora incerta
doubt-early = non ancora stabile
doubt-skin = sulla pelle
unjudged-still = valore fermo, non è una misura
unjudged-implausible = valore impossibile, non considerato
unjudged-ahead = orario futuro, non considerata

rhythm-minutes = ogni { $n } min
rhythm-hours = { $n ->
    [one] ogni ora
   *[other] ogni { $n } ore
}
rhythm-at = alle { $hours } e { $last }
rhythm-never = mai
rhythm-within = ogni { $n } min, dalle { $from } alle { $until }

contact-on = in misura
contact-off = staccato dal corpo
contact-searching = ricerca del segnale
contact-unmeasurable = misura non riuscita
sensor-oximeter = saturimetro
sensor-thermometer = termometro

time-at-hour = alle { $hour }
time-at-day = il { $day } alle { $hour }
time-since-hour = dalle { $hour }
time-since-day = dal { $day } alle { $hour }
time-until-hour = fino alle { $hour }
time-until-day = fino al { $day } alle { $hour }
span-instant = meno di 1 min
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n ->
    [one] { $n } giorno
   *[other] { $n } giorni
}
age-future = orario futuro
age-now = adesso
age-ago = { $span } fa
lasting-waits = attende da { $span }
lasting-since = da { $span }

why-late = (arrivata in ritardo)
why-over = { $why }. { $ended } { $at }: da chiudere
why-beyond = { $about } oltre i limiti { $since }
why-fever = Febbre
why-unconfirmed = { $what }, da confermare: si attende la seconda misura entro le { $by }
why-confirmed-by = { $what }, confermato da { $second }
why-confirmed = { $what }, confermato
why-no-second = { $what }, confermato: nessuna seconda misura entro le { $by }
why-then = { $what }, poi { $last }
why-home-silent = Casa non collegata { $since }: non arriva niente di quanto atteso
why-silent = Nessuna misura di { $vital } { $since }{ $rhythm }
why-silent-valid = Nessuna misura valida di { $vital }: era attesa { $at }{ $rhythm }
why-silent-ever = Nessuna misura di { $vital } finora: era attesa { $at }{ $rhythm }
why-rhythm = (attesa { $rhythm })
ended-not-confirmed = Non confermato
ended-recovered = Rientrato
ended-returned = Dati ripresi
ended-explained = Spiegato da dati arrivati in ritardo
ended-plan = Piano terminato
ended-away = Paziente non a casa
ended-not-theirs = Misura non sua, ritirato

care-charge = In carico a { $who } { $since }, { $until }
care-snoozed = Sospesa da { $who } { $until }
care-away = { $where }: nessuno viene chiamato finché non torna a casa
care-next = { $callee } { $at } se nessuno prende in carico
care-afterwards = Se non si conclude prima: { $callee } di nuovo { $at }
care-doctor-due = Medico di famiglia: sarà informato { $at }
care-doctor-digest = Medico di famiglia: sarà informato nel riepilogo, { $at }
care-doctor-told = Medico di famiglia: avvisato; se non ne prende visione, torna alla centrale { $until }
say-red-repeat = «Rimisuri subito; se le manca il fiato chiami il 112.»
say-red-call = «Chiami il 112.»
say-red-silent = Se non risponde: due telefonate, poi la persona di contatto, poi chi ha le chiavi, infine il 112.
say-amber = «Rimisuri entro un’ora.»
say-amber-night = «Rimisuri entro un’ora; se ha bisogno di un medico chiami il 116117.»
callee-operator = operatore
callee-second = secondo operatore o responsabile di turno
callee-doctor = medico di guardia
callee-mmg = medico di famiglia
callee-out-of-hours = Continuità Assistenziale
callee-receiver = chi l’ha ricevuto in consegna
paged-new = Avviso: { $callee }
paged-again = Avviso ripetuto: { $callee }
paged-escalated = Passaggio a: { $callee }
paged-informed = Per conoscenza: { $callee }
paged-unseen = Il medico di famiglia non ha preso visione: torna a { $callee }
paged-lapsed = Presa in carico scaduta: di nuovo { $callee }
paged-failed-channel = Avviso non recapitato: { $callee }
paged-digest = Nel riepilogo: { $callee }
paged-late = con { $span } di ritardo
paged-seen = visto { $at }
paged-failed = non recapitato, { $at }
paged-recalled = ritirato { $at }, paziente non a casa

score-refused = NEWS2 e MEWS non si calcolano { $why }
score-under-16 = sotto i 16 anni
score-pregnancy = in gravidanza
score-least = { $count ->
    [one] { $score } almeno { $least }; manca { $missing }
   *[other] { $score } almeno { $least }; mancano { $missing }
}
score-ask-all = Chiederli: ciascuno può cambiare il rischio
score-ask = Chiedere: { $what }
score-spo2 = SpO₂
score-breaths = frequenza respiratoria
score-pressure = pressione
score-pulse = polso
score-temperature = temperatura
score-consciousness = stato di coscienza
score-oxygen = se respira con ossigeno

spark-range = Ultime 24 ore: da { $low } a { $high }
spark-empty = Ultime 24 ore: nessuna misura valida
arrow-steady = stabile da { $span }
arrow-text = { $amount } in { $span }
arrow-up = in salita di { $text }
arrow-down = in calo di { $text }

signed-staff = operatore n. { $number }
signed-command = { $account } (da terminale)
nameless = Paziente non registrato …{ $end }
nameless-device = Di chi è? { $device }

chip-red = ROSSO
chip-amber = GIALLO
chip-technical = TECNICO
chip-calm = nessun allarme
chip-still = DATI FERMI
chip-none = NESSUN DATO
chip-invalid = NESSUN DATO VALIDO
blind-still = Ultima misura valida { $at }
blind-none = Nessuna misura valida ancora ricevuta
value-never = mai misurata

lost-since = Collegamento interrotto – dati fermi alle { $hour }
lost-never = Collegamento interrotto – nessun dato ancora ricevuto
