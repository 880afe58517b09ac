//! A document on its way through the pages: drafted, issued by a doctor, read and taken as a file.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use veglia_diary::create_plan;
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{Password, sessions};
use veglia_store::Actor;
use veglia_view::{PatientId, Plan};
use veglia_wire::Clock;

use crate::Config;
use crate::tests::site::{Site, leads_to, request, text};

const ACTOR: Actor = Actor::System("test");

async fn cookie_of(site: &Site, name: &str, role: Role) -> String {
    let new = NewStaff {
        username: name.parse().unwrap(),
        name: name.to_owned(),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let (record, now) = (&site.record, site.clock.now());
    let username = new.username.clone();
    staff::create(record, &ACTOR, new, now).await.unwrap();
    let staff = staff::by_username(record, &ACTOR, &username).await;
    let token = sessions::open(record, &staff.unwrap().unwrap(), now).await;
    format!("veglia_session={}", token.unwrap().reveal())
}

#[tokio::test]
async fn a_plan_is_issued_by_a_doctor_and_read_by_a_nurse_on_paper_and_as_a_file() {
    let site = Site::empty(Config::default()).await;
    let maria = NewPerson {
        name: "Maria".to_owned(),
        surname: "<Rossi>".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let now = site.clock.now();
    let maria = patients::register(&site.record, &ACTOR, &maria, now).await;
    let maria = PatientId::new(maria.unwrap().get().unsigned_abs());
    let plan = Plan::template("home-covid", maria, now).unwrap();
    let written = create_plan(&site.record, &ACTOR, &plan, now).await;
    written.unwrap();
    let doctor = cookie_of(&site, "dora", Role::Doctor).await;
    let nurse = cookie_of(&site, "bice", Role::Nurse).await;
    let page = format!("/pazienti/{maria}/documenti/piano");
    let send = async |cookie: &str| {
        let form = request(Method::POST, &page)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, cookie);
        site.ask(form.body(Body::from("visto=0")).unwrap()).await
    };
    let draft = text(site.get_with(&page, &nurse).await).await;
    assert!(draft.contains("BOZZA: documento non emesso"), "{draft}");
    assert_eq!(send(&nurse).await.status(), StatusCode::FORBIDDEN);
    let issued = send(&doctor).await;
    assert_eq!(issued.status(), StatusCode::SEE_OTHER);
    assert_eq!(leads_to(&issued), format!("{page}?versione=1"));
    assert_eq!(send(&doctor).await.status(), StatusCode::CONFLICT);

    let shown = text(site.get_with(&page, &nurse).await).await;
    assert!(shown.contains("&lt;Rossi&gt; Maria"), "{shown}");
    assert!(!shown.contains("BOZZA"), "{shown}");
    let file = site.get_with(&format!("{page}.json"), &nurse).await;
    assert_eq!(
        file.headers()[header::CONTENT_TYPE],
        "application/fhir+json"
    );
    let saved = file.headers()[header::CONTENT_DISPOSITION]
        .to_str()
        .unwrap();
    assert!(saved.ends_with("-v1.json\""), "{saved}");
    let file = text(file).await;
    let bundle: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(bundle["type"], "document");
    // Ingest is away: what needs readings says so, and is not made without them.
    let report = format!("/pazienti/{maria}/documenti/report");
    let away = site.get_with(&report, &doctor).await;
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
}
