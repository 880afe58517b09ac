//! From the text of a scenario to a [`Scenario`]: first its shape, then its sense, each fault
//! with its line.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;
use veglia_codecs::Protocol;
use veglia_firmware_core::Site;

use super::{
    DeviceSpec, Event, MAX_DEVICES, MAX_MINUTES, MINUTE_MS, Measures, Of, Phase, RULES, Scenario,
    ScenarioError, Trouble,
};
use crate::decimal::Decimal;
use crate::vitals::Vitals;

/// Events in one scenario: more could not be followed by a reader.
const MAX_EVENTS: usize = 64;

/// Longest name of a device: it becomes part of the name of a file.
const MAX_NAME: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    title: Spanned<String>,
    expect: Vec<Spanned<String>>,
    #[serde(default)]
    may: Vec<Spanned<String>>,
    device: Vec<Spanned<DeviceRow>>,
    phase: Vec<Spanned<PhaseRow>>,
    noise: Spanned<NoiseRow>,
    #[serde(default)]
    event: Vec<Spanned<EventRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceRow {
    name: String,
    protocol: String,
    measures: MeasuresWord,
    #[serde(default)]
    site: SiteWord,
    every_minutes: Option<u32>,
    #[serde(default)]
    of: OfWord,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OfWord {
    #[default]
    First,
    Second,
    Both,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MeasuresWord {
    Oximetry,
    Temperature,
    Both,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SiteWord {
    #[default]
    Armpit,
    Body,
    Ear,
    Mouth,
    Rectum,
    Tympanum,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhaseRow {
    minutes: u32,
    spo2: Option<Decimal<1>>,
    pulse: Option<Decimal<1>>,
    temperature: Option<Decimal<2>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseRow {
    spo2: Decimal<1>,
    pulse: Decimal<1>,
    temperature: Decimal<2>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventRow {
    kind: EventWord,
    device: Option<String>,
    from: u32,
    to: Option<u32>,
    seconds: Option<i32>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum EventWord {
    Artefact,
    FingerOut,
    Silent,
    Unplugged,
    LineNoise,
    Offline,
    ClockOffset,
}

/// A fault and the byte where it stands.
struct Fault(usize, String);

type Checked<T> = Result<T, Fault>;

pub(super) fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let sheet = toml::from_str::<Sheet>(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Fault(at, error.message().to_owned())
    });
    sheet
        .and_then(|sheet| checked(name, sheet))
        .map_err(|Fault(at, what)| ScenarioError {
            name: name.to_owned(),
            line: 1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count(),
            what,
        })
}

fn checked(name: &str, sheet: Sheet) -> Checked<Scenario> {
    let Sheet {
        title,
        expect,
        may,
        device,
        phase,
        noise,
        event,
    } = sheet;
    demand(
        !title.as_ref().trim().is_empty(),
        &title,
        "a scenario needs a title",
    )?;
    let devices = devices(&title, device)?;
    let minutes: u64 = phase
        .iter()
        .map(|row| u64::from(row.as_ref().minutes))
        .sum();
    let fits = (1..=u64::from(MAX_MINUTES)).contains(&minutes);
    let advice = format!("all phases together last 1 to {MAX_MINUTES} minutes, not {minutes}");
    demand(fits, &title, &advice)?;
    let advice = format!("a scenario has at most {MAX_EVENTS} events");
    demand(event.len() <= MAX_EVENTS, &title, &advice)?;
    Ok(Scenario {
        name: name.to_owned(),
        expect: expect.into_iter().map(known_rule).collect::<Checked<_>>()?,
        may: may.into_iter().map(known_rule).collect::<Checked<_>>()?,
        phases: phase
            .into_iter()
            .map(sensible_phase)
            .collect::<Checked<_>>()?,
        noise: sensible_noise(noise)?,
        events: event
            .into_iter()
            .map(|row| sensible_event(row, &devices))
            .collect::<Checked<_>>()?,
        title: title.into_inner(),
        devices,
    })
}

fn demand<T>(holds: bool, place: &Spanned<T>, what: &str) -> Checked<()> {
    if holds {
        Ok(())
    } else {
        Err(Fault(place.span().start, what.to_owned()))
    }
}

fn known_rule(rule: Spanned<String>) -> Checked<String> {
    let advice = format!(
        "no rule is called {:?}; choose of {}",
        rule.as_ref(),
        RULES.join(", ")
    );
    demand(RULES.contains(&rule.as_ref().as_str()), &rule, &advice)?;
    Ok(rule.into_inner())
}

fn devices(title: &Spanned<String>, rows: Vec<Spanned<DeviceRow>>) -> Checked<Vec<DeviceSpec>> {
    let advice = format!("a scenario has 1 to {MAX_DEVICES} devices");
    demand((1..=MAX_DEVICES).contains(&rows.len()), title, &advice)?;
    let mut names = HashSet::new();
    rows.into_iter()
        .map(|row| {
            let DeviceRow {
                name,
                protocol,
                measures,
                site,
                every_minutes,
                of,
            } = row.as_ref();
            let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            let good = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_plain);
            let advice = format!("a device is named with a-z, 0-9 and '-', at most {MAX_NAME}");
            demand(good, &row, &advice)?;
            demand(
                names.insert(name.clone()),
                &row,
                "two devices have this name",
            )?;
            let protocol: Protocol = protocol
                .parse()
                .map_err(|error| Fault(row.span().start, format!("{error}")))?;
            let is_simulated = matches!(protocol, Protocol::Nonin8 | Protocol::Node);
            demand(
                is_simulated,
                &row,
                "only a nonin-8 or a node can be simulated",
            )?;
            let measures = measures_of(*measures);
            let can = protocol != Protocol::Nonin8 || measures == Measures::Oximetry;
            demand(
                can,
                &row,
                "a nonin-8 measures \"oximetry\" and nothing else",
            )?;
            let is_spot = every_minutes.is_some();
            let advice = "only a node can be left lying: a nonin-8 measures all the time";
            demand(protocol == Protocol::Node || !is_spot, &row, advice)?;
            let fits = |minutes| (1..=MAX_MINUTES).contains(&minutes);
            let advice = format!("every_minutes is 1 to {MAX_MINUTES}");
            demand(every_minutes.is_none_or(fits), &row, &advice)?;
            Ok(DeviceSpec {
                name: name.clone(),
                protocol,
                measures,
                site: site_of(*site),
                every_minutes: *every_minutes,
                of: of_word(*of),
            })
        })
        .collect()
}

const fn of_word(word: OfWord) -> Of {
    match word {
        OfWord::First => Of::First,
        OfWord::Second => Of::Second,
        OfWord::Both => Of::Both,
    }
}

const fn measures_of(word: MeasuresWord) -> Measures {
    match word {
        MeasuresWord::Oximetry => Measures::Oximetry,
        MeasuresWord::Temperature => Measures::Temperature,
        MeasuresWord::Both => Measures::Both,
    }
}

const fn site_of(word: SiteWord) -> Site {
    match word {
        SiteWord::Armpit => Site::Armpit,
        SiteWord::Body => Site::Body,
        SiteWord::Ear => Site::Ear,
        SiteWord::Mouth => Site::Mouth,
        SiteWord::Rectum => Site::Rectum,
        SiteWord::Tympanum => Site::Tympanum,
    }
}

fn sensible_phase(row: Spanned<PhaseRow>) -> Checked<Phase> {
    let PhaseRow {
        minutes,
        spo2,
        pulse,
        temperature,
    } = row.as_ref();
    let spo2_tenths = spo2.map(|Decimal(value)| value);
    let pulse_tenths = pulse.map(|Decimal(value)| value);
    let celsius_hundredths = temperature.map(|Decimal(value)| value);
    demand(*minutes > 0, &row, "a phase lasts at least a minute")?;
    let within = |value: Option<i32>, low, high| value.is_none_or(|v| (low..=high).contains(&v));
    demand(within(spo2_tenths, 500, 1000), &row, "spo2 is 50 to 100 %")?;
    demand(
        within(pulse_tenths, 200, 3000),
        &row,
        "pulse is 20 to 300 a minute",
    )?;
    demand(
        within(celsius_hundredths, 3000, 4500),
        &row,
        "temperature is 30 to 45 degrees",
    )?;
    let ms = i64::from(*minutes) * MINUTE_MS;
    Ok(Phase {
        ms,
        spo2_tenths,
        pulse_tenths,
        celsius_hundredths,
    })
}

fn sensible_noise(row: Spanned<NoiseRow>) -> Checked<Vitals> {
    let noise = Vitals {
        spo2_tenths: row.as_ref().spo2.0,
        pulse_tenths: row.as_ref().pulse.0,
        celsius_hundredths: row.as_ref().temperature.0,
    };
    let small = (0..=50).contains(&noise.spo2_tenths)
        && (0..=300).contains(&noise.pulse_tenths)
        && (0..=100).contains(&noise.celsius_hundredths);
    demand(
        small,
        &row,
        "noise is at most 5 %, 30 a minute and 1 degree, and never negative",
    )?;
    Ok(noise)
}

fn sensible_event(row: Spanned<EventRow>, devices: &[DeviceSpec]) -> Checked<Event> {
    let EventRow {
        kind,
        device,
        from,
        to,
        seconds,
    } = row.as_ref();
    let is_late = |minute: &u32| *minute > MAX_MINUTES;
    let ordered = to.is_none_or(|to| to > *from) && !is_late(from) && !to.iter().any(is_late);
    demand(
        ordered,
        &row,
        "an event ends after it begins, both within the longest scenario",
    )?;
    match device {
        Some(name) => {
            demand(
                *kind != EventWord::Offline,
                &row,
                "the whole home is offline: no device",
            )?;
            let known = devices.iter().find(|device| device.name == *name);
            demand(
                known.is_some(),
                &row,
                "no device of this scenario has that name",
            )?;
            let oximeter = known.is_some_and(|device| device.measures.oximetry());
            let needs_finger = matches!(kind, EventWord::Artefact | EventWord::FingerOut);
            demand(
                oximeter || !needs_finger,
                &row,
                "that device has no finger in it",
            )?;
            let is_node = known.is_some_and(|device| device.protocol == Protocol::Node);
            let needs_clock = *kind == EventWord::ClockOffset;
            demand(
                is_node || !needs_clock,
                &row,
                "only a node has a clock of its own",
            )?;
        }
        None => {
            demand(
                *kind == EventWord::Offline,
                &row,
                "which device? add device = \"…\"",
            )?;
        }
    }
    let needs_seconds = *kind == EventWord::ClockOffset;
    let advice = "seconds belong to a clock-offset, and to nothing else";
    demand(seconds.is_some() == needs_seconds, &row, advice)?;
    Ok(Event {
        what: trouble(*kind, seconds.unwrap_or(0)),
        device: device.clone(),
        from_ms: i64::from(*from) * MINUTE_MS,
        to_ms: to.map(|to| i64::from(to) * MINUTE_MS),
    })
}

fn trouble(word: EventWord, seconds: i32) -> Trouble {
    match word {
        EventWord::Artefact => Trouble::Artefact,
        EventWord::FingerOut => Trouble::FingerOut,
        EventWord::Silent => Trouble::Silent,
        EventWord::Unplugged => Trouble::Unplugged,
        EventWord::LineNoise => Trouble::LineNoise,
        EventWord::Offline => Trouble::Offline,
        EventWord::ClockOffset => Trouble::ClockOffset(i64::from(seconds) * 1_000),
    }
}
