//! Where the alert of a flag stands, in words: who has it and until when, or who is called next.

use veglia_diary::ladder::{Doctor, Ladder};
use veglia_diary::{Alert, Callee, PageWhy, Paged};
use veglia_view::{FlagId, Severity, WallMs};
use veglia_words::{Key, Words};

use crate::book::called;
use crate::words;

/// An alert, with what the people of it are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Care {
    /// The alert.
    pub alert: Alert,
    /// Who has it, or keeps it quiet: by name, or else by signature; empty for nobody.
    pub by: String,
}

impl Care {
    /// The signature of whoever has an alert or keeps it quiet.
    pub(crate) fn signature(alert: &Alert) -> Option<&str> {
        let hold = alert.state.hold.as_ref().map(|hold| hold.by.as_str());
        hold.or(alert.state.snooze.as_ref().map(|snooze| snooze.by.as_str()))
    }

    /// Whether somebody sees to it.
    pub(crate) fn is_attended(&self) -> bool {
        self.alert.state.hold.is_some() || self.alert.state.snooze.is_some()
    }

    /// Who has it, or who is called next and when; none while nobody is to be called.
    pub(crate) fn says(&self, w: Words, now: WallMs) -> Option<String> {
        let state = &self.alert.state;
        let who = |key: Key| w.with(key, "who", called(w, &self.by));
        if let Some(hold) = &state.hold {
            let said = who(Key("care-charge"))
                .and("since", words::since_time(w, hold.since, now))
                .and("until", words::until_time(w, hold.until, now));
            return Some(said.to_string());
        }
        if let Some(snooze) = &state.snooze {
            let until = words::until_time(w, snooze.until, now);
            return Some(who(Key("care-snoozed")).and("until", until).to_string());
        }
        if state.is_away() && state.is_confirmed {
            let place = w.say(words::whereabouts(state.whereabouts));
            return Some(w.with("care-away", "where", place).to_string());
        }
        let (callee, at) = state.next_call(Ladder::of(&state.calling))?;
        let callee = capital(&w.say(callee_name(callee)));
        let said = w.with("care-next", "callee", callee);
        Some(said.and("at", words::at_time(w, at, now)).to_string())
    }

    /// What follows when the charge or the snooze ends.
    pub(crate) fn afterwards(&self, w: Words, now: WallMs) -> Option<String> {
        if !self.is_attended() {
            return None;
        }
        let state = &self.alert.state;
        let (callee, at) = state.next_call(Ladder::of(&state.calling))?;
        let said = w.with("care-afterwards", "callee", w.say(callee_name(callee)));
        Some(said.and("at", words::at_time(w, at, now)).to_string())
    }

    /// Where the family doctor stands.
    pub(crate) fn family_doctor(&self, w: Words, now: WallMs) -> Option<String> {
        let said = match self.alert.state.doctor {
            Doctor::Unasked | Doctor::Done => return None,
            Doctor::Due { at, why } => {
                let key = match why {
                    PageWhy::Digest => Key("care-doctor-digest"),
                    _ => Key("care-doctor-due"),
                };
                w.with(key, "at", words::at_time(w, at, now))
            }
            Doctor::Told { seen_by } => {
                let until = words::at_time(w, seen_by, now);
                w.with("care-doctor-told", "until", until)
            }
        };
        Some(said.to_string())
    }
}

/// The alert of a flag among those of its patient.
pub(crate) fn of<'a>(cares: &'a [Care], flag: &FlagId) -> Option<&'a Care> {
    cares.iter().find(|care| care.alert.covers(flag))
}

/// What the centre says to the patient about a flag.
pub(crate) fn to_say(severity: Severity, confirmed: bool, now: WallMs) -> Vec<Key> {
    match (severity, confirmed) {
        (Severity::Red, false) => vec![Key("say-red-repeat")],
        (Severity::Red, true) => vec![Key("say-red-call"), Key("say-red-silent")],
        (Severity::Amber, _) if Ladder::shipped().reaches_family_doctor(now) => {
            vec![Key("say-amber")]
        }
        (Severity::Amber, _) => vec![Key("say-amber-night")],
        (Severity::Technical, _) => Vec::new(),
    }
}

/// A function of the centre or of the territory.
fn callee_name(callee: Callee) -> Key {
    match callee {
        Callee::Operator => Key("callee-operator"),
        Callee::SecondOperator => Key("callee-second"),
        Callee::Doctor => Key("callee-doctor"),
        Callee::Mmg => Key("callee-mmg"),
        Callee::OutOfHours => Key("callee-out-of-hours"),
        Callee::Receiver => Key("callee-receiver"),
    }
}

/// That somebody was called, as a line of the diary.
pub(crate) fn paged(w: Words, paged: &Paged, now: WallMs) -> String {
    let why = match paged.page.why {
        PageWhy::New => Key("paged-new"),
        PageWhy::Again => Key("paged-again"),
        PageWhy::Escalated => Key("paged-escalated"),
        PageWhy::Informed => Key("paged-informed"),
        PageWhy::Unseen => Key("paged-unseen"),
        PageWhy::ChargeLapsed => Key("paged-lapsed"),
        PageWhy::ChannelFailed => Key("paged-failed-channel"),
        PageWhy::Digest => Key("paged-digest"),
    };
    let callee = w.say(callee_name(paged.page.callee));
    let mut said = vec![w.with(why, "callee", callee).to_string()];
    if paged.late_ms >= words::MINUTE_MS {
        let late = w.with("paged-late", "span", words::span(w, paged.late_ms));
        said.push(late.to_string());
    }
    let moments = [
        (Key("paged-seen"), paged.seen),
        (Key("paged-failed"), paged.failed),
        (Key("paged-recalled"), paged.recalled),
    ];
    said.extend(moments.into_iter().filter_map(|(key, at)| {
        let at = words::at_time(w, at?, now);
        Some(w.with(key, "at", at).to_string())
    }));
    said.join("; ")
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
