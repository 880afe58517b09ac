//! A telephone number that can be called or sent an SMS: `+` and digits (E.164).
//!
//! A number without a country prefix is taken as Italian. Whether it exists, and whether it is a
//! mobile, is not known here.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Fewest digits, prefix included: short Italian landlines have six after `+39`.
const MIN_DIGITS: usize = 8;

/// Most digits that E.164 allows.
const MAX_DIGITS: usize = 15;

/// A telephone number with its country prefix. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// Why a text is not a number. The text itself is personal data and is never repeated.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum PhoneError {
    /// Something that is neither a digit, a leading `+`, nor a separator.
    #[error("a telephone number has only digits, spaces and a leading '+'")]
    Character,
    /// Too few or too many digits.
    #[error("a telephone number has {MIN_DIGITS} to {MAX_DIGITS} digits with its prefix")]
    Length,
}

impl Phone {
    /// `+` and digits, without separators.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an SMS may reach it: not the landlines of Italy, which begin with a zero and not
    /// with a three. Of other countries it is not known here, and tried.
    #[must_use]
    pub fn takes_sms(&self) -> bool {
        let italian = self.0.strip_prefix("+39");
        italian.is_none_or(|number| number.starts_with('3'))
    }
}

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let compact: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')'))
            .collect();
        let digits = match compact
            .strip_prefix('+')
            .or_else(|| compact.strip_prefix("00"))
        {
            Some(international) => international.to_owned(),
            None => format!("39{compact}"),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PhoneError::Character);
        }
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
            return Err(PhoneError::Length);
        }
        Ok(Self(format!("+{digits}")))
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_with_its_prefix_and_without_separators() {
        let kept = |text: &str| text.parse::<Phone>().unwrap().as_str().to_owned();
        assert_eq!(kept("333 123.45-67"), "+393331234567");
        assert_eq!(kept("(02) 5778 1"), "+3902".to_owned() + "57781");
        assert_eq!(kept("0041 91 123 45 67"), "+41911234567");
        assert_eq!(kept("+39 02/1234567"), "+39021234567");
    }

    #[test]
    fn an_sms_goes_to_mobiles_and_never_to_a_landline_of_italy() {
        let takes = |text: &str| text.parse::<Phone>().unwrap().takes_sms();
        assert!(takes("333 1234567") && takes("+41 79 123 45 67"));
        assert!(!takes("02 5778 1000") && !takes("800 123456"));
    }

    #[test]
    fn what_is_not_a_number_is_refused_without_repeating_it() {
        assert_eq!("mamma".parse::<Phone>(), Err(PhoneError::Character));
        assert_eq!("12345".parse::<Phone>(), Err(PhoneError::Length));
        assert_eq!("".parse::<Phone>(), Err(PhoneError::Length));
        assert_eq!(
            "+1234567890123456".parse::<Phone>(),
            Err(PhoneError::Length)
        );
        assert_eq!("33+31234567".parse::<Phone>(), Err(PhoneError::Character));
    }
}
