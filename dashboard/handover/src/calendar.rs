//! When *Continuità Assistenziale* watches: pure functions of the date.
//!
//! Monday to Friday from 20 to 8; on holidays and on the days before them all day. So a weekend is
//! one stretch from Friday 20:00 to Monday 8:00. Hours are those of the clock on the wall in Italy.
//!
//! Holidays: law 27 May 1949 n. 260, article 2, without those that law 5 March 1977 n. 54 took
//! away; 6 January again by d.P.R. 28 December 1985 n. 792, 2 June again by law 20 November 2000
//! n. 336, 4 October from 2026 by law 8 October 2025 n. 151; Sundays; Easter Monday. Of local ones
//! Milan's, Saint Ambrose on 7 December. Easter is computed (Meeus, *Astronomical Algorithms*,
//! chapter 8).
//!
//! Deliberately absent: patrons of other *Comuni* of the agency, and holidays of before 2020.

use jiff::civil::{Date, Weekday};
use veglia_view::WallMs;

use crate::clock::{hour_of, local};

/// When the watch begins on a working day, and ends.
const EVENING: i8 = 20;
const MORNING: i8 = 8;

/// Halves of days looked through in one direction: more than any row of holidays has.
const HALVES_MAX: usize = 40;

/// Holidays of every year: month, day, and the first year.
const FIXED: [(i8, i8, i16); 12] = [
    (1, 1, 0),
    (1, 6, 0),
    (4, 25, 0),
    (5, 1, 0),
    (6, 2, 0),
    (8, 15, 0),
    (10, 4, 2026),
    (11, 1, 0),
    (12, 7, 0), // Milan alone
    (12, 8, 0),
    (12, 25, 0),
    (12, 26, 0),
];

/// One stretch in which the out-of-hours doctors watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Night {
    /// Its beginning.
    pub(crate) from: WallMs,
    /// Its end, which is not in it.
    pub(crate) until: WallMs,
}

/// Half a day: from 8 to 20, or from 20 to 8 of the day after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Half {
    day: Date,
    is_night: bool,
}

impl Night {
    /// The stretch of a moment, or the next one when nobody watches then.
    pub(crate) fn near(now: WallMs) -> Option<Self> {
        let half = Half::of(now)?;
        let half = if half.is_watched()? {
            half
        } else {
            half.next()?
        };
        half.stretch()
    }

    /// The stretch that begins at a moment, if one does.
    pub(crate) fn at(moment: WallMs) -> Option<Self> {
        Self::near(moment).filter(|it| it.from == moment)
    }

    /// Whether it has begun and is not over.
    pub(crate) fn is_on(self, now: WallMs) -> bool {
        self.from <= now && now < self.until
    }
}

impl Half {
    fn of(at: WallMs) -> Option<Self> {
        let at = local(at)?;
        let day = at.date();
        Some(match at.hour() {
            ..MORNING => Self {
                day: day.yesterday().ok()?,
                is_night: true,
            },
            EVENING.. => Self {
                day,
                is_night: true,
            },
            _ => Self {
                day,
                is_night: false,
            },
        })
    }

    fn is_watched(self) -> Option<bool> {
        let tomorrow = self.day.tomorrow().ok()?;
        Some(self.is_night || is_holiday(self.day) || is_holiday(tomorrow))
    }

    fn begins(self) -> Option<WallMs> {
        hour_of(self.day, if self.is_night { EVENING } else { MORNING })
    }

    fn next(self) -> Option<Self> {
        Some(match self.is_night {
            true => Self {
                day: self.day.tomorrow().ok()?,
                is_night: false,
            },
            false => Self {
                is_night: true,
                ..self
            },
        })
    }

    fn previous(self) -> Option<Self> {
        Some(match self.is_night {
            true => Self {
                is_night: false,
                ..self
            },
            false => Self {
                day: self.day.yesterday().ok()?,
                is_night: true,
            },
        })
    }

    /// The whole stretch around a half that is watched.
    fn stretch(self) -> Option<Night> {
        let (mut first, mut after) = (self, self.next()?);
        for _ in 0..HALVES_MAX {
            let before = first.previous()?;
            if !before.is_watched()? {
                break;
            }
            first = before;
        }
        for _ in 0..HALVES_MAX {
            if !after.is_watched()? {
                break;
            }
            after = after.next()?;
        }
        Some(Night {
            from: first.begins()?,
            until: after.begins()?,
        })
    }
}

/// Whether a day is a holiday in Milan.
fn is_holiday(day: Date) -> bool {
    let fixed = |(month, of_month, since): &(i8, i8, i16)| {
        (day.month(), day.day()) == (*month, *of_month) && day.year() >= *since
    };
    let is_easter_monday = || {
        let easter = easter(day.year()).and_then(|easter| easter.tomorrow().ok());
        easter == Some(day)
    };
    day.weekday() == Weekday::Sunday || FIXED.iter().any(fixed) || is_easter_monday()
}

/// Easter Sunday of a year of the Gregorian calendar.
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let golden = year % 19;
    let (century, of_century) = (year / 100, year % 100);
    let correction = (century + 8) / 25;
    let moon = (century - correction + 1) / 3;
    let epact = (19 * golden + century - century / 4 - moon + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let place = epact + weekday - 7 * late + 114;
    let month = i8::try_from(place / 31).ok()?;
    let day = i8::try_from(place % 31 + 1).ok()?;
    Date::new(i16::try_from(year).ok()?, month, day).ok()
}

#[cfg(test)]
mod tests {
    // req: B17

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::moment;

    const HOUR_MS: i64 = 3_600_000;

    fn at(day: Date, hour: i8) -> WallMs {
        moment(day.at(hour, 0, 0, 0)).unwrap()
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        for (year, month, day) in [
            (1818, 3, 22),
            (1954, 4, 18),
            (2019, 4, 21),
            (2020, 4, 12),
            (2021, 4, 4),
            (2022, 4, 17),
            (2024, 3, 31),
            (2026, 4, 5),
            (2038, 4, 25),
        ] {
            assert_eq!(easter(year), Some(date(year, month, day)));
        }
    }

    #[test]
    fn the_holidays_of_a_year_in_milan_are_those_of_the_law() {
        let mut found = Vec::new();
        let mut day = date(2020, 1, 1);
        while day.year() == 2020 {
            if is_holiday(day) && day.weekday() != Weekday::Sunday {
                found.push((day.month(), day.day()));
            }
            day = day.tomorrow().unwrap();
        }
        let law = [
            (1, 1),
            (1, 6),
            (4, 13),
            (4, 25),
            (5, 1),
            (6, 2),
            (8, 15),
            (12, 7),
            (12, 8),
            (12, 25),
            (12, 26),
        ];
        assert_eq!(found, law, "1 November 2020 was a Sunday");
        assert!(!is_holiday(date(2024, 10, 4)) && is_holiday(date(2027, 10, 4)));
    }

    #[test]
    fn out_of_hours_doctors_watch_at_night_on_holidays_and_on_the_days_before() {
        let (tuesday, friday) = (date(2020, 11, 17), date(2020, 11, 20));
        let table = [
            // A working day: the night to come, and the night that is.
            ((tuesday, 12), (tuesday, 20), (date(2020, 11, 18), 8)),
            ((tuesday, 21), (tuesday, 20), (date(2020, 11, 18), 8)),
            ((tuesday, 3), (date(2020, 11, 16), 20), (tuesday, 8)),
            // A weekend is one stretch.
            ((friday, 20), (friday, 20), (date(2020, 11, 23), 8)),
            (
                (date(2020, 11, 22), 12),
                (friday, 20),
                (date(2020, 11, 23), 8),
            ),
            // Saint Ambrose on a Monday, the Immaculate on a Tuesday: from Friday to Wednesday.
            (
                (date(2020, 12, 7), 10),
                (date(2020, 12, 4), 20),
                (date(2020, 12, 9), 8),
            ),
            // Christmas: the day before is watched from its beginning.
            (
                (date(2020, 12, 24), 9),
                (date(2020, 12, 23), 20),
                (date(2020, 12, 28), 8),
            ),
            // Easter of 2021.
            (
                (date(2021, 4, 5), 9),
                (date(2021, 4, 2), 20),
                (date(2021, 4, 6), 8),
            ),
        ];
        for (now, from, until) in table {
            let night = Night {
                from: at(from.0, from.1),
                until: at(until.0, until.1),
            };
            assert_eq!(Night::near(at(now.0, now.1)), Some(night), "{now:?}");
            assert_eq!(Night::at(night.from), Some(night));
        }
        assert_eq!(Night::at(at(tuesday, 12)), None);
    }

    #[test]
    fn a_weekend_in_which_the_clocks_change_is_an_hour_longer_or_shorter() {
        let autumn = Night::near(at(date(2020, 10, 25), 12)).unwrap();
        assert_eq!(autumn.until.since(autumn.from), 61 * HOUR_MS);
        let spring = Night::near(at(date(2021, 3, 28), 12)).unwrap();
        assert_eq!(spring.until.since(spring.from), 59 * HOUR_MS);
    }

    proptest! {
        #[test]
        fn every_moment_is_in_a_stretch_or_at_most_a_day_before_the_next(
            minutes in 0_i64..(12 * 366 * 24 * 60)
        ) {
            let now = WallMs(1_577_836_800_000 + minutes * 60_000);
            let near = Night::near(now).unwrap();
            prop_assert!(near.from < near.until && now < near.until);
            prop_assert!(near.until.since(near.from) >= 11 * HOUR_MS);
            prop_assert!(near.is_on(now) || near.from.since(now) <= 12 * HOUR_MS);
        }
    }
}
