//! *I miei pazienti*: where a family doctor, a hospital doctor or an out-of-hours doctor begins.
//!
//! Names alone, by the care relation of this moment: nothing clinical is on the list, and opening
//! a page from it is written in the access log like any other.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use veglia_people::care;
use veglia_people::patients::{self, ReadError};
use veglia_people::staff::{Role, Staff};
use veglia_words::{Key, Language, Words};

use crate::Shell;
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![("/miei-pazienti", get(listed))]
}

#[derive(Template)]
#[template(path = "own.html")]
struct OwnPage {
    w: Words,
    /// Number, and surname with name.
    patients: Vec<(String, String)>,
    /// What is said when there is nobody.
    nobody: Key,
}

/// `GET /miei-pazienti`
async fn listed(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    match load(&shell, &user, language).await {
        Ok(page) => Page {
            title: &page.w.say("menu-own"),
            user: Some(&user),
            section: Section::Patients,
            modules: &[],
            body: &page,
        }
        .answer_in(language, StatusCode::OK),
        Err(error) => pages::unavailable("a list of patients was not made", &error),
    }
}

async fn load(shell: &Shell, user: &Staff, language: Language) -> Result<OwnPage, ReadError> {
    let theirs = care::patients_of(&shell.record, user, shell.care.now()).await;
    let theirs = theirs.map_err(ReadError::Store)?;
    let names = patients::names_of(&shell.record, &user.actor(), &theirs).await?;
    let named = names
        .iter()
        .map(|(id, name)| (id.to_string(), name.to_string()));
    let mut named: Vec<(String, String)> = named.collect();
    named.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    Ok(OwnPage {
        w: WORDS.speaking(language),
        patients: named,
        nobody: nobody(user.role),
    })
}

fn nobody(role: Role) -> Key {
    match role {
        Role::OutOfHoursDoctor => Key("own-nobody-night"),
        Role::HospitalDoctor => Key("own-nobody-hospital"),
        _ => Key("own-nobody-mmg"),
    }
}
