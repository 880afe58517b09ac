token-title = Tokens for programs
token-what = A token lets a program into the API instead of a person: it sees and does at most what this account may, and only what you choose. Every reading is in the access log. Whoever has it can use it: keep it like a password.
token-none = No tokens.
token-made = Copy the token now: it will not be shown again.
token-unused = Valid until { $until }, never used.
token-used = Valid until { $until }, last used { $used }.
token-over = Not valid since { $at }.
token-end = End
token-new = New token
token-name = Name
token-name-hint = The program that uses it, and where it runs.
token-scopes = What it is for
token-ward-read = Read the list of patients
token-patient-read = Read the data of one patient
token-diary-write = Write in the diary: charge, calls, notes, closing
token-days = For how long
token-so-many = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
token-make = Make the token
token-name-wrong = The name has 1 to 60 characters. No token was made.
token-scopes-none = Choose at least one: a token for nothing is of no use. No token was made.
token-days-wrong = A token is valid for 1 to 365 days. No token was made.
token-full = 10 tokens are valid already: end those that no program uses.
account-tokens-page = Tokens: make, end
audit-token-made = Token for programs made
audit-token-ended = Token for programs ended
