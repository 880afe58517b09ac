//! What a program shows instead of a session: a token of somebody's account.
//!
//! A token opens the API and no page. It never gives more than its account has: it names the few
//! things that it is for ([`Scope`]), and the account's role and care relations bound these. It is
//! shown once, when it is made; the table has its SHA-256. It ends by itself after at most
//! [`DAYS_MAX`] days, when its owner or an administrator ends it, and when its account is closed.
//!
//! Making and ending one stands in the access log as what was done to the account.
//!
//! **Deliberately absent**: renewing a token. A new one is made and the old one ended, so that a
//! copy that nobody knows of dies too.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Access, Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::StaffId;
use crate::rows::staff;
use crate::sessions::hex;
use crate::staff::Staff;
use crate::token_rows::token::{ActiveModel, Column, Entity, Model};

/// Longest life, in days: a year, after which somebody asks whether it is still needed.
pub const DAYS_MAX: u16 = 365;

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 60;

/// Tokens of one account that are valid at the same time at most: one for each program, and room
/// for those that are being replaced.
pub const TOKENS_MAX: u64 = 10;

/// Tokens listed, those that are over with them.
const LISTED_MAX: u64 = 50;

/// Use is written down no more often than this: programs ask far more often than that.
const NOTED_EVERY_MS: i64 = 60 * 1_000;

/// Random bytes in a token: beyond guessing.
const SECRET_BYTES: usize = 32;

/// What every token begins with, so that whoever finds one in a file knows what it opens.
const PREFIX: &str = "veglia_";

const DAY_MS: i64 = 86_400_000;

/// What stands in the audit.
pub mod purposes {
    /// One was made.
    pub const MADE: &str = "token.made";
    /// One was ended.
    pub const ENDED: &str = "token.ended";
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The list of patients.
    WardRead,
    /// All that is known of one patient.
    PatientRead,
    /// Acts and notes in a patient's diary.
    DiaryWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::WardRead, Self::PatientRead, Self::DiaryWrite];

    /// As it is stored, asked for and documented: `ward:read`, `patient:read`, `diary:write`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::WardRead => "ward:read",
            Self::PatientRead => "patient:read",
            Self::DiaryWrite => "diary:write",
        }
    }
}

/// A text that names no scope.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a scope is one of ward:read, patient:read, diary:write")]
pub struct ScopeError;

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let mut all = Self::ALL.into_iter();
        all.find(|scope| scope.code() == text).ok_or(ScopeError)
    }
}

/// The token itself. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A text that is no token.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a token is {PREFIX} and 64 hexadecimal digits")]
pub struct SecretError;

impl Secret {
    fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", hex(&bytes))))
    }

    /// The token as a program sends it; for the page that shows it once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let digits = text.strip_prefix(PREFIX).ok_or(SecretError)?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let fits = digits.len() == 2 * SECRET_BYTES && digits.bytes().all(is_hex);
        fits.then(|| Self(text.to_owned())).ok_or(SecretError)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What its owner calls it: the program, and where it runs.
    pub name: String,
    /// What it is for.
    pub scopes: Vec<Scope>,
    /// How long it is valid, in days, at most [`DAYS_MAX`].
    pub days: u16,
}

/// A token, as its owner and an administrator see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number. It opens nothing.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it is for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub made: WallMs,
    /// When it is over by itself.
    pub expires: WallMs,
    /// When it was last used, to a minute; none when it never was.
    pub used: Option<WallMs>,
    /// When somebody ended it, if somebody did.
    pub ended: Option<WallMs>,
}

impl Token {
    /// Whether it opens anything at this moment.
    #[must_use]
    pub fn is_valid(&self, now: WallMs) -> bool {
        self.ended.is_none() && now < self.expires
    }

    /// Whether it is for this.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Why no token was made.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The name cannot be shown.
    #[error("the name of a token must have 1 to {NAME_CHARS_MAX} ordinary characters")]
    Name,
    /// It would be for nothing.
    #[error("a token must be for something: choose a scope")]
    Scopes,
    /// It would be over at once, or too late.
    #[error("a token is valid for 1 to {DAYS_MAX} days")]
    Days,
    /// There are many already.
    #[error("{TOKENS_MAX} tokens are valid already: end those that nothing uses")]
    TooMany,
    /// The system gave no random numbers.
    #[error("no token could be made")]
    Random(#[source] getrandom::Error),
    /// The database did not write.
    #[error("the token was not written")]
    Store(#[source] TxError),
}

/// Makes a token for whoever owns the account; it is told this once.
///
/// # Errors
/// See [`TokenError`]; there is no token then.
pub async fn make(
    record: &Database,
    owner: &Staff,
    new: &NewToken,
    now: WallMs,
) -> Result<Secret, TokenError> {
    let name = named(&new.name)?;
    if new.scopes.is_empty() {
        return Err(TokenError::Scopes);
    }
    if !(1..=DAYS_MAX).contains(&new.days) {
        return Err(TokenError::Days);
    }
    let secret = Secret::random().map_err(TokenError::Random)?;
    let codes: Vec<&str> = new.scopes.iter().map(|scope| scope.code()).collect();
    let row = &ActiveModel {
        id: NotSet,
        token_hash: Set(secret.hash()),
        staff_id: Set(owner.id.get()),
        name: Set(name),
        scopes: Set(codes.join(" ")),
        made_at_ms: Set(now.0),
        expires_at_ms: Set(now.plus_ms(i64::from(new.days) * DAY_MS).0),
        used_at_ms: Set(None),
        ended_at_ms: Set(None),
        ended_by: Set(None),
    };
    let actor = owner.actor();
    let made = record.run_tx("token.make", &actor, move |tx| {
        Box::pin(async move {
            let valid = Entity::find()
                .filter(Column::StaffId.eq(owner.id.get()))
                .filter(Column::EndedAtMs.is_null())
                .filter(Column::ExpiresAtMs.gt(now.0));
            if valid.count(tx).await? >= TOKENS_MAX {
                return Ok(false);
            }
            Entity::insert(row.clone())
                .exec_without_returning(tx)
                .await?;
            let subject = owner.actor().to_string();
            tx.log_access(entry(purposes::MADE, &subject, now)).await?;
            Ok(true)
        })
    });
    if made.await.map_err(TokenError::Store)? {
        Ok(secret)
    } else {
        Err(TokenError::TooMany)
    }
}

/// Whose token this is and what it is for, if it is valid and its account is open. Counts as use.
///
/// # Errors
/// What the database reports; then nobody is let in.
pub async fn lookup(
    record: &Database,
    secret: &Secret,
    now: WallMs,
) -> Result<Option<(Staff, Token)>, TxError> {
    let hash = &secret.hash();
    let found = record.read_tx("token.lookup", &Actor::System("people"), move |tx| {
        Box::pin(async move {
            let row = Entity::find().filter(Column::TokenHash.eq(hash.as_str()));
            let Some(row) = row.one(tx).await? else {
                return Ok(None);
            };
            let owner = staff::Entity::find_by_id(row.staff_id).one(tx).await?;
            Ok(owner.map(|owner| (owner, row)))
        })
    });
    let Some((owner, row)) = found.await? else {
        return Ok(None);
    };
    let token = Token::from(row);
    let Some(owner) = Staff::from_row(owner).filter(|_| token.is_valid(now)) else {
        return Ok(None);
    };
    if token
        .used
        .is_none_or(|used| now.since(used) >= NOTED_EVERY_MS)
    {
        note_use(record, &owner, token.id, now).await?;
    }
    Ok(Some((owner, token)))
}

async fn note_use(record: &Database, owner: &Staff, id: i64, now: WallMs) -> Result<(), TxError> {
    let actor = owner.actor();
    let noted = record.run_tx("token.note_use", &actor, move |tx| {
        Box::pin(async move {
            Entity::update_many()
                .col_expr(Column::UsedAtMs, Expr::value(now.0))
                .filter(Column::Id.eq(id))
                .exec(tx)
                .await?;
            Ok(())
        })
    });
    noted.await
}

/// The tokens of an account, the newest first, those that are over with them.
///
/// # Errors
/// What the database reports.
pub async fn list(record: &Database, actor: &Actor, owner: StaffId) -> Result<Vec<Token>, TxError> {
    let rows = record.read_tx("token.list", actor, move |tx| {
        Box::pin(async move {
            let newest = Entity::find()
                .filter(Column::StaffId.eq(owner.get()))
                .order_by_desc(Column::Id)
                .limit(LISTED_MAX);
            Ok(newest.all(tx).await?)
        })
    });
    Ok(rows.await?.into_iter().map(Token::from).collect())
}

/// Ends a token of an account by its number. Whether there was one to end.
///
/// # Errors
/// What the database reports; the token may then still be valid.
pub async fn end(
    record: &Database,
    actor: &Actor,
    owner: StaffId,
    id: i64,
    now: WallMs,
) -> Result<bool, TxError> {
    let ended = record.run_tx("token.end", actor, move |tx| {
        Box::pin(async move {
            let by = tx.actor().to_string();
            let ended = Entity::update_many()
                .col_expr(Column::EndedAtMs, Expr::value(now.0))
                .col_expr(Column::EndedBy, Expr::value(by))
                .filter(Column::Id.eq(id))
                .filter(Column::StaffId.eq(owner.get()))
                .filter(Column::EndedAtMs.is_null());
            let is_ended = ended.exec(tx).await?.rows_affected > 0;
            if is_ended {
                let subject = Actor::Staff(owner.get()).to_string();
                tx.log_access(entry(purposes::ENDED, &subject, now)).await?;
            }
            Ok(is_ended)
        })
    });
    ended.await
}

fn entry<'a>(purpose: &'static str, subject: &'a str, now: WallMs) -> Access<'a> {
    Access {
        at_ms: now.0,
        purpose,
        subject,
    }
}

fn named(name: &str) -> Result<String, TokenError> {
    let name = name.trim();
    let fits = !name.is_empty()
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned()).ok_or(TokenError::Name)
}

impl From<Model> for Token {
    fn from(row: Model) -> Self {
        // A scope that this program does not know opens nothing.
        let scopes = row.scopes.split_whitespace();
        Self {
            id: row.id,
            name: row.name,
            scopes: scopes.filter_map(|code| code.parse().ok()).collect(),
            made: WallMs(row.made_at_ms),
            expires: WallMs(row.expires_at_ms),
            used: row.used_at_ms.map(WallMs),
            ended: row.ended_at_ms.map(WallMs),
        }
    }
}
