//! Who has looked at a patient's data, as a page: when, of which unit, in which role, for which
//! reason. No worker's name: it is what the patient is told. Opening it is a look as well.

use std::borrow::Cow;

use askama::Template;
use serde::Deserialize;
use veglia_view::PatientId;
use veglia_words::Words;

use crate::access::{Viewing, who_has_seen};
use crate::line::nameless;
use crate::patient::PageError;
use crate::plan::PlanDesk;
use crate::{WORDS, identity};

/// Looks on a page.
const PAGE: usize = 50;

/// From where on, in an address.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct SeenQuery {
    /// Only looks before that of this number in the log.
    pub prima: Option<i64>,
}

/// Who has seen a patient's data, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "seen.html")]
pub struct SeenPage {
    w: Words,
    name: String,
    patient: String,
    looks: Vec<Look>,
    is_later: bool,
    /// The number before which older looks are.
    older: Option<i64>,
}

#[derive(Debug)]
struct Look {
    time: String,
    unit: Cow<'static, str>,
    role: Cow<'static, str>,
    reason: String,
}

impl SeenPage {
    /// A page of the looks at a patient's data; none when nobody is known under this identifier.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn load(
        desk: PlanDesk<'_>,
        patient: PatientId,
        query: SeenQuery,
    ) -> Result<Option<Self>, PageError> {
        let (record, actor) = (desk.record, desk.actor);
        let person = identity::known(record, actor, patient).await?;
        let limit = u64::try_from(PAGE + 1).unwrap_or(u64::MAX);
        let now = (desk.now, desk.language);
        let seen = who_has_seen(record, actor, patient, query.prima, limit, now).await;
        let mut seen = seen.map_err(PageError::Access)?;
        if person.is_none() && seen.is_empty() {
            return Ok(None);
        }
        let is_more = seen.len() > PAGE;
        seen.truncate(PAGE);
        let older = seen.last().map(|it| it.number).filter(|_| is_more);
        let w = WORDS.speaking(desk.language);
        Ok(Some(Self {
            w,
            name: person
                .as_ref()
                .map_or_else(|| nameless(w, patient), identity::full_name),
            patient: patient.to_string(),
            looks: seen.into_iter().map(|it| look(w, it)).collect(),
            is_later: query.prima.is_some(),
            older,
        }))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("seen-title", "name", &self.name).to_string()
    }
}

fn look(w: Words, viewing: Viewing) -> Look {
    Look {
        time: w.language.exactly(viewing.at),
        unit: viewing.unit,
        role: viewing.role,
        reason: viewing.reason,
    }
}
