//! One patient's page: who it is, what needs somebody and what can be done about it, how they are,
//! the curves, what was done, and what else the record knows.
//!
//! **What needs somebody stands first**, with its acts at hand: of several flags one is unfolded,
//! and beyond [`FLAGS_BEFORE_FOLD`] the others stand in one fold, so that the page is about as long
//! with thirty flags as with one. The rest of the page is folded or has pages of its own: the whole
//! diary (`timeline.rs`), the clinical sheet (`sheet.rs`), who has seen the data (`seen.rs`).
//!
//! What the record holds is shown also while ingest does not answer; then the page says so.

mod draft;
mod facts;
mod flags;

use std::sync::Arc;

use askama::Template;
use veglia_diary::{diary_of, handovers_of_patient, open_flags_of, plans_of, standings_of};
use veglia_people::background::{self, Background, SheetError};
use veglia_people::patients;
use veglia_people::staff::Role;
use veglia_store::{Actor, Database, TxError};
use veglia_view::{PatientId, Row, View, VitalKind, WallMs};
use veglia_words::{Key, Language, Words};

use crate::acts::ActForm;
use crate::book::{self, BookError, Signatures};
use crate::desk::is_in_force;
use crate::history::{self, Entry};
use crate::hub::Link;
use crate::identity::Identity;
use crate::line::{About, Value, cell, unnamed};
use crate::score::{self, Score};
use crate::script::{self, Question};
use crate::{WORDS, access, identity, page, sheet, words};

use facts::ContactView;
use flags::{ChargeView, FlagView};

/// How far back the diary goes on the page, in milliseconds: as far as the longest curve.
const DIARY_MS: i64 = 14 * 86_400_000;

/// How far ahead: what a clock that runs ahead wrote is shown too.
const AHEAD_MS: i64 = 86_400_000;

/// Lines of the diary on the page; all of them are on a page of their own.
const DIARY_LINES: u64 = 15;

/// Flags that stand in the list, each in a line until it is unfolded; the others share a fold.
const FLAGS_BEFORE_FOLD: usize = 5;

/// What is measured at home, and always has its tile and its curve.
const HOME: [VitalKind; 3] = [VitalKind::SpO2, VitalKind::Pulse, VitalKind::Temperature];

/// Why a page cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The register of people did not answer.
    #[error("the person was not read")]
    Person(#[source] patients::ReadError),
    /// The diary did not answer.
    #[error("the diary was not read")]
    Diary(#[source] veglia_diary::ReadError),
    /// What was done was not noted in the diary.
    #[error("what was done was not noted in the diary")]
    Note(#[source] veglia_diary::ActRefused),
    /// That somebody reads was not written, so nothing is shown.
    #[error("the access log was not written")]
    Access(#[source] TxError),
    /// Names of staff were not read.
    #[error("who signed the diary was not read")]
    Names(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The clinical sheet was not read.
    #[error("the clinical sheet was not read")]
    Sheet(#[source] SheetError),
    /// The clinical sheet was not written.
    #[error("the clinical sheet was not written")]
    SheetWritten(#[source] TxError),
}

/// A patient's page, to be framed by a door. Complete without scripts; `js/patient.js` draws the
/// curves.
#[derive(Debug, Template)]
#[template(path = "patient.html")]
pub struct PatientPage {
    w: Words,
    name: String,
    patient: String,
    /// Whether the reader may act; else no form is shown.
    may_act: bool,
    identity: Option<Identity>,
    /// For how long they have been watched and isolated.
    days: Vec<String>,
    /// The plan in a line.
    plan_line: String,
    /// Where they are, unless at home.
    away: Option<String>,
    now: WallMs,
    lost: Option<String>,
    notice: Option<String>,
    plan: Vec<String>,
    values: Vec<Value>,
    /// The scores, as far as they are known.
    scores: Vec<Score>,
    /// The clinical sheet: what it says, each with what it is about.
    sheet: Vec<(Key, String)>,
    /// Which version, and who wrote it when.
    sheet_title: String,
    contacts: Vec<ContactView>,
    devices: Vec<String>,
    /// What was given to the patient and taken back, the newest first: device and sentence.
    handovers: Vec<(String, String)>,
    flags: Vec<FlagView>,
    /// To whom an alert may be given, without whoever reads.
    colleagues: Vec<(i64, String)>,
    diary: Vec<Entry>,
    diary_is_cut: bool,
    /// What to ask on the telephone when nothing is open.
    script: Vec<Question>,
    charts: Vec<(&'static str, Key)>,
    draft: ActForm,
}

/// Where a page is made from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What ingest knows.
    pub view: &'a dyn View,
    /// The record.
    pub record: &'a Database,
    /// Who reads.
    pub actor: &'a Actor,
    /// How it last stood with ingest ([`crate::Hub::link`]).
    pub last: Link,
    /// The moment, by the reader's clock of care: for the access log, and for the page when
    /// ingest never answered.
    pub fallback_now: WallMs,
    /// The reader's.
    pub language: Language,
}

impl PatientPage {
    /// The page of a patient; `None` when nobody is known under this identifier. Writes in the
    /// access log that `actor` reads it.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn load(sources: Sources<'_>, patient: PatientId) -> Result<Option<Self>, PageError> {
        let (record, actor) = (sources.record, sources.actor);
        let person = identity::known(record, actor, patient).await?;
        let (link, row) = ask(sources, patient).await;
        if person.is_none() && row.is_none() {
            return Ok(None);
        }
        let now = link.now().unwrap_or(sources.fallback_now);
        write_opening(sources, patient).await?;
        let written = Written::read(sources, patient, person.as_ref(), now).await?;
        let w = WORDS.speaking(sources.language);
        let row = row.map_or_else(|| Row::new(patient), Arc::unwrap_or_clone);
        let name = person
            .as_ref()
            .map_or_else(|| unnamed(w, &row), identity::full_name);
        let identity = person.as_ref().map(|it| Identity::new(w, it, now));
        let colleagues = colleagues(record, actor).await?;
        let page = written.page(w, row, identity, &actor.to_string(), now);
        Ok(Some(Self {
            name,
            patient: patient.to_string(),
            lost: page::lost(w, &link),
            colleagues,
            ..page
        }))
    }

    /// The same page with a sentence on top and what was typed still in its field.
    #[must_use]
    pub fn refusing(self, sentence: String, form: ActForm) -> Self {
        let opened = form.flag.clone();
        Self {
            notice: Some(sentence),
            draft: form,
            ..self
        }
        .opening(&opened)
    }

    /// The same page for a reader of a role: who only reads gets no forms.
    #[must_use]
    pub fn read_by(self, role: Role) -> Self {
        let may_act = role.is_of_the_centre() || role == Role::OutOfHoursDoctor;
        Self { may_act, ..self }
    }

    /// The same page with another flag unfolded, if it is still there.
    #[must_use]
    pub fn opening(mut self, flag: &str) -> Self {
        if self.flags.iter().any(|it| it.id == flag) {
            for it in &mut self.flags {
                it.is_open = it.id == flag;
            }
        }
        self
    }

    /// What the page is called: the patient.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.name
    }

    /// The flags in two parts: the list, and the fold with the others.
    fn parts(&self) -> [&[FlagView]; 2] {
        let (list, fold) = self
            .flags
            .split_at_checked(FLAGS_BEFORE_FOLD)
            .unwrap_or((&self.flags, &[]));
        [list, fold]
    }

    /// Whether the unfolded flag stands in the fold.
    fn is_in_fold(&self) -> bool {
        let [_, fold] = self.parts();
        fold.iter().any(|flag| flag.is_open)
    }
}

/// What the record holds of a patient.
struct Written {
    plans: Vec<veglia_diary::PlanWritten>,
    open: Vec<veglia_diary::OpenFlag>,
    lines: Vec<veglia_diary::Line>,
    stood: Vec<veglia_diary::Stood>,
    given: Vec<veglia_diary::Handover>,
    sheet: Option<background::Sheet>,
    signed: Signatures,
}

impl Written {
    async fn read(
        sources: Sources<'_>,
        patient: PatientId,
        person: Option<&patients::Person>,
        now: WallMs,
    ) -> Result<Self, PageError> {
        let (record, actor) = (sources.record, sources.actor);
        let plans = plans_of(record, actor, patient).await;
        let open = open_flags_of(record, actor, patient).await;
        let stretch = now.plus_ms(-DIARY_MS)..now.plus_ms(AHEAD_MS);
        let lines = diary_of(record, actor, patient, stretch, DIARY_LINES + 1).await;
        let stood = standings_of(record, actor, patient).await;
        let given = handovers_of_patient(record, actor, patient).await;
        let sheet = match person {
            Some(person) => background::current(record, actor, person.id)
                .await
                .map_err(PageError::Sheet)?,
            None => None,
        };
        Ok(Self {
            plans: plans.map_err(PageError::Diary)?,
            open: open.map_err(PageError::Diary)?,
            lines: lines.map_err(PageError::Diary)?,
            stood: stood.map_err(PageError::Diary)?,
            given: given.map_err(PageError::Diary)?,
            sheet,
            signed: signatures(record, actor).await?,
        })
    }

    /// The page, but for what others know: who it is, and how it stands with ingest.
    fn page(
        self,
        w: Words,
        mut row: Row,
        identity: Option<Identity>,
        reader: &str,
        now: WallMs,
    ) -> PatientPage {
        let plan = self.plans.first().map(|written| &written.plan);
        let first = self.plans.last().map(|written| written.plan.from);
        let says = self.sheet.as_ref().map(|sheet| &sheet.says);
        let nothing = Background::default();
        let says = says.unwrap_or(&nothing);
        let alerts = flags::take_flags(&mut row, self.open.into_iter(), &self.signed);
        let about = About {
            row: &row,
            name: None,
            plan: plan.filter(|plan| is_in_force(plan, now)),
            alerts: &alerts,
        };
        let scores = score::scores(w, &row, now);
        let shown = usize::try_from(DIARY_LINES).unwrap_or(usize::MAX);
        let diary_is_cut = self.lines.len() > shown;
        let mut diary = history::entries(w, &self.lines, &self.signed, now);
        diary.truncate(shown);
        PatientPage {
            w,
            name: String::new(),
            patient: String::new(),
            may_act: true,
            days: identity::days(w, first, says.isolated_since, now),
            plan_line: facts::in_a_line(w, plan, now),
            away: facts::away(w, &self.stood, now),
            now,
            lost: None,
            notice: None,
            plan: plan.map_or_else(Vec::new, |plan| facts::planned(w, plan, now)),
            values: values(w, &about),
            flags: flags::views(w, &about, &scores, reader, now),
            script: script::plain(w, &scores),
            scores,
            sheet: sheet::facts(w, says),
            sheet_title: self.sheet.as_ref().map_or_else(String::new, |sheet| {
                sheet::title(w, sheet, &self.signed, now)
            }),
            contacts: facts::contacts(identity.as_ref(), says),
            identity,
            devices: row
                .devices
                .iter()
                .map(|it| facts::device(w, it, now))
                .collect(),
            handovers: self
                .given
                .iter()
                // What stands for their own words on the telephone was theirs for ever.
                .filter(|it| it.assignment.from > WallMs(0))
                .map(|it| facts::handover(w, it, &self.signed, now))
                .collect(),
            colleagues: Vec::new(),
            diary,
            diary_is_cut,
            charts: charts(&about),
            draft: ActForm::default(),
        }
    }
}

/// What has a curve: what is measured at home, and whatever else was measured.
fn charts(about: &About<'_>) -> Vec<(&'static str, Key)> {
    let shown = shown(about);
    shown
        .map(|vital| (vital.name(), words::vital_key(vital)))
        .collect()
}

fn shown(about: &About<'_>) -> impl Iterator<Item = VitalKind> {
    let has = |vital: &VitalKind| HOME.contains(vital) || about.row.latest(*vital).is_some();
    VitalKind::ALL.into_iter().filter(has)
}

/// The tiles: what is measured at home, and whatever else was measured.
fn values(w: Words, about: &About<'_>) -> Vec<Value> {
    shown(about).map(|vital| cell(w, about, vital)).collect()
}

/// To whom the reader may give an alert.
async fn colleagues(record: &Database, reader: &Actor) -> Result<Vec<(i64, String)>, PageError> {
    let staff = book::staff(record, reader).await;
    let mut staff = staff.map_err(|error| PageError::Names(Box::new(error)))?;
    staff.retain(|(id, _)| Actor::Staff(*id) != *reader);
    Ok(staff)
}

async fn write_opening(sources: Sources<'_>, patient: PatientId) -> Result<(), PageError> {
    let (record, actor) = (sources.record, sources.actor);
    access::opens_page(record, actor, patient, sources.fallback_now)
        .await
        .map_err(PageError::Access)
}

/// The row and how it stands with ingest; a fault is said on the page and is no fault of it.
async fn ask(sources: Sources<'_>, patient: PatientId) -> (Link, Option<Arc<Row>>) {
    match sources.view.patient(patient).await {
        Ok(bedside) => (Link::Alive(bedside.status), bedside.row),
        Err(error) => {
            tracing::warn!(error = book::story(&error), "a patient's row was not read");
            let last = match sources.last {
                Link::Alive(status) | Link::Lost(status) => Link::Lost(status),
                Link::Never => Link::Never,
            };
            (last, None)
        }
    }
}

async fn signatures(record: &Database, actor: &Actor) -> Result<Signatures, PageError> {
    let read: Result<Signatures, BookError> = book::signatures(record, actor).await;
    read.map_err(|error| PageError::Names(Box::new(error)))
}
