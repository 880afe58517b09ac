//! Server-sent events of the live page.
//!
//! `row`: one line, in JSON. `cells`: the values of a line that moved, while all else of it stands.
//! `order`: the shown patients of each lane and how many there are. `alarms`: who waits for
//! somebody, wherever they are shown. `notices`: what is amiss with the centre itself. `figures`:
//! the sentence below the list. `wall`: all that a screen without names shows. `tick`: the clock of
//! care and the age of the oldest record that no rule has seen. `still`: nothing comes, and the
//! page is to look at its own clock. `resync`: what follows is everything, because something was
//! missed.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;
use veglia_view::Status;
use veglia_words::Words;

use crate::board::Order;
use crate::book::Figures;
use crate::line::{Lane, Line, Value};
use crate::notice::{Notice, Told};
use crate::page;
use crate::wall::WallView;
use crate::words;

/// Keeps proxies from closing a silent stream, and wakes the page to say that it is silent.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b": in attesa\nevent: still\ndata: {}\n\n");

/// How long a browser waits before it connects again.
pub(crate) const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");

/// Says that everything follows.
pub(crate) const RESYNC: Bytes = Bytes::from_static(b"event: resync\ndata: {}\n\n");

#[derive(Serialize)]
struct LaneOrder<'a> {
    lane: &'static str,
    patients: &'a [String],
    count: usize,
}

#[derive(Serialize)]
struct Orders<'a> {
    lanes: Vec<LaneOrder<'a>>,
    outside: String,
}

#[derive(Serialize)]
struct Cells<'a> {
    patient: &'a str,
    values: Vec<Value>,
}

/// Those who wait for somebody, whoever is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Alarms {
    /// Red alarms under way that nobody has.
    pub(crate) red: usize,
    /// Amber ones.
    pub(crate) amber: usize,
    /// The first of the red ones.
    pub(crate) reds: Vec<Alarmed>,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Alarmed {
    pub(crate) patient: String,
    pub(crate) name: String,
}

#[derive(Serialize)]
struct Tick {
    /// The clock of care, in milliseconds.
    now: i64,
    /// The same, for the page's clock.
    clock: String,
    /// Care seconds in one wall second.
    speed: u32,
    /// What to say when records wait for the rules; empty when none does.
    waiting: String,
}

/// Above this age a waiting record is worth saying, in milliseconds of care time at speed 1.
const WAITING_MS: i64 = 5_000;

pub(crate) fn row(line: &Line) -> Bytes {
    event("row", line)
}

/// The values of `line` that `before` said otherwise.
pub(crate) fn cells(before: &Line, line: &Line) -> Bytes {
    let both = before.values.iter().zip(&line.values);
    let moved = both.filter(|(before, now)| before != now);
    let cells = Cells {
        patient: &line.patient,
        values: moved.map(moved_to).collect(),
    };
    event("cells", &cells)
}

/// A drawing is told only when it is another.
fn moved_to((before, now): (&Value, &Value)) -> Value {
    let spark = now.spark.clone().filter(|_| before.spark != now.spark);
    Value {
        spark,
        ..now.clone()
    }
}

pub(crate) fn alarms(alarms: &Alarms) -> Bytes {
    event("alarms", alarms)
}

pub(crate) fn wall(wall: &WallView) -> Bytes {
    event("wall", wall)
}

pub(crate) fn order(w: Words, order: &Order) -> Bytes {
    let lanes = Lane::ALL.iter().zip(order.shown.iter().zip(order.count));
    let lanes: Vec<LaneOrder<'_>> = lanes
        .map(|(lane, (patients, count))| LaneOrder {
            lane: lane.name(),
            patients,
            count,
        })
        .collect();
    let orders = Orders {
        lanes,
        outside: page::outside(w, order.outside),
    };
    event("order", &orders)
}

pub(crate) fn notices(w: Words, notices: &[Notice]) -> Bytes {
    let told: Vec<Told<'_>> = notices.iter().map(|it| it.told(&w)).collect();
    event("notices", &told)
}

pub(crate) fn figures(w: Words, figures: &Figures) -> Bytes {
    event("figures", &page::figures(w, figures))
}

pub(crate) fn tick(w: Words, status: &Status) -> Bytes {
    let waiting_ms = status.waiting_ms();
    let is_late = waiting_ms > WAITING_MS.saturating_mul(i64::from(status.speed));
    let waiting = if is_late {
        let span = words::span(w, waiting_ms);
        w.with("ward-late", "span", span).to_string()
    } else {
        String::new()
    };
    let tick = Tick {
        now: status.care_now.0,
        clock: w.language.clock(status.care_now),
        speed: status.speed,
        waiting,
    };
    event("tick", &tick)
}

/// JSON has no line breaks of its own, so one `data:` line holds it.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    let mut text = format!("event: {name}\ndata: ");
    match serde_json::to_string(data) {
        Ok(json) => text.push_str(&json),
        // Our own plain structures always serialise; a page that reads null asks again.
        Err(error) => {
            tracing::error!(%error, name, "an event was not written");
            text.push_str("null");
        }
    }
    if text.write_str("\n\n").is_err() {
        return KEEP_ALIVE;
    }
    Bytes::from(text)
}
