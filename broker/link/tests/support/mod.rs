//! What the tests of the link stand on: a broker that can fail, an ingest that stores, records,
//! and waiting for a level with a time-out.

pub(crate) mod broker;
pub(crate) mod ingest;
mod shelf;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use veglia_link::sender::Timing;
use veglia_link::{
    Access, Commands, Control, LinkStatus, Outbox, Phase, ReceiverConfig, Secret, SenderConfig,
    SenderError, receiver, sender,
};
use veglia_wire::{
    Body, Boot, CareClock, Clock, ClockState, DeviceId, GatewayId, MonoMs, Partition, Quality,
    Record, SpO2, Vital, WallMs, When,
};

use broker::{Broker, PASSWORD};
use ingest::{Ingest, Manner, Seen};

/// Far longer than anything takes: reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pauses short enough to be waited for.
pub(crate) const BRISK: Timing = Timing {
    connect: Duration::from_secs(5),
    reconnect: Duration::from_millis(20),
    reconnect_cap: Duration::from_millis(100),
    retry: Duration::from_millis(150),
    retry_cap: Duration::from_millis(600),
    asked_again: Duration::from_millis(100),
    stalled: Duration::from_secs(1),
};

/// Noon, or so many milliseconds after it.
struct Noon(i64);

impl Clock for Noon {
    fn now(&self) -> WallMs {
        WallMs(1_603_188_000_000).plus_ms(self.0)
    }
}

pub(crate) fn gateway() -> GatewayId {
    GatewayId::new("home-1").unwrap()
}

/// A reading, told from others by its monotonic time.
pub(crate) fn reading(number: u64) -> Record {
    Record {
        device: Some(DeviceId::new("nonin:501234").unwrap()),
        when: When {
            boot: Boot(1),
            mono: MonoMs(number),
            wall: None,
            device: None,
        },
        body: Body::Reading(
            Vital::SpO2(SpO2::from_percent_tenths(940).unwrap()),
            Quality::empty(),
        ),
    }
}

pub(crate) fn readings(numbers: std::ops::RangeInclusive<u64>) -> Vec<Record> {
    numbers.map(reading).collect()
}

/// One running half of the link.
pub(crate) struct Sending {
    pub(crate) status: watch::Receiver<LinkStatus>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), SenderError>>,
}

impl Sending {
    pub(crate) fn start(broker: &Broker, outbox: &Outbox) -> Self {
        Self::start_with(broker, outbox, PASSWORD)
    }

    pub(crate) fn start_with(broker: &Broker, outbox: &Outbox, password: &str) -> Self {
        let address = broker.address;
        Self::spawn(address, gateway(), password, 0, |config, stop| {
            sender::run(config, outbox.clone(), stop)
        })
    }

    /// One that takes commands, at any broker.
    pub(crate) fn start_controlled(
        broker: SocketAddr,
        gateway: GatewayId,
        password: &str,
        outbox: &Outbox,
        control: Control,
    ) -> Self {
        Self::spawn(broker, gateway, password, 0, |config, stop| {
            sender::run_controlled(config, control, outbox.clone(), stop)
        })
    }

    /// The same, of a box whose clock is ahead.
    pub(crate) fn start_ahead(
        broker: &Broker,
        outbox: &Outbox,
        control: Control,
        ahead_ms: i64,
    ) -> Self {
        let address = broker.address;
        Self::spawn(address, gateway(), PASSWORD, ahead_ms, |config, stop| {
            sender::run_controlled(config, control, outbox.clone(), stop)
        })
    }

    fn spawn<R>(
        broker: SocketAddr,
        gateway: GatewayId,
        password: &str,
        ahead_ms: i64,
        run: impl FnOnce(SenderConfig, CancellationToken) -> R,
    ) -> Self
    where
        R: Future<Output = Result<(), SenderError>> + Send + 'static,
    {
        let (status, watched) = watch::channel(LinkStatus::default());
        let (_, clock_state) = watch::channel(ClockState::Synchronised);
        let config = SenderConfig {
            broker: broker.into(),
            access: Access::Secret(Secret::new(password)),
            partition: Partition::of(&gateway),
            gateway,
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock_state,
            clock: CareClock::real(Arc::new(Noon(ahead_ms))),
            timing: BRISK,
            status,
        };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run(config, shutdown.clone()));
        Self {
            status: watched,
            shutdown,
            task,
        }
    }

    pub(crate) async fn connected(&mut self) {
        let status = &mut self.status;
        until(status, "the sender", |it| it.phase == Phase::Connected).await;
    }

    pub(crate) async fn stop(self) -> Result<(), SenderError> {
        self.shutdown.cancel();
        self.end().await
    }

    pub(crate) async fn end(self) -> Result<(), SenderError> {
        in_time("the sender's end", self.task).await.unwrap()
    }
}

/// The receiving half with an ingest behind it.
pub(crate) struct Receiving {
    pub(crate) seen: watch::Receiver<Seen>,
    pub(crate) status: watch::Receiver<Phase>,
    shutdown: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Receiving {
    pub(crate) fn start(broker: &Broker, manner: Manner) -> Self {
        Self::commanding(broker.address, PASSWORD, manner, Commands::default())
    }

    /// One that carries commands, at any broker.
    pub(crate) fn commanding(
        broker: SocketAddr,
        password: &str,
        manner: Manner,
        commands: Commands,
    ) -> Self {
        let (ingest, seen) = Ingest::new(manner);
        let (status, phase) = watch::channel(Phase::FIRST);
        let config = ReceiverConfig {
            broker: broker.into(),
            access: Access::Secret(Secret::new(password)),
            service: "ingest".to_owned(),
            partitions: Partition::all().collect(),
            clock: CareClock::real(Arc::new(Noon(0))),
            window: ReceiverConfig::WINDOW,
            timing: BRISK,
            status,
        };
        let (tx, incoming) = mpsc::channel(8);
        let shutdown = CancellationToken::new();
        let tasks = [
            tokio::spawn(receiver::run_commanding(
                config,
                commands,
                tx,
                shutdown.clone(),
            )),
            tokio::spawn(ingest.run(incoming)),
        ];
        Self {
            seen,
            status: phase,
            shutdown,
            tasks,
        }
    }

    pub(crate) async fn connected(&mut self) {
        let status = &mut self.status;
        until(status, "the receiver", |it| *it == Phase::Connected).await;
    }

    /// Waits until that many records are stored.
    pub(crate) async fn stored(&mut self, count: usize) -> Seen {
        until(&mut self.seen, "the records", |it| it.stored.len() >= count).await
    }

    /// Ends the receiver; ingest ends with it.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        for task in self.tasks {
            in_time("the receiver's end", task).await.unwrap();
        }
    }
}

/// Waits until the watched value is as wanted.
pub(crate) async fn until<T: Clone + std::fmt::Debug>(
    watched: &mut watch::Receiver<T>,
    what: &str,
    wanted: impl FnMut(&T) -> bool,
) -> T {
    let last = watched.clone();
    match tokio::time::timeout(PATIENCE, watched.wait_for(wanted)).await {
        Ok(value) => value.unwrap().clone(),
        Err(_) => panic!("waited for {what} in vain: {:?}", *last.borrow()),
    }
}

pub(crate) async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    let done = tokio::time::timeout(PATIENCE, future).await;
    done.unwrap_or_else(|_| panic!("waited for {what} in vain"))
}

/// Waits until ingest has acknowledged everything.
pub(crate) async fn emptied(outbox: &Outbox) {
    let mut status = outbox.watch();
    until(&mut status, "acknowledgements", |it| it.waiting() == 0).await;
}
