//! The Italian tax code: sixteen characters, checked as they come in, never shown by `Debug`.
//!
//! Checked: the shape, the month letter, the day (1–31, or 41–71 for women) and the check letter,
//! also when *omocodia* has put letters in place of digits. Not checked, on purpose: the birthplace
//! (old Comuni keep their codes after they disappear), the agreement with name and surname (foreign
//! names are cut in more than one way) and the century, which the code does not carry.
//!
//! Two people may share every letter and digit before omocodia: that is why omocodia exists.
//! So codes are compared exactly as issued, and nothing here "normalises" one into another.
//! Temporary numeric codes and the STP and ENI codes of foreigners are not this type.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Characters in a code.
const LENGTH: usize = 16;

/// Values of `0`–`9` and of `A`–`J` in odd places (the first place is odd); then of `K`–`Z`.
const ODD: [u32; 26] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/// What stands for 0–9 when two people would have the same code.
const OMOCODIA: &[u8; 10] = b"LMNPQRSTUV";

/// Letters of the months, January first.
const MONTHS: &[u8; 12] = b"ABCDEHLMPRST";

/// A valid code, in capital letters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodiceFiscale(String);

/// Why a text is not a code. The text itself is personal data and is never repeated.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum CodiceFiscaleError {
    /// Not sixteen characters.
    #[error("a Codice Fiscale has 16 characters, this has {found}")]
    Length {
        /// Characters found, without the spaces around.
        found: usize,
    },
    /// A letter where a digit must be, or the reverse, or neither.
    #[error("character {place} of the Codice Fiscale cannot stand there")]
    Character {
        /// Place from 1 to 16, as people count.
        place: usize,
    },
    /// No month has this letter, or no day this number.
    #[error("the Codice Fiscale holds no true day and month of birth")]
    Birthday,
    /// The last letter does not agree with the others: most often one was mistyped.
    #[error("the last letter of the Codice Fiscale does not agree with the others: check them all")]
    Check,
}

impl CodiceFiscale {
    /// The sixteen capital letters and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CodiceFiscale {
    type Err = CodiceFiscaleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = text.trim().to_ascii_uppercase();
        let found = code.chars().count();
        if found != LENGTH {
            return Err(CodiceFiscaleError::Length { found });
        }
        let foreign = code.chars().position(|c| !c.is_ascii()).unwrap_or_default();
        let foreign = CodiceFiscaleError::Character { place: foreign + 1 };
        let bytes: &[u8; LENGTH] = code.as_bytes().try_into().map_err(|_| foreign)?;
        for (index, byte) in bytes.iter().enumerate() {
            let fits = match index {
                6 | 7 | 9 | 10 | 12 | 13 | 14 => digit(*byte).is_some(),
                _ => byte.is_ascii_uppercase(),
            };
            if !fits {
                return Err(CodiceFiscaleError::Character { place: index + 1 });
            }
        }
        let day = digit(bytes[9])
            .zip(digit(bytes[10]))
            .map(|(tens, units)| tens * 10 + units);
        if !MONTHS.contains(&bytes[8]) || !matches!(day, Some(1..=31 | 41..=71)) {
            return Err(CodiceFiscaleError::Birthday);
        }
        if check_letter(bytes) != Some(bytes[LENGTH - 1]) {
            return Err(CodiceFiscaleError::Check);
        }
        Ok(Self(code))
    }
}

impl fmt::Debug for CodiceFiscale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodiceFiscale(…)")
    }
}

/// The digit that this byte stands for, written as a digit or as a letter of omocodia.
fn digit(byte: u8) -> Option<u8> {
    if byte.is_ascii_digit() {
        return Some(byte - b'0');
    }
    let place = OMOCODIA.iter().position(|letter| *letter == byte)?;
    u8::try_from(place).ok()
}

/// The letter that the first fifteen characters call for; they count as they are written, omocodia
/// included. `None` when one of them is neither a capital letter nor a digit.
fn check_letter(code: &[u8; LENGTH]) -> Option<u8> {
    let mut sum = 0;
    for (index, byte) in code[..LENGTH - 1].iter().enumerate() {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A',
            _ => return None,
        };
        // Index 0 is the first place, which is odd for people.
        sum += if index % 2 == 0 {
            ODD[usize::from(value)]
        } else {
            u32::from(value)
        };
    }
    u8::try_from(sum % 26).ok().map(|rest| b'A' + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One made-up person, then the same with one more digit replaced at each step.
    const LADDER: [&str; 8] = [
        "CCCFBA85D03L219P",
        "CCCFBA85D03L21VE",
        "CCCFBA85D03L2MVP",
        "CCCFBA85D03LNMVE",
        "CCCFBA85D0PLNMVA",
        "CCCFBA85DLPLNMVL",
        "CCCFBA8RDLPLNMVX",
        "CCCFBAURDLPLNMVU",
    ];

    #[test]
    fn every_step_of_omocodia_is_accepted_and_stays_a_different_code() {
        let codes: Vec<CodiceFiscale> = LADDER.iter().map(|code| code.parse().unwrap()).collect();
        for (code, text) in codes.iter().zip(LADDER) {
            assert_eq!(code.as_str(), text);
        }
        assert_ne!(codes[0], codes[1]);
    }

    #[test]
    fn small_letters_and_spaces_around_are_accepted() {
        let code: CodiceFiscale = "  cccfba85d03l219p ".parse().unwrap();
        assert_eq!(code.as_str(), LADDER[0]);
    }

    #[test]
    fn every_single_wrong_letter_or_digit_is_noticed() {
        for place in 0..LENGTH {
            for other in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" {
                let mut bytes = LADDER[0].as_bytes().to_vec();
                if bytes[place] == *other {
                    continue;
                }
                bytes[place] = *other;
                let text = String::from_utf8(bytes).unwrap();
                assert!(text.parse::<CodiceFiscale>().is_err(), "place {place}");
            }
        }
    }

    #[test]
    fn the_fault_is_named() {
        let fault = |text: &str| text.parse::<CodiceFiscale>().unwrap_err();
        assert_eq!(
            fault("CCCFBA85D03L219"),
            CodiceFiscaleError::Length { found: 15 }
        );
        assert_eq!(fault("èèèèèèèè"), CodiceFiscaleError::Length { found: 8 });
        assert_eq!(
            fault("CCCFBÀ85D03L219P"),
            CodiceFiscaleError::Character { place: 6 }
        );
        assert_eq!(
            fault("CCCFBA85D03L2Z9P"),
            CodiceFiscaleError::Character { place: 14 }
        );
        assert_eq!(fault("CCCFBA85F03L219P"), CodiceFiscaleError::Birthday);
        assert_eq!(fault("CCCFBA85D33L219P"), CodiceFiscaleError::Birthday);
        assert_eq!(fault("CCCFBA85D03L219Q"), CodiceFiscaleError::Check);
    }

    #[test]
    fn debug_shows_nothing_of_the_person() {
        let code: CodiceFiscale = LADDER[0].parse().unwrap();
        assert_eq!(format!("{code:?}"), "CodiceFiscale(…)");
    }
}
