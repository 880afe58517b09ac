//! Erasing somebody: after the term of keeping, for a reason, by two people.
//!
//! ```text
//! asked (an administrator, why) ─▶ confirmed (another one) ─▶ done: one transaction, all tables
//!                                └▶ withdrawn      └▶ withdrawn, or lapsed
//! ```
//! A confirmation is written before anything is erased, and what is confirmed is carried out: at
//! once, or by [`finish`] when the program starts again. The erasure itself is one transaction, so
//! that a kill in its middle leaves everything or nothing of it. That transaction asks again
//! whether they may go: who was taken up again meanwhile is not erased, and the confirmation
//! lapses. Until it is done it can be withdrawn.
//!
//! **The term.** Data of care are kept while somebody may have to answer for it: without another
//! word ten years after the last line of the diary, the ordinary limitation (art. 2946 of the
//! civil code). Who keeps the data decides on a longer one; the clinical record of a hospital is
//! kept without limit by its own rules, outside Veglia. What public health needs is not erased
//! before its day ([`Retention::kept_until`]; GDPR 17(3)(c)). Only who is discharged or dead, with
//! nothing open and no device, can be erased.
//!
//! **Copies.** A copy of the record made before still has the key: `docs/backup.md`. The list of
//! [`erased`] numbers is kept beside the copies and applied again after one is restored.

use askama::Template;
use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::Deserialize;
use veglia_diary::{Concern, concern_in};
use veglia_people::{TIME_ZONE, patients, staff};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Access, Actor, Database, Tx, TxError};
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use crate::hiding::PrivacyError;
use crate::rows::{erasure, erasure_step};
use crate::{Desk, person_of, traces};

/// What stands in the access log of whoever asks that somebody be erased, or confirms it.
const PURPOSE: &str = "patient.erasure";

/// Longest reason, in characters.
const WHY_CHARS_MAX: usize = 500;

/// Erasures shown at once.
const SHOWN_MAX: u64 = 500;

/// How long data are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Years after the last line of a diary.
    pub years: u16,
    /// Nothing is erased before this day: public health needs it.
    pub kept_until: Option<Date>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            years: 10,
            kept_until: None,
        }
    }
}

impl Retention {
    /// Whether what was last written on at `last` may go at `now`.
    fn is_over(self, last: WallMs, now: WallMs) -> bool {
        let day = |at: WallMs| {
            let zone = TimeZone::get(TIME_ZONE).ok()?;
            Some(
                Timestamp::from_millisecond(at.0)
                    .ok()?
                    .to_zoned(zone)
                    .date(),
            )
        };
        let term = Span::new().years(i64::from(self.years));
        let ends = day(last).and_then(|day| day.checked_add(term).ok());
        ends.zip(day(now)).is_some_and(|(ends, today)| {
            today > ends && self.kept_until.is_none_or(|until| today > until)
        })
    }
}

/// What an administrator asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ErasureForm {
    /// `ask`, `confirm` or `withdraw`.
    act: String,
    patient: String,
    why: String,
    /// Which request.
    id: String,
}

/// What became of it.
pub enum ErasureOutcome {
    /// It is written.
    Done,
    /// It is not: the page, which says why.
    Refused(Box<ErasuresPage>),
}

/// Every request and what became of it, to be framed by a door.
#[derive(Template)]
#[template(path = "erasures.html")]
pub struct ErasuresPage {
    w: Words,
    refused: Option<Key>,
    patient: String,
    why: String,
    retention: Retention,
    asked: Vec<Request>,
}

struct Request {
    id: i64,
    patient: String,
    why: String,
    at: String,
    by: String,
    stands: Key,
    /// When, and by whom, for the last step.
    last: Option<(String, String)>,
    is_waiting: bool,
    may_withdraw: bool,
    is_own: bool,
}

/// What whoever cared for somebody reads in place of their page.
#[derive(Template)]
#[template(path = "erased.html")]
pub struct ErasedPage {
    w: Words,
    at: String,
}

impl ErasedPage {
    /// The page of somebody who was erased at a moment.
    #[must_use]
    pub fn new(language: veglia_words::Language, at: WallMs) -> Self {
        Self {
            w: crate::WORDS.speaking(language),
            at: language.day(at),
        }
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w
            .with("erased-title", "at", self.at.as_str())
            .to_string()
    }
}

impl ErasuresPage {
    /// The page.
    ///
    /// # Errors
    /// See [`PrivacyError`].
    pub async fn load(desk: Desk<'_>, retention: Retention) -> Result<Self, PrivacyError> {
        Self::saying(desk, retention, None, &ErasureForm::default()).await
    }

    async fn saying(
        desk: Desk<'_>,
        retention: Retention,
        refused: Option<Key>,
        form: &ErasureForm,
    ) -> Result<Self, PrivacyError> {
        let (record, actor) = (desk.record, desk.who.actor());
        let read = record.read_tx("privacy.erasures", &actor, |tx| {
            Box::pin(async move {
                let rows = erasure::Entity::find().order_by_desc(erasure::Column::Id);
                let rows = rows.limit(SHOWN_MAX).all(tx).await?;
                let steps = erasure_step::Entity::find()
                    .filter(erasure_step::Column::ErasureId.is_in(rows.iter().map(|row| row.id)));
                Ok((rows, steps.all(tx).await?))
            })
        });
        let (rows, steps) = read.await.map_err(PrivacyError::Store)?;
        let names = staff::signatures(record, &actor).await;
        let names = names.map_err(PrivacyError::Store)?;
        let named = |by: &String| names.get(by).unwrap_or(by).clone();
        let own = actor.to_string();
        let request = |row: erasure::Model| {
            let step = |what: Step| {
                let mut of = steps.iter().filter(|it| it.erasure_id == row.id);
                of.find(|it| it.what == what.name())
            };
            let last = LAST_FIRST
                .into_iter()
                .find_map(|what| Some((what, step(what)?)));
            Request {
                id: row.id,
                stands: match last {
                    Some((Step::Done, _)) => Key("erasure-done"),
                    Some((Step::Lapsed, _)) => Key("erasure-lapsed"),
                    Some((Step::Confirmed, _)) => Key("erasure-confirmed"),
                    Some((Step::Withdrawn, _)) => Key("erasure-withdrawn"),
                    None => Key("erasure-waits"),
                },
                is_waiting: last.is_none(),
                may_withdraw: matches!(last, None | Some((Step::Confirmed, _))),
                last: last
                    .map(|(_, it)| (desk.language.moment(WallMs(it.at_ms)), named(&it.actor))),
                at: desk.language.moment(WallMs(row.at_ms)),
                by: named(&row.actor),
                is_own: row.actor == own,
                patient: row.patient,
                why: row.why,
            }
        };
        Ok(Self {
            w: desk.words(),
            refused,
            patient: form.patient.clone(),
            why: form.why.clone(),
            retention,
            asked: rows.into_iter().map(request).collect(),
        })
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("erasure-title").into_owned()
    }

    fn kept_until(&self) -> Option<String> {
        self.retention
            .kept_until
            .map(|day| self.w.language.date(day))
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Confirmed,
    Withdrawn,
    /// Confirmed, and somebody's concern again before it was carried out.
    Lapsed,
    Done,
}

/// The steps of a request, that which comes last before the others.
const LAST_FIRST: [Step; 4] = [Step::Done, Step::Lapsed, Step::Withdrawn, Step::Confirmed];

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Done => "done",
        }
    }
}

/// Carries out what an administrator asks for.
///
/// # Errors
/// See [`PrivacyError`]; what was confirmed before stays so and is carried out later.
pub async fn erasing(
    desk: Desk<'_>,
    retention: Retention,
    form: &ErasureForm,
) -> Result<ErasureOutcome, PrivacyError> {
    let judged = match form.act.as_str() {
        "ask" => ask(desk, retention, form).await?,
        "confirm" => confirm(desk, retention, form).await?,
        "withdraw" => withdraw(desk, form).await?,
        _ => Err(Key("erasure-form")),
    };
    if let Err(refused) = judged {
        let page = ErasuresPage::saying(desk, retention, Some(refused), form).await?;
        return Ok(ErasureOutcome::Refused(Box::new(page)));
    }
    let finished = finish(desk.record, &desk.who.actor(), retention, desk.now).await;
    finished.map_err(PrivacyError::Store)?;
    Ok(ErasureOutcome::Done)
}

async fn ask(
    desk: Desk<'_>,
    retention: Retention,
    form: &ErasureForm,
) -> Result<Result<(), Key>, PrivacyError> {
    let why = form.why.trim();
    let Ok(patient) = form.patient.trim().parse::<PatientId>() else {
        return Ok(Err(Key("erasure-unknown")));
    };
    if why.is_empty() || why.chars().count() > WHY_CHARS_MAX || why.contains(char::is_control) {
        return Ok(Err(Key("erasure-reason")));
    }
    if !is_on_file(desk, patient).await? {
        return Ok(Err(Key("erasure-unknown")));
    }
    let now = desk.now;
    let actor = desk.who.actor();
    let written = desk.record.run_tx("privacy.ask", &actor, move |tx| {
        Box::pin(async move {
            if let Err(refused) = may_go(tx, retention, patient, now).await? {
                return Ok(Err(refused));
            }
            log(tx, patient, now).await?;
            request(tx, patient, why, now).await?;
            Ok(Ok(()))
        })
    });
    written.await.map_err(PrivacyError::Store)
}

async fn log(tx: &Tx<'_>, patient: PatientId, now: WallMs) -> Result<(), TxError> {
    let subject = patient.to_string();
    tx.log_access(Access {
        at_ms: now.0,
        purpose: PURPOSE,
        subject: &subject,
    })
    .await
}

async fn request(tx: &Tx<'_>, patient: PatientId, why: &str, now: WallMs) -> Result<i64, TxError> {
    let row = erasure::ActiveModel {
        id: NotSet,
        patient: Set(patient.to_string()),
        why: Set(why.to_owned()),
        at_ms: Set(now.0),
        actor: Set(tx.actor().to_string()),
    };
    let inserted = erasure::Entity::insert(row).exec(tx).await?;
    Ok(inserted.last_insert_id)
}

/// Whether somebody is on file, and not erased yet.
async fn is_on_file(desk: Desk<'_>, patient: PatientId) -> Result<bool, PrivacyError> {
    let Some(person) = person_of(patient) else {
        return Ok(false);
    };
    let on_file = patients::get(desk.record, &desk.who.actor(), person).await;
    Ok(on_file.map_err(PrivacyError::People)?.is_some())
}

/// Whether a request about somebody was carried out.
async fn is_erased(tx: &Tx<'_>, patient: PatientId) -> Result<bool, TxError> {
    let named = erasure::Column::Patient.eq(patient.to_string());
    let known = erasure::Entity::find().filter(named).all(tx).await?;
    let done = erasure_step::Entity::find()
        .filter(erasure_step::Column::ErasureId.is_in(known.iter().map(|row| row.id)))
        .filter(erasure_step::Column::What.eq(Step::Done.name()));
    Ok(done.one(tx).await?.is_some())
}

/// Whether somebody may be erased: not yet, past the term, and nobody's concern any more.
async fn may_go(
    tx: &Tx<'_>,
    retention: Retention,
    patient: PatientId,
    now: WallMs,
) -> Result<Result<(), Key>, TxError> {
    if is_erased(tx, patient).await? {
        return Ok(Err(Key("erasure-unknown")));
    }
    Ok(match concern_in(tx, patient).await? {
        Concern::Open => Err(Key("erasure-open")),
        Concern::Followed => Err(Key("erasure-followed")),
        Concern::Past { last } if retention.is_over(last.unwrap_or(now), now) => Ok(()),
        Concern::Past { .. } => Err(Key("erasure-term")),
    })
}

/// What another administrator says to a request that waits.
async fn confirm(
    desk: Desk<'_>,
    retention: Retention,
    form: &ErasureForm,
) -> Result<Result<(), Key>, PrivacyError> {
    let Ok(id) = form.id.parse::<i64>() else {
        return Ok(Err(Key("erasure-form")));
    };
    let now = desk.now;
    let actor = desk.who.actor();
    let written = desk.record.run_tx("privacy.confirm", &actor, move |tx| {
        Box::pin(async move {
            let Some((row, None)) = standing_of(tx, id).await? else {
                return Ok(Err(Key("erasure-form")));
            };
            if row.actor == tx.actor().to_string() {
                return Ok(Err(Key("erasure-own")));
            }
            let Ok(patient) = row.patient.parse::<PatientId>() else {
                return Ok(Err(Key("erasure-unknown")));
            };
            if let Err(refused) = may_go(tx, retention, patient, now).await? {
                return Ok(Err(refused));
            }
            log(tx, patient, now).await?;
            step(tx, id, Step::Confirmed, now).await?;
            Ok(Ok(()))
        })
    });
    written.await.map_err(PrivacyError::Store)
}

/// Withdraws what is not done yet, confirmed or not.
async fn withdraw(desk: Desk<'_>, form: &ErasureForm) -> Result<Result<(), Key>, PrivacyError> {
    let Ok(id) = form.id.parse::<i64>() else {
        return Ok(Err(Key("erasure-form")));
    };
    let now = desk.now;
    let actor = desk.who.actor();
    let written = desk.record.run_tx("privacy.withdraw", &actor, move |tx| {
        Box::pin(async move {
            let Some((_, None | Some(Step::Confirmed))) = standing_of(tx, id).await? else {
                return Ok(Err(Key("erasure-form")));
            };
            step(tx, id, Step::Withdrawn, now).await?;
            Ok(Ok(()))
        })
    });
    written.await.map_err(PrivacyError::Store)
}

/// A request, and what has become of it so far; read in the transaction that goes on with it, so
/// that of two who answer at once the later one is told.
async fn standing_of(
    tx: &Tx<'_>,
    id: i64,
) -> Result<Option<(erasure::Model, Option<Step>)>, TxError> {
    let Some(row) = erasure::Entity::find_by_id(id).one(tx).await? else {
        return Ok(None);
    };
    let of = erasure_step::Column::ErasureId.eq(id);
    let steps = erasure_step::Entity::find().filter(of).all(tx).await?;
    let last = LAST_FIRST
        .into_iter()
        .find(|what| steps.iter().any(|it| it.what == what.name()));
    Ok(Some((row, last)))
}

async fn step(tx: &Tx<'_>, id: i64, what: Step, now: WallMs) -> Result<(), TxError> {
    let row = erasure_step::Model {
        erasure_id: id,
        what: what.name().to_owned(),
        at_ms: now.0,
        actor: tx.actor().to_string(),
    };
    let key = [erasure_step::Column::ErasureId, erasure_step::Column::What];
    let known = OnConflict::columns(key).do_nothing().to_owned();
    erasure_step::Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Carries out what is confirmed and neither done nor withdrawn, each in a transaction of its own,
/// which looks again whether they may go; if not, the confirmation lapses. Returns how many went.
///
/// # Errors
/// What the database reports; what was not reached stays confirmed.
pub async fn finish(
    record: &Database,
    actor: &Actor,
    retention: Retention,
    now: WallMs,
) -> Result<usize, TxError> {
    let read = record.read_tx("privacy.confirmed", actor, |tx| {
        Box::pin(async move {
            let steps = erasure_step::Entity::find().all(tx).await?;
            let (confirmed, over): (Vec<_>, Vec<_>) = steps
                .into_iter()
                .partition(|it| it.what == Step::Confirmed.name());
            let is_over = |id: i64| over.iter().any(|it| it.erasure_id == id);
            let ids = confirmed.into_iter().map(|it| it.erasure_id);
            Ok(ids.filter(|id| !is_over(*id)).collect::<Vec<i64>>())
        })
    });
    let mut gone = 0;
    for id in read.await? {
        let done = record.run_tx("privacy.erase", actor, move |tx| {
            Box::pin(async move { carry_out(tx, retention, id, now).await })
        });
        gone += usize::from(done.await?);
    }
    Ok(gone)
}

/// Erases somebody as a confirmed request asks. Whether they went.
async fn carry_out(
    tx: &Tx<'_>,
    retention: Retention,
    id: i64,
    now: WallMs,
) -> Result<bool, TxError> {
    let Some((row, Some(Step::Confirmed))) = standing_of(tx, id).await? else {
        return Ok(false);
    };
    if let Ok(patient) = row.patient.parse::<PatientId>()
        && let Some(person) = person_of(patient)
    {
        if may_go(tx, retention, patient, now).await?.is_err() {
            step(tx, id, Step::Lapsed, now).await?;
            return Ok(false);
        }
        traces::erase(tx, patient, person, now).await?;
    }
    step(tx, id, Step::Done, now).await?;
    Ok(true)
}

/// Erases somebody anew in a record that was restored from a copy: their number stands on the list
/// of those who were erased after the copy was made.
///
/// # Errors
/// What the database reports; nothing was erased then.
pub async fn erase_again(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
    now: WallMs,
) -> Result<(), TxError> {
    let Some(person) = person_of(patient) else {
        return Ok(());
    };
    let done = record.run_tx("privacy.erase_again", actor, move |tx| {
        Box::pin(async move {
            if is_erased(tx, patient).await? {
                return Ok(());
            }
            log(tx, patient, now).await?;
            let id = request(tx, patient, "restored from a copy", now).await?;
            traces::erase(tx, patient, person, now).await?;
            step(tx, id, Step::Done, now).await
        })
    });
    done.await
}

/// The numbers of everybody who was erased, and when: what is to be kept beside copies.
///
/// # Errors
/// What the database reports.
pub async fn erased(record: &Database, actor: &Actor) -> Result<Vec<(String, WallMs)>, TxError> {
    record
        .read_tx("privacy.erased", actor, |tx| {
            Box::pin(async move {
                let done = erasure_step::Column::What.eq(Step::Done.name());
                let steps = erasure_step::Entity::find()
                    .filter(done)
                    .order_by_asc(erasure_step::Column::ErasureId);
                let mut all = Vec::new();
                for step in steps.all(tx).await? {
                    let row = erasure::Entity::find_by_id(step.erasure_id).one(tx).await?;
                    all.extend(row.map(|row| (row.patient, WallMs(step.at_ms))));
                }
                Ok(all)
            })
        })
        .await
}

#[cfg(test)]
mod tests;
