//! The frame around every page, and the pages that say what went wrong.

use std::error::Error;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use veglia_people::staff::{Role, Staff};

use crate::assets;

/// The parts of the site that the menu names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The ward, and each patient.
    Patients,
    /// Whom to call.
    Calls,
    /// Boxes and devices.
    Fleet,
    /// Who is called, and by what.
    Reach,
    /// Who has an account.
    Accounts,
    /// Who read whom.
    Register,
    /// What stands beside the menu.
    None,
}

/// A page to be framed: `body` is a template of the shell or of a subject.
pub(crate) struct Page<'a, T> {
    /// What the browser's tab says, before the product's name.
    pub(crate) title: &'a str,
    /// Who is signed in.
    pub(crate) user: Option<&'a Staff>,
    /// Where in the menu it stands.
    pub(crate) section: Section,
    /// Scripts of the bundle that this page adds, as `js/name.js`; the page works without.
    pub(crate) modules: &'a [&'a str],
    /// What stands in the frame.
    pub(crate) body: &'a T,
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    title: &'a str,
    user: Option<&'a Staff>,
    section: Section,
    modules: &'a [&'a str],
    /// Already escaped, because a template made it.
    body: String,
}

impl Layout<'_> {
    fn address(&self, name: &str) -> String {
        assets::address(name)
    }

    /// The sections that somebody's role has: address, name, and whether this page stands there.
    fn menu(&self) -> Vec<(&'static str, &'static str, bool)> {
        let Some(user) = self.user else {
            return Vec::new();
        };
        let at = |section| self.section == section;
        let patients = ("/", "Pazienti", at(Section::Patients));
        let calls = ("/telefonate", "Telefonate", at(Section::Calls));
        let fleet = ("/dispositivi", "Dispositivi e gateway", at(Section::Fleet));
        let reach = ("/reperibilita", "Reperibilità", at(Section::Reach));
        match user.role {
            Role::Operator | Role::Nurse | Role::Doctor => vec![patients, calls, fleet, reach],
            Role::Mmg | Role::HospitalDoctor | Role::OutOfHoursDoctor => {
                vec![("/miei-pazienti", "I miei pazienti", patients.2)]
            }
            Role::Admin => vec![
                ("/utenti", "Utenti", at(Section::Accounts)),
                fleet,
                reach,
                ("/schermi", "Schermi", false),
            ],
            Role::Auditor => vec![("/registro", "Registro degli accessi", at(Section::Register))],
        }
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct Fault {
    title: &'static str,
    advice: &'static str,
}

impl<T: Template> Page<'_, T> {
    /// The whole page with this status.
    pub(crate) fn answer(&self, status: StatusCode) -> Response {
        let framed = self.body.render().and_then(|body| {
            Layout {
                title: self.title,
                user: self.user,
                section: self.section,
                modules: self.modules,
                body,
            }
            .render()
        });
        match framed {
            Ok(text) => (status, Html(text)).into_response(),
            Err(error) => {
                tracing::error!(error = %chain(&error), "a page was not rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// No route has this address.
pub(crate) async fn not_found() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Says that the record does not answer, after logging why.
pub(crate) fn unavailable(what: &'static str, error: &(dyn Error + 'static)) -> Response {
    tracing::error!(error = %chain(error), "{what}");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// An error and all its causes, for one line of log.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Turns every bare error into a page that says what to do. Handlers and the framework answer with
/// a status alone, or with a line of English; people get Italian.
pub(crate) async fn explain(response: Response) -> Response {
    let status = response.status();
    let is_page = |kind: &HeaderValue| !kind.as_bytes().starts_with(b"text/plain");
    let said = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(is_page);
    if said || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (title, advice) = advice(status);
    let mut page = Page {
        title,
        user: None,
        section: Section::None,
        modules: &[],
        body: &Fault { title, advice },
    }
    .answer(status);
    // What the first answer said about itself stays true: which methods, how long to wait.
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn advice(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::UNAUTHORIZED => (
            "Sessione scaduta",
            "Accedere di nuovo, poi ripetere l’operazione: non è stata eseguita.",
        ),
        StatusCode::FORBIDDEN => (
            "Operazione non permessa",
            "La richiesta è arrivata da un’altra pagina, oppure il suo ruolo non la prevede. \
             Tornare alla pagina iniziale e ripeterla da lì.",
        ),
        StatusCode::NOT_FOUND => (
            "Pagina non trovata",
            "L’indirizzo non corrisponde ad alcuna pagina. Controllarlo, oppure tornare alla \
             pagina iniziale.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "Servizio non disponibile",
            "L’archivio non risponde. Riprovare tra un minuto; se continua, avvisare chi gestisce \
             il sistema. Nel frattempo sorvegliare i pazienti per telefono.",
        ),
        status if status.is_client_error() => (
            "Richiesta non compresa",
            "Tornare alla pagina precedente, controllare i dati inseriti e ripetere l’operazione.",
        ),
        _ => (
            "Errore del sistema",
            "L’operazione potrebbe non essere stata eseguita. Tornare alla pagina precedente e \
             verificare; se si ripete, avvisare chi gestisce il sistema.",
        ),
    }
}
