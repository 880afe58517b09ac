//! The Italian of the telephone: values as they are read back, times in Rome, names of things.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use veglia_people::patients::Person;
use veglia_view::{
    Expected, Latest, LocalTime, Parameter, Quality, ScoreParameter, Severity, Source, VitalKind,
    WallMs,
};

use crate::number::Doubt;
use crate::said::{Fault, SIGNS, SITES, STATE, Said};

/// A vital sign, as it is asked for.
pub(crate) fn vital(kind: VitalKind) -> &'static str {
    match kind {
        VitalKind::SpO2 => "SpO₂",
        VitalKind::Pulse => "Polso",
        VitalKind::Temperature => "Temperatura",
        VitalKind::RespiratoryRate => "Respiri",
        VitalKind::SystolicPressure => "Pressione massima",
    }
}

/// How to ask for it.
pub(crate) fn asking(kind: VitalKind) -> &'static str {
    match kind {
        VitalKind::SpO2 => "Il numero del saturimetro, fermo da 5 secondi",
        VitalKind::Pulse => "Il battito sul saturimetro",
        VitalKind::Temperature => "Per esempio 36,6",
        VitalKind::RespiratoryRate => "Li conti lei al telefono per 30 secondi, poi il doppio",
        VitalKind::SystolicPressure => "Il numero più alto, per esempio 125",
    }
}

/// The unit as read aloud.
pub(crate) fn unit(kind: VitalKind) -> &'static str {
    match kind {
        VitalKind::SpO2 => "%",
        VitalKind::Pulse | VitalKind::RespiratoryRate => "al minuto",
        VitalKind::Temperature => "°C",
        VitalKind::SystolicPressure => "mmHg",
    }
}

/// A number as it would be typed: no unit, a comma, nothing after it that is zero.
pub(crate) fn number(kind: VitalKind, steps: i32) -> String {
    let per = kind.steps_per_unit();
    let (whole, part) = (steps.div_euclid(per), steps.rem_euclid(per));
    let width = if per == 100 { 2 } else { 1 };
    let part = format!("{part:0width$}");
    match part.trim_end_matches('0') {
        "" => whole.to_string(),
        part => format!("{whole},{part}"),
    }
}

/// `93 %`.
pub(crate) fn value(kind: VitalKind, steps: i32) -> String {
    format!("{}\u{a0}{}", number(kind, steps), unit(kind))
}

/// The latest value, when and how it came: `93 % alle 14:05, dispositivo`.
pub(crate) fn latest(latest: &Latest, now: WallMs) -> String {
    let doubt = if Quality::is_clean(latest.quality) {
        ""
    } else {
        ", dubbia"
    };
    format!(
        "{} {}, {}{doubt}",
        value(latest.vital, latest.steps),
        at_time(latest.at, now),
        source(latest.source)
    )
}

/// By which way a value came.
fn source(source: Source) -> &'static str {
    match source {
        Source::Device => "dispositivo",
        Source::ByHand => "a mano",
        Source::ByPhone => "per telefono",
    }
}

/// What was said: the question in short, and the answer.
pub(crate) fn said(said: &Said) -> (String, String) {
    match said {
        Said::Value(it) => {
            let site = SITES.iter().find(|(_, site, _)| *site == it.site());
            let site = site.filter(|(name, ..)| !name.is_empty());
            let site = site.map_or_else(String::new, |(.., words)| format!(" ({words})"));
            let value = value(it.kind(), it.steps());
            (vital(it.kind()).to_owned(), format!("{value}{site}"))
        }
        Said::Answer(it) => {
            let mut questions = SIGNS.iter().chain(&STATE);
            let Some(question) = questions.find(|question| question.code == it.code) else {
                return (String::new(), it.value.to_string());
            };
            let mut answers = question.answers.iter();
            let answer = answers.find(|(value, _)| *value == it.value);
            let answer = answer.map_or("?", |(_, words)| words);
            (question.words.to_owned(), answer.to_owned())
        }
    }
}

/// Why a field has to be asked again.
pub(crate) fn fault(fault: Fault) -> String {
    let Fault::Doubt(kind, doubt) = fault else {
        return "Scegliere una delle risposte".to_owned();
    };
    let meant = |meant: Option<i32>| match meant {
        Some(steps) => format!(
            "Intendeva {}? Lo chieda di nuovo e riscriva il valore",
            number(kind, steps)
        ),
        None => "Lo chieda di nuovo e riscriva il valore".to_owned(),
    };
    match doubt {
        Doubt::NotANumber => {
            "Scrivere solo il numero, con la virgola o il punto; oppure lasciare vuoto".to_owned()
        }
        Doubt::TooFine if kind == VitalKind::Temperature => {
            "Al massimo due cifre dopo la virgola".to_owned()
        }
        Doubt::TooFine => "Al massimo una cifra dopo la virgola".to_owned(),
        Doubt::Impossible { meant: it } => format!("Valore impossibile. {}", meant(it)),
        Doubt::Unusual { meant: it, .. } => format!("Valore insolito. {}", meant(it)),
    }
}

/// What a score lacks, as one asks for it.
pub(crate) fn parameter(parameter: ScoreParameter) -> &'static str {
    match parameter {
        ScoreParameter::SpO2 => "SpO₂",
        ScoreParameter::RespiratoryRate => "frequenza respiratoria",
        ScoreParameter::SystolicPressure => "pressione",
        ScoreParameter::Pulse => "polso",
        ScoreParameter::Temperature => "temperatura",
        ScoreParameter::Consciousness => "stato di coscienza",
        ScoreParameter::Oxygen => "se respira con ossigeno",
    }
}

/// How often a vital sign is expected.
pub(crate) fn rhythm(parameter: &Parameter) -> String {
    match &parameter.expected {
        Expected::EveryMinutes(minutes) if minutes % 60 == 0 && *minutes > 60 => {
            format!("ogni {} ore", minutes / 60)
        }
        Expected::EveryMinutes(60) => "ogni ora".to_owned(),
        Expected::EveryMinutes(minutes) => format!("ogni {minutes} min"),
        Expected::DailyAt(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            format!("alle {}", times.join(", "))
        }
        Expected::Within(hours) => format!(
            "ogni {} min, dalle {} alle {}",
            hours.every_minutes, hours.from, hours.until
        ),
    }
}

/// A severity by shape and word.
pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Red => "◆ ROSSO",
        Severity::Amber => "▲ GIALLO",
        Severity::Technical => "▬ TECNICO",
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

/// Surname first, as the centre calls people.
pub(crate) fn name(person: &Person) -> String {
    format!("{} {}", person.details.surname, person.details.name)
}

fn local(at: WallMs) -> Option<Zoned> {
    let zone = TimeZone::get("Europe/Rome").ok()?;
    let timestamp = Timestamp::from_millisecond(at.0).ok()?;
    Some(timestamp.to_zoned(zone))
}

fn written(at: WallMs, format: &str) -> String {
    local(at).map_or_else(
        || "ora sconosciuta".to_owned(),
        |at| at.strftime(format).to_string(),
    )
}

/// `14:05` of today, `21/11 14:05` of another day.
pub(crate) fn time(at: WallMs, now: WallMs) -> String {
    let is_today = match (local(at), local(now)) {
        (Some(at), Some(now)) => at.date() == now.date(),
        _ => false,
    };
    written(at, if is_today { "%H:%M" } else { "%d/%m %H:%M" })
}

/// `alle 14:05`, `il 21/11 alle 14:05`.
pub(crate) fn at_time(at: WallMs, now: WallMs) -> String {
    match time(at, now).split_once(' ') {
        Some((day, hour)) => format!("il {day} alle {hour}"),
        None => format!("alle {}", time(at, now)),
    }
}

/// `entro le 14:05`, `entro il 21/11 alle 14:05`.
pub(crate) fn by_time(at: WallMs, now: WallMs) -> String {
    match time(at, now).split_once(' ') {
        Some((day, hour)) => format!("entro il {day} alle {hour}"),
        None => format!("entro le {}", time(at, now)),
    }
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
    let today = local(now)?;
    let (hour, minute) = time
        .to_string()
        .split_once(':')
        .and_then(|(hour, minute)| Some((hour.parse::<i8>().ok()?, minute.parse::<i8>().ok()?)))?;
    let of = |day: jiff::civil::Date| {
        let at = day
            .at(hour, minute, 0, 0)
            .to_zoned(today.time_zone().clone());
        Some(WallMs(at.ok()?.timestamp().as_millisecond()))
    };
    let then = of(today.date())?;
    if then <= now {
        return Some(then);
    }
    of(today.date().yesterday().ok()?)
}

/// `21/11/2020 14:05`.
pub(crate) fn full_time(at: WallMs) -> String {
    written(at, "%d/%m/%Y %H:%M")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_is_asked_about_in_words() {
        let doubt = Doubt::Impossible { meant: Some(3_660) };
        assert_eq!(
            fault(Fault::Doubt(VitalKind::Temperature, doubt)),
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
            assert_eq!(value(kind, steps), words);
        }
    }
}
