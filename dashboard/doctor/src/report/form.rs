//! The form of a report as it was sent, and what it says, or what is wrong beside each field.

use std::collections::{BTreeMap, HashMap};

use jiff::Span;
use jiff::civil::Date;
use serde::Deserialize;
use veglia_people::{CodiceFiscale, Phone};
use veglia_words::{Key, Words};

use crate::rows::report::Model;

/// How long ago symptoms may have begun: what is older asks for no diagnostic swab.
const ONSET_DAYS: i64 = 30;

/// Longest note, in characters.
pub(super) const WORDS_MAX: usize = 500;

/// A form as it was sent: names of fields and what was typed. A field that is not there is empty.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct ReportForm(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for ReportForm {
    fn from(fields: BTreeMap<String, String>) -> Self {
        Self(fields)
    }
}

/// Who is ill with what is nobody's to read in a log.
impl std::fmt::Debug for ReportForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportForm(…)")
    }
}

/// What a symptom is stored as, and its field, and its word. A code never changes its meaning.
pub(super) const SYMPTOMS: [(&str, Key); 9] = [
    ("fever", Key("symptom-fever")),
    ("cough", Key("symptom-cough")),
    ("breath", Key("symptom-breath")),
    ("smell-taste", Key("symptom-smell-taste")),
    ("throat", Key("symptom-throat")),
    ("cold", Key("symptom-cold")),
    ("aches", Key("symptom-aches")),
    ("weakness", Key("symptom-weakness")),
    ("gut", Key("symptom-gut")),
];

/// What a form says.
pub(super) struct Draft {
    pub(super) code: CodiceFiscale,
    pub(super) phone: Phone,
    pub(super) onset: Date,
    pub(super) symptoms: String,
    pub(super) words: String,
}

pub(super) type Faults = BTreeMap<&'static str, Key>;

impl ReportForm {
    pub(super) fn typed(&self, field: &str) -> &str {
        self.0.get(field).map_or("", |typed| typed.trim())
    }

    pub(super) fn has(&self, symptom: &str) -> bool {
        !self.typed(&format!("s-{symptom}")).is_empty()
    }

    pub(super) fn read(&self, today: Option<Date>) -> Result<Draft, Faults> {
        let mut faults = Faults::new();
        let code: Result<CodiceFiscale, _> = self.typed("codice").parse();
        let phone: Result<Phone, _> = self.typed("telefono").parse();
        let onset: Option<Date> = self.typed("inizio").parse().ok();
        let is_known = |onset: &Date| {
            let Some(today) = today else { return false };
            let earliest = today.checked_sub(Span::new().days(ONSET_DAYS));
            *onset <= today && earliest.is_ok_and(|earliest| earliest <= *onset)
        };
        let onset = onset.filter(is_known);
        let chosen = SYMPTOMS.iter().filter(|(code, _)| self.has(code));
        let symptoms: Vec<&str> = chosen.map(|(code, _)| *code).collect();
        let words = self.typed("note").replace("\r\n", "\n");
        if code.is_err() {
            faults.insert("codice", Key("report-code-fault"));
        }
        if phone.is_err() {
            faults.insert("telefono", Key("report-phone-fault"));
        }
        if onset.is_none() {
            faults.insert("inizio", Key("report-onset-fault"));
        }
        let is_odd = |letter: char| letter.is_control() && letter != '\n';
        if words.chars().count() > WORDS_MAX || words.contains(is_odd) {
            faults.insert("sintomi", Key("report-words-fault"));
        } else if symptoms.is_empty() && words.is_empty() {
            faults.insert("sintomi", Key("report-symptoms-fault"));
        }
        match (code, phone, onset) {
            (Ok(code), Ok(phone), Some(onset)) if faults.is_empty() => Ok(Draft {
                code,
                phone,
                onset,
                symptoms: symptoms.join(","),
                words,
            }),
            _ => Err(faults),
        }
    }
}

/// What somebody was reported with, in the reader's language.
pub(super) fn symptoms(words: Words, row: &Model) -> String {
    let known: HashMap<&str, Key> = SYMPTOMS.into_iter().collect();
    let said = row.symptoms.split(',').filter(|code| !code.is_empty());
    let said = said.map(|code| match known.get(code) {
        Some(word) => words.say(*word).into_owned(),
        None => code.to_owned(),
    });
    let note = Some(row.words.clone()).filter(|note| !note.is_empty());
    said.chain(note).collect::<Vec<_>>().join(", ")
}
