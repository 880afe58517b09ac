//! Looking for a record that may be in the outbox: whoever keeps a list of what was appended asks
//! after a power cut whether the last entry came true.

use veglia_wire::{Record, Sequence};

use super::{Outbox, SpoolError};

/// Records read at a time.
const AT_ONCE: usize = 256;

impl Outbox {
    /// Whether a record behind `after` is the one that is looked for, as far as records are still
    /// on disk. `after` none: from the first.
    ///
    /// # Errors
    /// [`SpoolError`]: the disk cannot be read, or the outbox is closed.
    pub async fn holds(
        &self,
        after: Option<Sequence>,
        mut is_it: impl FnMut(&Record) -> bool,
    ) -> Result<bool, SpoolError> {
        let Some(newest) = self.status().newest else {
            return Ok(false);
        };
        let mut spool = self.spool().await.ok_or(SpoolError::Stopped)?;
        let mut from = after.map_or(Sequence::FIRST, |after| after.plus(1));
        while from <= newest {
            let page = spool.take(from, newest, AT_ONCE).await?;
            if page.records.is_empty() {
                break;
            }
            if page.records.iter().any(&mut is_it) {
                return Ok(true);
            }
            let count = u64::try_from(page.records.len()).unwrap_or(u64::MAX);
            from = page.first.plus(count);
        }
        Ok(false)
    }
}
