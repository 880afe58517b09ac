//! What a form holds, as typed. Nothing of it is thrown away, and nothing is changed, before it is
//! saved or somebody leaves the page.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::need::{KINDS, WORDS_MAX};
use crate::number::ASKED;
use crate::said::{SIGNS, STATE};

/// Longest text of a field that is not free text: the names of answers and numbers are shorter.
const TEXT_MAX: usize = 200;

/// Which fields of free text there are.
const FREE: [&str; 2] = ["need_words", "note"];

/// Which others there are, beside the questions.
const OTHERS: [&str; 6] = ["step", "call", "at", "site", "need_place", "need_consent"];

/// The fields of a form, by name; those that no form of ours has are not kept.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Typed(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for Typed {
    fn from(fields: BTreeMap<String, String>) -> Self {
        Self::from_pairs(fields)
    }
}

/// A form holds what people say of their health.
impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

impl Typed {
    pub(crate) fn from_pairs(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        let known = fields.into_iter().filter(|(name, _)| is_ours(name));
        let kept = known.map(|(name, value)| {
            let longest = if FREE.contains(&name.as_str()) {
                WORDS_MAX
            } else {
                TEXT_MAX
            };
            // Browsers send line ends as two characters.
            let value = value.replace("\r\n", "\n");
            (name, value.trim().chars().take(longest).collect())
        });
        Self(kept.collect())
    }

    /// What stands in a field; empty when it is not there.
    pub(crate) fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// Whether somebody has said of the unusual value that stands in a field, and of no other,
    /// that it is what was said.
    pub(crate) fn is_sure(&self, field: &str) -> bool {
        let value = self.get(field);
        !value.is_empty() && self.get(&format!("sure_{field}")) == value
    }

    /// The same with one field set.
    pub(crate) fn with(mut self, field: &str, value: String) -> Self {
        self.0.insert(field.to_owned(), value);
        self
    }

    /// What a form carries along, so that nothing has to be typed again: all but what belongs to
    /// the form itself.
    pub(crate) fn carried(&self) -> impl Iterator<Item = (&String, &String)> {
        let own = ["step", "call", "at"];
        let all = self.0.iter();
        all.filter(move |(name, value)| !own.contains(&name.as_str()) && !value.is_empty())
    }
}

fn is_ours(name: &str) -> bool {
    let questions = SIGNS.iter().chain(&STATE).map(|it| it.field);
    let values = ASKED.iter().map(|it| it.field);
    let sure = name.strip_prefix("sure_");
    OTHERS.contains(&name)
        || FREE.contains(&name)
        || questions.into_iter().any(|it| it == name)
        || values.clone().any(|it| it == name)
        || sure.is_some_and(|name| values.into_iter().any(|it| it == name))
        || KINDS.iter().any(|kind| kind.field == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_of_ours_are_carried_along() {
        let typed = [
            ("spo2", " 93 "),
            ("strange", "x"),
            ("call", "0"),
            ("note", ""),
        ];
        let typed = typed.map(|(a, b)| (a.to_owned(), b.to_owned()));
        let typed = Typed::from_pairs(typed);
        let carried: Vec<_> = typed.carried().collect();
        assert_eq!(carried, [(&"spo2".to_owned(), &"93".to_owned())]);
        assert_eq!(format!("{typed:?}"), "Typed(…)");
    }
}
