//! Scenarios: what happens in a home, as data that a nurse could read.
//!
//! A scenario is a TOML file: the devices, phases that lead the vitals to target values over
//! minutes of care, the bound of the noise around them, events (a finger taken out, a cable
//! pulled, the line to the centre cut), and the flags that all this must raise — the
//! demonstration and the tests hold the platform to them. A vital that no phase has named yet is
//! the home's own healthy value; after the last phase everything stays as it is.
//!
//! Limits: [`MAX_DEVICES`], [`MAX_MINUTES`]. Absent: thresholds. The names of flags are the only
//! word about rules.

mod file;

use thiserror::Error;
use veglia_codecs::Protocol;
use veglia_firmware_core::{Model, Site};

use crate::vitals::Vitals;

/// Flags a scenario may expect, by the names of their rules.
pub const RULES: [&str; 9] = [
    "spo2-red",
    "spo2-amber",
    "pulse-fast",
    "fever",
    "fever-high",
    "news2-medium",
    "silence-spo2",
    "silence-pulse",
    "silence-temperature",
];

/// Devices in one scenario: a couple with an oximeter and a thermometer each.
pub const MAX_DEVICES: usize = 4;

/// Minutes in one scenario: a week, longer than anybody watches a demonstration.
pub const MAX_MINUTES: u32 = 7 * 24 * 60;

const MINUTE_MS: i64 = 60_000;

/// The shipped files, by name.
const SHIPPED: [(&str, &str); 9] = [
    ("stable", include_str!("../scenarios/stable.toml")),
    (
        "slow-worsening",
        include_str!("../scenarios/slow-worsening.toml"),
    ),
    (
        "sudden-desaturation",
        include_str!("../scenarios/sudden-desaturation.toml"),
    ),
    ("fever", include_str!("../scenarios/fever.toml")),
    ("artefacts", include_str!("../scenarios/artefacts.toml")),
    ("finger-out", include_str!("../scenarios/finger-out.toml")),
    (
        "silent-device",
        include_str!("../scenarios/silent-device.toml"),
    ),
    (
        "home-offline",
        include_str!("../scenarios/home-offline.toml"),
    ),
    (
        "wrong-device-clock",
        include_str!("../scenarios/wrong-device-clock.toml"),
    ),
];

/// The couple that shares an oximeter. It is beside the stories, each of which is one person's.
const COUPLE: (&str, &str) = ("couple", include_str!("../scenarios/couple.toml"));

/// What happens in a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    name: String,
    title: String,
    expect: Vec<String>,
    may: Vec<String>,
    devices: Vec<DeviceSpec>,
    phases: Vec<Phase>,
    noise: Vitals,
    events: Vec<Event>,
}

/// A device of a scenario, before a home gives it a serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSpec {
    /// What the home calls it: lower-case letters, digits and `-`.
    pub name: String,
    /// What it speaks.
    pub protocol: Protocol,
    /// What it measures.
    pub measures: Measures,
    /// Where its thermometer sits.
    pub site: Site,
    /// Minutes of care from one measurement to the next, for a device that somebody takes in hand;
    /// none for one that measures all the time.
    pub every_minutes: Option<u32>,
    /// Who uses it.
    pub of: Of,
}

/// Which of the people of a home use a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// The only one, or the first of two.
    #[default]
    First,
    /// The other of two.
    Second,
    /// Both: the device does not say which.
    Both,
}

/// What a device measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measures {
    /// Saturation and pulse.
    Oximetry,
    /// Temperature.
    Temperature,
    /// All three.
    Both,
}

impl Measures {
    pub(crate) fn oximetry(self) -> bool {
        matches!(self, Self::Oximetry | Self::Both)
    }

    pub(crate) fn temperature(self) -> bool {
        matches!(self, Self::Temperature | Self::Both)
    }

    pub(crate) fn model(self) -> Model {
        match self {
            Self::Oximetry => Model::Oximeter,
            Self::Temperature => Model::Thermometer,
            Self::Both => Model::Both,
        }
    }
}

/// A stretch of care time that leads straight to its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Phase {
    ms: i64,
    spo2_tenths: Option<i32>,
    pulse_tenths: Option<i32>,
    celsius_hundredths: Option<i32>,
}

impl Phase {
    fn aim(&self, from: Vitals) -> Vitals {
        Vitals {
            spo2_tenths: self.spo2_tenths.unwrap_or(from.spo2_tenths),
            pulse_tenths: self.pulse_tenths.unwrap_or(from.pulse_tenths),
            celsius_hundredths: self.celsius_hundredths.unwrap_or(from.celsius_hundredths),
        }
    }
}

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    what: Trouble,
    /// The device it concerns; none for the whole home.
    device: Option<String>,
    from_ms: i64,
    /// None: to the end.
    to_ms: Option<i64>,
}

impl Event {
    fn is_on(&self, passed_ms: i64) -> bool {
        passed_ms >= self.from_ms && self.to_ms.is_none_or(|to_ms| passed_ms < to_ms)
    }
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Movement: wrong numbers, and the device says so.
    Artefact,
    /// The clip is off the finger.
    FingerOut,
    /// The device is plugged in and says nothing.
    Silent,
    /// The device is pulled out.
    Unplugged,
    /// Bytes on the line that no device sent.
    LineNoise,
    /// The home cannot reach the centre.
    Offline,
    /// The device's own clock is off by so many milliseconds.
    ClockOffset(i64),
}

/// Why a text is not a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("scenario {name}, line {line}: {what}")]
pub struct ScenarioError {
    /// Which scenario.
    pub name: String,
    /// Line of its text, from 1.
    pub line: usize,
    /// What stands there, and what should.
    pub what: String,
}

/// No shipped scenario has that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no scenario {name:?}; choose one of {}", shipped_names())]
pub struct UnknownScenario {
    /// The name that was asked for.
    pub name: String,
}

fn shipped_names() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// The first line that is wrong, and why.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        file::parse(name, text)
    }

    /// The scenarios that come with the program, the stable one first.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        SHIPPED
            .into_iter()
            .map(|(name, text)| shipped(name, text))
            .collect()
    }

    /// Two people who share an oximeter.
    #[must_use]
    pub fn couple() -> Self {
        let (name, text) = COUPLE;
        shipped(name, text)
    }

    /// A shipped scenario by name.
    ///
    /// # Errors
    /// When there is none of that name; the error lists them.
    pub fn named(name: &str) -> Result<Self, UnknownScenario> {
        let known = SHIPPED.into_iter().find(|(known, _)| *known == name);
        known
            .map(|(name, text)| shipped(name, text))
            .ok_or_else(|| UnknownScenario { name: name.into() })
    }

    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people call it, in Italian.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The rules whose flags it must raise.
    #[must_use]
    pub fn expect(&self) -> &[String] {
        &self.expect
    }

    /// The rules whose flags it may raise besides, by chance or on the way. No other is raised.
    #[must_use]
    pub fn may(&self) -> &[String] {
        &self.may
    }

    /// Its devices, in the order of the file.
    #[must_use]
    pub fn devices(&self) -> &[DeviceSpec] {
        &self.devices
    }

    /// Care milliseconds from its start to the end of its last phase.
    #[must_use]
    pub fn care_ms(&self) -> i64 {
        self.phases.iter().map(|phase| phase.ms).sum()
    }

    pub(crate) fn noise(&self) -> Vitals {
        self.noise
    }

    /// Where the vitals of a home are headed `passed_ms` of care after the start, without noise.
    pub(crate) fn targets(&self, own: Vitals, passed_ms: i64) -> Vitals {
        let mut at = own;
        let mut begins_ms = 0;
        for phase in &self.phases {
            let aim = phase.aim(at);
            let into_ms = passed_ms - begins_ms;
            if into_ms < phase.ms {
                return at.towards(aim, into_ms.max(0), phase.ms);
            }
            at = aim;
            begins_ms += phase.ms;
        }
        at
    }

    /// What is wrong with a device `passed_ms` of care after the start.
    pub(crate) fn troubles<'a>(
        &'a self,
        device: &'a str,
        passed_ms: i64,
    ) -> impl Iterator<Item = Trouble> + 'a {
        self.events
            .iter()
            .filter(move |event| event.device.as_deref() == Some(device))
            .filter(move |event| event.is_on(passed_ms))
            .map(|event| event.what)
    }

    /// Whether the home has lost the centre `passed_ms` of care after the start.
    pub(crate) fn is_offline(&self, passed_ms: i64) -> bool {
        let mut on = self.events.iter().filter(|event| event.is_on(passed_ms));
        on.any(|event| event.what == Trouble::Offline)
    }

    /// Whether it ever loses the centre.
    pub(crate) fn goes_offline(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.what == Trouble::Offline)
    }
}

fn shipped(name: &str, text: &str) -> Scenario {
    Scenario::parse(name, text).expect("a test reads every shipped scenario")
}
