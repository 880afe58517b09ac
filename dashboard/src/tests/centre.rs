//! The centre's pages while ingest is away: the record is still there, and pages say what is not.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;
use veglia_people::PersonId;
use veglia_people::care::{self, Holder};
use veglia_people::patients::{self, NewPerson};
use veglia_store::Actor;
use veglia_view::{
    About, Evidence, Flag, FlagId, How, PatientId, Severity, Standing, Trigger, Verdict, VitalKind,
};
use veglia_wire::{Clock, WallMs};

use crate::Config;
use crate::tests::site::{Site, leads_to, posted, request, text};

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
    let now: WallMs = site.clock.now();
    let id = patients::register(&site.record, &ACTOR, &maria, now).await;
    let page = format!("/pazienti/{}", id.unwrap());
    let cookie = site.signed_in().await;
    (site, page, cookie)
}

#[tokio::test]
async fn the_ward_without_ingest_says_that_it_is_blind() {
    let (site, _, cookie) = with_maria().await;
    let page = text(site.get_with("/", &cookie).await).await;
    assert!(page.contains("Collegamento interrotto"), "{page}");
    assert!(page.contains("/js/ward.js"), "{page}");
}

#[tokio::test]
async fn a_patient_is_shown_from_the_record_and_escaped() {
    let (site, page, cookie) = with_maria().await;
    let answer = site.get_with(&page, &cookie).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = text(answer).await;
    for words in [
        "&#60;Rossi&#62; Maria",
        "RSSMRA85M01H501Q",
        "Collegamento interrotto",
    ] {
        assert!(answer.contains(words), "{words}: {answer}");
    }
    let unknown = [
        "/pazienti/00000000000000ff",
        "/pazienti/x",
        "/pazienti/0/andamento",
    ];
    for path in unknown {
        let answer = site.get_with(path, &cookie).await;
        let is_refused = answer.status().is_client_error();
        assert!(is_refused, "{path}: {}", answer.status());
    }
}

#[tokio::test]
async fn whoever_opens_a_page_or_a_curve_is_in_the_access_log() {
    let (site, page, cookie) = with_maria().await;
    let opened = site.get_with(&page, &cookie).await;
    assert_eq!(opened.status(), StatusCode::OK);
    let curve = format!("{page}/andamento?vital=spo2&from=0&to=1000&px=800");
    for _ in 0..3 {
        let unanswered = site.get_with(&curve, &cookie).await;
        assert_eq!(unanswered.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let stranger = site.get(&page).await;
    assert_ne!(stranger.status(), StatusCode::OK);
    let maria = page.trim_start_matches("/pazienti/");
    let entries = site.record.accesses_to(&ACTOR, maria, None, 10).await;
    let entries: Vec<(String, String)> = entries
        .unwrap()
        .into_iter()
        .map(|it| (it.actor, it.purpose))
        .collect();
    let anna = entries[0].0.clone();
    assert!(anna.starts_with("staff:"), "{anna}");
    let purposes = ["patient.curves", "patient.diary", "patient.page"];
    assert_eq!(entries, purposes.map(|it| (anna.clone(), it.to_owned())));
}

#[tokio::test]
async fn a_note_is_written_and_the_page_is_shown_again() {
    let (site, page, cookie) = with_maria().await;
    let send = async |form: &str, cookie: &str| {
        let mut request = posted(&format!("{page}/atti"), form);
        let cookie = cookie.parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        site.ask(request).await
    };
    let answer = send("act=note&words=Sentita+al+telefono%3A+sta+bene.", &cookie).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(leads_to(&answer), format!("{page}#scritto"));
    let shown = text(site.get_with(&page, &cookie).await).await;
    assert!(shown.contains("Nota di Anna &#60;Ferri&#62;"), "{shown}");
    assert!(shown.contains("Sentita al telefono: sta bene."), "{shown}");

    let empty = send("act=note&words=++", &cookie).await;
    assert_eq!(empty.status(), StatusCode::CONFLICT);
    assert!(text(empty).await.contains("Scrivere una nota"));
    let foreign = send("act=dance&words=x", &cookie).await;
    assert_eq!(foreign.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_curve_without_ingest_is_said_to_be_missing() {
    let (site, page, cookie) = with_maria().await;
    let curve = |query: &str| format!("{page}/andamento?{query}");
    let good = curve("vital=spo2&from=0&to=1000&px=100");
    let answer = site.get_with(&good, &cookie).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    for wrong in [
        "vital=mood&from=0&to=1&px=100",
        "vital=spo2&from=0",
        "vital=spo2&from=2&to=1&px=100",
    ] {
        let answer = site.get_with(&curve(wrong), &cookie).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn the_stream_begins_at_once_and_is_never_gathered() {
    let (site, _, cookie) = with_maria().await;
    let request = request(Method::GET, "/eventi").header(header::COOKIE, cookie);
    let answer = site.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    let mut events = answer.into_body().into_data_stream();
    let first = events.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"retry: "));
}

#[tokio::test]
async fn the_plan_is_written_by_the_form_of_its_page_and_a_faulty_one_comes_back() {
    let (site, page, cookie) = with_maria().await;
    let plan = format!("{page}/piano");
    let empty = text(site.get_with(&plan, &cookie).await).await;
    assert!(empty.contains("Nessun piano"), "{empty}");
    let begun = text(
        site.get_with(&format!("{plan}?modello=copd"), &cookie)
            .await,
    )
    .await;
    assert!(begun.contains("08:00, 20:00"), "{begun}");
    let send = async |form: &str| {
        let mut request = posted(&plan, form);
        let cookie = cookie.parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        site.ask(request).await
    };
    let faulty = send("seen=0&when-spo2=25%3A00&grace-spo2=120").await;
    assert_eq!(faulty.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(faulty).await.contains("value=\"25:00\""));
    let written = send("seen=0&when-spo2=8%2C+20&grace-spo2=120&family-doctor=on").await;
    assert_eq!(written.status(), StatusCode::SEE_OTHER);
    assert_eq!(leads_to(&written), plan);
    let second = send("seen=0&when-spo2=8&grace-spo2=120&why=x").await;
    assert_eq!(second.status(), StatusCode::CONFLICT);
    let stranger = site.get(&plan).await;
    assert_ne!(stranger.status(), StatusCode::OK);
    let shown = text(site.get_with(&page, &cookie).await).await;
    assert!(shown.contains(&plan), "the patient's page leads there");
}

#[tokio::test]
async fn an_alarm_of_whom_the_centre_released_can_be_opened_and_worked() {
    let (site, page, cookie) = with_maria().await;
    let patient: PatientId = page.trim_start_matches("/pazienti/").parse().unwrap();
    let person = PersonId::new(i64::try_from(patient.get()).unwrap()).unwrap();
    let now = site.clock.now();
    let ended = care::release(&site.record, &ACTOR, person, &Holder::Centre, now).await;
    assert_eq!(ended.unwrap(), 1);
    let closed = site.get_with(&page, &cookie).await;
    assert_eq!(closed.status(), StatusCode::NOT_FOUND);
    let evidence = Evidence::reading(
        "00000000000000aa-1".parse().unwrap(),
        VitalKind::SpO2,
        870,
        now,
    );
    let flag = Flag {
        id: FlagId {
            patient,
            rule: "spo2-red".parse().unwrap(),
            rule_set: "home-2020-1".parse().unwrap(),
            trigger: Trigger::Record(evidence.id),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: now,
        evidence: vec![evidence],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at: now,
        },
        late: false,
        telling: 1,
    };
    let raised = [Verdict::Raise(flag.clone())];
    let told = veglia_diary::record_verdicts(&site.record, &ACTOR, &raised, now).await;
    told.unwrap();
    let opened = site.get_with(&page, &cookie).await;
    assert_eq!(opened.status(), StatusCode::OK);
    let form = format!("act=take-charge&flag={}", flag.id);
    let mut act = posted(&format!("{page}/atti"), &form);
    let headers = act.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    assert_eq!(site.ask(act).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_view_is_kept_under_a_name_and_is_a_link_without_scripts() {
    let (site, _, cookie) = with_maria().await;
    let send = async |path: &str, form: &str| {
        let mut request = posted(path, form);
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        site.ask(request).await
    };
    let all = text(site.get_with("/", &cookie).await).await;
    assert!(!all.contains("action=\"/viste\""), "all need no name");
    let seen = text(site.get_with("/?gravita=rosso&pagina=2", &cookie).await).await;
    assert!(seen.contains("name=\"gravita\" value=\"rosso\""), "{seen}");
    assert!(
        !seen.contains("name=\"pagina\""),
        "a view begins at its top"
    );
    let nameless = send("/viste", "gravita=rosso&nome=+").await;
    assert_eq!(nameless.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(nameless).await.contains("ward-keep-fault"));
    let kept = send("/viste", "gravita=rosso&carico=me&nome=I+miei+rossi").await;
    assert_eq!(leads_to(&kept), "/?gravita=rosso&carico=me");
    let page = text(site.get_with("/", &cookie).await).await;
    assert!(
        page.contains("<a href=\"/?gravita=rosso&#38;carico=me\">I miei rossi</a>"),
        "{page}"
    );
    let own = page.split("action=\"/viste/").nth(1).unwrap();
    let end = format!("/viste/{}", own.split('"').next().unwrap());
    assert_eq!(leads_to(&send(&end, "").await), "/");
    let page = text(site.get_with("/", &cookie).await).await;
    assert!(!page.contains("I miei rossi"), "{page}");
}

#[tokio::test]
async fn every_page_of_the_centre_says_how_many_wait_and_the_others_do_not() {
    let (site, page, cookie) = with_maria().await;
    for path in ["/account", "/dispositivi", page.as_str()] {
        let shown = text(site.get_with(path, &cookie).await).await;
        assert!(shown.contains("id=\"bar-alarms\""), "{path}: {shown}");
        // Ingest is away: no number of now stands there as if it were.
        assert!(shown.contains("bar-alarms is-lost"), "{path}: {shown}");
        let own = shown.contains("/js/patient.js");
        assert_ne!(shown.contains("/js/alarms.js"), own, "one stream a page");
    }
    let ward = text(site.get_with("/", &cookie).await).await;
    assert!(!ward.contains("bar-alarms"), "the list has its own: {ward}");
    let nobody = text(site.get("/login").await).await;
    assert!(!nobody.contains("bar-alarms"), "{nobody}");
}
