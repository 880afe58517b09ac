//! The one place where the system's clock is read.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Deserialize;
use veglia_identity::UnixSeconds;
use veglia_wire::{CareClock, Clock, WallMs};

/// The system's clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> WallMs {
        // Before 1970 and after the year 292 million are not times of a running system.
        let ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        WallMs(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

/// The system's clock, to be given to every role.
pub(crate) fn wall() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// The system's time as certificates count it.
pub(crate) fn unix() -> UnixSeconds {
    let WallMs(ms) = SystemClock.now();
    UnixSeconds(ms.div_euclid(1000))
}

/// A length of time as people write it on the command line: `90m`, `6h`, `14d`. A day is 24 hours:
/// nobody counts on the hour that summer time takes.
pub(crate) fn span(text: &str) -> Result<SignedDuration, jiff::Error> {
    let span: Span = text.parse()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
}

/// The `[clock]` section: care time. Left out, it is the wall time; only a demonstration sets it,
/// where it may ([`crate::demonstration`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Whether it is meant: without this, a clock that is not the wall's is refused.
    pub(crate) demonstration: bool,
    /// Care seconds in a wall second.
    pub(crate) speed: u32,
    /// The wall time, milliseconds since 1970, at which care time was `care_ms`.
    pub(crate) wall_ms: i64,
    /// The care time at `wall_ms`.
    pub(crate) care_ms: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            demonstration: false,
            speed: 1,
            wall_ms: 0,
            care_ms: 0,
        }
    }
}

impl Config {
    /// The section as `veglia config` prints it.
    pub(crate) const TEMPLATE: &str = "\
[clock]
# Leave this section as it is. A clock of its own is for a demonstration alone: in a data directory
# that was empty when it began, and with everything that it reaches on this machine.
demonstration = false
# Care seconds in a wall second.
speed = 1
# Care time was care_ms (milliseconds since 1970) when the wall time was wall_ms.
wall_ms = 0
care_ms = 0
";

    /// Whether care time is the wall time.
    pub(crate) fn is_wall(self) -> bool {
        self.speed == 1 && self.wall_ms == self.care_ms
    }

    /// The clock of care that every role of this configuration shares.
    pub(crate) fn care(self) -> CareClock {
        let (wall, care) = (WallMs(self.wall_ms), WallMs(self.care_ms));
        CareClock::anchored(self::wall(), wall, care, self.speed)
    }
}
