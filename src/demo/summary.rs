//! The figures of a run: what was spoken against what is stored, value by value.
//!
//! Every reading that a simulated device put in full on its line must be in the series once, in
//! its order. A reading is counted lost when its value is missing in its device's sequence, and
//! doubled when it is there more often than it was spoken.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use veglia_homes::{Entry, What};
use veglia_view::{ExportAsk, LocalView, Scope, View};
use veglia_wire::{VitalKind, WallMs};

use super::Truth;
use super::screen::Screen;

/// Readings of one vital sign of one device: each value as the export writes it, and how often.
type Values = BTreeMap<(String, &'static str), BTreeMap<String, u64>>;

/// The figures, as `--summary` writes them.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    readings: Readings,
    rejected: BTreeMap<String, u64>,
    flags: BTreeMap<String, u64>,
    latency_ms: Latencies,
    memory_mb: u64,
    ingest: veglia_ingest::Snapshot,
}

#[derive(Debug, Default, Serialize)]
struct Readings {
    produced: u64,
    stored: u64,
    lost: u64,
    doubled: u64,
    /// Spoken while nobody could hear them.
    unheard: u64,
}

#[derive(Debug, Serialize)]
struct Latencies {
    journal: Percentiles,
    screen: Percentiles,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p50: u64,
    p99: u64,
}

impl Summary {
    /// Compares the log of the homes with the export from `since` on.
    pub(super) async fn of(
        truth: &Truth,
        spoken: &Path,
        since: WallMs,
        flags: BTreeMap<String, u64>,
        screen: &Screen,
    ) -> Result<Self> {
        let produced = produced(spoken)?;
        let stored = stored(&truth.view, since).await?;
        let mut readings = Readings {
            unheard: truth.spoken.unheard,
            ..Readings::default()
        };
        readings.count(&produced, &stored);
        let ingest = truth.ingest.snapshot();
        let (p50, p99) = screen.percentiles();
        let mut rejected = BTreeMap::new();
        for (reason, count) in truth
            .boxes
            .iter()
            .flat_map(veglia_gateway::Figures::rejects)
        {
            *rejected.entry(reason.to_owned()).or_default() += count;
        }
        Ok(Self {
            readings,
            rejected,
            flags,
            latency_ms: Latencies {
                journal: Percentiles {
                    p50: ingest.durable_ms_p50,
                    p99: ingest.durable_ms_p99,
                },
                screen: Percentiles { p50, p99 },
            },
            memory_mb: memory_mb()?,
            ingest,
        })
    }

    /// Whether every reading is stored once.
    pub(super) fn is_whole(&self) -> bool {
        self.readings.lost == 0 && self.readings.doubled == 0
    }

    /// The figures that matter, for a person.
    pub(super) fn sentence(&self) -> String {
        let Readings {
            produced,
            stored,
            lost,
            doubled,
            ..
        } = self.readings;
        let flags: Vec<String> = self
            .flags
            .iter()
            .map(|(rule, count)| format!("{rule} {count}"))
            .collect();
        let flags = if flags.is_empty() {
            "none".into()
        } else {
            flags.join(", ")
        };
        format!(
            "{produced} readings spoken, {stored} stored, {lost} lost, {doubled} doubled; \
             flags: {flags}; on disk after {} ms (median), {} ms (99 %); on a page after {} ms, \
             {} ms; {} MB resident",
            self.latency_ms.journal.p50,
            self.latency_ms.journal.p99,
            self.latency_ms.screen.p50,
            self.latency_ms.screen.p99,
            self.memory_mb
        )
    }
}

impl Readings {
    fn count(&mut self, produced: &Values, stored: &Values) {
        let nothing = BTreeMap::new();
        let keys: std::collections::BTreeSet<_> = produced.keys().chain(stored.keys()).collect();
        for key in keys {
            let spoken = produced.get(key).unwrap_or(&nothing);
            let kept = stored.get(key).unwrap_or(&nothing);
            let values: std::collections::BTreeSet<_> = spoken.keys().chain(kept.keys()).collect();
            for value in values {
                let spoken = spoken.get(value).copied().unwrap_or(0);
                let kept = kept.get(value).copied().unwrap_or(0);
                self.produced += spoken;
                self.stored += kept;
                self.lost += spoken.saturating_sub(kept);
                self.doubled += kept.saturating_sub(spoken);
            }
        }
    }
}

/// What the homes say they put on their lines.
fn produced(log: &Path) -> Result<Values> {
    let file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
    let mut values = Values::new();
    for line in BufReader::new(file).lines() {
        let line = line.with_context(|| format!("cannot read {}", log.display()))?;
        let entry: Entry = serde_json::from_str(&line)
            .with_context(|| format!("{} holds a line that is no entry", log.display()))?;
        let (What::Reading, true, Some(device)) = (entry.what, entry.heard, &entry.device) else {
            continue;
        };
        let spoken = [
            (VitalKind::SpO2, entry.spo2_tenths.map(i32::from)),
            (VitalKind::Pulse, entry.pulse_tenths.map(i32::from)),
            (
                VitalKind::Temperature,
                entry.celsius_hundredths.map(i32::from),
            ),
        ];
        for (vital, steps) in spoken {
            if let Some(steps) = steps {
                let key = (device.to_string(), vital.name());
                let value = veglia_view::decimal(vital, steps);
                *values.entry(key).or_default().entry(value).or_default() += 1;
            }
        }
    }
    Ok(values)
}

/// What the series hold, through the same export that `veglia export` prints.
async fn stored(view: &LocalView, since: WallMs) -> Result<Values> {
    let ask = ExportAsk {
        scope: Scope::Everything,
        from: since,
        to: WallMs(i64::MAX),
    };
    let mut lines = view.export(ask).await?;
    let mut values = Values::new();
    while let Some(piece) = lines.next().await {
        let piece = piece?;
        let text = std::str::from_utf8(&piece).context("the export is not text")?;
        for line in text.lines() {
            let mut fields = line.split(',');
            let (Some(device), Some(vital), Some(_), Some(value)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let Ok(vital) = vital.parse::<VitalKind>() else {
                continue;
            };
            let key = (device.to_owned(), vital.name());
            *values
                .entry(key)
                .or_default()
                .entry(value.to_owned())
                .or_default() += 1;
        }
    }
    Ok(values)
}

/// Resident memory of this process in megabytes, as the kernel counts it.
fn memory_mb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kib: u64 = kib
        .context("the kernel does not say how much memory is used")?
        .trim()
        .parse()?;
    Ok(kib.div_ceil(1024))
}
