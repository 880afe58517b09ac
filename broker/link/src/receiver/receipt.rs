//! What came, and the one way to answer it.
//!
//! A gateway deletes what is acknowledged. So the types see to it that this cannot happen by
//! forgetting, by repeating or by hoping:
//! - dropping a [`Receipt`] says nothing, and the gateway sends again;
//! - a receipt is used up by its answer, and only the receiver makes one;
//! - an answer that lets a gateway advance needs [`Durable`], which only a journal makes, after
//!   its `fdatasync`.
//!
//! What the types cannot see is that the proof covers the very records: that is for ingest, which
//! stores them and the sequence in one commit.

use std::sync::Arc;

use veglia_journal::Durable;
use veglia_wire::{Epoch, GatewayId, Hello, Refusal, Sequence, State, Topic};

use super::board::{Board, Word};

/// What a gateway sent.
#[derive(Debug)]
pub enum Incoming {
    /// A frame.
    Frame(Parcel),
    /// The greeting of a gateway that has just connected, or that was asked for a sequence it
    /// does not keep any more. When its oldest sequence lies beyond the one that ingest waits
    /// for, nobody has what is between: ingest notes the loss and goes on at the oldest.
    Hello {
        /// By the topic, on which the broker lets only this gateway publish.
        gateway: GatewayId,
        /// What it said.
        hello: Hello,
        /// The answer, not yet given.
        reply: Reply,
    },
    /// How a gateway is at this moment. Nothing is to be answered, and losing one loses nothing.
    State {
        /// By the topic, on which the broker lets only this gateway publish.
        gateway: GatewayId,
        /// What it said.
        state: State,
    },
}

/// A frame as it came, not looked at.
#[derive(Debug)]
pub struct Parcel {
    /// By the topic, on which the broker lets only this gateway publish.
    pub gateway: GatewayId,
    /// The frame's bytes, whatever they are.
    pub bytes: Vec<u8>,
    /// The answer, not yet given.
    pub receipt: Receipt,
}

/// The answer to a frame, not yet given. Dropping it acknowledges nothing.
///
/// Only the receiver makes one:
/// ```compile_fail,E0451
/// use veglia_link::Receipt;
/// fn forge(pattern: Receipt) -> Receipt {
///     Receipt { ..pattern }
/// }
/// ```
/// Without proof there is no acknowledgement:
/// ```compile_fail,E0061
/// use veglia_link::Receipt;
/// use veglia_wire::{Epoch, Sequence};
/// fn hope(receipt: Receipt, epoch: Epoch, through: Sequence) {
///     receipt.acknowledge(epoch, through);
/// }
/// ```
/// It is used once:
/// ```compile_fail,E0382
/// use veglia_journal::Durable;
/// use veglia_link::Receipt;
/// use veglia_wire::{Epoch, Sequence};
/// fn twice(receipt: Receipt, durable: &Durable, epoch: Epoch, through: Sequence) {
///     receipt.acknowledge(durable, epoch, through);
///     receipt.acknowledge(durable, epoch, through);
/// }
/// ```
/// This is how it goes:
/// ```
/// use veglia_journal::Durable;
/// use veglia_link::Receipt;
/// use veglia_wire::{Epoch, Sequence};
/// fn stored(receipt: Receipt, durable: &Durable, epoch: Epoch, through: Sequence) {
///     receipt.acknowledge(durable, epoch, through);
/// }
/// ```
#[derive(Debug)]
#[must_use = "the gateway sends this frame again until it is answered"]
pub struct Receipt {
    address: Address,
}

/// The answer to a greeting, not yet given. It repeats what an acknowledgement would say.
#[derive(Debug)]
#[must_use = "the gateway waits to hear how far ingest is"]
pub struct Reply {
    address: Address,
}

/// To whom an answer goes.
#[derive(Debug)]
struct Address {
    board: Arc<Board>,
    topic: Topic,
}

impl Address {
    fn say(self, epoch: Epoch, word: Word) {
        let Topic {
            partition, gateway, ..
        } = self.topic;
        self.board.say(partition, gateway, epoch, word);
    }
}

impl Incoming {
    pub(super) fn hello(board: Arc<Board>, topic: Topic, hello: Hello) -> Self {
        Self::Hello {
            gateway: topic.gateway.clone(),
            hello,
            reply: Reply {
                address: Address { board, topic },
            },
        }
    }
}

impl Parcel {
    pub(super) fn new(board: Arc<Board>, topic: Topic, bytes: Vec<u8>) -> Self {
        Self {
            gateway: topic.gateway.clone(),
            bytes,
            receipt: Receipt {
                address: Address { board, topic },
            },
        }
    }
}

impl Receipt {
    /// Everything of this epoch up to and including `through` is on disk, by the proof of a
    /// commit that holds the records **and** this sequence, or of any later one. For a frame that
    /// was seen before, the newest proof at hand will do: it covers all before it.
    ///
    /// The gateway then deletes the records. Never waits, never fails.
    pub fn acknowledge(self, durable: &Durable, epoch: Epoch, through: Sequence) {
        tracing::trace!(journal.through = durable.through().get(), "acknowledged");
        self.address.say(epoch, Word::Durable(through));
    }

    /// The frame begins after a hole, or was damaged: nothing of it was kept. Ingest waits for
    /// `expected`. Lets the gateway advance no further than it has been acknowledged before.
    pub fn expect(self, epoch: Epoch, expected: Sequence) {
        self.address.say(epoch, Word::Expected(expected));
    }

    /// The frame is undamaged and cannot be understood. It lies in quarantine, durably, and
    /// counts as received, so that what comes after it can be stored; the gateway keeps its copy
    /// of the refused records. Otherwise as [`Receipt::acknowledge`].
    pub fn refuse(self, durable: &Durable, epoch: Epoch, through: Sequence, refusal: Refusal) {
        tracing::trace!(journal.through = durable.through().get(), "refused");
        self.address.say(epoch, Word::Refused(through, refusal));
    }
}

impl Reply {
    /// Everything of this epoch up to and including `through` is on disk: what was acknowledged
    /// before is said again. The newest proof at hand will do; a process that has just started
    /// has one when it has appended its first entry.
    pub fn known(self, durable: &Durable, epoch: Epoch, through: Sequence) {
        tracing::trace!(journal.through = durable.through().get(), "repeated");
        self.address.say(epoch, Word::Durable(through));
    }

    /// Nothing of this epoch has ever come. Lets the gateway advance nowhere, so it needs no
    /// proof.
    pub fn nothing(self, epoch: Epoch) {
        self.address.say(epoch, Word::Nothing);
    }
}
