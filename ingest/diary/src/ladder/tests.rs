//! The ladder by itself: who is called when, whatever happens in between.

// req: G9

use veglia_triage::{Calling, FamilyDoctor, Severity, Whereabouts};
use veglia_wire::WallMs;

use super::*;

mod laws;

/// Tuesday 20 October 2020, 10:00 in Milano.
const MORNING: WallMs = WallMs(1_603_180_800_000);
/// The same day, 22:00.
const NIGHT: WallMs = WallMs(1_603_224_000_000);

/// Nothing else is open of the patient.
const ALONE: Beside = Beside {
    charge: None,
    heard: None,
    is_informed: false,
};

const CONFIRMED: Input = Input::Told {
    severity: Severity::Red,
    confirmed: true,
    worse: false,
    at_once: false,
    rule: None,
    beside: ALONE,
};
const UNCONFIRMED: Input = Input::Told {
    severity: Severity::Red,
    confirmed: false,
    worse: false,
    at_once: false,
    rule: None,
    beside: ALONE,
};
const WORSE: Input = Input::Told {
    severity: Severity::Red,
    confirmed: true,
    worse: true,
    at_once: true,
    rule: None,
    beside: ALONE,
};

fn minutes(count: i64) -> i64 {
    count * 60_000
}

fn taken(by: &str) -> Input {
    Input::Taken {
        by: by.to_owned(),
        along: None,
    }
}

/// An alert that lives, and all whom it called, by the minute.
struct Life {
    began: WallMs,
    state: State,
    calls: Vec<(i64, Callee, PageWhy)>,
}

impl Life {
    fn new(began: WallMs) -> Self {
        Self {
            began,
            state: State::new(Severity::Red),
            calls: Vec::new(),
        }
    }

    fn hears(mut self, minute: i64, input: &Input) -> Self {
        let now = self.began.plus_ms(minutes(minute));
        let (state, steps) = step(Ladder::shipped(), self.state, input, now);
        let calls = steps.iter().map(|it| (minute, it.callee, it.why));
        self.calls.extend(calls);
        self.state = state;
        self
    }

    /// A tick each minute.
    fn lives(mut self, minutes: std::ops::RangeInclusive<i64>) -> Self {
        for minute in minutes {
            self = self.hears(minute, &Input::Tick);
        }
        self
    }

    fn says(&mut self) -> Vec<(i64, Callee, PageWhy)> {
        std::mem::take(&mut self.calls)
    }
}

#[test]
fn an_operator_who_never_answers_is_followed_up_to_the_doctor_again_and_again() {
    let mut life = Life::new(MORNING).hears(0, &CONFIRMED).lives(0..=30);
    assert_eq!(
        life.says(),
        [
            (0, Callee::Operator, PageWhy::New),
            (0, Callee::Mmg, PageWhy::Informed),
            (5, Callee::Operator, PageWhy::Again),
            (10, Callee::SecondOperator, PageWhy::Escalated),
            (15, Callee::Doctor, PageWhy::Escalated),
            (30, Callee::Operator, PageWhy::Again),
            (30, Callee::Doctor, PageWhy::Again),
        ]
    );
    let mut life = life.lives(31..=60);
    let unseen = (60, Callee::Operator, PageWhy::Unseen);
    assert!(life.says().contains(&unseen), "the family doctor is silent");
}

#[test]
fn outside_the_hours_others_stand_in_and_the_family_doctor_is_told_at_opening() {
    let mut life = Life::new(NIGHT).hears(0, &CONFIRMED);
    let said = life.says();
    assert!(said.contains(&(0, Callee::Doctor, PageWhy::Informed)));
    assert!(said.contains(&(0, Callee::OutOfHours, PageWhy::Informed)));
    assert!(said.iter().all(|(_, callee, _)| *callee != Callee::Mmg));
    // Closed at once; at 8, ten hours later, the family doctor is told all the same.
    let mut life = life.hears(1, &taken("staff:1")).hears(2, &Input::Closed);
    life = life.lives(599..=700);
    assert_eq!(life.says(), [(600, Callee::Mmg, PageWhy::Informed)]);
    assert_eq!(life.state.due(), None);
}

#[test]
fn an_unconfirmed_red_calls_nobody_until_it_is_confirmed() {
    let mut life = Life::new(MORNING).hears(0, &UNCONFIRMED).lives(0..=9);
    assert_eq!(life.says(), []);
    let mut life = life.hears(10, &CONFIRMED);
    assert_eq!(life.says()[0], (10, Callee::Operator, PageWhy::New));
}

#[test]
fn a_charge_lapses_and_the_ladder_goes_on_while_a_call_prolongs_it() {
    let life = Life::new(MORNING).hears(0, &CONFIRMED);
    let mut life = life.hears(1, &Input::Seen).hears(2, &taken("staff:1"));
    life.says();
    let by = "staff:1".to_owned();
    let mut life = life.lives(3..=20).hears(20, &Input::Called { by });
    assert_eq!(life.says(), []);
    let mut life = life.lives(21..=60);
    assert_eq!(
        life.says(),
        [
            (50, Callee::Operator, PageWhy::ChargeLapsed),
            (55, Callee::Operator, PageWhy::Again),
            (60, Callee::SecondOperator, PageWhy::Escalated),
        ]
    );
}

#[test]
fn once_its_episode_is_over_a_charge_lasts_longer_and_a_new_episode_shortens_it() {
    let life = Life::new(MORNING).hears(0, &CONFIRMED);
    let life = life.hears(1, &Input::Seen).hears(2, &taken("staff:1"));
    let mut life = life.hears(10, &Input::Over);
    life.says();
    let mut life = life.lives(11..=200);
    assert_eq!(life.says(), []);
    let mut life = life.hears(200, &CONFIRMED);
    // The family doctor believes the first episode over, and hears of this one.
    assert_eq!(
        life.says(),
        [
            (200, Callee::Operator, PageWhy::New),
            (200, Callee::Mmg, PageWhy::Informed),
        ]
    );
    let mut life = life.hears(201, &Input::Seen).lives(201..=230);
    assert_eq!(
        life.says(),
        [(230, Callee::Operator, PageWhy::ChargeLapsed)]
    );
}

#[test]
fn a_snooze_ends_by_itself_and_something_graver_ends_it_at_once() {
    let snoozed = |until| Input::Snoozed {
        by: "staff:1".to_owned(),
        until,
    };
    let life = Life::new(MORNING)
        .hears(0, &CONFIRMED)
        .hears(1, &Input::Seen);
    let mut life = life.hears(2, &snoozed(MORNING.plus_ms(minutes(20))));
    life.says();
    let mut life = life.lives(3..=20);
    assert_eq!(life.says(), [(20, Callee::Operator, PageWhy::Again)]);
    let far = MORNING.plus_ms(minutes(10_000));
    let mut life = life.hears(21, &snoozed(far)).lives(22..=51);
    assert_eq!(
        life.says(),
        [(51, Callee::Operator, PageWhy::Again)],
        "half an hour at most"
    );
    let mut life = life.hears(52, &snoozed(far));
    life = life.hears(53, &CONFIRMED);
    assert_eq!(
        life.says(),
        [],
        "a reminder says nothing that was not known"
    );
    let mut life = life.hears(54, &WORSE);
    assert_eq!(life.says(), [(54, Callee::Operator, PageWhy::New)]);
}

#[test]
fn a_page_that_reached_nobody_moves_the_ladder_one_rung_and_no_further() {
    let failed = |rung| Input::Failed {
        callee: Callee::Operator,
        rung: Some(rung),
        why: PageWhy::New,
    };
    let mut life = Life::new(MORNING).hears(0, &CONFIRMED);
    life.says();
    let mut life = life.hears(1, &failed(0));
    assert_eq!(life.says(), [(1, Callee::Operator, PageWhy::ChannelFailed)]);
    let mut life = life.hears(2, &failed(1));
    let lead = (2, Callee::SecondOperator, PageWhy::ChannelFailed);
    assert_eq!(life.says(), [lead]);
    let mut life = life.hears(3, &failed(0));
    assert_eq!(life.says(), [], "it was helped before");
    let mut life = life.lives(4..=15);
    assert_eq!(life.says(), [(15, Callee::Doctor, PageWhy::Escalated)]);
    let doctor = Input::Failed {
        callee: Callee::Doctor,
        rung: Some(3),
        why: PageWhy::Escalated,
    };
    let mut life = life.hears(16, &doctor);
    assert_eq!(
        life.says(),
        [(16, Callee::Operator, PageWhy::ChannelFailed)],
        "there is no rung above, and nobody waits for who cannot come"
    );
    assert!(life.state.due().is_some());
    let mmg = Input::Failed {
        callee: Callee::Mmg,
        rung: None,
        why: PageWhy::Informed,
    };
    let mut life = life.hears(17, &mmg);
    assert_eq!(
        life.says(),
        [(17, Callee::Operator, PageWhy::ChannelFailed)]
    );
}

#[test]
fn what_fell_due_while_nobody_looked_is_called_late_and_once() {
    let mut life = Life::new(MORNING).hears(0, &CONFIRMED);
    life.says();
    let now = MORNING.plus_ms(minutes(140));
    let (state, steps) = step(Ladder::shipped(), life.state, &Input::Tick, now);
    let called: Vec<Callee> = steps.iter().map(|it| it.callee).collect();
    assert_eq!(
        called,
        [
            Callee::Operator,
            Callee::SecondOperator,
            Callee::Doctor,
            Callee::Operator
        ],
        "each rung once, and the family doctor's page comes back"
    );
    assert_eq!(steps[0].due, MORNING.plus_ms(minutes(5)));
    let (again, steps) = step(Ladder::shipped(), state.clone(), &Input::Tick, now);
    assert_eq!((again, steps), (state, Vec::new()), "the same tick again");
}

#[test]
fn escalating_calls_the_doctor_and_handing_over_changes_who_has_it() {
    let life = Life::new(MORNING)
        .hears(0, &CONFIRMED)
        .hears(1, &Input::Seen);
    let mut life = life.hears(2, &taken("staff:1"));
    life.says();
    let to = "staff:2".to_owned();
    let mut life = life.hears(3, &Input::HandedOver { to });
    let hold = life.state.hold.clone().unwrap();
    // Who is given a red may have gone home: it is told to them.
    let told = vec![(3, Callee::Receiver, PageWhy::New)];
    assert_eq!((life.says(), hold.by.as_str()), (told, "staff:2"));
    let mut life = life.hears(4, &Input::Escalated).lives(5..=19);
    assert_eq!(
        life.says(),
        [
            (4, Callee::Doctor, PageWhy::Escalated),
            (19, Callee::Operator, PageWhy::Again),
            (19, Callee::Doctor, PageWhy::Again),
        ]
    );
    assert_eq!(life.state.hold, None);
}

#[test]
fn an_amber_reaches_the_family_doctor_in_the_digest_of_the_next_working_day() {
    let amber = Input::Told {
        severity: Severity::Amber,
        confirmed: true,
        worse: false,
        at_once: false,
        rule: None,
        beside: ALONE,
    };
    // Saturday 24 October 2020, 11:00; the clock is set back that night.
    let saturday = WallMs(1_603_530_000_000);
    let (state, steps) = step(
        Ladder::shipped(),
        State::new(Severity::Amber),
        &amber,
        saturday,
    );
    assert_eq!(steps.len(), 1);
    // Monday 26 October, 12:30 in Milano, winter time.
    let monday = WallMs(1_603_711_800_000);
    let why = PageWhy::Digest;
    assert_eq!(state.doctor, Doctor::Due { at: monday, why });
}

#[test]
fn family_doctors_are_reached_on_working_days_and_not_on_holidays() {
    let hours = &Ladder::shipped().hours;
    let open = |text: &str| {
        let moment: jiff::Zoned = format!("{text}[Europe/Rome]").parse().unwrap();
        hours.is_open(WallMs(moment.timestamp().as_millisecond()))
    };
    assert!(open("2020-10-20T08:00") && !open("2020-10-20T07:59"));
    assert!(open("2020-10-20T19:59") && !open("2020-10-20T20:00"));
    assert!(
        open("2020-10-24T09:59") && !open("2020-10-24T10:00"),
        "Saturday"
    );
    assert!(!open("2020-10-25T10:00"), "Sunday");
    assert!(
        !open("2020-12-24T11:00") && open("2020-12-24T09:00"),
        "Christmas Eve"
    );
    assert!(!open("2020-12-07T09:00") && !open("2020-12-08T09:00"));
    assert!(
        !open("2021-04-05T09:00") && open("2021-04-06T09:00"),
        "Easter Monday"
    );
}

#[test]
fn a_faulty_ladder_is_refused_with_its_line() {
    let (ladder, hours) = (
        include_str!("../../ladders/home-2020.toml"),
        include_str!("../../ladders/hours-italy.toml"),
    );
    let refused = |from: &str, to: &str| {
        assert!(ladder.contains(from));
        Ladder::parse(&ladder.replacen(from, to, 1), hours).unwrap_err()
    };
    let table = [
        (
            "after_minutes = 5\n",
            "after_minutes = 50\n",
            "a rung comes after",
        ),
        (
            "callees = [\"operator\", \"doctor\"]",
            "callees = []",
            "told for the last time",
        ),
        (
            "severity = \"amber\"",
            "severity = \"red\"",
            "a course for red already",
        ),
        (
            "snooze_minutes = 30",
            "snooze_minutes = 0",
            "1 to 10080 are possible",
        ),
        (
            "callee = \"operator\"",
            "callee = \"porter\"",
            "unknown variant",
        ),
        (
            "source = \"Ours.\"",
            "source = \" \"",
            "the source is empty",
        ),
    ];
    for (from, to, reason) in table {
        let fault = refused(from, to);
        assert!(fault.reason.contains(reason) && fault.line > 1, "{fault}");
    }
    let odd = hours.replace("12-25", "13-25");
    assert!(
        Ladder::parse(ladder, &odd)
            .unwrap_err()
            .reason
            .contains("MM-DD")
    );
}

/// A patient leaves home with a confirmed red that nobody has.
fn left(whereabouts: Whereabouts) -> Life {
    let life = Life::new(MORNING).hears(0, &CONFIRMED);
    life.hears(1, &Input::Stands { whereabouts })
}

#[test]
fn nobody_is_called_for_who_is_not_at_home_and_the_alert_stays_open() {
    for whereabouts in Whereabouts::ALL.into_iter().skip(1) {
        let life = left(whereabouts).lives(2..=600);
        let later = life.calls.iter().filter(|(minute, ..)| *minute > 0);
        assert_eq!(later.count(), 0, "{whereabouts}");
        assert!(!life.state.is_closed && life.state.is_confirmed);
        assert_eq!(life.state.due(), None, "{whereabouts}");
    }
}

#[test]
fn who_comes_home_with_the_cause_still_red_is_called_for_anew() {
    let home = Input::Stands {
        whereabouts: Whereabouts::AtHome,
    };
    let life = left(Whereabouts::Deceased).hears(30, &home).lives(31..=45);
    let anew: Vec<_> = life
        .calls
        .iter()
        .filter(|(minute, ..)| *minute >= 30)
        .collect();
    let expected = [
        (30, Callee::Operator, PageWhy::Again),
        (30, Callee::Mmg, PageWhy::Informed),
        (35, Callee::Operator, PageWhy::Again),
        (40, Callee::SecondOperator, PageWhy::Escalated),
        (45, Callee::Doctor, PageWhy::Escalated),
    ];
    assert_eq!(anew, expected.iter().collect::<Vec<_>>());
}

#[test]
fn who_comes_home_is_called_for_anew_though_it_was_kept_quiet_meanwhile() {
    let stands = |whereabouts| Input::Stands { whereabouts };
    let quiet = Input::Snoozed {
        by: "staff:1".to_owned(),
        until: MORNING.plus_ms(minutes(30)),
    };
    let life = left(Whereabouts::InHospital).hears(2, &quiet);
    let life = life.hears(3, &stands(Whereabouts::AtHome));
    assert_eq!(life.state.snooze, None);
    assert!(life.calls.contains(&(3, Callee::Operator, PageWhy::Again)));
}

#[test]
fn a_further_red_of_who_is_not_at_home_calls_the_operator_once() {
    let life = left(Whereabouts::InHospital)
        .hears(20, &WORSE)
        .lives(21..=90);
    let later: Vec<_> = life
        .calls
        .iter()
        .filter(|(minute, ..)| *minute > 0)
        .collect();
    assert_eq!(later, [&(20, Callee::Operator, PageWhy::New)]);
}

#[test]
fn who_has_an_alert_keeps_it_while_the_patient_is_away() {
    let stands = |whereabouts| Input::Stands { whereabouts };
    let life = Life::new(MORNING)
        .hears(0, &CONFIRMED)
        .hears(1, &taken("staff:1"))
        .hears(2, &stands(Whereabouts::InHospital))
        .hears(3, &stands(Whereabouts::AtHome));
    assert_eq!(
        life.state.hold.as_ref().map(|hold| &*hold.by),
        Some("staff:1")
    );
    let life = life.lives(4..=31);
    let last = life.calls.last();
    assert_eq!(last, Some(&(31, Callee::Operator, PageWhy::ChargeLapsed)));
}

#[test]
fn a_plan_names_the_ladder_and_whether_the_family_doctor_is_told() {
    let calling = Calling {
        ladder: "doctor-first-2020".parse().ok(),
        family_doctor: FamilyDoctor::NotInformed,
    };
    let first = State::new(Severity::Red);
    let (state, _) = step_by_plan(first, &Input::Planned { calling }, MORNING);
    let (_, steps) = step_by_plan(state, &CONFIRMED, MORNING);
    let called: Vec<Callee> = steps.into_iter().map(|it| it.callee).collect();
    assert_eq!(called, [Callee::Operator, Callee::Doctor]);
}
