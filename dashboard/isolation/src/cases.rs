//! Cases as they are kept: what laboratories said of whom, and what follows from it.
//!
//! ```text
//! LabResult ─▶ Cases::received ─▶ Taken: Opened · Added · Corrected · TakenBack · Known · NoCase ·
//! …
//!                                  └─▶ an invitation, for the Inviter
//! facts (symptoms, the end that ATS confirms) ─▶ Cases::note ┐
//! results, facts ─▶ Cases::get ─▶ Case { course } ─▶ the rules ┘
//! ```
//! **Once.** A result is known by its laboratory and its id: the same again changes nothing, a
//! correction is a version of its own, and the newest counts. A correction may come before what it
//! corrects.
//!
//! **Whose.** A positive of somebody who has an open case is of that case, also when omocodia has
//! changed the code; of somebody who only may be the same, it opens a case that names the other,
//! for a person to look at. A number may serve several cases.

use jiff::civil::Date;
use thiserror::Error;
use veglia_people::CalendarError;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::calendar::day_of;
use crate::code::PersonCode;
use crate::course::{Course, Onset};
use crate::result::{Finding, ID_CHARS_MAX, LabResult, Method, NAME_CHARS_MAX};
use crate::rows::{case, fact, result};
use crate::rules::RuleBook;
use crate::taking;

/// Results and facts of one case: a swab and an answer a day for a year.
const OF_CASE_MAX: u64 = 800;

/// How far in the future a swab may be dated: laboratories' clocks are not ours.
const AHEAD_MS: i64 = 24 * 60 * 60 * 1_000;

/// The day of the letter to the mayors from which positives open cases, unless somebody says
/// another.
pub const FIRST_DAY: Date = jiff::civil::date(2020, 10, 20);

/// Number of a case, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaseId(pub i64);

impl std::fmt::Display for CaseId {
    /// As the access log names it: `case:7`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "case:{}", self.0)
    }
}

/// The cases of a record.
#[derive(Debug, Clone)]
pub struct Cases {
    record: Database,
    book: RuleBook,
    from: Date,
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A positive: there is a new case, and its number is invited.
    Opened(CaseId),
    /// It is of a case that was open already.
    Added(CaseId),
    /// It took the place of what was said before; none when no case has it any more.
    Corrected(Option<CaseId>),
    /// It took the place of a positive, and is none or of somebody else: a person has to call
    /// whoever was told of it.
    TakenBack {
        /// The case that had it.
        from: CaseId,
        /// The case that has it now; none when no case has.
        to: Option<CaseId>,
    },
    /// It was known, and nothing has changed.
    Known,
    /// A negative or indeterminate one of somebody without an open case: nothing is kept of it
    /// here.
    NoCase,
    /// A positive from before cases are kept: nothing is kept of it here.
    BeforeStart,
}

/// Why a result was not taken: a person has to mend it. Nothing was written.
#[derive(Debug, Error)]
pub enum ResultError {
    /// An identifier or a name that cannot be kept.
    #[error("the {field} of a result must have {min} to {max} ordinary characters")]
    Text {
        /// Which one.
        field: &'static str,
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// The swab was taken in the future, or outside every calendar.
    #[error("the swab cannot have been taken when the message says")]
    When,
    /// Something else was said under the same id, and this is not marked as a correction.
    #[error("this id has another result already, and this one is not marked as its correction")]
    Differs,
    /// The database did not answer.
    #[error("the result was not written")]
    Store(#[source] TxError),
}

/// Why a case could not be read.
#[derive(Debug, Error)]
pub enum CaseError {
    /// The database did not answer.
    #[error("a case was not read or written")]
    Store(#[source] TxError),
    /// A day that no calendar has.
    #[error("a day of a case cannot be told")]
    Calendar(#[source] CalendarError),
}

/// Something said of a case. Each is a row; of what contradicts itself the newest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// When the symptoms began.
    Onset(Onset),
    /// The first day without symptoms; none when they are there again.
    FreeSince(Option<Date>),
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its number.
    pub id: CaseId,
    /// First name and family name, as the last laboratory wrote them; may be empty.
    pub called: String,
    /// What the rules look at; none when every positive was corrected away.
    pub course: Option<Course>,
    /// As the last laboratory wrote it; the person's number with the centre is found by it.
    pub code: PersonCode,
    /// A case that may be of the same person.
    pub like: Option<CaseId>,
}

impl Cases {
    /// The cases of this record; a positive swab taken before the day `from` opens none.
    #[must_use]
    pub fn new(record: Database, from: Date) -> Self {
        Self {
            record,
            book: RuleBook::shipped(),
            from,
        }
    }

    /// Takes a result: idempotent, and on the disk when this returns `Ok`.
    ///
    /// # Errors
    /// See [`ResultError`]; all but `Store` are for a person to mend.
    pub async fn received(
        &self,
        actor: &Actor,
        new: &LabResult,
        now: WallMs,
    ) -> Result<Taken, ResultError> {
        check(new, now)?;
        let day = day_of(new.taken_at).map_err(|_| ResultError::When)?;
        let same_for_days = self.book.on(day).case.same_for_days;
        let reach = taking::Reach {
            day,
            from: self.from,
            same_for_days,
        };
        let written = self.record.run_tx("cases.received", actor, move |tx| {
            Box::pin(async move { taking::take(tx, new, reach, now).await })
        });
        match written.await {
            Ok(Some(taken)) => Ok(taken),
            Ok(None) => Err(ResultError::Differs),
            Err(error) => Err(ResultError::Store(error)),
        }
    }

    /// Writes down what somebody says of a case, unless it is what was said last.
    ///
    /// # Errors
    /// See [`CaseError`]; nothing was written then.
    pub async fn note(
        &self,
        actor: &Actor,
        case: CaseId,
        said: Fact,
        now: WallMs,
    ) -> Result<(), CaseError> {
        let (kind, day) = said.written();
        let day = &day.map(|day| day.to_string());
        let written = self.record.run_tx("cases.note", actor, move |tx| {
            Box::pin(async move {
                let last = fact::Entity::find()
                    .filter(fact::Column::CaseId.eq(case.0))
                    .filter(fact::Column::Kind.is_in(said.kinds().iter().copied()))
                    .order_by_desc(fact::Column::Id)
                    .one(tx)
                    .await?;
                if last.is_some_and(|it| it.kind == kind && it.day == *day) {
                    return Ok(());
                }
                let row = fact::ActiveModel {
                    id: NotSet,
                    case_id: Set(case.0),
                    kind: Set(kind.to_owned()),
                    day: Set(day.clone()),
                    at_ms: Set(now.0),
                    written_by: Set(tx.actor().to_string()),
                };
                fact::Entity::insert(row).exec_without_returning(tx).await?;
                Ok(())
            })
        });
        written.await.map_err(CaseError::Store)
    }

    /// A case, if there is one of this number. It writes nothing: whoever shows it logs that.
    ///
    /// # Errors
    /// See [`CaseError`].
    pub async fn get(&self, actor: &Actor, id: CaseId) -> Result<Option<Case>, CaseError> {
        let read = self.record.read_tx("cases.get", actor, move |tx| {
            Box::pin(async move { rows_of(tx, id).await })
        });
        match read.await.map_err(CaseError::Store)? {
            Some((row, results, facts)) => Ok(told(&row, &results, &facts)?),
            None => Ok(None),
        }
    }

    /// The circulars that days are counted by.
    #[must_use]
    pub fn book(&self) -> &RuleBook {
        &self.book
    }
}

impl Fact {
    fn written(self) -> (&'static str, Option<Date>) {
        match self {
            Self::Onset(Onset::Unsaid) => ("onset-unsaid", None),
            Self::Onset(Onset::None) => ("no-symptoms", None),
            Self::Onset(Onset::On(day)) => ("onset", Some(day)),
            Self::Onset(Onset::Undated) => ("onset-undated", None),
            Self::FreeSince(Some(day)) => ("free-since", Some(day)),
            Self::FreeSince(None) => ("symptoms-last", None),
        }
    }

    /// The kinds that it takes the place of.
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Onset(_) => &["onset-unsaid", "no-symptoms", "onset", "onset-undated"],
            Self::FreeSince(_) => &["free-since", "symptoms-last"],
        }
    }
}

type Rows = (case::Model, Vec<result::Model>, Vec<fact::Model>);

async fn rows_of(tx: &Tx<'_>, id: CaseId) -> Result<Option<Rows>, TxError> {
    let Some(row) = case::Entity::find_by_id(id.0).one(tx).await? else {
        return Ok(None);
    };
    let results = result::Entity::find()
        .filter(result::Column::CaseId.eq(id.0))
        .filter(result::Column::IsNewest.eq(true))
        .order_by_asc(result::Column::TakenAtMs)
        .order_by_asc(result::Column::Id)
        .limit(OF_CASE_MAX);
    let facts = fact::Entity::find()
        .filter(fact::Column::CaseId.eq(id.0))
        .order_by_asc(fact::Column::Id)
        .limit(OF_CASE_MAX);
    let (mut results, facts) = (results.all(tx).await?, facts.all(tx).await?);
    if results.is_empty() {
        // All were given to somebody else: who was told of them is told that, too.
        let last = result::Entity::find()
            .filter(result::Column::CaseId.eq(id.0))
            .order_by_desc(result::Column::Id);
        results.extend(last.one(tx).await?);
    }
    Ok(Some((row, results, facts)))
}

/// What the rows of a case say.
fn told(
    row: &case::Model,
    results: &[result::Model],
    facts: &[fact::Model],
) -> Result<Option<Case>, CaseError> {
    let Some(last) = results.last() else {
        return Ok(None);
    };
    let Ok(code) = last.code.parse() else {
        return Ok(None);
    };
    let called = format!("{} {}", last.name, last.surname);
    Ok(Some(Case {
        id: CaseId(row.id),
        called: called.trim().to_owned(),
        course: course(results, facts).map_err(CaseError::Calendar)?,
        code,
        like: row.like_case.map(CaseId),
    }))
}

/// The course, from results in the order in which swabs were taken.
fn course(
    results: &[result::Model],
    facts: &[fact::Model],
) -> Result<Option<Course>, CalendarError> {
    let mut course: Option<Course> = None;
    for row in results.iter().filter(|row| row.is_newest) {
        let day = day_of(WallMs(row.taken_at_ms))?;
        let is = |finding: Finding| row.finding == finding.code();
        match &mut course {
            None if is(Finding::Positive) => course = Some(Course::of_swab(day)),
            Some(course) if is(Finding::Positive) => {
                // Two laboratories, or two swabs, of one day are one positive.
                if course.again.last().unwrap_or(&course.swab) < &day {
                    course.again.push(day);
                }
                course.negative = None;
            }
            Some(course) if is(Finding::Negative) && row.method == Method::Molecular.code() => {
                course.negative = Some(day);
            }
            _ => {}
        }
    }
    let Some(mut course) = course else {
        return Ok(None);
    };
    for row in facts {
        let day = row.day.as_deref().and_then(|day| day.parse().ok());
        match (row.kind.as_str(), day) {
            ("onset-unsaid", _) => course.onset = Onset::Unsaid,
            ("no-symptoms", _) => course.onset = Onset::None,
            ("onset-undated", _) => course.onset = Onset::Undated,
            ("onset", Some(day)) => course.onset = Onset::On(day),
            ("free-since", Some(day)) => course.free_since = Some(day),
            ("symptoms-last", _) => course.free_since = None,
            _ => {}
        }
    }
    Ok(Some(course))
}

fn check(new: &LabResult, now: WallMs) -> Result<(), ResultError> {
    let texts = [
        ("laboratory", &new.laboratory, 1, ID_CHARS_MAX),
        ("id", &new.id, 1, ID_CHARS_MAX),
        ("surname", &new.person.surname, 0, NAME_CHARS_MAX),
        ("name", &new.person.name, 0, NAME_CHARS_MAX),
    ];
    for (field, text, min, max) in texts {
        let fits = (min..=max).contains(&text.chars().count());
        if !fits || text.chars().any(char::is_control) {
            return Err(ResultError::Text { field, min, max });
        }
    }
    if new.taken_at.since(now) > AHEAD_MS {
        return Err(ResultError::When);
    }
    Ok(())
}
