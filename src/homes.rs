//! `veglia homes`: simulated homes in a process of their own, on ptys, for gateways of other
//! processes. Tests drive the whole chain with it: in counter mode each pair of values says which
//! reading it is, and the log says what was spoken and whether anybody could hear it.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use tokio_util::sync::CancellationToken;
use veglia_codecs::Protocol;
use veglia_homes::{Home, Log, Rhythm};

use crate::config::Config;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Homes {
    /// How many homes.
    #[arg(long, default_value_t = 1)]
    homes: usize,
    /// Where the ports of the devices appear: `<home>-<device>`.
    #[arg(long, value_name = "DIR")]
    ports: PathBuf,
    /// What was spoken, a JSON line each.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Chance begins here: the same seed, the same values.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Values that count, from one node and one Nonin oximeter in each home, so many frames a
    /// second (1 to 50).
    #[arg(long, value_name = "HZ")]
    count: Option<u16>,
}

impl Homes {
    /// Speaks until told to stop.
    pub(crate) async fn run(self, config: Result<Config>, stop: CancellationToken) -> Result<()> {
        let homes = match self.count {
            None => veglia_homes::homes(self.homes, self.seed),
            Some(hz) => (1..=self.homes)
                .map(|n| {
                    let protocols = [Protocol::Node, Protocol::Nonin8];
                    Home::counting(n, &protocols, Rhythm::hz(hz), self.seed)
                })
                .collect(),
        };
        let log = match &self.log {
            Some(path) => {
                Some(Log::create(path).with_context(|| format!("in {}", path.display()))?)
            }
            None => None,
        };
        let care = config?.clock.care();
        let summary = veglia_homes::run(homes, &self.ports, care, self.seed, log, stop).await?;
        writeln!(
            io::stdout(),
            "{} devices, {} frames spoken, {} unheard",
            summary.devices,
            summary.spoken,
            summary.unheard
        )?;
        Ok(())
    }
}
