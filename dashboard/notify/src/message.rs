//! What is said, and by which key it is known.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longest text: with a link it fits three concatenated SMS of the plain alphabet.
pub(crate) const TEXT_CHARS_MAX: usize = 300;

/// Longest subject: what a list of mails shows.
const SUBJECT_CHARS_MAX: usize = 100;

/// Longest link: an address of ours with its secret has about 80.
const LINK_CHARS_MAX: usize = 300;

/// Longest key: it stands in headers.
const KEY_CHARS_MAX: usize = 100;

/// By what a delivery is known, here and to whoever receives it: lower-case letters, digits, `.`
/// and `-`, so that it may stand in a `Message-ID` as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// A message without anything clinical. Not shown by `Debug`: the link has a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    subject: String,
    text: String,
    link: String,
}

/// Why a text was refused.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum MessageError {
    /// A key that could not stand in a header.
    #[error("a key has 1 to {KEY_CHARS_MAX} lower-case letters, digits, '.' and '-'")]
    Key,
    /// A part that is empty, too long, or holds line breaks and the like.
    #[error("the {field} of a message must have 1 to {max_chars} ordinary characters")]
    Text {
        /// Which part.
        field: &'static str,
        /// How long it may be.
        max_chars: usize,
    },
}

impl Key {
    /// As it was made.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = MessageError;

    fn from_str(text: &str) -> Result<Self, MessageError> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
        // A dot at an end, or two together, would not be an atom of RFC 5322.
        let atoms = text.split('.').all(|atom| !atom.is_empty());
        let fits = text.len() <= KEY_CHARS_MAX && text.bytes().all(plain) && atoms;
        fits.then(|| Self(text.to_owned())).ok_or(MessageError::Key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Message {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`MessageError::Text`], naming the part.
    pub fn new(subject: &str, text: &str, link: &str) -> Result<Self, MessageError> {
        if link.is_empty() {
            return Err(MessageError::Text {
                field: "link",
                max_chars: LINK_CHARS_MAX,
            });
        }
        Self::checked(subject, text, link)
    }

    /// A message to somebody who has no page to go to.
    ///
    /// # Errors
    /// [`MessageError::Text`], naming the part.
    pub fn without_link(subject: &str, text: &str) -> Result<Self, MessageError> {
        Self::checked(subject, text, "")
    }

    fn checked(subject: &str, text: &str, link: &str) -> Result<Self, MessageError> {
        let part = |field, text: &str, max_chars| {
            let fits = (field == "link" || !text.is_empty())
                && text.chars().count() <= max_chars
                && !text.chars().any(char::is_control);
            fits.then(|| text.to_owned())
                .ok_or(MessageError::Text { field, max_chars })
        };
        Ok(Self {
            subject: part("subject", subject, SUBJECT_CHARS_MAX)?,
            text: part("text", text, TEXT_CHARS_MAX)?,
            link: part("link", link, LINK_CHARS_MAX)?,
        })
    }

    /// What is said, and then where to go.
    pub(crate) fn joined(&self, between: &str) -> String {
        match self.link.as_str() {
            "" => self.text.clone(),
            link => format!("{}{between}{link}", self.text),
        }
    }

    /// The first line of a mail, the title of a notification.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What is said.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where to go; empty when there is nowhere.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_stand_in_every_header() {
        assert!("page-12.staff-3".parse::<Key>().is_ok());
        for text in ["", "a b", "A", "a@b", "a..b", ".a", "a\r\n"] {
            assert_eq!(text.parse::<Key>(), Err(MessageError::Key), "{text}");
        }
    }

    #[test]
    fn a_message_is_one_line_in_each_part() {
        assert!(Message::new("Veglia", "Qualcuno la aspetta", "http://x/").is_ok());
        let broken = Message::new("Veglia\r\nBcc: x", "Qualcuno", "http://x/").unwrap_err();
        assert!(broken.to_string().contains("subject"), "{broken}");
        assert!(Message::new("Veglia", "", "http://x/").is_err());
        assert!(Message::new("Veglia", "Qualcuno la aspetta", "").is_err());
        let bare = Message::without_link("Veglia", "Rimisuri subito.").unwrap();
        assert_eq!(bare.joined(" "), "Rimisuri subito.");
    }
}
