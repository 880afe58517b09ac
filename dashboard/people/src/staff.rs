//! Accounts of staff: what they may do, making them, changing them.
//!
//! Accounts are disabled, never deleted: what someone did stays signed. Changing a password or
//! disabling an account ends every session of that account.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::StaffId;
use crate::belongs::Belongs;
use crate::code_rows::step;
use crate::password::{self, Password, PasswordError};
use crate::patients::MAX_NAME_CHARS;
use crate::rows::{session, staff};

pub use crate::role::{Role, RoleError};

/// Longest user name, in characters.
const MAX_USERNAME_CHARS: usize = 64;

/// What someone types to sign in: lower-case letters, digits, `.`, `_`, `-`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

/// A text that is no [`Username`].
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a user name has 2 to {MAX_USERNAME_CHARS} letters, digits, '.', '_' or '-'")]
pub struct UsernameError;

impl Username {
    /// In lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Capitals and spaces around are forgiven: telephones add them by themselves.
impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        let name = text.trim().to_ascii_lowercase();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !(2..=MAX_USERNAME_CHARS).contains(&name.len()) || !name.chars().all(fits) {
            return Err(UsernameError);
        }
        Ok(Self(name))
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Username(…)")
    }
}

/// An account that may be used. `Debug` shows the identifier and the role alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Staff {
    /// Which account.
    pub id: StaffId,
    /// The name shown on pages and signed under acts.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Of somebody outside the centre: whose patients are theirs.
    pub belongs: Option<Belongs>,
}

impl Staff {
    /// This person as the actor of what they do.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Staff(self.id.get())
    }

    /// `None` when the account is disabled, or holds a role this program does not know: a role
    /// not understood gives no rights.
    pub(crate) fn from_row(row: staff::Model) -> Option<Self> {
        let role = row.role.parse().ok()?;
        let staff = Self {
            id: StaffId::from_row(row.id),
            name: row.name,
            role,
            belongs: row.belongs_to.as_deref().and_then(Belongs::read),
        };
        row.disabled_at_ms.is_none().then_some(staff)
    }
}

impl fmt::Debug for Staff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Staff({}, {})", self.id, self.role.code())
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewStaff {
    /// What they type to sign in.
    pub username: Username,
    /// The name shown on pages.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their first password.
    pub password: Password,
}

/// Why an account was not made or changed.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The name to show is empty, too long, or holds line breaks and the like.
    #[error("the name must have 1 to {MAX_NAME_CHARS} ordinary characters")]
    Name,
    /// Someone has this user name already.
    #[error("this user name is taken: choose another")]
    Taken,
    /// Nobody has this identifier.
    #[error("there is no account {0}")]
    Unknown(StaffId),
    /// The password cannot be used.
    #[error("the password was not accepted")]
    Password(#[source] PasswordError),
    /// The database did not write.
    #[error("the account was not written")]
    Store(#[source] TxError),
}

/// Makes an account.
///
/// # Errors
/// See [`AccountError`]; nothing was written then.
pub async fn create(
    record: &Database,
    actor: &Actor,
    new: NewStaff,
    now: WallMs,
) -> Result<StaffId, AccountError> {
    let name = new.name.trim();
    if name.is_empty()
        || name.chars().count() > MAX_NAME_CHARS
        || name.chars().any(char::is_control)
    {
        return Err(AccountError::Name);
    }
    let hash = password::hash(new.password)
        .await
        .map_err(AccountError::Password)?;
    let (username, role) = (&new.username, new.role);
    let hash = &hash;
    record
        .run_tx("staff.create", actor, move |tx| {
            Box::pin(async move {
                let row = staff::ActiveModel {
                    id: NotSet,
                    username: Set(username.as_str().to_owned()),
                    name: Set(name.to_owned()),
                    role: Set(role.code().to_owned()),
                    password_hash: Set(hash.clone()),
                    created_at_ms: Set(now.0),
                    created_by: Set(tx.actor().to_string()),
                    disabled_at_ms: Set(None),
                    belongs_to: Set(None),
                };
                Ok(staff::Entity::insert(row).exec(tx).await?.last_insert_id)
            })
        })
        .await
        .map(StaffId::from_row)
        .map_err(|error| match error {
            error if error.is_duplicate() => AccountError::Taken,
            error => AccountError::Store(error),
        })
}

/// Gives an account a new password, and ends its sessions.
///
/// # Errors
/// See [`AccountError`]; nothing was written then.
pub async fn set_password(
    record: &Database,
    actor: &Actor,
    id: StaffId,
    password: Password,
) -> Result<(), AccountError> {
    let hash = password::hash(password)
        .await
        .map_err(AccountError::Password)?;
    change(
        record,
        actor,
        "staff.set_password",
        id,
        staff::Column::PasswordHash,
        hash.into(),
    )
    .await
}

/// Closes an account for good, and ends its sessions.
///
/// # Errors
/// See [`AccountError`]; nothing was written then.
pub async fn disable(
    record: &Database,
    actor: &Actor,
    id: StaffId,
    now: WallMs,
) -> Result<(), AccountError> {
    change(
        record,
        actor,
        "staff.disable",
        id,
        staff::Column::DisabledAtMs,
        now.0.into(),
    )
    .await
}

/// Ties an account to a family doctor or to a hospital's unit, and ends its sessions.
///
/// # Errors
/// See [`AccountError`]; nothing was written then.
pub async fn tie(
    record: &Database,
    actor: &Actor,
    id: StaffId,
    belongs: &Belongs,
) -> Result<(), AccountError> {
    let value = belongs.to_string().into();
    let column = staff::Column::BelongsTo;
    change(record, actor, "staff.tie", id, column, value).await
}

/// Writes one column of one account and ends its sessions, both or neither.
async fn change(
    record: &Database,
    actor: &Actor,
    what: &'static str,
    id: StaffId,
    column: staff::Column,
    value: Value,
) -> Result<(), AccountError> {
    let value = &value;
    let changed = record
        .run_tx(what, actor, move |tx| {
            Box::pin(async move {
                let update = staff::Entity::update_many()
                    .col_expr(column, Expr::value(value.clone()))
                    .filter(staff::Column::Id.eq(id.get()));
                let changed = update.exec(tx).await?.rows_affected;
                session::Entity::delete_many()
                    .filter(session::Column::StaffId.eq(id.get()))
                    .exec(tx)
                    .await?;
                step::Entity::delete_many()
                    .filter(step::Column::StaffId.eq(id.get()))
                    .exec(tx)
                    .await?;
                Ok(changed)
            })
        })
        .await
        .map_err(AccountError::Store)?;
    if changed == 0 {
        Err(AccountError::Unknown(id))
    } else {
        Ok(())
    }
}

/// Whether there is any account yet; before the first one nobody can sign in.
///
/// # Errors
/// What the database reports.
pub async fn any(record: &Database) -> Result<bool, TxError> {
    record
        .read_tx("staff.any", &Actor::System("people"), move |tx| {
            Box::pin(async move { Ok(staff::Entity::find().one(tx).await?.is_some()) })
        })
        .await
}

/// The account of a user name, unless it is closed or nobody's.
///
/// # Errors
/// What the database reports.
pub async fn by_username(
    record: &Database,
    actor: &Actor,
    username: &Username,
) -> Result<Option<Staff>, TxError> {
    let row = record
        .read_tx("staff.by_username", actor, move |tx| {
            Box::pin(async move {
                let named = staff::Column::Username.eq(username.as_str());
                Ok(staff::Entity::find().filter(named).one(tx).await?)
            })
        })
        .await?;
    Ok(row.and_then(Staff::from_row))
}

/// The accounts that may be used, by name.
///
/// # Errors
/// What the database reports.
pub async fn active(record: &Database, actor: &Actor) -> Result<Vec<Staff>, TxError> {
    let rows = record
        .read_tx("staff.active", actor, move |tx| {
            Box::pin(async move {
                let by_name = staff::Entity::find().order_by_asc(staff::Column::Name);
                Ok(by_name.all(tx).await?)
            })
        })
        .await?;
    Ok(rows.into_iter().filter_map(Staff::from_row).collect())
}

/// The role behind every actor that is or was a member of staff, by the same signature as in
/// [`signatures`]; a role that this program does not know is left out.
///
/// # Errors
/// What the database reports.
pub async fn roles(record: &Database, actor: &Actor) -> Result<HashMap<String, Role>, TxError> {
    let rows = record
        .read_tx("staff.roles", actor, move |tx| {
            Box::pin(async move { Ok(staff::Entity::find().all(tx).await?) })
        })
        .await?;
    let signed = |row: staff::Model| {
        let role = row.role.parse().ok()?;
        Some((Actor::Staff(row.id).to_string(), role))
    };
    Ok(rows.into_iter().filter_map(signed).collect())
}

/// The name behind every actor that is a member of staff, as acts are signed (`staff:42`); those
/// of closed accounts too, because what they did stays theirs.
///
/// # Errors
/// What the database reports.
pub async fn signatures(
    record: &Database,
    actor: &Actor,
) -> Result<HashMap<String, String>, TxError> {
    let rows = record
        .read_tx("staff.signatures", actor, move |tx| {
            Box::pin(async move { Ok(staff::Entity::find().all(tx).await?) })
        })
        .await?;
    let signed = |row: staff::Model| (Actor::Staff(row.id).to_string(), row.name);
    Ok(rows.into_iter().map(signed).collect())
}
