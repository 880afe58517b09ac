//! A result that a person mends, or sets aside with a reason.
//!
//! What came is beside the form and stays as it came. Looking at it is in the access log.

use askama::Template;
use serde::Deserialize;
use veglia_words::{Key, Words};

use crate::book::{self, Entry};
use crate::lists::{self, Opened, Why};
use crate::page::{Desk, LaboratoryError, address, reason, why};
use crate::written::{Fault, Written};

/// Longest reason for setting something aside.
const WHY_CHARS_MAX: usize = 200;

/// What the address names: a part of it, and a number.
pub type Named<'a> = (Shelf, &'a str);

/// Where in the address an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Messages that could not be read.
    Messages,
    /// Results that somebody has to look at.
    Results,
}

/// The form, to be framed by a door.
#[derive(Template)]
#[template(path = "mend.html")]
pub struct MendPage {
    w: Words,
    address: String,
    received: String,
    reasons: Vec<Key>,
    message: String,
    fields: Vec<Field>,
    /// Whether a person says that there is no telephone.
    no_phone: bool,
    why: String,
    why_fault: Option<Key>,
    is_refused: bool,
    /// Of a result that only the cases know what to do with.
    is_for_the_case: bool,
    /// Who was positive before, with their number: somebody has to call.
    was_positive: Option<String>,
    /// Of a message, how many people are in it and what is registered.
    inside: Option<String>,
}

struct Field {
    name: &'static str,
    label: Key,
    hint: Option<Key>,
    value: String,
    faults: Vec<Key>,
}

/// What was typed; not shown by `Debug`, which is not there.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct MendForm {
    laboratory: String,
    order: String,
    person: String,
    surname: String,
    name: String,
    born: String,
    phone: String,
    no_phone: String,
    taken: String,
    reported: String,
    test: String,
    outcome: String,
    status: String,
    why: String,
    act: String,
}

/// What became of it.
pub enum Mended {
    /// It is settled.
    Done,
    /// A result is registered, and its message waits for the others in it.
    More,
    /// The form again, with what is wrong beside the fields.
    Faulty(Box<MendPage>),
    /// Nobody has to look at it, or not any more.
    Unknown,
}

fn entry((shelf, number): Named<'_>) -> Option<Entry> {
    let number = number.parse().ok()?;
    Some(match shelf {
        Shelf::Messages => Entry::Message(number),
        Shelf::Results => Entry::Result(number),
    })
}

impl MendForm {
    fn written(&self) -> Written {
        let written = Written {
            laboratory: self.laboratory.clone(),
            order: self.order.clone(),
            person: self.person.clone(),
            surname: self.surname.clone(),
            name: self.name.clone(),
            born: self.born.clone(),
            phone: self.phone.clone(),
            taken: self.taken.clone(),
            reported: self.reported.clone(),
            test: self.test.clone(),
            outcome: self.outcome.clone(),
            status: self.status.clone(),
            no_phone: self.no_phone.clone(),
        };
        written.tidied()
    }
}

impl MendPage {
    /// The form for what the address names; `None` when nobody has to look at it.
    ///
    /// # Errors
    /// See [`LaboratoryError`].
    pub async fn load(desk: Desk<'_>, named: Named<'_>) -> Result<Option<Self>, LaboratoryError> {
        let Some(entry) = entry(named) else {
            return Ok(None);
        };
        let opened = lists::open(desk.record, &desk.who.actor(), entry, desk.now).await;
        let opened = opened.map_err(LaboratoryError::Record)?;
        Ok(opened.map(|opened| {
            let faults = match &opened.waiting.why {
                Why::Faults(faults) => faults.clone(),
                _ => Vec::new(),
            };
            let written = opened.written.clone();
            Self::of(desk, &opened, &written, &faults)
        }))
    }

    fn of(desk: Desk<'_>, opened: &Opened, written: &Written, faults: &[Fault]) -> Self {
        let w = desk.w();
        Self {
            w,
            address: address(opened.waiting.entry),
            received: w.language.moment(opened.waiting.received),
            reasons: why(&opened.waiting.why),
            message: opened.message.clone(),
            fields: fields(written, faults),
            no_phone: !written.no_phone.is_empty(),
            why: String::new(),
            why_fault: None,
            is_refused: false,
            is_for_the_case: matches!(
                opened.waiting.why,
                Why::Cancelled | Why::TakenBack | Why::Refused
            ),
            was_positive: opened.before.as_ref().map(|it| {
                let who = format!("{} {}, {}, {}", it.surname, it.name, it.person, it.phone);
                w.with("mend-was-positive", "who", who).to_string()
            }),
            inside: opened.inside.map(|it| {
                let people = it.people.to_string();
                w.with("mend-inside", "people", people)
                    .and("registered", it.registered.to_string())
                    .to_string()
            }),
        }
    }

    /// What the browser's tab says.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("mend-title").into_owned()
    }
}

fn fields(written: &Written, faults: &[Fault]) -> Vec<Field> {
    let field = |name, label, hint, value: &str| {
        let here = faults.iter().filter(|it| it.field() == name);
        Field {
            name,
            label,
            hint,
            value: value.to_owned(),
            faults: here.map(|it| reason(*it)).collect(),
        }
    };
    let day = Some(Key("mend-hint-moment"));
    vec![
        field(
            "laboratory",
            Key("field-laboratory"),
            None,
            &written.laboratory,
        ),
        field("order", Key("field-order"), None, &written.order),
        field(
            "person",
            Key("field-person"),
            Some(Key("mend-hint-person")),
            &written.person,
        ),
        field("surname", Key("field-surname"), None, &written.surname),
        field("name", Key("field-name"), None, &written.name),
        field("born", Key("field-born"), None, &written.born),
        field("phone", Key("field-phone"), None, &written.phone),
        field("taken", Key("field-taken"), day, &written.taken),
        field("reported", Key("field-reported"), day, &written.reported),
        field(
            "test",
            Key("field-test"),
            Some(Key("mend-hint-test")),
            &written.test,
        ),
        field(
            "outcome",
            Key("field-outcome"),
            Some(Key("mend-hint-outcome")),
            &written.outcome,
        ),
        field(
            "status",
            Key("field-status"),
            Some(Key("mend-hint-status")),
            &written.status,
        ),
    ]
}

/// Writes the mended result in place of what came, or that it was set aside.
///
/// # Errors
/// See [`LaboratoryError`]; nothing was written then.
pub async fn mend(
    desk: Desk<'_>,
    named: Named<'_>,
    form: &MendForm,
) -> Result<Mended, LaboratoryError> {
    let Some(entry) = entry(named) else {
        return Ok(Mended::Unknown);
    };
    let actor = desk.who.actor();
    let opened = lists::open(desk.record, &actor, entry, desk.now).await;
    let Some(opened) = opened.map_err(LaboratoryError::Record)? else {
        return Ok(Mended::Unknown);
    };
    let written = form.written();
    let settled = match form.act.as_str() {
        "mend" => {
            if let Err(faults) = written.read(desk.now) {
                let mut page = MendPage::of(desk, &opened, &written, &faults);
                page.is_refused = true;
                return Ok(Mended::Faulty(Box::new(page)));
            }
            book::mend(desk.record, &actor, entry, &written, desk.now).await
        }
        "all" => match entry {
            Entry::Message(id) => book::all_registered(desk.record, &actor, id, desk.now).await,
            Entry::Result(_) => return Err(LaboratoryError::Form),
        },
        "set-aside" => {
            let why = form.why.trim();
            let is_said = !why.is_empty() && why.chars().count() <= WHY_CHARS_MAX;
            if !is_said || why.contains(char::is_control) {
                let mut page = MendPage::of(desk, &opened, &written, &[]);
                page.why.clone_from(&form.why);
                page.why_fault = Some(Key("mend-why-fault"));
                page.is_refused = true;
                return Ok(Mended::Faulty(Box::new(page)));
            }
            book::set_aside(desk.record, &actor, entry, why, desk.now).await
        }
        _ => return Err(LaboratoryError::Form),
    };
    let is_first = settled.map_err(LaboratoryError::Record)?;
    let has_more = form.act == "mend" && matches!(entry, Entry::Message(_));
    Ok(match (is_first, has_more) {
        (true, true) => Mended::More,
        (true, false) => Mended::Done,
        (false, _) => Mended::Unknown,
    })
}
