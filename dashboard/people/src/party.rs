//! Who may be called: a member of staff, or a family doctor (*medico di medicina generale*).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::StaffId;

/// A family doctor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MmgId(i64);

impl MmgId {
    pub(crate) fn from_row(number: i64) -> Self {
        Self(number)
    }

    /// The number, for a column.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for MmgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Somebody who is called: `staff:3` or `mmg:7`. It says nothing about anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// Somebody of the centre.
    Staff(StaffId),
    /// A family doctor.
    Mmg(MmgId),
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::Mmg(id) => write!(f, "mmg:{id}"),
        }
    }
}

/// A text that names nobody.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("somebody who is called is written staff:NUMBER or mmg:NUMBER")]
pub struct PartyError;

impl FromStr for Party {
    type Err = PartyError;

    fn from_str(text: &str) -> Result<Self, PartyError> {
        let (kind, number) = text.split_once(':').ok_or(PartyError)?;
        let number: i64 = number.parse().map_err(|_| PartyError)?;
        match kind {
            _ if number <= 0 => Err(PartyError),
            "staff" => Ok(Self::Staff(StaffId::from_row(number))),
            "mmg" => Ok(Self::Mmg(MmgId::from_row(number))),
            _ => Err(PartyError),
        }
    }
}

impl FromStr for MmgId {
    type Err = PartyError;

    /// A number, with or without `mmg:` before it.
    fn from_str(text: &str) -> Result<Self, PartyError> {
        let number = text.strip_prefix("mmg:").unwrap_or(text);
        match format!("mmg:{number}").parse()? {
            Party::Mmg(id) => Ok(id),
            Party::Staff(_) => Err(PartyError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_read_back_as_written_and_nobody_else() {
        for text in ["staff:3", "mmg:7"] {
            assert_eq!(text.parse::<Party>().unwrap().to_string(), text);
        }
        for text in ["", "3", "mmg:", "mmg:0", "mmg:-1", "cat:1"] {
            assert_eq!(text.parse::<Party>(), Err(PartyError), "{text}");
        }
        assert_eq!("7".parse::<MmgId>(), "mmg:7".parse());
        assert!("staff:7".parse::<MmgId>().is_err());
    }
}
