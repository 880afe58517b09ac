//! One patient's line on the ward: what is worst, why, the latest values, who looks after it.
//!
//! The same line is rendered twice from here: by the template of the page, and as JSON for the
//! live page. Ages are not in the JSON: the page counts them on from each `at` by the clock of
//! care that every tick brings.
//!
//! **No data is never well.** A line says "nessun allarme" only while a clean value is not older
//! than its plan allows; else it says that data stand still, or that there are none.

use std::cmp::Reverse;

use serde::Serialize;
use veglia_view::{
    Expected, Latest, PatientId, Plan, Row, Severity, Trigger, VitalKind, WallMs, is_stand_in,
};

use crate::care::{self, Care};
use crate::reason::{self, Reason};
use crate::score::{self, Score};
use crate::words;

/// How old a value may be that no plan asks for, in milliseconds: half an hour, as for monitors
/// that report by themselves.
const UNPLANNED_STALE_MS: i64 = 30 * 60_000;

/// The columns of the list. Breathing is counted by people and stands on the patient's page.
pub(crate) const COLUMNS: [VitalKind; 3] =
    [VitalKind::SpO2, VitalKind::Pulse, VitalKind::Temperature];

/// Where a line stands on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Somebody may be getting worse.
    Clinical,
    /// The watch is impaired, or blind.
    Technical,
    /// Nothing to do.
    Calm,
}

impl Lane {
    /// Every lane, as they stand on the page.
    pub const ALL: [Self; 3] = [Self::Clinical, Self::Technical, Self::Calm];
}

/// The mark of a line: shape, colour and word say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chip {
    /// `red`, `amber`, `technical`, `still`, `none` or `calm`, for the style.
    pub kind: &'static str,
    /// The shape.
    pub mark: &'static str,
    /// The word.
    pub word: &'static str,
    /// Since when, for marks that say how long.
    pub since: Option<i64>,
}

impl Chip {
    /// For how long, when the mark says so; else empty.
    #[must_use]
    pub fn lasting(&self, now: &WallMs) -> String {
        self.since.map_or_else(String::new, |since| {
            format!("da {}", words::span(now.since(WallMs(since)).max(0)))
        })
    }
}

/// One cell of latest values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value {
    /// The vital sign, by its stored name.
    pub vital: &'static str,
    /// The column's heading, repeated for narrow screens.
    pub label: &'static str,
    /// The value with its unit, or a dash.
    pub text: String,
    /// When it was measured, in milliseconds.
    pub at: Option<i64>,
    /// The same, absolute and in words.
    pub full: String,
    /// By which way it came and what speaks against it.
    pub note: String,
    /// Whether something speaks against it.
    pub doubtful: bool,
    /// From when on it is too old, in milliseconds.
    pub stale_at: Option<i64>,
}

impl Value {
    /// How long ago it was measured; empty for none.
    #[must_use]
    pub fn age(&self, now: &WallMs) -> String {
        self.at
            .map_or_else(String::new, |at| words::age(WallMs(at), *now))
    }

    /// Whether it is too old to rely on; none is.
    #[must_use]
    pub fn is_stale(&self, now: &WallMs) -> bool {
        self.stale_at.is_none_or(|stale_at| stale_at <= now.0)
    }
}

/// One patient's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The patient's identifier, as in addresses.
    pub patient: String,
    /// What the patient is called.
    pub name: String,
    /// Where it stands.
    pub lane: Lane,
    /// Its mark.
    pub chip: Chip,
    /// Why, the gravest first.
    pub why: Vec<Reason>,
    /// How sick by the score, as far as it is known.
    pub score: Option<Score>,
    /// The latest values.
    pub values: Vec<Value>,
}

/// What the line of a patient is made of.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// What ingest knows.
    pub row: &'a Row,
    /// What the patient is called; `None` for one whom nobody has registered.
    pub name: Option<&'a str>,
    /// The plan in force.
    pub plan: Option<&'a Plan>,
    /// The patient's open alerts.
    pub alerts: &'a [Care],
}

/// Where a line stands among the others: the smallest first. Unattended severity, severity, who is
/// still getting worse before who has recovered and only waits to be closed, then who has waited
/// longest; names last, so that equal lines do not jump.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    lane: Lane,
    unattended: Reverse<Option<Severity>>,
    severity: Reverse<Option<Severity>>,
    is_over: bool,
    waiting_since: Option<WallMs>,
    name: String,
    patient: PatientId,
}

/// A line, its place, and when it would read differently though nothing arrived.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The line.
    pub line: Line,
    /// Its place.
    pub rank: Rank,
    /// When it reads differently though nothing arrives: a calm line stops being calm for want of
    /// data, or a value is too old for its score.
    pub until: Option<WallMs>,
}

impl Lane {
    /// Its heading.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Clinical => "Allarmi clinici",
            Self::Technical => "Segnalazioni tecniche e dati mancanti",
            Self::Calm => "Senza allarmi",
        }
    }

    /// Its name in the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Clinical => "clinical",
            Self::Technical => "technical",
            Self::Calm => "calm",
        }
    }
}

/// Makes the line of a patient as it reads now.
#[must_use]
pub fn place(about: &About<'_>, now: WallMs) -> Placed {
    let row = about.row;
    let name = about.name.map_or_else(|| unnamed(row), str::to_owned);
    let values: Vec<Value> = COLUMNS.iter().map(|vital| cell(about, *vital)).collect();
    let calm_until = calm_until(about, now);
    let chip = chip(about, calm_until, now);
    let lane = match chip.kind {
        "red" | "amber" => Lane::Clinical,
        "calm" => Lane::Calm,
        _ => Lane::Technical,
    };
    let unattended = row
        .flags
        .iter()
        .filter(|flag| !care::of(about.alerts, &flag.flag.id).is_some_and(Care::is_attended));
    let worst = worst(row);
    let rank = Rank {
        lane,
        unattended: Reverse(unattended.map(|flag| flag.flag.severity).max()),
        severity: Reverse(worst.map(|(severity, ..)| severity)),
        is_over: worst.is_some_and(|(_, is_over, _)| is_over),
        waiting_since: worst.map(|(.., since)| since),
        name: name.to_lowercase(),
        patient: row.patient,
    };
    let mut why = reasons(about, now);
    why.extend(blindness(&chip, now));
    let score = score::news2(row, now);
    let news = [calm_until, score.as_ref().and_then(|score| score.until)];
    let until = news.into_iter().flatten().filter(|at| *at > now).min();
    // Of somebody without alarms nothing is to be asked as long as the score may be zero.
    let score = score.filter(|score| lane == Lane::Clinical || score.min > 0);
    let line = Line {
        patient: row.patient.to_string(),
        name,
        lane,
        chip,
        why,
        score,
        values,
    };
    Placed { line, rank, until }
}

/// What a patient is called whom nobody has registered: their devices speak all the same.
pub(crate) fn nameless(patient: PatientId) -> String {
    let number = patient.to_string();
    let end = number.get(10..).unwrap_or_default();
    format!("Paziente non registrato …{end}")
}

/// The same by what is known of them: of somebody unknown only the device has a name.
pub(crate) fn unnamed(row: &Row) -> String {
    let device = row.devices.first().filter(|_| is_stand_in(row.patient));
    device.map_or_else(
        || nameless(row.patient),
        |it| format!("Di chi è? {}", it.device),
    )
}

/// The reasons, the gravest first and of equals the oldest.
pub(crate) fn reasons(about: &About<'_>, now: WallMs) -> Vec<Reason> {
    let mut flags: Vec<_> = about.row.flags.iter().collect();
    flags.sort_by_key(|flag| (Reverse(flag.flag.severity), flag.raised_at));
    let reason = |flag: &veglia_view::OpenFlag| Reason::new(flag, about, now);
    flags.into_iter().map(reason).collect()
}

/// Why a line without flags is not calm.
fn blindness(chip: &Chip, now: WallMs) -> Option<Reason> {
    let text = match (chip.kind, chip.since) {
        ("still", Some(since)) => {
            let since = words::at_time(WallMs(since), now);
            format!("Ultima misura valida {since}")
        }
        ("none", _) => "Nessuna misura valida ancora ricevuta".to_owned(),
        _ => return None,
    };
    Some(Reason {
        kind: "technical",
        text,
        charge: None,
        next: None,
    })
}

fn chip(about: &About<'_>, calm_until: Option<WallMs>, now: WallMs) -> Chip {
    let chip = |kind, mark, word| Chip {
        kind,
        mark,
        word,
        since: None,
    };
    if let Some((severity, _, since)) = worst(about.row) {
        let (mark, word) = match severity {
            Severity::Red => ("◆", "ROSSO"),
            Severity::Amber => ("▲", "GIALLO"),
            Severity::Technical => ("▬", "TECNICO"),
        };
        return Chip {
            since: Some(since.0),
            ..chip(reason::kind(severity), mark, word)
        };
    }
    if calm_until.is_some_and(|until| now < until) {
        return chip("calm", "●", "nessun allarme");
    }
    let latest = about.row.latest.iter();
    let clean = latest.filter(|latest| is_usable(about.row, latest));
    match clean.map(|latest| latest.at).max() {
        Some(at) => Chip {
            since: Some(at.0),
            ..chip("still", "◌", "DATI FERMI")
        },
        None if about.row.latest.is_empty() => chip("none", "◌", "NESSUN DATO"),
        None => chip("none", "◌", "NESSUN DATO VALIDO"),
    }
}

/// The worst open severity, whether all its episodes are over, and since when the oldest of those
/// that count calls for somebody.
fn worst(row: &Row) -> Option<(Severity, bool, WallMs)> {
    let rank = |flag: &veglia_view::OpenFlag| {
        let is_over = flag.over.is_some();
        (Reverse(flag.flag.severity), is_over, flag.raised_at)
    };
    let (Reverse(severity), is_over, since) = row.flags.iter().map(rank).min()?;
    Some((severity, is_over, since))
}

/// Whether a value says anything of the patient: whether the rules judge it.
fn is_usable(row: &Row, latest: &Latest) -> bool {
    latest.quality.is_clean()
        && row.unjudged(latest.vital).is_none()
        && !(latest.vital == VitalKind::Temperature && latest.site == veglia_view::Site::Skin)
}

/// Until when the freshest clean value keeps a line calm.
fn calm_until(about: &About<'_>, now: WallMs) -> Option<WallMs> {
    let usable = about
        .row
        .latest
        .iter()
        // A value from a clock that runs ahead must not keep a silent patient calm.
        .filter(|latest| is_usable(about.row, latest) && latest.at.since(now) < UNPLANNED_STALE_MS);
    usable.map(|latest| stale_at(about, latest)).max()
}

/// From when on a value is too old: when its plan would have had the next one.
fn stale_at(about: &About<'_>, latest: &Latest) -> WallMs {
    let after =
        reason::parameter(about.plan, latest.vital).map_or(UNPLANNED_STALE_MS, |parameter| {
            let minutes = match &parameter.expected {
                Expected::EveryMinutes(minutes) => *minutes,
                // The rules know the hour and flag the silence; this bounds what they miss.
                Expected::DailyAt(_) | Expected::Within(_) => 24 * 60,
            };
            i64::from(minutes.saturating_add(parameter.grace_minutes)).saturating_mul(60_000)
        });
    latest.at.plus_ms(after)
}

/// The cell of a vital sign.
pub(crate) fn cell(about: &About<'_>, vital: VitalKind) -> Value {
    let label = words::vital_name(vital);
    let Some(latest) = about.row.latest(vital) else {
        return Value {
            vital: vital.name(),
            label,
            text: "–".to_owned(),
            at: None,
            full: "mai misurata".to_owned(),
            note: String::new(),
            doubtful: true,
            stale_at: None,
        };
    };
    let is_silent = about.row.flags.iter().any(|flag| {
        let silent = match flag.flag.id.trigger {
            Trigger::SilentSince(of, _) => of == vital,
            Trigger::HomeSilentSince(since) => latest.at <= since,
            Trigger::Record(_) => false,
        };
        silent && flag.over.is_none()
    });
    let stale_at = if is_silent {
        latest.at
    } else {
        stale_at(about, latest)
    };
    let mut note = vec![words::source(latest.source)];
    note.extend(words::doubts(vital, latest.quality, latest.site));
    let unjudged = about.row.unjudged(vital);
    note.extend(unjudged.map(words::unjudged));
    Value {
        vital: vital.name(),
        label,
        text: words::value(vital, latest.steps),
        at: Some(latest.at.0),
        full: words::full_time(latest.at),
        note: note.join(", "),
        doubtful: !is_usable(about.row, latest),
        stale_at: Some(stale_at.0),
    }
}

#[cfg(test)]
mod tests;
