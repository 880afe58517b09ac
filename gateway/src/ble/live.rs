//! Which seconds a ring has told live. It records while it is listened to, so its file tells them
//! again; each is kept once.
//!
//! Only what is certain is left out of a file: the middle of a stretch in which live values came
//! all the time and are on the disk, while neither the box's clock was set nor its connection to
//! BlueZ was made anew since. All else comes twice rather than not at all.

use std::collections::VecDeque;

use veglia_wire::{Body, Boot, Quality, Record, WallMs, When};

/// Live values further apart than this have a hole between them: a ring is asked every two seconds,
/// and one question may be late and the next one not answered.
const APART_MS: i64 = 6_000;

/// At the ends of a stretch a sample may be of a moment outside: the ring's clock is known to three
/// seconds, and nobody knows whether a sample stands at the beginning of its four seconds.
const EDGE_MS: i64 = 10_000;

/// Stretches that are remembered, the newest: those of a very restless night.
const MAX_STRETCHES: usize = 512;

/// The stretches of one device.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// In which start of the box and at which setting of its clock they were heard.
    setting: Option<(Boot, i64)>,
    stretches: VecDeque<(WallMs, WallMs)>,
}

impl Live {
    /// A whole value was told live. One that nobody can date is not remembered.
    pub(super) fn heard(&mut self, when: When) {
        let Some((setting, wall)) = setting(when).zip(when.wall) else {
            return;
        };
        if self.setting.replace(setting) != Some(setting) {
            self.stretches.clear();
        }
        match self.stretches.back_mut() {
            Some((_, last)) if wall.since(*last) <= APART_MS => *last = wall,
            _ => self.stretches.push_back((wall, wall)),
        }
        if self.stretches.len() > MAX_STRETCHES {
            self.stretches.pop_front();
        }
    }

    /// Whether what a record says was told live already, as far as is certain `now`.
    pub(super) fn has(&self, record: &Record, now: When) -> bool {
        let Body::Reading(_, quality) = record.body else {
            return false;
        };
        let Some(measured) = record.when.wall else {
            return false;
        };
        let is_certain = !quality.contains(Quality::TIME_UNCERTAIN) && self.setting == setting(now);
        let is_within = |(first, last): &(WallMs, WallMs)| {
            measured.since(*first) >= EDGE_MS && last.since(measured) >= EDGE_MS
        };
        is_certain && self.stretches.iter().any(is_within)
    }

    /// Something of it was lost on its way to the disk.
    pub(super) fn forget(&mut self) {
        self.stretches.clear();
    }
}

/// What stays the same until the box's clock is set, or the box starts again.
fn setting(when: When) -> Option<(Boot, i64)> {
    let began = when.wall?.0.saturating_sub(when.mono.0.cast_signed());
    Some((when.boot, began))
}

#[cfg(test)]
mod tests {
    use veglia_wire::{DeviceId, MonoMs, SpO2, Vital};

    use super::*;

    const BEGAN: i64 = 1_795_352_400_000;

    /// A moment of a box that was started at `began`.
    fn moment(began: i64, second: i64) -> When {
        When {
            boot: Boot(3),
            mono: MonoMs(u64::try_from(1_000 * second).unwrap()),
            wall: Some(WallMs(began + 1_000 * second)),
            device: None,
        }
    }

    fn sample(second: i64, quality: Quality) -> Record {
        let spo2 = SpO2::from_percent_tenths(970).unwrap();
        Record {
            device: Some(DeviceId::new("ble:1").unwrap()),
            when: When {
                boot: Boot(0),
                ..moment(BEGAN, second)
            },
            body: Body::Reading(Vital::SpO2(spo2), quality),
        }
    }

    /// Values every two seconds from the tenth to the sixtieth, but none from 30 to 38.
    fn live() -> Live {
        let mut live = Live::default();
        let seconds = (10..=60).step_by(2);
        let heard = seconds.filter(|second| !(31..38).contains(second));
        heard.for_each(|second| live.heard(moment(BEGAN, second)));
        live
    }

    fn had(live: &Live, now: When) -> Vec<i64> {
        let stored = Quality::FROM_STORAGE;
        let has = |second: &i64| live.has(&sample(*second, stored), now);
        (0..80).filter(has).collect()
    }

    #[test]
    fn the_middle_of_what_was_told_live_is_had_and_its_edges_and_holes_are_not() {
        let wanted: Vec<i64> = (20..=20).chain(48..=50).collect();
        assert_eq!(had(&live(), moment(BEGAN, 100)), wanted);
    }

    #[test]
    fn nothing_is_had_when_a_clock_is_doubtful_or_was_set_since() {
        let doubtful = sample(49, Quality::FROM_STORAGE | Quality::TIME_UNCERTAIN);
        assert!(!live().has(&doubtful, moment(BEGAN, 100)));
        assert!(had(&live(), moment(BEGAN + 3_600_000, 100)).is_empty());
        let mut live = live();
        (10..=40).for_each(|second| live.heard(moment(BEGAN + 500, second)));
        assert!(had(&live, moment(BEGAN, 100)).is_empty());
        let unknown = When {
            wall: None,
            ..moment(BEGAN, 100)
        };
        assert!(had(&live, unknown).is_empty());
    }

    #[test]
    fn nothing_is_had_of_which_a_part_was_lost() {
        let mut live = live();
        live.forget();
        assert!(had(&live, moment(BEGAN, 100)).is_empty());
    }
}
