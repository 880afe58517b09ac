//! The front door and the broker behind it, as a process.

use std::path::Path;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use veglia_broker::FrontDoor;

use crate::config::Config;
use crate::datadir::RoleDir;
use crate::health::{self, Desk, Kind};
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
    supervisor.attend(&desk, &stop);
    Ok(door.serve(listener, stop).await?)
}
