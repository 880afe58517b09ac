//! Who telephoned whom, what came of it, and who is telephoning at this moment.
//!
//! An attempt is a row that is never altered. A patient is *claimed* by whoever is about to call
//! them, for [`CLAIM_MS`]: of two who claim at once one is told who was first. A claim ends by
//! itself, with what came of the call, or when its holder lets go.

use std::collections::HashMap;

use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_view::PatientId;
use veglia_wire::WallMs;

use crate::rows::{attempt, claim};
use crate::said::CallId;

/// How long a claim lasts: a long call. Whoever goes home in the middle of one keeps nobody longer
/// from being called.
pub(crate) const CLAIM_MS: i64 = 15 * 60_000;

/// How far back attempts are looked at: longer than any flag that nobody could be reached about.
const LOOK_BACK_MS: i64 = 48 * 3_600_000;

/// Who was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    Patient,
    /// Whoever the clinical sheet names to be called, the first from 0.
    Contact(usize),
    KeyHolder,
    Emergency,
}

impl Whom {
    /// As stored and in forms.
    pub(crate) fn code(self) -> String {
        match self {
            Self::Patient => "patient".to_owned(),
            Self::Contact(place) => format!("contact-{place}"),
            Self::KeyHolder => "key-holder".to_owned(),
            Self::Emergency => "112".to_owned(),
        }
    }

    /// Reads what [`Self::code`] wrote.
    pub(crate) fn read(code: &str) -> Option<Self> {
        match code {
            "patient" => Some(Self::Patient),
            "key-holder" => Some(Self::KeyHolder),
            "112" => Some(Self::Emergency),
            _ => {
                let place = code.strip_prefix("contact-")?;
                Some(Self::Contact(place.parse().ok()?))
            }
        }
    }

    /// As the diary has it.
    pub(crate) fn in_diary(self) -> veglia_diary::Whom {
        match self {
            Self::Patient => veglia_diary::Whom::Patient,
            Self::Contact(_) => veglia_diary::Whom::Contact,
            Self::KeyHolder => veglia_diary::Whom::KeyHolder,
            Self::Emergency => veglia_diary::Whom::Emergency,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Came {
    /// Somebody answered.
    Answered,
    /// Nobody did.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// To be called again at a time that was agreed.
    Later(WallMs),
}

impl Came {
    fn code(self) -> (&'static str, Option<i64>) {
        match self {
            Self::Answered => ("answered", None),
            Self::NoAnswer => ("no-answer", None),
            Self::Busy => ("busy", None),
            Self::Later(at) => ("later", Some(at.0)),
        }
    }

    fn read(code: &str, again_ms: Option<i64>) -> Option<Self> {
        match (code, again_ms) {
            ("answered", _) => Some(Self::Answered),
            ("no-answer", _) => Some(Self::NoAnswer),
            ("busy", _) => Some(Self::Busy),
            ("later", Some(at)) => Some(Self::Later(WallMs(at))),
            _ => None,
        }
    }
}

/// Somebody was telephoned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) at: WallMs,
    /// Who telephoned: `staff:3`.
    pub(crate) by: String,
    pub(crate) whom: Whom,
    pub(crate) came: Came,
}

/// Who is telephoning a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) by: String,
    pub(crate) since: WallMs,
    pub(crate) until: WallMs,
}

/// Writes what came of a call, and ends the claim of whoever called. Under the name of a form it is
/// written once.
pub(crate) async fn write(
    tx: &Tx<'_>,
    patient: PatientId,
    (whom, came): (Whom, Came),
    at: WallMs,
    form: Option<&CallId>,
) -> Result<(), TxError> {
    if !is_known(tx, form).await? {
        let (outcome, again_ms) = came.code();
        let row = attempt::ActiveModel {
            id: NotSet,
            at_ms: Set(at.0),
            again_ms: Set(again_ms),
            patient: Set(patient.to_string()),
            actor: Set(tx.actor().to_string()),
            whom: Set(whom.code()),
            outcome: Set(outcome.to_owned()),
            words: Set(String::new()),
            form: Set(form.map(CallId::to_string)),
        };
        attempt::Entity::insert(row)
            .exec_without_returning(tx)
            .await?;
    }
    let is_mine = |it: &Claim| it.by == tx.actor().to_string();
    if claimed(tx, patient, at)
        .await?
        .is_some_and(|it| is_mine(&it))
    {
        hold(tx, patient, at, at).await?;
    }
    Ok(())
}

async fn is_known(tx: &Tx<'_>, form: Option<&CallId>) -> Result<bool, TxError> {
    let Some(form) = form else {
        return Ok(false);
    };
    let known = attempt::Entity::find().filter(attempt::Column::Form.eq(form.as_str()));
    Ok(known.one(tx).await?.is_some())
}

/// The same in a transaction of its own.
pub(crate) async fn record_attempt(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    what: (Whom, Came),
    at: WallMs,
    form: Option<&CallId>,
) -> Result<(), TxError> {
    let written = record.run_tx("intake.attempt", actor, move |tx| {
        Box::pin(async move { write(tx, patient, what, at, form).await })
    });
    written.await
}

/// Claims a patient for whoever acts, or says who has them. Claiming again prolongs.
pub(crate) async fn claim(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<Result<(), Claim>, TxError> {
    let written = record.run_tx("intake.claim", actor, move |tx| {
        Box::pin(async move {
            let known = claimed(tx, patient, now).await?;
            if let Some(other) = known.filter(|it| it.by != tx.actor().to_string()) {
                return Ok(Err(other));
            }
            hold(tx, patient, now, now.plus_ms(CLAIM_MS)).await?;
            Ok(Ok(()))
        })
    });
    written.await
}

/// Lets go of a patient; nothing happens when somebody else has them.
pub(crate) async fn release(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<(), TxError> {
    let written = record.run_tx("intake.release", actor, move |tx| {
        Box::pin(async move {
            let known = claimed(tx, patient, now).await?;
            if known.is_some_and(|it| it.by == tx.actor().to_string()) {
                hold(tx, patient, now, now).await?;
            }
            Ok(())
        })
    });
    written.await
}

async fn hold(tx: &Tx<'_>, patient: PatientId, from: WallMs, until: WallMs) -> Result<(), TxError> {
    let row = claim::ActiveModel {
        id: NotSet,
        at_ms: Set(from.0),
        until_ms: Set(until.0),
        patient: Set(patient.to_string()),
        actor: Set(tx.actor().to_string()),
    };
    claim::Entity::insert(row)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

async fn claimed(tx: &Tx<'_>, patient: PatientId, now: WallMs) -> Result<Option<Claim>, TxError> {
    let newest = claim::Entity::find()
        .filter(claim::Column::Patient.eq(patient.to_string()))
        .order_by_desc(claim::Column::Id);
    let newest = newest.one(tx).await?;
    Ok(newest.map(read_claim).filter(|it| it.until > now))
}

fn read_claim(row: claim::Model) -> Claim {
    Claim {
        by: row.actor,
        since: WallMs(row.at_ms),
        until: WallMs(row.until_ms),
    }
}

/// What was tried of late and who is trying now, by patient.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// The first first.
    attempts: HashMap<PatientId, Vec<Attempt>>,
    claims: HashMap<PatientId, Claim>,
}

impl Book {
    pub(crate) async fn read(
        record: &Database,
        actor: &Actor,
        now: WallMs,
    ) -> Result<Self, TxError> {
        let from = now.plus_ms(-LOOK_BACK_MS);
        let read = record.read_tx("intake.book", actor, move |tx| {
            Box::pin(async move {
                let attempts = attempt::Entity::find()
                    .filter(attempt::Column::AtMs.gte(from.0))
                    .order_by_asc(attempt::Column::Id);
                let claims = claim::Entity::find()
                    .filter(claim::Column::AtMs.gte(now.plus_ms(-CLAIM_MS).0))
                    .order_by_asc(claim::Column::Id);
                Ok((attempts.all(tx).await?, claims.all(tx).await?))
            })
        });
        let (attempts, claims) = read.await?;
        let mut book = Self::default();
        for row in attempts {
            let Ok(patient) = row.patient.parse() else {
                continue;
            };
            let known = Whom::read(&row.whom).zip(Came::read(&row.outcome, row.again_ms));
            if let Some((whom, came)) = known {
                let of = book.attempts.entry(patient).or_default();
                of.push(Attempt {
                    at: WallMs(row.at_ms),
                    by: row.actor,
                    whom,
                    came,
                });
            }
        }
        for row in claims {
            if let Ok(patient) = row.patient.parse() {
                book.claims.insert(patient, read_claim(row));
            }
        }
        book.claims.retain(|_, claim| claim.until > now);
        Ok(book)
    }

    /// What was tried with a patient, the first first.
    pub(crate) fn of(&self, patient: PatientId) -> &[Attempt] {
        self.attempts.get(&patient).map_or(&[], Vec::as_slice)
    }

    /// Who is calling them.
    pub(crate) fn claim(&self, patient: PatientId) -> Option<&Claim> {
        self.claims.get(&patient)
    }

    /// Everybody of whom anything was tried.
    pub(crate) fn patients(&self) -> impl Iterator<Item = PatientId> {
        self.attempts.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    // req: B11

    use super::*;
    use crate::schema::SCHEMA;

    const ANNA: Actor = Actor::Staff(1);
    const BRUNO: Actor = Actor::Staff(2);
    const PATIENT: PatientId = PatientId::new(7);
    const NOW: WallMs = WallMs(1_605_964_320_000);

    async fn record(folder: &tempfile::TempDir) -> Database {
        veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await
    }

    #[tokio::test]
    async fn two_operators_never_call_the_same_patient_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let record = record(&folder).await;
        let (a, b) = tokio::join!(
            claim(&record, &ANNA, PATIENT, NOW),
            claim(&record, &BRUNO, PATIENT, NOW)
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(
            usize::from(a.is_ok()) + usize::from(b.is_ok()),
            1,
            "one of them is told"
        );
        let (first, second) = match a {
            Ok(()) => (ANNA, BRUNO),
            Err(_) => (BRUNO, ANNA),
        };
        let told = claim(&record, &second, PATIENT, NOW).await.unwrap();
        assert_eq!(told.unwrap_err().by, first.to_string(), "who was first");
        // It ends by itself.
        let later = NOW.plus_ms(CLAIM_MS);
        let claimed = claim(&record, &second, PATIENT, later).await.unwrap();
        assert!(claimed.is_ok());
    }

    #[tokio::test]
    async fn what_came_of_a_call_ends_the_claim_of_who_called() {
        let folder = tempfile::tempdir().unwrap();
        let record = record(&folder).await;
        claim(&record, &ANNA, PATIENT, NOW).await.unwrap().unwrap();
        let what = (Whom::Contact(1), Came::Later(NOW.plus_ms(60_000)));
        // Of somebody else's call it does not.
        for (who, holder) in [(&BRUNO, Some(ANNA.to_string())), (&ANNA, None)] {
            let now = NOW.plus_ms(1_000);
            let written = record_attempt(&record, who, PATIENT, what, now, None);
            written.await.unwrap();
            let book = Book::read(&record, &ANNA, now).await.unwrap();
            let claim = book.claim(PATIENT).map(|it| it.by.clone());
            assert_eq!(claim, holder);
        }
        let book = Book::read(&record, &ANNA, NOW).await.unwrap();
        let tried = book.of(PATIENT).iter().map(|it| (it.whom, it.came));
        assert_eq!(tried.collect::<Vec<_>>(), [what, what]);
    }

    #[tokio::test]
    async fn a_form_that_is_sent_again_is_one_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let record = record(&folder).await;
        let (one, other) = (CallId::random().unwrap(), CallId::random().unwrap());
        let what = (Whom::Patient, Came::NoAnswer);
        for form in [&one, &one, &other] {
            let written = record_attempt(&record, &ANNA, PATIENT, what, NOW, Some(form));
            written.await.unwrap();
        }
        let book = Book::read(&record, &ANNA, NOW).await.unwrap();
        assert_eq!(
            book.of(PATIENT).len(),
            2,
            "the second call is still to come"
        );
    }
}
