//! To whom an account of somebody outside the centre belongs: a family doctor on file, or a
//! hospital's unit. Whose patients they are follows from it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::MmgId;

/// Longest name of a unit, in characters: hospital, department and ward.
const MAX_UNIT_CHARS: usize = 100;

/// A hospital's unit, by the name that patients are entrusted to: spaces are one, ends are none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unit(String);

/// A text that is no name of a unit.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("the name of a unit has 2 to {MAX_UNIT_CHARS} ordinary characters")]
pub struct UnitError;

impl Unit {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let name = words.join(" ");
        let is_fit = (2..=MAX_UNIT_CHARS).contains(&name.chars().count());
        if is_fit && !name.contains(char::is_control) {
            Ok(Self(name))
        } else {
            Err(UnitError)
        }
    }
}

/// What an account is tied to. Without a tie, a role of outside the centre has no patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    /// The account of this family doctor.
    Mmg(MmgId),
    /// The account of a doctor of this unit.
    Unit(Unit),
}

impl fmt::Display for Belongs {
    /// `mmg:7`, `unit:Pneumologia`: as it is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mmg(id) => write!(f, "mmg:{id}"),
            Self::Unit(unit) => write!(f, "unit:{unit}"),
        }
    }
}

impl Belongs {
    /// What a column says; a word not understood is no tie.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("unit:") {
            Some(name) => name.parse().ok().map(Self::Unit),
            None => text.parse().ok().map(Self::Mmg),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_is_read_back_as_it_was_written_and_nothing_else_is_one() {
        for text in ["mmg:7", "unit:Niguarda Pneumologia"] {
            assert_eq!(Belongs::read(text).unwrap().to_string(), text);
        }
        for text in ["", "mmg:", "mmg:0", "unit:", "unit:\u{7}x", "staff:3"] {
            assert_eq!(Belongs::read(text), None, "{text}");
        }
        assert_eq!(
            "  Niguarda   Pneumologia ".parse::<Unit>(),
            "Niguarda Pneumologia".parse()
        );
    }
}
