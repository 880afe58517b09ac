//! Hours of a week, as people keep them: `mon-fri 08:00-20:00, sat 08:00-10:00`.
//!
//! They are hours on the clock of the wall in Italy: at eight it is eight, on both sides of the
//! change to summer time, and the hour that comes twice belongs to whoever has it. An end that is
//! not after its beginning is on the next day (`22:00-07:00`). `always` is the whole week.
//! Holidays are not known: an absence says who stands in then.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use thiserror::Error;
use veglia_wire::WallMs;

/// Where all hours and dates of the centre are told.
pub const TIME_ZONE: &str = "Europe/Rome";

/// What is written for the whole week.
const ALWAYS: &str = "always";

/// Spans in one text: three a day for seven days, more than anybody keeps.
const MAX_SPANS: usize = 21;

const DAY_MINUTES: i32 = 24 * 60;
const WEEK_MINUTES: i32 = 7 * DAY_MINUTES;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Which hours of the week.
#[derive(Clone, PartialEq, Eq)]
pub struct Hours {
    /// As it was written, for showing and for a column.
    text: String,
    spans: Vec<WeekSpan>,
}

/// Minutes of the week, Monday 00:00 being 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WeekSpan {
    start: i32,
    length: i32,
}

/// Why a text says no hours.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error(
    "{0:?} says no hours: write for instance \"mon-fri 08:00-20:00, sat 08:00-10:00\", or always"
)]
pub struct HoursError(String);

/// The time zone is not there, or the moment is outside of every calendar.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("the time cannot be told in {TIME_ZONE}")]
pub struct CalendarError;

impl Hours {
    /// The whole week.
    #[must_use]
    pub fn always() -> Self {
        let whole = WeekSpan {
            start: 0,
            length: WEEK_MINUTES,
        };
        Self {
            text: ALWAYS.to_owned(),
            spans: vec![whole],
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `at` is within them.
    ///
    /// # Errors
    /// When the moment cannot be told in local time.
    pub fn contain(&self, at: WallMs) -> Result<bool, CalendarError> {
        let minute = minute_of_week(local(at)?);
        Ok(self.spans.iter().any(|span| span.left_at(minute).is_some()))
    }

    /// The first moment from `at` on that is within them.
    ///
    /// # Errors
    /// When the moment cannot be told in local time.
    pub fn next_opening(&self, at: WallMs) -> Result<WallMs, CalendarError> {
        if self.contain(at)? {
            return Ok(at);
        }
        let now = local(at)?;
        let minute = minute_of_week(now);
        let until = |span: &WeekSpan| (span.start - minute).rem_euclid(WEEK_MINUTES);
        let wait = self.spans.iter().map(until).min().unwrap_or_default();
        after(now, wait)
    }

    /// The first moment from `at` on that is not within them; a week later when they never end.
    ///
    /// # Errors
    /// When the moment cannot be told in local time.
    pub fn next_closing(&self, at: WallMs) -> Result<WallMs, CalendarError> {
        let now = local(at)?;
        let start = minute_of_week(now);
        let mut passed = 0;
        // Spans may touch: each step goes to the end of one, and none longer than the week counts.
        while passed < WEEK_MINUTES {
            let minute = (start + passed).rem_euclid(WEEK_MINUTES);
            let left = self.spans.iter().filter_map(|span| span.left_at(minute));
            match left.max() {
                Some(left) => passed += left,
                None => break,
            }
        }
        if passed == 0 {
            return Ok(at);
        }
        after(now, passed.min(WEEK_MINUTES))
    }
}

impl WeekSpan {
    /// How many minutes of it are left at a minute of the week, if that is within.
    fn left_at(self, minute: i32) -> Option<i32> {
        let into = (minute - self.start).rem_euclid(WEEK_MINUTES);
        (into < self.length).then_some(self.length - into)
    }
}

fn zone() -> Result<TimeZone, CalendarError> {
    TimeZone::get(TIME_ZONE).map_err(|_| CalendarError)
}

fn local(at: WallMs) -> Result<DateTime, CalendarError> {
    let at = Timestamp::from_millisecond(at.0).map_err(|_| CalendarError)?;
    Ok(at.to_zoned(zone()?).datetime())
}

fn minute_of_week(at: DateTime) -> i32 {
    let day = i32::from(at.weekday().to_monday_zero_offset());
    day * DAY_MINUTES + i32::from(at.hour()) * 60 + i32::from(at.minute())
}

/// The beginning of the minute that the clock shows so many minutes later.
fn after(now: DateTime, minutes: i32) -> Result<WallMs, CalendarError> {
    let whole = now.with().second(0).subsec_nanosecond(0).build();
    let whole = whole.map_err(|_| CalendarError)?;
    let then = whole.checked_add(Span::new().minutes(minutes));
    let then = then.map_err(|_| CalendarError)?;
    moment(then)
}

/// A moment as people in Italy write it, to the minute: `02/11/2020 08:30`.
#[must_use]
pub fn in_italy(at: WallMs) -> String {
    // A moment outside every calendar is shown as it is.
    local(at).map_or_else(
        |_| format!("{} ms", at.0),
        |local| local.strftime("%d/%m/%Y %H:%M").to_string(),
    )
}

/// The moment at which the clock in Italy shows `shown`; of two such moments the first.
pub(crate) fn moment(shown: DateTime) -> Result<WallMs, CalendarError> {
    let zoned = zone()?.to_zoned(shown).map_err(|_| CalendarError)?;
    Ok(WallMs(zoned.timestamp().as_millisecond()))
}

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let text = text.trim();
        if text == ALWAYS {
            return Ok(Self::always());
        }
        let refused = || HoursError(text.chars().take(100).collect());
        let mut spans = Vec::new();
        for part in text.split(',') {
            let (days, times) = part.trim().split_once(' ').ok_or_else(refused)?;
            let (begin, end) = times.trim().split_once('-').ok_or_else(refused)?;
            let begin = minute_of_day(begin).ok_or_else(refused)?;
            let end = minute_of_day(end).ok_or_else(refused)?;
            let length = match (end - begin).rem_euclid(DAY_MINUTES) {
                0 => DAY_MINUTES,
                length => length,
            };
            for day in days_of(days).ok_or_else(refused)? {
                let start = day * DAY_MINUTES + begin;
                spans.push(WeekSpan { start, length });
            }
        }
        if spans.len() > MAX_SPANS {
            return Err(refused());
        }
        let text = text.to_owned();
        Ok(Self { text, spans })
    }
}

/// `mon`, or `fri-mon` over the end of the week.
fn days_of(text: &str) -> Option<Vec<i32>> {
    let place = |name: &str| DAYS.iter().zip(0_i32..).find(|(day, _)| **day == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ((_, first), (_, last)) = (place(first)?, place(last)?);
    let more = (last - first).rem_euclid(7);
    Some(
        (0..=more)
            .map(|next| (first + next).rem_euclid(7))
            .collect(),
    )
}

/// `00:00` to `24:00`.
fn minute_of_day(text: &str) -> Option<i32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<i32>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= DAY_MINUTES).then_some(of_day)
}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hours({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(day: i8, hour: i8, minute: i8) -> WallMs {
        moment(date(2020, 10, day).at(hour, minute, 0, 0)).unwrap()
    }

    fn hours(text: &str) -> Hours {
        text.parse().unwrap()
    }

    #[test]
    fn hours_are_told_by_the_clock_on_the_wall_on_both_sides_of_summer_time() {
        let surgery = hours("mon-fri 08:00-20:00, sat 08:00-10:00");
        for (day, hour, open) in [
            (23, 7, false), // a Friday in summer time
            (23, 8, true),
            (23, 19, true),
            (23, 20, false),
            (24, 9, true),
            (24, 10, false),
            (25, 9, false), // the Sunday of the change
            (26, 8, true),
        ] {
            assert_eq!(surgery.contain(at(day, hour, 0)), Ok(open), "{day}. {hour}");
        }
        let opening = surgery.next_opening(at(24, 12, 0));
        assert_eq!(opening, Ok(at(26, 8, 0)));
        // Saturday noon to Monday eight is 44 hours on the clock and 45 in truth.
        assert_eq!(at(26, 8, 0).since(at(24, 12, 0)), 45 * 3_600_000);
    }

    #[test]
    fn quiet_hours_reach_over_midnight_and_over_the_end_of_the_week() {
        let quiet = hours("mon-sun 22:00-07:00");
        assert_eq!(quiet.contain(at(25, 23, 30)), Ok(true));
        assert_eq!(quiet.contain(at(26, 6, 59)), Ok(true));
        assert_eq!(quiet.contain(at(26, 7, 0)), Ok(false));
        assert_eq!(quiet.next_closing(at(25, 23, 30)), Ok(at(26, 7, 0)));
        assert_eq!(quiet.next_closing(at(26, 12, 0)), Ok(at(26, 12, 0)));
    }

    #[test]
    fn what_is_always_open_opens_at_once_and_spans_that_touch_are_one() {
        let now = at(24, 3, 4);
        assert_eq!(Hours::always().next_opening(now), Ok(now));
        let touching = hours("mon 08:00-12:00, mon 12:00-20:00");
        assert_eq!(touching.next_closing(at(26, 9, 0)), Ok(at(26, 20, 0)));
        assert_eq!(hours("sun 00:00-24:00").contain(at(25, 2, 30)), Ok(true));
    }

    #[test]
    fn a_moment_is_shown_by_the_clock_in_italy() {
        assert_eq!(in_italy(WallMs(1_604_302_200_000)), "02/11/2020 08:30");
        assert_eq!(in_italy(WallMs(i64::MAX)), "9223372036854775807 ms");
    }

    #[test]
    fn what_says_no_hours_is_refused() {
        for text in [
            "",
            "lun 8-9",
            "mon",
            "mon 08:00",
            "mon 8:00-9:00",
            "mon 08:60-09:00",
        ] {
            let refused = text.parse::<Hours>().unwrap_err();
            assert!(refused.to_string().contains("mon-fri 08:00"), "{text}");
        }
        assert!("mon 25:00-26:00".parse::<Hours>().is_err());
        assert!("mon-xyz 08:00-09:00".parse::<Hours>().is_err());
    }
}
