//! The door of citizens (*Milano COR*): whoever tested positive, and nobody else.
//!
//! Its sessions are its own: a member of staff comes in here as nobody, and a citizen's visit opens
//! no page of the staff. Which case a visit opens is known before a handler runs; no address names
//! one. Pages have a frame of their own, of one style sheet and no script.

use std::net::IpAddr;

use askama::Template;
use axum::extract::{Form, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::Deserialize;
use veglia_isolation::{
    CaseId, Cases, CodePage, Door, DoorError, EntryPage, FIRST_DAY, Frame, HomeError, HomePage,
    LooksPage, Messenger, Notice, PersonCode, Reached, Said, Secret, SwabsPage, SymptomsForm,
    SymptomsPage, say_symptoms,
};
use veglia_people::Phone;
use veglia_store::Database;
use veglia_words::Language;

use crate::doors::Route;
use crate::fleet::Asker;
use crate::language::Spoken;
use crate::{Shell, assets, pages};

/// Where a citizen begins.
pub(crate) const HOME: &str = "/cittadino";

/// Where telephone and code are typed; personal links lead below it.
pub(crate) const ENTRY: &str = "/cittadino/entra";

/// Where the one-time code is typed.
const CODE: &str = "/cittadino/codice";

const SYMPTOMS: &str = "/cittadino/sintomi";
const LOOKS: &str = "/cittadino/accessi";
const SWABS: &str = "/cittadino/tamponi";

/// When whoever asked for too many codes may ask again, in seconds.
const AGAIN_SECONDS: HeaderValue = HeaderValue::from_static("3600");

/// What these pages are made of.
#[derive(Clone)]
pub(crate) struct Citizens {
    door: Door,
    cases: Cases,
}

impl Citizens {
    /// At this record; the task that sends codes ends with the last clone of it.
    pub(crate) fn new(record: &Database) -> Self {
        let (door, messenger) = Messenger::at_a_door(record.clone());
        tokio::spawn(messenger.run());
        Self {
            door,
            cases: Cases::new(record.clone(), FIRST_DAY),
        }
    }
}

/// Behind the check of the citizen's visit.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        (HOME, get(home)),
        (SYMPTOMS, get(symptoms).post(say)),
        (LOOKS, get(looks)),
    ]
}

/// Open to everybody.
pub(crate) fn open_routes() -> Vec<Route> {
    vec![
        (ENTRY, get(form).post(ask)),
        ("/cittadino/entra/{secret}", get(linked)),
        (CODE, get(code).post(show)),
        ("/cittadino/esci", post(leave)),
        (SWABS, get(swabs)),
    ]
}

/// The two cookies of this door.
#[derive(Clone, Copy)]
enum Held {
    /// Of whoever is in.
    Visit,
    /// Of whoever waits for a code.
    Entry,
}

impl Held {
    fn name(self, shell: &Shell) -> &'static str {
        match (self, shell.cookie.is_encrypted()) {
            (Self::Visit, false) => "veglia_cittadino",
            (Self::Visit, true) => "__Host-veglia_cittadino",
            (Self::Entry, false) => "veglia_ingresso",
            (Self::Entry, true) => "__Host-veglia_ingresso",
        }
    }

    /// Forgotten when the browser is closed: telephones are lent.
    fn cookie(self, shell: &Shell, value: &str) -> Cookie<'static> {
        Cookie::build((self.name(shell), value.to_owned()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(shell.cookie.is_encrypted())
            .build()
    }

    fn of(self, shell: &Shell, jar: &CookieJar) -> Option<Secret> {
        jar.get(self.name(shell))?.value().parse().ok()
    }
}

/// The case of the visit; there is one behind this door.
#[derive(Debug, Clone, Copy)]
struct Visitor(CaseId);

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        // Absent only on a route outside of this door, where nobody may be assumed.
        parts
            .extensions
            .get()
            .copied()
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// Lets a request through to this door only with an open visit.
pub(crate) async fn required(
    State(shell): State<Shell>,
    jar: CookieJar,
    Spoken(language): Spoken,
    mut request: Request,
    next: Next,
) -> Response {
    let is_visit = matches!(*request.method(), Method::GET | Method::HEAD);
    match whose(&shell, &jar).await {
        Ok(Some(case)) => {
            request.extensions_mut().insert(Visitor(case));
            let answer = next.run(request).await;
            match answer.status() {
                // The laboratory has said that it was somebody else's swab.
                StatusCode::NOT_FOUND => end(&shell, jar).await,
                _ => answer,
            }
        }
        Ok(None) if is_visit => Redirect::to(ENTRY).into_response(),
        Ok(None) => {
            let page = EntryPage::new(language, None).noting(Notice::Over);
            entry(&page, language, StatusCode::UNAUTHORIZED)
        }
        Err(unavailable) => unavailable,
    }
}

async fn whose(shell: &Shell, jar: &CookieJar) -> Result<Option<CaseId>, Response> {
    let Some(visit) = Held::Visit.of(shell, jar) else {
        return Ok(None);
    };
    let whose = shell.citizens.door.whose(&visit, shell.clock.now()).await;
    whose.map_err(|error| pages::unavailable("a visit was not looked up", &error))
}

/// A page in the citizen's frame.
struct Framed<'a> {
    language: Language,
    title: String,
    is_in: bool,
    /// Its own address; none for the answer to a form.
    here: Option<&'a str>,
    status: StatusCode,
}

impl Framed<'_> {
    fn around(self, body: &impl Template) -> Response {
        let framed = body.render().and_then(|body| {
            let frame = Frame {
                w: Frame::words(self.language),
                title: &self.title,
                style: &assets::address("css/citizen.css"),
                icon: &assets::address("img/veglia.svg"),
                is_in: self.is_in,
                here: self.here,
                body: &body,
            };
            frame.render()
        });
        match framed {
            Ok(text) => (self.status, Html(text)).into_response(),
            Err(error) => {
                tracing::error!(error = %pages::chain(&error), "a page was not rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

fn entry(page: &EntryPage<'_>, language: Language, status: StatusCode) -> Response {
    let here = (status == StatusCode::OK).then_some(ENTRY);
    let title = page.title();
    Framed {
        language,
        title,
        is_in: false,
        here,
        status,
    }
    .around(page)
}

/// `GET /cittadino/entra`
async fn form(State(shell): State<Shell>, Spoken(language): Spoken, jar: CookieJar) -> Response {
    match whose(&shell, &jar).await {
        Ok(Some(_)) => Redirect::to(HOME).into_response(),
        Ok(None) => entry(&EntryPage::new(language, None), language, StatusCode::OK),
        Err(unavailable) => unavailable,
    }
}

/// `GET /cittadino/entra/{secret}`: the same page for every secret, so that none can be tried out.
async fn linked(Spoken(language): Spoken, Path(secret): Path<String>) -> Response {
    let Ok(secret) = secret.parse::<Secret>() else {
        return Redirect::to(ENTRY).into_response();
    };
    let page = EntryPage::new(language, Some(secret.reveal()));
    let here = format!("{ENTRY}/{}", secret.reveal());
    Framed {
        language,
        title: page.title(),
        is_in: false,
        here: Some(&here),
        status: StatusCode::OK,
    }
    .around(&page)
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    telefono: String,
    codice_fiscale: String,
    #[serde(default)]
    legame: String,
}

/// `POST /cittadino/entra`: the same answer for every pair.
async fn ask(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    Asker(from): Asker,
    jar: CookieJar,
    Form(typed): Form<Typed>,
) -> Response {
    let link: Option<Secret> = typed.legame.parse().ok();
    let phone = typed.telefono.parse::<Phone>();
    let code = typed.codice_fiscale.parse::<PersonCode>();
    let page = EntryPage::new(language, link.as_ref().map(Secret::reveal));
    let page = page.typed(&typed.telefono, &typed.codice_fiscale);
    let (reached, code) = match (&link, &phone, &code) {
        (Some(link), _, Ok(code)) => (Reached::Link(link), code),
        (None, Ok(phone), Ok(code)) => (Reached::Phone(phone), code),
        _ => {
            let page = page.faulty(link.is_none() && phone.is_err(), code.is_err());
            return entry(&page, language, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    match asked(&shell, reached, code, from).await {
        Ok(secret) => {
            let cookie = Held::Entry.cookie(&shell, secret.reveal());
            (jar.add(cookie), Redirect::to(CODE)).into_response()
        }
        Err(DoorError::TooMany) => {
            tracing::warn!("one-time codes of citizens are being slowed: too many were asked for");
            let page = page.noting(Notice::TooMany);
            let mut answer = entry(&page, language, StatusCode::TOO_MANY_REQUESTS);
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, AGAIN_SECONDS);
            answer
        }
        Err(DoorError::Busy) => {
            tracing::warn!("citizens wait for their codes: too many at once");
            let page = page.noting(Notice::Busy);
            entry(&page, language, StatusCode::SERVICE_UNAVAILABLE)
        }
        Err(error) => pages::unavailable("a citizen's one-time code was not made", &error),
    }
}

async fn asked(
    shell: &Shell,
    reached: Reached<'_>,
    code: &PersonCode,
    from: IpAddr,
) -> Result<Secret, DoorError> {
    let now = shell.clock.now();
    shell.citizens.door.ask(reached, code, from, now).await
}

fn asking_code(language: Language, status: StatusCode) -> Response {
    let page = CodePage::new(language, status != StatusCode::OK);
    Framed {
        language,
        title: page.title(),
        is_in: false,
        here: (status == StatusCode::OK).then_some(CODE),
        status,
    }
    .around(&page)
}

/// `GET /cittadino/codice`
async fn code(State(shell): State<Shell>, Spoken(language): Spoken, jar: CookieJar) -> Response {
    match Held::Entry.of(&shell, &jar) {
        Some(_) => asking_code(language, StatusCode::OK),
        None => Redirect::to(ENTRY).into_response(),
    }
}

#[derive(Deserialize)]
struct Shown {
    codice: String,
}

/// `POST /cittadino/codice`
async fn show(
    State(shell): State<Shell>,
    Spoken(language): Spoken,
    jar: CookieJar,
    Form(Shown { codice }): Form<Shown>,
) -> Response {
    let Some(entry) = Held::Entry.of(&shell, &jar) else {
        return Redirect::to(ENTRY).into_response();
    };
    let now = shell.clock.now();
    match shell.citizens.door.show(&entry, &codice, now).await {
        Ok((visit, case)) => {
            // A telephone that is handed on: whoever was in before is out.
            if let Some(before) = Held::Visit.of(&shell, &jar)
                && let Err(error) = shell.citizens.door.leave(&before).await
            {
                return pages::unavailable("a visit was not ended", &error);
            }
            tracing::info!(%case, "a citizen came in");
            let jar = jar.remove(Held::Entry.cookie(&shell, ""));
            let jar = jar.add(Held::Visit.cookie(&shell, visit.reveal()));
            (jar, Redirect::to(HOME)).into_response()
        }
        Err(DoorError::Refused) => {
            tracing::warn!("a citizen's one-time code was refused");
            asking_code(language, StatusCode::UNAUTHORIZED)
        }
        Err(error) => pages::unavailable("a citizen's one-time code was not judged", &error),
    }
}

/// `POST /cittadino/esci`: leaving twice is leaving.
async fn leave(State(shell): State<Shell>, jar: CookieJar) -> Response {
    end(&shell, jar).await
}

async fn end(shell: &Shell, jar: CookieJar) -> Response {
    if let Some(visit) = Held::Visit.of(shell, &jar)
        && let Err(error) = shell.citizens.door.leave(&visit).await
    {
        return pages::unavailable("a visit was not ended", &error);
    }
    let jar = jar.remove(Held::Visit.cookie(shell, ""));
    (jar, Redirect::to(ENTRY)).into_response()
}

fn inside(
    page: &impl Template,
    (title, language): (String, Language),
    here: Option<&str>,
    status: StatusCode,
) -> Response {
    Framed {
        language,
        title,
        is_in: true,
        here,
        status,
    }
    .around(page)
}

fn unmade(error: &HomeError) -> Response {
    pages::unavailable("a citizen's page was not made", error)
}

/// `GET /cittadino`
async fn home(
    State(shell): State<Shell>,
    Visitor(case): Visitor,
    Spoken(language): Spoken,
) -> Response {
    let (cases, now) = (&shell.citizens.cases, shell.care.now());
    match HomePage::load(cases, &shell.record, case, language, now).await {
        Ok(Some(page)) => inside(&page, (page.title(), language), Some(HOME), StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unmade(&error),
    }
}

/// `GET /cittadino/accessi`
async fn looks(
    State(shell): State<Shell>,
    Visitor(case): Visitor,
    Spoken(language): Spoken,
) -> Response {
    let (cases, now) = (&shell.citizens.cases, shell.care.now());
    match LooksPage::load(cases, &shell.record, case, language, now).await {
        Ok(Some(page)) => inside(&page, (page.title(), language), Some(LOOKS), StatusCode::OK),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unmade(&error),
    }
}

/// `GET /cittadino/sintomi`
async fn symptoms(
    State(shell): State<Shell>,
    Visitor(case): Visitor,
    Spoken(language): Spoken,
) -> Response {
    let (cases, now) = (&shell.citizens.cases, shell.care.now());
    match SymptomsPage::load(cases, &shell.record, case, language, now).await {
        Ok(Some(page)) => {
            let here = Some(SYMPTOMS);
            inside(&page, (page.title(), language), here, StatusCode::OK)
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unmade(&error),
    }
}

/// `POST /cittadino/sintomi`
async fn say(
    State(shell): State<Shell>,
    Visitor(case): Visitor,
    Spoken(language): Spoken,
    Form(form): Form<SymptomsForm>,
) -> Response {
    let (cases, now) = (&shell.citizens.cases, shell.care.now());
    match say_symptoms(cases, &shell.record, case, form, language, now).await {
        Ok(Some(Said::Done)) => Redirect::to(HOME).into_response(),
        Ok(Some(Said::Again(page))) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            inside(page.as_ref(), (page.title(), language), None, status)
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unmade(&error),
    }
}

/// `GET /cittadino/tamponi`
async fn swabs(State(shell): State<Shell>, Spoken(language): Spoken, jar: CookieJar) -> Response {
    let is_in = match whose(&shell, &jar).await {
        Ok(case) => case.is_some(),
        Err(unavailable) => return unavailable,
    };
    let page = SwabsPage::new(language);
    Framed {
        language,
        title: page.title(),
        is_in,
        here: Some(SWABS),
        status: StatusCode::OK,
    }
    .around(&page)
}
