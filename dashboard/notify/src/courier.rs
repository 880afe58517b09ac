//! The task that empties the outbox: a lane for each channel, so that a mail server which hangs
//! does not hold up an SMS.

use std::sync::Arc;

use futures_util::{StreamExt, future, stream};
use tokio::time::sleep;
use veglia_people::contacts::Channel;
use veglia_store::{Actor, Database, TxError};
use veglia_wire::Clock;

use crate::outbox::{self, Due};
use crate::probe;
use crate::retry::Pace;
use crate::senders::Senders;
use crate::settle;

/// Calls under way on one channel at once: servers of mail allow ten from one place.
const AT_ONCE: usize = 4;

/// Deliveries taken in one round: urgent ones that come meanwhile wait for one round at most.
const ROUND: u64 = 16;

/// On whose behalf rows are written.
const ACTOR: Actor = Actor::System("notify");

/// Empties the outbox; one at a record.
#[derive(Clone)]
pub struct Courier {
    record: Database,
    clock: Arc<dyn Clock>,
    senders: Arc<Senders>,
    pace: Pace,
}

impl Courier {
    /// A courier for an outbox, by the wall clock.
    #[must_use]
    pub fn new(record: Database, clock: Arc<dyn Clock>, senders: Arc<Senders>, pace: Pace) -> Self {
        Self {
            record,
            clock,
            senders,
            pace,
        }
    }

    /// Works until it is dropped: what is in the middle of a call is then sent again.
    pub async fn run(self) {
        let lanes = Channel::ALL.map(|channel| self.lane(channel));
        future::join(future::join_all(lanes), self.probe()).await;
    }

    /// The lane of the alarm path's probe. What fails there is told by the watch over the path.
    async fn probe(&self) {
        loop {
            if let Err(error) = self.probe_round().await {
                tracing::debug!(%error, "the probe's message stays in the outbox");
            }
            sleep(self.pace.look_every).await;
        }
    }

    /// Gives the messages of the alarm path's probe away; how many there were.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn probe_round(&self) -> Result<u64, TxError> {
        probe::round(&self.record, &ACTOR, self.clock.now()).await
    }

    async fn lane(&self, channel: Channel) {
        let mut was_well = true;
        loop {
            match self.round(channel).await {
                Ok(0) => sleep(self.pace.look_every).await,
                Ok(_) => was_well = true,
                Err(error) => {
                    // Told once: the same words twice a second would bury the rest of the log.
                    if was_well {
                        tracing::error!(%error, %channel, "the outbox does not answer");
                    }
                    was_well = false;
                    sleep(self.pace.look_every).await;
                }
            }
        }
    }

    /// Tries what is due on a channel once; how many there were.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn round(&self, channel: Channel) -> Result<usize, TxError> {
        let now = self.clock.now();
        let due = outbox::due(&self.record, &ACTOR, channel, ROUND, now).await?;
        let tried = due.len();
        let attempts = stream::iter(due).map(|due| self.attempt(due));
        let outcomes: Vec<_> = attempts.buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect::<Result<(), TxError>>()?;
        Ok(tried)
    }

    async fn attempt(&self, due: Due) -> Result<(), TxError> {
        let outcome = self.senders.send(&due, self.clock.now()).await;
        if let Err(refusal) = &outcome {
            let channel = due.address.channel();
            tracing::warn!(%channel, key = %due.key, reason = %refusal.reason, "not delivered");
        }
        let now = self.clock.now();
        settle::settle(&self.record, &ACTOR, due.id, &outcome, &self.pace, now).await
    }
}
