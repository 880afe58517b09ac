//! The time of a scenario: care time that every process agrees on, and its way back to the wall.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use veglia_wire::{CareClock, Clock, WallMs};

/// A minute, in milliseconds.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// Care time that began now, at a moment of autumn 2020, and runs so many times as fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Care {
    speed: u32,
    wall: WallMs,
    care: WallMs,
}

struct System;

impl Clock for System {
    fn now(&self) -> WallMs {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let ms = now.expect("the clock is past 1970").as_millis();
        WallMs(i64::try_from(ms).expect("milliseconds since 1970 fit"))
    }
}

/// What the clock on the wall says.
pub(crate) fn wall() -> WallMs {
    System.now()
}

/// A moment as people write it: `2020-10-20T09:00+02:00`.
pub(crate) fn moment(text: &str) -> WallMs {
    let moment: jiff::Timestamp = text.parse().expect("a moment with its zone");
    WallMs(moment.as_millisecond())
}

impl Care {
    /// Begins.
    pub(crate) fn begin(at: &str, speed: u32) -> Self {
        Self {
            speed,
            wall: wall(),
            care: moment(at),
        }
    }

    /// The section that every configuration has.
    pub(crate) fn section(&self) -> String {
        let (WallMs(wall), WallMs(care)) = (self.wall, self.care);
        format!(
            "[clock]\ndemonstration = true\nspeed = {}\nwall_ms = {wall}\ncare_ms = {care}\n",
            self.speed
        )
    }

    /// The clock.
    pub(crate) fn clock(&self) -> CareClock {
        CareClock::anchored(Arc::new(System), self.wall, self.care, self.speed)
    }

    /// Care time now.
    pub(crate) fn now(&self) -> WallMs {
        self.clock().now()
    }

    /// Care time at a moment of the wall.
    pub(crate) fn at(&self, wall: WallMs) -> WallMs {
        self.clock().at(wall)
    }

    /// When it is on the wall that care time is this.
    pub(crate) fn on_the_wall(&self, care: WallMs) -> WallMs {
        self.wall
            .plus_ms(self.clock().wall_ms(care.since(self.care)))
    }
}
