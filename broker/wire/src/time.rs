//! When something happened, by which clock, and who may be believed.
//!
//! A home gateway often has no battery-backed clock. So every record carries the boot it was made
//! in and the monotonic time of that boot, and the wall time only if the gateway knew it. The
//! device's own stamp stays raw. The centre annotates; it never rewrites.
//!
//! Two clocks run the platform: the wall clock (time-outs, keep-alive) and the [`CareClock`]
//! (measured, received, plans, rules), which a demonstration may run faster. Reading the system's
//! clock is the executable's business: here [`Clock`] is only a trait.

use alloc::sync::Arc;
use core::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 00:00 UTC, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WallMs(pub i64);

impl WallMs {
    /// This moment and `ms` milliseconds more (or fewer, when negative). Saturates.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when it is later. Saturates.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for WallMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Milliseconds since the gateway's start, by a clock that never steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MonoMs(pub u64);

/// Which start of the gateway: counted up durably at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Boot(pub u32);

/// The device's own raw time stamp, in the device's own unit: kept, compared, never trusted alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceStamp(pub i64);

/// What the gateway knew of the wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// Never set since the start: wall times are absent.
    Unknown,
    /// Set from a battery-backed clock or kept over a restart, not confirmed by the network.
    Holdover,
    /// Confirmed by network time in this boot.
    Synchronised,
}

impl ClockState {
    /// The code on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Holdover => 1,
            Self::Synchronised => 2,
        }
    }

    /// The state of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Unknown, Self::Holdover, Self::Synchronised]
            .into_iter()
            .find(|s| s.code() == code)
    }
}

/// When a record was made, by every clock that was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct When {
    /// The gateway's start that `mono` counts from.
    pub boot: Boot,
    /// Monotonic time of the gateway.
    pub mono: MonoMs,
    /// Wall time of the gateway, if it knew it.
    pub wall: Option<WallMs>,
    /// The device's own stamp, if it sent one.
    pub device: Option<DeviceStamp>,
}

/// A source of wall time. The executable implements it once over the system's clock; tests
/// implement it over a variable.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> WallMs;
}

/// The clock of care: measured, received, plans and rules go by it. It follows a wall clock at
/// `speed`, counting from an anchor, so that every process of a demonstration agrees.
#[derive(Clone)]
pub struct CareClock {
    wall: Arc<dyn Clock>,
    anchor_wall: WallMs,
    anchor_care: WallMs,
    speed: u32,
}

/// Fastest care clock: an hour in a second. Beyond it a serial device's true rhythm is lost.
pub const MAX_SPEED: u32 = 3_600;

impl CareClock {
    /// Care time equal to wall time: how a hospital runs.
    pub fn real(wall: Arc<dyn Clock>) -> Self {
        Self {
            wall,
            anchor_wall: WallMs(0),
            anchor_care: WallMs(0),
            speed: 1,
        }
    }

    /// Care time that was `anchor_care` at `anchor_wall` and runs `speed` times as fast
    /// (1 to [`MAX_SPEED`]; other values are brought into that range).
    pub fn anchored(
        wall: Arc<dyn Clock>,
        anchor_wall: WallMs,
        anchor_care: WallMs,
        speed: u32,
    ) -> Self {
        Self {
            wall,
            anchor_wall,
            anchor_care,
            speed: speed.clamp(1, MAX_SPEED),
        }
    }

    /// Care time now.
    pub fn now(&self) -> WallMs {
        self.at(self.wall.now())
    }

    /// Care time at a wall time.
    pub fn at(&self, wall: WallMs) -> WallMs {
        let passed = wall
            .since(self.anchor_wall)
            .saturating_mul(i64::from(self.speed));
        self.anchor_care.plus_ms(passed)
    }

    /// How long a stretch of care time lasts on the wall, in milliseconds, rounded up.
    pub fn wall_ms(&self, care_ms: i64) -> i64 {
        let speed = i64::from(self.speed);
        care_ms.saturating_add(speed - 1).div_euclid(speed)
    }

    /// Care seconds in one wall second.
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// The wall clock underneath.
    pub fn wall(&self) -> &Arc<dyn Clock> {
        &self.wall
    }
}

impl fmt::Debug for CareClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CareClock")
            .field("anchor_wall", &self.anchor_wall)
            .field("anchor_care", &self.anchor_care)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}
