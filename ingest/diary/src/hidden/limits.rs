//! What may be hidden: nothing that people are called for, and nothing that the next shift must
//! read.
//!
//! It is asked of the veil that would be there with the hiding: whatever that veil takes away and
//! the present one does not, by whichever way, must be over and a day old.

use std::collections::BTreeSet;

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Tx, TxError};
use veglia_wire::WallMs;

use super::veil::Veil;
use super::{HideRefused, PERIOD_AFTER_MS, in_force};
use crate::flags;
use crate::rows::{alert, alert_flag, entry, flag, flag_event, hiding, page};

/// Whether a hiding may be written that whoever has the transaction asks for.
pub(super) async fn may_hide(
    tx: &Tx<'_>,
    row: &hiding::Model,
    now: WallMs,
) -> Result<Result<(), HideRefused>, TxError> {
    let mut rows = in_force(tx, &row.patient).await?;
    if !is_there(tx, row).await? {
        // Whoever hid it knows of it, and hides the same again: a second press, or a lost answer.
        return Ok(match rows.iter().any(|known| known.is_again(row)) {
            true => Ok(()),
            false => Err(HideRefused::Unknown),
        });
    }
    let before = Veil::made_of(tx, &row.patient, &rows, None).await?;
    rows.push(row.clone());
    let after = Veil::made_of(tx, &row.patient, &rows, None).await?;
    if is_open(tx, row, (&before, &after)).await? {
        return Ok(Err(HideRefused::Open));
    }
    let since = now.0.saturating_sub(PERIOD_AFTER_MS);
    if is_recent(tx, &row.patient, (&before, &after), since).await? {
        return Ok(Err(HideRefused::Recent));
    }
    Ok(Ok(()))
}

/// Whether the diary has what is to be hidden, for whoever asks.
async fn is_there(tx: &Tx<'_>, row: &hiding::Model) -> Result<bool, TxError> {
    let veil = Veil::of(tx, &row.patient).await?;
    if let Some(id) = row.entry_id {
        let known = entry::Entity::find_by_id(id).filter(entry::Column::Patient.eq(&row.patient));
        let known = known.one(tx).await?;
        return Ok(known.is_some_and(|known| !veil.hides_entry(&known)));
    }
    if let Some(id) = &row.flag_id {
        let known = flag::Entity::find_by_id(id).filter(flag::Column::Patient.eq(&row.patient));
        return Ok(known.one(tx).await?.is_some() && !veil.hides_flag(id));
    }
    Ok(true)
}

/// Whether something of what would be hidden calls people, or belongs to an episode that goes on.
async fn is_open(
    tx: &Tx<'_>,
    row: &hiding::Model,
    (before, after): (&Veil, &Veil),
) -> Result<bool, TxError> {
    let mut flags: BTreeSet<String> = after.flags_beyond(before).cloned().collect();
    // What was written, or told, until when: an alert that was open then is open still.
    let mut until_ms = None;
    if let Some(id) = row.entry_id {
        let known = entry::Entity::find_by_id(id).one(tx).await?;
        until_ms = known.as_ref().map(|known| known.at_ms.saturating_add(1));
        flags.extend(known.and_then(|known| known.flag_id));
    }
    if let Some(period) = row.period() {
        until_ms = Some(period.end);
        let told = flag_event::Entity::find()
            .filter(flag_event::Column::Patient.eq(&row.patient))
            .filter(flag_event::Column::ToldAtMs.gte(period.start))
            .filter(flag_event::Column::ToldAtMs.lt(period.end));
        flags.extend(told.all(tx).await?.into_iter().map(|it| it.flag_id));
        let acts = entry::Entity::find()
            .filter(entry::Column::Patient.eq(&row.patient))
            .filter(entry::Column::AtMs.gte(period.start))
            .filter(entry::Column::AtMs.lt(period.end));
        flags.extend(acts.all(tx).await?.into_iter().filter_map(|it| it.flag_id));
    }
    let open = alert::Entity::find()
        .filter(alert::Column::Patient.eq(&row.patient))
        .filter(alert::Column::OpenKey.is_not_null())
        .filter(alert::Column::OpenedAtMs.lt(until_ms.unwrap_or(i64::MIN)));
    if open.one(tx).await?.is_some() {
        return Ok(true);
    }
    for id in flags {
        let told = flags::told_of(tx, &id).await?;
        if told.is_some_and(|told| told.ended.is_none()) || has_open_alert(tx, &id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an alert of a flag is open.
async fn has_open_alert(tx: &Tx<'_>, flag: &str) -> Result<bool, TxError> {
    let of = alert_flag::Entity::find().filter(alert_flag::Column::FlagId.eq(flag));
    let alerts: Vec<i64> = of.all(tx).await?.iter().map(|it| it.alert_id).collect();
    let open = alert::Entity::find()
        .filter(alert::Column::Id.is_in(alerts))
        .filter(alert::Column::OpenKey.is_not_null());
    Ok(open.one(tx).await?.is_some())
}

/// Whether something of what would be hidden was written, told, sent or closed since a moment.
async fn is_recent(
    tx: &Tx<'_>,
    patient: &str,
    (before, after): (&Veil, &Veil),
    since: i64,
) -> Result<bool, TxError> {
    let acts = entry::Entity::find()
        .filter(entry::Column::Patient.eq(patient))
        .filter(entry::Column::AtMs.gt(since));
    let acts = acts.all(tx).await?;
    let told = flag_event::Entity::find()
        .filter(flag_event::Column::Patient.eq(patient))
        .filter(flag_event::Column::ToldAtMs.gt(since));
    let told = told.all(tx).await?;
    let pages = page::Entity::find()
        .filter(page::Column::Patient.eq(patient))
        .filter(page::Column::AtMs.gt(since));
    let pages = pages.all(tx).await?;
    let closed = alert::Entity::find()
        .filter(alert::Column::Patient.eq(patient))
        .filter(alert::Column::ClosedAtMs.gt(since));
    let closed = closed.all(tx).await?;
    let goes = |hides: &dyn Fn(&Veil) -> bool| hides(after) && !hides(before);
    Ok(acts.iter().any(|row| goes(&|veil| veil.hides_entry(row)))
        || told.iter().any(|row| goes(&|veil| veil.hides_telling(row)))
        || pages.iter().any(|row| goes(&|veil| veil.hides_page(row)))
        || closed
            .iter()
            .any(|row| goes(&|veil| veil.hides_alert(row.id))))
}
