//! The clinical sheet of a patient as a page: a form, and every version with who wrote it.
//!
//! What was typed is never lost: a form with a fault comes back whole with a sentence beside the
//! field, and so does one that somebody else was quicker than, with what they wrote beside it.
//! Complete without scripts. Whoever works at the centre writes it: it is heard on the telephone.

mod form;

use askama::Template;
use veglia_people::PersonId;
use veglia_people::background::{self, Background, Other, Sheet, SheetRefused};
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use crate::book::{self, Signatures};
use crate::patient::PageError;
use crate::plan::PlanDesk;
use crate::{access, identity, words};

pub use form::SheetForm;
use form::{Fault, FieldView, Wrong, phone_of};

/// What became of a form.
#[derive(Debug)]
pub enum SheetOutcome {
    /// It is written.
    Written,
    /// It is not: the page again, with what was typed and what is wrong.
    Faulty(Box<SheetPage>),
    /// It is not: somebody else has written meanwhile; the page says what.
    Overtaken(Box<SheetPage>),
    /// This role writes no sheets.
    NotAllowed,
    /// Nobody is known under this identifier.
    Unknown,
}

/// A patient's clinical sheet, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "sheet.html")]
pub struct SheetPage {
    w: Words,
    name: String,
    patient: String,
    may_write: bool,
    /// The version that the form begins with; 0 before the first.
    seen: i64,
    notice: Option<String>,
    groups: Vec<(Key, Vec<FieldView>)>,
    current: Vec<(Key, String)>,
    history: Vec<VersionView>,
}

/// A version, as somebody wrote it.
#[derive(Debug)]
struct VersionView {
    title: String,
    says: Vec<(Key, String)>,
}

/// What a version says, each with what it is about; what it does not say is left out.
pub(crate) fn facts(w: Words, says: &Background) -> Vec<(Key, String)> {
    let called = |other: &Other| match (other.name.as_str(), other.phone.as_str()) {
        (name, "") => name.to_owned(),
        ("", phone) => phone.to_owned(),
        (name, phone) => format!("{name}, {phone}"),
    };
    let others: Vec<String> = says.others.iter().map(called).collect();
    let day = says.isolated_since.map(|day| w.language.date(day));
    let all = [
        (Key("fact-allergies"), says.allergies.clone()),
        (Key("sheet-conditions"), says.conditions.clone()),
        (Key("fact-therapy"), says.therapy.clone()),
        (Key("sheet-oxygen"), says.home_oxygen.clone()),
        (Key("sheet-isolated"), day.unwrap_or_default()),
        (Key("sheet-floor"), says.floor.clone()),
        (Key("fact-keys"), says.keys.clone()),
        (Key("contact-keys"), called(&says.key_holder)),
        (Key("fact-others"), others.join("; ")),
    ];
    all.into_iter()
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

/// Who a page is about, and every version, the newest first.
struct Known {
    person: PersonId,
    name: String,
    written: Vec<Sheet>,
    signed: Signatures,
}

impl Known {
    fn seen(&self) -> i64 {
        self.written.first().map_or(0, |sheet| sheet.version)
    }

    fn says(&self) -> Background {
        let newest = self.written.first();
        newest.map(|sheet| sheet.says.clone()).unwrap_or_default()
    }
}

/// Reads a patient's sheets, which is written in the access log; none when nobody is known.
async fn known(desk: PlanDesk<'_>, patient: PatientId) -> Result<Option<Known>, PageError> {
    let (record, actor) = (desk.record, desk.actor);
    let person = identity::known(record, actor, patient).await?;
    let Some(person) = person else {
        return Ok(None);
    };
    access::opens_page(record, actor, patient, desk.now)
        .await
        .map_err(PageError::Access)?;
    let written = background::history(record, actor, person.id).await;
    let signed = book::signatures(record, actor).await;
    Ok(Some(Known {
        person: person.id,
        name: identity::full_name(&person),
        written: written.map_err(PageError::Sheet)?,
        signed: signed.map_err(|error| PageError::Names(Box::new(error)))?,
    }))
}

fn page(
    desk: PlanDesk<'_>,
    patient: PatientId,
    known: &Known,
    form: &SheetForm,
    fault: Option<Fault>,
) -> SheetPage {
    let w = desk.words();
    let version = |sheet: &Sheet| VersionView {
        title: title(w, sheet, &known.signed, desk.now),
        says: facts(w, &sheet.says),
    };
    SheetPage {
        w,
        name: known.name.clone(),
        patient: patient.to_string(),
        may_write: desk.role.is_of_the_centre(),
        seen: known.seen(),
        notice: None,
        groups: form.groups(w, fault),
        current: facts(w, &known.says()),
        history: known.written.iter().map(version).collect(),
    }
}

/// Which version, when and by whom.
pub(crate) fn title(w: Words, sheet: &Sheet, signed: &Signatures, now: WallMs) -> String {
    let title = w.with("version-title", "version", sheet.version);
    let title = title.and("at", words::at_time(w, sheet.at, now));
    title.and("by", signed.name(w, &sheet.by)).to_string()
}

impl SheetPage {
    /// The page of a patient; none when nobody is known under this identifier.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn load(desk: PlanDesk<'_>, patient: PatientId) -> Result<Option<Self>, PageError> {
        let Some(known) = known(desk, patient).await? else {
            return Ok(None);
        };
        let form = SheetForm::of(&known.says());
        Ok(Some(page(desk, patient, &known, &form, None)))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("sheet-title", "name", &self.name).to_string()
    }

    fn saying(mut self, notice: String) -> Box<Self> {
        self.notice = Some(notice);
        Box::new(self)
    }
}

/// Writes what a form of the page says, in the name of whoever sent it.
///
/// # Errors
/// See [`PageError`]; nothing was written then.
pub async fn sheet(
    desk: PlanDesk<'_>,
    patient: PatientId,
    form: &SheetForm,
) -> Result<SheetOutcome, PageError> {
    if !desk.role.is_of_the_centre() {
        return Ok(SheetOutcome::NotAllowed);
    }
    let Some(before) = known(desk, patient).await? else {
        return Ok(SheetOutcome::Unknown);
    };
    let w = desk.words();
    let faulty = |field, why| {
        let page = page(desk, patient, &before, form, Some(Fault { field, why }));
        SheetOutcome::Faulty(page.saying(w.say("sheet-faulty").into_owned()))
    };
    let says = match form.read() {
        Ok(says) => says,
        Err(fault) => return Ok(faulty(fault.field, fault.why)),
    };
    let (record, actor) = (desk.record, desk.actor);
    let written =
        background::write(record, actor, before.person, &says, form.seen(), desk.now).await;
    Ok(match written {
        Ok(_) => SheetOutcome::Written,
        Err(SheetRefused::Text { field, max_chars }) => faulty(field, Wrong::Text(max_chars)),
        Err(SheetRefused::Phone(field)) => faulty(phone_of(field), Wrong::Phone),
        Err(SheetRefused::Unchanged | SheetRefused::Others) => {
            let page = page(desk, patient, &before, form, None);
            SheetOutcome::Faulty(page.saying(w.say("sheet-unchanged").into_owned()))
        }
        Err(SheetRefused::Overtaken { .. }) => {
            let Some(after) = known(desk, patient).await? else {
                return Ok(SheetOutcome::Unknown);
            };
            let page = page(desk, patient, &after, form, None);
            SheetOutcome::Overtaken(page.saying(overtaken(w, &after, desk.now)))
        }
        Err(SheetRefused::Unknown(_)) => SheetOutcome::Unknown,
        Err(SheetRefused::Store(fault)) => return Err(PageError::SheetWritten(fault)),
    })
}

/// Who was quicker.
fn overtaken(w: Words, known: &Known, now: WallMs) -> String {
    let newest = known.written.first();
    let who = newest.map_or_else(String::new, |it| title(w, it, &known.signed, now));
    w.with("sheet-overtaken", "who", who).to_string()
}
