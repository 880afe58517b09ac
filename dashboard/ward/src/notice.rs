//! Technical alerts of the centre itself, which belong to no patient: a channel that calls nobody.
//!
//! Others know what is amiss; the ward shows it, in the technical lane and at once.

use serde::Serialize;
use veglia_words::{Each, Language};

/// One sentence in the technical lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What is amiss, since when, and what happens meanwhile.
    pub text: Each<String>,
    /// It is over, and stands here for a while as the trace.
    pub is_over: bool,
}

/// The same to readers of one language.
#[derive(Debug, Serialize)]
pub(crate) struct Told<'a> {
    pub(crate) text: &'a str,
    pub(crate) is_over: bool,
}

impl Notice {
    pub(crate) fn told(&self, language: Language) -> Told<'_> {
        Told {
            text: self.text.of(language),
            is_over: self.is_over,
        }
    }
}
