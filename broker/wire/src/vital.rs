//! Vital signs with their units. A value is an integer in its own step: what was stored is what
//! was measured, and two values are equal when their integers are.
//!
//! The ranges here are physical (what the encoding may say), not clinical: a pulse of 300 is
//! refused by rules, not by the wire.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A value outside what its type can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{value} {unit} is outside the physical range of {name} ({low} to {high})")]
pub struct OutOfRange {
    /// What was to be made, as an English noun.
    pub name: &'static str,
    /// The unit of the three numbers.
    pub unit: &'static str,
    /// The refused value.
    pub value: i32,
    /// Lowest possible value.
    pub low: i32,
    /// Highest possible value.
    pub high: i32,
}

macro_rules! vital_value {
    ($(#[$doc:meta])* $name:ident, $noun:literal, $unit:literal, $from:ident, $get:ident,
     $low:literal ..= $high:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize)]
        #[serde(try_from = "i32", into = "i32")]
        pub struct $name(i16);

        impl TryFrom<i32> for $name {
            type Error = OutOfRange;
            fn try_from(value: i32) -> Result<Self, OutOfRange> {
                Self::$from(value)
            }
        }

        impl From<$name> for i32 {
            fn from(value: $name) -> Self {
                value.$get()
            }
        }

        impl $name {
            #[doc = concat!("From ", $unit, ", ", $low, " to ", $high, ".")]
            pub fn $from(value: i32) -> Result<Self, OutOfRange> {
                let refused = OutOfRange {
                    name: $noun, unit: $unit, value, low: $low, high: $high,
                };
                match i16::try_from(value) {
                    Ok(v) if ($low..=$high).contains(&value) => Ok(Self(v)),
                    _ => Err(refused),
                }
            }

            #[doc = concat!("In ", $unit, ".")]
            pub fn $get(self) -> i32 {
                i32::from(self.0)
            }
        }
    };
}

vital_value! {
    /// Oxygen saturation of the arterial blood by pulse oximetry.
    SpO2, "oxygen saturation", "tenths of a percent", from_percent_tenths, percent_tenths,
    0..=1000
}

vital_value! {
    /// Pulse rate by pulse oximetry.
    Pulse, "pulse rate", "tenths of a beat per minute", from_per_minute_tenths,
    per_minute_tenths, 0..=5110
}

vital_value! {
    /// Body temperature. Hundredths, because devices send them (37.60 °C).
    Temperature, "temperature", "hundredths of a degree Celsius", from_celsius_hundredths,
    celsius_hundredths, -5000..=10000
}

vital_value! {
    /// Respiratory rate, counted by a person.
    RespiratoryRate, "respiratory rate", "tenths of a breath per minute",
    from_per_minute_tenths, per_minute_tenths, 0..=2000
}

vital_value! {
    /// Systolic arterial pressure, by a cuff.
    SystolicPressure, "systolic pressure", "tenths of a millimetre of mercury",
    from_mmhg_tenths, mmhg_tenths, 0..=3000
}

/// Where a temperature was taken (the types of the Bluetooth Health Thermometer, and skin).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Site {
    /// The device does not say.
    Unknown = 0,
    /// Armpit.
    Armpit = 1,
    /// The body, no further said.
    Body = 2,
    /// Ear, usually the lobe.
    Ear = 3,
    /// Finger.
    Finger = 4,
    /// Gastro-intestinal tract.
    GastroIntestinal = 5,
    /// Mouth.
    Mouth = 6,
    /// Rectum.
    Rectum = 7,
    /// Toe.
    Toe = 8,
    /// Eardrum.
    Tympanum = 9,
    /// Skin: never scored as body temperature.
    Skin = 10,
}

impl Site {
    /// Every site, by its code on the wire.
    pub const ALL: [Self; 11] = [
        Self::Unknown,
        Self::Armpit,
        Self::Body,
        Self::Ear,
        Self::Finger,
        Self::GastroIntestinal,
        Self::Mouth,
        Self::Rectum,
        Self::Toe,
        Self::Tympanum,
        Self::Skin,
    ];

    /// The code on the wire, 0 to 10.
    pub fn code(self) -> u8 {
        Self::ALL
            .iter()
            .zip(0..)
            .find(|(site, _)| **site == self)
            .map_or(0, |(_, code)| code)
    }

    /// The site of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// Which vital sign, without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VitalKind {
    /// Oxygen saturation, in steps of 0.1 %.
    #[serde(rename = "spo2")]
    SpO2,
    /// Pulse rate, in steps of 0.1 /min.
    Pulse,
    /// Temperature, in steps of 0.01 °C.
    Temperature,
    /// Respiratory rate, in steps of 0.1 /min.
    RespiratoryRate,
    /// Systolic arterial pressure, in steps of 0.1 mmHg.
    SystolicPressure,
}

impl VitalKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::SpO2,
        Self::Pulse,
        Self::Temperature,
        Self::RespiratoryRate,
        Self::SystolicPressure,
    ];

    /// Code on the wire and in storage; never changes its meaning.
    pub fn code(self) -> u8 {
        match self {
            Self::SpO2 => 1,
            Self::Pulse => 2,
            Self::Temperature => 3,
            Self::RespiratoryRate => 4,
            Self::SystolicPressure => 5,
        }
    }

    /// The kind of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Steps in one unit: 10 (tenths) or 100 (hundredths).
    pub fn steps_per_unit(self) -> i32 {
        match self {
            Self::SpO2 | Self::Pulse | Self::RespiratoryRate | Self::SystolicPressure => 10,
            Self::Temperature => 100,
        }
    }

    /// The name used in exports, commands and plans: `spo2`, `pulse`, `temperature`,
    /// `respiratory-rate`, `systolic-pressure`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SpO2 => "spo2",
            Self::Pulse => "pulse",
            Self::Temperature => "temperature",
            Self::RespiratoryRate => "respiratory-rate",
            Self::SystolicPressure => "systolic-pressure",
        }
    }

    /// The unit as UCUM writes it (`%`, `/min`, `Cel`, `mm[Hg]`).
    pub fn ucum(self) -> &'static str {
        match self {
            Self::SpO2 => "%",
            Self::Pulse | Self::RespiratoryRate => "/min",
            Self::Temperature => "Cel",
            Self::SystolicPressure => "mm[Hg]",
        }
    }
}

impl fmt::Display for VitalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::str::FromStr for VitalKind {
    type Err = UnknownVital;
    fn from_str(text: &str) -> Result<Self, UnknownVital> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or(UnknownVital)
    }
}

/// A text that names no vital sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a vital sign is one of spo2, pulse, temperature, respiratory-rate, systolic-pressure")]
pub struct UnknownVital;

/// A measured vital sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vital {
    /// Oxygen saturation.
    #[serde(rename = "spo2")]
    SpO2(SpO2),
    /// Pulse rate.
    Pulse(Pulse),
    /// Temperature and where it was taken.
    Temperature(Temperature, Site),
    /// Respiratory rate.
    RespiratoryRate(RespiratoryRate),
    /// Systolic arterial pressure.
    SystolicPressure(SystolicPressure),
}

impl Vital {
    /// Which vital sign this is.
    pub fn kind(self) -> VitalKind {
        match self {
            Self::SpO2(_) => VitalKind::SpO2,
            Self::Pulse(_) => VitalKind::Pulse,
            Self::Temperature(..) => VitalKind::Temperature,
            Self::RespiratoryRate(_) => VitalKind::RespiratoryRate,
            Self::SystolicPressure(_) => VitalKind::SystolicPressure,
        }
    }

    /// The value in the steps of its kind ([`VitalKind::steps_per_unit`]).
    pub fn steps(self) -> i32 {
        match self {
            Self::SpO2(v) => v.percent_tenths(),
            Self::Pulse(v) => v.per_minute_tenths(),
            Self::Temperature(v, _) => v.celsius_hundredths(),
            Self::RespiratoryRate(v) => v.per_minute_tenths(),
            Self::SystolicPressure(v) => v.mmhg_tenths(),
        }
    }

    /// Where it was taken: [`Site::Unknown`] for all but temperatures.
    pub fn site(self) -> Site {
        match self {
            Self::Temperature(_, site) => site,
            _ => Site::Unknown,
        }
    }

    /// The vital of a kind and its steps; `site` counts for temperatures only.
    pub fn from_steps(kind: VitalKind, steps: i32, site: Site) -> Result<Self, OutOfRange> {
        Ok(match kind {
            VitalKind::SpO2 => Self::SpO2(SpO2::from_percent_tenths(steps)?),
            VitalKind::Pulse => Self::Pulse(Pulse::from_per_minute_tenths(steps)?),
            VitalKind::Temperature => {
                Self::Temperature(Temperature::from_celsius_hundredths(steps)?, site)
            }
            VitalKind::RespiratoryRate => {
                Self::RespiratoryRate(RespiratoryRate::from_per_minute_tenths(steps)?)
            }
            VitalKind::SystolicPressure => {
                Self::SystolicPressure(SystolicPressure::from_mmhg_tenths(steps)?)
            }
        })
    }
}
