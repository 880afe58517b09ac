//! What the square on a box's label says: `veglia:enrol?centre=…&code=…`.
//!
//! Deliberately absent: the box's name. The centre tells it, and a label that is read over
//! somebody's shoulder tells less.

use std::fmt;
use std::str::FromStr;

use crate::code::{CodeError, EnrolmentCode};

/// What every link begins with.
const BEGINNING: &str = "veglia:enrol?";

/// Longest link that is read: a host name of 253 characters, all of them escaped, fits.
const MAX_LINK_BYTES: usize = 1024;

/// Why a text is not a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Something else was scanned.
    #[error("this is no label of a box: it would begin with {BEGINNING}")]
    NotALink,
    /// A link without a code.
    #[error("the label has no code: have it printed again")]
    NoCode,
    /// Its code is damaged.
    #[error("the code of the label cannot be read")]
    Code(#[source] CodeError),
}

/// Where to enrol, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentLink {
    /// The centre's address; none when the box is told otherwise.
    pub centre: Option<String>,
    /// The one-time code.
    pub code: EnrolmentCode,
}

impl fmt::Display for EnrolmentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BEGINNING)?;
        if let Some(centre) = &self.centre {
            f.write_str("centre=")?;
            for byte in centre.bytes() {
                if stands_for_itself(byte) {
                    write!(f, "{}", char::from(byte))?;
                } else {
                    write!(f, "%{byte:02X}")?;
                }
            }
            f.write_str("&")?;
        }
        write!(f, "code={}", self.code)
    }
}

impl FromStr for EnrolmentLink {
    type Err = LinkError;

    /// A key that is not known here is passed over: a later label may say more.
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let query = text.strip_prefix(BEGINNING).ok_or(LinkError::NotALink)?;
        if query.len() > MAX_LINK_BYTES {
            return Err(LinkError::NotALink);
        }
        let (mut centre, mut code) = (None, None);
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = decoded(value).ok_or(LinkError::NotALink)?;
            match key {
                "centre" => centre = Some(value),
                "code" => code = Some(value),
                _ => {}
            }
        }
        let code = code.ok_or(LinkError::NoCode)?;
        let code = code.parse().map_err(LinkError::Code)?;
        Ok(Self { centre, code })
    }
}

/// RFC 3986: unreserved, and two that a query may hold and an address is full of.
fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(high << 4 | low);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fingerprint::Fingerprint;

    fn code() -> EnrolmentCode {
        EnrolmentCode::generate(Fingerprint::of(b"a root")).unwrap()
    }

    proptest! {
        #[test]
        fn a_link_reads_back_as_it_was_written(centre in prop::option::of(".{0,60}")) {
            let link = EnrolmentLink { centre, code: code() };
            prop_assert_eq!(link.to_string().parse(), Ok(link));
        }

        #[test]
        fn any_text_after_the_beginning_is_read_or_refused(text in ".{0,120}") {
            let read: Result<EnrolmentLink, LinkError> = format!("{BEGINNING}{text}").parse();
            prop_assert!(read.is_err());
        }
    }

    #[test]
    fn a_link_is_what_the_label_of_a_box_says() {
        let code = code();
        let link = EnrolmentLink {
            centre: Some("https://centre.example:8443/a b".to_owned()),
            code,
        };
        let text = format!("veglia:enrol?centre=https://centre.example:8443/a%20b&code={code}");
        assert_eq!(link.to_string(), text);
    }

    #[test]
    fn what_is_no_label_is_told_apart() {
        let link = |text: &str| text.parse::<EnrolmentLink>().unwrap_err();
        assert_eq!(link("https://example.org"), LinkError::NotALink);
        assert_eq!(link("veglia:enrol?centre=%zz"), LinkError::NotALink);
        assert_eq!(link("veglia:enrol?centre=x"), LinkError::NoCode);
        let short = link("veglia:enrol?code=1234");
        assert_eq!(short, LinkError::Code(CodeError::Length(4)));
    }
}
