//! The box at home, as a process.

use std::path::Path;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use veglia_gateway::Gateway;

use crate::config::Config;
use crate::datadir::RoleDir;

/// Reads devices until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let folder = Path::new("gateway").join(&config.gateway.id);
    let dir = RoleDir::take(&config.data, &folder)?;
    let gateway = Gateway::open(config.gateway, dir.path(), config.clock.care())?;
    Ok(gateway.run(stop).await?)
}
