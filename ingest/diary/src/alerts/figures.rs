//! How many alerts there were, who closed them, and for how many days of patients.

use veglia_store::sea_orm;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{FromQueryResult, QuerySelect, sea_query};
use veglia_store::{Actor, Database};
use veglia_triage::Severity;
use veglia_wire::WallMs;

use crate::error::ReadError;
use crate::plans;
use crate::rows::alert::{Column, Entity};

const DAY_MS: i64 = 86_400_000;

/// The alerts of a stretch of time. Technical ones speak of the watch and are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertFigures {
    /// Reds and ambers that were opened in it.
    pub opened: u64,
    /// Technical ones that were opened in it.
    pub technical: u64,
    /// Reds and ambers that were closed in it.
    pub closed: u64,
    /// Of those, how many without a person.
    pub closed_alone: u64,
}

#[derive(FromQueryResult)]
struct Count {
    severity: String,
    count: i64,
}

/// Counts the alerts opened and closed from `from` on, before `until`.
///
/// # Errors
/// See [`ReadError`].
pub async fn alert_figures(
    record: &Database,
    actor: &Actor,
    from: WallMs,
    until: WallMs,
) -> Result<AlertFigures, ReadError> {
    let read = record.read_tx("alerts.figures", actor, move |tx| {
        Box::pin(async move {
            let within =
                |column: Column| sea_query::ExprTrait::and(column.gte(from.0), column.lt(until.0));
            let by_severity = || {
                Entity::find()
                    .select_only()
                    .column(Column::Severity)
                    .column_as(Column::Id.count(), "count")
                    .group_by(Column::Severity)
            };
            let opened = by_severity().filter(within(Column::OpenedAtMs));
            let closed = by_severity().filter(within(Column::ClosedAtMs));
            let alone = closed.clone().filter(Column::ClosedBy.is_null());
            let mut counted = Vec::new();
            for asked in [opened, closed, alone] {
                counted.push(asked.into_model::<Count>().all(tx).await?);
            }
            Ok(counted)
        })
    });
    let counted = read.await?;
    let of = |place: usize, technical: bool| {
        let rows = counted.get(place).map(Vec::as_slice).unwrap_or_default();
        let is_technical = |row: &&Count| row.severity == Severity::Technical.name();
        let rows = rows.iter().filter(|row| is_technical(row) == technical);
        rows.map(|row| row.count.unsigned_abs()).sum()
    };
    Ok(AlertFigures {
        opened: of(0, false),
        technical: of(0, true),
        closed: of(1, false),
        closed_alone: of(2, false),
    })
}

/// For how long patients were under a plan from `from` on, before `until`, all of them together:
/// in thousandths of a day. A patient's time runs from the beginning of the first version of the
/// plan to the end of the last.
///
/// # Errors
/// See [`ReadError`].
pub async fn patient_days(
    record: &Database,
    actor: &Actor,
    from: WallMs,
    until: WallMs,
) -> Result<u64, ReadError> {
    let spans = plans::spans(record, actor).await?;
    let within = spans.into_iter().map(|(begins, ends)| {
        let ends = ends.unwrap_or(until).min(until);
        ends.since(begins.max(from)).max(0)
    });
    let all_ms = within.fold(0_i64, i64::saturating_add);
    Ok((all_ms / (DAY_MS / 1_000)).unsigned_abs())
}
