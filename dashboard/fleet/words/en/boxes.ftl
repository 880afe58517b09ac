# What boxes and devices are, what they answer, and what was done about them.

span-none = less than 1 min
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
ago-now = just now
ago = { $span } ago

vital-spo2 = SpO₂ { $value } %
vital-pulse = pulse rate { $value }/min
vital-temperature = temperature { $value } °C
vital-respiratory = respiratory rate { $value }/min
vital-systolic = systolic pressure { $value } mmHg
vital-unsure = { $reading } (uncertain)

fault-bond = The box and the device no longer know each other: they must be paired again. To the patient: “Keep the device near the box and switched on, we will see to it”; then, at the box, veglia gateway pair.
fault-held = The device is near but busy: almost certainly a telephone holds it. To the patient: “Close the oximeter’s app on the telephone, or turn the telephone’s Bluetooth off, then switch the device off and on”.
fault-radio-off = The Bluetooth of the box is off. To the patient: “Unplug the box, count to ten and plug it in again”. If it goes on, a technician is needed.
fault-no-radio = The box does not find its Bluetooth antenna. To the patient: “Check that the stick is well plugged into the box, then unplug the box and plug it in again”. If it goes on, change the box.
fault-not-allowed = The program of the box may not use Bluetooth: a technician is needed. The patient can do nothing about it.
fault-no-service = The Bluetooth of the box is restarting by itself: wait five minutes. To the patient: “You need do nothing”.
fault-unsupported = This device speaks a language that the box does not know: it must be changed for one of the list. Its readings are dictated by telephone.
fault-list = The box can no longer read the list of its devices: they must be paired again. The patient can do nothing about it; at the box, veglia gateway pair says which file to move.
fault-too-many = There are more devices near the box than it can listen to: one is left out. Remove from the box those that the patient no longer uses.
fault-clock = The clock of the device is wrong and the box cannot set it: its readings arrive without a sure time and no rule judges them. To the patient: “Set the date and time of the device”; otherwise it must be changed. Meanwhile the readings are dictated by telephone.
fault-other = Fault { $code }: this centre does not know it and must be updated. Meanwhile the readings are dictated by telephone.

clock-unknown = not set: times of the readings unknown
clock-holdover = its own time, not confirmed by the network
clock-synchronised = time confirmed by the network

box-waits-nothing = nothing waiting
box-waits = { $n ->
    [one] { $n } reading waiting
   *[other] { $n } readings waiting
}
box-waits-since = { $waits } for { $span }
battery-percent = battery { $percent }{"\u00A0"}%
battery-low = battery low

ping-done = { $gateway } has answered: the connection works.
ping-refused = { $gateway } has answered, but did not accept the question.
measure-done = Reading asked of { $device }. If the sensor is worn, the value arrives shortly.
measure-not-supported = { $device } takes no requests: it measures by itself. For a reading at once, telephone.
measure-not-connected = { $gateway } answers, but { $device } is not connected: have the cable checked, and that it is on.
measure-busy = { $gateway } is busy at the moment: try again in a minute.
measure-not-understood = { $gateway } did not understand the request: update its program.
unheard-not-connected = { $gateway } is not connected, or its program is too old: it cannot be asked.
unheard-gone = The connection with { $gateway } was lost before the answer: try again in a minute.
unheard-too-many = There are too many questions waiting for { $gateway } already: wait a minute.
unheard-no-answer = { $gateway } did not answer within 10 seconds: check the network at home, then try again.
unheard-centre = The centre cannot speak to the boxes at the moment: nothing was asked. Try again in a minute; if it goes on, tell whoever runs the system.

nameless = Unregistered patient …{ $end }
together = { $others } and { $last }
signed-number = operator no. { $number }
signed-terminal = { $account } (at a terminal)
signed-box = the box itself

port-speaking = transmits
port-spoke = was transmitting
port-silent = does not transmit
port-absent = not connected
port-frame = last sign { $ago }
port-name = port { $name }

box-ports-unknown = Which devices it has is not known now.
box-ports-unsaid = It has not said yet which devices it has.
box-waiting = Waiting
box-unsaid = not said
box-clock = Clock
box-software = Program
box-version = version { $version }
box-connected = Connected
box-connected-since = since { $time }
box-connected-before = since before the centre was started
box-contact = Last contact
box-contact-at = { $ago } ({ $time })
box-access = Access
box-access-unlisted = not in the list
box-access-password = with a password, on this machine only
box-access-until = with a certificate, until { $date }
box-access-certificate = with a certificate

chip-mute = silent for { $span }
chip-mute-advice = Check that the box is on and that the network at home works. The readings stay in the box and arrive when it reconnects.
chip-expired = certificate expired on { $date }
chip-expired-advice = The box can no longer connect: have it switched on with the network working, or give it a new code.
chip-expires = certificate expires on { $date }
chip-expires-advice = The box does not manage to renew it: it must reach the pages of this centre. Tell whoever runs the system.
chip-troubled = to be looked at
chip-troubled-advice = The box is connected, but { $why }.
chip-idle = connected, no readings
chip-idle-advice = No device transmits: check cables, batteries, and that they are on.
chip-unseen = not seen yet
chip-unseen-advice = It was not heard since the centre was last started. A box that is on speaks every minute.
chip-unknown = state unknown
chip-well = connected
chip-revoked = revoked on { $moment }
chip-revoked-advice = It cannot connect. Readings not sent stay in the box until it is registered again.
trouble-unlisted = it is not in the list of this centre
trouble-clock = its clock is not set: check the network at home
trouble-refused = some readings were not understood by the centre: tell whoever runs the system
trouble-late = readings arrive late: check the network at home

summary-none = No gateway is registered yet.
summary-all = { $n ->
    [one] { $n } gateway: { $parts }.
   *[other] { $n } gateways: { $parts }.
}
summary-mute = { $n } silent
summary-troubled = { $n } to be looked at
summary-idle = { $n } without readings
summary-unseen = { $n } not seen yet
summary-unknown = { $n } of unknown state
summary-well = { $n } connected
summary-revoked = { $n } revoked

deed-invited = { $by } made a code for { $gateway }
deed-withdrawn = { $by } withdrew the code of { $gateway }
deed-enrolled = { $gateway } registered with its code
deed-revoked = { $by } revoked { $gateway }
deed-pinged = { $by } tested the connection of { $gateway }
deed-measured = { $by } asked { $gateway } for a reading
deed-failed = { $gateway }: what { $by } tried did not succeed
deed-unknown = { $by }: { $gateway }
