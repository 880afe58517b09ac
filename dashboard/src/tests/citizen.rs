//! The citizen's door from outside: the way in by SMS, what the answers give away, and that neither
//! staff nor citizens come in by each other's sessions.

// req: A1, A4

use axum::body::Body;
use axum::http::{Method, Response, StatusCode, header};
use veglia_isolation::{Cases, Finding, LabResult, Method as By, Status, Tested, day_of};
use veglia_store::Actor;
use veglia_store::sea_orm::{ConnectionTrait, Statement};
use veglia_wire::WallMs;

use crate::doors;
use crate::tests::site::{Site, leads_to, posted, request, text};
use crate::{Config, assets};

const SETUP: Actor = Actor::System("test");

const PAIR: &str = "telefono=333+1234567&codice_fiscale=RSSMRA85M01H501Q";

/// 20 October 2020, half past nine in Italy.
const SWAB: WallMs = WallMs(1_603_179_000_000);

const MINUTE_MS: i64 = 60_000;

/// 30 October 2020, midnight in Italy.
const OPENS: WallMs = WallMs(1_604_012_400_000);

/// Maria tested positive on that day of October, and it is the next.
async fn positive_in_october(site: &Site) {
    positive(site, SWAB).await;
    set(site, SWAB.plus_ms(24 * 60 * MINUTE_MS));
}

/// Maria's swab of this moment was positive.
pub(crate) async fn positive(site: &Site, taken_at: WallMs) {
    let result = LabResult {
        laboratory: "Niguarda".to_owned(),
        id: "L1".to_owned(),
        status: Status::Final,
        finding: Finding::Positive,
        method: By::Molecular,
        taken_at,
        person: Tested {
            code: "RSSMRA85M01H501Q".parse().unwrap(),
            surname: "Rossi".to_owned(),
            name: "Maria <3".to_owned(),
            born: None,
        },
        phone: Some("333 1234567".parse().unwrap()),
    };
    let cases = Cases::new(site.record.clone(), day_of(taken_at).unwrap());
    let taken = cases.received(&SETUP, &result, taken_at).await;
    taken.unwrap();
}

fn set(site: &Site, now: WallMs) {
    let clock = &site.clock.0;
    clock.store(now.0, std::sync::atomic::Ordering::SeqCst);
}

/// The texts of all SMS so far.
async fn sent(site: &Site) -> Vec<String> {
    let rows = site.record.read_tx("test.sent", &SETUP, |tx| {
        Box::pin(async move {
            let sql = "select text from delivery order by id";
            let asked = Statement::from_string(tx.get_database_backend(), sql);
            Ok(tx.query_all_raw(asked).await?)
        })
    });
    let rows = rows.await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by("text").unwrap())
        .collect()
}

async fn waits_for_code(site: &Site, number: usize) -> String {
    for _ in 0..6_000 {
        if let Some(sms) = sent(site).await.get(number) {
            let code = sms.split("codice è ").nth(1).unwrap();
            return code.chars().take(6).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no code within a minute");
}

/// The cookie of this name that an answer sets, as the browser sends it back.
fn held(answer: &Response<Body>, name: &str) -> String {
    let all = answer.headers().get_all(header::SET_COOKIE).into_iter();
    let all = all.map(|it| it.to_str().unwrap());
    let set: Vec<&str> = all.filter(|it| it.starts_with(name)).collect();
    assert_eq!(set.len(), 1, "{name}");
    assert!(set[0].contains("HttpOnly") && set[0].contains("SameSite=Lax"));
    set[0].split(';').next().unwrap().to_owned()
}

async fn post(site: &Site, path: &str, form: &str, cookie: &str) -> Response<Body> {
    let mut request = posted(path, form);
    let cookie = cookie.parse().unwrap();
    request.headers_mut().insert(header::COOKIE, cookie);
    site.ask(request).await
}

/// Goes in with what is on file, and gives the cookie of the visit.
pub(crate) async fn comes_in(site: &Site) -> String {
    let before = sent(site).await.len();
    let asked = post(site, "/cittadino/entra", PAIR, "").await;
    assert_eq!(leads_to(&asked), "/cittadino/codice");
    let entry = held(&asked, "veglia_ingresso");
    let code = waits_for_code(site, before).await;
    let shown = post(site, "/cittadino/codice", &format!("codice={code}"), &entry).await;
    assert_eq!(leads_to(&shown), "/cittadino");
    held(&shown, "veglia_cittadino")
}

#[tokio::test]
async fn whoever_tested_positive_comes_in_by_sms_and_reads_what_to_do() {
    let site = Site::empty(Config::default()).await;
    positive_in_october(&site).await;
    let visit = comes_in(&site).await;
    set(&site, OPENS.plus_ms(-MINUTE_MS));
    // The visit of a week ago is over.
    let over = site.get_with("/cittadino", &visit).await;
    assert_eq!(leads_to(&over), "/cittadino/entra");
    let visit = comes_in(&site).await;
    let page = text(site.get_with("/cittadino", &visit).await).await;
    assert!(
        page.contains("La prenotazione si apre il 30 ottobre 2020 alle 00:00."),
        "{page}"
    );
    assert!(page.contains("Maria &#60;3 Rossi"), "{page}");
    set(&site, OPENS);
    let page = text(site.get_with("/cittadino", &visit).await).await;
    assert!(page.contains("La prenotazione è aperta dal 30 ottobre 2020 alle 00:00."));
    let looks = text(site.get_with("/cittadino/accessi", &visit).await).await;
    assert!(looks.contains("Chi ha guardato i miei dati") && looks.contains("Lei</span>"));
    let form = "inizio=giorno&inizio_giorno=2020-10-19&fine=giorno&fine_giorno=2020-10-29";
    let said = post(&site, "/cittadino/sintomi", form, &visit).await;
    assert_eq!(leads_to(&said), "/cittadino");
    let page = text(site.get_with("/cittadino", &visit).await).await;
    assert!(
        page.contains("Può essere fatto dal 1 novembre 2020."),
        "{page}"
    );
    let left = post(&site, "/cittadino/esci", "", &visit).await;
    assert_eq!(leads_to(&left), "/cittadino/entra");
    let after = site.get_with("/cittadino", &visit).await;
    assert_eq!(leads_to(&after), "/cittadino/entra");
    let late = post(&site, "/cittadino/sintomi", form, &visit).await;
    assert_eq!(late.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_answers_give_nobody_away() {
    let site = Site::empty(Config::default()).await;
    positive_in_october(&site).await;
    let pairs = [
        PAIR,
        "telefono=333+1234567&codice_fiscale=CCCFBA85D03L219P",
        "telefono=347+7654321&codice_fiscale=RSSMRA85M01H501Q",
        "legame=00000000000000000000000000000000&codice_fiscale=RSSMRA85M01H501Q",
    ];
    let mut seen = Vec::new();
    for pair in pairs {
        let asked = post(&site, "/cittadino/entra", pair, "").await;
        let entry = held(&asked, "veglia_ingresso");
        let waits = text(site.get_with("/cittadino/codice", &entry).await).await;
        let mut headers: Vec<String> = Vec::new();
        for (name, value) in asked.headers() {
            if name != header::SET_COOKIE {
                headers.push(format!("{name}: {}", value.to_str().unwrap()));
            }
        }
        // Seven digits: no code of ours.
        let refused = post(&site, "/cittadino/codice", "codice=1234567", &entry).await;
        let refused = (refused.status(), text(refused).await);
        seen.push((asked.status(), entry.len(), headers, waits, refused));
    }
    assert!(seen.iter().all(|it| *it == seen[0]), "{seen:#?}");
    let code = waits_for_code(&site, 0).await;
    assert_eq!(code.len(), 6);
    assert_eq!(sent(&site).await.len(), 1);
    // The page of a link is the same for one that was never made.
    let mut pages = Vec::new();
    for letter in ["a", "b"] {
        let secret = letter.repeat(32);
        let page = site.get(&format!("/cittadino/entra/{secret}")).await;
        pages.push(text(page).await.replace(&secret, ""));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn bad_input_keeps_what_was_typed_and_says_what_is_wrong_beside_it() {
    let site = Site::empty(Config::default()).await;
    let bad = "telefono=mamma&codice_fiscale=RSSMRA85M01H501X";
    let answer = post(&site, "/cittadino/entra", bad, "").await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = text(answer).await;
    assert!(page.contains("value=\"mamma\"") && page.contains("value=\"RSSMRA85M01H501X\""));
    assert!(page.contains("telefono-errore") && page.contains("codice-fiscale-errore"));
    for _ in 0..5 {
        let asked = post(&site, "/cittadino/entra", PAIR, "").await;
        assert_eq!(asked.status(), StatusCode::SEE_OTHER);
    }
    let slowed = post(&site, "/cittadino/entra", PAIR, "").await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(slowed.headers()[header::RETRY_AFTER], "3600");
    assert!(
        text(slowed)
            .await
            .contains("Sono stati chiesti troppi codici")
    );
}

#[tokio::test]
async fn no_page_of_the_staff_opens_to_a_citizen_and_none_of_citizens_to_the_staff() {
    let site = Site::with_anna(Config::default()).await;
    let anna = site.signed_in().await;
    positive_in_october(&site).await;
    let visit = comes_in(&site).await;
    let token = visit.split('=').nth(1).unwrap();
    // Under its own name and under that of the staff's sessions.
    let cookies = [visit.clone(), format!("veglia_session={token}")];
    for (path, _) in doors::guarded() {
        let path = path.replace("{id}", "0").replace("{number}", "0");
        let nobody = site.get(&path).await.status();
        for cookie in &cookies {
            let answer = site.get_with(&path, cookie).await;
            assert!(!answer.status().is_success(), "{path}");
            assert_eq!(answer.status(), nobody, "{path}");
        }
    }
    let session = anna.split('=').nth(1).unwrap();
    let cookies = [anna.clone(), format!("veglia_cittadino={session}")];
    for (path, _) in doors::citizen() {
        for cookie in &cookies {
            let answer = site.get_with(path, cookie).await;
            assert_eq!(leads_to(&answer), "/cittadino/entra", "{path}");
        }
        let inside = site.get_with(path, &visit).await;
        assert_eq!(inside.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn another_site_cannot_ask_for_codes_in_somebodys_name() {
    let site = Site::empty(Config::default()).await;
    let form = "application/x-www-form-urlencoded";
    let crossed = request(Method::POST, "/cittadino/entra")
        .header(header::CONTENT_TYPE, form)
        .header("sec-fetch-site", "cross-site");
    let crossed = crossed.body(Body::from(PAIR)).unwrap();
    assert_eq!(site.ask(crossed).await.status(), StatusCode::FORBIDDEN);
}

/// First load of the citizen, as it travels: nothing is compressed on the way.
const BUDGET_BYTES: usize = 150 * 1024;

#[tokio::test]
async fn the_first_page_with_all_it_needs_is_small() {
    let site = Site::empty(Config::default()).await;
    let page = text(site.get("/cittadino/entra").await).await;
    assert!(!page.contains("<script"), "no script is needed");
    let mut bytes = page.len();
    let style = assets::address("css/citizen.css");
    assert_eq!(page.matches("rel=\"stylesheet\"").count(), 1);
    assert!(page.contains(&style));
    for name in [
        "css/citizen.css",
        "img/veglia.svg",
        "vendor/titillium-400.woff2",
        "vendor/titillium-700.woff2",
    ] {
        let file = site.get(&assets::address(name)).await;
        assert_eq!(file.status(), StatusCode::OK, "{name}");
        let file = axum::body::to_bytes(file.into_body(), BUDGET_BYTES).await;
        bytes += file.unwrap().len();
    }
    assert!(bytes < BUDGET_BYTES, "{bytes}");
}
