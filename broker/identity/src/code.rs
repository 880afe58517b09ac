//! The one-time code that is printed on a box's label.
//!
//! `XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`: 16 characters of secret, then 16 characters by which
//! the box recognises the centre before it sends anything (the pin of its root certificate). The
//! characters are those of Crockford's base 32: no I, L, O or U, and whoever types an O or an l
//! is understood.
//!
//! Only a hash of the secret is kept, a plain one. 80 bits bear that: whoever has copied the hashes
//! of 2,000 open codes and tries a million million secrets a second finds the first after ten years
//! or so, and a code lives for 90 days at most.
//!
//! Deliberately absent: a check digit. A slip in the second part is found by the box, which does
//! not recognise the centre, and a slip in the first part by the centre, which knows no such code.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::fingerprint::{Fingerprint, Pin};
use crate::hex;

/// Crockford's: a digit's place is its value.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Bits of a character.
const BITS: u32 = 5;

/// Characters of the secret.
const SECRET_CHARS: usize = 16;

/// The bytes of the secret: eight characters are five bytes.
const SECRET_BYTES: usize = 10;

/// Characters of the pin.
const PIN_CHARS: usize = 16;

/// Characters without the dashes.
const CODE_CHARS: usize = SECRET_CHARS + PIN_CHARS;

/// Characters between two dashes.
const GROUP_CHARS: usize = 4;

/// Longest text that is read as a code: each character between two spaces, and some to spare.
const MAX_TEXT_CHARS: usize = 4 * CODE_CHARS;

/// Why a text is not a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Some characters are missing or too many.
    #[error("a code has {CODE_CHARS} letters and digits, this has {0}: type it again in full")]
    Length(usize),
    /// A character that no code has.
    #[error("no code has the character {0:?}: look at the label again")]
    Character(char),
}

/// A code, in the clear: shown once, never stored by the centre.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnrolmentCode {
    secret: [u8; SECRET_BYTES],
    pin: Pin,
}

impl EnrolmentCode {
    /// Makes a new code for the centre of this root.
    pub(crate) fn generate(root: Fingerprint) -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        let pin = root.pin();
        Ok(Self { secret, pin })
    }

    /// By which the box recognises the centre.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    pub(crate) fn hash(&self) -> CodeHash {
        let secret = characters(number_of(&self.secret), SECRET_CHARS);
        CodeHash(Sha256::digest(secret.as_bytes()).into())
    }
}

/// The SHA-256 of the secret part, as it is printed: what the centre keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodeHash(hex::Digest32);

hex::written_as_hex!(CodeHash);

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = characters(number_of(&self.secret), SECRET_CHARS)
            + &characters(number_of(&self.pin.0), PIN_CHARS);
        for (place, character) in text.chars().enumerate() {
            if place > 0 && place.is_multiple_of(GROUP_CHARS) {
                f.write_str("-")?;
            }
            write!(f, "{character}")?;
        }
        Ok(())
    }
}

/// Redacted: a code in a log is no secret.
impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentCode(redacted)")
    }
}

/// As people type: either case, spaces and dashes anywhere, O for 0, I or L for 1.
impl FromStr for EnrolmentCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let told = || text.chars().filter(|it| !is_separator(*it));
        let length = told().count();
        if length != CODE_CHARS || text.len() > MAX_TEXT_CHARS {
            return Err(CodeError::Length(length));
        }
        let (mut secret, mut pin) = (0_u128, 0_u128);
        for (place, character) in told().enumerate() {
            let value = value_of(character).ok_or(CodeError::Character(character))?;
            let part = if place < SECRET_CHARS {
                &mut secret
            } else {
                &mut pin
            };
            *part = *part << BITS | u128::from(value);
        }
        Ok(Self {
            secret: bytes_of(secret),
            pin: Pin(bytes_of(pin)),
        })
    }
}

fn is_separator(character: char) -> bool {
    character == '-' || character.is_whitespace()
}

fn value_of(character: char) -> Option<u8> {
    let meant = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let place = ALPHABET.iter().position(|it| char::from(*it) == meant)?;
    u8::try_from(place).ok()
}

/// The lowest bits of a number, five a character, the highest first.
fn characters(number: u128, count: usize) -> String {
    let mut rest = number;
    let mut text: Vec<char> = Vec::with_capacity(count);
    for _ in 0..count {
        let value = usize::try_from(rest & 0x1f).unwrap_or_default();
        text.extend(ALPHABET.get(value).map(|byte| char::from(*byte)));
        rest >>= BITS;
    }
    text.into_iter().rev().collect()
}

fn number_of(bytes: &[u8]) -> u128 {
    let with_next = |sum: u128, byte: &u8| sum << 8 | u128::from(*byte);
    bytes.iter().fold(0, with_next)
}

/// The lowest bytes of a number.
fn bytes_of<const COUNT: usize>(number: u128) -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    let all = number.to_be_bytes();
    for (to, from) in bytes.iter_mut().rev().zip(all.iter().rev()) {
        *to = *from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fingerprint::PIN_BYTES;

    fn any_code() -> impl Strategy<Value = EnrolmentCode> {
        let parts = (any::<[u8; SECRET_BYTES]>(), any::<[u8; PIN_BYTES]>());
        parts.prop_map(|(secret, pin)| EnrolmentCode {
            secret,
            pin: Pin(pin),
        })
    }

    proptest! {
        #[test]
        fn a_code_reads_back_as_it_was_printed(code in any_code()) {
            let text = code.to_string();
            prop_assert_eq!(text.len(), CODE_CHARS + CODE_CHARS / GROUP_CHARS - 1);
            prop_assert_eq!(text.parse(), Ok(code));
        }

        /// Whatever a hasty typist does to it.
        #[test]
        fn a_code_is_understood_as_people_type_it(
            code in any_code(),
            slips in prop::collection::vec(0_u8..6, CODE_CHARS),
        ) {
            let text = code.to_string().replace('-', "");
            let typed: String = text.chars().zip(slips).map(|(it, slip)| match (slip, it) {
                (0, it) => it.to_ascii_lowercase().to_string(),
                (1, it) => format!(" {it}"),
                (2, it) => format!("{it}-"),
                (3, '0') => "o".to_owned(),
                (4, '0') => "O".to_owned(),
                (3, '1') => "l".to_owned(),
                (4, '1') => "I".to_owned(),
                (5, '1') => "i".to_owned(),
                (_, it) => it.to_string(),
            }).collect();
            prop_assert_eq!(typed.parse(), Ok(code));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let read: Result<EnrolmentCode, CodeError> = text.parse();
            if let Ok(code) = read {
                prop_assert_eq!(code.to_string().parse(), Ok(code));
            }
        }
    }

    #[test]
    fn the_printed_form_never_changes() {
        let code = EnrolmentCode {
            secret: [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23],
            pin: Pin([0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0]),
        };
        let printed = "04HM-ASW9-NF6Y-Y093-ZW0F-Y07Z-03ZG-1ZR0";
        assert_eq!(code.to_string(), printed);
        let hash = "c613e127f004896bdbf9e8f74c436a3996b317deae508348c753cbaed9eb48ae";
        assert_eq!(code.hash().to_string(), hash);
    }

    #[test]
    fn each_fault_is_named() {
        let code = |text: &str| text.parse::<EnrolmentCode>().unwrap_err();
        assert_eq!(code(""), CodeError::Length(0));
        assert_eq!(code("04HM-ASW9"), CodeError::Length(8));
        let long = format!("{}{}", "0".repeat(CODE_CHARS), " ".repeat(MAX_TEXT_CHARS));
        assert_eq!(code(&long), CodeError::Length(CODE_CHARS));
        let with_u = "0".repeat(CODE_CHARS - 1) + "U";
        assert_eq!(code(&with_u), CodeError::Character('U'));
    }

    #[test]
    fn a_code_does_not_show_in_a_debug_print() {
        let code = EnrolmentCode::generate(Fingerprint::of(b"a root")).unwrap();
        assert_eq!(format!("{code:?}"), "EnrolmentCode(redacted)");
        assert!(code.pin().matches(b"a root"));
        assert!(!code.pin().matches(b"another root"));
    }
}
