//! Passkeys over the real site: made, shown, removed; and every answer that must not be believed.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use veglia_people::Password;
use veglia_people::passkeys::CEREMONY_MS;
use veglia_people::sessions::CONFIRMED_MS;
use veglia_people::staff::{self, NewStaff, Role};
use veglia_store::{Actor, Asked};
use veglia_wire::Clock;

use crate::Config;
use crate::tests::authenticator::Authenticator;
use crate::tests::site::{RIGHT, Site, leads_to, posted, request, set_cookie, text};

const ORIGIN: &str = "https://centro.example";

const PHRASE: &str = "password=tre+civette+sul+com%C3%B2";

const REFUSED: &str = "Passkey non riconosciuta";

const SESSION: &str = "__Host-veglia_session";
const CEREMONY: &str = "__Host-veglia_passkey";

fn reached() -> Config {
    Config {
        behind_proxy: true,
        address: Some(ORIGIN.to_owned()),
        ..Config::default()
    }
}

/// A browser: it keeps cookies and speaks JSON as our script does.
struct Browser<'a> {
    site: &'a Site,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    fn new(site: &'a Site) -> Self {
        let cookies = Vec::new();
        Self { site, cookies }
    }

    /// One in which somebody has shown their password.
    async fn of(site: &'a Site, name: &str) -> Self {
        let mut browser = Self::new(site);
        let answer = site.sign_in(&RIGHT.replace("anna", name)).await;
        browser.keep(&answer);
        browser
    }

    fn cookie(&self) -> String {
        let all = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        all.collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, answer: &Response<Body>) {
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = cookie.split_once('=').unwrap();
            self.cookies.retain(|it| it.0 != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.cookies.iter().any(|it| it.0 == name)
    }

    async fn get(&self, path: &str) -> Response<Body> {
        self.site.get_with(path, &self.cookie()).await
    }

    async fn form(&mut self, path: &str, form: &str) -> Response<Body> {
        let mut request = posted(path, form);
        let cookie = self.cookie().parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        let answer = self.site.ask(request).await;
        self.keep(&answer);
        answer
    }

    async fn send(&mut self, path: &str, content: &Value) -> (StatusCode, Value) {
        let request = request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, self.cookie())
            .body(Body::from(content.to_string()))
            .unwrap();
        let answer = self.site.ask(request).await;
        self.keep(&answer);
        let status = answer.status();
        let said = serde_json::from_str(&text(answer).await);
        (status, said.unwrap_or_default())
    }

    async fn confirm(&mut self) {
        let confirmed = self.form("/account/conferma", PHRASE).await;
        assert_eq!(leads_to(&confirmed), "/account/passkey");
    }

    /// Makes a passkey in this authenticator.
    async fn make(&mut self, authenticator: &mut Authenticator) -> (StatusCode, Value) {
        let (status, asked) = self.send("/account/passkey/inizio", &json!({})).await;
        if status != StatusCode::OK {
            return (status, asked);
        }
        let credential = authenticator.make(&asked);
        let new = json!({ "name": "telefono", "credential": credential });
        self.send("/account/passkey/nuova", &new).await
    }

    /// Shows the one of this authenticator at the door.
    async fn show(&mut self, authenticator: &mut Authenticator) -> (StatusCode, Value) {
        let asked = self.challenge().await;
        let credential = authenticator.show(&asked);
        let shown = json!({ "credential": credential, "back": "/?a=1" });
        self.send("/login/passkey", &shown).await
    }

    async fn challenge(&mut self) -> Value {
        let (status, asked) = self.send("/login/passkey/inizio", &json!({})).await;
        assert_eq!(status, StatusCode::OK, "{asked}");
        asked
    }
}

/// Anna with a passkey; who is signed in elsewhere by her password no more.
async fn anna(site: &Site) -> Authenticator {
    let mut authenticator = Authenticator::new(7, ORIGIN);
    let mut browser = Browser::of(site, "anna").await;
    browser.confirm().await;
    let (status, said) = browser.make(&mut authenticator).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    authenticator
}

async fn employ(site: &Site, name: &str, role: Role) {
    let account = NewStaff {
        username: name.parse().unwrap(),
        name: name.to_owned(),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let actor = Actor::System("test");
    let made = staff::create(&site.record, &actor, account, site.clock.now()).await;
    made.unwrap();
}

/// What stands in the audit, oldest first.
async fn audited(site: &Site) -> Vec<String> {
    let all = Asked {
        subject: None,
        by: None,
        purpose: None,
        before: None,
    };
    let entries = site.record.accesses(&Actor::System("test"), all, 100).await;
    let mut purposes: Vec<String> = entries
        .unwrap()
        .into_iter()
        .map(|it| format!("{} {}", it.purpose, it.subject))
        .collect();
    purposes.reverse();
    purposes
}

fn pass(site: &Site, ms: i64) {
    site.clock.0.fetch_add(ms, Ordering::SeqCst);
}

fn judge_refused(said: (StatusCode, Value)) {
    let (status, said) = said;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{said}");
    let fault = said["fault"].as_str().unwrap();
    assert!(fault.starts_with(REFUSED), "{fault}");
}

fn judge_over(said: (StatusCode, Value)) {
    let (status, said) = said;
    assert_eq!(status, StatusCode::GONE, "{said}");
    assert!(
        said["fault"].as_str().unwrap().contains("scaduta"),
        "{said}"
    );
}

#[tokio::test]
async fn a_passkey_opens_a_session_without_password_and_code() {
    let site = Site::with_anna(reached()).await;
    let mut authenticator = anna(&site).await;
    let mut browser = Browser::new(&site);
    let page = text(browser.get("/login").await).await;
    assert!(page.contains("Accedi con una passkey"), "{page}");
    assert!(
        page.contains(&format!("data-origin=\"{ORIGIN}\"")),
        "{page}"
    );
    for _ in 0..2 {
        let (status, said) = browser.show(&mut authenticator).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        assert_eq!(said["to"], "/?a=1");
        assert!(browser.has(SESSION) && !browser.has(CEREMONY));
    }
    assert_eq!(browser.get("/").await.status(), StatusCode::OK);
    let account = text(browser.get("/account/passkey").await).await;
    assert!(
        account.contains("telefono") && account.contains("ultimo uso"),
        "{account}"
    );
    let shown = [
        "passkey.made staff:1",
        "passkey.shown staff:1",
        "passkey.shown staff:1",
    ];
    assert_eq!(audited(&site).await, shown);
}

#[tokio::test]
async fn a_passkey_is_made_and_removed_only_by_who_was_recognised_a_short_while_ago() {
    let site = Site::with_anna(reached()).await;
    let mut authenticator = Authenticator::new(7, ORIGIN);
    let mut browser = Browser::of(&site, "anna").await;
    let (status, said) = browser.make(&mut authenticator).await;
    assert_eq!(
        status,
        StatusCode::FORBIDDEN,
        "the sign-in itself is not enough: {said}"
    );
    let wrong = browser.form("/account/conferma", "password=tre+gufi").await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(wrong).await.contains("Password non corretta"));

    browser.confirm().await;
    pass(&site, CONFIRMED_MS);
    let (status, said) = browser.make(&mut authenticator).await;
    assert_eq!(
        status,
        StatusCode::FORBIDDEN,
        "five minutes are over: {said}"
    );
    browser.confirm().await;
    let (status, said) = browser.make(&mut authenticator).await;
    assert_eq!((status, &said["to"]), (StatusCode::OK, &json!("/account")));
    let (status, said) = browser.make(&mut authenticator).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "it is known: {said}"
    );

    let page = text(browser.get("/account/passkey").await).await;
    let reference = page.split("name=\"passkey\" value=\"").nth(1).unwrap();
    let form = format!("passkey={}", reference.split('"').next().unwrap());
    pass(&site, CONFIRMED_MS);
    let late = browser.form("/account/passkey/togli", &form).await;
    assert_eq!(late.status(), StatusCode::FORBIDDEN);
    // A passkey recognises its owner as well as the password does.
    let (_, asked) = browser.send("/account/conferma/inizio", &json!({})).await;
    let shown = json!({ "credential": authenticator.show(&asked) });
    let (status, said) = browser.send("/account/conferma/passkey", &shown).await;
    assert_eq!(
        (status, &said["to"]),
        (StatusCode::OK, &json!("/account/passkey"))
    );
    let removed = browser.form("/account/passkey/togli", &form).await;
    assert_eq!(leads_to(&removed), "/account/passkey");
    judge_refused(Browser::new(&site).show(&mut authenticator).await);
    assert_eq!(
        audited(&site).await.last().unwrap(),
        "passkey.removed staff:1"
    );
}

#[tokio::test]
async fn an_answer_counts_once_in_time_and_in_its_own_browser() {
    let site = Site::with_anna(reached()).await;
    let mut authenticator = anna(&site).await;
    let mut browser = Browser::new(&site);
    let asked = browser.challenge().await;
    let first = browser.cookies.clone();
    let shown = json!({ "credential": authenticator.show(&asked) });
    let (status, _) = browser.send("/login/passkey", &shown).await;
    assert_eq!(status, StatusCode::OK);

    // Again, with the cookie that the browser had; without; and to another challenge.
    browser.cookies = first;
    judge_over(browser.send("/login/passkey", &shown).await);
    browser.cookies.clear();
    judge_over(browser.send("/login/passkey", &shown).await);
    browser.challenge().await;
    judge_refused(browser.send("/login/passkey", &shown).await);

    let asked = browser.challenge().await;
    let late = json!({ "credential": authenticator.show(&asked) });
    pass(&site, CEREMONY_MS);
    judge_over(browser.send("/login/passkey", &late).await);
    assert!(!browser.has(SESSION));
}

#[tokio::test]
async fn what_another_site_asked_for_is_refused() {
    let site = Site::with_anna(reached()).await;
    let mut authenticator = anna(&site).await;
    for origin in [
        "https://centro.example.evil.example",
        "https://evil.example",
        "http://centro.example",
    ] {
        authenticator.origin = origin.to_owned();
        judge_refused(Browser::new(&site).show(&mut authenticator).await);
    }
    authenticator.origin = ORIGIN.to_owned();
    authenticator.verifies = false;
    judge_refused(Browser::new(&site).show(&mut authenticator).await);
    let mut browser = Browser::of(&site, "anna").await;
    browser.confirm().await;
    let mut elsewhere = Authenticator::new(8, "https://evil.example");
    let (status, said) = browser.make(&mut elsewhere).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
}

#[tokio::test]
async fn a_passkey_opens_its_own_account_and_confirms_no_other() {
    let site = Site::with_anna(reached()).await;
    let mut hers = anna(&site).await;
    employ(&site, "bruno", Role::Nurse).await;
    let mut browser = Browser::of(&site, "bruno").await;
    let (_, asked) = browser.send("/account/conferma/inizio", &json!({})).await;
    let shown = json!({ "credential": hers.show(&asked) });
    judge_refused(browser.send("/account/conferma/passkey", &shown).await);

    browser.confirm().await;
    let mut his = Authenticator::new(9, ORIGIN);
    let (status, said) = browser.make(&mut his).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    // His key with her name, and hers with his.
    (his.handle, hers.handle) = (hers.handle.clone(), his.handle.clone());
    judge_refused(Browser::new(&site).show(&mut his).await);
    judge_refused(Browser::new(&site).show(&mut hers).await);
    // A key that nobody knows.
    let mut nobody = Authenticator::new(11, ORIGIN);
    nobody.handle = his.handle.clone();
    judge_refused(Browser::new(&site).show(&mut nobody).await);
    // What one account began, another does not finish.
    let (_, asked) = browser.send("/account/passkey/inizio", &json!({})).await;
    let ceremony = browser
        .cookies
        .iter()
        .find(|it| it.0 == CEREMONY)
        .cloned()
        .unwrap();
    let mut other = Browser::of(&site, "anna").await;
    other.confirm().await;
    other.cookies.push(ceremony);
    let new = json!({ "name": "suo", "credential": nobody.make(&asked) });
    judge_over(other.send("/account/passkey/nuova", &new).await);
}

#[tokio::test]
async fn a_copied_passkey_is_refused_and_stands_in_the_audit() {
    let site = Site::with_anna(reached()).await;
    let mut authenticator = anna(&site).await;
    let mut copy = authenticator.clone();
    let mut browser = Browser::new(&site);
    for _ in 0..2 {
        let (status, _) = browser.show(&mut authenticator).await;
        assert_eq!(status, StatusCode::OK);
    }
    judge_refused(Browser::new(&site).show(&mut copy).await);
    assert_eq!(
        audited(&site).await.last().unwrap(),
        "passkey.copied staff:1"
    );
}

#[tokio::test]
async fn the_administrator_withdraws_the_passkeys_of_a_lost_telephone() {
    let site = Site::with_anna(reached()).await;
    let mut authenticator = anna(&site).await;
    let mut hers = Browser::new(&site);
    hers.show(&mut authenticator).await;
    assert_eq!(hers.get("/account").await.status(), StatusCode::OK);
    employ(&site, "carla", Role::Admin).await;
    let mut admin = Browser::of(&site, "carla").await;
    let page = text(admin.get("/utenti/1").await).await;
    assert!(
        page.contains("telefono") && page.contains("Ritira"),
        "{page}"
    );
    let withdrawn = admin
        .form("/utenti/1/passkey/ritiro", "passkey=tutte")
        .await;
    assert_eq!(leads_to(&withdrawn), "/utenti/1");
    assert_eq!(hers.get("/account").await.status(), StatusCode::SEE_OTHER);
    judge_refused(Browser::new(&site).show(&mut authenticator).await);
    assert_eq!(
        audited(&site).await.last().unwrap(),
        "passkey.withdrawn staff:1"
    );
}

#[tokio::test]
async fn of_a_closed_account_no_passkey_opens_anything() {
    let site = Site::with_anna(reached()).await;
    let mut authenticator = anna(&site).await;
    let anna = "anna".parse().unwrap();
    let actor = Actor::System("test");
    let anna = staff::by_username(&site.record, &actor, &anna)
        .await
        .unwrap()
        .unwrap();
    let closed = staff::disable(&site.record, &actor, anna.id, site.clock.now()).await;
    closed.unwrap();
    judge_refused(Browser::new(&site).show(&mut authenticator).await);
}

#[tokio::test]
async fn a_doctor_with_a_passkey_needs_no_code_and_the_password_alone_opens_nothing() {
    let site = Site::empty(reached()).await;
    employ(&site, "dora", Role::Doctor).await;
    let elsewhere = Browser::of(&site, "dora").await;
    let mut browser = Browser::of(&site, "dora").await;
    assert_eq!(leads_to(&browser.get("/").await), "/account/codici");
    browser.confirm().await;
    let mut authenticator = Authenticator::new(7, ORIGIN);
    let (status, said) = browser.make(&mut authenticator).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(browser.get("/").await.status(), StatusCode::OK);
    let ended = elsewhere.get("/account").await;
    assert_eq!(
        ended.status(),
        StatusCode::SEE_OTHER,
        "it was opened by the password alone"
    );

    let mut half = Browser::new(&site);
    let answer = half.form("/login", &RIGHT.replace("anna", "dora")).await;
    assert_eq!(leads_to(&answer), "/login/codice");
    assert!(!half.has(SESSION));
    let page = text(half.get("/login/codice").await).await;
    assert!(
        page.contains("Questo account si apre con una passkey"),
        "{page}"
    );
    assert!(
        !page.contains("one-time-code"),
        "there are no codes: {page}"
    );
    let typed = half.form("/login/codice", "codice=000000").await;
    assert_eq!(typed.status(), StatusCode::UNAUTHORIZED);
    let (status, _) = half.show(&mut authenticator).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(half.get("/").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn where_the_address_is_not_known_there_are_no_passkeys() {
    let site = Site::with_anna(Config::default()).await;
    let page = text(site.get("/login").await).await;
    assert!(!page.contains("data-passkey"), "{page}");
    let begun = site.ask(posted("/login/passkey/inizio", "")).await;
    assert_eq!(begun.status(), StatusCode::NOT_FOUND);
    let cookie = set_cookie(&site.sign_in(RIGHT).await);
    let cookie = cookie.split(';').next().unwrap();
    let page = text(site.get_with("/account", cookie).await).await;
    assert!(!page.contains("/account/passkey"), "{page}");
}

#[test]
fn an_address_without_encryption_or_name_is_refused() {
    for address in [
        "http://centro.example",
        "https://192.0.2.1",
        "https://centro.example/pagine",
        "centro.example",
    ] {
        let config = Config {
            address: Some(address.to_owned()),
            ..Config::default()
        };
        assert!(crate::ways::Ways::open(&config).is_err(), "{address}");
    }
}
