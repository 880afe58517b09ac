//! An account as its owner and the administrator meet it: codes, sessions, and who must show what.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use totp_rs::{Builder, Secret};
use veglia_people::Password;
use veglia_people::sessions::CONFIRMED_MS;
use veglia_people::staff::{self, NewStaff, Role};
use veglia_store::Actor;
use veglia_wire::Clock;

use crate::Config;
use crate::tests::site::{RIGHT, Site, leads_to, posted, set_cookie, text};

const STEP_MS: i64 = 30_000;

async fn post(site: &Site, path: &str, form: &str, cookie: &str) -> Response<Body> {
    let mut request = posted(path, form);
    let headers = request.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    site.ask(request).await
}

/// What the browser sends back of a cookie that was set.
fn kept(answer: &Response<Body>, name: &str) -> String {
    let all = answer.headers().get_all(header::SET_COOKIE).iter();
    let mut named = all.filter_map(|it| it.to_str().ok());
    let cookie = named.find(|it| it.starts_with(&format!("{name}=")));
    cookie.unwrap().split(';').next().unwrap().to_owned()
}

/// The code on a telephone that scanned the page.
fn on_the_telephone(page: &str, now_ms: i64) -> String {
    let secret = page.split("code-secret\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap();
    telephone(secret, now_ms)
}

fn telephone(secret: &str, now_ms: i64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let telephone = Builder::new().with_secret(secret).build().unwrap();
    let seconds = u64::try_from(now_ms / 1_000).unwrap();
    telephone.generate(seconds).to_string()
}

async fn employ(site: &Site, name: &str, role: Role) -> String {
    let account = NewStaff {
        username: name.parse().unwrap(),
        name: name.to_owned(),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let actor = Actor::System("test");
    let made = staff::create(&site.record, &actor, account, site.clock.now()).await;
    made.unwrap();
    let form = RIGHT.replace("anna", name);
    let answer = site.sign_in(&form).await;
    set_cookie(&answer).split(';').next().unwrap().to_owned()
}

fn encrypted() -> Config {
    Config {
        behind_proxy: true,
        ..Config::default()
    }
}

/// Sets codes up on the page; the secret.
async fn enrol(site: &Site, cookie: &str) -> String {
    let page = text(site.get_with("/account/codici", cookie).await).await;
    assert!(page.contains("<svg"), "{page}");
    let secret = page.split("code-secret\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let again = text(site.get_with("/account/codici", cookie).await).await;
    assert!(again.contains(&secret), "the same after a reload");
    let wrong = post(site, "/account/codici", "codice=000000", cookie).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(wrong).await.contains("Codice non corretto"));
    let code = on_the_telephone(&page, site.clock.now().0);
    let done = post(site, "/account/codici", &format!("codice={code}"), cookie).await;
    assert_eq!(done.status(), StatusCode::OK);
    let done = text(done).await;
    assert_eq!(done.matches("<li><code>").count(), 8, "{done}");
    secret
}

#[tokio::test]
async fn a_screen_left_open_sets_no_codes_up() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    let page = text(site.get_with("/account/codici", &cookie).await).await;
    let code = on_the_telephone(&page, site.clock.now().0);
    site.clock
        .0
        .fetch_add(CONFIRMED_MS, std::sync::atomic::Ordering::SeqCst);
    let asked = site.get_with("/account/codici", &cookie).await;
    assert_eq!(leads_to(&asked), "/account/conferma?verso=codici");
    // A wrong code would show the key again.
    for code in ["000000", &code] {
        let form = format!("codice={code}");
        let asked = post(&site, "/account/codici", &form, &cookie).await;
        assert_eq!(leads_to(&asked), "/account/conferma?verso=codici");
    }
    let page = site
        .get_with("/account/conferma?verso=codici", &cookie)
        .await;
    assert!(text(page).await.contains("Codici di accesso"));
    let wrong = "password=quattro+gufi&verso=codici";
    let wrong = post(&site, "/account/conferma", wrong, &cookie).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(wrong).await.contains("Password non corretta"));
    let right = "password=tre+civette+sul+com%C3%B2&verso=codici";
    let right = post(&site, "/account/conferma", right, &cookie).await;
    assert_eq!(leads_to(&right), "/account/codici");
    enrol(&site, &cookie).await;
}

#[tokio::test]
async fn whoever_signs_in_at_a_screen_ends_the_session_of_whoever_was_there() {
    let site = Site::with_anna(Config::default()).await;
    let before = site.signed_in().await;
    let answer = post(&site, "/login", RIGHT, &before).await;
    let after = kept(&answer, "veglia_session");
    assert_eq!(site.get_with("/", &after).await.status(), StatusCode::OK);
    let gone = site.get_with("/", &before).await;
    assert_eq!(gone.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn with_codes_the_password_alone_opens_nothing() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    let secret = enrol(&site, &cookie).await;
    assert_eq!(site.get_with("/", &cookie).await.status(), StatusCode::OK);

    let half = site.sign_in(&format!("{RIGHT}&back=%2F%3Fa%3D1")).await;
    assert_eq!(leads_to(&half), "/login/codice?back=/%3Fa%3D1");
    let step = kept(&half, "veglia_step");
    let as_session = step.replace("veglia_step", "veglia_session");
    for cookie in [&step, &as_session] {
        let page = site.get_with("/", cookie).await;
        assert_eq!(page.status(), StatusCode::SEE_OTHER, "{cookie}");
    }
    let asked = site.get_with("/login/codice?back=/%3Fa%3D1", &step).await;
    assert!(text(asked).await.contains("one-time-code"));

    site.clock
        .0
        .fetch_add(STEP_MS, std::sync::atomic::Ordering::SeqCst);
    let code = telephone(&secret, site.clock.now().0);
    let wrong = post(&site, "/login/codice", "codice=000000", &step).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(text(wrong).await.contains("role=\"alert\""));
    let form = format!("codice={code}&back=%2F%3Fa%3D1");
    let opened = post(&site, "/login/codice", &form, &step).await;
    assert_eq!(leads_to(&opened), "/?a=1");
    let session = kept(&opened, "veglia_session");
    assert_eq!(site.get_with("/", &session).await.status(), StatusCode::OK);

    // The half is used up, and so is the code.
    let again = post(&site, "/login/codice", &form, &step).await;
    assert_eq!(leads_to(&again), "/login");
    let half = site.sign_in(RIGHT).await;
    let step = kept(&half, "veglia_step");
    let replayed = post(&site, "/login/codice", &form, &step).await;
    assert_eq!(replayed.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_a_code_is_slowed_and_the_page_says_how_long() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    enrol(&site, &cookie).await;
    let step = kept(&site.sign_in(RIGHT).await, "veglia_step");
    for _ in 0..5 {
        let wrong = post(&site, "/login/codice", "codice=000000", &step).await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    }
    let slowed = post(&site, "/login/codice", "codice=000000", &step).await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(slowed.headers()[header::RETRY_AFTER], "60");
    assert!(text(slowed).await.contains("Riprovare tra 1 min"));
}

#[tokio::test]
async fn a_doctor_sets_codes_up_before_anything_else_where_pages_are_encrypted() {
    let site = Site::empty(encrypted()).await;
    let doctor = employ(&site, "dora", Role::Doctor).await;
    let nurse = employ(&site, "nina", Role::Nurse).await;
    assert_eq!(site.get_with("/", &nurse).await.status(), StatusCode::OK);
    let led = site.get_with("/", &doctor).await;
    assert_eq!(leads_to(&led), "/account/codici");
    let act = post(
        &site,
        "/di-chi-e",
        "device=x&from=0&until=0&patient=x",
        &doctor,
    )
    .await;
    assert_eq!(act.status(), StatusCode::FORBIDDEN);
    enrol(&site, &doctor).await;
    assert_eq!(site.get_with("/", &doctor).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_must_show_codes_is_configured() {
    let config = Config {
        codes_for: Some(vec![Role::Nurse]),
        ..encrypted()
    };
    let site = Site::empty(config).await;
    let doctor = employ(&site, "dora", Role::Doctor).await;
    let nurse = employ(&site, "nina", Role::Nurse).await;
    assert_eq!(site.get_with("/", &doctor).await.status(), StatusCode::OK);
    assert_eq!(
        site.get_with("/", &nurse).await.status(),
        StatusCode::SEE_OTHER
    );
    let alone = Site::empty(Config::default()).await;
    let doctor = employ(&alone, "dora", Role::Doctor).await;
    let page = alone.get_with("/", &doctor).await;
    assert_eq!(page.status(), StatusCode::OK, "on this machine alone");
}

#[tokio::test]
async fn new_recovery_codes_take_a_code_and_replace_the_old() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    let secret = enrol(&site, &cookie).await;
    let renew = "/account/codici/recupero";
    let refused = post(&site, renew, "codice=000000", &cookie).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    site.clock
        .0
        .fetch_add(STEP_MS, std::sync::atomic::Ordering::SeqCst);
    let code = telephone(&secret, site.clock.now().0);
    let made = post(&site, renew, &format!("codice={code}"), &cookie).await;
    assert_eq!(made.status(), StatusCode::OK);
    let made = text(made).await;
    let recovery = made.split("<li><code>").nth(1).unwrap();
    let recovery = recovery.split('<').next().unwrap().to_owned();
    let step = kept(&site.sign_in(RIGHT).await, "veglia_step");
    let form = format!("codice={recovery}");
    let opened = post(&site, "/login/codice", &form, &step).await;
    assert_eq!(opened.status(), StatusCode::SEE_OTHER);
    let page = text(site.get_with("/account", &cookie).await).await;
    assert!(page.contains("<strong>7</strong>"), "{page}");
}

#[tokio::test]
async fn sessions_are_seen_and_ended_by_their_owner() {
    let site = Site::with_anna(Config::default()).await;
    let (here, there) = (site.signed_in().await, site.signed_in().await);
    let page = text(site.get_with("/account", &here).await).await;
    assert_eq!(
        page.matches("name=\"sessione\" value=\"").count(),
        3,
        "{page}"
    );
    assert_eq!(page.matches("class=\"tag\"").count(), 1);
    assert!(!page.contains(here.split('=').nth(1).unwrap()), "no token");
    let ended = post(&site, "/account/sessioni/fine", "sessione=altre", &here).await;
    assert_eq!(leads_to(&ended), "/account");
    let there = site.get_with("/account", &there).await;
    assert_eq!(there.status(), StatusCode::SEE_OTHER);
    let page = text(site.get_with("/account", &here).await).await;
    let handle = page.split("name=\"sessione\" value=\"").nth(1).unwrap();
    let form = format!("sessione={}", handle.split('"').next().unwrap());
    post(&site, "/account/sessioni/fine", &form, &here).await;
    let here = site.get_with("/account", &here).await;
    assert_eq!(here.status(), StatusCode::SEE_OTHER, "the last one too");
}

#[tokio::test]
async fn the_administrator_ends_sessions_and_withdraws_codes_of_a_lost_telephone() {
    let site = Site::with_anna(Config::default()).await;
    let anna = site.signed_in().await;
    enrol(&site, &anna).await;
    let admin = employ(&site, "carla", Role::Admin).await;
    let list = text(site.get_with("/utenti", &admin).await).await;
    assert!(
        list.contains("Anna &#60;Ferri&#62;") && list.contains("attivi"),
        "{list}"
    );
    let page = list.split("/utenti/").nth(1).unwrap();
    let page = format!("/utenti/{}", page.split('"').next().unwrap());
    let shown = text(site.get_with(&page, &admin).await).await;
    assert!(shown.contains("Togli i codici"), "{shown}");
    let ended = format!("{page}/sessioni/fine");
    post(&site, &ended, "sessione=tutte", &admin).await;
    assert_eq!(
        site.get_with("/account", &anna).await.status(),
        StatusCode::SEE_OTHER
    );
    let withdrawn = post(&site, &format!("{page}/codici/ritiro"), "", &admin).await;
    assert_eq!(leads_to(&withdrawn), page);
    let opened = site.sign_in(RIGHT).await;
    assert_eq!(leads_to(&opened), "/", "the password is enough again");
}
