//! Boxes and devices as the door mounts them: who may, and the counter that is open to everybody.
// req: G3

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use veglia_people::Password;
use veglia_people::staff::{self, NewStaff, Role};
use veglia_store::Actor;
use veglia_wire::Clock;

use crate::Config;
use crate::tests::site::{Site, posted, request, set_cookie, text};

fn json(path: &str, body: String) -> axum::http::Request<Body> {
    request(Method::POST, path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap()
}

/// The page of somebody who signs in as an administrator.
async fn with_carla(config: Config) -> (Site, String) {
    let site = Site::with_anna(config).await;
    let carla = NewStaff {
        username: "carla".parse().unwrap(),
        name: "Carla Bo".to_owned(),
        role: Role::Admin,
        password: Password::new("tre civette sul como".to_owned()),
    };
    staff::create(
        &site.record,
        &Actor::System("test"),
        carla,
        site.clock.now(),
    )
    .await
    .unwrap();
    let answer = site
        .sign_in("username=carla&password=tre+civette+sul+como")
        .await;
    let cookie = set_cookie(&answer).split(';').next().unwrap().to_owned();
    (site, cookie)
}

async fn post(site: &Site, path: &str, form: &str, cookie: &str) -> (StatusCode, String) {
    let mut request = posted(path, form);
    let headers = request.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    let answer = site.ask(request).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    (answer.status(), text(answer).await)
}

#[tokio::test]
async fn a_box_without_cookie_or_browser_is_heard_and_answered_in_json() {
    let site = Site::with_anna(Config::default()).await;
    let long = format!("{{\"code\":\"{}\"}}", "0".repeat(20_000));
    for (path, body, status) in [
        ("/enrol", "{}".to_owned(), StatusCode::BAD_REQUEST),
        ("/enrol/renew", "?".to_owned(), StatusCode::BAD_REQUEST),
        ("/enrol", long, StatusCode::BAD_REQUEST),
        (
            "/enrol/renew",
            "{\"request\":\"x\"}".to_owned(),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
    ] {
        let answer = site.ask(json(path, body)).await;
        assert_eq!(answer.status(), status, "{path}");
        let kind = &answer.headers()[header::CONTENT_TYPE];
        assert_eq!(kind, "application/json", "{path}");
        let said = text(answer).await;
        assert!(said.starts_with("{\"error\":"), "{said}");
    }
}

#[tokio::test]
async fn a_browser_on_another_site_cannot_use_the_counter() {
    let site = Site::with_anna(Config::default()).await;
    let mut asked = json("/enrol", "{}".to_owned());
    let origin = "https://evil.example".parse().unwrap();
    asked.headers_mut().insert(header::ORIGIN, origin);
    assert_eq!(site.ask(asked).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn one_address_behind_a_proxy_that_floods_is_slowed_alone() {
    let config = Config {
        behind_proxy: true,
        ..Config::default()
    };
    let site = Site::with_anna(config).await;
    let from = |named: &'static str| {
        let mut asked = json("/enrol", "{}".to_owned());
        let headers = asked.headers_mut();
        headers.insert("x-forwarded-for", named.parse().unwrap());
        asked
    };
    let mut last = StatusCode::OK;
    for _ in 0..40 {
        // What the asker itself wrote in front is not believed.
        last = site.ask(from("198.51.100.7, 192.0.2.1")).await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let other = site.ask(from("192.0.2.1, 198.51.100.7")).await;
    assert_eq!(other.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_menu_leads_to_the_page_and_says_where_one_is() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    let ward = text(site.get_with("/", &cookie).await).await;
    assert!(ward.contains("<a href=\"/\" aria-current=\"page\">Pazienti"));
    assert!(ward.contains("<a href=\"/dispositivi\">Dispositivi e gateway"));
    let page = text(site.get_with("/dispositivi", &cookie).await).await;
    let here = "<a href=\"/dispositivi\" aria-current=\"page\">";
    assert!(page.contains(here), "{page}");
    assert!(page.contains("Collegamento interrotto"), "{page}");
    assert!(!page.contains("chip-calm"), "{page}");
}

#[tokio::test]
async fn what_takes_an_administrator_is_refused_to_a_nurse() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    for path in ["/dispositivi/nuovo", "/dispositivi/gateway/casa-1/revoca"] {
        let answer = site.get_with(path, &cookie).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    for path in [
        "/dispositivi/nuovo",
        "/dispositivi/gateway/casa-1/revoca",
        "/dispositivi/gateway/casa-1/codice/ritiro",
    ] {
        let (status, page) = post(&site, path, "gateway=casa-1", &cookie).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.contains("Operazione non permessa"), "{page}");
    }
}

#[tokio::test]
async fn the_form_of_a_box_works_without_scripts_and_its_label_is_kept_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        authority: folder.path().join("ca"),
        ..Config::default()
    };
    let (site, cookie) = with_carla(config.clone()).await;
    let form = "/dispositivi/nuovo?gateway=casa-7";
    let page = text(site.get_with(form, &cookie).await).await;
    assert!(page.contains("veglia ca init"), "{page}");

    let at = veglia_identity::UnixSeconds(site.clock.now().0 / 1_000);
    veglia_identity::Authority::create(&config.authority, "prova", at).unwrap();
    let page = text(site.get_with(form, &cookie).await).await;
    assert!(page.contains("value=\"casa-7\""), "{page}");
    assert!(page.contains("value=\"http://localhost:8080\""), "{page}");
    let filled = "gateway=casa-7&hours=24&centre=http%3A%2F%2Flocalhost%3A8080";
    let (status, page) = post(&site, "/dispositivi/nuovo", filled, &cookie).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("<svg") && page.contains("label-code"),
        "{page}"
    );
    assert!(!page.contains(" style="), "{page}");
    let wrong = filled.replace("casa-7", "casa+7");
    let (status, page) = post(&site, "/dispositivi/nuovo", &wrong, &cookie).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("role=\"alert\"") && page.contains("value=\"casa 7\""));
}
