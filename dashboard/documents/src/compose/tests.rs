//! Of the common part: who a patient is, with and without what is usually known.

use serde_json::{Value, json};
use veglia_people::staff::Role;
use veglia_view::{PatientId, WallMs};

use super::document;
use crate::facts::{Author, CardFacts, Facts, Frame, Held, Subject};
use crate::kind::Kind;

fn card(code: Option<&str>) -> Value {
    let frame = Frame {
        kind: Kind::Card,
        now: WallMs(1_605_964_320_000),
        subject: Subject {
            number: PatientId::new(0xa11ce),
            surname: "Rossi".to_owned(),
            name: "Maria".to_owned(),
            code: code.map(str::to_owned),
            phone: "+390212345678".to_owned(),
            address: "via Larga 1, Milano".to_owned(),
            doctor: None,
        },
        author: Author {
            number: "7".to_owned(),
            name: "Dora".to_owned(),
            role: Role::Doctor,
        },
        version: Some(1),
    };
    let devices = vec![Held {
        device: "nonin:501234".parse().unwrap(),
        from: WallMs(1_605_000_000_000),
        is_shared: true,
        measures: Vec::new(),
    }];
    let bundle = document(&frame, &Facts::Card(CardFacts { devices }));
    serde_json::to_value(bundle).unwrap()
}

fn patient(bundle: &Value) -> &Value {
    let entries = bundle["entry"].as_array().unwrap().iter();
    let mut resources = entries.map(|it| &it["resource"]);
    let found = resources.find(|it| it["resourceType"] == "Patient");
    found.unwrap()
}

#[test]
fn whoever_has_no_codice_fiscale_is_known_by_the_centres_number_alone() {
    let known = card(Some("RSSMRA85M01H501Q"));
    let systems = |bundle: &Value| {
        let all = patient(bundle)["identifier"].as_array().unwrap().clone();
        all.len()
    };
    assert_eq!(systems(&known), 2);
    let code = &patient(&known)["identifier"][0];
    assert_eq!(code["system"], "http://hl7.it/sid/codiceFiscale");
    let unknown = card(None);
    assert_eq!(systems(&unknown), 1);
    let number = &patient(&unknown)["identifier"][0];
    assert_eq!(number["value"], "00000000000a11ce");
    assert_eq!(patient(&known)["id"], patient(&unknown)["id"]);
    let text = unknown["entry"][0]["resource"]["text"]["div"].as_str();
    assert!(text.unwrap().contains("Codice Fiscale: non registrato"));
}

#[test]
fn where_somebody_resides_is_said_to_be_unknown_and_not_made_up() {
    let card = card(None);
    let address = &patient(&card)["address"];
    assert_eq!(address[0]["use"], "home");
    assert_eq!(
        address[1],
        json!({
            "extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                "valueCode": "unknown",
            }],
            "use": "billing",
        })
    );
}
