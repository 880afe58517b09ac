//! Ingest as a process: it receives, stores, applies the rules, and answers questions on a socket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use veglia_ingest::Ingest;
use veglia_store::{Database, Purpose};

use crate::config::Config;
use crate::datadir::RoleDir;

/// Serves until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let dir = RoleDir::take(&config.data, Path::new("ingest"))?;
    let ingest = open(&config, dir.path()).await?;
    let listener = listen(&view_socket(&config))?;
    let view = Arc::new(ingest.view());
    let closed = stop.clone();
    let answers = veglia_view::serve(listener, view, async move { closed.cancelled().await });
    let answers = tokio::spawn(answers);
    let ran = ingest.run(stop.clone()).await;
    stop.cancel();
    answers.await?.context("the socket for questions failed")?;
    Ok(ran?)
}

async fn open(config: &Config, dir: &Path) -> Result<Ingest> {
    let record = config.data.join("record.db");
    let record = Database::open(&record, Purpose::Record, &[veglia_diary::SCHEMA]).await?;
    let care = config.clock.care();
    Ok(Ingest::open(config.ingest.clone(), dir, record, care).await?)
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
