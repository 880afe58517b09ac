//! The roles, each started from the configuration and run until it is told to stop.
//!
//! Every role locks its folder of the data directory first, so that a second process of the same
//! role is refused before it touches anything.

use std::io;
use std::path::{Path, PathBuf};
#[cfg(all(feature = "broker", feature = "dashboard"))]
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context, Result};
#[cfg(feature = "dashboard")]
use tokio::net::TcpListener;
use tokio::net::UnixListener;
#[cfg(all(feature = "broker", feature = "dashboard"))]
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
#[cfg(feature = "ingest")]
use veglia_store::Database;

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
    let ingest = open_ingest(&config, dir.path()).await?;
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

#[cfg(feature = "ingest")]
async fn open_ingest(config: &Config, dir: &Path) -> Result<veglia_ingest::Ingest> {
    let record = config.data.join("record.db");
    let purpose = veglia_store::Purpose::Record;
    let record = Database::open(&record, purpose, &[veglia_diary::SCHEMA]).await?;
    let care = config.clock.care();
    Ok(veglia_ingest::Ingest::open(config.ingest.clone(), dir, record, care).await?)
}

/// The pages of the centre.
#[cfg(feature = "dashboard")]
pub(crate) async fn dashboard(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let _dir = RoleDir::take(&config.data, Path::new("dashboard"))?;
    let record = crate::record::open_in(&config.data).await?;
    let view = Arc::new(veglia_view::HttpView::new(&view_socket(&config)));
    let listener = listen_for_pages(&config.dashboard).await?;
    let care = config.clock.care();
    pages(config.dashboard, listener, record, view, care, stop).await
}

#[cfg(feature = "dashboard")]
async fn listen_for_pages(config: &veglia_dashboard::Config) -> Result<TcpListener> {
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "cannot serve pages on {}; if another program listens there, choose another address",
            config.listen
        )
    })?;
    tracing::info!(page = %format!("http://localhost:{}", config.listen.port()), "pages served");
    Ok(listener)
}

/// Serves the pages on a listener until told to stop.
#[cfg(feature = "dashboard")]
pub(crate) async fn pages(
    config: veglia_dashboard::Config,
    listener: TcpListener,
    record: Database,
    view: Arc<dyn veglia_view::View>,
    care: veglia_wire::CareClock,
    stop: CancellationToken,
) -> Result<()> {
    let deps = veglia_dashboard::Deps {
        record,
        view,
        clock: crate::clock::wall(),
        care,
    };
    let closed = async move { stop.cancelled().await };
    Ok(veglia_dashboard::serve(config, deps, listener, closed).await?)
}

/// Broker, ingest and dashboard in one process.
#[cfg(all(feature = "broker", feature = "dashboard"))]
pub(crate) async fn all(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let roles: [Pin<Box<dyn Future<Output = Result<()>> + Send>>; 3] = [
        Box::pin(broker(Ok(config.clone()), stop.clone())),
        Box::pin(ingest(Ok(config.clone()), stop.clone())),
        Box::pin(dashboard(Ok(config), stop.clone())),
    ];
    let mut tasks = JoinSet::new();
    roles.into_iter().for_each(|role| {
        tasks.spawn(role);
    });
    let mut outcome = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let ended = ended.context("a role died").and_then(|result| result);
        // The first failure is the cause; what follows it is only the others stopping.
        if outcome.is_ok() {
            outcome = ended;
        }
        stop.cancel();
    }
    outcome
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
