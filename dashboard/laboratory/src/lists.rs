//! What waits for a person, and how long laboratories take.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::{Query, SelectStatement};
use veglia_store::sea_orm::{Condition, QueryOrder, QuerySelect};
use veglia_store::{Access, Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::book::{self, Entry};
use crate::follow::{CANCELLED, REFUSED, TAKEN_BACK};
use crate::mllp::MESSAGE_BYTES_MAX;
use crate::rows::{message, passed, result, settled};
use crate::written::{Fault, Written};

/// Entries on the page, the oldest: who mends these sees the next.
pub(crate) const LISTED_MAX: u64 = 100;

/// Results that are measured: half a year of a large centre's fortnight would not be more.
const MEASURED_MAX: u64 = 50_000;

/// Characters of the message of a result that are shown; the rest is in the record.
const SHOWN_CHARS_MAX: usize = 20_000;

/// Why an entry waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// A message of which nothing could be read; the word stored.
    Unreadable(String),
    /// What is wrong with a result.
    Faults(Vec<Fault>),
    /// A positive result that the laboratory has withdrawn.
    Cancelled,
    /// A positive result that the laboratory has corrected: to another finding, or person.
    TakenBack,
    /// A result that the cases do not take.
    Refused,
}

/// An entry that waits for a person.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) entry: Entry,
    pub(crate) laboratory: String,
    pub(crate) order: String,
    pub(crate) received: WallMs,
    pub(crate) why: Why,
}

/// An entry as it is opened to be mended.
pub(crate) struct Opened {
    pub(crate) waiting: Waiting,
    /// What is known of it.
    pub(crate) written: Written,
    /// The message it came in, as text.
    pub(crate) message: String,
    /// Who was positive, of a result that takes this back.
    pub(crate) before: Option<Written>,
    /// Of a message that could not be read.
    pub(crate) inside: Option<Inside>,
}

/// How much there is in a message that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inside {
    /// People, by their segments (PID).
    pub(crate) people: usize,
    /// Results that somebody has registered from it.
    pub(crate) registered: u64,
}

/// How long a laboratory takes from swab to result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turnaround {
    pub(crate) laboratory: String,
    /// Results with both times.
    pub(crate) measured: usize,
    /// Results without one of them.
    pub(crate) unmeasured: usize,
    pub(crate) median_ms: i64,
    /// Nine of ten took no longer.
    pub(crate) tenth_ms: i64,
}

fn settled(kind: &'static str) -> SelectStatement {
    let mut of_kind = Query::select();
    of_kind
        .column(settled::Column::EntryId)
        .from(settled::Entity)
        .and_where(settled::Column::Kind.eq(kind));
    of_kind
}

fn left() -> SelectStatement {
    let mut left = Query::select();
    left.column(passed::Column::ResultId)
        .from(passed::Entity)
        .and_where(passed::Column::Became.is_in([CANCELLED, REFUSED, TAKEN_BACK]));
    left
}

/// What waits for a person, the oldest first, and how many there are.
pub(crate) async fn waiting(
    record: &Database,
    actor: &Actor,
) -> Result<(Vec<Waiting>, u64), TxError> {
    let read = record.read_tx("laboratory.waiting", actor, |tx| {
        Box::pin(async move {
            let messages = || {
                message::Entity::find()
                    .filter(message::Column::Unreadable.ne(""))
                    .filter(message::Column::Id.not_in_subquery(settled("message")))
            };
            let results = || {
                let is_left = Condition::any()
                    .add(result::Column::Faults.ne(""))
                    .add(result::Column::Id.in_subquery(left()));
                result::Entity::find()
                    .filter(is_left)
                    .filter(result::Column::Id.not_in_subquery(settled("result")))
            };
            let all = messages().count(tx).await? + results().count(tx).await?;
            let some = messages()
                .order_by_asc(message::Column::Id)
                .limit(LISTED_MAX);
            let some = some.all(tx).await?;
            let mut waiting: Vec<Waiting> = some.iter().map(of_message).collect();
            let some = results().order_by_asc(result::Column::Id).limit(LISTED_MAX);
            for row in some.all(tx).await? {
                let passed = passed::Entity::find_by_id(row.id).one(tx).await?;
                waiting.push(of_result(&row, passed.as_ref()));
            }
            waiting.sort_by_key(|it| it.received);
            waiting.truncate(usize::try_from(LISTED_MAX).unwrap_or(usize::MAX));
            Ok((waiting, all))
        })
    });
    read.await
}

fn of_message(row: &message::Model) -> Waiting {
    Waiting {
        entry: Entry::Message(row.id),
        laboratory: row.laboratory.clone(),
        order: row.control.clone(),
        received: WallMs(row.received_ms),
        why: Why::Unreadable(row.unreadable.clone()),
    }
}

fn of_result(row: &result::Model, passed: Option<&passed::Model>) -> Waiting {
    Waiting {
        entry: Entry::Result(row.id),
        laboratory: row.laboratory.clone(),
        order: row.order_number.clone(),
        received: WallMs(row.received_ms),
        why: match passed.map(|it| it.became.as_str()) {
            Some(CANCELLED) => Why::Cancelled,
            Some(TAKEN_BACK) => Why::TakenBack,
            Some(REFUSED) => Why::Refused,
            _ => Why::Faults(book::faults(row)),
        },
    }
}

/// An entry that waits, opened by somebody: that is in the access log before it is read.
pub(crate) async fn open(
    record: &Database,
    actor: &Actor,
    entry: Entry,
    now: WallMs,
) -> Result<Option<Opened>, TxError> {
    let opened = record.run_tx("laboratory.open", actor, move |tx| {
        Box::pin(async move {
            if book::is_settled(tx, entry).await? {
                return Ok(None);
            }
            let subject = match entry {
                Entry::Message(id) => format!("laboratory-message-{id}"),
                Entry::Result(id) => format!("laboratory-result-{id}"),
            };
            let access = Access {
                at_ms: now.0,
                purpose: "laboratory.open",
                subject: &subject,
            };
            tx.log_access(access).await?;
            let (mut before, mut registered) = (None, None);
            let (waiting, written, of) = match entry {
                Entry::Message(id) => {
                    let row = message::Entity::find_by_id(id).one(tx).await?;
                    let Some(row) = row.filter(|row| !row.unreadable.is_empty()) else {
                        return Ok(None);
                    };
                    let written = Written {
                        laboratory: row.laboratory.clone(),
                        ..Written::default()
                    };
                    let of_it = result::Entity::find().filter(result::Column::MessageId.eq(id));
                    registered = Some(of_it.count(tx).await?);
                    (of_message(&row), written, id)
                }
                Entry::Result(id) => {
                    let Some(row) = result::Entity::find_by_id(id).one(tx).await? else {
                        return Ok(None);
                    };
                    let passed = passed::Entity::find_by_id(id).one(tx).await?;
                    let waiting = of_result(&row, passed.as_ref());
                    if waiting.why == Why::Faults(Vec::new()) {
                        return Ok(None);
                    }
                    let written = match waiting.why {
                        // Perhaps just because it is not read any more; the message is beside it.
                        Why::Refused => book::body(&row).unwrap_or_default(),
                        _ => book::body(&row)?,
                    };
                    if matches!(waiting.why, Why::Cancelled | Why::TakenBack) {
                        before = book::positive_before(tx, &row, &written).await?;
                    }
                    (waiting, written, row.message_id)
                }
            };
            let message = message::Entity::find_by_id(of).one(tx).await?;
            let text = message.map(|row| text_of(&row.body)).unwrap_or_default();
            let people = text.lines().filter(|line| line.starts_with("PID")).count();
            // Whoever registers what is in it by hand needs all of it.
            let most = match entry {
                Entry::Message(_) => MESSAGE_BYTES_MAX,
                Entry::Result(_) => SHOWN_CHARS_MAX,
            };
            Ok(Some(Opened {
                waiting,
                written,
                message: text.chars().take(most).collect(),
                before,
                inside: registered.map(|registered| Inside { people, registered }),
            }))
        })
    });
    opened.await
}

/// The bytes of a message as a person reads them, one segment a line.
fn text_of(body: &str) -> String {
    let bytes = STANDARD.decode(body).unwrap_or_default();
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(other) => other.into_bytes().into_iter().map(char::from).collect(),
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_shown = |it: &char| *it == '\n' || !it.is_control();
    text.chars().filter(is_shown).collect()
}

/// How long each laboratory took from swab to final result, of what came since a moment.
pub(crate) async fn turnaround(
    record: &Database,
    actor: &Actor,
    since: WallMs,
) -> Result<Vec<Turnaround>, TxError> {
    let read = record.read_tx("laboratory.turnaround", actor, move |tx| {
        Box::pin(async move {
            let rows = result::Entity::find()
                .select_only()
                .column(result::Column::Laboratory)
                .column(result::Column::TakenMs)
                .column(result::Column::ReportedMs)
                .filter(result::Column::Faults.eq(""))
                .filter(result::Column::Status.eq(crate::outcome::Status::Final.code()))
                .filter(result::Column::ReceivedMs.gte(since.0))
                .order_by_desc(result::Column::Id)
                .limit(MEASURED_MAX)
                .into_tuple::<(String, Option<i64>, Option<i64>)>();
            Ok(rows.all(tx).await?)
        })
    });
    let mut by_laboratory: BTreeMap<String, (Vec<i64>, usize)> = BTreeMap::new();
    for (laboratory, taken, reported) in read.await? {
        let (times, unmeasured) = by_laboratory.entry(laboratory).or_default();
        let time = taken
            .zip(reported)
            .map(|(taken, reported)| reported - taken);
        match time.filter(|time| *time >= 0) {
            Some(time) => times.push(time),
            None => *unmeasured += 1,
        }
    }
    let all = by_laboratory.into_iter();
    Ok(all
        .map(|(laboratory, (times, unmeasured))| measure(laboratory, times, unmeasured))
        .collect())
}

fn measure(laboratory: String, mut times: Vec<i64>, unmeasured: usize) -> Turnaround {
    times.sort_unstable();
    // The nearest rank: a time that a swab really took.
    let rank = |of_hundred: usize| (times.len() * of_hundred).div_ceil(100).saturating_sub(1);
    let at = |of_hundred| times.get(rank(of_hundred)).copied().unwrap_or_default();
    Turnaround {
        laboratory,
        measured: times.len(),
        unmeasured,
        median_ms: at(50),
        tenth_ms: at(90),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // req: A15
    #[test]
    fn half_and_nine_tenths_are_times_that_swabs_took() {
        let of = |times: Vec<i64>| {
            let it = measure(String::new(), times, 0);
            (it.measured, it.median_ms, it.tenth_ms)
        };
        assert_eq!(of(vec![]), (0, 0, 0));
        assert_eq!(of(vec![7]), (1, 7, 7));
        assert_eq!(of((1..=10).rev().collect()), (10, 5, 9));
        assert_eq!(of((1..=100).collect()), (100, 50, 90));
    }
}
