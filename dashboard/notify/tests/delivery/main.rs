//! Deliveries end to end: a record, the courier, and the real parties at the other
//! end: Debian's exim and Kannel, started by the test, and small web servers of its own.

#![cfg(test)]

#[path = "../../../../tests/support/mod.rs"]
mod support;

mod exim;
mod kannel;
mod mail;
mod outages;
mod outbox;
mod sms;
mod web;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use veglia_notify::{
    Config, Courier, Event, Happened, Key, Message, NewDelivery, Pace, Senders, Standing, enqueue,
    events_since, standing,
};
use veglia_people::contacts::{Address, Channel};
use veglia_store::{Actor, Database};
use veglia_wire::{Clock, WallMs};

/// Only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

const NOBODY: Actor = Actor::System("test");

/// An hour of autumn 2020.
const START: WallMs = WallMs(1_604_300_400_000);

/// A clock that stands until it is moved.
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn turn(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> WallMs {
        WallMs(self.0.load(Ordering::Relaxed))
    }
}

/// A record, a courier over it, and the clock that both go by.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) record: Database,
    pub(crate) clock: Arc<Hand>,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let schemas = [veglia_people::SCHEMA, veglia_notify::SCHEMA];
        let record = veglia_trial::open(&path, &schemas).await;
        Self {
            folder,
            record,
            clock: Arc::new(Hand(AtomicI64::new(START.0))),
        }
    }

    pub(crate) fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn courier(&self, config: &Config) -> Courier {
        let senders = Arc::new(Senders::open(config).unwrap());
        self.courier_with(senders)
    }

    pub(crate) fn courier_with(&self, senders: Arc<Senders>) -> Courier {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Courier::new(self.record.clone(), clock, senders, Pace::default())
    }

    /// Puts a delivery to these addresses into the outbox; whether it is new.
    pub(crate) async fn enqueue(&self, key: &str, addresses: &[Address], urgent: bool) -> bool {
        let new = NewDelivery {
            key: key.parse().unwrap(),
            about: about(key),
            recipient: "staff:1".to_owned(),
            addresses: addresses.to_vec(),
            message: message(),
            urgent,
            not_before: START,
        };
        let now = self.clock.now();
        enqueue(&self.record, &NOBODY, &new, now).await.unwrap()
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        events_since(&self.record, &NOBODY, 0).await.unwrap()
    }

    /// What happened, and by which channel.
    pub(crate) async fn story(&self) -> Vec<(Happened, Option<Channel>)> {
        let events = self.events().await;
        events.iter().map(|it| (it.happened, it.channel)).collect()
    }

    pub(crate) async fn standing(&self) -> Standing {
        let now = self.clock.now();
        standing(&self.record, &NOBODY, now).await.unwrap()
    }
}

pub(crate) fn about(key: &str) -> Key {
    key.split('.').next().unwrap().parse().unwrap()
}

pub(crate) fn message() -> Message {
    let link = "http://localhost:8080/avvisi/0123456789abcdef0123456789abcdef";
    Message::new("Veglia", "Veglia: una segnalazione la aspetta.", link).unwrap()
}

pub(crate) fn to(channel: Channel, text: &str) -> Address {
    Address::new(channel, text).unwrap()
}

/// A program of Debian's, which is not on everybody's path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut places = folders.map(|folder| folder.join(name));
    places.find(|place| Path::is_file(place))
}

pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").port()
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
