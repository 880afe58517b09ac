//! Identities from elsewhere, over real sockets, with a real identity provider in Python
//! (`oidc-provider-mock`, on Authlib), which knows nothing of this project. It is fetched by pip
//! below the target folder; where Python, pip or the network is missing, the tests are skipped,
//! aloud. What a provider must never say, it says when a person's claims are made to hold it.

#![cfg(test)]

#[path = "federated/provider.rs"]
mod provider;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use veglia_dashboard::{Config, Deps, Federated, serve};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{Password, StaffId, subjects};
use veglia_store::{Actor, Asked, Database, Purpose};
use veglia_view::HttpView;
use veglia_wire::{CareClock, Clock, WallMs};

use provider::{Provider, free_port, packages};

const TEST: Actor = Actor::System("test");

const LEVEL: &str = "https://www.spid.gov.it/SpidL2";

/// Tax codes of nobody.
const OLGA: &str = "TINIT-PRVLGO80A41F205X";
const STRANGER: &str = "TINIT-PRVSTR80A41F205X";

const REFUSED: &str = "Accesso non riuscito";

const SESSION: &str = "veglia_session";
const IDENTITIES: &str = "/account/identita";
const LINK: &str = "/account/identita/collega";

/// The time of the provider, which is another process.
struct Now;

impl Clock for Now {
    fn now(&self) -> WallMs {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        WallMs(i64::try_from(now.as_millis()).unwrap())
    }
}

async fn send(request: Request<String>) -> Response<Bytes> {
    let (mut head, body) = request.into_parts();
    let port = head.uri.port_u16().unwrap();
    let host = format!("localhost:{port}");
    head.headers.insert(HOST, host.parse().unwrap());
    head.uri = head.uri.path_and_query().unwrap().as_str().parse().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::from_parts(head, Full::new(Bytes::from(body)));
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    connection.abort();
    Response::from_parts(head, body)
}

fn leads_to(answer: &Response<Bytes>) -> String {
    let to = answer.headers().get(LOCATION);
    let to = to.unwrap_or_else(|| panic!("{answer:?} leads nowhere"));
    to.to_str().unwrap().to_owned()
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).unwrap()
}

/// What a page says; around it the address stands, which is another each time.
fn main_of(answer: &Response<Bytes>) -> String {
    let page = text(answer);
    let (_, main) = page.split_once("<main").unwrap();
    main.split_once("</main>").unwrap().0.to_owned()
}

/// The pages of a centre, with Olga, a doctor, who must show more than a password.
struct Pages {
    address: SocketAddr,
    record: Database,
    olga: StaffId,
    _folder: tempfile::TempDir,
}

impl Pages {
    async fn open(provider: &Provider) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_fleet::SCHEMA,
            veglia_isolation::SCHEMA,
            veglia_laboratory::SCHEMA,
            veglia_notify::SCHEMA,
        ];
        let path = folder.path().join("record.db");
        let record = Database::open(&path, Purpose::Record, &schemas)
            .await
            .unwrap();
        let olga = NewStaff {
            username: "olga".parse().unwrap(),
            name: "Olga".to_owned(),
            role: Role::Doctor,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let olga = staff::create(&record, &TEST, olga, Now.now())
            .await
            .unwrap();
        let secret_file = folder.path().join("secret");
        fs::write(&secret_file, "segreto di prova\n").unwrap();
        let federated = Federated {
            issuer: provider.issuer(),
            client_id: "veglia".to_owned(),
            secret_file,
            label: "Entra con l’identità di prova".to_owned(),
            claim: "fiscal_number".to_owned(),
            scopes: vec!["profile".to_owned()],
            acr: vec![LEVEL.to_owned()],
            amr: Vec::new(),
            authority: None,
        };
        let config = Config {
            codes_for: Some(vec![Role::Doctor]),
            federated: Some(federated),
            ..Config::default()
        };
        let deps = Deps {
            record: record.clone(),
            view: Arc::new(HttpView::new(&folder.path().join("nobody.sock"))),
            clock: Arc::new(Now),
            care: CareClock::real(Arc::new(Now)),
            identities: folder.path().join("identities.toml"),
            enrolments: folder.path().join("enrolments.toml"),
            notify: veglia_notify::Config::default(),
            alarm_path: None,
            line: None,
            laboratory: veglia_laboratory::Config::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(config, deps, listener, std::future::pending()));
        Self {
            address,
            record,
            olga,
            _folder: folder,
        }
    }

    async fn link(&self, provider: &Provider, subject: &str) {
        let identity = (provider.issuer(), subject.to_owned());
        let identity = (identity.0.as_str(), identity.1.as_str());
        let linked = subjects::link(&self.record, &TEST, self.olga, identity, Now.now()).await;
        linked.unwrap();
    }
}

/// Somebody's browser at the pages.
struct Browser<'a> {
    pages: &'a Pages,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    fn new(pages: &'a Pages) -> Self {
        let cookies = Vec::new();
        Self { pages, cookies }
    }

    async fn ask(&mut self, method: Method, path: &str, body: &str) -> Response<Bytes> {
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let request = Request::builder()
            .method(method)
            .uri(format!(
                "http://localhost:{}{path}",
                self.pages.address.port()
            ))
            .header(COOKIE, cookies.collect::<Vec<_>>().join("; "))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = send(request.body(body.to_owned()).unwrap()).await;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            self.cookies.retain(|it| it.0 != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Response<Bytes> {
        self.ask(Method::GET, path, "").await
    }

    fn is_in(&self) -> bool {
        self.cookies.iter().any(|it| it.0 == SESSION)
    }

    /// To the provider.
    async fn leave(&mut self) -> String {
        leads_to(&self.get("/login/federato?back=/account").await)
    }

    /// To the provider, where somebody signs in, and back.
    async fn sign_in(&mut self, provider: &Provider, subject: &str) -> Response<Bytes> {
        let address = self.leave().await;
        let back = provider.recognise(&address, subject).await;
        self.come_back(&back).await
    }

    async fn come_back(&mut self, address: &str) -> Response<Bytes> {
        let here = format!("http://localhost:{}", self.pages.address.port());
        let path = address.strip_prefix(&here);
        let path = path.unwrap_or_else(|| panic!("{address} is another site"));
        self.get(path).await
    }
}

fn olga(more: &Value) -> Value {
    let mut claims = json!({ "acr": LEVEL, "fiscal_number": OLGA });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[track_caller]
fn judge_refused(browser: &Browser<'_>, answer: &Response<Bytes>) {
    let page = text(answer);
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{page}");
    assert!(page.contains(REFUSED), "{page}");
    assert!(!browser.is_in());
}

/// The provider's packages, or a loud word that there are none.
fn found(test: &str) -> Option<String> {
    match packages() {
        Ok(packages) => Some(packages),
        Err(reason) => {
            support::skip(test, &reason);
            None
        }
    }
}

#[tokio::test]
async fn an_identity_opens_the_account_that_it_was_linked_to_and_no_other() {
    let name = "an_identity_opens_the_account_that_it_was_linked_to_and_no_other";
    let Some(packages) = found(name) else {
        return;
    };
    let provider = Provider::start(&packages, free_port()).await;
    let pages = Pages::open(&provider).await;
    provider.say("olga", &olga(&json!({}))).await;
    provider
        .say("somebody", &olga(&json!({ "fiscal_number": STRANGER })))
        .await;
    let mut browser = Browser::new(&pages);
    let page = text(&browser.get("/login?back=/account").await);
    assert!(page.contains("Entra con l’identità di prova"), "{page}");
    assert!(page.contains("/login/federato?back=/account"), "{page}");

    // Nobody linked it yet: it is answered as one that nobody knows, and makes no account.
    let unlinked = browser.sign_in(&provider, "olga").await;
    judge_refused(&browser, &unlinked);
    let unknown = browser.sign_in(&provider, "somebody").await;
    judge_refused(&browser, &unknown);
    assert_eq!(main_of(&unlinked), main_of(&unknown));
    assert_eq!(staff::active(&pages.record, &TEST).await.unwrap().len(), 1);

    pages.link(&provider, OLGA).await;
    let address = browser.leave().await;
    let asked = Url::parse(&address).unwrap();
    let asked = |name: &str| {
        let found = asked.query_pairs().find(|(it, _)| it == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    assert_eq!(asked("response_type"), "code");
    assert_eq!(asked("code_challenge_method"), "S256");
    assert_eq!(asked("acr_values"), LEVEL);
    assert_eq!(asked("scope"), "openid profile");
    assert_eq!(
        asked("prompt"),
        "login",
        "whoever was here before is not believed"
    );
    for secret in ["state", "nonce", "code_challenge"] {
        assert!(asked(secret).len() >= 16, "{secret} in {address}");
    }
    let opened = browser.sign_in(&provider, "olga").await;
    assert_eq!(leads_to(&opened), "/account", "{}", text(&opened));
    // The provider vouched for both factors: no code is asked for.
    let page = browser.get("/").await;
    assert_eq!(page.status(), StatusCode::OK, "{page:?}");
    let all = Asked {
        subject: None,
        by: None,
        purpose: Some("identity.shown"),
        before: None,
    };
    let audited = pages.record.accesses(&TEST, all, 10).await.unwrap();
    assert_eq!(audited.len(), 1);
    // Leaving is leaving here.
    assert_eq!(
        leads_to(&browser.ask(Method::POST, "/logout", "").await),
        "/login"
    );
    assert!(!browser.is_in());

    let gone = subjects::unlink(&pages.record, &TEST, pages.olga, Now.now()).await;
    assert_eq!(gone.unwrap(), 1);
    let answer = browser.sign_in(&provider, "olga").await;
    judge_refused(&browser, &answer);
}

#[tokio::test]
async fn what_a_provider_must_not_have_said_is_not_believed() {
    let Some(packages) = found("what_a_provider_must_not_have_said_is_not_believed") else {
        return;
    };
    let provider = Provider::start(&packages, free_port()).await;
    let pages = Pages::open(&provider).await;
    pages.link(&provider, OLGA).await;
    for wrong in [
        json!({ "nonce": "another" }),
        json!({ "exp": 1 }),
        json!({ "aud": "somebody else" }),
        json!({ "aud": ["veglia", "somebody else"] }),
        json!({ "iss": "https://identity.example" }),
        json!({ "fiscal_number": "" }),
        json!({ "fiscal_number": 7 }),
    ] {
        provider.say("olga", &olga(&wrong)).await;
        let mut browser = Browser::new(&pages);
        let answer = browser.sign_in(&provider, "olga").await;
        judge_refused(&browser, &answer);
    }
    for weak in [
        json!({ "acr": "https://www.spid.gov.it/SpidL1" }),
        json!({ "acr": null }),
    ] {
        provider.say("olga", &olga(&weak)).await;
        let mut browser = Browser::new(&pages);
        let answer = browser.sign_in(&provider, "olga").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(
            text(&answer).contains("livello più alto"),
            "{}",
            text(&answer)
        );
        assert!(!browser.is_in());
    }

    provider.say("olga", &olga(&json!({}))).await;
    let mut browser = Browser::new(&pages);
    let address = browser.leave().await;
    let back = provider.recognise(&address, "olga").await;
    // In another browser, which began a sign-in of its own; and with another state.
    let mut other = Browser::new(&pages);
    let answer = other.come_back(&back).await;
    judge_refused(&other, &answer);
    other.leave().await;
    let answer = other.come_back(&back).await;
    judge_refused(&other, &answer);
    let answer = browser.come_back(&back.replace("state=", "state=x")).await;
    judge_refused(&browser, &answer);
    // That was its one try.
    let answer = browser.come_back(&back).await;
    judge_refused(&browser, &answer);
    // What the provider refused itself.
    browser.leave().await;
    let denied = "/login/federato/ritorno?error=access_denied";
    let answer = browser.get(denied).await;
    judge_refused(&browser, &answer);
    let opened = browser.sign_in(&provider, "olga").await;
    assert_eq!(
        leads_to(&opened),
        "/account",
        "and after all that she comes in"
    );
}

#[tokio::test]
async fn a_provider_with_new_keys_is_believed_and_of_one_that_is_away_the_page_says_so() {
    let name = "a_provider_with_new_keys_is_believed_and_of_one_that_is_away_the_page_says_so";
    let Some(packages) = found(name) else {
        return;
    };
    let port = free_port();
    let provider = Provider::start(&packages, port).await;
    let pages = Pages::open(&provider).await;
    pages.link(&provider, OLGA).await;
    provider.say("olga", &olga(&json!({}))).await;
    let mut browser = Browser::new(&pages);
    let opened = browser.sign_in(&provider, "olga").await;
    assert_eq!(leads_to(&opened), "/account");

    drop(provider);
    let provider = Provider::start(&packages, port).await;
    provider.say("olga", &olga(&json!({}))).await;
    let mut browser = Browser::new(&pages);
    let opened = browser.sign_in(&provider, "olga").await;
    assert_eq!(leads_to(&opened), "/account", "{}", text(&opened));

    // It goes while somebody is there; then nobody is sent there any more.
    let mut browser = Browser::new(&pages);
    let address = browser.leave().await;
    let back = provider.recognise(&address, "olga").await;
    drop(provider);
    let away = browser.come_back(&back).await;
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(&away).contains("non risponde"), "{}", text(&away));
    let form = "username=olga&password=tre+civette+sul+com%C3%B2";
    let opened = browser.ask(Method::POST, "/login", form).await;
    assert_eq!(
        opened.status(),
        StatusCode::SEE_OTHER,
        "the password still opens"
    );
    assert!(browser.is_in());
}

#[tokio::test]
async fn an_identity_is_linked_and_unlinked_by_whoever_shows_it_and_the_password() {
    let name = "an_identity_is_linked_and_unlinked_by_whoever_shows_it_and_the_password";
    let Some(packages) = found(name) else {
        return;
    };
    let provider = Provider::start(&packages, free_port()).await;
    let pages = Pages::open(&provider).await;
    provider.say("olga", &olga(&json!({}))).await;
    let mut browser = Browser::new(&pages);
    let phrase = "password=tre+civette+sul+com%C3%B2";
    let form = format!("username=olga&{phrase}");
    browser.ask(Method::POST, "/login", &form).await;
    assert!(browser.is_in());

    // A screen left open links nothing.
    let asked = browser.ask(Method::POST, LINK, "").await;
    assert_eq!(leads_to(&asked), "/account/conferma?verso=identita");
    let wrong = "password=quattro+gufi&verso=identita";
    let wrong = browser.ask(Method::POST, "/account/conferma", wrong).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("{phrase}&verso=identita");
    let confirmed = browser.ask(Method::POST, "/account/conferma", &form).await;
    assert_eq!(leads_to(&confirmed), IDENTITIES);

    // Who comes back in another browser, or signed in as nobody, has linked nothing.
    let address = leads_to(&browser.ask(Method::POST, LINK, "").await);
    let back = provider.recognise(&address, "olga").await;
    let mut stranger = Browser::new(&pages);
    let answer = stranger.come_back(&back).await;
    judge_refused(&stranger, &answer);
    let session = browser.cookies.iter().position(|it| it.0 == SESSION);
    let session = browser.cookies.remove(session.unwrap());
    let answer = browser.come_back(&back).await;
    judge_refused(&browser, &answer);
    browser.cookies.push(session);
    assert!(text(&browser.get(IDENTITIES).await).contains("Nessuna identità"));

    let address = leads_to(&browser.ask(Method::POST, LINK, "").await);
    let back = provider.recognise(&address, "olga").await;
    let linked = browser.come_back(&back).await;
    assert_eq!(leads_to(&linked), format!("{IDENTITIES}?fatto=1"));
    let page = text(&browser.get(IDENTITIES).await);
    assert!(page.contains("Collegata da lei"), "{page}");
    assert!(!page.contains(OLGA), "which one it is nobody keeps");
    let mut other = Browser::new(&pages);
    let opened = other.sign_in(&provider, "olga").await;
    assert_eq!(leads_to(&opened), "/account");

    // It opens one account, once.
    let address = leads_to(&browser.ask(Method::POST, LINK, "").await);
    let back = provider.recognise(&address, "olga").await;
    let again = browser.come_back(&back).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);

    let (_, reference) = page.split_once("name=\"identita\" value=\"").unwrap();
    let form = format!("identita={}", &reference[..16]);
    let gone = browser
        .ask(Method::POST, "/account/identita/togli", &form)
        .await;
    assert_eq!(leads_to(&gone), IDENTITIES);
    assert_eq!(
        leads_to(&other.get("/account").await),
        "/login?back=/account"
    );
    let mut other = Browser::new(&pages);
    let refused = other.sign_in(&provider, "olga").await;
    judge_refused(&other, &refused);
}
