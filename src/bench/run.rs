//! One run: a fresh server, connected homes, the load released at one moment, the last
//! acknowledgement awaited, everything stored read back and compared.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_link::sender::{self, Timing};
use veglia_link::{LinkStatus, OutboxStatus, Phase, Secret, SenderConfig, SenderError};
use veglia_wire::{Boot, CareClock, ClockState, Partition, Sequence, WallMs};

use super::load::{Home, Latencies, Sending, VITALS, release};
use super::report::{Figures, Run, mib, ratio};
use super::server::{Footprint, Server, Usage, Used, admit};
use super::{care, check};

/// For all homes to be connected.
const CONNECT_PATIENCE: Duration = Duration::from_secs(120);

/// Without any acknowledgement for so long, a run has failed: link repeats after five seconds.
const STALL_PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at whether the server still runs.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
}

/// Measures once, in a folder that may be thrown away and holds the record of the homes.
pub(super) async fn run(
    folder: &Path,
    load: Load,
    connections: usize,
    clock: &CareClock,
    stop: &CancellationToken,
) -> Result<Run> {
    tokio::select! {
        measured = measure(folder, load, connections, clock) => measured,
        () = stop.cancelled() => bail!("stopped before the end"),
    }
}

async fn measure(folder: &Path, load: Load, connections: usize, clock: &CareClock) -> Result<Run> {
    let homes = load.homes(connections, clock.now())?;
    let secrets = admit(folder, &homes)?;
    let mut server = Server::start(folder).await?;
    let view = server.view();
    care::until_known(&view, &homes).await?;
    let latencies = Latencies::new()?;

    let senders = CancellationToken::new();
    let _end = senders.clone().drop_guard();
    let mut fleet = Fleet::default();
    for (home, secret) in homes.iter().zip(secrets) {
        let secret = Secret::new(secret.reveal());
        fleet.connect(home, secret, server.port(), clock, &latencies, &senders);
    }
    timeout(CONNECT_PATIENCE, fleet.connected())
        .await
        .context("the homes could not all connect in time")??;

    let before = server.usage()?;
    let began = Instant::now();
    tokio::select! {
        sent = fleet.send(load, &homes) => sent?,
        failed = watched(&mut server, &fleet) => failed?,
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
    senders.cancel();
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
        let used = after.processor.saturating_sub(before.processor);
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

/// The senders of all homes.
#[derive(Default)]
struct Fleet {
    senders: JoinSet<Result<(), SenderError>>,
    links: Vec<watch::Receiver<LinkStatus>>,
    outboxes: Vec<watch::Sender<OutboxStatus>>,
}

impl Fleet {
    fn connect(
        &mut self,
        home: &Home,
        secret: Secret,
        port: u16,
        clock: &CareClock,
        latencies: &Latencies,
        stop: &CancellationToken,
    ) {
        let (status, link) = watch::channel(LinkStatus::default());
        let config = SenderConfig {
            host: "127.0.0.1".to_owned(),
            port,
            gateway: home.gateway.clone(),
            partition: Partition::of(&home.gateway),
            secret,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            boot: Boot(1),
            clock_state: watch::channel(ClockState::Synchronised).1,
            clock: clock.clone(),
            timing: Timing::default(),
            status,
        };
        let sending = Sending::new(home.clone(), latencies.clone());
        self.links.push(link);
        self.outboxes.push(sending.status());
        self.senders
            .spawn(sender::run_from(config, sending, stop.clone()));
    }

    async fn connected(&mut self) -> Result<()> {
        for link in &mut self.links {
            link.wait_for(|link| link.phase == Phase::Connected).await?;
        }
        Ok(())
    }

    /// Releases the load and returns at the last acknowledgement.
    async fn send(&self, load: Load, homes: &[Home]) -> Result<()> {
        match load {
            Load::Backlog { .. } => {
                for (outbox, home) in self.outboxes.iter().zip(homes) {
                    release(outbox, home.readings);
                }
            }
            Load::Live { seconds } => self.live(seconds).await?,
        }
        for (outbox, home) in self.outboxes.iter().zip(homes) {
            let last = Sequence::new(home.readings);
            let mut outbox = outbox.subscribe();
            outbox
                .wait_for(|outbox| outbox.acknowledged >= last)
                .await?;
        }
        Ok(())
    }

    /// Homes do not measure in the same moment: they are spread over each second.
    async fn live(&self, seconds: u64) -> Result<()> {
        let homes = u32::try_from(self.outboxes.len())?;
        let mut turn = interval(Duration::from_secs(1) / homes.max(1));
        for second in 1..=seconds {
            for outbox in &self.outboxes {
                turn.tick().await;
                release(outbox, second * u64::try_from(VITALS.len())?);
            }
        }
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        let all = self.outboxes.iter();
        all.filter_map(|outbox| outbox.borrow().acknowledged)
            .map(Sequence::get)
            .sum()
    }

    async fn end(&mut self) -> Result<()> {
        while let Some(ended) = self.senders.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Returns only when something is wrong.
async fn watched(server: &mut Server, fleet: &Fleet) -> Result<()> {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        sleep(LOOK_EVERY).await;
        server.check()?;
        let acknowledged = fleet.acknowledged();
        if acknowledged > last {
            (last, since) = (acknowledged, Instant::now());
        }
        if since.elapsed() > STALL_PATIENCE {
            bail!(
                "nothing was acknowledged for {} s",
                STALL_PATIENCE.as_secs()
            );
        }
    }
}
