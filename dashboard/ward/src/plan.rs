//! The plan of a patient as a page: a form for whoever decides, and its history for everybody.
//!
//! ```text
//! plan of the diary ─▶ PlanForm (or a template of the rules) ─▶ PlanPage
//! PlanForm, typed ─▶ Plan, or a sentence beside each field ─▶ diary::write_plan
//! ```
//! What was typed is never lost: a form with a fault comes back whole, and so does one that
//! somebody else was quicker than, with what they changed in words. Complete without scripts.
//!
//! **Nurses and doctors write a plan**; the others read it. Deliberately absent: checking numbers
//! (the rules do), and who is on duty.

mod fields;
mod form;
mod stand;
pub(crate) mod told;

use askama::Template;
use veglia_diary::{Decision, PlanRefused, PlanWritten, Reasons, plans_of, write_plan};
use veglia_people::patients;
use veglia_people::staff::Role;
use veglia_store::{Actor, Database};
use veglia_view::{PatientId, Plan, RuleSet, WallMs};
use veglia_words::{Key, Language, Words};

use crate::book::{self, Signatures};
use crate::line::nameless;
use crate::patient::PageError;
use crate::{WORDS, access, identity, words};

use fields::{Group, Kind};
pub use form::PlanForm;
use form::{Draft, Fault};
use stand::Whereabout;
pub use stand::{StandForm, stand};

/// Who asks for the page, and what it is made from.
#[derive(Clone, Copy)]
pub struct PlanDesk<'a> {
    /// The record.
    pub record: &'a Database,
    /// The rules whose limits a plan may move.
    pub rules: &'a RuleSet,
    /// Who asks.
    pub actor: &'a Actor,
    /// As what.
    pub role: Role,
    /// The moment, by the clock of care.
    pub now: WallMs,
    /// The reader's.
    pub language: Language,
}

/// A patient's plan, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "plan.html")]
pub struct PlanPage {
    w: Words,
    name: String,
    patient: String,
    may_write: bool,
    /// The version that the form begins with; 0 before the first.
    seen: i64,
    notice: Option<String>,
    /// Name of a field and what is wrong with it, in the order of the form.
    faults: Vec<(String, String)>,
    templates: Vec<(&'static str, String)>,
    groups: Vec<Group>,
    /// The plan as it is, for who may only read it.
    current: Vec<(String, String)>,
    whereabout: Whereabout,
    history: Vec<Version>,
}

/// A version of the plan, as somebody wrote it.
#[derive(Debug)]
struct Version {
    title: String,
    changes: Vec<String>,
    why: String,
    decision: String,
}

/// What became of a form.
#[derive(Debug)]
pub enum PlanOutcome {
    /// It is written.
    Written,
    /// It is not: the page again, with what was typed and what is wrong.
    Faulty(Box<PlanPage>),
    /// It is not: somebody else has written meanwhile; the page says what.
    Overtaken(Box<PlanPage>),
    /// This role writes no plans.
    NotAllowed,
    /// Nobody is known under this identifier.
    Unknown,
}

/// Who a page is about, and all versions of the plan, the newest first.
struct Known {
    name: String,
    written: Vec<PlanWritten>,
    signed: Signatures,
}

impl Known {
    fn current(&self) -> Option<&Plan> {
        self.written.first().map(|written| &written.plan)
    }

    fn seen(&self) -> i64 {
        self.current().map_or(0, |plan| plan.version.0)
    }
}

impl PlanDesk<'_> {
    /// What the desk says.
    pub(crate) fn words(&self) -> Words {
        WORDS.speaking(self.language)
    }

    fn may_write(&self) -> bool {
        matches!(self.role, Role::Nurse | Role::Doctor)
    }

    /// Reads a patient's plans, which is written in the access log; none when nobody is known.
    async fn known(&self, patient: PatientId) -> Result<Option<Known>, PageError> {
        let (record, actor) = (self.record, self.actor);
        let person = match book::person_of(patient) {
            Some(person) => patients::get(record, actor, person)
                .await
                .map_err(PageError::Person)?,
            None => None,
        };
        let written = plans_of(record, actor, patient).await;
        let written = written.map_err(PageError::Diary)?;
        if person.is_none() && written.is_empty() {
            return Ok(None);
        }
        access::opens_page(record, actor, patient, self.now)
            .await
            .map_err(PageError::Access)?;
        let signed = book::signatures(record, actor).await;
        Ok(Some(Known {
            name: person
                .as_ref()
                .map_or_else(|| nameless(self.words(), patient), identity::full_name),
            written,
            signed: signed.map_err(|error| PageError::Names(Box::new(error)))?,
        }))
    }

    fn page(
        &self,
        patient: PatientId,
        known: &Known,
        form: &PlanForm,
        faults: Vec<Fault>,
    ) -> PlanPage {
        let w = self.words();
        PlanPage {
            w,
            name: known.name.clone(),
            patient: patient.to_string(),
            may_write: self.may_write(),
            seen: known.seen(),
            notice: None,
            templates: form::templates(w),
            groups: fields::groups(w, form, &faults, self.rules),
            faults,
            current: known
                .current()
                .map(|plan| told::facts(w, plan))
                .unwrap_or_default(),
            whereabout: Whereabout::default(),
            history: history(w, known, self.now),
        }
    }
}

impl PlanPage {
    /// The page of a patient, its form filled from a template when one is named; none when nobody
    /// is known under this identifier.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn load(
        desk: PlanDesk<'_>,
        patient: PatientId,
        template: &str,
    ) -> Result<Option<Self>, PageError> {
        let Some(known) = desk.known(patient).await? else {
            return Ok(None);
        };
        let begun = Plan::template(template, patient, desk.now);
        let w = desk.words();
        let form = begun.as_ref().or(known.current());
        let form = form.map(|plan| PlanForm::of(w, plan));
        let form = form.unwrap_or_else(PlanForm::empty);
        let mut page = desk.page(patient, &known, &form, Vec::new());
        page.whereabout = Whereabout::load(desk, patient, &known.signed).await?;
        if begun.is_some() {
            page.notice = Some(w.say("plan-begun").into_owned());
        }
        Ok(Some(page))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("plan-title", "name", &self.name).to_string()
    }

    fn saying(mut self, notice: String) -> Box<Self> {
        self.notice = Some(notice);
        Box::new(self)
    }

    fn saying_key(self, notice: Key) -> Box<Self> {
        let notice = self.w.say(notice).into_owned();
        self.saying(notice)
    }
}

/// Writes what a form of the page says, in the name of whoever sent it.
///
/// # Errors
/// See [`PageError`]; nothing was written then.
pub async fn plan(
    desk: PlanDesk<'_>,
    patient: PatientId,
    form: &PlanForm,
) -> Result<PlanOutcome, PageError> {
    if !desk.may_write() {
        return Ok(PlanOutcome::NotAllowed);
    }
    let Some(known) = desk.known(patient).await? else {
        return Ok(PlanOutcome::Unknown);
    };
    let w = desk.words();
    let again = |faults: Vec<Fault>| desk.page(patient, &known, form, faults);
    if form.seen() != known.seen() {
        let page = again(Vec::new());
        return Ok(PlanOutcome::Overtaken(
            page.saying(overtaken(w, &known, desk.now)),
        ));
    }
    let draft = match form.read(desk, patient, known.current()) {
        Ok(draft) => draft,
        Err(faults) => {
            let page = again(faults);
            return Ok(PlanOutcome::Faulty(page.saying_key(FAULTY)));
        }
    };
    if known
        .current()
        .is_some_and(|plan| told::changes(w, Some(plan), &draft.plan).is_empty())
    {
        let page = again(Vec::new());
        return Ok(PlanOutcome::Faulty(page.saying_key(UNCHANGED)));
    }
    match write(desk, &draft).await {
        Ok(()) => Ok(PlanOutcome::Written),
        Err(PlanRefused::Version { .. }) => {
            let Some(known) = desk.known(patient).await? else {
                return Ok(PlanOutcome::Unknown);
            };
            let page = desk.page(patient, &known, form, Vec::new());
            Ok(PlanOutcome::Overtaken(
                page.saying(overtaken(w, &known, desk.now)),
            ))
        }
        Err(PlanRefused::Store(fault)) => Err(PageError::Diary(fault.into())),
        Err(refused) => {
            let page = again(form::refused(w, &refused, desk.rules));
            Ok(PlanOutcome::Faulty(page.saying_key(FAULTY)))
        }
    }
}

const FAULTY: Key = Key("plan-faulty");
const UNCHANGED: Key = Key("plan-unchanged");

async fn write(desk: PlanDesk<'_>, draft: &Draft) -> Result<(), PlanRefused> {
    let decision: Option<&Decision> = draft.decision.as_ref();
    let reasons = Reasons {
        why: &draft.why,
        decision,
    };
    write_plan(desk.record, desk.actor, &draft.plan, reasons, desk.now).await
}

/// Who was quicker, and what they changed.
fn overtaken(w: Words, known: &Known, now: WallMs) -> String {
    let newest = history(w, known, now).into_iter().next();
    let (who, changes) = newest.map_or_else(
        || (w.say("plan-somebody").into_owned(), String::new()),
        |version| (version.title, version.changes.join("; ")),
    );
    let said = w.with("plan-overtaken", "who", who);
    said.and("changes", changes).to_string()
}

fn history(w: Words, known: &Known, now: WallMs) -> Vec<Version> {
    let before = known
        .written
        .iter()
        .skip(1)
        .map(|it| Some(&it.plan))
        .chain([None]);
    let version = |(written, before): (&PlanWritten, Option<&Plan>)| {
        let title = w.with("version-title", "version", written.plan.version.to_string());
        let title = title.and("at", words::at_time(w, written.at, now));
        let title = title.and("by", known.signed.name(w, &written.by));
        let decision = written.decision.as_ref().map(|decision| {
            let said = w.with("plan-decided", "who", &decision.who);
            said.and("grounds", &decision.grounds).to_string()
        });
        Version {
            title: title.to_string(),
            changes: told::changes(w, before, &written.plan),
            why: written.why.clone(),
            decision: decision.unwrap_or_default(),
        }
    };
    known.written.iter().zip(before).map(version).collect()
}
