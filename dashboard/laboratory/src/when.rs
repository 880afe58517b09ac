//! Days and moments as laboratories write them, meant on the clocks of Italy.
//!
//! Taken: HL7 (`20201020`, `202010201030`, `20201020103000.123+0200`), ISO (`2020-10-20 10:30`,
//! with `T`, with seconds, with an offset) and Italian (`20/10/2020 10:30`). Without an offset it
//! is Europe/Rome. Where the clock is set back an hour comes twice: then the first is meant, and
//! it is said that it is not certain. Where it is set forward an hour does not exist, and neither
//! does a moment in it. A day without an hour stays a day: no hour is invented.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use veglia_people::TIME_ZONE;
use veglia_wire::WallMs;

/// Longest text that can be a moment.
const TEXT_BYTES_MAX: usize = 40;

/// A day in Italy, perhaps with the moment in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// The calendar day in Italy.
    pub(crate) day: Date,
    /// The moment; none where only the day is known.
    pub(crate) at: Option<WallMs>,
    /// Whether the hour came twice that day, and this is the first.
    pub(crate) is_doubtful: bool,
}

/// The day and moment that a text says, if it says one.
pub(crate) fn read(text: &str) -> Option<When> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let (civil, offset) = split_offset(text);
    let (day, time) = match civil.bytes().position(|it| it == b'-' || it == b'/') {
        Some(_) => people(civil)?,
        None => hl7(civil)?,
    };
    let Some(time) = time else {
        // An offset without an hour is none.
        return offset.is_none().then_some(When {
            day,
            at: None,
            is_doubtful: false,
        });
    };
    let civil = DateTime::from_parts(day, time);
    let zone = TimeZone::get(TIME_ZONE).ok()?;
    let (at, is_doubtful) = match offset {
        Some(offset) => (offset?.to_timestamp(civil).ok()?, false),
        None => {
            let meant = zone.to_ambiguous_timestamp(civil);
            let is_doubtful = meant.is_ambiguous();
            (first(meant)?, is_doubtful)
        }
    };
    Some(When {
        day: at.to_zoned(zone).date(),
        at: Some(WallMs(at.as_millisecond())),
        is_doubtful,
    })
}

/// A day alone, such as a birthday.
pub(crate) fn read_day(text: &str) -> Option<Date> {
    let digits = text.trim();
    match digits.bytes().all(|it| it.is_ascii_digit()) && digits.len() > 8 {
        // Some write an hour behind a birthday.
        true => read(digits.get(..8)?).map(|it| it.day),
        false => read(digits).map(|it| it.day),
    }
}

/// The first of two; none where the hour does not exist.
fn first(meant: jiff::tz::AmbiguousTimestamp) -> Option<Timestamp> {
    match meant.offset() {
        jiff::tz::AmbiguousOffset::Gap { .. } => None,
        _ => meant.earlier().ok(),
    }
}

/// What stands before an offset, and the offset: none where there is none, `Some(None)` where it
/// cannot be one.
fn split_offset(text: &str) -> (&str, Option<Option<Offset>>) {
    if let Some(civil) = text.strip_suffix(['Z', 'z']) {
        return (civil, Some(Some(Offset::UTC)));
    }
    // A hyphen is of an offset only behind an hour.
    let hour = text.find([':', 'T', ' ']).or_else(|| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        (digits >= 8).then_some(digits)
    });
    let sign = hour.and_then(|from| Some(from + text.get(from..)?.rfind(['+', '-'])?));
    let Some((civil, offset)) = sign.and_then(|at| text.split_at_checked(at)) else {
        return (text, None);
    };
    (civil.trim_end(), Some(read_offset(offset)))
}

fn read_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    let hours = numbers(&digits, &[2, 2])?;
    let [hours, minutes] = hours[..] else {
        return None;
    };
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = (i32::from(hours) * 60 + i32::from(minutes)) * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

/// `YYYYMMDD[HH[MM[SS[.S…]]]]`
fn hl7(text: &str) -> Option<(Date, Option<Time>)> {
    let (text, _fraction) = whole(text)?;
    let (day, time) = text.split_at_checked(8)?;
    let parts = numbers(day, &[4, 2, 2])?;
    let [year, month, day] = parts[..] else {
        return None;
    };
    let day = date(year, month, day)?;
    let time = match time.len() {
        0 => None,
        2 => Some(clock(&numbers(time, &[2])?)?),
        4 => Some(clock(&numbers(time, &[2, 2])?)?),
        6 => Some(clock(&numbers(time, &[2, 2, 2])?)?),
        _ => return None,
    };
    Some((day, time))
}

/// `2020-10-20` or `20/10/2020`, and perhaps an hour.
fn people(text: &str) -> Option<(Date, Option<Time>)> {
    let (day, time) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, Some(time.trim())),
        None => (text, None),
    };
    let parts: Vec<&str> = day.split(['-', '/']).collect();
    let [first, month, last] = parts[..] else {
        return None;
    };
    let month = one(month, 1..=2)?;
    let day = match (one(first, 4..=4), one(last, 1..=2)) {
        (Some(year), Some(day)) => date(year, month, day)?,
        _ => date(one(last, 4..=4)?, month, one(first, 1..=2)?)?,
    };
    let Some(time) = time else {
        return Some((day, None));
    };
    let (time, _fraction) = whole(time)?;
    let parts: Option<Vec<i16>> = time.split([':', '.']).map(|it| one(it, 1..=2)).collect();
    let parts = parts.filter(|it| it.len() >= 2)?;
    Some((day, Some(clock(&parts)?)))
}

/// Without a fraction of a second, which nobody needs.
fn whole(text: &str) -> Option<(&str, &str)> {
    // 10.30 is an hour as Italians write it, and a fraction only behind the seconds.
    let is_of_seconds = |before: &str| before.contains(':') || before.len() == 14;
    match text.rsplit_once('.') {
        Some((before, fraction)) if is_of_seconds(before) => {
            let is_number = !fraction.is_empty() && fraction.bytes().all(|it| it.is_ascii_digit());
            is_number.then_some((before, fraction))
        }
        _ => Some((text, "")),
    }
}

fn one(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let is_number = text.bytes().all(|it| it.is_ascii_digit());
    (is_number && digits.contains(&text.len()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Numbers of so many digits each, and nothing else.
fn numbers(text: &str, digits: &[usize]) -> Option<Vec<i16>> {
    let mut rest = text;
    let mut numbers = Vec::with_capacity(digits.len());
    for many in digits {
        let (number, next) = rest.split_at_checked(*many)?;
        numbers.push(one(number, *many..=*many)?);
        rest = next;
    }
    rest.is_empty().then_some(numbers)
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn clock(parts: &[i16]) -> Option<Time> {
    let part = |place: usize| i8::try_from(parts.get(place).copied().unwrap_or_default()).ok();
    if parts.len() > 3 {
        return None;
    }
    Time::new(part(0)?, part(1)?, part(2)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> String {
        let at = read(text).and_then(|it| it.at).unwrap();
        Timestamp::from_millisecond(at.0).unwrap().to_string()
    }

    #[test]
    fn the_ways_in_which_laboratories_write_a_moment_say_the_same() {
        for text in [
            "202010201030",
            "20201020103000",
            "20201020103000.1234",
            "202010201030+0200",
            "20201020083000+0000",
            "2020-10-20T10:30:00+02:00",
            "2020-10-20T08:30:00.000Z",
            "2020-10-20 10:30",
            "20/10/2020 10:30",
            "20/10/2020 10.30",
            "20-10-2020 10:30:00",
            " 202010201030 ",
        ] {
            assert_eq!(utc(text), "2020-10-20T08:30:00Z", "{text}");
        }
    }

    #[test]
    fn a_day_stays_a_day() {
        for text in ["20201020", "2020-10-20", "20/10/2020"] {
            let when = read(text).unwrap();
            assert_eq!((when.day, when.at), (date(2020, 10, 20), None), "{text}");
        }
        assert_eq!(read_day("198503030000"), Some(date(1985, 3, 3)));
    }

    #[test]
    fn the_day_is_the_one_in_italy_whatever_the_offset() {
        let when = read("202010192330+0000").unwrap();
        assert_eq!(when.day, date(2020, 10, 20));
    }

    #[test]
    fn an_hour_that_comes_twice_is_said_and_one_that_never_comes_is_none() {
        let twice = read("202010250230").unwrap();
        assert!(twice.is_doubtful);
        assert_eq!(utc("202010250230"), "2020-10-25T00:30:00Z");
        assert!(!read("202010250230+0100").unwrap().is_doubtful);
        assert_eq!(read("202103280230"), None);
        assert!(read("202103280230+0100").is_some());
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "2020",
            "202010",
            "20201320",
            "20200230",
            "2020102",
            "202010201",
            "2020102025",
            "202010201060",
            "domani",
            "20/10/20",
            "2020-10-20 25:00",
            "20201020+0200",
            "ventì",
            "202010201030+9900",
            "202010201030+02",
            "2020-10-20T",
            "0",
            "99999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall(text in "[0-9TZ:+./ -]{0,30}|.{0,12}") {
            read(&text);
            read_day(&text);
        }
    }
}
