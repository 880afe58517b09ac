//! Who is signed in. Sessions live in the database, so that any process can end any of them.
//!
//! The browser holds a random token; the table holds its SHA-256, which is of no use to who steals
//! the table. A session ends when it is closed, when it was not used for [`IDLE_MS`], [`WHOLE_MS`]
//! after it was opened however busy it is, or when its account changes password or is disabled.
//!
//! What opens other ways in (a passkey) wants its owner once more, within [`CONFIRMED_MS`]: a
//! screen left open is not enough.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::StaffId;
use crate::rows::{session, staff};
use crate::staff::Staff;

/// Unused for this long, a session ends: a screen left alone over lunch.
pub const IDLE_MS: i64 = 60 * 60 * 1_000;

/// No session lasts longer: one shift of twelve hours.
pub const WHOLE_MS: i64 = 12 * 60 * 60 * 1_000;

/// How long it counts that the owner of a session was recognised once more.
pub const CONFIRMED_MS: i64 = 5 * 60 * 1_000;

/// Use is written down no more often than this: the page reads far more often than that.
const NOTED_EVERY_MS: i64 = 60 * 1_000;

/// Characters of what a browser says of itself that are kept.
const BROWSER_CHARS_MAX: usize = 200;

/// Letters of a session's hash by which lists name it: enough that no two are the same, too few to
/// be of any use.
const HANDLE_CHARS: usize = 16;

/// Sessions of one account that are listed at most.
const LISTED_MAX: u64 = 200;

/// Random bytes in a token: beyond guessing.
const TOKEN_BYTES: usize = 32;

/// What the browser holds. Not shown by `Debug`; [`Token::reveal`] is for the cookie alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; TOKEN_BYTES]);

/// A text that is no token.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a session token has 64 hexadecimal digits")]
pub struct TokenError;

impl Token {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The token as the cookie carries it.
    #[must_use]
    pub fn reveal(&self) -> String {
        hex(&self.0)
    }

    pub(crate) fn hash(&self) -> String {
        hex(&Sha256::digest(self.0))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let digits = text.as_bytes();
        let mut bytes = [0; TOKEN_BYTES];
        if digits.len() != 2 * TOKEN_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(TokenError);
        }
        for (byte, place) in bytes.iter_mut().zip((0..).step_by(2)) {
            let pair = text.get(place..place + 2).ok_or(TokenError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| TokenError)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// By what a session was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Password, and the code of whoever shows codes.
    Password,
    /// A passkey.
    Passkey,
    /// An identity provider, which vouched for both factors.
    Federated,
}

impl Way {
    const ALL: [Self; 3] = [Self::Password, Self::Passkey, Self::Federated];

    /// The word stored.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::Federated => "federated",
        }
    }

    /// Sessions of before this was written were opened by a password.
    fn read(stored: Option<&str>) -> Self {
        let known = Self::ALL.into_iter().find(|way| Some(way.code()) == stored);
        known.unwrap_or(Self::Password)
    }
}

/// Why a session was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The system gave no random numbers.
    #[error("no session token could be made")]
    Random(#[source] getrandom::Error),
    /// The database did not write.
    #[error("the session was not opened")]
    Store(#[source] TxError),
}

/// Opens a session for someone who has just been authenticated, and forgets those that are over.
///
/// How many are open is bounded by how many may sign in within [`WHOLE_MS`].
///
/// # Errors
/// See [`OpenError`].
pub async fn open(record: &Database, staff: &Staff, now: WallMs) -> Result<Token, OpenError> {
    open_in(record, staff, "", Way::Password, now).await
}

/// The same, in a browser that says of itself what it is: shown to the owner, who thereby knows one
/// session from another.
///
/// # Errors
/// See [`OpenError`].
pub async fn open_in(
    record: &Database,
    staff: &Staff,
    browser: &str,
    way: Way,
    now: WallMs,
) -> Result<Token, OpenError> {
    let token = Token::random().map_err(OpenError::Random)?;
    let row = &session::Model {
        token_hash: token.hash(),
        staff_id: staff.id.get(),
        opened_at_ms: now.0,
        seen_at_ms: now.0,
        browser: Some(browser.chars().take(BROWSER_CHARS_MAX).collect()),
        opened_by: Some(way.code().to_owned()),
        confirmed_at_ms: None,
    };
    record
        .run_tx("session.open", &staff.actor(), move |tx| {
            Box::pin(async move {
                let over = session::Column::OpenedAtMs.lte(now.plus_ms(-WHOLE_MS).0);
                session::Entity::delete_many().filter(over).exec(tx).await?;
                let row = row.clone().into_active_model();
                session::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await?;
                Ok(())
            })
        })
        .await
        .map_err(OpenError::Store)?;
    Ok(token)
}

/// Whose session this is, if it is still open. Counts as use.
///
/// # Errors
/// What the database reports; then nobody is let in.
pub async fn lookup(
    record: &Database,
    token: &Token,
    now: WallMs,
) -> Result<Option<Staff>, TxError> {
    let Some((open, staff)) = find(record, token, now).await? else {
        return Ok(None);
    };
    if now.since(WallMs(open.seen_at_ms)) >= NOTED_EVERY_MS {
        note_use(record, &staff, &open.token_hash, now).await?;
    }
    Ok(Some(staff))
}

/// The same, and no use: a page that is left open does not keep its session alive.
///
/// # Errors
/// What the database reports; then nobody is let in.
pub async fn peek(record: &Database, token: &Token, now: WallMs) -> Result<Option<Staff>, TxError> {
    let found = find(record, token, now).await?;
    Ok(found.map(|(_, staff)| staff))
}

/// An open session, and whose it is.
async fn find(
    record: &Database,
    token: &Token,
    now: WallMs,
) -> Result<Option<(session::Model, Staff)>, TxError> {
    let hash = &token.hash();
    let found = record
        .read_tx("session.lookup", &Actor::System("people"), move |tx| {
            Box::pin(async move {
                let Some(open) = session::Entity::find_by_id(hash.clone()).one(tx).await? else {
                    return Ok(None);
                };
                let owner = staff::Entity::find_by_id(open.staff_id).one(tx).await?;
                Ok(owner.map(|owner| (open, owner)))
            })
        })
        .await?;
    let open = found.filter(|(open, _)| is_open(open, now));
    Ok(open.and_then(|(open, owner)| Some((open, Staff::from_row(owner)?))))
}

/// How many sessions each account has open, in one look; who has none is not in it.
///
/// # Errors
/// What the database reports.
pub async fn counts(
    record: &Database,
    actor: &Actor,
    now: WallMs,
) -> Result<HashMap<StaffId, usize>, TxError> {
    let rows = record.read_tx("session.counts", actor, move |tx| {
        Box::pin(async move {
            let lately = session::Column::SeenAtMs.gt(now.plus_ms(-IDLE_MS).0);
            Ok(session::Entity::find().filter(lately).all(tx).await?)
        })
    });
    let mut counts: HashMap<StaffId, usize> = HashMap::new();
    for row in rows.await?.iter().filter(|row| is_open(row, now)) {
        *counts.entry(StaffId::from_row(row.staff_id)).or_default() += 1;
    }
    Ok(counts)
}

/// Ends one session; ending one that is over is no fault.
///
/// # Errors
/// What the database reports; the session may then still be open.
pub async fn close(record: &Database, staff: &Staff, token: &Token) -> Result<(), TxError> {
    let hash = &token.hash();
    record
        .run_tx("session.close", &staff.actor(), move |tx| {
            Box::pin(async move {
                session::Entity::delete_by_id(hash.clone()).exec(tx).await?;
                Ok(())
            })
        })
        .await
}

/// Its owner was recognised once more, at this moment.
///
/// # Errors
/// What the database reports.
pub async fn confirm(
    record: &Database,
    staff: &Staff,
    token: &Token,
    now: WallMs,
) -> Result<(), TxError> {
    let hash = &token.hash();
    record
        .run_tx("session.confirm", &staff.actor(), move |tx| {
            Box::pin(async move {
                session::Entity::update_many()
                    .col_expr(session::Column::ConfirmedAtMs, Expr::value(now.0))
                    .filter(session::Column::TokenHash.eq(hash.as_str()))
                    .filter(session::Column::StaffId.eq(staff.id.get()))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Whether its owner was recognised within [`CONFIRMED_MS`]: once more, or when it was opened.
///
/// # Errors
/// What the database reports.
pub async fn is_fresh(
    record: &Database,
    staff: &Staff,
    token: &Token,
    now: WallMs,
) -> Result<bool, TxError> {
    let row = read(record, staff, token).await?;
    let seen = row.map(|row| row.confirmed_at_ms.unwrap_or(row.opened_at_ms));
    Ok(seen.is_some_and(|at| is_lately(WallMs(at), now)))
}

fn is_lately(at: WallMs, now: WallMs) -> bool {
    (0..CONFIRMED_MS).contains(&now.since(at))
}

/// Whether its owner was recognised once more within [`CONFIRMED_MS`].
///
/// # Errors
/// What the database reports.
pub async fn is_confirmed(
    record: &Database,
    staff: &Staff,
    token: &Token,
    now: WallMs,
) -> Result<bool, TxError> {
    let row = read(record, staff, token).await?;
    let confirmed = row.and_then(|row| row.confirmed_at_ms).map(WallMs);
    Ok(confirmed.is_some_and(|at| is_lately(at, now)))
}

/// By what the session of this token was opened.
///
/// # Errors
/// What the database reports.
pub async fn way(record: &Database, staff: &Staff, token: &Token) -> Result<Option<Way>, TxError> {
    let row = read(record, staff, token).await?;
    Ok(row.map(|row| Way::read(row.opened_by.as_deref())))
}

async fn read(
    record: &Database,
    staff: &Staff,
    token: &Token,
) -> Result<Option<session::Model>, TxError> {
    let (hash, id) = (&token.hash(), staff.id.get());
    let actor = staff.actor();
    let row = record.read_tx("session.read", &actor, move |tx| {
        Box::pin(async move { Ok(session::Entity::find_by_id(hash.clone()).one(tx).await?) })
    });
    Ok(row.await?.filter(|row| row.staff_id == id))
}

/// An open session, as its owner and the administrator see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// By what it is named when it is to be ended. It opens nothing.
    pub handle: String,
    /// Since when.
    pub opened: WallMs,
    /// When it was last used, to a minute.
    pub seen: WallMs,
    /// What the browser says of itself; may be empty.
    pub browser: String,
    /// By what it was opened.
    pub way: Way,
}

impl Token {
    /// By what lists name the session of this token.
    #[must_use]
    pub fn handle(&self) -> String {
        self.hash().chars().take(HANDLE_CHARS).collect()
    }
}

/// The open sessions of an account, the latest first.
///
/// # Errors
/// What the database reports.
pub async fn list(
    record: &Database,
    actor: &Actor,
    staff: StaffId,
    now: WallMs,
) -> Result<Vec<OpenSession>, TxError> {
    let rows = record.read_tx("session.list", actor, move |tx| {
        Box::pin(async move {
            let rows = session::Entity::find()
                .filter(session::Column::StaffId.eq(staff.get()))
                .order_by_desc(session::Column::OpenedAtMs)
                .limit(LISTED_MAX);
            Ok(rows.all(tx).await?)
        })
    });
    let open = rows.await?.into_iter().filter(|row| is_open(row, now));
    let shown = open.map(|row| OpenSession {
        handle: row.token_hash.chars().take(HANDLE_CHARS).collect(),
        opened: WallMs(row.opened_at_ms),
        seen: WallMs(row.seen_at_ms),
        way: Way::read(row.opened_by.as_deref()),
        browser: row.browser.unwrap_or_default(),
    });
    Ok(shown.collect())
}

/// Ends one session of an account by its handle. Whether there was one.
///
/// # Errors
/// What the database reports; the session may then still be open.
pub async fn close_listed(
    record: &Database,
    actor: &Actor,
    staff: StaffId,
    handle: &str,
) -> Result<bool, TxError> {
    if handle.len() != HANDLE_CHARS || !handle.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Ok(false);
    }
    let closed = record.run_tx("session.close_listed", actor, move |tx| {
        Box::pin(async move {
            let closed = session::Entity::delete_many()
                .filter(session::Column::StaffId.eq(staff.get()))
                .filter(session::Column::TokenHash.starts_with(handle))
                .exec(tx)
                .await?;
            Ok(closed.rows_affected > 0)
        })
    });
    closed.await
}

/// Ends every session of an account, and says how many there were.
///
/// # Errors
/// What the database reports; the sessions may then still be open.
pub async fn close_all(record: &Database, actor: &Actor, staff: StaffId) -> Result<u64, TxError> {
    record
        .run_tx("session.close_all", actor, move |tx| {
            Box::pin(async move {
                let theirs = session::Column::StaffId.eq(staff.get());
                Ok(session::Entity::delete_many()
                    .filter(theirs)
                    .exec(tx)
                    .await?
                    .rows_affected)
            })
        })
        .await
}

fn is_open(session: &session::Model, now: WallMs) -> bool {
    now.since(WallMs(session.seen_at_ms)) < IDLE_MS
        && now.since(WallMs(session.opened_at_ms)) < WHOLE_MS
}

async fn note_use(
    record: &Database,
    staff: &Staff,
    hash: &str,
    now: WallMs,
) -> Result<(), TxError> {
    record
        .run_tx("session.note_use", &staff.actor(), move |tx| {
            Box::pin(async move {
                session::Entity::update_many()
                    .col_expr(session::Column::SeenAtMs, Expr::value(now.0))
                    .filter(session::Column::TokenHash.eq(hash))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}
