# Who is called, and by what.

reach-nobody = <strong>Nobody is on duty: alerts call nobody.</strong> The administrator writes the shifts at the command line (<code>veglia duty add</code>).
reach-for-repair = For whoever repairs it:
reach-repaired = Address put right: close the report
reach-now = On duty now
reach-now-nobody = nobody
reach-mmg = doctor no. { $id }
reach-no-address = { $name } (no address: cannot be called)
reach-own = Your addresses
reach-own-none = There is no address of yours: alerts do not reach you. The administrator writes it at the command line (<code>veglia duty contact</code>).
reach-own-order = In this order, until one succeeds:
reach-browser = a browser ({ $host })
reach-this-browser = this browser
reach-remove = Remove
reach-try = Send a trial to all my addresses
reach-messages = Messages
reach-waiting = Waiting
reach-sent = Sent
reach-received = With proof of delivery
reach-failed = Delivered to nobody

reach-done-trial = A trial message is on its way to each of your addresses: check that it arrives. If an address does not work, this page says so within a minute.
reach-done-nothing = You have no address to which a trial could be sent.
reach-done-browser = This browser receives alerts. To try it: “Send a trial”.
reach-done-removed = The browser was removed: it no longer receives alerts.
reach-done-seen = Report closed.
reach-done-too-many = There are too many addresses already: remove one, then repeat.

post-operator = Operator
post-second-operator = Second operator
post-doctor = Doctor on duty
post-out-of-hours = Continuità Assistenziale

push-title = This device
push-script = Receiving alerts on this device needs JavaScript.
push-subscribe = Receive alerts on this device
push-private = The alert only says that something waits for you: names and clinical data stay in Veglia. On iPhone and iPad, first add Veglia to the Home Screen.
push-forbidden = The browser does not allow notifications: allow them in the settings of the site, then try again.
push-subscribing = Subscribing…
push-failed = Subscribing did not succeed: the browser’s notification service does not answer. Try again later.
push-unable = This browser does not receive notifications: use another address.
push-on = This device receives alerts.
push-off = This device does not receive alerts.
push-refused = This browser does not allow notifications on this page.

channel-sms = SMS
channel-email = E-mail
channel-push = Browser notifications
channel-webhook = Calls to other programs

amiss-mmg = family doctor (MMG) no. { $id }
amiss-patient = a patient
amiss-channel = { $channel }: alerts do not go out
amiss-person = { $channel }: { $who } cannot be reached
amiss-still = { $what } { $began }; whoever has another address is told there.
amiss-over = { $what } { $began }. Resolved: working again { $ended }.
amiss-phone-closed = Calls: what is said on the telephone CANNOT be saved. Call whoever runs the system; if a value is worrying, act at once.
amiss-phone-waiting = { $answers ->
    [one] Calls: one answer given on the telephone is waiting, and nothing reaches the rules { $since }. If it is worrying, act at once.
   *[other] Calls: { $answers } answers given on the telephone are waiting, and nothing reaches the rules { $since }. If they are worrying, act at once.
}
