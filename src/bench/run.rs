//! One run: a fresh server, connected homes, the load released at one moment, the last
//! acknowledgement awaited, everything stored read back and compared.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use veglia_wire::{CareClock, WallMs};

use super::fleet::Fleet;
use super::load::{Home, Latencies, VITALS};
use super::papers::Door;
use super::report::{Figures, Run};
use super::server::{Footprint, Places, Server, Usage, Used};
use super::table::{mib, ratio};
use super::{care, check};

/// How the homes send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// All have been cut off and send what they have gathered, as fast as it is taken.
    Backlog {
        /// Readings of all homes together.
        readings: u64,
        /// Readings in a frame.
        per_frame: usize,
    },
    /// As in life: each sends the values of its oximeter once a second.
    Live {
        /// For so long.
        seconds: u64,
    },
}

impl Load {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Backlog { .. } => "backlog",
            Self::Live { .. } => "live",
        }
    }

    pub(super) fn per_frame(self) -> usize {
        match self {
            Self::Backlog { per_frame, .. } => per_frame,
            Self::Live { .. } => VITALS.len(),
        }
    }

    /// The homes that carry it.
    pub(super) fn homes(self, connections: usize, now: WallMs) -> Result<Vec<Home>> {
        let readings = match self {
            Self::Backlog { readings, .. } => readings,
            Self::Live { seconds } => seconds * u64::try_from(connections * VITALS.len())?,
        };
        Home::all(connections, readings, self.per_frame(), now)
    }

    /// Releases the load and returns at the last acknowledgement.
    async fn send(self, fleet: &Fleet, homes: &[Home]) -> Result<()> {
        let each = homes.first().map_or(0, |home| home.readings);
        match self {
            Self::Backlog { .. } => fleet.release(each),
            Self::Live { seconds } => fleet.live(seconds).await?,
        }
        fleet.acknowledged(each).await
    }
}

/// Measures once, in a folder that may be thrown away and holds the record of the homes.
pub(super) async fn measure(
    data: &Path,
    load: Load,
    door: Door<'_>,
    connections: usize,
    clock: &CareClock,
) -> Result<Run> {
    let homes = load.homes(connections, clock.now())?;
    let accesses = door.admit(data, &homes)?;
    let mut server = Server::start(data, door, Places::Apart).await?;
    let view = server.view();
    care::until_known(&view, &homes).await?;
    let fleet = Fleet::set_out(&homes, accesses, server.door(), clock)?;
    fleet.connected().await?;

    let before = server.usage()?;
    let began = Instant::now();
    tokio::select! {
        sent = load.send(&fleet, &homes) => sent?,
        failed = fleet.watched(&mut server) => match failed? {},
    }
    let elapsed = began.elapsed();
    let (acknowledged, acknowledged_at) = (Instant::now(), clock.now());
    check::until_stored(&view, &homes).await?;
    let series_behind = acknowledged.elapsed();
    care::until_judged(&view, acknowledged_at).await?;
    let watch_behind = acknowledged.elapsed();
    let usage = server.usage()?;
    let found = check::compare(&view, &homes).await?;
    let reds = care::reds(&view).await?;
    let latencies = fleet.latencies().clone();
    fleet.end().await?;
    let footprint = server.stop().await?;

    let sent: u64 = homes.iter().map(|home| home.readings).sum();
    let frames: Result<Vec<u64>> = homes.iter().map(Home::frame_bytes).collect();
    let frame_bytes: u64 = frames?.into_iter().sum();
    let figures = figures(sent, frame_bytes, &latencies, before, usage, footprint);
    Ok(Run {
        sent,
        stored: found.stored,
        values_equal: found.equal,
        ill: u64::try_from(homes.iter().filter(|home| home.is_ill()).count())?,
        reds,
        seconds: elapsed.as_secs_f64(),
        figures: Figures {
            readings_per_s: ratio(sent, 1) / elapsed.as_secs_f64(),
            series_behind_s: series_behind.as_secs_f64(),
            watch_behind_s: watch_behind.as_secs_f64(),
            ..figures
        },
    })
}

/// All but those that a clock of the run itself tells.
fn figures(
    sent: u64,
    frame_bytes: u64,
    latencies: &Latencies,
    before: Usage,
    usage: Usage,
    footprint: Footprint,
) -> Figures {
    let ms = |quantile| ratio(latencies.at(quantile), 1_000);
    let per_reading = |before: Used, after: Used| {
        let used: Duration = after.processor.saturating_sub(before.processor);
        used.as_secs_f64() * 1e6 / ratio(sent, 1)
    };
    Figures {
        latency_ms_p50: ms(0.5),
        latency_ms_p90: ms(0.9),
        latency_ms_p99: ms(0.99),
        latency_ms_max: ms(1.0),
        wire_bytes_per_reading: ratio(frame_bytes, sent),
        journal_bytes_per_reading: ratio(footprint.journal_bytes, sent),
        series_bytes_per_reading: ratio(footprint.series_bytes, sent),
        broker_us_per_reading: per_reading(before.broker, usage.broker),
        ingest_us_per_reading: per_reading(before.ingest, usage.ingest),
        broker_peak_mib: mib(usage.broker.peak_bytes),
        ingest_peak_mib: mib(usage.ingest.peak_bytes),
        stop_s: footprint.stop.as_secs_f64(),
        ..Figures::default()
    }
}
