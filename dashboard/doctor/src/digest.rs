//! The digest: at the hour that a doctor has chosen, one message that says that their summary
//! waits, with a link and nothing clinical; on days on which nothing happened, none.
//!
//! A message a day and doctor is known by its key, so that a task that starts again sends nothing
//! twice; whoever has more to tell of the same day joins the same key ([`Choice`]). An hour that
//! passed while nobody looked is made up for within [`LATE_MS`].

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use tokio::time::sleep;
use veglia_diary::{Line, Written, diary_of};
use veglia_notify::{Key, Message, NewDelivery};
use veglia_people::staff::{self, Role, Staff};
use veglia_people::{Belongs, MmgId, Party, TIME_ZONE, contacts};
use veglia_store::sea_orm::ActiveValue::Set;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::{Actor, Database};
use veglia_view::{CareClock, WallMs};

use crate::desk::{DoctorError, own};
use crate::rows::digest::{ActiveModel, Column, Entity, Model};

/// Between two looks: an hour is kept to the minute.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How late an hour is still made up for.
pub const LATE_MS: i64 = 3 * 3_600_000;

/// What a digest looks back on.
const DAY_MS: i64 = 24 * 3_600_000;

/// Lines of a patient's diary that are looked through for something to tell.
const LINES: u64 = 50;

const ACTOR: Actor = Actor::System("digest");

const SUBJECT: &str = "Veglia";
const WORDS: &str = "Veglia: il riepilogo di oggi la aspetta.";

/// A form with an hour: `13:30`, or nothing for no digest.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct HourForm {
    /// As typed.
    #[serde(default)]
    pub ora: String,
}

/// Writes when somebody wants their digest; whether that was an hour, or none.
///
/// # Errors
/// See [`DoctorError`].
pub async fn set_hour(
    record: &Database,
    who: &Staff,
    form: &HourForm,
    now: WallMs,
) -> Result<bool, DoctorError> {
    let minute = match form.ora.trim() {
        "" => None,
        typed => match typed.parse::<Time>() {
            Ok(time) => Some(i64::from(time.hour()) * 60 + i64::from(time.minute())),
            Err(_) => return Ok(false),
        },
    };
    let (id, actor) = (who.id.get(), who.actor());
    let written = record.run_tx("doctor.set_hour", &actor, move |tx| {
        Box::pin(async move {
            let Some(minute) = minute else {
                Entity::delete_by_id(id).exec(tx).await?;
                return Ok(());
            };
            let row = ActiveModel {
                staff_id: Set(id),
                minute: Set(minute),
                set_at_ms: Set(now.0),
            };
            let known = OnConflict::column(Column::StaffId)
                .update_columns([Column::Minute, Column::SetAtMs])
                .to_owned();
            Entity::insert(row)
                .on_conflict(known)
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    });
    written.await.map_err(DoctorError::Record)?;
    Ok(true)
}

/// At which minute of the day somebody wants their digest.
pub(crate) async fn minute_of(record: &Database, who: &Staff) -> Result<Option<i64>, DoctorError> {
    let (id, actor) = (who.id.get(), who.actor());
    let row = record.read_tx("doctor.minute_of", &actor, move |tx| {
        Box::pin(async move { Ok(Entity::find_by_id(id).one(tx).await?) })
    });
    Ok(row
        .await
        .map_err(DoctorError::Record)?
        .map(|row| row.minute))
}

/// The minute of a day as a field has it: `13:30`.
pub(crate) fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute.div_euclid(60), minute.rem_euclid(60))
}

/// The calendar day in Italy.
pub(crate) fn day(at: WallMs) -> Option<Date> {
    let zone = TimeZone::get(TIME_ZONE).ok()?;
    let at = Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone).date())
}

/// When a calendar day begins in Italy.
pub(crate) fn midnight(day: Date) -> Option<WallMs> {
    moment(day, 0)
}

fn moment(day: Date, minute: i64) -> Option<WallMs> {
    let zone = TimeZone::get(TIME_ZONE).ok()?;
    let hour = i8::try_from(minute.div_euclid(60)).ok()?;
    let minute = i8::try_from(minute.rem_euclid(60)).ok()?;
    // An hour that a change of clocks leaves out is the one after it.
    let at = day.at(hour, minute, 0, 0).to_zoned(zone).ok()?;
    Some(WallMs(at.timestamp().as_millisecond()))
}

/// A digest to come: when, and by which key it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// When it goes out, by the clock of care.
    pub at: WallMs,
    /// By what it is known.
    pub key: Key,
}

fn key(day: Date, party: Party) -> Result<Key, DoctorError> {
    let party = party.to_string().replace(':', "-");
    let key = format!("summary-{day}.{party}");
    key.parse().map_err(DoctorError::Message)
}

/// The next digest of a family doctor whose account has chosen an hour, if one has.
///
/// # Errors
/// See [`DoctorError`].
pub async fn next_of(
    record: &Database,
    doctor: MmgId,
    now: WallMs,
) -> Result<Option<Choice>, DoctorError> {
    for (who, minute) in chosen(record).await? {
        if who.belongs != Some(Belongs::Mmg(doctor)) {
            continue;
        }
        let Some(today) = day(now) else {
            return Ok(None);
        };
        let days = [Some(today), today.checked_add(Span::new().days(1)).ok()];
        let next = days.into_iter().flatten().find_map(|day| {
            let at = moment(day, minute).filter(|at| *at > now)?;
            Some((day, at))
        });
        let Some((day, at)) = next else {
            return Ok(None);
        };
        let key = key(day, Party::Mmg(doctor))?;
        return Ok(Some(Choice { at, key }));
    }
    Ok(None)
}

/// Accounts that have chosen an hour, with the minute of the day.
async fn chosen(record: &Database) -> Result<Vec<(Staff, i64)>, DoctorError> {
    let rows = record.read_tx("doctor.digests", &ACTOR, |tx| {
        Box::pin(async move { Ok(Entity::find().all(tx).await?) })
    });
    let rows: Vec<Model> = rows.await.map_err(DoctorError::Record)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let active = staff::active(record, &ACTOR).await;
    let active = active.map_err(DoctorError::People)?.into_iter();
    let of = |who: &Staff| rows.iter().find(|row| row.staff_id == who.id.get());
    let has_list = |who: &Staff| matches!(who.role, Role::Mmg | Role::HospitalDoctor);
    let doctors = active.filter(has_list);
    Ok(doctors
        .filter_map(|who| of(&who).map(|row| row.minute).map(|minute| (who, minute)))
        .collect())
}

/// The task that sends digests; one at a record.
#[derive(Debug)]
pub struct Digest {
    record: Database,
    care: CareClock,
    /// Where the summary is.
    link: String,
    /// What was looked at already.
    done: BTreeSet<Key>,
}

impl Digest {
    /// A task that leads to `link`.
    #[must_use]
    pub fn new(record: Database, care: CareClock, link: String) -> Self {
        Self {
            record,
            care,
            link,
            done: BTreeSet::new(),
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
                tracing::error!(%error, cause, "digests are not sent");
            }
            was_well = round.is_ok();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Sends what is due.
    ///
    /// # Errors
    /// See [`DoctorError`]; it is tried again.
    pub async fn round(&mut self) -> Result<(), DoctorError> {
        let now = self.care.now();
        let Some(today) = day(now) else {
            return Ok(());
        };
        let days = [today.yesterday().ok(), Some(today)];
        for (who, minute) in chosen(&self.record).await? {
            // An hour late in the evening may be noticed after midnight.
            let is_due = |day: &Date| {
                let at = moment(*day, minute);
                at.is_some_and(|at| at <= now && now.since(at) <= LATE_MS)
            };
            let Some(day) = days.into_iter().flatten().find(is_due) else {
                continue;
            };
            let party = match who.belongs {
                Some(Belongs::Mmg(id)) => Party::Mmg(id),
                _ => Party::Staff(who.id),
            };
            let key = key(day, party)?;
            if self.done.contains(&key) {
                continue;
            }
            if self.has_news(&who, now).await? {
                self.send(party, &key).await?;
            }
            // What was sent on other days is known to the outbox.
            self.done.retain(|it| {
                let is_of = |day: Date| it.as_str().starts_with(&format!("summary-{day}"));
                days.into_iter().flatten().any(is_of)
            });
            self.done.insert(key);
        }
        Ok(())
    }

    /// Whether anything was said or done of somebody's patients since yesterday.
    async fn has_news(&self, who: &Staff, now: WallMs) -> Result<bool, DoctorError> {
        let is_news = |line: &Line| matches!(line.what, Written::Said(_) | Written::Act(_));
        for own in own(&self.record, who, now).await? {
            let stretch = now.plus_ms(-DAY_MS)..now.plus_ms(1);
            let lines = diary_of(&self.record, &ACTOR, own.patient, stretch, LINES).await;
            if lines.map_err(DoctorError::Diary)?.iter().any(is_news) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn send(&self, party: Party, key: &Key) -> Result<(), DoctorError> {
        let addresses = contacts::of(&self.record, &ACTOR, party).await;
        let addresses = addresses.map_err(DoctorError::People)?;
        if addresses.is_empty() {
            tracing::warn!(%party, "a digest is wanted by somebody whom nothing reaches");
            return Ok(());
        }
        let wall = self.care.wall().now();
        let delivery = NewDelivery {
            key: key.clone(),
            about: key.clone(),
            recipient: party.to_string(),
            addresses,
            message: Message::new(SUBJECT, WORDS, &self.link).map_err(DoctorError::Message)?,
            urgent: false,
            not_before: wall,
        };
        let sent = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
        sent.map(drop).map_err(DoctorError::Outbox)
    }
}
