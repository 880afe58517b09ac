//! What an operator does with a line of the list of calls: takes it, lets it go, and writes what
//! came of the call, which is in the diary too.

use serde::Deserialize;
use veglia_diary::{ActRefused, CallOutcome, open_flags, record_call, write_note};
use veglia_people::staff;
use veglia_view::{FlagId, PatientId, Severity, WallMs};

use crate::attempt::{self, Came, Whom};
use crate::desk::{Desk, IntakeError, Purpose};
use crate::list::{came_name, whom_name};
use crate::words;

/// Longest time ahead that a call may be put off to: a day, on the clock of the kitchen.
const MINUTES_IN_DAY: i64 = 24 * 60;

const NO_TIME: &str = "Scrivere l’ora a cui richiamare, per esempio 15:30. Nulla è stato scritto.";

/// What an operator does with a line.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ListForm {
    /// Which button: `claim`, `release`, `answered`, `no-answer`, `busy` or `later`.
    pub act: String,
    /// To whom the call was.
    #[serde(default)]
    pub whom: String,
    /// When to call again, as `15:30`.
    #[serde(default)]
    pub at: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// It is written; the list is next.
    Done,
    /// The patient is on the telephone: their form is next.
    Answered,
    /// It is not written, and this sentence says why.
    Refused(String),
}

/// Does what an operator does with a line of the list; `None` when nobody is registered under this
/// number.
///
/// # Errors
/// See [`IntakeError`].
pub async fn act(
    desk: Desk<'_>,
    patient: PatientId,
    form: &ListForm,
) -> Result<Option<Listed>, IntakeError> {
    let (record, actor, now) = (desk.record, desk.who.actor(), desk.now);
    let Some(_) = desk.open(patient, Purpose::Call).await? else {
        return Ok(None);
    };
    if form.act == "release" {
        let released = attempt::release(record, &actor, patient, now).await;
        released.map_err(IntakeError::Record)?;
        return Ok(Some(Listed::Done));
    }
    let claimed = attempt::claim(record, &actor, patient, now).await;
    if let Err(other) = claimed.map_err(IntakeError::Record)? {
        let signed = staff::signatures(record, &actor).await;
        let signed = signed.map_err(IntakeError::Record)?;
        let (who, since) = (
            words::signed(&other.by, &signed),
            words::time(other.since, now),
        );
        let until = words::time(other.until, now);
        return Ok(Some(Listed::Refused(format!(
            "{who} sta già chiamando questo paziente dalle {since} (al più fino alle {until}). \
             Nulla è stato scritto."
        ))));
    }
    if form.act == "claim" {
        return Ok(Some(Listed::Done));
    }
    let whom = Whom::read(&form.whom).ok_or(IntakeError::Form)?;
    let came = match form.act.as_str() {
        "answered" => Came::Answered,
        "no-answer" => Came::NoAnswer,
        "busy" => Came::Busy,
        "later" => match agreed(&form.at, now) {
            Some(at) => Came::Later(at),
            None => return Ok(Some(Listed::Refused(NO_TIME.to_owned()))),
        },
        _ => return Err(IntakeError::Form),
    };
    // The form of the call says so itself, with what was said.
    if (whom, came) == (Whom::Patient, Came::Answered) {
        return Ok(Some(Listed::Answered));
    }
    write(desk, patient, (whom, came)).await?;
    Ok(Some(Listed::Done))
}

/// Writes what came of a call, here and in the diary.
async fn write(
    desk: Desk<'_>,
    patient: PatientId,
    (whom, came): (Whom, Came),
) -> Result<(), IntakeError> {
    let (record, actor, now) = (desk.record, desk.who.actor(), desk.now);
    let written = attempt::record_attempt(record, &actor, patient, (whom, came), now).await;
    written.map_err(IntakeError::Record)?;
    let known = red_of(desk, patient).await?;
    let words = format!("Telefonata: {}, {}.", whom_name(whom), came_name(came, now));
    let outcome = match (whom, came) {
        (Whom::Emergency, Came::Answered) => Some(CallOutcome::HelpSent),
        (_, Came::NoAnswer | Came::Busy) => Some(CallOutcome::NoAnswer),
        _ => None,
    };
    let noted = match (known, outcome) {
        (Some(flag), Some(outcome)) => {
            let call = (whom.in_diary(), outcome);
            record_call(record, &actor, &flag, call, &words, now).await
        }
        _ => write_note(record, &actor, patient, None, &words, now).await,
    };
    match noted {
        Err(ActRefused::Read(fault)) => Err(IntakeError::Diary(fault)),
        // The flag was closed meanwhile: what came of the call is kept here all the same.
        Err(refused) => {
            tracing::info!(%refused, "a call has no line beside its flag");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// The gravest open flag of a patient, if it is red.
async fn red_of(desk: Desk<'_>, patient: PatientId) -> Result<Option<FlagId>, IntakeError> {
    let open = open_flags(desk.record, &desk.who.actor()).await;
    let open = open.map_err(IntakeError::Diary)?.into_iter();
    let mut red =
        open.filter(|it| it.flag.id.patient == patient && it.flag.severity == Severity::Red);
    Ok(red.next().map(|it| it.flag.id))
}

/// A time of today or, if it has passed, of tomorrow.
fn agreed(typed: &str, now: WallMs) -> Option<WallMs> {
    let typed = typed.trim();
    let padded = if typed.len() == 4 {
        format!("0{typed}")
    } else {
        typed.to_owned()
    };
    let time = padded.replace(['.', ','], ":").parse().ok()?;
    let last = words::last_at(time, now)?;
    let next = if last > now.plus_ms(-60_000) {
        last
    } else {
        last.plus_ms(MINUTES_IN_DAY * 60_000)
    };
    Some(next)
}
