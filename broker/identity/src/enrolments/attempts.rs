//! How often codes were tried that do not exist.
//!
//! Kept in memory: an attempt costs an attacker nothing, so it must not cost a write to the disk.
//! Only unknown codes are counted and turned away. A right code is heard at any time, because
//! otherwise twenty requests a minute from anywhere would keep every new box out, and because
//! its 60 bits need no such help (see [`EnrolmentCode`](crate::EnrolmentCode)).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::seconds::UnixSeconds;

/// Unknown codes a minute that are answered as such: a person types one wrong once or twice,
/// and twenty people may be enrolling at once.
const MAX_A_MINUTE: usize = 20;

/// What a minute is.
const MINUTE_S: u64 = 60;

/// Shared by everybody who serves the same file in one process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts {
    recent: Arc<Mutex<VecDeque<UnixSeconds>>>,
}

impl Attempts {
    /// Counts an unknown code. Says whether there were too many in the last minute.
    pub(crate) fn is_one_too_many(&self, now: UnixSeconds) -> bool {
        let mut recent = self.recent.lock().expect("nothing panics under this lock");
        // A clock that was set back must not keep them for ever.
        recent.retain(|at| at.0.abs_diff(now.0) < MINUTE_S);
        if recent.len() >= MAX_A_MINUTE {
            return true;
        }
        recent.push_back(now);
        false
    }
}
