//! The diary as a timeline of sentences.

use veglia_diary::{Act, ActKind, Line, Written};
use veglia_view::{Flag, How, Severity, Standing, Trigger, Verdict, WallMs};

use crate::book::Signatures;
use crate::{reason, words};

/// One entry of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When, to sort and for machines.
    pub(crate) at: WallMs,
    /// When, in words.
    pub(crate) time: String,
    /// What happened.
    pub(crate) text: String,
    /// What a person wrote about it.
    pub(crate) note: String,
}

pub(crate) fn entry(line: &Line, signed: &Signatures, now: WallMs) -> Entry {
    let (text, note) = sentence(line, signed, now);
    Entry {
        at: line.at,
        time: words::full_time(line.at),
        text,
        note,
    }
}

fn sentence(line: &Line, signed: &Signatures, now: WallMs) -> (String, String) {
    match &line.what {
        Written::Said(verdict) => (said(verdict, now), String::new()),
        Written::Act(act) => (acted(act, signed), act.words.clone()),
        Written::Planned { version, by } => {
            let by = signed.name(by);
            (format!("Piano, versione {version}, di {by}"), String::new())
        }
        Written::Given { device, from, by } => {
            let (by, from) = (signed.name(by), words::since_time(*from, now));
            let text = format!("Dispositivo {device} assegnato {from}, da {by}");
            (text, String::new())
        }
        Written::TakenBack { device, until, by } => {
            let (by, until) = (signed.name(by), words::at_time(*until, now));
            let text = format!("Dispositivo {device} ritirato {until}, da {by}");
            (text, String::new())
        }
    }
}

fn acted(act: &Act, signed: &Signatures) -> String {
    let by = signed.name(&act.by);
    match (act.kind, &act.flag) {
        (ActKind::TakenCharge, _) => format!("{by} ha preso in carico la segnalazione"),
        (ActKind::Closed, _) => format!("{by} ha chiuso la segnalazione"),
        (ActKind::Note, Some(_)) => format!("Nota di {by} sulla segnalazione"),
        (ActKind::Note, None) => format!("Nota di {by}"),
    }
}

fn said(verdict: &Verdict, now: WallMs) -> String {
    match verdict {
        Verdict::Raise(flag) => raised(flag, now),
        Verdict::Confirm { how, evidence, .. } => {
            let how = match how {
                How::Repeat => "da una seconda misura",
                How::MissedRepeat => "perché la seconda misura non è arrivata",
                How::AtOnce => "subito",
            };
            let last = evidence
                .last()
                .map(|it| format!(": {}", words::said(it, now)));
            format!("Confermato {how}{}", last.unwrap_or_default())
        }
        Verdict::End { why, at, .. } => {
            format!("{} {}", reason::ended(*why), words::at_time(*at, now))
        }
    }
}

fn raised(flag: &Flag, now: WallMs) -> String {
    let colour = match flag.severity {
        Severity::Red => "◆ ROSSO",
        Severity::Amber => "▲ GIALLO",
        Severity::Technical => "▬ TECNICO",
    };
    if let Trigger::SilentSince(vital, expected) = flag.id.trigger {
        let name = words::vital_in_sentence(vital);
        let at = words::at_time(expected, now);
        return format!("{colour}: nessuna misura di {name}, era attesa {at}");
    }
    let first = flag.evidence.first().map(|it| words::said(it, now));
    let doubt = match flag.standing {
        Standing::Unconfirmed { .. } => ", da confermare",
        Standing::Confirmed { .. } => "",
    };
    let late = if flag.late {
        " (arrivata in ritardo)"
    } else {
        ""
    };
    let name = words::about(flag.about);
    format!(
        "{colour}: {name} {}{doubt}{late}",
        first.unwrap_or_default()
    )
}
