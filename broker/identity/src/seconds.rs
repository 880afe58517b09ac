//! Seconds since 1970, as certificates count them.
//!
//! Deliberately absent: a way to ask what time it is. Time is an argument here.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A moment, in seconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub i64);

impl UnixSeconds {
    /// So many days later; the end of time stays the end of time.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(24 * 60 * 60)))
    }

    /// As the certificate maker wants it; none outside the years -9999 to 9999.
    pub(crate) fn as_date(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.0).ok()
    }
}
