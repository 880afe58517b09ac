//! One patient on one page of paper: who it is, what is known of them, the last values, and what
//! happened of late. A style for printers leaves the frame out.

use askama::Template;
use veglia_people::background::{self, Background};
use veglia_people::staff;
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use crate::desk::{Desk, DoctorError};
use crate::summary::{happened, values};

/// How far back values and alerts go.
const BACK_MS: i64 = 7 * 24 * 3_600_000;

/// Lines of what happened: what fits on a page.
const LINES_MAX: usize = 18;

const PURPOSE: &str = "patient.synopsis";

/// The page, to be framed by a door.
#[derive(Template)]
#[template(path = "synopsis.html")]
pub struct SynopsisPage {
    w: Words,
    patient: String,
    name: String,
    code: String,
    phone: String,
    address: String,
    now: WallMs,
    by: String,
    facts: Vec<(Key, String)>,
    values: Vec<String>,
    /// Whether ingest did not answer.
    is_lost: bool,
    happened: Vec<String>,
    left_out: usize,
}

impl SynopsisPage {
    /// The page of a patient; none when nobody is registered under this number.
    ///
    /// # Errors
    /// See [`DoctorError`].
    pub async fn load(desk: Desk<'_>, patient: PatientId) -> Result<Option<Self>, DoctorError> {
        let Some(person) = desk.open(PURPOSE, patient).await? else {
            return Ok(None);
        };
        let (record, actor) = (desk.record, desk.who.actor());
        let sheet = background::current(record, &actor, person.id).await;
        let sheet = sheet.map_err(DoctorError::Sheet)?;
        let names = staff::signatures(record, &actor).await;
        let names = names.map_err(DoctorError::People)?;
        let from = desk.now.plus_ms(-BACK_MS);
        let mut happened = happened(desk, patient, from, &names).await?;
        let left_out = happened.len().saturating_sub(LINES_MAX);
        // The oldest stand first, and are the ones to be left out.
        happened.drain(..left_out);
        let values = values(desk, patient, from).await;
        let details = person.details;
        Ok(Some(Self {
            w: desk.words(),
            patient: patient.to_string(),
            name: format!("{} {}", details.surname, details.name),
            code: details.codice_fiscale.as_str().to_owned(),
            phone: details.phone.as_str().to_owned(),
            address: details.address,
            now: desk.now,
            by: desk.who.name.clone(),
            facts: sheet.map_or_else(Vec::new, |sheet| facts(desk.words(), sheet.says)),
            is_lost: values.is_none(),
            values: values.unwrap_or_default(),
            happened,
            left_out,
        }))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("synopsis-title", "who", &self.name).to_string()
    }
}

/// What a clinical sheet says; what it does not say is left out.
fn facts(words: Words, says: Background) -> Vec<(Key, String)> {
    let day = says.isolated_since.map(|day| words.language.date(day));
    let all = [
        (Key("fact-allergies"), says.allergies),
        (Key("fact-conditions"), says.conditions),
        (Key("fact-therapy"), says.therapy),
        (Key("fact-oxygen"), says.home_oxygen),
        (Key("fact-isolated"), day.unwrap_or_default()),
        (Key("fact-floor"), says.floor),
    ];
    all.into_iter()
        .filter(|(_, text)| !text.is_empty())
        .collect()
}
