//! InfluxDB as a second home of the readings: the one place where ingest's tap and the writer
//! meet, and the command that feeds a lost server again.
//!
//! ```text
//! ingest's journal → tap → (two portions) → writer → server
//! ```
//! Neither room knows the other. When one of the two ends that should not have, so does ingest:
//! a server that is away is no such reason, an unreadable journal is.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_influx::{Pace, Portion, Writer};
use veglia_ingest::tap::{Tap, position_at};
use veglia_ingest::{InfluxDb, Ingest};

use crate::clock;
use crate::config::Config;
use crate::datadir::RoleDir;
use crate::health::ingest::{Feed, Feeding};
use crate::roles::ingest::Fed;

/// Portions between tap and writer: one is read while another waits, each some megabytes at most.
const WAITING: usize = 1;

/// The command's forms.
#[derive(Debug, Subcommand)]
pub(crate) enum Influx {
    /// Feeds the server again with what the journal still has. Ingest must not be running.
    Rewind {
        /// How far back: `6h`, `2d`, `90m`. The journal keeps at least three days.
        #[arg(long, value_name = "TIME", value_parser = clock::span)]
        to: SignedDuration,
    },
}

impl Influx {
    /// Sets the cursor back.
    pub(crate) fn run(self, config: &Config) -> Result<()> {
        let Self::Rewind { to } = self;
        ensure!(
            !to.is_negative(),
            "--to says how far back: it cannot be negative"
        );
        let back_ms = i64::try_from(to.as_millis()).context("--to is longer than time")?;
        let journal = config.data.join("ingest/journal");
        ensure!(
            journal.is_dir(),
            "{} holds no journal of an ingest; name its data directory with --data",
            config.data.display()
        );
        let dir = RoleDir::take(&config.data, Path::new("ingest"))?;
        let at = config.clock.care().now().plus_ms(back_ms.saturating_neg());
        let position = position_at(dir.path(), at)?;
        veglia_influx::rewind(dir.path(), position)?;
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "InfluxDB is fed from entry {position} on when ingest starts again"
        )?;
        Ok(())
    }
}

/// Feeds the configured server, if one is, until `stop`, which it calls itself when it ends.
pub(crate) fn feed(
    config: &Config,
    ingest: &Ingest,
    dir: &Path,
    stop: CancellationToken,
) -> Result<Option<Fed>> {
    let Some(section) = &config.ingest.influxdb else {
        return Ok(None);
    };
    let writer = Writer::open(&server(section), dir, Pace::default())?;
    let tap = ingest.tap(writer.resume_from());
    tracing::info!(
        url = section.url,
        bucket = section.bucket,
        "readings go to InfluxDB as well"
    );
    let figures = writer.figures();
    let (to, portions) = mpsc::channel(WAITING);
    let task = tokio::spawn(async move {
        let writing = async { Ok(writer.run(portions, stop.clone()).await?) };
        let ended = tokio::try_join!(draw(tap, to, &stop), writing);
        stop.cancel();
        ended
            .map(|((), ())| ())
            .context("InfluxDB is not fed any more")
    });
    let look: Feed = Box::new(move || {
        let now = figures.snapshot();
        Feeding {
            written: now.written,
            behind: now.behind,
            quarantined: now.quarantined,
            missed: now.missed,
            trouble: now.trouble.map(|trouble| trouble.sentence().to_owned()),
        }
    });
    Ok(Some(Fed { task, look }))
}

async fn draw(mut tap: Tap, to: mpsc::Sender<Portion>, stop: &CancellationToken) -> Result<()> {
    while let Some(drawn) = stop.run_until_cancelled(tap.more()).await {
        let drawn = drawn?;
        let portion = Portion {
            samples: drawn.samples,
            next: drawn.next,
            end: drawn.end,
            missed: drawn.missed,
        };
        if to.send(portion).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn server(section: &InfluxDb) -> veglia_influx::Config {
    veglia_influx::Config {
        url: section.url.clone(),
        org: section.org.clone(),
        bucket: section.bucket.clone(),
        token_file: section.token_file.clone(),
        authority_file: section.authority_file.clone(),
    }
}
