//! What the device, or the gateway, said of a measurement's trustworthiness.

use bitflags::bitflags;
use serde::{Deserialize, Serialize};

bitflags! {
    /// Normalised quality of a reading. An empty set means that nothing was said against it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    pub struct Quality: u16 {
        /// The sensor is not on the body.
        const NO_CONTACT = 1 << 0;
        /// The device is still searching for a pulse.
        const SEARCHING = 1 << 1;
        /// Movement or noise disturbed the measurement.
        const ARTEFACT = 1 << 2;
        /// Low perfusion.
        const LOW_PERFUSION = 1 << 3;
        /// Weak or poor signal.
        const WEAK_SIGNAL = 1 << 4;
        /// An older value that the device still shows.
        const HELD = 1 << 5;
        /// Demonstration or test data: never a patient's.
        const DEMO = 1 << 6;
        /// Read from the device's memory, not live.
        const FROM_STORAGE = 1 << 7;
        /// The device calls it questionable.
        const QUESTIONABLE = 1 << 8;
        /// The device calls it invalid.
        const INVALID = 1 << 9;
        /// The sensor has no calibration of its own.
        const UNCALIBRATED = 1 << 10;
        /// No clock could date it for certain.
        const TIME_UNCERTAIN = 1 << 11;
        /// An early estimate, before the device settled.
        const EARLY = 1 << 12;
    }
}

impl Quality {
    /// What keeps a reading out of rules and summaries. It is stored and shown greyed all the
    /// same. Weak signal and low perfusion do not block: a low value with a poor signal is a
    /// reason to call, not to look away.
    pub const BLOCKING: Self = Self::NO_CONTACT
        .union(Self::SEARCHING)
        .union(Self::ARTEFACT)
        .union(Self::HELD)
        .union(Self::DEMO)
        .union(Self::QUESTIONABLE)
        .union(Self::INVALID)
        .union(Self::UNCALIBRATED)
        .union(Self::TIME_UNCERTAIN)
        .union(Self::EARLY);

    /// Whether the reading may be scored and summarised.
    pub fn is_clean(self) -> bool {
        !self.intersects(Self::BLOCKING)
    }
}
