//! From pages to deliveries: who holds the post that is called, and how they are reached.
//!
//! ```text
//! diary::pages_since ─► who is called (people: roster, substitutes, hours) ─► notify::enqueue
//! notify::events_since ─► nobody was reached ─► diary::page_failed ─► the ladder's next rung
//! ```
//! Both cursors are in the record. A page is passed on before its cursor moves, and known again by
//! its key: a crash in between sends nothing twice and forgets nothing. Pages are looked at before
//! events, so that a page whose deliveries are half written is never judged.
//!
//! Staff get a link to the sign-in. A family doctor may have no account: the link opens a page that
//! says no more than that somebody waits ([`crate::avvisi`]). Of a day's digest a doctor gets one
//! message, however many patients it is about, at the hour of their summary when they have chosen
//! one ([`veglia_doctor::next_of`]); when it reaches nobody, each of them comes back to the centre.
//!
//! **While nobody at all stands on the roster nobody is called**, and the health page says so: a
//! centre that has not written its roster yet would otherwise climb every ladder in a second.
//!
//! Deliberately absent: clinical content, the choice of who is called when (the diary's ladder).

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;
use veglia_diary::{Callee, Page, PageId, PageWhy, ReadError, page_failed, pages_since};
use veglia_doctor::{Choice, DoctorError};
use veglia_notify::{
    Config, EnqueueError, Event, Happened, Joined, Key, Message, MessageError, NewDelivery,
};
use veglia_people::duty::{self, Called, Post};
use veglia_people::links::{self, LinkError};
use veglia_people::{CalendarError, Party, PersonId};
use veglia_store::{Actor, Database, TxError};
use veglia_view::{CareClock, PatientId, Severity};
use veglia_wire::WallMs;

use crate::alarm_path;
use crate::doctor;
use crate::pages::chain;
use crate::recall;

/// Between two looks. With a tick of ingest (a second) and the courier's look, a missed repeat is
/// with its channel within two seconds.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Pages passed on in one go.
const PAGES: u64 = 100;

/// A page that nobody passed on for a day of care is passed over: the ladder has gone on since.
const STALE_MS: i64 = 24 * 3_600_000;

/// The names of our cursors.
const PAGES_CURSOR: &str = "paging.pages";
const EVENTS_CURSOR: &str = "paging.events";

const ACTOR: Actor = Actor::System("paging");

const SUBJECT: &str = "Veglia";
const WAITS: &str = "Veglia: una segnalazione la aspetta.";
const DIGEST: &str = "Veglia: il riepilogo di oggi la aspetta.";

/// The task; one at a record.
#[derive(Clone)]
pub(crate) struct Paging {
    pub(crate) record: Database,
    pub(crate) care: CareClock,
    pub(crate) notify: Arc<Config>,
}

/// Why a page was not passed on; it is tried again.
#[derive(Debug, Error)]
pub(crate) enum PagingError {
    #[error("the diary did not answer")]
    Diary(#[source] ReadError),
    #[error("the record did not answer")]
    Record(#[source] TxError),
    #[error("the alarm path's probe was not carried on")]
    Probe(#[source] alarm_path::PathError),
    #[error("the outbox did not take a message")]
    Outbox(#[source] EnqueueError),
    #[error("no link was made")]
    Link(#[source] LinkError),
    #[error("the hours of somebody who is called cannot be told")]
    Hours(#[source] CalendarError),
    #[error("when a doctor wants their summary was not read")]
    Summary(#[source] DoctorError),
    #[error("a message cannot be said: shorten `link` in [notify]")]
    Message(#[source] MessageError),
}

impl Paging {
    /// Works until it is dropped.
    pub(crate) async fn run(self) {
        let mut was_well = true;
        loop {
            let round = self.round().await;
            if let Err(error) = &round {
                // Told once: the same words twice a second would bury the rest of the log.
                if was_well {
                    tracing::error!(error = %chain(error), "pages are not passed on");
                }
            }
            was_well = round.is_ok();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Passes on what is new, both ways.
    pub(crate) async fn round(&self) -> Result<(), PagingError> {
        self.pass_on().await?;
        recall::withdraw(&self.record, &ACTOR, self.care.wall().now()).await?;
        let carried = alarm_path::carry(&self.record, &self.care).await;
        carried.map_err(PagingError::Probe)?;
        self.report_back().await
    }

    async fn pass_on(&self) -> Result<(), PagingError> {
        let cursor = veglia_notify::cursor(&self.record, &ACTOR, PAGES_CURSOR).await;
        let after = PageId(cursor.map_err(PagingError::Record)?);
        let pages = pages_since(&self.record, &ACTOR, after, PAGES).await;
        for page in pages.map_err(PagingError::Diary)? {
            self.call(&page).await?;
            veglia_notify::set_cursor(&self.record, &ACTOR, PAGES_CURSOR, page.id.0)
                .await
                .map_err(PagingError::Record)?;
        }
        Ok(())
    }

    async fn call(&self, page: &Page) -> Result<(), PagingError> {
        let now = self.care.now();
        if now.since(page.at) > STALE_MS {
            tracing::warn!(page = page.id.0, "a page is a day old: passed over");
            return Ok(());
        }
        if recall::is_recalled(&self.record, &ACTOR, page.id).await? {
            tracing::info!(
                page = page.id.0,
                "nobody is called: the patient is not at home"
            );
            return Ok(());
        }
        let roster = duty::roster(&self.record, &ACTOR, now).await;
        if roster.map_err(PagingError::Record)?.is_empty() {
            tracing::warn!(
                page = page.id.0,
                "nobody stands on the roster: nobody is called"
            );
            return Ok(());
        }
        let called = self.who(page, now).await.map_err(PagingError::Record)?;
        if called.is_empty() {
            let reason = match page.callee {
                Callee::Mmg => "no family doctor is on file for this patient".to_owned(),
                Callee::Receiver => "whoever was given it is not known".to_owned(),
                callee => format!("nobody is on the roster as {callee}"),
            };
            return self.give_back(page.id, &reason).await;
        }
        for person in &called {
            self.send(page, person, now).await?;
        }
        Ok(())
    }

    /// Who holds the post now, the patient's family doctor, or whoever an alert was given to.
    async fn who(&self, page: &Page, now: WallMs) -> Result<Vec<Called>, TxError> {
        let post = match page.callee {
            Callee::Operator => Post::Operator,
            Callee::SecondOperator => Post::SecondOperator,
            Callee::Doctor => Post::Doctor,
            Callee::OutOfHours => Post::OutOfHours,
            Callee::Mmg => {
                let Some(person) = person_of(page.patient) else {
                    return Ok(Vec::new());
                };
                let doctor = duty::mmg_of(&self.record, &ACTOR, person, now).await?;
                return Ok(doctor.into_iter().collect());
            }
            // Whoever an alert was given to, on the roster or not.
            Callee::Receiver => {
                let party: Option<Party> = page.to.as_deref().and_then(|to| to.parse().ok());
                let Some(party) = party else {
                    return Ok(Vec::new());
                };
                return Ok(vec![duty::one(&self.record, &ACTOR, party, now).await?]);
            }
        };
        duty::on_duty(&self.record, &ACTOR, post, now).await
    }

    async fn send(&self, page: &Page, to: &Called, now: WallMs) -> Result<(), PagingError> {
        let wall = self.care.wall().now();
        let summary = self.summary(page, to.party, now).await?;
        let begins = match &summary {
            Some(summary) => summary.at,
            None => self.not_before(page, to, now).map_err(PagingError::Hours)?,
        };
        let message = match &summary {
            Some(_) => Message::new(SUBJECT, DIGEST, &self.notify.page(doctor::SUMMARY)),
            None => Ok(self.message(page, to.party, now).await?),
        };
        let key = match summary {
            Some(summary) => Ok(summary.key),
            None => key_of(page, to.party),
        };
        let delivery = NewDelivery {
            key: key.map_err(PagingError::Message)?,
            about: about(page.id).map_err(PagingError::Message)?,
            recipient: to.party.to_string(),
            addresses: to.addresses.clone(),
            message: message.map_err(PagingError::Message)?,
            urgent: page.severity == Severity::Red,
            not_before: wall.plus_ms(self.care.wall_ms(begins.since(now))),
        };
        let is_new = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
        if is_new.map_err(PagingError::Outbox)? || page.why != PageWhy::Digest {
            return Ok(());
        }
        // The digest that is known tells of this page too, or has gone without it.
        let (key, about) = (&delivery.key, &delivery.about);
        let joined = veglia_notify::join(&self.record, &ACTOR, key, about).await;
        if joined.map_err(PagingError::Record)? == Joined::TooLate {
            let key = page_key(page.id, to.party).map_err(PagingError::Message)?;
            let alone = NewDelivery { key, ..delivery };
            let sent = veglia_notify::enqueue(&self.record, &ACTOR, &alone, wall).await;
            sent.map_err(PagingError::Outbox)?;
        }
        Ok(())
    }

    /// The daily summary that tells of a page too, when the doctor has chosen its hour.
    async fn summary(
        &self,
        page: &Page,
        party: Party,
        now: WallMs,
    ) -> Result<Option<Choice>, PagingError> {
        match (page.why, party) {
            (PageWhy::Digest, Party::Mmg(doctor)) => {
                let next = veglia_doctor::next_of(&self.record, doctor, now).await;
                next.map_err(PagingError::Summary)
            }
            _ => Ok(None),
        }
    }

    /// A family doctor is told when the surgery is open; what is not red waits for the end of
    /// quiet hours.
    fn not_before(&self, page: &Page, to: &Called, now: WallMs) -> Result<WallMs, CalendarError> {
        let open = match &to.surgery {
            Some(surgery) => surgery.next_opening(now)?,
            None => now,
        };
        match &to.quiet {
            Some(quiet) if page.severity != Severity::Red => quiet.next_closing(open),
            _ => Ok(open),
        }
    }

    async fn message(
        &self,
        page: &Page,
        party: Party,
        now: WallMs,
    ) -> Result<Message, PagingError> {
        let link = match party {
            Party::Staff(_) => self.notify.page("/"),
            Party::Mmg(_) => {
                let secret = links::make(&self.record, &ACTOR, party, page.id.0, now).await;
                let secret = secret.map_err(PagingError::Link)?;
                self.notify.page(&format!("/avvisi/{}", secret.reveal()))
            }
        };
        let text = match page.why {
            PageWhy::Digest => DIGEST,
            _ => WAITS,
        };
        Message::new(SUBJECT, text, &link).map_err(PagingError::Message)
    }

    async fn report_back(&self) -> Result<(), PagingError> {
        let cursor = veglia_notify::cursor(&self.record, &ACTOR, EVENTS_CURSOR).await;
        let after = cursor.map_err(PagingError::Record)?;
        let events = veglia_notify::events_since(&self.record, &ACTOR, after).await;
        let events = events.map_err(PagingError::Record)?;
        for event in &events {
            self.judge(event).await?;
        }
        let Some(last) = events.last() else {
            return Ok(());
        };
        veglia_notify::set_cursor(&self.record, &ACTOR, EVENTS_CURSOR, last.id)
            .await
            .map_err(PagingError::Record)
    }

    /// A page has failed when nobody was reached who was called by it; a digest that reached
    /// nobody gives back every page that it told of.
    async fn judge(&self, event: &Event) -> Result<(), PagingError> {
        if event.happened != Happened::Failed {
            return Ok(());
        }
        let abouts = veglia_notify::abouts(&self.record, &ACTOR, &event.key).await;
        for about in abouts.map_err(PagingError::Record)? {
            let Some(page) = page_of(&about) else {
                continue;
            };
            let alone = veglia_notify::reached_nobody(&self.record, &ACTOR, &about).await;
            if alone.map_err(PagingError::Record)? {
                self.give_back(page, &event.reason).await?;
            }
        }
        Ok(())
    }

    async fn give_back(&self, page: PageId, reason: &str) -> Result<(), PagingError> {
        tracing::warn!(page = page.0, reason, "a page reached nobody");
        page_failed(&self.record, &ACTOR, page, self.care.now(), reason)
            .await
            .map_err(PagingError::Diary)?;
        Ok(())
    }
}

/// The same number names both.
pub(crate) fn person_of(patient: PatientId) -> Option<PersonId> {
    PersonId::new(i64::try_from(patient.get()).ok()?)
}

fn about(page: PageId) -> Result<Key, MessageError> {
    format!("page-{}", page.0).parse()
}

pub(crate) fn page_of(about: &Key) -> Option<PageId> {
    let number = about.as_str().strip_prefix("page-")?;
    Some(PageId(number.parse().ok()?))
}

/// A page and a person; of digests, which are decided at one moment for all patients of a doctor,
/// that moment and the doctor.
fn key_of(page: &Page, party: Party) -> Result<Key, MessageError> {
    match page.why {
        PageWhy::Digest => {
            let half_day = page.at.0.div_euclid(12 * 3_600_000);
            format!("digest-{half_day}.{}", written(party)).parse()
        }
        _ => page_key(page.id, party),
    }
}

fn page_key(page: PageId, party: Party) -> Result<Key, MessageError> {
    format!("page-{}.{}", page.0, written(party)).parse()
}

/// Somebody who is called, as a part of a key.
pub(crate) fn written(party: Party) -> String {
    party.to_string().replace(':', "-")
}
