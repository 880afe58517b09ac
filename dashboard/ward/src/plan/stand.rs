//! Where the patient is, on the page of the plan: away from home nothing is expected and nobody is
//! called, so it has a reason and an author, and is taken back by saying the right thing.

use serde::Deserialize;
use veglia_diary::{StandingRefused, Stood, set_standing, standings_of};
use veglia_people::staff::Role;
use veglia_view::{PatientId, WallMs, Whereabouts};
use veglia_words::{Key, Words};

use super::{PlanDesk, PlanOutcome, PlanPage};
use crate::book::Signatures;
use crate::patient::PageError;
use crate::{WORDS, words};

/// The form as it was sent.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StandForm {
    /// Where, in the words of the diary: `in-hospital`.
    #[serde(default)]
    pub whereabouts: String,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// What the page says of it.
#[derive(Debug, Default)]
pub(super) struct Whereabout {
    /// None before it was asked for.
    pub(super) now: Option<Key>,
    pub(super) away: bool,
    pub(super) may_say: bool,
    /// Value, name, and whether it is chosen.
    pub(super) choices: Vec<(&'static str, Key, bool)>,
    pub(super) typed: String,
    pub(super) fault: Option<Key>,
    /// What was said so far, the newest first.
    pub(super) said: Vec<String>,
}

impl Whereabout {
    /// Reads what was said of a patient.
    pub(super) async fn load(
        desk: PlanDesk<'_>,
        patient: PatientId,
        signed: &Signatures,
    ) -> Result<Self, PageError> {
        let stood = standings_of(desk.record, desk.actor, patient).await;
        let stood = stood.map_err(PageError::Diary)?;
        let newest = stood.first().map(|it| it.standing.whereabouts);
        let whereabouts = newest.unwrap_or_default();
        let w = WORDS.speaking(desk.language);
        let line = |it: &Stood| said(w, it, signed, desk.now);
        Ok(Self {
            now: Some(words::whereabouts(whereabouts)),
            away: whereabouts != Whereabouts::AtHome,
            may_say: may_say(desk.role),
            choices: choices(whereabouts),
            said: stood.iter().map(line).collect(),
            ..Self::default()
        })
    }
}

fn choices(chosen: Whereabouts) -> Vec<(&'static str, Key, bool)> {
    let all = Whereabouts::ALL.into_iter();
    all.map(|it| (it.name(), words::whereabouts(it), it == chosen))
        .collect()
}

fn said(w: Words, stood: &Stood, signed: &Signatures, now: WallMs) -> String {
    let place = w.say(words::whereabouts(stood.standing.whereabouts));
    let since = words::since_time(w, stood.standing.from, now);
    let said = w.with("stood", "where", place).and("since", since);
    let said = said.and("by", signed.name(w, &stood.by));
    said.and("why", &stood.why).to_string()
}

/// Whoever telephones with patients hears where they are.
fn may_say(role: Role) -> bool {
    matches!(role, Role::Operator | Role::Nurse | Role::Doctor)
}

/// Writes where a patient is from now on, in the name of whoever sent the form.
///
/// # Errors
/// See [`PageError`]; nothing was written then.
pub async fn stand(
    desk: PlanDesk<'_>,
    patient: PatientId,
    form: &StandForm,
) -> Result<PlanOutcome, PageError> {
    if !may_say(desk.role) {
        return Ok(PlanOutcome::NotAllowed);
    }
    let Some(mut page) = PlanPage::load(desk, patient, "").await? else {
        return Ok(PlanOutcome::Unknown);
    };
    let whereabouts: Option<Whereabouts> = form.whereabouts.parse().ok();
    let fault = match whereabouts {
        None => Key("stand-fault-where"),
        Some(whereabouts) => {
            let from = (whereabouts, desk.now);
            let why = form.why.replace("\r\n", "\n");
            match set_standing(desk.record, desk.actor, patient, from, &why, desk.now).await {
                Ok(_) => return Ok(PlanOutcome::Written),
                Err(StandingRefused::Store(fault)) => return Err(PageError::Diary(fault.into())),
                Err(StandingRefused::Reason | StandingRefused::Future) => Key("stand-fault-why"),
            }
        }
    };
    page.whereabout.fault = Some(fault);
    page.whereabout.typed.clone_from(&form.why);
    page.whereabout.choices = choices(whereabouts.unwrap_or_default());
    Ok(PlanOutcome::Faulty(Box::new(page)))
}
