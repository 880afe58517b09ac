//! `veglia replay`: the flags that ingest's journal means, derived again from its beginning by the
//! shipped rules, one JSON line each, in the order of their names.
//!
//! A line says only what every order of arrival has in common, so the outputs of two replays, one
//! of them with `--shuffle`, are equal; and each flag that stands in the diary is there. Nothing
//! is written. Absent: flags that were withdrawn, and what left the journal with old segments.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use veglia_diary::Told;
use veglia_ingest::replay::{Order, replay};
use veglia_store::{Database, Purpose};
use veglia_triage::{About, Evidence, FlagId, Severity, Standing, Why};
use veglia_wire::WallMs;

use crate::config::Config;
use crate::datadir::RoleDir;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Shuffles what arrived, batch by batch: the flags must be the same for every seed.
    #[arg(long, value_name = "SEED")]
    shuffle: Option<u64>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
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

impl Replay {
    /// Writes the flags to standard output.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let data = config?.data;
        if !data.join("ingest/journal").is_dir() {
            bail!(
                "{} holds no journal of an ingest; name its data directory with --data",
                data.display()
            );
        }
        let dir = RoleDir::take(&data, Path::new("ingest"))?;
        let schemas = [veglia_diary::SCHEMA];
        let record = Database::open(&data.join("record.db"), Purpose::Record, &schemas).await?;
        let order = self.shuffle.map_or(Order::Arrival, Order::Shuffled);
        let replayed = replay(dir.path(), record, order).await?;
        if replayed.since.get() > 1 {
            tracing::warn!(
                since = %replayed.since,
                "the journal's first segments are deleted: flags before are not told"
            );
        }
        let mut out = BufWriter::new(io::stdout().lock());
        for told in replayed.standing() {
            serde_json::to_writer(&mut out, &line(told))?;
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    }
}

fn line(told: &Told) -> Line<'_> {
    let flag = &told.flag;
    Line {
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
