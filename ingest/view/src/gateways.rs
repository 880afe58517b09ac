//! How the boxes at home are, and asking something of them.
//!
//! Ingest keeps what each gateway said last, in memory: it is of its moment and is said again every
//! minute, so a restart knows all of them after one. What it says here is about the box; what the
//! box measured is on the [`crate::Board`].
//!
//! **Limits.** [`GATEWAYS_MAX`] gateways; one that finds no place is counted and told, never put in
//! the place of another. [`GATEWAYS_PER_ANSWER`] rows in one answer.
//!
//! **Deliberately absent**: gateways that have not been heard since ingest began (who is enrolled
//! is known where enrolments are), whose home it is, and a history.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use veglia_wire::{Boot, ClockState, CommandKind, GatewayId, Hello, Outcome, State, WallMs};

/// Gateways kept at most: ten times the largest centre foreseen, some 100 MB.
pub const GATEWAYS_MAX: usize = 100_000;

/// Rows in one answer at most: about 1 MB of JSON. Whoever asks comes back for the rest.
pub const GATEWAYS_PER_ANSWER: usize = 1_000;

/// How long a gateway has to answer: a mobile connection that wakes up, and the two seconds that
/// the box gives its ports.
pub const ORDER_WITHIN: Duration = Duration::from_secs(10);

/// What is known of one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRow {
    /// Which.
    pub gateway: GatewayId,
    /// When it last greeted or said how it is, by the clock of care. It does so every minute of
    /// wall time; whether it is away is judged by whoever shows it.
    pub heard_at: WallMs,
    /// When it last connected; `None` when that was before ingest began.
    pub connected_at: Option<WallMs>,
    /// Its software version.
    pub software: String,
    /// Which start of the box.
    pub boot: Boot,
    /// What it knows of the wall time.
    pub clock: ClockState,
    /// Whether it can be asked anything.
    pub takes_orders: bool,
    /// What it said last of itself, perhaps on an earlier connection; `None` before the first.
    pub state: Option<State>,
}

/// A question for gateways, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GatewaysAsk {
    /// The last one known from the answer before; `None` to begin.
    pub after: Option<GatewayId>,
}

/// Gateways, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateways {
    /// Their rows, at most [`GATEWAYS_PER_ANSWER`].
    pub rows: Vec<Arc<GatewayRow>>,
    /// Whether there are more after these.
    pub more: bool,
    /// How many there are in all.
    pub known: usize,
    /// Messages of gateways that found no place any more, since ingest began.
    pub unlisted: u64,
}

/// Something to ask of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAsk {
    /// Which gateway.
    pub gateway: GatewayId,
    /// What.
    pub kind: CommandKind,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ordered {
    /// The gateway answered.
    Answered(Outcome),
    /// The gateway has not been heard since ingest began, or takes no orders.
    NotConnected,
    /// Its connection ended before it answered: it may or may not have been done.
    Gone,
    /// Too many orders wait for this gateway already.
    TooMany,
    /// It did not answer within [`ORDER_WITHIN`]: it may or may not have been done.
    NoAnswer,
}

/// Carries orders to gateways: ingest's own connection does.
pub type Orders =
    Arc<dyn Fn(OrderAsk) -> Pin<Box<dyn Future<Output = Ordered> + Send>> + Send + Sync>;

/// What every gateway said last; clones are the same board.
#[derive(Debug, Clone, Default)]
pub struct GatewayBoard(Arc<RwLock<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    rows: BTreeMap<GatewayId, Arc<GatewayRow>>,
    unlisted: u64,
}

impl GatewayBoard {
    /// A gateway has connected.
    pub fn greeted(&self, gateway: &GatewayId, hello: &Hello, now: WallMs) {
        self.update(gateway, now, |row| {
            row.connected_at = Some(now);
            row.software.clone_from(&hello.software);
            row.boot = hello.boot;
            row.clock = hello.clock;
            row.takes_orders = hello.session.is_some();
        });
    }

    /// A gateway said how it is.
    pub fn heard(&self, gateway: &GatewayId, state: State, now: WallMs) {
        self.update(gateway, now, |row| {
            row.software.clone_from(&state.software);
            row.boot = state.boot;
            row.clock = state.clock;
            row.takes_orders = true;
            row.state = Some(state);
        });
    }

    /// The gateways after one, in the order of their ids.
    #[must_use]
    pub fn page(&self, ask: &GatewaysAsk) -> Gateways {
        let board = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let from = match &ask.after {
            Some(after) => Bound::Excluded(after.clone()),
            None => Bound::Unbounded,
        };
        let mut after = board.rows.range((from, Bound::Unbounded));
        let rows = after.by_ref().take(GATEWAYS_PER_ANSWER);
        Gateways {
            rows: rows.map(|(_, row)| Arc::clone(row)).collect(),
            more: after.next().is_some(),
            known: board.rows.len(),
            unlisted: board.unlisted,
        }
    }

    fn update(&self, gateway: &GatewayId, now: WallMs, change: impl FnOnce(&mut GatewayRow)) {
        let mut board = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !board.rows.contains_key(gateway) && board.rows.len() >= GATEWAYS_MAX {
            if board.unlisted == 0 {
                tracing::error!(
                    most = GATEWAYS_MAX,
                    "more gateways speak than can be listed: serve the others by another ingest"
                );
            }
            board.unlisted += 1;
            return;
        }
        let row = board
            .rows
            .entry(gateway.clone())
            .or_insert_with(|| Arc::new(GatewayRow::new(gateway.clone(), now)));
        // Copies only when an answer under way still holds the row.
        let row = Arc::make_mut(row);
        row.heard_at = now;
        change(row);
    }
}

impl GatewayRow {
    fn new(gateway: GatewayId, now: WallMs) -> Self {
        Self {
            gateway,
            heard_at: now,
            connected_at: None,
            software: String::new(),
            boot: Boot(0),
            clock: ClockState::Unknown,
            takes_orders: false,
            state: None,
        }
    }
}
