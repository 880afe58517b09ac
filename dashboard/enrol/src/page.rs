//! The form of somebody who is put on file, as a page.

use askama::Template;
use veglia_people::mmg::{self, Mmg};
use veglia_people::staff::{Role, Staff};
use veglia_store::{Database, TxError};
use veglia_view::{PatientId, Template as PlanTemplate, WallMs};
use veglia_words::{Key, Language, Words};

use crate::consent::How;
use crate::form::{EnrolForm, Fault, WHY_CHARS_MAX};
use crate::notice::Item;
use crate::{WORDS, enrols};

/// Who asks for the page, and what it is made from.
#[derive(Clone, Copy)]
pub struct EnrolDesk<'a> {
    /// The record.
    pub record: &'a Database,
    /// Who asks.
    pub who: &'a Staff,
    /// In which language they read.
    pub language: Language,
    /// The moment, by the clock of care.
    pub now: WallMs,
}

impl EnrolDesk<'_> {
    pub(crate) fn may_enrol(&self) -> bool {
        enrols(self.who.role)
    }
}

/// The form, to be framed by a door.
#[derive(Template)]
#[template(path = "enrol.html")]
pub struct EnrolPage {
    w: Words,
    is_hospital: bool,
    texts: Vec<TextField>,
    doctors: Vec<String>,
    templates: Vec<Choice>,
    template_fault: Option<Key>,
    devices: Vec<TextField>,
    asked: Vec<Asked>,
    hows: Vec<Choice>,
    how_fault: Option<Key>,
    /// Fields with a fault, and what it is, in the order of the form.
    faults: Vec<Fault>,
    /// Who is on file already, when whoever asks may open that page.
    known: Option<PatientId>,
}

/// A field for a line of text.
struct TextField {
    name: &'static str,
    label: Key,
    hint: Option<Key>,
    kind: &'static str,
    value: String,
    list: Option<&'static str>,
    max_chars: usize,
    is_needed: bool,
    fault: Option<Key>,
}

/// One of some.
struct Choice {
    value: &'static str,
    label: String,
    is_chosen: bool,
}

/// Something that is told or asked, with its text.
struct Asked {
    item: Item,
    paragraphs: Vec<&'static str>,
    is_ticked: bool,
    fault: Option<Key>,
}

impl EnrolPage {
    /// The empty form.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn load(desk: EnrolDesk<'_>) -> Result<Self, TxError> {
        let form = EnrolForm {
            template: match desk.who.role {
                Role::HospitalDoctor => "post-discharge".to_owned(),
                _ => "home-covid".to_owned(),
            },
            ..EnrolForm::default()
        };
        Self::typed(desk, &form, Vec::new()).await
    }

    /// The form with what was typed, and what is wrong with it.
    pub(crate) async fn typed(
        desk: EnrolDesk<'_>,
        form: &EnrolForm,
        faults: Vec<Fault>,
    ) -> Result<Self, TxError> {
        let w = WORDS.speaking(desk.language);
        let doctors = mmg::list(desk.record, &desk.who.actor()).await?;
        let is_hospital = desk.who.role == Role::HospitalDoctor;
        let fault = |field: &str| found(&faults, field);
        let asked = Item::ALL.map(|item| Asked {
            item,
            paragraphs: item.paragraphs(item.version(), desk.language),
            is_ticked: form.is_ticked(item),
            fault: fault(item.code()),
        });
        let hows = How::ALL.map(|how| Choice {
            value: how.code(),
            label: w.say(how.name()).into_owned(),
            is_chosen: form.how == how.code(),
        });
        let templates = PlanTemplate::all().into_iter().map(|template| Choice {
            value: template.name,
            label: template.title,
            is_chosen: form.template == template.name,
        });
        Ok(Self {
            w,
            is_hospital,
            texts: texts(form, is_hospital, &faults),
            doctors: doctors.iter().map(named).collect(),
            templates: templates.collect(),
            template_fault: fault("template"),
            devices: devices(form, &faults),
            asked: asked.into(),
            hows: hows.into(),
            how_fault: fault("how"),
            faults,
            known: None,
        })
    }

    pub(crate) fn leading_to(self, known: Option<PatientId>) -> Self {
        Self { known, ..self }
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        let key = match self.is_hospital {
            true => Key("enrol-title-hospital"),
            false => Key("enrol-title"),
        };
        self.w.say(key).into_owned()
    }
}

fn found(faults: &[Fault], field: &str) -> Option<Key> {
    let mut faults = faults.iter();
    faults
        .find(|(name, _)| *name == field)
        .map(|(_, says)| *says)
}

/// As the list of doctors offers them, and the form gives them back.
fn named(doctor: &Mmg) -> String {
    format!("{} ({})", doctor.name, doctor.id)
}

fn texts(form: &EnrolForm, is_hospital: bool, faults: &[Fault]) -> Vec<TextField> {
    let field = |name, label, value: &str| TextField {
        name,
        label,
        hint: None,
        kind: "text",
        value: value.to_owned(),
        list: None,
        max_chars: 200,
        is_needed: true,
        fault: found(faults, name),
    };
    let why = TextField {
        is_needed: false,
        max_chars: WHY_CHARS_MAX,
        hint: Some(match is_hospital {
            true => Key("enrol-why-hospital"),
            false => Key("enrol-why-hint"),
        }),
        ..field("why", Key("enrol-why"), &form.why)
    };
    vec![
        TextField {
            hint: Some(Key("enrol-code-hint")),
            max_chars: 24,
            ..field("code", Key("enrol-code"), &form.code)
        },
        field("surname", Key("enrol-surname"), &form.surname),
        field("name", Key("enrol-name"), &form.name),
        TextField {
            kind: "tel",
            max_chars: 30,
            hint: Some(Key("enrol-phone-hint")),
            ..field("phone", Key("enrol-phone"), &form.phone)
        },
        TextField {
            hint: Some(Key("enrol-address-hint")),
            ..field("address", Key("enrol-address"), &form.address)
        },
        TextField {
            list: Some("doctors"),
            is_needed: false,
            hint: Some(Key("enrol-doctor-hint")),
            ..field("doctor", Key("enrol-doctor"), &form.doctor)
        },
        why,
    ]
}

fn devices(form: &EnrolForm, faults: &[Fault]) -> Vec<TextField> {
    let device = |name, label, value: &str| TextField {
        name,
        label,
        hint: Some(Key("enrol-device-hint")),
        kind: "text",
        value: value.to_owned(),
        list: None,
        max_chars: 64,
        is_needed: false,
        fault: found(faults, name),
    };
    vec![
        device("device1", Key("enrol-device-first"), &form.device1),
        device("device2", Key("enrol-device-second"), &form.device2),
    ]
}
