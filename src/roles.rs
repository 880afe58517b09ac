//! The roles, each started from the configuration and run until it is told to stop.
//!
//! Every role locks its folder of the data directory first, so that a second process of the same
//! role is refused before it touches anything.

#[cfg(all(feature = "broker", feature = "dashboard"))]
pub(crate) mod all;
#[cfg(feature = "broker")]
pub(crate) mod broker;
#[cfg(feature = "dashboard")]
pub(crate) mod dashboard;
#[cfg(feature = "gateway")]
pub(crate) mod gateway;
#[cfg(feature = "ingest")]
pub(crate) mod ingest;
