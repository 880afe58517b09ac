//! The other open alerts of one patient: charge is of the patient, and the family doctor hears
//! once.

use veglia_store::sea_orm::QuerySelect;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Tx, TxError};
use veglia_triage::Severity;
use veglia_wire::WallMs;

use super::{ALERTS_MAX, apply, state};
use crate::error::ReadError;
use crate::ladder::{Beside, Doctor, Hold, Input, State};
use crate::rows::alert;

/// The other open alerts of the patient of one.
async fn others(tx: &Tx<'_>, of: &alert::Model) -> Result<Vec<(alert::Model, State)>, TxError> {
    let rows = alert::Entity::find()
        .filter(alert::Column::Patient.eq(&of.patient))
        .filter(alert::Column::ClosedAtMs.is_null())
        .filter(alert::Column::Id.ne(of.id))
        .limit(ALERTS_MAX);
    let rows = rows.all(tx).await?.into_iter().map(|row| {
        let state = state(&row).map_err(TxError::refuse)?;
        Ok((row, state))
    });
    rows.collect()
}

/// What an alert that is told now finds beside it. What is about the watch and not the patient is
/// nobody's for that.
pub(super) async fn of(
    tx: &Tx<'_>,
    row: &alert::Model,
    severity: Severity,
    now: WallMs,
) -> Result<Beside, TxError> {
    let mut beside = Beside::default();
    if severity == Severity::Technical {
        return Ok(beside);
    }
    let others = others(tx, row).await?;
    let held = |state: &State| state.hold.clone().filter(|hold| hold.until > now);
    for (_, other) in &others {
        if other.severity != Severity::Red || other.over.is_some() {
            continue;
        }
        beside.is_informed |= other.is_confirmed && other.doctor != Doctor::Unasked;
        let latest = beside.charge.as_ref().map(|hold| hold.until);
        if let Some(hold) = held(other).filter(|hold| Some(hold.until) > latest) {
            beside.charge = Some(hold);
        }
    }
    let own = state(row).map_err(TxError::refuse)?;
    let holder = held(&own).or_else(|| beside.charge.clone());
    let is_same = |hold: Hold| holder.as_ref().is_some_and(|it| it.by == hold.by);
    let heard = others
        .iter()
        .filter(|(_, it)| held(it).is_some_and(is_same));
    beside.heard = heard.filter_map(|(_, it)| it.heard).max();
    Ok(beside)
}

/// Whoever has taken charge of one alert has those of the patient that are no graver and that
/// nobody else has, for as long; whoever has given theirs away has given those away that were
/// theirs too. `before` is where it stood then.
pub(crate) async fn take_along(
    tx: &Tx<'_>,
    alert: i64,
    before: &State,
    at: WallMs,
) -> Result<(), TxError> {
    let row = alert::Entity::find_by_id(alert).one(tx).await?;
    let row = row.ok_or_else(|| TxError::refuse(ReadError::damaged("alert", alert)))?;
    let taken = state(&row).map_err(TxError::refuse)?;
    let mine = tx.actor().to_string();
    let is_mine = |hold: &Hold| hold.by == mine && hold.until > at;
    let Some(hold) = taken.hold else {
        return Ok(());
    };
    let is_given = hold.by != mine;
    if is_given && !before.hold.as_ref().is_some_and(is_mine) {
        return Ok(());
    }
    for (row, other) in others(tx, &row).await? {
        let is_fit = match &other.hold {
            Some(hold) if hold.until > at => hold.by == mine,
            _ => !is_given && other.snooze.is_none() && other.severity <= taken.severity,
        };
        if is_fit && other.severity != Severity::Technical {
            let by = hold.by.clone();
            let along = Some(hold.until);
            apply(tx, row, &Input::Taken { by, along }, at).await?;
        }
    }
    Ok(())
}
