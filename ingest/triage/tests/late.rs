//! Readings that arrive late or twice: judged at their time, and what they change is said.

mod support;

use support::*;
use veglia_triage::Standing;
use veglia_wire::{Quality, VitalKind};

const NOTHING: [&str; 0] = [];

#[test]
fn a_late_reading_is_judged_at_its_time_and_marked() {
    let mut home = Home::new();
    home.late(0, 61, spo2(910));
    let open = home.state.open_flags();
    assert!(open[0].late);
    assert_eq!(open[0].since, minute(0));
    home.late(1, 61, spo2(910));
    assert_eq!(home.state.open_flags().len(), 1);
}

#[test]
fn a_backlog_has_a_minute_to_bring_the_repeat() {
    let mut home = Home::new();
    let raise = home.late(0, 180, spo2(910));
    assert_eq!(
        raised(&raise).standing,
        Standing::Unconfirmed {
            repeat_by: minute(181)
        }
    );
    assert_eq!(words(&home.tick(180)), NOTHING);
    assert_eq!(
        words(&home.late(2, 180, spo2(970))),
        ["end spo2-red NotConfirmed"]
    );
}

#[test]
fn a_repeat_that_arrives_late_refutes_the_missed_one_and_the_flag_stands() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.tick(10);
    assert_eq!(
        words(&home.late(5, 30, spo2(960))),
        ["end spo2-red NotConfirmed"]
    );
    assert_eq!(home.open(), NOTHING);
    let mut in_time = Home::new();
    in_time.spo2(0, 91);
    in_time.spo2(5, 96);
    assert_eq!(home.known.standing(), in_time.known.standing());
}

/// A value too bad to wait was the second of a stream: what came before it makes it one of few,
/// which the next may refute.
#[test]
fn a_red_told_at_once_that_late_readings_have_refuted_stands_as_in_any_other_order() {
    let seconds = |number: u64, seconds: i64, percent_tenths: i32| {
        let at = minute(0).plus_ms(seconds * 1_000);
        seen(number, at, spo2(percent_tenths), Quality::empty())
    };
    let readings = [seconds(1, 0, 970), seconds(2, 2, 840), seconds(3, 124, 970)];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut home = Home::new();
        for place in order {
            home.observe(&readings[place]);
        }
        home.tick(10);
        let standing = home.known.standing().into_iter();
        let reds = standing.filter(|id| id.contains("spo2-red"));
        assert_eq!(reds.count(), 1, "{order:?}");
        assert_eq!(home.open(), NOTHING, "{order:?}");
    }
}

#[test]
fn a_repeat_that_arrives_late_and_agrees_takes_the_place_of_the_missed_one() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.tick(10);
    assert_eq!(
        words(&home.late(5, 30, spo2(900))),
        ["confirm spo2-red Repeat"]
    );
}

#[test]
fn an_earlier_red_takes_the_flag_over_and_the_old_one_stands_again_when_it_is_refuted() {
    let mut home = Home::new();
    home.spo2(10, 91);
    let said = words(&home.late(5, 11, spo2(900)));
    assert_eq!(
        said,
        ["raise spo2-red Repeat", "end spo2-red ExplainedByLateData"]
    );
    let said = home.late(7, 12, spo2(960));
    assert_eq!(
        words(&said),
        ["raise spo2-red unconfirmed", "end spo2-red NotConfirmed"]
    );
    let tellings: Vec<u32> = said.iter().map(|verdict| verdict.telling()).collect();
    assert_eq!(tellings, [3, 2], "each flag's tellings are numbered");
    assert_eq!(home.state.open_flags()[0].since, minute(10));
}

#[test]
fn the_same_record_twice_changes_nothing() {
    let mut home = Home::new();
    let first = seen(1, minute(0), spo2(910), Quality::empty());
    home.observe(&first);
    assert_eq!(
        words(&home.observe(&first)),
        NOTHING,
        "it is not its own repeat"
    );
    home.spo2(3, 96);
    assert_eq!(words(&home.observe(&first)), NOTHING);
}

#[test]
fn the_newest_reading_is_the_newest_measured() {
    let mut home = Home::new();
    home.spo2(10, 97);
    home.late(5, 20, spo2(910));
    assert_eq!(home.state.last(VitalKind::SpO2).unwrap().at, minute(10));
    home.quality(30, spo2(800), Quality::ARTEFACT);
    let last = home.state.last(VitalKind::SpO2).unwrap();
    assert_eq!((last.at, last.quality), (minute(30), Quality::ARTEFACT));
}
