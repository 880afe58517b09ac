//! The only crate that knows names: the people cared for, and the staff who care for them.
//!
//! The clinical path (gateway to view) works with numbers and never depends on this crate: what
//! cannot be reached cannot leak. A page that shows a name asks for it here, by [`PersonId`], at
//! the moment of showing it.
//!
//! - [`patients`]: who is followed at home, with a validated [`CodiceFiscale`] and [`Phone`];
//! - [`staff`]: accounts, roles, passwords, and the door that checks them ([`SignIn`]);
//! - [`care`]: whose data somebody may read, and the one function that decides it;
//! - [`codes`]: one-time codes besides the password; [`steps`] between the two;
//! - [`passkeys`] instead of both, and [`subjects`]: identities from elsewhere; [`waiting`] for
//!   the answers of browsers;
//! - [`sessions`]: who is signed in, in the database, so that a session can be ended from anywhere;
//! - [`contacts`], [`mmg`], [`duty`]: how somebody who is called is reached, which family doctor
//!   a patient has, who is on duty with what hours and substitutes; [`links`] open one call;
//! - [`boards`]: screens on a wall, opened by an address; [`views`] of the ward that somebody
//!   keeps;
//! - [`tokens`]: what programs show instead of a session;
//! - [`roll`]: what a list of many says of each; [`place`]: their Municipio or Comune;
//! - [`told`]: what the centre said to a patient;
//! - [`forgotten`]: who was erased, and since when;
//! - [`background`]: the clinical sheet, with keys and who else to call.
//!
//! Names, codes, numbers and addresses never appear in `Debug`, in errors or in logs. Time is an
//! argument everywhere. There is no default account and no default password: the first account is
//! made at the command line.
//!
//! **Deliberately absent**: cases, and citizens signing in, which are the room `isolation`'s.

mod attempts;
mod belongs;
mod care_rows;
mod care_schema;
mod code_rows;
mod code_schema;
mod codice_fiscale;
mod hours;
mod ids;
mod party;
mod passkey_rows;
mod passkey_schema;
mod password;
mod phone;
mod reach_rows;
mod reach_schema;
mod role;
mod rows;
mod schema;
mod sign_in;
mod token_rows;
mod token_schema;

pub mod background;
pub mod boards;
pub mod care;
pub mod codes;
pub mod contacts;
pub mod duty;
pub mod forgotten;
pub mod links;
pub mod mmg;
pub mod passkeys;
pub mod patients;
pub mod place;
pub mod roll;
pub mod sessions;
pub mod staff;
pub mod steps;
pub mod subjects;
pub mod tokens;
pub mod told;
pub mod views;
pub mod waiting;

pub use belongs::{Belongs, Unit, UnitError};
pub use codice_fiscale::{CodiceFiscale, CodiceFiscaleError};
pub use hours::{CalendarError, Hours, HoursError, TIME_ZONE, in_italy};
pub use ids::{IdError, PersonId, StaffId};
pub use party::{MmgId, Party, PartyError};
pub use password::{Password, PasswordError};
pub use phone::{Phone, PhoneError};
pub use schema::SCHEMA;
pub use sign_in::{SignIn, SignInError};
