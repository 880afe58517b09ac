//! Homes with an outbox that measure for a while, and an ingest that stores: what is true in the
//! end is what the homes say, whatever happened to the door or behind it in between.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_journal::fake::FaultyFilesystem;
use veglia_link::sender::Timing;
use veglia_link::{
    Access, Incoming, LinkStatus, Outbox, OutboxOptions, Parcel, Phase, ReceiverConfig,
    SenderConfig, receiver, sender,
};
use veglia_wire::{
    Body, Boot, CareClock, Clock, ClockState, GatewayId, MonoMs, Partition, Record, Sequence,
    UpFrame, WallMs, When,
};

use crate::client::PATIENCE;
use crate::shelf::{Place, Shelf};

/// What each home measures, in portions.
pub(crate) const PORTIONS: u64 = 60;
pub(crate) const PORTION: u64 = 50;

/// Between two portions: the load lasts three seconds, and whatever happens falls into it.
pub(crate) const BREATH: Duration = Duration::from_millis(50);

/// Who lives, where, and how they are let in.
pub(crate) struct Plan<'a> {
    pub(crate) broker: SocketAddr,
    /// With their partitions.
    pub(crate) homes: &'a [(&'a str, u8)],
    pub(crate) access: &'a dyn Fn(&str) -> Access,
    /// How long the link waits for an answer before it connects anew.
    pub(crate) stalled: Duration,
    /// Ingest looks at nothing while this is true. Without a sender it stays as it is.
    pub(crate) paused: watch::Receiver<bool>,
}

impl Plan<'_> {
    /// Pauses short enough to be waited for.
    fn timing(&self) -> Timing {
        Timing {
            connect: Duration::from_secs(5),
            reconnect: Duration::from_millis(20),
            reconnect_cap: Duration::from_millis(100),
            retry: Duration::from_millis(300),
            retry_cap: Duration::from_secs(1),
            asked_again: Duration::from_millis(100),
            stalled: self.stalled,
        }
    }
}

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
    sending: JoinHandle<()>,
    living: JoinHandle<()>,
}

impl Home {
    fn open(plan: &Plan<'_>, name: &str, partition: u8, shutdown: CancellationToken) -> Self {
        let folder = Path::new("outbox");
        let outbox = Outbox::open_on(FaultyFilesystem::new(), folder, OutboxOptions::default());
        let outbox = outbox.expect("a new outbox");
        let (status, watched) = watch::channel(LinkStatus::default());
        let (_, clock_state) = watch::channel(ClockState::Synchronised);
        let config = SenderConfig {
            broker: plan.broker.into(),
            access: (plan.access)(name),
            gateway: GatewayId::new(name).expect("a name"),
            partition: Partition::new(partition).expect("a partition"),
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock_state,
            clock: CareClock::real(Arc::new(Noon)),
            timing: plan.timing(),
            status,
        };
        let running = sender::run(config, outbox.clone(), shutdown);
        let measured = outbox.clone();
        Self {
            outbox,
            _status: watched,
            sending: tokio::spawn(async { running.await.expect("it only stops when told to") }),
            living: tokio::spawn(async move {
                for portion in 0..PORTIONS {
                    let numbers = portion * PORTION..(portion + 1) * PORTION;
                    let kept = measured.append(numbers.map(record).collect()).await;
                    kept.expect("the outbox keeps them");
                    sleep(BREATH).await;
                }
            }),
        }
    }
}

/// What arrived, by home, in the order of arrival.
pub(crate) type Stored = HashMap<GatewayId, Vec<(Sequence, Record)>>;

/// Stores what it has not seen, acknowledges what is durable, and asks for what is missing.
struct Ingest {
    shelf: Shelf,
    homes: Vec<GatewayId>,
    stored: watch::Sender<Stored>,
    paused: watch::Receiver<bool>,
}

impl Ingest {
    async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        while let Some(incoming) = incoming.recv().await {
            let goes_on = self.paused.wait_for(|is_paused| !is_paused).await;
            drop(goes_on.expect("who pauses it holds the sender"));
            match incoming {
                Incoming::Frame(parcel) => self.frame(parcel),
                Incoming::Hello {
                    gateway,
                    hello,
                    reply,
                } => self.shelf.answer(&(gateway, hello.epoch), reply),
                Incoming::State { .. } => {}
            }
        }
    }

    fn frame(&mut self, parcel: Parcel) {
        let Parcel {
            gateway,
            bytes,
            receipt,
        } = parcel;
        // Whoever attacks sends no frames; those of a home arrive whole.
        if !self.homes.contains(&gateway) {
            return drop(receipt);
        }
        let frame = UpFrame::decode(&bytes).expect("a whole frame");
        let (epoch, last) = (frame.header.epoch, frame.header.last());
        let source = (gateway.clone(), epoch);
        let expected = match self.shelf.place(&source, &frame.header) {
            Place::Beyond(expected) => return receipt.expect(epoch, expected),
            Place::Known(through) => {
                return receipt.acknowledge(self.shelf.newest(), epoch, through);
            }
            Place::Next(expected) => expected,
        };
        self.shelf.keep(source, last, &bytes);
        let numbered = frame.into_numbered().map(|(id, it)| (id.sequence, it));
        let fresh = numbered.filter(|(sequence, _)| *sequence >= expected);
        self.stored
            .send_modify(|it| it.entry(gateway).or_default().extend(fresh));
        receipt.acknowledge(self.shelf.newest(), epoch, last);
    }
}

/// Homes that measure, and the ingest of them all.
pub(crate) struct Life {
    homes: Vec<Home>,
    pub(crate) stored: watch::Receiver<Stored>,
    shutdown: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Life {
    pub(crate) fn of(plan: &Plan<'_>) -> Self {
        let (stored, watched) = watch::channel(Stored::new());
        let name = |(name, _): &(&str, u8)| GatewayId::new(name).expect("a name");
        let ingest = Ingest {
            shelf: Shelf::new(),
            homes: plan.homes.iter().map(name).collect(),
            stored,
            paused: plan.paused.clone(),
        };
        let (status, _) = watch::channel(Phase::FIRST);
        let config = ReceiverConfig {
            broker: plan.broker.into(),
            access: (plan.access)("ingest"),
            service: "ingest".to_owned(),
            partitions: Partition::all().collect(),
            clock: CareClock::real(Arc::new(Noon)),
            window: ReceiverConfig::WINDOW,
            timing: plan.timing(),
            status,
        };
        let (tx, incoming) = mpsc::channel(8);
        let shutdown = CancellationToken::new();
        let tasks = [
            tokio::spawn(receiver::run(config, tx, shutdown.clone())),
            tokio::spawn(ingest.run(incoming)),
        ];
        let open =
            |&(name, partition): &(&str, u8)| Home::open(plan, name, partition, shutdown.clone());
        Self {
            homes: plan.homes.iter().map(open).collect(),
            stored: watched,
            shutdown,
            tasks,
        }
    }

    /// Waits for the end of all measuring; then everything is stored, once and in order.
    pub(crate) async fn lost_nothing(self) {
        let homes = self.homes.len();
        let mut sending = Vec::new();
        for home in self.homes {
            home.living.await.expect("the home lived");
            let mut status = home.outbox.watch();
            let empty = timeout(PATIENCE, status.wait_for(|it| it.waiting() == 0)).await;
            drop(empty.expect("everything is acknowledged").expect("it runs"));
            sending.push(home.sending);
        }
        self.shutdown.cancel();
        for sending in sending {
            sending.await.expect("it stops");
        }
        let stored = self.stored.borrow().clone();
        assert_eq!(stored.len(), homes);
        let wanted: Vec<_> = (0..PORTIONS * PORTION)
            .map(|number| (Sequence::FIRST.plus(number), record(number)))
            .collect();
        for (home, records) in stored {
            assert_eq!(records.len(), wanted.len(), "{home}");
            assert!(records == wanted, "{home}: in order and once");
        }
        for task in self.tasks {
            timeout(PATIENCE, task)
                .await
                .expect("it ends")
                .expect("it does not panic");
        }
    }
}
