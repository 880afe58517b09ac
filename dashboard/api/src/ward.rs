//! The list of patients, as the ward's page has it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use veglia_view::{PatientId, Row, WallMs};
use veglia_ward::{Leaf, Line, Link, WardQuery};

use crate::value::{Measured, Score};
use crate::{Moment, Severity};

/// Longest text to search for, in characters.
const SEARCH_CHARS_MAX: usize = 60;

/// Parts of the list at most: beyond so many nobody reads on, a program filters.
const LEAVES_MAX: u8 = 50;

/// Where a patient stands on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Somebody may be getting worse.
    Clinical,
    /// The watch is impaired, or blind.
    Technical,
    /// Nothing to do.
    Calm,
}

impl From<veglia_ward::Lane> for Lane {
    fn from(lane: veglia_ward::Lane) -> Self {
        match lane {
            veglia_ward::Lane::Clinical => Self::Clinical,
            veglia_ward::Lane::Technical => Self::Technical,
            veglia_ward::Lane::Calm => Self::Calm,
        }
    }
}

/// Whose alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ByCharge {
    /// Those that nobody has.
    Nobody,
    /// Those of the account that asks.
    Me,
}

/// Which patients, and from where on.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct WardAsk {
    /// Only those in this lane.
    #[param(inline)]
    pub lane: Option<Lane>,
    /// Only those whose gravest flag is this grave.
    #[param(inline)]
    pub severity: Option<Severity>,
    /// Only those with alarms in this charge.
    #[param(inline)]
    pub charge: Option<ByCharge>,
    /// Only patients of this family doctor, by their number.
    #[param(minimum = 1)]
    pub family_doctor: Option<i64>,
    /// Parts of a name or of a number.
    #[param(max_length = 60)]
    pub search: Option<String>,
    /// From where on: `next` of the answer before.
    #[param(minimum = 1, maximum = 50)]
    pub cursor: Option<u8>,
}

impl WardAsk {
    /// Whether it asks for what is offered.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        let is_short = |search: &String| search.chars().count() <= SEARCH_CHARS_MAX;
        self.search.as_ref().is_none_or(is_short)
            && self.family_doctor.is_none_or(|number| number > 0)
            && self
                .cursor
                .is_none_or(|leaf| (1..=LEAVES_MAX).contains(&leaf))
    }
}

impl From<WardAsk> for WardQuery {
    fn from(ask: WardAsk) -> Self {
        let lane = ask.lane.map(|lane| match lane {
            Lane::Clinical => "clinici",
            Lane::Technical => "tecnici",
            Lane::Calm => "calmi",
        });
        let severity = ask.severity.map(|severity| match severity {
            Severity::Red => "rosso",
            Severity::Amber => "giallo",
            Severity::Technical => "tecnico",
        });
        let charge = ask.charge.map(|charge| match charge {
            ByCharge::Nobody => "nessuno",
            ByCharge::Me => "me",
        });
        let said = |chosen: Option<&str>| chosen.unwrap_or_default().to_owned();
        let number = |asked: Option<String>| asked.unwrap_or_default();
        Self {
            corsia: said(lane),
            gravita: said(severity),
            carico: said(charge),
            mmg: number(ask.family_doctor.map(|it| it.to_string())),
            cerca: ask.search.unwrap_or_default(),
            pagina: number(ask.cursor.map(|it| it.to_string())),
            ..Self::default()
        }
    }
}

/// One patient on the list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WardLine {
    /// The patient's number, as in addresses.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    pub patient: String,
    /// What they are called; a sentence in Italian for whoever nobody has registered.
    pub name: String,
    /// The family doctor's name.
    #[schema(required)]
    pub family_doctor: Option<String>,
    /// Where they stand.
    pub lane: Lane,
    /// How they are: `red`, `amber`, `technical`, `still` (data stand still), `none` (no valid
    /// data) or `calm`.
    pub state: &'static str,
    /// Since when, for states that say how long.
    #[schema(required)]
    pub state_since: Option<Moment>,
    /// An alarm under way that nobody has.
    pub is_waiting: bool,
    /// The flag that somebody is to take charge of first.
    #[schema(required)]
    pub take_first: Option<String>,
    /// The latest values; `null` while ingest does not answer.
    #[schema(required)]
    pub latest: Option<Vec<Measured>>,
    /// The scores that anything is known of; likewise.
    #[schema(required)]
    pub scores: Option<Vec<Score>>,
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Ward {
    /// The moment by the clock of care that the answer speaks of; `null` when ingest never
    /// answered since the pages began.
    #[schema(required)]
    pub now: Option<Moment>,
    /// Whether ingest answers: if not, the list is as it was at `now`.
    pub is_live: bool,
    /// Who needs somebody first, then the others; at most 100.
    pub patients: Vec<WardLine>,
    /// How many patients there are by these filters, on all parts.
    pub count: usize,
    /// Where the list goes on, as `cursor`; `null` at its end. The list is live: between two
    /// questions somebody may move, so whoever must miss nobody asks again from the top.
    #[schema(required)]
    pub next: Option<u8>,
}

impl Ward {
    /// The leaf of a list at a cursor; `rows` are those of its patients, if ingest told them.
    #[must_use]
    pub fn new(leaf: &Leaf, link: &Link, cursor: u8, rows: Option<&[Arc<Row>]>) -> Self {
        let rows = rows.map(|rows| {
            let by_patient = rows.iter().map(|row| (row.patient.to_string(), row));
            by_patient.collect::<HashMap<_, _>>()
        });
        let line = |line: &Arc<Line>| {
            let told = rows.as_ref().map(|rows| {
                let now = link.now().unwrap_or(WallMs(0));
                let row = rows.get(&line.patient);
                row.map(|row| (Measured::all(row), Score::all(row, now)))
                    .unwrap_or_default()
            });
            WardLine::new(line, told)
        };
        Self {
            now: link.now().map(Moment),
            is_live: matches!(link, Link::Alive(_)),
            patients: leaf.lines.iter().map(line).collect(),
            count: leaf.count(),
            next: Some(cursor + 1)
                .filter(|next| *next <= LEAVES_MAX && usize::from(*next) <= leaf.leaves()),
        }
    }

    /// Who stands on a leaf.
    #[must_use]
    pub fn shown(leaf: &Leaf) -> Vec<PatientId> {
        let patients = leaf.lines.iter();
        patients
            .filter_map(|line| line.patient.parse().ok())
            .collect()
    }
}

impl WardLine {
    fn new(line: &Line, told: Option<(Vec<Measured>, Vec<Score>)>) -> Self {
        let (latest, scores) = told.unzip();
        Self {
            patient: line.patient.clone(),
            name: line.name.clone(),
            family_doctor: line.doctor.clone(),
            lane: line.lane.into(),
            state: line.chip.kind,
            state_since: line.chip.since.map(|since| Moment(WallMs(since))),
            is_waiting: line.chip.waits,
            take_first: line.take.clone(),
            latest,
            scores,
        }
    }
}
