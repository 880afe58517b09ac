//! The clinical sheet of a person (*scheda clinica*): what whoever is on the telephone, or reads to
//! 112, must know at once. What they have and take, allergies, oxygen at home; how to get in, who
//! has the keys, who else is to be called.
//!
//! **A version is never altered.** Each is a row of its own with its author and its hour; the
//! newest is what pages show, the others its history. Whoever writes names the version that they
//! read: of two who write at once the second is told who was first ([`SheetRefused::Overtaken`]).
//!
//! The sheet is text for people: no rule reads it. What a rule must know (a target, limits) stands
//! in the plan. It names people and addresses, and so it lives here and not in the diary.
//!
//! **Deliberately absent**: coded drugs and diagnoses, and files.

mod rows;

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::rows::person;
use crate::{PersonId, Phone};

pub(crate) use rows::Sheets;
use rows::{ActiveModel, Column, Entity, Model};

/// Longest text of the clinical part, in characters: what is longer is not read at three at night.
pub const MAX_TEXT_CHARS: usize = 1_000;

/// Longest line: a name, a floor, where keys are.
pub const MAX_LINE_CHARS: usize = 200;

/// People to be called beside the patient: more would be a list that nobody calls to its end.
pub const MAX_OTHERS: usize = 3;

/// Versions read at once; what is older stays in the record.
pub const HISTORY_MAX: u64 = 50;

/// Somebody who may be called, or who has the keys. Not shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Other {
    /// How they are called, and who they are to the patient.
    pub name: String,
    /// Their number; empty when none is known.
    pub phone: String,
}

impl Other {
    /// Whether nothing is said of them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.name.is_empty() && self.phone.is_empty()
    }
}

/// What a version says. An empty text says nothing: it does not say that there is nothing. Not
/// shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Background {
    /// Other diseases.
    pub conditions: String,
    /// What they take.
    pub therapy: String,
    /// Allergies and intolerances.
    pub allergies: String,
    /// Oxygen at home: how much, when, by which device.
    pub home_oxygen: String,
    /// Floor, stair, name on the bell, lift.
    pub floor: String,
    /// Where keys are.
    pub keys: String,
    /// Who has keys.
    pub key_holder: Other,
    /// Who is called when the patient does not answer, the first first.
    pub others: Vec<Other>,
    /// The first day of isolation, if they are isolated.
    #[serde(with = "day")]
    pub isolated_since: Option<Date>,
}

/// A day as text, `2020-11-14`; one that is none is read as unknown.
mod day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        day: &Option<Date>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        day.map(|day| day.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Date>, D::Error> {
        let day: Option<String> = Option::deserialize(deserializer)?;
        Ok(day.and_then(|day| day.parse().ok()))
    }
}

impl Background {
    /// The texts as they are kept and compared: without spaces around them, with plain line ends,
    /// numbers in one form, nobody who is empty.
    ///
    /// # Errors
    /// [`SheetRefused::Text`] and [`SheetRefused::Phone`], with the field.
    fn checked(&self) -> Result<Self, SheetRefused> {
        let other = |field, other: &Other| -> Result<Other, SheetRefused> {
            Ok(Other {
                name: line(field, &other.name)?,
                phone: match other.phone.trim() {
                    "" => String::new(),
                    typed => {
                        let phone: Phone = typed.parse().map_err(|_| SheetRefused::Phone(field))?;
                        phone.as_str().to_owned()
                    }
                },
            })
        };
        if self.others.len() > MAX_OTHERS {
            return Err(SheetRefused::Others);
        }
        let others = self.others.iter().zip(OTHERS);
        let others = others.map(|(it, field)| other(field, it));
        let others: Vec<Other> = others.collect::<Result<_, _>>()?;
        Ok(Self {
            conditions: text("conditions", &self.conditions)?,
            therapy: text("therapy", &self.therapy)?,
            allergies: text("allergies", &self.allergies)?,
            home_oxygen: line("home-oxygen", &self.home_oxygen)?,
            floor: line("floor", &self.floor)?,
            keys: line("keys", &self.keys)?,
            key_holder: other("key-holder", &self.key_holder)?,
            others: others.into_iter().filter(|it| !it.is_empty()).collect(),
            isolated_since: self.isolated_since,
        })
    }
}

/// The fields of those who may be called, as faults name them.
const OTHERS: [&str; MAX_OTHERS] = ["other-1", "other-2", "other-3"];

/// A version, as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Which, from 1.
    pub version: i64,
    /// What it says.
    pub says: Background,
    /// Who wrote it: `staff:42`.
    pub by: String,
    /// When, by the clock of care.
    pub at: WallMs,
}

/// Why a version was not written.
#[derive(Debug, Error)]
pub enum SheetRefused {
    /// A text is too long, or holds characters that no keyboard types.
    #[error("{field} has at most {max_chars} ordinary characters")]
    Text {
        /// Which one.
        field: &'static str,
        /// How long it may be.
        max_chars: usize,
    },
    /// No telephone number; the field.
    #[error("{0} has no telephone number that can be called")]
    Phone(&'static str),
    /// Too many people.
    #[error("at most {MAX_OTHERS} people are called beside the patient")]
    Others,
    /// It says what the newest says already.
    #[error("nothing differs from the newest version")]
    Unchanged,
    /// Somebody has written since the page was opened.
    #[error("{by} has written a version meanwhile: read it, then write again")]
    Overtaken {
        /// Who.
        by: String,
        /// When.
        at: WallMs,
    },
    /// Nobody is on file under this number.
    #[error("there is no person {0}")]
    Unknown(PersonId),
    /// The database did not write.
    #[error("the clinical sheet was not written")]
    Store(#[source] TxError),
}

/// Why the sheet could not be read.
#[derive(Debug, Error)]
pub enum SheetError {
    /// The database did not answer.
    #[error("the clinical sheet was not read")]
    Store(#[source] TxError),
    /// A row that this program would not have written.
    #[error("version {version} of the sheet of person {person} is damaged: restore a backup")]
    Damaged {
        /// Whose.
        person: PersonId,
        /// Which.
        version: i64,
    },
}

/// Writes the next version, by somebody who has read version `seen` (0: none). Its number.
///
/// # Errors
/// See [`SheetRefused`]; nothing was written then.
pub async fn write(
    record: &Database,
    actor: &Actor,
    person: PersonId,
    says: &Background,
    seen: i64,
    now: WallMs,
) -> Result<i64, SheetRefused> {
    let says = says.checked()?;
    let body = serde_json::to_string(&says).expect("texts and a date are JSON");
    let (says, body) = (&says, &body);
    record
        .run_tx("background.write", actor, move |tx| {
            Box::pin(async move {
                if person::Entity::find_by_id(person.get())
                    .one(tx)
                    .await?
                    .is_none()
                {
                    return Ok(Err(SheetRefused::Unknown(person)));
                }
                let newest = versions(tx, person, 1).await?.pop();
                let version = newest.as_ref().map_or(0, |row| row.version);
                if let Some(row) = newest {
                    if version != seen {
                        let at = WallMs(row.at_ms);
                        return Ok(Err(SheetRefused::Overtaken {
                            by: row.written_by,
                            at,
                        }));
                    }
                    if read_body(&row.body).is_some_and(|known| known == *says) {
                        return Ok(Err(SheetRefused::Unchanged));
                    }
                } else if *says == Background::default() {
                    return Ok(Err(SheetRefused::Unchanged));
                }
                let row = ActiveModel {
                    id: NotSet,
                    person_id: Set(person.get()),
                    version: Set(version + 1),
                    body: Set(body.clone()),
                    at_ms: Set(now.0),
                    written_by: Set(tx.actor().to_string()),
                };
                Entity::insert(row).exec_without_returning(tx).await?;
                Ok(Ok(version + 1))
            })
        })
        .await
        .map_err(SheetRefused::Store)?
}

/// The newest version; none when nothing was ever written.
///
/// # Errors
/// See [`SheetError`].
pub async fn current(
    record: &Database,
    actor: &Actor,
    person: PersonId,
) -> Result<Option<Sheet>, SheetError> {
    Ok(read_some(record, actor, person, 1).await?.pop())
}

/// Every version, the newest first, at most [`HISTORY_MAX`].
///
/// # Errors
/// See [`SheetError`].
pub async fn history(
    record: &Database,
    actor: &Actor,
    person: PersonId,
) -> Result<Vec<Sheet>, SheetError> {
    read_some(record, actor, person, HISTORY_MAX).await
}

async fn read_some(
    record: &Database,
    actor: &Actor,
    person: PersonId,
    limit: u64,
) -> Result<Vec<Sheet>, SheetError> {
    let rows = record
        .read_tx("background.read", actor, move |tx| {
            Box::pin(async move { versions(tx, person, limit).await })
        })
        .await
        .map_err(SheetError::Store)?;
    let sheet = |row: Model| {
        let version = row.version;
        Ok(Sheet {
            says: read_body(&row.body).ok_or(SheetError::Damaged { person, version })?,
            version,
            by: row.written_by,
            at: WallMs(row.at_ms),
        })
    };
    rows.into_iter().map(sheet).collect()
}

async fn versions(tx: &Tx<'_>, person: PersonId, limit: u64) -> Result<Vec<Model>, TxError> {
    let rows = Entity::find()
        .filter(Column::PersonId.eq(person.get()))
        .order_by_desc(Column::Version)
        .limit(limit);
    Ok(rows.all(tx).await?)
}

fn read_body(body: &str) -> Option<Background> {
    serde_json::from_str(body).ok()
}

fn text(field: &'static str, typed: &str) -> Result<String, SheetRefused> {
    // Browsers send line ends as two characters.
    let typed = typed.replace("\r\n", "\n");
    fitting(field, typed.trim(), MAX_TEXT_CHARS, |letter| letter != '\n')
}

fn line(field: &'static str, typed: &str) -> Result<String, SheetRefused> {
    fitting(field, typed.trim(), MAX_LINE_CHARS, |_| true)
}

fn fitting(
    field: &'static str,
    typed: &str,
    max_chars: usize,
    is_odd: fn(char) -> bool,
) -> Result<String, SheetRefused> {
    let is_fit = typed.chars().count() <= max_chars
        && !typed.contains(|letter: char| letter.is_control() && is_odd(letter));
    let refused = SheetRefused::Text { field, max_chars };
    is_fit.then(|| typed.to_owned()).ok_or(refused)
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Background(…)")
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Other(…)")
    }
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sheet({})", self.version)
    }
}
