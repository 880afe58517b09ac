//! Ingest as a process: it receives, stores, applies the rules, and answers questions on a socket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use veglia_ingest::Ingest;
use veglia_store::Database;

use crate::config::Config;
use crate::datadir::RoleDir;
use crate::health::alarm_path::AlarmPath;
use crate::health::ingest::{Ear, Feed};
use crate::health::{Desk, Kind};
#[cfg(feature = "influxdb")]
use crate::influx::feed;
use crate::supervisor::Supervisor;

/// Serves until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    serve(config, Supervisor::of(1), stop).await
}

/// The same, beside other roles in the process.
pub(crate) async fn serve(
    config: Result<Config>,
    supervisor: Supervisor,
    stop: CancellationToken,
) -> Result<()> {
    let config = config?;
    let dir = RoleDir::take(&config.data, Path::new("ingest"))?;
    let desk = Desk::open(&config.health, Kind::Ingest, dir.path(), &stop)?;
    let record = record(&config).await?;
    let care = config.clock.care();
    let path = AlarmPath::new(record.clone(), care.clone(), config.probe.pace(&care)?);
    let ingest = Ingest::open(config.ingest.clone(), dir.path(), record, care.clone()).await?;
    let fed = feed(&config, &ingest, dir.path(), stop.clone())?;
    let (feeding, look) = fed.map(|fed| (fed.task, fed.look)).unzip();
    desk.speak_for(Ear::of(&ingest, care).and_feed(look).and_path(path));
    supervisor.attend(&desk, &stop);
    let listener = listen(&view_socket(&config))?;
    let view = Arc::new(ingest.view());
    let closed = stop.clone();
    let answers = veglia_view::serve(listener, view, async move { closed.cancelled().await });
    let answers = tokio::spawn(answers);
    let ran = ingest.run(stop.clone()).await;
    stop.cancel();
    answers.await?.context("the socket for questions failed")?;
    if let Some(feeding) = feeding {
        feeding.await??;
    }
    Ok(ran?)
}

/// A second home of the readings.
pub(crate) struct Fed {
    /// Ends when told to stop, or with why nothing is fed any more.
    pub(crate) task: JoinHandle<Result<()>>,
    /// How it goes.
    pub(crate) look: Feed,
}

#[cfg(not(feature = "influxdb"))]
fn feed(config: &Config, _: &Ingest, _: &Path, _: CancellationToken) -> Result<Option<Fed>> {
    anyhow::ensure!(
        config.ingest.influxdb.is_none(),
        "this veglia was built without InfluxDB; remove [ingest.influxdb], or build it with the \
         feature `influxdb`"
    );
    Ok(None)
}

async fn record(config: &Config) -> Result<Database> {
    Ok(Database::open_record(&config.record(), &[veglia_diary::SCHEMA]).await?)
}

/// Where an ingest answers questions.
pub(crate) fn view_socket(config: &Config) -> PathBuf {
    config.data.join("ingest").join("view.sock")
}

/// Listens on a socket whose folder this process has locked: what lies there is left from a
/// process that was killed.
fn listen(path: &Path) -> Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => UnixListener::bind(path),
    }
    .with_context(|| format!("cannot answer questions on {}", path.display()))
}
