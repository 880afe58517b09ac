//! The shell as browsers and strangers meet it, over a real record in a temporary folder.

mod account;
mod alarm_path;
mod api;
mod authenticator;
mod bedside;
mod centre;
mod citizen;
mod doctor;
mod documents;
mod fleet;
mod glass;
mod handover;
mod laboratory;
mod language;
mod paging;
mod passkey;
mod rights;
mod site;
mod streams;
mod telling;
mod wall;

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use veglia_people::sessions;

use crate::Config;
use crate::tests::site::{RIGHT, Site, WRONG, leads_to, posted, request, set_cookie, text};

#[tokio::test]
async fn no_page_of_the_centre_opens_without_a_session() {
    let site = Site::with_anna(Config::default()).await;
    for (path, _) in crate::doors::guarded() {
        let path = path.replace(['{', '}'], "");
        let nobody = site.get(&path).await;
        assert_eq!(nobody.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(leads_to(&nobody).starts_with("/login"), "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let request = request(method, &path).body(Body::empty()).unwrap();
            assert_eq!(
                site.ask(request).await.status(),
                StatusCode::UNAUTHORIZED,
                "{path}"
            );
        }
        let forged = format!("veglia_session={}", "0".repeat(64));
        assert_eq!(
            site.get_with(&path, &forged).await.status(),
            StatusCode::SEE_OTHER,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_script_without_a_session_is_told_so_instead_of_getting_the_sign_in_page() {
    let site = Site::with_anna(Config::default()).await;
    let request = request(Method::GET, "/").header("sec-fetch-mode", "cors");
    let answer = site.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_right_password_opens_the_page_that_was_asked_for() {
    let site = Site::with_anna(Config::default()).await;
    let answer = site.sign_in(&format!("{RIGHT}&back=%2F%3Fa%3D1")).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(leads_to(&answer), "/?a=1");

    let cookie = set_cookie(&answer).split(';').next().unwrap().to_owned();
    let page = site.get_with("/", &cookie).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = text(page).await;
    assert!(
        page.contains("Anna &#60;Ferri&#62;"),
        "names are escaped: {page}"
    );
    assert!(!page.contains("<Ferri>"));
}

#[tokio::test]
async fn signing_in_never_leads_to_another_site() {
    let site = Site::with_anna(Config::default()).await;
    let answer = site
        .sign_in(&format!("{RIGHT}&back=%2F%2Fevil.example"))
        .await;
    assert_eq!(leads_to(&answer), "/");
}

#[tokio::test]
async fn a_wrong_password_opens_nothing_and_says_so_in_italian() {
    let site = Site::with_anna(Config::default()).await;
    let answer = site.sign_in(WRONG).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(!answer.headers().contains_key(header::SET_COOKIE));
    let page = text(answer).await;
    assert!(page.contains("Nome utente o password non corretti"));
    assert!(!page.contains("tre gufi"), "the password is not sent back");
}

#[tokio::test]
async fn guessing_is_slowed_and_the_page_says_how_long() {
    let site = Site::with_anna(Config::default()).await;
    for _ in 0..5 {
        assert_eq!(site.sign_in(WRONG).await.status(), StatusCode::UNAUTHORIZED);
    }
    let slowed = site.sign_in(RIGHT).await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(slowed.headers()[header::RETRY_AFTER], "60");
    assert!(text(slowed).await.contains("Riprovare tra 1 min"));

    site.clock.0.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(site.sign_in(RIGHT).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_cookie_is_plain_on_loopback_and_bound_to_the_host_behind_a_proxy() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = set_cookie(&site.sign_in(RIGHT).await);
    assert!(cookie.starts_with("veglia_session="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure") && !cookie.contains("Max-Age"),
        "{cookie}"
    );

    let proxied = Site::with_anna(Config {
        behind_proxy: true,
        ..Config::default()
    })
    .await;
    let answer = proxied.sign_in(RIGHT).await;
    let cookie = set_cookie(&answer);
    assert!(cookie.starts_with("__Host-veglia_session="), "{cookie}");
    assert!(
        cookie.contains("Secure") && !cookie.contains("Domain"),
        "{cookie}"
    );
    assert!(
        answer
            .headers()
            .contains_key(header::STRICT_TRANSPORT_SECURITY)
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_at_the_centre_and_in_the_browser() {
    let site = Site::with_anna(Config {
        behind_proxy: true,
        ..Config::default()
    })
    .await;
    let cookie = site.signed_in().await;
    let mut leave = posted("/logout", "");
    leave
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().unwrap());
    let left = site.ask(leave).await;
    assert_eq!(leads_to(&left), "/login");
    let removal = set_cookie(&left);
    assert!(
        removal.contains("Max-Age=0") && removal.contains("Secure"),
        "{removal}"
    );
    assert_eq!(
        site.get_with("/", &cookie).await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        site.ask(posted("/logout", "")).await.status(),
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_session_left_alone_is_over() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    site.clock
        .0
        .fetch_add(sessions::IDLE_MS - 1, Ordering::SeqCst);
    assert_eq!(site.get_with("/", &cookie).await.status(), StatusCode::OK);
    site.clock.0.fetch_add(sessions::IDLE_MS, Ordering::SeqCst);
    assert_eq!(
        site.get_with("/", &cookie).await.status(),
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_request_that_another_site_started_is_refused() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let request = request(Method::POST, "/logout")
            .header(name, value)
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap();
        let refused = site.ask(request).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{name}");
        assert!(text(refused).await.contains("Operazione non permessa"));
    }
    assert_eq!(site.get_with("/", &cookie).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers() {
    let site = Site::with_anna(Config::default()).await;
    for path in ["/login", "/", "/nowhere", "/healthz", "/logout"] {
        let answer = site.get(path).await;
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert!(
            policy.contains("require-trusted-types-for 'script'"),
            "{path}"
        );
        assert_eq!(
            answer.headers()[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff",
            "{path}"
        );
        assert_eq!(
            answer.headers()[header::CACHE_CONTROL],
            "no-store",
            "{path}"
        );
        assert!(
            !answer
                .headers()
                .contains_key(header::STRICT_TRANSPORT_SECURITY),
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_hold_no_inline_script_or_style() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    for page in [site.get("/login").await, site.get_with("/", &cookie).await] {
        let page = text(page).await;
        for inline in ["<script>", "<style", " style=", " onclick=", "javascript:"] {
            assert!(!page.contains(inline), "{inline} in {page}");
        }
        assert!(page.contains("Non è un dispositivo medico certificato"));
    }
}

#[tokio::test]
async fn every_error_is_a_page_in_italian() {
    let site = Site::with_anna(Config::default()).await;
    let wrong_method = site.get("/logout").await;
    assert_eq!(wrong_method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong_method.headers()[header::ALLOW], "POST");
    let json = request(Method::POST, "/login")
        .body(Body::from("{}"))
        .unwrap();
    let huge = posted(
        "/login",
        &format!("username=anna&password={}", "a".repeat(500_000)),
    );
    let answers = [
        (wrong_method, "Richiesta non compresa"),
        (site.get("/nowhere").await, "Pagina non trovata"),
        (
            site.get("/assets/0/css/veglia.css").await,
            "Pagina non trovata",
        ),
        (site.ask(json).await, "Richiesta non compresa"),
        (site.ask(huge).await, "Richiesta non compresa"),
    ];
    for (answer, title) in answers {
        assert!(answer.status().is_client_error());
        let page = text(answer).await;
        assert!(
            page.contains(title) && page.contains("lang=\"it\""),
            "{page}"
        );
    }
}

#[tokio::test]
async fn files_of_the_bundle_are_served_to_anybody_and_kept_for_ever() {
    let site = Site::with_anna(Config::default()).await;
    let page = text(site.get("/login").await).await;
    let mut files: Vec<&str> = page
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    files.dedup();
    assert!(files.len() >= 3, "{files:?}");
    for path in files {
        let file = site.get(path).await;
        assert_eq!(file.status(), StatusCode::OK, "{path}");
        let caching = file.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(caching.contains("immutable"), "{path}");
        assert!(file.headers().contains_key(header::CONTENT_TYPE), "{path}");
    }
    let licences = text(site.get("/licenze").await).await;
    for name in ["bootstrap-italia", "titillium-web", "uplot"] {
        assert!(licences.contains(name), "{name}");
    }
}

#[tokio::test]
async fn a_new_installation_says_that_there_is_no_account() {
    let site = Site::empty(Config::default()).await;
    assert!(
        text(site.get("/login").await)
            .await
            .contains("Nessun utente registrato")
    );
}

#[tokio::test]
async fn without_its_record_the_site_is_alive_but_not_ready_and_says_what_to_do() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    assert_eq!(site.get("/readyz").await.status(), StatusCode::OK);
    site.record.close().await.unwrap();

    assert_eq!(site.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(
        site.get("/readyz").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let page = site.get_with("/", &cookie).await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(page).await.contains("Servizio non disponibile"));
}
