//! HL7 v2 messages in their notation of bars and hats (ER7), taken apart; pure.
//!
//! Segments are lines, fields lie between bars, and a field has repetitions, components and
//! subcomponents; which characters divide them the message itself says in its first line. Nothing
//! is copied but the list of fields: a field is divided when it is asked for.
//!
//! **Why our own.** Of the crates there are, `hl7v2` is under the AGPL and `rust-hl7` calls itself
//! an experiment; `hl7-parser` 0.3 stops at a line that it does not understand and returns the half
//! before it as if it were the whole; `hl7kit` 0.2 panics on a hexadecimal escape with a letter
//! outside ASCII, and reads such escapes as UTF-8 whatever the message is written in. What is
//! needed of the notation is this file.
//!
//! **Strict where a result could be lost**: a line that is no segment makes the message unreadable,
//! and a person looks at it. **Lenient where nothing can**: lines may end as on any system, absent
//! fields are empty, escapes that are not known stay as they are written.
//!
//! Deliberately absent: the meaning of segments (`oru.rs`), the rules of HL7 about lengths and
//! types, batches.

use std::borrow::Cow;

/// Most segments of a message: a laboratory that puts a day's swabs into one sends some hundreds.
pub(crate) const SEGMENTS_MAX: usize = 5_000;

/// In which characters a message is written (MSH-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    /// ISO 8859-1, in which every byte is a letter.
    Latin1,
}

impl Charset {
    /// As HL7 table 0211 writes it. A message that says nothing is UTF-8 if its bytes are, as the
    /// newer laboratories write without saying so, else 8859-1 as the older ones do.
    pub(crate) fn declared(name: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        match name.trim().to_ascii_uppercase().as_str() {
            "" | "ASCII" if std::str::from_utf8(bytes).is_ok() => Ok(Self::Utf8),
            "" | "ASCII" | "8859/1" | "ISO-8859-1" | "ISO8859-1" => Ok(Self::Latin1),
            "UNICODE UTF-8" | "UTF-8" | "UTF8" => Ok(Self::Utf8),
            _ => Err(Unreadable::Charset),
        }
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> Result<String, Unreadable> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes)
                .map(str::to_owned)
                .map_err(|_| Unreadable::Charset),
            Self::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
        }
    }
}

/// Why a message cannot be taken apart, or is not for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// No first line that begins with MSH and says how it is divided.
    #[error("the message does not begin with MSH and its separators")]
    NoHeader,
    /// Bytes that are not what MSH-18 says, or characters that are not known here.
    #[error("the characters of the message are not what MSH-18 says, or not known here")]
    Charset,
    /// A line that is no segment, the first being 1.
    #[error("line {0} is no segment")]
    Segment(usize),
    /// More than a laboratory has to say.
    #[error("the message has more than {SEGMENTS_MAX} segments")]
    Long,
    /// More bytes than are taken.
    #[error("the message is longer than is taken here")]
    Huge,
    /// Another kind of message than results.
    #[error("only results are taken here: ORU^R01")]
    Kind,
    /// A result without order or observation, or none at all.
    #[error("the message has no result: no PID, OBR and OBX in this order")]
    NoResult,
    /// MSH-11: not of real people.
    #[error("MSH-11 says that this is a trial, and here are only real people")]
    Trial,
}

impl Unreadable {
    /// HL7 table 0357, and where the fault is.
    pub(crate) fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::NoHeader => ("100", "MSH^1"),
            Self::Charset => ("102", "MSH^1^18"),
            Self::Segment(_) => ("100", ""),
            Self::Long | Self::Huge => ("207", ""),
            Self::Kind => ("200", "MSH^1^9"),
            Self::NoResult => ("100", "OBR^1"),
            Self::Trial => ("202", "MSH^1^11"),
        }
    }

    /// The word stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoHeader => "no-header",
            Self::Charset => "charset",
            Self::Segment(_) => "segment",
            Self::Long => "long",
            Self::Huge => "huge",
            Self::Kind => "kind",
            Self::NoResult => "no-result",
            Self::Trial => "trial",
        }
    }
}

/// What divides a message, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notation {
    pub(crate) field: char,
    pub(crate) component: char,
    pub(crate) repetition: char,
    pub(crate) escape: char,
    pub(crate) subcomponent: char,
    pub(crate) charset: Charset,
}

impl Notation {
    /// As nearly everybody writes.
    pub(crate) const USUAL: Self = Self {
        field: '|',
        component: '^',
        repetition: '~',
        escape: '\\',
        subcomponent: '&',
        charset: Charset::Utf8,
    };

    /// Of the first line, which says it in its first eight characters.
    fn of(line: &str) -> Option<Self> {
        let mut rest = line.strip_prefix("MSH")?.chars();
        let field = rest.next()?;
        let mut mark = || rest.next().filter(|it| *it != field);
        let (component, repetition) = (mark()?, mark()?);
        let (escape, subcomponent) = (mark()?, mark()?);
        let marks = [field, component, repetition, escape, subcomponent];
        let is_mark = |it: &char| it.is_ascii_punctuation();
        let twice = |(place, it): (usize, &char)| marks[..place].contains(it);
        if !marks.iter().all(is_mark) || marks.iter().enumerate().any(twice) {
            return None;
        }
        Some(Self {
            field,
            component,
            repetition,
            escape,
            subcomponent,
            charset: Charset::Utf8,
        })
    }

    /// The text that escapes stand for. Formatting and what is not known stays as it is written.
    pub(crate) fn unescape<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains(self.escape) {
            return Cow::Borrowed(text);
        }
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(self.escape) {
            plain.push_str(before);
            let Some((code, next)) = after.split_once(self.escape) else {
                plain.push(self.escape);
                rest = after;
                break;
            };
            match self.meaning(code) {
                Some(meaning) => plain.push_str(&meaning),
                None => {
                    plain.push(self.escape);
                    plain.push_str(code);
                    plain.push(self.escape);
                }
            }
            rest = next;
        }
        plain.push_str(rest);
        Cow::Owned(plain)
    }

    fn meaning(&self, code: &str) -> Option<String> {
        let mark = match code {
            "F" => self.field,
            "S" => self.component,
            "T" => self.subcomponent,
            "R" => self.repetition,
            "E" => self.escape,
            ".br" => '\n',
            _ => {
                let digits = code.strip_prefix('X')?.as_bytes();
                let (pairs, odd) = digits.as_chunks::<2>();
                if pairs.is_empty() || !odd.is_empty() {
                    return None;
                }
                let bytes = pairs.iter().map(|pair| byte(*pair));
                let bytes: Option<Vec<u8>> = bytes.collect();
                return self.charset.decode(&bytes?).ok();
            }
        };
        Some(mark.to_string())
    }

    /// The text as it may stand in a field: on one line, and divided by nothing.
    pub(crate) fn escape(&self, text: &str) -> String {
        let mut written = String::with_capacity(text.len());
        for it in text.chars() {
            let code = match it {
                _ if it == self.field => "F",
                _ if it == self.component => "S",
                _ if it == self.subcomponent => "T",
                _ if it == self.repetition => "R",
                _ if it == self.escape => "E",
                '\n' => ".br",
                // They would end the line, or the frame.
                _ if it.is_control() => "X20",
                _ => {
                    written.push(it);
                    continue;
                }
            };
            written.extend([self.escape]);
            written.push_str(code);
            written.extend([self.escape]);
        }
        written
    }
}

fn byte(pair: [u8; 2]) -> Option<u8> {
    let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

/// A message, taken apart.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) notation: Notation,
    pub(crate) segments: Vec<Segment<'a>>,
}

/// A line of it.
#[derive(Debug, Clone)]
pub(crate) struct Segment<'a> {
    pub(crate) name: &'a str,
    /// The first is the field 1, but for MSH, where the bar itself is.
    fields: Vec<&'a str>,
    notation: Notation,
}

/// A field, one of its repetitions, or a part of it; not yet unescaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    text: &'a str,
    notation: Notation,
}

impl<'a> Message<'a> {
    /// Takes a text apart; `charset` is what its bytes were.
    pub(crate) fn parse(text: &'a str, charset: Charset) -> Result<Self, Unreadable> {
        let lines = text.split(['\r', '\n']).enumerate();
        let mut lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let (_, header) = lines.next().ok_or(Unreadable::NoHeader)?;
        let notation = Notation::of(header).ok_or(Unreadable::NoHeader)?;
        let notation = Notation {
            charset,
            ..notation
        };
        let mut segments = vec![Segment::of(header, notation).ok_or(Unreadable::NoHeader)?];
        for (index, line) in lines {
            if segments.len() >= SEGMENTS_MAX {
                return Err(Unreadable::Long);
            }
            let segment = Segment::of(line, notation);
            segments.push(segment.ok_or(Unreadable::Segment(index + 1))?);
        }
        Ok(Self { notation, segments })
    }

    /// A field of the first line, by its number in HL7.
    pub(crate) fn header(&self, number: usize) -> Part<'a> {
        let header = self.segments.first();
        header.map_or_else(|| Part::empty(self.notation), |it| it.field(number))
    }
}

impl<'a> Segment<'a> {
    fn of(line: &'a str, notation: Notation) -> Option<Self> {
        let mut fields = line.split(notation.field);
        let name = fields.next()?;
        let is_name = name.len() == 3 && name.bytes().all(|it| it.is_ascii_alphanumeric());
        is_name.then(|| Self {
            name,
            fields: fields.collect(),
            notation,
        })
    }

    /// A field by its number in HL7: the first after the name is 1, and of MSH 2.
    pub(crate) fn field(&self, number: usize) -> Part<'a> {
        let first = if self.name == "MSH" { 2 } else { 1 };
        let place = number.checked_sub(first);
        let text = place.and_then(|place| self.fields.get(place)).copied();
        Part {
            text: text.unwrap_or_default(),
            notation: self.notation,
        }
    }
}

impl<'a> Part<'a> {
    fn empty(notation: Notation) -> Self {
        Self { text: "", notation }
    }

    /// Each repetition of a field; a field that is not there has one, which is empty.
    pub(crate) fn repetitions(self) -> impl Iterator<Item = Part<'a>> {
        let Self { text, notation } = self;
        let parts = text.split(notation.repetition);
        parts.map(move |text| Part { text, notation })
    }

    /// The component with this number, from 1, of the first repetition.
    pub(crate) fn component(self, number: usize) -> Part<'a> {
        let Self { text, notation } = self;
        let first = text.split(notation.repetition).next().unwrap_or_default();
        let mut components = first.split(notation.component);
        let text = components.nth(number.saturating_sub(1)).unwrap_or_default();
        Part { text, notation }
    }

    /// The subcomponent with this number, from 1, of a component.
    pub(crate) fn subcomponent(self, number: usize) -> Part<'a> {
        let Self { text, notation } = self;
        let mut parts = text.split(notation.subcomponent);
        let text = parts.nth(number.saturating_sub(1)).unwrap_or_default();
        Part { text, notation }
    }

    /// What it says, without the spaces around; the explicit nothing of HL7 (`""`) is nothing.
    pub(crate) fn text(self) -> String {
        match self.text.trim() {
            "\"\"" => String::new(),
            text => self.notation.unescape(text).trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Message<'_>, Unreadable> {
        Message::parse(text, Charset::Utf8)
    }

    #[test]
    fn fields_are_counted_as_hl7_counts_them() {
        let message = parse("MSH|^~\\&|LIS|LAB^1|||20201021\rPID|1||A^^^X&Y~B\r\n").unwrap();
        assert_eq!(message.header(3).text(), "LIS");
        assert_eq!(message.header(4).component(2).text(), "1");
        let pid = &message.segments[1];
        assert_eq!(pid.field(3).component(4).subcomponent(2).text(), "Y");
        let codes: Vec<String> = pid
            .field(3)
            .repetitions()
            .map(|it| it.component(1).text())
            .collect();
        assert_eq!(codes, ["A", "B"]);
        assert_eq!(pid.field(40).component(7).subcomponent(2).text(), "");
        assert_eq!(pid.field(0).text(), "");
    }

    #[test]
    fn a_message_says_itself_what_divides_it() {
        let message = parse("MSH#*!?%#LIS\nPID#1##A*B%C\n").unwrap();
        assert_eq!(
            message.segments[1]
                .field(3)
                .component(2)
                .subcomponent(2)
                .text(),
            "C"
        );
        for odd in [
            "MSH",
            "MSH|",
            "MSH|^~\\",
            "MSH|^^\\&|",
            "MSHabcdef",
            "MSH|^|\\&",
            "PID|1",
            "",
        ] {
            assert_eq!(parse(odd).unwrap_err(), Unreadable::NoHeader, "{odd}");
        }
    }

    #[test]
    fn a_line_that_is_no_segment_makes_the_whole_unreadable() {
        let cut = "MSH|^~\\&|LIS\rOBX|1|TX|||text that\rgoes on here\rOBX|2";
        assert_eq!(parse(cut).unwrap_err(), Unreadable::Segment(3));
    }

    #[test]
    fn escapes_are_read_in_the_characters_of_the_message() {
        let usual = Notation::USUAL;
        assert_eq!(
            usual.unescape(r"a\F\b\S\c\T\d\R\e\E\f\.br\g"),
            "a|b^c&d~e\\f\ng"
        );
        assert_eq!(usual.unescape(r"Nicol\XC3B2\"), "Nicolò");
        let latin = Notation {
            charset: Charset::Latin1,
            ..usual
        };
        assert_eq!(latin.unescape(r"Nicol\XF2\"), "Nicolò");
        for kept in [
            r"\H\bold\N\",
            r"half \of",
            r"\X\",
            r"\XZZ\",
            r"\Xaé1\",
            r"\X123\",
        ] {
            assert_eq!(usual.unescape(kept), kept);
        }
    }

    #[test]
    fn what_a_message_does_not_say_about_its_characters_its_bytes_say() {
        let read = |name, bytes| Charset::declared(name, bytes).and_then(|it| it.decode(bytes));
        assert_eq!(read("", "Niccolò".as_bytes()).unwrap(), "Niccolò");
        assert_eq!(read("", b"Niccol\xF2").unwrap(), "Niccolò");
        assert_eq!(read("8859/1", b"Niccol\xF2").unwrap(), "Niccolò");
        assert_eq!(
            read("UNICODE UTF-8", b"Niccol\xF2"),
            Err(Unreadable::Charset)
        );
        assert_eq!(read("JIS X 0201", b"a"), Err(Unreadable::Charset));
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_fall(
            text in "(MSH\\|\\^~\\\\&)?[\\x00-\\x7fàé|^~\\\\&\\r]{0,300}",
        ) {
            if let Ok(message) = parse(&text) {
                for segment in &message.segments {
                    for number in 0..50 {
                        for part in segment.field(number).repetitions() {
                            part.component(number).subcomponent(number).text();
                        }
                    }
                }
            }
        }

        #[test]
        fn what_is_escaped_comes_back(text in "[^\\x00-\\x09\\x0b-\\x1f\\x7f-\\u{9f}]{0,80}") {
            let written = Notation::USUAL.escape(&text);
            prop_assert!(!written.contains(['|', '^', '~', '&', '\r', '\n']));
            prop_assert_eq!(Notation::USUAL.unescape(&written), text);
        }

        #[test]
        fn an_escape_of_any_kind_makes_nothing_fall(text in "(\\\\[A-Z.]?[0-9A-Fé]{0,5}){0,8}") {
            Notation::USUAL.unescape(&text);
        }
    }
}
