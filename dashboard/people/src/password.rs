//! Passwords of staff: argon2id, computed away from the threads that answer requests.
//!
//! The hash carries its own parameters, so they can be raised later without a migration. There is
//! no rule about capitals and digits: length is what helps (NIST SP 800-63B).

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use thiserror::Error;

/// Fewest characters of a new password.
const MIN_CHARS: usize = 12;

/// Most bytes of a password: a long sentence fits, and hashing cost stays bounded.
const MAX_BYTES: usize = 256;

/// Hash of a random password nobody knows, with the parameters in force: an unknown user name
/// must cost as much time as a wrong password, or the time would tell which names exist.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
    Pz4fMsBh+J16H1B3AEJENA$rPTTyWPu3vgZoHhVb+o98eQdC8RYShpIkkrK7+R+Cvg";

/// What someone typed. Not shown by `Debug`.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes the text as typed: spaces count.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self(typed)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why a password cannot be hashed or compared.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// Fewer than 12 characters.
    #[error("a password needs at least {MIN_CHARS} characters: a short sentence is easy to keep")]
    TooShort,
    /// More than 256 bytes.
    #[error("a password may have at most {MAX_BYTES} bytes")]
    TooLong,
    /// The stored hash is not one that this program writes.
    #[error("the stored password hash cannot be read: give this account a new password")]
    Stored(#[source] argon2::password_hash::phc::Error),
    /// The system gave no random numbers or no memory.
    #[error("the password could not be hashed on this machine")]
    Hashing(#[source] argon2::password_hash::Error),
    /// The runtime is stopping.
    #[error("the password was not looked at, because the program is stopping")]
    Stopping(#[source] tokio::task::JoinError),
}

/// Hashes a new password.
pub(crate) async fn hash(password: Password) -> Result<String, PasswordError> {
    if password.0.chars().count() < MIN_CHARS {
        return Err(PasswordError::TooShort);
    }
    if password.0.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    let work = move || {
        let hash: PasswordHash = Argon2::default()
            .hash_password(password.0.as_bytes())
            .map_err(PasswordError::Hashing)?;
        Ok(hash.to_string())
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(PasswordError::Stopping)?
}

/// Whether `password` is the one of `stored`. Without a stored hash the answer is no, after the
/// same time.
pub(crate) async fn verify(
    password: Password,
    stored: Option<String>,
) -> Result<bool, PasswordError> {
    if password.0.len() > MAX_BYTES {
        return Ok(false);
    }
    let work = move || {
        let hash =
            PasswordHash::new(stored.as_deref().unwrap_or(DECOY)).map_err(PasswordError::Stored)?;
        match Argon2::default().verify_password(password.0.as_bytes(), &hash) {
            Ok(()) => Ok(stored.is_some()),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(PasswordError::Hashing(error)),
        }
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(PasswordError::Stopping)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let stored = hash(typed("il gatto sul davanzale")).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(
            verify(typed("il gatto sul davanzale"), Some(stored.clone()))
                .await
                .unwrap()
        );
        assert!(
            !verify(typed("Il gatto sul davanzale"), Some(stored))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_new_hash_costs_and_opens_nothing() {
        let parameters = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
        let stored = hash(typed("il gatto sul davanzale")).await.unwrap();
        assert_eq!(parameters(DECOY), parameters(&stored));
        assert!(!verify(typed(""), None).await.unwrap());
    }

    #[tokio::test]
    async fn too_short_and_too_long_passwords_are_refused() {
        assert!(matches!(
            hash(typed("undici car.")).await,
            Err(PasswordError::TooShort)
        ));
        assert!(matches!(
            hash(typed(&"a".repeat(257))).await,
            Err(PasswordError::TooLong)
        ));
        assert!(!verify(typed(&"a".repeat(257)), None).await.unwrap());
    }
}
