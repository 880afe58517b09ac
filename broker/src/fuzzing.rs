//! The door without sockets, for a fuzzer: one client, its bytes, and everything that follows from
//! them. Built only under `--cfg fuzzing`, which nothing that is shipped is.
//!
//! What stands around a session here is as small as it can be: nobody else is in the house, and
//! whatever is handed over comes back at once, to its hearers and, turned round, to whoever said
//! it. Time is the caller's runtime's: with a paused clock a second costs nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, watch};
use veglia_identity::{Identities, ParseError};
use veglia_wire::{Channel, Topic};

use crate::backend::{HAND_OVER_MESSAGES, Message};
use crate::config::Limits;
use crate::fanout::Fanout;
use crate::session::{self, Hall};

/// Who is known at the door.
#[derive(Debug)]
pub struct Door {
    identities: Arc<Identities>,
}

/// What followed from what a client said.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What it was answered, in bytes of MQTT.
    pub answers: Vec<u8>,
    /// What went on to the backend.
    pub handed_over: Vec<Message>,
}

impl Door {
    /// A door with this identity file.
    pub fn new(identities: &str) -> Result<Self, ParseError> {
        let identities = Arc::new(Identities::parse(identities)?);
        Ok(Self { identities })
    }

    /// One client comes, says these bytes in pieces of at most so many, and is gone.
    pub async fn hear(&self, bytes: &[u8], piece_bytes: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let (hand_over, mut handed_over) = mpsc::channel(HAND_OVER_MESSAGES);
        let hall = self.hall(hand_over);
        let script = Script {
            says: bytes,
            piece_bytes,
            hears: &mut outcome.answers,
        };
        let carry = async {
            while let Some(message) = handed_over.recv().await {
                bring_back(&message, &hall.fanout);
                outcome.handed_over.push(message);
            }
        };
        tokio::select! {
            biased;
            () = carry => {}
            () = session::run(script, None, &hall) => {}
        }
        while let Ok(message) = handed_over.try_recv() {
            outcome.handed_over.push(message);
        }
        outcome
    }

    fn hall(&self, hand_over: mpsc::Sender<Message>) -> Hall {
        Hall {
            identities: watch::channel(Arc::clone(&self.identities)).1,
            trust: watch::channel(None).1,
            arrivals: Arc::default(),
            seats: Arc::default(),
            fanout: Arc::default(),
            hand_over,
            counters: Arc::default(),
            limits: Limits::default(),
        }
    }
}

/// To its hearers, and to whoever said it as if the other side had.
fn bring_back(message: &Message, fanout: &Fanout) {
    let Ok(topic) = message.topic.parse::<Topic>() else {
        return;
    };
    let channel = if topic.channel.is_upward() {
        Channel::Ack
    } else {
        Channel::Up
    };
    fanout.deliver(&topic, message);
    let turned = Topic { channel, ..topic };
    let text = Arc::from(turned.to_string());
    let payload = message.payload.clone();
    fanout.deliver(
        &turned,
        &Message {
            topic: text,
            payload,
        },
    );
}

/// A client that says what it says and listens to everything.
struct Script<'a> {
    says: &'a [u8],
    piece_bytes: usize,
    hears: &'a mut Vec<u8>,
}

impl AsyncRead for Script<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.says.len().min(self.piece_bytes).min(into.remaining());
        let (piece, rest) = self.says.split_at(bytes);
        into.put_slice(piece);
        self.says = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.hears.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
