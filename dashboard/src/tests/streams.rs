//! When an open page's stream ends, what it does to its session, and how many one reader has.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Response, StatusCode, header};
use futures_util::StreamExt;
use tokio::time::timeout;
use veglia_people::care::{self, Holder, glass};
use veglia_people::patients::{self, NewPerson};
use veglia_people::{PersonId, boards, sessions};
use veglia_store::Actor;
use veglia_wire::{Clock, WallMs};

use crate::Config;
use crate::tests::site::{Site, posted, request};

const SETUP: Actor = Actor::System("test");

/// Long enough for a machine that does seven things at once, and shorter than the time after which
/// the stream of a list asks by itself.
const LIMIT: Duration = Duration::from_secs(50);

async fn maria(site: &Site) -> PersonId {
    let maria = NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let now: WallMs = site.clock.now();
    let maria = patients::register(&site.record, &SETUP, &maria, now).await;
    maria.unwrap()
}

async fn open(site: &Site, path: &str, cookie: &str) -> Response<Body> {
    let request = request(Method::GET, path).header(header::COOKIE, cookie);
    site.ask(request.body(Body::empty()).unwrap()).await
}

/// A page's stream, as its browser reads it.
struct Page(BodyDataStream);

impl Page {
    async fn open(site: &Site, path: &str, cookie: &str) -> Self {
        let answer = open(site, path, cookie).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        Self(answer.into_body().into_data_stream())
    }

    /// Waits for the word that nothing comes from ingest: by then the stream has long been let in,
    /// and has asked whether it still may.
    async fn goes_on(&mut self) {
        let silent = async {
            while let Some(piece) = self.0.next().await {
                if piece.unwrap().starts_with(b": in attesa") {
                    return true;
                }
            }
            false
        };
        assert!(timeout(LIMIT, silent).await.unwrap(), "the stream ended");
    }

    async fn ends(mut self, what: &str) {
        let all = async { while self.0.next().await.is_some() {} };
        assert!(timeout(LIMIT, all).await.is_ok(), "{what} goes on");
    }
}

async fn post(site: &Site, path: &str, form: &str, cookie: &str) -> StatusCode {
    let mut request = posted(path, form);
    let cookie = cookie.parse().unwrap();
    request.headers_mut().insert(header::COOKIE, cookie);
    site.ask(request).await.status()
}

#[tokio::test]
async fn streams_end_when_their_reader_signs_out_and_others_do_not() {
    let site = Site::with_anna(Config::default()).await;
    let patient = format!("/pazienti/{}/eventi", maria(&site).await);
    let (here, there) = (site.signed_in().await, site.signed_in().await);
    let mut elsewhere = Page::open(&site, "/eventi", &there).await;
    let mut list = Page::open(&site, "/eventi", &here).await;
    let mut bell = Page::open(&site, "/allarmi", &here).await;
    let mut bedside = Page::open(&site, &patient, &here).await;
    tokio::join!(list.goes_on(), bell.goes_on(), bedside.goes_on());
    let left = post(&site, "/logout", "", &here).await;
    assert_eq!(left, StatusCode::SEE_OTHER);
    tokio::join!(
        list.ends("the list"),
        bell.ends("the bell"),
        bedside.ends("a patient"),
        elsewhere.goes_on(),
    );
}

#[tokio::test]
async fn a_stream_about_a_patient_ends_with_the_relation_and_with_the_glass() {
    let site = Site::with_anna(Config::default()).await;
    let maria = maria(&site).await;
    let cookie = site.signed_in().await;
    let events = format!("/pazienti/{maria}/eventi");
    let mut followed = Page::open(&site, &events, &cookie).await;
    followed.goes_on().await;
    let now = site.clock.now();
    let ended = care::release(&site.record, &SETUP, maria, &Holder::Centre, now).await;
    assert_eq!(ended.unwrap(), 1);
    followed.ends("a patient who was released").await;
    let closed = open(&site, &events, &cookie).await;
    assert_eq!(closed.status(), StatusCode::NOT_FOUND);

    let why = format!("paziente={maria}&motivo=caduta+in+casa+112+in+arrivo");
    let broken = post(&site, "/accesso-urgente", &why, &cookie).await;
    assert_eq!(broken, StatusCode::SEE_OTHER);
    let urgent = Page::open(&site, &events, &cookie).await;
    // The session is used meanwhile: it is the glass that ends.
    let half = glass::GLASS_MS / 2;
    site.clock.0.fetch_add(half, Ordering::SeqCst);
    assert_eq!(
        open(&site, "/account", &cookie).await.status(),
        StatusCode::OK
    );
    site.clock.0.fetch_add(half, Ordering::SeqCst);
    urgent.ends("a broken glass").await;
    let session = open(&site, "/account", &cookie).await;
    assert_eq!(session.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_open_page_of_a_patient_is_no_use_of_its_session() {
    let site = Site::with_anna(Config::default()).await;
    let events = format!("/pazienti/{}/eventi", maria(&site).await);
    let cookie = site.signed_in().await;
    let mut patient = Page::open(&site, &events, &cookie).await;
    let mut bell = Page::open(&site, "/allarmi", &cookie).await;
    site.clock
        .0
        .fetch_add(sessions::IDLE_MS * 2 / 3, Ordering::SeqCst);
    // Both ask several times in this time of the clock, and none of it counts.
    tokio::join!(patient.goes_on(), bell.goes_on());
    site.clock
        .0
        .fetch_add(sessions::IDLE_MS / 2, Ordering::SeqCst);
    tokio::join!(patient.ends("a page left open"), bell.ends("its bell"));
    let after = open(&site, "/account", &cookie).await;
    assert_eq!(after.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn one_account_and_one_wall_do_not_take_the_places_of_all() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    let mut streams = Vec::new();
    let refused = loop {
        let stream = open(&site, "/eventi", &cookie).await;
        match stream.status() {
            StatusCode::OK => streams.push(stream),
            status => break status,
        }
        assert!(streams.len() <= 100, "there is no end");
    };
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    let secret = boards::make(&site.record, &SETUP, "Sala", site.clock.now()).await;
    let wall = format!("/wall/{}/eventi", secret.unwrap().reveal());
    let mut screens = Vec::new();
    while screens.len() <= 100 {
        let screen = site.get(&wall).await;
        if screen.status() != StatusCode::OK {
            break;
        }
        screens.push(screen);
    }
    assert!(screens.len() < streams.len(), "{}", screens.len());
    // A place that is left is free again.
    streams.clear();
    let again = open(&site, "/eventi", &cookie).await;
    assert_eq!(again.status(), StatusCode::OK);
}
