//! Breaking the glass: reading the data of somebody who is not one's patient, because they need
//! help now. It takes a reason, lasts an hour, is for one person, and is never silent: the entry in
//! the access log and the right are one transaction, and the auditor has a list of them.
//!
//! Family doctors, hospital doctors and out-of-hours doctors do not see other people's patients by
//! any list; they name a person whom they have before them by the *Codice Fiscale*.
//!
//! **Limits**: [`GLASSES_MAX`] an account within [`GLASSES_WINDOW_MS`]; whoever needs more has a
//! relation to be written down.

use thiserror::Error;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Access, Actor, Asked, Database, TxError};
use veglia_wire::WallMs;

use super::{WHY_CHARS_MAX, entrust_in};
use crate::care_rows::{self, Column, Entity};
use crate::rows::person;
use crate::staff::Staff;
use crate::{CodiceFiscale, Party, PersonId, StaffId};

/// How long a broken glass stays open, in milliseconds: a visit and the call after it.
pub const GLASS_MS: i64 = 3_600_000;

/// Fewest characters of a reason: "112" alone is none.
pub const WHY_CHARS_MIN: usize = 10;

/// How often an account may break the glass within [`GLASSES_WINDOW_MS`]: a bad night has a few.
pub const GLASSES_MAX: u64 = 20;

/// The time over which they are counted, in milliseconds: a day.
pub const GLASSES_WINDOW_MS: i64 = 24 * 3_600_000;

/// What stands in the access log of a look for somebody by tax code.
pub const SOUGHT: &str = "patient.sought";

/// What stands in the access log of a broken glass.
pub const PURPOSE: &str = "patient.break-glass";

/// Listed at once at most.
const LISTED_MAX: u64 = 500;

/// Why the glass was not broken.
#[derive(Debug, Error)]
pub enum GlassError {
    /// The role cares for nobody.
    #[error("this role does not care for patients")]
    Role,
    /// There is no reason, or it cannot be shown.
    #[error("a reason has {WHY_CHARS_MIN} to {WHY_CHARS_MAX} ordinary characters")]
    Why,
    /// The account has done it too often.
    #[error("{GLASSES_MAX} a day is the limit: have a care relation written down")]
    TooMany,
    /// No person has this number.
    #[error("there is no such patient")]
    Unknown,
    /// The database did not write.
    #[error("the glass was not broken")]
    Store(#[source] TxError),
}

/// Somebody who may break the glass, with a reason that may be shown.
#[derive(Debug, Clone)]
pub struct Glass {
    staff: Staff,
    why: String,
}

/// A glass that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Whose data.
    pub patient: PersonId,
    /// Who, as acts are signed.
    pub by: String,
    /// When.
    pub at: WallMs,
    /// Until when it stayed open.
    pub until: WallMs,
    /// The reason.
    pub why: String,
}

impl Glass {
    /// Checks who asks, and why.
    ///
    /// # Errors
    /// [`GlassError::Role`] or [`GlassError::Why`].
    pub fn new(staff: &Staff, why: &str) -> Result<Self, GlassError> {
        if !staff.role.cares() {
            return Err(GlassError::Role);
        }
        let words: Vec<&str> = why.split_whitespace().collect();
        let why = words.join(" ");
        let is_fit = (WHY_CHARS_MIN..=WHY_CHARS_MAX).contains(&why.chars().count());
        if !is_fit || why.contains(char::is_control) {
            return Err(GlassError::Why);
        }
        Ok(Self {
            staff: staff.clone(),
            why,
        })
    }

    /// The reason, with single spaces.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Breaks it: from now on, for [`GLASS_MS`], the account may read this person's data. Until
    /// when.
    ///
    /// # Errors
    /// See [`GlassError`]; nothing was written then.
    pub async fn break_for(
        &self,
        record: &Database,
        patient: PersonId,
        now: WallMs,
    ) -> Result<WallMs, GlassError> {
        let until = now.plus_ms(GLASS_MS);
        let holder = &holder(self.staff.id);
        let actor = self.staff.actor();
        let broken = record.run_tx("care.break_glass", &actor, move |tx| {
            Box::pin(async move {
                if person::Entity::find_by_id(patient.get())
                    .one(tx)
                    .await?
                    .is_none()
                {
                    return Ok(Err(GlassError::Unknown));
                }
                let lately = Entity::find()
                    .filter(Column::Holder.eq(holder.as_str()))
                    .filter(Column::FromMs.gt(now.plus_ms(-GLASSES_WINDOW_MS).0))
                    .count(tx)
                    .await?;
                if lately >= GLASSES_MAX {
                    return Ok(Err(GlassError::TooMany));
                }
                tx.log_access(Access {
                    at_ms: now.0,
                    purpose: PURPOSE,
                    subject: &patient.to_string(),
                })
                .await?;
                entrust_in(tx, patient, holder, (now, Some(until)), &self.why).await?;
                Ok(Ok(until))
            })
        });
        broken.await.map_err(GlassError::Store)?
    }
}

/// Who has this tax code, for somebody who has the person before them. That somebody asked is in
/// the access log: under the person's number, or, of somebody who is not on file, under none. The
/// log is what is counted: [`GLASSES_MAX`] here too.
///
/// # Errors
/// [`GlassError::TooMany`], or what the database reports.
pub async fn find(
    record: &Database,
    staff: &Staff,
    code: &CodiceFiscale,
    now: WallMs,
) -> Result<Option<PersonId>, GlassError> {
    let actor = staff.actor();
    let lately = Asked {
        by: Some(&actor.to_string()),
        purpose: Some(SOUGHT),
        ..Asked::default()
    };
    let lately = record.accesses(&actor, lately, GLASSES_MAX).await;
    let lately = lately.map_err(GlassError::Store)?;
    let since = now.plus_ms(-GLASSES_WINDOW_MS);
    let count = lately.iter().filter(|it| it.at_ms > since.0).count();
    if u64::try_from(count).unwrap_or(GLASSES_MAX) >= GLASSES_MAX {
        return Err(GlassError::TooMany);
    }
    let found = record.run_tx("care.find", &actor, move |tx| {
        Box::pin(async move {
            let row = person::Entity::find()
                .filter(person::Column::CodiceFiscale.eq(code.as_str()))
                .one(tx)
                .await?;
            let found = row.and_then(|row| PersonId::new(row.id));
            tx.log_access(Access {
                at_ms: now.0,
                purpose: SOUGHT,
                subject: &found.map_or_else(|| "-".to_owned(), |it| it.to_string()),
            })
            .await?;
            Ok(found)
        })
    });
    found.await.map_err(GlassError::Store)
}

/// The glasses that were broken, the latest first, at most `limit`.
///
/// # Errors
/// What the database reports.
pub async fn broken(record: &Database, actor: &Actor, limit: u64) -> Result<Vec<Broken>, TxError> {
    let read = record.read_tx("care.broken", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find()
                .filter(Column::Holder.starts_with("staff:"))
                .order_by_desc(Column::Id)
                .limit(limit.min(LISTED_MAX));
            Ok(rows.all(tx).await?)
        })
    });
    let told = |row: care_rows::Model| {
        Some(Broken {
            patient: PersonId::new(row.person_id)?,
            by: row.written_by,
            at: WallMs(row.from_ms),
            until: WallMs(row.until_ms?),
            why: row.why,
        })
    };
    Ok(read.await?.into_iter().filter_map(told).collect())
}

/// Until when an account has broken the glass for whom these rows are about.
pub(super) fn until(held: &[care_rows::Model], staff: StaffId) -> Option<WallMs> {
    let holder = holder(staff);
    let own = held.iter().filter(|row| row.holder == holder);
    own.filter_map(|row| row.until_ms).max().map(WallMs)
}

fn holder(staff: StaffId) -> String {
    Party::Staff(staff).to_string()
}
