//! The broker crashes under its gateways and is started again at once: how long until all of them
//! are connected and subscribed, and until a frame of each was acknowledged.
//!
//! Each home has sent a frame before and has another one to send when the broker comes back.
//! What it waits for is what it waits for in life: the pauses of link's own sender, the handshake,
//! and ingest, which must come back as well.
//!
//! Deliberately absent: a long absence. After one the pauses decide, which have grown with it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use veglia_wire::CareClock;

use super::fleet::Fleet;
use super::load::{Home, VITALS};
use super::papers::{Door, Papers};
use super::server::{Places, Server};
use super::table::{median, mib};
use super::{care, check};

/// Frames of each home: one before the crash, one after.
const FRAMES: u64 = 2;

/// All runs of one kind.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StormReport {
    pub(super) gateways: usize,
    pub(super) places: Places,
    pub(super) median: Figures,
    pub(super) runs: Vec<Storm>,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Storm {
    /// Readings sent, and acknowledged.
    pub(super) sent: u64,
    /// Readings read back at the end.
    pub(super) stored: u64,
    /// Whether each of them is the reading that was sent.
    pub(super) values_equal: bool,
    pub(super) figures: Figures,
}

/// What was measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Figures {
    /// From the crash until the broker's door was open again.
    pub(super) away_s: f64,
    /// From then until all were connected and subscribed.
    pub(super) subscribed_s: f64,
    /// From then until a frame of each was acknowledged.
    pub(super) acknowledged_s: f64,
    /// Processor time of the new broker until then.
    pub(super) broker_s: f64,
    /// Most memory of the new broker until then.
    pub(super) broker_peak_mib: f64,
}

impl StormReport {
    pub(super) fn of(gateways: usize, places: Places, runs: Vec<Storm>) -> Self {
        let of = |figure: fn(&Figures) -> f64| median(runs.iter().map(|run| figure(&run.figures)));
        Self {
            gateways,
            places,
            median: Figures {
                away_s: of(|it| it.away_s),
                subscribed_s: of(|it| it.subscribed_s),
                acknowledged_s: of(|it| it.acknowledged_s),
                broker_s: of(|it| it.broker_s),
                broker_peak_mib: of(|it| it.broker_peak_mib),
            },
            runs,
        }
    }

    /// Its name in a table.
    pub(super) fn name(&self) -> String {
        name(self.gateways, self.places)
    }

    pub(super) fn is_sound(&self) -> bool {
        let is_sound = |run: &Storm| run.values_equal && run.stored == run.sent;
        self.runs.iter().all(is_sound)
    }

    /// The slowest run, until a frame of each was acknowledged.
    pub(super) fn slowest_s(&self) -> f64 {
        let each = self.runs.iter().map(|run| run.figures.acknowledged_s);
        each.fold(0.0, f64::max)
    }
}

/// What a storm is called.
pub(super) fn name(gateways: usize, places: Places) -> String {
    let places = match places {
        Places::Apart => "an address each",
        Places::Together => "one address",
    };
    format!("storm, {gateways} gateways, {places}")
}

/// The homes of a storm.
pub(super) fn homes(gateways: usize, clock: &CareClock) -> Result<Vec<Home>> {
    let readings = FRAMES * u64::try_from(gateways * VITALS.len())?;
    Home::all(gateways, readings, VITALS.len(), clock.now())
}

/// Measures once, in a folder that may be thrown away and holds the record of the homes.
pub(super) async fn measure(
    data: &Path,
    papers: &Papers,
    places: Places,
    gateways: usize,
    clock: &CareClock,
) -> Result<Storm> {
    let homes = homes(gateways, clock)?;
    let all = homes.first().map_or(0, |home| home.readings);
    let door = Door::Tls(papers);
    let accesses = door.admit(data, &homes)?;
    let mut server = Server::start(data, door, places).await?;
    let view = server.view();
    care::until_known(&view, &homes).await?;
    let fleet = Fleet::set_out(&homes, accesses, server.door(), clock)?;
    fleet.connected().await?;
    fleet.release(all / FRAMES);
    tokio::select! {
        done = fleet.acknowledged(all / FRAMES) => done?,
        failed = fleet.watched(&mut server) => match failed? {},
    }

    let crashed = Instant::now();
    server.kill_broker().await?;
    fleet.disconnected().await?;
    fleet.release(all);
    server.start_broker().await?;
    let opened = Instant::now();
    let since = |done: Result<()>| done.map(|()| opened.elapsed());
    let settled = async {
        tokio::try_join!(async { since(fleet.connected().await) }, async {
            since(fleet.acknowledged(all).await)
        },)
    };
    let (subscribed, acknowledged): (Duration, Duration) = tokio::select! {
        settled = settled => settled?,
        failed = fleet.watched(&mut server) => match failed? {},
    };
    let used = server.usage()?.broker;
    check::until_stored(&view, &homes).await?;
    let found = check::compare(&view, &homes).await?;
    fleet.end().await?;
    server.stop().await?;
    Ok(Storm {
        sent: homes.iter().map(|home| home.readings).sum(),
        stored: found.stored,
        values_equal: found.equal,
        figures: Figures {
            away_s: (opened - crashed).as_secs_f64(),
            subscribed_s: subscribed.as_secs_f64(),
            acknowledged_s: acknowledged.as_secs_f64(),
            broker_s: used.processor.as_secs_f64(),
            broker_peak_mib: mib(used.peak_bytes),
        },
    })
}
