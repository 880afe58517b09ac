//! Messages and results as they are kept: nothing that came is lost, nothing is written twice, and
//! nothing is altered.
//!
//! A message is known by its bytes: sent again, it is the same row. A result is known by
//! laboratory, order and test, its *chain*: what says the same as the newest of its chain is the
//! same result, whatever message brought it, and everything else is a new entry behind it. A
//! corrected result is such an entry; one that differs and does not say that it corrects is one
//! with a fault, because somebody may have mistaken an order's number.
//!
//! Results with a fault, and messages that could not be read, wait for a person until they are
//! settled: mended, which is an entry of its own with their name; set aside, with a reason; or
//! replaced by a later entry of the laboratory that has no fault and says the same of the same
//! person, or that it corrects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use veglia_isolation::PersonCode;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::er7::Unreadable;
use crate::outcome::{Outcome, Status};
use crate::rows::{message, passed, result, settled};
use crate::written::{Fault, Report, Written};

/// Results given to a follower at once.
pub(crate) const RESULTS_MAX: u64 = 200;

/// Entries of a chain that are looked at: a laboratory corrects itself once or twice.
const CHAIN_MAX: u64 = 50;

/// By what way something came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Mllp,
    Sheet,
}

impl Way {
    fn code(self) -> &'static str {
        match self {
            Self::Mllp => "mllp",
            Self::Sheet => "csv",
        }
    }
}

/// Something that came.
pub(crate) struct Arrived<'a> {
    pub(crate) way: Way,
    pub(crate) bytes: &'a [u8],
    pub(crate) laboratory: &'a str,
    pub(crate) control: &'a str,
    pub(crate) unreadable: Option<Unreadable>,
    pub(crate) at: WallMs,
}

/// What was kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its number, by which the answer is known.
    pub(crate) message: i64,
    /// Of each result what is wrong with it.
    pub(crate) faults: Vec<Vec<Fault>>,
    /// Results that were not here before.
    pub(crate) new: usize,
}

/// An entry that a person may have to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Message(i64),
    Result(i64),
}

impl Entry {
    fn parts(self) -> (&'static str, i64) {
        match self {
            Self::Message(id) => ("message", id),
            Self::Result(id) => ("result", id),
        }
    }
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Mended,
    SetAside,
    Replaced,
}

impl How {
    fn code(self) -> &'static str {
        match self {
            Self::Mended => "mended",
            Self::SetAside => "set-aside",
            Self::Replaced => "replaced",
        }
    }
}

/// A result without a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// Its number; the cursor of whoever follows.
    pub(crate) number: i64,
    /// Who analysed.
    pub(crate) laboratory: String,
    /// By what the laboratory knows it.
    pub(crate) order: String,
    /// Everything as it was written: names, for whoever opens a case.
    pub(crate) written: Written,
    /// What it means.
    pub(crate) report: Report,
    /// When it came here.
    pub(crate) received: WallMs,
}

/// Keeps something with the results in it. On `Ok` all of it is on the disk.
pub(crate) async fn keep(
    record: &Database,
    actor: &Actor,
    arrived: &Arrived<'_>,
    results: &[Written],
) -> Result<Kept, TxError> {
    let written = record.run_tx("laboratory.keep", actor, move |tx| {
        Box::pin(async move {
            let digest = hex(&Sha256::digest(arrived.bytes));
            let by_digest = message::Column::Digest.eq(digest.as_str());
            let known = message::Entity::find().filter(by_digest).one(tx).await?;
            if let Some(known) = known {
                let now = WallMs(known.received_ms);
                let faults = results
                    .iter()
                    .map(|it| it.read(now).err().unwrap_or_default());
                return Ok(Kept {
                    message: known.id,
                    faults: faults.collect(),
                    new: 0,
                });
            }
            let row = message::ActiveModel {
                id: NotSet,
                digest: Set(digest),
                way: Set(arrived.way.code().to_owned()),
                actor: Set(tx.actor().to_string()),
                laboratory: Set(arrived.laboratory.to_owned()),
                control: Set(arrived.control.to_owned()),
                body: Set(STANDARD.encode(arrived.bytes)),
                unreadable: Set(arrived.unreadable.map_or("", Unreadable::name).to_owned()),
                received_ms: Set(arrived.at.0),
            };
            let message = message::Entity::insert(row).exec(tx).await?.last_insert_id;
            let mut kept = Kept {
                message,
                faults: Vec::with_capacity(results.len()),
                new: 0,
            };
            for written in results {
                let (faults, is_new) = append(tx, (message, None), written, arrived.at).await?;
                kept.faults.push(faults);
                kept.new += usize::from(is_new);
            }
            Ok(kept)
        })
    });
    written.await
}

/// Puts a result behind its chain, unless the newest there says the same.
async fn append(
    tx: &Tx<'_>,
    (message, mends): (i64, Option<i64>),
    written: &Written,
    now: WallMs,
) -> Result<(Vec<Fault>, bool), TxError> {
    let read = written.read(now);
    let chain = chain_of(tx, written).await?;
    let mut faults = read.as_ref().err().cloned().unwrap_or_default();
    if mends.is_none() && is_repeated(&chain, written) {
        return Ok((faults, false));
    }
    if mends.is_none() && contradicts(&chain, &read) {
        faults.push(Fault::Contradiction);
    }
    let taken = crate::when::read(&written.taken);
    let codes: Vec<&str> = faults.iter().map(|it| it.code()).collect();
    let body = serde_json::to_string(written);
    let row = result::ActiveModel {
        id: NotSet,
        message_id: Set(message),
        mends_id: Set(mends),
        laboratory: Set(written.laboratory.clone()),
        order_number: Set(written.order.clone()),
        test: Set(written.test.clone()),
        status: Set(written.status.clone()),
        outcome: Set(written.outcome.clone()),
        taken_day: Set(taken.map(|it| it.day.to_string())),
        taken_ms: Set(taken.and_then(|it| it.at).map(|it| it.0)),
        reported_ms: Set(written.reported_at().map(|it| it.0)),
        received_ms: Set(now.0),
        faults: Set(codes.join(" ")),
        body: Set(body.map_err(TxError::refuse)?),
    };
    result::Entity::insert(row).exec(tx).await?;
    // Whoever mends has looked at one entry, not at the others of its number.
    if let (true, None, Ok(report)) = (faults.is_empty(), mends, &read) {
        replace(tx, (written, report), now).await?;
    }
    Ok((faults, true))
}

/// The chain of a result, the newest first; of a result without a number there is none.
async fn chain_of(
    tx: &Tx<'_>,
    written: &Written,
) -> Result<Vec<(result::Model, Written)>, TxError> {
    if written.order.is_empty() {
        return Ok(Vec::new());
    }
    let rows = result::Entity::find()
        .filter(result::Column::Laboratory.eq(written.laboratory.as_str()))
        .filter(result::Column::OrderNumber.eq(written.order.as_str()))
        .filter(result::Column::Test.eq(written.test.as_str()))
        .order_by_desc(result::Column::Id)
        .limit(CHAIN_MAX);
    let rows = rows.all(tx).await?.into_iter();
    rows.map(|row| Ok((row.clone(), body(&row)?))).collect()
}

/// Whether a result says what the newest of its chain says, or said before a person mended it. What
/// is preliminary is no answer to what is final.
fn is_repeated(chain: &[(result::Model, Written)], written: &Written) -> bool {
    let is_preliminary = |it: &Written| Status::of(&it.status) == Some(Status::Preliminary);
    let mut newest = chain
        .iter()
        .filter(|(_, it)| is_preliminary(written) || !is_preliminary(it));
    let Some((row, said)) = newest.next() else {
        return false;
    };
    let mended = row.mends_id;
    let mended = chain.iter().find(|(row, _)| Some(row.id) == mended);
    said.says_the_same(written) || mended.is_some_and(|(_, it)| it.says_the_same(written))
}

/// Whether a result says otherwise than what was final, without saying that it corrects it.
fn contradicts(chain: &[(result::Model, Written)], read: &Result<Report, Vec<Fault>>) -> bool {
    let Ok(report) = read else {
        return false;
    };
    let before = chain.iter().find_map(|(row, written)| {
        let report = written.read(WallMs(row.received_ms)).ok()?;
        (report.status != Status::Preliminary).then_some(report)
    });
    before.is_some_and(|before| {
        report.status == Status::Final
            && (before.outcome != report.outcome || before.person != report.person)
    })
}

/// Settles what waited for a person, and is answered by what the laboratory has now sent without
/// fault.
async fn replace(
    tx: &Tx<'_>,
    (written, report): (&Written, &Report),
    now: WallMs,
) -> Result<(), TxError> {
    let faulty = result::Entity::find()
        .filter(result::Column::Laboratory.eq(written.laboratory.as_str()))
        .filter(result::Column::OrderNumber.eq(written.order.as_str()))
        .filter(result::Column::Faults.ne(""))
        .limit(CHAIN_MAX);
    for row in faulty.all(tx).await? {
        let is_of_test = row.test == written.test || faults(&row).contains(&Fault::Test);
        if is_of_test && is_answered(&row, report)? {
            settle_in(tx, Entry::Result(row.id), (How::Replaced, ""), now).await?;
        }
    }
    Ok(())
}

/// Whether a result without fault says what a faulty one meant. Nothing preliminary does, nothing
/// of somebody else, nothing that only differs; and a contradiction is for a person to judge.
fn is_answered(faulty: &result::Model, report: &Report) -> Result<bool, TxError> {
    let said = body(faulty)?;
    let person = said.person.parse::<PersonCode>();
    let outcome = Outcome::of(&[&said.outcome]);
    let is_of_somebody_else = person.is_ok_and(|it| it != report.person);
    if is_of_somebody_else || faults(faulty).contains(&Fault::Contradiction) {
        return Ok(false);
    }
    Ok(match report.status {
        Status::Preliminary => false,
        Status::Final => outcome.is_none_or(|it| it == report.outcome),
        Status::Corrected | Status::Cancelled => true,
    })
}

/// Writes what became of an entry; `false` when that was written before.
async fn settle_in(
    tx: &Tx<'_>,
    entry: Entry,
    (how, why): (How, &str),
    now: WallMs,
) -> Result<bool, TxError> {
    if is_settled(tx, entry).await? {
        return Ok(false);
    }
    let (kind, id) = entry.parts();
    let row = settled::ActiveModel {
        id: NotSet,
        kind: Set(kind.to_owned()),
        entry_id: Set(id),
        how: Set(how.code().to_owned()),
        why: Set(why.to_owned()),
        actor: Set(tx.actor().to_string()),
        at_ms: Set(now.0),
    };
    settled::Entity::insert(row).exec(tx).await?;
    Ok(true)
}

pub(crate) async fn is_settled(tx: &Tx<'_>, entry: Entry) -> Result<bool, TxError> {
    let (kind, id) = entry.parts();
    let rows = settled::Entity::find()
        .filter(settled::Column::Kind.eq(kind))
        .filter(settled::Column::EntryId.eq(id));
    Ok(rows.one(tx).await?.is_some())
}

/// Sets an entry aside, by whoever looked at it; `false` when somebody was first.
pub(crate) async fn set_aside(
    record: &Database,
    actor: &Actor,
    entry: Entry,
    why: &str,
    now: WallMs,
) -> Result<bool, TxError> {
    let written = record.run_tx("laboratory.set_aside", actor, move |tx| {
        Box::pin(async move { settle_in(tx, entry, (How::SetAside, why), now).await })
    });
    written.await
}

/// Puts a mended result in place of an entry, by whoever looked at it; `false` when somebody was
/// first. A result that still has a fault is not taken. A message waits on: there may be more in
/// it, until somebody [says that all is registered](all_registered).
pub(crate) async fn mend(
    record: &Database,
    actor: &Actor,
    entry: Entry,
    written: &Written,
    now: WallMs,
) -> Result<bool, TxError> {
    let done = record.run_tx("laboratory.mend", actor, move |tx| {
        Box::pin(async move {
            let (place, is_first) = match entry {
                Entry::Message(id) => ((id, None), !is_settled(tx, entry).await?),
                Entry::Result(id) => {
                    let row = result::Entity::find_by_id(id).one(tx).await?;
                    let place = (row.map_or(0, |row| row.message_id), Some(id));
                    (place, settle_in(tx, entry, (How::Mended, ""), now).await?)
                }
            };
            if !is_first {
                return Ok(false);
            }
            append(tx, place, written, now).await?;
            Ok(true)
        })
    });
    done.await
}

/// Settles a message of which everything is registered; `false` when somebody was first.
pub(crate) async fn all_registered(
    record: &Database,
    actor: &Actor,
    message: i64,
    now: WallMs,
) -> Result<bool, TxError> {
    let entry = Entry::Message(message);
    let written = record.run_tx("laboratory.all_registered", actor, move |tx| {
        Box::pin(async move { settle_in(tx, entry, (How::Mended, ""), now).await })
    });
    written.await
}

/// What comes to whoever follows: a result, or the number of one that cannot be read any more.
pub(crate) type Next = Result<Reported, i64>;

/// Results without a fault behind the newest that was passed on, at most [`RESULTS_MAX`], in the
/// order in which they came.
pub(crate) async fn to_pass_on(record: &Database, actor: &Actor) -> Result<Vec<Next>, TxError> {
    let read = record.read_tx("laboratory.to_pass_on", actor, |tx| {
        Box::pin(async move {
            let newest = passed::Entity::find().order_by_desc(passed::Column::ResultId);
            let after = newest.one(tx).await?.map_or(0, |row| row.result_id);
            let rows = result::Entity::find()
                .filter(result::Column::Id.gt(after))
                .filter(result::Column::Faults.eq(""))
                .order_by_asc(result::Column::Id)
                .limit(RESULTS_MAX);
            let rows = rows.all(tx).await?.into_iter();
            // One that is damaged, or that a narrower vocabulary does not read, stops no other.
            Ok(rows
                .map(|row| {
                    let number = row.id;
                    reported(row).ok_or(number)
                })
                .collect())
        })
    });
    read.await
}

/// Whether somebody was said to be positive in the same chain, before this result.
pub(crate) async fn was_positive(
    record: &Database,
    actor: &Actor,
    reported: &Reported,
) -> Result<bool, TxError> {
    let read = record.read_tx("laboratory.was_positive", actor, move |tx| {
        Box::pin(async move {
            let chain = chain_of(tx, &reported.written).await?;
            let is_positive = |(row, written): &(result::Model, Written)| {
                let outcome = Outcome::of(&[&written.outcome]);
                row.id < reported.number && outcome == Some(Outcome::Positive)
            };
            Ok(chain.iter().any(is_positive))
        })
    });
    read.await
}

/// What was said last of somebody positive in the same chain, before a result.
pub(crate) async fn positive_before(
    tx: &Tx<'_>,
    row: &result::Model,
    written: &Written,
) -> Result<Option<Written>, TxError> {
    let mut chain = chain_of(tx, written).await?.into_iter();
    let found = chain.find(|(before, written)| {
        before.id < row.id && Outcome::of(&[&written.outcome]) == Some(Outcome::Positive)
    });
    Ok(found.map(|(_, written)| written))
}

/// Writes what became of a result that was passed on.
pub(crate) async fn pass(
    record: &Database,
    actor: &Actor,
    number: i64,
    became: &str,
    now: WallMs,
) -> Result<(), TxError> {
    let written = record.run_tx("laboratory.pass", actor, move |tx| {
        Box::pin(async move {
            if passed::Entity::find_by_id(number).one(tx).await?.is_none() {
                let row = passed::ActiveModel {
                    result_id: Set(number),
                    became: Set(became.to_owned()),
                    at_ms: Set(now.0),
                };
                passed::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await?;
            }
            Ok(())
        })
    });
    written.await
}

fn reported(row: result::Model) -> Option<Reported> {
    let written = body(&row).ok()?;
    let received = WallMs(row.received_ms);
    Some(Reported {
        number: row.id,
        report: written.read(received).ok()?,
        laboratory: row.laboratory,
        order: row.order_number,
        written,
        received,
    })
}

#[derive(Debug, thiserror::Error)]
#[error("laboratory result {0} is damaged: restore a backup")]
struct Damaged(i64);

/// A result as it was written.
pub(crate) fn body(row: &result::Model) -> Result<Written, TxError> {
    serde_json::from_str(&row.body).map_err(|_| TxError::refuse(Damaged(row.id)))
}

/// What is wrong with a result.
pub(crate) fn faults(row: &result::Model) -> Vec<Fault> {
    row.faults.split(' ').filter_map(Fault::from_code).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
