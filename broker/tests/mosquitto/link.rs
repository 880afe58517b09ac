//! End to end: outboxes, the door, mosquitto, the door again, and a receiver that stores. Mosquitto
//! is killed and stopped under load; nothing is lost and nothing is doubled.

// req: G5

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{Durable, Journal, Options, SegmentedLog};
use veglia_link::sender::Timing;
use veglia_link::{
    Access, Incoming, LinkStatus, Outbox, OutboxOptions, Parcel, Phase, ReceiverConfig, Secret,
    SenderConfig, receiver, sender,
};
use veglia_wire::{
    Body, Boot, CareClock, Clock, ClockState, Epoch, GatewayId, MonoMs, Partition, Record,
    Sequence, UpFrame, WallMs, When,
};

use crate::away::{standing, until};
use crate::house::{House, unbridled};
use crate::mosquitto::Mosquitto;

/// Gateways of the house, with their partitions.
const HOMES: [(&str, u8); 3] = [("casa-1", 7), ("casa-2", 7), ("casa-3", 8)];

/// Of each home, in portions.
const PORTIONS: u64 = 60;
const PORTION: u64 = 50;

/// Between two portions of a home, so that the load lasts over all restarts.
const BREATH: Duration = Duration::from_millis(50);

/// Only a failure waits so long. A frame that was lost is sent again after a second or so.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pauses short enough to be waited for.
const BRISK: Timing = Timing {
    connect: Duration::from_secs(5),
    reconnect: Duration::from_millis(20),
    reconnect_cap: Duration::from_millis(100),
    retry: Duration::from_millis(300),
    retry_cap: Duration::from_secs(1),
    asked_again: Duration::from_millis(100),
    stalled: Duration::from_secs(20),
};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallMs {
        WallMs(1_603_188_000_000)
    }
}

fn record(number: u64) -> Record {
    Record {
        device: None,
        when: When {
            boot: Boot(1),
            mono: MonoMs(number),
            wall: None,
            device: None,
        },
        body: Body::Clock,
    }
}

/// A home's outbox, and the sender that empties it.
struct Home {
    outbox: Outbox,
    _status: watch::Receiver<LinkStatus>,
    shutdown: CancellationToken,
    sending: JoinHandle<()>,
}

impl Home {
    fn open(house: &House, name: &str, partition: u8) -> Self {
        let folder = Path::new("outbox");
        let outbox = Outbox::open_on(FaultyFilesystem::new(), folder, OutboxOptions::default());
        let outbox = outbox.unwrap();
        let (status, watched) = watch::channel(LinkStatus::default());
        let (_, clock_state) = watch::channel(ClockState::Synchronised);
        let config = SenderConfig {
            broker: house.address.into(),
            access: Access::Secret(Secret::new(house.secret(name))),
            gateway: GatewayId::new(name).unwrap(),
            partition: Partition::new(partition).unwrap(),
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock_state,
            clock: CareClock::real(Arc::new(Noon)),
            timing: BRISK,
            status,
        };
        let shutdown = CancellationToken::new();
        let running = sender::run(config, outbox.clone(), shutdown.clone());
        let sending = tokio::spawn(async { running.await.unwrap() });
        Self {
            outbox,
            _status: watched,
            shutdown,
            sending,
        }
    }

    /// Measures for a while.
    fn live(&self) -> JoinHandle<()> {
        let outbox = self.outbox.clone();
        tokio::spawn(async move {
            for portion in 0..PORTIONS {
                let numbers = portion * PORTION..(portion + 1) * PORTION;
                outbox.append(numbers.map(record).collect()).await.unwrap();
                sleep(BREATH).await;
            }
        })
    }

    /// Waits until everything was acknowledged.
    async fn emptied(&self) {
        let mut status = self.outbox.watch();
        let empty = timeout(PATIENCE, status.wait_for(|it| it.waiting() == 0)).await;
        empty.expect("everything is acknowledged").unwrap();
    }
}

/// What arrived, by home, in the order of arrival.
type Stored = HashMap<GatewayId, Vec<(Sequence, Record)>>;

/// Stores what it has not seen, acknowledges what is durable, and asks for what is missing.
struct Ingest {
    log: SegmentedLog<FaultyFilesystem>,
    newest: Durable,
    through: HashMap<(GatewayId, Epoch), Sequence>,
    stored: watch::Sender<Stored>,
}

impl Ingest {
    fn open() -> (Self, watch::Receiver<Stored>) {
        let fs = FaultyFilesystem::new();
        let opened = SegmentedLog::open(fs, Path::new("ingest"), Options::default());
        let (mut log, _) = opened.unwrap();
        let newest = log.append(&[b"started"]).unwrap();
        let (stored, watched) = watch::channel(Stored::new());
        let ingest = Self {
            log,
            newest,
            through: HashMap::new(),
            stored,
        };
        (ingest, watched)
    }

    async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        while let Some(incoming) = incoming.recv().await {
            match incoming {
                Incoming::Frame(parcel) => self.frame(parcel),
                Incoming::Hello {
                    gateway,
                    hello,
                    reply,
                } => match self.through.get(&(gateway, hello.epoch)) {
                    Some(through) => reply.known(&self.newest, hello.epoch, *through),
                    None => reply.nothing(hello.epoch),
                },
                Incoming::State { .. } => {}
            }
        }
    }

    fn frame(&mut self, parcel: Parcel) {
        let frame = UpFrame::decode(&parcel.bytes).unwrap();
        let (epoch, last) = (frame.header.epoch, frame.header.last());
        let key = (parcel.gateway.clone(), epoch);
        let through = self.through.get(&key).copied();
        let expected = through.map_or(Sequence::FIRST, |through| through.plus(1));
        if frame.header.first > expected {
            return parcel.receipt.expect(epoch, expected);
        }
        if let Some(through) = through.filter(|through| *through >= last) {
            return parcel.receipt.acknowledge(&self.newest, epoch, through);
        }
        self.newest = self.log.append(&[&parcel.bytes]).unwrap();
        self.through.insert(key, last);
        let numbered = frame.into_numbered().map(|(id, it)| (id.sequence, it));
        let fresh = numbered.filter(|(sequence, _)| *sequence >= expected);
        self.stored
            .send_modify(|it| it.entry(parcel.gateway).or_default().extend(fresh));
        parcel.receipt.acknowledge(&self.newest, epoch, last);
    }
}

fn receive(house: &House, shutdown: &CancellationToken) -> watch::Receiver<Stored> {
    let (ingest, stored) = Ingest::open();
    let (status, _) = watch::channel(Phase::FIRST);
    let config = ReceiverConfig {
        broker: house.address.into(),
        access: Access::Secret(Secret::new(house.secret("ingest"))),
        service: "ingest".to_owned(),
        partitions: Partition::all().collect(),
        clock: CareClock::real(Arc::new(Noon)),
        window: ReceiverConfig::WINDOW,
        timing: BRISK,
        status,
    };
    let (tx, incoming) = mpsc::channel(8);
    tokio::spawn(receiver::run(config, tx, shutdown.clone()));
    tokio::spawn(ingest.run(incoming));
    stored
}

#[tokio::test]
async fn a_broker_that_dies_again_and_again_loses_and_doubles_no_reading() {
    let mut mosquitto = Mosquitto::start();
    let backend = mosquitto.backend();
    let mut standing = standing(&*backend);
    let house = House::before(unbridled(), backend).await;
    let shutdown = CancellationToken::new();
    let stored = receive(&house, &shutdown);
    let homes = HOMES.map(|(name, partition)| Home::open(&house, name, partition));
    let living = homes.iter().map(Home::live).collect::<Vec<_>>();

    for death in 1..=5 {
        sleep(BREATH * 4).await;
        // It stands still first, so that something is outstanding when it dies.
        mosquitto.freeze();
        sleep(BREATH * 2).await;
        mosquitto.kill();
        until(&mut standing, "the loss is seen", |it| !it.connected).await;
        sleep(BREATH * 2).await;
        mosquitto.run();
        until(&mut standing, "it is back", |it| {
            it.connections == 1 + death
        })
        .await;
    }
    for life in living {
        life.await.unwrap();
    }
    for home in &homes {
        timeout(PATIENCE, home.emptied()).await.unwrap();
    }

    assert!(standing.borrow().lost > 0, "nothing had to be repaired");
    let stored = stored.borrow().clone();
    assert_eq!(stored.len(), HOMES.len());
    let wanted: Vec<_> = (0..PORTIONS * PORTION)
        .map(|number| (Sequence::FIRST.plus(number), record(number)))
        .collect();
    for records in stored.values() {
        assert_eq!(records, &wanted);
    }
    for home in homes {
        home.shutdown.cancel();
        home.sending.await.unwrap();
    }
    shutdown.cancel();
    house.close().await.unwrap();
}
