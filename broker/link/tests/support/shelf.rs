//! What an ingest has of each gateway, durable in a real journal on a filesystem in memory. What
//! it says to whom is for the ingest of each test to decide.

use std::collections::HashMap;
use std::path::Path;

use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{Durable, Journal, Options, SegmentedLog};
use veglia_link::Reply;
use veglia_wire::{Epoch, FrameHeader, GatewayId, Sequence};

/// Whose sequence it is.
pub(crate) type Source = (GatewayId, Epoch);

/// Where a frame belongs.
pub(crate) enum Place {
    /// Its records from this one on are new.
    Next(Sequence),
    /// Everything up to this one is here, and nothing in the frame is new.
    Known(Sequence),
    /// Something is missing before it, from this one on.
    Beyond(Sequence),
}

pub(crate) struct Shelf {
    log: SegmentedLog<FaultyFilesystem>,
    newest: Durable,
    through: HashMap<Source, Sequence>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        let fs = FaultyFilesystem::new();
        let opened = SegmentedLog::open(fs, Path::new("ingest"), Options::default());
        let (mut log, _) = opened.expect("a new journal");
        let newest = log.append(&[b"started"]).expect("stored");
        Self {
            log,
            newest,
            through: HashMap::new(),
        }
    }

    /// The proof that everything kept so far is durable.
    pub(crate) fn newest(&self) -> &Durable {
        &self.newest
    }

    pub(crate) fn through(&self, source: &Source) -> Option<Sequence> {
        self.through.get(source).copied()
    }

    /// Tells a gateway that has come what is here of it.
    pub(crate) fn answer(&self, source: &Source, reply: Reply) {
        match self.through(source) {
            Some(through) => reply.known(&self.newest, source.1, through),
            None => reply.nothing(source.1),
        }
    }

    pub(crate) fn place(&self, source: &Source, header: &FrameHeader) -> Place {
        let through = self.through(source);
        let expected = through.map_or(Sequence::FIRST, |through| through.plus(1));
        match through {
            _ if header.first > expected => Place::Beyond(expected),
            Some(through) if through >= header.last() => Place::Known(through),
            _ => Place::Next(expected),
        }
    }

    /// Keeps these bytes, after which everything up to `through` is here.
    pub(crate) fn keep(&mut self, source: Source, through: Sequence, bytes: &[u8]) {
        self.newest = self.log.append(&[bytes]).expect("stored");
        self.through.insert(source, through);
    }
}
