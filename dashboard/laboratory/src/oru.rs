//! Results in a message of a laboratory: ORU^R01 of HL7 2.3 to 2.8.
//!
//! ```text
//! MSH  who sends, how it is written, whether it is of real people
//! └ PID  whose                            ┐
//!   └ [ORC] OBR  the order                ├ again and again
//!     ├ OBX  what was found               │
//!     └ SPM  the swab, and when           ┘
//! ```
//! One result is one order with one finding that is about a person. What else stands in an order
//! (genes, cycles, a method) stays in the message, which is kept whole. An order in which no
//! finding is known is a result all the same: with a fault that a person looks at.

use veglia_isolation::PersonCode;

use crate::er7::{Charset, Message, Notation, Part, Segment, Unreadable};
use crate::outcome::{Outcome, Status, Test};
use crate::written::Written;

/// Results of one message; of more nothing is read, and the message waits for a person.
const RESULTS_MAX: usize = 500;

/// What an answer needs of the first line of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) application: String,
    pub(crate) facility: String,
    pub(crate) to_application: String,
    pub(crate) to_facility: String,
    pub(crate) trigger: String,
    pub(crate) control: String,
    pub(crate) processing: String,
    pub(crate) version: String,
}

impl Header {
    /// Who sends: the facility, or else the program.
    pub(crate) fn laboratory(&self) -> &str {
        match self.facility.as_str() {
            "" => &self.application,
            facility => facility,
        }
    }

    fn of(message: &Message<'_>) -> Self {
        let first = |number| message.header(number).component(1).text();
        Self {
            application: first(3),
            facility: first(4),
            to_application: first(5),
            to_facility: first(6),
            trigger: message.header(9).component(2).text(),
            control: message.header(10).text(),
            processing: first(11),
            version: first(12),
        }
    }
}

/// What a message says. Of one that cannot be read its header is what could be.
pub(crate) fn read(bytes: &[u8]) -> (Header, Result<Vec<Written>, Unreadable>) {
    let first = bytes.split(|it| matches!(it, b'\r' | b'\n'));
    let first = first.into_iter().find(|line| !line.trim_ascii().is_empty());
    // The names of character sets are ASCII whatever the message is written in.
    let first: String = first
        .unwrap_or_default()
        .iter()
        .copied()
        .map(char::from)
        .collect();
    let header = match Message::parse(&first, Charset::Latin1) {
        Ok(header) => header,
        Err(unreadable) => return (Header::default(), Err(unreadable)),
    };
    let guessed = Header::of(&header);
    let declared = header.header(18).repetitions().next();
    let declared = declared.map(Part::text).unwrap_or_default();
    let charset = match Charset::declared(&declared, bytes) {
        Ok(charset) => charset,
        Err(unreadable) => return (guessed, Err(unreadable)),
    };
    let text = match charset.decode(bytes) {
        Ok(text) => text,
        Err(unreadable) => return (guessed, Err(unreadable)),
    };
    match Message::parse(&text, charset) {
        Ok(message) => {
            let header = Header::of(&message);
            let results = results(&message, &header);
            (header, results)
        }
        Err(unreadable) => (guessed, Err(unreadable)),
    }
}

fn results(message: &Message<'_>, header: &Header) -> Result<Vec<Written>, Unreadable> {
    let kind = message.header(9);
    // The oldest programs write no event: results were the only one.
    let is_result =
        kind.component(1).text() == "ORU" && matches!(header.trigger.as_str(), "R01" | "");
    if !is_result {
        return Err(Unreadable::Kind);
    }
    if !matches!(header.processing.as_str(), "P" | "") {
        return Err(Unreadable::Trial);
    }
    let mut results = Vec::new();
    for order in orders(message)? {
        results.extend(order.results(header.laboratory()));
        if results.len() > RESULTS_MAX {
            return Err(Unreadable::Long);
        }
    }
    if results.is_empty() {
        return Err(Unreadable::NoResult);
    }
    Ok(results)
}

/// An order of somebody, with what was found.
struct Order<'m, 'a> {
    pid: &'m Segment<'a>,
    orc: Option<&'m Segment<'a>>,
    obr: &'m Segment<'a>,
    found: Vec<&'m Segment<'a>>,
    specimen: Option<&'m Segment<'a>>,
}

fn orders<'m, 'a>(message: &'m Message<'a>) -> Result<Vec<Order<'m, 'a>>, Unreadable> {
    let (mut pid, mut orc) = (None, None);
    let mut orders: Vec<Order<'m, 'a>> = Vec::new();
    let mut is_open = false;
    for segment in &message.segments {
        match segment.name {
            "PID" => {
                (pid, orc) = (Some(segment), None);
                is_open = false;
            }
            "ORC" => {
                orc = Some(segment);
                is_open = false;
            }
            "OBR" => {
                // A result of nobody is not given to the patient before.
                let pid = pid.ok_or(Unreadable::NoResult)?;
                orders.push(Order {
                    pid,
                    orc: orc.take(),
                    obr: segment,
                    found: Vec::new(),
                    specimen: None,
                });
                is_open = true;
            }
            "OBX" | "SPM" => {
                // Observations before any order are about the patient: not ours to guess.
                let order = orders.last_mut().filter(|_| is_open);
                let order = order.ok_or(Unreadable::NoResult)?;
                match segment.name {
                    "OBX" => order.found.push(segment),
                    _ => order.specimen = order.specimen.or(Some(segment)),
                }
            }
            _ => {}
        }
    }
    Ok(orders)
}

impl Order<'_, '_> {
    /// One for each finding that is about a person; one all the same when there is none.
    fn results(&self, laboratory: &str) -> Vec<Written> {
        let known = self.found.iter().copied();
        let mut results: Vec<Written> = Vec::new();
        for obx in known.filter(|obx| test(obx).is_some()) {
            let found = self.result(laboratory, Some(obx));
            let other = results.iter_mut().find(|it| disagree(it, &found));
            match other {
                // Of two findings that disagree neither is believed: both words, for a person.
                Some(other) => other.outcome = format!("{} / {}", other.outcome, found.outcome),
                None => results.push(found),
            }
        }
        if results.is_empty() {
            results.push(self.result(laboratory, self.found.first().copied()));
        }
        results
    }

    fn result(&self, laboratory: &str, obx: Option<&Segment<'_>>) -> Written {
        let pid = self.pid;
        let name = pid.field(5);
        let status = obx.map(|obx| obx.field(11).text()).unwrap_or_default();
        let status = match status.as_str() {
            "" => self.obr.field(25).text(),
            _ => status,
        };
        let written = Written {
            laboratory: laboratory.to_owned(),
            order: self.number(),
            person: person(pid),
            surname: name.component(1).subcomponent(1).text(),
            name: name.component(2).text(),
            born: pid.field(7).component(1).text(),
            phone: phone(pid),
            taken: self.taken(),
            reported: self.reported(obx),
            test: obx.map_or_else(|| words(self.obr.field(4)), said_test),
            outcome: obx.map(outcome).unwrap_or_default(),
            status,
            no_phone: String::new(),
        };
        written.tidied()
    }

    /// The laboratory's own number first: it is the one that stays when an order is analysed again.
    fn number(&self) -> String {
        let specimen = |number| {
            let id = self.specimen.map(|it| it.field(2).component(number));
            id.map(|it| it.subcomponent(1).text()).unwrap_or_default()
        };
        let order = |number| {
            let id = self.orc.map(|it| it.field(number).component(1).text());
            id.unwrap_or_default()
        };
        let numbers = [
            self.obr.field(3).component(1).text(),
            order(3),
            specimen(2),
            self.obr.field(2).component(1).text(),
            order(2),
            specimen(1),
        ];
        first_said(numbers)
    }

    fn taken(&self) -> String {
        let specimen = self
            .specimen
            .map(|it| it.field(17).component(1).subcomponent(1).text());
        first_said([
            specimen.unwrap_or_default(),
            self.obr.field(7).component(1).text(),
            self.obr.field(8).component(1).text(),
        ])
    }

    fn reported(&self, obx: Option<&Segment<'_>>) -> String {
        let analysed = obx.map(|it| it.field(19).component(1).text());
        first_said([
            self.obr.field(22).component(1).text(),
            analysed.unwrap_or_default(),
        ])
    }
}

/// Whether two findings of one order by one test are two. What was cancelled is none.
fn disagree(one: &Written, other: &Written) -> bool {
    let is_found =
        |it: &Written| !it.outcome.is_empty() && Status::of(&it.status) != Some(Status::Cancelled);
    let is_of_both = is_found(one) && is_found(other) && one.test == other.test;
    is_of_both && one.outcome != other.outcome
}

fn first_said<const N: usize>(texts: [String; N]) -> String {
    let mut said = texts.into_iter().filter(|it| !it.is_empty());
    said.next().unwrap_or_default()
}

/// Codes and words of a coded element, in both of its notations.
fn coded(field: Part<'_>) -> [String; 4] {
    [1, 2, 4, 5].map(|number| field.component(number).text())
}

fn words(field: Part<'_>) -> String {
    let said = coded(field).into_iter().filter(|it| !it.is_empty());
    said.collect::<Vec<_>>().join(" / ")
}

fn test(obx: &Segment<'_>) -> Option<Test> {
    let coded = coded(obx.field(3));
    Test::of(&coded.each_ref().map(String::as_str))
}

fn said_test(obx: &Segment<'_>) -> String {
    match test(obx) {
        Some(test) => test.code().to_owned(),
        None => words(obx.field(3)),
    }
}

/// What was found, if every word that is known says the same; else all words, for a person.
fn outcome(obx: &Segment<'_>) -> String {
    let value = obx.field(5);
    let values = value.repetitions().flat_map(coded);
    let flags = obx.field(8).repetitions().map(|it| it.component(1).text());
    let flags = flags.filter_map(|it| Outcome::of_flag(&it).map(|it| it.code().to_owned()));
    let all: Vec<String> = values.chain(flags).filter(|it| !it.is_empty()).collect();
    let all_words: Vec<&str> = all.iter().map(String::as_str).collect();
    match Outcome::of(&all_words) {
        Some(outcome) => outcome.code().to_owned(),
        None => all.join(" / "),
    }
}

/// The code of a person: of all numbers the first that is one, else what is called a tax code, else
/// nothing. Numbers of the laboratory's own are nobody's elsewhere.
fn person(pid: &Segment<'_>) -> String {
    let lists = [3, 2, 4].map(|number| pid.field(number));
    let numbers: Vec<Part<'_>> = lists.into_iter().flat_map(Part::repetitions).collect();
    let codes = numbers.iter().map(|it| it.component(1).text());
    let old = pid.field(19).text();
    // Sixteen characters with a check letter are no accident; eleven digits may be a number of the
    // laboratory's own, and are a code only where they are called one.
    let is_code = |it: &String| it.len() > 11 && it.parse::<PersonCode>().is_ok();
    let mut known = codes.chain([old]).filter(is_code);
    let called = || {
        let called = numbers.iter().find(|it| is_called_code(**it));
        called.map(|it| it.component(1).text())
    };
    known.next().or_else(called).unwrap_or_default()
}

/// Whether a number claims to be a Codice Fiscale, STP or ENI: by its type, or by who gives it.
fn is_called_code(number: Part<'_>) -> bool {
    let kind = number.component(5).text().to_ascii_uppercase();
    let authority = number.component(4);
    let authority = [1, 2].map(|it| authority.subcomponent(it).text().to_ascii_uppercase());
    let given = [
        "2.16.840.1.113883.2.9.4.3.2",
        "2.16.840.1.113883.2.9.4.3.17",
        "2.16.840.1.113883.2.9.4.3.18",
    ];
    matches!(kind.as_str(), "CF" | "NN" | "NNITA" | "SS" | "STP" | "ENI")
        || authority
            .iter()
            .any(|it| matches!(it.as_str(), "MEF" | "CF") || given.contains(&it.as_str()))
}

/// The number left at the swab (PID-13, PID-40) that an SMS reaches; PID-14 is the telephone of an
/// employer, who is not to be written to. Else the first that is one, else what was written.
fn phone(pid: &Segment<'_>) -> String {
    let fields = [13, 40].map(|number| pid.field(number));
    let numbers = fields.into_iter().flat_map(Part::repetitions).map(number);
    let numbers: Vec<String> = numbers.filter(|it| !it.is_empty()).collect();
    let read = |it: &&String| crate::written::phone_of(it);
    let mobile = numbers
        .iter()
        .find(|it| read(it).is_some_and(|it| it.takes_sms()));
    let best = mobile.or_else(|| numbers.iter().find(|it| read(it).is_some()));
    best.or(numbers.first()).cloned().unwrap_or_default()
}

/// A number in one piece, whichever of the parts of its type it stands in.
fn number(field: Part<'_>) -> String {
    let part = |number| field.component(number).text();
    let pieces = [part(5), part(6), part(7)];
    let country = match pieces[0].trim_start_matches(['+', '0']) {
        "" => String::new(),
        digits => format!("+{digits}"),
    };
    let joined = match pieces[2].as_str() {
        "" => String::new(),
        local => format!("{country}{}{local}", pieces[1]),
    };
    first_said([part(12), part(1), joined])
}

/// The answer to a message, from whoever it was sent to, on one line a segment.
pub(crate) struct Answer<'a> {
    pub(crate) header: &'a Header,
    /// AA, AE or AR.
    pub(crate) code: &'static str,
    /// Of each fault its code in HL7 table 0357, where it is, whether it is only a warning, and the
    /// words.
    pub(crate) errors: Vec<(&'static str, String, bool, String)>,
    /// Our own number of the answer.
    pub(crate) control: &'a str,
    /// When, as HL7 writes it.
    pub(crate) at: &'a str,
}

impl Answer<'_> {
    /// As it is sent.
    pub(crate) fn written(&self) -> String {
        let usual = Notation::USUAL;
        let said = |text: &str| usual.escape(text);
        let header = self.header;
        let or = |text: &str, other: &str| said(if text.is_empty() { other } else { text });
        let mut answer = format!(
            "MSH|^~\\&|{}|{}|{}|{}|{}||ACK^{}^ACK|{}|{}|{}||||||UNICODE UTF-8\r",
            or(&header.to_application, "VEGLIA"),
            said(&header.to_facility),
            said(&header.application),
            said(&header.facility),
            self.at,
            or(&header.trigger, "R01"),
            self.control,
            or(&header.processing, "P"),
            or(&header.version, "2.5.1"),
        );
        answer.push_str(&format!("MSA|{}|{}\r", self.code, said(&header.control)));
        for (code, place, is_warning, words) in &self.errors {
            let severity = if *is_warning { 'W' } else { 'E' };
            let line = format!(
                "ERR||{place}|{code}^^HL70357|{severity}||||{}\r",
                said(words)
            );
            answer.push_str(&line);
        }
        answer
    }
}
