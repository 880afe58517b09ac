//! The same door before another broker: Debian's mosquitto, one a test.
//!
//! Everything that is tried before rumqttd is tried here too: those files are read a second time,
//! with another `behind`. What only another broker can do, being away, misconfigured or somebody
//! else's too, has its own files.
//!
//! Without the program the whole binary is skipped, aloud.

#![cfg(test)]

#[path = "../support/arrivals.rs"]
mod arrivals;
#[path = "../support/client.rs"]
mod client;
#[path = "../front_door/grounds.rs"]
mod grounds;
#[path = "../support/homes.rs"]
mod homes;
#[path = "../support/house.rs"]
mod house;
#[path = "../front_door/identities.rs"]
mod identities;
#[path = "../front_door/kill_cases.rs"]
mod kill_cases;
#[path = "../front_door/limits.rs"]
mod limits;
#[path = "../front_door/line.rs"]
mod line;
#[path = "../front_door/refusals.rs"]
mod refusals;
#[path = "../front_door/round_trip.rs"]
mod round_trip;
#[path = "../../link/tests/support/shelf.rs"]
mod shelf;
#[path = "../front_door/shutdown.rs"]
mod shutdown;
#[path = "../../../tests/support/mod.rs"]
mod support;
#[path = "../front_door/takeover.rs"]
mod takeover;

mod away;
mod behind;
mod link;
mod log;
mod mosquitto;
mod secured;
mod strangers;
