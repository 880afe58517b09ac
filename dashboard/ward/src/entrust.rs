//! Who follows a patient, as a page: the centre, a hospital's unit, the out-of-hours doctors, the
//! family doctor; and the forms to entrust a patient, to hand over, and to end that.
//!
//! ```text
//! care relations, family doctor ─▶ CarePage
//! CareForm ─▶ care, mmg ─▶ diary (a note, with the reason) and access log
//! ```
//! Everybody who may read the patient reads it; a nurse or a doctor of the centre writes, always
//! with a reason. What was typed comes back with the sentence that says why it was not written.
//!
//! **The centre is not released while anything of the patient's is left to it** ([`Held`]): an
//! alarm would ring that nobody may open.
//!
//! **Limits**: [`PAST_SHOWN`] relations that are over, [`mmg::LISTED_MAX`] family doctors to choose
//! from. Units are those that accounts are tied to: nobody reads for another.

mod act;
mod held;

use std::collections::BTreeSet;

use askama::Template;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use veglia_people::care::{self, Caring, Holder};
use veglia_people::staff::{self, Role};
use veglia_people::{Belongs, Party, PersonId, TIME_ZONE, in_italy, mmg, roll};
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use crate::access;
use crate::book::{self, Signatures};
use crate::identity;
use crate::patient::PageError;
use crate::plan::PlanDesk;

pub use act::entrust;
pub use held::{Held, left_to_the_centre};

/// Relations that are over and still shown: those of a year of comings and goings.
const PAST_SHOWN: usize = 30;

/// A form as it was sent. A field that a form does not have is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CareForm {
    /// Which button: `unit`, `doctor`, `out-of-hours` or `release`.
    pub act: String,
    /// To which unit.
    pub unit: String,
    /// To which family doctor, by number.
    pub doctor: String,
    /// Until when, as `2020-11-21T08:00` in Rome; may be empty for a unit.
    pub until: String,
    /// Of an end: whose.
    pub holder: String,
    /// Why.
    pub why: String,
}

/// What became of a form.
#[derive(Debug)]
pub enum CareOutcome {
    /// It is written.
    Written,
    /// It is written, and the centre follows the patient no more.
    Released,
    /// It is not: the page again, with what was typed and what is wrong.
    Faulty(Box<CarePage>),
    /// This role writes no relations.
    NotAllowed,
    /// Nobody is on file under this identifier.
    Unknown,
}

/// Who follows a patient, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "entrust.html")]
pub struct CarePage {
    w: Words,
    name: String,
    patient: String,
    may_write: bool,
    now: Vec<HolderView>,
    past: Vec<PastView>,
    doctor: Option<String>,
    units: Vec<String>,
    doctors: Vec<(i64, String)>,
    /// What keeps the centre from being released, in words.
    held: Vec<String>,
    typed: CareForm,
    fault: Option<Key>,
}

/// Somebody who follows the patient now.
#[derive(Debug)]
struct HolderView {
    /// As forms say it.
    holder: String,
    name: String,
    from: WallMs,
    until: Option<WallMs>,
    why: String,
    by: String,
    /// Whether it may be ended here.
    may_end: bool,
}

/// Somebody who did.
#[derive(Debug)]
struct PastView {
    name: String,
    from: WallMs,
    until: WallMs,
    why: String,
}

impl CarePage {
    /// The page of a patient; none when nobody is on file under this identifier. Writes in the
    /// access log that it is read.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn load(desk: PlanDesk<'_>, patient: PatientId) -> Result<Option<Self>, PageError> {
        let (record, actor) = (desk.record, desk.actor);
        let person = identity::known(record, actor, patient).await?;
        let Some(person) = person else {
            return Ok(None);
        };
        let read = access::opens_care(record, actor, patient, desk.now).await;
        read.map_err(PageError::Access)?;
        let w = desk.words();
        let caring = care::of(record, actor, person.id).await;
        let caring = caring.map_err(PageError::Access)?;
        let signed = book::signatures(record, actor).await;
        let signed = signed.map_err(|error| PageError::Names(Box::new(error)))?;
        let held = left_to_the_centre(record, actor, patient, desk.now).await?;
        let may_write = may_write(desk.role);
        let (units, doctors) = match may_write {
            true => choices(desk).await?,
            false => (Vec::new(), Vec::new()),
        };
        let (open, over): (Vec<Caring>, Vec<Caring>) =
            caring.into_iter().partition(|it| is_open(it, desk.now));
        let now = open
            .iter()
            .map(|it| holder(w, it, &signed, held.is_empty()));
        let past = over.iter().filter_map(|it| past(w, it, &signed));
        Ok(Some(Self {
            w,
            name: identity::full_name(&person),
            patient: patient.to_string(),
            may_write,
            now: now.collect(),
            past: past.take(PAST_SHOWN).collect(),
            doctor: doctor_of(desk, person.id).await?,
            units,
            doctors,
            held: held.iter().map(|it| it.said(w)).collect(),
            typed: CareForm::default(),
            fault: None,
        }))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("entrust-title", "name", &self.name).to_string()
    }

    fn refusing(self, fault: Key, form: &CareForm) -> Box<Self> {
        Box::new(Self {
            fault: Some(fault),
            typed: form.clone(),
            ..self
        })
    }

    /// Whether a form comes back with a fault.
    fn is_faulty(&self, act: &str, holder: &str) -> bool {
        self.fault.is_some() && self.typed.act == act && self.typed.holder == holder
    }

    /// What was typed into a form that comes back.
    fn why(&self, act: &str, holder: &str) -> &str {
        match self.is_faulty(act, holder) {
            true => &self.typed.why,
            false => "",
        }
    }

    fn is_doctor(&self, doctor: &i64) -> bool {
        self.fault.is_some() && self.typed.doctor == doctor.to_string()
    }

    fn until(&self, act: &str) -> &str {
        match self.is_faulty(act, "") {
            true => &self.typed.until,
            false => "",
        }
    }
}

/// Nurses and doctors of the centre say who follows a patient.
fn may_write(role: Role) -> bool {
    matches!(role, Role::Nurse | Role::Doctor)
}

fn is_open(caring: &Caring, now: WallMs) -> bool {
    caring.until.is_none_or(|until| now < until)
}

fn holder(w: Words, of: &Caring, signed: &Signatures, is_free: bool) -> HolderView {
    let holder: Option<Holder> = of.holder.parse().ok();
    HolderView {
        name: named(w, &of.holder, signed),
        from: of.from,
        until: of.until,
        why: of.why.clone(),
        by: signed.name(w, &of.by),
        // A broken glass ends by itself within the hour.
        may_end: holder.is_some_and(|it| it != Holder::Centre || is_free),
        holder: of.holder.clone(),
    }
}

fn past(w: Words, of: &Caring, signed: &Signatures) -> Option<PastView> {
    Some(PastView {
        name: named(w, &of.holder, signed),
        from: of.from,
        until: of.until?,
        why: of.why.clone(),
    })
}

/// Who holds somebody, as pages say it.
fn named(w: Words, holder: &str, signed: &Signatures) -> String {
    match holder.parse() {
        Ok(Holder::Centre) => w.say("entrust-centre").into_owned(),
        Ok(Holder::OutOfHours) => w.say("entrust-out-of-hours").into_owned(),
        Ok(Holder::Unit(unit)) => w.with("entrust-unit", "unit", unit.as_str()).to_string(),
        // Whoever broke the glass.
        Err(_) => match holder.parse::<Party>() {
            Ok(_) => w
                .with("entrust-glass", "who", signed.name(w, holder))
                .to_string(),
            Err(_) => holder.to_owned(),
        },
    }
}

/// Units that accounts are tied to, and every family doctor.
async fn choices(desk: PlanDesk<'_>) -> Result<(Vec<String>, Vec<(i64, String)>), PageError> {
    let accounts = staff::active(desk.record, desk.actor).await;
    let accounts = accounts.map_err(PageError::Access)?;
    let units = accounts.into_iter().filter_map(|it| match it.belongs {
        Some(Belongs::Unit(unit)) => Some(unit.as_str().to_owned()),
        Some(Belongs::Mmg(_)) | None => None,
    });
    let units: BTreeSet<String> = units.collect();
    let doctors = mmg::list(desk.record, desk.actor).await;
    let doctors = doctors.map_err(PageError::Access)?.into_iter();
    let doctors = doctors.map(|it| (it.id.get(), it.name));
    Ok((units.into_iter().collect(), doctors.collect()))
}

async fn doctor_of(desk: PlanDesk<'_>, person: PersonId) -> Result<Option<String>, PageError> {
    let called = roll::call(desk.record, desk.actor, &[person], desk.now).await;
    let mut called = called.map_err(PageError::Access)?;
    let doctor = called.remove(&person).and_then(|it| it.doctor);
    Ok(doctor.map(|(_, name)| name))
}

/// What a field of a day and an hour holds, in Rome; of an hour that a clock shows twice, the
/// first.
fn moment_of(field: &str) -> Option<WallMs> {
    let local: DateTime = field.trim().parse().ok()?;
    let at = local.to_zoned(TimeZone::get(TIME_ZONE).ok()?).ok()?;
    Some(WallMs(at.timestamp().as_millisecond()))
}

/// A moment as the diary says it.
fn in_the_diary(at: WallMs) -> String {
    in_italy(at)
}
