//! The front door and the broker behind it, as a process.

use std::path::Path;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use veglia_broker::FrontDoor;

use crate::config::Config;
use crate::datadir::RoleDir;
use crate::health::{self, Desk, Kind};

/// Serves until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let dir = RoleDir::take(&config.data, Path::new("broker"))?;
    let desk = Desk::open(&config.health, Kind::Broker, dir.path(), &stop)?;
    let mut broker = config.broker.clone();
    broker.identities = config.identities();
    broker.place_tls(&config.data);
    broker.backend.place(&config.data);
    let listener = veglia_broker::listen(&broker).await?;
    tracing::info!(address = %listener.local_addr()?, "front door open");
    let backend = broker.backend.make();
    let door = FrontDoor::new(broker, backend)?;
    desk.speak_for(health::broker::Broker::new(door.health()));
    Ok(door.serve(listener, stop).await?)
}
