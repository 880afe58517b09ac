//! A message of a laboratory, from its bytes to its answer.

use jiff::tz::TimeZone;
use veglia_people::TIME_ZONE;
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

use crate::book::{self, Arrived, Kept, Way};
use crate::er7::Unreadable;
use crate::oru::{self, Answer};
use crate::written::Fault;

/// Faults named in an answer: the rest is of the same kind.
const NAMED_MAX: usize = 20;

/// How much of a message there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    Whole,
    /// The rest was too long to be taken.
    Beginning,
}

/// Keeps a message and says what is answered.
pub(crate) async fn message(
    record: &Database,
    actor: &Actor,
    bytes: &[u8],
    received: Received,
    now: WallMs,
) -> String {
    let (header, read) = oru::read(bytes);
    let read = match received {
        Received::Whole => read,
        Received::Beginning => Err(Unreadable::Huge),
    };
    let arrived = Arrived {
        way: Way::Mllp,
        bytes,
        laboratory: header.laboratory(),
        control: &header.control,
        unreadable: read.as_ref().err().copied(),
        at: now,
    };
    let results = read.as_deref().unwrap_or_default();
    let (code, errors, control) = match book::keep(record, actor, &arrived, results).await {
        Ok(kept) => {
            let (code, errors) = verdict(&read, &kept);
            tracing::info!(
                message = kept.message,
                results = results.len(),
                new = kept.new,
                code,
                "a laboratory's message is kept"
            );
            (code, errors, kept.message.to_string())
        }
        Err(error) => {
            let chain = chain(&error);
            tracing::error!(error = chain, "a laboratory's message was not kept");
            let words = "not kept, send it again".to_owned();
            let error = ("207", String::new(), false, words);
            ("AR", vec![error], now.0.to_string())
        }
    };
    let answer = Answer {
        header: &header,
        code,
        errors,
        control: &control,
        at: &stamp(now),
    };
    answer.written()
}

type Errors = Vec<(&'static str, String, bool, String)>;

fn verdict<T>(read: &Result<T, Unreadable>, kept: &Kept) -> (&'static str, Errors) {
    if let Err(unreadable) = read {
        let (code, place) = unreadable.code();
        let words = format!("{unreadable}; kept as {}", kept.message);
        // What is not of our kind is rejected, what is badly written is an error.
        let is_rejected = code.starts_with('2');
        let verdict = if is_rejected { "AR" } else { "AE" };
        return (verdict, vec![(code, place.to_owned(), false, words)]);
    }
    let all = kept.faults.iter().zip(1_usize..);
    let all = all.flat_map(|(faults, place)| faults.iter().map(move |it| (*it, place)));
    let errors: Errors = all.map(|(fault, place)| error(fault, place)).collect();
    let is_faulty = errors.iter().any(|(_, _, is_warning, _)| !is_warning);
    let code = if is_faulty { "AE" } else { "AA" };
    (code, errors.into_iter().take(NAMED_MAX).collect())
}

/// A fault as HL7 says it: its code in table 0357, where it is, whether it is a warning, and words.
/// What a laboratory may not know is a warning; somebody here asks for it.
fn error(fault: Fault, place: usize) -> (&'static str, String, bool, String) {
    let (code, field, is_warning, words) = match fault {
        Fault::Laboratory => ("101", "MSH^1^4", false, "no laboratory"),
        Fault::Order => ("101", "OBR^*^3", false, "no number of order or specimen"),
        Fault::PersonMissing => ("101", "PID^1^3", false, "no Codice Fiscale, STP or ENI"),
        Fault::Person => (
            "102",
            "PID^1^3",
            false,
            "no valid Codice Fiscale, STP or ENI",
        ),
        Fault::Born => ("102", "PID^1^7", true, "no date of birth"),
        Fault::PhoneMissing => ("101", "PID^1^13", true, "no telephone"),
        Fault::Phone => ("102", "PID^1^13", true, "no telephone number"),
        Fault::TakenMissing => ("101", "SPM^*^17", false, "not said when the swab was taken"),
        Fault::Taken => ("102", "SPM^*^17", false, "no possible time of the swab"),
        Fault::Reported => ("102", "OBR^*^22", true, "no time of the result"),
        Fault::Test => ("103", "OBX^*^3", false, "a test that is not known here"),
        Fault::Outcome => ("103", "OBX^*^5", false, "a finding that is not known here"),
        Fault::Status => ("103", "OBX^*^11", false, "a status that is not known here"),
        Fault::Contradiction => (
            "207",
            "OBX^*^11",
            true,
            "otherwise than before, not as a correction",
        ),
        Fault::Text => ("102", "PID^1", false, "a field that is too long"),
    };
    let field = field.replace('*', &place.to_string());
    (code, field, is_warning, words.to_owned())
}

/// A moment as HL7 writes it, with its offset.
fn stamp(at: WallMs) -> String {
    let zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.to_zoned(zone).strftime("%Y%m%d%H%M%S%z").to_string()
}

/// An error and all its causes, for one line of log.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
