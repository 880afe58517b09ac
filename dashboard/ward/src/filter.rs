//! Which patients a page shows: what an address asks for, and the same as an address again.
//!
//! A view is its address: it is kept as a bookmark and sent to a colleague. What an address asks
//! for and is not understood asks for nothing, so that nobody is left out by a slip.

use std::fmt::Write as _;

use serde::Deserialize;
use veglia_view::{PatientId, Severity};

use crate::line::{Lane, code};
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
    /// As it was typed, without spaces around.
    pub(crate) search: String,
    /// The words of it, folded.
    pub(crate) words: Vec<String>,
    /// How many leaves stand before.
    pub(crate) leaf: usize,
    /// Nobody but this one; no address of the list asks for it.
    pub(crate) patient: Option<PatientId>,
}

/// What filters look at besides the rank.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beyond<'a> {
    pub(crate) holders: &'a [String],
    pub(crate) doctor: Option<i64>,
}

impl Filter {
    /// What an address asks for; `reader` is the signature of whoever asks.
    #[must_use]
    pub fn new(query: &WardQuery, reader: &str) -> Self {
        let search: String = query.cerca.trim().chars().take(SEARCH_CHARS_MAX).collect();
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
            words: fold(&search)
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            search,
            leaf: leaf.clamp(1, PAGES_MAX) - 1,
            patient: None,
        }
    }

    /// One patient alone: whoever looks through it hears of nobody else.
    #[must_use]
    pub fn alone(patient: PatientId) -> Self {
        Self {
            patient: Some(patient),
            ..Self::default()
        }
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
            && self.patient.is_none_or(|patient| patient == rank.patient)
            && self
                .doctor
                .is_none_or(|doctor| beyond.doctor == Some(doctor))
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
        let mut say = |name: &str, value: &str| {
            let mark = if address.is_empty() { '?' } else { '&' };
            address.push(mark);
            address.push_str(name);
            address.push('=');
            encode(&mut address, value);
        };
        if let Some(lane) = self.lane {
            say("corsia", lane_name(lane));
        }
        if let Some(severity) = self.severity {
            say("gravita", severity_name(severity));
        }
        match self.charge {
            Charge::Any => {}
            Charge::Nobody => say("carico", "nessuno"),
            Charge::Held(_) => say("carico", "me"),
        }
        if let Some(doctor) = self.doctor {
            say("mmg", &doctor.to_string());
        }
        if !self.search.is_empty() {
            say("cerca", &self.search);
        }
        if self.leaf > 0 {
            say("pagina", &(self.leaf + 1).to_string());
        }
        address
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
    if rank.name.contains(word) {
        return true;
    }
    let is_number = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number && (code(rank.patient) == word || rank.patient.to_string().contains(word))
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
