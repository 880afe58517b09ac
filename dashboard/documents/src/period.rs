//! The stretch of time of a report: whole days of the calendar in Italy.

use jiff::ToSpan;
use jiff::civil::Date;
use veglia_view::WallMs;

use crate::vitals::{local, midnight};

/// Days of a report without a word: a week.
const USUAL_DAYS: i32 = 7;

/// Days of a report at most: a month. It bounds how many readings a document holds.
pub(crate) const DAYS_MAX: i32 = 31;

/// From the beginning of a day to the end of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) first: Date,
    pub(crate) last: Date,
    pub(crate) from: WallMs,
    /// That moment not in it; it may be to come.
    pub(crate) to: WallMs,
}

impl Period {
    /// The days that a form names; the last week when it names none. None for days that are in the
    /// wrong order, too many, or to come.
    pub(crate) fn read(from: &str, to: &str, now: WallMs) -> Option<Self> {
        let today = local(now)?.date();
        let day = |text: &str, usual: Date| match text.trim() {
            "" => Some(usual),
            text => text.parse().ok(),
        };
        let last = day(to, today)?;
        let usual = last.checked_sub((USUAL_DAYS - 1).days()).ok()?;
        let first = day(from, usual)?;
        let apart = last.since(first).ok()?.get_days();
        if first > last || last > today || apart >= DAYS_MAX {
            return None;
        }
        Some(Self {
            first,
            last,
            from: midnight(first)?,
            to: midnight(last.tomorrow().ok()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2020-11-21 14:12:00 in Rome.
    const NOW: WallMs = WallMs(1_605_964_320_000);

    #[test]
    fn a_report_is_of_at_most_a_month_of_days_that_are_there() {
        let read = |from, to| {
            let read = Period::read(from, to, NOW)?;
            Some(format!("{} {}", read.first, read.last))
        };
        assert_eq!(read("", "").unwrap(), "2020-11-15 2020-11-21");
        assert_eq!(read("", "2020-11-10").unwrap(), "2020-11-04 2020-11-10");
        assert_eq!(
            read("2020-10-22", "2020-11-21").unwrap(),
            "2020-10-22 2020-11-21"
        );
        assert_eq!(read("2020-10-21", "2020-11-21"), None, "too many");
        assert_eq!(read("2020-11-21", "2020-11-20"), None, "in the wrong order");
        assert_eq!(read("2020-11-20", "2020-11-22"), None, "to come");
        assert_eq!(read("ieri", ""), None);
    }

    #[test]
    fn the_day_on_which_the_clocks_go_back_has_an_hour_more() {
        let day = Period::read("2020-10-25", "2020-10-25", NOW).unwrap();
        assert_eq!(day.to.since(day.from), 25 * 3_600_000);
    }
}
