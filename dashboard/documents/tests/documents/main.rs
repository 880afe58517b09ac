//! The documents of a patient, against a real record on both databases: what stands in each, that a
//! draft is never taken for a document, and that what was issued stays what it is.

mod checked;
mod house;
mod judged;
#[path = "../../../../tests/support/mod.rs"]
mod support;

use serde_json::Value;
use veglia_diary::set_standing;
use veglia_documents::{
    Desk, DocumentError, DocumentPage, DocumentQuery, IssueForm, Issued, Kind, ListPage, issue,
};
use veglia_people::care::Relation;
use veglia_store::Asked;
use veglia_store::sea_orm::ConnectionTrait;
use veglia_view::{PatientId, Whereabouts};

use house::{DAY_MS, House, NOW, SETUP, shown, told};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The resources of a type.
fn resources(document: &Value, kind: &str) -> Vec<Value> {
    let entries = document["entry"].as_array().expect("entries").iter();
    let resources = entries.map(|it| it["resource"].clone());
    resources.filter(|it| it["resourceType"] == kind).collect()
}

fn seen(version: i64) -> IssueForm {
    IssueForm {
        visto: version.to_string(),
        ..IssueForm::default()
    }
}

fn version(number: i64) -> DocumentQuery {
    DocumentQuery {
        versione: number.to_string(),
        ..DocumentQuery::default()
    }
}

#[tokio::test]
async fn a_draft_says_that_it_is_one_and_is_not_kept() {
    let house = House::followed().await;
    let page = house
        .page(&house.dora, Kind::Plan, &DocumentQuery::default())
        .await;
    assert!(page.contains("<h1><strong>BOZZA:</strong>"), "{page}");
    assert!(
        page.contains("BOZZA: documento non emesso, non valido."),
        "{page}"
    );
    assert!(!page.contains("SHA-256"), "{page}");
    let draft = house.file(Kind::Plan, &DocumentQuery::default()).await;
    let draft = draft.expect("there is a draft");
    assert!(draft.name.starts_with("bozza-"), "{}", draft.name);
    let composition = &json(&draft.body)["entry"][0]["resource"];
    assert_eq!(composition["status"], "preliminary");
    assert_eq!(composition["attester"], Value::Null);
    let first = version(1);
    let none = DocumentPage::load(house.desk(&house.dora), house.maria, Kind::Plan, &first);
    assert!(none.await.expect("all answer").is_none());
}

#[tokio::test]
async fn what_was_issued_stays_byte_by_byte_and_its_digest_stands_on_the_paper() {
    let house = House::followed().await;
    let first = house.issued(Kind::Plan).await;
    let page = house
        .page(&house.anna, Kind::Plan, &DocumentQuery::default())
        .await;
    let digest = sha256(&first.body);
    assert!(page.contains(&digest), "{page}");
    assert!(!page.contains("BOZZA"), "{page}");
    assert!(
        page.contains("Versione 1, emessa il 21/11/2020 14:12 da dora"),
        "{page}"
    );

    // The sheet changes, a version follows; the first stays.
    let second = house.issues(&house.mario, Kind::Plan, &seen(1)).await;
    assert!(matches!(second, Issued::Kept(2)), "{}", told(second));
    let again = house
        .file(Kind::Plan, &version(1))
        .await
        .expect("it is kept");
    assert_eq!(again.body, first.body);
    let second = house.file(Kind::Plan, &DocumentQuery::default()).await;
    let second = json(&second.expect("it is kept").body);
    let (first, composition) = (json(&first.body), &second["entry"][0]["resource"]);
    assert_eq!(composition["relatesTo"][0]["code"], "replaces");
    assert_eq!(
        composition["relatesTo"][0]["targetIdentifier"],
        first["identifier"]
    );
    let page = house.page(&house.anna, Kind::Plan, &version(1)).await;
    assert!(page.contains(&digest), "{page}");
    let all = Asked {
        purpose: Some("patient.document-issued"),
        ..Asked::default()
    };
    let logged = house.record.accesses(&SETUP, all, 10).await;
    assert_eq!(logged.expect("the log answers").len(), 2);
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_document_that_is_not_what_was_issued_is_not_shown() {
    let house = House::followed().await;
    house.issued(Kind::Plan).await;
    let spoilt = house.record.run_tx("test.spoil", &SETUP, |tx| {
        Box::pin(async move {
            tx.execute_unprepared("UPDATE document SET body = '{}'")
                .await?;
            Ok(())
        })
    });
    spoilt.await.expect("it is spoilt");
    let query = DocumentQuery::default();
    let page = DocumentPage::load(house.desk(&house.dora), house.maria, Kind::Plan, &query);
    assert!(matches!(page.await, Err(DocumentError::Book(_))));
}

#[tokio::test]
async fn of_two_who_issue_at_once_the_second_is_told_and_keeps_what_was_typed() {
    let house = House::followed().await;
    let form = seen(0);
    let (one, other) = tokio::join!(
        house.issues(&house.dora, Kind::Card, &form),
        house.issues(&house.mario, Kind::Card, &form),
    );
    let kept = [&one, &other]
        .into_iter()
        .filter(|it| matches!(it, Issued::Kept(1)));
    assert_eq!(kept.count(), 1);
    let late = [one, other]
        .into_iter()
        .find(|it| !matches!(it, Issued::Kept(_)));
    let late = told(late.expect("one was late"));
    assert!(late.starts_with("overtaken:"), "{late}");
    assert!(
        late.contains("qualcuno ne ha emesso una versione nel frattempo"),
        "{late}"
    );
}

#[tokio::test]
async fn doctors_of_the_centre_and_family_doctors_issue_and_nobody_else() {
    let house = House::followed().await;
    let refused = house.issues(&house.anna, Kind::Plan, &seen(0)).await;
    assert!(matches!(refused, Issued::NotAllowed));
    let until = NOW.plus_ms(DAY_MS);
    let by_glass = Desk {
        relation: Some(Relation::Glass { until }),
        ..house.desk(&house.dora)
    };
    let refused = issue(by_glass, house.maria, Kind::Plan, &seen(0)).await;
    assert!(matches!(refused, Ok(Issued::NotAllowed)));
    let page = house
        .page(&house.anna, Kind::Plan, &DocumentQuery::default())
        .await;
    assert!(!page.contains("Emetti il documento"), "{page}");
    let issued = house.issues(&house.mario, Kind::Plan, &seen(0)).await;
    assert!(matches!(issued, Issued::Kept(1)));
    let nobody = issue(
        house.desk(&house.dora),
        PatientId::new(255),
        Kind::Plan,
        &seen(0),
    )
    .await;
    assert!(matches!(nobody, Ok(Issued::Unknown)));
}

#[tokio::test]
async fn a_report_holds_readings_that_were_made_and_says_what_it_leaves_out() {
    let house = House::followed().await;
    let report = json(&house.issued(Kind::Report).await.body);
    let observations = resources(&report, "Observation");
    let of = |code: &str| {
        let all = observations.iter();
        let all = all.filter(|it| it["code"]["coding"][0]["code"] == code);
        all.cloned().collect::<Vec<Value>>()
    };
    let oxygen = of("59408-5");
    let values: Vec<i64> = oxygen
        .iter()
        .map(|it| it["valueQuantity"]["value"].as_i64().expect("a number"))
        .collect();
    // Seven days and their lows, none of an artefact; and the one that the red rests on.
    assert!((14..=22).contains(&values.len()), "{values:?}");
    assert_eq!(values.iter().min(), Some(&85));
    assert!(values.contains(&88) && values.contains(&94), "{values:?}");
    assert!(!values.contains(&60), "{values:?}");
    let red = oxygen.iter().find(|it| it["valueQuantity"]["value"] == 85);
    let red = red.expect("it is there");
    let why = red["note"][0]["text"].as_str().expect("a note");
    assert!(why.contains("su cui si fonda una segnalazione"), "{why}");
    assert_eq!(red["effectiveDateTime"], "2020-11-19T14:11:59.000+01:00");
    assert_eq!(red["valueQuantity"]["code"], "%");

    let warm = of("8310-5");
    let told: Vec<&Value> = warm.iter().map(|it| &it["note"][0]["text"]).collect();
    assert_eq!(told, ["Inserita a mano.", "Detta al telefono."]);
    assert_eq!(warm.first().expect("one")["valueQuantity"]["value"], 36.65);
    assert!(warm.iter().all(|it| it["device"].is_null()), "{warm:?}");

    let text = report["entry"][0]["resource"]["section"][0]["text"]["div"].as_str();
    let text = text.expect("a narrative");
    assert!(text.contains("Nessun valore è una media"), "{text}");
    assert!(
        text.contains(
            "misure non dubbie 944, riportate 21, scelte; misure dubbie 7, non riportate"
        ),
        "{text}"
    );
    let alerts = &report["entry"][0]["resource"]["section"][1]["text"]["div"];
    assert!(
        alerts
            .as_str()
            .expect("a narrative")
            .contains("rossa, Saturazione"),
        "{alerts}"
    );
}

#[tokio::test]
async fn the_same_facts_make_the_same_bytes() {
    let house = House::followed().await;
    for kind in [Kind::Plan, Kind::Card, Kind::Report] {
        let one = house
            .file(kind, &DocumentQuery::default())
            .await
            .expect("a draft");
        let other = house
            .file(kind, &DocumentQuery::default())
            .await
            .expect("a draft");
        assert_eq!(one.body, other.body);
    }
    let id = |document: &Value, kind: &str| {
        resources(document, kind).first().cloned().expect("one")["id"].clone()
    };
    let plan = json(
        &house
            .file(Kind::Plan, &DocumentQuery::default())
            .await
            .expect("one")
            .body,
    );
    let card = json(
        &house
            .file(Kind::Card, &DocumentQuery::default())
            .await
            .expect("one")
            .body,
    );
    for kind in ["Patient", "Device", "PractitionerRole"] {
        assert_eq!(id(&plan, kind), id(&card, kind), "{kind}");
    }
}

#[tokio::test]
async fn a_plan_says_the_limits_within_which_nobody_is_called() {
    let house = House::followed().await;
    let plan = json(&house.issued(Kind::Plan).await.body);
    let wanted = resources(&plan, "ObservationDefinition");
    let oxygen = wanted
        .iter()
        .find(|it| it["code"]["coding"][0]["code"] == "59408-5");
    let intervals = &oxygen.expect("it is planned")["qualifiedInterval"];
    let low = |place: usize| intervals[place]["range"]["low"]["value"].as_i64();
    assert!(low(0) > low(1), "{intervals}");
    assert_eq!(intervals[0]["range"]["low"]["unit"], "%");
    let care = resources(&plan, "CarePlan");
    assert_eq!(care[0]["category"][0]["coding"][0]["code"], "01");
    assert_eq!(resources(&plan, "Device")[0]["serialNumber"], "501234");
    let absent = &resources(&plan, "Device")[0]["udiCarrier"][0]["extension"][0];
    assert_eq!(absent["valueCode"], "unknown");
    let patient = &resources(&plan, "Patient")[0];
    assert_eq!(patient["identifier"][0]["value"], "RSSMRA85M01H501Q");
    let text = plan["entry"][0]["resource"]["section"][1]["text"]["div"].to_string();
    assert!(text.contains("ipertensione &lt; controllata"), "{text}");
}

#[tokio::test]
async fn a_final_report_waits_for_the_end_and_for_what_a_doctor_concludes() {
    let house = House::followed().await;
    let query = DocumentQuery::default();
    let page = house.page(&house.dora, Kind::Last, &query).await;
    assert!(page.contains("Il telemonitoraggio è in corso"), "{page}");
    assert!(!page.contains("<form"), "{page}");
    let form = IssueForm {
        conclusioni: "Sta bene.".to_owned(),
        ..seen(0)
    };
    let early = told(house.issues(&house.dora, Kind::Last, &form).await);
    assert!(
        early.starts_with("faulty:") && early.contains("in corso"),
        "{early}"
    );

    let gone = (Whereabouts::Discharged, NOW.plus_ms(-DAY_MS));
    let dora = house.dora.actor();
    let stood = set_standing(&house.record, &dora, house.maria, gone, "guarita", NOW);
    stood.await.expect("it is written");
    let empty = told(house.issues(&house.dora, Kind::Last, &seen(0)).await);
    assert!(empty.contains("scrivere le conclusioni"), "{empty}");
    let issued = house.issued(Kind::Last).await;
    let page = house.page(&house.dora, Kind::Last, &query).await;
    assert!(
        page.contains("Telemonitoraggio concluso il 20/11/2020 14:12; lo ha scritto dora"),
        "{page}"
    );
    assert!(page.contains("Controllo fra &lt; 30 giorni."), "{page}");
    let last = json(&issued.body);
    let care = resources(&last, "CarePlan");
    assert_eq!(care[0]["status"], "completed");
    let lowest = resources(&last, "Observation");
    assert!(lowest.iter().any(|it| it["valueQuantity"]["value"] == 85));
}

#[tokio::test]
async fn without_ingest_there_is_a_plan_and_no_report() {
    let house = House::followed().await;
    house.loses_ingest();
    let query = DocumentQuery::default();
    let plan = house.page(&house.dora, Kind::Plan, &query).await;
    assert!(plan.contains("numero di serie 501234"), "{plan}");
    let report = DocumentPage::load(house.desk(&house.dora), house.maria, Kind::Report, &query);
    assert!(matches!(report.await, Err(DocumentError::View(_))));
}

#[tokio::test]
async fn who_has_no_plan_and_no_devices_is_told_why_there_is_no_document() {
    let house = House::new().await;
    for (kind, why) in [
        (Kind::Plan, "Non c’è ancora un piano"),
        (Kind::Card, "non ha dispositivi"),
        (Kind::Last, "Non c’è ancora un piano"),
    ] {
        let page = house
            .page(&house.dora, kind, &DocumentQuery::default())
            .await;
        assert!(page.contains(why), "{page}");
        assert!(house.file(kind, &DocumentQuery::default()).await.is_none());
    }
    let wrong = DocumentQuery {
        da: "2020-11-21".to_owned(),
        a: "2020-11-01".to_owned(),
        ..DocumentQuery::default()
    };
    let page = house.page(&house.dora, Kind::Report, &wrong).await;
    assert!(page.contains("Questi giorni non vanno"), "{page}");
}

#[tokio::test]
async fn the_list_tells_of_each_what_it_is_for_and_reading_it_is_logged() {
    let house = House::followed().await;
    house.issued(Kind::Card).await;
    let page = ListPage::load(house.desk(&house.anna), house.maria).await;
    let page = shown(&page.expect("all answer").expect("she is on file"));
    for kind in Kind::ALL {
        assert!(
            page.contains(&format!("/documenti/{}\"", kind.code())),
            "{page}"
        );
    }
    assert!(page.contains("apri la versione 1"), "{page}");
    assert!(
        page.contains("Documenti di Rossi &#38; C. Maria &#60;Pia&#62;"),
        "{page}"
    );
    let by = house.anna.actor().to_string();
    let asked = Asked {
        purpose: Some("patient.documents"),
        by: Some(&by),
        ..Asked::default()
    };
    let logged = house.record.accesses(&SETUP, asked, 10).await;
    assert_eq!(logged.expect("the log answers").len(), 1);
}

#[test]
fn documents_are_the_same_on_postgresql() {
    veglia_trial::again_on_postgresql("documents_are_the_same_on_postgresql");
}
