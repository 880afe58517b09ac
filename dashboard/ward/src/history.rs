//! The diary as a timeline of sentences, each with where it comes from.

use std::collections::HashMap;

use veglia_diary::{
    Act, ActKind, CallOutcome, EntryId, HomeService, Line, WORDS_CHARS_MAX, Whom, Written,
};
use veglia_view::{Flag, How, Severity, Standing, Trigger, Verdict, WallMs};

use crate::book::Signatures;
use crate::{care, reason, words};

/// What sort of line one is: what a reader looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the rules said, and who was called for it.
    Alarm,
    /// Telephone calls.
    Call,
    /// What was done about alarms, and services that were asked.
    Act,
    /// Notes, and corrections.
    Note,
    /// Readings worth keeping.
    Measure,
    /// Plans, devices, where the patient is.
    Plan,
}

impl Kind {
    /// Every kind, as the filter offers them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Alarm,
        Self::Call,
        Self::Act,
        Self::Note,
        Self::Measure,
        Self::Plan,
    ];

    /// In addresses, and for the style.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Alarm => "allarmi",
            Self::Call => "telefonate",
            Self::Act => "azioni",
            Self::Note => "note",
            Self::Measure => "misure",
            Self::Plan => "piano",
        }
    }

    /// On the filter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Alarm => "Allarmi e sintomi",
            Self::Call => "Telefonate",
            Self::Act => "Azioni",
            Self::Note => "Note",
            Self::Measure => "Misure",
            Self::Plan => "Piano e dispositivi",
        }
    }
}

/// One entry of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When, to sort and for machines.
    pub(crate) at: WallMs,
    /// When, in words.
    pub(crate) time: String,
    /// What sort.
    pub(crate) kind: &'static str,
    /// What happened.
    pub(crate) text: String,
    /// What a person wrote about it.
    pub(crate) note: String,
    /// Where it comes from: a rule, a person, a device.
    pub(crate) from: String,
    /// Its number, when somebody's words may be corrected.
    pub(crate) correctable: Option<i64>,
    /// That it was corrected, and when; empty otherwise.
    pub(crate) corrected: String,
}

/// When entries were written, and which of them were corrected when.
#[derive(Debug, Default)]
pub(crate) struct Corrections {
    written: HashMap<EntryId, WallMs>,
    corrected: HashMap<EntryId, WallMs>,
}

impl Corrections {
    pub(crate) fn among(lines: &[Line]) -> Self {
        let mut found = Self::default();
        for line in lines {
            if let Written::Act(act) = &line.what {
                found.written.insert(act.id, act.at);
                if let ActKind::Corrected(wrong) = act.kind {
                    // The newest stands first.
                    found.corrected.entry(wrong).or_insert(act.at);
                }
            }
        }
        found
    }
}

/// The entries that say these lines, in their order.
pub(crate) fn entries(lines: &[Line], signed: &Signatures, now: WallMs) -> Vec<Entry> {
    let corrections = Corrections::among(lines);
    let said = lines.iter();
    said.map(|line| entry(line, signed, &corrections, now))
        .collect()
}

fn entry(line: &Line, signed: &Signatures, corrections: &Corrections, now: WallMs) -> Entry {
    let (mut text, note) = sentence(line, signed, now);
    let mut corrected = String::new();
    let mut correctable = None;
    if let Written::Act(act) = &line.what {
        if let Some(at) = corrections.corrected.get(&act.id) {
            corrected = format!("Corretta {}", words::at_time(*at, now));
        }
        if let ActKind::Corrected(wrong) = act.kind
            && let Some(at) = corrections.written.get(&wrong)
        {
            text = format!("{text}, quella scritta {}", words::at_time(*at, now));
        }
        let is_said = !act.words.is_empty() && act.words.chars().count() <= WORDS_CHARS_MAX;
        correctable = (is_said && act.by.starts_with("staff:")).then_some(act.id.0);
    }
    Entry {
        at: line.at,
        time: words::full_time(line.at),
        kind: kind(line).code(),
        text,
        note,
        from: from(line, signed),
        correctable,
        corrected,
    }
}

/// What sort of line it is.
pub(crate) fn kind(line: &Line) -> Kind {
    match &line.what {
        Written::Said(_) | Written::Paged(_) => Kind::Alarm,
        Written::Act(act) => match act.kind {
            ActKind::Called(..) => Kind::Call,
            ActKind::Note | ActKind::Corrected(_) => Kind::Note,
            _ => Kind::Act,
        },
        _ => Kind::Plan,
    }
}

/// Where a line comes from.
fn from(line: &Line, signed: &Signatures) -> String {
    match &line.what {
        Written::Said(verdict) => {
            let id = match verdict {
                Verdict::Raise(flag) => &flag.id,
                Verdict::Confirm { id, .. } | Verdict::End { id, .. } => id,
            };
            format!("regola {} ({})", id.rule, id.rule_set)
        }
        Written::Act(act) => signed.name(&act.by),
        Written::Paged(_) => "chiamate automatiche".to_owned(),
        Written::Planned { by, .. } | Written::Given { by, .. } | Written::TakenBack { by, .. } => {
            signed.name(by)
        }
        Written::Went(stood) => signed.name(&stood.by),
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
        (ActKind::RepeatAsked(vital), _) => {
            let vital = words::vital_in_sentence(vital);
            format!("{by} ha chiesto di ripetere la misura: {vital}")
        }
        (ActKind::Referred(service), _) => {
            format!("{by} ha richiesto un servizio: {}", service_name(service))
        }
        (ActKind::Corrected(_), _) => format!("Correzione di {by} a una voce del diario"),
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

/// Who goes to the patient.
pub(crate) fn service_name(service: HomeService) -> &'static str {
    match service {
        HomeService::SpecialUnit => "USCA (medico a domicilio)",
        HomeService::HomeCare => "ADI (assistenza infermieristica)",
        HomeService::Oxygen => "ossigeno a domicilio",
        HomeService::Swab => "tampone a domicilio",
        HomeService::Social => "servizi sociali del Comune",
        HomeService::Errands => "spesa e farmaci a domicilio",
        HomeService::Psychology => "sostegno psicologico",
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

/// That a flag was raised, and on what grounds.
pub(crate) fn raised(flag: &Flag, now: WallMs) -> String {
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
