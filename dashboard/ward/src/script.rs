//! What to ask and say on the telephone about an alert, in order: who it is, what no sensor
//! measures, what to do, and what they need.
//!
//! The questions are those whose answers the rules know as red symptoms, and what the scores lack.
//! It is a page to read from; answers that count are entered where answers are.

use std::borrow::Cow;

use veglia_view::{About, Flag, Severity, VitalKind};
use veglia_words::{Key, Words};

use crate::score::Score;

/// A line of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// What is read aloud, or done.
    pub(crate) text: Cow<'static, str>,
    /// What a yes means, where anything follows.
    pub(crate) then: Option<Key>,
}

fn line(text: impl Into<Cow<'static, str>>) -> Question {
    Question {
        text: text.into(),
        then: None,
    }
}

fn symptoms(w: Words) -> Question {
    Question {
        then: Some(Key("script-symptoms-yes")),
        ..line(w.say("script-symptoms"))
    }
}

/// What the scores lack, a line each.
fn lacking(scores: &[Score]) -> impl Iterator<Item = Question> {
    let asked = scores.iter().map(|score| score.ask.clone());
    asked.filter(|ask| !ask.is_empty()).map(line)
}

/// The script of a call that is about no flag.
pub(crate) fn plain(w: Words, scores: &[Score]) -> Vec<Question> {
    let begin = [line(w.say("script-who")), symptoms(w)].into_iter();
    let end = line(w.say("script-needs"));
    begin.chain(lacking(scores)).chain([end]).collect()
}

/// The script about a flag, with what is to be said of it and what the scores lack.
pub(crate) fn of(w: Words, flag: &Flag, to_say: &[Key], scores: &[Score]) -> Vec<Question> {
    let is_clinical = flag.severity != Severity::Technical;
    let mut script = vec![line(w.say("script-who"))];
    script.extend(is_clinical.then(|| symptoms(w)));
    script.extend(check(flag).map(|key| line(w.say(key))));
    script.extend(lacking(scores));
    script.extend(to_say.iter().map(|key| line(w.say(key))));
    script.push(line(w.say("script-needs")));
    script
}

/// What makes a measurement good, or a sensor speak again.
fn check(flag: &Flag) -> Option<Key> {
    if flag.severity == Severity::Technical {
        return Some(Key("script-sensor"));
    }
    match flag.about {
        About::Vital(VitalKind::SpO2 | VitalKind::Pulse) => Some(Key("script-finger")),
        About::Vital(VitalKind::Temperature) => Some(Key("script-antipyretic")),
        _ => None,
    }
}
