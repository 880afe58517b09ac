//! Vital signs as codes and as Italian words.
//!
//! LOINC and UCUM as the profiles of FHIR for vital signs have them. Saturation has two codes: the
//! one that every such observation bears, and the one of pulse oximetry.

use serde_json::Number;
use veglia_view::{Expected, Parameter, Severity, Site, VitalKind, WallMs};
use veglia_words::Language;

use crate::fhir::{Coding, Concept, LOINC, Quantity, UCUM};

/// Documents are in Italian whatever their reader chose for the pages.
pub(crate) const IT: Language = Language::It;

/// What is measured, in FHIR's words.
pub(crate) fn code(vital: VitalKind) -> Concept {
    let codes: &[(&str, &'static str)] = match vital {
        VitalKind::SpO2 => &[
            (
                "59408-5",
                "Oxygen saturation in Arterial blood by Pulse oximetry",
            ),
            ("2708-6", "Oxygen saturation in Arterial blood"),
        ],
        VitalKind::Pulse => &[("8867-4", "Heart rate")],
        VitalKind::Temperature => &[("8310-5", "Body temperature")],
        VitalKind::RespiratoryRate => &[("9279-1", "Respiratory rate")],
        VitalKind::SystolicPressure => &[("8480-6", "Systolic blood pressure")],
    };
    let coding = |(code, display): &(&str, &'static str)| Coding {
        system: Some(LOINC.to_owned()),
        code: (*code).to_owned(),
        display: Some(display),
    };
    Concept {
        coding: codes.iter().map(coding).collect(),
        text: Some(name(vital).to_owned()),
    }
}

/// The profile of FHIR itself for such an observation. The one for blood pressure wants both
/// pressures, and only one is measured here.
fn profile(vital: VitalKind) -> &'static str {
    match vital {
        VitalKind::SpO2 => "http://hl7.org/fhir/StructureDefinition/oxygensat",
        VitalKind::Pulse => "http://hl7.org/fhir/StructureDefinition/heartrate",
        VitalKind::Temperature => "http://hl7.org/fhir/StructureDefinition/bodytemp",
        VitalKind::RespiratoryRate => "http://hl7.org/fhir/StructureDefinition/resprate",
        VitalKind::SystolicPressure => "http://hl7.org/fhir/StructureDefinition/vitalsigns",
    }
}

/// The same of one reading, and its profile. The skin is no body temperature, and must not be filed
/// as one by whoever receives the document.
pub(crate) fn measured(vital: VitalKind, at: Site) -> (Concept, &'static str) {
    if (vital, at) != (VitalKind::Temperature, Site::Skin) {
        return (code(vital), profile(vital));
    }
    let coding = Coding {
        system: Some(LOINC.to_owned()),
        code: "39106-0".to_owned(),
        display: Some("Temperature of Skin"),
    };
    let concept = Concept {
        coding: vec![coding],
        text: Some("Temperatura della cute".to_owned()),
    };
    (
        concept,
        "http://hl7.org/fhir/StructureDefinition/vitalsigns",
    )
}

/// A value with its unit, exactly as it was measured.
pub(crate) fn quantity(vital: VitalKind, steps: i32) -> Quantity {
    Quantity {
        value: decimal(steps, vital.steps_per_unit()),
        unit: unit(vital),
        system: UCUM,
        code: vital.ucum(),
    }
}

fn decimal(steps: i32, per_unit: i32) -> Number {
    if steps % per_unit == 0 {
        return Number::from(steps / per_unit);
    }
    let value = f64::from(steps) / f64::from(per_unit);
    Number::from_f64(value).unwrap_or_else(|| Number::from(steps / per_unit))
}

pub(crate) fn name(vital: VitalKind) -> &'static str {
    match vital {
        VitalKind::SpO2 => "Saturazione di ossigeno (SpO2)",
        VitalKind::Pulse => "Frequenza del polso",
        VitalKind::Temperature => "Temperatura corporea",
        VitalKind::RespiratoryRate => "Frequenza respiratoria",
        VitalKind::SystolicPressure => "Pressione arteriosa massima",
    }
}

fn unit(vital: VitalKind) -> &'static str {
    match vital {
        VitalKind::SpO2 => "%",
        VitalKind::Pulse | VitalKind::RespiratoryRate => "/min",
        VitalKind::Temperature => "°C",
        VitalKind::SystolicPressure => "mmHg",
    }
}

/// `93 %`, `36,6 °C`, `36,65 °C`: with all that was measured, nothing rounded.
pub(crate) fn value(vital: VitalKind, steps: i32) -> String {
    let number = decimal(steps, vital.steps_per_unit()).to_string();
    format!("{}\u{a0}{}", IT.number(&number), unit(vital))
}

/// Where on the body, when the device says.
pub(crate) fn site(site: Site) -> Option<&'static str> {
    match site {
        Site::Unknown => None,
        Site::Armpit => Some("ascella"),
        Site::Body => Some("corpo"),
        Site::Ear => Some("orecchio"),
        Site::Finger => Some("dito"),
        Site::GastroIntestinal => Some("tratto gastrointestinale"),
        Site::Mouth => Some("bocca"),
        Site::Rectum => Some("retto"),
        Site::Toe => Some("dito del piede"),
        Site::Tympanum => Some("timpano"),
        Site::Skin => Some("cute: non è temperatura corporea"),
    }
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Red => "rossa",
        Severity::Amber => "gialla",
        Severity::Technical => "tecnica",
    }
}

/// When a vital sign is expected.
pub(crate) fn rhythm(parameter: &Parameter) -> String {
    let rhythm = match &parameter.expected {
        Expected::EveryMinutes(minutes) => every(*minutes),
        Expected::DailyAt(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            format!("ogni giorno alle {}", times.join(", "))
        }
        Expected::Within(hours) => format!(
            "dalle {} alle {}, {}",
            hours.from,
            hours.until,
            every(hours.every_minutes)
        ),
    };
    format!("{rhythm}; tolleranza {} minuti", parameter.grace_minutes)
}

fn every(minutes: u32) -> String {
    match (minutes, minutes % 60) {
        (1, _) => "ogni minuto".to_owned(),
        (60, _) => "ogni ora".to_owned(),
        (minutes, 0) => format!("ogni {} ore", minutes / 60),
        (minutes, _) => format!("ogni {minutes} minuti"),
    }
}

/// With the offset of Italy: `2020-11-21T14:12:00.000+01:00`.
pub(crate) fn instant(at: WallMs) -> String {
    let utc = || {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::MIN);
        at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    };
    local(at).map_or_else(utc, |at| {
        at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    })
}

/// A moment on the clocks of Italy.
pub(crate) fn local(at: WallMs) -> Option<jiff::Zoned> {
    let zone = jiff::tz::TimeZone::get(veglia_people::TIME_ZONE).ok()?;
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone))
}

/// When a day begins in Italy.
pub(crate) fn midnight(day: jiff::civil::Date) -> Option<WallMs> {
    let zone = jiff::tz::TimeZone::get(veglia_people::TIME_ZONE).ok()?;
    let begins = day.to_zoned(zone).ok()?;
    Some(WallMs(begins.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_as_they_were_measured() {
        let written = |vital, steps| quantity(vital, steps).value.to_string();
        assert_eq!(written(VitalKind::SpO2, 930), "93");
        assert_eq!(written(VitalKind::SpO2, 935), "93.5");
        assert_eq!(written(VitalKind::Temperature, 3665), "36.65");
        assert_eq!(value(VitalKind::Temperature, 3660), "36,6\u{a0}°C");
    }

    #[test]
    fn a_moment_has_the_offset_of_its_season() {
        assert_eq!(
            instant(WallMs(1_605_964_320_000)),
            "2020-11-21T14:12:00.000+01:00"
        );
        assert_eq!(
            instant(WallMs(1_594_640_000_250)),
            "2020-07-13T13:33:20.250+02:00"
        );
    }
}
