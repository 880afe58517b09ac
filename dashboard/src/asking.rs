//! Tells a patient to measure again while a red waits for its second measurement.
//!
//! ```text
//! diary::alerts_since ─► unconfirmed reds ─► people::told, once ─► notify::enqueue (SMS)
//! notify::events_since ─► what became of it ─► a note in the diary, beside the alert
//! ```
//! The words are the same for everybody and say no value. They are a row of the record first: an
//! SMS carries it to the patient's own mobile. Nobody is written to who is not at home, and for
//! whom no mobile is on file the diary says so: then somebody has to telephone.
//!
//! Every step is known by its name, so that a restart, which looks at all open alerts again, says
//! nothing twice.
//!
//! Deliberately absent: ambers, which can wait for a person to telephone, and quiet hours: a red
//! has none.

use std::collections::HashMap;
use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;
use veglia_diary::{
    Alert, AlertCursor, ReadError, alerts_since, note_once, open_flags, whereabouts_at,
};
use veglia_notify::{EnqueueError, Event, Happened, Key, Message, MessageError, NewDelivery};
use veglia_people::contacts::{Address, Channel};
use veglia_people::patients;
use veglia_people::told::{self, Telling, ToldId};
use veglia_store::{Actor, Database, TxError};
use veglia_view::{CareClock, FlagId, PatientId, Severity, Standing, Whereabouts};
use veglia_wire::WallMs;

use crate::pages::chain;
use crate::paging::person_of;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

const EVENTS_CURSOR: &str = "asking.events";

const ACTOR: Actor = Actor::System("asking");

const SUBJECT: &str = "Veglia";

/// What is said; who speaks stands before it.
pub(crate) const WORDS: &str = "Rimisuri subito. Se le manca il fiato chiami il 112.";
const SPEAKER: &str = "Veglia, Centrale Medica.";

/// The task; one at a record.
pub(crate) struct Asking {
    record: Database,
    care: CareClock,
    /// How far alerts were followed; none before the open ones were read.
    moved: Option<AlertCursor>,
}

/// Why nothing was said; it is tried again.
#[derive(Debug, Error)]
pub(crate) enum AskingError {
    #[error("the diary did not answer")]
    Diary(#[source] ReadError),
    #[error("the record did not answer")]
    Record(#[source] TxError),
    #[error("the person was not read")]
    Person(#[source] patients::ReadError),
    #[error("the outbox did not take a message")]
    Outbox(#[source] EnqueueError),
    #[error("a message cannot be said")]
    Message(#[source] MessageError),
}

impl Asking {
    pub(crate) fn new(record: Database, care: CareClock) -> Self {
        Self {
            record,
            care,
            moved: None,
        }
    }

    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut was_well = true;
        loop {
            let round = self.round().await;
            if let Err(error) = &round
                && was_well
            {
                tracing::error!(error = %chain(error), "patients are not told to measure again");
            }
            was_well = round.is_ok();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Says what is to be said, and writes down what became of it.
    pub(crate) async fn round(&mut self) -> Result<(), AskingError> {
        let read = alerts_since(&self.record, &ACTOR, self.moved).await;
        let (alerts, cursor) = read.map_err(AskingError::Diary)?;
        let waiting: Vec<Alert> = alerts.into_iter().filter(waits).collect();
        if !waiting.is_empty() {
            self.ask(&waiting).await?;
        }
        self.moved = Some(cursor);
        self.report_back().await
    }

    async fn ask(&self, waiting: &[Alert]) -> Result<(), AskingError> {
        let now = self.care.now();
        let places = whereabouts_at(&self.record, &ACTOR, now).await;
        let places: HashMap<PatientId, Whereabouts> = places.map_err(AskingError::Diary)?;
        let is_away = |patient: &PatientId| {
            let place = places.get(patient).copied();
            place.is_some_and(|place| place != Whereabouts::AtHome)
        };
        let open = open_flags(&self.record, &ACTOR).await;
        for flag in open.map_err(AskingError::Diary)? {
            let (id, standing) = (&flag.flag.id, flag.flag.standing);
            let Standing::Unconfirmed { repeat_by } = standing else {
                continue;
            };
            let is_meant = flag.flag.severity == Severity::Red
                && flag.ended.is_none()
                && now < repeat_by
                && waiting.iter().any(|alert| alert.covers(id));
            if is_meant && !is_away(&id.patient) {
                self.tell(id, repeat_by, now).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, flag: &FlagId, until: WallMs, now: WallMs) -> Result<(), AskingError> {
        let Some(person) = person_of(flag.patient) else {
            return Ok(());
        };
        let known = patients::get(&self.record, &ACTOR, person).await;
        let Some(known) = known.map_err(AskingError::Person)? else {
            return Ok(());
        };
        let telling = Telling {
            once: format!("repeat:{flag}:{until}"),
            person,
            about: flag.to_string(),
            words: WORDS.to_owned(),
            at: now,
            until,
        };
        let id = told::tell(&self.record, &ACTOR, &telling).await;
        let id = id.map_err(AskingError::Record)?;
        let phone = &known.details.phone;
        let mobile = Address::new(Channel::Sms, phone.as_str()).ok();
        let Some(mobile) = mobile.filter(|_| phone.takes_sms()) else {
            return self.note(flag, id, "unreachable", NO_MOBILE, now).await;
        };
        let wall = self.care.wall().now();
        let key = key_of(id)?;
        let delivery = NewDelivery {
            about: key.clone(),
            key,
            recipient: format!("patient:{}", flag.patient),
            addresses: vec![mobile],
            message: Message::without_link(SUBJECT, &format!("{SPEAKER} {WORDS}"))
                .map_err(AskingError::Message)?,
            urgent: true,
            not_before: wall,
        };
        let sent = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
        sent.map_err(AskingError::Outbox)?;
        let words = format!("Messaggio al paziente, per SMS: «{WORDS}»");
        self.note(flag, id, "asked", &words, now).await
    }

    async fn report_back(&self) -> Result<(), AskingError> {
        let cursor = veglia_notify::cursor(&self.record, &ACTOR, EVENTS_CURSOR).await;
        let after = cursor.map_err(AskingError::Record)?;
        let events = veglia_notify::events_since(&self.record, &ACTOR, after).await;
        let events = events.map_err(AskingError::Record)?;
        for event in &events {
            self.tell_of(event).await?;
        }
        let Some(last) = events.last() else {
            return Ok(());
        };
        veglia_notify::set_cursor(&self.record, &ACTOR, EVENTS_CURSOR, last.id)
            .await
            .map_err(AskingError::Record)
    }

    /// What became of a message, beside the alert that it was about.
    async fn tell_of(&self, event: &Event) -> Result<(), AskingError> {
        let Some(id) = told_by(&event.about) else {
            return Ok(());
        };
        let (what, words) = match event.happened {
            Happened::Accepted => ("accepted", ACCEPTED),
            Happened::Received => ("received", RECEIVED),
            Happened::Failed => ("failed", FAILED),
            Happened::Deferred => ("deferred", DEFERRED),
            // Another address is tried, or the failure follows.
            Happened::Abandoned => return Ok(()),
        };
        let telling = told::get(&self.record, &ACTOR, id).await;
        let telling = telling.map_err(AskingError::Record)?;
        match telling.and_then(|telling| telling.about.parse().ok()) {
            Some(flag) => self.note(&flag, id, what, words, self.care.now()).await,
            None => Ok(()),
        }
    }

    async fn note(
        &self,
        flag: &FlagId,
        id: ToldId,
        what: &str,
        words: &str,
        now: WallMs,
    ) -> Result<(), AskingError> {
        let key = format!("told:{}:{what}", id.0);
        let noted = note_once(&self.record, &ACTOR, flag, &key, words, now).await;
        noted.map(drop).map_err(AskingError::Diary)
    }
}

const NO_MOBILE: &str = "Nessun cellulare in archivio: al paziente non si è potuto scrivere di \
    rimisurare. Telefonargli.";
const ACCEPTED: &str = "Messaggio al paziente: affidato alla rete SMS.";
const RECEIVED: &str = "Messaggio al paziente: arrivato al telefono.";
const DEFERRED: &str = "Messaggio al paziente: l’invio per SMS non riesce, si riprova.";
const FAILED: &str = "Messaggio al paziente: NON recapitato. Telefonargli.";

/// An alert that asks for a second measurement before people are called.
fn waits(alert: &Alert) -> bool {
    let state = &alert.state;
    state.severity == Severity::Red && !state.is_confirmed && !state.is_closed
}

fn key_of(id: ToldId) -> Result<Key, AskingError> {
    let key = format!("told-{}", id.0).parse();
    key.map_err(AskingError::Message)
}

fn told_by(about: &Key) -> Option<ToldId> {
    let number = about.as_str().strip_prefix("told-")?;
    Some(ToldId(number.parse().ok()?))
}
