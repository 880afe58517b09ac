//! The API as programs meet it: who is answered what (`api.txt`), that the document and the routes
//! are the same, and that every refusal is a problem.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use veglia_people::staff::{self, Role, Staff};
use veglia_people::tokens::{self, NewToken, Scope, Secret};
use veglia_people::{PersonId, sessions};
use veglia_store::{Actor, Asked};
use veglia_view::{
    About, Evidence, Flag, FlagId, How, Severity, Standing, Trigger, Verdict, VitalKind,
};
use veglia_wire::Clock;

use crate::api;
use crate::tests::rights::{Town, by_name, line, town};
use crate::tests::site::{posted, request, text};

const TABLE: &str = include_str!("api.txt");

const TEST: Actor = Actor::System("test");

const NOBODY: &str = "00000000000000ff";

async fn token(town: &Town, staff: &Staff, scopes: &[Scope]) -> Secret {
    let new = NewToken {
        name: "prova".to_owned(),
        scopes: scopes.to_vec(),
        days: 30,
    };
    let (record, now) = (&town.site.record, town.site.clock.now());
    tokens::make(record, staff, &new, now).await.unwrap()
}

/// A request with a token, and a body of JSON if there is one.
fn asking(method: &Method, path: &str, token: Option<&Secret>, body: &str) -> Request<Body> {
    let mut request = request(method.clone(), path);
    if let Some(token) = token {
        let shown = format!("Bearer {}", token.reveal());
        request = request.header(header::AUTHORIZATION, shown);
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn get(town: &Town, path: &str, token: &Secret) -> Response<Body> {
    town.site
        .ask(asking(&Method::GET, path, Some(token), ""))
        .await
}

/// A refusal, which says its status in its body too.
async fn problem(answer: Response<Body>) -> Value {
    let status = answer.status();
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap();
    assert_eq!(kind, "application/problem+json", "{status}");
    let said: Value = serde_json::from_str(&text(answer).await).unwrap();
    assert_eq!(said["status"], status.as_u16());
    for member in ["type", "title", "detail"] {
        assert!(!said[member].as_str().unwrap().is_empty(), "{said}");
    }
    said
}

/// The document as it is served, to anybody.
async fn document(town: &Town) -> Value {
    let served = town.site.get("/api/v1/openapi.json").await;
    assert_eq!(served.status(), StatusCode::OK);
    serde_json::from_str(&text(served).await).unwrap()
}

/// Path and methods, as the document has them.
fn operations(document: &Value) -> Vec<(String, Vec<Method>)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |item: &Value| {
        let named = item.as_object().unwrap().keys();
        let named = named.map(|name| name.to_uppercase().parse().unwrap());
        named.collect::<Vec<Method>>()
    };
    paths
        .map(|(path, item)| (path.clone(), methods(item)))
        .collect()
}

fn of(path: &str, patient: &str) -> String {
    path.replace("{patient}", patient)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_each_role_as_the_table_says() {
    let town = town().await;
    let mut held = Vec::new();
    for staff in &town.staff {
        held.push(token(&town, staff, &Scope::ALL).await);
    }
    let answers = async |method: &Method, path: &str| {
        let shown = std::iter::once(None).chain(held.iter().map(Some));
        let mut answers = Vec::new();
        for token in shown {
            let answer = town.site.ask(asking(method, path, token, "")).await;
            let status = answer.status();
            if !status.is_success() {
                problem(answer).await;
            }
            answers.push(status);
        }
        answers
    };
    let mut found = Vec::new();
    for (path, methods) in operations(&document(&town).await) {
        for method in methods {
            if !path.contains("{patient}") {
                found.push(line(
                    &format!("{method} {path}"),
                    &answers(&method, &path).await,
                ));
                continue;
            }
            for (whose, patient) in [("own", town.maria), ("other", town.bruno)] {
                let said = answers(&method, &of(&path, &patient.to_string())).await;
                if whose == "other" {
                    let unknown = answers(&method, &of(&path, NOBODY)).await;
                    assert_eq!(said, unknown, "{method} {path}: existence leaks");
                }
                found.push(line(&format!("{method} {path} {whose}"), &said));
            }
        }
    }
    let agreed = TABLE.lines().filter(|line| !line.starts_with('#'));
    let agreed = by_name(agreed.map(str::to_owned));
    assert_eq!(by_name(found.into_iter()), agreed);
}

#[tokio::test]
async fn the_document_says_of_every_operation_its_methods_its_scope_and_its_refusals() {
    let town = town().await;
    let nurse = token(&town, town.of(Role::Nurse), &Scope::ALL).await;
    let served = document(&town).await;
    assert_eq!(served["openapi"], "3.1.0");
    for (path, methods) in operations(&served) {
        let address = of(&path, &town.maria.to_string());
        let other = asking(&Method::TRACE, &address, Some(&nurse), "");
        let answer = town.site.ask(other).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.headers()[header::ALLOW].to_str().unwrap();
        let allowed = allowed.split(',').map(str::trim).filter(|it| *it != "HEAD");
        let allowed: Vec<Method> = allowed.map(|it| it.parse().unwrap()).collect();
        assert_eq!(allowed, methods, "{path}");
        for method in methods {
            let named = method.as_str().to_lowercase();
            let operation = &served["paths"][path.as_str()][named.as_str()];
            let scope = operation["security"][0]["token"][0].as_str();
            let asked = api::scope(&path, &method).map(Scope::code);
            assert_eq!(scope, asked, "{method} {path}");
            for refusal in ["400", "401", "403", "405", "429", "503"] {
                assert!(
                    operation["responses"][refusal].is_object(),
                    "{method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_session_opens_nothing_here_and_a_token_opens_no_page() {
    let town = town().await;
    let nurse = town.of(Role::Nurse);
    let session = town.answer(&Method::GET, "/api/v1/me", Some(nurse)).await;
    assert_eq!(session.status(), StatusCode::UNAUTHORIZED);
    assert!(session.headers().contains_key(header::WWW_AUTHENTICATE));
    let token = token(&town, nurse, &Scope::ALL).await;
    for page in ["/", "/account/token"] {
        let answer = get(&town, page, &token).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{page}");
    }
}

#[tokio::test]
async fn a_token_is_for_what_it_names_and_for_as_long_as_it_is_valid() {
    let town = town().await;
    let nurse = town.of(Role::Nurse);
    let narrow = token(&town, nurse, &[Scope::WardRead]).await;
    let me: Value =
        serde_json::from_str(&text(get(&town, "/api/v1/me", &narrow).await).await).unwrap();
    assert_eq!(me["role"], "nurse");
    assert_eq!(me["token"]["scopes"], json!(["ward:read"]));
    let flags = format!("/api/v1/patients/{}/flags", town.maria);
    let refused = get(&town, &flags, &narrow).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let said = problem(refused).await;
    assert!(said["detail"].as_str().unwrap().contains("patient:read"));

    let wide = token(&town, nurse, &Scope::ALL).await;
    assert_eq!(get(&town, &flags, &wide).await.status(), StatusCode::OK);
    let (record, now) = (&town.site.record, town.site.clock.now());
    let listed = tokens::list(record, &TEST, nurse.id).await.unwrap();
    tokens::end(record, &TEST, nurse.id, listed[0].id, now)
        .await
        .unwrap();
    assert_eq!(
        get(&town, &flags, &wide).await.status(),
        StatusCode::UNAUTHORIZED
    );
    staff::disable(record, &TEST, nurse.id, now).await.unwrap();
    let closed = get(&town, "/api/v1/me", &narrow).await;
    assert_eq!(closed.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_program_that_runs_wild_is_slowed_and_told_for_how_long() {
    let town = town().await;
    let wild = token(&town, town.of(Role::Nurse), &Scope::ALL).await;
    let calm = token(&town, town.of(Role::Nurse), &Scope::ALL).await;
    let status = async |token| get(&town, "/api/v1/me", token).await.status();
    for _ in 0..200 {
        assert_eq!(status(&wild).await, StatusCode::OK);
    }
    let slowed = get(&town, "/api/v1/me", &wild).await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(slowed.headers()[header::RETRY_AFTER], "1");
    problem(slowed).await;
    assert_eq!(status(&calm).await, StatusCode::OK);
    town.site.clock.0.fetch_add(1_000, Ordering::SeqCst);
    assert_eq!(status(&wild).await, StatusCode::OK);
}

#[tokio::test]
async fn a_read_of_one_patient_is_in_the_access_log_once_for_an_hour() {
    let town = town().await;
    let nurse = town.of(Role::Nurse);
    let token = token(&town, nurse, &Scope::ALL).await;
    let flags = format!("/api/v1/patients/{}/flags", town.maria);
    let read = async || {
        let answer = get(&town, &flags, &token).await;
        assert_eq!(answer.status(), StatusCode::OK);
        logged(&town, town.maria).await
    };
    assert_eq!(read().await, ["api.patient"]);
    assert_eq!(read().await.len(), 1);
    town.site.clock.0.fetch_add(3_600_001, Ordering::SeqCst);
    assert_eq!(read().await.len(), 2);
    // Whoever may not read is not in it.
    let other = format!("/api/v1/patients/{}/flags", town.bruno);
    get(&town, &other, &token).await;
    assert!(logged(&town, town.bruno).await.is_empty());
}

async fn logged(town: &Town, whose: PersonId) -> Vec<String> {
    let subject = whose.to_string();
    let asked = Asked {
        subject: Some(&subject),
        ..Asked::default()
    };
    let entries = town.site.record.accesses(&TEST, asked, 50).await.unwrap();
    let purposes = entries.into_iter().map(|it| it.purpose);
    purposes.filter(|it| it.starts_with("api.")).collect()
}

#[tokio::test]
async fn a_note_is_in_the_diary_and_what_is_wrong_with_an_act_is_said() {
    let town = town().await;
    let token = token(&town, town.of(Role::Nurse), &Scope::ALL).await;
    let acts = format!("/api/v1/patients/{}/acts", town.maria);
    let act = async |body: &str| {
        let request = asking(&Method::POST, &acts, Some(&token), body);
        town.site.ask(request).await
    };
    let written = act(r#"{"act":"note","words":"Scritto da un programma."}"#).await;
    assert_eq!(written.status(), StatusCode::NO_CONTENT);
    let diary = format!("/api/v1/patients/{}/diary?limit=1", town.maria);
    let diary: Value = serde_json::from_str(&text(get(&town, &diary, &token).await).await).unwrap();
    let entry = &diary["entries"][0];
    assert_eq!(entry["says"]["kind"], "note", "{diary}");
    assert_eq!(entry["words"], "Scritto da un programma.");
    assert_eq!(entry["by"]["name"], town.of(Role::Nurse).name);

    let foreign = r#"{"act":"take-charge","flag":"x"}"#;
    let long = format!(r#"{{"act":"note","words":"{}"}}"#, "a".repeat(4_001));
    let huge = format!(r#"{{"act":"note","words":"{}"}}"#, "a".repeat(70_000));
    let refused: BTreeMap<&str, u16> = [
        ("{", 400),
        ("{}", 422),
        (r#"{"act":"note"}"#, 422),
        (r#"{"act":"note","words":""}"#, 422),
        (r#"{"act":"note","words":"a","more":1}"#, 422),
        (foreign, 422),
        (long.as_str(), 422),
        (huge.as_str(), 413),
    ]
    .into();
    for (body, status) in refused {
        let answer = act(body).await;
        assert_eq!(answer.status().as_u16(), status, "{}", body.len());
        problem(answer).await;
    }
    let nowhere = get(&town, "/api/v1/nowhere", &token).await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    problem(nowhere).await;
}

#[tokio::test]
async fn a_token_is_made_on_a_page_shown_once_and_ended_by_the_administrator() {
    let town = town().await;
    let nurse = town.of(Role::Nurse);
    let send = async |who: &Staff, path: &str, form: &str| {
        let mut request = posted(path, form);
        let opened = sessions::open(&town.site.record, who, town.site.clock.now()).await;
        let cookie = format!("veglia_session={}", opened.unwrap().reveal());
        let cookie = cookie.parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        town.site.ask(request).await
    };
    let form = "nome=Cruscotto&giorni=90&ambito=ward%3Aread";
    let made = send(nurse, "/account/token", form).await;
    assert_eq!(made.status(), StatusCode::OK);
    let made = text(made).await;
    let secret = made.split("<code>veglia_").nth(1).unwrap();
    let secret = format!("veglia_{}", secret.get(..64).unwrap());
    let secret: Secret = secret.parse().unwrap();
    let me = async || get(&town, "/api/v1/me", &secret).await.status();
    assert_eq!(me().await, StatusCode::OK);
    let again = text(
        town.answer(&Method::GET, "/account/token", Some(nurse))
            .await,
    )
    .await;
    assert!(again.contains("Cruscotto") && again.contains("ward:read"));
    assert!(!again.contains(secret.reveal()), "it is shown once");

    let admin = town.of(Role::Admin);
    let page = format!("/utenti/{}/token", nurse.id);
    let seen = text(town.answer(&Method::GET, &page, Some(admin)).await).await;
    assert!(seen.contains("Cruscotto") && !seen.contains("name=\"ambito\""));
    let id = tokens::list(&town.site.record, &TEST, nurse.id)
        .await
        .unwrap()[0]
        .id;
    let ended = send(admin, &format!("{page}/fine"), &format!("token={id}")).await;
    assert_eq!(ended.status(), StatusCode::SEE_OTHER);
    assert_eq!(me().await, StatusCode::UNAUTHORIZED);
}

/// A red flag of Maria's.
async fn raised(town: &Town) -> FlagId {
    let (patient, now) = (town.maria.to_string(), town.site.clock.now());
    let id = "00000000000000aa-1".parse().unwrap();
    let flag = Flag {
        id: FlagId {
            patient: patient.parse().unwrap(),
            rule: "spo2-red".parse().unwrap(),
            rule_set: "home-2020-1".parse().unwrap(),
            trigger: Trigger::Record(id),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: now,
        evidence: vec![Evidence::reading(id, VitalKind::SpO2, 880, now)],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at: now,
        },
        late: false,
        telling: 2,
    };
    let named = flag.id.clone();
    let said = [Verdict::Raise(flag)];
    let recorded = veglia_diary::record_verdicts(&town.site.record, &TEST, &said, now).await;
    recorded.unwrap();
    named
}

#[tokio::test]
async fn of_two_who_act_at_once_one_is_told_who_was_first() {
    let town = town().await;
    let flag = raised(&town).await;
    let token = token(&town, town.of(Role::Nurse), &Scope::ALL).await;
    let acts = format!("/api/v1/patients/{}/acts", town.maria);
    let act = async |act: Value| {
        let request = asking(&Method::POST, &acts, Some(&token), &act.to_string());
        town.site.ask(request).await
    };
    let (record, now) = (&town.site.record, town.site.clock.now());
    let doctor = town.of(Role::Doctor);
    let taken = veglia_diary::take_charge(record, &doctor.actor(), &flag, now).await;
    taken.unwrap();
    let late = act(json!({"act": "take-charge", "flag": flag.to_string()})).await;
    assert_eq!(late.status(), StatusCode::CONFLICT);
    let said = problem(late).await;
    assert_eq!(said["type"], "urn:veglia:taken");
    assert_eq!(said["first"]["who"]["name"], doctor.name);

    let named = flag.to_string();
    let close = |telling: u32| {
        let words = "Sta bene.";
        json!({"act": "close", "flag": named, "telling": telling, "words": words})
    };
    let unread = problem(act(close(1)).await).await;
    assert_eq!(unread["type"], "urn:veglia:changed");
    assert_eq!(act(close(2)).await.status(), StatusCode::NO_CONTENT);
    let flags = format!("/api/v1/patients/{}/flags", town.maria);
    let flags: Value = serde_json::from_str(&text(get(&town, &flags, &token).await).await).unwrap();
    assert_eq!(flags["flags"], json!([]));
}
