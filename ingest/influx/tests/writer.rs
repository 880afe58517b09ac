//! The writer against servers: a strict imitation of InfluxDB 2, and a real VictoriaMetrics.

#[path = "writer/contract.rs"]
mod contract;
#[path = "writer/feed.rs"]
mod feed;
#[path = "writer/log.rs"]
mod log;
#[path = "writer/resume.rs"]
mod resume;
#[path = "writer/server.rs"]
mod server;
#[path = "../../../tests/support/mod.rs"]
mod support;
#[path = "writer/victoria.rs"]
mod victoria;
