//! The seam behind the front door: what carries messages from those who send to those who listen.
//!
//! A backend is opened once, with the rights to everything, and is then two channels. Another
//! broker by URL is another implementation of [`Backend`]: one privileged connection that
//! subscribes to all of `v1/#`. Grants are kept in front of it, by the door, whichever it is.
//!
//! What it promises: a message comes back at most once, in the order it was handed over. What it
//! does not: durability. When it cannot go on it drops its end of a channel, and the door closes.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

/// Messages that wait to be handed over. Small: who sends should feel at once that the backend
/// is behind, by not being read from.
pub(crate) const HAND_OVER_MESSAGES: usize = 64;

/// Messages between the backend and the fan-out, which never waits.
pub(crate) const DELIVERIES_MESSAGES: usize = 64;

/// One message on its way. The door makes topics from typed ones only, so a backend never meets
/// a text that a client wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its bytes, which nobody here reads.
    pub payload: Bytes,
}

/// Both ends of an open backend.
#[derive(Debug)]
pub struct Link {
    /// What goes in.
    pub hand_over: mpsc::Sender<Message>,
    /// What comes out. It ends when the backend has ended.
    pub deliveries: mpsc::Receiver<Message>,
}

/// What can stand behind the front door.
pub trait Backend: Send {
    /// Opens it, within a tokio runtime. Everything handed over from now on comes back.
    fn open(self: Box<Self>) -> Result<Link, BackendError>;
}

/// Why a backend did not open.
#[derive(Debug, thiserror::Error)]
#[error("the message router did not start: restart the broker")]
pub struct BackendError(#[source] pub Box<dyn Error + Send + Sync>);
