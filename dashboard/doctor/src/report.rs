//! A symptomatic patient whom their doctor reports (*segnalazione*): with it, the diagnostic swab
//! can be booked. Only a family doctor or a paediatrician reports; the centre sees the list.
//!
//! What was typed is never lost: a form with a fault comes back whole, with a sentence beside each
//! field. **Once**: the same form twice is one report, and so is the same Codice Fiscale within
//! [`AGAIN_DAYS`] days, whoever reports: the second doctor is told.
//!
//! **What became of it** is told to whoever reported, as far as it is theirs to know (`became.rs`);
//! who is on file is a link for whoever may open the page.
//!
//! Deliberately absent: names (the Codice Fiscale says who it is), schools (they have a way of
//! their own), and the booking.

mod became;
mod form;

use askama::Template;
use jiff::civil::Date;
use veglia_people::staff::{self, Role};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use self::became::became;
use self::form::{Draft, Faults, SYMPTOMS, WORDS_MAX, symptoms};
use crate::desk::{Desk, DoctorError, form_name, is_form_name};
use crate::digest::day;
use crate::rows::report::{ActiveModel, Column, Entity, Model};
use crate::say;

pub use self::form::ReportForm;

/// For so many days a second report of somebody is the same one.
pub const AGAIN_DAYS: i64 = 14;

/// Reports on the doctor's page.
const OWN_MAX: u64 = 20;

/// Reports on the centre's page: those of some days.
const LISTED_MAX: u64 = 300;

const DAY_MS: i64 = 24 * 3_600_000;

/// What stands in the access log of somebody of the centre who reads reports, and of a doctor who
/// reads their own.
pub(super) const READ_BY_THE_CENTRE: &str = "report.list";
const READ_BY_THE_DOCTOR: &str = "report.own";

/// What became of a form.
pub enum Reported {
    /// It is written, now or by the same form before.
    Done,
    /// It is not: the page again, with what was typed and what is wrong.
    Faulty(Box<ReportPage>),
    /// Somebody has reported the same person already: the page says when.
    Known(Box<ReportPage>),
    /// This role reports nobody.
    NotAllowed,
}

/// The form and the reader's own reports, to be framed by a door.
#[derive(Template)]
#[template(path = "report.html")]
pub struct ReportPage {
    w: Words,
    form: String,
    done: bool,
    refused: Option<String>,
    fields: Vec<FieldView>,
    /// Code, word, and whether it is ticked.
    symptoms: Vec<(&'static str, Key, bool)>,
    symptoms_fault: Option<Key>,
    words: String,
    words_max: usize,
    reports: Vec<ReportView>,
}

struct FieldView {
    name: &'static str,
    label: Key,
    hint: Key,
    kind: &'static str,
    most: usize,
    value: String,
    fault: Option<Key>,
}

struct ReportView {
    at: String,
    code: String,
    phone: String,
    onset: String,
    symptoms: String,
    by: String,
    /// What became of it, as far as the reader may know.
    became: String,
    /// Whose page the reader may open.
    patient: Option<PatientId>,
}

/// Everybody who was reported of late, for the centre.
#[derive(Template)]
#[template(path = "reports.html")]
pub struct ReportsPage {
    w: Words,
    reports: Vec<ReportView>,
}

impl ReportPage {
    /// The page with an empty form.
    ///
    /// # Errors
    /// See [`DoctorError`].
    pub async fn load(desk: Desk<'_>, done: bool) -> Result<Self, DoctorError> {
        let page = page(desk, &ReportForm::default(), &Faults::new()).await?;
        Ok(Self { done, ..page })
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("report-title").into_owned()
    }
}

impl ReportsPage {
    /// Everybody who was reported of late, the newest first.
    ///
    /// # Errors
    /// See [`DoctorError`].
    pub async fn load(desk: Desk<'_>) -> Result<Self, DoctorError> {
        let rows = newest(desk, None, LISTED_MAX).await?;
        Ok(Self {
            w: desk.words(),
            reports: views(desk, rows).await?,
        })
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("reports-title").into_owned()
    }
}

/// Writes a report in the name of whoever sent the form.
///
/// # Errors
/// See [`DoctorError`]; nothing was written then.
pub async fn report(desk: Desk<'_>, form: &ReportForm) -> Result<Reported, DoctorError> {
    if desk.who.role != Role::Mmg {
        return Ok(Reported::NotAllowed);
    }
    let draft = match form.read(day(desk.now)) {
        Ok(draft) => draft,
        Err(faults) => {
            let page = page(desk, form, &faults).await?;
            return Ok(Reported::Faulty(page.saying(desk, Key("report-faulty"))));
        }
    };
    let once = form.typed("form");
    if !is_form_name(once) {
        return Err(DoctorError::Form);
    }
    let Some(before) = write(desk, once, &draft).await? else {
        return Ok(Reported::Done);
    };
    if before.once == once && before.actor == desk.who.actor().to_string() {
        return Ok(Reported::Done);
    }
    let words = desk.words();
    let at = words.language.moment(WallMs(before.at_ms));
    let is_own = before.actor == desk.who.actor().to_string();
    let said = match is_own {
        true => words.with("report-known-own", "time", at),
        false => words.with("report-known", "time", at),
    };
    let mut page = page(desk, form, &Faults::new()).await?;
    page.refused = Some(said.to_string());
    Ok(Reported::Known(Box::new(page)))
}

impl ReportPage {
    fn saying(mut self, desk: Desk<'_>, sentence: Key) -> Box<Self> {
        self.refused = Some(desk.words().say(sentence).into_owned());
        Box::new(self)
    }
}

/// Writes a report, unless there is one; that is the answer.
async fn write(desk: Desk<'_>, once: &str, draft: &Draft) -> Result<Option<Model>, DoctorError> {
    let actor = desk.who.actor();
    let written = desk.record.run_tx("doctor.report", &actor, move |tx| {
        Box::pin(async move {
            let code = draft.code.as_str();
            let rows = Entity::find()
                .filter(Column::CodiceFiscale.eq(code))
                .order_by_desc(Column::Id)
                .all(tx)
                .await?;
            let by_form = Entity::find().filter(Column::Once.eq(once)).one(tx).await?;
            let since = desk.now.plus_ms(-AGAIN_DAYS * DAY_MS).0;
            let again = rows.first().filter(|row| row.at_ms > since).cloned();
            if let Some(before) = by_form.or(again) {
                return Ok(Some(before));
            }
            let row = ActiveModel {
                id: NotSet,
                once: Set(once.to_owned()),
                round: Set(format!("{code}.{}", rows.len())),
                codice_fiscale: Set(code.to_owned()),
                phone: Set(draft.phone.as_str().to_owned()),
                onset: Set(draft.onset.to_string()),
                symptoms: Set(draft.symptoms.clone()),
                words: Set(draft.words.clone()),
                actor: Set(tx.actor().to_string()),
                at_ms: Set(desk.now.0),
            };
            Entity::insert(row).exec_without_returning(tx).await?;
            Ok(None)
        })
    });
    match written.await {
        // Two at once: the other has written, and is found.
        Err(error) if error.is_duplicate() => {
            let rows = newest(desk, None, LISTED_MAX).await?;
            let mut rows = rows.into_iter();
            Ok(rows.find(|row| row.codice_fiscale == draft.code.as_str()))
        }
        written => written.map_err(DoctorError::Record),
    }
}

async fn newest(desk: Desk<'_>, by: Option<String>, limit: u64) -> Result<Vec<Model>, DoctorError> {
    let (actor, by) = (desk.who.actor(), &by);
    let rows = desk.record.read_tx("doctor.reports", &actor, move |tx| {
        Box::pin(async move {
            let mut rows = Entity::find().order_by_desc(Column::Id).limit(limit);
            if let Some(by) = by {
                rows = rows.filter(Column::Actor.eq(by));
            }
            Ok(rows.all(tx).await?)
        })
    });
    rows.await.map_err(DoctorError::Record)
}

async fn page(
    desk: Desk<'_>,
    form: &ReportForm,
    faults: &Faults,
) -> Result<ReportPage, DoctorError> {
    let own = Some(desk.who.actor().to_string());
    let reports = newest(desk, own, OWN_MAX).await?;
    let field = |name: &'static str, label, hint, kind, most| FieldView {
        name,
        label,
        hint,
        kind,
        most,
        value: form.typed(name).to_owned(),
        fault: faults.get(name).copied(),
    };
    let named = form.typed("form");
    let name = match is_form_name(named) {
        true => named.to_owned(),
        false => form_name()?,
    };
    Ok(ReportPage {
        w: desk.words(),
        form: name,
        done: false,
        refused: None,
        fields: vec![
            field(
                "codice",
                Key("report-code"),
                Key("report-code-hint"),
                "text",
                16,
            ),
            field(
                "telefono",
                Key("report-phone"),
                Key("report-phone-hint"),
                "tel",
                20,
            ),
            field(
                "inizio",
                Key("report-onset"),
                Key("report-onset-hint"),
                "date",
                10,
            ),
        ],
        symptoms: SYMPTOMS
            .map(|(code, word)| (code, word, form.has(code)))
            .into(),
        symptoms_fault: faults.get("sintomi").copied(),
        words: form.typed("note").to_owned(),
        words_max: WORDS_MAX,
        reports: views(desk, reports).await?,
    })
}

/// Reports as lines, after it was written that somebody reads them.
async fn views(desk: Desk<'_>, rows: Vec<Model>) -> Result<Vec<ReportView>, DoctorError> {
    let subjects = rows.iter().map(subject);
    let purpose = match desk.who.role.is_of_the_centre() {
        true => READ_BY_THE_CENTRE,
        false => READ_BY_THE_DOCTOR,
    };
    desk.logged(purpose, subjects.collect()).await?;
    let names = staff::signatures(desk.record, &desk.who.actor()).await;
    let names = names.map_err(DoctorError::People)?;
    let words = desk.words();
    let became = became(desk, &rows).await?;
    let view = |(row, became): (Model, became::Became)| ReportView {
        at: words.language.moment(WallMs(row.at_ms)),
        onset: row
            .onset
            .parse::<Date>()
            .map_or_else(|_| row.onset.clone(), |day| words.language.date(day)),
        symptoms: symptoms(words, &row),
        by: say::signed(words, &row.actor, &names),
        code: row.codice_fiscale,
        phone: row.phone,
        became: became.words,
        patient: became.patient,
    };
    Ok(rows.into_iter().zip(became).map(view).collect())
}

/// What a report is called in the access log.
fn subject(row: &Model) -> String {
    format!("report-{}", row.id)
}
