//! The numbers of the circulars, as dated data (`rules/*.toml`), and the days that follow from
//! them. Pure: a day is an argument.
//!
//! Which circular holds is asked of a [`RuleBook`] for a day: the newest that is in force then.
//! What is in none of the files is decided by no rule here.

use jiff::civil::Date;
use serde::Deserialize;
use thiserror::Error;
use veglia_people::CalendarError;
use veglia_wire::WallMs;

use crate::calendar::{after, day_of, start_of};

/// Longest span that a circular may name, in days: a slip of the pen is no rule.
const DAYS_MAX: i64 = 365;

/// The circulars that come with the program.
const SHIPPED: &[&str] = &[include_str!("../rules/circolare-2020-10-12.toml")];

/// One circular.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// By what it is known.
    pub id: String,
    /// Of this file: a correction of ours is another version.
    pub version: u32,
    #[serde(deserialize_with = "date")]
    in_force_from: Date,
    /// Where it is written.
    pub source: String,
    pub(crate) case: SameCase,
    pub(crate) recovery: Recovery,
    pub(crate) symptomatic: Symptomatic,
    pub(crate) long_positive: LongPositive,
    pub(crate) retest: Retest,
    pub(crate) contacts: Contacts,
}

/// How long a positive is of the same case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SameCase {
    pub(crate) same_for_days: i64,
    source: String,
}

/// The booking of the recovery swab.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recovery {
    pub(crate) opens_after_days: i64,
    source: String,
}

/// Slots for whoever has or had symptoms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Symptomatic {
    pub(crate) days_from_onset: i64,
    pub(crate) days_without_symptoms: i64,
    pub(crate) not_counted: Vec<Lasting>,
    source: String,
}

/// What may last without counting as a symptom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Lasting {
    Anosmia,
    Ageusia,
    Dysgeusia,
}

/// Whoever goes on testing positive.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongPositive {
    pub(crate) days_from_onset: i64,
    pub(crate) days_without_symptoms: i64,
    source: String,
}

/// The next swab after a further positive: the first, the second; the last holds for all later.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retest {
    pub(crate) after_days: Vec<i64>,
    source: String,
}

/// Who was near a case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contacts {
    pub(crate) days_before: i64,
    pub(crate) quarantine_days: i64,
    pub(crate) tested_days: i64,
    source: String,
}

/// Why a file is no circular.
#[derive(Debug, Error)]
pub enum RulesError {
    /// It is not written as one.
    #[error("the rules cannot be read")]
    Text(#[source] toml::de::Error),
    /// Numbers that cannot be meant.
    #[error("{id}: {field} must be 0 to {DAYS_MAX} days")]
    Days {
        /// Of which circular.
        id: String,
        /// Which number.
        field: &'static str,
    },
    /// A rule without its source.
    #[error("{id}: every rule names its source")]
    Source {
        /// Of which circular.
        id: String,
    },
}

/// Until when somebody who was near a case stays at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quarantine {
    /// From the last exposure.
    Counted {
        /// The last day, without a test.
        until: Date,
        /// From when on a negative test ends it earlier.
        tested_from: Date,
    },
    /// The exposure goes on: an operator sets the day.
    OperatorSets,
}

impl Rules {
    /// Reads a circular.
    ///
    /// # Errors
    /// See [`RulesError`].
    pub fn read(text: &str) -> Result<Self, RulesError> {
        let rules: Self = toml::from_str(text).map_err(RulesError::Text)?;
        let id = || rules.id.clone();
        let counted = [
            ("case.same_for_days", rules.case.same_for_days),
            ("recovery.opens_after_days", rules.recovery.opens_after_days),
            (
                "symptomatic.days_from_onset",
                rules.symptomatic.days_from_onset,
            ),
            (
                "symptomatic.days_without_symptoms",
                rules.symptomatic.days_without_symptoms,
            ),
            (
                "long_positive.days_from_onset",
                rules.long_positive.days_from_onset,
            ),
            (
                "long_positive.days_without_symptoms",
                rules.long_positive.days_without_symptoms,
            ),
            ("contacts.days_before", rules.contacts.days_before),
            ("contacts.quarantine_days", rules.contacts.quarantine_days),
            ("contacts.tested_days", rules.contacts.tested_days),
        ];
        let retests = rules.retest.after_days.iter();
        let retests = retests.map(|days| ("retest.after_days", *days));
        let mut all = counted.into_iter().chain(retests);
        if let Some((field, _)) = all.find(|(_, days)| !(0..=DAYS_MAX).contains(days)) {
            return Err(RulesError::Days { id: id(), field });
        }
        if rules.retest.after_days.is_empty() {
            let field = "retest.after_days";
            return Err(RulesError::Days { id: id(), field });
        }
        let sources = [
            &rules.source,
            &rules.case.source,
            &rules.recovery.source,
            &rules.symptomatic.source,
            &rules.long_positive.source,
            &rules.retest.source,
            &rules.contacts.source,
        ];
        if sources.into_iter().any(|source| source.trim().is_empty()) {
            return Err(RulesError::Source { id: id() });
        }
        Ok(rules)
    }

    /// From what moment on the recovery swab may be booked: the beginning, in Italy, of the tenth
    /// day after the one on which the positive swab was taken.
    ///
    /// # Errors
    /// When the moment is outside every calendar.
    pub fn opens_at(&self, positive: WallMs) -> Result<WallMs, CalendarError> {
        start_of(self.opens_on(day_of(positive)?)?)
    }

    /// Whether it may be booked at this moment.
    ///
    /// # Errors
    /// As [`Rules::opens_at`].
    pub fn is_open(&self, positive: WallMs, now: WallMs) -> Result<bool, CalendarError> {
        Ok(now >= self.opens_at(positive)?)
    }

    /// The day on which the booking opens.
    pub(crate) fn opens_on(&self, swab: Date) -> Result<Date, CalendarError> {
        after(swab, self.recovery.opens_after_days)
    }

    /// The day of the next swab after the further positive of this number, from 0.
    pub(crate) fn retest_on(&self, number: usize, positive: Date) -> Result<Date, CalendarError> {
        let days = &self.retest.after_days;
        let days = days.get(number).or_else(|| days.last());
        after(positive, days.copied().unwrap_or_default())
    }

    /// Since when somebody near the case counts as its contact. `first` is the day of the onset,
    /// and without symptoms that of the swab.
    ///
    /// # Errors
    /// When the day is outside every calendar.
    pub fn contacts_since(&self, first: Date) -> Result<Date, CalendarError> {
        after(first, -self.contacts.days_before)
    }

    /// How long a contact stays at home; without a last exposure it goes on.
    ///
    /// # Errors
    /// When a day is outside every calendar.
    pub fn quarantine(&self, last_exposure: Option<Date>) -> Result<Quarantine, CalendarError> {
        let Some(last) = last_exposure else {
            return Ok(Quarantine::OperatorSets);
        };
        Ok(Quarantine::Counted {
            until: after(last, self.contacts.quarantine_days)?,
            tested_from: after(last, self.contacts.tested_days)?,
        })
    }
}

/// All circulars, by the day on which they come into force.
#[derive(Debug, Clone)]
pub struct RuleBook(Vec<Rules>);

impl RuleBook {
    /// Those that come with the program.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn shipped() -> Self {
        Self::read(SHIPPED).expect("the circulars that come with the program are read by a test")
    }

    /// Reads several.
    ///
    /// # Errors
    /// See [`RulesError`].
    pub fn read(texts: &[&str]) -> Result<Self, RulesError> {
        let rules = texts.iter().map(|text| Rules::read(text));
        let mut rules = rules.collect::<Result<Vec<_>, _>>()?;
        rules.sort_by_key(|it| (it.in_force_from, it.version));
        Ok(Self(rules))
    }

    /// What holds on a day; of a day before the first circular, the first.
    ///
    /// # Panics
    /// Never: a book has at least one circular, or it was not read.
    #[must_use]
    pub fn on(&self, day: Date) -> &Rules {
        let in_force = self.0.iter().rfind(|it| it.in_force_from <= day);
        let first = in_force.or_else(|| self.0.first());
        first.expect("a book has at least one circular")
    }
}

fn date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
