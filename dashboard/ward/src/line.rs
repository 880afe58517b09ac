//! One patient's line on the ward: what is worst, why, the latest values, who looks after it.
//!
//! The same line is rendered twice from here: by the template of the page, and as JSON for the
//! live page. Ages are not in the JSON: the page counts them on from each `at` by the clock of
//! care that every tick brings.
//!
//! **No data is never well.** A line says "nessun allarme" only while a clean value is not older
//! than its plan allows; else it says that data stand still, or that there are none.

use std::cmp::Reverse;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use veglia_view::{
    Expected, Latest, OpenFlag, PatientId, Plan, Row, Severity, Trigger, VitalKind, WallMs,
    is_stand_in,
};

use crate::care::Care;
use crate::rank::{self, Rank, Ranked};
use crate::reason::{self, Reason};
use crate::score::{self, Score};
use crate::spark::{Arrow, Spark};
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
    /// An alarm under way that nobody has: the time is one of waiting.
    pub waits: bool,
}

impl Chip {
    /// For how long, when the mark says so; else empty.
    #[must_use]
    pub fn lasting(&self, now: &WallMs) -> String {
        let verb = if self.waits { "attende da" } else { "da" };
        self.since.map_or_else(String::new, |since| {
            format!("{verb} {}", words::span(now.since(WallMs(since)).max(0)))
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
    /// How it has moved in the last hours, where that says anything.
    pub arrow: Option<Arrow>,
    /// The last day, where it is known. Absent from an event, it is as it was.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "drawn")]
    pub spark: Option<Arc<Spark>>,
}

fn drawn<S: Serializer>(spark: &Option<Arc<Spark>>, to: S) -> Result<S::Ok, S::Error> {
    spark.as_deref().serialize(to)
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
    /// The end of the identifier: how a screen without names calls the patient.
    pub code: String,
    /// The family doctor, if one is known.
    pub doctor: Option<String>,
    /// The flag that somebody is to take charge of first; none while nothing waits for anybody.
    pub take: Option<String>,
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

impl Line {
    /// Whether another line of the same patient says the same but for its values.
    pub(crate) fn differs_only_in_values(&self, other: &Self) -> bool {
        self.name == other.name
            && self.doctor == other.doctor
            && self.take == other.take
            && self.lane == other.lane
            && self.chip == other.chip
            && self.why == other.why
            && self.score == other.score
            && self.values.len() == other.values.len()
    }
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

    /// The same as a choice.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Clinical => "Allarmi clinici",
            Self::Technical => "Tecnici e dati mancanti",
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

/// What a line shows beside what ingest knows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside<'a> {
    /// The family doctor's name.
    pub(crate) doctor: Option<&'a str>,
    /// The last day of each column.
    pub(crate) sparks: [Option<&'a Arc<Spark>>; COLUMNS.len()],
}

/// Makes the line of a patient as it reads now, and its place.
#[must_use]
pub fn place(about: &About<'_>, now: WallMs) -> Placed {
    let name = about.name.map_or_else(|| unnamed(about.row), str::to_owned);
    let folded: Arc<str> = rank::fold(&name).into();
    let Ranked { rank, until, .. } = rank::rank(about, &folded, now);
    let line = line(about, &Beside::default(), now);
    Placed { line, rank, until }
}

/// The line of a patient as it reads now.
pub(crate) fn line(about: &About<'_>, beside: &Beside<'_>, now: WallMs) -> Line {
    let row = about.row;
    let calm_until = calm_until(about, now);
    let chip = chip(about, calm_until, now);
    let is_calm = calm_until.is_some_and(|until| now < until);
    let lane = rank::lane(rank::worst(row), is_calm);
    let mut why = reasons(about, now);
    say_once(&mut why);
    why.extend(blindness(&chip, now));
    // Of somebody without alarms nothing is to be asked as long as the score may be zero.
    let score = score::news2(row, now);
    let score = score.filter(|score| lane == Lane::Clinical || score.min > 0);
    // What has recovered waits to be closed, and its ladder goes on until somebody has it.
    let order = |flag: &&OpenFlag| {
        let is_over = flag.over.is_some();
        (is_over, Reverse(flag.flag.severity), flag.raised_at)
    };
    let gravest = rank::unattended(about).min_by_key(order);
    let columns = COLUMNS.iter().zip(beside.sparks);
    let values = columns.map(|(vital, spark)| {
        let value = cell(about, *vital);
        let arrow = spark.and_then(|spark| spark.arrow(row.latest(*vital)?));
        Value {
            // What is greyed has gone nowhere.
            arrow: arrow.filter(|_| !value.doubtful),
            spark: spark.cloned(),
            ..value
        }
    });
    Line {
        patient: row.patient.to_string(),
        name: about.name.map_or_else(|| unnamed(row), str::to_owned),
        code: code(row.patient),
        doctor: beside.doctor.map(str::to_owned),
        take: gravest.map(|flag| flag.flag.id.to_string()),
        lane,
        chip,
        why,
        score,
        values: values.collect(),
    }
}

/// In the list, who is called next stands once, beside the gravest reason, and who has all of a
/// patient's alarms does too: the patient's page has it for each.
fn say_once(why: &mut [Reason]) {
    let mut next_was_said = false;
    let mut charge_before: Option<String> = None;
    for reason in why {
        if next_was_said {
            reason.next = None;
        }
        next_was_said |= reason.next.is_some();
        if reason.charge == charge_before {
            reason.charge = None;
        } else {
            charge_before.clone_from(&reason.charge);
        }
    }
}

/// How a patient is called where no name may stand: the last six digits of their number.
pub(crate) fn code(patient: PatientId) -> String {
    format!("{:06x}", patient.get() & 0xff_ffff)
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
    let reason = |flag: &OpenFlag| Reason::new(flag, about, now);
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
        waits: false,
    };
    if let Some((severity, _, since)) = rank::worst(about.row) {
        let (mark, word) = match severity {
            Severity::Red => ("◆", "ROSSO"),
            Severity::Amber => ("▲", "GIALLO"),
            Severity::Technical => ("▬", "TECNICO"),
        };
        let is_waiting = |flag: &OpenFlag| flag.flag.severity == severity && flag.over.is_none();
        let waits = severity > Severity::Technical && rank::unattended(about).any(is_waiting);
        return Chip {
            since: Some(since.0),
            waits,
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

/// Whether a value says anything of the patient: whether the rules judge it.
fn is_usable(row: &Row, latest: &Latest) -> bool {
    latest.quality.is_clean()
        && row.unjudged(latest.vital).is_none()
        && !(latest.vital == VitalKind::Temperature && latest.site == veglia_view::Site::Skin)
}

/// Until when the freshest clean value keeps a line calm.
pub(crate) fn calm_until(about: &About<'_>, now: WallMs) -> Option<WallMs> {
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
            arrow: None,
            spark: None,
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
        arrow: None,
        spark: None,
    }
}

#[cfg(test)]
mod tests;
