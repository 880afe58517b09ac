//! Screens on walls: who makes them, who sees them, and when they go dark.

// req: G8

use axum::http::StatusCode;
use veglia_people::boards;
use veglia_store::Actor;
use veglia_wire::Clock;

use crate::Config;
use crate::tests::site::{Site, posted, text};

const ADMIN: Actor = Actor::System("test");

/// An administrator's screen, and its address.
async fn lit(site: &Site) -> String {
    let secret = boards::make(&site.record, &ADMIN, "Sala operativa", site.clock.now()).await;
    format!("/wall/{}", secret.unwrap().reveal())
}

#[tokio::test]
async fn whoever_has_the_address_sees_the_screen_and_no_menu() {
    let site = Site::with_anna(Config::default()).await;
    let address = lit(&site).await;
    let answer = site.get(&address).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()["content-security-policy"].to_str();
    assert!(
        policy
            .unwrap()
            .contains("require-trusted-types-for 'script'")
    );
    let page = text(answer).await;
    assert!(
        page.contains("Sala operativa") && page.contains("wall.js"),
        "{page}"
    );
    assert!(
        !page.contains("Esci") && !page.contains("/pazienti"),
        "{page}"
    );
    // Nothing has come from ingest yet: it must not look like a quiet night.
    assert!(page.contains("Collegamento interrotto"), "{page}");
    let events = site.get(&format!("{address}/eventi")).await;
    assert_eq!(events.status(), StatusCode::OK);
    assert_eq!(events.headers()["content-type"], "text/event-stream");
}

#[tokio::test]
async fn an_address_that_opens_nothing_does_not_exist() {
    let site = Site::with_anna(Config::default()).await;
    let address = lit(&site).await;
    let board = boards::list(&site.record, &ADMIN).await.unwrap().remove(0);
    for nothing in ["/wall/x", "/wall/00000000000000000000000000000000"] {
        for path in [nothing.to_owned(), format!("{nothing}/eventi")] {
            assert_eq!(
                site.get(&path).await.status(),
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }
    let end = || boards::end(&site.record, &ADMIN, board.id, site.clock.now());
    assert!(end().await.unwrap());
    assert!(!end().await.unwrap(), "it is ended once");
    for path in [address.clone(), format!("{address}/eventi")] {
        assert_eq!(
            site.get(&path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let listed = boards::list(&site.record, &ADMIN).await.unwrap();
    assert!(listed[0].ended_at.is_some(), "that it was is kept");
}

#[tokio::test]
async fn screens_are_the_administrators() {
    let site = Site::with_anna(Config::default()).await;
    let nurse = site.signed_in().await;
    let answer = site.get_with("/schermi", &nurse).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let mut made = posted("/schermi", "nome=Sala");
    made.headers_mut().insert("cookie", nurse.parse().unwrap());
    assert_eq!(site.ask(made).await.status(), StatusCode::FORBIDDEN);
    assert!(boards::list(&site.record, &ADMIN).await.unwrap().is_empty());
}
