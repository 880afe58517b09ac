//! An open flag as the page shows it: why, who sees to it, what to say, what it rests on.

use std::borrow::Cow;

use veglia_diary::Alert;
use veglia_diary::ladder::Ladder;
use veglia_view::{OpenFlag, Row, Severity, WallMs};
use veglia_words::{Key, Words};

use crate::book::Signatures;
use crate::care::{self, Care};
use crate::line::About;
use crate::reason::Reason;
use crate::score::Score;
use crate::script::{self, Question};
use crate::words;

#[derive(Debug)]
pub(super) struct FlagView {
    pub(super) id: String,
    /// For the names of its fields.
    pub(super) place: usize,
    /// Whether it is unfolded when the page opens.
    pub(super) is_open: bool,
    pub(super) telling: u32,
    pub(super) colour: Key,
    pub(super) reason: Reason,
    /// What follows when the charge ends, and where the family doctor stands.
    pub(super) ladder: Vec<String>,
    /// What the centre says to the patient.
    pub(super) to_say: Vec<Key>,
    /// What to ask and say on the telephone, in order.
    pub(super) script: Vec<Question>,
    pub(super) charge: ChargeView,
    /// Which vital sign is asked for again, unless another is chosen.
    pub(super) again: &'static str,
    /// For how many minutes it may be snoozed.
    pub(super) snoozes: Vec<i64>,
    pub(super) evidence: Vec<EvidenceView>,
    pub(super) rule: String,
}

/// Who has a flag, as seen by the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChargeView {
    Nobody,
    Reader,
    Other,
}

#[derive(Debug)]
pub(super) struct EvidenceView {
    pub(super) id: String,
    pub(super) what: Cow<'static, str>,
    pub(super) value: String,
    pub(super) time: String,
    /// From which record to which it is the median, and of how many.
    pub(super) median: Option<(String, String, u32)>,
}

/// The flags as the record has them: acts refer to these, and they are there without ingest.
pub(super) fn take_flags(
    row: &mut Row,
    open: impl Iterator<Item = veglia_diary::OpenFlag>,
    signed: &Signatures,
) -> Vec<Care> {
    row.flags.clear();
    let mut alerts: Vec<Care> = Vec::new();
    for flag in open {
        let is_new = |alert: &Alert| alerts.iter().all(|known| known.alert.id != alert.id);
        if let Some(alert) = flag.alert.filter(is_new) {
            alerts.push(signed.care(alert));
        }
        row.flag(OpenFlag {
            flag: flag.flag,
            raised_at: flag.raised_at,
            over: flag.ended,
        });
    }
    alerts
}

/// The flags of a patient, the gravest first; the first is unfolded.
pub(super) fn views(
    w: Words,
    about: &About<'_>,
    scores: &[Score],
    reader: &str,
    now: WallMs,
) -> Vec<FlagView> {
    let flags = about.row.flags.iter().enumerate();
    let view = |(place, flag): (usize, &OpenFlag)| FlagView {
        place,
        is_open: place == 0,
        ..view(w, flag, about, scores, reader, now)
    };
    flags.map(view).collect()
}

fn view(
    w: Words,
    flag: &OpenFlag,
    about: &About<'_>,
    scores: &[Score],
    reader: &str,
    now: WallMs,
) -> FlagView {
    let id = &flag.flag.id;
    let care = care::of(about.alerts, id);
    let hold = care.and_then(|care| care.alert.state.hold.as_ref());
    let ladder = [
        care.and_then(|care| care.afterwards(w, now)),
        care.and_then(|care| care.family_doctor(w, now)),
    ];
    let is_confirmed = flag.flag.standing.is_confirmed();
    let to_say = care::to_say(flag.flag.severity, is_confirmed, now);
    FlagView {
        id: id.to_string(),
        place: 0,
        is_open: false,
        telling: flag.flag.telling,
        colour: words::colour(flag.flag.severity),
        reason: Reason::new(w, flag, about, now),
        ladder: ladder.into_iter().flatten().collect(),
        script: script::of(w, &flag.flag, &to_say, scores),
        to_say,
        charge: match hold {
            None => ChargeView::Nobody,
            Some(hold) if hold.by == reader => ChargeView::Reader,
            Some(_) => ChargeView::Other,
        },
        again: match flag.flag.about {
            veglia_view::About::Vital(vital) => vital.name(),
            _ => "spo2",
        },
        snoozes: snoozes(flag.flag.severity),
        evidence: evidence(w, flag),
        rule: format!("{} ({})", id.rule, id.rule_set),
    }
}

fn evidence(w: Words, flag: &OpenFlag) -> Vec<EvidenceView> {
    let evidence = flag.flag.evidence.iter();
    let evidence = evidence.map(|it| EvidenceView {
        id: it.id.to_string(),
        what: words::what(w, it),
        value: words::exact(w, it),
        time: w.language.exactly(it.at),
        median: it
            .median()
            .map(|of| (of.first.to_string(), of.last.to_string(), of.readings)),
    });
    evidence.collect()
}

/// The lengths of a snooze that a form offers, in minutes.
fn snoozes(severity: Severity) -> Vec<i64> {
    let longest = Ladder::shipped().course(severity).snooze_ms / words::MINUTE_MS;
    let offered = [5, 10, 15, 30, 60, 120, 240, 480, 1_440];
    offered.into_iter().filter(|it| *it <= longest).collect()
}
