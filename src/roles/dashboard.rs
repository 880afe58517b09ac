//! The pages of the centre, as a process.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use veglia_dashboard::Deps;
use veglia_store::Database;
use veglia_view::{HttpView, View};
use veglia_wire::CareClock;

use super::ingest::view_socket;
use crate::config::Config;
use crate::datadir::RoleDir;
use crate::{clock, record};

/// Serves until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let _dir = RoleDir::take(&config.data, Path::new("dashboard"))?;
    let record = record::open_in(&config.data).await?;
    let view = Arc::new(HttpView::new(&view_socket(&config)));
    let listener = listen(&config.dashboard).await?;
    let care = config.clock.care();
    pages(config.dashboard, listener, record, view, care, stop).await
}

async fn listen(config: &veglia_dashboard::Config) -> Result<TcpListener> {
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
pub(crate) async fn pages(
    config: veglia_dashboard::Config,
    listener: TcpListener,
    record: Database,
    view: Arc<dyn View>,
    care: CareClock,
    stop: CancellationToken,
) -> Result<()> {
    let deps = Deps {
        record,
        view,
        clock: clock::wall(),
        care,
    };
    let closed = async move { stop.cancelled().await };
    Ok(veglia_dashboard::serve(config, deps, listener, closed).await?)
}
