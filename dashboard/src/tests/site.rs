//! The whole dashboard but for the socket, and the requests that tests send to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{Method, Request, Response, StatusCode, header};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use veglia_notify::Senders;
use veglia_people::Password;
use veglia_people::staff::{self, NewStaff, Role};
use veglia_store::{Actor, Database, Purpose};
use veglia_view::HttpView;
use veglia_ward::{Hub, PathFault};
use veglia_wire::{CareClock, Clock, WallMs};

use crate::ways::Ways;
use crate::{Config, Deps, router};

const PHRASE: &str = "tre civette sul comò";
pub(crate) const RIGHT: &str = "username=anna&password=tre+civette+sul+com%C3%B2";
pub(crate) const WRONG: &str = "username=anna&password=tre+gufi";

/// A clock that stands still until a test moves it.
pub(crate) struct StillClock(pub(crate) AtomicI64);

impl Clock for StillClock {
    fn now(&self) -> WallMs {
        WallMs(self.0.load(Ordering::SeqCst))
    }
}

/// The whole dashboard but for the socket, and nobody signed in.
pub(crate) struct Site {
    app: Router,
    pub(crate) record: Database,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) alarm_path: watch::Sender<Option<PathFault>>,
    pub(crate) hub: Hub,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn empty(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let record = Database::open(
            &path,
            Purpose::Record,
            &[
                veglia_people::SCHEMA,
                veglia_diary::SCHEMA,
                veglia_doctor::SCHEMA,
                veglia_documents::SCHEMA,
                veglia_enrol::SCHEMA,
                veglia_fleet::SCHEMA,
                veglia_handover::SCHEMA,
                veglia_isolation::SCHEMA,
                veglia_laboratory::SCHEMA,
                veglia_notify::SCHEMA,
                veglia_privacy::SCHEMA,
            ],
        );
        let record = record.await.unwrap();
        let clock = Arc::new(StillClock(AtomicI64::new(1_600_000_000_000)));
        let nobody = HttpView::new(&folder.path().join("nobody.sock"));
        let deps = Deps {
            record: record.clone(),
            view: Arc::new(nobody),
            clock: clock.clone(),
            care: CareClock::real(clock.clone()),
            identities: folder.path().join("identities.toml"),
            enrolments: folder.path().join("enrolments.toml"),
            notify: veglia_notify::Config::default(),
            alarm_path: None,
            line: None,
            laboratory: veglia_laboratory::Config::default(),
        };
        let senders = Arc::new(Senders::open(&deps.notify).unwrap());
        let (alarm_path, seen) = watch::channel(None);
        let ways = Ways::open(&config).unwrap();
        let (app, ward) = router(&config, deps, ways, senders, seen, CancellationToken::new());
        let hub = ward.hub();
        tokio::spawn(ward.run(std::future::pending()));
        Self {
            app,
            record,
            clock,
            alarm_path,
            hub,
            _folder: folder,
        }
    }

    pub(crate) async fn with_anna(config: Config) -> Self {
        let site = Self::empty(config).await;
        let anna = NewStaff {
            username: "anna".parse().unwrap(),
            name: "Anna <Ferri>".to_owned(),
            role: Role::Nurse,
            password: Password::new(PHRASE.to_owned()),
        };
        let actor = Actor::System("test");
        staff::create(&site.record, &actor, anna, site.clock.now())
            .await
            .unwrap();
        site
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Body> {
        self.ask(request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn get_with(&self, path: &str, cookie: &str) -> Response<Body> {
        let request = request(Method::GET, path).header(header::COOKIE, cookie);
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn sign_in(&self, form: &str) -> Response<Body> {
        self.ask(posted("/login", form)).await
    }

    /// The cookie as the browser sends it back.
    pub(crate) async fn signed_in(&self) -> String {
        let answer = self.sign_in(RIGHT).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        set_cookie(&answer).split(';').next().unwrap().to_owned()
    }
}

pub(crate) fn request(method: Method, path: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:8080")
}

pub(crate) fn posted(path: &str, form: &str) -> Request<Body> {
    request(Method::POST, path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(form.to_owned()))
        .unwrap()
}

pub(crate) fn set_cookie(answer: &Response<Body>) -> String {
    answer.headers()[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .to_owned()
}

pub(crate) fn leads_to(answer: &Response<Body>) -> &str {
    answer.headers()[header::LOCATION].to_str().unwrap()
}

pub(crate) async fn text(answer: Response<Body>) -> String {
    let bytes = to_bytes(answer.into_body(), 10_000_000).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
