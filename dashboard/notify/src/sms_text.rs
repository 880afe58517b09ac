//! A text as the mobile network counts it: the plain alphabet (GSM 03.38) or UCS-2, and in how
//! many parts.
//!
//! Limits (3GPP TS 23.040): 160 septets or 70 UTF-16 units in one message; in each part of a
//! longer one 153 or 67, because the header that joins them takes six bytes.

use thiserror::Error;

/// Parts that a message may have: beyond it phones and networks lose some.
const PARTS_MAX: usize = 3;

/// The plain alphabet: one septet each (3GPP TS 23.038, table 6.2.1).
const PLAIN: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Its extension: an escape and one more, so two septets each (table 6.2.1.1).
const EXTENDED: &str = "^{}\\[~]|€";

/// A text that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsText {
    text: String,
    is_plain: bool,
    parts: usize,
}

/// A text that does not fit.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("the message would need {parts} SMS, and {PARTS_MAX} is the limit: shorten the link")]
pub struct SmsTextError {
    parts: usize,
}

impl SmsText {
    /// Counts a text.
    ///
    /// # Errors
    /// When it needs more parts than are allowed.
    pub fn new(text: &str) -> Result<Self, SmsTextError> {
        let septets: Option<usize> = text.chars().map(septets).sum();
        let (is_plain, parts) = match septets {
            Some(septets) => (true, parts(septets, 160, 153)),
            None => (false, parts(text.encode_utf16().count(), 70, 67)),
        };
        if parts > PARTS_MAX {
            return Err(SmsTextError { parts });
        }
        Ok(Self {
            text: text.to_owned(),
            is_plain,
            parts,
        })
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the plain alphabet has all of it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// How many messages the network makes of it.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.parts
    }
}

fn septets(c: char) -> Option<usize> {
    if PLAIN.contains(c) {
        Some(1)
    } else {
        EXTENDED.contains(c).then_some(2)
    }
}

fn parts(length: usize, alone: usize, joined: usize) -> usize {
    if length <= alone {
        1
    } else {
        length.div_ceil(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> (bool, usize) {
        let text = SmsText::new(text).unwrap();
        (text.is_plain(), text.parts())
    }

    #[test]
    fn the_plain_alphabet_has_160_and_then_153_a_part() {
        assert_eq!(counted("è"), (true, 1));
        assert_eq!(counted(&"a".repeat(160)), (true, 1));
        assert_eq!(counted(&"a".repeat(161)), (true, 2));
        assert_eq!(counted(&"a".repeat(306)), (true, 2));
        assert_eq!(counted(&"a".repeat(307)), (true, 3));
        assert!(SmsText::new(&"a".repeat(460)).is_err());
    }

    #[test]
    fn signs_of_the_extension_count_twice() {
        assert_eq!(counted(&"€".repeat(80)), (true, 1));
        assert_eq!(counted(&"€".repeat(81)), (true, 2));
    }

    #[test]
    fn any_other_sign_makes_all_of_it_ucs_2() {
        assert_eq!(counted("ć"), (false, 1));
        assert_eq!(counted(&format!("’{}", "a".repeat(69))), (false, 1));
        assert_eq!(counted(&format!("’{}", "a".repeat(70))), (false, 2));
        // Two units each outside of the basic plane.
        assert_eq!(counted(&"😀".repeat(35)), (false, 1));
        assert_eq!(counted(&"😀".repeat(36)), (false, 2));
    }

    #[test]
    fn the_alphabet_has_its_127_signs_and_its_escape() {
        assert_eq!(PLAIN.chars().count(), 127);
        assert_eq!(EXTENDED.chars().count(), 9);
    }
}
