//! What ingest must hear of: each new plan, assignment, end of one, word of whose readings are,
//! standing of a patient, and act, in one order.
//!
//! The row a change names is immutable, so a change read again is the same change. Numbers grow
//! in the order of writing: there is one writer at a time.

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{PatientStanding, Plan};
use veglia_wire::WallMs;

use crate::acts::{self, Act};
use crate::assignments::{self, Assignment, AssignmentEnd, AssignmentId};
use crate::attributions::{self, Attributed};
use crate::error::ReadError;
use crate::hidden::Veils;
use crate::plans;
use crate::rows::change::{ActiveModel, Column, Entity, Model};
use crate::rows::{assignment, assignment_end, attribution, entry, plan, standing};
use crate::sealed::Keys;
use crate::standings;

/// Changes given at once: a poll that found more asks again.
pub const CHANGES_MAX: u64 = 500;

/// Number of a change, from 1; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ChangeId(pub i64);

/// Something new in the diary, and all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub id: ChangeId,
    /// What.
    pub what: Changed,
}

/// What is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// A version of a plan.
    Plan(Plan),
    /// A device was given to a patient, or to a household.
    Assigned(Assignment),
    /// A device was taken back.
    Ended(AssignmentEnd),
    /// Somebody said whose readings are. Their reasons stay in the diary.
    Attributed(Attributed),
    /// A patient went somewhere, or came home.
    Standing(PatientStanding),
    /// A person did or wrote something.
    Act(Act),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plan,
    Assignment,
    AssignmentEnd,
    Attribution,
    Entry,
    Standing,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Plan,
        Self::Assignment,
        Self::AssignmentEnd,
        Self::Attribution,
        Self::Entry,
        Self::Standing,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Assignment => "assignment",
            Self::AssignmentEnd => "assignment-end",
            Self::Attribution => "attribution",
            Self::Entry => "entry",
            Self::Standing => "standing",
        }
    }
}

/// Notes a row, in the transaction that writes it.
pub(crate) async fn note(tx: &Tx<'_>, kind: Kind, row_id: i64) -> Result<(), TxError> {
    let row = ActiveModel {
        id: NotSet,
        kind: Set(kind.name().to_owned()),
        row_id: Set(row_id),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Changes after `last`, oldest first, at most [`CHANGES_MAX`]; to a person, without the acts that
/// are hidden from them.
///
/// # Errors
/// See [`ReadError`].
pub async fn changes_since(
    record: &Database,
    actor: &Actor,
    last: ChangeId,
) -> Result<Vec<Change>, ReadError> {
    let read = record.read_tx("diary.changes", actor, move |tx| {
        Box::pin(async move {
            let mut reading = Reading::default();
            let mut changes = Vec::new();
            let mut after = last;
            // Until there is something to tell, or nothing more: whoever asks stops at nothing.
            while changes.is_empty() {
                let rows = Entity::find().filter(Column::Id.gt(after.0));
                let rows = rows.order_by_asc(Column::Id).limit(CHANGES_MAX);
                let rows = rows.all(tx).await?;
                if rows.is_empty() {
                    break;
                }
                for row in rows {
                    after = ChangeId(row.id);
                    let what = reading.changed(tx, &row).await?;
                    changes.extend(what.map(|what| Change { id: after, what }));
                }
            }
            Ok(changes)
        })
    });
    Ok(read.await?)
}

/// The newest change; 0 when there is none.
///
/// # Errors
/// See [`ReadError`].
pub async fn newest_change(record: &Database, actor: &Actor) -> Result<ChangeId, ReadError> {
    let read = record.read_tx("diary.newest_change", actor, |tx| {
        Box::pin(async move {
            let newest = Entity::find().order_by_desc(Column::Id).one(tx).await?;
            Ok(ChangeId(newest.map_or(0, |row| row.id)))
        })
    });
    Ok(read.await?)
}

/// The last change whose row was written at `at` or before, by the time the row names; 0 when
/// there is none.
///
/// # Errors
/// See [`ReadError`].
pub async fn last_change_by(
    record: &Database,
    actor: &Actor,
    at: WallMs,
) -> Result<ChangeId, ReadError> {
    let read = record.read_tx("diary.last_change_by", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find().order_by_desc(Column::Id);
            let mut before = i64::MAX;
            loop {
                let some = rows.clone().filter(Column::Id.lt(before));
                let some = some.limit(CHANGES_MAX).all(tx).await?;
                let Some(oldest) = some.last() else {
                    return Ok(ChangeId(0));
                };
                before = oldest.id;
                for row in some {
                    if written_at(tx, &row).await?.is_some_and(|it| it <= at.0) {
                        return Ok(ChangeId(row.id));
                    }
                }
            }
        })
    });
    Ok(read.await?)
}

/// When the row that a change names was written.
async fn written_at(tx: &Tx<'_>, row: &Model) -> Result<Option<i64>, TxError> {
    let id = row.row_id;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == row.kind);
    Ok(match kind {
        Some(Kind::Plan) => {
            let row = plan::Entity::find_by_id(id).one(tx).await?;
            row.map(|row| row.created_at_ms)
        }
        Some(Kind::Assignment) => {
            let row = assignment::Entity::find_by_id(id).one(tx).await?;
            row.map(|row| row.created_at_ms)
        }
        Some(Kind::AssignmentEnd) => {
            let row = assignment_end::Entity::find_by_id(id).one(tx).await?;
            row.map(|row| row.created_at_ms)
        }
        Some(Kind::Attribution) => {
            let row = attribution::Entity::find_by_id(id).one(tx).await?;
            row.map(|row| row.created_at_ms)
        }
        Some(Kind::Entry) => {
            let row = entry::Entity::find_by_id(id).one(tx).await?;
            row.map(|row| row.at_ms)
        }
        Some(Kind::Standing) => {
            let row = standing::Entity::find_by_id(id).one(tx).await?;
            row.map(|row| row.created_at_ms)
        }
        None => None,
    })
}

/// What one reading of changes needs of the patients they are about.
#[derive(Default)]
struct Reading {
    keys: Keys,
    veils: Veils,
}

impl Reading {
    /// What a row tells whoever reads; nothing when it is hidden from them.
    async fn changed(&mut self, tx: &Tx<'_>, row: &Model) -> Result<Option<Changed>, TxError> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == row.kind);
        let found = match kind {
            Some(Kind::Plan) => plans::by_row(tx, row.row_id).await?.map(Changed::Plan),
            Some(Kind::Assignment) => {
                let id = AssignmentId(row.row_id);
                assignments::by_id(tx, id).await?.map(Changed::Assigned)
            }
            Some(Kind::AssignmentEnd) => {
                let id = AssignmentId(row.row_id);
                assignments::end_of(tx, id).await?.map(Changed::Ended)
            }
            Some(Kind::Attribution) => attributions::by_row(tx, row.row_id)
                .await?
                .map(|said| Changed::Attributed(said.into())),
            Some(Kind::Standing) => standings::by_row(tx, row.row_id)
                .await?
                .map(Changed::Standing),
            Some(Kind::Entry) => match acts::row_of(tx, row.row_id).await? {
                Some(act) if self.veils.of(tx, &act.patient).await?.hides_entry(&act) => {
                    return Ok(None);
                }
                Some(act) => Some(Changed::Act(acts::read(tx, &mut self.keys, act).await?)),
                None => None,
            },
            None => None,
        };
        let missing = || TxError::refuse(ReadError::damaged("change", row.id));
        found.map(Some).ok_or_else(missing)
    }
}
