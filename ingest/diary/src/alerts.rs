//! Alerts: flags that ask for people, from their coming on the list to their being closed.
//!
//! ```text
//! verdicts, acts, ticks, what became of pages
//!     → Input → ladder::step → State, Steps → event + pages + the alert's row, one transaction
//! ```
//! **One open alert for a patient and a rule** (and, of silence, a vital sign): a further flag of
//! it joins. It closes when none of its flags is on the list any more. A confirmed red leaves the
//! list by a person alone, so its alert does too; others close by themselves, and the flag's end is
//! the trace.
//!
//! **Charge is of the patient** (`alerts/beside.rs`): alerts of one patient know of each other what
//! their people know. Whoever had somebody unknown has whom they turn out to be
//! (`alerts/inherited.rs`).
//!
//! **Nothing is in memory.** A timer is `alert.due_ms`; an event, the pages that follow and the
//! next timer are written together, so what a crash undoes is done again, and what it does not undo
//! is not. A tick that comes twice finds the timer moved on; a tick that comes late acts once, and
//! the page keeps when it was due. The rows of `alert` are the fold of their events ([`remade`]).
//!
//! Deliberately absent: who is on duty, and how a page is delivered.

pub(crate) mod beside;
pub(crate) mod figures;
pub(crate) mod grounds;
pub(crate) mod inherited;
pub(crate) mod pages;
pub(crate) mod ticks;

use std::collections::{BTreeMap, BTreeSet};

use veglia_store::sea_orm::ActiveValue::{NotSet, Set, Unchanged};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{FlagId, How, PatientId, Severity, Standing, Trigger, Verdict};
use veglia_wire::WallMs;

use crate::error::ReadError;
use crate::flags::Told;
use crate::hidden::Veils;
use crate::ladder::{self, Hold, Input, State, Step};
use crate::rows::{alert, alert_event, alert_flag, open_flag, page};

/// Alerts told of at once; who follows asks again.
pub const ALERTS_MAX: u64 = 10_000;

/// Names in one statement: below the number of parameters any engine takes.
pub(crate) const NAMES_PER_QUERY: usize = 500;

/// Number of an alert, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertId(pub i64);

/// How far the events of alerts were followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct AlertCursor(pub i64);

/// A flag that asks for people, with all that was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub id: AlertId,
    /// Whose.
    pub patient: PatientId,
    /// Its newest flag.
    pub flag: FlagId,
    /// When it came on the list.
    pub opened_at: WallMs,
    /// Where it stands.
    pub state: State,
    /// When it was closed, and by whom if by a person.
    pub closed: Option<(WallMs, Option<String>)>,
}

impl Alert {
    /// Whether a flag belongs to it, as long as it is open.
    #[must_use]
    pub fn covers(&self, flag: &FlagId) -> bool {
        open_key(&self.flag) == open_key(flag)
    }
}

/// What makes one alert of several flags.
fn subject(flag: &FlagId) -> String {
    if let Trigger::SilentSince(vital, _) = flag.trigger {
        return format!("{}.{vital}", flag.rule);
    }
    flag.rule.to_string()
}

pub(crate) fn open_key(flag: &FlagId) -> String {
    format!("{}/{}", flag.patient, subject(flag))
}

/// What a verdict means to the alert of its flag. `listed` says whether the flag is on the list
/// by now; `charges`, who had somebody unknown that is let go with this telling of verdicts.
pub(crate) async fn heard(
    tx: &Tx<'_>,
    verdict: &Verdict,
    told: &Told,
    listed: bool,
    charges: &[inherited::Charge],
    now: WallMs,
) -> Result<(), TxError> {
    let flag = verdict.id();
    match verdict {
        Verdict::Raise(_) | Verdict::Confirm { .. } if listed => {
            let row = match open_alert(tx, flag).await? {
                Some(row) => row,
                None => open(tx, flag, told.flag.severity, now).await?,
            };
            // Before it is told, so that nobody is called for who is not at home.
            let row = grounds::settle(tx, row, now).await?;
            let row = inherited::hand_on(tx, row, &told.flag, charges, now).await?;
            join(tx, row.id, flag).await?;
            let row = alert::Model {
                flag_id: flag.to_string(),
                ..row
            };
            let standing = told.flag.standing;
            let input = Input::Told {
                severity: told.flag.severity,
                confirmed: standing.is_confirmed(),
                worse: told.is_worse(verdict.telling()),
                at_once: matches!(
                    standing,
                    Standing::Confirmed {
                        how: How::AtOnce,
                        ..
                    }
                ),
                rule: Some(flag.rule.clone()),
                beside: beside::of(tx, &row, told.flag.severity, now).await?,
            };
            apply(tx, row, &input, now).await
        }
        Verdict::Raise(_) | Verdict::Confirm { .. } => Ok(()),
        Verdict::End { .. } => ended(tx, flag, now).await,
    }
}

/// The episode of a flag is over.
async fn ended(tx: &Tx<'_>, flag: &FlagId, now: WallMs) -> Result<(), TxError> {
    let Some(row) = open_alert(tx, flag).await? else {
        return Ok(());
    };
    let listed = listed_flags(tx, row.id).await?;
    if listed.is_empty() {
        return apply(tx, row, &Input::Left, now).await;
    }
    for id in &listed {
        let told = crate::flags::told_of(tx, id).await?;
        if told.is_some_and(|told| told.ended.is_none()) {
            return Ok(());
        }
    }
    apply(tx, row, &Input::Over, now).await
}

/// The open alert that a flag belongs to.
pub(crate) async fn open_alert(
    tx: &Tx<'_>,
    flag: &FlagId,
) -> Result<Option<alert::Model>, TxError> {
    let row = alert::Entity::find().filter(alert::Column::OpenKey.eq(open_key(flag)));
    Ok(row.one(tx).await?)
}

/// The flags of an alert that are on the list.
pub(crate) async fn listed_flags(tx: &Tx<'_>, alert: i64) -> Result<Vec<String>, TxError> {
    let of = alert_flag::Entity::find().filter(alert_flag::Column::AlertId.eq(alert));
    let ids: Vec<String> = of.all(tx).await?.into_iter().map(|it| it.flag_id).collect();
    let mut listed = Vec::new();
    for some in ids.chunks(NAMES_PER_QUERY) {
        let rows =
            open_flag::Entity::find().filter(open_flag::Column::FlagId.is_in(some.iter().cloned()));
        listed.extend(rows.all(tx).await?.into_iter().map(|row| row.flag_id));
    }
    Ok(listed)
}

async fn open(
    tx: &Tx<'_>,
    flag: &FlagId,
    severity: Severity,
    now: WallMs,
) -> Result<alert::Model, TxError> {
    let row = alert::ActiveModel {
        id: NotSet,
        patient: Set(flag.patient.to_string()),
        subject: Set(subject(flag)),
        open_key: Set(Some(open_key(flag))),
        flag_id: Set(flag.to_string()),
        severity: Set(severity.name().to_owned()),
        opened_at_ms: Set(now.0),
        closed_at_ms: Set(None),
        closed_by: Set(None),
        due_ms: Set(None),
        events: Set(0),
        state: Set(written(&State::new(severity))?),
    };
    let id = alert::Entity::insert(row).exec(tx).await?.last_insert_id;
    let row = alert::Entity::find_by_id(id).one(tx).await?;
    row.ok_or_else(|| TxError::refuse(ReadError::damaged("alert", id)))
}

async fn join(tx: &Tx<'_>, alert: i64, flag: &FlagId) -> Result<(), TxError> {
    let row = alert_flag::Model {
        alert_id: alert,
        flag_id: flag.to_string(),
    };
    let key = [alert_flag::Column::AlertId, alert_flag::Column::FlagId];
    let known = OnConflict::columns(key).do_nothing().to_owned();
    alert_flag::Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Moves an alert: its event, the pages that follow and its new row. What moves nothing leaves no
/// event.
pub(crate) async fn apply(
    tx: &Tx<'_>,
    row: alert::Model,
    input: &Input,
    now: WallMs,
) -> Result<(), TxError> {
    let before = state(&row).map_err(TxError::refuse)?;
    let (after, steps) = ladder::step_by_plan(before.clone(), input, now);
    if after == before && steps.is_empty() && row.events > 0 {
        return Ok(());
    }
    let place = row.events.saturating_add(1);
    let event = alert_event::ActiveModel {
        id: NotSet,
        alert_id: Set(row.id),
        place: Set(place),
        flag_id: Set(row.flag_id.clone()),
        patient: Set(row.patient.clone()),
        what: Set(input.name().to_owned()),
        at_ms: Set(now.0),
        actor: Set(tx.actor().to_string()),
        body: Set(written(input)?),
    };
    alert_event::Entity::insert(event)
        .exec_without_returning(tx)
        .await?;
    for (nth, step) in steps.iter().enumerate() {
        let once = format!("{}:{place}:{nth}", row.id);
        call(tx, &row, &after, once, step, now).await?;
    }
    let closes = after.is_closed && !before.is_closed;
    let by = matches!(input, Input::Closed).then(|| tx.actor().to_string());
    let closed = closes.then_some((now, by));
    update(tx, row, &after, place, closed).await
}

async fn update(
    tx: &Tx<'_>,
    row: alert::Model,
    state: &State,
    events: i64,
    closed: Option<(WallMs, Option<String>)>,
) -> Result<(), TxError> {
    let mut changed = alert::ActiveModel {
        id: Unchanged(row.id),
        flag_id: Set(row.flag_id),
        severity: Set(state.severity.name().to_owned()),
        due_ms: Set(state.due().map(|due| due.0)),
        events: Set(events),
        state: Set(written(state)?),
        ..Default::default()
    };
    if let Some((at, by)) = closed {
        changed.open_key = Set(None);
        changed.closed_at_ms = Set(Some(at.0));
        changed.closed_by = Set(by);
    }
    alert::Entity::update(changed).exec(tx).await?;
    Ok(())
}

async fn call(
    tx: &Tx<'_>,
    row: &alert::Model,
    state: &State,
    once: String,
    step: &Step,
    now: WallMs,
) -> Result<(), TxError> {
    let is_given = step.callee == pages::Callee::Receiver;
    let holder = state.hold.as_ref().filter(|_| is_given);
    let receiver = holder.map(|hold: &Hold| hold.by.clone());
    let page = page::ActiveModel {
        id: NotSet,
        once: Set(once),
        alert_id: Set(row.id),
        flag_id: Set(row.flag_id.clone()),
        patient: Set(row.patient.clone()),
        severity: Set(state.severity.name().to_owned()),
        callee: Set(step.callee.code().to_owned()),
        receiver: Set(receiver),
        why: Set(step.why.code().to_owned()),
        rung: Set(step.rung.and_then(|rung| i64::try_from(rung).ok())),
        due_ms: Set(step.due.0.min(now.0)),
        at_ms: Set(now.0),
    };
    page::Entity::insert(page)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// What is written is our own plain structures: it cannot fail for a reason that a person could
/// mend.
pub(crate) fn written(value: &impl serde::Serialize) -> Result<String, TxError> {
    serde_json::to_string(value).map_err(|error| TxError::refuse(Unwritten(error)))
}

#[derive(Debug, thiserror::Error)]
#[error("an alert cannot be put into words")]
struct Unwritten(#[source] serde_json::Error);

pub(crate) fn state(row: &alert::Model) -> Result<State, ReadError> {
    serde_json::from_str(&row.state).map_err(|_| ReadError::damaged("alert", row.id))
}

fn alert_of(row: &alert::Model) -> Result<Alert, ReadError> {
    let damaged = || ReadError::damaged("alert", row.id);
    Ok(Alert {
        id: AlertId(row.id),
        patient: row.patient.parse().map_err(|_| damaged())?,
        flag: row.flag_id.parse().map_err(|_| damaged())?,
        opened_at: WallMs(row.opened_at_ms),
        state: state(row)?,
        closed: row
            .closed_at_ms
            .map(|at| (WallMs(at), row.closed_by.clone())),
    })
}

/// Opens the alerts of flags that are on the list and have none: those of a record that was kept
/// before there were alerts. Returns how many.
///
/// # Errors
/// See [`ReadError`].
pub async fn adopt(record: &Database, actor: &Actor, now: WallMs) -> Result<usize, ReadError> {
    let written = record.run_tx("alerts.adopt", actor, move |tx| {
        Box::pin(async move {
            let mut adopted = 0;
            for row in open_flag::Entity::find().limit(ALERTS_MAX).all(tx).await? {
                let id: FlagId = row
                    .flag_id
                    .parse()
                    .map_err(|_| TxError::refuse(ReadError::damaged("open_flag", &row.flag_id)))?;
                let is_known = alert_flag::Entity::find()
                    .filter(alert_flag::Column::FlagId.eq(&row.flag_id))
                    .one(tx)
                    .await?
                    .is_some();
                let told = crate::flags::told_of(tx, &row.flag_id).await?;
                let Some(told) = told.filter(|_| !is_known) else {
                    continue;
                };
                let raised = Verdict::Raise(told.flag.clone());
                heard(tx, &raised, &told, true, &[], now).await?;
                if told.ended.is_some() {
                    ended(tx, &id, now).await?;
                }
                adopted += 1;
            }
            Ok(adopted)
        })
    });
    Ok(written.await?)
}

/// Every alert that changed after `since`, as it stands now, and where to go on; with the first
/// cursor, every open alert. To a person, without those that are hidden.
///
/// # Errors
/// See [`ReadError`].
pub async fn alerts_since(
    record: &Database,
    actor: &Actor,
    since: Option<AlertCursor>,
) -> Result<(Vec<Alert>, AlertCursor), ReadError> {
    let read = record.read_tx("alerts.since", actor, move |tx| {
        Box::pin(async move {
            let Some(since) = since else {
                let last = alert_event::Entity::find().order_by_desc(alert_event::Column::Id);
                let last = last.one(tx).await?.map_or(0, |row| row.id);
                let open = alert::Entity::find().filter(alert::Column::OpenKey.is_not_null());
                return Ok((open.limit(ALERTS_MAX).all(tx).await?, AlertCursor(last)));
            };
            let events = alert_event::Entity::find()
                .filter(alert_event::Column::Id.gt(since.0))
                .order_by_asc(alert_event::Column::Id)
                .limit(ALERTS_MAX)
                .all(tx)
                .await?;
            let last = events.last().map_or(since.0, |row| row.id);
            let ids: BTreeSet<i64> = events.into_iter().map(|row| row.alert_id).collect();
            let ids: Vec<i64> = ids.into_iter().collect();
            let mut rows = Vec::new();
            for some in ids.chunks(NAMES_PER_QUERY) {
                let of = alert::Column::Id.is_in(some.iter().copied());
                rows.extend(alert::Entity::find().filter(of).all(tx).await?);
            }
            let mut veils = Veils::default();
            let mut shown = Vec::with_capacity(rows.len());
            for row in rows {
                if !veils.of(tx, &row.patient).await?.hides_alert(row.id) {
                    shown.push(row);
                }
            }
            Ok((shown, AlertCursor(last)))
        })
    });
    let (rows, cursor) = read.await?;
    let alerts: Result<Vec<Alert>, ReadError> = rows.iter().map(alert_of).collect();
    Ok((alerts?, cursor))
}

/// The open alerts of these flags, by what makes them one.
pub(crate) async fn open_of(
    tx: &Tx<'_>,
    flags: impl Iterator<Item = FlagId>,
) -> Result<BTreeMap<String, Alert>, TxError> {
    let keys: BTreeSet<String> = flags.map(|flag| open_key(&flag)).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let mut open = BTreeMap::new();
    for some in keys.chunks(NAMES_PER_QUERY) {
        let of = alert::Column::OpenKey.is_in(some.iter().cloned());
        for row in alert::Entity::find().filter(of).all(tx).await? {
            let alert = alert_of(&row).map_err(TxError::refuse)?;
            open.extend(row.open_key.map(|key| (key, alert)));
        }
    }
    Ok(open)
}

/// An alert's state, made again from its events alone. It equals what is kept ready.
///
/// # Errors
/// See [`ReadError`].
pub async fn remade(
    record: &Database,
    actor: &Actor,
    alert: AlertId,
) -> Result<Option<State>, ReadError> {
    let read = record.read_tx("alerts.remade", actor, move |tx| {
        Box::pin(async move {
            let events = alert_event::Entity::find()
                .filter(alert_event::Column::AlertId.eq(alert.0))
                .order_by_asc(alert_event::Column::Place);
            let mut inputs: Vec<(Input, WallMs)> = Vec::new();
            for row in events.all(tx).await? {
                let damaged = || TxError::refuse(ReadError::damaged("alert_event", row.id));
                let input = serde_json::from_str(&row.body).map_err(|_| damaged())?;
                inputs.push((input, WallMs(row.at_ms)));
            }
            let first = inputs.iter().find_map(|(input, _)| match input {
                Input::Told { severity, .. } => Some(State::new(*severity)),
                _ => None,
            });
            Ok(first.map(|first| {
                let step = |state, (input, at): &(Input, WallMs)| {
                    ladder::step_by_plan(state, input, *at).0
                };
                inputs.iter().fold(first, step)
            }))
        })
    });
    Ok(read.await?)
}
