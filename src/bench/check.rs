//! What was stored, read back through the same door as an export, and compared with what was
//! sent: each line, in order. A figure of readings that were lost or changed would be worth
//! nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::time::sleep;
use veglia_view::{ExportAsk, HttpView, Scope, View, WallMs, decimal};

use super::load::{Home, VITALS};

/// For the series to have read the journal to its end.
const PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Readings stored.
    pub(super) stored: u64,
    /// Whether each has the value, the time and the device that it was sent with.
    pub(super) equal: bool,
}

/// Waits until the last reading of each home can be read: the series then have them all, since
/// they take them in order.
pub(super) async fn until_stored(view: &HttpView, homes: &[Home]) -> Result<()> {
    let Some(last) = homes.first().map(|home| home.at(home.readings / 2 - 1)) else {
        return Ok(());
    };
    let wanted = homes.len() * VITALS.len();
    let began = Instant::now();
    loop {
        let mut stored = Lines::ask(view, last, last.plus_ms(1)).await?;
        let mut count = 0;
        while stored.next().await?.is_some() {
            count += 1;
        }
        if count >= wanted {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            bail!("of {wanted} last readings only {count} were stored in time");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Compares everything stored with everything sent.
pub(super) async fn compare(view: &HttpView, homes: &[Home]) -> Result<Found> {
    let mut lines = Lines::ask(view, WallMs(i64::MIN), WallMs(i64::MAX)).await?;
    let mut found = Found {
        stored: 0,
        equal: true,
    };
    // Exports go device by device, vital by vital, in order of time; so do the homes.
    for home in homes {
        for vital in VITALS {
            for pair in 0..home.readings / 2 {
                let (device, at) = (&home.device, home.at(pair));
                let value = decimal(vital, home.steps(vital, pair));
                let sent = format!("{device},{vital},{at},{value},");
                let Some(stored) = lines.next().await? else {
                    found.equal = false;
                    return Ok(found);
                };
                found.stored += 1;
                found.equal &= stored == sent;
            }
        }
    }
    while lines.next().await?.is_some() {
        found.stored += 1;
        found.equal = false;
    }
    Ok(found)
}

/// An export, line by line, without its heading.
struct Lines {
    pieces: veglia_view::Lines,
    text: String,
    read: usize,
}

impl Lines {
    async fn ask(view: &HttpView, from: WallMs, to: WallMs) -> Result<Self> {
        let ask = ExportAsk {
            scope: Scope::Everything,
            from,
            to,
        };
        let pieces = view.export(ask).await.context("nothing can be read back")?;
        let mut lines = Self {
            pieces,
            text: String::new(),
            read: 0,
        };
        lines.next().await?.context("an export has a heading")?;
        Ok(lines)
    }

    async fn next(&mut self) -> Result<Option<&str>> {
        loop {
            if let Some(end) = self.text[self.read..].find('\n') {
                let line = self.read..self.read + end;
                self.read = line.end + 1;
                return Ok(Some(&self.text[line]));
            }
            self.text.drain(..self.read);
            self.read = 0;
            match self.pieces.next().await {
                None => return Ok(None),
                Some(piece) => self.text.push_str(std::str::from_utf8(&piece?)?),
            }
        }
    }
}
