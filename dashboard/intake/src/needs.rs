//! The page of what a patient needs, as it was said in calls.

use std::collections::HashMap;

use askama::Template;
use veglia_people::staff;
use veglia_view::PatientId;
use veglia_words::Words;

use crate::desk::{Desk, IntakeError, Purpose};
use crate::need::{Need, kind_name, needs_of};
use crate::words;

/// What a patient needs, to be framed by a door.
#[derive(Template)]
#[template(path = "needs.html")]
pub struct NeedsPage {
    w: Words,
    patient: PatientId,
    name: String,
    needs: Vec<NeedView>,
}

struct NeedView {
    at: String,
    by: String,
    kinds: String,
    words: String,
    place: String,
    has_consent: bool,
}

impl NeedsPage {
    /// What a patient needs; `None` when nobody is registered under this number.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn load(desk: Desk<'_>, patient: PatientId) -> Result<Option<Self>, IntakeError> {
        let Some(person) = desk.open(patient, Purpose::Needs).await? else {
            return Ok(None);
        };
        let actor = desk.who.actor();
        let needs = needs_of(desk.record, &actor, patient).await;
        let needs = needs.map_err(IntakeError::Record)?;
        let names = staff::signatures(desk.record, &actor).await;
        let names = names.map_err(IntakeError::Record)?;
        let w = desk.w();
        Ok(Some(Self {
            w,
            patient,
            name: words::name(&person),
            needs: needs.into_iter().map(|it| view(it, &names, w)).collect(),
        }))
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("needs-title", "name", &self.name).to_string()
    }
}

fn view(need: Need, names: &HashMap<String, String>, w: Words) -> NeedView {
    let kinds: Vec<String> = need.kinds.iter().map(|code| kind_name(code, w)).collect();
    NeedView {
        at: w.language.moment(need.at),
        by: words::signed(&need.by, names),
        kinds: kinds.join(", "),
        words: need.words,
        place: need.place,
        has_consent: need.has_consent,
    }
}
