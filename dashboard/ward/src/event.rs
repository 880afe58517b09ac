//! Server-sent events of the live page.
//!
//! `row`: one line, in JSON. `order`: the shown patients of each lane and how many there are.
//! `notices`: what is amiss with the centre itself. `figures`: the sentence below the list.
//! `tick`: the clock of care and the age of the oldest record that no rule has seen. `resync`: what
//! follows is everything, because something was missed.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;
use veglia_view::Status;

use crate::desk::Order;
use crate::line::{Lane, Line};
use crate::notice::Notice;
use crate::words;

/// A comment that keeps proxies from closing a silent stream.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b": in attesa\n\n");

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

pub(crate) fn order(order: &Order) -> Bytes {
    let lanes = Lane::ALL.iter().zip(order.shown.iter().zip(order.count));
    let lanes: Vec<LaneOrder<'_>> = lanes
        .map(|(lane, (patients, count))| LaneOrder {
            lane: lane.name(),
            patients,
            count,
        })
        .collect();
    event("order", &lanes)
}

pub(crate) fn notices(notices: &[Notice]) -> Bytes {
    event("notices", &notices)
}

pub(crate) fn figures(sentence: &str) -> Bytes {
    event("figures", &sentence)
}

pub(crate) fn tick(status: &Status) -> Bytes {
    let waiting_ms = status.waiting_ms();
    let is_late = waiting_ms > WAITING_MS.saturating_mul(i64::from(status.speed));
    let waiting = if is_late {
        let span = words::span(waiting_ms);
        format!("In elaborazione: dati arrivati da {span} attendono ancora le regole")
    } else {
        String::new()
    };
    let tick = Tick {
        now: status.care_now.0,
        clock: words::clock(status.care_now),
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
