//! The clocks of devices: how each stands to the box's, and so when something was measured.
//!
//! A device keeps civil time and does not say in which zone; old people read it, so it is set to
//! the local time. How far it is from the box's clock is observed at each connection, before it
//! is set, and what the device has stored is dated by that. The device's own time stays beside it,
//! raw. What was never observed is believed only of a device whose clock is evidently right. A
//! clock that can be set and not read is believed from its setting on: what it said before, nobody
//! knows.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use veglia_codecs::{DateTime, DeviceTime};
use veglia_wire::{Boot, DeviceStamp, MonoMs, Quality, WallMs, When};

/// What was measured less than this before it was heard, by the device's clock, was heard live. A
/// device shows a result, then connects.
const LIVE_MS: i64 = 2 * 60 * 1000;

/// The same of a device whose clock was never seen and cannot be set: it goes by a few minutes
/// wrong.
const LIVE_UNSEEN_MS: i64 = 10 * 60 * 1000;

/// Nothing is older than this: a device that says so has lost its calendar.
const OLDEST_MS: i64 = 60 * 24 * 3600 * 1000;

/// A device clock that is closer than this to what it is known to be has not moved: seconds have
/// no fractions there, and a reading takes a moment.
const SAME_MS: i64 = 3_000;

/// The start that records carry which were made in none of this box's: their monotonic time
/// counts from 1970. The box's own starts count from 1.
const NO_BOOT: Boot = Boot(0);

/// What is known of one device's clock.
#[derive(Debug, Clone)]
pub(crate) struct DeviceClock {
    zone: TimeZone,
    standing: Standing,
}

/// How a device's clock stands to the box's, as it is kept over restarts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What must be added to the device's calendar to have the box's time, if that is known.
    pub(crate) offset_ms: Option<i64>,
    /// How it was last set.
    pub(crate) before: Option<Setting>,
    /// When it was last set without anybody having seen what it said until then.
    pub(crate) blind: Option<WallMs>,
}

/// How a device's clock was set: what it stored before is of the time before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    /// What it said then.
    pub(crate) until: DeviceTime,
    /// Its offset until then.
    pub(crate) offset_ms: i64,
    /// When it was set.
    pub(crate) at: WallMs,
}

impl DeviceClock {
    /// `standing`: what was known when it was last heard.
    pub(crate) fn new(zone: TimeZone, standing: Standing) -> Self {
        Self { zone, standing }
    }

    /// What is known now.
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// Takes in what the device said at a moment. True when its clock is not where it was.
    pub(crate) fn observe(&mut self, said: DeviceTime, wall: WallMs) -> bool {
        let offset = wall.0.saturating_sub(said.0.saturating_mul(1000));
        let same = |known: i64| known.abs_diff(offset) < SAME_MS.unsigned_abs();
        let is_news = !self.standing.offset_ms.is_some_and(same);
        if is_news {
            self.standing.offset_ms = Some(offset);
        }
        is_news
    }

    /// The device, which had `said` what time it was, was set right at this moment.
    pub(crate) fn was_set(&mut self, said: Option<DeviceTime>, wall: WallMs) {
        let setting = |(until, offset_ms)| Setting {
            until,
            offset_ms,
            at: wall,
        };
        let standing = &mut self.standing;
        match said.zip(standing.offset_ms).map(setting) {
            Some(setting) => standing.before = Some(setting),
            None => standing.blind = Some(wall),
        }
        if let Some(local) = self.local(wall) {
            self.observe(local, wall);
        }
    }

    /// Whether a time was said before the clock was set by somebody who had not seen it.
    fn is_blind(&self, said: DeviceTime) -> bool {
        let read = self.standing.offset_ms.map(|offset| read(said, offset));
        let set = self.standing.blind.zip(read);
        set.is_some_and(|(at, read)| read.0 < at.0 - SAME_MS)
    }

    /// The offset that a time of the device is to be read with, `now`. Where the clock was set
    /// back, its times come twice: one that fits the time since the setting is of that time.
    fn offset_of(&self, said: DeviceTime, now: WallMs) -> Option<i64> {
        let since = |setting: &Setting| {
            let read = read(said, self.standing.offset_ms?);
            Some((setting.at.0 - SAME_MS..=now.0 + SAME_MS).contains(&read.0))
        };
        match self.standing.before {
            Some(setting) if said <= setting.until && since(&setting) != Some(true) => {
                Some(setting.offset_ms)
            }
            _ => self.standing.offset_ms,
        }
    }

    /// When something was measured, in minutes of the box's time; none while the device's clock
    /// was never seen.
    pub(crate) fn minutes(&self, said: DeviceTime, now: WallMs) -> Option<i64> {
        let offset = self.offset_of(said, now)?;
        Some(read(said, offset).0.div_euclid(60_000))
    }

    /// How many seconds the device is ahead of the local time.
    pub(crate) fn ahead_s(&self, wall: WallMs) -> Option<i64> {
        let offset = self.standing.offset_ms?;
        let local = self.local(wall)?;
        let said = wall.0.saturating_sub(offset) / 1000;
        Some(said.saturating_sub(local.0))
    }

    /// What a device's clock should say at a moment.
    pub(crate) fn local(&self, wall: WallMs) -> Option<DeviceTime> {
        let at = Timestamp::from_millisecond(wall.0).ok()?;
        let east = self.zone.to_offset(at).seconds();
        Some(DeviceTime(
            wall.0.div_euclid(1000).saturating_add(i64::from(east)),
        ))
    }

    /// The same, to be set.
    pub(crate) fn setting(&self, wall: WallMs) -> Option<DateTime> {
        DateTime::at(self.local(wall)?)
    }

    /// When something was measured that was heard `now`, and what is to be said of that.
    pub(crate) fn date(
        &self,
        said: Option<DeviceTime>,
        is_stored: bool,
        now: When,
    ) -> (When, Quality) {
        let device = said.map(|time| DeviceStamp(time.0));
        let live = When { device, ..now };
        let doubt = (live, Quality::TIME_UNCERTAIN);
        let (Some(said), Some(wall)) = (said, now.wall) else {
            // A time that cannot be compared may be long ago.
            return if is_stored || said.is_some() {
                doubt
            } else {
                (live, Quality::empty())
            };
        };
        let assumed = self.local(wall).map(|local| wall.0 - local.0 * 1000);
        let observed = self.offset_of(said, wall);
        let Some(offset) = observed.or(assumed) else {
            return doubt;
        };
        let measured = read(said, offset);
        let age_ms = wall.since(measured);
        let is_blind = self.is_blind(said);
        let live_ms = if observed.is_some() && !is_blind {
            LIVE_MS
        } else {
            LIVE_UNSEEN_MS
        };
        if !is_stored && age_ms.abs() <= live_ms {
            return (live, Quality::empty());
        }
        let mono = u64::try_from(measured.0);
        match (observed.filter(|_| !is_blind), mono) {
            (Some(_), Ok(mono)) if (-LIVE_MS..=OLDEST_MS).contains(&age_ms) => {
                let when = When {
                    boot: NO_BOOT,
                    mono: MonoMs(mono),
                    wall: Some(measured.min(wall)),
                    device,
                };
                (when, Quality::FROM_STORAGE)
            }
            _ => doubt,
        }
    }
}

/// A time of a device's calendar by the box's clock.
fn read(said: DeviceTime, offset_ms: i64) -> WallMs {
    WallMs(said.0.saturating_mul(1000).saturating_add(offset_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 14:00:00 in Rome, 13:00:00 in Greenwich.
    const NOON: WallMs = WallMs(1_795_352_400_000);

    fn clock(offset_ms: Option<i64>) -> DeviceClock {
        let standing = Standing {
            offset_ms,
            ..Standing::default()
        };
        DeviceClock::new(TimeZone::get("Europe/Rome").unwrap(), standing)
    }

    fn now() -> When {
        When {
            boot: Boot(7),
            mono: MonoMs(1_000),
            wall: Some(NOON),
            device: None,
        }
    }

    /// What a device says whose clock is right, so many seconds ago.
    fn ago(seconds: i64) -> Option<DeviceTime> {
        Some(DeviceTime(NOON.0 / 1000 + 3600 - seconds))
    }

    #[test]
    fn a_device_is_set_to_the_local_time() {
        let set = clock(None).setting(NOON).unwrap();
        assert_eq!((set.year, set.month, set.day, set.hour), (2026, 11, 22, 14));
    }

    #[test]
    fn a_stored_value_is_dated_by_the_offset_that_was_observed() {
        let mut known = clock(None);
        // An hour slow.
        assert!(known.observe(ago(3600).unwrap(), NOON));
        assert!(!known.observe(ago(3601).unwrap(), NOON), "jitter");
        assert_eq!(known.ahead_s(NOON), Some(-3600));
        let (when, quality) = known.date(ago(3600 + 7200), true, now());
        assert_eq!(when.wall, Some(NOON.plus_ms(-7_200_000)));
        assert_eq!((when.boot, quality), (NO_BOOT, Quality::FROM_STORAGE));
        assert_eq!(
            when.mono.0,
            NOON.plus_ms(-7_200_000).0.cast_unsigned(),
            "so that its boot counts from one moment"
        );
    }

    #[test]
    fn what_was_stored_before_the_clock_was_set_is_read_by_the_clock_as_it_was() {
        let mut known = clock(None);
        let lost = DeviceTime(946_684_800); // 2000-01-01, a new battery
        known.observe(lost, NOON);
        known.was_set(Some(lost), NOON);
        let (when, _) = known.date(Some(DeviceTime(lost.0 - 600)), true, now());
        assert_eq!(when.wall, Some(NOON.plus_ms(-600_000)));
        let (when, _) = known.date(ago(60), true, now());
        assert_eq!(when.wall, Some(NOON.plus_ms(-60_000)));
    }

    #[test]
    fn a_setting_that_is_noted_and_never_happened_moves_nothing() {
        let mut known = clock(None);
        let slow = ago(4_200).unwrap();
        known.observe(slow, NOON);
        known.was_set(Some(slow), NOON);
        // The power failed before it was written; the device goes as it went.
        let later = When {
            wall: Some(NOON.plus_ms(600_000)),
            ..now()
        };
        known.observe(DeviceTime(slow.0 + 600), NOON.plus_ms(600_000));
        for (seconds, age_ms) in [(-7_200, 7_800_000), (300, 300_000)] {
            let said = DeviceTime(slow.0 + seconds);
            let (when, quality) = known.date(Some(said), true, later);
            assert_eq!(when.wall, later.wall.map(|wall| wall.plus_ms(-age_ms)));
            assert_eq!(quality, Quality::FROM_STORAGE);
        }
    }

    #[test]
    fn what_is_measured_after_the_clock_was_set_back_is_of_now() {
        let mut known = clock(None);
        // Twelve hours fast.
        known.observe(ago(-43_200).unwrap(), NOON);
        known.was_set(ago(-43_200), NOON);
        let later = When {
            wall: Some(NOON.plus_ms(600_000)),
            ..now()
        };
        let (when, quality) = known.date(ago(-595), false, later);
        assert_eq!((when.wall, quality), (later.wall, Quality::empty()));
        // And what was stored before is still read by the clock as it was.
        let (when, _) = known.date(ago(-43_200 + 7_200), true, later);
        assert_eq!(when.wall, Some(NOON.plus_ms(-7_200_000)));
    }

    #[test]
    fn what_was_said_before_a_clock_was_set_unseen_has_no_certain_time() {
        let mut known = clock(None);
        known.was_set(None, NOON);
        let later = When {
            wall: Some(NOON.plus_ms(3_600_000)),
            ..now()
        };
        // A factory date, yesterday, an hour before the setting: nobody knows by which clock.
        let before = [Some(DeviceTime(1_789_000_000)), ago(86_400), ago(3_600)];
        for said in before {
            for is_stored in [false, true] {
                let (when, quality) = known.date(said, is_stored, later);
                assert_eq!((when.wall, quality), (later.wall, Quality::TIME_UNCERTAIN));
            }
        }
        // Since then it is believed.
        let (when, quality) = known.date(ago(-600), true, later);
        assert_eq!(when.wall, Some(NOON.plus_ms(600_000)));
        assert_eq!(quality, Quality::FROM_STORAGE);
        // And what is told at once is of now, set a moment ago or not.
        let (when, quality) = known.date(ago(240), false, now());
        assert_eq!((when.wall, quality), (Some(NOON), Quality::empty()));
        let restarted = DeviceClock::new(known.zone.clone(), known.standing());
        assert!(restarted.is_blind(ago(3_600).unwrap()));
    }

    #[test]
    fn a_clock_that_nobody_ever_saw_may_go_ten_minutes_wrong() {
        for seconds in [-590, 590] {
            let (when, quality) = clock(None).date(ago(seconds), false, now());
            assert_eq!((when.wall, quality), (Some(NOON), Quality::empty()));
        }
        let (_, quality) = clock(None).date(ago(610), false, now());
        assert_eq!(quality, Quality::TIME_UNCERTAIN);
    }

    #[test]
    fn what_was_just_measured_is_live_and_keeps_the_boxs_time() {
        for (known, seconds) in [(Some(-3_600_000), 20), (None, 20)] {
            let (when, quality) = clock(known).date(ago(seconds), false, now());
            assert_eq!(when.wall, Some(NOON));
            assert_eq!(when.boot, Boot(7));
            assert!(when.device.is_some() && quality.is_empty());
        }
        let (when, quality) = clock(None).date(None, false, now());
        assert_eq!((when, quality), (now(), Quality::empty()));
    }

    #[test]
    fn what_no_clock_vouches_for_is_kept_and_marked() {
        let doubtful = [
            (clock(None), ago(86_400), false),
            (clock(None), ago(86_400), true),
            (clock(None), None, true),
            (clock(Some(0)), Some(DeviceTime(1_420_070_400)), true),
            (clock(Some(-3_600_000)), ago(-86_400), true),
        ];
        for (clock, said, is_stored) in doubtful {
            let (when, quality) = clock.date(said, is_stored, now());
            assert_eq!(quality, Quality::TIME_UNCERTAIN);
            assert_eq!((when.wall, when.boot), (Some(NOON), Boot(7)));
        }
    }
}
