//! `veglia bench`: how much goes from many homes to the centre's disk, and how long it takes.
//!
//! A reading counts when its acknowledgement has come back, which ingest gives after its
//! `fdatasync`. Broker and ingest run as processes of this executable, with the shipped limits
//! and rules; the homes are in this process and speak through link's sender. At the end of each
//! run what was stored is read back and compared, value by value. The machine is described beside
//! the figures. What is simplified, and what the figures mean, is in `docs/performance.md`.
//!
//! Everything lies in a folder of its own under `--data`, on whatever disk that is, and is
//! deleted at the end, however the command ends short of a kill.
//!
//! Deliberately absent: a target. It measures and does not judge, but for readings that were not
//! stored as they were sent and patients who were not flagged as they should.

mod care;
mod check;
mod journal;
mod load;
mod machine;
mod report;
mod run;
mod server;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, value_parser};
use tokio_util::sync::CancellationToken;
use veglia_wire::CareClock;
use veglia_wire::frame::MAX_RECORDS;

use machine::Machine;
use report::{Figures, LoadReport, Report};
use run::Load;

/// Connections at most: what one front door takes from one address.
const MAX_CONNECTIONS: u64 = 2_000;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Homes, each with a gateway, a connection, a device and a patient of its own.
    #[arg(long, default_value_t = 1_000)]
    #[arg(value_parser = value_parser!(u64).range(1..=MAX_CONNECTIONS))]
    connections: u64,
    /// How often each load is run; the table shows medians.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u64).range(1..))]
    runs: u64,
    /// Readings in a frame, a load for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 128], value_name = "N,…")]
    per_frame: Vec<usize>,
    /// Readings of all homes together in a run with a backlog.
    #[arg(long, default_value_t = 2_000_000, value_parser = value_parser!(u64).range(1..))]
    readings: u64,
    /// How long a run as in life lasts, one pair of readings a second from each home; 0 leaves
    /// it out.
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    live: u64,
    /// How long the disk alone is measured with each size of commit.
    #[arg(long, default_value_t = 2_000, value_name = "MS")]
    journal: u64,
    /// All figures, also those of single runs.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Bench {
    /// Measures in a folder of its own under `data`, the current one when none is named.
    pub(crate) async fn run(self, data: Option<PathBuf>, stop: CancellationToken) -> Result<()> {
        let wrong = |per_frame: &usize| !(1..=MAX_RECORDS).contains(per_frame);
        if let Some(wrong) = self.per_frame.iter().find(|it| wrong(it)) {
            bail!("a frame has 1 to {MAX_RECORDS} readings, not {wrong}");
        }
        let data = data.unwrap_or_else(|| PathBuf::from("."));
        let folder = tempfile::Builder::new()
            .prefix("veglia-bench-")
            .tempdir_in(&data)
            .with_context(|| format!("cannot make a folder in {}", data.display()))?;
        let folder_path = folder.path().canonicalize()?;
        let measured = self.measure(&folder_path, &stop).await;
        folder.close().context("cannot delete the bench's folder")?;
        let report = measured?;

        if let Some(path) = &self.json {
            let json = serde_json::to_vec_pretty(&report)?;
            fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
        }
        io::stdout().write_all(report.tables().as_bytes())?;
        if !report.is_sound() {
            bail!("what was stored or flagged is not what was sent: see the runs above");
        }
        Ok(())
    }

    async fn measure(&self, folder: &Path, stop: &CancellationToken) -> Result<Report> {
        let connections = usize::try_from(self.connections)?;
        let machine = Machine::describe(folder)?;
        machine::allow_connections(connections)?;
        let journal = journal::measure(folder, Duration::from_millis(self.journal))?;
        let mut loads = Vec::new();
        for load in self.loads() {
            loads.push(self.load(folder, load, connections, stop).await?);
        }
        Ok(Report {
            machine,
            connections,
            journal,
            loads,
        })
    }

    fn loads(&self) -> impl Iterator<Item = Load> {
        let readings = self.readings;
        let backlogs = self.per_frame.iter().map(move |&per_frame| Load::Backlog {
            readings,
            per_frame,
        });
        let seconds = self.live;
        backlogs.chain((seconds > 0).then_some(Load::Live { seconds }))
    }

    async fn load(
        &self,
        folder: &Path,
        load: Load,
        connections: usize,
        stop: &CancellationToken,
    ) -> Result<LoadReport> {
        let clock = CareClock::real(crate::clock::wall());
        let now = clock.now();
        care::write(folder, &load.homes(connections, now)?, now).await?;
        let record = folder.join(care::RECORD);
        let mut runs = Vec::new();
        for number in 1..=self.runs {
            let (name, per_frame) = (load.name(), load.per_frame());
            writeln!(
                io::stderr(),
                "{name}, {per_frame} a frame: run {number} of {}",
                self.runs
            )?;
            let data = folder.join("run");
            fs::create_dir(&data).context("cannot make a folder for a run")?;
            fs::copy(&record, data.join(care::RECORD)).context("cannot copy the record")?;
            runs.push(run::run(&data, load, connections, &clock, stop).await?);
            fs::remove_dir_all(&data).context("cannot delete what a run left")?;
        }
        fs::remove_file(&record).context("cannot delete the record")?;
        Ok(LoadReport {
            load: load.name(),
            per_frame: load.per_frame(),
            median: Figures::median(&runs),
            runs,
        })
    }
}
