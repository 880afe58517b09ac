//! Lines of a diary in a few words: enough to know which one is meant.

use veglia_diary::{Act, ActKind, Hideable, Line, Written};
use veglia_view::{Severity, Verdict, WallMs};
use veglia_words::{Key, Words};

/// Characters of a note that are shown.
const WORDS_CHARS: usize = 120;

/// A line that may be hidden.
pub(crate) struct Choice {
    pub(crate) at: String,
    pub(crate) text: String,
    /// `entry` or `alert`, with what names it there.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

impl Choice {
    /// What a line is called; none for one that cannot be hidden by itself.
    pub(crate) fn of(w: Words, line: &Line) -> Option<Self> {
        let (what, text) = match &line.what {
            Written::Act(act) => (Hideable::Entry(act.id), said(w, act)),
            Written::Said(Verdict::Raise(flag)) => {
                let severity = w.say(severity(flag.severity));
                let text = w
                    .with("line-alert", "severity", severity.as_ref())
                    .and("rule", flag.id.rule.to_string());
                (Hideable::Alert(flag.id.clone()), text.to_string())
            }
            _ => return None,
        };
        let (kind, name) = match what {
            Hideable::Entry(id) => ("entry", id.0.to_string()),
            Hideable::Alert(flag) => ("alert", flag.to_string()),
            Hideable::Period(_) => return None,
        };
        Some(Self {
            at: moment(w, line.at),
            text,
            kind,
            name,
        })
    }
}

fn moment(w: Words, at: WallMs) -> String {
    w.language.moment(at)
}

fn severity(severity: Severity) -> Key {
    match severity {
        Severity::Red => Key("severity-red"),
        Severity::Amber => Key("severity-amber"),
        Severity::Technical => Key("severity-technical"),
    }
}

pub(crate) fn kind(kind: ActKind) -> Key {
    match kind {
        ActKind::TakenCharge => Key("act-taken"),
        ActKind::Closed => Key("act-closed"),
        ActKind::Note => Key("act-note"),
        ActKind::Called(..) => Key("act-called"),
        ActKind::Snoozed(_) => Key("act-snoozed"),
        ActKind::Escalated => Key("act-escalated"),
        ActKind::HandedOver(_) => Key("act-handed-over"),
        ActKind::RepeatAsked(_) => Key("act-repeat"),
        ActKind::Referred(_) => Key("act-referred"),
        ActKind::Corrected(_) => Key("act-corrected"),
    }
}

fn said(w: Words, act: &Act) -> String {
    let kind = w.say(kind(act.kind));
    if act.words.is_empty() {
        return kind.into_owned();
    }
    let mut words: String = act.words.chars().take(WORDS_CHARS).collect();
    if words.len() < act.words.len() {
        words.push('…');
    }
    format!("{kind}: {words}")
}
