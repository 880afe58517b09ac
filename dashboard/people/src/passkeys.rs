//! Passkeys (WebAuthn): what staff show instead of password and code. A key that never leaves its
//! authenticator signs a challenge of ours for our address alone, after the authenticator has
//! recognised its owner by finger, face or PIN: possession and person at once, and nothing that
//! could be typed on somebody else's site.
//!
//! Every passkey is *discoverable*: nobody says who they are before it is shown, so that the door
//! tells nobody whether an account exists. An account has several, each with a name. What is kept
//! is the public half, its signature counter and backup flags; the counter only goes up, and a
//! passkey whose counter does not was copied: it is refused, and that stands in the audit.
//!
//! Making and showing are *ceremonies*: the challenge waits at the centre, for one answer, from
//! one browser, for [`CEREMONY_MS`]. That a session was confirmed a short while ago before one is
//! made is for the pages to see to ([`crate::sessions::is_confirmed`]).
//!
//! **Limits.** Passkeys are bound to the host of the centre's address for ever: a centre that moves
//! makes them anew. Which authenticator made one is not asked (no attestation), so one that is
//! synchronised by its maker's cloud is accepted.
//!
//! `conditional-ui` of the library is used for sign-in without a name; what it would do in the
//! browser (an offer beside the user name) is turned off. None of its `danger-` features is on.

use sha2::{Digest, Sha256};
use thiserror::Error;
use url::Url;
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Access, Actor, Database, Tx, TxError};
use veglia_wire::WallMs;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, Uuid as Handle, Webauthn,
    WebauthnBuilder, WebauthnError,
};

use crate::StaffId;
use crate::code_rows::totp;
use crate::passkey_rows::passkey;
use crate::rows::{session, staff};
use crate::sessions::{Token, hex};
use crate::staff::Staff;

use crate::waiting::Waiting;

pub use webauthn_rs::prelude::{
    CreationChallengeResponse, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse,
};

/// How long a ceremony may take, in milliseconds: to find the key, plug it in and type its PIN.
pub const CEREMONY_MS: i64 = 5 * 60 * 1_000;

/// Passkeys of one account: a telephone, a computer and a spare key, several times over.
pub const PASSKEYS_MAX: usize = 16;

/// Longest name of a passkey, in characters.
pub const NAME_CHARS_MAX: usize = 60;

/// Letters of the hash by which pages name a passkey.
const REFERENCE_CHARS: usize = 16;

/// What stands in the audit.
pub mod purposes {
    /// One was made.
    pub const MADE: &str = "passkey.made";
    /// One was shown, and somebody recognised.
    pub const SHOWN: &str = "passkey.shown";
    /// One was shown that must have been copied.
    pub const COPIED: &str = "passkey.copied";
    /// One was removed by its owner.
    pub const REMOVED: &str = "passkey.removed";
    /// One was withdrawn by somebody else.
    pub const WITHDRAWN: &str = "passkey.withdrawn";
}

/// An address at which there can be no passkeys.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error(
    "passkeys need an address such as https://centro.example: https, a name and no number, nothing \
     behind it (http is for localhost alone)"
)]
pub struct OriginError;

/// Why a passkey was not made or not believed.
#[derive(Debug, Error)]
pub enum PasskeyError {
    /// Late, another browser's, or answered already.
    #[error("this ceremony is over: begin again")]
    Over,
    /// No account has this passkey, or its account is closed.
    #[error("nobody has this passkey")]
    Unknown,
    /// Not what was asked for: another site, another challenge, no owner recognised.
    #[error("the answer of the authenticator does not hold")]
    Refused(#[source] WebauthnError),
    /// Its counter did not go up.
    #[error("the passkey was used elsewhere since: it must have been copied")]
    Copied,
    /// The name cannot be shown.
    #[error("the name of a passkey must have 1 to {NAME_CHARS_MAX} ordinary characters")]
    Name,
    /// The account has many.
    #[error("an account has {PASSKEYS_MAX} passkeys at most: remove one")]
    Full,
    /// It is an account's already.
    #[error("this passkey is known already")]
    Known,
    /// The system gave no random numbers.
    #[error("no token could be made")]
    Random(#[source] getrandom::Error),
    /// What is stored is none that this program writes.
    #[error("a stored passkey cannot be read")]
    Stored,
    /// The database did not answer.
    #[error("the passkey was not looked at")]
    Store(#[source] TxError),
}

/// A passkey, as its owner and the administrator see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// By what pages name it. It opens nothing.
    pub reference: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub made: WallMs,
    /// When it was last shown, if ever.
    pub used: Option<WallMs>,
}

/// The door at which passkeys are made and shown. One per process.
#[derive(Debug)]
pub struct Passkeys {
    webauthn: Webauthn,
    origin: String,
    ceremonies: Waiting<Ceremony>,
}

/// What was begun.
enum Ceremony {
    /// A passkey is being made.
    Making {
        owner: StaffId,
        handle: Handle,
        state: Box<PasskeyRegistration>,
    },
    /// A passkey is being shown.
    Showing(Box<DiscoverableAuthentication>),
}

impl Passkeys {
    /// For pages that browsers reach at `origin`.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn new(origin: &Url) -> Result<Self, OriginError> {
        let host = origin.domain().ok_or(OriginError)?;
        let is_safe =
            origin.scheme() == "https" || (origin.scheme() == "http" && host == "localhost");
        if !is_safe || origin.path() != "/" || origin.query().is_some() {
            return Err(OriginError);
        }
        let site = WebauthnBuilder::new(host, origin).map_err(|_| OriginError)?;
        let site = site.rp_name("Veglia").build();
        Ok(Self {
            webauthn: site.map_err(|_| OriginError)?,
            origin: origin.origin().ascii_serialization(),
            ceremonies: Waiting::new(CEREMONY_MS),
        })
    }

    /// The address at which browsers offer them, without a slash at its end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Begins to make one: what the browser keeps until then, and what its authenticator is asked.
    ///
    /// # Errors
    /// [`PasskeyError::Full`], and see the others.
    pub async fn begin_making(
        &self,
        record: &Database,
        staff: &Staff,
        now: WallMs,
    ) -> Result<(Token, CreationChallengeResponse), PasskeyError> {
        let id = staff.id.get();
        let actor = staff.actor();
        let read = record.read_tx("passkey.begin_making", &actor, move |tx| {
            Box::pin(async move {
                let account = staff::Entity::find_by_id(id).one(tx).await?;
                Ok((account, rows_of(tx, id).await?))
            })
        });
        let (account, rows) = read.await.map_err(PasskeyError::Store)?;
        let account = account.ok_or(PasskeyError::Unknown)?;
        if rows.len() >= PASSKEYS_MAX {
            return Err(PasskeyError::Full);
        }
        // One name of the account for all its passkeys, which says nothing about anyone.
        let handle = match rows.first() {
            Some(row) => Handle::parse_str(&row.user_handle).map_err(|_| PasskeyError::Stored)?,
            None => Handle::new_v4(),
        };
        let known: Result<Vec<_>, _> = rows
            .iter()
            .map(|row| Ok(read_of(row)?.cred_id().clone()))
            .collect();
        let begun = self.webauthn.start_passkey_registration(
            handle,
            &account.username,
            &account.name,
            Some(known?),
        );
        let (mut asked, state) = begun.map_err(PasskeyError::Refused)?;
        if let Some(wanted) = &mut asked.public_key.authenticator_selection {
            // Discoverable, or the sign-in without a name would not find it. The library's word is
            // "discouraged", for old keys with few places.
            wanted.resident_key = None;
            wanted.require_resident_key = true;
        }
        let ceremony = Ceremony::Making {
            owner: staff.id,
            handle,
            state: Box::new(state),
        };
        Ok((self.keep(ceremony, now)?, asked))
    }

    /// Makes it, with what the authenticator answered. At the first of an account that shows no
    /// one-time codes every session but `session` ends: they were opened by the password alone.
    ///
    /// # Errors
    /// See [`PasskeyError`]; nothing was written then.
    pub async fn make(
        &self,
        record: &Database,
        staff: &Staff,
        (ceremony, session): (&Token, &Token),
        (name, answer): (&str, &RegisterPublicKeyCredential),
        now: WallMs,
    ) -> Result<(), PasskeyError> {
        let Some(Ceremony::Making {
            owner,
            handle,
            state,
        }) = self.ceremonies.take(ceremony, now)
        else {
            return Err(PasskeyError::Over);
        };
        if owner != staff.id {
            return Err(PasskeyError::Over);
        }
        let name = named(name)?;
        let made = self.webauthn.finish_passkey_registration(answer, &state);
        let made = made.map_err(PasskeyError::Refused)?;
        let row = &passkey::Model {
            id_hash: hash(made.cred_id()),
            staff_id: owner.get(),
            user_handle: handle.to_string(),
            name,
            credential: written(&made)?,
            made_at_ms: now.0,
            used_at_ms: None,
        };
        let actor = staff.actor();
        let (kept, subject) = (&session.hash(), &actor.to_string());
        let put = record.run_tx("passkey.make", &actor, move |tx| {
            Box::pin(async move {
                let before = rows_of(tx, owner.get()).await?.len();
                if before >= PASSKEYS_MAX {
                    return Ok(Err(PasskeyError::Full));
                }
                passkey::Entity::insert(row.clone().into_active_model())
                    .exec_without_returning(tx)
                    .await?;
                if before == 0 && !shows_codes(tx, owner).await? {
                    session::Entity::delete_many()
                        .filter(session::Column::StaffId.eq(owner.get()))
                        .filter(session::Column::TokenHash.ne(kept.as_str()))
                        .exec(tx)
                        .await?;
                }
                tx.log_access(entry(purposes::MADE, subject, now)).await?;
                Ok(Ok(()))
            })
        });
        put.await.map_err(|error| match error {
            error if error.is_duplicate() => PasskeyError::Known,
            error => PasskeyError::Store(error),
        })?
    }

    /// Begins to be shown one, by whomever: what the browser keeps until then, and what its
    /// authenticators are asked.
    ///
    /// # Errors
    /// [`PasskeyError::Random`].
    pub fn begin_showing(
        &self,
        now: WallMs,
    ) -> Result<(Token, RequestChallengeResponse), PasskeyError> {
        let begun = self.webauthn.start_discoverable_authentication();
        let (mut asked, state) = begun.map_err(PasskeyError::Refused)?;
        // A dialogue after a button, not an offer beside the user name.
        asked.mediation = None;
        let ceremony = Ceremony::Showing(Box::new(state));
        Ok((self.keep(ceremony, now)?, asked))
    }

    /// Whose passkey was shown. It counts as password and code together.
    ///
    /// # Errors
    /// See [`PasskeyError`].
    pub async fn show(
        &self,
        record: &Database,
        ceremony: &Token,
        answer: &PublicKeyCredential,
        now: WallMs,
    ) -> Result<Staff, PasskeyError> {
        let Some(Ceremony::Showing(state)) = self.ceremonies.take(ceremony, now) else {
            return Err(PasskeyError::Over);
        };
        let said = self.webauthn.identify_discoverable_authentication(answer);
        let (handle, id) = said.map_err(PasskeyError::Refused)?;
        let id_hash = &hash(id);
        let (row, staff) = owner(record, id_hash).await?;
        // The authenticator says whose it is: the account must be the one that has the passkey.
        if row.user_handle != handle.to_string() {
            return Err(PasskeyError::Unknown);
        }
        let mut stored = read_of(&row)?;
        let judged = self
            .webauthn
            .finish_discoverable_authentication_v2(answer, *state, &stored);
        let (purpose, credential) = match judged {
            Ok(shown) => {
                stored.update_credential(&shown);
                (purposes::SHOWN, written(&stored)?)
            }
            Err(WebauthnError::CredentialPossibleCompromise) => {
                (purposes::COPIED, row.credential.clone())
            }
            Err(error) => return Err(PasskeyError::Refused(error)),
        };
        let (before, credential) = (&row.credential, &credential);
        let actor = staff.actor();
        let subject = &actor.to_string();
        let noted = record.run_tx("passkey.show", &actor, move |tx| {
            Box::pin(async move {
                let mut update = passkey::Entity::update_many().col_expr(
                    passkey::Column::Credential,
                    Expr::value(credential.as_str()),
                );
                if purpose == purposes::SHOWN {
                    update = update.col_expr(passkey::Column::UsedAtMs, Expr::value(now.0));
                }
                // As it was read: removed since, or shown twice at once, it is not believed.
                let update = update
                    .filter(passkey::Column::IdHash.eq(id_hash.as_str()))
                    .filter(passkey::Column::Credential.eq(before.as_str()));
                let noted = update.exec(tx).await?.rows_affected;
                if noted > 0 {
                    tx.log_access(entry(purpose, subject, now)).await?;
                }
                Ok(noted)
            })
        });
        match noted.await.map_err(PasskeyError::Store)? {
            0 => Err(PasskeyError::Unknown),
            _ if purpose == purposes::COPIED => Err(PasskeyError::Copied),
            _ => Ok(staff),
        }
    }

    fn keep(&self, ceremony: Ceremony, now: WallMs) -> Result<Token, PasskeyError> {
        let kept = self.ceremonies.keep(ceremony, now);
        kept.map_err(PasskeyError::Random)
    }
}

/// The passkeys of an account, the oldest first.
///
/// # Errors
/// What the database reports.
pub async fn list(record: &Database, actor: &Actor, id: StaffId) -> Result<Vec<Known>, TxError> {
    let rows = record.read_tx("passkey.list", actor, move |tx| {
        Box::pin(async move { rows_of(tx, id.get()).await })
    });
    let known = |row: passkey::Model| Known {
        reference: row.id_hash.chars().take(REFERENCE_CHARS).collect(),
        name: row.name,
        made: WallMs(row.made_at_ms),
        used: row.used_at_ms.map(WallMs),
    };
    Ok(rows.await?.into_iter().map(known).collect())
}

/// Whether an account has any.
///
/// # Errors
/// What the database reports.
pub async fn any(record: &Database, actor: &Actor, id: StaffId) -> Result<bool, TxError> {
    record
        .read_tx("passkey.any", actor, move |tx| {
            Box::pin(async move {
                let theirs = passkey::Column::StaffId.eq(id.get());
                Ok(passkey::Entity::find()
                    .filter(theirs)
                    .one(tx)
                    .await?
                    .is_some())
            })
        })
        .await
}

/// Removes one, at its owner's wish. Whether there was one.
///
/// # Errors
/// What the database reports.
pub async fn remove(
    record: &Database,
    staff: &Staff,
    reference: &str,
    now: WallMs,
) -> Result<bool, TxError> {
    let (id, actor) = (staff.id, staff.actor());
    let removed = record.run_tx("passkey.remove", &actor, move |tx| {
        Box::pin(async move { take_away(tx, id, Some(reference), purposes::REMOVED, now).await })
    });
    Ok(removed.await? > 0)
}

/// Takes one away from an account, or without a reference all, and ends its sessions: the
/// telephone is lost. How many there were.
///
/// # Errors
/// What the database reports.
pub async fn withdraw(
    record: &Database,
    actor: &Actor,
    id: StaffId,
    reference: Option<&str>,
    now: WallMs,
) -> Result<u64, TxError> {
    record
        .run_tx("passkey.withdraw", actor, move |tx| {
            Box::pin(async move {
                let gone = take_away(tx, id, reference, purposes::WITHDRAWN, now).await?;
                if gone > 0 {
                    session::Entity::delete_many()
                        .filter(session::Column::StaffId.eq(id.get()))
                        .exec(tx)
                        .await?;
                }
                Ok(gone)
            })
        })
        .await
}

async fn take_away(
    tx: &Tx<'_>,
    id: StaffId,
    reference: Option<&str>,
    purpose: &'static str,
    now: WallMs,
) -> Result<u64, TxError> {
    let mut gone = passkey::Entity::delete_many().filter(passkey::Column::StaffId.eq(id.get()));
    if let Some(reference) = reference {
        let fits = |it: u8| it.is_ascii_hexdigit();
        if reference.len() != REFERENCE_CHARS || !reference.bytes().all(fits) {
            return Ok(0);
        }
        gone = gone.filter(passkey::Column::IdHash.starts_with(reference));
    }
    let gone = gone.exec(tx).await?.rows_affected;
    if gone > 0 {
        let subject = Actor::Staff(id.get()).to_string();
        tx.log_access(entry(purpose, &subject, now)).await?;
    }
    Ok(gone)
}

/// The row of a passkey and the account that has it, if it may be used.
async fn owner(record: &Database, id_hash: &str) -> Result<(passkey::Model, Staff), PasskeyError> {
    let read = record.read_tx("passkey.owner", &Actor::System("people"), move |tx| {
        Box::pin(async move {
            let Some(row) = passkey::Entity::find_by_id(id_hash.to_owned())
                .one(tx)
                .await?
            else {
                return Ok(None);
            };
            let owner = staff::Entity::find_by_id(row.staff_id).one(tx).await?;
            Ok(Some(row).zip(owner))
        })
    });
    let (row, owner) = read
        .await
        .map_err(PasskeyError::Store)?
        .ok_or(PasskeyError::Unknown)?;
    let staff = Staff::from_row(owner).ok_or(PasskeyError::Unknown)?;
    Ok((row, staff))
}

async fn rows_of(tx: &Tx<'_>, id: i64) -> Result<Vec<passkey::Model>, TxError> {
    let rows = passkey::Entity::find()
        .filter(passkey::Column::StaffId.eq(id))
        .order_by_asc(passkey::Column::MadeAtMs);
    Ok(rows.all(tx).await?)
}

async fn shows_codes(tx: &Tx<'_>, id: StaffId) -> Result<bool, TxError> {
    let row = totp::Entity::find_by_id(id.get()).one(tx).await?;
    Ok(row.is_some_and(|row| row.confirmed_at_ms.is_some()))
}

fn entry<'a>(purpose: &'static str, subject: &'a str, now: WallMs) -> Access<'a> {
    Access {
        at_ms: now.0,
        purpose,
        subject,
    }
}

fn named(name: &str) -> Result<String, PasskeyError> {
    let name = name.trim();
    let fits = !name.is_empty()
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned()).ok_or(PasskeyError::Name)
}

fn read_of(row: &passkey::Model) -> Result<Passkey, PasskeyError> {
    serde_json::from_str(&row.credential).map_err(|_| PasskeyError::Stored)
}

fn written(passkey: &Passkey) -> Result<String, PasskeyError> {
    serde_json::to_string(passkey).map_err(|_| PasskeyError::Stored)
}

fn hash(id: &[u8]) -> String {
    hex(&Sha256::digest(id))
}
