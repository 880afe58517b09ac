//! What it costs the broker that gateways are connected: memory for each, and the processor time
//! of their keep-alives. They have nothing to send.
//!
//! Memory is what the process holds (`VmRSS`), before anybody came and after. Not in it is what
//! the kernel keeps for each socket.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;
use tokio::time::sleep;
use veglia_wire::CareClock;

use super::fleet::Fleet;
use super::load::Home;
use super::papers::{Door, Way};
use super::server::{Places, Server, Used};
use super::table::{mib, ratio};

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Idle {
    pub(super) way: Way,
    pub(super) connections: usize,
    /// For so long they were connected, all of them all the time.
    pub(super) seconds: u64,
    /// Until all were connected and subscribed, when all came at once.
    pub(super) connected_after_s: f64,
    /// Processor time of the broker for that, each.
    pub(super) connecting_broker_ms: f64,
    /// Memory of the broker before the first came.
    pub(super) broker_before_mib: f64,
    /// When all were connected.
    pub(super) broker_connected_mib: f64,
    /// At the end.
    pub(super) broker_after_mib: f64,
    /// Most at any time.
    pub(super) broker_peak_mib: f64,
    /// What was added until the end, each.
    pub(super) broker_kib_per_connection: f64,
    /// Processor time of the broker while all were connected, of one core.
    pub(super) broker_percent: f64,
    /// The same of ingest.
    pub(super) ingest_percent: f64,
}

/// Measures once, in a folder that may be thrown away.
pub(super) async fn measure(
    data: &Path,
    door: Door<'_>,
    connections: usize,
    seconds: u64,
    clock: &CareClock,
) -> Result<Idle> {
    let homes = Home::all(connections, 0, 1, clock.now())?;
    let accesses = door.admit(data, &homes)?;
    let mut server = Server::start(data, door, Places::Apart).await?;

    let before = server.usage()?;
    let began = Instant::now();
    let fleet = Fleet::set_out(&homes, accesses, server.door(), clock)?;
    fleet.connected().await?;
    let connected_after = began.elapsed();
    let connected = server.usage()?;
    tokio::select! {
        () = sleep(Duration::from_secs(seconds)) => {}
        () = fleet.one_lost() => bail!("a home that had nothing to send lost its connection"),
    }
    let after = server.usage()?;
    server.check()?;
    fleet.end().await?;
    server.stop().await?;

    let each = |amount: f64| amount / f64::from(u32::try_from(connections).unwrap_or(u32::MAX));
    let busy = |before: Used, after: Used| after.processor.saturating_sub(before.processor);
    let percent = |busy: Duration| 100.0 * busy.as_secs_f64() / ratio(seconds, 1);
    let connecting = busy(before.broker, connected.broker);
    let resident = |used: Used| mib(used.resident_bytes);
    let added = resident(after.broker) - resident(before.broker);
    Ok(Idle {
        way: door.way(),
        connections,
        seconds,
        connected_after_s: connected_after.as_secs_f64(),
        connecting_broker_ms: each(connecting.as_secs_f64() * 1e3),
        broker_before_mib: resident(before.broker),
        broker_connected_mib: resident(connected.broker),
        broker_after_mib: resident(after.broker),
        broker_peak_mib: mib(after.broker.peak_bytes),
        broker_kib_per_connection: each(added * 1024.0),
        broker_percent: percent(busy(connected.broker, after.broker)),
        ingest_percent: percent(busy(connected.ingest, after.ingest)),
    })
}
