//! One patient's diary as a person reads it: what was said, done, planned, worn, newest first.

use std::ops::Range;

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{PatientId, PlanVersion, Verdict};
use veglia_wire::{DeviceId, WallMs};

use crate::acts::{self, Act};
use crate::alerts::pages::{self, Paged};
use crate::error::ReadError;
use crate::flags;
use crate::hidden::Veil;
use crate::plans::Grounds;
use crate::rows::{assignment, assignment_end, entry, flag_event, plan, standing};
use crate::sealed::Keys;
use crate::standings::{self, Stood};

/// Most lines given at once: more than a person scrolls through.
pub const LINES_MAX: u64 = 1_000;

/// Rows of a kind that are looked through for the lines of a diary of which something is hidden:
/// far more than a patient has in a year.
const BEHIND_A_VEIL_MAX: u64 = 20_000;

/// One line of the diary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at: WallMs,
    /// What.
    pub what: Written,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Triage said something of a flag.
    Said(Verdict),
    /// A person did or wrote something.
    Act(Act),
    /// Somebody was to be called.
    Paged(Paged),
    /// A version of the plan was written.
    Planned {
        /// Which.
        version: PlanVersion,
        /// By whom.
        by: String,
        /// Why, in their words; empty when none were needed.
        why: String,
    },
    /// The patient went somewhere, or came home.
    Went(Stood),
    /// A device was given to the patient.
    Given {
        /// Which.
        device: DeviceId,
        /// From when.
        from: WallMs,
        /// By whom.
        by: String,
    },
    /// A device was taken back.
    TakenBack {
        /// Which.
        device: DeviceId,
        /// From when.
        until: WallMs,
        /// By whom.
        by: String,
    },
}

/// The lines of a patient's diary written in `range`, newest first, at most `limit` and
/// [`LINES_MAX`], without those that are hidden from whoever reads. It writes no access log:
/// whoever shows it has logged the access before.
///
/// # Errors
/// See [`ReadError`].
pub async fn diary_of(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    range: Range<WallMs>,
    limit: u64,
) -> Result<Vec<Line>, ReadError> {
    lines(record, actor, patient, (range, limit), Whose::Readers).await
}

/// The same with all that is hidden: for the patient's own copy, and for nobody else.
///
/// # Errors
/// See [`ReadError`].
pub async fn whole_diary_of(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    range: Range<WallMs>,
    limit: u64,
) -> Result<Vec<Line>, ReadError> {
    lines(record, actor, patient, (range, limit), Whose::Patients).await
}

/// For whom a diary is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Readers,
    Patients,
}

async fn lines(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    (range, limit): (Range<WallMs>, u64),
    whose: Whose,
) -> Result<Vec<Line>, ReadError> {
    let limit = limit.min(LINES_MAX);
    let range = &range;
    let read = record.read_tx("diary.diary_of", actor, move |tx| {
        Box::pin(async move {
            let patient = patient.to_string();
            let veil = match whose {
                Whose::Readers => Veil::of(tx, &patient).await?,
                Whose::Patients => Veil::lifted(),
            };
            let mut ask = Ask {
                patient,
                from: range.start.0,
                until: range.end.0,
                limit: match veil.is_lifted() {
                    true => limit,
                    // What is hidden takes nobody else's place on the page.
                    false => BEHIND_A_VEIL_MAX,
                },
                veil,
                keys: Keys::default(),
            };
            let mut lines = ask.said(tx).await?;
            lines.extend(ask.acts(tx).await?);
            lines.extend(ask.paged(tx).await?);
            lines.extend(ask.planned(tx).await?);
            lines.extend(ask.went(tx).await?);
            lines.extend(ask.worn(tx).await?);
            Ok(lines)
        })
    });
    let mut lines = read.await?;
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    lines.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(lines)
}

struct Ask {
    patient: String,
    from: i64,
    until: i64,
    limit: u64,
    veil: Veil,
    keys: Keys,
}

impl Ask {
    async fn said(&self, tx: &Tx<'_>) -> Result<Vec<Line>, TxError> {
        let rows = flag_event::Entity::find()
            .filter(flag_event::Column::Patient.eq(&self.patient))
            .filter(flag_event::Column::ToldAtMs.gte(self.from))
            .filter(flag_event::Column::ToldAtMs.lt(self.until))
            .order_by_desc(flag_event::Column::ToldAtMs)
            .order_by_desc(flag_event::Column::FlagId)
            .order_by_desc(flag_event::Column::Telling)
            .limit(self.limit);
        let line = |row: flag_event::Model| {
            Ok(Line {
                at: WallMs(row.told_at_ms),
                what: Written::Said(flags::verdict(&row)?),
            })
        };
        let rows = rows.all(tx).await?.into_iter();
        collect(rows.filter(|row| !self.veil.hides_telling(row)).map(line))
    }

    async fn acts(&mut self, tx: &Tx<'_>) -> Result<Vec<Line>, TxError> {
        let rows = entry::Entity::find()
            .filter(entry::Column::Patient.eq(&self.patient))
            .filter(entry::Column::AtMs.gte(self.from))
            .filter(entry::Column::AtMs.lt(self.until))
            .order_by_desc(entry::Column::AtMs)
            .order_by_desc(entry::Column::Id)
            .limit(self.limit);
        let mut lines = Vec::new();
        for row in rows.all(tx).await? {
            if self.veil.hides_entry(&row) {
                continue;
            }
            let act = acts::read(tx, &mut self.keys, row).await?;
            lines.push(Line {
                at: act.at,
                what: Written::Act(act),
            });
        }
        Ok(lines)
    }

    async fn paged(&self, tx: &Tx<'_>) -> Result<Vec<Line>, TxError> {
        let asked = (self.from..self.until, self.limit);
        let told = pages::told_in(tx, &self.patient, asked, &self.veil);
        let line = |paged: Paged| Line {
            at: paged.page.at,
            what: Written::Paged(paged),
        };
        Ok(told.await?.into_iter().map(line).collect())
    }

    async fn planned(&mut self, tx: &Tx<'_>) -> Result<Vec<Line>, TxError> {
        let rows = plan::Entity::find()
            .filter(plan::Column::Patient.eq(&self.patient))
            .filter(plan::Column::CreatedAtMs.gte(self.from))
            .filter(plan::Column::CreatedAtMs.lt(self.until))
            .order_by_desc(plan::Column::Version)
            .limit(self.limit);
        let mut lines = Vec::new();
        for mut row in rows.all(tx).await? {
            let grounds = Grounds::of(tx, &mut self.keys, &mut row).await?;
            lines.push(Line {
                at: WallMs(row.created_at_ms),
                what: Written::Planned {
                    version: PlanVersion(row.version),
                    by: row.created_by,
                    why: grounds.why.unwrap_or_default(),
                },
            });
        }
        Ok(lines)
    }

    async fn went(&mut self, tx: &Tx<'_>) -> Result<Vec<Line>, TxError> {
        let rows = standing::Entity::find()
            .filter(standing::Column::Patient.eq(&self.patient))
            .filter(standing::Column::CreatedAtMs.gte(self.from))
            .filter(standing::Column::CreatedAtMs.lt(self.until))
            .order_by_desc(standing::Column::Number)
            .limit(self.limit);
        let newest = standing::Entity::find()
            .filter(standing::Column::Patient.eq(&self.patient))
            .order_by_desc(standing::Column::Number);
        let newest = newest.one(tx).await?.map_or(0, |row| row.number);
        let mut lines = Vec::new();
        for row in rows.all(tx).await? {
            if self.veil.hides_standing(&row, newest) {
                continue;
            }
            lines.push(Line {
                at: WallMs(row.created_at_ms),
                what: Written::Went(standings::opened(tx, &mut self.keys, row).await?),
            });
        }
        Ok(lines)
    }

    /// A patient has few devices: all are read, and those outside the range left out.
    async fn worn(&self, tx: &Tx<'_>) -> Result<Vec<Line>, TxError> {
        let rows = assignment::Entity::find()
            .filter(assignment::Column::Patient.eq(&self.patient))
            .order_by_asc(assignment::Column::Id);
        let rows = rows.all(tx).await?;
        let ids = rows.iter().map(|row| row.id);
        let of = assignment_end::Column::AssignmentId.is_in(ids);
        let ends = assignment_end::Entity::find().filter(of).all(tx).await?;
        let mut lines = Vec::new();
        for row in rows {
            let device: DeviceId = row
                .device
                .parse()
                .map_err(|_| TxError::refuse(ReadError::damaged("assignment", row.id)))?;
            let end = ends.iter().find(|end| end.assignment_id == row.id);
            lines.extend(end.map(|end| Line {
                at: WallMs(end.created_at_ms),
                what: Written::TakenBack {
                    device: device.clone(),
                    until: WallMs(end.until_ms),
                    by: end.created_by.clone(),
                },
            }));
            lines.push(Line {
                at: WallMs(row.created_at_ms),
                what: Written::Given {
                    device,
                    from: WallMs(row.from_ms),
                    by: row.created_by,
                },
            });
        }
        lines.retain(|line| (self.from..self.until).contains(&line.at.0));
        Ok(lines)
    }
}

fn collect(lines: impl Iterator<Item = Result<Line, ReadError>>) -> Result<Vec<Line>, TxError> {
    let lines: Result<Vec<Line>, ReadError> = lines.collect();
    lines.map_err(TxError::refuse)
}
