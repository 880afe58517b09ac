# Signing in: the password, the second step, an identity from elsewhere.

sign-in-title = Sign in
sign-in-refused = <strong>User name or password not correct.</strong> Check the capitals and try again.
sign-in-too-many = <strong>Too many tries.</strong> Try again in { $minutes } min. Whoever has forgotten the password asks the administrator for it.
sign-in-no-accounts = <strong>No account is registered.</strong> The administrator creates the first at the command line; then reload this page.
sign-in-username = User name
sign-in-password = Password
sign-in-do = Sign in
sign-in-passkey = Sign in with a passkey
sign-in-staff-only = For the staff of the Centrale Medica only. In an emergency call <strong>112</strong>.

second-title = Access code
second-too-many = <strong>Too many tries.</strong> Try again in { $minutes } min.
second-code = Code from the app on your telephone
second-passkey = This account opens with a passkey.
second-no-passkey = This browser cannot use it: it takes JavaScript and a recent browser.
second-lost-passkey = If you no longer have it, tell the administrator.
second-recovery = Without the telephone one of the recovery codes is good, each once. If you have neither any more, tell the administrator.
second-again = Start again

code-wrong = Code not correct, expired or already used. Wait for the next one on your telephone, then type it.
code-slowed = Too many tries: try again in a minute.

elsewhere-refused = Signing in did not succeed. Use user name and password, or ask the administrator whether this identity is linked to the account.
elsewhere-weak = An identity of a higher level is needed, for example SPID level 2. Start again, or use user name and password.
elsewhere-down = The identity service does not answer. Use user name and password.
