//! Numbers, times and marks in the Italian that the centre's staff read.
//!
//! Values are shown as precisely as they mean something: whole percent, rounded down as the rules
//! do, whole beats, tenths of a degree. The exact stored value is shown beside the evidence only.
//! Times are those of Europe/Rome, always absolute beside every relative one.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use veglia_view::{
    About, Answer, AnswerCode, Cause, Contact, Evidence, Expected, Flag, Median, Parameter,
    Quality, Scale, Sensor, Site, Source, Unjudged, VitalKind, WallMs, What, Whereabouts, decimal,
};

pub(crate) const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What a vital sign is called.
pub(crate) fn vital_name(vital: VitalKind) -> &'static str {
    match vital {
        VitalKind::SpO2 => "SpO₂",
        VitalKind::Pulse => "Polso",
        VitalKind::Temperature => "Temperatura",
        VitalKind::RespiratoryRate => "Respiro",
        VitalKind::SystolicPressure => "Pressione massima",
    }
}

/// What a flag is about.
pub(crate) fn about(about: About) -> &'static str {
    match about {
        About::Vital(vital) => vital_name(vital),
        About::Score(Scale::News2) => "NEWS2",
        About::Score(Scale::Mews) => "MEWS",
        About::Symptoms => "Sintomo",
        About::Together => "Più parametri insieme",
        About::Home => "Casa",
    }
}

/// What a flag is about, before what it rests on: `SpO₂ 91 %`, `NEWS2: SpO₂ 91 %`.
pub(crate) fn heading(of: About) -> String {
    match of {
        About::Vital(_) | About::Home => about(of).to_owned(),
        About::Score(_) | About::Symptoms | About::Together => format!("{}:", about(of)),
    }
}

/// What a vital sign is called inside a sentence.
pub(crate) fn vital_in_sentence(vital: VitalKind) -> &'static str {
    match vital {
        VitalKind::SpO2 => "SpO₂",
        VitalKind::Pulse => "polso",
        VitalKind::Temperature => "temperatura",
        VitalKind::RespiratoryRate => "respiro",
        VitalKind::SystolicPressure => "pressione massima",
    }
}

/// The unit as read aloud.
pub(crate) fn unit(vital: VitalKind) -> &'static str {
    match vital {
        VitalKind::SpO2 => "%",
        VitalKind::Pulse => "/min",
        VitalKind::Temperature => "°C",
        VitalKind::RespiratoryRate => "atti/min",
        VitalKind::SystolicPressure => "mmHg",
    }
}

/// A value as it is read: `91 %`, `72 /min`, `38,6 °C`.
pub(crate) fn value(vital: VitalKind, steps: i32) -> String {
    let number = match vital {
        VitalKind::SpO2 => steps.div_euclid(10).to_string(),
        VitalKind::Pulse | VitalKind::RespiratoryRate | VitalKind::SystolicPressure => {
            steps.saturating_add(5).div_euclid(10).to_string()
        }
        VitalKind::Temperature => {
            let tenths = steps.saturating_add(5).div_euclid(10);
            let sign = if tenths < 0 { "−" } else { "" };
            let tenths = tenths.unsigned_abs();
            format!("{sign}{},{}", tenths / 10, tenths % 10)
        }
    };
    format!("{number}\u{a0}{}", unit(vital))
}

/// A value exactly as stored: `91,4 %`, `38,64 °C`.
pub(crate) fn exact_value(vital: VitalKind, steps: i32) -> String {
    let number = decimal(vital, steps).replace('.', ",").replace('-', "−");
    format!("{number}\u{a0}{}", unit(vital))
}

/// Of how many readings one is the median, as it stands after its time: ` (mediana di 120
/// misure)`; nothing for a reading judged by itself.
pub(crate) fn median(evidence: &Evidence) -> String {
    let said = |it: Median| format!(" (mediana di {} misure)", it.readings);
    evidence.median().map(said).unwrap_or_default()
}

/// What a record behind a flag is: the name of its vital sign, an answer, a sensor.
pub(crate) fn what(evidence: &Evidence) -> &'static str {
    match evidence.what {
        What::Value { vital, .. } => vital_name(vital),
        What::Answer { .. } => "Risposta",
        What::Contact { sensor: which, .. } => sensor(which),
    }
}

/// What it says, exactly as stored.
pub(crate) fn exact(evidence: &Evidence) -> String {
    match evidence.what {
        What::Value { vital, steps, .. } => exact_value(vital, steps),
        What::Answer { answer: given } => answer(given),
        What::Contact { contact: held, .. } => contact(held).to_owned(),
    }
}

/// What a record behind a flag says, and when: `91 % alle 14:05`.
pub(crate) fn said(evidence: &Evidence, now: WallMs) -> String {
    let value = match evidence.what {
        What::Value { vital, steps, .. } => value(vital, steps),
        What::Answer { answer: given } => answer(given),
        What::Contact { contact: held, .. } => contact(held).to_owned(),
    };
    format!("{value} {}{}", at_time(evidence.at, now), median(evidence))
}

/// What a flag rests on: of one vital sign the first reading, of several things all of them.
pub(crate) fn grounds(flag: &Flag, now: WallMs) -> String {
    let all = flag.evidence.iter();
    match flag.about {
        About::Vital(_) | About::Home => all.take(1).map(|it| said(it, now)).collect(),
        About::Symptoms => joined(all.map(|it| said(it, now))),
        About::Score(_) | About::Together => {
            joined(all.map(|it| format!("{} {}", what(it), said(it, now))))
        }
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// What a person answered, in the words of the question.
pub(crate) fn answer(answer: Answer) -> String {
    let oxygen = |when: &str| format!("{when} {}", value(VitalKind::SpO2, answer.value));
    let asked = match answer.code {
        AnswerCode::BreathlessAtRest => "fiato corto a riposo",
        AnswerCode::CannotFinishSentence => "non riesce a finire una frase",
        AnswerCode::ChestPain => "dolore al petto",
        AnswerCode::Confusion => "confusione",
        AnswerCode::BlueLips => "labbra blu",
        AnswerCode::Fainting => "svenimento",
        AnswerCode::CoughingBlood => "tosse con sangue",
        AnswerCode::OnOxygen => "con ossigeno",
        AnswerCode::AntipyreticTaken => "preso un antipiretico",
        AnswerCode::WalkingLowestSpO2 => return oxygen("minima camminando"),
        AnswerCode::SitToStandLowestSpO2 => return oxygen("minima alzandosi e sedendosi"),
        AnswerCode::ExertionRestingSpO2 => return oxygen("a riposo prima della prova"),
        AnswerCode::BaselineSpO2 => return oxygen("valore abituale"),
        AnswerCode::Consciousness => {
            return match answer.value {
                0 => "vigile",
                1 => "risponde alla voce",
                2 => "risponde al dolore",
                3 => "non risponde",
                _ => "confusione nuova",
            }
            .to_owned();
        }
    };
    match answer.value {
        0 => format!("{asked}: no"),
        _ => asked.to_owned(),
    }
}

/// Where a patient is.
pub(crate) fn whereabouts(whereabouts: Whereabouts) -> &'static str {
    match whereabouts {
        Whereabouts::AtHome => "A casa",
        Whereabouts::InHospital => "In ospedale",
        Whereabouts::Suspended => "Monitoraggio sospeso",
        Whereabouts::Discharged => "Dimesso dal monitoraggio",
        Whereabouts::Deceased => "Deceduto",
    }
}

/// Why nothing comes, as far as it is known.
pub(crate) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::HomeOffline => "casa non collegata",
        Cause::DeviceOff => "dispositivo spento o scollegato",
        Cause::NotMeasuring => "il paziente non sta misurando",
        Cause::Unknown => "causa non nota",
    }
}

fn local(at: WallMs) -> Option<Zoned> {
    let zone = TimeZone::get("Europe/Rome").ok()?;
    let timestamp = Timestamp::from_millisecond(at.0).ok()?;
    Some(timestamp.to_zoned(zone))
}

/// The calendar day in Rome.
pub(crate) fn day(at: WallMs) -> Option<Date> {
    local(at).map(|at| at.date())
}

/// When a calendar day begins in Rome.
pub(crate) fn midnight(day: Date) -> Option<WallMs> {
    let zone = TimeZone::get("Europe/Rome").ok()?;
    let begins = day.to_zoned(zone).ok()?;
    Some(WallMs(begins.timestamp().as_millisecond()))
}

fn written(at: WallMs, format: &str) -> String {
    local(at).map_or_else(
        || "ora sconosciuta".to_owned(),
        |at| at.strftime(format).to_string(),
    )
}

/// `14:05` of today, `21/11 14:05` of another day.
pub(crate) fn time(at: WallMs, now: WallMs) -> String {
    let same_day = match (local(at), local(now)) {
        (Some(at), Some(now)) => at.date() == now.date(),
        _ => false,
    };
    written(at, if same_day { "%H:%M" } else { "%d/%m %H:%M" })
}

/// `21/11/2020 14:05:07`.
pub(crate) fn full_time(at: WallMs) -> String {
    written(at, "%d/%m/%Y %H:%M:%S")
}

/// `14:05:07`, for a clock.
pub(crate) fn clock(at: WallMs) -> String {
    written(at, "%H:%M:%S")
}

/// `alle 14:05`, `il 21/11 alle 14:05`.
pub(crate) fn at_time(at: WallMs, now: WallMs) -> String {
    match time(at, now).split_once(' ') {
        Some((day, hour)) => format!("il {day} alle {hour}"),
        None => format!("alle {}", time(at, now)),
    }
}

/// `dalle 12:40`, `dal 21/11 alle 12:40`.
#[must_use]
pub fn since_time(at: WallMs, now: WallMs) -> String {
    match time(at, now).split_once(' ') {
        Some((day, hour)) => format!("dal {day} alle {hour}"),
        None => format!("dalle {}", time(at, now)),
    }
}

/// `fino alle 12:40`, `fino al 21/11 alle 12:40`.
pub(crate) fn until_time(at: WallMs, now: WallMs) -> String {
    match time(at, now).split_once(' ') {
        Some((day, hour)) => format!("fino al {day} alle {hour}"),
        None => format!("fino alle {}", time(at, now)),
    }
}

/// How long: `meno di 1 min`, `2 min`, `3 h`, `2 giorni`.
pub(crate) fn span(ms: i64) -> String {
    match (ms / MINUTE_MS, ms / HOUR_MS, ms / DAY_MS) {
        (..1, ..) => "meno di 1 min".to_owned(),
        (minutes, ..1, _) => format!("{minutes} min"),
        (_, hours, ..1) => format!("{hours} h"),
        (.., 1) => "1 giorno".to_owned(),
        (.., days) => format!("{days} giorni"),
    }
}

/// How long ago: `adesso`, `2 min fa`. A time to come is a wrong clock at home, and is said.
pub(crate) fn age(at: WallMs, now: WallMs) -> String {
    match now.since(at) {
        ms if ms <= -MINUTE_MS => "orario futuro".to_owned(),
        ms if ms < MINUTE_MS => "adesso".to_owned(),
        ms => format!("{} fa", span(ms)),
    }
}

/// By which way a value came.
pub(crate) fn source(source: Source) -> &'static str {
    match source {
        Source::Device => "dispositivo",
        Source::ByHand => "inserita a mano",
        Source::ByPhone => "per telefono",
    }
}

/// What speaks against a reading; empty for a clean one.
pub(crate) fn doubts(vital: VitalKind, quality: Quality, site: Site) -> Vec<&'static str> {
    let off = match vital {
        VitalKind::Temperature => "sensore staccato",
        _ => "dito fuori dal sensore",
    };
    let table = [
        (Quality::NO_CONTACT, off),
        (Quality::SEARCHING, "ricerca del polso"),
        (Quality::ARTEFACT, "disturbo da movimento"),
        (Quality::LOW_PERFUSION, "perfusione bassa"),
        (Quality::WEAK_SIGNAL, "segnale debole"),
        (Quality::HELD, "valore precedente"),
        (Quality::DEMO, "dato dimostrativo"),
        (Quality::QUESTIONABLE, "dubbia per il dispositivo"),
        (Quality::INVALID, "non valida per il dispositivo"),
        (Quality::UNCALIBRATED, "sensore non calibrato"),
        (Quality::TIME_UNCERTAIN, "ora incerta"),
        (Quality::EARLY, "non ancora stabile"),
    ];
    let said = table
        .into_iter()
        .filter(|(flag, _)| quality.contains(*flag))
        .map(|(_, words)| words);
    let skin = (vital == VitalKind::Temperature && site == Site::Skin).then_some("sulla pelle");
    said.chain(skin).collect()
}

/// Why a value is not judged although its device says nothing against it.
pub(crate) fn unjudged(why: Unjudged) -> &'static str {
    match why {
        Unjudged::NoMeasurement => "valore fermo, non è una misura",
        Unjudged::Implausible => "valore impossibile, non considerato",
        Unjudged::Ahead => "orario futuro, non considerata",
    }
}

/// How often a vital sign is expected: `ogni 15 min`, `alle 08:00, 14:00 e 20:00`.
pub(crate) fn rhythm(parameter: &Parameter) -> String {
    match &parameter.expected {
        Expected::EveryMinutes(minutes) => match (minutes / 60, minutes % 60) {
            (1, 0) => "ogni ora".to_owned(),
            (hours, 0) if hours > 0 => format!("ogni {hours} ore"),
            _ => format!("ogni {minutes} min"),
        },
        Expected::DailyAt(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            match times.split_last() {
                Some((last, [])) => format!("alle {last}"),
                Some((last, before)) => format!("alle {} e {last}", before.join(", ")),
                None => "mai".to_owned(),
            }
        }
        Expected::Within(hours) => format!(
            "ogni {} min, dalle {} alle {}",
            hours.every_minutes, hours.from, hours.until
        ),
    }
}

/// How a sensor holds on the body.
pub(crate) fn contact(contact: Contact) -> &'static str {
    match contact {
        Contact::On => "in misura",
        Contact::Off => "staccato dal corpo",
        Contact::Searching => "ricerca del segnale",
        Contact::Unmeasurable => "misura non riuscita",
    }
}

/// Which sensor a contact is about.
pub(crate) fn sensor(sensor: Sensor) -> &'static str {
    match sensor {
        Sensor::Oximeter => "saturimetro",
        Sensor::Thermometer => "termometro",
    }
}

#[cfg(test)]
mod tests {
    use veglia_view::LocalTime;

    use super::*;

    /// 2020-11-21 14:05:07 in Rome.
    const NOW: WallMs = WallMs(1_605_963_907_000);

    #[test]
    fn values_are_read_with_a_comma_and_without_false_precision() {
        let table = [
            (VitalKind::SpO2, 910, "91\u{a0}%"),
            (VitalKind::SpO2, 929, "92\u{a0}%"),
            (VitalKind::Pulse, 724, "72\u{a0}/min"),
            (VitalKind::Pulse, 725, "73\u{a0}/min"),
            (VitalKind::Temperature, 3_864, "38,6\u{a0}°C"),
            (VitalKind::Temperature, 3_805, "38,1\u{a0}°C"),
            (VitalKind::Temperature, -20, "−0,2\u{a0}°C"),
            (VitalKind::RespiratoryRate, 180, "18\u{a0}atti/min"),
        ];
        for (vital, steps, words) in table {
            assert_eq!(value(vital, steps), words);
        }
        assert_eq!(exact_value(VitalKind::Temperature, 3_864), "38,64\u{a0}°C");
        assert_eq!(exact_value(VitalKind::SpO2, 929), "92,9\u{a0}%");
    }

    #[test]
    fn ages_are_said_in_the_largest_whole_unit() {
        let table = [
            (-120_000, "orario futuro"),
            (-2_000, "adesso"),
            (59_999, "adesso"),
            (60_000, "1 min fa"),
            (3_599_000, "59 min fa"),
            (3_600_000, "1 h fa"),
            (86_400_000, "1 giorno fa"),
            (3 * 86_400_000, "3 giorni fa"),
        ];
        for (ms, words) in table {
            assert_eq!(age(NOW.plus_ms(-ms), NOW), words);
        }
    }

    #[test]
    fn times_are_of_rome_and_name_the_day_when_it_is_another() {
        assert_eq!(time(NOW, NOW), "14:05");
        assert_eq!(clock(NOW), "14:05:07");
        assert_eq!(at_time(NOW.plus_ms(-DAY_MS), NOW), "il 20/11 alle 14:05");
        assert_eq!(since_time(NOW.plus_ms(-HOUR_MS), NOW), "dalle 13:05");
        // The night the clocks went back: 02:30 happened twice, an hour apart.
        let twice = WallMs(1_603_585_800_000);
        assert_eq!(full_time(twice), "25/10/2020 02:30:00");
        assert_eq!(full_time(twice.plus_ms(HOUR_MS)), "25/10/2020 02:30:00");
    }

    #[test]
    fn a_rhythm_is_said_as_a_nurse_would() {
        let every = |minutes| Expected::EveryMinutes(minutes);
        let at = |hours: &[i8]| {
            let times = hours.iter().map(|hour| LocalTime::new(*hour, 0).unwrap());
            Expected::DailyAt(times.collect())
        };
        let table = [
            (every(15), "ogni 15 min"),
            (every(60), "ogni ora"),
            (every(240), "ogni 4 ore"),
            (every(90), "ogni 90 min"),
            (at(&[8]), "alle 08:00"),
            (at(&[8, 14, 20]), "alle 08:00, 14:00 e 20:00"),
        ];
        for (expected, words) in table {
            let parameter = Parameter {
                vital: VitalKind::SpO2,
                expected,
                grace_minutes: 5,
            };
            assert_eq!(rhythm(&parameter), words);
        }
    }

    #[test]
    fn every_doubt_has_words() {
        let all = doubts(VitalKind::SpO2, Quality::all(), Site::Unknown);
        let silent = [Quality::FROM_STORAGE]; // how it was read, not a doubt
        assert_eq!(all.len(), Quality::all().iter().count() - silent.len());
        assert!(doubts(VitalKind::SpO2, Quality::empty(), Site::Unknown).is_empty());
        let skin = doubts(VitalKind::Temperature, Quality::NO_CONTACT, Site::Skin);
        assert_eq!(skin, ["sensore staccato", "sulla pelle"]);
    }
}
