//! The roles, each started from the configuration and run until it is told to stop.
//!
//! Every role locks its folder of the data directory first, so that a second process of the same
//! role is refused before it touches anything.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::datadir::RoleDir;

/// The box at home.
#[cfg(feature = "gateway")]
pub(crate) async fn gateway(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let folder = Path::new("gateway").join(&config.gateway.id);
    let dir = RoleDir::take(&config.data, &folder)?;
    let gateway = veglia_gateway::Gateway::open(config.gateway, dir.path(), config.clock.care())?;
    Ok(gateway.run(stop).await?)
}

/// The front door and the broker behind it.
#[cfg(feature = "broker")]
pub(crate) async fn broker(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let _dir = RoleDir::take(&config.data, Path::new("broker"))?;
    let mut broker = config.broker.clone();
    broker.identities = config.identities();
    let listener = veglia_broker::listen(&broker).await?;
    tracing::info!(address = %listener.local_addr()?, "front door open");
    Ok(veglia_broker::serve(broker, listener, stop).await?)
}

/// Receives, stores, applies the rules; answers questions on a socket.
#[cfg(feature = "ingest")]
pub(crate) async fn ingest(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let dir = RoleDir::take(&config.data, Path::new("ingest"))?;
    let care = config.clock.care();
    let ingest = veglia_ingest::Ingest::open(config.ingest.clone(), dir.path(), care).await?;
    let listener = listen_on(&view_socket(&config))?;
    let view = Arc::new(ingest.view());
    let closed = stop.clone();
    let answers = veglia_view::serve(listener, view, async move { closed.cancelled().await });
    let answers = tokio::spawn(answers);
    let ran = ingest.run(stop.clone()).await;
    stop.cancel();
    answers.await?.context("the socket for questions failed")?;
    Ok(ran?)
}

/// Where an ingest answers questions.
#[cfg(feature = "ingest")]
pub(crate) fn view_socket(config: &Config) -> PathBuf {
    config.data.join("ingest").join("view.sock")
}

/// Listens on a socket whose folder this process has locked: what lies there is left from a
/// process that was killed.
#[cfg(feature = "ingest")]
fn listen_on(path: &Path) -> Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => UnixListener::bind(path),
    }
    .with_context(|| format!("cannot answer questions on {}", path.display()))
}
