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

use crate::Shell;
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

/// Address and methods; behind the check of the session and the rights.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![("/miei-pazienti", get(listed))]
}

#[derive(Template)]
#[template(path = "own.html")]
struct OwnPage {
    /// Number, and surname with name.
    patients: Vec<(String, String)>,
    /// What is said when there is nobody.
    nobody: &'static str,
}

/// `GET /miei-pazienti`
async fn listed(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    match load(&shell, &user).await {
        Ok(page) => Page {
            title: "I miei pazienti",
            user: Some(&user),
            section: Section::Patients,
            modules: &[],
            body: &page,
        }
        .answer(StatusCode::OK),
        Err(error) => pages::unavailable("a list of patients was not made", &error),
    }
}

async fn load(shell: &Shell, user: &Staff) -> Result<OwnPage, ReadError> {
    let theirs = care::patients_of(&shell.record, user, shell.care.now()).await;
    let theirs = theirs.map_err(ReadError::Store)?;
    let names = patients::names_of(&shell.record, &user.actor(), &theirs).await?;
    let named = names
        .iter()
        .map(|(id, name)| (id.to_string(), name.to_string()));
    let mut named: Vec<(String, String)> = named.collect();
    named.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    Ok(OwnPage {
        patients: named,
        nobody: nobody(user.role),
    })
}

fn nobody(role: Role) -> &'static str {
    match role {
        Role::OutOfHoursDoctor => {
            "Nessun paziente: o non risulta in turno adesso, o nessuno è stato affidato alla \
             Continuità Assistenziale. I turni li tiene la Centrale."
        }
        Role::HospitalDoctor => "Il suo reparto non ha pazienti in telemonitoraggio.",
        _ => "Nessun suo assistito è in telemonitoraggio, e adesso non sostituisce nessuno.",
    }
}
