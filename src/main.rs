//! One executable; each role and each tool is a command of it.

#[cfg(feature = "dashboard")]
mod audit;
mod authority;
#[cfg(feature = "ingest")]
mod backup;
#[cfg(all(feature = "broker", feature = "ingest"))]
mod bench;
#[cfg(feature = "gateway")]
mod box_status;
mod cli;
mod clock;
mod config;
mod datadir;
#[cfg(feature = "gateway")]
mod decode;
#[cfg(all(feature = "gateway", feature = "broker", feature = "dashboard"))]
mod demo;
mod demonstration;
#[cfg(feature = "dashboard")]
mod duty;
#[cfg(feature = "gateway")]
mod enroll;
#[cfg(feature = "ingest")]
mod export;
mod health;
#[cfg(feature = "gateway")]
mod homes;
mod identity;
#[cfg(feature = "influxdb")]
mod influx;
mod label;
mod open_files;
#[cfg(feature = "gateway")]
mod pair;
#[cfg(feature = "dashboard")]
mod phone;
#[cfg(feature = "dashboard")]
mod plan;
#[cfg(feature = "dashboard")]
mod privacy;
#[cfg(feature = "ingest")]
mod probe;
#[cfg(feature = "dashboard")]
mod record;
#[cfg(feature = "ingest")]
mod replay;
mod roles;
#[cfg(feature = "dashboard")]
mod staff;
mod supervisor;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
