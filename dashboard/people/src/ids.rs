//! Identifiers of people and of staff: numbers that say nothing about anyone.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A person followed at home. Random, so that an address in the browser tells neither how many
/// people there are nor who came next. The clinical record uses the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(i64);

/// A text that is not an identifier of a person.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("an identifier of a person has 16 hexadecimal digits")]
pub struct IdError;

impl PersonId {
    /// The identifier with this number; `None` for zero and below.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// A new one, from the system's random numbers.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        // One bit is given up for the sign that SQL integers have; zero becomes one.
        let number = (getrandom::u64()? >> 1).max(1).cast_signed();
        Ok(Self(number))
    }

    /// The number, for a column.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

/// Sixteen hexadecimal digits, as in addresses of pages.
impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Reads what `Display` wrote, and nothing else.
impl FromStr for PersonId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let number = i64::from_str_radix(text, 16).map_err(|_| IdError)?;
        Self::new(number)
            .filter(|id| id.to_string() == text)
            .ok_or(IdError)
    }
}

/// A member of staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StaffId(i64);

impl StaffId {
    pub(crate) fn from_row(number: i64) -> Self {
        Self(number)
    }

    /// The number, for a column and for [`veglia_store::Actor::Staff`].
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for StaffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_read_back_only_as_it_was_written() {
        let id = PersonId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "",
            "0",
            "0000000000000000",
            "+00000000000000f",
            "00000000000000F0",
        ] {
            assert_eq!(text.parse::<PersonId>(), Err(IdError), "{text}");
        }
    }
}
