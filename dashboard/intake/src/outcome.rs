//! What an operator does with a line of the list of calls: takes it, lets it go, and writes what
//! came of the call, which is in the diary too.

use serde::Deserialize;
use veglia_diary::{CallOutcome, open_flags, record_call, write_note};
use veglia_people::staff;
use veglia_view::{FlagId, PatientId, Severity, WallMs};

use crate::attempt::{self, Came, Whom};
use crate::desk::{Desk, IntakeError, Purpose};
use crate::list::{came_name, whom_name};
use crate::noted;
use crate::said::CallId;
use crate::words;

/// How long ago an agreed time may be that is today's all the same.
const JUST_PAST_MS: i64 = 60_000;

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
    /// The name of the form: what came of a call is written once under it.
    #[serde(default)]
    pub form: String,
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
    let (record, actor, now, w) = (desk.record, desk.who.actor(), desk.now, desk.w());
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
        let taken = w
            .with("taken-by", "who", words::signed(&other.by, &signed))
            .and("since", words::time(other.since, now, w))
            .and("until", words::time(other.until, now, w));
        return Ok(Some(Listed::Refused(taken.to_string())));
    }
    if form.act == "claim" {
        return Ok(Some(Listed::Done));
    }
    let whom = Whom::read(&form.whom).ok_or(IntakeError::Form)?;
    let name: CallId = form.form.parse().map_err(|_| IntakeError::Form)?;
    let came = match form.act.as_str() {
        "answered" => Came::Answered,
        "no-answer" => Came::NoAnswer,
        "busy" => Came::Busy,
        "later" => match agreed(&form.at, now) {
            Some(at) => Came::Later(at),
            None => return Ok(Some(Listed::Refused(w.say("no-time").into_owned()))),
        },
        _ => return Err(IntakeError::Form),
    };
    // The form of the call says so itself, with what was said.
    if (whom, came) == (Whom::Patient, Came::Answered) {
        return Ok(Some(Listed::Answered));
    }
    write(desk, patient, (whom, came), &name).await?;
    Ok(Some(Listed::Done))
}

/// Writes what came of a call, here and in the diary; once under the name of its form.
async fn write(
    desk: Desk<'_>,
    patient: PatientId,
    (whom, came): (Whom, Came),
    form: &CallId,
) -> Result<(), IntakeError> {
    let (record, actor, now) = (desk.record, desk.who.actor(), desk.now);
    let what = (whom, came);
    let written = attempt::record_attempt(record, &actor, patient, what, now, Some(form)).await;
    written.map_err(IntakeError::Record)?;
    let red = red_of(desk, patient).await?;
    let w = words::of_record();
    let (to, came_of) = (w.say(whom_name(whom)), came_name(came, now, w));
    let words = format!("Telefonata: {to}, {came_of}.");
    let outcome = match what {
        (Whom::Emergency, Came::Answered) => Some(CallOutcome::HelpSent),
        (_, Came::NoAnswer | Came::Busy) => Some(CallOutcome::NoAnswer),
        _ => None,
    };
    let telling = async {
        match (red, outcome) {
            (Some(red), Some(outcome)) => {
                let call = (whom.in_diary(), outcome);
                record_call(record, &actor, &red, call, &words, now).await
            }
            _ => write_note(record, &actor, patient, None, &words, now).await,
        }
    };
    let noted = noted::once(record, &actor, form, telling).await;
    noted.map_err(IntakeError::Diary)
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
    words::next_at(time, now.plus_ms(-JUST_PAST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_tomorrow_is_that_of_the_kitchen_clock_also_when_it_is_changed() {
        // 2020-10-24 15:00 in Rome, the day before summer time ends.
        let now = WallMs(1_603_544_400_000);
        let hours = |hours: i64| now.plus_ms(hours * 3_600_000);
        assert_eq!(agreed("16:00", now), Some(hours(1)));
        assert_eq!(
            agreed("9.00", now),
            Some(hours(19)),
            "a night of one hour more"
        );
        assert_eq!(agreed("15:00", now), Some(now), "this minute is today's");
        assert_eq!(agreed("presto", now), None);
    }
}
