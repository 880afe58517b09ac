//! The test's time, and that of the box: two numbers in a file that the test writes and the box
//! reads whenever it looks at a clock. So a week is as long as the test wants it to be, and the
//! wall clock of the box can be wrong while its monotonic time is not.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use veglia_gateway::Steady;
use veglia_wire::{CareClock, Clock, WallMs};

/// Care seconds in a second of the file: a care minute is twenty milliseconds of it.
pub(crate) const SPEED: u32 = 3_000;

/// A care minute in the file.
const MINUTE: i64 = 60_000 / 3_000;

/// Bytes of the file: monotonic and wall milliseconds, little endian.
const BYTES: usize = 16;

/// What the test holds.
#[derive(Debug)]
pub(crate) struct Hands {
    file: File,
    origin: WallMs,
}

/// What a start of the box reads.
#[derive(Debug)]
pub(crate) struct Dial {
    file: File,
    /// Monotonic milliseconds at its start.
    began: i64,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("time")
}

/// The care clock of the box, over its dial.
pub(crate) fn care(dial: std::sync::Arc<Dial>, origin: WallMs) -> CareClock {
    CareClock::anchored(dial, WallMs(0), origin, SPEED)
}

impl Hands {
    /// `origin`: care time at the beginning.
    pub(crate) fn new(dir: &Path, origin: WallMs) -> Self {
        let file = File::create(path(dir)).expect("a file can be made");
        let hands = Self { file, origin };
        hands.set(0, Some(0));
        hands
    }

    /// It is so many care minutes after the beginning; the box's wall clock is so many care
    /// minutes ahead of that, or knows no time.
    pub(crate) fn set(&self, minute: i64, ahead: Option<i64>) {
        let nineteen_seventy = self.origin.0.saturating_neg() / i64::from(SPEED);
        let wall = ahead.map_or(nineteen_seventy, |ahead| minute + ahead);
        let wall = if ahead.is_some() { wall * MINUTE } else { wall };
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&(minute * MINUTE).to_le_bytes());
        bytes[8..].copy_from_slice(&wall.to_le_bytes());
        self.file
            .write_all_at(&bytes, 0)
            .expect("the time can be set");
    }
}

impl Dial {
    /// The box starts now.
    pub(crate) fn start(dir: &Path) -> Self {
        let file = File::open(path(dir)).expect("the test has set a time");
        let mut dial = Self { file, began: 0 };
        dial.began = dial.read().0;
        dial
    }

    fn read(&self) -> (i64, i64) {
        let mut bytes = [0; BYTES];
        self.file
            .read_exact_at(&mut bytes, 0)
            .expect("the time can be read");
        let (steady, wall) = bytes.split_at(8);
        let number = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        (number(steady), number(wall))
    }
}

impl Clock for Dial {
    fn now(&self) -> WallMs {
        WallMs(self.read().1)
    }
}

impl Steady for Dial {
    fn elapsed(&self) -> Duration {
        let passed = self.read().0.saturating_sub(self.began);
        Duration::from_millis(u64::try_from(passed).unwrap_or_default())
    }
}
