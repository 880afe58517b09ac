//! The box at home, as a process.

use std::path::Path;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use veglia_gateway::Gateway;

use crate::config::Config;
use crate::datadir::RoleDir;
use crate::health::{Desk, Kind, gateway::Home};
use crate::supervisor::Supervisor;

/// Reads devices until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let id = config.gateway.gateway(&config.data)?;
    let folder = Path::new("gateway").join(id.as_str());
    let dir = RoleDir::take(&config.data, &folder)?;
    let mut desk = Desk::open(&config.health, Kind::Gateway, dir.path(), &stop)?;
    let care = config.clock.care();
    if let Some(page) = config.gateway.status_page {
        desk.also_on(page);
    }
    let gateway = Gateway::open(config.gateway, dir.path(), care.clone())?;
    desk.speak_for(Home::of(&gateway, care));
    Supervisor::of(1).attend(&desk, &stop);
    Ok(gateway.run(stop).await?)
}
