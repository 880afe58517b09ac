# Who read whom, for the auditor.

register-patient = Patient (number or Codice Fiscale)
register-patient-unknown = Neither a patient’s number (16 hexadecimal digits) nor a Codice Fiscale on file.
register-reader = Who read
register-anybody = Anybody
register-search = Search
register-lines = Who read whom
register-no-lines = No access matches.
register-number = No.
register-when = When
register-who = Who
register-what = What
register-whose = Patient
register-older = Older
register-glasses = Emergency accesses
register-no-glasses = None.
register-from = From
register-until = Until
register-chain = Integrity
register-chain-what = Each line is tied to the one before: a line that was changed or removed shows.
register-verify = Verify the whole log

verified-title = Integrity of the log
verified-broken = <strong>The chain breaks at line { $line }.</strong> The { $intact } lines before it are intact; from there on something was changed or removed. Compare with a backup.
verified-intact = <strong>The log is intact.</strong> Lines checked: { $intact }.
verified-head = Fingerprint of the last intact line: note it down elsewhere and compare it next time, because an end that was cut off shows only in this way.

audit-passkey-made = Passkey made
audit-passkey-shown = Passkey used
audit-passkey-copied = Passkey refused: it must have been copied
audit-passkey-removed = Passkey removed by its owner
audit-passkey-withdrawn = Passkey withdrawn
audit-codes-made = One-time codes set up
audit-codes-renewed = Recovery codes renewed
audit-codes-withdrawn = One-time codes withdrawn
audit-identity-shown = Signed in with an external identity
audit-identity-linked = External identity linked
audit-identity-unlinked = External identity unlinked
