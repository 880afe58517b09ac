//! The front door and the broker behind it, as a process.

use std::path::Path;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::datadir::RoleDir;

/// Serves until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let _dir = RoleDir::take(&config.data, Path::new("broker"))?;
    let mut broker = config.broker.clone();
    broker.identities = config.identities();
    let listener = veglia_broker::listen(&broker).await?;
    tracing::info!(address = %listener.local_addr()?, "front door open");
    Ok(veglia_broker::serve(broker, listener, stop).await?)
}
