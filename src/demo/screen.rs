//! How long a reading takes to a screen: one more page of the ward, open inside the process.
//!
//! It hears the same events from the same kind of hub as a browser does, and notes for each new
//! value how long ago it was measured, in wall milliseconds. What the network and the browser add
//! is not in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow};
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use veglia_store::Database;
use veglia_view::LocalView;
use veglia_ward::{Hub, Language, Pace};
use veglia_wire::{CareClock, WallMs};

/// Longest latency told apart, in milliseconds. What is longer was a home without a line.
const LONGEST_MS: u64 = 60_000;

/// The part of a `row` event that is looked at.
#[derive(Deserialize)]
struct RowEvent {
    patient: String,
    values: Vec<ValueEvent>,
}

#[derive(Deserialize)]
struct ValueEvent {
    vital: Option<String>,
    at: Option<i64>,
}

/// Latencies seen by the page; clones are the same.
#[derive(Clone)]
pub(super) struct Screen {
    seen: Arc<Mutex<Histogram<u32>>>,
}

impl Screen {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            seen: Arc::new(Mutex::new(Histogram::new_with_max(LONGEST_MS, 2)?)),
        })
    }

    /// Median and 99th percentile in wall milliseconds.
    pub(super) fn percentiles(&self) -> (u64, u64) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.value_at_quantile(0.5), seen.value_at_quantile(0.99))
    }

    /// Looks at the ward until told to stop.
    pub(super) async fn watch(
        self,
        view: LocalView,
        record: Database,
        care: CareClock,
        stop: CancellationToken,
    ) -> Result<()> {
        let (hub, watch) = Hub::new(Arc::new(view), record, Pace::default());
        let events = hub.events(Language::It).map_err(|error| anyhow!(error))?;
        let closed = stop.clone();
        let beside = tokio::spawn(watch.run(async move { closed.cancelled().await }));
        tokio::pin!(events);
        let mut known = HashMap::new();
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => break,
                event = events.next() => event,
            };
            let Some(Ok(bytes)) = event else { break };
            let now = care.now();
            for line in String::from_utf8_lossy(&bytes).lines() {
                self.note(line, now, &care, &mut known);
            }
        }
        Ok(beside.await?)
    }

    fn note(
        &self,
        line: &str,
        now: WallMs,
        care: &CareClock,
        known: &mut HashMap<(String, String), i64>,
    ) {
        let row = line.strip_prefix("data: ");
        let Some(Ok(row)) = row.map(serde_json::from_str::<RowEvent>) else {
            return;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for value in row.values {
            let (Some(vital), Some(at)) = (value.vital, value.at) else {
                continue;
            };
            let last = known.entry((row.patient.clone(), vital)).or_insert(at);
            if at > *last {
                *last = at;
                let wall_ms = care.wall_ms(now.since(WallMs(at)));
                seen.saturating_record(u64::try_from(wall_ms).unwrap_or(0));
            }
        }
    }
}
