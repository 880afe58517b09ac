//! What a patient agreed to, as a page: how it stands, its texts, its history, and a form for what
//! they say now.

use std::collections::HashMap;

use askama::Template;
use serde::Deserialize;
use veglia_people::patients;
use veglia_people::staff::{self, Role};
use veglia_store::Access;
use veglia_view::PatientId;
use veglia_words::{Key, Words};

use crate::consent::{self, Consent, How, PURPOSE};
use crate::notice::Item;
use crate::page::EnrolDesk;
use crate::{EnrolError, WORDS, person_of};

/// What somebody says now.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ConsentForm {
    item: String,
    /// `given` or `withdrawn`.
    said: String,
    how: String,
}

/// What became of a form.
pub enum ConsentOutcome {
    /// It is written.
    Written,
    /// It is not: the page again.
    Faulty(Box<ConsentsPage>),
    /// Nobody is known under this number.
    Unknown,
}

/// The page, to be framed by a door.
#[derive(Template)]
#[template(path = "consents.html")]
pub struct ConsentsPage {
    w: Words,
    patient: PatientId,
    name: String,
    may_write: bool,
    /// Whether the reader carries out what patients wish about their data.
    is_centre: bool,
    /// Whether the reader makes the patient's own copy.
    makes_copies: bool,
    is_refused: bool,
    items: Vec<ItemNow>,
    hows: [How; 3],
}

/// How it stands with one item.
struct ItemNow {
    item: Item,
    stands: Stands,
    /// Of today's version.
    paragraphs: Vec<&'static str>,
    history: Vec<Said>,
}

impl ItemNow {
    /// Whether nobody may be followed any more.
    fn ends_care(&self) -> bool {
        self.item == Item::Telemonitoring && self.stands == Stands::Withdrawn
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Given,
    /// Given to a text that is no longer today's.
    GivenToOlder,
    Withdrawn,
    NotAsked,
}

impl Stands {
    fn name(self) -> Key {
        match self {
            Self::Given => Key("stands-given"),
            Self::GivenToOlder => Key("stands-older"),
            Self::Withdrawn => Key("stands-withdrawn"),
            Self::NotAsked => Key("stands-not-asked"),
        }
    }
}

struct Said {
    at: String,
    given: bool,
    version: u16,
    how: How,
    by: String,
}

impl ConsentsPage {
    /// The page of a patient, read by whoever the access log then names; none when nobody is known
    /// under this number.
    ///
    /// # Errors
    /// See [`EnrolError`].
    pub async fn load(
        desk: EnrolDesk<'_>,
        patient: PatientId,
        may_write: bool,
    ) -> Result<Option<Self>, EnrolError> {
        let Some(person) = person_of(patient) else {
            return Ok(None);
        };
        let (record, actor) = (desk.record, desk.who.actor());
        let on_file = patients::get(record, &actor, person).await;
        let Some(on_file) = on_file.map_err(EnrolError::Read)? else {
            return Ok(None);
        };
        let said = consent::of(record, &actor, person, desk.now).await;
        let said = said.map_err(EnrolError::Consents)?;
        let signed = staff::signatures(record, &actor).await;
        let signed = signed.map_err(EnrolError::Store)?;
        let w = WORDS.speaking(desk.language);
        let item = |item: Item| ItemNow {
            item,
            stands: stands(item, &said),
            paragraphs: item.paragraphs(item.version(), desk.language),
            history: history(item, &said, w, &signed),
        };
        Ok(Some(Self {
            w,
            patient,
            name: format!("{} {}", on_file.details.surname, on_file.details.name),
            may_write,
            is_centre: desk.who.role.is_of_the_centre(),
            makes_copies: desk.who.role == Role::Doctor,
            is_refused: false,
            items: Item::ALL.map(item).into(),
            hows: How::ALL,
        }))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        let title = self.w.with("consents-title", "name", self.name.as_str());
        title.to_string()
    }
}

fn stands(item: Item, said: &[Consent]) -> Stands {
    match said.iter().find(|it| it.item == item) {
        None => Stands::NotAsked,
        Some(it) if !it.given => Stands::Withdrawn,
        Some(it) if it.version < item.version() => Stands::GivenToOlder,
        Some(_) => Stands::Given,
    }
}

fn history(item: Item, said: &[Consent], w: Words, signed: &HashMap<String, String>) -> Vec<Said> {
    let of_item = said.iter().filter(|it| it.item == item);
    let said = of_item.map(|it| Said {
        at: w.language.moment(it.at),
        given: it.given,
        version: it.version,
        how: it.how,
        by: signed.get(&it.by).unwrap_or(&it.by).clone(),
    });
    said.collect()
}

/// Writes what a patient says now of an item, of today's version of its text.
///
/// # Errors
/// See [`EnrolError`]; nothing was written then.
pub async fn write_consent(
    desk: EnrolDesk<'_>,
    patient: PatientId,
    form: &ConsentForm,
) -> Result<ConsentOutcome, EnrolError> {
    let item = Item::ALL.into_iter().find(|it| it.code() == form.item);
    let given = match form.said.as_str() {
        "given" => Some(true),
        "withdrawn" if item.is_some_and(Item::is_agreed_to) => Some(false),
        _ => None,
    };
    let Some(((item, given), how)) = item.zip(given).zip(How::read(&form.how)) else {
        let page = ConsentsPage::load(desk, patient, true).await?;
        return Ok(page.map_or(ConsentOutcome::Unknown, |page| {
            ConsentOutcome::Faulty(Box::new(ConsentsPage {
                is_refused: true,
                ..page
            }))
        }));
    };
    let (record, actor) = (desk.record, desk.who.actor());
    let Some(person) = person_of(patient) else {
        return Ok(ConsentOutcome::Unknown);
    };
    let on_file = patients::get(record, &actor, person).await;
    if on_file.map_err(EnrolError::Read)?.is_none() {
        return Ok(ConsentOutcome::Unknown);
    }
    let subject = patient.to_string();
    let subject = subject.as_str();
    let written = record.run_tx("consents.write", &actor, move |tx| {
        Box::pin(async move {
            let entry = tx.log_access(Access {
                at_ms: desk.now.0,
                purpose: PURPOSE,
                subject,
            });
            entry.await?;
            consent::write_in(tx, person, item, given, how, desk.now).await
        })
    });
    written.await.map_err(EnrolError::Store)?;
    Ok(ConsentOutcome::Written)
}
