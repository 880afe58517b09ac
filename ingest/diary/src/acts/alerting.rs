//! What people do about an alert: taking charge, telephoning, snoozing, escalating, handing over,
//! closing. Each writes its entry and moves the alert in one transaction.

use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::FlagId;
use veglia_wire::WallMs;

use super::{
    ActKind, ActRefused, CallOutcome, Draft, Rounds, Whom, checked, listed, outcome, perhaps,
};
use crate::alerts;
use crate::error::ReadError;
use crate::flags::{self, Told};
use crate::ladder::{Hold, Input, Ladder, State};
use crate::rows::alert;

/// Charge taken twice by the same person within this time is a double click, in milliseconds.
const DOUBLE_MS: i64 = 60_000;

/// Takes charge of a flag on the list, or prolongs the charge one has. Doing so twice at once is
/// no fault. Charge is of the patient: what else is open of them, is no graver and is nobody's, is
/// taken with it.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn take_charge(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    at: WallMs,
) -> Result<(), ActRefused> {
    let written = record.run_tx("diary.take_charge", actor, move |tx| {
        Box::pin(async move {
            let found = match free(tx, flag, at).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            let is_double = |hold: &Hold| at.since(hold.since) < DOUBLE_MS;
            if found.state.hold.as_ref().is_some_and(is_double) {
                return Ok(Ok(()));
            }
            let by = tx.actor().to_string();
            let along = None;
            let input = Input::Taken { by, along };
            found
                .act(tx, flag, ActKind::TakenCharge, "", &input, at)
                .await?;
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}

/// Writes down a telephone call about a flag on the list. Whoever telephones about a flag that
/// nobody has, has it; for whoever has it, the charge is prolonged: of the patient, as in
/// [`take_charge`].
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn record_call(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    call: (Whom, CallOutcome),
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = perhaps(words)?;
    let written = record.run_tx("diary.record_call", actor, move |tx| {
        Box::pin(async move {
            let found = match alerting(tx, flag, at).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            let kind = ActKind::Called(call.0, call.1);
            let by = tx.actor().to_string();
            found
                .act(tx, flag, kind, words, &Input::Called { by }, at)
                .await?;
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}

/// Keeps the alert of a flag quiet until `until`, for a reason. It ends by itself, and earlier when
/// the patient becomes worse.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn snooze(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    until: WallMs,
    reason: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let reason = checked(reason)?;
    let written = record.run_tx("diary.snooze", actor, move |tx| {
        Box::pin(async move {
            let found = match free(tx, flag, at).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            let ladder = Ladder::of(&found.state.calling);
            let longest_ms = ladder.course_of(&found.state).snooze_ms;
            if until <= at || until.since(at) > longest_ms {
                let minutes = longest_ms / 60_000;
                return Ok(Err(ActRefused::Snooze { minutes }));
            }
            let by = tx.actor().to_string();
            let input = Input::Snoozed { by, until };
            found
                .act(tx, flag, ActKind::Snoozed(until), reason, &input, at)
                .await?;
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}

/// Asks for the doctor on duty. Nobody has the flag then until somebody takes charge; also what
/// another person has may be escalated.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn escalate(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = perhaps(words)?;
    let written = record.run_tx("diary.escalate", actor, move |tx| {
        Box::pin(async move {
            let found = match alerting(tx, flag, at).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            found
                .act(tx, flag, ActKind::Escalated, words, &Input::Escalated, at)
                .await?;
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}

/// Gives a flag to another member of staff, by the id of their row. What another person has only
/// that person gives away.
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn hand_over(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    to: i64,
    words: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let words = perhaps(words)?;
    let written = record.run_tx("diary.hand_over", actor, move |tx| {
        Box::pin(async move {
            let found = match free(tx, flag, at).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            let input = Input::HandedOver {
                to: Actor::Staff(to).to_string(),
            };
            found
                .act(tx, flag, ActKind::HandedOver(to), words, &input, at)
                .await?;
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}

/// Closes a flag on the list, with a note, and the older flags of its alert whose episodes are
/// over. `seen` is the telling of the flag the person has before them
/// ([`veglia_triage::Flag::telling`]).
///
/// # Errors
/// See [`ActRefused`]; nothing was written then.
pub async fn close(
    record: &Database,
    actor: &Actor,
    flag: &FlagId,
    seen: u32,
    note: &str,
    at: WallMs,
) -> Result<(), ActRefused> {
    let note = checked(note)?;
    let written = record.run_tx("diary.close", actor, move |tx| {
        Box::pin(async move {
            let (told, rounds) = match listed(tx, flag).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            if told.flag.telling > seen {
                return Ok(Err(ActRefused::News));
            }
            close_one(tx, flag, &told, &rounds, note, at).await?;
            let Some(row) = alerts::open_alert(tx, flag).await? else {
                return Ok(Ok(()));
            };
            let mut left = alerts::listed_flags(tx, row.id).await?;
            if row.flag_id == flag.to_string() {
                for id in std::mem::take(&mut left) {
                    if !close_elder(tx, &id, note, at).await? {
                        left.push(id);
                    }
                }
            }
            if left.is_empty() {
                alerts::apply(tx, row, &Input::Closed, at).await?;
            }
            Ok(Ok(()))
        })
    });
    outcome(written.await)
}

async fn close_one(
    tx: &Tx<'_>,
    flag: &FlagId,
    told: &Told,
    rounds: &Rounds,
    words: &str,
    at: WallMs,
) -> Result<(), TxError> {
    let id = flag.to_string();
    let draft = Draft {
        patient: flag.patient,
        once: Some(format!("closed:{id}:{}", rounds.number())),
        flag: Some(id.clone()),
        kind: ActKind::Closed,
        telling: Some(i64::from(told.latest)),
        at,
        words,
    };
    draft.write(tx).await?;
    flags::relist(tx, &id).await?;
    Ok(())
}

/// Closes a flag that only waits for it; whether it did.
async fn close_elder(tx: &Tx<'_>, id: &str, words: &str, at: WallMs) -> Result<bool, TxError> {
    let flag: FlagId = id
        .parse()
        .map_err(|_| TxError::refuse(ReadError::damaged("open_flag", id)))?;
    let Ok((told, rounds)) = listed(tx, &flag).await? else {
        return Ok(true);
    };
    if told.ended.is_none() {
        return Ok(false);
    }
    close_one(tx, &flag, &told, &rounds, words, at).await?;
    Ok(true)
}

/// A flag's open alert, for somebody to act on.
struct Alerting {
    row: alert::Model,
    state: State,
}

impl Alerting {
    /// Writes the act, and moves the alert by it.
    async fn act(
        self,
        tx: &Tx<'_>,
        flag: &FlagId,
        kind: ActKind,
        words: &str,
        input: &Input,
        at: WallMs,
    ) -> Result<(), TxError> {
        let draft = Draft {
            patient: flag.patient,
            flag: Some(flag.to_string()),
            kind,
            once: None,
            telling: None,
            at,
            words,
        };
        draft.write(tx).await?;
        let takes = matches!(
            input,
            Input::Taken { .. } | Input::Called { .. } | Input::HandedOver { .. }
        );
        let alert = self.row.id;
        alerts::apply(tx, self.row, input, at).await?;
        if takes {
            alerts::beside::take_along(tx, alert, &self.state, at).await?;
        }
        Ok(())
    }
}

/// The alert of a flag on the list. A charge that has lapsed is nobody's, though no tick has said
/// so yet.
async fn alerting(
    tx: &Tx<'_>,
    flag: &FlagId,
    at: WallMs,
) -> Result<Result<Alerting, ActRefused>, TxError> {
    if let Err(refused) = listed(tx, flag).await? {
        return Ok(Err(refused));
    }
    let Some(row) = alerts::open_alert(tx, flag).await? else {
        return Ok(Err(ActRefused::Unknown(flag.clone())));
    };
    let mut state = alerts::state(&row).map_err(TxError::refuse)?;
    state.hold = state.hold.filter(|hold| at < hold.until);
    Ok(Ok(Alerting { row, state }))
}

/// The same, unless somebody else has it.
async fn free(
    tx: &Tx<'_>,
    flag: &FlagId,
    at: WallMs,
) -> Result<Result<Alerting, ActRefused>, TxError> {
    let found = match alerting(tx, flag, at).await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let mine = tx.actor().to_string();
    if let Some(hold) = found.state.hold.as_ref().filter(|hold| hold.by != mine) {
        let taken = ActRefused::Taken {
            by: hold.by.clone(),
            at: hold.since,
        };
        return Ok(Err(taken));
    }
    Ok(Ok(found))
}
