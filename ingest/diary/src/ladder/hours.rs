//! When family doctors can be reached in Italy: working days, days before a holiday, holidays.
//!
//! Calendar arithmetic in the data's own zone, so that an opening at eight stays at eight over
//! both changes of the clock. The hours of one doctor and substitutes are kept with the doctor.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use veglia_wire::WallMs;

use super::course::{LadderError, Reader, sourced};

/// Days looked ahead for an opening: no holidays in a row are as long.
const DAYS_AHEAD: i32 = 30;

/// The hours of family doctors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    zone: TimeZone,
    opens: Time,
    closes: Time,
    /// On the day before a holiday.
    closes_early: Time,
    /// Month and day.
    fixed: Vec<(i8, i8)>,
    moving: Vec<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[expect(dead_code, reason = "names the file for the people who keep it")]
    id: String,
    #[expect(dead_code, reason = "names the file for the people who keep it")]
    version: u32,
    time_zone: toml::Spanned<String>,
    week: toml::Spanned<WeekText>,
    holidays: toml::Spanned<FixedText>,
    easter_mondays: toml::Spanned<MovingText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeekText {
    from: Time,
    to: Time,
    to_before_holiday: Time,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixedText {
    fixed: Vec<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MovingText {
    days: Vec<Date>,
    source: String,
}

impl Hours {
    /// Reads a table of hours.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(toml: &str) -> Result<Self, LadderError> {
        let reader = Reader(toml);
        let text: Text = reader.read()?;
        let zone = TimeZoneDatabase::bundled().get(text.time_zone.get_ref());
        let zone = zone.map_err(|_| reader.fault(text.time_zone.span(), "no such time zone"))?;
        let week = sourced(&reader, &text.week, |it| &it.source)?;
        if !(week.from < week.to_before_holiday && week.to_before_holiday <= week.to) {
            let reason = "from, to_before_holiday and to must follow one another";
            return Err(reader.fault(text.week.span(), reason));
        }
        let holidays = sourced(&reader, &text.holidays, |it| &it.source)?;
        let fixed = holidays.fixed.iter().map(|day| month_and_day(day));
        let fixed: Option<Vec<(i8, i8)>> = fixed.collect();
        let reason = "a holiday is written MM-DD";
        Ok(Self {
            zone,
            opens: week.from,
            closes: week.to,
            closes_early: week.to_before_holiday,
            fixed: fixed.ok_or_else(|| reader.fault(text.holidays.span(), reason))?,
            moving: sourced(&reader, &text.easter_mondays, |it| &it.source)?
                .days
                .clone(),
        })
    }

    /// Whether a family doctor can be reached.
    #[must_use]
    pub fn is_open(&self, at: WallMs) -> bool {
        let Ok(moment) = Timestamp::from_millisecond(at.0) else {
            return false;
        };
        let local = moment.to_zoned(self.zone.clone());
        self.closing(local.date())
            .is_some_and(|closes| (self.opens..closes).contains(&local.time()))
    }

    /// The first moment, from `at` on, at which one can be reached.
    #[must_use]
    pub fn next_opening(&self, at: WallMs) -> WallMs {
        if self.is_open(at) {
            return at;
        }
        self.next(at, self.opens)
    }

    /// The first moment from `at` on with this time of day at which one can be reached.
    #[must_use]
    pub fn next(&self, at: WallMs, time: Time) -> WallMs {
        // A moment that no calendar has is told of at once rather than never.
        let Ok(moment) = Timestamp::from_millisecond(at.0) else {
            return at;
        };
        let today = moment.to_zoned(self.zone.clone()).date();
        let days = (0..DAYS_AHEAD).filter_map(|ahead| today.checked_add(ahead.days()).ok());
        let mut moments = days
            .filter(|day| self.closing(*day).is_some_and(|closes| time < closes))
            .filter_map(|day| day.to_datetime(time).to_zoned(self.zone.clone()).ok())
            .map(|moment| WallMs(moment.timestamp().as_millisecond()));
        moments.find(|moment| *moment >= at).unwrap_or(at)
    }

    /// When the day ends for a family doctor; `None` on a day without them.
    fn closing(&self, day: Date) -> Option<Time> {
        if self.is_holiday(day) {
            return None;
        }
        let is_before = day.tomorrow().is_ok_and(|next| self.is_holiday(next));
        Some(if is_before {
            self.closes_early
        } else {
            self.closes
        })
    }

    fn is_holiday(&self, day: Date) -> bool {
        day.weekday() == Weekday::Sunday
            || self.fixed.contains(&(day.month(), day.day()))
            || self.moving.contains(&day)
    }
}

fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // A leap year, so that every day of every year is one.
    Date::new(2020, month, day).ok()?;
    Some((month, day))
}
