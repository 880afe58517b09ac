//! The watch over the alarm path: the probe's last legs, who judges them, and what is done when a
//! round is missed.
//!
//! ```text
//! paging's round ─► carry: a call of the probe → a message in the outbox → given away: closed
//! Watchdog, by its own clock ─► probe::overdue ─► the page's banner · an interruption in the
//!     record, once · a message to whoever is on duty, once · its end, when a round ends again
//!  └► a round ended ─► a call outward, where one is configured
//! ```
//! The watchdog reads the record and the time and asks nobody on the path: with ingest, broker,
//! gateway or courier dead it judges all the same. A record that does not answer is itself the
//! fault. The carrying is part of paging's own round, so that what holds pages up holds the probe
//! up too.
//!
//! **Limits**: it cannot tell that its own process is dead; ingest's health does, and whoever
//! misses the calls outward.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{MethodRouter, get};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use veglia_diary::ReadError;
use veglia_diary::probe::{self, Interruption, Leg, Pace, Round, Standing};
use veglia_notify::{Config, EnqueueError, Key, Message, MessageError, NewDelivery};
use veglia_people::contacts::{Address, Channel};
use veglia_people::duty::{self, Called, Post};
use veglia_store::{Actor, Database, TxError};
use veglia_view::CareClock;
use veglia_ward::PathFault;
use veglia_wire::WallMs;
use veglia_words::Language;

use crate::Shell;
use crate::language::Spoken;
use crate::pages::chain;

/// Where the ward's script asks for the sentence.
pub(crate) const ADDRESS: &str = "/catena-allarmi";

/// Between two looks. A missed round is told within this of its time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the record may take: a hanging disk must not hang the watch.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

const ACTOR: Actor = Actor::System("alarm-path");

const SUBJECT: &str = "Veglia: catena degli allarmi";

/// How the path is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmPath {
    /// How often a round is expected, and how long it may take.
    pub pace: Pace,
    /// Who is called outside after each round, by a signed webhook.
    pub ping: Option<Address>,
}

/// Why the watch could not do its work; it goes on.
#[derive(Debug, Error)]
pub(crate) enum PathError {
    #[error("the diary did not answer")]
    Diary(#[source] ReadError),
    #[error("the record did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Late,
    #[error("the record did not answer")]
    Record(#[source] TxError),
    #[error("the outbox did not take a message")]
    Outbox(#[source] EnqueueError),
    #[error("a message cannot be said: shorten `link` in [notify]")]
    Message(#[source] MessageError),
}

/// The address of the sentence; behind the check of the session.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![(ADDRESS, get(said))]
}

/// `GET /catena-allarmi`: the sentence, or nothing while all is well.
async fn said(State(shell): State<Shell>, Spoken(language): Spoken) -> String {
    sentence(&shell, language).unwrap_or_default()
}

/// What the ward says of the path now; none while all is well.
pub(crate) fn sentence(shell: &Shell, language: Language) -> Option<String> {
    let fault = *shell.alarm_path.borrow();
    fault.map(|fault| fault.sentence(shell.care.now(), language))
}

/// The probe's last two legs, as a part of passing pages on: what was called becomes a message,
/// and a message that was given away closes its round.
pub(crate) async fn carry(record: &Database, care: &CareClock) -> Result<(), PathError> {
    let rounds = probe::under_way(record, &ACTOR).await;
    for round in rounds.map_err(PathError::Diary)? {
        let key = key("round", &round.key)?;
        let leg = if round.done(Leg::Carried).is_none() {
            let put = veglia_notify::probe::put(record, &ACTOR, &key, care.wall().now()).await;
            put.map_err(PathError::Record)?;
            Leg::Carried
        } else {
            let given = veglia_notify::probe::is_given_away(record, &ACTOR, &key).await;
            if !given.map_err(PathError::Record)? {
                continue;
            }
            Leg::Delivered
        };
        let noted = probe::note(record, &ACTOR, &round.key, leg, care.now()).await;
        noted.map_err(PathError::Diary)?;
        if leg == Leg::Delivered {
            let forgotten = veglia_notify::probe::forget(record, &ACTOR).await;
            forgotten.map_err(PathError::Record)?;
        }
    }
    Ok(())
}

/// Who judges; one at a record.
pub(crate) struct Watchdog {
    record: Database,
    care: CareClock,
    notify: Arc<Config>,
    path: AlarmPath,
    began: WallMs,
    /// Since when the record has not answered.
    mute_since: Option<WallMs>,
    /// The round that was last called out; none before the first look.
    pinged: Option<String>,
    has_looked: bool,
    said: watch::Sender<Option<PathFault>>,
}

impl Watchdog {
    /// One that begins to watch now, and where it says what it sees.
    pub(crate) fn new(
        record: Database,
        care: CareClock,
        notify: Arc<Config>,
        path: AlarmPath,
        said: watch::Sender<Option<PathFault>>,
    ) -> Self {
        Self {
            began: care.now(),
            record,
            care,
            notify,
            path,
            mute_since: None,
            pinged: None,
            has_looked: false,
            said,
        }
    }

    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut was_well = true;
        loop {
            let looked = self.look().await;
            if let Err(error) = &looked
                && was_well
            {
                tracing::error!(error = %chain(error), "the alarm path is not watched");
            }
            was_well = looked.is_ok();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Judges once, and does what follows.
    pub(crate) async fn look(&mut self) -> Result<(), PathError> {
        let now = self.care.now();
        let standing = match self.standing().await {
            Ok(standing) => standing,
            Err(error) => {
                let since = *self.mute_since.get_or_insert(now);
                if now.since(since) > self.path.pace.within_ms {
                    self.say(Some(PathFault::Record(since)));
                }
                return Err(error);
            }
        };
        self.mute_since = None;
        match probe::overdue(&standing, self.path.pace, self.began, now) {
            Some(overdue) => {
                self.say(Some(PathFault::Overdue(overdue)));
                let open = match standing.interruption {
                    Some(open) => open,
                    None => {
                        tracing::error!(
                            missing = overdue.leg.code(),
                            "the alarm path does not answer: see `veglia status`"
                        );
                        let open = probe::interrupt(&self.record, &ACTOR, overdue, now).await;
                        open.map_err(PathError::Diary)?
                    }
                };
                self.tell(&open, now).await
            }
            None => {
                self.say(None);
                self.restore(&standing, now).await?;
                self.ping(standing.last).await
            }
        }
    }

    async fn standing(&self) -> Result<Standing, PathError> {
        let standing = probe::standing(&self.record, &ACTOR);
        let answered = timeout(ANSWER_WITHIN, standing).await;
        let answered = answered.map_err(|_elapsed| PathError::Late)?;
        answered.map_err(PathError::Diary)
    }

    fn say(&self, fault: Option<PathFault>) {
        self.said.send_if_modified(|said| {
            let is_news = *said != fault;
            *said = fault;
            is_news
        });
    }

    /// The trace of what is over.
    async fn restore(&self, standing: &Standing, now: WallMs) -> Result<(), PathError> {
        let Some(open) = &standing.interruption else {
            return Ok(());
        };
        let ended = probe::restore(&self.record, &ACTOR, now).await;
        if ended.map_err(PathError::Diary)? {
            let lasted_ms = self.care.wall_ms(now.since(open.since));
            tracing::warn!(lasted_ms, "the alarm path answers again");
        }
        Ok(())
    }

    /// Writes to whoever is on duty, once. While nobody is, it waits for whoever comes.
    async fn tell(&self, open: &Interruption, now: WallMs) -> Result<(), PathError> {
        if open.told.is_some() {
            return Ok(());
        }
        let called = self.on_duty(now).await.map_err(PathError::Record)?;
        if called.is_empty() {
            return Ok(());
        }
        let fault = PathFault::Overdue(probe::Overdue {
            since: open.since,
            leg: open.leg,
        });
        let link = self.notify.page("/");
        let message = Message::new(SUBJECT, &fault.message(now), &link);
        let message = message.map_err(PathError::Message)?;
        let about = key("interruption", &open.id.to_string())?;
        let wall = self.care.wall().now();
        for person in called {
            let party = person.party.to_string();
            let mut addresses = person.addresses;
            addresses.sort_by_key(|address| address.channel() != Channel::Email);
            let delivery = NewDelivery {
                key: key(
                    &format!("interruption-{}", open.id),
                    &party.replace(':', "-"),
                )?,
                about: about.clone(),
                recipient: party,
                addresses,
                message: message.clone(),
                urgent: true,
                not_before: wall,
            };
            let put = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
            put.map_err(PathError::Outbox)?;
        }
        let told = probe::tell(&self.record, &ACTOR, open.id, now).await;
        told.map_err(PathError::Diary)
    }

    /// The operators; where there is none, the doctor.
    async fn on_duty(&self, now: WallMs) -> Result<Vec<Called>, TxError> {
        let mut all: Vec<Called> = Vec::new();
        for post in [Post::Operator, Post::SecondOperator, Post::Doctor] {
            if post == Post::Doctor && !all.is_empty() {
                break;
            }
            for person in duty::on_duty(&self.record, &ACTOR, post, now).await? {
                if all.iter().all(|known| known.party != person.party) {
                    all.push(person);
                }
            }
        }
        Ok(all)
    }

    /// Calls outward for a round that has just ended. What ended before this watch began is not
    /// called out again: it would say that the path answers now.
    async fn ping(&mut self, last: Option<Round>) -> Result<(), PathError> {
        let is_first = !std::mem::replace(&mut self.has_looked, true);
        let last = last.map(|round| round.key);
        if is_first {
            self.pinged = last;
            return Ok(());
        }
        let (Some(round), Some(address)) = (last, &self.path.ping) else {
            return Ok(());
        };
        if self.pinged.as_ref() == Some(&round) {
            return Ok(());
        }
        let key = key("ping", &round)?;
        let link = self.notify.page("/");
        let message = Message::new(SUBJECT, "Veglia: la catena degli allarmi risponde.", &link);
        let wall = self.care.wall().now();
        let delivery = NewDelivery {
            about: key.clone(),
            key,
            recipient: veglia_notify::probe::RECIPIENT.to_owned(),
            addresses: vec![address.clone()],
            message: message.map_err(PathError::Message)?,
            urgent: true,
            not_before: wall,
        };
        let put = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
        put.map_err(PathError::Outbox)?;
        self.pinged = Some(round);
        Ok(())
    }
}

fn key(what: &str, which: &str) -> Result<Key, PathError> {
    let key = format!("alarm-path-{what}.{which}").parse();
    key.map_err(PathError::Message)
}
