//! Pages: that somebody is to be called, for whoever delivers them.
//!
//! A page says which function is to be called and why, never a value, and never a person but for
//! the one whom somebody gave an alert to: who is on duty, by which channel and in which words is
//! the deliverer's. Pages are numbered in the order of writing and never altered; what became of
//! one (seen, failed) is a row of its own, once.
//!
//! Deliberately absent: deliveries, receipts of channels, repetitions of a message.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{FlagId, PatientId, Severity};
use veglia_wire::WallMs;

use super::NAMES_PER_QUERY;
use crate::error::ReadError;
use crate::hidden::{Veil, Veils};
use crate::ladder::Input;
use crate::rows::page::{Column, Entity, Model};
use crate::rows::{alert, page_event};

/// Pages given at once, whatever is asked: a deliverer that found more asks again.
pub const PAGES_MAX: u64 = 500;

/// Longest reason of a failure that is kept, in characters: a sentence.
const REASON_CHARS_MAX: usize = 500;

/// Number of a page, from 1; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PageId(pub i64);

/// Which function is called. Who has it today is known elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Callee {
    /// The operator of the centre.
    Operator,
    /// The second operator, or who leads the shift.
    SecondOperator,
    /// The centre's doctor on duty.
    Doctor,
    /// The patient's family doctor (*medico di medicina generale*).
    Mmg,
    /// *Continuità Assistenziale*, outside the family doctor's hours.
    OutOfHours,
    /// The member of staff whom the alert was given to ([`Page::to`]).
    Receiver,
}

impl Callee {
    /// Every function.
    pub const ALL: [Self; 6] = [
        Self::Operator,
        Self::SecondOperator,
        Self::Doctor,
        Self::Mmg,
        Self::OutOfHours,
        Self::Receiver,
    ];

    /// `operator`, `second-operator`, `doctor`, `mmg`, `out-of-hours`, `receiver`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::SecondOperator => "second-operator",
            Self::Doctor => "doctor",
            Self::Mmg => "mmg",
            Self::OutOfHours => "out-of-hours",
            Self::Receiver => "receiver",
        }
    }
}

/// Why somebody is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageWhy {
    /// There is something new.
    New,
    /// Nobody has taken charge since the last call, or a snooze is over.
    Again,
    /// Whoever was called before did not take charge, or a person asks for more.
    Escalated,
    /// For information: the case is one's patient's.
    Informed,
    /// The family doctor has not seen a page in time; it comes back to the centre.
    Unseen,
    /// Whoever had taken charge let it lapse.
    ChargeLapsed,
    /// No channel reached whoever was called before.
    ChannelFailed,
    /// To be told together with others.
    Digest,
}

impl PageWhy {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Again,
        Self::Escalated,
        Self::Informed,
        Self::Unseen,
        Self::ChargeLapsed,
        Self::ChannelFailed,
        Self::Digest,
    ];

    /// `new`, `again`, `escalated`, `informed`, `unseen`, `charge-lapsed`, `channel-failed`,
    /// `digest`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "again",
            Self::Escalated => "escalated",
            Self::Informed => "informed",
            Self::Unseen => "unseen",
            Self::ChargeLapsed => "charge-lapsed",
            Self::ChannelFailed => "channel-failed",
            Self::Digest => "digest",
        }
    }
}

/// A text that is no [`Callee`] or [`PageWhy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no page of this program says so; see the codes of Callee and PageWhy")]
pub struct UnknownCode;

impl FromStr for Callee {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.code() == text).ok_or(UnknownCode)
    }
}

impl FromStr for PageWhy {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.code() == text).ok_or(UnknownCode)
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for PageWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Somebody is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its number.
    pub id: PageId,
    /// About whom.
    pub patient: PatientId,
    /// About which flag; of several of one alert, the newest.
    pub flag: FlagId,
    /// The gravest of the alert.
    pub severity: Severity,
    /// Who.
    pub callee: Callee,
    /// Of [`Callee::Receiver`], the signature: `staff:42`.
    pub to: Option<String>,
    /// Why.
    pub why: PageWhy,
    /// When it was decided, by the clock of care.
    pub at: WallMs,
}

/// Pages after `after`, oldest first, at most `limit` and [`PAGES_MAX`]; to a person, without those
/// that are hidden.
///
/// # Errors
/// See [`ReadError`].
pub async fn pages_since(
    record: &Database,
    actor: &Actor,
    after: PageId,
    limit: u64,
) -> Result<Vec<Page>, ReadError> {
    let read = record.read_tx("diary.pages_since", actor, move |tx| {
        Box::pin(async move {
            let rows = Entity::find()
                .filter(Column::Id.gt(after.0))
                .order_by_asc(Column::Id)
                .limit(limit.min(PAGES_MAX));
            let mut veils = Veils::default();
            let mut pages = Vec::new();
            for row in rows.all(tx).await? {
                if !veils.of(tx, &row.patient).await?.hides_page(&row) {
                    pages.push(page(&row).map_err(TxError::refuse)?);
                }
            }
            Ok(pages)
        })
    });
    Ok(read.await?)
}

fn page(row: &Model) -> Result<Page, ReadError> {
    let damaged = || ReadError::damaged("page", row.id);
    Ok(Page {
        id: PageId(row.id),
        patient: row.patient.parse().map_err(|_| damaged())?,
        flag: row.flag_id.parse().map_err(|_| damaged())?,
        severity: severity(&row.severity).ok_or_else(damaged)?,
        callee: row.callee.parse().map_err(|_| damaged())?,
        to: row.receiver.clone(),
        why: row.why.parse().map_err(|_| damaged())?,
        at: WallMs(row.at_ms),
    })
}

pub(crate) fn severity(name: &str) -> Option<Severity> {
    let all = [Severity::Technical, Severity::Amber, Severity::Red];
    all.into_iter().find(|severity| severity.name() == name)
}

/// Whoever was called has seen it. Returns whether that is news.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn page_seen(
    record: &Database,
    actor: &Actor,
    page: PageId,
    at: WallMs,
) -> Result<bool, ReadError> {
    let written = record.run_tx("diary.page_seen", actor, move |tx| {
        Box::pin(async move { become_of(tx, page, Fate::Seen, at, "").await })
    });
    Ok(written.await?)
}

/// No channel reached whoever was called: the ladder goes to its next rung at once. Returns
/// whether that is news.
///
/// # Errors
/// See [`ReadError`]; nothing was written then.
pub async fn page_failed(
    record: &Database,
    actor: &Actor,
    page: PageId,
    at: WallMs,
    reason: &str,
) -> Result<bool, ReadError> {
    let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
    let reason = reason.as_str();
    let written = record.run_tx("diary.page_failed", actor, move |tx| {
        Box::pin(async move { become_of(tx, page, Fate::Failed, at, reason).await })
    });
    Ok(written.await?)
}

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Seen,
    Failed,
}

async fn become_of(
    tx: &Tx<'_>,
    page: PageId,
    fate: Fate,
    at: WallMs,
    reason: &str,
) -> Result<bool, TxError> {
    let Some(called) = Entity::find_by_id(page.0).one(tx).await? else {
        return Ok(false);
    };
    let callee: Callee = called
        .callee
        .parse()
        .map_err(|_| TxError::refuse(ReadError::damaged("page", page.0)))?;
    let is_recalled = super::grounds::is_recalled(tx, page).await?;
    let (what, input) = match fate {
        Fate::Seen => ("seen", (callee == Callee::Mmg).then_some(Input::Seen)),
        Fate::Failed => {
            let rung = called.rung.and_then(|rung| usize::try_from(rung).ok());
            let why = called.why.parse();
            let why = why.map_err(|_| TxError::refuse(ReadError::damaged("page", page.0)))?;
            // What nobody needs any more needs nobody else either.
            let input = (!is_recalled).then_some(Input::Failed { callee, rung, why });
            ("failed", input)
        }
    };
    let row = page_event::Model {
        page_id: page.0,
        what: what.to_owned(),
        at_ms: at.0,
        actor: tx.actor().to_string(),
        reason: reason.to_owned(),
    };
    let key = [page_event::Column::PageId, page_event::Column::What];
    let known = OnConflict::columns(key).do_nothing().to_owned();
    let rows = page_event::Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(tx)
        .await?;
    let alert = alert::Entity::find_by_id(called.alert_id).one(tx).await?;
    if let (1.., Some(input), Some(alert)) = (rows, input, alert) {
        super::apply(tx, alert, &input, at).await?;
    }
    Ok(rows > 0)
}

/// What was to be told about a patient in a stretch of time, newest first.
pub(crate) async fn told_in(
    tx: &Tx<'_>,
    patient: &str,
    (range, limit): (Range<i64>, u64),
    veil: &Veil,
) -> Result<Vec<Paged>, TxError> {
    let rows = Entity::find()
        .filter(Column::Patient.eq(patient))
        .filter(Column::AtMs.gte(range.start))
        .filter(Column::AtMs.lt(range.end))
        .order_by_desc(Column::Id)
        .limit(limit);
    let mut rows = rows.all(tx).await?;
    rows.retain(|row| !veil.hides_page(row));
    let mut fates: HashMap<i64, Vec<page_event::Model>> = HashMap::new();
    for some in rows.chunks(NAMES_PER_QUERY) {
        let of = page_event::Column::PageId.is_in(some.iter().map(|row| row.id));
        for fate in page_event::Entity::find().filter(of).all(tx).await? {
            fates.entry(fate.page_id).or_default().push(fate);
        }
    }
    let mut told = Vec::new();
    for row in rows {
        let page = page(&row).map_err(TxError::refuse)?;
        let late_ms = row.at_ms.saturating_sub(row.due_ms);
        let became = fates.remove(&row.id).unwrap_or_default();
        let of = |what: &str| {
            let mut rows = became.iter().filter(|row| row.what == what);
            rows.next().map(|row| WallMs(row.at_ms))
        };
        told.push(Paged {
            page,
            late_ms,
            seen: of("seen"),
            failed: of("failed"),
            recalled: of("recalled"),
        });
    }
    Ok(told)
}

/// A page and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged {
    /// The page.
    pub page: Page,
    /// How long after its time it was decided, in milliseconds: not 0 when nobody was there.
    pub late_ms: i64,
    /// When it was seen.
    pub seen: Option<WallMs>,
    /// When it was known that no channel reached anybody.
    pub failed: Option<WallMs>,
    /// Since when nobody needs it any more, because the patient is not at home.
    pub recalled: Option<WallMs>,
}
