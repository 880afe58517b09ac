//! Carries one-time codes to the outbox, after the request that asked for them was answered: who
//! has no case is written to by nobody, and nobody can tell it from how long an answer took.
//!
//! Codes wait in memory alone: in the record there is only a hash. A restart forgets those that
//! were not handed on, and whoever waits asks again.

use std::error::Error as _;

use tokio::sync::mpsc;
use veglia_notify::{Key, Message, NewDelivery};
use veglia_people::contacts::{Address, Channel};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

use crate::cases::CaseId;
use crate::door::Door;

/// Letters that wait at once: more than a town asks for in the second that one takes.
const WAITING_MAX: usize = 256;

/// Letters of a hash by which a message is known.
const HANDLE_CHARS: usize = 32;

const ACTOR: Actor = Actor::System("citizen");

const SUBJECT: &str = "Veglia";

/// A code on its way. It is not shown by `Debug`, and neither is the number.
pub(crate) struct Letter {
    /// By what the entry is known, in hexadecimal.
    pub(crate) entry: String,
    /// None for whoever has no case.
    pub(crate) case: Option<CaseId>,
    pub(crate) phone: String,
    pub(crate) digits: String,
    pub(crate) at: WallMs,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(…)")
    }
}

/// The task that carries them; one for each [`Door`].
#[derive(Debug)]
pub struct Messenger {
    record: Database,
    letters: mpsc::Receiver<Letter>,
}

impl Messenger {
    /// A door, and whoever carries its letters.
    #[must_use]
    pub fn at_a_door(record: Database) -> (Door, Self) {
        let (sender, letters) = mpsc::channel(WAITING_MAX);
        let door = Door::new(record.clone(), sender);
        (door, Self { record, letters })
    }

    /// Works until it is dropped, or its door is gone.
    pub async fn run(mut self) {
        while let Some(letter) = self.letters.recv().await {
            self.carry(letter).await;
        }
    }

    async fn carry(&self, letter: Letter) {
        let Some((delivery, case)) = delivery(&letter) else {
            return;
        };
        let sent = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, letter.at).await;
        if let Err(error) = sent {
            let cause = error.source().map(ToString::to_string);
            tracing::error!(%case, %error, cause, "a one-time code was not sent");
        }
    }
}

/// What is sent, if anybody is written to.
fn delivery(letter: &Letter) -> Option<(NewDelivery, CaseId)> {
    let case = letter.case?;
    let mobile = Address::new(Channel::Sms, &letter.phone).ok()?;
    let handle: String = letter.entry.chars().take(HANDLE_CHARS).collect();
    let key: Key = format!("code-{handle}").parse().ok()?;
    let words = format!(
        "Veglia: il suo codice è {}. Vale 10 minuti. Non lo dica a nessuno.",
        letter.digits
    );
    let delivery = NewDelivery {
        about: key.clone(),
        key,
        recipient: case.to_string(),
        addresses: vec![mobile],
        message: Message::without_link(SUBJECT, &words).ok()?,
        urgent: true,
        not_before: letter.at,
    };
    Some((delivery, case))
}
