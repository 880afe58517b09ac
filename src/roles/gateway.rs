//! The box at home, as a process.

use std::path::Path;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use veglia_gateway::Gateway;

use crate::config::Config;
use crate::datadir::RoleDir;
use crate::health::{Desk, Kind, gateway::Home};

/// Reads devices until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let id = config.gateway.gateway(&config.data)?;
    let folder = Path::new("gateway").join(id.as_str());
    let dir = RoleDir::take(&config.data, &folder)?;
    let desk = Desk::open(&config.health, Kind::Gateway, dir.path(), &stop)?;
    let care = config.clock.care();
    let gateway = Gateway::open(config.gateway, dir.path(), care.clone())?;
    desk.speak_for(Home::of(&gateway, care));
    Ok(gateway.run(stop).await?)
}
