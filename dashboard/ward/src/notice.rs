//! Technical alerts of the centre itself, which belong to no patient: a channel that calls nobody.
//!
//! Others know what is amiss; the ward shows it, in the technical lane and at once.

use serde::Serialize;

/// One sentence in the technical lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What is amiss, since when, and what happens meanwhile.
    pub text: String,
    /// It is over, and stands here for a while as the trace.
    pub is_over: bool,
}
