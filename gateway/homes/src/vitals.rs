//! The vital signs of one moment, as integers in the steps of the wire, and how they move.
//!
//! Absent: meaning. Nothing here knows which value is good.

/// Saturation, pulse and temperature of one moment; also a bound on their noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Oxygen saturation in tenths of a percent.
    pub spo2_tenths: i32,
    /// Pulse in tenths of a beat per minute.
    pub pulse_tenths: i32,
    /// Temperature in hundredths of a degree Celsius.
    pub celsius_hundredths: i32,
}

impl Vitals {
    pub(crate) const ZERO: Self = Self {
        spo2_tenths: 0,
        pulse_tenths: 0,
        celsius_hundredths: 0,
    };

    /// The straight way to `aim`, `into_ms` of `whole_ms` done.
    pub(crate) fn towards(self, aim: Self, into_ms: i64, whole_ms: i64) -> Self {
        let between = |from: i32, to: i32| {
            let way = i64::from(to) - i64::from(from);
            let done = way.saturating_mul(into_ms).div_euclid(whole_ms.max(1));
            from.saturating_add(i32::try_from(done).unwrap_or(0))
        };
        self.zip(aim, between)
    }

    /// Both, vital by vital.
    pub(crate) fn zip(self, other: Self, each: impl Fn(i32, i32) -> i32) -> Self {
        Self {
            spo2_tenths: each(self.spo2_tenths, other.spo2_tenths),
            pulse_tenths: each(self.pulse_tenths, other.pulse_tenths),
            celsius_hundredths: each(self.celsius_hundredths, other.celsius_hundredths),
        }
    }

    /// One step of a walk that never leaves ±`bound`: neighbouring seconds resemble each other,
    /// as they do in a person.
    pub(crate) fn wander(self, bound: Self, rng: &mut fastrand::Rng) -> Self {
        let mut step = |from: i32, bound: i32| {
            let stride = (bound / STRIDES).max(1);
            (from + rng.i32(-stride..=stride)).clamp(-bound, bound)
        };
        Self {
            spo2_tenths: step(self.spo2_tenths, bound.spo2_tenths),
            pulse_tenths: step(self.pulse_tenths, bound.pulse_tenths),
            celsius_hundredths: step(self.celsius_hundredths, bound.celsius_hundredths),
        }
    }
}

/// Longest steps from the middle of the noise to its bound.
const STRIDES: i32 = 4;
