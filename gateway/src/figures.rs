//! What the box counts about itself, for its own status and the demonstration's summary.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use veglia_codecs::RejectReason;

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    rejects: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl Figures {
    pub(crate) fn rejected(&self, reason: RejectReason) {
        let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        let count = rejects.entry(name(reason)).or_default();
        *count = count.saturating_add(1);
    }

    /// Bytes that were no frame, by reason, since the start.
    pub fn rejects(&self) -> BTreeMap<&'static str, u64> {
        self.rejects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn name(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Noise => "noise",
        RejectReason::Unconfirmed => "unconfirmed",
        RejectReason::Incomplete => "incomplete",
        RejectReason::Reserved => "reserved",
        RejectReason::BadCrc => "bad-crc",
        RejectReason::BadLength => "bad-length",
        RejectReason::UnknownVersion { .. } => "unknown-version",
        RejectReason::UnknownKind { .. } => "unknown-kind",
        RejectReason::OutOfRange { .. } => "out-of-range",
        RejectReason::File(_) => "file",
    }
}
