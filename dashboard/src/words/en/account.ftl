# Accounts: one's own, with its sessions, codes and passkeys, and those that the administrator sees.

account-title = My account
account-sessions = Where I am signed in
account-this = this one
account-end-others = End all others
account-codes-on = Active: besides the password, the code from the telephone is needed. Recovery codes still good: <strong>{ $left }</strong>.
account-code = Code from the telephone
account-recovery-hint = Earlier recovery codes are no longer good.
account-recovery = New recovery codes
account-lost-phone = Telephone lost or changed: the administrator removes the codes, then you set them up again.
account-codes-must = Your role requires them: until they are active, the other pages stay closed.
account-codes-off = Not active. With codes, whoever knows your password does not get in without your telephone.
account-codes-begin = Set up codes
account-passkeys-none = None. With a passkey you sign in without password and without code.
account-passkeys = You have <strong>{ $n }</strong>. With one of them you sign in without password and without code.
account-passkeys-page = Passkeys: create, remove
account-continue = Continue

session-told = since { $opened }, last used { $seen }
session-end = End<span class="visually-hidden"> { $browser } of { $opened }</span>

codes-title = Access codes
codes-must = <strong>Your role requires them.</strong> It takes two minutes and a telephone with an app for codes (for example FreeOTP or Google Authenticator).
codes-scan = Open the app on your telephone and scan the square.
codes-type = Type here the six-digit code that it shows.
codes-square = Square to scan with the telephone
codes-cannot-scan = It cannot be scanned
codes-secret = Type this key into the app, of the kind “time-based”:
codes-code = Six-digit code
codes-do = Activate

recovery-title = Recovery codes
recovery-what = <strong>Codes are active.</strong> These are shown only now: print or copy them, and keep them away from the telephone. Each is good once, when the telephone is not at hand.

passkey-title = Passkeys
passkey-what = Instead of password and code: the fingerprint, face or PIN of a telephone, a computer or a USB key. It cannot be stolen with a false page.
passkey-none = None.
passkey-told = since { $made }
passkey-told-used = since { $made }, last used { $used }
passkey-remove = Remove
passkey-new = A new one
passkey-name = What to call it
passkey-name-hint = The device that holds it, for example “telephone”.
passkey-make = Create the passkey
passkey-not-made = The passkey was not created. Try again, or use another device.
passkey-unable = This browser cannot create passkeys: use a recent one, with JavaScript, at the address { $origin }.
passkey-confirm = To create or remove one
passkey-password = Your password, again
passkey-continue = Continue with a passkey
passkey-unused = The passkey was not used. Try again.
passkey-unused-sign-in = The passkey was not used. Try again, or use user name and password.
passkey-unused-confirm = The passkey was not used. Try again, or type the password.
passkey-refused = Passkey not recognised. Use user name and password, or another passkey.
passkey-over = The request has expired or was already used. Start again.
passkey-again = First type the password again, or use a passkey.
passkey-password-wrong = Password not correct. Check the capitals and try again.
passkey-name-wrong = Give the passkey a name of at most 60 characters.
passkey-full = There are 16 passkeys already: remove one before making another.
passkey-known = This passkey is there already.

confirm-title = Your password, once more
confirm-what = Before you continue with “{ $page }”: whoever finds the screen open must not be able to.

account-identities-none = None. With an external identity you sign in without password and without code.
account-identities = Identities that open this account: <strong>{ $n }</strong>.
account-identities-page = Identities: link, unlink

identity-title = External identities
identity-what = With a linked identity you sign in by the button “{ $button }”, without password and without code.
identity-none = No identity is linked to this account.
identity-own = Linked by you on { $at }.
identity-given = Linked by the administrator on { $at }.
identity-remove = Unlink
identity-link = Link an identity
identity-hint = The identity service opens: when it has recognised you it brings you back here. Unlinking an identity ends the sessions that were opened with it.
identity-change = Link or unlink
identity-done = The identity is linked: from the next sign-in on it opens this account.
identity-refused = The identity was not recognised and nothing was linked. Start again.
identity-weak = An identity of a higher level is needed, for example SPID level 2. Nothing was linked.
identity-down = The identity service does not answer. Nothing was linked: try again later.
identity-taken = This identity opens an account already. If it is not yours, tell the administrator.
identity-full = There are 8 linked identities already: unlink one first.

users-name = Name
users-role = Role
users-sessions = Open sessions
users-codes = Codes
users-codes-on = active
users-codes-must = to be set up
users-codes-off = not active
users-erasures = Erasures of patients
users-made = Accounts are made and closed at the command line.

user-title = Account
user-no-sessions = None.
user-end-all = End all sessions
user-codes-on = Active. They are removed for whoever has lost their telephone, after making sure who it is: the next sign-in takes the password alone, and sets them up again.
user-codes-withdraw = Remove the codes…
user-codes-withdraw-do = Remove the codes and end the sessions
user-codes-off = Not active.
user-passkey-withdraw = Withdraw
user-passkeys-withdraw = Withdraw all passkeys and end the sessions
user-identities = External identities that open this account: <strong>{ $n }</strong>. Whoever has them links them, or the command line does.
