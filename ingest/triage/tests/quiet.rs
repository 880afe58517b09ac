//! Readings that are put off change nothing: two patients are given the same, one of whom is never
//! put off, and every verdict, every deadline and every byte of memory is compared.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{
    Guard, Input, Observation, OwnLimits, OxygenScale, PatientStanding, PatientState, Plan,
    Presence, RuleSet, Scale, Seen, Sign, Source, Target, Verdict, Whereabouts, step,
};
use veglia_wire::{
    Answer, AnswerCode, Contact, DeviceId, Epoch, Quality, RecordId, Sensor, Sequence, VitalKind,
    WallMs,
};

const SECOND: i64 = 1_000;
const HOUR: i64 = 60 * MINUTE;

/// What comes next.
#[derive(Debug, Clone)]
enum Event {
    /// So many moments of an oximeter, so many milliseconds apart, of values around one.
    Run {
        readings: usize,
        every_ms: i64,
        percent: i32,
        wander: i32,
        pulse: i32,
        delay_ms: i64,
    },
    /// A temperature in hundredths.
    Warm(i32),
    /// An oxygen saturation with something to be said against it.
    Doubtful(i32, Quality),
    /// One by hand.
    Typed(i32),
    /// One that arrives so long after it was measured.
    Late(i32, i64),
    /// What was said so many readings ago, once more.
    Again(usize),
    /// Another device, or another outbox.
    Other(i32),
    /// One that was measured elsewhere so long ago: of the usual device or, typed, of none.
    Elsewhere(Seen, i64, Source),
    Held(Contact),
    Said(AnswerCode, i32),
    Beat,
    Lost,
    Wait(i64),
    Tick,
    /// Ticks as the watch gives them.
    Watch,
    Deaf(i64),
    Planned(usize),
    Standing(Whereabouts),
    SteppedBack(i64),
    Restart,
}

fn percent() -> impl Strategy<Value = i32> {
    prop_oneof![6 => Just(97), 2 => 93..100_i32, 1 => 85..95_i32]
}

fn run() -> impl Strategy<Value = Event> {
    let length = prop_oneof![3 => 1..20_usize, 2 => 100..300_usize, 1 => 500..700_usize];
    let every = prop_oneof![
        4 => Just(SECOND),
        1 => Just(250_i64),
        1 => Just(4 * SECOND),
        1 => Just(20 * SECOND),
        3 => Just(MINUTE),
        1 => Just(6 * HOUR)
    ];
    let wander = prop_oneof![1 => Just(0), 6 => Just(1), 1 => Just(3)];
    let pulse = prop_oneof![5 => Just(70), 1 => 45..120_i32];
    let delay = prop_oneof![4 => Just(0), 1 => Just(3 * SECOND), 1 => 0..2 * HOUR];
    (length, every, percent(), wander, pulse, delay).prop_map(
        |(readings, every_ms, percent, wander, pulse, delay_ms)| Event::Run {
            readings,
            every_ms,
            percent,
            wander,
            pulse,
            delay_ms,
        },
    )
}

/// What is handed on came long ago, or a moment ago and is next to what is put off.
fn elsewhere() -> impl Strategy<Value = Event> {
    let clean = |vital| Seen::Vital(vital, Quality::empty());
    let seen = prop_oneof![
        6 => percent().prop_map(move |percent| clean(spo2(percent * 10))),
        2 => (45..120_i32).prop_map(move |beats| clean(whole(VitalKind::Pulse, beats))),
        1 => percent().prop_map(|it| Seen::Vital(spo2(it * 10), Quality::ARTEFACT)),
        1 => Just(Seen::Contact(Sensor::Oximeter, Contact::Off)),
        1 => Just(Seen::Answer(Answer { code: AnswerCode::ChestPain, value: 1 }))
    ];
    let ago = prop_oneof![2 => Just(0_i64), 2 => 0..MINUTE, 1 => 0..3 * HOUR];
    let source = prop_oneof![4 => Just(Source::Device), 1 => Just(Source::ByHand)];
    (seen, ago, source).prop_map(|(seen, ago, source)| Event::Elsewhere(seen, ago, source))
}

fn event() -> impl Strategy<Value = Event> {
    let doubt = prop_oneof![
        Just(Quality::ARTEFACT),
        Just(Quality::LOW_PERFUSION),
        Just(Quality::NO_CONTACT),
        Just(Quality::TIME_UNCERTAIN)
    ];
    let contact = prop_oneof![
        2 => Just(Contact::On),
        1 => Just(Contact::Off),
        1 => Just(Contact::Searching),
        1 => Just(Contact::Unmeasurable)
    ];
    let answer = prop_oneof![
        Just((AnswerCode::OnOxygen, 1)),
        Just((AnswerCode::ChestPain, 1)),
        Just((AnswerCode::BaselineSpO2, 990)),
        Just((AnswerCode::BaselineSpO2, 960))
    ];
    let somewhere = prop_oneof![
        2 => Just(Whereabouts::AtHome),
        1 => Just(Whereabouts::InHospital)
    ];
    let wait = prop_oneof![4 => 1..MINUTE, 2 => 1..HOUR, 1 => 1..30 * HOUR];
    prop_oneof![
        24 => run(),
        4 => (3_590..3_950_i32).prop_map(Event::Warm),
        2 => (percent(), doubt).prop_map(|(it, doubt)| Event::Doubtful(it, doubt)),
        1 => percent().prop_map(Event::Typed),
        2 => (percent(), 1..3 * HOUR).prop_map(|(it, delay)| Event::Late(it, delay)),
        2 => (0..500_usize).prop_map(Event::Again),
        1 => percent().prop_map(Event::Other),
        3 => elsewhere(),
        3 => contact.prop_map(Event::Held),
        1 => answer.prop_map(|(code, value)| Event::Said(code, value)),
        4 => Just(Event::Beat),
        1 => Just(Event::Lost),
        6 => wait.prop_map(Event::Wait),
        1 => Just(Event::Tick),
        6 => Just(Event::Watch),
        1 => (1..HOUR).prop_map(Event::Deaf),
        1 => (0..4_usize).prop_map(Event::Planned),
        1 => somewhere.prop_map(Event::Standing),
        1 => (1..HOUR).prop_map(Event::SteppedBack),
        2 => Just(Event::Restart),
    ]
}

/// The same patient twice: of one nothing is put off.
struct Pair {
    rules: RuleSet,
    quick: PatientState,
    plain: PatientState,
    now: i64,
    number: u64,
    rows: i64,
    seen: Vec<Observation>,
    said: usize,
}

impl Pair {
    fn new() -> Self {
        Self {
            rules: RuleSet::shipped(),
            quick: PatientState::new(PATIENT),
            plain: PatientState::wakeful(PATIENT),
            now: START,
            number: 0,
            rows: 0,
            seen: Vec::new(),
            said: 0,
        }
    }

    fn give(&mut self, input: Input<'_>, now: i64) {
        let now = WallMs(now);
        let said = step(&self.rules, &mut self.quick, input, now);
        let plain: Vec<Verdict> = step(&self.rules, &mut self.plain, input, now);
        assert_eq!(said, plain, "at {now} by {input:?}");
        self.said += said.len();
        assert_eq!(
            self.quick.next_deadline(),
            self.plain.next_deadline(),
            "after {input:?}"
        );
    }

    fn id(&mut self, epoch: u64) -> RecordId {
        self.number += 1;
        RecordId {
            epoch: Epoch(epoch),
            sequence: Sequence::new(self.number).expect("from 1"),
        }
    }

    /// Measured so long ago.
    fn observation(&mut self, seen: Seen, delay_ms: i64) -> Observation {
        Observation {
            id: self.id(7),
            device: DeviceId::new("nonin:501234").expect("a device id"),
            source: Source::Device,
            at: WallMs(self.now - delay_ms),
            received: WallMs(self.now),
            seen,
        }
    }

    fn observe(&mut self, seen: Seen, delay_ms: i64) {
        let observation = self.observation(seen, delay_ms);
        self.hear(observation);
    }

    fn hear(&mut self, observation: Observation) {
        self.give(Input::Observation(&observation), observation.received.0);
        self.seen.push(observation);
    }

    /// What a reader of the state sees.
    fn look(&self) {
        for kind in VitalKind::ALL {
            assert_eq!(self.quick.last(kind), self.plain.last(kind));
            assert_eq!(self.quick.is_greyed(kind), self.plain.is_greyed(kind));
        }
        for scale in Scale::ALL {
            let now = WallMs(self.now);
            assert_eq!(
                self.quick.partial(&self.rules, scale, now),
                self.plain.partial(&self.rules, scale, now)
            );
        }
        assert_eq!(self.quick.trend(), self.plain.trend());
        assert_eq!(self.quick.baseline(), self.plain.baseline());
        assert_eq!(self.quick.open_flags(), self.plain.open_flags());
    }

    /// Once what was put off is folded, memory is the same.
    fn fold(&mut self) {
        // Nobody was deaf, and who listens hears all.
        self.give(Input::Deaf(WallMs(self.now)), self.now);
        assert_eq!(memory(&self.quick), memory(&self.plain));
    }

    fn restart(&mut self) {
        let text = serde_json::to_string(&self.quick).expect("a state is data");
        let state = serde_json::from_str(&text).expect("what was written is read");
        assert_eq!(self.quick, state);
        self.quick = state;
    }

    fn run(&mut self, event: &Event) {
        let &Event::Run {
            readings,
            every_ms,
            percent,
            wander,
            pulse,
            delay_ms,
        } = event
        else {
            return;
        };
        for reading in 0..readings {
            self.now += every_ms;
            let step = i32::try_from(reading / 3 % 5).expect("small");
            let by = [0, 1, 0, -1, 1][usize::try_from(step).expect("small")] * wander;
            self.observe(
                Seen::Vital(spo2((percent + by).min(100) * 10), Quality::empty()),
                delay_ms,
            );
            let pulse = whole(VitalKind::Pulse, pulse + by);
            self.observe(Seen::Vital(pulse, Quality::empty()), delay_ms);
        }
    }

    fn play(&mut self, event: &Event) {
        self.now += 500;
        let clean = |percent: i32| Seen::Vital(spo2(percent * 10), Quality::empty());
        match *event {
            Event::Run { .. } => self.run(event),
            Event::Warm(hundredths) => {
                self.observe(Seen::Vital(temperature(hundredths), Quality::empty()), 0);
            }
            Event::Doubtful(percent, doubt) => {
                self.observe(Seen::Vital(spo2(percent * 10), doubt), 0);
            }
            Event::Late(percent, delay_ms) => self.observe(clean(percent), delay_ms),
            Event::Held(contact) => self.observe(Seen::Contact(Sensor::Oximeter, contact), 0),
            Event::Said(code, value) => self.observe(Seen::Answer(Answer { code, value }), 0),
            Event::Wait(ms) => self.now += ms,
            Event::Restart => self.restart(),
            Event::Again(ago) => {
                let place = self.seen.len().checked_sub(ago + 1);
                if let Some(again) = place.and_then(|it| self.seen.get(it)).cloned() {
                    self.hear(Observation {
                        received: WallMs(self.now),
                        ..again
                    });
                }
            }
            Event::Typed(percent) | Event::Other(percent) => {
                let is_typed = matches!(event, Event::Typed(_));
                let (name, source) = if is_typed {
                    ("hand:1", Source::ByHand)
                } else {
                    ("o2ring:2", Source::Device)
                };
                let observation = Observation {
                    id: self.id(if is_typed { 8 } else { 7 }),
                    device: DeviceId::new(name).expect("a device id"),
                    source,
                    at: WallMs(self.now),
                    received: WallMs(self.now),
                    seen: clean(percent),
                };
                self.hear(observation);
            }
            Event::Elsewhere(seen, ago_ms, source) => {
                let observation = self.observation(seen, ago_ms);
                // It came when it was measured, and is handed on now.
                let received = observation.at;
                let observation = Observation {
                    source,
                    received,
                    ..observation
                };
                self.give(Input::Elsewhere(&observation), self.now);
                self.seen.push(observation);
            }
            _ => self.pass(event),
        }
    }

    /// What is no observation.
    fn pass(&mut self, event: &Event) {
        let now = self.now;
        match *event {
            Event::Beat | Event::Lost => {
                let device = DeviceId::new("nonin:501234").expect("a device id");
                let sign = if matches!(event, Event::Lost) {
                    Sign::DeviceLost(device)
                } else {
                    Sign::Gateway
                };
                let presence = Presence {
                    id: self.id(7),
                    at: WallMs(now),
                    received: WallMs(now),
                    sign,
                };
                self.give(Input::Presence(&presence), now);
            }
            Event::Tick => self.give(Input::Tick, now),
            Event::Watch => {
                let due = self.plain.next_deadline();
                if due.is_some_and(|due| due.0 <= now) {
                    self.give(Input::Tick, now);
                }
            }
            Event::Deaf(ms) => self.give(Input::Deaf(WallMs(now - ms)), now),
            Event::SteppedBack(ms) => self.give(Input::SteppedBack, now - ms),
            Event::Planned(which) => {
                self.rows += 1;
                let plan = plans(self.rows, WallMs(now + MINUTE)).swap_remove(which);
                self.give(Input::Plan(&plan), now);
            }
            Event::Standing(whereabouts) => {
                self.rows += 1;
                let standing = PatientStanding {
                    patient: PATIENT,
                    number: self.rows,
                    from: WallMs(now),
                    whereabouts,
                };
                self.give(Input::Standing(&standing), now);
            }
            _ => {}
        }
    }
}

/// Readings that are put off now.
fn put_off(state: &PatientState) -> usize {
    let state = serde_json::to_value(state).expect("a state is data");
    let log = state.pointer("/quiet/log/packed");
    log.and_then(|it| it.as_array()).map_or(0, Vec::len)
}

/// All that is remembered, but for how it was put off.
fn memory(state: &PatientState) -> serde_json::Value {
    let mut memory = serde_json::to_value(state).expect("a state is data");
    let fields = memory.as_object_mut().expect("of named fields");
    fields.remove("is_wakeful");
    assert!(!fields.contains_key("quiet"), "all is folded");
    memory
}

fn plans(version: i64, from: WallMs) -> Vec<Plan> {
    let asked = vec![
        every(VitalKind::SpO2, 60, 15),
        daily(VitalKind::Temperature, &["08:00", "20:00"], 120),
    ];
    let usual = plan(version, from, asked);
    let target = Target {
        low_percent: 90,
        high_percent: 94,
    };
    vec![
        usual.clone(),
        Plan {
            spo2: Some(target),
            oxygen_scale: OxygenScale::Two,
            ..usual.clone()
        },
        Plan {
            limits: vec![OwnLimits {
                amber_to: Some(950),
                ..OwnLimits::of(VitalKind::SpO2)
            }],
            ..usual.clone()
        },
        Plan {
            guards: vec![Guard::Pregnancy],
            ..usual
        },
    ]
}

fn steady(readings: usize, every_ms: i64) -> Event {
    Event::Run {
        readings,
        every_ms,
        percent: 97,
        wander: 1,
        pulse: 70,
        delay_ms: 0,
    }
}

#[test]
fn nearly_every_reading_of_a_stream_is_put_off() {
    let mut pair = Pair::new();
    pair.play(&steady(400, SECOND));
    assert!(put_off(&pair.quick) > 700, "{}", put_off(&pair.quick));
    pair.look();
    pair.fold();
    assert_eq!(put_off(&pair.quick), 0);
}

#[test]
fn a_long_calm_is_passed_over_and_memory_is_the_same() {
    for (readings, every_ms) in [(3_000, SECOND), (3_000, 250), (3_000, MINUTE)] {
        let mut pair = Pair::new();
        let mut most = 0;
        for part in 0..6 {
            for _ in 0..10 {
                pair.play(&steady(readings / 60, every_ms));
                pair.play(&Event::Beat);
                pair.play(&Event::Watch);
            }
            if part % 2 == 0 {
                pair.play(&Event::Warm(3_650));
            }
            most = most.max(put_off(&pair.quick));
            pair.look();
        }
        assert!(most > 400, "{most}");
        pair.fold();
    }
}

#[test]
fn a_low_value_after_a_long_calm_is_said_at_once() {
    let mut pair = Pair::new();
    pair.play(&steady(2_000, SECOND));
    assert!(put_off(&pair.quick) > 500);
    let low = Event::Run {
        readings: 200,
        every_ms: SECOND,
        percent: 86,
        wander: 0,
        pulse: 70,
        delay_ms: 0,
    };
    pair.play(&low);
    assert!(pair.said > 0);
    pair.fold();
}

#[test]
fn what_was_measured_elsewhere_goes_among_what_is_put_off() {
    let clean = |percent: i32| Seen::Vital(spo2(percent * 10), Quality::empty());
    for (percent, ago_ms) in [(97, 0), (97, 30 * SECOND), (84, 0), (84, 30 * SECOND)] {
        let mut pair = Pair::new();
        pair.play(&steady(100, SECOND));
        assert!(put_off(&pair.quick) > 100, "{}", put_off(&pair.quick));
        pair.play(&Event::Elsewhere(clean(percent), ago_ms, Source::Device));
        assert_eq!(put_off(&pair.quick), 0, "all is folded first");
        pair.look();
        pair.play(&steady(100, SECOND));
        pair.play(&Event::Watch);
        pair.look();
        pair.fold();
    }
}

/// What counts from a moment counts for a vital sign that was last measured before it, though
/// another was measured since.
#[test]
fn a_baseline_that_is_recorded_between_two_vital_signs_counts_for_both() {
    let mut pair = Pair::new();
    pair.play(&steady(10, SECOND));
    pair.play(&Event::Warm(3_650));
    pair.play(&Event::Said(AnswerCode::BaselineSpO2, 990));
    pair.play(&Event::Warm(3_650));
    pair.play(&steady(100, 20 * SECOND));
    assert!(pair.said > 0, "three points under the baseline");
    pair.fold();
}

/// A reading whose median stands for a slot of the day is not heard once more with a shorter
/// stretch.
#[test]
fn what_is_passed_over_leaves_the_days_as_they_are() {
    let mut pair = Pair::new();
    for (readings, every_ms) in [
        (100, SECOND),
        (547, MINUTE),
        (161, SECOND),
        (128, 20 * SECOND),
        (512, SECOND),
    ] {
        pair.play(&Event::Run {
            readings,
            every_ms,
            percent: 97,
            wander: 0,
            pulse: 70,
            delay_ms: 0,
        });
    }
    pair.fold();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_put_off_is_said_at_the_same_moment_or_was_not_worth_a_word(
        is_planned in any::<bool>(),
        events in vec(event(), 1..40),
    ) {
        let mut pair = Pair::new();
        if is_planned {
            let plan = plans(0, WallMs(START)).swap_remove(0);
            pair.give(Input::Plan(&plan), START);
        }
        for event in &events {
            pair.play(event);
            pair.look();
        }
        pair.fold();
    }
}
