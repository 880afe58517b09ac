//! Delivers a batch: tries until every line of it is at the server or in quarantine.
//!
//! ```text
//! 204                  delivered
//! 400, 422             two halves; a single line goes into quarantine
//! 413                  two halves; a single line waits for a person
//! 429                  again, at first after seconds
//! 5xx, network, late   again, soon
//! 401, 403, 404, else  again, slowly: only a person can help
//! ```
//! InfluxDB writes what it can of a batch that it answers 400 or 422 to. The halves bring the
//! good lines again, which changes nothing, and the search ends at those that are refused.
//!
//! Each trouble is told once, and again only after the server has been well for a while.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinError;

use crate::batch::Batch;
use crate::figures::Figures;
use crate::pace::Pace;
use crate::quarantine::Quarantine;
use crate::server::{Refusal, Server, Trouble};

/// How long the server must have been well before the same trouble is worth telling again: one
/// that fails every other request is one story, not a thousand.
const WELL_AGAIN: Duration = Duration::from_secs(60);

/// What all deliveries share.
#[derive(Debug)]
pub(crate) struct Courier {
    server: Server,
    pace: Pace,
    figures: Figures,
    quarantine: Arc<Mutex<Quarantine>>,
    told: Mutex<Told>,
}

/// Which troubles have been told since the server was last well.
#[derive(Debug, Default)]
struct Told {
    troubles: HashSet<Trouble>,
    last: Option<Instant>,
}

/// What became of a batch.
enum Outcome {
    Delivered,
    Kept,
    Halves(Batch, Batch),
}

impl Courier {
    pub(crate) fn new(
        server: Server,
        pace: Pace,
        figures: Figures,
        quarantine: Quarantine,
    ) -> Self {
        figures.quarantined(quarantine.lines());
        Self {
            server,
            pace,
            figures,
            quarantine: Arc::new(Mutex::new(quarantine)),
            told: Mutex::default(),
        }
    }

    /// Returns when nothing of the batch is left to do, however long that takes. The only error
    /// is that a task of this process died.
    pub(crate) async fn deliver(&self, batch: Batch) -> Result<(), JoinError> {
        let mut waiting = vec![batch];
        while let Some(batch) = waiting.pop() {
            match self.settle(&batch).await? {
                Outcome::Delivered => self.figures.written(batch.lines()),
                Outcome::Kept => {}
                Outcome::Halves(first, second) => waiting.extend([second, first]),
            }
        }
        Ok(())
    }

    async fn settle(&self, batch: &Batch) -> Result<Outcome, JoinError> {
        let mut tries = 0;
        loop {
            let Err(refusal) = self.server.write(batch.bytes()).await else {
                self.well();
                return Ok(Outcome::Delivered);
            };
            tries += 1;
            self.tell(&refusal);
            let mut trouble = refusal.trouble;
            if matches!(trouble, Trouble::Refused | Trouble::TooLarge)
                && let Some((first, second)) = batch.halves()
            {
                return Ok(Outcome::Halves(first, second));
            }
            if trouble == Trouble::Refused {
                match self.keep(batch, refusal.said).await? {
                    Ok(()) => return Ok(Outcome::Kept),
                    Err(own) => {
                        trouble = own.trouble;
                        self.tell(&own);
                    }
                }
            }
            tokio::time::sleep(self.pause(trouble, tries)).await;
        }
    }

    fn pause(&self, trouble: Trouble, tries: u32) -> Duration {
        match trouble {
            Trouble::Unreachable | Trouble::Failing => self.pace.growing(self.pace.first, tries),
            Trouble::Busy => self.pace.growing(self.pace.busy, tries),
            _ => self.pace.slowly(),
        }
    }

    /// Puts a single line into quarantine; or says why it must be tried again later.
    async fn keep(&self, line: &Batch, said: String) -> Result<Result<(), Refusal>, JoinError> {
        let quarantine = Arc::clone(&self.quarantine);
        let bytes = line.bytes();
        let kept = tokio::task::spawn_blocking(move || {
            let mut quarantine = quarantine.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = quarantine.keep(&bytes, &said);
            (kept, quarantine.lines())
        });
        let (kept, lines) = kept.await?;
        let (trouble, said) = match kept {
            Ok(true) => {
                self.figures.refused(lines);
                return Ok(Ok(()));
            }
            Ok(false) => (Trouble::QuarantineFull, String::new()),
            Err(error) => (
                Trouble::QuarantineFails,
                format!("{error}: {}", error.source),
            ),
        };
        Ok(Err(Refusal { trouble, said }))
    }

    fn tell(&self, refusal: &Refusal) {
        let Refusal { trouble, said } = refusal;
        self.figures.trouble(*trouble);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.last = Some(Instant::now());
        if !told.troubles.insert(*trouble) {
            return;
        }
        // What it says of a refused line repeats the line: that is for quarantine, not for a log.
        let said = if *trouble == Trouble::Refused {
            ""
        } else {
            said
        };
        match trouble {
            Trouble::Unreachable | Trouble::Busy | Trouble::Failing => {
                tracing::warn!(said, "{}", trouble.sentence());
            }
            _ => tracing::error!(said, "{}", trouble.sentence()),
        }
    }

    fn well(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last.is_some_and(|last| last.elapsed() >= WELL_AGAIN) {
            *told = Told::default();
            tracing::info!("InfluxDB has taken everything for a while");
        }
    }
}
