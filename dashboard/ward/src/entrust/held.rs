//! What is left to the centre of a patient: while anything is, it does not release them.

use std::fmt;

use veglia_diary::{handovers_of_patient, open_flags_of, plans_of};
use veglia_store::{Actor, Database};
use veglia_view::{PatientId, WallMs};
use veglia_words::Words;

use crate::desk::is_in_force;
use crate::patient::PageError;

/// Something by which a patient would still be watched. Its text is for whoever types commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// A plan is in force.
    Plan,
    /// A device is with them.
    Device(String),
    /// So many flags are open.
    Flags(usize),
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("a plan is in force: give it an end"),
            Self::Device(device) => write!(f, "{device} is with them: take it back"),
            Self::Flags(count) => write!(f, "{count} flags are open: close them"),
        }
    }
}

impl Held {
    /// The same on a page.
    pub(super) fn said(&self, w: Words) -> String {
        match self {
            Self::Plan => w.say("entrust-held-plan").into_owned(),
            Self::Device(device) => w
                .with("entrust-held-device", "device", device.as_str())
                .to_string(),
            Self::Flags(count) => w.with("entrust-held-flags", "n", *count).to_string(),
        }
    }
}

/// What is left to the centre of a patient at `now`; empty when it may release them.
///
/// # Errors
/// What the diary reports; then nobody may say that it is nothing.
pub async fn left_to_the_centre(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<Vec<Held>, PageError> {
    let mut held = Vec::new();
    let plans = plans_of(record, actor, patient).await;
    let plans = plans.map_err(PageError::Diary)?;
    if plans.first().is_some_and(|it| is_in_force(&it.plan, now)) {
        held.push(Held::Plan);
    }
    let given = handovers_of_patient(record, actor, patient).await;
    let given = given.map_err(PageError::Diary)?.into_iter();
    let with_them = given.filter(|it| it.returned.is_none());
    held.extend(with_them.map(|it| Held::Device(it.assignment.device.to_string())));
    let open = open_flags_of(record, actor, patient).await;
    let open = open.map_err(PageError::Diary)?.len();
    if open > 0 {
        held.push(Held::Flags(open));
    }
    Ok(held)
}
