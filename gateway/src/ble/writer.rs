//! What one device said, on its way to the outbox, while the device goes on speaking.
//!
//! btleplug keeps what nobody takes without a limit. So values are always taken, and a disk that
//! does not keep up makes them wait here, with one. What does not fit is given up from the oldest
//! and told as a gap.

use std::collections::VecDeque;

use tokio::task::JoinHandle;
use veglia_link::Outbox;
use veglia_link::outbox::{AppendError, Appended, MAX_APPEND_RECORDS};
use veglia_wire::{Body, Gap, GapReason, Record};

use crate::run::is_passing;
use crate::voice::Voice;

/// Records that wait for the disk: more than half an hour of an oximeter, and 500 KiB.
const MAX_WAITING: usize = 4096;

/// The way of one device's records.
pub(crate) struct Writer {
    outbox: Outbox,
    voice: Voice,
    waiting: VecDeque<Record>,
    under_way: Option<JoinHandle<Result<Appended, AppendError>>>,
    given_up: Option<(u32, Record)>,
    has_lost: bool,
}

impl Writer {
    /// `voice` says what is to be said of records once they are on disk.
    pub(crate) fn new(outbox: Outbox, voice: Voice) -> Self {
        Self {
            outbox,
            voice,
            waiting: VecDeque::new(),
            under_way: None,
            given_up: None,
            has_lost: false,
        }
    }

    /// Whether something did not reach the disk since this was last asked.
    pub(crate) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.has_lost)
    }

    /// Takes records; never waits.
    pub(crate) fn push(&mut self, records: Vec<Record>) {
        self.waiting.extend(records);
        while self.waiting.len() > MAX_WAITING {
            if let Some(oldest) = self.waiting.pop_front() {
                let lost = self.given_up.take().map_or(0, |(lost, _)| lost);
                self.given_up = Some((lost.saturating_add(1), oldest));
                self.has_lost = true;
            }
        }
        self.start();
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_none()
    }

    /// Waits until what is under way is on disk, and starts the next. To be called when something
    /// is; may be dropped and called again.
    ///
    /// # Errors
    /// One that only a restart can mend. A full disk is a state that the outbox tells of itself.
    pub(crate) async fn progress(&mut self) -> Result<(), AppendError> {
        if let Some(under_way) = &mut self.under_way {
            let done = under_way.await;
            self.under_way = None;
            match done {
                Ok(Err(error)) if !is_passing(&error) => return Err(error),
                Ok(Ok(_)) => {}
                Ok(Err(_)) => self.has_lost = true,
                Err(error) => {
                    tracing::error!(%error, "a part of the readings was not kept");
                    self.has_lost = true;
                }
            }
        }
        self.start();
        Ok(())
    }

    /// Waits until everything is on disk.
    ///
    /// # Errors
    /// As [`Writer::progress`].
    pub(crate) async fn finish(&mut self) -> Result<(), AppendError> {
        while !self.is_idle() {
            self.progress().await?;
        }
        Ok(())
    }

    fn start(&mut self) {
        if self.under_way.is_some() || self.waiting.is_empty() {
            return;
        }
        let mut records = Vec::new();
        if let Some((lost, like)) = self.given_up.take() {
            let gap = Gap {
                reason: GapReason::Limit,
                lost,
                lasted_ms: None,
            };
            records.push(Record {
                body: Body::Gap(gap),
                ..like
            });
        }
        let count = self.waiting.len().min(MAX_APPEND_RECORDS - records.len());
        records.extend(self.waiting.drain(..count));
        let (outbox, voice) = (self.outbox.clone(), self.voice.clone());
        self.under_way = Some(tokio::spawn(async move {
            let words = voice.words(&records);
            let appended = outbox.append(records).await?;
            words.into_iter().for_each(|phrase| voice.say(phrase));
            Ok(appended)
        }));
    }
}
