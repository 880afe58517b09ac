//! Which patients a page shows: what an address asks for, and the same as an address again.
//!
//! A view is its address: it is kept as a bookmark and sent to a colleague. What an address asks
//! for and is not understood asks for nothing, so that nobody is left out by a slip.

use std::fmt::Write as _;

use serde::Deserialize;
use veglia_people::place::Place;
use veglia_view::{PatientId, Severity};

use crate::line::Lane;
use crate::rank::{Rank, fold};

/// Longest text to search for, in characters; the rest is cut off.
const SEARCH_CHARS_MAX: usize = 60;

/// Pages of a list at most: beyond so many nobody turns leaves, people search.
const PAGES_MAX: usize = 50;

/// The question in an address. What is absent, empty or unknown asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct WardQuery {
    /// `clinici`, `tecnici` or `calmi`.
    pub corsia: String,
    /// `rosso`, `giallo` or `tecnico`.
    pub gravita: String,
    /// `nessuno`: alarms that nobody has; `me`: those of the reader.
    pub carico: String,
    /// The number of a family doctor.
    pub mmg: String,
    /// A Municipio or a Comune, by its name.
    pub zona: String,
    /// Parts of a name, or of a number.
    pub cerca: String,
    /// Which leaf of the list, from 1.
    pub pagina: String,
}

/// Whose alarms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum Charge {
    /// Whoever has them.
    #[default]
    Any,
    /// Nobody has one of them.
    Nobody,
    /// Somebody has one, by signature.
    Held(String),
}

/// Which patients a page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    pub(crate) lane: Option<Lane>,
    pub(crate) severity: Option<Severity>,
    pub(crate) charge: Charge,
    pub(crate) doctor: Option<i64>,
    /// A Municipio or a Comune; empty for all.
    pub(crate) place: String,
    /// As it was typed, without spaces around.
    pub(crate) search: String,
    /// The words of it, folded.
    pub(crate) words: Vec<String>,
    /// How many leaves stand before.
    pub(crate) leaf: usize,
    /// No list at all; no address of the list asks for it.
    pub(crate) only: Option<Only>,
}

/// What a page that is no list is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Only {
    /// This patient's line, and nobody else's.
    patient: Option<PatientId>,
    /// Who waits for somebody, wherever they are.
    hears: bool,
}

/// What filters look at besides the rank.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beyond<'a> {
    pub(crate) holders: &'a [String],
    pub(crate) doctor: Option<i64>,
    pub(crate) place: Option<&'a Place>,
}

impl Filter {
    /// What an address asks for; `reader` is the signature of whoever asks.
    #[must_use]
    pub fn new(query: &WardQuery, reader: &str) -> Self {
        let short = |text: &str| text.trim().chars().take(SEARCH_CHARS_MAX).collect();
        let search: String = short(&query.cerca);
        let leaf = query.pagina.parse().unwrap_or(1_usize);
        Self {
            lane: Lane::ALL
                .into_iter()
                .find(|it| lane_name(*it) == query.corsia),
            severity: severities().find(|it| severity_name(*it) == query.gravita),
            charge: match query.carico.as_str() {
                "nessuno" => Charge::Nobody,
                "me" => Charge::Held(reader.to_owned()),
                _ => Charge::Any,
            },
            doctor: query.mmg.parse().ok(),
            place: short(&query.zona),
            words: fold(&search)
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            search,
            leaf: leaf.clamp(1, PAGES_MAX) - 1,
            only: None,
        }
    }

    /// One patient alone: whoever looks through it hears of nobody else.
    #[must_use]
    pub fn alone(patient: PatientId) -> Self {
        Self::only(Some(patient), false)
    }

    /// One patient, and how many alarms wait: for whoever answers for all of them.
    #[must_use]
    pub fn bedside(patient: PatientId) -> Self {
        Self::only(Some(patient), true)
    }

    /// Nobody's line: only who waits for somebody.
    #[must_use]
    pub fn bell() -> Self {
        Self::only(None, true)
    }

    fn only(patient: Option<PatientId>, hears: bool) -> Self {
        Self {
            only: Some(Only { patient, hears }),
            ..Self::default()
        }
    }

    /// Whether it is a list, and not one patient's page or a bell.
    pub(crate) fn is_list(&self) -> bool {
        self.only.is_none()
    }

    /// The one patient whom a page that is no list shows, if any.
    pub(crate) fn patient(&self) -> Option<PatientId> {
        self.only.and_then(|only| only.patient)
    }

    /// Whether a page is told who waits for somebody.
    pub(crate) fn hears_alarms(&self) -> bool {
        self.only.is_none_or(|only| only.hears)
    }

    /// Whether it shows everybody, from the top.
    pub(crate) fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it leaves nobody out but by leaves.
    pub(crate) fn leaves_nobody_out(&self) -> bool {
        let first = Self {
            leaf: 0,
            ..self.clone()
        };
        first.is_everybody()
    }

    /// Whether a patient is shown.
    pub(crate) fn shows(&self, rank: &Rank, beyond: &Beyond<'_>) -> bool {
        self.lane.is_none_or(|lane| lane == rank.lane)
            && self
                .severity
                .is_none_or(|severity| rank.severity.0 == Some(severity))
            && self
                .doctor
                .is_none_or(|doctor| beyond.doctor == Some(doctor))
            && (self.place.is_empty() || beyond.place.is_some_and(|it| it.as_str() == self.place))
            && match &self.charge {
                Charge::Any => true,
                Charge::Nobody => rank.unattended.0.is_some(),
                Charge::Held(by) => beyond.holders.contains(by),
            }
            && self.words.iter().all(|word| is_called(rank, word))
    }

    /// The same as an address's question, with its mark; empty for everybody.
    pub(crate) fn address(&self) -> String {
        let mut address = String::new();
        for (name, value) in self.fields() {
            let mark = if address.is_empty() { '?' } else { '&' };
            address.push(mark);
            address.push_str(name);
            address.push('=');
            encode(&mut address, &value);
        }
        address
    }

    /// The same as the fields of a form.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let charge = match self.charge {
            Charge::Any => None,
            Charge::Nobody => Some("nessuno"),
            Charge::Held(_) => Some("me"),
        };
        let place = Some(self.place.clone()).filter(|it| !it.is_empty());
        let search = Some(self.search.clone()).filter(|it| !it.is_empty());
        let leaf = Some(self.leaf + 1).filter(|leaf| *leaf > 1);
        let asked = [
            ("corsia", self.lane.map(|it| lane_name(it).to_owned())),
            (
                "gravita",
                self.severity.map(|it| severity_name(it).to_owned()),
            ),
            ("carico", charge.map(str::to_owned)),
            ("mmg", self.doctor.map(|it| it.to_string())),
            ("zona", place),
            ("cerca", search),
            ("pagina", leaf.map(|it| it.to_string())),
        ];
        let asked = asked.into_iter();
        asked
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// The question of an address as a view that is kept: from its first leaf, in the order and the
    /// letters of every other; none for everybody, who need no name.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        let address = self.turned_to(0).address();
        Some(address).filter(|it| !it.is_empty())
    }

    /// Another leaf of the same list.
    pub(crate) fn turned_to(&self, leaf: usize) -> Self {
        Self {
            leaf: leaf.min(PAGES_MAX - 1),
            ..self.clone()
        }
    }
}

/// A lane as addresses have it.
pub(crate) fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Clinical => "clinici",
        Lane::Technical => "tecnici",
        Lane::Calm => "calmi",
    }
}

/// A severity as addresses have it.
pub(crate) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Red => "rosso",
        Severity::Amber => "giallo",
        Severity::Technical => "tecnico",
    }
}

/// Every severity, the gravest first.
pub(crate) fn severities() -> impl Iterator<Item = Severity> {
    [Severity::Red, Severity::Amber, Severity::Technical].into_iter()
}

/// Whether a word is part of a patient's name or number.
fn is_called(rank: &Rank, word: &str) -> bool {
    rank.name.contains(word) || has_digits(rank.patient.get(), word)
}

/// Whether a number as it is written, sixteen hexadecimal digits, has this word in it. A search
/// looks through everybody, so nothing is written down for it.
fn has_digits(number: u64, word: &str) -> bool {
    let digits = u32::try_from(word.len()).unwrap_or(u32::MAX);
    if !(1..=16).contains(&digits) || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let Ok(wanted) = u64::from_str_radix(word, 16) else {
        return false;
    };
    let mask = u64::MAX >> (64 - 4 * digits);
    (0..=16 - digits).any(|place| (number >> (4 * place)) & mask == wanted)
}

/// A text as a question may hold it.
fn encode(address: &mut String, text: &str) {
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let written = if plain {
            address.push(char::from(byte));
            Ok(())
        } else {
            write!(address, "%{byte:02X}")
        };
        // Writing into a text does not fail.
        if written.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
