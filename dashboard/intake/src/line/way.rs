//! How far a call has come on its way into the outbox.
//!
//! ```text
//! phone_handed, with the newest sequence before ─▶ outbox (fsync) ─▶ phone_sent, with it since
//! ```
//! Only the last row says that a call went in. Between the first and the last it is *doubtful*:
//! somebody died, and whether the outbox has the call is for the outbox to say. Its sequences say
//! nothing: a write that was cut short leaves a hole in them, and holds nothing.

use std::collections::HashMap;

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::{Epoch, Sequence};

use crate::rows::{handed, sent};
use crate::said::CallId;

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nobody tried to hand it to an outbox.
    Out,
    /// The outbox may have it, behind this sequence.
    Doubtful(Option<Sequence>),
    /// The outbox has it, up to this sequence.
    In(Option<Sequence>),
    /// An outbox had it that is gone.
    Elsewhere,
}

/// Where these calls are, as seen by an outbox.
pub(super) async fn of_all(
    tx: &Tx<'_>,
    calls: &[&str],
    epoch: Epoch,
) -> Result<HashMap<String, Way>, TxError> {
    let epoch = epoch.to_string();
    let handed = handed::Entity::find()
        .filter(handed::Column::Call.is_in(calls.iter().copied()))
        .order_by_desc(handed::Column::Id);
    let sent = sent::Entity::find()
        .filter(sent::Column::Call.is_in(calls.iter().copied()))
        .order_by_asc(sent::Column::Id);
    let (handed, sent) = (handed.all(tx).await?, sent.all(tx).await?);
    let mut ways: HashMap<String, Way> = HashMap::new();
    // Of one outbox the first row counts: behind it lies whatever was handed since.
    for row in handed {
        if row.epoch == epoch {
            ways.insert(row.call, Way::Doubtful(sequence(row.after)));
        } else {
            ways.entry(row.call).or_insert(Way::Elsewhere);
        }
    }
    for row in sent {
        if row.epoch == epoch {
            ways.insert(row.call, Way::In(sequence(row.through)));
        } else {
            ways.entry(row.call).or_insert(Way::Elsewhere);
        }
    }
    Ok(ways)
}

/// Where a call is, as seen by an outbox.
pub(super) async fn of(tx: &Tx<'_>, call: &str, epoch: Epoch) -> Result<Way, TxError> {
    let ways = of_all(tx, &[call], epoch).await?;
    Ok(ways.get(call).copied().unwrap_or(Way::Out))
}

/// Writes that a call is about to be handed to an outbox.
pub(super) async fn is_handed(
    record: &Database,
    actor: &Actor,
    call: &CallId,
    (epoch, after): (Epoch, Option<Sequence>),
) -> Result<(), TxError> {
    let row = &handed::ActiveModel {
        id: NotSet,
        call: Set(call.to_string()),
        epoch: Set(epoch.to_string()),
        after: Set(number(after)),
    };
    let written = record.run_tx("intake.handed", actor, move |tx| {
        Box::pin(async move {
            handed::Entity::insert(row.clone())
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    });
    written.await
}

/// Writes that an outbox has a call on its disk.
pub(super) async fn is_in(
    record: &Database,
    actor: &Actor,
    call: &CallId,
    (epoch, through): (Epoch, Option<Sequence>),
) -> Result<(), TxError> {
    let row = &sent::ActiveModel {
        id: NotSet,
        call: Set(call.to_string()),
        epoch: Set(epoch.to_string()),
        through: Set(number(through)),
    };
    let written = record.run_tx("intake.sent", actor, move |tx| {
        Box::pin(async move {
            sent::Entity::insert(row.clone())
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    });
    written.await
}

fn number(sequence: Option<Sequence>) -> i64 {
    i64::try_from(sequence.map_or(0, Sequence::get)).unwrap_or(i64::MAX)
}

fn sequence(number: i64) -> Option<Sequence> {
    Sequence::new(u64::try_from(number).unwrap_or(0))
}
