//! How the telephone speaks: values as they are read back, times in Rome, names of things; in the
//! reader's language, and in Italian where it goes into the record.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use veglia_people::patients::Person;
use veglia_view::{
    About, Expected, Latest, LocalTime, Parameter, Quality, ScoreParameter, Severity, Source,
    VitalKind, WallMs,
};
use veglia_words::{Key, Language, Pack, Words};

use crate::number::Doubt;
use crate::said::{Fault, SIGNS, SITES, STATE, Said};

/// What the pages of this room say.
pub(crate) static WORDS: Pack = Pack::new(
    &[
        include_str!("../words/it/call.ftl"),
        include_str!("../words/it/list.ftl"),
        include_str!("../words/it/said.ftl"),
        include_str!("../words/it/sheet.ftl"),
    ],
    &[
        include_str!("../words/en/call.ftl"),
        include_str!("../words/en/list.ftl"),
        include_str!("../words/en/said.ftl"),
        include_str!("../words/en/sheet.ftl"),
    ],
);

/// The words that go into the record, whoever writes it.
pub(crate) const fn of_record() -> Words {
    WORDS.speaking(Language::It)
}

/// A vital sign, as it is asked for.
pub(crate) fn vital(kind: VitalKind) -> Key {
    match kind {
        VitalKind::SpO2 => Key("vital-spo2"),
        VitalKind::Pulse => Key("vital-pulse"),
        VitalKind::Temperature => Key("vital-temperature"),
        VitalKind::RespiratoryRate => Key("vital-breaths"),
        VitalKind::SystolicPressure => Key("vital-pressure"),
    }
}

/// How to ask for it.
pub(crate) fn asking(kind: VitalKind) -> Key {
    match kind {
        VitalKind::SpO2 => Key("asking-spo2"),
        VitalKind::Pulse => Key("asking-pulse"),
        VitalKind::Temperature => Key("asking-temperature"),
        VitalKind::RespiratoryRate => Key("asking-breaths"),
        VitalKind::SystolicPressure => Key("asking-pressure"),
    }
}

/// The unit as read aloud.
pub(crate) fn unit(kind: VitalKind) -> Key {
    match kind {
        VitalKind::SpO2 => Key("unit-percent"),
        VitalKind::Pulse | VitalKind::RespiratoryRate => Key("unit-per-minute"),
        VitalKind::Temperature => Key("unit-celsius"),
        VitalKind::SystolicPressure => Key("unit-mmhg"),
    }
}

/// A number as it would be typed: no unit, a comma or a point, nothing after it that is zero.
pub(crate) fn number(kind: VitalKind, steps: i32, w: Words) -> String {
    let per = kind.steps_per_unit();
    let (whole, part) = (steps.div_euclid(per), steps.rem_euclid(per));
    let width = if per == 100 { 2 } else { 1 };
    let part = format!("{part:0width$}");
    let mark = match w.language {
        Language::It => ',',
        Language::En => '.',
    };
    match part.trim_end_matches('0') {
        "" => whole.to_string(),
        part => format!("{whole}{mark}{part}"),
    }
}

/// `93 %`.
pub(crate) fn value(kind: VitalKind, steps: i32, w: Words) -> String {
    let unit = w.say(unit(kind));
    format!("{}\u{a0}{unit}", number(kind, steps, w))
}

/// The latest value, when and how it came: `93 % alle 14:05, dispositivo`.
pub(crate) fn latest(latest: &Latest, now: WallMs, w: Words) -> String {
    let key = if Quality::is_clean(latest.quality) {
        Key("latest")
    } else {
        Key("latest-doubtful")
    };
    let said = w.with(key, "value", value(latest.vital, latest.steps, w));
    said.and("at", at_time(latest.at, now, w))
        .and("source", w.say(source(latest.source)))
        .to_string()
}

/// By which way a value came.
fn source(source: Source) -> Key {
    match source {
        Source::Device => Key("source-device"),
        Source::ByHand => Key("source-hand"),
        Source::ByPhone => Key("source-phone"),
    }
}

/// What was said: the question in short, and the answer.
pub(crate) fn said(said: &Said, w: Words) -> (String, String) {
    match said {
        Said::Value(it) => {
            let site = SITES.iter().find(|(_, site, _)| *site == it.site());
            let site = site.filter(|(name, ..)| !name.is_empty());
            let value = value(it.kind(), it.steps(), w);
            let value = match site {
                Some((.., site)) => {
                    let value = w.with("with-site", "value", value);
                    value.and("site", w.say(*site)).to_string()
                }
                None => value,
            };
            (w.say(vital(it.kind())).into_owned(), value)
        }
        Said::Answer(it) => {
            let mut questions = SIGNS.iter().chain(&STATE);
            let Some(question) = questions.find(|question| question.code == it.code) else {
                return (String::new(), it.value.to_string());
            };
            let mut answers = question.answers.iter();
            let answer = answers.find(|(value, _)| *value == it.value);
            let answer = answer.map_or("?".into(), |(_, words)| w.say(*words));
            (w.say(question.words).into_owned(), answer.into_owned())
        }
    }
}

/// Why a field has to be asked again.
pub(crate) fn fault(fault: Fault, w: Words) -> String {
    let Fault::Doubt(kind, doubt) = fault else {
        return w.say("fault-choose").into_owned();
    };
    let meant = |steps: i32| number(kind, steps, w);
    match doubt {
        Doubt::NotANumber => w.say("fault-number").into_owned(),
        Doubt::TooFine if kind == VitalKind::Temperature => w.say("fault-two-places").into_owned(),
        Doubt::TooFine => w.say("fault-one-place").into_owned(),
        Doubt::Impossible { meant: None } => w.say("fault-impossible").into_owned(),
        Doubt::Impossible { meant: Some(it) } => {
            let said = w.with("fault-impossible-meant", "meant", meant(it));
            said.to_string()
        }
        Doubt::Unusual { meant: None, .. } => w.say("fault-unusual").into_owned(),
        Doubt::Unusual {
            meant: Some(it), ..
        } => {
            let said = w.with("fault-unusual-meant", "meant", meant(it));
            said.to_string()
        }
    }
}

/// What a score lacks, as one asks for it.
pub(crate) fn parameter(parameter: ScoreParameter) -> Key {
    match parameter {
        ScoreParameter::SpO2 => Key("parameter-spo2"),
        ScoreParameter::RespiratoryRate => Key("parameter-breaths"),
        ScoreParameter::SystolicPressure => Key("parameter-pressure"),
        ScoreParameter::Pulse => Key("parameter-pulse"),
        ScoreParameter::Temperature => Key("parameter-temperature"),
        ScoreParameter::Consciousness => Key("parameter-consciousness"),
        ScoreParameter::Oxygen => Key("parameter-oxygen"),
    }
}

/// How often a vital sign is expected.
pub(crate) fn rhythm(parameter: &Parameter, w: Words) -> String {
    match &parameter.expected {
        Expected::EveryMinutes(minutes) if minutes % 60 == 0 && *minutes > 60 => {
            w.with("rhythm-hours", "hours", minutes / 60).to_string()
        }
        Expected::EveryMinutes(60) => w.say("rhythm-hour").into_owned(),
        Expected::EveryMinutes(minutes) => {
            w.with("rhythm-minutes", "minutes", *minutes).to_string()
        }
        Expected::DailyAt(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            w.with("rhythm-daily", "times", times.join(", "))
                .to_string()
        }
        Expected::Within(hours) => w
            .with("rhythm-within", "minutes", hours.every_minutes)
            .and("from", hours.from.to_string())
            .and("until", hours.until.to_string())
            .to_string(),
    }
}

/// A severity by shape and word.
pub(crate) fn severity(severity: Severity) -> Key {
    match severity {
        Severity::Red => Key("severity-red"),
        Severity::Amber => Key("severity-amber"),
        Severity::Technical => Key("severity-technical"),
    }
}

/// The same as names in style sheets.
pub(crate) fn severity_code(severity: Severity) -> &'static str {
    match severity {
        Severity::Red => "red",
        Severity::Amber => "amber",
        Severity::Technical => "technical",
    }
}

/// What a flag is about.
pub(crate) fn about(about: About, w: Words) -> String {
    let key = match about {
        About::Vital(kind) => vital(kind),
        About::Score(scale) => return scale.name().to_uppercase(),
        About::Symptoms => Key("about-symptoms"),
        About::Together => Key("about-together"),
        About::Home => Key("about-home"),
    };
    w.say(key).into_owned()
}

/// Surname first, as the centre calls people.
pub(crate) fn name(person: &Person) -> String {
    format!("{} {}", person.details.surname, person.details.name)
}

/// `14:05` of today, `21/11 14:05` of another day.
pub(crate) fn time(at: WallMs, now: WallMs, w: Words) -> String {
    w.language.hour_of(at, now)
}

/// `alle 14:05`, `il 21/11 alle 14:05`.
pub(crate) fn at_time(at: WallMs, now: WallMs, w: Words) -> String {
    day_and_hour((Key("at-today"), Key("at-before")), at, now, w)
}

/// `entro le 14:05`, `entro il 21/11 alle 14:05`.
pub(crate) fn by_time(at: WallMs, now: WallMs, w: Words) -> String {
    day_and_hour((Key("by-today"), Key("by-before")), at, now, w)
}

/// A moment of today by its hour, and of another day by both.
fn day_and_hour((today, before): (Key, Key), at: WallMs, now: WallMs, w: Words) -> String {
    let hour = w.language.hour(at);
    if w.language.day(at) == w.language.day(now) {
        return w.with(today, "hour", hour).to_string();
    }
    let day = w.language.day_of_year(at);
    w.with(before, "hour", hour).and("day", day).to_string()
}

/// Who signed, by the names of staff; the machine signs with the product's name.
pub(crate) fn signed(by: &str, names: &HashMap<String, String>) -> String {
    match names.get(by) {
        Some(name) => name.clone(),
        None if by.starts_with("system:") => "Veglia".to_owned(),
        None => by.to_owned(),
    }
}

/// The last time that a clock in the kitchen showed this: today, or yesterday.
pub(crate) fn last_at(time: LocalTime, now: WallMs) -> Option<WallMs> {
    let today = day(now)?;
    let then = on(today, time)?;
    if then <= now {
        return Some(then);
    }
    on(today.yesterday().ok()?, time)
}

/// The next time that it shows this: today, or tomorrow.
pub(crate) fn next_at(time: LocalTime, now: WallMs) -> Option<WallMs> {
    let today = day(now)?;
    let then = on(today, time)?;
    if then >= now {
        return Some(then);
    }
    on(today.tomorrow().ok()?, time)
}

/// The day in the kitchen.
fn day(now: WallMs) -> Option<Date> {
    let zone = TimeZone::get("Europe/Rome").ok()?;
    let now = Timestamp::from_millisecond(now.0).ok()?;
    Some(now.to_zoned(zone).date())
}

/// When a clock in the kitchen shows this on a day.
fn on(day: Date, time: LocalTime) -> Option<WallMs> {
    let time = time.to_string();
    let (hour, minute) = time.split_once(':')?;
    let at = day.at(hour.parse().ok()?, minute.parse().ok()?, 0, 0);
    let at = at.to_zoned(TimeZone::get("Europe/Rome").ok()?);
    Some(WallMs(at.ok()?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_in_both_languages() {
        let room = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(room, &WORDS, &[]), "");
    }

    #[test]
    fn a_wrong_number_is_asked_about_in_words() {
        let doubt = Doubt::Impossible { meant: Some(3_660) };
        assert_eq!(
            fault(Fault::Doubt(VitalKind::Temperature, doubt), of_record()),
            "Valore impossibile. Intendeva 36,6? Lo chieda di nuovo e riscriva il valore"
        );
    }

    #[test]
    fn a_value_is_read_back_as_it_was_typed() {
        let table = [
            (VitalKind::SpO2, 930, "93\u{a0}%"),
            (VitalKind::SpO2, 935, "93,5\u{a0}%"),
            (VitalKind::Temperature, 3_660, "36,6\u{a0}°C"),
            (VitalKind::Temperature, 3_605, "36,05\u{a0}°C"),
            (VitalKind::Pulse, 880, "88\u{a0}al minuto"),
        ];
        for (kind, steps, words) in table {
            assert_eq!(value(kind, steps, of_record()), words);
        }
    }
}
