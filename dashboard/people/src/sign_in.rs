//! The door at which staff show their password, and then their code.

use std::sync::{Mutex, PoisonError};

use thiserror::Error;
use tokio::sync::Semaphore;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::attempts::{Attempts, TooMany};
use crate::codes::{self, CodeError, Shown};
use crate::password::{self, Password, PasswordError};
use crate::rows::staff;
use crate::staff::{Staff, Username, UsernameError};

/// Password hashes computed at once: each takes 19 MiB and a whole processor.
const HASHES_AT_ONCE: usize = 2;

/// Why someone was not let in.
#[derive(Debug, Error)]
pub enum SignInError {
    /// No such account, or disabled, or another password. Which one is not said.
    #[error("the user name or the password is not right")]
    Refused,
    /// Too many tries, of this name or of all together.
    #[error("too many tries: wait {wait_ms} ms")]
    TooMany {
        /// How long until the next try can be looked at.
        wait_ms: i64,
    },
    /// The password could not be compared.
    #[error("the password could not be compared")]
    Password(#[source] PasswordError),
    /// The code could not be compared.
    #[error("the code could not be compared")]
    Code(#[source] CodeError),
    /// The database did not answer.
    #[error("the account could not be looked up")]
    Store(#[source] TxError),
}

/// The door: compares passwords, and slows down who guesses. One per process.
#[derive(Debug)]
pub struct SignIn {
    record: Database,
    attempts: Mutex<Attempts>,
    hashes: Semaphore,
}

impl SignIn {
    /// A door to the accounts of `record`.
    #[must_use]
    pub fn new(record: Database, now: WallMs) -> Self {
        let attempts = Mutex::new(Attempts::new(now));
        Self {
            record,
            attempts,
            hashes: Semaphore::new(HASHES_AT_ONCE),
        }
    }

    /// The account of this user name, if this is its password.
    ///
    /// # Errors
    /// [`SignInError::Refused`] after the same time whatever was wrong, and see the others.
    pub async fn authenticate(
        &self,
        username: &str,
        password: Password,
        now: WallMs,
    ) -> Result<Staff, SignInError> {
        let username: Username = username
            .parse()
            .map_err(|UsernameError| SignInError::Refused)?;
        self.attempts(|attempts| attempts.take(username.as_str(), now))
            .map_err(|TooMany { wait_ms }| SignInError::TooMany { wait_ms })?;
        let name = &username;
        let row = self
            .record
            .read_tx("staff.sign_in", &Actor::System("people"), move |tx| {
                Box::pin(async move {
                    let named = staff::Column::Username.eq(name.as_str());
                    Ok(staff::Entity::find().filter(named).one(tx).await?)
                })
            })
            .await
            .map_err(SignInError::Store)?;
        let stored = row.as_ref().map(|row| row.password_hash.clone());
        let turn = self
            .hashes
            .acquire()
            .await
            .expect("nobody closes this semaphore");
        let right = password::verify(password, stored)
            .await
            .map_err(SignInError::Password)?;
        drop(turn);
        let staff = row
            .filter(|_| right)
            .and_then(Staff::from_row)
            .ok_or(SignInError::Refused)?;
        self.attempts(|attempts| attempts.give_back(username.as_str()));
        Ok(staff)
    }

    /// Whether this is the password of somebody who is signed in: asked once more before what a
    /// screen left open must not be able to do.
    ///
    /// # Errors
    /// As of [`SignIn::authenticate`].
    pub async fn again(
        &self,
        staff: &Staff,
        password: Password,
        now: WallMs,
    ) -> Result<(), SignInError> {
        let id = staff.id.get();
        let actor = staff.actor();
        let row = self.record.read_tx("staff.again", &actor, move |tx| {
            Box::pin(async move { Ok(staff::Entity::find_by_id(id).one(tx).await?) })
        });
        let row = row.await.map_err(SignInError::Store)?;
        let row = row.ok_or(SignInError::Refused)?;
        self.authenticate(&row.username, password, now)
            .await
            .map(drop)
    }

    /// Judges the code of somebody whose password was right.
    ///
    /// # Errors
    /// [`SignInError::Refused`] of a code that is wrong, late or used, and see the others.
    pub async fn second(
        &self,
        staff: &Staff,
        typed: &str,
        now: WallMs,
    ) -> Result<Shown, SignInError> {
        // No user name holds a colon: nobody is slowed by another's codes.
        let bucket = format!("code:{}", staff.id);
        self.attempts(|attempts| attempts.take(&bucket, now))
            .map_err(|TooMany { wait_ms }| SignInError::TooMany { wait_ms })?;
        match codes::show(&self.record, staff, typed, now).await {
            Ok(shown) => {
                self.attempts(|attempts| attempts.give_back(&bucket));
                Ok(shown)
            }
            Err(CodeError::Wrong) => Err(SignInError::Refused),
            Err(CodeError::Store(error)) => Err(SignInError::Store(error)),
            Err(error) => Err(SignInError::Code(error)),
        }
    }

    /// The counts are valid at every step, so a panic elsewhere does not spoil them.
    fn attempts<T>(&self, work: impl FnOnce(&mut Attempts) -> T) -> T {
        work(&mut self.attempts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
