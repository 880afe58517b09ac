//! Rules over days.

mod baseline;

pub(crate) use baseline::Baselines;
pub use baseline::{Baseline, Origin};
