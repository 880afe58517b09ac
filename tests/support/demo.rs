//! A demonstration in a directory of its own: how it is started, and what it left when it ended.
//!
//! What was spoken is read from the simulator's log, what was stored from the series, through the
//! same export as `veglia export`. The two meet only in the tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use veglia_homes::{Entry, What};
use veglia_series::Series;
use veglia_store::{Database, Purpose};
use veglia_view::{Board, Edition, ExportAsk, LocalView, Scope, View};
use veglia_wire::{CareClock, Clock, VitalKind, WallMs};

use crate::process::Process;

/// What a demonstration says when it is up.
pub(crate) const UP: &str = "starting again continues";

/// The values of one vital sign of one device, in order.
pub(crate) type Values = BTreeMap<(String, VitalKind), Vec<i32>>;

/// A directory for a demonstration, and what all its lives were told.
#[derive(Debug)]
pub(crate) struct Demo {
    dir: TempDir,
    arguments: Vec<String>,
}

/// Time stands still: nothing that is read here depends on it.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> WallMs {
        WallMs(0)
    }
}

impl Demo {
    /// An empty directory; `arguments` are given to every life.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        Self {
            dir: TempDir::new().expect("a scratch folder can be made"),
            arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    /// Something in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `veglia` on the demonstration's data.
    pub(crate) fn veglia(&self, command: &str) -> Command {
        let mut veglia = Command::new(env!("CARGO_BIN_EXE_veglia"));
        veglia.arg("--data").arg(self.path("data")).arg(command);
        veglia.env("NO_COLOR", "1").env_remove("RUST_LOG");
        veglia
    }

    /// Starts a life; `more` is given to it alone.
    pub(crate) fn start(&self, life: usize, more: &[&str]) -> Process {
        let mut command = self.veglia("demo");
        command.args(["--listen", "127.0.0.1:0", "--summary"]);
        command.arg(self.path("summary.json"));
        command.args(&self.arguments).args(more);
        let mut process = Process::start(&mut command, &self.path(&format!("log-{life}")));
        process.wait_for(UP, 1);
        process
    }

    /// The figures of the last life that ended by itself or was told to.
    pub(crate) fn summary(&self) -> Value {
        let text = fs::read_to_string(self.path("summary.json")).expect("there is a summary");
        serde_json::from_str(&text).expect("the summary is JSON")
    }

    /// All that the last life's devices said.
    pub(crate) fn said(&self) -> Vec<Entry> {
        let log = fs::read_to_string(self.path("data/spoken.jsonl")).expect("there is a log");
        let entry = |line| serde_json::from_str(line).expect("each line is an entry");
        log.lines().map(entry).collect()
    }

    /// Every reading that is stored, in order of measuring.
    pub(crate) fn stored(&self) -> Values {
        let mut values = Values::new();
        for line in self.export().lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let vital: VitalKind = fields[1].parse().expect("a vital sign");
            let steps: i32 = fields[3].replace('.', "").parse().expect("a decimal");
            let key = (fields[0].to_owned(), vital);
            values.entry(key).or_default().push(steps);
        }
        values
    }

    fn export(&self) -> String {
        block_on(async {
            let path = self.path("data/ingest/series.db");
            let schemas = [veglia_series::SCHEMA];
            let series = Database::open(&path, Purpose::Series, &schemas).await;
            let (series, _) = Series::open(series.expect("series.db"))
                .await
                .expect("series");
            let care = CareClock::real(Arc::new(Stopped));
            let nobody = Arc::new(|_| Vec::new());
            let view = LocalView::new(Board::new(Edition(1)), series, nobody, care);
            let ask = ExportAsk {
                scope: Scope::Everything,
                from: WallMs(i64::MIN),
                to: WallMs(i64::MAX),
            };
            let mut pieces = view.export(ask).await.expect("an export begins");
            let mut text = Vec::new();
            while let Some(piece) = pieces.next().await {
                text.extend_from_slice(&piece.expect("an export goes on"));
            }
            String::from_utf8(text).expect("an export is text")
        })
    }
}

/// The readings among what was said, as far as somebody heard them.
pub(crate) fn spoken(said: &[Entry]) -> Values {
    let mut values = Values::new();
    let heard = |entry: &&Entry| entry.heard && entry.what == What::Reading;
    for entry in said.iter().filter(heard) {
        let device = entry.device.as_ref().expect("a reading is of a device");
        for (vital, steps) in [
            (VitalKind::SpO2, entry.spo2_tenths.map(i32::from)),
            (VitalKind::Pulse, entry.pulse_tenths.map(i32::from)),
            (
                VitalKind::Temperature,
                entry.celsius_hundredths.map(i32::from),
            ),
        ] {
            if let Some(steps) = steps {
                let key = (device.to_string(), vital);
                values.entry(key).or_default().push(steps);
            }
        }
    }
    values
}

/// Runs something that waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(future)
}
