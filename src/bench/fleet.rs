//! The homes of a run while they are connected, each a sender of link's with a connection of its
//! own. They send what they are released to send, and no more.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::future::select_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use veglia_link::sender::{self, Timing};
use veglia_link::{Access, LinkStatus, OutboxStatus, Phase, SenderConfig, SenderError};
use veglia_wire::{Boot, CareClock, ClockState, Partition, Sequence};

use super::load::{Home, Latencies, Sending, VITALS, release};
use super::server::Server;

/// For all homes to be connected.
const CONNECT_PATIENCE: Duration = Duration::from_secs(120);

/// Without any acknowledgement for so long, a run has failed: link repeats after five seconds.
const STALL_PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at whether the server still runs.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The senders of all homes. Dropping it ends them.
pub(super) struct Fleet {
    senders: JoinSet<Result<(), SenderError>>,
    links: Vec<watch::Receiver<LinkStatus>>,
    outboxes: Vec<watch::Sender<OutboxStatus>>,
    latencies: Latencies,
    stop: CancellationToken,
    _end: DropGuard,
}

impl Fleet {
    /// Lets them connect, each with what it shows at the door.
    pub(super) fn set_out(
        homes: &[Home],
        accesses: Vec<Access>,
        door: SocketAddr,
        clock: &CareClock,
    ) -> Result<Self> {
        let stop = CancellationToken::new();
        let mut fleet = Self {
            senders: JoinSet::new(),
            links: Vec::new(),
            outboxes: Vec::new(),
            latencies: Latencies::new()?,
            _end: stop.clone().drop_guard(),
            stop,
        };
        for (home, access) in homes.iter().zip(accesses) {
            fleet.add(home, access, door, clock);
        }
        Ok(fleet)
    }

    fn add(&mut self, home: &Home, access: Access, door: SocketAddr, clock: &CareClock) {
        let (status, link) = watch::channel(LinkStatus::default());
        let config = SenderConfig {
            broker: door.into(),
            access,
            gateway: home.gateway.clone(),
            partition: Partition::of(&home.gateway),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            boot: Boot(1),
            clock_state: watch::channel(ClockState::Synchronised).1,
            clock: clock.clone(),
            timing: Timing::default(),
            status,
        };
        let sending = Sending::new(home.clone(), self.latencies.clone());
        self.links.push(link);
        self.outboxes.push(sending.status());
        self.senders
            .spawn(sender::run_from(config, sending, self.stop.clone()));
    }

    /// Of all readings so far.
    pub(super) fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Waits until all are connected and subscribed.
    pub(super) async fn connected(&self) -> Result<()> {
        self.all(|phase| *phase == Phase::Connected)
            .await
            .context("the homes could not all connect in time")
    }

    /// Waits until all have noticed that the broker is gone.
    pub(super) async fn disconnected(&self) -> Result<()> {
        self.all(|phase| *phase != Phase::Connected)
            .await
            .context("not all homes noticed that the broker had gone")
    }

    async fn all(&self, is_so: impl Fn(&Phase) -> bool) -> Result<()> {
        let each = async {
            for link in &self.links {
                let mut link = link.clone();
                link.wait_for(|link| is_so(&link.phase)).await?;
            }
            Ok::<_, watch::error::RecvError>(())
        };
        Ok(timeout(CONNECT_PATIENCE, each).await??)
    }

    /// Waits, for ever if all goes well, until one has lost its connection.
    pub(super) async fn one_lost(&self) {
        let lost = self.links.iter().map(|link| {
            let mut link = link.clone();
            Box::pin(async move {
                // A sender that has ended has lost it too.
                drop(link.wait_for(|it| it.phase != Phase::Connected).await);
            })
        });
        select_all(lost).await;
    }

    /// Lets each home send readings up to the one of this number.
    pub(super) fn release(&self, readings: u64) {
        for outbox in &self.outboxes {
            release(outbox, readings);
        }
    }

    /// Lets the homes measure a pair a second. They do not do so in the same moment: they are
    /// spread over each second.
    pub(super) async fn live(&self, seconds: u64) -> Result<()> {
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

    /// Waits until so many readings of each home are acknowledged.
    pub(super) async fn acknowledged(&self, readings: u64) -> Result<()> {
        let last = Sequence::new(readings);
        for outbox in &self.outboxes {
            let mut outbox = outbox.subscribe();
            outbox
                .wait_for(|outbox| outbox.acknowledged >= last)
                .await?;
        }
        Ok(())
    }

    /// Returns only when something is wrong: a server that ended, or no progress.
    pub(super) async fn watched(&self, server: &mut Server) -> Result<Infallible> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            sleep(LOOK_EVERY).await;
            server.check()?;
            let acknowledged = self.sum_acknowledged();
            if acknowledged > last {
                (last, since) = (acknowledged, Instant::now());
            }
            if since.elapsed() > STALL_PATIENCE {
                let seconds = STALL_PATIENCE.as_secs();
                bail!("nothing was acknowledged for {seconds} s");
            }
        }
    }

    fn sum_acknowledged(&self) -> u64 {
        let all = self.outboxes.iter();
        all.filter_map(|outbox| outbox.borrow().acknowledged)
            .map(Sequence::get)
            .sum()
    }

    /// Ends them in order.
    pub(super) async fn end(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.senders.join_next().await {
            ended??;
        }
        Ok(())
    }
}
