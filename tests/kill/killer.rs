//! Kills processes at random moments, starts them again, and remembers when.

use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::house::House;
use crate::process::{PATIENCE, Process};

/// Between two kills at most: often enough that a process is also killed while it starts, and
/// while another is down.
const KILL_WITHIN: Duration = Duration::from_millis(2_500);

/// A victim stays down this long at most; half of them are started again at once.
const DOWN_AT_MOST: Duration = Duration::from_secs(3);

/// Between two looks at who is to be started or killed.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What can be killed: one role of one configuration, over all its lives.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) configuration: String,
    pub(crate) role: &'static str,
    /// What it says when it is up, and how many times.
    up: (&'static str, usize),
    /// Lives so far.
    pub(crate) lives: usize,
    /// When it was killed, in wall milliseconds since 1970.
    pub(crate) killed_ms: Vec<i64>,
    state: State,
}

#[derive(Debug)]
enum State {
    Down { until: Instant },
    Starting { process: Process, since: Instant },
    Up(Process),
}

impl Subject {
    /// Not yet running.
    pub(crate) fn new(configuration: &str, role: &'static str, up: (&'static str, usize)) -> Self {
        Self {
            configuration: configuration.to_owned(),
            role,
            up,
            lives: 0,
            killed_ms: Vec::new(),
            state: State::Down {
                until: Instant::now(),
            },
        }
    }

    /// Starts it when that is due, and sees to it that it comes up.
    fn look(&mut self, house: &House) {
        let now = Instant::now();
        let Self {
            configuration,
            role,
            up: (text, times),
            lives,
            ..
        } = self;
        match &mut self.state {
            State::Down { until } if *until <= now => {
                let process = house.start(configuration, role, *lives);
                *lives += 1;
                self.state = State::Starting {
                    process,
                    since: now,
                };
            }
            State::Starting { process, since } => {
                let ended = process.ended();
                if process.has_said(text, *times) {
                    let starting = std::mem::replace(&mut self.state, State::Down { until: now });
                    if let State::Starting { process, .. } = starting {
                        self.state = State::Up(process);
                    }
                } else {
                    let begun = since.elapsed();
                    let log = process.said();
                    assert!(ended.is_none(), "{configuration} ended at its start: {log}");
                    assert!(begun < PATIENCE, "{configuration} does not come up: {log}");
                }
            }
            State::Up(process) => {
                let ended = process.ended();
                assert!(
                    ended.is_none(),
                    "{configuration} ended by itself: {ended:?}"
                );
            }
            State::Down { .. } => {}
        }
    }

    fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Kills it, if it runs.
    fn kill(&mut self, down_for: Duration) {
        let until = Instant::now() + down_for;
        match std::mem::replace(&mut self.state, State::Down { until }) {
            State::Starting { process, .. } | State::Up(process) => {
                self.killed_ms.push(wall_ms());
                drop(process);
            }
            down @ State::Down { .. } => self.state = down,
        }
    }

    /// Lets it end in its own time.
    pub(crate) fn end(self) {
        if let State::Up(process) = self.state {
            process.end();
        }
    }
}

/// Brings everybody up.
pub(crate) fn raise(house: &House, subjects: &mut [Subject]) {
    while !subjects.iter().all(Subject::is_up) {
        subjects.iter_mut().for_each(|subject| subject.look(house));
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Kills so many times, one of `victims` each time, and leaves everybody up.
pub(crate) fn rage(
    house: &House,
    subjects: &mut [Subject],
    victims: Range<usize>,
    kills: usize,
    chance: &mut fastrand::Rng,
) {
    let mut done = 0;
    while done < kills {
        let kill_at = Instant::now() + KILL_WITHIN.mul_f64(chance.f64());
        while Instant::now() < kill_at {
            subjects.iter_mut().for_each(|subject| subject.look(house));
            std::thread::sleep(LOOK_EVERY);
        }
        let down_for = DOWN_AT_MOST.mul_f64(if chance.bool() { chance.f64() } else { 0.0 });
        let alive = victims.clone().filter(|it| subjects[*it].runs());
        let alive: Vec<usize> = alive.collect();
        match chance.choice(alive) {
            Some(victim) => {
                subjects[victim].kill(down_for);
                done += 1;
            }
            None => raise(house, subjects),
        }
    }
    raise(house, subjects);
}

impl Subject {
    fn runs(&self) -> bool {
        !matches!(self.state, State::Down { .. })
    }
}

fn wall_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = now.expect("the clock is past 1970").as_millis();
    i64::try_from(ms).expect("milliseconds since 1970 fit")
}
