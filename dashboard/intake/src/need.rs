//! *Di che cosa ha bisogno?* What a patient needs at home, where, and whether it may be counted.
//!
//! A need belongs to the call in which it was said and is never altered: what changes is said in a
//! later call. With consent it may become a request for support and count in the census of needs;
//! without, it is known to the centre alone.

use serde::Serialize;
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, TxError};
use veglia_view::PatientId;
use veglia_wire::WallMs;
use veglia_words::{Key, Words};

use crate::form::Typed;
use crate::rows::need::{Column, Entity, Model};

/// Longest free text, in characters: a page. More is a document and belongs elsewhere.
pub const WORDS_MAX: usize = 2_000;

/// Longest place, in characters: street, number, stair, postcode and Comune.
pub(crate) const PLACE_MAX: usize = 200;

/// A kind of need: as stored, as its field is called, and as people say it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) code: &'static str,
    pub(crate) field: &'static str,
    pub(crate) words: Key,
}

const fn kind(code: &'static str, field: &'static str, words: Key) -> Kind {
    Kind { code, field, words }
}

/// What is asked about. A code never changes its meaning.
pub(crate) const KINDS: [Kind; 8] = [
    kind("food", "need_food", Key("need-food")),
    kind("medicines", "need_medicines", Key("need-medicines")),
    kind("care", "need_care", Key("need-care")),
    kind("nurse", "need_nurse", Key("need-nurse")),
    kind("company", "need_company", Key("need-company")),
    kind("errands", "need_errands", Key("need-errands")),
    kind("animals", "need_animals", Key("need-animals")),
    kind("other", "need_other", Key("need-other")),
];

/// What was said in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// When.
    pub at: WallMs,
    /// By whom it was written down: `staff:3`.
    pub by: String,
    /// The kinds, by their codes: `food`, `medicines`, `care`, `nurse`, `company`, `errands`,
    /// `animals`, `other`.
    pub kinds: Vec<String>,
    /// In the patient's words; may be empty.
    pub words: String,
    /// Where it is needed.
    pub place: String,
    /// Whether the patient agrees that it is passed on and counted.
    pub has_consent: bool,
}

/// What a form says about needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Draft {
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) words: String,
    pub(crate) place: String,
    pub(crate) has_consent: bool,
}

impl Draft {
    /// None when nothing is needed.
    pub(crate) fn of(typed: &Typed) -> Option<Self> {
        let chosen = KINDS.iter().filter(|it| !typed.get(it.field).is_empty());
        let kinds: Vec<&'static str> = chosen.map(|it| it.code).collect();
        let words = typed.get("need_words").to_owned();
        let is_needed = !kinds.is_empty() || !words.is_empty();
        is_needed.then(|| Self {
            kinds,
            words,
            place: typed.get("need_place").chars().take(PLACE_MAX).collect(),
            has_consent: !typed.get("need_consent").is_empty(),
        })
    }
}

/// A kind in words; the code itself when this program does not know it.
pub(crate) fn kind_name(code: &str, w: Words) -> String {
    let known = KINDS.iter().find(|kind| kind.code == code);
    known.map_or_else(|| code.to_owned(), |kind| w.say(kind.words).into_owned())
}

/// What a patient has said that they need, the newest first. It writes no access log: whoever shows
/// it has logged the access before.
///
/// # Errors
/// What the record reports.
pub async fn needs_of(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Vec<Need>, TxError> {
    let rows = record.read_tx("intake.needs", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find().filter(Column::Patient.eq(patient.to_string()));
            Ok(rows.order_by_desc(Column::Id).all(tx).await?)
        })
    });
    Ok(rows.await?.into_iter().map(read).collect())
}

fn read(row: Model) -> Need {
    let kinds = row.kinds.split(',').filter(|code| !code.is_empty());
    Need {
        at: WallMs(row.at_ms),
        by: row.actor,
        kinds: kinds.map(str::to_owned).collect(),
        words: row.words,
        place: row.place,
        has_consent: row.consent,
    }
}
