//! `veglia demo`: the whole house on one machine, in one process.
//!
//! Simulated homes speak the true serial protocols on ptys; real gateways read them; a real
//! broker, ingest and dashboard do the rest, with the shipped rules unchanged. Only care time runs
//! faster than the wall. Everything lives in one data directory; starting again continues.
//!
//! With `--for` it ends by itself, and so does a recording that is the only story (`--homes 0
//! --replay FILE.csv`), after its last row: the homes fall silent, the outboxes empty, and what was
//! spoken is compared value by value with what the series hold (`summary.rs`).
//!
//! Limits: care time runs at most an hour in a second. Nothing is lost or doubled then either,
//! but the part of a second that a reading takes to the centre is half an hour of care, and looks
//! like silence until it arrives; up to ten minutes in a second it does not.

mod cast;
mod house;
mod saved;
mod screen;
mod summary;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use veglia_dashboard::Deps;
use veglia_homes::{Home, Log, MAX_HOMES, Replay};
use veglia_intake::Line;
use veglia_store::{Actor, Database, Place, Server};
use veglia_view::LocalView;
use veglia_wire::time::MAX_SPEED;
use veglia_wire::{CareClock, WallMs};

use crate::config::RECORD;
use crate::datadir::RoleDir;
use crate::health::alarm_path::AlarmPath;
use crate::health::{Desk, Kind, dashboard::Pages};
use crate::{clock, probe, record, roles};
use house::{House, Running};
use saved::{Saved, USERNAME};
use screen::Screen;
use summary::Summary;

/// How often the care time is written down, so that starting again continues from there.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// How long a busy machine may take to read and store the last that was spoken, before what is
/// not there counts as lost.
const READ_LATE: Duration = Duration::from_secs(10);

/// Meanwhile what was spoken is compared with what is stored this often.
const COMPARE_EVERY: Duration = Duration::from_millis(500);

/// Where the demonstration keeps its things when no directory is named.
const DEFAULT_DATA: &str = "veglia-demo";

/// How many care seconds may be in a wall second.
fn speeds() -> RangeInclusive<i64> {
    1..=i64::from(MAX_SPEED)
}

/// How many homes there may be.
fn some_homes() -> RangeInclusive<i64> {
    0..=i64::try_from(MAX_HOMES).unwrap_or(i64::MAX)
}

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the pages are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How many simulated homes.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(some_homes()))]
    homes: u16,
    /// End by itself after this wall time, such as 60s.
    #[arg(long = "for", value_name = "TIME")]
    lasting: Option<SignedDuration>,
    /// Care seconds in a wall second, at most 3600. Devices speak once in a wall second whatever
    /// the speed; a recording is spoken a row in a care minute. Above 600 the way to the centre
    /// takes long enough in care time to be called silence.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(speeds()))]
    speed: u32,
    /// Chance begins here: the same seed, the same homes. A data directory keeps its own; a new
    /// one has 1.
    #[arg(long)]
    seed: Option<u64>,
    /// Adds a home whose node repeats this recording, a row in a care minute: columns minute,
    /// SpO2, PULSE or HR, and optionally temperature. With --homes 0 the demonstration ends after
    /// the last row.
    #[arg(long, value_name = "FILE.csv")]
    replay: Option<PathBuf>,
    /// Keeps the record in this database on a PostgreSQL server, by its address. It must be one
    /// of its own: everybody in it is made up.
    #[arg(long, value_name = "ADDRESS")]
    record: Option<Server>,
    /// Writes the figures of the run as JSON at the end.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// What is known when the homes have fallen silent.
struct Truth {
    spoken: veglia_homes::Summary,
    /// Records that are still in outboxes.
    waiting: u64,
    view: LocalView,
    ingest: veglia_ingest::Figures,
    boxes: Vec<veglia_gateway::Figures>,
}

impl Demo {
    /// Runs until told to stop, or for as long as asked.
    pub(crate) async fn run(self, data: Option<PathBuf>, stop: CancellationToken) -> Result<()> {
        let data = data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA));
        let lasting = self.lasting.map(Duration::try_from).transpose();
        let lasting = lasting.context("--for must not be negative")?;
        let recording = self.recording()?;
        let listener = self.listen().await?;
        let _lock = RoleDir::take(&data, Path::new("demo"))?;
        let mut saved = Saved::load(&data, self.seed)?;
        let homes = self.homes(recording, saved.seed)?;
        let care = saved.clock(self.speed);
        let began = care.now();

        let record = record::open_at(&self.record(&data)).await?;
        cast::enter(&record, &homes, &mut saved, began).await?;
        saved.store(&data, began)?;
        let house = House::open(&data, &care, homes, record.clone()).await?;
        self.greet(listener.local_addr()?, &saved)?;
        let spoken = data.join("spoken.jsonl");
        let screen = Screen::new()?;
        let looking = CancellationToken::new();
        let page = screen.clone();
        let page = page.watch(house.view(), record.clone(), care.clone(), looking.clone());
        let page = tokio::spawn(page);
        let line = house.line();
        let pages = pages(&data, listener, &record, house.view(), line, care.clone());
        let mut running = house.start(saved.seed, Log::create(&spoken)?, pages);

        let ended = lasts(&mut running, lasting, &stop, || {
            saved.store(&data, care.now().plus_ms(ahead_ms(&care)))
        })
        .await;
        looking.cancel();
        page.await??;
        let truth = running.drain().await?;
        let summary = figures(&truth, &spoken, began, &record, &screen).await;
        running.end().await?;
        saved.store(&data, care.now())?;
        ended?;
        self.tell(&summary?, truth.waiting)
    }

    fn record(&self, data: &Path) -> Place {
        match &self.record {
            Some(server) => Place::Server(server.clone()),
            None => Place::File(data.join(RECORD)),
        }
    }

    async fn listen(&self) -> Result<TcpListener> {
        TcpListener::bind(self.listen).await.with_context(|| {
            format!(
                "cannot serve pages on {}; if another program listens there, choose another \
                 address with --listen",
                self.listen
            )
        })
    }

    fn recording(&self) -> Result<Option<Replay>> {
        let Some(file) = &self.replay else {
            return Ok(None);
        };
        let csv = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the recording {}", file.display()))?;
        let replay = Replay::read(&csv).with_context(|| format!("in {}", file.display()))?;
        Ok(Some(replay))
    }

    fn homes(&self, recording: Option<Replay>, seed: u64) -> Result<Vec<Home>> {
        let mut homes = veglia_homes::homes(usize::from(self.homes), seed);
        if let Some(recording) = recording {
            // A number of its own, however many homes there are this time or the next.
            homes.push(Home::replaying(MAX_HOMES + 1, Arc::new(recording), seed));
        }
        if homes.is_empty() {
            bail!("a demonstration needs a home: --homes 1 or more, or --replay FILE.csv");
        }
        Ok(homes)
    }

    fn greet(&self, address: SocketAddr, saved: &Saved) -> Result<()> {
        let mut out = io::stdout().lock();
        let (homes, speed) = (self.homes, self.speed);
        let recording = self.replay.as_ref().map_or("", |_| " and a recording");
        writeln!(
            out,
            "Veglia: {homes} simulated homes{recording}, {speed} care seconds in a second"
        )?;
        writeln!(out, "  page      http://localhost:{}", address.port())?;
        writeln!(out, "  user      {USERNAME}")?;
        writeln!(out, "  password  {}", saved.password())?;
        writeln!(
            out,
            "Not a certified medical device. Ctrl-C stops; starting again continues."
        )?;
        Ok(out.flush()?)
    }

    fn tell(&self, summary: &Summary, waiting: u64) -> Result<()> {
        if let Some(file) = &self.summary {
            let text = serde_json::to_string_pretty(summary)?;
            std::fs::write(file, text + "\n")
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        writeln!(io::stdout(), "{}", summary.sentence())?;
        if waiting > 0 {
            writeln!(
                io::stdout(),
                "{waiting} records still wait in outboxes: start again"
            )?;
        } else if !summary.is_whole() {
            bail!("readings were lost or doubled");
        }
        Ok(())
    }
}

/// Waits until the time is over, every story has ended, somebody stops the demonstration, or a
/// room fails.
async fn lasts(
    running: &mut Running,
    lasting: Option<Duration>,
    stop: &CancellationToken,
    mut save: impl FnMut() -> Result<()>,
) -> Result<()> {
    let over = async {
        match lasting {
            Some(lasting) => tokio::time::sleep(lasting).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    let silent = running.silent();
    let mut saving = tokio::time::interval(SAVE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return save(),
            () = &mut over => return save(),
            () = silent.cancelled() => return save(),
            error = running.failed() => return Err(error),
            _ = saving.tick() => save()?,
        }
    }
}

/// The figures, once everything is stored or will not be any more.
async fn figures(
    truth: &Truth,
    spoken: &Path,
    began: WallMs,
    record: &Database,
    screen: &Screen,
) -> Result<Summary> {
    let late = Instant::now() + READ_LATE;
    loop {
        let flags = flags_since(record, began).await?;
        let summary = Summary::of(truth, spoken, began, flags, screen).await?;
        if summary.is_whole() || Instant::now() >= late {
            return Ok(summary);
        }
        tokio::time::sleep(COMPARE_EVERY).await;
    }
}

/// How far ahead of now the care time is written down while the demonstration runs. It may be
/// killed just before it is written the next time, and care time never goes back.
fn ahead_ms(care: &CareClock) -> i64 {
    let longest = i64::try_from(2 * SAVE_EVERY.as_millis()).unwrap_or(i64::MAX);
    longest.saturating_mul(i64::from(care.speed()))
}

/// The dashboard on a listener, until its token is cancelled.
fn pages(
    data: &Path,
    listener: TcpListener,
    record: &Database,
    view: LocalView,
    line: Option<Line>,
    care: CareClock,
) -> impl FnOnce(CancellationToken) -> futures_util::future::BoxFuture<'static, Result<()>> {
    let (folder, record, view) = (data.join("dashboard"), record.clone(), Arc::new(view));
    let mut config = veglia_dashboard::Config::default();
    config.place(data);
    // The defaults can work.
    let pace = probe::Config::default().pace(&care).ok().flatten();
    let path = AlarmPath::new(record.clone(), care.clone(), pace);
    let deps = Deps {
        record: record.clone(),
        view: view.clone(),
        clock: clock::wall(),
        care,
        identities: data.join("identities.toml"),
        enrolments: data.join("enrolments.toml"),
        notify: messages_to_a_file(data, &listener),
        alarm_path: pace.map(|pace| veglia_dashboard::AlarmPath { pace, ping: None }),
        line,
        laboratory: veglia_laboratory::Config::default(),
    };
    move |stop| {
        Box::pin(async move {
            let role = Pages::new(record.clone(), view.clone(), path);
            let _desk = Desk::of(Kind::Dashboard, &folder, &stop, role);
            roles::dashboard::pages(config, deps, listener, stop).await
        })
    }
}

/// Who is called in a demonstration is called by a line in a file.
fn messages_to_a_file(data: &Path, listener: &TcpListener) -> veglia_notify::Config {
    let address = listener.local_addr();
    let port = address.map_or(0, |address| address.port());
    veglia_notify::Config {
        link: format!("http://localhost:{port}"),
        file: Some(data.join("messages.jsonl")),
        ..veglia_notify::Config::default()
    }
}

/// How often each rule raised a flag since a moment.
async fn flags_since(record: &Database, since: WallMs) -> Result<BTreeMap<String, u64>> {
    let flags = veglia_diary::flags_raised(record, &Actor::System("demo"), since).await?;
    let mut rules = BTreeMap::new();
    for raised in flags {
        *rules.entry(raised.flag.id.rule.to_string()).or_default() += 1;
    }
    Ok(rules)
}
