//! Putting somebody on file: who they are, their plan, their devices and what they agreed to, at
//! the centre or by the hospital that discharges them into telemonitoring.
//!
//! ```text
//! EnrolForm, typed ─▶ Draft, or a sentence beside each field ─▶ one transaction ─▶ PatientId
//! ConsentForm ─▶ consent (append-only) ─▶ ConsentsPage
//! ```
//! Pages and functions, in two languages; no routes: a door mounts them, frames them and says who
//! acts. What was typed is never lost, and every page is complete without scripts.
//!
//! **All or nothing.** Person, family doctor, plan, care relation, consents and devices are written
//! in one transaction: nobody is followed without a plan because a label was misread.
//!
//! **Nobody twice.** Somebody on file is found by the Codice Fiscale. The centre is led to their
//! page; a hospital's unit that gives the same name as well is entrusted with them from now on,
//! with the kit and the consents of the form; otherwise it learns no more than that the code is
//! known.
//!
//! **What was agreed to is a row that stays** ([`consent`]): which text in which version, given or
//! withdrawn, when, how, and who wrote it. A withdrawal ends nothing by itself: the page says what
//! a person has to do then.
//!
//! **Deliberately absent**: people without a Codice Fiscale, and changing who somebody is.

pub mod consent;
mod consents;
mod enrol;
mod form;
mod notice;
mod page;
mod rows;
mod schema;

pub use consents::{ConsentForm, ConsentOutcome, ConsentsPage, write_consent};
pub use enrol::{EnrolError, EnrolOutcome, enrol};
pub use form::EnrolForm;
pub use notice::Item;
pub use page::{EnrolDesk, EnrolPage};
pub use schema::SCHEMA;

use veglia_people::PersonId;
use veglia_people::staff::Role;
use veglia_view::PatientId;
use veglia_words::Pack;

/// What this room's pages say.
pub(crate) static WORDS: Pack = Pack::new(
    &[include_str!("../words/it/enrol.ftl")],
    &[include_str!("../words/en/enrol.ftl")],
);

/// Whether somebody of this role puts patients on file: who writes plans, and whoever discharges.
#[must_use]
pub fn enrols(role: Role) -> bool {
    matches!(role, Role::Nurse | Role::Doctor | Role::HospitalDoctor)
}

/// The patient who is this person: the same number names both.
fn patient_of(person: PersonId) -> Option<PatientId> {
    u64::try_from(person.get()).ok().map(PatientId::new)
}

/// The person who is this patient.
fn person_of(patient: PatientId) -> Option<PersonId> {
    i64::try_from(patient.get()).ok().and_then(PersonId::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_in_both_languages() {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(folder, &WORDS, &[]), "");
    }
}
