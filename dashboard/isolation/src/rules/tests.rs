//! Days as the circular counts them, on both sides of the changes of the clock.

// req: A8

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use veglia_wire::WallMs;

use super::*;

fn in_rome(shown: DateTime) -> WallMs {
    let zone = TimeZone::get("Europe/Rome").unwrap();
    WallMs(zone.to_zoned(shown).unwrap().timestamp().as_millisecond())
}

fn rules() -> Rules {
    RuleBook::shipped().on(date(2020, 10, 20)).clone()
}

/// The swab of this moment opens the booking at 00:00 of this day, and not a millisecond before.
fn opens(taken: DateTime, day: Date) -> i64 {
    let (rules, taken) = (rules(), in_rome(taken));
    let at = rules.opens_at(taken).unwrap();
    assert_eq!(at, in_rome(day.at(0, 0, 0, 0)), "{taken:?}");
    assert!(rules.is_open(taken, at).unwrap());
    for before_ms in [1, 60_000] {
        assert!(!rules.is_open(taken, at.plus_ms(-before_ms)).unwrap());
    }
    at.since(taken)
}

const HOUR_MS: i64 = 3_600_000;

#[test]
fn a_swab_of_20_october_2020_opens_on_30_october_at_midnight_and_not_a_minute_before() {
    let after_ms = opens(date(2020, 10, 20).at(9, 30, 0, 0), date(2020, 10, 30));
    // Nine days and fourteen and a half hours on the clock, and the hour that came twice.
    assert_eq!(after_ms, (9 * 24 + 15) * HOUR_MS + HOUR_MS / 2);
    // From the midnight of the one day to that of the other: 241 hours.
    let midnight = opens(date(2020, 10, 20).at(0, 0, 0, 0), date(2020, 10, 30));
    assert_eq!(midnight, 241 * HOUR_MS);
}

#[test]
fn the_day_of_a_swab_is_the_one_in_italy_also_around_midnight() {
    // In UTC it is still the 19th.
    opens(date(2020, 10, 20).at(0, 30, 0, 0), date(2020, 10, 30));
    opens(date(2020, 10, 20).at(23, 59, 59, 0), date(2020, 10, 30));
    opens(date(2020, 10, 21).at(0, 0, 0, 0), date(2020, 10, 31));
}

#[test]
fn the_changes_of_the_clock_move_no_day() {
    // The hour that comes twice, and the one that does not come.
    opens(date(2020, 10, 25).at(2, 30, 0, 0), date(2020, 11, 4));
    opens(date(2020, 10, 15).at(12, 0, 0, 0), date(2020, 10, 25));
    opens(date(2021, 3, 28).at(1, 59, 0, 0), date(2021, 4, 7));
    opens(date(2021, 3, 28).at(3, 0, 0, 0), date(2021, 4, 7));
    let spring = opens(date(2021, 3, 20).at(0, 0, 0, 0), date(2021, 3, 30));
    assert_eq!(spring, 239 * HOUR_MS);
    opens(date(2020, 2, 20).at(12, 0, 0, 0), date(2020, 3, 1));
    opens(date(2020, 12, 25).at(12, 0, 0, 0), date(2021, 1, 4));
}

#[test]
fn contacts_stay_at_home_from_the_last_exposure_or_until_an_operator_says() {
    let rules = rules();
    let counted = Quarantine::Counted {
        until: date(2020, 11, 3),
        tested_from: date(2020, 10, 30),
    };
    assert_eq!(rules.quarantine(Some(date(2020, 10, 20))), Ok(counted));
    assert_eq!(rules.quarantine(None), Ok(Quarantine::OperatorSets));
    let since = rules.contacts_since(date(2020, 11, 1));
    assert_eq!(since, Ok(date(2020, 10, 30)));
}

#[test]
fn the_circular_of_the_day_is_the_newest_that_is_in_force() {
    let shipped = SHIPPED[0];
    let later = shipped
        .replace("id = \"circolare-2020-10-12\"", "id = \"another\"")
        .replace("2020-10-12", "2021-01-01")
        .replace("opens_after_days = 10", "opens_after_days = 7");
    let book = RuleBook::read(&[&later, shipped]).unwrap();
    let on = |day| book.on(day).id.as_str();
    assert_eq!(on(date(2020, 12, 31)), "circolare-2020-10-12");
    assert_eq!(on(date(2021, 1, 1)), "another");
    // Before any of them the first holds.
    assert_eq!(on(date(2020, 1, 1)), "circolare-2020-10-12");
    let taken = in_rome(date(2021, 2, 1).at(9, 0, 0, 0));
    let opens = book.on(date(2021, 2, 1)).opens_at(taken).unwrap();
    assert_eq!(opens, in_rome(date(2021, 2, 8).at(0, 0, 0, 0)));
}

#[test]
fn a_circular_that_cannot_be_meant_is_refused() {
    let shipped = SHIPPED[0];
    for (from, to) in [
        ("opens_after_days = 10", "opens_after_days = -1"),
        ("opens_after_days = 10", "opens_after_days = 1000"),
        ("opens_after_days = 10", "opens_after = 10"),
        ("after_days = [7, 4]", "after_days = []"),
        ("2020-10-12\"\nsource", "2020-13-12\"\nsource"),
    ] {
        assert!(Rules::read(&shipped.replace(from, to)).is_err(), "{to}");
    }
}
