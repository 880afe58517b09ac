//! A form as it was sent: names of fields and what was typed. A field that is not there is empty.

use std::collections::BTreeMap;

use serde::Deserialize;
use veglia_view::{PatientId, WallMs};

/// Longest recommendation of one patient, in characters: what is longer is a note of the diary.
pub(crate) const LINE_CHARS_MAX: usize = 600;

/// Longest text for everybody: half a page.
pub(crate) const WORDS_CHARS_MAX: usize = 2_000;

/// Before the number of a patient in names of fields. Long texts begin with the first, which is
/// how a form that has lost its session is given back readable.
const WORDS: &str = "words-";
const IN: &str = "in-";
const OFFER: &str = "offer-";
const TAKE: &str = "take-";

/// A form as it was sent.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Form(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for Form {
    fn from(fields: BTreeMap<String, String>) -> Self {
        Self(fields)
    }
}

impl Form {
    fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn of(&self, prefix: &str, patient: PatientId) -> &str {
        self.field(&format!("{prefix}{patient}"))
    }

    /// Which button.
    pub(crate) fn act(&self) -> &str {
        self.field("act")
    }

    /// The change, or the night, that the page was about.
    pub(crate) fn change(&self) -> Option<WallMs> {
        self.field("change").parse().ok().map(WallMs)
    }

    /// Which version the page showed; 0 for none.
    pub(crate) fn seen(&self) -> i64 {
        self.field("seen").parse().unwrap_or(0)
    }

    /// Whom the page showed.
    pub(crate) fn shown(&self) -> Vec<PatientId> {
        let shown = self.field("shown").split_whitespace();
        shown.filter_map(|it| it.parse().ok()).collect()
    }

    /// Who is to be looked for.
    pub(crate) fn sought(&self) -> String {
        one_line(self.field("add"))
    }

    /// What concerns everybody.
    pub(crate) fn words(&self) -> String {
        text(self.field("words"))
    }

    /// What is recommended for a patient.
    pub(crate) fn recommendation(&self, patient: PatientId) -> String {
        text(self.of(WORDS, patient))
    }

    /// Whether a patient is to be handed over.
    pub(crate) fn has(&self, patient: PatientId) -> bool {
        !self.of(IN, patient).is_empty()
    }

    /// Whether the charge of them is given away.
    pub(crate) fn offers(&self, patient: PatientId) -> bool {
        !self.of(OFFER, patient).is_empty()
    }

    /// Whether whoever acknowledges takes the charge of them.
    pub(crate) fn takes(&self, patient: PatientId) -> bool {
        !self.of(TAKE, patient).is_empty()
    }

    /// Whoever is ticked.
    pub(crate) fn ticked(&self) -> Vec<PatientId> {
        let named = self.0.iter().filter(|(_, value)| !value.is_empty());
        let named = named.filter_map(|(name, _)| name.strip_prefix(IN)?.parse().ok());
        named.collect()
    }

    /// Whether nothing was sent at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long a text may be that is longer, or holds what no keyboard types.
    pub(crate) fn fault(&self) -> Option<usize> {
        let is_odd = |text: &str| text.contains(|it: char| it.is_control() && it != '\n');
        let is_long = |text: &str, most| text.chars().count() > most || is_odd(text);
        if is_long(&self.words(), WORDS_CHARS_MAX) {
            return Some(WORDS_CHARS_MAX);
        }
        let mut ticked = self.ticked().into_iter();
        let faulty = ticked.find(|it| is_long(&self.recommendation(*it), LINE_CHARS_MAX));
        faulty.map(|_| LINE_CHARS_MAX)
    }

    /// Whether nothing was said of anybody.
    pub(crate) fn is_mute(&self) -> bool {
        let says = |patient: &PatientId| !self.recommendation(*patient).is_empty();
        self.words().is_empty() && !self.ticked().iter().any(says)
    }
}

/// Browsers send line ends as two characters.
fn text(typed: &str) -> String {
    typed.replace("\r\n", "\n").trim().to_owned()
}

fn one_line(typed: &str) -> String {
    typed.split_whitespace().collect::<Vec<_>>().join(" ")
}
