//! Where a result belongs, in one transaction: to a case that is open, to a new one, or to none.

use jiff::civil::Date;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Tx, TxError};
use veglia_wire::WallMs;

use crate::calendar::day_of;
use crate::cases::{CaseId, Taken};
use crate::invitation::invite;
use crate::result::{Finding, LabResult, Status};
use crate::rows::{case, household, result};
use crate::same::{Likeness, Same, plain, spelled};

/// Results that may be of the same person, looked at for one that comes in: a name as common as any
/// has fewer.
const ALIKE_MAX: u64 = 200;

/// The days that decide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// On which the swab was taken.
    pub(crate) day: Date,
    /// From which on positives open cases.
    pub(crate) from: Date,
    /// How many of them a case lasts.
    pub(crate) same_for_days: i64,
}

/// Of whom a result may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Nobody,
    /// Perhaps of this case: a person must look.
    Like(i64),
    Of(i64),
}

/// Takes a result; none when it contradicts what is known under its id.
pub(crate) async fn take(
    tx: &Tx<'_>,
    new: &LabResult,
    reach: Reach,
    now: WallMs,
) -> Result<Option<Taken>, TxError> {
    let known = result::Entity::find()
        .filter(result::Column::Laboratory.eq(&new.laboratory))
        .filter(result::Column::Result.eq(&new.id))
        .order_by_desc(result::Column::Version)
        .one(tx)
        .await?;
    let Some(known) = known else {
        let found = find(tx, new, reach).await?;
        return Ok(Some(match (found, new.finding) {
            (Found::Of(case), _) => {
                add(tx, new, case, 1, now).await?;
                Taken::Added(CaseId(case))
            }
            (_, Finding::Positive) if reach.day < reach.from => Taken::BeforeStart,
            (found, Finding::Positive) => Taken::Opened(open(tx, new, found, 1, now).await?),
            _ => Taken::NoCase,
        }));
    };
    if says_the_same(&known, new) {
        return Ok(Some(Taken::Known));
    }
    match new.status {
        // What was corrected came after its correction.
        Status::Final if known.status == Status::Corrected.code() => Ok(Some(Taken::Known)),
        Status::Final => Ok(None),
        Status::Corrected => correct(tx, new, &known, reach, now).await.map(Some),
    }
}

async fn correct(
    tx: &Tx<'_>,
    new: &LabResult,
    known: &result::Model,
    reach: Reach,
    now: WallMs,
) -> Result<Taken, TxError> {
    result::Entity::update_many()
        .col_expr(result::Column::IsNewest, Expr::value(false))
        .filter(result::Column::Id.eq(known.id))
        .exec(tx)
        .await?;
    let version = known.version + 1;
    let was_this_person = likeness_of(known).is(&likeness(new)) == Same::Yes;
    let found = if was_this_person {
        Found::Of(known.case_id)
    } else {
        find(tx, new, reach).await?
    };
    let case = match (found, new.finding) {
        (Found::Of(case), _) => {
            add(tx, new, case, version, now).await?;
            Some(CaseId(case))
        }
        (found, Finding::Positive) => Some(open(tx, new, found, version, now).await?),
        _ => None,
    };
    // Whoever had it may have lost a number, or every positive.
    invite(tx, known.case_id, now).await?;
    let from = CaseId(known.case_id);
    let was_positive = known.finding == Finding::Positive.code();
    let is_still = new.finding == Finding::Positive && case == Some(from);
    Ok(if was_positive && !is_still {
        Taken::TakenBack { from, to: case }
    } else {
        Taken::Corrected(case)
    })
}

/// The case that a result is of: one that began with a swab not long before it, or not long after,
/// because results come in any order.
async fn find(tx: &Tx<'_>, new: &LabResult, reach: Reach) -> Result<Found, TxError> {
    let wanted = likeness(new);
    let alike = Condition::any()
        .add(result::Column::PlainCode.eq(plain(&new.person.code)))
        .add(result::Column::Spelled.eq(spelled_of(new)));
    let rows = result::Entity::find()
        .filter(alike)
        .filter(result::Column::IsNewest.eq(true))
        .filter(result::Column::Finding.eq(Finding::Positive.code()))
        .order_by_desc(result::Column::TakenAtMs)
        .limit(ALIKE_MAX)
        .all(tx)
        .await?;
    let mut best = Found::Nobody;
    for row in &rows {
        let Ok(day) = day_of(WallMs(row.taken_at_ms)) else {
            continue;
        };
        let apart = day.duration_until(reach.day).as_hours() / 24;
        // A negative of before the positive says nothing of this case.
        let is_earlier = apart < 0 && new.finding != Finding::Positive;
        if apart.abs() > reach.same_for_days || is_earlier {
            continue;
        }
        let found = match likeness_of(row).is(&wanted) {
            Same::Yes => Found::Of(row.case_id),
            Same::Perhaps => Found::Like(row.case_id),
            Same::No => Found::Nobody,
        };
        best = best.max(found);
    }
    Ok(best)
}

async fn open(
    tx: &Tx<'_>,
    new: &LabResult,
    found: Found,
    version: i64,
    now: WallMs,
) -> Result<CaseId, TxError> {
    let household = household::ActiveModel {
        id: NotSet,
        at_ms: Set(now.0),
    };
    let household = household::Entity::insert(household).exec(tx).await?;
    let like = match found {
        Found::Like(case) => Some(case),
        Found::Nobody | Found::Of(_) => None,
    };
    let row = case::ActiveModel {
        id: NotSet,
        household_id: Set(household.last_insert_id),
        like_case: Set(like),
        opened_at_ms: Set(now.0),
        opened_by: Set(tx.actor().to_string()),
    };
    let id = case::Entity::insert(row).exec(tx).await?.last_insert_id;
    add(tx, new, id, version, now).await?;
    Ok(CaseId(id))
}

async fn add(
    tx: &Tx<'_>,
    new: &LabResult,
    case: i64,
    version: i64,
    now: WallMs,
) -> Result<(), TxError> {
    let phone = new.phone.as_ref().map(|phone| phone.as_str().to_owned());
    let row = result::ActiveModel {
        id: NotSet,
        case_id: Set(case),
        laboratory: Set(new.laboratory.clone()),
        result: Set(new.id.clone()),
        version: Set(version),
        is_newest: Set(true),
        status: Set(new.status.code().to_owned()),
        finding: Set(new.finding.code().to_owned()),
        method: Set(new.method.code().to_owned()),
        taken_at_ms: Set(new.taken_at.0),
        code: Set(new.person.code.as_str().to_owned()),
        plain_code: Set(plain(&new.person.code)),
        surname: Set(new.person.surname.clone()),
        name: Set(new.person.name.clone()),
        spelled: Set(spelled_of(new)),
        born: Set(new.person.born.map(|day| day.to_string())),
        phone: Set(phone),
        received_at_ms: Set(now.0),
        received_by: Set(tx.actor().to_string()),
    };
    result::Entity::insert(row)
        .exec_without_returning(tx)
        .await?;
    match new.finding {
        Finding::Positive => invite(tx, case, now).await,
        Finding::Negative | Finding::Indeterminate => Ok(()),
    }
}

fn says_the_same(known: &result::Model, new: &LabResult) -> bool {
    known.status == new.status.code()
        && known.finding == new.finding.code()
        && known.method == new.method.code()
        && known.taken_at_ms == new.taken_at.0
        && known.code == new.person.code.as_str()
        && known.surname == new.person.surname
        && known.name == new.person.name
        && known.born == new.person.born.map(|day| day.to_string())
        && known.phone.as_deref() == new.phone.as_ref().map(|phone| phone.as_str())
}

/// Surname and name in one: what a search goes by. Of whoever has no names, what nobody has.
fn spelled_of(new: &LabResult) -> String {
    match spelled(&new.person.surname) {
        surname if surname.is_empty() => format!("?{}", new.person.code.as_str()),
        surname => format!("{surname} {}", spelled(&new.person.name)),
    }
}

fn likeness(new: &LabResult) -> Likeness {
    Likeness {
        code: Some(new.person.code.clone()),
        surname: new.person.surname.clone(),
        name: new.person.name.clone(),
        born: new.person.born,
    }
}

fn likeness_of(row: &result::Model) -> Likeness {
    Likeness {
        code: row.code.parse().ok(),
        surname: row.surname.clone(),
        name: row.name.clone(),
        born: row.born.as_deref().and_then(|day| day.parse().ok()),
    }
}
