//! Civil time as devices keep it: a calendar and a clock, without a zone.
//!
//! Nothing here knows what time it is. Which of two clocks is right is decided by whoever has
//! both; a device's time is handed on as it was said.

use core::fmt;

use serde::ser::{Serialize, Serializer};

/// Seconds since 1970-01-01 00:00 by the calendar of the device itself, whose zone nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceTime(pub i64);

/// A date and time as a device says it, field by field; zero in the date is a device that does
/// not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateTime {
    /// Year, such as 2020; 0 = not known.
    pub year: u16,
    /// Month from 1; 0 = not known.
    pub month: u8,
    /// Day of the month from 1; 0 = not known.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
}

/// As it was said: `2020-10-20T08:00:00`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const DAY_S: i64 = 86_400;

impl DateTime {
    /// Seconds of a date that is known and in the calendar; none of any other.
    #[must_use]
    pub fn seconds(self) -> Option<DeviceTime> {
        let is_date = self.year > 0
            && (1..=12).contains(&self.month)
            && (1..=days_of(self.year, self.month)).contains(&self.day);
        let is_time = self.hour < 24 && self.minute < 60 && self.second < 60;
        (is_date && is_time).then(|| {
            let clock =
                i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
            DeviceTime(days_before(self.year, self.month, self.day) * DAY_S + clock)
        })
    }

    /// The date and time that a count of seconds stands for, to set a device's clock by; none
    /// before the year 1 or after 9999.
    #[must_use]
    pub fn at(time: DeviceTime) -> Option<Self> {
        let (days, clock) = (time.0.div_euclid(DAY_S), time.0.rem_euclid(DAY_S));
        let (year, month, day) = date_of(days)?;
        Some(Self {
            year,
            month,
            day,
            hour: u8::try_from(clock / 3600).ok()?,
            minute: u8::try_from(clock / 60 % 60).ok()?,
            second: u8::try_from(clock % 60).ok()?,
        })
    }

    /// Day of the week from Monday = 1; none of a date that is not known.
    #[must_use]
    pub fn weekday(self) -> Option<u8> {
        let days = self.seconds()?.0.div_euclid(DAY_S);
        // 1970-01-01 was a Thursday.
        u8::try_from((days + 3).rem_euclid(7) + 1).ok()
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date; years are taken to begin in March, so that the day of the leap
/// is their last.
fn days_before(year: u16, month: u8, day: u8) -> i64 {
    let is_after_february = month > 2;
    let year = i64::from(year) - i64::from(!is_after_february);
    let month = i64::from(month) + if is_after_february { -3 } else { 9 };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468
}

fn date_of(days: i64) -> Option<(u16, u8, u8)> {
    let days = days.checked_add(719_468)?;
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let in_era_year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * in_era_year + in_era_year / 4 - in_era_year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = in_era_year + era * 400 + i64::from(month <= 2);
    let year = u16::try_from(year)
        .ok()
        .filter(|year| (1..=9999).contains(year))?;
    Some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn date(year: u16, month: u8, day: u8) -> DateTime {
        DateTime {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
        }
    }

    #[test]
    fn a_date_is_a_count_of_seconds_and_back() {
        let spot = DateTime {
            hour: 23,
            minute: 8,
            second: 57,
            ..date(2024, 11, 29)
        };
        let table = [
            (date(1970, 1, 1), 0),
            (date(2000, 2, 29), 951_782_400),
            (spot, 1_732_921_737),
            (date(1, 1, 1), -62_135_596_800),
        ];
        for (date, seconds) in table {
            assert_eq!(date.seconds(), Some(DeviceTime(seconds)));
            assert_eq!(DateTime::at(DeviceTime(seconds)), Some(date));
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for days in -1_000..146_097 {
            let time = DeviceTime(days * DAY_S);
            let date = DateTime::at(time).expect("a year from 1 to 9999");
            assert_eq!(date.seconds(), Some(time));
        }
    }

    #[test]
    fn what_a_device_does_not_know_is_no_time() {
        let unknown = [
            date(0, 5, 5),
            date(2020, 0, 5),
            date(2020, 5, 0),
            date(2021, 2, 29),
            date(2020, 13, 1),
            DateTime {
                hour: 24,
                ..date(2020, 5, 5)
            },
        ];
        for each in unknown {
            assert_eq!(each.seconds(), None, "{each:?}");
        }
        assert_eq!(DateTime::at(DeviceTime(i64::MAX)), None);
        assert_eq!(DateTime::at(DeviceTime(i64::MIN)), None);
    }

    #[test]
    fn a_week_begins_on_monday() {
        assert_eq!(date(1970, 1, 1).weekday(), Some(4));
        assert_eq!(date(2026, 11, 22).weekday(), Some(7));
    }
}
