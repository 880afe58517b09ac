//! The further pages of a patient, and forms whose session has ended.

use axum::http::{StatusCode, header};
use veglia_people::patients::{self, NewPerson};
use veglia_store::Actor;
use veglia_wire::Clock;

use crate::Config;
use crate::tests::site::{Site, leads_to, posted, text};

const ACTOR: Actor = Actor::System("test");

async fn with_maria() -> (Site, String, String) {
    let site = Site::with_anna(Config::default()).await;
    let maria = NewPerson {
        name: "Maria".to_owned(),
        surname: "<Rossi>".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let id = patients::register(&site.record, &ACTOR, &maria, site.clock.now()).await;
    let page = format!("/pazienti/{}", id.unwrap());
    let cookie = site.signed_in().await;
    (site, page, cookie)
}

#[tokio::test]
async fn a_form_that_lost_its_session_comes_back_with_all_that_was_typed_and_writes_nothing() {
    let (site, page, cookie) = with_maria().await;
    let acts = format!("{page}/atti");
    let typed = "act=note&words=Respira+%3Cmeglio%3E.%0D%0ARichiamo.&flag=";
    let answer = site.ask(posted(&acts, typed)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let shown = text(answer).await;
    for words in [
        &format!("action=\"{acts}\""),
        "name=\"words\" rows=\"4\">Respira &#60;meglio&#62;.\r\nRichiamo.</textarea>",
        "<input type=\"hidden\" name=\"act\" value=\"note\">",
        &format!("/login?back={page}\""),
        "Nulla è stato scritto",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("Rossi"), "nobody's name is told");
    let diary = text(site.get_with(&page, &cookie).await).await;
    assert!(!diary.contains("Richiamo."), "nothing was written");
    // A form that is not about a patient may hold a password: nothing of it is repeated.
    let other = site.ask(posted("/reperibilita", "password=civette")).await;
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    assert!(!text(other).await.contains("civette"));
}

#[tokio::test]
async fn the_pages_beside_the_first_are_there_for_who_may_read_the_patient_alone() {
    let (site, page, cookie) = with_maria().await;
    for further in ["diario", "scheda", "accessi"] {
        let path = format!("{page}/{further}");
        let answer = site.get_with(&path, &cookie).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let shown = text(answer).await;
        assert!(shown.contains("&#60;Rossi&#62; Maria"), "{path}: {shown}");
        let unknown = format!("/pazienti/00000000000000ff/{further}");
        let answer = site.get_with(&unknown, &cookie).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
    let marks = site
        .get_with(&format!("{page}/segni?from=0&to=1000"), &cookie)
        .await;
    assert_eq!(marks.headers()[header::CONTENT_TYPE], "application/json");
    let wrong = site
        .get_with(&format!("{page}/segni?from=2&to=1"), &cookie)
        .await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_clinical_sheet_is_written_by_its_form_and_stands_on_the_patients_page() {
    let (site, page, cookie) = with_maria().await;
    let send = async |form: &str| {
        let mut request = posted(&format!("{page}/scheda"), form);
        let cookie = cookie.parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        site.ask(request).await
    };
    let written = send("seen=0&allergies=penicillina&floor=3%C2%BA+piano").await;
    assert_eq!(written.status(), StatusCode::SEE_OTHER);
    assert_eq!(leads_to(&written), format!("{page}/scheda"));
    let late = send("seen=0&therapy=cortisone").await;
    assert_eq!(late.status(), StatusCode::CONFLICT);
    assert!(text(late).await.contains("cortisone</textarea>"));
    let wrong = send("seen=1&key-holder-phone=boh").await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let shown = text(site.get_with(&page, &cookie).await).await;
    assert!(shown.contains("penicillina"), "{shown}");
}
