//! Why a patient is where they are on the list, in words.

use serde::Serialize;
use veglia_view::{
    About, Evidence, How, OpenFlag, Parameter, Plan, Row, Severity, Standing, Trigger, VitalKind,
    WallMs, Why,
};

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
    pub(crate) fn new(flag: &OpenFlag, about: &Patient<'_>, now: WallMs) -> Self {
        let care = care::of(about.alerts, &flag.flag.id);
        let (charge, next) = match care {
            Some(care) if care.is_attended() => (care.says(now), None),
            Some(care) => (None, care.says(now)),
            None => (None, None),
        };
        Self {
            kind: kind(flag.flag.severity),
            text: why(flag, about.row, about.plan, now),
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
pub(crate) fn why(flag: &OpenFlag, row: &Row, plan: Option<&Plan>, now: WallMs) -> String {
    let mut words = match flag.flag.id.trigger {
        Trigger::SilentSince(vital, expected) => {
            let said = silence(vital, expected, row, plan, now);
            format!("{said}{}", because(flag.flag.standing))
        }
        Trigger::HomeSilentSince(since) => home_silence(since, now),
        Trigger::Record(_) => measured(flag, now),
    };
    if flag.flag.late {
        words.push_str(" (arrivata in ritardo)");
    }
    if let Some((why, at)) = flag.over {
        let at = words::at_time(at, now);
        words.push_str(&format!(". {} {at}: da chiudere", ended(why)));
    }
    words
}

/// How an episode ended, before its time.
pub(crate) fn ended(why: Why) -> &'static str {
    match why {
        Why::NotConfirmed => "Non confermato",
        Why::Recovered => "Rientrato",
        Why::DataReturned => "Dati ripresi",
        Why::ExplainedByLateData => "Spiegato da dati arrivati in ritardo",
        Why::PlanEnded => "Piano terminato",
        Why::Away => "Paziente non a casa",
        Why::NotTheirs => "Misura non sua, ritirato",
    }
}

fn measured(flag: &OpenFlag, now: WallMs) -> String {
    let evidence = flag.flag.evidence.as_slice();
    if evidence.is_empty() {
        let since = words::since_time(flag.flag.since, now);
        return format!("{} oltre i limiti {since}", words::about(flag.flag.about));
    }
    // What came later stands among the grounds already, where they are several.
    let later = match flag.flag.about {
        About::Vital(_) | About::Home => evidence.get(1..).unwrap_or_default(),
        About::Score(_) | About::Symptoms | About::Together => &[],
    };
    let is_high = flag.flag.about == About::Vital(VitalKind::Temperature)
        && flag.flag.severity == Severity::Amber;
    let name = if is_high {
        "Febbre".to_owned()
    } else {
        words::heading(flag.flag.about)
    };
    let said = |it: &Evidence| words::said(it, now);
    let opening = format!("{name} {}", words::grounds(&flag.flag, now));
    match flag.flag.standing {
        Standing::Unconfirmed { repeat_by } => {
            let by = words::time(repeat_by, now);
            format!("{opening}, da confermare: si attende la seconda misura entro le {by}")
        }
        Standing::Confirmed {
            how: How::Repeat, ..
        } => match later.first() {
            Some(second) => format!("{opening}, confermato da {}", said(second)),
            None => format!("{opening}, confermato"),
        },
        Standing::Confirmed {
            how: How::MissedRepeat,
            at,
        } => {
            let at = words::time(at, now);
            format!("{opening}, confermato: nessuna seconda misura entro le {at}")
        }
        Standing::Confirmed {
            how: How::Silent(cause),
            ..
        } => format!("{opening}: {}", words::cause(cause)),
        // The reading that left no time to wait may be a later one.
        Standing::Confirmed {
            how: How::AtOnce, ..
        } => match later.last() {
            Some(last) => format!("{opening}, poi {}", said(last)),
            None => opening,
        },
    }
}

/// The cause of a silence, after what is silent.
fn because(standing: Standing) -> String {
    match standing {
        Standing::Confirmed {
            how: How::Silent(cause),
            ..
        } => format!(": {}", words::cause(cause)),
        Standing::Confirmed { .. } | Standing::Unconfirmed { .. } => String::new(),
    }
}

/// Nothing comes from a home.
pub(crate) fn home_silence(since: WallMs, now: WallMs) -> String {
    let since = words::since_time(since, now);
    format!("Casa non collegata {since}: non arriva niente di quanto atteso")
}

fn silence(
    vital: VitalKind,
    expected: WallMs,
    row: &Row,
    plan: Option<&Plan>,
    now: WallMs,
) -> String {
    let name = words::vital_in_sentence(vital);
    let rhythm = parameter(plan, vital)
        .map(|parameter| format!(" (attesa {})", words::rhythm(parameter)))
        .unwrap_or_default();
    // The last value may be one that nobody can use: the silence is then one of valid values.
    match row.latest(vital) {
        Some(last) if last.quality.is_clean() && last.at < expected => {
            let since = words::since_time(last.at, now);
            format!("Nessuna misura di {name} {since}{rhythm}")
        }
        Some(_) => {
            let since = words::at_time(expected, now);
            format!("Nessuna misura valida di {name}: era attesa {since}{rhythm}")
        }
        None => {
            let at = words::at_time(expected, now);
            format!("Nessuna misura di {name} finora: era attesa {at}{rhythm}")
        }
    }
}

/// What the plan says of a vital sign.
pub(crate) fn parameter(plan: Option<&Plan>, vital: VitalKind) -> Option<&Parameter> {
    let parameters = plan.map(|plan| plan.parameters.as_slice());
    let mut parameters = parameters.unwrap_or_default().iter();
    parameters.find(|parameter| parameter.vital == vital)
}
