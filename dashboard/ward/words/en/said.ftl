# Values, times, flags, acts: what the list, the patient's pages and the live events say.

vital-spo2 = SpO₂
vital-pulse = Pulse
vital-temperature = Temperature
vital-breaths = Breathing
vital-pressure = Systolic pressure
vital-pulse-within = pulse
vital-temperature-within = temperature
vital-breaths-within = breathing
vital-pressure-within = systolic pressure
unit-breaths = breaths/min

colour-red = ◆ RED
colour-amber = ▲ AMBER
colour-technical = ▬ TECHNICAL

about-symptoms = Symptom
about-together = Several vital signs together
about-home = Home

evidence-answer = Answer
evidence-median = median of { $n } readings

answer-breathless = breathless at rest
answer-sentence = cannot finish a sentence
answer-chest-pain = chest pain
answer-confusion = confusion
answer-blue-lips = blue lips
answer-fainting = fainting
answer-blood = coughing blood
answer-on-oxygen = on oxygen
answer-antipyretic = took an antipyretic
answer-walking = lowest while walking { $value }
answer-sit-to-stand = lowest in sit-to-stand { $value }
answer-before-exertion = at rest before the test { $value }
answer-baseline = usual value { $value }
answer-alert = alert
answer-to-voice = responds to voice
answer-to-pain = responds to pain
answer-unresponsive = unresponsive
answer-new-confusion = new confusion

where-home = At home
where-hospital = In hospital
where-suspended = Monitoring suspended
where-discharged = Discharged from monitoring
where-deceased = Deceased

cause-home = home not connected
cause-device = device off or disconnected
cause-not-measuring = the patient is not measuring
cause-unknown = cause not known

source-device = device
source-hand = entered by hand
source-phone = by phone

doubt-sensor-off = sensor off
doubt-finger-off = finger out of the sensor
doubt-searching = searching for the pulse
doubt-artefact = motion artefact
doubt-perfusion = low perfusion
doubt-weak = weak signal
doubt-held = previous value
doubt-demo = demonstration data
doubt-questionable = questionable by its device
doubt-invalid = invalid by its device
doubt-uncalibrated = sensor not calibrated
doubt-time = time uncertain
doubt-early = not yet stable
doubt-skin = on the skin
unjudged-still = value stands still, not a measurement
unjudged-implausible = impossible value, not considered
unjudged-ahead = time in the future, not considered

rhythm-minutes = every { $n } min
rhythm-hours = { $n ->
    [one] every hour
   *[other] every { $n } hours
}
rhythm-at = at { $hours } and { $last }
rhythm-never = never
rhythm-within = every { $n } min, from { $from } to { $until }

contact-on = measuring
contact-off = off the body
contact-searching = searching for a signal
contact-unmeasurable = could not measure
sensor-oximeter = oximeter
sensor-thermometer = thermometer

time-at-hour = at { $hour }
time-at-day = on { $day } at { $hour }
time-since-hour = since { $hour }
time-since-day = since { $day } at { $hour }
time-until-hour = until { $hour }
time-until-day = until { $day } at { $hour }
span-instant = less than 1 min
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
age-future = time in the future
age-now = now
age-ago = { $span } ago
lasting-waits = waiting for { $span }
lasting-since = for { $span }

why-late = (arrived late)
why-over = { $why }. { $ended } { $at }: to be closed
why-beyond = { $about } beyond its limits { $since }
why-fever = Fever
why-unconfirmed = { $what }, to be confirmed: a second reading is awaited by { $by }
why-confirmed-by = { $what }, confirmed by { $second }
why-confirmed = { $what }, confirmed
why-no-second = { $what }, confirmed: no second reading by { $by }
why-then = { $what }, then { $last }
why-home-silent = Home not connected { $since }: nothing of what is expected arrives
why-silent = No reading of { $vital } { $since }{ $rhythm }
why-silent-valid = No valid reading of { $vital }: it was expected { $at }{ $rhythm }
why-silent-ever = No reading of { $vital } so far: it was expected { $at }{ $rhythm }
why-rhythm = (expected { $rhythm })
ended-not-confirmed = Not confirmed
ended-recovered = Back to normal
ended-returned = Data are back
ended-explained = Explained by data that arrived late
ended-plan = Plan ended
ended-away = Patient not at home
ended-not-theirs = Not their reading, withdrawn

care-charge = In charge: { $who } { $since }, { $until }
care-snoozed = Snoozed by { $who } { $until }
care-away = { $where }: nobody is called until they are back home
care-next = { $callee } { $at } unless somebody takes charge
care-afterwards = Unless it is over before: { $callee } again { $at }
care-doctor-due = Family doctor (MMG): will be told { $at }
care-doctor-digest = Family doctor (MMG): will be told in the digest, { $at }
care-doctor-told = Family doctor (MMG): notified; if not seen, it comes back to the centre { $until }
say-red-repeat = “Measure again at once; if you are short of breath call 112.”
say-red-call = “Call 112.”
say-red-silent = If nobody answers: two calls, then the contact, then whoever has the keys, at last 112.
say-amber = “Measure again within an hour.”
say-amber-night = “Measure again within an hour; if you need a doctor call 116117.”
callee-operator = operator
callee-second = second operator or shift leader
callee-doctor = doctor on call
callee-mmg = family doctor (MMG)
callee-out-of-hours = Continuità Assistenziale
callee-receiver = whoever received the handover
paged-new = Called: { $callee }
paged-again = Called again: { $callee }
paged-escalated = Escalated to: { $callee }
paged-informed = For information: { $callee }
paged-unseen = The family doctor has not seen it: back to { $callee }
paged-lapsed = Charge lapsed: { $callee } again
paged-failed-channel = Notice not delivered: { $callee }
paged-digest = In the digest: { $callee }
paged-late = { $span } late
paged-seen = seen { $at }
paged-failed = not delivered, { $at }
paged-recalled = withdrawn { $at }, patient not at home

score-refused = NEWS2 and MEWS are not counted { $why }
score-under-16 = under 16 years
score-pregnancy = in pregnancy
score-least = { $count ->
    [one] { $score } at least { $least }; missing: { $missing }
   *[other] { $score } at least { $least }; missing: { $missing }
}
score-ask-all = Ask for them: each may change the risk
score-ask = Ask: { $what }
score-spo2 = SpO₂
score-breaths = respiratory rate
score-pressure = blood pressure
score-pulse = pulse
score-temperature = temperature
score-consciousness = state of consciousness
score-oxygen = whether on oxygen

spark-range = Last 24 hours: from { $low } to { $high }
spark-empty = Last 24 hours: no valid reading
arrow-steady = steady for { $span }
arrow-text = { $amount } in { $span }
arrow-up = up by { $text }
arrow-down = down by { $text }

signed-staff = operator no. { $number }
signed-command = { $account } (from a terminal)
nameless = Unregistered patient …{ $end }
nameless-device = Whose is it? { $device }

chip-red = RED
chip-amber = AMBER
chip-technical = TECHNICAL
chip-calm = no alarm
chip-still = DATA STAND STILL
chip-none = NO DATA
chip-invalid = NO VALID DATA
blind-still = Last valid reading { $at }
blind-none = No valid reading received yet
value-never = never measured

lost-since = Connection lost – data stand still since { $hour }
lost-never = Connection lost – no data received yet
