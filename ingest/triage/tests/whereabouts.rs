//! A patient who is not at home: silence, reminders and repeats stop, and come back with them.

// req: G7

mod support;

use support::*;
use veglia_triage::{Input, PatientStanding, Standing, Whereabouts};
use veglia_wire::{Quality, VitalKind};

const NOTHING: [&str; 0] = [];

fn hourly() -> Home {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)]));
    home
}

#[test]
fn silence_ends_when_a_patient_leaves_home_and_is_asked_again_on_return() {
    for away in Whereabouts::ALL.into_iter().skip(1) {
        let mut home = hourly();
        home.tick(75);
        assert_eq!(home.open(), ["silence-spo2"]);
        assert_eq!(words(&home.go(1, 80, away)), NOTHING);
        assert_eq!(words(&home.tick(80)), ["end silence-spo2 Away"]);
        home.restart();
        assert_eq!(words(&home.tick(2_000)), NOTHING, "{away}");
        home.go(2, 2_001, Whereabouts::AtHome);
        assert_eq!(words(&home.tick(2_075)), NOTHING);
        assert_eq!(
            words(&home.tick(2_076)),
            ["raise silence-spo2 Silent(Unknown)"],
            "{away}"
        );
    }
}

#[test]
fn a_red_is_judged_wherever_the_patient_is() {
    let mut home = hourly();
    home.go(1, 0, Whereabouts::InHospital);
    assert_eq!(words(&home.spo2(10, 87)), ["raise spo2-red AtOnce"]);
    assert_eq!(home.state.last(VitalKind::SpO2).unwrap().at, minute(10));
}

#[test]
fn no_repeat_is_missed_and_nothing_is_told_again_while_a_patient_is_away() {
    let mut home = hourly();
    home.spo2(0, 91);
    home.go(1, 5, Whereabouts::InHospital);
    assert_eq!(words(&home.tick(60)), NOTHING, "no repeat was possible");
    assert!(matches!(
        home.state.open_flags()[0].standing,
        Standing::Unconfirmed { .. }
    ));
    assert_eq!(words(&home.spo2(70, 91)), ["confirm spo2-red Repeat"]);
    assert_eq!(words(&home.spo2(130, 91)), NOTHING, "no reminder");
    home.go(2, 140, Whereabouts::AtHome);
    assert_eq!(words(&home.spo2(150, 91)), ["raise spo2-red Repeat"]);
}

#[test]
fn a_correction_is_one_more_row_and_the_highest_number_holds() {
    let mut home = hourly();
    home.go(1, 10, Whereabouts::InHospital);
    assert_eq!(home.state.whereabouts(minute(20)), Whereabouts::InHospital);
    home.go(2, 10, Whereabouts::AtHome);
    assert_eq!(home.state.whereabouts(minute(20)), Whereabouts::AtHome);
    assert_eq!(
        words(&home.tick(75)),
        ["raise silence-spo2 Silent(Unknown)"]
    );
    let before = home.state.clone();
    assert_eq!(words(&home.go(1, 10, Whereabouts::InHospital)), NOTHING);
    assert_eq!(home.state, before, "a row heard twice changes nothing");
}

#[test]
fn where_another_patient_is_changes_nothing() {
    let mut home = hourly();
    let standing = PatientStanding {
        patient: veglia_triage::PatientId::new(1),
        number: 1,
        from: minute(0),
        whereabouts: Whereabouts::Deceased,
    };
    home.give(Input::Standing(&standing), minute(0));
    assert_eq!(home.state.whereabouts(minute(1)), Whereabouts::AtHome);
}

#[test]
fn hours_of_the_night_are_watched_and_the_day_is_not() {
    let night = Night::from("22:00", "06:00");
    let mut home = night.watched(minute(0));
    let (ten, six) = (minute(14 * 60), minute(22 * 60)); // 08:00 is minute 0
    assert_eq!(
        words(&home.give(Input::Tick, ten.plus_ms(14 * MINUTE))),
        NOTHING
    );
    home.observe(&seen(
        1,
        ten.plus_ms(14 * MINUTE),
        spo2(970),
        Quality::empty(),
    ));
    let deadline = ten.plus_ms((14 + 5 + 15) * MINUTE);
    let before = deadline.plus_ms(-1);
    assert_eq!(words(&home.give(Input::Tick, before)), NOTHING);
    assert_eq!(words(&home.give(Input::Tick, deadline)), SAID);
    // The sensor is put on again, and comes off a quarter of an hour before the end.
    let off = six.plus_ms(-16 * MINUTE);
    home.observe(&seen(2, off, spo2(970), Quality::empty()));
    assert_eq!(
        words(&home.give(Input::Tick, six.plus_ms(15 * 60 * MINUTE))),
        NOTHING
    );
    let next_night = ten.plus_ms(24 * 60 * MINUTE + 15 * MINUTE);
    assert_eq!(home.state.next_deadline(), Some(next_night));
}

#[test]
fn the_night_of_october_has_an_hour_more_and_that_of_march_an_hour_less() {
    let night = Night::from("02:00", "03:30");
    // 25 October 2020, 02:00 in summer time: 03:30 comes two and a half hours later.
    let october = veglia_wire::WallMs(1_603_584_000_000);
    let mut home = night.watched(october.plus_ms(-60 * MINUTE));
    home.observe(&seen(
        1,
        october.plus_ms(125 * MINUTE),
        spo2(970),
        Quality::empty(),
    ));
    let deadline = october.plus_ms((125 + 5 + 15) * MINUTE);
    assert_eq!(
        home.state.next_deadline(),
        Some(deadline),
        "02:30 a second time"
    );
    // 28 March 2021: 02:00 does not happen, and the hours last from 03:00 to 03:30.
    let march = veglia_wire::WallMs(1_616_893_200_000);
    let home = night.watched(march.plus_ms(-60 * MINUTE));
    assert_eq!(
        home.state.next_deadline(),
        Some(march.plus_ms(15 * MINUTE)),
        "expected when the hours begin"
    );
}

const SAID: [&str; 1] = ["raise silence-spo2 Silent(Unknown)"];

struct Night {
    from: &'static str,
    until: &'static str,
}

impl Night {
    fn from(from: &'static str, until: &'static str) -> Self {
        Self { from, until }
    }

    /// Oxygen every five minutes in these hours, with a quarter of an hour of grace.
    fn watched(&self, since: veglia_wire::WallMs) -> Home {
        let hours = veglia_triage::Hours {
            from: self.from.parse().expect("a time of day"),
            until: self.until.parse().expect("a time of day"),
            every_minutes: 5,
        };
        let parameter = veglia_triage::Parameter {
            vital: VitalKind::SpO2,
            expected: veglia_triage::Expected::Within(hours),
            grace_minutes: 15,
        };
        let mut home = Home::new();
        let asked = plan(1, since, vec![parameter]);
        asked.validate(&home.rules).expect("a sound plan");
        home.plan(&asked);
        home
    }
}
