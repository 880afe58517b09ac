//! What the two measurements of the standard pulse oximeter have in common: the status of the
//! measurement, that of device and sensor, and what both mean. With the features of the service.
//!
//! Sources: the characteristics' public definitions (oesmith/gatt-xml) and StanfordSpezi's
//! SpeziBluetooth (MIT), which agree; all bits are certain. Which of them say that the sensor is
//! off or still looking, and which make a value questionable, is our reading, and on the side of no
//! number.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Vital};

use crate::json::Names;
use crate::observe::{pulse, quality, spo2};
use crate::sig::{Fields, SFloat, put_u24};

bitflags! {
    /// Measurement Status.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MeasurementStatus: u16 {
        /// The measurement goes on.
        const ONGOING = 1 << 5;
        /// An early estimate.
        const EARLY = 1 << 6;
        /// Validated.
        const VALIDATED = 1 << 7;
        /// Fully qualified.
        const QUALIFIED = 1 << 8;
        /// Read from the device's memory.
        const FROM_STORAGE = 1 << 9;
        /// For demonstration.
        const DEMONSTRATION = 1 << 10;
        /// For testing.
        const TESTING = 1 << 11;
        /// The device is being calibrated.
        const CALIBRATION = 1 << 12;
        /// There is no measurement.
        const UNAVAILABLE = 1 << 13;
        /// Questionable.
        const QUESTIONABLE = 1 << 14;
        /// Invalid.
        const INVALID = 1 << 15;
    }
}

bitflags! {
    /// Device and Sensor Status, 24 bits.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SensorStatus: u32 {
        /// The display is renewed less often than usual.
        const EXTENDED_UPDATE = 1;
        /// The device is defective.
        const EQUIPMENT_MALFUNCTION = 1 << 1;
        /// The signal was processed irregularly.
        const PROCESSING_IRREGULARITY = 1 << 2;
        /// The signal does not suffice.
        const INADEQUATE_SIGNAL = 1 << 3;
        /// The signal is poor.
        const POOR_SIGNAL = 1 << 4;
        /// Low perfusion.
        const LOW_PERFUSION = 1 << 5;
        /// The signal is erratic.
        const ERRATIC_SIGNAL = 1 << 6;
        /// There is no pulse in the signal.
        const NON_PULSATILE = 1 << 7;
        /// The pulse is questionable.
        const QUESTIONABLE_PULSE = 1 << 8;
        /// The signal is still analysed.
        const ANALYSIS_ONGOING = 1 << 9;
        /// The sensor is disturbed.
        const INTERFERENCE = 1 << 10;
        /// The sensor is not on the user.
        const UNCONNECTED_TO_USER = 1 << 11;
        /// The sensor is of an unknown kind.
        const UNKNOWN_SENSOR = 1 << 12;
        /// The sensor has moved from its place.
        const DISPLACED = 1 << 13;
        /// The sensor is defective.
        const SENSOR_MALFUNCTION = 1 << 14;
        /// The sensor is not plugged in.
        const DISCONNECTED = 1 << 15;
    }
}

/// A saturation and a pulse as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Saturation in percent.
    pub spo2: SFloat,
    /// Pulse in beats per minute.
    pub pulse: SFloat,
}

impl Pair {
    pub(crate) fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let (spo2, pulse) = (fields.sfloat()?, fields.sfloat()?);
        Some(Self { spo2, pulse })
    }

    pub(crate) fn put(self, out: &mut Vec<u8>) {
        out.extend(self.spo2.0.to_le_bytes());
        out.extend(self.pulse.0.to_le_bytes());
    }

    pub(crate) fn vitals(self) -> [Option<Vital>; 2] {
        [
            self.spo2.steps(1).and_then(spo2),
            self.pulse.steps(1).and_then(pulse),
        ]
    }
}

/// What stands at the end of both measurements, each if the device sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Status of the measurement.
    pub measurement: Option<MeasurementStatus>,
    /// Status of device and sensor.
    pub sensor: Option<SensorStatus>,
    /// Pulse amplitude index in percent.
    pub amplitude: Option<SFloat>,
}

impl Status {
    /// Takes what three flags, from `first` upwards, say that is there.
    pub(crate) fn take(fields: &mut Fields<'_>, flags: u8, first: u8) -> Option<Self> {
        let is_there = |place: u8| flags & (first << place) != 0;
        let measurement = fields.when(is_there(0), Fields::u16)?;
        let sensor = fields.when(is_there(1), Fields::u24)?;
        let amplitude = fields.when(is_there(2), Fields::sfloat)?;
        Some(Self {
            measurement: measurement.map(MeasurementStatus::from_bits_retain),
            sensor: sensor.map(SensorStatus::from_bits_retain),
            amplitude,
        })
    }

    /// The three flags, from `first` upwards.
    pub(crate) fn flags(self, first: u8) -> u8 {
        let is_there = [
            self.measurement.is_some(),
            self.sensor.is_some(),
            self.amplitude.is_some(),
        ];
        let bits = is_there.iter().zip(0_u8..);
        bits.map(|(&is_there, place)| u8::from(is_there) * (first << place))
            .sum()
    }

    pub(crate) fn put(self, out: &mut Vec<u8>) {
        if let Some(measurement) = self.measurement {
            out.extend(measurement.bits().to_le_bytes());
        }
        if let Some(sensor) = self.sensor {
            put_u24(out, sensor.bits());
        }
        if let Some(amplitude) = self.amplitude {
            out.extend(amplitude.0.to_le_bytes());
        }
    }

    /// How the sensor stands with the body.
    pub(crate) fn contact(self) -> Contact {
        let measurement = self.measurement.unwrap_or(MeasurementStatus::empty());
        let sensor = self.sensor.unwrap_or(SensorStatus::empty());
        let is_off = SensorStatus::UNCONNECTED_TO_USER
            | SensorStatus::DISPLACED
            | SensorStatus::DISCONNECTED;
        let is_searching = SensorStatus::NON_PULSATILE | SensorStatus::ANALYSIS_ONGOING;
        if sensor.intersects(is_off) {
            Contact::Off
        } else if sensor.intersects(is_searching)
            || measurement.contains(MeasurementStatus::UNAVAILABLE)
        {
            Contact::Searching
        } else {
            Contact::On
        }
    }

    /// What the device says against, or of, its numbers.
    pub(crate) fn quality(self) -> Quality {
        use MeasurementStatus as M;
        use SensorStatus as S;

        let measurement = self.measurement.unwrap_or(M::empty());
        let sensor = self.sensor.unwrap_or(S::empty());
        let demo = M::DEMONSTRATION | M::TESTING | M::CALIBRATION;
        let invalid = S::EQUIPMENT_MALFUNCTION | S::SENSOR_MALFUNCTION;
        let questionable = S::QUESTIONABLE_PULSE | S::INADEQUATE_SIGNAL | S::UNKNOWN_SENSOR;
        let artefact = S::PROCESSING_IRREGULARITY | S::ERRATIC_SIGNAL | S::INTERFERENCE;
        quality([
            (measurement.contains(M::EARLY), Quality::EARLY),
            (measurement.contains(M::FROM_STORAGE), Quality::FROM_STORAGE),
            (measurement.intersects(demo), Quality::DEMO),
            (measurement.contains(M::QUESTIONABLE), Quality::QUESTIONABLE),
            (measurement.contains(M::INVALID), Quality::INVALID),
            (sensor.contains(S::EXTENDED_UPDATE), Quality::HELD),
            (sensor.intersects(invalid), Quality::INVALID),
            (sensor.intersects(questionable), Quality::QUESTIONABLE),
            (sensor.intersects(artefact), Quality::ARTEFACT),
            (sensor.contains(S::POOR_SIGNAL), Quality::WEAK_SIGNAL),
            (sensor.contains(S::LOW_PERFUSION), Quality::LOW_PERFUSION),
        ])
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("status", &self.measurement.map(Names))?;
        map.serialize_entry("sensor", &self.sensor.map(Names))?;
        let amplitude = self.amplitude.and_then(|index| index.steps(2));
        map.serialize_entry("amplitude_percent_hundredths", &amplitude)
    }
}

bitflags! {
    /// What the service can do.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Abilities: u16 {
        /// It sends [`MeasurementStatus`].
        const MEASUREMENT_STATUS = 1;
        /// It sends [`SensorStatus`].
        const SENSOR_STATUS = 1 << 1;
        /// It stores spot checks: there is a Record Access Control Point.
        const SPOT_STORAGE = 1 << 2;
        /// Spot checks carry a time.
        const SPOT_TIME = 1 << 3;
        /// It sends fast values beside the normal ones.
        const FAST = 1 << 4;
        /// It sends slow values beside the normal ones.
        const SLOW = 1 << 5;
        /// It sends the pulse amplitude index.
        const AMPLITUDE = 1 << 6;
        /// It bonds with several at a time.
        const MULTIPLE_BONDS = 1 << 7;
    }
}

/// PLX Features, to be read once after connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// What the service can do.
    pub abilities: Abilities,
    /// Which bits of the measurement status it uses, if it says so.
    pub measurement: Option<MeasurementStatus>,
    /// Which bits of the sensor status it uses, if it says so.
    pub sensor: Option<SensorStatus>,
}

impl Features {
    /// Reads the characteristic; none when it is cut short or goes on behind its end.
    #[must_use]
    pub fn decode(value: &[u8]) -> Option<Self> {
        let mut fields = Fields(value);
        let abilities = Abilities::from_bits_retain(fields.u16()?);
        let is_there = |ability| abilities.contains(ability);
        let measurement = fields.when(is_there(Abilities::MEASUREMENT_STATUS), Fields::u16)?;
        let sensor = fields.when(is_there(Abilities::SENSOR_STATUS), Fields::u24)?;
        fields.end()?;
        Some(Self {
            abilities,
            measurement: measurement.map(MeasurementStatus::from_bits_retain),
            sensor: sensor.map(SensorStatus::from_bits_retain),
        })
    }
}
