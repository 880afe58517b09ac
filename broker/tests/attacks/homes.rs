//! Homes with an outbox and an ingest that stores, over TLS: what is true in the end is what they
//! say, whatever happened to the door in between.

use std::collections::HashMap;
use std::fs;
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
    Access, CertificateFiles, Incoming, LinkStatus, Outbox, OutboxOptions, Parcel, Phase,
    ReceiverConfig, SenderConfig, receiver, sender,
};
use veglia_wire::{
    Body, Boot, CareClock, Clock, ClockState, Epoch, GatewayId, MonoMs, Partition, Record,
    Sequence, UpFrame, WallMs, When,
};

use crate::client::PATIENCE;
use crate::house::Grounds;

/// What each home measures, in portions.
const PORTIONS: u64 = 60;
const PORTION: u64 = 40;

/// Between two portions: the load lasts three seconds, and whatever happens falls into it.
const BREATH: Duration = Duration::from_millis(50);

/// Homes that measure; `casa-2` is left for whoever attacks.
const HOMES: [(&str, u8); 2] = [("casa-1", 7), ("casa-3", 8)];

/// Pauses short enough to be waited for.
fn brisk() -> Timing {
    Timing {
        connect: Duration::from_secs(5),
        reconnect: Duration::from_millis(20),
        reconnect_cap: Duration::from_millis(100),
        retry: Duration::from_millis(300),
        retry_cap: Duration::from_secs(1),
        asked_again: Duration::from_millis(100),
        stalled: Duration::from_secs(5),
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

/// By certificate, from files as a box has them.
fn access(at: &Grounds, name: &str) -> Access {
    let folder = at.folder.path().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let files = CertificateFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
        authority: folder.join("authority.pem"),
    };
    let badge = at.badge(name);
    fs::write(&files.certificate, &badge.certificate).expect("written");
    fs::write(&files.authority, at.centre.authority.pem()).expect("written");
    badge.key.save(&files.key).expect("a new key file");
    Access::Certificate(files)
}

/// A home's outbox, and the sender that empties it.
struct Home {
    outbox: Outbox,
    _status: watch::Receiver<LinkStatus>,
    sending: JoinHandle<()>,
    living: JoinHandle<()>,
}

impl Home {
    fn open(at: &Grounds, name: &str, partition: u8, shutdown: CancellationToken) -> Self {
        let folder = Path::new("outbox");
        let outbox = Outbox::open_on(FaultyFilesystem::new(), folder, OutboxOptions::default());
        let outbox = outbox.expect("a new outbox");
        let (status, watched) = watch::channel(LinkStatus::default());
        let (_, clock_state) = watch::channel(ClockState::Synchronised);
        let config = SenderConfig {
            broker: at.address.into(),
            access: access(at, name),
            gateway: GatewayId::new(name).expect("a name"),
            partition: Partition::new(partition).expect("a partition"),
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock_state,
            clock: CareClock::real(Arc::new(Noon)),
            timing: brisk(),
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
type Stored = HashMap<GatewayId, Vec<(Sequence, Record)>>;

/// Stores what it has not seen, acknowledges what is durable, and asks for what is missing.
struct Ingest {
    log: SegmentedLog<FaultyFilesystem>,
    newest: Durable,
    through: HashMap<(GatewayId, Epoch), Sequence>,
    stored: watch::Sender<Stored>,
    paused: watch::Receiver<bool>,
}

impl Ingest {
    async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        while let Some(incoming) = incoming.recv().await {
            let goes_on = self.paused.wait_for(|is_paused| !is_paused).await;
            drop(goes_on.expect("the test holds it"));
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
        // Whoever attacks sends no frames.
        let Ok(frame) = UpFrame::decode(&parcel.bytes) else {
            return drop(parcel.receipt);
        };
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
        self.newest = self.log.append(&[&parcel.bytes]).expect("stored");
        self.through.insert(key, last);
        let numbered = frame.into_numbered().map(|(id, it)| (id.sequence, it));
        let fresh = numbered.filter(|(sequence, _)| *sequence >= expected);
        self.stored
            .send_modify(|it| it.entry(parcel.gateway).or_default().extend(fresh));
        parcel.receipt.acknowledge(&self.newest, epoch, last);
    }
}

/// Two homes that measure, and the ingest of both.
pub(crate) struct Life {
    homes: Vec<Home>,
    stored: watch::Receiver<Stored>,
    paused: watch::Sender<bool>,
    shutdown: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Life {
    pub(crate) fn begin(at: &Grounds) -> Self {
        let fs = FaultyFilesystem::new();
        let opened = SegmentedLog::open(fs, Path::new("ingest"), Options::default());
        let (mut log, _) = opened.expect("a new journal");
        let newest = log.append(&[b"started"]).expect("stored");
        let (stored, watched) = watch::channel(Stored::new());
        let (pause, paused) = watch::channel(false);
        let ingest = Ingest {
            log,
            newest,
            through: HashMap::new(),
            stored,
            paused,
        };
        let (status, _) = watch::channel(Phase::FIRST);
        let config = ReceiverConfig {
            broker: at.address.into(),
            access: access(at, "ingest"),
            service: "ingest".to_owned(),
            partitions: Partition::all().collect(),
            clock: CareClock::real(Arc::new(Noon)),
            window: ReceiverConfig::WINDOW,
            timing: brisk(),
            status,
        };
        let (tx, incoming) = mpsc::channel(8);
        let shutdown = CancellationToken::new();
        let tasks = [
            tokio::spawn(receiver::run(config, tx, shutdown.clone())),
            tokio::spawn(ingest.run(incoming)),
        ];
        let open = |(name, partition)| Home::open(at, name, partition, shutdown.clone());
        Self {
            homes: HOMES.map(open).into(),
            stored: watched,
            paused: pause,
            shutdown,
            tasks,
        }
    }

    /// Ingest stops looking at what comes, or goes on.
    pub(crate) fn pause(&self, is_paused: bool) {
        self.paused.send_replace(is_paused);
    }

    /// Waits until something more than now is stored of each home.
    pub(crate) async fn goes_on(&mut self) {
        let length = |stored: &Stored| stored.values().map(Vec::len).min().unwrap_or(0);
        let now = length(&self.stored.borrow());
        let all = usize::try_from(PORTIONS * PORTION).expect("it fits");
        let more = self
            .stored
            .wait_for(|it| it.len() == HOMES.len() && (length(it) > now || length(it) == all));
        timeout(PATIENCE, more)
            .await
            .expect("readings arrive")
            .expect("ingest runs");
    }

    /// Waits for the end of all measuring; then everything is stored, once and in order.
    pub(crate) async fn lost_nothing(self) {
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
        assert_eq!(stored.len(), HOMES.len());
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
