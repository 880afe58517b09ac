//! The front door as its clients meet it: real sockets, the real router, a real identity file.
//!
//! Every test opens its own house on a port of its own. Waiting is always for a level, with a
//! time-out that only a failure reaches.

mod behind;
mod client;
mod house;
mod identities;
mod kill_cases;
mod limits;
mod refusals;
mod round_trip;
mod shutdown;
mod takeover;
