//! Whose data somebody may read: the care relation, and the one function that decides by it.
//!
//! | who | whose data |
//! |---|---|
//! | operator, nurse, doctor of the centre | whom the centre follows |
//! | a family doctor, tied to their number | own patients, and of those they stand in for |
//! | a hospital's doctor, tied to a unit | whom that unit entrusted to telemonitoring |
//! | an out-of-hours doctor | while on duty by the roster, who was handed over |
//! | administrator, auditor | nobody's |
//!
//! What an account is tied to is its [`Belongs`].
//!
//! A relation is a row with dates, signed, never removed: it ends. Whoever is put on file is the
//! centre's from then on. A doctor, nurse or operator without a relation may still *break the
//! glass* ([`glass`]): for an hour, for one person, with a reason, in the access log.
//!
//! Moments are of the clock of care, as of everything that is done for a patient. A relation of
//! the centre counts from when it was written, however that clock was moved since: the centre must
//! not lose sight of somebody because a clock was set back.

pub mod glass;

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Access, Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::belongs::{Belongs, Unit};
use crate::care_rows::{self, Column, Entity};
use crate::duty::{self, Post};
use crate::reach_rows::{absence, care as mmg_of_person};
use crate::rows::person;
use crate::staff::{Role, Staff};
use crate::{MmgId, Party, PersonId, StaffId, mmg};

/// People listed for one account at most: three times what a family doctor may have.
pub const PATIENTS_MAX: u64 = 5_000;

/// Doctors for whom one account may stand in at once, at most.
const STOOD_IN_FOR_MAX: usize = 50;

/// People asked for in one statement; more are asked for in several.
const PER_QUERY: usize = 500;

/// Longest reason, in characters.
pub const WHY_CHARS_MAX: usize = 400;

/// What stands in the access log of a word about who cares for somebody: it decides who reads them.
pub const PURPOSE: &str = "patient.care";

/// Why somebody may read a person's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They work at the centre, which follows the person.
    Centre,
    /// They are the person's family doctor.
    FamilyDoctor,
    /// They stand in for the person's family doctor now.
    Substitute,
    /// Their unit entrusted the person to telemonitoring.
    Hospital,
    /// They are on duty out of hours, and the person was handed over.
    OutOfHours,
    /// They broke the glass.
    Glass {
        /// Until when.
        until: WallMs,
    },
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Their role reads nobody's data.
    Role,
    /// They do not care for this person; or there is no such person, which is not told apart.
    Stranger,
}

/// To whom people are entrusted. Family doctors have a book of their own ([`crate::mmg`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The monitoring centre.
    Centre,
    /// A hospital's unit.
    Unit(Unit),
    /// The out-of-hours doctors.
    OutOfHours,
}

/// A text that names no [`Holder`].
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("people are entrusted to centre, out-of-hours, or unit:NAME")]
pub struct HolderError;

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Centre => f.write_str("centre"),
            Self::Unit(unit) => write!(f, "unit:{unit}"),
            Self::OutOfHours => f.write_str("out-of-hours"),
        }
    }
}

impl FromStr for Holder {
    type Err = HolderError;

    fn from_str(text: &str) -> Result<Self, HolderError> {
        match text {
            "centre" => Ok(Self::Centre),
            "out-of-hours" => Ok(Self::OutOfHours),
            _ => {
                let unit = text.strip_prefix("unit:").and_then(|it| it.parse().ok());
                unit.map(Self::Unit).ok_or(HolderError)
            }
        }
    }
}

/// Somebody who cares, or cared, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caring {
    /// Who: a [`Holder`] as it is displayed, or `staff:ID` who broke the glass.
    pub holder: String,
    /// From when.
    pub from: WallMs,
    /// Until when; none while it lasts.
    pub until: Option<WallMs>,
    /// What was said with it.
    pub why: String,
    /// Who wrote it, as acts are signed.
    pub by: String,
}

/// Why a relation was not written.
#[derive(Debug, Error)]
pub enum EntrustError {
    /// An end before its beginning.
    #[error("the end must be after the beginning")]
    Backwards,
    /// The reason is too long, or holds line breaks and the like.
    #[error("a reason has at most {WHY_CHARS_MAX} ordinary characters")]
    Why,
    /// A handover lasts for a night or a holiday, not for ever.
    #[error("to the out-of-hours doctors people are handed over until a moment: say which")]
    Endless,
    /// No patient has this number.
    #[error("there is no patient {0}")]
    Unknown(PersonId),
    /// The database did not write.
    #[error("the care relation was not written")]
    Store(#[source] TxError),
}

/// Whether somebody may read a person's data now, and why. The one place where this is decided.
///
/// # Errors
/// What the database reports; then nothing is shown.
pub async fn may_read(
    record: &Database,
    staff: &Staff,
    patient: PersonId,
    now: WallMs,
) -> Result<Result<Relation, Refused>, TxError> {
    if !staff.role.cares() {
        return Ok(Err(Refused::Role));
    }
    let actor = staff.actor();
    let judged = record.read_tx("care.may_read", &actor, move |tx| {
        Box::pin(async move {
            let held = held_in(tx, patient, now).await?;
            if let Some(relation) = by_role(tx, staff, patient, &held, now).await? {
                return Ok(Ok(relation));
            }
            let glass = glass::until(&held, staff.id);
            Ok(glass
                .map(|until| Relation::Glass { until })
                .ok_or(Refused::Stranger))
        })
    });
    judged.await
}

async fn by_role(
    tx: &Tx<'_>,
    staff: &Staff,
    patient: PersonId,
    held: &[care_rows::Model],
    now: WallMs,
) -> Result<Option<Relation>, TxError> {
    let holds = |holder: &Holder| {
        let holder = holder.to_string();
        held.iter().any(|row| row.holder == holder)
    };
    Ok(match (staff.role, &staff.belongs) {
        (Role::Operator | Role::Nurse | Role::Doctor, _) => {
            holds(&Holder::Centre).then_some(Relation::Centre)
        }
        (Role::Mmg, belongs) => {
            let own = match belongs {
                Some(Belongs::Mmg(id)) => Some(*id),
                _ => None,
            };
            let doctor = mmg::of_in(tx, patient, now).await?;
            match doctor.map(|doctor| doctor.id) {
                Some(doctor) if Some(doctor) == own => Some(Relation::FamilyDoctor),
                Some(doctor) => stands_in(tx, staff.id, own, doctor, now)
                    .await?
                    .then_some(Relation::Substitute),
                None => None,
            }
        }
        (Role::HospitalDoctor, Some(Belongs::Unit(unit))) => {
            holds(&Holder::Unit(unit.clone())).then_some(Relation::Hospital)
        }
        (Role::OutOfHoursDoctor, _) if holds(&Holder::OutOfHours) => {
            let party = Party::Staff(staff.id);
            duty::holds_in(tx, Post::OutOfHours, party, now)
                .await?
                .then_some(Relation::OutOfHours)
        }
        _ => None,
    })
}

async fn stands_in(
    tx: &Tx<'_>,
    staff: StaffId,
    own: Option<MmgId>,
    doctor: MmgId,
    now: WallMs,
) -> Result<bool, TxError> {
    let called = duty::in_place_of(tx, Party::Mmg(doctor), now).await?;
    Ok(called == Party::Staff(staff) || own.is_some_and(|own| called == Party::Mmg(own)))
}

/// Whose data somebody may read now by their relation, glass left aside; in no order.
///
/// # Errors
/// What the database reports.
pub async fn patients_of(
    record: &Database,
    staff: &Staff,
    now: WallMs,
) -> Result<Vec<PersonId>, TxError> {
    let actor = staff.actor();
    let listed = record.read_tx("care.patients_of", &actor, move |tx| {
        Box::pin(async move {
            let holder = match (staff.role, &staff.belongs) {
                (Role::Operator | Role::Nurse | Role::Doctor, _) => Holder::Centre,
                (Role::HospitalDoctor, Some(Belongs::Unit(unit))) => Holder::Unit(unit.clone()),
                (Role::OutOfHoursDoctor, _) => {
                    let party = Party::Staff(staff.id);
                    if !duty::holds_in(tx, Post::OutOfHours, party, now).await? {
                        return Ok(BTreeSet::new());
                    }
                    Holder::OutOfHours
                }
                (Role::Mmg, _) => return of_family_doctor(tx, staff, now).await,
                _ => return Ok(BTreeSet::new()),
            };
            let rows = Entity::find()
                .filter(Column::Holder.eq(holder.to_string()))
                .filter(in_force(now))
                .limit(PATIENTS_MAX)
                .all(tx)
                .await?;
            Ok(rows.into_iter().map(|row| row.person_id).collect())
        })
    });
    Ok(listed
        .await?
        .into_iter()
        .filter_map(PersonId::new)
        .collect())
}

async fn of_family_doctor(
    tx: &Tx<'_>,
    staff: &Staff,
    now: WallMs,
) -> Result<BTreeSet<i64>, TxError> {
    let own = match staff.belongs {
        Some(Belongs::Mmg(id)) => Some(id),
        _ => None,
    };
    let mut theirs: BTreeSet<i64> = own.iter().map(|id| id.get()).collect();
    for doctor in away_for(tx, staff.id, own, now).await? {
        if stands_in(tx, staff.id, own, doctor, now).await? {
            theirs.insert(doctor.get());
        }
    }
    let lasts = Condition::any()
        .add(mmg_of_person::Column::UntilMs.is_null())
        .add(mmg_of_person::Column::UntilMs.gt(now.0));
    let rows = mmg_of_person::Entity::find()
        .filter(mmg_of_person::Column::MmgId.is_in(theirs))
        .filter(mmg_of_person::Column::FromMs.lte(now.0))
        .filter(lasts)
        .limit(PATIENTS_MAX)
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.person_id).collect())
}

/// The doctors in whose place an account may be called now, because they are away and named it, or
/// named somebody who named it. Whether it is, [`stands_in`] says: of two absences the later
/// counts.
async fn away_for(
    tx: &Tx<'_>,
    staff: StaffId,
    own: Option<MmgId>,
    now: WallMs,
) -> Result<HashSet<MmgId>, TxError> {
    let mut named: Vec<String> = vec![Party::Staff(staff).to_string()];
    named.extend(own.map(|own| Party::Mmg(own).to_string()));
    let mut doctors = HashSet::new();
    for _ in 0..duty::STAND_INS_MAX {
        let away = absence::Entity::find()
            .filter(absence::Column::Substitute.is_in(named.iter()))
            .filter(absence::Column::FromMs.lte(now.0))
            .filter(absence::Column::UntilMs.gt(now.0));
        let away = away.all(tx).await?;
        named = away.into_iter().map(|row| row.party).collect();
        doctors.extend(named.iter().filter_map(|party| match party.parse() {
            Ok(Party::Mmg(id)) => Some(id),
            _ => None,
        }));
        if named.is_empty() || doctors.len() > STOOD_IN_FOR_MAX {
            break;
        }
    }
    Ok(doctors)
}

/// Entrusts a person to somebody from `from` on.
///
/// # Errors
/// See [`EntrustError`]; nothing was written then.
pub async fn entrust(
    record: &Database,
    actor: &Actor,
    patient: PersonId,
    holder: &Holder,
    (from, until): (WallMs, Option<WallMs>),
    why: &str,
) -> Result<(), EntrustError> {
    if until.is_some_and(|until| until <= from) {
        return Err(EntrustError::Backwards);
    }
    if *holder == Holder::OutOfHours && until.is_none() {
        return Err(EntrustError::Endless);
    }
    let why = why.trim();
    if why.chars().count() > WHY_CHARS_MAX || why.contains(char::is_control) {
        return Err(EntrustError::Why);
    }
    let written = record.run_tx("care.entrust", actor, move |tx| {
        Box::pin(async move {
            if person::Entity::find_by_id(patient.get())
                .one(tx)
                .await?
                .is_none()
            {
                return Ok(false);
            }
            log_in(tx, patient, from).await?;
            entrust_in(tx, patient, &holder.to_string(), (from, until), why).await?;
            Ok(true)
        })
    });
    let known = written.await.map_err(EntrustError::Store)?;
    known.then_some(()).ok_or(EntrustError::Unknown(patient))
}

/// Who decides who reads somebody is in the access log, with that in one transaction.
async fn log_in(tx: &Tx<'_>, patient: PersonId, at: WallMs) -> Result<(), TxError> {
    tx.log_access(Access {
        at_ms: at.0,
        purpose: PURPOSE,
        subject: &patient.to_string(),
    })
    .await
}

pub(crate) async fn entrust_in(
    tx: &Tx<'_>,
    patient: PersonId,
    holder: &str,
    (from, until): (WallMs, Option<WallMs>),
    why: &str,
) -> Result<(), TxError> {
    let row = care_rows::ActiveModel {
        id: NotSet,
        person_id: Set(patient.get()),
        holder: Set(holder.to_owned()),
        from_ms: Set(from.0),
        until_ms: Set(until.map(|until| until.0)),
        why: Set(why.to_owned()),
        written_by: Set(tx.actor().to_string()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Entrusts somebody on file to a unit that has found them there, within a transaction of the
/// caller's; and to the centre, unless it follows them already.
///
/// # Errors
/// What the database reports.
pub async fn join_in(
    tx: &Tx<'_>,
    patient: PersonId,
    unit: &Unit,
    now: WallMs,
    why: &str,
) -> Result<(), TxError> {
    log_in(tx, patient, now).await?;
    let mut holders = vec![Holder::Unit(unit.clone())];
    if followed_in(tx, &[patient.get()], now).await?.is_empty() {
        holders.push(Holder::Centre);
    }
    for holder in holders {
        entrust_in(tx, patient, &holder.to_string(), (now, None), why).await?;
    }
    Ok(())
}

/// Ends what entrusts a person to somebody; how many relations there were.
///
/// # Errors
/// What the database reports.
pub async fn release(
    record: &Database,
    actor: &Actor,
    patient: PersonId,
    holder: &Holder,
    at: WallMs,
) -> Result<u64, TxError> {
    end(record, actor, (patient, holder, None), at).await
}

/// Ends of it only what was given for exactly this reason: what somebody gave by hand stays.
///
/// # Errors
/// What the database reports.
pub async fn take_back(
    record: &Database,
    actor: &Actor,
    (patient, holder): (PersonId, &Holder),
    why: &str,
    at: WallMs,
) -> Result<u64, TxError> {
    end(record, actor, (patient, holder, Some(why)), at).await
}

async fn end(
    record: &Database,
    actor: &Actor,
    (patient, holder, why): (PersonId, &Holder, Option<&str>),
    at: WallMs,
) -> Result<u64, TxError> {
    let holder = &holder.to_string();
    let ended = record.run_tx("care.release", actor, move |tx| {
        Box::pin(async move {
            let ended = Entity::update_many()
                .col_expr(Column::UntilMs, Expr::value(at.0))
                .filter(Column::PersonId.eq(patient.get()))
                .filter(Column::Holder.eq(holder.as_str()))
                .filter(Condition::all().add_option(why.map(|why| Column::Why.eq(why))))
                .filter(not_over(at))
                .exec(tx)
                .await?;
            if ended.rows_affected > 0 {
                log_in(tx, patient, at).await?;
            }
            Ok(ended.rows_affected)
        })
    });
    ended.await
}

/// Who cares and cared for a person, the latest first, family doctors left aside.
///
/// # Errors
/// What the database reports.
pub async fn of(
    record: &Database,
    actor: &Actor,
    patient: PersonId,
) -> Result<Vec<Caring>, TxError> {
    let read = record.read_tx("care.of", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find()
                .filter(Column::PersonId.eq(patient.get()))
                .order_by_desc(Column::Id)
                .limit(PATIENTS_MAX);
            Ok(rows.all(tx).await?)
        })
    });
    let caring = |row: care_rows::Model| Caring {
        holder: row.holder,
        from: WallMs(row.from_ms),
        until: row.until_ms.map(WallMs),
        why: row.why,
        by: row.written_by,
    };
    Ok(read.await?.into_iter().map(caring).collect())
}

/// Of these people, those whom the centre follows at `at`.
///
/// # Errors
/// What the database reports.
pub async fn followed(
    record: &Database,
    actor: &Actor,
    people: &[PersonId],
    at: WallMs,
) -> Result<HashSet<PersonId>, TxError> {
    let read = record.read_tx("care.followed", actor, move |tx| {
        Box::pin(async move {
            let mut followed = HashSet::new();
            for some in people.chunks(PER_QUERY) {
                let numbers: Vec<i64> = some.iter().map(|id| id.get()).collect();
                followed.extend(followed_in(tx, &numbers, at).await?);
            }
            Ok(followed)
        })
    });
    let followed = read.await?.into_iter();
    Ok(followed.filter_map(PersonId::new).collect())
}

/// The same in a transaction, of so many as one statement takes.
pub(crate) async fn followed_in(
    tx: &Tx<'_>,
    people: &[i64],
    at: WallMs,
) -> Result<HashSet<i64>, TxError> {
    let rows = Entity::find()
        .filter(Column::PersonId.is_in(people.iter().copied()))
        .filter(Column::Holder.eq(Holder::Centre.to_string()))
        .filter(in_force(at));
    let rows = rows.all(tx).await?;
    Ok(rows.into_iter().map(|row| row.person_id).collect())
}

/// Everybody to whom a person is entrusted now.
async fn held_in(
    tx: &Tx<'_>,
    patient: PersonId,
    now: WallMs,
) -> Result<Vec<care_rows::Model>, TxError> {
    let rows = Entity::find()
        .filter(Column::PersonId.eq(patient.get()))
        .filter(in_force(now))
        .order_by_asc(Column::Id);
    Ok(rows.all(tx).await?)
}

fn in_force(now: WallMs) -> Condition {
    let begun = Condition::any()
        .add(Column::FromMs.lte(now.0))
        .add(Column::Holder.eq(Holder::Centre.to_string()));
    Condition::all().add(begun).add(not_over(now))
}

fn not_over(now: WallMs) -> Condition {
    Condition::any()
        .add(Column::UntilMs.is_null())
        .add(Column::UntilMs.gt(now.0))
}
