//! The sliding window says exactly what the median of each whole stretch says.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use veglia_wire::{DeviceId, Epoch, RecordId, Sequence, VitalKind, WallMs};

use super::{Basis, Measured, Medians, WINDOW_READINGS_MAX, of_newest};
use crate::flag::Median;
use crate::limit::Reading;
use crate::rules::Continuous;

fn continuous() -> Continuous {
    Continuous {
        vitals: vec![VitalKind::SpO2],
        gap_ms: 5_000,
        median_ms: 120_000,
        settled_readings: 10,
        apart_ms: 30_000,
        source: "a test".to_owned(),
    }
}

/// The median as it is defined: by the whole stretch of one reading.
fn defined<'r>(readings: &'r [Reading], place: usize, continuous: &Continuous) -> Measured<'r> {
    let reading = &readings[place];
    let spot = Measured::spot(reading);
    let known = readings[..=place].iter().rev().take(WINDOW_READINGS_MAX);
    let stretch = known.take_while(|it| reading.at.since(it.at) < continuous.median_ms);
    let mut stretch: Vec<&Reading> = stretch.filter(|it| it.device == reading.device).collect();
    let mut pairs = stretch.windows(2);
    let is_stream = pairs.any(|pair| continuous.joins(pair[1].at, pair[0].at));
    if reading.device.is_none() || !is_stream {
        return spot;
    }
    let readings = u32::try_from(stretch.len()).unwrap();
    let median = Median {
        first: stretch.last().unwrap().id,
        last: reading.id,
        readings,
    };
    stretch.sort_by_key(|it| (it.steps, it.key()));
    let value = stretch[(stretch.len() - 1) / 2];
    Measured {
        id: value.id,
        steps: value.steps,
        is_weak: false,
        value_at: value.at,
        basis: if readings < continuous.settled_readings {
            Basis::Few(median)
        } else {
            Basis::Settled(median)
        },
        ..spot
    }
}

fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let gap = prop_oneof![8 => 0..3_000_i64, 1 => 0..8_000_i64, 1 => 0..150_000_i64];
    let device = prop_oneof![5 => Just(Some(0)), 2 => Just(Some(1)), 1 => Just(Some(2)),
        1 => Just(None)];
    vec((gap, 0..9_i32, device), 1..400).prop_map(|each| {
        let names = ["a:1", "b:2", "c:3"].map(|name| DeviceId::new(name).unwrap());
        let mut at = 0;
        let each = each.into_iter().zip(1..);
        let readings = each.map(|((gap, step, device), number)| {
            at += gap;
            Reading {
                at: WallMs(at),
                id: RecordId {
                    epoch: Epoch(1),
                    sequence: Sequence::new(number).unwrap(),
                },
                received: WallMs(at),
                steps: 900 + step * 10,
                is_weak: false,
                device: device.map(|place: usize| names[place].clone()),
            }
        });
        readings.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_window_that_slides_says_what_the_whole_stretch_says(
        readings in readings(),
        settled in 0..400_usize,
    ) {
        let continuous = continuous();
        let mut medians = Medians::default();
        let mut recent = VecDeque::new();
        for (place, reading) in readings.iter().enumerate() {
            recent.push_back(reading.clone());
            if place == settled {
                medians = Medians::default();
            }
            let said = medians.newest(&VecDeque::new(), &recent, &continuous);
            prop_assert_eq!(said, Some(defined(&readings, place, &continuous)));
        }
    }

    #[test]
    fn what_is_worked_out_again_is_the_same(readings in readings(), apart in 0..400_usize) {
        let continuous = continuous();
        let apart = apart.min(readings.len());
        let before: VecDeque<Reading> = readings[..apart].iter().cloned().collect();
        let recent: VecDeque<Reading> = readings[apart..].iter().cloned().collect();
        let mut medians = Medians::default();
        medians.refresh(&before, &recent, &continuous);
        for (said, place) in medians.all(&recent, &continuous).zip(apart..) {
            prop_assert_eq!(said, defined(&readings, place, &continuous));
        }
    }

    #[test]
    fn of_one_device_the_newest_is_the_same_without_a_window(mut readings in readings()) {
        let continuous = continuous();
        for reading in &mut readings {
            reading.device = Some(DeviceId::new("a:1").unwrap());
        }
        let said = of_newest(&readings, true, &continuous);
        prop_assert_eq!(said, Some(defined(&readings, readings.len() - 1, &continuous)));
    }

    #[test]
    fn a_fast_stream_has_a_shorter_stretch(values in vec(0..9_i32, 600..1_000)) {
        let continuous = continuous();
        let number = |number| Sequence::new(number).unwrap();
        let readings: Vec<Reading> = values.iter().zip(1_u64..).map(|(step, count)| Reading {
            at: WallMs(i64::try_from(count).unwrap() * 100),
            id: RecordId { epoch: Epoch(1), sequence: number(count) },
            received: WallMs(0),
            steps: 900 + step * 10,
            is_weak: false,
            device: Some(DeviceId::new("a:1").unwrap()),
        }).collect();
        let mut window = super::Window::default();
        for (place, reading) in readings.iter().enumerate() {
            let said = window.push(reading, &continuous);
            let said = Measured::new(reading, said, &continuous);
            prop_assert_eq!(said, defined(&readings, place, &continuous));
        }
    }
}
