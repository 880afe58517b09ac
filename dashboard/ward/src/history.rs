//! The diary as a timeline of sentences, each with where it comes from.

use std::borrow::Cow;
use std::collections::HashMap;

use veglia_diary::{
    Act, ActKind, CallOutcome, EntryId, HomeService, Line, WORDS_CHARS_MAX, Whom, Written,
};
use veglia_view::{Flag, How, Standing, Trigger, Verdict, WallMs};
use veglia_words::{Key, Words};

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
    pub(crate) fn name(self) -> Key {
        match self {
            Self::Alarm => Key("kind-alarms"),
            Self::Call => Key("kind-calls"),
            Self::Act => Key("kind-acts"),
            Self::Note => Key("kind-notes"),
            Self::Measure => Key("kind-measures"),
            Self::Plan => Key("kind-plan"),
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
pub(crate) fn entries(w: Words, lines: &[Line], signed: &Signatures, now: WallMs) -> Vec<Entry> {
    let corrections = Corrections::among(lines);
    let said = lines.iter();
    said.map(|line| entry(w, line, signed, &corrections, now))
        .collect()
}

fn entry(
    w: Words,
    line: &Line,
    signed: &Signatures,
    corrections: &Corrections,
    now: WallMs,
) -> Entry {
    let (mut text, note) = sentence(w, line, signed, now);
    let mut corrected = String::new();
    let mut correctable = None;
    if let Written::Act(act) = &line.what {
        if let Some(at) = corrections.corrected.get(&act.id) {
            let at = words::at_time(w, *at, now);
            corrected = w.with("entry-corrected", "at", at).to_string();
        }
        if let ActKind::Corrected(wrong) = act.kind
            && let Some(at) = corrections.written.get(&wrong)
        {
            let which = w.with("entry-which", "entry", text);
            text = which.and("at", words::at_time(w, *at, now)).to_string();
        }
        let is_said = !act.words.is_empty() && act.words.chars().count() <= WORDS_CHARS_MAX;
        correctable = (is_said && act.by.starts_with("staff:")).then_some(act.id.0);
    }
    Entry {
        at: line.at,
        time: w.language.exactly(line.at),
        kind: kind(line).code(),
        text,
        note,
        from: from(w, line, signed),
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
fn from(w: Words, line: &Line, signed: &Signatures) -> String {
    match &line.what {
        Written::Said(verdict) => {
            let id = match verdict {
                Verdict::Raise(flag) => &flag.id,
                Verdict::Confirm { id, .. } | Verdict::End { id, .. } => id,
            };
            let rule = w.with("from-rule", "rule", id.rule.to_string());
            rule.and("set", id.rule_set.to_string()).to_string()
        }
        Written::Act(act) => signed.name(w, &act.by),
        Written::Paged(_) => w.say("from-calls").into_owned(),
        Written::Planned { by, .. } | Written::Given { by, .. } | Written::TakenBack { by, .. } => {
            signed.name(w, by)
        }
        Written::Went(stood) => signed.name(w, &stood.by),
    }
}

fn sentence(w: Words, line: &Line, signed: &Signatures, now: WallMs) -> (String, String) {
    match &line.what {
        Written::Said(verdict) => (said(w, verdict, now), String::new()),
        Written::Act(act) => (acted(w, act, signed, now), act.words.clone()),
        Written::Paged(paged) => (care::paged(w, paged, now), String::new()),
        Written::Planned { version, by, why } => {
            let plan = w.with("entry-plan", "version", version.to_string());
            (plan.and("by", signed.name(w, by)).to_string(), why.clone())
        }
        Written::Went(stood) => {
            let place = w.say(words::whereabouts(stood.standing.whereabouts));
            let went = w.with("entry-went", "where", place);
            let since = words::since_time(w, stood.standing.from, now);
            let went = went
                .and("since", since)
                .and("by", signed.name(w, &stood.by));
            (went.to_string(), stood.why.clone())
        }
        Written::Given { device, from, by } => {
            let given = w.with("entry-given", "device", device.to_string());
            let given = given.and("since", words::since_time(w, *from, now));
            (
                given.and("by", signed.name(w, by)).to_string(),
                String::new(),
            )
        }
        Written::TakenBack { device, until, by } => {
            let taken = w.with("entry-taken", "device", device.to_string());
            let taken = taken.and("at", words::at_time(w, *until, now));
            (
                taken.and("by", signed.name(w, by)).to_string(),
                String::new(),
            )
        }
    }
}

fn acted(w: Words, act: &Act, signed: &Signatures, now: WallMs) -> String {
    let by = |key: Key| w.with(key, "by", signed.name(w, &act.by));
    let said = match (act.kind, &act.flag) {
        (ActKind::TakenCharge, _) => by(Key("act-taken")),
        (ActKind::Closed, _) => by(Key("act-closed")),
        (ActKind::Note, Some(_)) => by(Key("act-flag-note")),
        (ActKind::Note, None) => by(Key("act-note")),
        (ActKind::Called(whom, outcome), _) => by(Key("act-called"))
            .and("whom", w.say(whom_name(whom)))
            .and("outcome", w.say(outcome_name(outcome))),
        (ActKind::Snoozed(until), _) => {
            by(Key("act-snoozed")).and("until", words::until_time(w, until, now))
        }
        (ActKind::Escalated, _) => by(Key("act-escalated")),
        (ActKind::HandedOver(to), _) => {
            by(Key("act-handed")).and("to", signed.name(w, &format!("staff:{to}")))
        }
        (ActKind::RepeatAsked(vital), _) => {
            by(Key("act-repeat")).and("vital", words::vital_in_sentence(w, vital))
        }
        (ActKind::Referred(service), _) => {
            by(Key("act-referred")).and("service", w.say(service_name(service)))
        }
        (ActKind::Corrected(_), _) => by(Key("act-corrected")),
    };
    said.to_string()
}

/// Who was telephoned.
pub(crate) fn whom_name(whom: Whom) -> Key {
    match whom {
        Whom::Patient => Key("whom-patient"),
        Whom::Contact => Key("whom-contact"),
        Whom::KeyHolder => Key("whom-keys"),
        Whom::FamilyDoctor => Key("whom-mmg"),
        Whom::Emergency => Key("whom-emergency"),
    }
}

/// How a telephone call ended.
pub(crate) fn outcome_name(outcome: CallOutcome) -> Key {
    match outcome {
        CallOutcome::Well => Key("outcome-well"),
        CallOutcome::Unwell => Key("outcome-unwell"),
        CallOutcome::NoAnswer => Key("outcome-no-answer"),
        CallOutcome::HelpSent => Key("outcome-help"),
    }
}

/// Who goes to the patient.
pub(crate) fn service_name(service: HomeService) -> Key {
    match service {
        HomeService::SpecialUnit => Key("service-usca"),
        HomeService::HomeCare => Key("service-adi"),
        HomeService::Oxygen => Key("service-oxygen"),
        HomeService::Swab => Key("service-swab"),
        HomeService::Social => Key("service-social"),
        HomeService::Errands => Key("service-errands"),
        HomeService::Psychology => Key("service-psychology"),
    }
}

fn said(w: Words, verdict: &Verdict, now: WallMs) -> String {
    match verdict {
        Verdict::Raise(flag) => raised(w, flag, now),
        Verdict::Confirm { how, evidence, .. } => {
            let how = match how {
                How::Repeat => Key("confirmed-repeat"),
                How::MissedRepeat => Key("confirmed-missed"),
                How::AtOnce => Key("confirmed-at-once"),
                How::Silent(cause) => {
                    let cause = w.say(words::cause(*cause));
                    return w.with("confirmed-cause", "cause", cause).to_string();
                }
            };
            let last = evidence.last();
            let last = last.map(|it| format!(": {}", words::said(w, it, now)));
            format!("{}{}", w.say(how), last.unwrap_or_default())
        }
        Verdict::End { why, at, .. } => {
            let ended = w.say(reason::ended(*why));
            format!("{ended} {}", words::at_time(w, *at, now))
        }
    }
}

/// That a flag was raised, and on what grounds.
pub(crate) fn raised(w: Words, flag: &Flag, now: WallMs) -> String {
    let colour = w.say(words::colour(flag.severity));
    if let Trigger::SilentSince(vital, expected) = flag.id.trigger {
        let silent = w.with("raised-silent", "at", words::at_time(w, expected, now));
        let silent = silent.and("vital", words::vital_in_sentence(w, vital));
        return format!("{colour}: {silent}");
    }
    if let Trigger::HomeSilentSince(since) = flag.id.trigger {
        return format!("{colour}: {}", reason::home_silence(w, since, now));
    }
    let doubt = match flag.standing {
        Standing::Unconfirmed { .. } => w.say("raised-unconfirmed"),
        Standing::Confirmed { .. } => Cow::Borrowed(""),
    };
    let late = if flag.late {
        format!(" {}", w.say("why-late"))
    } else {
        String::new()
    };
    let name = words::heading(w, flag.about);
    let grounds = words::grounds(w, flag, now);
    format!("{colour}: {name} {grounds}{doubt}{late}")
}
