//! What a report makes of readings that are none of the body or of nobody living, and of alerts
//! that began, ended or were taken back outside its time.

use serde_json::Value;
use veglia_diary::set_standing;
use veglia_documents::{DocumentQuery, Kind};
use veglia_view::{Site, VitalKind, WallMs, Whereabouts, Why};

use super::house::{DAY_MS, HOUR_MS, House, NOW, OXIMETER};
use super::{json, resources};

const SKIN: &str = "skin:1";

/// A draft, as JSON.
async fn draft(house: &House, kind: Kind, query: &DocumentQuery) -> Value {
    json(&house.file(kind, query).await.expect("a draft").body)
}

async fn discharged(house: &House) {
    let gone = (Whereabouts::Discharged, NOW);
    let dora = house.dora.actor();
    let stood = set_standing(&house.record, &dora, house.maria, gone, "guarita", NOW);
    stood.await.expect("it is written");
}

fn values(document: &Value, code: &str) -> Vec<f64> {
    let all = resources(document, "Observation").into_iter();
    let all = all.filter(|it| it["code"]["coding"][0]["code"] == code);
    let value = |it: Value| it["valueQuantity"]["value"].as_f64().expect("a number");
    all.map(value).collect()
}

fn text(document: &Value, section: usize) -> String {
    let section = &document["entry"][0]["resource"]["section"][section];
    section["text"]["div"].to_string().replace('\u{a0}', " ")
}

#[tokio::test]
async fn the_skin_is_no_body_temperature_and_none_of_its_extremes() {
    let house = House::followed().await;
    let at = |hours: i64| NOW.plus_ms(-hours * HOUR_MS);
    let skin = (VitalKind::Temperature, 3150);
    house.hears_at(Site::Skin, skin, at(2), SKIN, None);
    house.hears_at(
        Site::Skin,
        (VitalKind::Temperature, 3920),
        at(3),
        SKIN,
        None,
    );
    let report = draft(&house, Kind::Report, &DocumentQuery::default()).await;
    assert_eq!(values(&report, "8310-5"), [36.65, 38.1]);
    assert_eq!(values(&report, "39106-0"), [39.2, 31.5]);
    for it in resources(&report, "Observation") {
        let is_skin = it["code"]["coding"][0]["code"] == "39106-0";
        let profiles = it["meta"]["profile"].to_string();
        assert!(!is_skin || !profiles.contains("bodytemp"), "{it}");
    }
    discharged(&house).await;
    let last = draft(&house, Kind::Last, &DocumentQuery::default()).await;
    assert_eq!(values(&last, "8310-5"), [36.65, 38.1]);
    assert!(values(&last, "39106-0").is_empty());
    let told = text(&last, 0);
    assert!(
        told.contains("misure della cute 2, non riportate"),
        "{told}"
    );
}

#[tokio::test]
async fn what_nobody_living_has_is_doubtful_and_never_an_extreme() {
    let house = House::followed().await;
    let at = NOW.plus_ms(-5 * DAY_MS - 90_000);
    house.hears(VitalKind::SpO2, at, 310, OXIMETER, None);
    let hand = format!("hand:{}", house.maria);
    house.hears(VitalKind::Temperature, at, 990, &hand, None);
    let report = draft(&house, Kind::Report, &DocumentQuery::default()).await;
    let oxygen = values(&report, "59408-5");
    assert_eq!(oxygen.iter().copied().reduce(f64::min), Some(85.0));
    assert_eq!(values(&report, "8310-5"), [36.65, 38.1]);
    let told = text(&report, 0);
    assert!(
        told.contains("misure non dubbie 944, riportate 21, scelte; misure dubbie 8, non"),
        "{told}"
    );
    assert!(
        told.contains("Qui non si sa se un dispositivo ha ripetuto"),
        "{told}"
    );
    discharged(&house).await;
    let last = draft(&house, Kind::Last, &DocumentQuery::default()).await;
    let oxygen = values(&last, "59408-5");
    assert_eq!(oxygen.iter().copied().reduce(f64::min), Some(85.0));
    assert_eq!(values(&last, "8310-5"), [36.65, 38.1]);
}

/// From the 12th to the 14th of November.
fn earlier() -> DocumentQuery {
    DocumentQuery {
        da: "2020-11-12".to_owned(),
        a: "2020-11-14".to_owned(),
        ..DocumentQuery::default()
    }
}

async fn followed_with_an_alert(raised: WallMs) -> (House, veglia_view::FlagId) {
    let house = House::new().await;
    house.plans(None).await;
    let flag = house.raises(raised, 850).await;
    (house, flag)
}

/// The 13th of November, in the middle of those days.
const THEN: WallMs = WallMs(NOW.0 - 8 * DAY_MS);

#[tokio::test]
async fn an_alert_that_was_taken_back_later_is_not_told_of_the_patient() {
    for why in [Why::NotTheirs, Why::ExplainedByLateData] {
        let (house, flag) = followed_with_an_alert(THEN).await;
        let told = text(&draft(&house, Kind::Report, &earlier()).await, 1);
        assert!(told.contains("rossa"), "{told}");
        assert!(told.contains("ancora aperta il 21/11/2020 14:12"), "{told}");
        house.ends(&flag, why, NOW.plus_ms(-5 * DAY_MS)).await;
        let told = text(&draft(&house, Kind::Report, &earlier()).await, 1);
        assert!(told.contains("Nessuna segnalazione confermata."), "{told}");
    }
}

#[tokio::test]
async fn an_alert_that_ended_after_the_period_is_said_to_have_ended() {
    let (house, flag) = followed_with_an_alert(THEN).await;
    house
        .ends(&flag, Why::Recovered, NOW.plus_ms(-5 * DAY_MS))
        .await;
    let told = text(&draft(&house, Kind::Report, &earlier()).await, 1);
    let ended = "finita il 16/11/2020 14:12, dopo il periodo";
    assert!(told.contains(ended), "{told}");
}

#[tokio::test]
async fn an_alert_that_was_open_when_the_period_began_is_told() {
    let (house, flag) = followed_with_an_alert(THEN.plus_ms(-2 * DAY_MS)).await;
    let told = text(&draft(&house, Kind::Report, &earlier()).await, 1);
    assert!(
        told.contains("11/11/2020 14:12, prima del periodo: rossa"),
        "{told}"
    );
    let ended = THEN.plus_ms(-36 * HOUR_MS);
    house.ends(&flag, Why::Recovered, ended).await;
    let told = text(&draft(&house, Kind::Report, &earlier()).await, 1);
    assert!(told.contains("finita il 12/11/2020 02:12"), "{told}");
    assert!(!told.contains("dopo il periodo"), "{told}");
}

#[tokio::test]
async fn an_alert_that_was_over_before_the_period_is_not_told() {
    let (house, flag) = followed_with_an_alert(THEN.plus_ms(-2 * DAY_MS)).await;
    let ended = THEN.plus_ms(-46 * HOUR_MS);
    house.ends(&flag, Why::Recovered, ended).await;
    let told = text(&draft(&house, Kind::Report, &earlier()).await, 1);
    assert!(told.contains("Nessuna segnalazione confermata."), "{told}");
}

#[tokio::test]
async fn an_alert_that_began_after_the_period_is_not_told() {
    let (house, _) = followed_with_an_alert(NOW.plus_ms(-2 * DAY_MS)).await;
    let told = text(&draft(&house, Kind::Report, &earlier()).await, 1);
    assert!(told.contains("Nessuna segnalazione confermata."), "{told}");
}

#[tokio::test]
async fn an_alert_open_at_discharge_that_ended_a_moment_later_is_not_open_for_ever() {
    let (house, flag) = followed_with_an_alert(NOW.plus_ms(-HOUR_MS)).await;
    discharged(&house).await;
    house.ends(&flag, Why::PlanEnded, NOW).await;
    let last = draft(&house, Kind::Last, &DocumentQuery::default()).await;
    let sections = last["entry"][0]["resource"]["section"].to_string();
    assert!(
        sections.contains("finita il 21/11/2020 14:12"),
        "{sections}"
    );
}
