//! What ingest's journal and a gateway's outbox hold while their owners do not run.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use veglia_ingest::entry::Entry;
use veglia_journal::{HostFilesystem, Item, Journal, JournalReader, Options, SegmentedLog};
use veglia_link::{Outbox, OutboxOptions};
use veglia_wire::{Body, Gap, UpFrame};

use crate::house::House;
use crate::process::wait_until;

/// The life of a gateway that only delivers.
const DRAINING: usize = 999;

/// Far longer than an acknowledgement takes.
const A_WHILE: Duration = Duration::from_secs(2);

/// Read at once.
const READ_BYTES: usize = 1024 * 1024;

/// What ingest has on disk.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Of each outbox, the sequences in order of arrival.
    pub(crate) sequences: BTreeMap<(String, u64), Vec<u64>>,
    /// What gateways said that they could not keep.
    pub(crate) gaps: Vec<Gap>,
}

impl Kept {
    /// Neighbours among sequences that came twice or not in order.
    pub(crate) fn disordered(&self) -> Vec<(u64, u64)> {
        let pairs = self.sequences.values().flat_map(|all| all.windows(2));
        let pairs = pairs.map(|pair| (pair[0], pair[1]));
        pairs.filter(|(one, next)| one >= next).collect()
    }
}

/// Reads the journal in ingest's directory.
pub(crate) fn kept(ingest: &Path) -> Kept {
    let (journal, _) =
        SegmentedLog::open(HostFilesystem, &ingest.join("journal"), Options::default())
            .expect("the journal can be opened");
    let mut kept = Kept::default();
    let mut reader = journal.reader();
    let mut next = journal.oldest();
    while next < journal.next() {
        for item in reader.read(next, READ_BYTES).expect("it can be read") {
            match item {
                Item::Entry(entry) => {
                    next = entry.position.next();
                    kept.take(&Entry::decode(&entry.bytes).expect("an entry"));
                }
                Item::Damaged { to, .. } => next = to.next(),
            }
        }
    }
    kept
}

impl Kept {
    fn take(&mut self, entry: &Entry) {
        let Entry::Frame { skip, bytes, .. } = entry else {
            return;
        };
        let frame = UpFrame::decode(bytes).expect("what is in the journal is whole");
        let outbox = (frame.header.gateway.to_string(), frame.header.epoch.0);
        let sequences = self.sequences.entry(outbox).or_default();
        let numbered = (frame.header.first.get()..).zip(&frame.records);
        for (number, record) in numbered.skip(usize::from(*skip)) {
            sequences.push(number);
            if let Body::Gap(gap) = record.body {
                self.gaps.push(gap);
            }
        }
    }
}

/// Sees to it that a gateway, which does not run now, has nothing left to deliver: an
/// acknowledgement may have been on its way when it ended, so it may run again for a while.
pub(crate) fn drain(house: &House, gateway: &str) {
    let outbox = house.path(&format!("data/gateway/{gateway}/outbox"));
    wait_until("the outbox has delivered all", || {
        let outbox = Outbox::open(&outbox, OutboxOptions::default());
        let waiting = outbox.expect("it can be opened").status().waiting();
        if waiting > 0 {
            let mut again = house.start(gateway, "gateway", DRAINING);
            again.wait_for("connected to the broker", 1);
            thread::sleep(A_WHILE);
            again.end();
        }
        (waiting == 0).then_some(())
    });
}
