//! The frame around every page, and the pages that say what went wrong.

use std::error::Error;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use veglia_people::staff::{Role, Staff};
use veglia_words::{Key, Language, Words};

use crate::bell::Bell;
use crate::language::{self, Spoken, WORDS};
use crate::{Shell, assets, doctor, enrol, laboratory};

/// The parts of the site that the menu names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The ward, and each patient.
    Patients,
    /// Whom to call.
    Calls,
    /// What laboratories have found.
    Laboratory,
    /// Who takes over whom.
    Handover,
    /// The night of the out-of-hours doctors.
    Night,
    /// Who is put on file.
    Enrol,
    /// Boxes and devices.
    Fleet,
    /// Who is called, and by what.
    Reach,
    /// Who has an account.
    Accounts,
    /// Alerts that a doctor outside the centre answers.
    Alerts,
    /// What they copy.
    Summary,
    /// Patients whom family doctors reported.
    Report,
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

/// A page on its way out, which [`framed`] puts into the frame: only there is known who reads it.
#[derive(Clone)]
struct Leaf {
    title: String,
    user: Option<Staff>,
    section: Section,
    modules: Vec<String>,
    /// Already escaped, because a template made it.
    body: String,
    /// Of the body; the frame is in the reader's.
    language: Language,
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout {
    w: Words,
    leaf: Leaf,
    /// How many wait for somebody; none where it is not said.
    bell: Option<Bell>,
    /// The page's own address; none for the answer to a form, which another language would lose.
    here: Option<String>,
}

impl Layout {
    fn address(&self, name: &str) -> String {
        assets::address(name)
    }

    fn languages(&self) -> [Language; 2] {
        Language::ALL
    }

    /// The section in which this page stands.
    fn place(&self) -> Option<Key> {
        let mut menu = self.menu().into_iter();
        menu.find(|(.., is_here)| *is_here).map(|(_, name, _)| name)
    }

    /// The sections that somebody's role has: address, name, and whether this page stands there.
    fn menu(&self) -> Vec<(&'static str, Key, bool)> {
        let Some(user) = &self.leaf.user else {
            return Vec::new();
        };
        let at = |section| self.leaf.section == section;
        let patients = ("/", Key("menu-patients"), at(Section::Patients));
        let enrol = (enrol::PAGE, Key("menu-enrol"), at(Section::Enrol));
        let calls = ("/telefonate", Key("menu-calls"), at(Section::Calls));
        let reports = ("/segnalazioni", Key("menu-reports"), at(Section::Report));
        let results = (
            laboratory::PAGE,
            Key("menu-laboratory"),
            at(Section::Laboratory),
        );
        let handover = at(Section::Handover);
        let shift = ("/passaggio-consegne", Key("menu-shift"), handover);
        let night = ("/notte", Key("menu-night"), at(Section::Night));
        let fleet = ("/dispositivi", Key("menu-fleet"), at(Section::Fleet));
        let reach = ("/reperibilita", Key("menu-reach"), at(Section::Reach));
        let alerts = (doctor::INBOX, Key("menu-alerts"), at(Section::Alerts));
        let own = ("/miei-pazienti", Key("menu-own"), patients.2);
        let summary = (doctor::SUMMARY, Key("menu-summary"), at(Section::Summary));
        match user.role {
            Role::Operator => vec![
                patients, calls, reports, results, shift, night, fleet, reach,
            ],
            Role::Nurse | Role::Doctor => {
                vec![
                    patients, enrol, calls, reports, results, shift, night, fleet, reach,
                ]
            }
            Role::OutOfHoursDoctor => vec![("/notte", Key("menu-tonight"), night.2), own],
            Role::Mmg => vec![
                alerts,
                own,
                summary,
                ("/medico/segnala", Key("menu-report"), at(Section::Report)),
            ],
            Role::HospitalDoctor => vec![alerts, own, summary, enrol],
            Role::Admin => vec![
                ("/utenti", Key("menu-accounts"), at(Section::Accounts)),
                fleet,
                reach,
                ("/schermi", Key("menu-screens"), false),
            ],
            Role::Auditor => vec![("/registro", Key("menu-register"), at(Section::Register))],
        }
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct Fault {
    w: Words,
    title: Key,
    advice: Key,
}

impl<T: Template> Page<'_, T> {
    /// The page with this status; its body speaks this language.
    pub(crate) fn answer_in(&self, language: Language, status: StatusCode) -> Response {
        match self.body.render() {
            Ok(body) => {
                let leaf = Leaf {
                    title: self.title.to_owned(),
                    user: self.user.cloned(),
                    section: self.section,
                    modules: self.modules.iter().map(|&it| it.to_owned()).collect(),
                    body,
                    language,
                };
                (status, Extension(leaf), Html(String::new())).into_response()
            }
            Err(error) => unrendered(&error),
        }
    }
}

fn unrendered(error: &askama::Error) -> Response {
    tracing::error!(error = %chain(error), "a page was not rendered");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Stands around every handler: finds out in which language whoever asks reads, and puts the frame
/// around what the handler made.
pub(crate) async fn framed(
    State(shell): State<Shell>,
    mut request: Request,
    next: Next,
) -> Response {
    let language = language::of(&shell, request.headers());
    let is_visit = matches!(*request.method(), Method::GET | Method::HEAD);
    let here = request.uri().path_and_query().filter(|_| is_visit);
    let here = here.map(|here| here.as_str().to_owned());
    request.extensions_mut().insert(Spoken(language));
    let mut response = explain(next.run(request).await, language);
    let Some(mut leaf) = response.extensions_mut().remove::<Leaf>() else {
        return response;
    };
    let w = WORDS.speaking(language);
    let bell = Bell::hung(&shell, leaf.user.as_ref(), &mut leaf.modules);
    let layout = Layout {
        w,
        leaf,
        bell,
        here,
    };
    match layout.render() {
        Ok(text) => {
            *response.body_mut() = Body::from(text);
            response
        }
        Err(error) => unrendered(&error),
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
/// a status alone, or with a line of English for programs.
fn explain(response: Response, language: Language) -> Response {
    let status = response.status();
    let is_page = |kind: &HeaderValue| !kind.as_bytes().starts_with(b"text/plain");
    let said = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(is_page);
    if said || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let w = WORDS.speaking(language);
    let (title, advice) = advice(status);
    let mut page = Page {
        title: &w.say(title),
        user: None,
        section: Section::None,
        modules: &[],
        body: &Fault { w, title, advice },
    }
    .answer_in(language, status);
    // What the first answer said about itself stays true: which methods, how long to wait.
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn advice(status: StatusCode) -> (Key, Key) {
    match status {
        StatusCode::UNAUTHORIZED => (Key("fault-session"), Key("fault-session-advice")),
        StatusCode::FORBIDDEN => (Key("fault-forbidden"), Key("fault-forbidden-advice")),
        StatusCode::NOT_FOUND => (Key("fault-nowhere"), Key("fault-nowhere-advice")),
        StatusCode::SERVICE_UNAVAILABLE => (Key("fault-record"), Key("fault-record-advice")),
        StatusCode::PAYLOAD_TOO_LARGE => (Key("fault-large"), Key("fault-large-advice")),
        status if status.is_client_error() => (Key("fault-request"), Key("fault-request-advice")),
        _ => (Key("fault-system"), Key("fault-system-advice")),
    }
}

#[cfg(test)]
mod tests {
    use crate::language::WORDS;

    #[test]
    fn every_word_of_the_shell_stands_in_both_languages() {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(folder, &WORDS, &[]), "");
    }
}
