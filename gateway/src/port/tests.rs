//! A real port on a pseudo-terminal: devices that sleep when it is opened, and devices that tell
//! their memory again and again. The port's pauses pass at once; waiting for the disk is real.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use veglia_codecs::encode;
use veglia_homes::{Heard, Pty};
use veglia_link::OutboxOptions;
use veglia_wire::{Boot, CareClock, Clock, DeviceId, Quality, Record, Sequence, WallMs};

use super::*;
use crate::clock::Belief;
use crate::desk::Desk;

/// Far longer than anything takes: reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallMs {
        WallMs(1_603_188_000_000)
    }
}

/// A box with one port that runs, and the device's end of its cable.
struct Plugged {
    pty: Pty,
    outbox: Outbox,
    stop: CancellationToken,
    task: JoinHandle<Result<(), AppendError>>,
}

impl Plugged {
    async fn into(dir: &Path, protocol: Protocol) -> Self {
        let pty = Pty::plug(&dir.join("tty")).unwrap();
        Self::with(pty, dir, protocol).await
    }

    /// The device's end of the cable is there already.
    async fn with(pty: Pty, dir: &Path, protocol: Protocol) -> Self {
        let path = dir.join("tty");
        let outbox = Outbox::open(&dir.join("outbox"), OutboxOptions::default()).unwrap();
        let began = Arc::new(std::time::Instant::now());
        let care = CareClock::real(Arc::new(Noon));
        let clock = Arc::new(BoxClock::started(Boot(1), care, began, Belief::AtOnce));
        let config = PortConfig {
            path,
            protocol,
            device: Some(DeviceId::new("nonin:501234").unwrap()),
        };
        let desk = Desk::new(std::slice::from_ref(&config), Arc::clone(&clock));
        let means = Means {
            clock,
            outbox: outbox.clone(),
            figures: Figures::default(),
            voice: Voice::default(),
            heart: Heart::new(outbox.clone()),
            dir: dir.to_owned(),
        };
        let (_asks, asked) = mpsc::channel(1);
        let port = Port::new(config, means, desk.place(0), asked);
        let stop = CancellationToken::new();
        let task = tokio::spawn(port.serve(stop.clone()));
        let plugged = Self {
            pty,
            outbox,
            stop,
            task,
        };
        plugged
            .until("the port is opened", || plugged.pty.has_reader().unwrap())
            .await;
        plugged
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let began = std::time::Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the port has written the device's greeting.
    async fn greeted(&self, protocol: Protocol) {
        let wanted = protocol.greeting().concat();
        let mut said = Vec::new();
        self.until("the device is greeted", || {
            said.extend(self.pty.sent::<64>().unwrap());
            said.windows(wanted.len()).any(|it| it == wanted)
        })
        .await;
    }

    fn says(&self, bytes: &[u8]) {
        assert_eq!(self.pty.write(bytes).unwrap(), Heard::Whole);
    }

    /// How many records are in the outbox.
    fn newest(&self) -> u64 {
        self.outbox.status().newest.map_or(0, Sequence::get)
    }

    async fn kept(&self, count: u64) {
        self.until("it is in the outbox", || self.newest() >= count)
            .await;
    }

    async fn unplugged(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        self.outbox.close().await;
    }
}

/// All records in a closed outbox.
async fn records(dir: &Path) -> Vec<Record> {
    let outbox = Outbox::open(&dir.join("outbox"), OutboxOptions::default()).unwrap();
    let mut found = Vec::new();
    let looked = outbox.holds(None, |record| {
        found.push(record.clone());
        false
    });
    assert!(!looked.await.unwrap());
    outbox.close().await;
    found
}

/// The readings among them, each with what is said against it.
async fn readings(dir: &Path) -> Vec<(Record, Quality)> {
    let all = records(dir).await.into_iter();
    all.filter_map(|record| match record.body {
        Body::Reading(_, quality) => Some((record, quality)),
        _ => None,
    })
    .collect()
}

/// Fills the way to a device that never listens; it is full as long as this is held.
fn filled(line: &Path) -> std::fs::File {
    /// `O_NONBLOCK | O_NOCTTY` of Linux.
    const FLAGS: i32 = 0o4000 | 0o400;
    let mut options = std::fs::OpenOptions::new();
    let line = options
        .read(true)
        .write(true)
        .custom_flags(FLAGS)
        .open(line);
    let mut line = line.unwrap();
    while line.write(&[0; 1024]).is_ok() {}
    // A last byte may find room where so many did not.
    while line.write(&[0]).is_ok() {}
    line
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_switched_on_after_its_port_was_opened_is_greeted_and_speaks() {
    let (dir, protocol) = (TempDir::new().unwrap(), Protocol::Nonin8);
    let plugged = Plugged::into(dir.path(), protocol).await;
    // It sleeps, and has not heard this.
    plugged.greeted(protocol).await;
    // Now it is awake, and speaks when it is told in which format.
    plugged.greeted(protocol).await;
    for frame in protocol.samples().repeat(3) {
        plugged.says(&encode(&frame));
    }
    plugged.kept(2).await;
    plugged.unplugged().await;
    assert!(!readings(dir.path()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_device_tells_out_of_its_memory_at_every_connection_comes_once() {
    let (dir, protocol) = (TempDir::new().unwrap(), Protocol::Nonin13);
    let said: Vec<u8> = protocol.samples().iter().flat_map(encode).collect();
    for connection in 0..3_u64 {
        let plugged = Plugged::into(dir.path(), protocol).await;
        plugged.greeted(protocol).await;
        plugged.says(&said);
        // The live check comes each time: nobody can know that it was not measured again.
        let (first, live) = (4 + 1, 2 + 1);
        plugged.kept(first + connection * live).await;
        plugged.unplugged().await;
    }
    let all = readings(dir.path()).await;
    let stored = |(_, quality): &&(Record, Quality)| quality.contains(Quality::FROM_STORAGE);
    assert_eq!(all.iter().filter(stored).count(), 2, "{all:?}");
    assert_eq!(all.len(), 2 + 3 * 2, "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_was_told_live_does_not_come_again_out_of_the_memory() {
    let (dir, protocol) = (TempDir::new().unwrap(), Protocol::Nonin13);
    let plugged = Plugged::into(dir.path(), protocol).await;
    let [live, stored] = protocol.samples().try_into().unwrap();
    let (Frame::Nonin13(live), Frame::Nonin13(stored)) = (live, stored) else {
        panic!("it speaks another protocol");
    };
    let again = veglia_codecs::nonin13::Frame {
        flags: stored.flags,
        ..live
    };
    plugged.says(&encode(&Frame::Nonin13(live)));
    plugged.kept(3).await;
    for frame in [again, stored] {
        plugged.says(&encode(&Frame::Nonin13(frame)));
    }
    plugged.kept(5).await;
    plugged.unplugged().await;
    assert_eq!(readings(dir.path()).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_went_into_an_outbox_that_is_gone_comes_out_of_the_memory_again() {
    let (dir, protocol) = (TempDir::new().unwrap(), Protocol::Nonin13);
    let said: Vec<u8> = protocol.samples().iter().flat_map(encode).collect();
    for _ in 0..2 {
        let plugged = Plugged::into(dir.path(), protocol).await;
        plugged.greeted(protocol).await;
        plugged.says(&said);
        plugged.kept(4 + 1).await;
        plugged.unplugged().await;
        std::fs::remove_dir_all(dir.path().join("outbox")).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_takes_no_greeting_is_heard_all_the_same() {
    let (dir, protocol) = (TempDir::new().unwrap(), Protocol::Nonin8);
    let pty = Pty::plug(&dir.path().join("tty")).unwrap();
    let _full = filled(&dir.path().join("tty"));
    let plugged = Plugged::with(pty, dir.path(), protocol).await;
    let said: Vec<u8> = protocol.samples().iter().flat_map(encode).collect();
    let heard_again = async |from: u64| {
        let more = || {
            plugged.pty.write(&said).unwrap();
            plugged.newest() > from
        };
        plugged.until("it is heard", more).await;
    };
    heard_again(0).await;
    // It is silent for so long that it is greeted again, in vain.
    tokio::time::sleep(Duration::from_secs(60)).await;
    heard_again(plugged.newest()).await;
    plugged.unplugged().await;
    let is_loss = |record: &Record| record.body == Body::Event(DeviceEvent::Down);
    assert!(!records(dir.path()).await.iter().any(is_loss));
}
