//! Who gets what the backend delivers.
//!
//! A message to a gateway has one possible hearer, one upward has the services of its partition:
//! each is one look-up. Delivery never waits. Every session has a [`Mailbox`] bounded in messages
//! and bytes; whoever lets it fill is disconnected, and learns by that that something was missed:
//! the end-to-end acknowledgement then repairs it. Waiting instead would let one slow reader stop
//! everybody, and dropping instead would be a silent loss.
//!
//! Of a service's mailbox one gateway may fill no more than its [`Room::share`]: what goes beyond
//! is not put there, and whoever sent it is disconnected instead of the service. It learns by that
//! that something was missed, as above.
//!
//! Who hears a message is decided when the backend delivers it. So whoever subscribes may get a
//! few that were handed over just before: harmless, since a frame may come twice anyway.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;
use veglia_wire::{Filter, GatewayId, Topic};

use crate::backend::Message;
use crate::config::Limits;
use crate::rate::STEP_BYTES;
use crate::refusal::Refusal;
use crate::rules::Subscription;
use crate::takeover::Kick;

/// A gateway that keeps to its rate fills its share when a service reads nothing for this long. A
/// service that works reads on within far less.
const SHARE_SECONDS: u32 = 4;

/// What may wait for one session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    messages: usize,
    bytes: usize,
    /// What may wait of one gateway.
    share: Option<Heap>,
}

/// So much of something.
#[derive(Debug, Clone, Copy, Default)]
struct Heap {
    messages: usize,
    bytes: usize,
}

impl Room {
    /// Acknowledgements are some 50 bytes, and at most one in 20 ms: this is five seconds.
    pub(crate) const GATEWAY: Self = Self {
        messages: 256,
        bytes: 256 * 1024,
        share: None,
    };

    /// Two thousand gateways that come back together, each with four frames before the service
    /// has read the first; or 8 MiB, which keeps a stalled service cheap.
    ///
    /// A share is what the rate lets one gateway send in [`SHARE_SECONDS`]: by default 328 messages
    /// and 1.3 MiB, which is two windows of the largest frames. Six that conspire fill less than
    /// the whole.
    pub(crate) fn service(limits: &Limits) -> Self {
        let sent = SHARE_SECONDS.saturating_mul(limits.packets_per_second.get());
        let steps = sent.saturating_add(limits.packet_burst.get());
        let messages = usize::try_from(steps).unwrap_or(usize::MAX);
        Self {
            messages: 8192,
            bytes: 8 * 1024 * 1024,
            share: Some(Heap {
                messages,
                bytes: messages.saturating_mul(STEP_BYTES),
            }),
        }
    }
}

/// Makes both ends of a mailbox for the session with this number.
pub(crate) fn mailbox(number: u64, room: Room, kick: &Arc<Kick>) -> (Slot, Mailbox) {
    let (sender, receiver) = mpsc::channel(room.messages);
    let waiting = Arc::new(Mutex::default());
    let slot = Slot {
        number,
        sender,
        room,
        waiting: Arc::clone(&waiting),
        kick: Arc::clone(kick),
    };
    let mailbox = Mailbox { receiver, waiting };
    (slot, mailbox)
}

/// The end that the fan-out fills.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    number: u64,
    sender: mpsc::Sender<Letter>,
    room: Room,
    waiting: Arc<Mutex<Waiting>>,
    kick: Arc<Kick>,
}

/// A message with its gateway.
#[derive(Debug)]
struct Letter {
    gateway: GatewayId,
    message: Message,
}

/// What is in a mailbox.
#[derive(Debug, Default)]
struct Waiting {
    bytes: usize,
    /// Only of gateways of which something waits.
    by_gateway: HashMap<GatewayId, Heap>,
}

impl Slot {
    /// Whether the gateway has room for it.
    fn put(&self, gateway: &GatewayId, message: &Message) -> bool {
        let bytes = message.payload.len();
        let mut waiting = locked(&self.waiting);
        let of_gateway = waiting.by_gateway.get(gateway).copied().unwrap_or_default();
        let with_it = Heap {
            messages: of_gateway.messages + 1,
            bytes: of_gateway.bytes + bytes,
        };
        if self.room.share.is_some_and(|share| with_it.exceeds(share)) {
            return false;
        }
        let letter = Letter {
            gateway: gateway.clone(),
            message: message.clone(),
        };
        let is_room = waiting.bytes + bytes <= self.room.bytes;
        if is_room && self.sender.try_send(letter).is_ok() {
            waiting.bytes += bytes;
            waiting.by_gateway.insert(gateway.clone(), with_it);
        } else {
            self.kick.kick(Refusal::TooSlow);
        }
        true
    }
}

impl Heap {
    fn exceeds(self, share: Self) -> bool {
        self.messages > share.messages || self.bytes > share.bytes
    }
}

/// The end that a session empties.
#[derive(Debug)]
pub(crate) struct Mailbox {
    receiver: mpsc::Receiver<Letter>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Mailbox {
    /// The next message. It waits for ever once the fan-out has forgotten the session.
    pub(crate) async fn next(&mut self) -> Message {
        match self.receiver.recv().await {
            Some(letter) => self.taken(letter),
            None => std::future::pending().await,
        }
    }

    /// The next message that is already here.
    pub(crate) fn here(&mut self) -> Option<Message> {
        let letter = self.receiver.try_recv().ok()?;
        Some(self.taken(letter))
    }

    fn taken(&self, letter: Letter) -> Message {
        let bytes = letter.message.payload.len();
        let mut waiting = locked(&self.waiting);
        waiting.bytes -= bytes;
        if let Some(heap) = waiting.by_gateway.get_mut(&letter.gateway) {
            heap.messages -= 1;
            heap.bytes -= bytes;
            if heap.messages == 0 {
                waiting.by_gateway.remove(&letter.gateway);
            }
        }
        letter.message
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// How many subscribed to it.
    pub(crate) hearers: usize,
    /// Whether its gateway had no room left at one of them.
    pub(crate) is_beyond_share: bool,
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
    /// Puts a message in the mailbox of everybody who subscribed to it.
    pub(crate) fn deliver(&self, topic: &Topic, message: &Message) -> Delivery {
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
        let mut is_beyond_share = false;
        for slot in hearers {
            is_beyond_share |= !slot.put(&topic.gateway, message);
        }
        Delivery {
            hearers: hearers.len(),
            is_beyond_share,
        }
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
        locked(&self.table)
    }
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().expect("nothing panics under this lock")
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

#[cfg(test)]
mod tests;
