//! Times, spans and states of boxes in the words that a nurse or a technician reads.
//!
//! Times are those of Europe/Rome. Ages of what was measured or heard are of care time, as on
//! every other page; dates of certificates and codes are of wall time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use veglia_identity::UnixSeconds;
use veglia_view::{
    Charge, ClockState, Latest, Ordered, Outcome, PatientId, Quality, VitalKind, WallMs,
};
use veglia_wire::PortFault;
use veglia_words::{Key, Words};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long: `meno di 1 min`, `2 min`, `3 h`, `2 giorni`.
pub(crate) fn span(ms: i64, w: Words) -> String {
    match (ms / MINUTE_MS, ms / HOUR_MS, ms / DAY_MS) {
        (..1, ..) => w.say("span-none").into_owned(),
        (minutes, ..1, _) => w.with("span-minutes", "n", minutes).to_string(),
        (_, hours, ..1) => w.with("span-hours", "n", hours).to_string(),
        (.., days) => w.with("span-days", "n", days).to_string(),
    }
}

/// How long ago: `adesso`, `2 min fa`.
pub(crate) fn ago(ms: i64, w: Words) -> String {
    match ms {
        ms if ms < MINUTE_MS => w.say("ago-now").into_owned(),
        ms => w.with("ago", "span", span(ms, w)).to_string(),
    }
}

/// `21/11/2020 14:05`.
pub(crate) fn time(at: WallMs, w: Words) -> String {
    w.language.moment(at)
}

/// `14:05`, and the day where it is another.
pub(crate) fn time_of(at: WallMs, now: WallMs, w: Words) -> String {
    w.language.hour_of(at, now)
}

fn written(at_ms: i64, format: &str) -> String {
    let zone = TimeZone::get("Europe/Rome").ok();
    let at = Timestamp::from_millisecond(at_ms).ok();
    match (at, zone) {
        (Some(at), Some(zone)) => at.to_zoned(zone).strftime(format).to_string(),
        _ => String::new(),
    }
}

/// A moment as a form's field holds it: `2020-11-21T14:05`.
pub(crate) fn field(at: WallMs) -> String {
    written(at.0, "%Y-%m-%dT%H:%M")
}

/// What such a field holds, in Rome; of an hour that a clock shows twice, the first.
pub(crate) fn moment_of(field: &str) -> Option<WallMs> {
    let local: DateTime = field.trim().parse().ok()?;
    let at = local.to_zoned(TimeZone::get("Europe/Rome").ok()?).ok()?;
    Some(WallMs(at.timestamp().as_millisecond()))
}

/// `SpO₂ 93 %`, `temperatura 38,2 °C (incerta)`.
pub(crate) fn reading(vital: VitalKind, steps: i32, quality: Quality, w: Words) -> String {
    let (key, places) = match vital {
        VitalKind::SpO2 => (Key("vital-spo2"), 0_usize),
        VitalKind::Pulse => (Key("vital-pulse"), 0),
        VitalKind::Temperature => (Key("vital-temperature"), 1),
        VitalKind::RespiratoryRate => (Key("vital-respiratory"), 0),
        VitalKind::SystolicPressure => (Key("vital-systolic"), 0),
    };
    let value = f64::from(steps) / f64::from(vital.steps_per_unit());
    let reading = w.with(key, "value", w.language.decimal(value, places));
    if quality.is_clean() {
        return reading.to_string();
    }
    w.with("vital-unsure", "reading", reading).to_string()
}

/// The latest values, one sentence.
pub(crate) fn readings(latest: &[Latest], w: Words) -> String {
    let said = latest
        .iter()
        .map(|it| reading(it.vital, it.steps, it.quality, w));
    said.collect::<Vec<_>>().join(", ")
}

/// What whoever is at home is told on the telephone when a device does not get through: one thing
/// to do, in the patient's words.
pub(crate) fn fault(fault: PortFault, w: Words) -> String {
    let key = match fault {
        PortFault::BondLost => Key("fault-bond"),
        PortFault::HeldElsewhere => Key("fault-held"),
        PortFault::RadioOff => Key("fault-radio-off"),
        PortFault::NoRadio => Key("fault-no-radio"),
        PortFault::NotAllowed => Key("fault-not-allowed"),
        PortFault::NoService => Key("fault-no-service"),
        PortFault::Unsupported => Key("fault-unsupported"),
        PortFault::ListDamaged => Key("fault-list"),
        PortFault::TooMany => Key("fault-too-many"),
        PortFault::ClockWrong => Key("fault-clock"),
        PortFault::Other(code) => return w.with("fault-other", "code", code).to_string(),
    };
    w.say(key).into_owned()
}

/// `14:05:07`.
pub(crate) fn clock(at: WallMs) -> String {
    written(at.0, "%H:%M:%S")
}

/// `21/11/2020 14:05`, of a code or a revocation.
pub(crate) fn moment(at: UnixSeconds, w: Words) -> String {
    w.language.moment(wall(at))
}

/// `21/11/2020`, of a certificate.
pub(crate) fn date(at: UnixSeconds, w: Words) -> String {
    w.language.day(wall(at))
}

fn wall(at: UnixSeconds) -> WallMs {
    WallMs(at.0.saturating_mul(1_000))
}

/// What a box knows of the time.
pub(crate) fn clock_state(state: ClockState) -> Key {
    match state {
        ClockState::Unknown => Key("clock-unknown"),
        ClockState::Holdover => Key("clock-holdover"),
        ClockState::Synchronised => Key("clock-synchronised"),
    }
}

/// What waits in a box.
pub(crate) fn waiting(count: u64, oldest_ms: Option<u64>, w: Words) -> String {
    if count == 0 {
        return w.say("box-waits-nothing").into_owned();
    }
    let waits = w.with("box-waits", "n", count);
    match oldest_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)) {
        Some(ms) => {
            let since = w.with("box-waits-since", "waits", waits);
            since.and("span", span(ms, w)).to_string()
        }
        None => waits.to_string(),
    }
}

/// A device's battery.
pub(crate) fn battery(charge: Charge, w: Words) -> String {
    match charge {
        Charge::Percent(percent) => w.with("battery-percent", "percent", percent).to_string(),
        Charge::Low => w.say("battery-low").into_owned(),
    }
}

/// What became of a question to a box.
pub(crate) fn ping(box_id: &str, answer: Ordered, w: Words) -> String {
    let key = match answer {
        Ordered::Answered(Outcome::Done) => Key("ping-done"),
        Ordered::Answered(_) => Key("ping-refused"),
        unheard => unanswered(unheard),
    };
    w.with(key, "gateway", box_id).to_string()
}

/// What became of a measurement that was asked for.
pub(crate) fn measure(box_id: &str, device: &str, answer: Ordered, w: Words) -> String {
    let key = match answer {
        Ordered::Answered(Outcome::Done) => Key("measure-done"),
        Ordered::Answered(Outcome::NotSupported) => Key("measure-not-supported"),
        Ordered::Answered(Outcome::NotConnected) => Key("measure-not-connected"),
        Ordered::Answered(Outcome::Busy) => Key("measure-busy"),
        Ordered::Answered(Outcome::OutOfRange) => Key("measure-not-understood"),
        unheard => unanswered(unheard),
    };
    w.with(key, "gateway", box_id)
        .and("device", device)
        .to_string()
}

fn unanswered(answer: Ordered) -> Key {
    match answer {
        Ordered::NotConnected | Ordered::Answered(_) => Key("unheard-not-connected"),
        Ordered::Gone => Key("unheard-gone"),
        Ordered::TooMany => Key("unheard-too-many"),
        Ordered::NoAnswer => Key("unheard-no-answer"),
    }
}

/// What a patient is called whom the register does not know; as on the ward.
pub(crate) fn nameless(patient: PatientId, w: Words) -> String {
    let number = patient.to_string();
    let end = number.get(10..).unwrap_or_default();
    w.with("nameless", "end", end).to_string()
}

#[cfg(test)]
mod tests {
    use veglia_words::Language;

    use super::*;
    use crate::WORDS;

    #[test]
    fn what_waits_is_said_with_its_age() {
        let table = [
            (0, None, "niente in attesa"),
            (1, Some(30_000), "1 lettura in attesa da meno di 1 min"),
            (32, Some(240_000), "32 letture in attesa da 4 min"),
            (7, None, "7 letture in attesa"),
            (
                9,
                Some(u64::MAX),
                "9 letture in attesa da 106751991167 giorni",
            ),
        ];
        for (count, oldest, words) in table {
            let w = WORDS.speaking(Language::It);
            assert_eq!(waiting(count, oldest, w), words);
        }
    }

    #[test]
    fn a_fault_of_a_newer_box_is_named_by_its_code() {
        let w = WORDS.speaking(Language::It);
        assert!(fault(PortFault::Other(11), w).contains("11"));
    }

    #[test]
    fn every_answer_of_a_box_has_words_that_name_it() {
        let said = Outcome::ALL.into_iter().map(Ordered::Answered);
        let unheard = [
            Ordered::NotConnected,
            Ordered::Gone,
            Ordered::TooMany,
            Ordered::NoAnswer,
        ];
        for answer in said.chain(unheard) {
            for language in Language::ALL {
                let w = WORDS.speaking(language);
                assert!(ping("casa-1", answer, w).contains("casa-1"), "{answer:?}");
                let words = measure("casa-1", "nonin:1", answer, w);
                let named = words.contains("casa-1") || words.contains("nonin:1");
                assert!(named && words.ends_with('.'), "{words}");
            }
        }
    }

    #[test]
    fn times_are_of_rome() {
        let w = WORDS.speaking(Language::It);
        assert_eq!(time(WallMs(1_605_963_907_000), w), "21/11/2020 14:05");
        assert_eq!(date(UnixSeconds(1_605_963_907), w), "21/11/2020");
    }
}
