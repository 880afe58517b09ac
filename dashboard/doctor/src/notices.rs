//! Notices to the doctors of a hospital's unit: a patient whom they entrusted to telemonitoring got
//! worse, or was admitted.
//!
//! ```text
//! diary::alerts_since, changes_since ─▶ whose units (people::care) ─▶ notify::enqueue, a link
//! ```
//! A hospital stands on no ladder: nobody waits for it, and what it is told is for information. So
//! each doctor of the unit hears once of an alert that is confirmed, once more when it turns from
//! amber to red, and once of each stay in hospital, by their own ways and outside their quiet hours
//! unless it is red.
//!
//! Both cursors are in the record, and a notice is known by its key: a crash in between sends
//! nothing twice and forgets nothing. A link and nothing clinical goes out.
//!
//! Deliberately absent: while a patient is not at home, alerts (the admission was told); family
//! doctors, whom the ladder calls; a proof of having read.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use veglia_diary::{
    Alert, AlertCursor, ChangeId, Changed, alerts_since, changes_since, last_change_by,
    standings_of,
};
use veglia_notify::{Message, NewDelivery};
use veglia_people::care::{self, Caring, Holder};
use veglia_people::duty;
use veglia_people::staff::{self, Role, Staff};
use veglia_people::{Belongs, Party};
use veglia_store::{Actor, Database};
use veglia_view::{CareClock, PatientId, PatientStanding, Severity, WallMs, Whereabouts};

use crate::admission::admissions;
use crate::desk::{DoctorError, person_of};

/// Between two looks: nobody waits for a notice.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What was written of a stay so long ago is no news.
const STALE_MS: i64 = 24 * 3_600_000;

/// The names of our cursors.
const ALERTS_CURSOR: &str = "hospital.alerts";
const CHANGES_CURSOR: &str = "hospital.changes";

const ACTOR: Actor = Actor::System("hospital");

const SUBJECT: &str = "Veglia";
const WORDS: &str = "Veglia: una segnalazione la aspetta.";

/// The task that tells hospitals; one at a record.
#[derive(Debug)]
pub struct Notices {
    record: Database,
    care: CareClock,
    /// Where the list is.
    link: String,
}

/// Something that a unit is told, once.
struct News {
    patient: PatientId,
    /// By what it is known, as a part of a key.
    what: String,
    is_urgent: bool,
}

impl Notices {
    /// A task that leads to `link`.
    #[must_use]
    pub fn new(record: Database, care: CareClock, link: String) -> Self {
        Self { record, care, link }
    }

    /// Works until it is dropped.
    pub async fn run(self) {
        let mut was_well = true;
        loop {
            let round = self.round().await;
            if let Err(error) = &round
                && was_well
            {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(%error, cause, "hospitals are not told of their patients");
            }
            was_well = round.is_ok();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Tells what is new.
    ///
    /// # Errors
    /// See [`DoctorError`]; it is tried again.
    pub async fn round(&self) -> Result<(), DoctorError> {
        self.got_worse().await?;
        self.were_admitted().await
    }

    async fn got_worse(&self) -> Result<(), DoctorError> {
        let last = self.cursor(ALERTS_CURSOR).await?;
        let since = (last > 0).then_some(AlertCursor(last));
        let read = alerts_since(&self.record, &ACTOR, since).await;
        let (alerts, next) = read.map_err(DoctorError::Diary)?;
        for alert in alerts.iter().filter(|alert| is_worse(alert)) {
            let severity = alert.state.severity;
            let news = News {
                patient: alert.patient,
                what: format!("worse-{}-{}", alert.id.0, severity.name()),
                is_urgent: severity == Severity::Red,
            };
            self.tell(&news).await?;
        }
        self.moved(ALERTS_CURSOR, last, next.0).await
    }

    async fn were_admitted(&self) -> Result<(), DoctorError> {
        let last = self.cursor(CHANGES_CURSOR).await?;
        let since = match last {
            0 => {
                let before = self.care.now().plus_ms(-STALE_MS);
                let change = last_change_by(&self.record, &ACTOR, before).await;
                change.map_err(DoctorError::Diary)?
            }
            last => ChangeId(last),
        };
        let changes = changes_since(&self.record, &ACTOR, since).await;
        let changes = changes.map_err(DoctorError::Diary)?;
        for change in &changes {
            if let Changed::Standing(standing) = &change.what
                && standing.whereabouts == Whereabouts::InHospital
            {
                self.was_admitted(standing).await?;
            }
        }
        let next = changes.last().map_or(last, |change| change.id.0);
        self.moved(CHANGES_CURSOR, last, next).await
    }

    async fn was_admitted(&self, standing: &PatientStanding) -> Result<(), DoctorError> {
        let patient = standing.patient;
        let written = standings_of(&self.record, &ACTOR, patient).await;
        let written = written.map_err(DoctorError::Diary)?;
        let now = self.care.now();
        let mut all = admissions(&written).into_iter();
        let is_news = all.any(|it| it.number == standing.number && now.since(it.at) <= STALE_MS);
        if !is_news {
            return Ok(());
        }
        let what = format!("admission-{patient}-{}", standing.number);
        let is_urgent = false;
        let news = News {
            patient,
            what,
            is_urgent,
        };
        self.tell(&news).await
    }

    /// Tells every doctor of the units that the patient is entrusted to.
    async fn tell(&self, news: &News) -> Result<(), DoctorError> {
        let Some(person) = person_of(news.patient) else {
            return Ok(());
        };
        let now = self.care.now();
        let caring = care::of(&self.record, &ACTOR, person).await;
        let mut caring = caring.map_err(DoctorError::People)?;
        caring.retain(|it| is_in_force(it, now));
        if caring.iter().all(|it| unit_of(it).is_none()) {
            return Ok(());
        }
        let active = staff::active(&self.record, &ACTOR).await;
        let active = active.map_err(DoctorError::People)?.into_iter();
        let theirs: Vec<Staff> = active.filter(|who| is_of_one(who, &caring)).collect();
        let mut told = BTreeSet::new();
        for who in &theirs {
            let called = duty::one(&self.record, &ACTOR, Party::Staff(who.id), now).await;
            let called = called.map_err(DoctorError::People)?;
            // Whoever stands in for them is told if they may open the page.
            let is_theirs = theirs.iter().any(|it| Party::Staff(it.id) == called.party);
            if is_theirs && told.insert(called.party.to_string()) {
                self.send(news, &called, now).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, news: &News, to: &duty::Called, now: WallMs) -> Result<(), DoctorError> {
        if to.addresses.is_empty() {
            tracing::warn!(party = %to.party, "a hospital's doctor is reached by nothing");
            return Ok(());
        }
        let quiet = to.quiet.as_ref().filter(|_| !news.is_urgent);
        // Hours that cannot be told keep nobody from being told.
        let begins = quiet.and_then(|quiet| quiet.next_closing(now).ok());
        let wait_ms = begins.map_or(0, |begins| self.care.wall_ms(begins.since(now)));
        let wall = self.care.wall().now();
        let key = format!("{}.{}", news.what, to.party.to_string().replace(':', "-"));
        let delivery = NewDelivery {
            key: key.parse().map_err(DoctorError::Message)?,
            about: news.what.parse().map_err(DoctorError::Message)?,
            recipient: to.party.to_string(),
            addresses: to.addresses.clone(),
            message: Message::new(SUBJECT, WORDS, &self.link).map_err(DoctorError::Message)?,
            urgent: news.is_urgent,
            not_before: wall.plus_ms(wait_ms),
        };
        let sent = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
        sent.map(drop).map_err(DoctorError::Outbox)
    }

    async fn cursor(&self, name: &str) -> Result<i64, DoctorError> {
        let read = veglia_notify::cursor(&self.record, &ACTOR, name).await;
        read.map_err(DoctorError::Record)
    }

    async fn moved(&self, name: &str, last: i64, next: i64) -> Result<(), DoctorError> {
        if next == last {
            return Ok(());
        }
        let written = veglia_notify::set_cursor(&self.record, &ACTOR, name, next).await;
        written.map_err(DoctorError::Record)
    }
}

/// Whether an alert says that a patient at home is worse, by what is confirmed and goes on.
fn is_worse(alert: &Alert) -> bool {
    let state = &alert.state;
    state.severity > Severity::Technical
        && state.is_confirmed
        && !state.is_closed
        && !state.is_away()
        && state.over.is_none()
}

fn is_in_force(caring: &Caring, now: WallMs) -> bool {
    caring.from <= now && caring.until.is_none_or(|until| now < until)
}

/// The unit that somebody is entrusted to.
fn unit_of(caring: &Caring) -> Option<Belongs> {
    match caring.holder.parse() {
        Ok(Holder::Unit(unit)) => Some(Belongs::Unit(unit)),
        _ => None,
    }
}

fn is_of_one(who: &Staff, caring: &[Caring]) -> bool {
    who.role == Role::HospitalDoctor
        && who.belongs.is_some()
        && caring.iter().any(|it| unit_of(it) == who.belongs)
}
