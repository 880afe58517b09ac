//! A laboratory's result, as whoever reads its messages hands it on.

use std::fmt;

use jiff::civil::Date;
use veglia_people::Phone;
use veglia_wire::WallMs;

use crate::code::PersonCode;

/// Longest name of a laboratory and of a result, in characters: HL7 allows an identifier 199, and
/// laboratories use 20.
pub const ID_CHARS_MAX: usize = 64;

/// Longest name or surname, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The virus.
    Positive,
    /// No virus.
    Negative,
    /// Neither: it is kept with the case and changes nothing.
    Indeterminate,
}

/// By what it was found. Only a molecular negative leads to the end of an isolation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// PCR and the like.
    Molecular,
    /// A rapid antigen test.
    Antigenic,
}

/// What the laboratory says of the result itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is final (`F` in HL7).
    Final,
    /// It takes the place of what was said before under the same id (`C`).
    Corrected,
}

/// Whose swab it was, as the laboratory wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct Tested {
    /// As issued.
    pub code: PersonCode,
    /// Family name; may be empty where the laboratory says none.
    pub surname: String,
    /// First name; the same.
    pub name: String,
    /// Birthday.
    pub born: Option<Date>,
}

/// One result.
#[derive(Clone, PartialEq, Eq)]
pub struct LabResult {
    /// Which laboratory, by its short name: 1 to [`ID_CHARS_MAX`] characters.
    pub laboratory: String,
    /// By what the laboratory knows this result; the same length.
    pub id: String,
    /// Final, or a correction.
    pub status: Status,
    /// What was found.
    pub finding: Finding,
    /// By what.
    pub method: Method,
    /// When the swab was taken; not when it was examined.
    pub taken_at: WallMs,
    /// Of whom.
    pub person: Tested,
    /// The number left at the laboratory; without one somebody of the centre has to call.
    pub phone: Option<Phone>,
}

impl Finding {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
            Self::Indeterminate => "indeterminate",
        }
    }
}

impl Method {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Molecular => "molecular",
            Self::Antigenic => "antigenic",
        }
    }
}

impl Status {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Corrected => "corrected",
        }
    }
}

impl fmt::Debug for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tested(…)")
    }
}

impl fmt::Debug for LabResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LabResult({} of {})", self.id, self.laboratory)
    }
}
