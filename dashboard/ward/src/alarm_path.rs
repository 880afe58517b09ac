//! What the ward says while the alarm path does not answer: on top of the list, in words.
//!
//! It is asked for by a script of its own (`js/alarm-path.js`) and not by the ward's stream, which
//! stands still when ingest does.

use askama::Template;
use veglia_diary::probe::{Leg, Overdue};
use veglia_view::WallMs;
use veglia_words::{Key, Language};

use crate::page::WardPage;
use crate::{WORDS, words};

/// Why nobody can rely on the alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFault {
    /// A round of the probe is missed.
    Overdue(Overdue),
    /// The record does not answer since then, and nothing is known.
    Record(WallMs),
}

impl PathFault {
    /// What a message to whoever is on duty says: short, plain, nothing clinical, and in Italian as
    /// every message.
    #[must_use]
    pub fn message(&self, now: WallMs) -> String {
        let (Self::Overdue(Overdue { since, .. }) | Self::Record(since)) = self;
        let w = WORDS.speaking(Language::It);
        let since = words::since_time(w, *since, now);
        w.with("path-message", "since", since).to_string()
    }

    /// In a sentence, with what to do.
    #[must_use]
    pub fn sentence(&self, now: WallMs, language: Language) -> String {
        let (since, why) = match self {
            Self::Overdue(overdue) => (overdue.since, missing(overdue.leg)),
            Self::Record(since) => (*since, Key("path-record")),
        };
        let w = WORDS.speaking(language);
        let said = w.with("path-sentence", "why", w.say(why));
        said.and("since", words::since_time(w, since, now))
            .to_string()
    }
}

/// Which leg of the way is not done.
fn missing(leg: Leg) -> Key {
    match leg {
        Leg::Spoken => Key("path-spoken"),
        Leg::Received => Key("path-received"),
        Leg::Judged => Key("path-judged"),
        Leg::Called => Key("path-called"),
        Leg::Carried => Key("path-carried"),
        Leg::Delivered => Key("path-delivered"),
    }
}

/// The ward with the sentence above it, hidden while there is none, and with what waits to be told
/// whose it is.
#[derive(Debug, Template)]
#[template(path = "alarm_path.html")]
pub struct WatchedWard {
    sentence: Option<String>,
    /// Where the script asks for the sentence.
    address: &'static str,
    /// What waits to be told whose it is; already safe, because a template made it.
    waiting: String,
    ward: WardPage,
}

impl WatchedWard {
    /// The ward at this moment; `address` answers with [`PathFault::sentence`], or nothing.
    /// `waiting` is a part of a page made by a template, and stands above the list.
    #[must_use]
    pub fn new(
        sentence: Option<String>,
        address: &'static str,
        waiting: String,
        ward: WardPage,
    ) -> Self {
        Self {
            sentence,
            address,
            waiting,
            ward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_since_when_and_which_leg_is_missing() {
        // 03:12 in Rome on 21 October 2020.
        let since = WallMs(1_603_242_720_000);
        let now = since.plus_ms(7 * 60_000);
        let overdue = |leg| PathFault::Overdue(Overdue { since, leg }).sentence(now, Language::It);
        let said = overdue(Leg::Received);
        let begin = "La catena degli allarmi non risponde dalle 03:12: la lettura di prova non \
                     arriva";
        assert!(said.starts_with(begin), "{said}");
        let each: std::collections::BTreeSet<String> = Leg::ALL.map(overdue).into();
        assert_eq!(each.len(), Leg::ALL.len());
        let said = PathFault::Record(since).sentence(now, Language::It);
        assert!(said.contains("l’archivio non risponde"), "{said}");
    }
}
