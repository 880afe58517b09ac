//! A patient's own resting oxygen saturation: learned from the first days, or recorded.
//!
//! It only ever adds an amber: the fixed bands hold beside it, and no baseline lowers the red
//! limit. What it is counts from its moment on; readings before it are not judged by it.

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, WallMs};

/// Where a baseline comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The middle half of so many values of the first days.
    Learned {
        /// How many values were there.
        values: u32,
    },
    /// A person recorded it.
    Recorded {
        /// By this record.
        id: RecordId,
    },
}

/// What a patient's oxygen saturation is at rest when nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Baseline {
    /// In tenths of a percent.
    pub percent_tenths: i32,
    /// Since when it counts.
    pub from: WallMs,
    /// How it is known.
    pub origin: Origin,
}

/// Each baseline a patient had, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Baselines(Vec<Baseline>);

impl Baselines {
    /// The one that counts at a moment.
    pub(crate) fn at(&self, at: WallMs) -> Option<&Baseline> {
        self.0.iter().rev().find(|baseline| baseline.from <= at)
    }

    /// When another one begins to count after a moment.
    pub(crate) fn changes_after(&self, at: WallMs) -> Option<WallMs> {
        let begins = self.0.iter().map(|baseline| baseline.from);
        begins.filter(|from| at < *from).min()
    }

    pub(crate) fn newest(&self) -> Option<&Baseline> {
        self.0.last()
    }

    /// A later one; of those that were recorded a few are kept.
    pub(crate) fn push(&mut self, baseline: Baseline) {
        self.0.push(baseline);
        if self.0.len() > BASELINES_MAX {
            self.0.remove(0);
        }
    }
}

/// Baselines kept: more than a clinician records in the stay of a patient.
const BASELINES_MAX: usize = 8;

/// The mean of the middle half: as steady as a median, and not as coarse where values are whole
/// percents.
pub(super) fn middle(values: &mut [i32]) -> Option<i32> {
    values.sort_unstable();
    let aside = values.len() / 4;
    let half = values.get(aside..values.len() - aside)?;
    let sum: i32 = half.iter().sum();
    let count = i32::try_from(half.len()).ok()?;
    sum.checked_div(count)
}
