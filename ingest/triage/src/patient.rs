//! The patient as the clinical path knows them: a number. No name, no birth date, no address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An opaque patient, the same number in plans, assignments and flags. It is born at the centre;
/// a gateway or a broker cannot even name the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PatientId(u64);

impl PatientId {
    /// The patient of a number. Whoever keeps people draws it at random.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for PatientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for PatientId {
    type Err = PatientIdError;

    fn from_str(text: &str) -> Result<Self, PatientIdError> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(is_hex) {
            return Err(PatientIdError);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| PatientIdError)?;
        Ok(Self(number))
    }
}

impl TryFrom<String> for PatientId {
    type Error = PatientIdError;
    fn try_from(text: String) -> Result<Self, PatientIdError> {
        text.parse()
    }
}

impl From<PatientId> for String {
    fn from(patient: PatientId) -> Self {
        patient.to_string()
    }
}

/// A text that is no [`PatientId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a patient is written as 16 hexadecimal digits in lower case")]
pub struct PatientIdError;
