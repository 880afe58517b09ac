//! What needs somebody: the open flags of a patient.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use veglia_diary::OpenFlag;
use veglia_people::staff;
use veglia_store::{Actor, Database, TxError};
use veglia_view::{self as view, AnswerCode, Contact, Standing, What, Why};

use crate::value::in_unit;
use crate::{Moment, Vital};

/// How much a flag asks of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Someone must look now.
    Red,
    /// Someone should look today.
    Amber,
    /// The watch itself is impaired.
    Technical,
}

impl From<view::Severity> for Severity {
    fn from(severity: view::Severity) -> Self {
        match severity {
            view::Severity::Red => Self::Red,
            view::Severity::Amber => Self::Amber,
            view::Severity::Technical => Self::Technical,
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Signed {
    /// As the record has it: `staff:42`, `system:…`, `command:…`.
    pub by: String,
    /// The name of a member of staff; `null` of anybody and anything else.
    #[schema(required)]
    pub name: Option<String>,
}

/// The names behind signatures.
#[derive(Debug, Clone, Default)]
pub struct Signatures(HashMap<String, String>);

impl Signatures {
    /// Reads them.
    ///
    /// # Errors
    /// What the record reports.
    pub async fn read(record: &Database, actor: &Actor) -> Result<Self, TxError> {
        Ok(Self(staff::signatures(record, actor).await?))
    }

    /// Who signed.
    #[must_use]
    pub fn of(&self, by: &str) -> Signed {
        Signed {
            by: by.to_owned(),
            name: self.0.get(by).cloned(),
        }
    }
}

/// What a flag rests on: a value, an answer, or how a sensor holds; the others are `null`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Evidence {
    /// When it was measured or said.
    pub at: Moment,
    /// Of a value: which vital sign.
    #[schema(required)]
    pub vital: Option<Vital>,
    /// Of a value: in `unit`.
    #[schema(required)]
    pub value: Option<f64>,
    /// Of a value: as UCUM writes it.
    #[schema(required)]
    pub unit: Option<&'static str>,
    /// Of an answer: the question's code, such as `breathless-at-rest`.
    #[schema(required, value_type = Option<String>)]
    pub question: Option<AnswerCode>,
    /// Of an answer: 1 yes, 0 no, or the code of the choice.
    #[schema(required)]
    pub answer: Option<i32>,
    /// Of a sensor: `on`, `off`, `searching` or `unmeasurable`.
    #[schema(required, value_type = Option<String>)]
    pub contact: Option<Contact>,
}

impl From<&view::Evidence> for Evidence {
    fn from(evidence: &view::Evidence) -> Self {
        let nothing = Self {
            at: evidence.at.into(),
            vital: None,
            value: None,
            unit: None,
            question: None,
            answer: None,
            contact: None,
        };
        match evidence.what {
            What::Value { vital, steps, .. } => Self {
                vital: Some(vital.into()),
                value: Some(in_unit(vital, steps)),
                unit: Some(vital.ucum()),
                ..nothing
            },
            What::Answer { answer } => Self {
                question: Some(answer.code),
                answer: Some(answer.value),
                ..nothing
            },
            What::Contact { contact, .. } => Self {
                contact: Some(contact),
                ..nothing
            },
        }
    }
}

/// Who has taken charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Held {
    /// Who.
    pub who: Signed,
    /// Since when.
    pub since: Moment,
    /// When it lapses.
    pub until: Moment,
}

/// A flag that still needs somebody.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Flag {
    /// Its name, for acts.
    pub id: String,
    /// How grave.
    pub severity: Severity,
    /// A vital sign, `news2`, `mews`, `symptoms`, `together` or `home`.
    pub about: &'static str,
    /// The rule that raised it.
    pub rule: String,
    /// Of which set of rules.
    pub rule_set: String,
    /// Since when the patient is so.
    pub since: Moment,
    /// When it was raised.
    pub raised_at: Moment,
    /// Whether what raised it arrived late.
    pub is_late: bool,
    /// How often something was said of it: whoever closes it names the telling they have seen.
    pub telling: u32,
    /// Whether it stands, or waits for another measurement.
    pub is_confirmed: bool,
    /// By when another measurement is expected; `null` when none is.
    #[schema(required)]
    pub repeat_by: Option<Moment>,
    /// When it was confirmed; `null` while it is not.
    #[schema(required)]
    pub confirmed_at: Option<Moment>,
    /// What it rests on, the earliest first.
    pub evidence: Vec<Evidence>,
    /// Why its episode ended, if it did and only waits to be closed: `recovered`,
    /// `not-confirmed` and the like.
    #[schema(required, value_type = Option<String>)]
    pub ended_why: Option<Why>,
    /// When.
    #[schema(required)]
    pub ended_at: Option<Moment>,
    /// Who has taken charge; `null` while nobody has.
    #[schema(required)]
    pub charge: Option<Held>,
}

impl Flag {
    /// A flag as the diary has it.
    #[must_use]
    pub fn new(open: &OpenFlag, signed: &Signatures) -> Self {
        let flag = &open.flag;
        let hold = open.alert.as_ref().and_then(|it| it.state.hold.as_ref());
        let (repeat_by, confirmed_at) = match flag.standing {
            Standing::Unconfirmed { repeat_by } => (Some(repeat_by), None),
            Standing::Confirmed { at, .. } => (None, Some(at)),
        };
        Self {
            id: flag.id.to_string(),
            severity: flag.severity.into(),
            about: flag.about.name(),
            rule: flag.id.rule.to_string(),
            rule_set: flag.id.rule_set.to_string(),
            since: flag.since.into(),
            raised_at: open.raised_at.into(),
            is_late: flag.late,
            telling: flag.telling,
            is_confirmed: flag.standing.is_confirmed(),
            repeat_by: repeat_by.map(Moment),
            confirmed_at: confirmed_at.map(Moment),
            evidence: flag.evidence.iter().map(Evidence::from).collect(),
            ended_why: open.ended.map(|(why, _)| why),
            ended_at: open.ended.map(|(_, at)| Moment(at)),
            charge: hold.map(|hold| Held {
                who: signed.of(&hold.by),
                since: hold.since.into(),
                until: hold.until.into(),
            }),
        }
    }
}

/// The open flags of a patient.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Flags {
    /// The gravest first, and of equals the oldest.
    pub flags: Vec<Flag>,
}

impl Flags {
    /// As the diary has them.
    #[must_use]
    pub fn new(mut open: Vec<OpenFlag>, signed: &Signatures) -> Self {
        open.sort_by_key(|it| (std::cmp::Reverse(it.flag.severity), it.raised_at));
        Self {
            flags: open.iter().map(|it| Flag::new(it, signed)).collect(),
        }
    }
}
