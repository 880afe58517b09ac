//! The front door under attack, by way of TLS: no client, enrolled or not, takes the service from
//! another, reads what is another's, or makes the door hold more than it may.
//!
//! Every test opens its own house with its own authority. In most of them an honest gateway and
//! its ingest exchange frames the whole time, and must not notice a thing ([`honest`]). Strangers
//! come from another loopback address than they, as they do in life.

#![cfg(test)]

#[path = "../support/arrivals.rs"]
mod arrivals;
mod certificates;
#[path = "../support/client.rs"]
mod client;
mod crowd;
mod floods;
mod greedy;
mod grounds;
#[path = "../support/homes.rs"]
mod homes;
mod honest;
#[path = "../support/house.rs"]
mod house;
#[path = "../front_door/kill_cases.rs"]
mod kill_cases;
mod life;
mod line;
mod loris;
mod losses;
mod memory;
mod packets;
mod pki;
mod rotation;
mod router;
#[path = "../../link/tests/support/shelf.rs"]
mod shelf;
mod takeovers;
mod topics;
