//! The course of a case by the circular of 12 October 2020.

// req: A8

use jiff::civil::{Date, date};

use super::*;
use crate::rules::RuleBook;

const SWAB: Date = date(2020, 10, 20);

fn october(day: i8) -> Date {
    date(2020, 10, day)
}

fn november(day: i8) -> Date {
    date(2020, 11, day)
}

fn on(course: &Course, today: Date) -> Isolation {
    let book = RuleBook::shipped();
    course.isolation(book.on(today), today).unwrap()
}

#[test]
fn without_symptoms_the_function_and_its_slots_open_on_the_tenth_day() {
    let course = Course::of_swab(SWAB);
    let before = on(&course, october(29));
    assert_eq!(before.standing, Standing::Closed);
    assert_eq!(before.opens_on, october(30));
    assert_eq!(before.contacts_since, october(18));
    let from = october(30);
    assert_eq!(on(&course, october(30)).standing, Standing::Open { from });
}

#[test]
fn slots_for_symptoms_respect_the_onset_and_three_days_without() {
    let ill = Course {
        onset: Onset::On(october(23)),
        ..Course::of_swab(SWAB)
    };
    // The function opens, and says that symptoms last.
    assert_eq!(on(&ill, october(29)).standing, Standing::Closed);
    assert_eq!(on(&ill, october(30)).standing, Standing::Symptoms);
    assert_eq!(on(&ill, october(30)).contacts_since, october(18));
    let earlier = Course {
        onset: Onset::On(october(17)),
        ..Course::of_swab(SWAB)
    };
    assert_eq!(on(&earlier, october(30)).contacts_since, october(15));
    for (free, from) in [
        (october(25), november(2)),
        (october(30), november(2)),
        (october(31), november(3)),
    ] {
        let well = Course {
            free_since: Some(free),
            ..ill.clone()
        };
        assert_eq!(on(&well, october(30)).standing, Standing::Open { from });
    }
    let undated = Course {
        onset: Onset::Undated,
        free_since: Some(october(22)),
        ..Course::of_swab(SWAB)
    };
    let from = october(30);
    assert_eq!(on(&undated, october(30)).standing, Standing::Open { from });
}

#[test]
fn a_further_positive_does_not_begin_anew_and_opens_the_days_of_retests() {
    let mut course = Course::of_swab(SWAB);
    for (again, from) in [
        (october(31), november(7)),
        (november(8), november(12)),
        (november(13), november(17)),
    ] {
        course.again.push(again);
        let now = on(&course, again);
        assert_eq!(now.standing, Standing::Open { from });
        assert_eq!((now.since, now.opens_on), (SWAB, october(30)));
    }
    // Without symptoms there is no onset to count from: ATS decides.
    assert_eq!(on(&course, november(13)).long_positive_from, None);
    course.onset = Onset::On(october(19));
    course.free_since = Some(october(28));
    let long = on(&course, november(13)).long_positive_from;
    assert_eq!(long, Some(november(9)));
    course.free_since = Some(november(5));
    let long = on(&course, november(13)).long_positive_from;
    assert_eq!(long, Some(november(12)));
}

#[test]
fn a_negative_ends_nothing_until_ats_confirms() {
    let negative = Course {
        negative: Some(october(31)),
        ..Course::of_swab(SWAB)
    };
    for today in [october(31), november(30)] {
        let standing = on(&negative, today).standing;
        assert_eq!(standing, Standing::Negative { on: october(31) });
    }
    let ended = Course {
        ended: Some(november(2)),
        ..negative
    };
    let standing = on(&ended, november(2)).standing;
    assert_eq!(standing, Standing::Ended { on: november(2) });
}

#[test]
fn of_the_immunosuppressed_the_doctor_decides() {
    let course = Course {
        doctor_decides: true,
        again: vec![october(31)],
        onset: Onset::On(october(18)),
        free_since: Some(october(25)),
        ..Course::of_swab(SWAB)
    };
    let now = on(&course, november(20));
    assert_eq!(now.standing, Standing::DoctorDecides);
    assert_eq!(now.long_positive_from, None);
}
