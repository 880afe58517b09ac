//! By which code a person is known to a laboratory and at the citizen's door: the *Codice Fiscale*,
//! the provisional one of eleven digits, or STP and ENI for those who have none.
//!
//! Codes are compared exactly as issued: [`crate::same`] says which may be of one person.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use veglia_people::{CodiceFiscale, CodiceFiscaleError};

/// Digits of a provisional *Codice Fiscale*.
const PROVISIONAL_DIGITS: usize = 11;

/// Digits after the three letters of STP and ENI: region, agency and number.
const FOREIGN_DIGITS: usize = 13;

/// A code, as issued. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum PersonCode {
    /// The sixteen characters.
    CodiceFiscale(CodiceFiscale),
    /// Eleven digits, until the sixteen characters are there.
    Provisional(String),
    /// *Straniero Temporaneamente Presente*: `STP` and thirteen digits.
    Stp(String),
    /// *Europeo Non Iscritto*: `ENI` and thirteen digits.
    Eni(String),
}

/// Why a text is no code. The text is personal data and is never repeated.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum PersonCodeError {
    /// Not a *Codice Fiscale*.
    #[error("this is no Codice Fiscale")]
    CodiceFiscale(#[source] CodiceFiscaleError),
    /// The last digit does not agree with the others.
    #[error("the last of the eleven digits does not agree with the others: check them all")]
    Provisional,
    /// STP or ENI without its digits.
    #[error("an STP or ENI code has three letters and {FOREIGN_DIGITS} digits")]
    Foreign,
}

impl PersonCode {
    /// In capital letters, without spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::CodiceFiscale(code) => code.as_str(),
            Self::Provisional(code) | Self::Stp(code) | Self::Eni(code) => code,
        }
    }

    /// The *Codice Fiscale*, of whoever has the sixteen characters.
    #[must_use]
    pub fn codice_fiscale(&self) -> Option<&CodiceFiscale> {
        match self {
            Self::CodiceFiscale(code) => Some(code),
            _ => None,
        }
    }
}

impl FromStr for PersonCode {
    type Err = PersonCodeError;

    fn from_str(text: &str) -> Result<Self, PersonCodeError> {
        let code: String = text.split_whitespace().collect();
        let code = code.to_ascii_uppercase();
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // A surname may begin with the same letters: then a letter follows.
        let foreign = ["STP", "ENI"].into_iter().find(|letters| {
            let rest = code.strip_prefix(letters);
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        if let Some(letters) = foreign {
            let rest = code.trim_start_matches(letters);
            if rest.len() != FOREIGN_DIGITS || !digits(rest) {
                return Err(PersonCodeError::Foreign);
            }
            return Ok(match letters {
                "STP" => Self::Stp(code),
                _ => Self::Eni(code),
            });
        }
        if code.len() == PROVISIONAL_DIGITS && digits(&code) {
            let fits = is_luhn(&code);
            return fits
                .then_some(Self::Provisional(code))
                .ok_or(PersonCodeError::Provisional);
        }
        let code = code.parse().map_err(PersonCodeError::CodiceFiscale)?;
        Ok(Self::CodiceFiscale(code))
    }
}

impl fmt::Debug for PersonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonCode(…)")
    }
}

/// The check of eleven digits, as of a *partita IVA*.
fn is_luhn(digits: &str) -> bool {
    let values = digits
        .bytes()
        .map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let sum: u32 = values
        .enumerate()
        .map(|(index, value)| match (index % 2, value * 2) {
            (0, _) => value,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_code_is_known_by_its_shape() {
        let kind = |text: &str| text.parse::<PersonCode>();
        assert!(matches!(
            kind(" rssmra85m01h501q "),
            Ok(PersonCode::CodiceFiscale(_))
        ));
        assert!(matches!(
            kind("STP 030 1234 567890"),
            Ok(PersonCode::Stp(_))
        ));
        assert!(matches!(kind("eni0301234567890"), Ok(PersonCode::Eni(_))));
        assert!(matches!(
            kind("12345678903"),
            Ok(PersonCode::Provisional(_))
        ));
        assert_eq!(kind("12345678904"), Err(PersonCodeError::Provisional));
        assert_eq!(kind("STP123"), Err(PersonCodeError::Foreign));
        let refused = kind("RSSMRA85M01H501X").unwrap_err();
        assert!(matches!(refused, PersonCodeError::CodiceFiscale(_)));
        assert_eq!(format!("{:?}", kind("12345678903")), "Ok(PersonCode(…))");
    }
}
