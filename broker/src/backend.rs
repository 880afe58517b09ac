//! The seam behind the front door: what carries messages from those who send to those who listen.
//!
//! A backend is opened with the rights to everything, and is then two channels. There are two:
//! rumqttd in this process, and another broker by URL. Grants are kept in front of it, by the
//! door, whichever it is.
//!
//! What it promises: a message comes back at most once, in the order it was handed over. What it
//! does not: durability. When it is behind, or away, it stops taking messages, and whoever sends
//! feels it. When it cannot go on it drops its end of a channel, and the door closes.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::tls::TlsError;

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
    /// Opens it, within a tokio runtime. Everything handed over from now on comes back. It may be
    /// opened again when what was opened before has ended, or its channels were dropped.
    fn open(&self) -> Result<Link, BackendError>;

    /// What helps when nothing comes back.
    fn remedy(&self) -> Remedy {
        Remedy::Reopen
    }

    /// How it fares, for whoever watches over the door; `None` if it has nothing to tell beside
    /// what the probe sees.
    fn standing(&self) -> Option<watch::Receiver<Standing>> {
        None
    }
}

/// What helps when a backend carries nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// It is ours and has stopped: open it again, or end the process.
    Reopen,
    /// It is somebody else's and away, and it is being called already: opening it again would
    /// only call it another time, and ending the process would send everybody away for nothing.
    /// The door is not ready until it is back.
    Wait,
}

/// How a backend that can be away fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it takes messages now.
    pub connected: bool,
    /// How often it was reached since the start.
    pub connections: u64,
    /// Messages that were handed over to it and did not come back before a connection ended. Each
    /// is sent again by whoever it belongs to: nobody deletes a reading for a hand-over.
    pub lost: u64,
    /// Messages on our topics that somebody else published in it; they go no further.
    pub foreign: u64,
}

/// Why a backend did not open.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The router of this process.
    #[error("the message router did not start: restart the broker")]
    Router(#[source] Box<dyn Error + Send + Sync>),
    /// The password of the broker behind the door.
    #[error(
        "the password of the broker behind the door cannot be read from {}: \
         write it there, readable by this user, or correct password_file", file.display()
    )]
    Password {
        /// Where it should be.
        file: PathBuf,
        /// Why it is not.
        #[source]
        source: io::Error,
    },
    /// The certificates for the broker behind the door.
    #[error("the files of TLS for the broker behind the door cannot be used")]
    Tls(#[source] TlsError),
}
