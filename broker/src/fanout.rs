//! Who gets what the backend delivers.
//!
//! A message to a gateway has one possible hearer, one upward has the services of its partition:
//! each is one look-up. Delivery never waits. Every session has a [`Mailbox`] bounded in messages
//! and bytes; whoever lets it fill is disconnected, and learns by that that something was missed:
//! the end-to-end acknowledgement then repairs it. Waiting instead would let one slow reader stop
//! everybody, and dropping instead would be a silent loss.
//!
//! Who hears a message is decided when the backend delivers it. So whoever subscribes may get a
//! few that were handed over just before: harmless, since a frame may come twice anyway.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;
use veglia_wire::{Filter, Topic};

use crate::backend::Message;
use crate::refusal::Refusal;
use crate::rules::Subscription;
use crate::takeover::Kick;

/// What may wait for one session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    messages: usize,
    bytes: usize,
}

impl Room {
    /// Acknowledgements are some 50 bytes, and at most one in 20 ms: this is five seconds.
    pub(crate) const GATEWAY: Self = Self {
        messages: 256,
        bytes: 256 * 1024,
    };

    /// Two thousand gateways that come back together, each with four frames before the service
    /// has read the first; or 8 MiB, which keeps a stalled service cheap.
    pub(crate) const SERVICE: Self = Self {
        messages: 8192,
        bytes: 8 * 1024 * 1024,
    };
}

/// Makes both ends of a mailbox for the session with this number.
pub(crate) fn mailbox(number: u64, room: Room, kick: &Arc<Kick>) -> (Slot, Mailbox) {
    let (sender, receiver) = mpsc::channel(room.messages);
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let slot = Slot {
        number,
        sender,
        most_bytes: room.bytes,
        waiting_bytes: Arc::clone(&waiting_bytes),
        kick: Arc::clone(kick),
    };
    let mailbox = Mailbox {
        receiver,
        waiting_bytes,
    };
    (slot, mailbox)
}

/// The end that the fan-out fills.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    number: u64,
    sender: mpsc::Sender<Message>,
    most_bytes: usize,
    waiting_bytes: Arc<AtomicUsize>,
    kick: Arc<Kick>,
}

impl Slot {
    fn put(&self, message: Message) {
        let bytes = message.payload.len();
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.most_bytes || self.sender.try_send(message).is_err() {
            self.kick.kick(Refusal::TooSlow);
        }
    }
}

/// The end that a session empties.
#[derive(Debug)]
pub(crate) struct Mailbox {
    receiver: mpsc::Receiver<Message>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Mailbox {
    /// The next message. It waits for ever once the fan-out has forgotten the session.
    pub(crate) async fn next(&mut self) -> Message {
        match self.receiver.recv().await {
            Some(message) => self.taken(message),
            None => std::future::pending().await,
        }
    }

    /// The next message that is already here.
    pub(crate) fn here(&mut self) -> Option<Message> {
        let message = self.receiver.try_recv().ok()?;
        Some(self.taken(message))
    }

    fn taken(&self, message: Message) -> Message {
        let bytes = message.payload.len();
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        message
    }
}

/// The table of subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Fanout {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// A gateway has one session at most, so a topic has one hearer.
    topics: HashMap<Topic, Slot>,
    filters: HashMap<Filter, Vec<Slot>>,
}

impl Fanout {
    /// Puts a message in the mailbox of everybody who subscribed to it; says how many.
    pub(crate) fn deliver(&self, topic: &Topic, message: &Message) -> usize {
        let table = self.table();
        let hearers = if topic.channel.is_upward() {
            let filter = Filter {
                partition: topic.partition,
                channel: topic.channel,
            };
            table.filters.get(&filter).map(Vec::as_slice)
        } else {
            table.topics.get(topic).map(std::slice::from_ref)
        };
        let hearers = hearers.unwrap_or_default();
        for slot in hearers {
            slot.put(message.clone());
        }
        hearers.len()
    }

    /// How many subscriptions there are.
    pub(crate) fn subscriptions(&self) -> usize {
        let table = self.table();
        table.topics.len() + table.filters.values().map(Vec::len).sum::<usize>()
    }

    fn add(&self, subscription: &Subscription, slot: &Slot) {
        let mut table = self.table();
        match subscription {
            Subscription::One(topic) => {
                table.topics.insert(topic.clone(), slot.clone());
            }
            Subscription::Partition(filter) => {
                table.filters.entry(*filter).or_default().push(slot.clone());
            }
        }
    }

    fn remove(&self, subscription: &Subscription, number: u64) {
        let mut table = self.table();
        match subscription {
            Subscription::One(topic) => {
                table.topics.remove(topic);
            }
            Subscription::Partition(filter) => {
                let slots = table.filters.entry(*filter).or_default();
                slots.retain(|slot| slot.number != number);
                if slots.is_empty() {
                    table.filters.remove(filter);
                }
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nothing panics under this lock")
    }
}

/// What one session subscribed to; forgotten by the fan-out when it is dropped.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    fanout: Arc<Fanout>,
    slot: Slot,
    held: HashSet<Subscription>,
}

impl Subscriptions {
    pub(crate) fn new(fanout: &Arc<Fanout>, slot: Slot) -> Self {
        Self {
            fanout: Arc::clone(fanout),
            slot,
            held: HashSet::new(),
        }
    }

    /// A subscription that is already there stays as it is.
    pub(crate) fn add(&mut self, subscription: Subscription) {
        if !self.held.contains(&subscription) {
            self.fanout.add(&subscription, &self.slot);
            self.held.insert(subscription);
        }
    }

    pub(crate) fn remove(&mut self, subscription: &Subscription) {
        if self.held.remove(subscription) {
            self.fanout.remove(subscription, self.slot.number);
        }
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        for subscription in &self.held {
            self.fanout.remove(subscription, self.slot.number);
        }
    }
}
