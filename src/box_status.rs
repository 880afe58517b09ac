//! `veglia gateway status`: how the box is, asked of the gateway that runs on this machine.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::config::Config;
use crate::health::{of_box, page};

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct BoxStatus {
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

impl BoxStatus {
    /// Asks and prints.
    pub(crate) async fn run(self, config: &Config) -> Result<()> {
        let id = config.gateway.gateway(&config.data)?;
        let dir = config.data.join(Path::new("gateway").join(id.as_str()));
        let status = of_box(&dir).await?;
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &status)?;
            writeln!(out)?;
        } else {
            out.write_all(page::lines(&status).as_bytes())?;
        }
        Ok(out.flush()?)
    }
}
