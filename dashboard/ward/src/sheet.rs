//! The clinical sheet of a patient as a page: a form, and every version with who wrote it.
//!
//! What was typed is never lost: a form with a fault comes back whole with a sentence beside the
//! field, and so does one that somebody else was quicker than, with what they wrote beside it.
//! Complete without scripts. Whoever works at the centre writes it: it is heard on the telephone.

use std::collections::BTreeMap;

use askama::Template;
use serde::Deserialize;
use veglia_people::PersonId;
use veglia_people::background::{
    self, Background, MAX_LINE_CHARS, MAX_OTHERS, MAX_TEXT_CHARS, Other, Sheet, SheetRefused,
};
use veglia_view::{PatientId, WallMs};

use crate::book::{self, Signatures};
use crate::patient::PageError;
use crate::plan::PlanDesk;
use crate::{access, identity, words};

/// A form as it was sent: names of fields and what was typed. A field that is not there is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SheetForm(BTreeMap<String, String>);

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
    name: String,
    patient: String,
    may_write: bool,
    /// The version that the form begins with; 0 before the first.
    seen: i64,
    notice: Option<String>,
    groups: Vec<(&'static str, Vec<FieldView>)>,
    current: Vec<(&'static str, String)>,
    history: Vec<VersionView>,
}

#[derive(Debug)]
struct FieldView {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: &'static str,
    most: usize,
    value: String,
    fault: String,
}

/// A version, as somebody wrote it.
#[derive(Debug)]
struct VersionView {
    title: String,
    says: Vec<(&'static str, String)>,
}

/// The fields: group, name, label, hint, kind.
const FIELDS: [(&str, &str, &str, &str, &str); 15] = [
    (CLINICAL, "conditions", "Altre malattie", "", "area"),
    (
        CLINICAL,
        "therapy",
        "Terapia in corso",
        "Farmaco, dose, quante volte al giorno",
        "area",
    ),
    (
        CLINICAL,
        "allergies",
        "Allergie e intolleranze",
        "Se non ne ha: «nessuna nota»",
        "area",
    ),
    (
        CLINICAL,
        "home-oxygen",
        "Ossigeno a casa",
        "Litri al minuto, quando; oppure «no»",
        "text",
    ),
    (CLINICAL, "isolated-since", "In isolamento dal", "", "date"),
    (
        HOME,
        "floor",
        "Piano, scala, citofono",
        "Per chi deve entrare: anche se c’è l’ascensore",
        "text",
    ),
    (HOME, "keys", "Dove sono le chiavi", "", "text"),
    (HOME, "key-holder", "Chi ha le chiavi: nome", "", "text"),
    (
        HOME,
        "key-holder-phone",
        "Chi ha le chiavi: telefono",
        "",
        "tel",
    ),
    (
        CALLED,
        "other-1",
        "Prima persona: nome e chi è",
        "Per esempio «Luca, figlio»",
        "text",
    ),
    (
        CALLED,
        "other-1-phone",
        "Prima persona: telefono",
        "",
        "tel",
    ),
    (
        CALLED,
        "other-2",
        "Seconda persona: nome e chi è",
        "",
        "text",
    ),
    (
        CALLED,
        "other-2-phone",
        "Seconda persona: telefono",
        "",
        "tel",
    ),
    (CALLED, "other-3", "Terza persona: nome e chi è", "", "text"),
    (
        CALLED,
        "other-3-phone",
        "Terza persona: telefono",
        "",
        "tel",
    ),
];

const CLINICAL: &str = "Condizioni e terapia";
const HOME: &str = "Come si entra in casa";
const CALLED: &str = "Chi chiamare se il paziente non risponde";

/// Names of the fields of those who are called, and of their numbers.
const OTHERS: [(&str, &str); MAX_OTHERS] = [
    ("other-1", "other-1-phone"),
    ("other-2", "other-2-phone"),
    ("other-3", "other-3-phone"),
];

const FAULTY: &str = "La scheda non è stata scritta: correggere i campi indicati. Ciò che è stato \
    digitato è ancora qui.";
const UNCHANGED: &str = "Nulla è cambiato rispetto alla scheda attuale: non è stato scritto nulla.";
const NOT_A_DAY: &str = "Scrivere la data come anno-mese-giorno, per esempio 2020-11-14.";
const NOT_A_NUMBER: &str =
    "Non è un numero da chiamare: solo cifre, con il prefisso se non è italiano.";

impl SheetForm {
    /// What a version says, as it would be typed.
    fn of(says: &Background) -> Self {
        let mut form = Self::default();
        let mut set = |name: &str, value: &str| form.0.insert(name.to_owned(), value.to_owned());
        set("conditions", &says.conditions);
        set("therapy", &says.therapy);
        set("allergies", &says.allergies);
        set("home-oxygen", &says.home_oxygen);
        set("floor", &says.floor);
        set("keys", &says.keys);
        set("key-holder", &says.key_holder.name);
        set("key-holder-phone", &says.key_holder.phone);
        for ((name, phone), other) in OTHERS.into_iter().zip(&says.others) {
            set(name, &other.name);
            set(phone, &other.phone);
        }
        if let Some(day) = says.isolated_since {
            set("isolated-since", &day.to_string());
        }
        form
    }

    fn typed(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The version that the page showed; 0 before the first.
    fn seen(&self) -> i64 {
        self.typed("seen").trim().parse().unwrap_or(0)
    }

    /// What the form says.
    ///
    /// # Errors
    /// The field that cannot be read, and why.
    fn read(&self) -> Result<Background, (&'static str, String)> {
        let text = |name: &str| self.typed(name).to_owned();
        let other = |name: &str, phone: &str| Other {
            name: text(name),
            phone: text(phone),
        };
        let isolated_since = match self.typed("isolated-since").trim() {
            "" => None,
            day => {
                let day = day.parse();
                Some(day.map_err(|_| ("isolated-since", NOT_A_DAY.to_owned()))?)
            }
        };
        Ok(Background {
            conditions: text("conditions"),
            therapy: text("therapy"),
            allergies: text("allergies"),
            home_oxygen: text("home-oxygen"),
            floor: text("floor"),
            keys: text("keys"),
            key_holder: other("key-holder", "key-holder-phone"),
            others: OTHERS.map(|(name, phone)| other(name, phone)).to_vec(),
            isolated_since,
        })
    }

    /// The fields of the page, with what was typed and the fault of one of them.
    fn groups(
        &self,
        fault: Option<&(&'static str, String)>,
    ) -> Vec<(&'static str, Vec<FieldView>)> {
        let field =
            |(_, name, label, hint, kind): (_, &'static str, _, _, &'static str)| FieldView {
                name,
                label,
                hint,
                kind,
                most: match kind {
                    "area" => MAX_TEXT_CHARS,
                    "tel" => 20,
                    _ => MAX_LINE_CHARS,
                },
                value: self.typed(name).to_owned(),
                fault: fault
                    .filter(|(faulty, _)| *faulty == name)
                    .map(|(_, why)| why.clone())
                    .unwrap_or_default(),
            };
        let group = |group: &'static str| {
            let fields = FIELDS.into_iter().filter(|it| it.0 == group);
            (group, fields.map(field).collect())
        };
        [CLINICAL, HOME, CALLED].map(group).into()
    }
}

/// What a version says, each with what it is about; what it does not say is left out.
pub(crate) fn facts(says: &Background) -> Vec<(&'static str, String)> {
    let called = |other: &Other| match (other.name.as_str(), other.phone.as_str()) {
        (name, "") => name.to_owned(),
        ("", phone) => phone.to_owned(),
        (name, phone) => format!("{name}, {phone}"),
    };
    let others: Vec<String> = says.others.iter().map(called).collect();
    let day = says
        .isolated_since
        .map(|day| day.strftime("%d/%m/%Y").to_string());
    let all = [
        ("Allergie", says.allergies.clone()),
        ("Altre malattie", says.conditions.clone()),
        ("Terapia", says.therapy.clone()),
        ("Ossigeno a casa", says.home_oxygen.clone()),
        ("In isolamento dal", day.unwrap_or_default()),
        ("Piano, scala, citofono", says.floor.clone()),
        ("Chiavi", says.keys.clone()),
        ("Chi ha le chiavi", called(&says.key_holder)),
        ("Chi chiamare", others.join("; ")),
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
    fault: Option<&(&'static str, String)>,
) -> SheetPage {
    let version = |sheet: &Sheet| VersionView {
        title: title(sheet, &known.signed, desk.now),
        says: facts(&sheet.says),
    };
    SheetPage {
        name: known.name.clone(),
        patient: patient.to_string(),
        may_write: desk.role.is_of_the_centre(),
        seen: known.seen(),
        notice: None,
        groups: form.groups(fault),
        current: facts(&known.says()),
        history: known.written.iter().map(version).collect(),
    }
}

/// Which version, when and by whom.
pub(crate) fn title(sheet: &Sheet, signed: &Signatures, now: WallMs) -> String {
    let (by, at) = (signed.name(&sheet.by), words::at_time(sheet.at, now));
    format!("Versione {}, scritta {at} da {by}", sheet.version)
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
        format!("Scheda clinica di {}", self.name)
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
    let faulty = |fault: &(&'static str, String)| {
        let page = page(desk, patient, &before, form, Some(fault));
        SheetOutcome::Faulty(page.saying(FAULTY.to_owned()))
    };
    let says = match form.read() {
        Ok(says) => says,
        Err(fault) => return Ok(faulty(&fault)),
    };
    let (record, actor) = (desk.record, desk.actor);
    let written =
        background::write(record, actor, before.person, &says, form.seen(), desk.now).await;
    Ok(match written {
        Ok(_) => SheetOutcome::Written,
        Err(SheetRefused::Text { field, max_chars }) => {
            let why = format!("Al massimo {max_chars} caratteri ordinari.");
            faulty(&(field, why))
        }
        Err(SheetRefused::Phone(field)) => faulty(&(phone_of(field), NOT_A_NUMBER.to_owned())),
        Err(SheetRefused::Unchanged | SheetRefused::Others) => {
            let page = page(desk, patient, &before, form, None);
            SheetOutcome::Faulty(page.saying(UNCHANGED.to_owned()))
        }
        Err(SheetRefused::Overtaken { .. }) => {
            let Some(after) = known(desk, patient).await? else {
                return Ok(SheetOutcome::Unknown);
            };
            let page = page(desk, patient, &after, form, None);
            SheetOutcome::Overtaken(page.saying(overtaken(&after, desk.now)))
        }
        Err(SheetRefused::Unknown(_)) => SheetOutcome::Unknown,
        Err(SheetRefused::Store(fault)) => return Err(PageError::SheetWritten(fault)),
    })
}

/// The field of somebody's number.
fn phone_of(field: &'static str) -> &'static str {
    let mut others = OTHERS
        .into_iter()
        .chain([("key-holder", "key-holder-phone")]);
    let found = others.find(|(name, _)| *name == field);
    found.map_or(field, |(_, phone)| phone)
}

/// Who was quicker.
fn overtaken(known: &Known, now: WallMs) -> String {
    let newest = known.written.first();
    let who = newest.map_or_else(String::new, |it| title(it, &known.signed, now));
    format!(
        "La scheda è cambiata mentre questa pagina era aperta. {who}. Nulla è stato scritto; ciò \
         che è stato digitato è ancora qui: confrontarlo con la storia in fondo alla pagina, poi \
         salvare di nuovo."
    )
}
