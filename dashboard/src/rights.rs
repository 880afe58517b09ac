//! Who may come in where: the audience of every route behind the session, and the care relation
//! for every route that names a patient.
//!
//! It stands before the handlers, for all of them at once: a handler cannot forget it, and a new
//! page is for the centre alone until a line here says otherwise. Whose data somebody may read is
//! not decided here but by [`care::may_read`]; `tests/rights.txt` is the whole of it as a table,
//! tried route by route and role by role.
//!
//! **Who stands on the centre's list is the centre's**, or an alarm would be seen and heard that
//! nobody can open: readings whose owner is not known yet, somebody whom nobody registered and
//! whose devices speak, and whoever has an open flag though the centre released them.
//!
//! Answers: nobody who visits a page is led to the sign-in; a role that has nothing to do there
//! gets 403; somebody else's patient gets 404, as a patient who does not exist does. Who was erased
//! is said to be so (410), to whoever cared for them.

use askama::Template;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use veglia_diary::open_flags_of;
use veglia_people::care::{self, Refused, Relation};
use veglia_people::staff::{Role, Staff};
use veglia_people::{PersonId, forgotten, patients};
use veglia_view::{PatientId, is_stand_in};
use veglia_words::{Language, Words};

use crate::Shell;
use crate::account;
use crate::citizen;
use crate::doctor;
use crate::documents;
use crate::enrol;
use crate::language::{Spoken, WORDS};
use crate::pages::{self, Page, Section};
use crate::paging::person_of;
use crate::privacy;
use crate::ways;
use crate::{api, tokens};

/// The list of the centre, where everybody arrives who has signed in.
const WARD: &str = "/";

/// What begins the addresses of one patient for programs.
const PATIENTS_OF_PROGRAMS: &str = "/api/v1/patients/";

/// Whom a part of the site is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Operators, nurses and doctors of the centre.
    Centre,
    /// Doctors of the centre.
    CentreDoctors,
    /// The centre, and whoever manages its devices.
    CentreAndAdmin,
    /// Whoever cares for patients, of the centre or not.
    Carers,
    /// Those of them who write in the diary: the centre, and whoever watches at night.
    Writers,
    /// Those of them who issue documents: whoever may sign.
    Signing,
    /// Those of them who have a list of their own, because the centre's is not theirs.
    Outside,
    /// Those of the centre who write plans, and a hospital that discharges.
    Enrolling,
    /// Doctors outside the centre who are told of their own patients: family doctors, hospitals'.
    Doctors,
    /// Family doctors and paediatricians, and who stands in for them.
    FamilyDoctors,
    /// The administrator.
    Admin,
    /// The auditor.
    Auditor,
    /// Every account.
    Everybody,
    /// Whoever has a case: they have a door of their own, and no account comes in.
    Citizen,
}

/// The first that fits; an address and all below it. What is not here is the centre's.
const PARTS: &[(&str, Audience)] = &[
    ("/pazienti/{id}/telefonata", Audience::Writers),
    (enrol::PAGE, Audience::Enrolling),
    (privacy::HIDING, Audience::Centre),
    (privacy::COPY, Audience::CentreDoctors),
    ("/pazienti/{id}", Audience::Carers),
    ("/medico/segnala", Audience::FamilyDoctors),
    ("/medico", Audience::Doctors),
    ("/miei-pazienti", Audience::Outside),
    ("/notte", Audience::Writers),
    ("/accesso-urgente", Audience::Carers),
    ("/dispositivi/assegna", Audience::Centre),
    ("/dispositivi/scheda", Audience::Centre),
    ("/dispositivi/tesserino", Audience::Centre),
    ("/dispositivi", Audience::CentreAndAdmin),
    ("/reperibilita", Audience::CentreAndAdmin),
    ("/utenti", Audience::Admin),
    (privacy::ERASURES, Audience::Admin),
    ("/schermi", Audience::Admin),
    ("/registro", Audience::Auditor),
    ("/account", Audience::Everybody),
    (citizen::HOME, Audience::Citizen),
    ("/api/v1/me", Audience::Everybody),
    ("/api/v1/ward", Audience::Centre),
    ("/api/v1/patients/{patient}", Audience::Carers),
];

impl Audience {
    /// Of a route, as it is mounted.
    fn of(route: &str, method: &Method) -> Self {
        let fits = |part: &str| {
            let rest = route.strip_prefix(part);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let named = PARTS.iter().find(|(part, _)| fits(part));
        match named.map_or(Self::Centre, |(_, audience)| *audience) {
            Self::Carers if route.starts_with(documents::LIST) && writes(method) => Self::Signing,
            Self::Carers if is_about_a_patient(route) && writes(method) => Self::Writers,
            audience => audience,
        }
    }

    fn admits(self, role: Role) -> bool {
        match self {
            Self::Centre => role.is_of_the_centre(),
            Self::CentreDoctors => role == Role::Doctor,
            Self::CentreAndAdmin => role.is_of_the_centre() || role == Role::Admin,
            Self::Carers => role.cares(),
            Self::Writers => role.is_of_the_centre() || role == Role::OutOfHoursDoctor,
            Self::Signing => veglia_documents::issues(role),
            Self::Outside => role.cares() && !role.is_of_the_centre(),
            Self::Enrolling => veglia_enrol::enrols(role),
            Self::Doctors => matches!(role, Role::Mmg | Role::HospitalDoctor),
            Self::FamilyDoctors => role == Role::Mmg,
            Self::Admin => role == Role::Admin,
            Self::Auditor => role == Role::Auditor,
            Self::Everybody => true,
            Self::Citizen => false,
        }
    }
}

/// Whether an address is about one patient, for people or for programs.
fn is_about_a_patient(route: &str) -> bool {
    ["/pazienti/", PATIENTS_OF_PROGRAMS]
        .iter()
        .any(|part| route.starts_with(part))
}

fn writes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Where somebody of this role begins.
pub(crate) fn home(role: Role) -> &'static str {
    match role {
        Role::Operator | Role::Nurse | Role::Doctor => WARD,
        Role::Mmg | Role::HospitalDoctor => doctor::INBOX,
        Role::OutOfHoursDoctor => "/miei-pazienti",
        Role::Admin => "/utenti",
        Role::Auditor => "/registro",
    }
}

/// The patient of the address, and why whoever asks may read them: there is one behind every route
/// that names a patient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cared {
    /// Whose page it is.
    pub(crate) patient: PatientId,
    /// Why it may be read; none for who is the centre's without a relation.
    pub(crate) relation: Option<Relation>,
}

impl<S: Sync> FromRequestParts<S> for Cared {
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _state: &S,
    ) -> Result<Self, StatusCode> {
        // Absent only where the address names no patient: then there is nobody to be read.
        parts.extensions.get().copied().ok_or(StatusCode::NOT_FOUND)
    }
}

#[derive(Template)]
#[template(path = "stranger.html")]
struct StrangerPage<'a> {
    w: Words,
    /// As it was asked for; shown only when it could be a patient's number.
    patient: Option<&'a str>,
}

/// A patient's page, and above it, of whoever broke the glass, until when it is open.
#[derive(Template)]
#[template(path = "read.html")]
pub(crate) struct ReadPage<'a, T: Template> {
    w: Words,
    until: Option<String>,
    page: &'a T,
}

impl<'a, T: Template> ReadPage<'a, T> {
    pub(crate) fn new(cared: Cared, page: &'a T, language: Language) -> Self {
        let until = match cared.relation {
            Some(Relation::Glass { until }) => Some(language.moment(until)),
            _ => None,
        };
        let w = WORDS.speaking(language);
        Self { w, until, page }
    }
}

/// Whether a stream about a patient may go on. A record that does not answer ends none.
pub(crate) async fn may_still_read(shell: &Shell, user: &Staff, patient: PatientId) -> bool {
    // In whatever language: nobody reads the answer.
    let spoken = Spoken(Language::default());
    match cared(shell, user, &patient.to_string(), spoken).await {
        Ok(_) => true,
        Err(answer) => answer.status() == StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Lets a request through to its handler, with the patient it is about, or answers it.
pub(crate) async fn judge(
    shell: &Shell,
    user: &Staff,
    request: Request,
) -> Result<Request, Response> {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(String::new, |path| path.as_str().to_owned());
    if !Audience::of(&route, request.method()).admits(user.role) {
        return Err(if route == WARD {
            Redirect::to(home(user.role)).into_response()
        } else {
            StatusCode::FORBIDDEN.into_response()
        });
    }
    if asks_for_codes(&route) {
        codes_first(shell, user, request.method(), request.headers()).await?;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(spoken) = Spoken::from_request_parts(&mut parts, shell).await;
    let named = RawPathParams::from_request_parts(&mut parts, shell).await;
    let named = named.map_err(IntoResponse::into_response)?;
    let named = named
        .iter()
        .find(|(name, _)| names_a_patient(&route, name))
        .map(|(_, value)| value.to_owned());
    if let Some(named) = named {
        let cared = cared(shell, user, &named, spoken).await?;
        parts.extensions.insert(cared);
    }
    Ok(Request::from_parts(parts, body))
}

/// Whether whoever must show more than a password has to, here: not where it is set up, and not for
/// a token, which was made behind this question.
fn asks_for_codes(route: &str) -> bool {
    let sets_up = route.starts_with(account::PAGE) && !route.starts_with(tokens::PAGE);
    !sets_up && !route.starts_with(api::ROOT)
}

/// Whoever must show more than a password and has nothing sets codes up, or makes a passkey, before
/// anything else.
async fn codes_first(
    shell: &Shell,
    user: &Staff,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), Response> {
    if !shell.must_show_codes(user.role) {
        return Ok(());
    }
    match ways::shows_more(shell, user, headers).await {
        Ok(true) => Ok(()),
        Ok(false) if writes(method) => Err(StatusCode::FORBIDDEN.into_response()),
        Ok(false) => Err(Redirect::to(account::CODES).into_response()),
        Err(error) => {
            let what = "one-time codes were not looked up";
            Err(pages::unavailable(what, &error))
        }
    }
}

/// Whether a part of an address is a patient's number.
pub(crate) fn names_a_patient(route: &str, parameter: &str) -> bool {
    parameter == "patient" || (parameter == "id" && route.starts_with("/pazienti/"))
}

async fn cared(
    shell: &Shell,
    user: &Staff,
    named: &str,
    spoken: Spoken,
) -> Result<Cared, Response> {
    let stranger = |named| stranger(user, named, spoken);
    let Ok(patient) = named.parse::<PatientId>() else {
        return Err(stranger(None));
    };
    if is_stand_in(patient) {
        let relation = None;
        return match user.role.is_of_the_centre() {
            true => Ok(Cared { patient, relation }),
            false => Err(stranger(None)),
        };
    }
    let Some(person) = person_of(patient) else {
        return Err(stranger(None));
    };
    match care::may_read(&shell.record, user, person, shell.care.now()).await {
        Ok(Ok(relation)) => {
            let erased = forgotten::since(&shell.record, &user.actor(), person).await;
            match erased {
                Ok(None) => Ok(Cared {
                    patient,
                    relation: Some(relation),
                }),
                Ok(Some(at)) => Err(privacy::gone(user, spoken, at)),
                Err(error) => Err(pages::unavailable("a person was not read", &error)),
            }
        }
        Ok(Err(Refused::Role)) => Err(StatusCode::FORBIDDEN.into_response()),
        Ok(Err(Refused::Stranger)) => {
            match is_left_to_the_centre(shell, user, person, patient).await {
                Ok(true) => Ok(Cared {
                    patient,
                    relation: None,
                }),
                Ok(false) => Err(stranger(Some(named))),
                Err(unavailable) => Err(unavailable),
            }
        }
        Err(error) => Err(pages::unavailable("a care relation was not read", &error)),
    }
}

/// Whether somebody without a relation to the centre is the centre's all the same.
async fn is_left_to_the_centre(
    shell: &Shell,
    user: &Staff,
    person: PersonId,
    patient: PatientId,
) -> Result<bool, Response> {
    if !user.role.is_of_the_centre() {
        return Ok(false);
    }
    let actor = user.actor();
    let open = open_flags_of(&shell.record, &actor, patient).await;
    let open = open.map_err(|error| pages::unavailable("open flags were not read", &error))?;
    if !open.is_empty() {
        return Ok(true);
    }
    if !shell.hub.is_here(patient) {
        return Ok(false);
    }
    let known = patients::get(&shell.record, &actor, person).await;
    let known = known.map_err(|error| pages::unavailable("a person was not read", &error))?;
    Ok(known.is_none())
}

/// The same for a patient of others and for nobody: existence does not leak.
fn stranger(user: &Staff, patient: Option<&str>, Spoken(language): Spoken) -> Response {
    let w = WORDS.speaking(language);
    Page {
        title: &w.say("stranger-title"),
        user: Some(user),
        section: Section::None,
        modules: &[],
        body: &StrangerPage { w, patient },
    }
    .answer_in(language, StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_spoke_about_is_the_centres_alone() {
        for route in ["/", "/eventi", "/new-page", "/dispositivino", "/account-x"] {
            let audience = Audience::of(route, &Method::GET);
            assert_eq!(audience, Audience::Centre, "{route}");
            for role in Role::ALL {
                assert_eq!(audience.admits(role), role.is_of_the_centre(), "{route}");
            }
        }
    }

    #[test]
    fn whoever_manages_accounts_or_reads_the_log_reads_no_patient() {
        for role in [Role::Admin, Role::Auditor] {
            for method in [Method::GET, Method::POST] {
                for route in ["/pazienti/{id}", "/pazienti/{id}/andamento"] {
                    assert!(!Audience::of(route, &method).admits(role), "{route}");
                }
            }
        }
    }

    #[test]
    fn everybody_begins_where_they_may_be() {
        for role in Role::ALL {
            let home = home(role);
            assert!(Audience::of(home, &Method::GET).admits(role), "{home}");
        }
    }
}
