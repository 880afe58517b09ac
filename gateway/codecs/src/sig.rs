//! What the standard Bluetooth health services have in common: numbers, time, battery, and the
//! names of their characteristics.
//!
//! Sources: IEEE 11073-20601 for the two floating-point words; the characteristics' public
//! definitions (oesmith/gatt-xml) and StanfordSpezi/SpeziBluetooth (MIT) for the rest. All of it is
//! certain. Exponents are two's complement and not biased: one published parser subtracts 8, and
//! its vectors are wrong.
//!
//! Deliberately absent: floating point. A value is asked for in the steps it is kept in.

use alloc::vec::Vec;

use veglia_wire::{DeviceEvent, Site};

use crate::gatt::Uuid;
use crate::time::DateTime;

/// Pulse Oximeter Service.
pub const PULSE_OXIMETER: Uuid = Uuid::sig(0x1822);
/// PLX Spot-Check Measurement, by indication.
pub const PLX_SPOT_CHECK: Uuid = Uuid::sig(0x2A5E);
/// PLX Continuous Measurement, by notification.
pub const PLX_CONTINUOUS: Uuid = Uuid::sig(0x2A5F);
/// PLX Features, to be read: [`PlxFeatures`](crate::plx::Features).
pub const PLX_FEATURES: Uuid = Uuid::sig(0x2A60);
/// Health Thermometer Service.
pub const HEALTH_THERMOMETER: Uuid = Uuid::sig(0x1809);
/// Temperature Measurement, final, by indication.
pub const TEMPERATURE_MEASUREMENT: Uuid = Uuid::sig(0x2A1C);
/// Intermediate Temperature: still climbing, and never stored. Not to be subscribed to.
pub const INTERMEDIATE_TEMPERATURE: Uuid = Uuid::sig(0x2A1E);
/// Temperature Type, to be read: where the thermometer measures when it does not say so each time.
pub const TEMPERATURE_TYPE: Uuid = Uuid::sig(0x2A1D);
/// Record Access Control Point: [`racp`](crate::racp).
pub const RECORD_ACCESS: Uuid = Uuid::sig(0x2A52);
/// Date Time, on devices that let their clock be read and set.
pub const DATE_TIME: Uuid = Uuid::sig(0x2A08);
/// Current Time Service.
pub const CURRENT_TIME_SERVICE: Uuid = Uuid::sig(0x1805);
/// Current Time.
pub const CURRENT_TIME: Uuid = Uuid::sig(0x2A2B);
/// Battery Service.
pub const BATTERY: Uuid = Uuid::sig(0x180F);
/// Battery Level, one byte of percent.
pub const BATTERY_LEVEL: Uuid = Uuid::sig(0x2A19);
/// Device Information Service.
pub const DEVICE_INFORMATION: Uuid = Uuid::sig(0x180A);
/// Serial Number String.
pub const SERIAL_NUMBER: Uuid = Uuid::sig(0x2A25);

/// The 16-bit floating-point word SFLOAT as it came: four bits of exponent above twelve of
/// mantissa, both signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SFloat(pub u16);

/// The 32-bit floating-point word FLOAT as it came: eight bits of exponent above 24 of mantissa,
/// both signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Float(pub u32);

impl SFloat {
    /// Not a number: what a device sends that has no value.
    pub const NAN: Self = Self(0x07FF);

    /// A whole number of tenths, for simulated devices; the missing value when it does not fit.
    #[must_use]
    pub fn tenths(tenths: i16) -> Self {
        let fits = (-2047..=2045).contains(&tenths);
        let mantissa = tenths.cast_unsigned() & 0x0FFF;
        if fits {
            Self(0xF000 | mantissa)
        } else {
            Self::NAN
        }
    }

    /// The value in steps of 10^-`decimals`, rounded to the nearest. None for the five reserved
    /// words (no number, no resolution, the infinities, reserved) and for what does not fit.
    #[must_use]
    pub fn steps(self, decimals: u8) -> Option<i32> {
        // Only the exact words are reserved: the same mantissa with an exponent is a number.
        if matches!(self.0, 0x07FE..=0x0802) {
            return None;
        }
        let [high, _] = self.0.to_be_bytes();
        let exponent = i32::from(high.cast_signed() >> 4);
        let mantissa = i32::from((self.0 << 4).cast_signed() >> 4);
        scaled(mantissa, exponent + i32::from(decimals))
    }
}

impl Float {
    /// Not a number: what a device sends that has no value.
    pub const NAN: Self = Self(0x007F_FFFF);

    /// A whole number of hundredths, for simulated devices; the missing value when it does not fit.
    #[must_use]
    pub fn hundredths(hundredths: i32) -> Self {
        let fits = (-0x7F_FFFD..=0x7F_FFFD).contains(&hundredths);
        let mantissa = hundredths.cast_unsigned() & 0x00FF_FFFF;
        if fits {
            Self(0xFE00_0000 | mantissa)
        } else {
            Self::NAN
        }
    }

    /// The value in steps of 10^-`decimals`, as [`SFloat::steps`].
    #[must_use]
    pub fn steps(self, decimals: u8) -> Option<i32> {
        if matches!(self.0, 0x007F_FFFE..=0x0080_0002) {
            return None;
        }
        let [high, ..] = self.0.to_be_bytes();
        let exponent = i32::from(high.cast_signed());
        let mantissa = (self.0 << 8).cast_signed() >> 8;
        scaled(mantissa, exponent + i32::from(decimals))
    }
}

/// `mantissa` times ten to the `exponent`, rounded half away from zero.
fn scaled(mantissa: i32, exponent: i32) -> Option<i32> {
    if mantissa == 0 {
        return Some(0);
    }
    let power = 10_i64.checked_pow(exponent.unsigned_abs());
    let mantissa = i64::from(mantissa);
    let value = match (exponent >= 0, power) {
        (true, power) => mantissa.checked_mul(power?)?,
        (false, None) => 0,
        (false, Some(power)) => {
            let half = power / 2 * mantissa.signum();
            (mantissa + half) / power
        }
    };
    i32::try_from(value).ok()
}

/// The seven bytes of a Date Time, as devices read and write it.
#[must_use]
pub fn encode_date_time(time: DateTime) -> [u8; 7] {
    let [low, high] = time.year.to_le_bytes();
    let DateTime {
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = time;
    [low, high, month, day, hour, minute, second]
}

/// Reads a Date Time. What it says need not be a date: see [`DateTime::seconds`].
#[must_use]
pub fn decode_date_time(bytes: [u8; 7]) -> DateTime {
    let [low, high, month, day, hour, minute, second] = bytes;
    DateTime {
        year: u16::from_le_bytes([low, high]),
        month,
        day,
        hour,
        minute,
        second,
    }
}

/// The ten bytes of a Current Time that was set by hand of a gateway: the reason is "manual time
/// update", the fraction of a second zero.
#[must_use]
pub fn encode_current_time(time: DateTime) -> [u8; 10] {
    const MANUAL_UPDATE: u8 = 1;
    let [a, b, c, d, e, f, g] = encode_date_time(time);
    let weekday = time.weekday().unwrap_or(0);
    [a, b, c, d, e, f, g, weekday, 0, MANUAL_UPDATE]
}

/// Reads a Current Time; none when it has not its ten bytes. Weekday and fraction say nothing
/// that the rest does not.
#[must_use]
pub fn decode_current_time(value: &[u8]) -> Option<DateTime> {
    let value: &[u8; 10] = value.try_into().ok()?;
    value.first_chunk().copied().map(decode_date_time)
}

/// Reads a Battery Level; none when it is not one byte of percent.
#[must_use]
pub fn decode_battery(value: &[u8]) -> Option<DeviceEvent> {
    match value {
        [percent @ 0..=100] => Some(DeviceEvent::BatteryPercent(*percent)),
        _ => None,
    }
}

/// Reads a Temperature Type; none when it is not one byte that is in the table.
#[must_use]
pub fn decode_temperature_type(value: &[u8]) -> Option<Site> {
    match value {
        [code @ 1..=9] => Site::from_code(*code),
        _ => None,
    }
}

/// Takes fields off the head of an attribute value, little endian.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u24(&mut self) -> Option<u32> {
        self.take()
            .map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    pub(crate) fn sfloat(&mut self) -> Option<SFloat> {
        self.u16().map(SFloat)
    }

    pub(crate) fn date_time(&mut self) -> Option<DateTime> {
        self.take().map(decode_date_time)
    }

    /// A field that is there only if a flag says so; the outer none is a value cut short.
    pub(crate) fn when<T>(
        &mut self,
        is_there: bool,
        take: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if is_there {
            take(self).map(Some)
        } else {
            Some(None)
        }
    }

    /// The value ends here.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Appends a 24-bit field.
pub(crate) fn put_u24(out: &mut Vec<u8>, value: u32) {
    let [a, b, c, _] = value.to_le_bytes();
    out.extend([a, b, c]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_number_the_standard_says() {
        let table = [
            (0x0064, Some(1000)),
            (0xF3E8, Some(1000)),
            (0x005A, Some(900)),
            (0xF057, Some(87)),
            (0xE366, Some(87)),
            (0x700A, Some(1_000_000_000)),
            (0x7FF6, Some(-1_000_000_000)),
            (0x8062, Some(0)),
            (0x7062, None),
            // The mantissa of a missing value, with an exponent: a number like any other.
            (0xF7FF, Some(2047)),
            (0xF800, Some(-2048)),
        ];
        for (word, tenths) in table {
            assert_eq!(SFloat(word).steps(1), tenths, "{word:04x}");
        }
        let table = [
            (0xFF00_0172, Some(3700)),
            (0xFE00_0E10, Some(3600)),
            (0xFE00_0EB0, Some(3760)),
            (0xFD00_92E4, Some(3760)),
            (0xFEFF_FF38, Some(-200)),
            (0x807F_FFFF, Some(0)),
            (0x7F00_0001, None),
        ];
        for (word, hundredths) in table {
            assert_eq!(Float(word).steps(2), hundredths, "{word:08x}");
        }
    }

    #[test]
    fn the_reserved_words_are_no_numbers_and_no_other_is_reserved() {
        for word in [0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802] {
            assert_eq!(SFloat(word).steps(0), None);
        }
        assert_eq!(SFloat(0x07FD).steps(0), Some(2045));
        assert_eq!(SFloat(0x0803).steps(0), Some(-2045));
        for word in [
            0x007F_FFFE,
            0x007F_FFFF,
            0x0080_0000,
            0x0080_0001,
            0x0080_0002,
        ] {
            assert_eq!(Float(word).steps(0), None);
        }
        assert_eq!(Float(0x007F_FFFD).steps(0), Some(8_388_605));
    }

    #[test]
    fn what_a_simulated_device_writes_is_read_as_it_was_meant() {
        for tenths in -2047..=2045 {
            assert_eq!(SFloat::tenths(tenths).steps(1), Some(i32::from(tenths)));
        }
        assert_eq!(SFloat::tenths(2047), SFloat::NAN);
        for hundredths in [-5000, 0, 3760, 10_000] {
            assert_eq!(Float::hundredths(hundredths).steps(2), Some(hundredths));
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_and_never_past_it() {
        // 97.46, 97.44 and -0.05 in tenths
        assert_eq!(scaled(9746, -1), Some(975));
        assert_eq!(scaled(9744, -1), Some(974));
        assert_eq!(scaled(-5, -1), Some(-1));
        assert_eq!(scaled(1, i32::MAX), None);
        assert_eq!(scaled(1, i32::MIN), Some(0));
        assert_eq!(scaled(0, i32::MAX), Some(0));
    }

    #[test]
    fn clocks_are_written_as_they_are_read() {
        let time = DateTime {
            year: 2024,
            month: 11,
            day: 29,
            hour: 23,
            minute: 8,
            second: 57,
        };
        let bytes = [0xE8, 0x07, 0x0B, 0x1D, 0x17, 0x08, 0x39];
        assert_eq!(encode_date_time(time), bytes);
        assert_eq!(decode_date_time(bytes), time);
        let current = encode_current_time(time);
        assert_eq!(current[7..], [5, 0, 1], "a Friday, by hand");
        assert_eq!(decode_current_time(&current), Some(time));
        assert_eq!(decode_current_time(&current[..9]), None);
    }

    #[test]
    fn a_battery_is_a_byte_of_percent_and_a_site_is_one_of_nine() {
        let level = Some(DeviceEvent::BatteryPercent(100));
        assert_eq!(decode_battery(&[100]), level);
        for wrong in [&[101][..], &[], &[50, 0]] {
            assert_eq!(decode_battery(wrong), None);
        }
        assert_eq!(decode_temperature_type(&[3]), Some(Site::Ear));
        for wrong in [&[0][..], &[10], &[], &[3, 3]] {
            assert_eq!(decode_temperature_type(wrong), None);
        }
    }
}
