//! A journal in memory and a writer on it: readings in portions with positions, fed from wherever
//! the writer's cursor stands.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_influx::{Config, Pace, Portion, RunError, Writer};
use veglia_journal::{CursorFile, HostFilesystem, Position};
use veglia_series::Sample;
use veglia_wire::{DeviceId, Quality, Site, VitalKind, WallMs};

use crate::server::{BUCKET, Fields, Key, ORG, Server, TOKEN};

/// A moment in November 2023.
const START_MS: i64 = 1_700_000_000_000;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Readings and the positions they stand at: portion `n` is entry `n + 1`.
pub(crate) struct Feed {
    portions: Vec<Vec<Sample>>,
}

impl Feed {
    /// So many readings, in portions of so many; each another than every other: different vital
    /// signs, sites, flags, late ones and some of uncertain time among them.
    pub(crate) fn new(readings: usize, portion: usize) -> Self {
        let samples: Vec<Sample> = (0..).map(sample).take(readings).collect();
        Self {
            portions: samples.chunks(portion).map(<[Sample]>::to_vec).collect(),
        }
    }

    /// All readings as a server must have them.
    pub(crate) fn points(&self) -> BTreeMap<Key, Fields> {
        self.portions.iter().flatten().map(point).collect()
    }

    /// The identities of all readings in the first `entries` entries.
    pub(crate) fn points_before(&self, entries: u64) -> Vec<Key> {
        let entries = usize::try_from(entries).expect("few portions");
        let samples = self.portions.iter().take(entries).flatten();
        samples.map(|it| point(it).0).collect()
    }

    /// The position after the last entry.
    pub(crate) fn end(&self) -> Position {
        at(self.portions.len())
    }

    /// Hands everything from where the writer stands to it; ends early when the writer does.
    pub(crate) async fn give(&self, writer: &Writer, to: mpsc::Sender<Portion>) {
        let from = writer.resume_from().map_or(0, index);
        self.give_from(from, to).await;
    }

    async fn give_from(&self, from: usize, to: mpsc::Sender<Portion>) {
        for (number, samples) in self.portions.iter().enumerate().skip(from) {
            let portion = Portion {
                samples: samples.clone(),
                next: at(number + 1),
                end: self.end(),
                missed: 0,
            };
            if to.send(portion).await.is_err() {
                return;
            }
        }
    }

    /// Runs a writer until all is delivered, or until `stop`.
    pub(crate) async fn run(
        &self,
        writer: Writer,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        let (to, portions) = mpsc::channel(2);
        let from = writer.resume_from().map_or(0, index);
        let (ran, ()) = tokio::join!(writer.run(portions, stop), self.give_from(from, to));
        ran
    }

    /// Runs a writer until all is delivered; panics when that takes too long.
    pub(crate) async fn deliver(&self, writer: Writer) {
        let run = self.run(writer, CancellationToken::new());
        let ran = tokio::time::timeout(PATIENCE, run).await;
        ran.expect("everything is delivered in time")
            .expect("the writer runs");
    }
}

fn at(portions: usize) -> Position {
    let number = u64::try_from(portions).expect("few portions") + 1;
    Position::new(number).expect("positions begin at 1")
}

fn index(position: Position) -> usize {
    usize::try_from(position.get() - 1).expect("few portions")
}

fn sample(number: i32) -> Sample {
    let vital = VitalKind::ALL[usize::try_from(number % 4).expect("not negative")];
    let is_temperature = vital == VitalKind::Temperature;
    let turn = usize::try_from(number / 4).expect("not negative");
    let flags = [
        Quality::empty(),
        Quality::empty(),
        Quality::ARTEFACT,
        Quality::TIME_UNCERTAIN | Quality::FROM_STORAGE,
        Quality::WEAK_SIGNAL | Quality::LOW_PERFUSION | Quality::EARLY,
    ];
    // Every tenth is hours late; the time of each is its own within its series.
    let late_ms = if turn % 10 == 9 { 5 * 3_600_000 } else { 0 };
    Sample {
        device: DeviceId::new(&format!("nonin:50{:02}.a", turn % 40)).expect("an identifier"),
        vital,
        site: if is_temperature {
            Site::ALL[turn % 11]
        } else {
            Site::Unknown
        },
        at: WallMs(START_MS + i64::from(number) * 250 - late_ms),
        value: if is_temperature {
            number % 4_000 - 50
        } else {
            number % 1_000
        },
        quality: flags[turn % flags.len()],
    }
}

/// The point that a reading must become, said without the code under test.
fn point(sample: &Sample) -> (Key, Fields) {
    let places = if sample.vital == VitalKind::Temperature {
        2
    } else {
        1
    };
    let per_unit = f64::from(sample.vital.steps_per_unit());
    let value = format!("{:.places$}", f64::from(sample.value) / per_unit);
    let site = format!("{:?}", sample.site).to_lowercase();
    let site = site.replace("gastrointestinal", "gastro-intestinal");
    let site = (sample.site != Site::Unknown).then_some(site);
    let key = (
        sample.device.to_string(),
        sample.vital.to_string(),
        site,
        sample.at.0,
    );
    (key, (value, sample.quality.bits()))
}

/// Fast enough for a test, otherwise as shipped.
pub(crate) fn hurry() -> Pace {
    Pace {
        timeout: Duration::from_secs(5),
        first: Duration::from_millis(2),
        busy: Duration::from_millis(5),
        longest: Duration::from_millis(20),
        slow: Duration::from_millis(20),
        gather: Duration::from_millis(20),
        keep_cursor: Duration::from_millis(2),
    }
}

/// What a centre would write for a server at `address`.
pub(crate) fn config_for(dir: &Path, address: SocketAddr) -> Config {
    let token_file = dir.join("influxdb.token");
    std::fs::write(&token_file, format!("{TOKEN}\n")).expect("a file can be written");
    Config {
        url: format!("http://{address}"),
        org: ORG.into(),
        bucket: BUCKET.into(),
        token_file,
        authority_file: None,
    }
}

/// A writer on a folder, which may have been used by one before.
pub(crate) fn writer(dir: &Path, server: &Server, pace: Pace) -> Writer {
    Writer::open(&config_for(dir, server.address), dir, pace).expect("a writer opens")
}

/// Where the cursor on disk stands.
pub(crate) fn cursor(dir: &Path) -> Option<Position> {
    let file = CursorFile::new(HostFilesystem, &dir.join("influx.cursor"));
    file.load()
        .expect("the cursor is whole")
        .map(|it| it.position)
}

/// Waits until `look` says yes.
pub(crate) async fn wait_until(what: &str, mut look: impl FnMut() -> bool) {
    let waiting = async {
        while !look() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "in vain: {what}");
}
