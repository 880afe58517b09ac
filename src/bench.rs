//! `veglia bench`: how much goes from many homes to the centre's disk, and how long it takes.
//!
//! A reading counts when its acknowledgement has come back, which ingest gives after its
//! `fdatasync`. Broker and ingest run as processes of this executable, with the shipped limits
//! and rules; the homes are in this process and speak through link's sender, by the plain way and
//! over TLS with a certificate each. At the end of a load what was stored is read back and
//! compared, value by value. What TLS costs by itself is measured too: handshakes, gateways that
//! are only connected, and what happens when the broker crashes under them. So is what the rules
//! cost by themselves, with many patients in memory (`triage.rs`), and how fast the bytes of each
//! device are decoded (`decode.rs`), and, only when it is asked for, the live list with all its
//! pages (`ward.rs`). The machine is described beside the figures. What is simplified, and what the
//! figures mean, is in `docs/performance.md`.
//!
//! Everything lies in a folder of its own under `--data`, on whatever disk that is, and is
//! deleted at the end, however the command ends short of a kill.
//!
//! Deliberately absent: a target. It measures and does not judge, but for readings that were not
//! stored as they were sent and patients who were not flagged as they should.

mod care;
mod check;
#[cfg(feature = "gateway")]
mod decode;
mod fleet;
mod ground;
mod handshakes;
mod idle;
mod journal;
mod load;
mod machine;
mod papers;
mod report;
mod run;
mod server;
mod storm;
mod table;
mod triage;
#[cfg(feature = "dashboard")]
mod ward;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum, value_parser};
use tokio_util::sync::CancellationToken;
use veglia_wire::frame::MAX_RECORDS;

use ground::Ground;
use handshakes::{GUESTS, HandshakesReport};
use idle::Idle;
use machine::Machine;
use papers::Way;
use report::{Figures, LoadReport, Report};
use run::Load;
use server::Places;
use storm::StormReport;

/// Connections at most: what one front door takes from one address.
const MAX_CONNECTIONS: u64 = 2_000;

/// A part that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The rules, without homes, broker, disk or diary.
    Triage,
    /// The decoders of devices, one after the other.
    #[cfg(feature = "gateway")]
    Decode,
    /// The live list and its pages, without broker, disk and sockets.
    #[cfg(feature = "dashboard")]
    Ward,
}

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Only this part.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Patients in memory when the rules are measured by themselves; 0 leaves it out. A hundred
    /// thousand of them take some 10 GiB; more than half of the free memory is not used.
    #[arg(long, default_value_t = 100_000, value_name = "PATIENTS")]
    patients: u64,
    /// Homes, each with a gateway, a connection, a device and a patient of its own.
    #[arg(long, default_value_t = 1_000)]
    #[arg(value_parser = value_parser!(u64).range(1..=MAX_CONNECTIONS))]
    connections: u64,
    /// How the homes come, each load once by each way.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WAY,…")]
    #[arg(default_values_t = [Way::Plain, Way::Tls])]
    way: Vec<Way>,
    /// How often each load is run, and all but the silent homes; the table shows medians.
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
    /// How long TLS handshakes are made in a run; 0 leaves them out.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    handshakes: u64,
    /// Homes that are connected and have nothing to send; 0 leaves them out.
    #[arg(long, default_value_t = 2_000, value_name = "CONNECTIONS")]
    #[arg(value_parser = value_parser!(u64).range(..=MAX_CONNECTIONS))]
    idle: u64,
    /// How long these stay connected; a keep-alive comes every 30 s.
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u64).range(1..))]
    #[arg(value_name = "SECONDS")]
    idle_for: u64,
    /// Homes that come back over TLS after the broker has crashed; 0 leaves them out.
    #[arg(long, default_value_t = 500, value_name = "CONNECTIONS")]
    #[arg(value_parser = value_parser!(u64).range(..=MAX_CONNECTIONS))]
    storm: u64,
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
        let measured = tokio::select! {
            measured = self.measure(&folder_path) => measured,
            () = stop.cancelled() => Err(anyhow!("stopped before the end")),
        };
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

    async fn measure(&self, folder: &Path) -> Result<Report> {
        let machine = Machine::describe(folder)?;
        #[cfg(feature = "gateway")]
        if self.only == Some(Part::Decode) {
            let mut report = Report::new(machine, 0, Vec::new(), Vec::new());
            report.decoding = tokio::task::spawn_blocking(decode::measure).await??;
            return Ok(report);
        }
        #[cfg(feature = "dashboard")]
        if self.only == Some(Part::Ward) {
            let mut report = Report::new(machine, 0, Vec::new(), Vec::new());
            report.ward = Some(ward::measure(folder, self.patients).await?);
            return Ok(report);
        }
        let triage = self.triage().await?;
        if self.only == Some(Part::Triage) {
            return Ok(Report::new(machine, 0, Vec::new(), triage));
        }
        let most = self.connections.max(self.idle).max(self.storm);
        machine::allow_connections(usize::try_from(most)?)?;
        let journal = journal::measure(folder, Duration::from_millis(self.journal))?;
        let over_tls = self.way.contains(&Way::Tls);
        let certificates = usize::try_from(most)?.max(GUESTS);
        let ground = Ground::prepare(folder, if over_tls { certificates } else { 0 })?;
        let mut report = Report::new(machine, usize::try_from(self.connections)?, journal, triage);
        #[cfg(feature = "gateway")]
        {
            report.decoding = tokio::task::spawn_blocking(decode::measure).await??;
        }
        for &way in &self.way {
            for load in self.loads() {
                report.loads.push(self.load(&ground, load, way).await?);
            }
        }
        if over_tls && self.handshakes > 0 {
            report.handshakes = Some(self.handshakes(&ground).await?);
        }
        if self.idle > 0 {
            for &way in &self.way {
                report.idle.extend(self.idle(&ground, way).await?);
            }
        }
        if over_tls && self.storm > 0 {
            for places in [Places::Apart, Places::Together] {
                report.storms.push(self.storm(&ground, places).await?);
            }
        }
        Ok(report)
    }

    async fn triage(&self) -> Result<Vec<triage::Cost>> {
        let patients = self.patients;
        if patients == 0 {
            return Ok(Vec::new());
        }
        tokio::task::spawn_blocking(move || triage::measure(patients)).await?
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

    async fn load(&self, ground: &Ground, load: Load, way: Way) -> Result<LoadReport> {
        let connections = usize::try_from(self.connections)?;
        let per_frame = load.per_frame();
        let name = format!("{}, {per_frame} a frame, {way}", load.name());
        let homes = load.homes(connections, ground.clock.now())?;
        let runs = ground.runs(&name, self.runs, &homes, async |data| {
            run::measure(data, load, ground.door(way), connections, &ground.clock).await
        });
        let runs = runs.await?;
        Ok(LoadReport {
            load: load.name(),
            way,
            per_frame,
            median: Figures::median(&runs),
            runs,
        })
    }

    async fn handshakes(&self, ground: &Ground) -> Result<HandshakesReport> {
        let runs = ground.runs("handshakes", self.runs, &[], async |data| {
            handshakes::measure(data, ground.papers(), self.handshakes).await
        });
        Ok(HandshakesReport::of(self.handshakes, runs.await?))
    }

    async fn idle(&self, ground: &Ground, way: Way) -> Result<Vec<Idle>> {
        let connections = usize::try_from(self.idle)?;
        let name = format!("{connections} silent homes, {way}");
        let door = ground.door(way);
        let runs = ground.runs(&name, 1, &[], async |data| {
            idle::measure(data, door, connections, self.idle_for, &ground.clock).await
        });
        runs.await
    }

    async fn storm(&self, ground: &Ground, places: Places) -> Result<StormReport> {
        let gateways = usize::try_from(self.storm)?;
        let name = storm::name(gateways, places);
        let homes = storm::homes(gateways, &ground.clock)?;
        let runs = ground.runs(&name, self.runs, &homes, async |data| {
            storm::measure(data, ground.papers(), places, gateways, &ground.clock).await
        });
        Ok(StormReport::of(gateways, places, runs.await?))
    }
}
