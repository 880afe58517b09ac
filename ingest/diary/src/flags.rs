//! Flags: what triage said, word for word, and which of it still asks for a person.
//!
//! Each verdict is a row, named by its flag and its telling, inserted or ignored: recording the
//! same verdicts again after a crash changes nothing. What is true of a flag is the fold of its
//! rows ([`Told`]).
//!
//! **On the list** is a flag whose episode goes on, and a confirmed red until a person closes it,
//! whatever happens to its episode. What was closed comes back when it is raised anew, confirmed
//! for the first time, or confirmed by something too bad to wait that it did not have before. What
//! was raised by readings that were not the patient's ([`Why::NotTheirs`]) needs nobody: it stays
//! in the diary, with who corrected that, and leaves the list.
//!
//! What is on the list cannot be hidden, so nothing here that reads the list looks through a veil.

use std::collections::{BTreeMap, BTreeSet};

use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::{OnConflict, Query};
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::{Flag, FlagId, How, PatientId, Severity, Standing, Verdict, Why};
use veglia_wire::WallMs;

use crate::acts;
use crate::alerts::{self, Alert, inherited};
use crate::error::ReadError;
use crate::hidden::Veils;
use crate::rows::{flag, flag_event, open_flag};

/// Flags read in one statement: below the number of parameters any engine takes.
const FLAGS_PER_QUERY: usize = 500;

/// Flags on the list that are read at once. A centre that has more open flags than this needs
/// more people, not a longer page.
pub const OPEN_FLAGS_MAX: u64 = 10_000;

/// What the row of a verdict says that raises a flag.
pub(crate) const RAISED: &str = "raised";

/// Why verdicts were not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Something is said of a flag that was never raised.
    #[error("nothing was recorded: {0} was never raised; replay from an earlier snapshot")]
    NeverRaised(FlagId),
    /// A verdict cannot be put into a row.
    #[error("nothing was recorded: a verdict cannot be put into words")]
    Encode(#[source] serde_json::Error),
    /// The diary could not be read.
    #[error("nothing was recorded")]
    Read(#[source] ReadError),
}

impl RecordError {
    /// Whether the same may succeed later; see [`TxError::is_passing`].
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Read(error) if error.is_passing())
    }
}

/// A flag on the list of the centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFlag {
    /// The flag, with the standing and the evidence told last.
    pub flag: Flag,
    /// When it was first told.
    pub raised_at: WallMs,
    /// Why and when its episode ended, for a red that waits to be closed.
    pub ended: Option<(Why, WallMs)>,
    /// The alert it belongs to, with who has taken charge of it.
    pub alert: Option<Alert>,
}

struct Line<'a> {
    verdict: &'a Verdict,
    event: flag_event::Model,
    raises: Option<flag::Model>,
}

/// Records what triage said, all of it or nothing. Returns how many verdicts were new.
///
/// # Errors
/// See [`RecordError`]; nothing was written then.
pub async fn record_verdicts(
    record: &Database,
    actor: &Actor,
    verdicts: &[Verdict],
    now: WallMs,
) -> Result<usize, RecordError> {
    let lines: Result<Vec<Line<'_>>, _> = verdicts.iter().map(|it| line(it, now)).collect();
    let lines = lines.map_err(RecordError::Encode)?;
    let lines = lines.as_slice();
    if lines.is_empty() {
        return Ok(0);
    }
    let written = record.run_tx("diary.record_verdicts", actor, move |tx| {
        Box::pin(async move {
            let mut news = 0;
            let mut charges = Vec::new();
            for line in lines {
                let id = &line.event.flag_id;
                if let Some(row) = &line.raises {
                    insert_or_ignore(tx, row.clone()).await?;
                } else if flag::Entity::find_by_id(id.clone())
                    .one(tx)
                    .await?
                    .is_none()
                {
                    return Err(TxError::refuse(Unraised(id.clone())));
                }
                if tell_or_ignore(tx, line.event.clone()).await? {
                    news += 1;
                    if let Some((told, listed)) = relist(tx, id).await? {
                        let charge = inherited::charge_of(tx, line.verdict, &told, now);
                        charges.extend(charge.await?);
                        alerts::heard(tx, line.verdict, &told, listed, &charges, now).await?;
                    }
                }
            }
            Ok(news)
        })
    });
    written.await.map_err(|fault| {
        let unraised = fault.refusal::<Unraised>().and_then(|it| it.0.parse().ok());
        match unraised {
            Some(id) => RecordError::NeverRaised(id),
            None => RecordError::Read(fault.into()),
        }
    })
}

#[derive(Debug, thiserror::Error)]
#[error("{0} was never raised")]
struct Unraised(String);

fn line(verdict: &Verdict, now: WallMs) -> Result<Line<'_>, serde_json::Error> {
    let id = verdict.id();
    let (what, raises) = match verdict {
        Verdict::Raise(flag) => (RAISED, Some(first(flag, now))),
        Verdict::Confirm { .. } => ("confirmed", None),
        Verdict::End { .. } => ("ended", None),
    };
    Ok(Line {
        verdict,
        event: flag_event::Model {
            flag_id: id.to_string(),
            telling: i64::from(verdict.telling()),
            patient: id.patient.to_string(),
            what: what.to_owned(),
            told_at_ms: now.0,
            body: serde_json::to_string(verdict)?,
        },
        raises,
    })
}

fn first(flag: &Flag, now: WallMs) -> flag::Model {
    flag::Model {
        id: flag.id.to_string(),
        patient: flag.id.patient.to_string(),
        rule: flag.id.rule.to_string(),
        rule_set: flag.id.rule_set.to_string(),
        severity: flag.severity.name().to_owned(),
        since_ms: flag.since.0,
        raised_at_ms: now.0,
        late: flag.late,
    }
}

async fn insert_or_ignore(tx: &Tx<'_>, row: flag::Model) -> Result<(), TxError> {
    let known = OnConflict::column(flag::Column::Id).do_nothing().to_owned();
    flag::Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Whether it was new.
async fn tell_or_ignore(tx: &Tx<'_>, row: flag_event::Model) -> Result<bool, TxError> {
    let key = [flag_event::Column::FlagId, flag_event::Column::Telling];
    let known = OnConflict::columns(key).do_nothing().to_owned();
    let rows = flag_event::Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(tx)
        .await?;
    Ok(rows > 0)
}

/// All that was said of one flag, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The flag, with the standing and the evidence told last.
    pub flag: Flag,
    /// When it was first told.
    pub raised_at: WallMs,
    /// Why and when its episode ended, if it has.
    pub ended: Option<(Why, WallMs)>,
    was_confirmed: bool,
    /// The last telling that asks for a person again.
    news: u32,
    /// The last telling by which the patient, known to be bad, has become worse.
    worse: Option<u32>,
    /// The last telling.
    pub(crate) latest: u32,
}

impl Told {
    /// What is true of a flag once a further verdict is heard at a moment, `None` before the
    /// first; none when the flag was never raised.
    #[must_use]
    pub fn after(known: Option<Self>, verdict: Verdict, at: WallMs) -> Option<Self> {
        match (known, verdict) {
            (Some(mut told), verdict) => {
                told.hear(verdict);
                Some(told)
            }
            (None, Verdict::Raise(flag)) => Some(Self::begin(flag, at)),
            (None, Verdict::Confirm { .. } | Verdict::End { .. }) => None,
        }
    }

    /// Whether it stands by all that is known: neither late data nor a correction of whose the
    /// readings are has withdrawn it.
    #[must_use]
    pub fn stands(&self) -> bool {
        !matches!(
            self.ended,
            Some((Why::ExplainedByLateData | Why::NotTheirs, _))
        )
    }

    fn begin(flag: Flag, raised_at: WallMs) -> Self {
        Self {
            raised_at,
            ended: None,
            was_confirmed: flag.standing.is_confirmed(),
            news: flag.telling,
            worse: None,
            latest: flag.telling,
            flag,
        }
    }

    /// What is said is heard in the order of its numbers: what comes later and was numbered before
    /// says nothing any more.
    fn hear(&mut self, verdict: Verdict) {
        if verdict.telling() < self.latest {
            return;
        }
        self.latest = verdict.telling();
        match verdict {
            Verdict::Raise(flag) => {
                self.news = flag.telling;
                if self.ended.is_none() && is_worse(self.flag.standing, flag.standing) {
                    self.worse = Some(flag.telling);
                }
                self.was_confirmed |= flag.standing.is_confirmed();
                self.ended = None;
                self.flag = flag;
            }
            Verdict::Confirm {
                how,
                evidence,
                at,
                telling,
                ..
            } => {
                let standing = Standing::Confirmed { how, at };
                let is_worse = is_worse(self.flag.standing, standing);
                if is_worse || !self.flag.standing.is_confirmed() {
                    self.news = telling;
                }
                if is_worse {
                    self.worse = Some(telling);
                }
                self.was_confirmed = true;
                self.flag.standing = standing;
                self.flag.evidence = evidence;
                self.flag.telling = telling;
            }
            Verdict::End { why, at, .. } => self.ended = Some((why, at)),
        }
    }

    /// Whether this telling is the last by which the patient has become worse.
    pub(crate) fn is_worse(&self, telling: u32) -> bool {
        self.worse == Some(telling)
    }

    /// Whether it asks for a person, if it was last closed at this telling.
    pub(crate) fn is_listed(&self, closed: Option<u32>) -> bool {
        let is_theirs = !matches!(self.ended, Some((Why::NotTheirs, _)));
        let waits = self.flag.severity == Severity::Red && self.was_confirmed && is_theirs;
        (self.ended.is_none() || waits) && closed.is_none_or(|closed| closed < self.news)
    }
}

/// Whether a patient who was known to be bad has become worse: nobody waits any more, or something
/// else joined that nobody waits for. That other readings bear it out, or that it lasts, is not
/// worse.
fn is_worse(known: Standing, now: Standing) -> bool {
    match (known, now) {
        (
            Standing::Confirmed { how, at },
            Standing::Confirmed {
                how: How::AtOnce,
                at: newer,
            },
        ) => how != How::AtOnce || newer > at,
        _ => false,
    }
}

/// What was said of some flags; a flag that was never raised is not in the answer.
async fn told(tx: &Tx<'_>, ids: &[String]) -> Result<BTreeMap<String, Told>, TxError> {
    let mut all: BTreeMap<String, Told> = BTreeMap::new();
    for some in ids.chunks(FLAGS_PER_QUERY) {
        let rows = flag_event::Entity::find()
            .filter(flag_event::Column::FlagId.is_in(some.iter().cloned()))
            .order_by_asc(flag_event::Column::FlagId)
            .order_by_asc(flag_event::Column::Telling);
        for row in rows.all(tx).await? {
            let verdict = verdict(&row).map_err(TxError::refuse)?;
            let known = all.remove(&row.flag_id);
            let told = Told::after(known, verdict, WallMs(row.told_at_ms));
            let told = told.ok_or_else(|| TxError::refuse(damaged(&row)))?;
            all.insert(row.flag_id, told);
        }
    }
    Ok(all)
}

pub(crate) async fn told_of(tx: &Tx<'_>, id: &str) -> Result<Option<Told>, TxError> {
    Ok(told(tx, &[id.to_owned()]).await?.remove(id))
}

pub(crate) fn verdict(row: &flag_event::Model) -> Result<Verdict, ReadError> {
    serde_json::from_str(&row.body).map_err(|_| damaged(row))
}

fn damaged(row: &flag_event::Model) -> ReadError {
    ReadError::damaged("flag_event", format!("{} {}", row.flag_id, row.telling))
}

/// Puts a flag on the list or takes it off, by all that is written of it. Returns that, and
/// whether it is on the list now; none when it was never raised.
pub(crate) async fn relist(tx: &Tx<'_>, id: &str) -> Result<Option<(Told, bool)>, TxError> {
    let Some(told) = told_of(tx, id).await? else {
        return Ok(None);
    };
    let closed = acts::rounds(tx, id).await?.last_telling();
    let is_listed = told.is_listed(closed);
    if is_listed {
        let row = open_flag::Model {
            flag_id: id.to_owned(),
        };
        let listed = OnConflict::column(open_flag::Column::FlagId)
            .do_nothing()
            .to_owned();
        open_flag::Entity::insert(row.into_active_model())
            .on_conflict(listed)
            .exec_without_returning(tx)
            .await?;
    } else {
        open_flag::Entity::delete_by_id(id.to_owned())
            .exec(tx)
            .await?;
    }
    Ok(Some((told, is_listed)))
}

/// Flags with all that is said and done of them, in the order of their names.
pub(crate) async fn as_told(tx: &Tx<'_>, ids: &[String]) -> Result<Vec<OpenFlag>, TxError> {
    let told = told(tx, ids).await?;
    let names = told.values().map(|told| told.flag.id.clone());
    let alerts = alerts::open_of(tx, names).await?;
    let flags = told.into_values().map(|told| OpenFlag {
        alert: alerts.get(&alerts::open_key(&told.flag.id)).cloned(),
        flag: told.flag,
        raised_at: told.raised_at,
        ended: told.ended,
    });
    Ok(flags.collect())
}

/// Of these flags, those on the list; the others need nobody, or were never raised.
///
/// # Errors
/// See [`ReadError`].
pub async fn flags_listed(
    record: &Database,
    actor: &Actor,
    among: &BTreeSet<FlagId>,
) -> Result<Vec<OpenFlag>, ReadError> {
    let names: Vec<String> = among.iter().map(FlagId::to_string).collect();
    let names = names.as_slice();
    let read = record.read_tx("diary.flags_listed", actor, move |tx| {
        Box::pin(async move {
            let mut listed = Vec::new();
            for some in names.chunks(FLAGS_PER_QUERY) {
                let rows = open_flag::Entity::find()
                    .filter(open_flag::Column::FlagId.is_in(some.iter().cloned()));
                listed.extend(rows.all(tx).await?.into_iter().map(|row| row.flag_id));
            }
            as_told(tx, &listed).await
        })
    });
    Ok(read.await?)
}

/// Flags that were raised at or after a moment, open or over, oldest first; at most
/// [`OPEN_FLAGS_MAX`]; to a person, without those that are hidden.
///
/// # Errors
/// See [`ReadError`].
pub async fn flags_raised(
    record: &Database,
    actor: &Actor,
    since: WallMs,
) -> Result<Vec<OpenFlag>, ReadError> {
    let read = record.read_tx("diary.flags_raised", actor, move |tx| {
        Box::pin(async move {
            let raised = flag::Entity::find()
                .filter(flag::Column::RaisedAtMs.gte(since.0))
                .order_by_asc(flag::Column::RaisedAtMs)
                .limit(OPEN_FLAGS_MAX)
                .all(tx)
                .await?;
            let mut veils = Veils::default();
            let mut ids = Vec::with_capacity(raised.len());
            for row in raised {
                if !veils.of(tx, &row.patient).await?.hides_flag(&row.id) {
                    ids.push(row.id);
                }
            }
            as_told(tx, &ids).await
        })
    });
    Ok(read.await?)
}

/// The flags that ask for a person, the gravest first, then the oldest; at most
/// [`OPEN_FLAGS_MAX`].
///
/// # Errors
/// See [`ReadError`].
pub async fn open_flags(record: &Database, actor: &Actor) -> Result<Vec<OpenFlag>, ReadError> {
    let read = record.read_tx("diary.open_flags", actor, |tx| {
        Box::pin(async move {
            let listed = open_flag::Entity::find()
                .limit(OPEN_FLAGS_MAX)
                .all(tx)
                .await?;
            let ids: Vec<String> = listed.into_iter().map(|row| row.flag_id).collect();
            as_told(tx, &ids).await
        })
    });
    Ok(gravest_first(read.await?))
}

/// The same of one patient, however many others have.
///
/// # Errors
/// See [`ReadError`].
pub async fn open_flags_of(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Vec<OpenFlag>, ReadError> {
    let read = record.read_tx("diary.open_flags_of", actor, move |tx| {
        Box::pin(async move {
            let mut theirs = Query::select();
            theirs
                .column(flag_event::Column::FlagId)
                .from(flag_event::Entity)
                .and_where(flag_event::Column::Patient.eq(patient.to_string()));
            let listed = open_flag::Entity::find()
                .filter(open_flag::Column::FlagId.in_subquery(theirs))
                .limit(OPEN_FLAGS_MAX);
            let listed = listed.all(tx).await?.into_iter();
            let ids: Vec<String> = listed.map(|row| row.flag_id).collect();
            as_told(tx, &ids).await
        })
    });
    Ok(gravest_first(read.await?))
}

/// The gravest first, then the oldest.
fn gravest_first(mut open: Vec<OpenFlag>) -> Vec<OpenFlag> {
    open.sort_by(|a, b| {
        let gravest = b.flag.severity.cmp(&a.flag.severity);
        gravest.then_with(|| (a.flag.since, &a.flag.id).cmp(&(b.flag.since, &b.flag.id)))
    });
    open
}
