//! Laws that hold whatever comes, in whatever order: a red is told, who is not measured is silent.

// req: G7

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::*;
use veglia_triage::{Input, Observation, Plan, Presence, Sign, Source, Target};
use veglia_wire::{DeviceId, Quality, VitalKind};

#[derive(Debug, Clone)]
enum Event {
    /// Percent, device (0 and 1, 2 a hand), how many minutes it was on its way.
    Spo2(i32, u8, i64),
    Grey(i32),
    Beat,
    Pause(i64),
    Restart,
    Deaf(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (84..99_i32, 0..3_u8, prop_oneof![6 => Just(0_i64), 1 => 1..90_i64])
            .prop_map(|(percent, device, late)| Event::Spo2(percent, device, late)),
        1 => (84..99_i32).prop_map(Event::Grey),
        2 => Just(Event::Beat),
        6 => prop_oneof![3 => 1..12_i64, 2 => 12..200_i64, 1 => 200..900_i64]
            .prop_map(Event::Pause),
        1 => Just(Event::Restart),
        1 => (1..60_i64).prop_map(Event::Deaf),
    ];
    vec(event, 1..60)
}

struct Sent {
    at: i64,
    received: i64,
    percent: i32,
}

struct World {
    home: Home,
    now: i64,
    number: u64,
    sent: Vec<Sent>,
    waiting: Vec<(i64, Observation)>,
    deaf_until: i64,
    last_heard: i64,
}

impl World {
    fn new(plan: Option<Plan>) -> Self {
        let mut home = Home::new();
        if let Some(plan) = plan {
            home.plan(&plan);
        }
        Self {
            home,
            now: 0,
            number: 0,
            sent: Vec::new(),
            waiting: Vec::new(),
            deaf_until: -10_000,
            last_heard: 0,
        }
    }

    fn play(
        &mut self,
        event: &Event,
        check: &mut impl FnMut(&Self) -> Result<(), TestCaseError>,
    ) -> Result<(), TestCaseError> {
        match event {
            Event::Spo2(percent, device, late) => {
                self.number += 1;
                let (device, source) = match device {
                    0 => ("nonin:501234", Source::Device),
                    1 => ("node:1", Source::Device),
                    _ => ("hand:1", Source::ByHand),
                };
                let observation = Observation {
                    source,
                    device: DeviceId::new(device).expect("a device id"),
                    received: minute(self.now + late),
                    ..seen(
                        self.number,
                        minute(self.now),
                        spo2(percent * 10),
                        Quality::empty(),
                    )
                };
                self.sent.push(Sent {
                    at: self.now,
                    received: self.now + late,
                    percent: *percent,
                });
                self.waiting.push((self.now + late, observation));
                self.deliver();
            }
            Event::Grey(percent) => {
                self.number += 1;
                let observation = seen(
                    self.number,
                    minute(self.now),
                    spo2(percent * 10),
                    Quality::ARTEFACT,
                );
                self.home.observe(&observation);
                self.last_heard = self.now;
            }
            Event::Beat => {
                self.number += 1;
                let presence = Presence {
                    id: record(self.number),
                    at: minute(self.now),
                    received: minute(self.now),
                    sign: Sign::Gateway,
                };
                self.home.give(Input::Presence(&presence), minute(self.now));
                self.last_heard = self.now;
            }
            Event::Pause(minutes) => {
                for _ in 0..*minutes {
                    self.now += 1;
                    self.deliver();
                    self.tick();
                    check(self)?;
                }
            }
            Event::Restart => self.home.restart(),
            Event::Deaf(minutes) => {
                let since = self.now;
                self.now += minutes;
                self.home.give(Input::Deaf(minute(since)), minute(self.now));
                self.deaf_until = self.now;
                self.tick();
                self.deliver();
                // What arrived while nobody listened is received now.
            }
        }
        Ok(())
    }

    fn deliver(&mut self) {
        let now = self.now;
        let mut due: Vec<_> = Vec::new();
        self.waiting.retain(|(at, it)| {
            if *at <= now {
                due.push(it.clone());
            }
            *at > now
        });
        for mut it in due {
            it.received = minute(now);
            for sent in &mut self.sent {
                if minute(sent.at) == it.at {
                    sent.received = sent.received.max(now.min(sent.received.max(now)));
                }
            }
            self.home.give(Input::Observation(&it), minute(now));
            if it.source == Source::Device {
                self.last_heard = now;
            }
        }
    }

    fn tick(&mut self) {
        let due = self.home.state.next_deadline();
        if due.is_some_and(|due| due <= minute(self.now)) {
            self.home.tick(self.now);
        }
    }

    /// The newest measured of what has arrived.
    fn newest(&self) -> Option<&Sent> {
        let arrived = self.sent.iter().filter(|it| it.received <= self.now);
        arrived.max_by_key(|it| it.at)
    }
}

fn is_confirmed_red(home: &Home) -> bool {
    let open = home.state.open_flags();
    open.iter()
        .any(|it| it.id.rule.as_str() == "spo2-red" && it.standing.is_confirmed())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// If the newest known value is red, a person is told within the time of the repeat and a
    /// grace.
    #[test]
    fn a_red_that_is_the_newest_known_value_is_confirmed_in_time(
        events in events(),
        target in any::<bool>(),
    ) {
        let target = target.then_some(Target { low_percent: 90, high_percent: 95 });
        let limit = if target.is_some() { 89 } else { 92 };
        let hourly = vec![every(VitalKind::SpO2, 60, 15)];
        let plan = Plan { spo2: target, ..plan(1, minute(-1), hourly) };
        let mut world = World::new(Some(plan));
        let mut check = |world: &World| {
            let Some(newest) = world.newest() else { return Ok(()) };
            // Two values of one minute have no order.
            if world.sent.iter().filter(|it| it.at == newest.at).count() > 1 { return Ok(()) }
            let since = newest.at.max(newest.received);
            if newest.percent <= limit && world.now - since > 11 {
                prop_assert!(
                    is_confirmed_red(&world.home),
                    "minute {}: {} % since {}", world.now, newest.percent, newest.at
                );
            }
            Ok(())
        };
        for event in &events {
            world.play(event, &mut check)?;
        }
    }

    /// Whoever has not been measured for long is silent, or their home is.
    #[test]
    fn who_is_not_measured_is_silent(events in events()) {
        let mut world = World::new(Some(plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)])));
        let mut check = |world: &World| {
            let last = world.newest().map_or(0, |it| it.at);
            let since = last.max(world.deaf_until).max(0);
            // Asked, grace, off line, settled.
            if world.now - since > 60 + 15 + 15 + 15 + 2 {
                let open = world.home.open();
                let is_silent = open.iter().any(|it| it.starts_with("silence"));
                prop_assert!(
                    is_silent || world.now - world.last_heard < 40,
                    "minute {}: last {last}, heard {}", world.now, world.last_heard
                );
            }
            Ok(())
        };
        for event in &events {
            world.play(event, &mut check)?;
        }
    }

    /// Nobody who is measured in time is silent.
    #[test]
    fn who_is_measured_in_time_is_not_silent(events in events()) {
        let mut world = World::new(Some(plan(1, minute(0), vec![every(VitalKind::SpO2, 60, 15)])));
        let mut check = |world: &World| {
            if let Some(newest) = world.newest()
                && world.now - newest.at < 60 && newest.received < world.now
            {
                let open = world.home.open();
                prop_assert!(
                    !open.iter().any(|it| it == "silence-spo2"),
                    "minute {}: {open:?}", world.now
                );
            }
            Ok(())
        };
        for event in &events {
            world.play(event, &mut check)?;
        }
    }
}
