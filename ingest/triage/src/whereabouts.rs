//! Where the patient is: whether anything can be expected from home.
//!
//! Reminders, requests to measure again and silence stop while a patient is not at home, and come
//! back with them. A reading is judged and shown wherever they are: nothing red is hidden.
//!
//! Rows are immutable and numbered, as versions of a plan are: in force at a moment is the highest
//! number that begins by then, so a correction is one more row.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use veglia_wire::WallMs;

use crate::patient::PatientId;

/// Where a patient is, or why nobody is watched at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whereabouts {
    /// At home, and watched.
    #[default]
    AtHome,
    /// In hospital.
    InHospital,
    /// The watch is suspended: away, or it was asked for.
    Suspended,
    /// The watch is over.
    Discharged,
    /// The patient has died.
    Deceased,
}

impl Whereabouts {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AtHome,
        Self::InHospital,
        Self::Suspended,
        Self::Discharged,
        Self::Deceased,
    ];

    /// `at-home`, `in-hospital`, `suspended`, `discharged`, `deceased`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AtHome => "at-home",
            Self::InHospital => "in-hospital",
            Self::Suspended => "suspended",
            Self::Discharged => "discharged",
            Self::Deceased => "deceased",
        }
    }
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Whereabouts {
    type Err = UnknownWhereabouts;

    fn from_str(text: &str) -> Result<Self, UnknownWhereabouts> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.name() == text).ok_or(UnknownWhereabouts)
    }
}

/// A text that is no [`Whereabouts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a patient is at-home, in-hospital, suspended, discharged or deceased")]
pub struct UnknownWhereabouts;

/// From when on a patient is where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientStanding {
    /// Whose.
    pub patient: PatientId,
    /// Its number, growing with each row.
    pub number: i64,
    /// From when.
    pub from: WallMs,
    /// Where.
    pub whereabouts: Whereabouts,
}

/// Where the patient was at a moment; at home before anything is said.
pub(crate) fn whereabouts(standings: &[PatientStanding], at: WallMs) -> Whereabouts {
    let begun = standings.iter().filter(|it| it.from <= at);
    let latest = begun.max_by_key(|it| it.number);
    latest.map_or(Whereabouts::AtHome, |it| it.whereabouts)
}

/// When what was to come by a moment, `within_ms` after it was asked for, is missed: a patient who
/// is away then has as long after the return. None while nobody knows of a return.
pub(crate) fn missed_at(
    standings: &[PatientStanding],
    by: WallMs,
    within_ms: i64,
) -> Option<WallMs> {
    let mut by = by;
    while !is_at_home(standings, by) {
        let later = standings.iter().map(|it| it.from).filter(|from| by < *from);
        let back = later.filter(|from| is_at_home(standings, *from)).min()?;
        by = back.plus_ms(within_ms);
    }
    Some(by)
}

pub(crate) fn is_at_home(standings: &[PatientStanding], at: WallMs) -> bool {
    whereabouts(standings, at) == Whereabouts::AtHome
}
