//! The people followed at home: registering them and finding their names again.
//!
//! A registered person is known to the clinical record only by [`PersonId`].

use std::collections::HashMap;
use std::fmt;

use thiserror::Error;
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::care::{self, Holder};
use crate::rows::person::{Column, Entity, Model};
use crate::{CodiceFiscale, PersonId, Phone};

/// Longest name or surname, in characters: the longest on Italian documents stay well below.
pub const MAX_NAME_CHARS: usize = 100;

/// Longest address, in characters: street, number, stair, postcode and Comune.
pub const MAX_ADDRESS_CHARS: usize = 200;

/// Names asked for in one statement; more are asked for in several.
const NAMES_PER_QUERY: usize = 500;

/// What is known of someone before they have an identifier. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// First name or names.
    pub name: String,
    /// Family name or names.
    pub surname: String,
    /// Tax code, exactly as issued.
    pub codice_fiscale: CodiceFiscale,
    /// Number to call.
    pub phone: Phone,
    /// Where the person stays, in one line.
    pub address: String,
}

/// Someone followed at home. `Debug` shows the identifier alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// What the clinical record calls them.
    pub id: PersonId,
    /// Who they are.
    pub details: NewPerson,
}

/// A name as pages show it. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct FullName {
    /// First name or names.
    pub name: String,
    /// Family name or names.
    pub surname: String,
}

/// Why someone was not registered.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// A text is empty, too long, or holds line breaks and the like.
    #[error("the {field} must have 1 to {max_chars} ordinary characters")]
    Text {
        /// Which one.
        field: &'static str,
        /// How long it may be.
        max_chars: usize,
    },
    /// This Codice Fiscale is already on file.
    #[error("this Codice Fiscale is already registered, as {0}: open that person's page")]
    Known(PersonId),
    /// The system gave no random numbers.
    #[error("no identifier could be made for this person")]
    Random(#[source] getrandom::Error),
    /// The database did not write.
    #[error("the person was not registered")]
    Store(#[source] TxError),
}

/// Why a person could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The database did not answer.
    #[error("people could not be looked up")]
    Store(#[source] TxError),
    /// A row that this program would not have written.
    #[error("the row of person {0} is damaged: restore it from a backup")]
    Damaged(PersonId),
}

/// Registers someone and gives them an identifier.
///
/// # Errors
/// See [`RegisterError`]; nothing was written then.
pub async fn register(
    record: &Database,
    actor: &Actor,
    person: &NewPerson,
    now: WallMs,
) -> Result<PersonId, RegisterError> {
    let enrolment = Enrolment::new(person)?;
    let enrolment = &enrolment;
    let written = record.run_tx("patients.register", actor, move |tx| {
        Box::pin(async move { enrolment.write(tx, now).await })
    });
    written.await.map_err(RegisterError::Store)?
}

/// Someone who was checked and has an identifier, and is not on file yet: for whoever writes more
/// about them in the same transaction.
pub struct Enrolment<'a> {
    person: &'a NewPerson,
    id: PersonId,
}

impl<'a> Enrolment<'a> {
    /// Checks what is known and draws an identifier.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub fn new(person: &'a NewPerson) -> Result<Self, RegisterError> {
        check("name", &person.name, MAX_NAME_CHARS)?;
        check("surname", &person.surname, MAX_NAME_CHARS)?;
        check("address", &person.address, MAX_ADDRESS_CHARS)?;
        let id = PersonId::random().map_err(RegisterError::Random)?;
        Ok(Self { person, id })
    }

    /// Who it will be.
    #[must_use]
    pub fn id(&self) -> PersonId {
        self.id
    }

    /// Puts them on file; from now on the centre follows them.
    ///
    /// # Errors
    /// What the database reports; that they are on file already is the answer, and whoever has the
    /// transaction then gives it up.
    pub async fn write(
        &self,
        tx: &Tx<'_>,
        now: WallMs,
    ) -> Result<Result<PersonId, RegisterError>, TxError> {
        let code = self.person.codice_fiscale.as_str();
        let known = Entity::find()
            .filter(Column::CodiceFiscale.eq(code))
            .one(tx)
            .await?;
        if let Some(known) = known.and_then(|row| PersonId::new(row.id)) {
            return Ok(Err(RegisterError::Known(known)));
        }
        let row = Model {
            id: self.id.get(),
            name: self.person.name.trim().to_owned(),
            surname: self.person.surname.trim().to_owned(),
            codice_fiscale: code.to_owned(),
            phone: self.person.phone.as_str().to_owned(),
            address: self.person.address.trim().to_owned(),
            registered_at_ms: now.0,
            registered_by: tx.actor().to_string(),
            forgotten_at_ms: None,
        };
        Entity::insert(row.into_active_model())
            .exec_without_returning(tx)
            .await?;
        self.entrust(tx, &Holder::Centre, now, "").await?;
        Ok(Ok(self.id))
    }

    /// Entrusts them, once on file, to somebody besides the centre: the unit that discharges them.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn entrust(
        &self,
        tx: &Tx<'_>,
        holder: &Holder,
        now: WallMs,
        why: &str,
    ) -> Result<(), TxError> {
        care::entrust_in(tx, self.id, &holder.to_string(), (now, None), why).await
    }
}

/// Everything on file about one person, or `None` when nobody has this identifier or they were
/// forgotten ([`crate::forgotten`]).
///
/// # Errors
/// See [`ReadError`].
pub async fn get(
    record: &Database,
    actor: &Actor,
    id: PersonId,
) -> Result<Option<Person>, ReadError> {
    let row = record
        .read_tx("patients.get", actor, move |tx| {
            Box::pin(async move { Ok(Entity::find_by_id(id.get()).one(tx).await?) })
        })
        .await
        .map_err(ReadError::Store)?;
    let Some(row) = row.filter(|row| row.forgotten_at_ms.is_none()) else {
        return Ok(None);
    };
    let codice_fiscale = row
        .codice_fiscale
        .parse()
        .map_err(|_| ReadError::Damaged(id))?;
    let phone = row.phone.parse().map_err(|_| ReadError::Damaged(id))?;
    let details = NewPerson {
        name: row.name,
        surname: row.surname,
        codice_fiscale,
        phone,
        address: row.address,
    };
    Ok(Some(Person { id, details }))
}

/// The number of whoever has this tax code. It writes nothing: whoever shows it logs that.
///
/// # Errors
/// What the database reports.
pub async fn number_of(
    record: &Database,
    actor: &Actor,
    code: &CodiceFiscale,
) -> Result<Option<PersonId>, TxError> {
    let row = record.read_tx("patients.number_of", actor, move |tx| {
        Box::pin(async move {
            let coded = Column::CodiceFiscale.eq(code.as_str());
            Ok(Entity::find().filter(coded).one(tx).await?)
        })
    });
    Ok(row.await?.and_then(|row| PersonId::new(row.id)))
}

/// The names of these people; who is not on file is not in the answer.
///
/// # Errors
/// See [`ReadError`].
pub async fn names_of(
    record: &Database,
    actor: &Actor,
    ids: &[PersonId],
) -> Result<HashMap<PersonId, FullName>, ReadError> {
    let rows = record
        .read_tx("patients.names", actor, move |tx| {
            Box::pin(async move {
                let mut rows = Vec::with_capacity(ids.len());
                for some in ids.chunks(NAMES_PER_QUERY) {
                    let numbers = some.iter().map(|id| id.get());
                    rows.extend(
                        Entity::find()
                            .filter(Column::Id.is_in(numbers))
                            .filter(Column::ForgottenAtMs.is_null())
                            .all(tx)
                            .await?,
                    );
                }
                Ok(rows)
            })
        })
        .await
        .map_err(ReadError::Store)?;
    let named = |row: Model| {
        Some((
            PersonId::new(row.id)?,
            FullName {
                name: row.name,
                surname: row.surname,
            },
        ))
    };
    Ok(rows.into_iter().filter_map(named).collect())
}

fn check(field: &'static str, text: &str, max_chars: usize) -> Result<(), RegisterError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max_chars || text.chars().any(char::is_control) {
        return Err(RegisterError::Text { field, max_chars });
    }
    Ok(())
}

/// Surname first, as lists are sorted and as the centre calls people.
impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.surname, self.name)
    }
}

impl fmt::Debug for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FullName(…)")
    }
}

impl fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPerson(…)")
    }
}

impl fmt::Debug for Enrolment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enrolment({})", self.id)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.id)
    }
}
