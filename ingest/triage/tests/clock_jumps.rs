//! A clock that jumps and a centre that was down make nobody silent, and hide nobody who is.

// req: G7

mod support;

use support::*;
use veglia_triage::Input;
use veglia_wire::VitalKind;

const NOTHING: [&str; 0] = [];
const HOUR: i64 = 60;
const DAY: i64 = 24 * 60;

/// As the watch says it: the hole between two ticks is a time in which nobody listened.
fn jump_and_back(home: &mut Home) {
    home.tick(1);
    home.give(Input::Deaf(minute(1)), minute(DAY));
    home.live(DAY);
    home.give(Input::SteppedBack, minute(2));
}

#[test]
fn after_a_clock_that_jumped_a_day_ahead_and_back_a_patient_who_falls_silent_is_told() {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)]));
    home.spo2(0, 97);
    jump_and_back(&mut home);
    for now in 2..=10 * HOUR {
        if now == 60 || now == 120 {
            home.spo2(now, 97);
        }
        home.live(now);
    }
    assert_eq!(
        home.open(),
        ["silence-spo2"],
        "nothing since minute 120, and it is minute 600"
    );
}

#[test]
fn after_a_clock_that_jumped_nobody_who_measures_is_silent() {
    let mut home = Home::new();
    home.plan(&plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)]));
    home.spo2(0, 97);
    jump_and_back(&mut home);
    for now in 2..=DAY + HOUR {
        if now % 60 == 0 {
            home.spo2(now, 97);
        }
        home.live(now);
        assert_eq!(home.open(), NOTHING, "minute {now}");
    }
}

#[test]
fn a_repeat_that_came_while_the_centre_was_down_is_waited_for() {
    let mut home = Home::new();
    home.spo2(0, 91);
    home.tick(1);
    // Down from minute 1 to 21; the home has measured again at minute 3, and sends it at once.
    home.give(Input::Deaf(minute(1)), minute(21));
    let said = words(&home.live(21));
    assert_eq!(said, NOTHING, "what was kept is on its way");
    assert_eq!(
        words(&home.late(3, 21, spo2(970))),
        ["end spo2-red NotConfirmed"]
    );
}
