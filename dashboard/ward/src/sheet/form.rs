//! The form of the clinical sheet as it is typed, and what it says.

use std::collections::BTreeMap;

use serde::Deserialize;
use veglia_people::background::{Background, MAX_LINE_CHARS, MAX_OTHERS, MAX_TEXT_CHARS, Other};
use veglia_words::{Key, Words};

/// A form as it was sent: names of fields and what was typed. A field that is not there is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SheetForm(BTreeMap<String, String>);

/// One field of the page.
#[derive(Debug)]
pub(super) struct FieldView {
    pub(super) name: &'static str,
    pub(super) label: Key,
    pub(super) hint: Option<Key>,
    pub(super) kind: &'static str,
    pub(super) most: usize,
    pub(super) value: String,
    pub(super) fault: Option<String>,
}

/// Groups of fields: legend, and of each field name, label, hint and kind.
const GROUPS: [(Key, &[FieldOf]); 3] = [
    (
        Key("sheet-clinical"),
        &[
            ("conditions", Key("sheet-conditions"), None, "area"),
            (
                "therapy",
                Key("sheet-therapy"),
                Some(Key("sheet-therapy-hint")),
                "area",
            ),
            (
                "allergies",
                Key("sheet-allergies"),
                Some(Key("sheet-allergies-hint")),
                "area",
            ),
            (
                "home-oxygen",
                Key("sheet-oxygen"),
                Some(Key("sheet-oxygen-hint")),
                "text",
            ),
            ("isolated-since", Key("sheet-isolated"), None, "date"),
        ],
    ),
    (
        Key("sheet-home"),
        &[
            (
                "floor",
                Key("sheet-floor"),
                Some(Key("sheet-floor-hint")),
                "text",
            ),
            ("keys", Key("sheet-keys"), None, "text"),
            ("key-holder", Key("sheet-holder"), None, "text"),
            ("key-holder-phone", Key("sheet-holder-phone"), None, "tel"),
        ],
    ),
    (
        Key("sheet-called"),
        &[
            (
                "other-1",
                Key("sheet-first"),
                Some(Key("sheet-first-hint")),
                "text",
            ),
            ("other-1-phone", Key("sheet-first-phone"), None, "tel"),
            ("other-2", Key("sheet-second"), None, "text"),
            ("other-2-phone", Key("sheet-second-phone"), None, "tel"),
            ("other-3", Key("sheet-third"), None, "text"),
            ("other-3-phone", Key("sheet-third-phone"), None, "tel"),
        ],
    ),
];

/// Name, label, hint and kind of a field.
type FieldOf = (&'static str, Key, Option<Key>, &'static str);

/// What is wrong with a field, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) field: &'static str,
    pub(super) why: Wrong,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// No day.
    Day,
    /// No number that can be called.
    Phone,
    /// Too long a text, in characters, or odd characters.
    Text(usize),
}

impl Fault {
    fn said(self, w: Words) -> String {
        match self.why {
            Wrong::Day => w.say("sheet-fault-day").into_owned(),
            Wrong::Phone => w.say("sheet-fault-phone").into_owned(),
            Wrong::Text(most) => w.with("sheet-fault-text", "most", most).to_string(),
        }
    }
}

/// Names of the fields of those who are called, and of their numbers.
const OTHERS: [(&str, &str); MAX_OTHERS] = [
    ("other-1", "other-1-phone"),
    ("other-2", "other-2-phone"),
    ("other-3", "other-3-phone"),
];

impl SheetForm {
    /// What a version says, as it would be typed.
    pub(super) fn of(says: &Background) -> Self {
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
    pub(super) fn seen(&self) -> i64 {
        self.typed("seen").trim().parse().unwrap_or(0)
    }

    /// What the form says.
    ///
    /// # Errors
    /// The field that cannot be read, and why.
    pub(super) fn read(&self) -> Result<Background, Fault> {
        let text = |name: &str| self.typed(name).to_owned();
        let other = |name: &str, phone: &str| Other {
            name: text(name),
            phone: text(phone),
        };
        let isolated_since = match self.typed("isolated-since").trim() {
            "" => None,
            day => {
                let (field, why) = ("isolated-since", Wrong::Day);
                Some(day.parse().map_err(|_| Fault { field, why })?)
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
    pub(super) fn groups(&self, w: Words, fault: Option<Fault>) -> Vec<(Key, Vec<FieldView>)> {
        let field = |(name, label, hint, kind): FieldOf| FieldView {
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
                .filter(|fault| fault.field == name)
                .map(|fault| fault.said(w)),
        };
        let group = |(legend, fields): (Key, &[FieldOf])| {
            (legend, fields.iter().copied().map(field).collect())
        };
        GROUPS.into_iter().map(group).collect()
    }
}

/// The field of somebody's number.
pub(super) fn phone_of(field: &'static str) -> &'static str {
    let mut others = OTHERS
        .into_iter()
        .chain([("key-holder", "key-holder-phone")]);
    let found = others.find(|(name, _)| *name == field);
    found.map_or(field, |(_, phone)| phone)
}
