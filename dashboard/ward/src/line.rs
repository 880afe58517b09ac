//! One patient's line on the ward: what is worst, why, the latest values, who looks after it.
//!
//! The same line is rendered twice from here: by the template of the page, and as JSON for the
//! live page. Ages are not in the JSON: the page counts them on from each `at` by the clock of
//! care that every tick brings.
//!
//! **No data is never well.** A line says "nessun allarme" only while a clean value is not older
//! than its plan allows; else it says that data stand still, or that there are none.

mod cell;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use serde::Serialize;
use veglia_people::place::Place;
use veglia_view::{OpenFlag, PatientId, Plan, Row, Severity, VitalKind, WallMs, is_stand_in};
use veglia_words::{Each, Key, Language, Words};

use crate::care::Care;
use crate::rank::{self, Rank, Ranked};
use crate::reason::{self, Reason};
use crate::score::{self, Score};
use crate::spark::Spark;
use crate::{WORDS, words};

pub use cell::Value;
use cell::is_usable;
pub(crate) use cell::{calm_until, cell};

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
    pub word: Cow<'static, str>,
    /// Since when, for marks that say how long.
    pub since: Option<i64>,
    /// An alarm under way that nobody has: the time is one of waiting.
    pub waits: bool,
}

impl Chip {
    /// For how long, when the mark says so; else empty.
    #[must_use]
    pub fn lasting(&self, w: &Words, now: &WallMs) -> String {
        self.since.map_or_else(String::new, |since| {
            words::lasting(*w, self.waits, now.since(WallMs(since)))
        })
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
    /// The Municipio or the Comune, if the address says it.
    pub place: Option<String>,
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
            && self.place == other.place
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
    pub(crate) fn heading(self) -> Key {
        match self {
            Self::Clinical => Key("lane-clinical"),
            Self::Technical => Key("lane-technical"),
            Self::Calm => Key("lane-calm"),
        }
    }

    /// The same as a choice.
    pub(crate) fn short(self) -> Key {
        match self {
            Self::Clinical => Key("lane-clinical"),
            Self::Technical => Key("lane-technical-short"),
            Self::Calm => Key("lane-calm"),
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
    /// Where they live.
    pub(crate) place: Option<&'a Place>,
    /// The last day of each column.
    pub(crate) sparks: [Option<&'a Each<Arc<Spark>>>; COLUMNS.len()],
}

/// Makes the line of a patient as it reads now, and its place.
#[must_use]
pub fn place(about: &About<'_>, now: WallMs, language: Language) -> Placed {
    let name = about
        .name
        .map_or_else(|| filed_as(about.row), str::to_owned);
    let folded: Arc<str> = rank::fold(&name).into();
    let Ranked { rank, until, .. } = rank::rank(about, &folded, now);
    let line = line(WORDS.speaking(language), about, &Beside::default(), now);
    Placed { line, rank, until }
}

/// The line of a patient as it reads now.
pub(crate) fn line(w: Words, about: &About<'_>, beside: &Beside<'_>, now: WallMs) -> Line {
    let row = about.row;
    let calm_until = calm_until(about, now);
    let chip = chip(w, about, calm_until, now);
    let is_calm = calm_until.is_some_and(|until| now < until);
    let lane = rank::lane(rank::worst(row), is_calm);
    let mut why = reasons(w, about, now);
    say_once(&mut why);
    why.extend(blindness(w, &chip, now));
    // Of somebody without alarms nothing is to be asked as long as the score may be zero.
    let score = score::news2(w, row, now);
    let score = score.filter(|score| lane == Lane::Clinical || score.min > 0);
    // What has recovered waits to be closed, and its ladder goes on until somebody has it.
    let order = |flag: &&OpenFlag| {
        let is_over = flag.over.is_some();
        (is_over, Reverse(flag.flag.severity), flag.raised_at)
    };
    let gravest = rank::unattended(about).min_by_key(order);
    let columns = COLUMNS.iter().zip(beside.sparks);
    let values = columns.map(|(vital, spark)| {
        let value = cell(w, about, *vital);
        let spark = spark.map(|spark| spark.of(w.language));
        let arrow = spark.and_then(|spark| spark.arrow(w, row.latest(*vital)?));
        Value {
            // What is greyed has gone nowhere.
            arrow: arrow.filter(|_| !value.doubtful),
            spark: spark.cloned(),
            ..value
        }
    });
    Line {
        patient: row.patient.to_string(),
        name: about.name.map_or_else(|| unnamed(w, row), str::to_owned),
        code: code(row.patient),
        doctor: beside.doctor.map(str::to_owned),
        place: beside.place.map(ToString::to_string),
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
pub(crate) fn nameless(w: Words, patient: PatientId) -> String {
    let number = patient.to_string();
    let end = number.get(10..).unwrap_or_default();
    w.with("nameless", "end", end).to_string()
}

/// The same by what is known of them: of somebody unknown only the device has a name.
pub(crate) fn unnamed(w: Words, row: &Row) -> String {
    match device_of_nobody(row) {
        Some(device) => w.with("nameless-device", "device", device).to_string(),
        None => nameless(w, row.patient),
    }
}

/// By what the same is found and stands among others, whoever reads: made for every reading.
pub(crate) fn filed_as(row: &Row) -> String {
    device_of_nobody(row).unwrap_or_else(|| format!("…{}", code(row.patient)))
}

fn device_of_nobody(row: &Row) -> Option<String> {
    let device = row.devices.first().filter(|_| is_stand_in(row.patient))?;
    Some(device.device.to_string())
}

/// The reasons, the gravest first and of equals the oldest.
pub(crate) fn reasons(w: Words, about: &About<'_>, now: WallMs) -> Vec<Reason> {
    let mut flags: Vec<_> = about.row.flags.iter().collect();
    flags.sort_by_key(|flag| (Reverse(flag.flag.severity), flag.raised_at));
    let reason = |flag: &OpenFlag| Reason::new(w, flag, about, now);
    flags.into_iter().map(reason).collect()
}

/// Why a line without flags is not calm.
fn blindness(w: Words, chip: &Chip, now: WallMs) -> Option<Reason> {
    let text = match (chip.kind, chip.since) {
        ("still", Some(since)) => {
            let at = words::at_time(w, WallMs(since), now);
            w.with("blind-still", "at", at).to_string()
        }
        ("none", _) => w.say("blind-none").into_owned(),
        _ => return None,
    };
    Some(Reason {
        kind: "technical",
        text,
        charge: None,
        next: None,
    })
}

fn chip(w: Words, about: &About<'_>, calm_until: Option<WallMs>, now: WallMs) -> Chip {
    let chip = |kind, mark, word: Key| Chip {
        kind,
        mark,
        word: w.say(word),
        since: None,
        waits: false,
    };
    if let Some((severity, _, since)) = rank::worst(about.row) {
        let (mark, word) = match severity {
            Severity::Red => ("◆", Key("chip-red")),
            Severity::Amber => ("▲", Key("chip-amber")),
            Severity::Technical => ("▬", Key("chip-technical")),
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
        return chip("calm", "●", Key("chip-calm"));
    }
    let latest = about.row.latest.iter();
    let clean = latest.filter(|latest| is_usable(about.row, latest));
    match clean.map(|latest| latest.at).max() {
        Some(at) => Chip {
            since: Some(at.0),
            ..chip("still", "◌", Key("chip-still"))
        },
        None if about.row.latest.is_empty() => chip("none", "◌", Key("chip-none")),
        None => chip("none", "◌", Key("chip-invalid")),
    }
}

#[cfg(test)]
mod tests;
