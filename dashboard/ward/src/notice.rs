//! Technical alerts of the centre itself, which belong to no patient: a channel that calls nobody,
//! a handover that nobody has read.
//!
//! Others know what is amiss; the ward shows it, in the technical lane and at once, with the page
//! where one sees to it.

use std::borrow::Cow;

use serde::Serialize;
use veglia_words::{Each, Key, Words};

/// One sentence in the technical lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What is amiss, since when, and what happens meanwhile.
    pub text: Each<String>,
    /// What it is about.
    pub concern: Concern,
    /// It is over, and stands here for a while as the trace.
    pub is_over: bool,
}

/// What a notice is about: which page one goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// A way by which people are called.
    Calling,
    /// A handover that waits for a reader.
    Handover,
}

impl Concern {
    fn page(self) -> (&'static str, Key) {
        match self {
            Self::Calling => ("/reperibilita", Key("ward-reach")),
            Self::Handover => ("/passaggio-consegne", Key("ward-handover")),
        }
    }
}

/// The same to readers of one language.
#[derive(Debug, Serialize)]
pub(crate) struct Told<'a> {
    pub(crate) text: &'a str,
    pub(crate) address: &'static str,
    pub(crate) page: Cow<'static, str>,
    pub(crate) is_over: bool,
}

impl Notice {
    pub(crate) fn told(&self, w: &Words) -> Told<'_> {
        let (address, page) = self.concern.page();
        Told {
            text: self.text.of(w.language),
            address,
            page: w.say(page),
            is_over: self.is_over,
        }
    }
}
