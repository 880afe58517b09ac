//! A small ingest: de-duplicates, stores in a real journal, acknowledges what is durable.

use std::collections::HashMap;
use std::path::Path;

use tokio::sync::{mpsc, watch};
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{Durable, Journal, Options, SegmentedLog};
use veglia_link::{Incoming, Parcel};
use veglia_wire::{
    Epoch, FrameError, GatewayId, Hello, Record, RecordId, Refusal, RefusalReason, Sequence, State,
    UpFrame,
};

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
    log: SegmentedLog<FaultyFilesystem>,
    newest: Durable,
    through: HashMap<(GatewayId, Epoch), Sequence>,
    seen: watch::Sender<Seen>,
}

impl Ingest {
    pub(crate) fn new(manner: Manner) -> (Self, watch::Receiver<Seen>) {
        let fs = FaultyFilesystem::new();
        let opened = SegmentedLog::open(fs, Path::new("ingest"), Options::default());
        let (mut log, _) = opened.unwrap();
        let newest = log.append(&[b"started"]).unwrap();
        let (seen, watched) = watch::channel(Seen::default());
        let ingest = Self {
            manner,
            log,
            newest,
            through: HashMap::new(),
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
                    let key = (gateway, hello.epoch);
                    self.give_up_what_nobody_has(&key, hello.oldest);
                    match self.through.get(&key) {
                        Some(through) => reply.known(&self.newest, hello.epoch, *through),
                        None => reply.nothing(hello.epoch),
                    }
                    self.seen.send_modify(|seen| seen.hellos.push(hello));
                }
                Incoming::State { state, .. } => {
                    self.seen.send_modify(|seen| seen.states.push(state));
                }
            }
        }
    }

    fn give_up_what_nobody_has(&mut self, key: &(GatewayId, Epoch), oldest: Option<Sequence>) {
        let before = oldest.and_then(|oldest| Sequence::new(oldest.get() - 1));
        if let Some(before) = before.filter(|_| before.as_ref() > self.through.get(key)) {
            self.newest = self.log.append(&[b"given up"]).unwrap();
            self.through.insert(key.clone(), before);
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
        let (epoch, first, last) = (frame.header.epoch, frame.header.first, frame.header.last());
        let key = (gateway, epoch);
        let through = self.through.get(&key).copied();
        let expected = through.map_or(Sequence::FIRST, |through| through.plus(1));
        if self.manner == Manner::Forgetful {
            return drop(receipt);
        }
        if first > expected {
            self.seen.send_modify(|seen| seen.holes += 1);
            return receipt.expect(epoch, expected);
        }
        if let Some(through) = through.filter(|through| *through >= last) {
            self.seen.send_modify(|seen| seen.repeated += 1);
            return receipt.acknowledge(&self.newest, epoch, through);
        }
        self.newest = self.log.append(&[&bytes]).unwrap();
        self.through.insert(key, last);
        if self.manner == Manner::Foreign {
            let refusal = Refusal {
                from: first,
                to: last,
                reason: RefusalReason::Undecodable,
            };
            return receipt.refuse(&self.newest, epoch, last, refusal);
        }
        let fresh = frame
            .into_numbered()
            .filter(|(id, _)| id.sequence >= expected);
        self.seen.send_modify(|seen| seen.stored.extend(fresh));
        receipt.acknowledge(&self.newest, epoch, last);
    }
}
