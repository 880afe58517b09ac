//! What became of a call: how far what was said has come, and what the rules made of it.

use std::time::Duration;

use askama::Template;
use tokio::time::{Instant, sleep};
use veglia_view::{PatientId, Row, Severity, Standing, WallMs};
use veglia_words::{Key, Words};

use crate::call::story;
use crate::desk::{Desk, IntakeError, Purpose};
use crate::line::Place;
use crate::said::{CallId, device_of};
use crate::words;

/// How long the answer to a form waits for the rules to have heard what was said.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);

/// How long what was said may be under way before the page says that it is late, in milliseconds at
/// the wall: ingest answers within one second.
const LATE_MS: i64 = 60_000;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What became of a call, to be framed by a door.
#[derive(Template)]
#[template(path = "saved.html")]
pub struct SavedPage {
    w: Words,
    patient: PatientId,
    name: String,
    call: String,
    at: String,
    said: Vec<(String, String)>,
    fate: Fate,
    /// Open flags: code, severity, and what they are about.
    flags: Vec<(&'static str, Key, String)>,
    to_say: Option<Key>,
}

/// How far what was said has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// Nothing was said that the rules hear.
    Nothing,
    /// It is not on its way, as far as is known.
    Stuck,
    /// An outbox had it that is gone.
    Lost,
    /// It is in the outbox, on the disk.
    Waiting,
    /// The same since the moment in words, which is too long ago.
    Late(String),
    /// The rules have heard it.
    Heard,
}

impl SavedPage {
    /// What became of a call; `None` when there is none of this name.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn load(
        desk: Desk<'_>,
        patient: PatientId,
        id: &CallId,
    ) -> Result<Option<Self>, IntakeError> {
        let Some(line) = desk.line else {
            return Ok(None);
        };
        let Some(person) = desk.open(patient, Purpose::Call).await? else {
            return Ok(None);
        };
        let kept = line.kept(&desk.who.actor(), patient, id).await;
        let Some(kept) = kept.map_err(IntakeError::Call)? else {
            return Ok(None);
        };
        let row = desk.row(patient).await;
        let is_heard = row.as_deref().is_some_and(|row| is_heard(row, kept.at));
        let flags = row.as_deref().map_or(&[][..], |row| &row.flags);
        let is_red = |is_confirmed: bool| {
            flags.iter().any(|it| {
                it.flag.severity == Severity::Red
                    && matches!(it.flag.standing, Standing::Confirmed { .. }) == is_confirmed
            })
        };
        let w = desk.w();
        Ok(Some(Self {
            w,
            patient,
            name: words::name(&person),
            call: id.to_string(),
            at: words::at_time(kept.at, desk.now, w),
            fate: match kept.place {
                _ if kept.said.is_empty() => Fate::Nothing,
                Place::Stuck => Fate::Stuck,
                Place::Lost => Fate::Lost,
                Place::Arrived if is_heard => Fate::Heard,
                Place::Arrived | Place::Waiting
                    if desk.now.since(kept.written_at) > line.care_ms(LATE_MS) =>
                {
                    Fate::Late(words::at_time(kept.written_at, desk.now, w))
                }
                Place::Arrived | Place::Waiting => Fate::Waiting,
            },
            said: kept.said.iter().map(|it| words::said(it, w)).collect(),
            to_say: to_say(is_red(true), is_red(false)),
            flags: flags
                .iter()
                .map(|it| {
                    let severity = it.flag.severity;
                    let about = words::about(it.flag.about, w);
                    (
                        words::severity_code(severity),
                        words::severity(severity),
                        about,
                    )
                })
                .collect(),
        }))
    }

    /// Whether somebody has to send it, or send it again.
    fn is_to_be_sent(&self) -> bool {
        matches!(self.fate, Fate::Stuck | Fate::Lost)
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("call-title", "name", &self.name).to_string()
    }
}

/// Waits until the rules have heard what a patient said at a moment, but not long.
pub(crate) async fn settles(desk: Desk<'_>, patient: PatientId, at: WallMs) {
    let until = Instant::now() + SETTLES_WITHIN;
    while Instant::now() < until {
        let row = desk.row(patient).await;
        if row.is_some_and(|row| is_heard(&row, at)) {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Whether the rules have heard what the patient's by-phone device said at a moment.
fn is_heard(row: &Row, at: WallMs) -> bool {
    let Ok(device) = device_of(row.patient) else {
        return false;
    };
    let mut devices = row.devices.iter();
    let state = devices.find(|it| it.device == device);
    state.is_some_and(|it| it.last_heard >= Some(at))
}

/// Hands a call to the outbox that was kept and did not get there. Whether there is such a call.
///
/// # Errors
/// See [`IntakeError`].
pub async fn finish(desk: Desk<'_>, patient: PatientId, id: &CallId) -> Result<bool, IntakeError> {
    let Some(line) = desk.line else {
        return Ok(false);
    };
    let actor = desk.who.actor();
    let kept = line.kept(&actor, patient, id).await;
    let Some(kept) = kept.map_err(IntakeError::Call)? else {
        return Ok(false);
    };
    let at = kept.at;
    if let Err(error) = line.finish(&actor, id, kept).await {
        // The page says that it is still not on its way.
        tracing::error!(error = story(&error), "a call was not handed to the outbox");
    } else {
        settles(desk, patient, at).await;
    }
    Ok(true)
}

/// What the centre says to a patient who has a red.
fn to_say(confirmed: bool, unconfirmed: bool) -> Option<Key> {
    if confirmed {
        Some(Key("saved-call-112"))
    } else if unconfirmed {
        Some(Key("saved-measure-again"))
    } else {
        None
    }
}
