//! The book of consents: what somebody was told and agreed to, in which version, and what they
//! withdrew. Rows are only added; the newest row of an item is how it stands.
//!
//! A version that is older than today's does not become invalid by that: it is shown, and a person
//! decides whether to ask anew.

use thiserror::Error;
use veglia_people::PersonId;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Access, Actor, Database, Tx, TxError};
use veglia_wire::WallMs;
use veglia_words::Key;

use crate::notice::Item;
use crate::rows::consent::{ActiveModel, Column, Entity, Model};

/// What stands in the access log of a word about consent, and of reading what was agreed to.
pub const PURPOSE: &str = "patient.consents";

/// How somebody said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// On paper, signed.
    Signed,
    /// By word of mouth, to who writes it down.
    Spoken,
    /// On the telephone.
    Telephone,
}

impl How {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Signed, Self::Spoken, Self::Telephone];

    /// As it is stored, and as forms name it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Spoken => "spoken",
            Self::Telephone => "telephone",
        }
    }

    pub(crate) fn name(self) -> Key {
        match self {
            Self::Signed => Key("how-signed"),
            Self::Spoken => Key("how-spoken"),
            Self::Telephone => Key("how-telephone"),
        }
    }

    pub(crate) fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.code() == code)
    }
}

/// What somebody said of an item once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Of what.
    pub item: Item,
    /// Of which version of its text.
    pub version: u16,
    /// Whether it was given; else it was refused or withdrawn.
    pub given: bool,
    /// How.
    pub how: How,
    /// When, by the clock of care.
    pub at: WallMs,
    /// Who wrote it down, as acts are signed.
    pub by: String,
}

/// A row that this program would not have written.
#[derive(Debug, Error)]
#[error("consent {0} is damaged: restore the record from a backup")]
pub struct Damaged(i64);

/// Why consents were not read.
#[derive(Debug, Error)]
pub enum ConsentError {
    /// The database did not answer.
    #[error("consents were not read or written")]
    Store(#[source] TxError),
    /// A row cannot be understood, and what it means is not guessed.
    #[error("consents cannot be shown")]
    Damaged(#[source] Damaged),
}

/// Writes what somebody says of an item, of the version of today.
pub(crate) async fn write_in(
    tx: &Tx<'_>,
    person: PersonId,
    item: Item,
    given: bool,
    how: How,
    now: WallMs,
) -> Result<(), TxError> {
    let row = ActiveModel {
        id: NotSet,
        person_id: Set(person.get()),
        item: Set(item.code().to_owned()),
        version: Set(i64::from(item.version())),
        given: Set(given),
        how: Set(how.code().to_owned()),
        at_ms: Set(now.0),
        written_by: Set(tx.actor().to_string()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Everything that somebody said, the newest first; that it was read is in the access log.
///
/// # Errors
/// See [`ConsentError`].
pub async fn of(
    record: &Database,
    actor: &Actor,
    person: PersonId,
    now: WallMs,
) -> Result<Vec<Consent>, ConsentError> {
    let subject = person.to_string();
    let subject = subject.as_str();
    let rows = record.run_tx("consents.of", actor, move |tx| {
        Box::pin(async move {
            let entry = tx.log_access(Access {
                at_ms: now.0,
                purpose: PURPOSE,
                subject,
            });
            entry.await?;
            let rows = Entity::find().filter(Column::PersonId.eq(person.get()));
            Ok(rows.order_by_desc(Column::Id).all(tx).await?)
        })
    });
    let rows = rows.await.map_err(ConsentError::Store)?;
    let read = rows.into_iter().map(Consent::read);
    read.collect::<Result<_, _>>()
        .map_err(ConsentError::Damaged)
}

impl Consent {
    fn read(row: Model) -> Result<Self, Damaged> {
        let item = Item::ALL.into_iter().find(|item| item.code() == row.item);
        let read = item
            .zip(How::read(&row.how))
            .zip(row.version.try_into().ok());
        let ((item, how), version) = read.ok_or(Damaged(row.id))?;
        Ok(Self {
            item,
            version,
            given: row.given,
            how,
            at: WallMs(row.at_ms),
            by: row.written_by,
        })
    }
}
