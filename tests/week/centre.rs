//! The centre of the story: a broker and an ingest, as processes, and what they hold in the end.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use veglia_ingest::entry::Entry;
use veglia_journal::{HostFilesystem, Item, Journal, JournalReader, Options, SegmentedLog};
use veglia_wire::{Record, UpFrame};

use crate::process::Process;

/// Read at once.
const READ_BYTES: usize = 1024 * 1024;

/// A centre that runs.
#[derive(Debug)]
pub(crate) struct Centre {
    dir: PathBuf,
    pub(crate) broker: SocketAddr,
    /// The secret of the one box.
    pub(crate) secret: PathBuf,
    processes: [Process; 2],
}

/// A line of an export.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) device: String,
    pub(crate) vital: String,
    pub(crate) measured_ms: i64,
    /// The value without its decimal point.
    pub(crate) steps: u16,
    pub(crate) quality: String,
}

impl Centre {
    /// Makes and starts a centre in an empty folder.
    pub(crate) fn start(dir: &Path) -> Self {
        let (port, secret) = (free_port(), dir.join("box.secret"));
        let text = format!(
            "data = {:?}\n[broker]\nlisten = \"127.0.0.1:{port}\"\n[ingest]\nbroker = \
             \"127.0.0.1:{port}\"\nsecret_file = {:?}\n",
            dir.join("data"),
            dir.join("ingest.secret"),
        );
        fs::write(dir.join("centre.toml"), text).expect("a file can be written");
        let admit = |whom: &[&str], secret: &Path| {
            let mut command = veglia(dir, "identity");
            let done = command.args(whom).arg("--secret-file").arg(secret).output();
            let done = done.expect("the program can be started");
            assert!(done.status.success(), "{done:?}");
        };
        admit(&["gateway", "casa-001"], &secret);
        admit(&["ingest"], &dir.join("ingest.secret"));
        let start = |role: &str, up: &str| {
            let log = dir.join(format!("{role}.log"));
            let mut process = Process::start(&mut veglia(dir, role), &log);
            process.wait_for(up, 1);
            process
        };
        let broker = start("broker", "front door open");
        let ingest = start("ingest", "receiving from the broker");
        Self {
            dir: dir.to_owned(),
            broker: SocketAddr::from(([127, 0, 0, 1], port)),
            secret,
            processes: [ingest, broker],
        }
    }

    /// All that is stored, by time.
    pub(crate) fn export(&self) -> Vec<Stored> {
        let done = veglia(&self.dir, "export").output();
        let done = done.expect("the program can be started");
        assert!(done.status.success(), "{done:?}");
        let text = String::from_utf8(done.stdout).expect("an export is text");
        text.lines().skip(1).map(stored).collect()
    }

    /// Ends it in order; answers every record that was received, by its sequence, in the order of
    /// receipt.
    pub(crate) fn end(self) -> Vec<(u64, Record)> {
        for process in self.processes {
            drop(process.end());
        }
        received(&self.dir.join("data/ingest/journal"))
    }
}

fn veglia(dir: &Path, role: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
    command.arg("--config").arg(dir.join("centre.toml"));
    command
        .arg(role)
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG");
    command
}

fn stored(line: &str) -> Stored {
    let fields: Vec<&str> = line.split(',').collect();
    let [device, vital, measured_ms, value, quality] = fields[..] else {
        panic!("a line of the export has five fields: {line}");
    };
    Stored {
        device: device.to_owned(),
        vital: vital.to_owned(),
        measured_ms: measured_ms.parse().expect("a time is a number"),
        steps: value.replace('.', "").parse().expect("a decimal"),
        quality: quality.to_owned(),
    }
}

fn received(journal: &Path) -> Vec<(u64, Record)> {
    let opened = SegmentedLog::open(HostFilesystem, journal, Options::default());
    let (journal, _) = opened.expect("the journal can be opened");
    let mut records = Vec::new();
    let (mut reader, mut next) = (journal.reader(), journal.oldest());
    while next < journal.next() {
        for item in reader.read(next, READ_BYTES).expect("it can be read") {
            let Item::Entry(entry) = item else {
                panic!("the journal is damaged: {item:?}");
            };
            next = entry.position.next();
            let entry = Entry::decode(&entry.bytes).expect("an entry");
            let Entry::Frame { skip, bytes, .. } = entry else {
                continue;
            };
            let frame = UpFrame::decode(&bytes).expect("what is in the journal is whole");
            let numbered = (frame.header.first.get()..).zip(frame.records);
            records.extend(numbered.skip(usize::from(skip)));
        }
    }
    records
}

/// A port that nobody listens on now, below the range of outgoing connections.
fn free_port() -> u16 {
    let mut chance = fastrand::Rng::new();
    std::iter::repeat_with(|| chance.u16(10_000..32_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("an endless row ends only when something is found")
}
