//! The board: whoever asks again and again ends with exactly the rows that are there.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use veglia_view::{Board, Edition, PatientId, Version, WallMs};

/// A screen: it keeps the rows by what it was told, and nothing else.
#[derive(Default)]
struct Screen {
    version: Option<Version>,
    rows: BTreeMap<PatientId, Option<WallMs>>,
}

impl Screen {
    /// One question; whether it has seen everything.
    fn ask(&mut self, board: &Board, limit: usize) -> bool {
        let delta = board.since(self.version, limit);
        if delta.afresh {
            self.rows.clear();
        }
        for patient in &delta.departed {
            self.rows.remove(patient);
        }
        let rows = delta.rows.iter().map(|row| (row.patient, row.last_heard));
        self.rows.extend(rows);
        self.version = Some(delta.version);
        delta.complete
    }
}

#[derive(Debug, Clone)]
enum Step {
    Heard(u64, i64),
    Leaves(u64),
    Asks(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u64..8, 0_i64..1_000).prop_map(|(patient, at)| Step::Heard(patient, at)),
        2 => (0_u64..8).prop_map(Step::Leaves),
        3 => (1_usize..4).prop_map(Step::Asks),
    ];
    proptest::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn a_screen_ends_with_the_rows_that_are_there(steps in steps()) {
        let board = Board::new(Edition(1));
        let mut screen = Screen::default();
        let mut truth = BTreeMap::new();
        for step in steps {
            match step {
                Step::Heard(patient, at) => {
                    let patient = PatientId::new(patient);
                    board.update(patient, |row| row.last_heard = Some(WallMs(at))).unwrap();
                    truth.insert(patient, Some(WallMs(at)));
                }
                Step::Leaves(patient) => {
                    board.remove(PatientId::new(patient));
                    truth.remove(&PatientId::new(patient));
                }
                Step::Asks(limit) => {
                    screen.ask(&board, limit);
                }
            }
        }
        let pages = (0..100).take_while(|_| !screen.ask(&board, 2)).count();
        prop_assert!(pages < 99);
        prop_assert_eq!(screen.rows, truth);
    }
}

#[test]
fn a_screen_that_missed_too_many_departures_starts_afresh_and_comes_to_an_end() {
    let board = Board::new(Edition(1));
    for number in 0..3_000 {
        board.update(PatientId::new(number), |_| ()).unwrap();
    }
    let mut screen = Screen::default();
    screen.ask(&board, 10);
    for number in 10..2_990 {
        board.remove(PatientId::new(number));
    }
    let pages = (0..100).take_while(|_| !screen.ask(&board, 5)).count();
    assert!(pages < 99, "a screen must not start afresh for ever");
    let rows: BTreeSet<u64> = screen.rows.keys().map(|patient| patient.get()).collect();
    assert_eq!(rows, (0..10).chain(2_990..3_000).collect());
}

#[test]
fn an_unchanged_board_answers_with_nothing() {
    let board = Board::new(Edition(1));
    board.update(PatientId::new(1), |_| ()).unwrap();
    let version = board.since(None, 10).version;
    let again = board.since(Some(version), 10);
    assert!(again.rows.is_empty() && again.complete && !again.afresh);
    assert_eq!(again.version, version);
}
