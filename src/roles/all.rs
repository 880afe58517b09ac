//! Broker, ingest and dashboard in one process: a centre on one machine.
//!
//! The broker ends last: whoever speaks through it says goodbye first.

use std::pin::Pin;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{broker, dashboard, ingest};
use crate::config::Config;
use crate::supervisor::Supervisor;

/// Serves until told to stop, or until one of the three fails.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    let config = config?;
    let supervisor = Supervisor::of(3);
    let broker_stop = CancellationToken::new();
    let roles: [Pin<Box<dyn Future<Output = Result<()>> + Send>>; 3] = [
        Box::pin(broker::serve(
            Ok(config.clone()),
            supervisor.clone(),
            broker_stop.clone(),
        )),
        Box::pin(ingest::serve(
            Ok(config.clone()),
            supervisor.clone(),
            stop.clone(),
        )),
        Box::pin(dashboard::serve(Ok(config), supervisor, stop.clone())),
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
        if tasks.len() <= 1 {
            broker_stop.cancel();
        }
    }
    outcome
}
