//! Every role says how it is: alive, ready or why not, and its figures.
//!
//! ```text
//! role (figures, watches) → Role::examine → Standing → /healthz /readyz /metrics   for machines
//!                                                    └→ /status → veglia status    for a person
//! ```
//! A role answers HTTP/1.1 on `health.sock` in its own folder of the data directory, readable by
//! its owner alone, from the moment it has locked the folder; and on an address of its own where
//! the configuration gives it one ([`Config`]). What it says is made when it is asked: nothing is
//! counted here, and nobody asking costs nothing.
//!
//! Watching over a role must not be what stops it: a socket that cannot be made is a warning, and
//! the role goes on. A wrong address in the configuration is refused at the start, as every wrong
//! value is.
//!
//! **Limits**: [`desk`] and [`http`] bound connections, time and bytes beside their constants.
//!
//! **Deliberately absent**: names, patients, devices and the ids of gateways (figures leave the
//! house), history (Prometheus keeps it), and judging one role by another; but for the way of an
//! alarm through all of them, which any of them may break.

#[cfg(feature = "ingest")]
pub(crate) mod alarm_path;
#[cfg(feature = "broker")]
pub(crate) mod broker;
mod config;
#[cfg(feature = "dashboard")]
pub(crate) mod dashboard;
mod desk;
mod figure;
#[cfg(feature = "gateway")]
pub(crate) mod gateway;
mod http;
#[cfg(feature = "ingest")]
pub(crate) mod ingest;
#[cfg(feature = "gateway")]
pub(crate) mod page;
mod status;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub(crate) use config::Config;
pub(crate) use desk::{Alive, Desk};
use figure::Figure;
pub(crate) use status::Status;
#[cfg(feature = "gateway")]
pub(crate) use status::of_box;

/// The socket's name in a role's folder.
const SOCKET: &str = "health.sock";

/// The roles; each has a folder of its name in the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Broker,
    Ingest,
    Dashboard,
    Gateway,
}

impl Kind {
    /// Its name, which is also its folder's, its section's and its key's.
    fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Ingest => "ingest",
            Self::Dashboard => "dashboard",
            Self::Gateway => "gateway",
        }
    }
}

/// A role that can be asked how it is.
pub(crate) trait Role: Send + Sync + 'static {
    /// How it is now. It may be dropped when it takes too long.
    fn examine(&self) -> BoxFuture<'_, Standing>;

    /// Which of its tasks does not turn any more; none when all do, or when they are not watched.
    fn stalled(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(std::future::ready(None))
    }

    /// More than figures, for a person before the machine; none for most roles.
    fn show(&self) -> BoxFuture<'_, Option<Shown>> {
        Box::pin(std::future::ready(None))
    }
}

/// What a role shows a person.
pub(crate) struct Shown {
    /// As a page.
    html: String,
    /// As JSON, for a command.
    json: String,
}

/// What a role says of itself at one moment.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Why it cannot do its work, each a sentence that says what to do; none when it can.
    unready: Vec<String>,
    /// The few numbers that matter, in words.
    brief: Vec<String>,
    /// All its figures.
    figures: Vec<Figure>,
}

impl Standing {
    /// That nothing is known but why.
    fn silent(why: impl Into<String>) -> Self {
        Self {
            unready: vec![why.into()],
            brief: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Why it is not ready, in one line; `None` when it is.
    fn why(&self) -> Option<String> {
        (!self.unready.is_empty()).then(|| self.unready.join("; "))
    }
}

/// A standing as it goes over the socket to `veglia status`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    ready: bool,
    why: Option<String>,
    brief: Vec<String>,
    /// By the names that `/metrics` gives them.
    figures: BTreeMap<String, serde_json::Number>,
}

impl From<Standing> for Told {
    fn from(standing: Standing) -> Self {
        let why = standing.why();
        let samples = standing.figures.iter().flat_map(Figure::samples);
        Self {
            ready: why.is_none(),
            why,
            figures: samples.collect(),
            brief: standing.brief,
        }
    }
}

/// Some things by their number, as a person says it.
fn counted(number: u64, one: &str, many: &str) -> String {
    let thing = if number == 1 { one } else { many };
    format!("{number} {thing}")
}

/// A time as a person says it.
fn lasting(time: Duration) -> String {
    match time.as_secs() {
        0 if time.as_millis() == 0 => "under 1 ms".into(),
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_said_as_a_person_says_them() {
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(0, "record", "records"), "0 records");
        let said = [30, 1_500, 119_000, 120_000, 7_199_000, 7_200_000].map(Duration::from_millis);
        let said = said.map(lasting);
        assert_eq!(said, ["30 ms", "1 s", "119 s", "2 min", "119 min", "2 h"]);
        assert_eq!(lasting(Duration::from_micros(700)), "under 1 ms");
    }

    #[test]
    fn every_reason_is_told_in_one_line() {
        let mut standing = Standing::silent("the disk is full");
        standing.unready.push("the broker is away".into());
        let told = Told::from(standing);
        assert!(!told.ready);
        let why = told.why.as_deref();
        assert_eq!(why, Some("the disk is full; the broker is away"));
    }
}
