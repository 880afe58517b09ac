//! Everybody reads in their language: chosen at the foot of a page, or their browser's.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use crate::Config;
use crate::tests::site::{Site, leads_to, posted, request, set_cookie, text};

const ENGLISH: &str = "veglia_language=en";

#[tokio::test]
async fn a_page_is_in_the_language_of_its_reader_and_says_so() {
    let site = Site::with_anna(Config::default()).await;
    let italian = text(site.get("/nowhere").await).await;
    assert!(italian.contains("<html lang=\"it\">"), "{italian}");
    assert!(italian.contains("Pagina non trovata"), "{italian}");

    let browser =
        request(Method::GET, "/nowhere").header(header::ACCEPT_LANGUAGE, "en-GB,it;q=0.4");
    let english = site.ask(browser.body(Body::empty()).unwrap()).await;
    assert_eq!(english.status(), StatusCode::NOT_FOUND);
    let english = text(english).await;
    assert!(english.contains("<html lang=\"en\">"), "{english}");
    assert!(english.contains("Page not found"), "{english}");
    assert!(
        english.contains("<title>Page not found – Veglia</title>"),
        "{english}"
    );

    let chosen = text(site.get_with("/nowhere", ENGLISH).await).await;
    assert_eq!(
        chosen, english,
        "the choice and the browser's wish lead to the same page"
    );
}

#[tokio::test]
async fn the_ward_is_in_the_language_of_its_reader_with_its_frame() {
    let site = Site::with_anna(Config::default()).await;
    let anna = site.signed_in().await;
    let ward = text(site.get_with("/", &format!("{anna}; {ENGLISH}")).await).await;
    for said in ["<html lang=\"en\">", ">Patients</a>", "Clinical alarms"] {
        assert!(ward.contains(said), "{said}: {ward}");
    }
    assert!(
        !ward.contains("tabindex=\"-1\" lang="),
        "all of it is: {ward}"
    );
    assert!(!ward.contains("Allarmi clinici"), "all of it is: {ward}");

    let ward = text(site.get_with("/", &anna).await).await;
    assert!(ward.contains("Allarmi clinici"), "{ward}");
}

#[tokio::test]
async fn whoever_chooses_a_language_is_led_back_and_the_browser_keeps_it() {
    let site = Site::with_anna(Config::default()).await;
    let login = text(site.get("/login?back=/registro").await).await;
    let form = "action=\"/lingua\" aria-label=\"Lingua\">\n    \
        <input type=\"hidden\" name=\"back\" value=\"/login?back=/registro\">";
    assert!(login.contains(form), "{login}");

    let answer = site.ask(posted("/lingua", "lingua=en&back=%2Flogin")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(leads_to(&answer), "/login");
    let cookie = set_cookie(&answer);
    assert!(cookie.starts_with("veglia_language=en;"), "{cookie}");
    assert!(cookie.contains("Max-Age="), "it is kept: {cookie}");

    let elsewhere = posted("/lingua", "lingua=it&back=https%3A%2F%2Fevil.example");
    assert_eq!(leads_to(&site.ask(elsewhere).await), "/");
    let unknown = site.ask(posted("/lingua", "lingua=fr")).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_answer_to_a_form_offers_no_other_language_which_would_lose_it() {
    let site = Site::with_anna(Config::default()).await;
    let refused = site.sign_in("username=anna&password=wrong").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(!text(refused).await.contains("/lingua"));
}

#[tokio::test]
async fn over_tls_the_choice_is_bound_to_this_host() {
    let proxied = Config {
        behind_proxy: true,
        ..Config::default()
    };
    let site = Site::with_anna(proxied).await;
    let cookie = set_cookie(&site.ask(posted("/lingua", "lingua=en")).await);
    assert!(cookie.starts_with("__Host-veglia_language=en;"), "{cookie}");
    assert!(cookie.contains("Secure"), "{cookie}");
}
