//! The door of boxes and devices: pages for staff, and the open counter at which a box enrols.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Deserialize;
use veglia_fleet::{
    Answer, Asked, AssignForm, FleetError, InviteForm, Invited, MAX_BODY_BYTES, Now, OrderForm,
    RevokeForm, Titled, Wish, not_understood,
};
use veglia_people::staff::Staff;
use veglia_words::Language;

use crate::Shell;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;

const PAGE: &str = "/dispositivi";

/// Address and methods of every page of the fleet; all behind the check of the session.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        (PAGE, get(list)),
        ("/dispositivi/nuovo", get(invitation).post(invite)),
        (
            "/dispositivi/assegna/{device}",
            get(assignment).post(assign),
        ),
        (
            "/dispositivi/gateway/{id}/domande",
            get(back_to_list).post(order),
        ),
        (
            "/dispositivi/gateway/{id}/revoca",
            get(revocation).post(revoke),
        ),
        ("/dispositivi/gateway/{id}/codice/ritiro", post(withdraw)),
    ]
}

/// Where boxes ask, without a session: the code or the key says who they are.
pub(crate) fn open_routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    let limit = || DefaultBodyLimit::max(MAX_BODY_BYTES);
    vec![
        ("/enrol", post(enrol).layer(limit())),
        ("/enrol/renew", post(renew).layer(limit())),
    ]
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Who asks: the other end, or whom the proxy in front names last, which is what it saw itself.
pub(crate) struct Asker(pub(crate) IpAddr);

impl FromRequestParts<Shell> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shell: &Shell) -> Result<Self, Infallible> {
        let named = || {
            let all = parts.headers.get_all("x-forwarded-for");
            let last = all.into_iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        let peer = parts.extensions.get::<ConnectInfo<Peer>>();
        // Without a connection (in a test) all are one asker.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0.0);
        let named = shell.behind_proxy.then(named).flatten();
        // A socket of both families names IPv4 as a part of IPv6, all of it in one /64.
        Ok(Self(named.unwrap_or(peer).to_canonical()))
    }
}

/// `POST /enrol`
async fn enrol(
    State(shell): State<Shell>,
    asker: Asker,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    counter(&shell, Wish::Enrol, &asker, &headers, body).await
}

/// `POST /enrol/renew`
async fn renew(
    State(shell): State<Shell>,
    asker: Asker,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    counter(&shell, Wish::Renew, &asker, &headers, body).await
}

async fn counter(
    shell: &Shell,
    wish: Wish,
    asker: &Asker,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = match body {
        Ok(body) => {
            let asked = Asked {
                from: asker.0,
                host: host(headers),
                body: &body,
            };
            let reception = shell.fleet.reception();
            reception.answer(wish, asked, shell.clock.now()).await
        }
        Err(_) => not_understood(),
    };
    said(answer)
}

fn said(Answer { status, json }: Answer) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], json).into_response()
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

pub(crate) fn now(shell: &Shell) -> Now {
    Now {
        wall: shell.clock.now(),
        care: shell.care.now(),
    }
}

/// What the list is looked through for.
#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    cerca: String,
}

/// `GET /dispositivi`
async fn list(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(Search { cerca }): Query<Search>,
) -> Response {
    show_list(&shell, &user, language, &cerca, None).await
}

async fn show_list(
    shell: &Shell,
    user: &Staff,
    language: Language,
    search: &str,
    sentence: Option<String>,
) -> Response {
    let fleet = shell.fleet.speaking(language);
    match fleet.page(user, search, now(shell)).await {
        Ok(page) => {
            let page = match sentence {
                Some(sentence) => page.saying(sentence),
                None => page,
            };
            answered(user, &page, &["js/fleet.js"], StatusCode::OK)
        }
        Err(error) => refused(&error),
    }
}

/// Whoever reloads the answer to a question gets the list.
async fn back_to_list() -> Redirect {
    Redirect::to(PAGE)
}

/// `POST /dispositivi/gateway/{id}/domande`: the list, with the answer in words.
async fn order(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(id): Path<String>,
    Form(form): Form<OrderForm>,
) -> Response {
    let fleet = shell.fleet.speaking(language);
    match fleet.order(&user, &id, &form, now(&shell)).await {
        Ok(sentence) => show_list(&shell, &user, language, "", Some(sentence)).await,
        Err(error) => refused(&error),
    }
}

/// Which gateway the form is about, when it was opened from its line.
#[derive(Deserialize)]
struct About {
    #[serde(default)]
    gateway: String,
}

/// `GET /dispositivi/nuovo`
async fn invitation(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Query(About { gateway }): Query<About>,
    headers: HeaderMap,
) -> Response {
    let scheme = if shell.cookie.is_encrypted() {
        "https"
    } else {
        "http"
    };
    let centre = host(&headers).map_or_else(String::new, |host| format!("{scheme}://{host}"));
    let fleet = shell.fleet.speaking(language);
    let page = fleet.invitation(&user, gateway, centre, now(&shell));
    match page.await {
        Ok(page) => answered(&user, &page, &[], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/nuovo`: the label, this once.
async fn invite(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<InviteForm>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .invite(&user, form, now(&shell))
        .await
    {
        Ok(Invited::Label(page)) => answered(&user, page.as_ref(), &[], StatusCode::OK),
        Ok(Invited::Again(page)) => {
            answered(&user, page.as_ref(), &[], StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/gateway/{id}/codice/ritiro`
async fn withdraw(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<String>,
) -> Response {
    match shell.fleet.withdraw(&user, &id, now(&shell)).await {
        Ok(()) => Redirect::to(PAGE).into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /dispositivi/gateway/{id}/revoca`: the question.
async fn revocation(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(id): Path<String>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .revocation(&user, &id, now(&shell))
        .await
    {
        Ok(page) => answered(&user, &page, &[], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/gateway/{id}/revoca`
async fn revoke(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<RevokeForm>,
) -> Response {
    match shell.fleet.revoke(&user, &id, &form, now(&shell)).await {
        Ok(()) => Redirect::to(&format!("{PAGE}#gw-{id}")).into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /dispositivi/assegna/{device}`
async fn assignment(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(device): Path<String>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .assignment(&device, now(&shell))
        .await
    {
        Ok(page) => answered(&user, &page, &[], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/assegna/{device}`
async fn assign(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(device): Path<String>,
    Form(form): Form<AssignForm>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .assign(&user, &device, &form, now(&shell))
        .await
    {
        Ok(None) => Redirect::to(PAGE).into_response(),
        Ok(Some(page)) => answered(&user, &page, &[], StatusCode::CONFLICT),
        Err(error) => refused(&error),
    }
}

/// A page of the fleet, in its language.
pub(crate) fn answered(
    user: &Staff,
    page: &impl Titled,
    modules: &[&str],
    status: StatusCode,
) -> Response {
    let title = page.title();
    Page {
        title: &title.words,
        user: Some(user),
        section: Section::Fleet,
        modules,
        body: page,
    }
    .answer_in(title.language, status)
}

pub(crate) fn refused(error: &FleetError) -> Response {
    match error {
        FleetError::NotAllowed => StatusCode::FORBIDDEN.into_response(),
        FleetError::Unknown => StatusCode::NOT_FOUND.into_response(),
        FleetError::Form => StatusCode::BAD_REQUEST.into_response(),
        error => pages::unavailable("a page of the fleet was not made", error),
    }
}
