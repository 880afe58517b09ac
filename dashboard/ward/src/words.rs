//! Numbers, times and marks as the staff of the centre read them, in either language.
//!
//! Values are shown as precisely as they mean something: whole percent, rounded down as the rules
//! do, whole beats, tenths of a degree. The exact stored value is shown beside the evidence only.
//! Times are those of Europe/Rome, always absolute beside every relative one.

mod times;

use std::borrow::Cow;

use veglia_view::{
    About, Answer, AnswerCode, Cause, Contact, Evidence, Expected, Flag, Parameter, Quality, Scale,
    Sensor, Severity, Site, Source, Unjudged, VitalKind, WallMs, What, Whereabouts, decimal,
};
use veglia_words::{Key, Words};

pub(crate) use times::{
    MINUTE_MS, age, at_time, day, lasting, midnight, since_time, span, until_time,
};

/// What a vital sign is called.
pub(crate) fn vital_name(w: Words, vital: VitalKind) -> Cow<'static, str> {
    w.say(vital_key(vital))
}

/// The same, for a template or for what is said later.
pub(crate) fn vital_key(vital: VitalKind) -> Key {
    match vital {
        VitalKind::SpO2 => Key("vital-spo2"),
        VitalKind::Pulse => Key("vital-pulse"),
        VitalKind::Temperature => Key("vital-temperature"),
        VitalKind::RespiratoryRate => Key("vital-breaths"),
        VitalKind::SystolicPressure => Key("vital-pressure"),
    }
}

/// A severity with its mark and its word: `◆ ROSSO`.
pub(crate) fn colour(severity: Severity) -> Key {
    match severity {
        Severity::Red => Key("colour-red"),
        Severity::Amber => Key("colour-amber"),
        Severity::Technical => Key("colour-technical"),
    }
}

/// What a flag is about.
pub(crate) fn about(w: Words, about: About) -> Cow<'static, str> {
    match about {
        About::Vital(vital) => vital_name(w, vital),
        About::Score(Scale::News2) => Cow::Borrowed("NEWS2"),
        About::Score(Scale::Mews) => Cow::Borrowed("MEWS"),
        About::Symptoms => w.say("about-symptoms"),
        About::Together => w.say("about-together"),
        About::Home => w.say("about-home"),
    }
}

/// What a flag is about, before what it rests on: `SpO₂ 91 %`, `NEWS2: SpO₂ 91 %`.
pub(crate) fn heading(w: Words, of: About) -> Cow<'static, str> {
    let name = about(w, of);
    match of {
        About::Vital(_) | About::Home => name,
        About::Score(_) | About::Symptoms | About::Together => Cow::Owned(format!("{name}:")),
    }
}

/// What a vital sign is called inside a sentence.
pub(crate) fn vital_in_sentence(w: Words, vital: VitalKind) -> Cow<'static, str> {
    w.say(match vital {
        VitalKind::SpO2 => Key("vital-spo2"),
        VitalKind::Pulse => Key("vital-pulse-within"),
        VitalKind::Temperature => Key("vital-temperature-within"),
        VitalKind::RespiratoryRate => Key("vital-breaths-within"),
        VitalKind::SystolicPressure => Key("vital-pressure-within"),
    })
}

/// The unit as read aloud.
pub(crate) fn unit(w: Words, vital: VitalKind) -> Cow<'static, str> {
    match vital {
        VitalKind::SpO2 => Cow::Borrowed("%"),
        VitalKind::Pulse => Cow::Borrowed("/min"),
        VitalKind::Temperature => Cow::Borrowed("°C"),
        VitalKind::RespiratoryRate => w.say("unit-breaths"),
        VitalKind::SystolicPressure => Cow::Borrowed("mmHg"),
    }
}

/// A number as it is read, without its unit: `91`, `38,6`.
pub(crate) fn amount(w: Words, vital: VitalKind, steps: i32) -> String {
    match vital {
        VitalKind::SpO2 => steps.div_euclid(10).to_string(),
        VitalKind::Pulse | VitalKind::RespiratoryRate | VitalKind::SystolicPressure => {
            steps.saturating_add(5).div_euclid(10).to_string()
        }
        VitalKind::Temperature => {
            let tenths = steps.saturating_add(5).div_euclid(10);
            let sign = if tenths < 0 { "−" } else { "" };
            let tenths = tenths.unsigned_abs();
            let number = format!("{sign}{}.{}", tenths / 10, tenths % 10);
            w.language.number(&number)
        }
    }
}

/// A value as it is read: `91 %`, `72 /min`, `38,6 °C`.
pub(crate) fn value(w: Words, vital: VitalKind, steps: i32) -> String {
    format!("{}\u{a0}{}", amount(w, vital, steps), unit(w, vital))
}

/// A value exactly as stored: `91,4 %`, `38,64 °C`.
pub(crate) fn exact_value(w: Words, vital: VitalKind, steps: i32) -> String {
    let number = w.language.number(&decimal(vital, steps));
    format!("{}\u{a0}{}", number.replace('-', "−"), unit(w, vital))
}

/// What a record behind a flag is: the name of its vital sign, an answer, a sensor.
pub(crate) fn what(w: Words, evidence: &Evidence) -> Cow<'static, str> {
    match evidence.what {
        What::Value { vital, .. } => vital_name(w, vital),
        What::Answer { .. } => w.say("evidence-answer"),
        What::Contact { sensor: which, .. } => w.say(sensor(which)),
    }
}

/// What it says, exactly as stored.
pub(crate) fn exact(w: Words, evidence: &Evidence) -> String {
    match evidence.what {
        What::Value { vital, steps, .. } => exact_value(w, vital, steps),
        What::Answer { answer: given } => answer(w, given),
        What::Contact { contact: held, .. } => w.say(contact(held)).into_owned(),
    }
}

/// What a record behind a flag says, and when: `91 % alle 14:05`; of a median also of how many
/// readings.
pub(crate) fn said(w: Words, evidence: &Evidence, now: WallMs) -> String {
    let value = match evidence.what {
        What::Value { vital, steps, .. } => value(w, vital, steps),
        What::Answer { answer: given } => answer(w, given),
        What::Contact { contact: held, .. } => w.say(contact(held)).into_owned(),
    };
    let said = format!("{value} {}", at_time(w, evidence.at, now));
    match evidence.median() {
        None => said,
        Some(of) => {
            let median = w.with("evidence-median", "n", of.readings);
            format!("{said} ({median})")
        }
    }
}

/// What a flag rests on: of one vital sign the first reading, of several things all of them.
pub(crate) fn grounds(w: Words, flag: &Flag, now: WallMs) -> String {
    let all = flag.evidence.iter();
    match flag.about {
        About::Vital(_) | About::Home => all.take(1).map(|it| said(w, it, now)).collect(),
        About::Symptoms => joined(all.map(|it| said(w, it, now))),
        About::Score(_) | About::Together => {
            joined(all.map(|it| format!("{} {}", what(w, it), said(w, it, now))))
        }
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// What a person answered, in the words of the question.
pub(crate) fn answer(w: Words, answer: Answer) -> String {
    let oxygen = |key: Key| {
        let value = value(w, VitalKind::SpO2, answer.value);
        w.with(key, "value", value).to_string()
    };
    let asked = match answer.code {
        AnswerCode::BreathlessAtRest => Key("answer-breathless"),
        AnswerCode::CannotFinishSentence => Key("answer-sentence"),
        AnswerCode::ChestPain => Key("answer-chest-pain"),
        AnswerCode::Confusion => Key("answer-confusion"),
        AnswerCode::BlueLips => Key("answer-blue-lips"),
        AnswerCode::Fainting => Key("answer-fainting"),
        AnswerCode::CoughingBlood => Key("answer-blood"),
        AnswerCode::OnOxygen => Key("answer-on-oxygen"),
        AnswerCode::AntipyreticTaken => Key("answer-antipyretic"),
        AnswerCode::WalkingLowestSpO2 => return oxygen(Key("answer-walking")),
        AnswerCode::SitToStandLowestSpO2 => return oxygen(Key("answer-sit-to-stand")),
        AnswerCode::ExertionRestingSpO2 => return oxygen(Key("answer-before-exertion")),
        AnswerCode::BaselineSpO2 => return oxygen(Key("answer-baseline")),
        AnswerCode::Consciousness => {
            let state = match answer.value {
                0 => Key("answer-alert"),
                1 => Key("answer-to-voice"),
                2 => Key("answer-to-pain"),
                3 => Key("answer-unresponsive"),
                _ => Key("answer-new-confusion"),
            };
            return w.say(state).into_owned();
        }
    };
    let asked = w.say(asked);
    match answer.value {
        0 => format!("{asked}: no"),
        _ => asked.into_owned(),
    }
}

/// Where a patient is.
pub(crate) fn whereabouts(whereabouts: Whereabouts) -> Key {
    match whereabouts {
        Whereabouts::AtHome => Key("where-home"),
        Whereabouts::InHospital => Key("where-hospital"),
        Whereabouts::Suspended => Key("where-suspended"),
        Whereabouts::Discharged => Key("where-discharged"),
        Whereabouts::Deceased => Key("where-deceased"),
    }
}

/// Why nothing comes, as far as it is known.
pub(crate) fn cause(cause: Cause) -> Key {
    match cause {
        Cause::HomeOffline => Key("cause-home"),
        Cause::DeviceOff => Key("cause-device"),
        Cause::NotMeasuring => Key("cause-not-measuring"),
        Cause::Unknown => Key("cause-unknown"),
    }
}

/// By which way a value came.
pub(crate) fn source(source: Source) -> Key {
    match source {
        Source::Device => Key("source-device"),
        Source::ByHand => Key("source-hand"),
        Source::ByPhone => Key("source-phone"),
    }
}

/// What speaks against a reading; empty for a clean one.
pub(crate) fn doubts(vital: VitalKind, quality: Quality, site: Site) -> Vec<Key> {
    let off = match vital {
        VitalKind::Temperature => Key("doubt-sensor-off"),
        _ => Key("doubt-finger-off"),
    };
    let table = [
        (Quality::NO_CONTACT, off),
        (Quality::SEARCHING, Key("doubt-searching")),
        (Quality::ARTEFACT, Key("doubt-artefact")),
        (Quality::LOW_PERFUSION, Key("doubt-perfusion")),
        (Quality::WEAK_SIGNAL, Key("doubt-weak")),
        (Quality::HELD, Key("doubt-held")),
        (Quality::DEMO, Key("doubt-demo")),
        (Quality::QUESTIONABLE, Key("doubt-questionable")),
        (Quality::INVALID, Key("doubt-invalid")),
        (Quality::UNCALIBRATED, Key("doubt-uncalibrated")),
        (Quality::TIME_UNCERTAIN, Key("doubt-time")),
        (Quality::EARLY, Key("doubt-early")),
    ];
    let said = table
        .into_iter()
        .filter(|(flag, _)| quality.contains(*flag))
        .map(|(_, words)| words);
    let is_skin = vital == VitalKind::Temperature && site == Site::Skin;
    said.chain(is_skin.then_some(Key("doubt-skin"))).collect()
}

/// Why a value is not judged although its device says nothing against it.
pub(crate) fn unjudged(why: Unjudged) -> Key {
    match why {
        Unjudged::NoMeasurement => Key("unjudged-still"),
        Unjudged::Implausible => Key("unjudged-implausible"),
        Unjudged::Ahead => Key("unjudged-ahead"),
    }
}

/// How often a vital sign is expected: `ogni 15 min`, `alle 08:00, 14:00 e 20:00`.
pub(crate) fn rhythm(w: Words, parameter: &Parameter) -> String {
    match &parameter.expected {
        Expected::EveryMinutes(minutes) => match (minutes / 60, minutes % 60) {
            (hours, 0) if hours > 0 => w.with("rhythm-hours", "n", hours).to_string(),
            _ => w.with("rhythm-minutes", "n", *minutes).to_string(),
        },
        Expected::DailyAt(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            match times.split_last() {
                Some((last, [])) => w.with("time-at-hour", "hour", last).to_string(),
                Some((last, before)) => w
                    .with("rhythm-at", "hours", before.join(", "))
                    .and("last", last)
                    .to_string(),
                None => w.say("rhythm-never").into_owned(),
            }
        }
        Expected::Within(hours) => w
            .with("rhythm-within", "n", hours.every_minutes)
            .and("from", hours.from.to_string())
            .and("until", hours.until.to_string())
            .to_string(),
    }
}

/// How a sensor holds on the body.
pub(crate) fn contact(contact: Contact) -> Key {
    match contact {
        Contact::On => Key("contact-on"),
        Contact::Off => Key("contact-off"),
        Contact::Searching => Key("contact-searching"),
        Contact::Unmeasurable => Key("contact-unmeasurable"),
    }
}

/// Which sensor a contact is about.
pub(crate) fn sensor(sensor: Sensor) -> Key {
    match sensor {
        Sensor::Oximeter => Key("sensor-oximeter"),
        Sensor::Thermometer => Key("sensor-thermometer"),
    }
}

#[cfg(test)]
mod tests;
