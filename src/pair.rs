//! `veglia gateway pair`: a person at the box makes a Bluetooth device this home's.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use veglia_gateway::{Person, pair};

use crate::config::Config;

/// Pairs one device.
#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// The Bluetooth adapter, such as `hci0`; the one of the configuration, or the first.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
}

/// Whoever sits in front of the terminal.
struct Terminal;

impl Person for Terminal {
    fn tell(&self, line: &str) {
        // Nothing is left to tell when standard output is closed.
        drop(writeln!(io::stdout(), "{line}"));
    }

    fn ask(&self, question: &str) -> Option<String> {
        let mut out = io::stdout();
        let asked = write!(out, "{question}").and_then(|()| out.flush());
        asked.ok()?;
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer).ok()?;
        (read > 0).then_some(answer)
    }
}

impl Pair {
    /// Guides through pairing; the gateway may run meanwhile.
    pub(crate) async fn run(self, config: &Config) -> Result<()> {
        let id = config.gateway.gateway(&config.data)?;
        let dir = config.data.join(Path::new("gateway").join(id.as_str()));
        std::fs::create_dir_all(&dir).with_context(|| format!("no folder {}", dir.display()))?;
        let bluetooth = config.gateway.bluetooth.as_ref();
        let configured = bluetooth.and_then(|section| section.adapter.clone());
        let adapter = self.adapter.or(configured);
        let paired = pair(adapter.as_deref(), &dir, Arc::new(Terminal)).await?;
        let heard = if paired.was_heard {
            "and was heard"
        } else {
            "and was not heard yet: put it on while the gateway runs"
        };
        let next = if bluetooth.is_some() {
            "the running gateway takes it up by itself"
        } else {
            "start the gateway anew once, so that it listens to Bluetooth"
        };
        let (device, name) = (&paired.device, &paired.name);
        Ok(writeln!(
            io::stdout(),
            "{name} is device {device} now, {heard}; {next}. At the centre, assign {device} to \
             its patient."
        )?)
    }
}
