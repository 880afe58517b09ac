//! The diary as a timeline of sentences.

use veglia_diary::{Act, ActKind, CallOutcome, Line, Whom, Written};
use veglia_view::{Flag, How, Severity, Standing, Trigger, Verdict, WallMs};

use crate::book::Signatures;
use crate::{care, reason, words};

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
        Written::Act(act) => (acted(act, signed, now), act.words.clone()),
        Written::Paged(paged) => (care::paged(paged, now), String::new()),
        Written::Planned { version, by, why } => {
            let by = signed.name(by);
            (format!("Piano, versione {version}, di {by}"), why.clone())
        }
        Written::Went(stood) => {
            let by = signed.name(&stood.by);
            let since = words::since_time(stood.standing.from, now);
            let place = words::whereabouts(stood.standing.whereabouts);
            (format!("{place} {since}, da {by}"), stood.why.clone())
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

fn acted(act: &Act, signed: &Signatures, now: WallMs) -> String {
    let by = signed.name(&act.by);
    match (act.kind, &act.flag) {
        (ActKind::TakenCharge, _) => format!("{by} ha preso in carico la segnalazione"),
        (ActKind::Closed, _) => format!("{by} ha chiuso la segnalazione"),
        (ActKind::Note, Some(_)) => format!("Nota di {by} sulla segnalazione"),
        (ActKind::Note, None) => format!("Nota di {by}"),
        (ActKind::Called(whom, outcome), _) => {
            format!(
                "Telefonata di {by} a {}: {}",
                whom_name(whom),
                outcome_name(outcome)
            )
        }
        (ActKind::Snoozed(until), _) => {
            let until = words::until_time(until, now);
            format!("{by} ha sospeso la segnalazione {until}")
        }
        (ActKind::Escalated, _) => format!("{by} ha chiesto il medico di guardia"),
        (ActKind::HandedOver(to), _) => {
            let to = signed.name(&format!("staff:{to}"));
            format!("{by} ha passato la segnalazione a {to}")
        }
    }
}

/// Who was telephoned.
pub(crate) fn whom_name(whom: Whom) -> &'static str {
    match whom {
        Whom::Patient => "paziente",
        Whom::Contact => "persona di contatto",
        Whom::KeyHolder => "chi ha le chiavi",
        Whom::FamilyDoctor => "medico di famiglia",
        Whom::Emergency => "112",
    }
}

/// How a telephone call ended.
pub(crate) fn outcome_name(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Well => "risponde, sta bene",
        CallOutcome::Unwell => "risponde, non sta bene",
        CallOutcome::NoAnswer => "non risponde",
        CallOutcome::HelpSent => "soccorso inviato",
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
                How::Silent(cause) => {
                    return format!("Causa del silenzio: {}", words::cause(*cause));
                }
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
    if let Trigger::HomeSilentSince(since) = flag.id.trigger {
        return format!("{colour}: {}", reason::home_silence(since, now));
    }
    let doubt = match flag.standing {
        Standing::Unconfirmed { .. } => ", da confermare",
        Standing::Confirmed { .. } => "",
    };
    let late = if flag.late {
        " (arrivata in ritardo)"
    } else {
        ""
    };
    let name = words::heading(flag.about);
    let grounds = words::grounds(flag, now);
    format!("{colour}: {name} {grounds}{doubt}{late}")
}
