//! The front door as its clients meet it: real sockets, the real router, a real identity file.
//!
//! `tests/mosquitto` reads these files a second time; what `tests/attacks` needs too is in
//! `tests/support`. Every test opens its own house on a port of its own. Waiting is always for a
//! level, with a time-out that only a failure reaches.

#[path = "../support/arrivals.rs"]
mod arrivals;
mod behind;
#[path = "../support/client.rs"]
mod client;
mod grounds;
#[path = "../support/house.rs"]
mod house;
mod identities;
mod kill_cases;
mod limits;
mod line;
mod refusals;
mod round_trip;
mod shutdown;
mod takeover;
