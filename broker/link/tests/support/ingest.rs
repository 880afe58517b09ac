//! A small ingest: de-duplicates, stores in a real journal, acknowledges what is durable.

use tokio::sync::{mpsc, watch};
use veglia_link::{Incoming, Parcel};
use veglia_wire::{
    FrameError, Hello, Record, RecordId, Refusal, RefusalReason, Sequence, State, UpFrame,
};

use super::shelf::{Place, Shelf, Source};

/// What a test can see of it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) stored: Vec<(RecordId, Record)>,
    pub(crate) hellos: Vec<Hello>,
    pub(crate) states: Vec<State>,
    pub(crate) frames: usize,
    pub(crate) repeated: usize,
    pub(crate) holes: usize,
}

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Proper,
    /// Drops every receipt.
    Forgetful,
    /// Understands nothing.
    Foreign,
}

pub(crate) struct Ingest {
    manner: Manner,
    shelf: Shelf,
    seen: watch::Sender<Seen>,
}

impl Ingest {
    pub(crate) fn new(manner: Manner) -> (Self, watch::Receiver<Seen>) {
        let (seen, watched) = watch::channel(Seen::default());
        let shelf = Shelf::new();
        let ingest = Self {
            manner,
            shelf,
            seen,
        };
        (ingest, watched)
    }

    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        while let Some(incoming) = incoming.recv().await {
            match incoming {
                Incoming::Frame(parcel) => self.frame(parcel),
                Incoming::Hello {
                    gateway,
                    hello,
                    reply,
                } => {
                    let source = (gateway, hello.epoch);
                    self.give_up_what_nobody_has(&source, hello.oldest);
                    self.shelf.answer(&source, reply);
                    self.seen.send_modify(|seen| seen.hellos.push(hello));
                }
                Incoming::State { state, .. } => {
                    self.seen.send_modify(|seen| seen.states.push(state));
                }
            }
        }
    }

    fn give_up_what_nobody_has(&mut self, source: &Source, oldest: Option<Sequence>) {
        let before = oldest.and_then(|oldest| Sequence::new(oldest.get() - 1));
        if let Some(before) = before.filter(|before| Some(*before) > self.shelf.through(source)) {
            self.shelf.keep(source.clone(), before, b"given up");
        }
    }

    fn frame(&mut self, parcel: Parcel) {
        let Parcel {
            gateway,
            bytes,
            receipt,
        } = parcel;
        self.seen.send_modify(|seen| seen.frames += 1);
        let frame = match UpFrame::decode(&bytes) {
            Ok(frame) => frame,
            Err(FrameError::BodyCrc { .. }) => return drop(receipt),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(frame.header.gateway, gateway);
        if self.manner == Manner::Forgetful {
            return drop(receipt);
        }
        let (epoch, first, last) = (frame.header.epoch, frame.header.first, frame.header.last());
        let source = (gateway, epoch);
        let expected = match self.shelf.place(&source, &frame.header) {
            Place::Beyond(expected) => {
                self.seen.send_modify(|seen| seen.holes += 1);
                return receipt.expect(epoch, expected);
            }
            Place::Known(through) => {
                self.seen.send_modify(|seen| seen.repeated += 1);
                return receipt.acknowledge(self.shelf.newest(), epoch, through);
            }
            Place::Next(expected) => expected,
        };
        self.shelf.keep(source, last, &bytes);
        if self.manner == Manner::Foreign {
            let refusal = Refusal {
                from: first,
                to: last,
                reason: RefusalReason::Undecodable,
            };
            return receipt.refuse(self.shelf.newest(), epoch, last, refusal);
        }
        let fresh = frame
            .into_numbered()
            .filter(|(id, _)| id.sequence >= expected);
        self.seen.send_modify(|seen| seen.stored.extend(fresh));
        receipt.acknowledge(self.shelf.newest(), epoch, last);
    }
}
