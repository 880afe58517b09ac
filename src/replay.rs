//! `veglia replay`: which flags some data means by some rules, one JSON line each, in the order of
//! their names.
//!
//! The data is ingest's journal from its beginning or, with `--observations`, a table of values.
//! A line says only what every order of arrival has in common, so the outputs of two replays of
//! the journal, one of them with `--shuffle`, are equal; and each flag that stands in the diary is
//! there. With `--compare` the lines are what a second rule set would have changed. Nothing is
//! written. With `--scenarios` or `--recording` the lines are tables of how often people are
//! called (`alerts.rs`). Absent: flags that were withdrawn, and what left the journal with old
//! segments.

#[cfg(feature = "gateway")]
mod alerts;
mod compare;
mod observations;
mod recorded;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use veglia_diary::Told;
use veglia_ingest::replay::{Order, replay};
use veglia_store::Database;
use veglia_triage::{About, Evidence, FlagId, RuleSet, Severity, Standing, Why};
use veglia_wire::WallMs;

use crate::config::Config;
use crate::datadir::RoleDir;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Shuffles what arrived, batch by batch: the flags must be the same for every seed.
    #[arg(long, value_name = "SEED", conflicts_with = "observations")]
    shuffle: Option<u64>,
    /// A table of values in place of the journal: time, patient, vital, value and perhaps quality,
    /// or an export as it is.
    #[arg(long, value_name = "FILE")]
    observations: Option<PathBuf>,
    /// Rules in place of the shipped ones.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Other rules: tells whom they would have called earlier, later, besides, or not.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Only flags that begin at this moment or later: milliseconds since 1970, or
    /// 2020-10-20T08:00:00+02:00.
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,
    /// Only flags that begin before this moment.
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
    /// Only flags of this patient, by the name in the table or the number in the diary.
    #[arg(long, value_name = "PATIENT")]
    patient: Option<String>,
    /// How often people are called, in place of flags: of each scenario of the demonstration, with
    /// and without asking for a second measurement.
    #[cfg(feature = "gateway")]
    #[arg(
        long,
        conflicts_with_all = ["observations", "shuffle", "compare", "from", "to", "patient"]
    )]
    scenarios: bool,
    /// The same of a recording: columns minute, SpO2, PULSE or HR, and perhaps temperature. May be
    /// given several times.
    #[cfg(feature = "gateway")]
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["observations", "shuffle", "compare", "from", "to", "patient"])]
    recording: Vec<PathBuf>,
}

/// A moment as it is typed.
#[derive(Debug, Clone, Copy)]
struct Moment(WallMs);

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        if let Ok(ms) = text.parse() {
            return Ok(Self(WallMs(ms)));
        }
        let at: Timestamp = text.parse()?;
        Ok(Self(WallMs(at.as_millisecond())))
    }
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    /// What a table calls the patient; a flag of the journal has the number in its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<&'a str>,
    flag: &'a FlagId,
    severity: Severity,
    about: About,
    since: WallMs,
    standing: Standing,
    ended: Option<Ended>,
    late: bool,
    evidence: &'a [Evidence],
}

#[derive(Serialize)]
struct Ended {
    why: Why,
    at: WallMs,
}

/// What a rule set makes of the data.
struct Meant {
    version: String,
    told: BTreeMap<FlagId, Told>,
    /// What a table calls its patients; none of a journal.
    names: Vec<String>,
    /// How long patients were watched, where that is known.
    patient_days: Option<f64>,
}

impl Replay {
    /// Writes the flags, or the differences, to standard output.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let rules = match &self.rules {
            Some(path) => rule_set(path)?,
            None => RuleSet::shipped(),
        };
        #[cfg(feature = "gateway")]
        if self.scenarios || !self.recording.is_empty() {
            let tables = alerts::tables(self.scenarios, &self.recording, &rules)?;
            return Ok(io::stdout().write_all(tables.as_bytes())?);
        }
        let other = self.compare.as_deref().map(rule_set).transpose()?;
        let meant = match &self.observations {
            Some(path) => {
                let first = recorded(path, &rules)?;
                let second = other.map(|other| recorded(path, &other)).transpose()?;
                (first, second)
            }
            None => self.journal(&config?, rules, other).await?,
        };
        let mut out = BufWriter::new(io::stdout().lock());
        match meant {
            (first, None) => {
                for told in self.chosen(&first) {
                    say(&mut out, &first.line(told))?;
                }
            }
            (first, Some(second)) => {
                let (ours, theirs) = (self.chosen(&first), self.chosen(&second));
                let name = |id: &FlagId| {
                    first
                        .called(id)
                        .map_or(id.patient.to_string(), str::to_owned)
                };
                for difference in compare::differences(&ours, &theirs, name) {
                    say(&mut out, &difference)?;
                }
                first.summarise(&ours)?;
                second.summarise(&theirs)?;
            }
        }
        Ok(out.flush()?)
    }

    async fn journal(
        &self,
        config: &Config,
        rules: RuleSet,
        other: Option<RuleSet>,
    ) -> Result<(Meant, Option<Meant>)> {
        let data = &config.data;
        if !data.join("ingest/journal").is_dir() {
            bail!(
                "{} holds no journal of an ingest; name its data directory with --data, or a table \
                 with --observations",
                data.display()
            );
        }
        let dir = RoleDir::take(data, Path::new("ingest"))?;
        let record = Database::open_record(&config.record(), &[veglia_diary::SCHEMA]).await?;
        let first = self.meant(dir.path(), &record, rules).await?;
        let second = match other {
            Some(other) => Some(self.meant(dir.path(), &record, other).await?),
            None => None,
        };
        Ok((first, second))
    }

    /// What a journal means.
    async fn meant(&self, dir: &Path, record: &Database, rules: RuleSet) -> Result<Meant> {
        let order = self.shuffle.map_or(Order::Arrival, Order::Shuffled);
        let version = rules.version().to_string();
        let replayed = replay(dir, record.clone(), order, rules).await?;
        if replayed.since.get() > 1 {
            tracing::warn!(
                since = %replayed.since,
                "the journal's first segments are deleted: flags before are not told"
            );
        }
        Ok(Meant {
            version,
            told: replayed.told,
            names: Vec::new(),
            patient_days: None,
        })
    }

    /// The flags that stand, and that were asked for.
    fn chosen<'a>(&self, meant: &'a Meant) -> Vec<&'a Told> {
        let is_chosen = |told: &&Told| {
            let (id, since) = (&told.flag.id, told.flag.since);
            let is_named = |patient: &String| match meant.called(id) {
                Some(name) => name == patient,
                None => id.patient.to_string() == *patient,
            };
            told.stands()
                && self.from.is_none_or(|from| from.0 <= since)
                && self.to.is_none_or(|to| since < to.0)
                && self.patient.as_ref().is_none_or(is_named)
        };
        meant.told.values().filter(is_chosen).collect()
    }
}

impl Meant {
    /// What a table calls the patient of a flag.
    fn called(&self, id: &FlagId) -> Option<&str> {
        let place = usize::try_from(id.patient.get()).ok()?.checked_sub(1)?;
        self.names.get(place).map(String::as_str)
    }

    fn line<'a>(&'a self, told: &'a Told) -> Line<'a> {
        let flag = &told.flag;
        Line {
            patient: self.called(&flag.id),
            flag: &flag.id,
            severity: flag.severity,
            about: flag.about,
            since: flag.since,
            standing: flag.standing,
            ended: told.ended.map(|(why, at)| Ended { why, at }),
            late: flag.late,
            evidence: &flag.evidence,
        }
    }

    /// How often these rules would have called somebody, on standard error.
    fn summarise(&self, chosen: &[&Told]) -> Result<()> {
        let clinical = chosen
            .iter()
            .filter(|it| it.flag.severity > Severity::Technical);
        let (mut flags, mut called, mut ended) = (0_u32, 0_u32, 0_u32);
        for told in clinical {
            flags += 1;
            called += u32::from(compare::called_at(told).is_some());
            ended += u32::from(told.ended.is_some());
        }
        let mut said = format!(
            "{}: {flags} clinical flags, {called} called somebody, {ended} ended by themselves",
            self.version
        );
        if let Some(days) = self.patient_days.filter(|days| *days > 0.0) {
            let rate = f64::from(called) / days;
            said.push_str(&format!(
                "; {days:.1} patient-days, {rate:.3} calls a patient-day"
            ));
        }
        Ok(writeln!(io::stderr(), "{said}")?)
    }
}

fn rule_set(path: &Path) -> Result<RuleSet> {
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the rules {}", path.display()))?;
    RuleSet::parse(&text).with_context(|| format!("cannot use the rules {}", path.display()))
}

/// What a table means.
fn recorded(path: &Path, rules: &RuleSet) -> Result<Meant> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let judged = recorded::judge(file, rules)
        .with_context(|| format!("cannot judge the observations of {}", path.display()))?;
    tracing::info!(
        observations = judged.observations,
        patients = judged.names.len(),
        "judged a table"
    );
    Ok(Meant {
        version: rules.version().to_string(),
        told: judged.told,
        names: judged.names,
        patient_days: Some(judged.patient_days),
    })
}

fn say(out: &mut impl Write, line: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}
