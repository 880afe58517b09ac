//! What a patient's state may grow to, and what happens to what no longer fits.

mod support;

use support::*;
use veglia_triage::{HORIZON_MS, RECENT_MAX, STATE_BYTES_MAX, Standing, Verdict};
use veglia_wire::{Site, Vital, VitalKind};

const NOTHING: [&str; 0] = [];

#[test]
fn the_state_is_bounded_whatever_comes() {
    let mut home = Home::new();
    let parameters = VitalKind::ALL.into_iter().map(|vital| every(vital, 5, 1));
    let parameters: Vec<_> = parameters.collect();
    for version in 1..40 {
        home.plan(&plan(version, minute(0), parameters.clone()));
    }
    for count in 0..1_000_i64 {
        let is_bad = count % 2 == 0;
        home.spo2(count * 20, if is_bad { 92 } else { 93 });
        home.vital(count * 20, temperature(if is_bad { 3_900 } else { 3_700 }));
        for kind in [VitalKind::Pulse, VitalKind::RespiratoryRate] {
            let vital = Vital::from_steps(kind, 300, Site::Unknown).unwrap();
            home.vital(count * 20, vital);
        }
        home.tick(count * 20 + 19);
    }
    let bytes = serde_json::to_vec(&home.state).unwrap().len();
    assert!(bytes < STATE_BYTES_MAX, "{bytes} bytes");
}

#[test]
fn a_red_from_before_memory_is_raised_late_once_for_its_time() {
    let mut home = Home::new();
    let now = HORIZON_MS / MINUTE * 2;
    home.spo2(0, 97);
    home.spo2(120, 97);
    home.spo2(now, 97);
    let said = home.late(60, now, spo2(900));
    assert_eq!(
        words(&said),
        ["raise spo2-red MissedRepeat", "end spo2-red Recovered"]
    );
    let Some(Verdict::Raise(flag)) = said.first() else {
        panic!("a flag is raised first");
    };
    assert!(flag.late);
    assert_eq!(flag.since, minute(60));
    assert_eq!(
        words(&home.late(70, now, spo2(900))),
        NOTHING,
        "the same half hour"
    );
    assert_eq!(words(&home.late(110, now, spo2(970))), NOTHING);
}

#[test]
fn a_red_from_before_memory_stays_open_while_the_newest_is_red() {
    let mut home = Home::new();
    let now = HORIZON_MS / MINUTE * 2;
    home.spo2(0, 97);
    home.spo2(120, 97);
    home.spo2(now, 88);
    assert_eq!(
        words(&home.late(60, now, spo2(850))),
        ["raise spo2-red AtOnce"]
    );
    assert_eq!(home.known.open().len(), 2, "people have two");
    assert_eq!(
        home.open(),
        ["spo2-red"],
        "triage remembers the present one"
    );
}

#[test]
fn an_episode_outlives_the_readings_that_began_it() {
    let mut home = Home::new();
    home.spo2(0, 88);
    let trigger = home.state.open_flags()[0].id.clone();
    let many = i64::try_from(RECENT_MAX).unwrap() * 2;
    for count in 1..many {
        let again = home.spo2(count * 30, 90);
        assert_eq!(raised(&again).id, trigger, "told again, and no other flag");
    }
    assert_eq!(home.state.open_flags()[0].id, trigger);
    home.late(many * 30 - 45, many * 30, spo2(910));
    home.spo2(many * 30 + 10, 95);
    assert_eq!(
        words(&home.spo2(many * 30 + 40, 95)),
        ["end spo2-red Recovered"]
    );
    assert_eq!(home.open(), NOTHING);
}

#[test]
fn a_missed_repeat_is_known_from_the_readings_even_without_a_tick() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.spo2(20, 91);
    let standing = home.state.open_flags()[0].standing;
    assert_eq!(
        standing,
        Standing::Confirmed {
            how: MISSED,
            at: minute(10)
        }
    );
}
