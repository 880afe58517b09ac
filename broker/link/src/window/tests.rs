//! The window on a clock of its own.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

const LIMITS: Limits = Limits {
    frames: 4,
    first_frames: 4,
    bytes: 1000,
    retry: Duration::from_secs(5),
    retry_cap: Duration::from_secs(300),
    asked_again: SECOND,
    stalled: Duration::from_secs(60),
};

fn sequence(number: u64) -> Sequence {
    Sequence::new(number).expect("tests count from 1")
}

/// A window and its clock.
struct Trial {
    window: Window,
    now: Instant,
    rng: fastrand::Rng,
}

impl Trial {
    fn new() -> Self {
        Self {
            window: Window::new(LIMITS, Sequence::FIRST),
            now: Instant::now(),
            rng: fastrand::Rng::with_seed(1),
        }
    }

    /// Sends a frame of ten records, 100 bytes.
    fn send(&mut self) -> u64 {
        let first = self.window.next();
        let last = first.plus(9);
        self.window
            .sent(Flight { last, bytes: 100 }, self.now, &mut self.rng);
        first.get()
    }

    fn acknowledge(&mut self, through: u64) -> bool {
        self.window
            .acknowledge(Sequence::new(through), 32, self.now)
    }

    fn expect(&mut self, expected: u64) -> bool {
        self.window.expect(sequence(expected), self.now)
    }

    fn pass(&mut self, time: Duration) -> Due {
        self.now += time;
        self.window.on_time(self.now)
    }

    /// Waits for what comes next.
    fn wait(&mut self) -> (Duration, Due) {
        let deadline = self.window.deadline().expect("something is awaited");
        let waited = deadline.duration_since(self.now);
        (waited, self.pass(waited))
    }
}

#[test]
fn frames_follow_each_other_until_the_window_is_full() {
    let mut trial = Trial::new();
    let firsts: Vec<u64> = (0..4).map(|_| trial.send()).collect();
    assert_eq!(firsts, [1, 11, 21, 31]);
    assert!(!trial.window.is_open());
    assert!(trial.acknowledge(10));
    assert!(trial.window.is_open());
}

#[test]
fn before_the_first_answer_the_window_is_narrower() {
    let mut trial = Trial::new();
    let limits = Limits {
        first_frames: 1,
        ..LIMITS
    };
    trial.window = Window::new(limits, Sequence::FIRST);
    trial.send();
    assert!(!trial.window.is_open());
    assert!(trial.acknowledge(10));
    trial.send();
    assert!(trial.window.is_open());
}

#[test]
fn bytes_close_the_window_as_well() {
    let mut trial = Trial::new();
    let flight = Flight {
        last: sequence(10),
        bytes: 1000,
    };
    trial.window.sent(flight, trial.now, &mut trial.rng);
    assert!(!trial.window.is_open());
}

#[test]
fn ingest_may_narrow_the_window_but_not_shut_it() {
    let mut trial = Trial::new();
    trial.window.acknowledge(None, 0, trial.now);
    assert!(trial.window.is_open());
    trial.send();
    assert!(!trial.window.is_open());
}

#[test]
fn an_idle_window_waits_for_nothing() {
    let mut trial = Trial::new();
    assert_eq!(trial.window.deadline(), None);
    trial.send();
    assert!(trial.window.deadline().is_some());
    trial.acknowledge(10);
    assert_eq!(trial.window.deadline(), None);
}

#[test]
fn without_progress_it_goes_back_behind_the_last_acknowledgement() {
    let mut trial = Trial::new();
    trial.send();
    trial.send();
    trial.acknowledge(10);
    assert_eq!(trial.pass(LIMITS.retry), Due::WentBack);
    assert_eq!(trial.send(), 11);
}

#[test]
fn a_part_of_a_frame_may_be_acknowledged() {
    let mut trial = Trial::new();
    trial.send();
    trial.acknowledge(4);
    assert_eq!(trial.pass(LIMITS.retry), Due::WentBack);
    assert_eq!(trial.send(), 5);
}

#[test]
fn an_older_acknowledgement_is_no_progress() {
    let mut trial = Trial::new();
    trial.send();
    trial.send();
    assert!(trial.acknowledge(20));
    assert!(!trial.acknowledge(10));
    assert_eq!(trial.window.next(), sequence(21));
}

#[test]
fn pauses_double_while_nothing_is_answered_and_a_stall_ends_the_connection() {
    let mut trial = Trial::new();
    trial.send();
    let mut last = Due::Nothing;
    let mut pauses = Vec::new();
    while last != Due::Stalled {
        let (pause, due) = trial.wait();
        pauses.push(pause);
        last = due;
        if due == Due::WentBack {
            assert_eq!(trial.send(), 1);
        }
    }
    assert_eq!(pauses[0], LIMITS.retry);
    assert!(pauses[1] <= 2 * LIMITS.retry);
    assert_eq!(pauses.iter().sum::<Duration>(), LIMITS.stalled);
}

#[test]
fn progress_shortens_the_pause_again() {
    let mut trial = Trial::new();
    trial.send();
    for _ in 0..3 {
        assert_eq!(trial.wait().1, Due::WentBack);
        trial.send();
    }
    trial.acknowledge(5);
    assert_eq!(trial.wait().0, LIMITS.retry);
}

#[test]
fn a_sign_of_life_shortens_the_pause_as_well() {
    let mut trial = Trial::new();
    trial.send();
    for _ in 0..3 {
        assert_eq!(trial.wait().1, Due::WentBack);
        trial.send();
    }
    assert!(!trial.acknowledge(0));
    assert!(trial.wait().0 <= LIMITS.retry);
}

#[test]
fn an_expected_sequence_is_sent_at_once_but_not_again_and_again() {
    let mut trial = Trial::new();
    for _ in 0..3 {
        trial.send();
    }
    assert!(trial.expect(11));
    assert_eq!(trial.send(), 11);
    assert_eq!(trial.send(), 21);
    assert!(!trial.expect(11), "answers to the first flight still come");
    trial.now += LIMITS.asked_again;
    assert!(trial.expect(11), "and now it was lost once more");
}

#[test]
fn a_sequence_that_was_not_sent_yet_needs_no_going_back() {
    let mut trial = Trial::new();
    trial.send();
    assert!(!trial.expect(11));
    assert_eq!(trial.window.next(), sequence(11));
}

#[test]
fn ingest_may_ask_for_what_it_once_acknowledged() {
    let mut trial = Trial::new();
    trial.send();
    trial.send();
    trial.acknowledge(20);
    assert!(trial.expect(6));
    assert_eq!(trial.send(), 6);
    assert!(trial.acknowledge(15));
}

#[test]
fn an_acknowledgement_beyond_what_was_sent_moves_on() {
    let mut trial = Trial::new();
    trial.send();
    assert!(trial.acknowledge(500));
    assert_eq!(trial.window.next(), sequence(501));
}

#[test]
fn a_new_connection_starts_over_and_forgets_the_stall() {
    let mut trial = Trial::new();
    trial.send();
    trial.send();
    trial.acknowledge(10);
    trial.now += LIMITS.stalled;
    trial.window.start_over();
    assert_eq!(trial.window.deadline(), None);
    assert_eq!(trial.send(), 11);
}

#[test]
fn what_was_removed_is_skipped() {
    let mut trial = Trial::new();
    trial.window.skip_to(sequence(100));
    assert_eq!(trial.send(), 100);
    assert_eq!(trial.pass(LIMITS.retry), Due::WentBack);
    assert_eq!(trial.send(), 100);
}
