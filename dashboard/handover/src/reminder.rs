//! Tells whoever is on duty that a handover is missing: nobody wrote it, or nobody has read it.
//!
//! The ward says so at once (`notice.rs`); a message goes out when it is still so after
//! [`GRACE_MS`], once for each handover, each lack and each person. Nothing clinical is in it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use veglia_notify::{Key, Message, NewDelivery};
use veglia_people::duty::{self, Called, Post};
use veglia_store::{Actor, Database};
use veglia_view::CareClock;

use crate::book::Kind;
use crate::desk::HandoverError;
use crate::overdue::{Overdue, overdue};

/// Between two looks: nobody waits for it by the second.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How long after its moment a handover may be written without a word, in milliseconds of care:
/// shifts overlap by a quarter of an hour.
pub const GRACE_MS: i64 = 15 * 60_000;

const ACTOR: Actor = Actor::System("handover");

const SUBJECT: &str = "Veglia";

/// The task; one at a record.
#[derive(Debug)]
pub struct Reminder {
    record: Database,
    care: CareClock,
    /// Where the shift's handover is written and read, and where the night's.
    links: (String, String),
    /// What was passed on in this life; the outbox knows the rest.
    told: BTreeSet<Key>,
}

impl Reminder {
    /// A task that leads to the page of the shift's handover, or of the night's.
    #[must_use]
    pub fn new(record: Database, care: CareClock, shift: String, night: String) -> Self {
        Self {
            record,
            care,
            links: (shift, night),
            told: BTreeSet::new(),
        }
    }

    /// Works until it is dropped.
    pub async fn run(mut self) {
        let mut was_well = true;
        loop {
            let round = self.round().await;
            if let Err(error) = &round
                && was_well
            {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(%error, cause, "nobody is reminded of handovers");
            }
            was_well = round.is_ok();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Tells of what is missing.
    ///
    /// # Errors
    /// See [`HandoverError`]; it is tried again.
    pub async fn round(&mut self) -> Result<(), HandoverError> {
        let now = self.care.now();
        let missing = overdue(&self.record, &ACTOR, now).await;
        let mut missing = missing.map_err(HandoverError::Record)?;
        missing.retain(|it| now.since(it.since) >= GRACE_MS);
        for it in &missing {
            for post in posts(it) {
                let on_duty = duty::on_duty(&self.record, &ACTOR, *post, now).await;
                for person in on_duty.map_err(HandoverError::Staff)? {
                    self.tell(it, &person).await?;
                }
            }
        }
        if missing.is_empty() {
            self.told.clear();
        }
        Ok(())
    }

    async fn tell(&mut self, missing: &Overdue, to: &Called) -> Result<(), HandoverError> {
        let what = name(missing);
        let key = format!("{what}.{}", to.party.to_string().replace(':', "-"));
        let key: Key = key.parse().map_err(HandoverError::Message)?;
        // Who is reached by nothing reads it on the ward.
        if to.addresses.is_empty() || self.told.contains(&key) {
            return Ok(());
        }
        let (shift, night) = &self.links;
        let link = match missing.kind {
            Kind::Shift => shift,
            Kind::Night | Kind::Morning => night,
        };
        let wall = self.care.wall().now();
        let message = Message::new(SUBJECT, words(missing), link);
        let delivery = NewDelivery {
            key: key.clone(),
            about: what.parse().map_err(HandoverError::Message)?,
            recipient: to.party.to_string(),
            addresses: to.addresses.clone(),
            message: message.map_err(HandoverError::Message)?,
            urgent: false,
            not_before: wall,
        };
        let sent = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
        sent.map_err(HandoverError::Outbox)?;
        self.told.insert(key);
        Ok(())
    }
}

/// Who writes it, or reads it, or calls who should have.
fn posts(missing: &Overdue) -> &'static [Post] {
    match (missing.kind, missing.is_written) {
        (Kind::Night, true) => &[Post::Operator, Post::OutOfHours],
        _ => &[Post::Operator],
    }
}

/// By what a lack is known.
fn name(missing: &Overdue) -> String {
    let lack = match missing.is_written {
        true => "unread",
        false => "unwritten",
    };
    let (kind, minute) = (missing.kind.code(), missing.change.0.div_euclid(60_000));
    format!("handover-{kind}-{minute}-{lack}")
}

/// A message is Italian, as every one.
fn words(missing: &Overdue) -> &'static str {
    match (missing.kind, missing.is_written) {
        (Kind::Shift, false) => "Veglia: le consegne del turno non sono state scritte.",
        (Kind::Shift, true) => "Veglia: le consegne del turno non sono state confermate.",
        (Kind::Night, false) => "Veglia: l'elenco della notte non è stato scritto.",
        (Kind::Night, true) => "Veglia: l'elenco della notte non è stato confermato.",
        (Kind::Morning, false) => "Veglia: la notte non ha restituito i pazienti.",
        (Kind::Morning, true) => "Veglia: la restituzione della notte non è stata confermata.",
    }
}
