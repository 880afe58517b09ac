//! Why a patient is where they are on the list, in words.

use serde::Serialize;
use veglia_view::{
    About, Evidence, How, OpenFlag, Parameter, Plan, Row, Severity, Standing, Trigger, VitalKind,
    WallMs, Why,
};
use veglia_words::{Key, Words};

use crate::care;
use crate::line::About as Patient;
use crate::words;

/// One reason, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `red`, `amber` or `technical`: for the mark before it, which repeats what the words say.
    pub kind: &'static str,
    /// The sentence.
    pub text: String,
    /// Who has taken charge, and until when.
    pub charge: Option<String>,
    /// While nobody has: who is called next, and when.
    pub next: Option<String>,
}

impl Reason {
    /// Why a flag of a patient is there, and who sees to it.
    pub(crate) fn new(w: Words, flag: &OpenFlag, about: &Patient<'_>, now: WallMs) -> Self {
        let care = care::of(about.alerts, &flag.flag.id);
        let (charge, next) = match care {
            Some(care) if care.is_attended() => (care.says(w, now), None),
            Some(care) => (None, care.says(w, now)),
            None => (None, None),
        };
        Self {
            kind: kind(flag.flag.severity),
            text: why(w, flag, about.row, about.plan, now),
            charge,
            next,
        }
    }
}

/// `red`, `amber`, `technical`.
pub(crate) fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Red => "red",
        Severity::Amber => "amber",
        Severity::Technical => "technical",
    }
}

/// Why a flag is there.
pub(crate) fn why(
    w: Words,
    flag: &OpenFlag,
    row: &Row,
    plan: Option<&Plan>,
    now: WallMs,
) -> String {
    let mut said = match flag.flag.id.trigger {
        Trigger::SilentSince(vital, expected) => {
            let said = silence(w, (vital, expected), row, plan, now);
            format!("{said}{}", because(w, flag.flag.standing))
        }
        Trigger::HomeSilentSince(since) => home_silence(w, since, now),
        Trigger::Record(_) => measured(w, flag, now),
    };
    if flag.flag.late {
        said = format!("{said} {}", w.say("why-late"));
    }
    if let Some((why, at)) = flag.over {
        let over = w.with("why-over", "why", said);
        let over = over.and("ended", w.say(ended(why)));
        said = over.and("at", words::at_time(w, at, now)).to_string();
    }
    said
}

/// How an episode ended, before its time.
pub(crate) fn ended(why: Why) -> Key {
    match why {
        Why::NotConfirmed => Key("ended-not-confirmed"),
        Why::Recovered => Key("ended-recovered"),
        Why::DataReturned => Key("ended-returned"),
        Why::ExplainedByLateData => Key("ended-explained"),
        Why::PlanEnded => Key("ended-plan"),
        Why::Away => Key("ended-away"),
        Why::NotTheirs => Key("ended-not-theirs"),
    }
}

fn measured(w: Words, flag: &OpenFlag, now: WallMs) -> String {
    let evidence = flag.flag.evidence.as_slice();
    if evidence.is_empty() {
        let since = words::since_time(w, flag.flag.since, now);
        let beyond = w.with("why-beyond", "about", words::about(w, flag.flag.about));
        return beyond.and("since", since).to_string();
    }
    // What came later stands among the grounds already, where they are several.
    let later = match flag.flag.about {
        About::Vital(_) | About::Home => evidence.get(1..).unwrap_or_default(),
        About::Score(_) | About::Symptoms | About::Together => &[],
    };
    let is_high = flag.flag.about == About::Vital(VitalKind::Temperature)
        && flag.flag.severity == Severity::Amber;
    let name = if is_high {
        w.say("why-fever")
    } else {
        words::heading(w, flag.flag.about)
    };
    let said = |it: &Evidence| words::said(w, it, now);
    let opening = format!("{name} {}", words::grounds(w, &flag.flag, now));
    let hour = |at| w.language.hour_of(at, now);
    match flag.flag.standing {
        Standing::Unconfirmed { repeat_by } => w
            .with("why-unconfirmed", "what", opening)
            .and("by", hour(repeat_by))
            .to_string(),
        Standing::Confirmed {
            how: How::Repeat, ..
        } => match later.first() {
            Some(second) => w
                .with("why-confirmed-by", "what", opening)
                .and("second", said(second))
                .to_string(),
            None => w.with("why-confirmed", "what", opening).to_string(),
        },
        Standing::Confirmed {
            how: How::MissedRepeat,
            at,
        } => w
            .with("why-no-second", "what", opening)
            .and("by", hour(at))
            .to_string(),
        Standing::Confirmed {
            how: How::Silent(cause),
            ..
        } => format!("{opening}: {}", w.say(words::cause(cause))),
        // The reading that left no time to wait may be a later one.
        Standing::Confirmed {
            how: How::AtOnce, ..
        } => match later.last() {
            Some(last) => w
                .with("why-then", "what", opening)
                .and("last", said(last))
                .to_string(),
            None => opening,
        },
    }
}

/// The cause of a silence, after what is silent.
fn because(w: Words, standing: Standing) -> String {
    match standing {
        Standing::Confirmed {
            how: How::Silent(cause),
            ..
        } => format!(": {}", w.say(words::cause(cause))),
        Standing::Confirmed { .. } | Standing::Unconfirmed { .. } => String::new(),
    }
}

/// Nothing comes from a home.
pub(crate) fn home_silence(w: Words, since: WallMs, now: WallMs) -> String {
    let since = words::since_time(w, since, now);
    w.with("why-home-silent", "since", since).to_string()
}

fn silence(
    w: Words,
    (vital, expected): (VitalKind, WallMs),
    row: &Row,
    plan: Option<&Plan>,
    now: WallMs,
) -> String {
    let rhythm = parameter(plan, vital).map(|it| {
        let rhythm = w.with("why-rhythm", "rhythm", words::rhythm(w, it));
        format!(" {rhythm}")
    });
    let at = words::at_time(w, expected, now);
    // The last value may be one that nobody can use: the silence is then one of valid values.
    let said = match row.latest(vital) {
        Some(last) if last.quality.is_clean() && last.at < expected => {
            let since = words::since_time(w, last.at, now);
            w.with("why-silent", "since", since)
        }
        Some(_) => w.with("why-silent-valid", "at", at),
        None => w.with("why-silent-ever", "at", at),
    };
    said.and("vital", words::vital_in_sentence(w, vital))
        .and("rhythm", rhythm.unwrap_or_default())
        .to_string()
}

/// What the plan says of a vital sign.
pub(crate) fn parameter(plan: Option<&Plan>, vital: VitalKind) -> Option<&Parameter> {
    let parameters = plan.map(|plan| plan.parameters.as_slice());
    let mut parameters = parameters.unwrap_or_default().iter();
    parameters.find(|parameter| parameter.vital == vital)
}
