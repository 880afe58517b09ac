//! The register of people, on a real database.

#![cfg(test)]

use veglia_people::patients::{self, NewPerson, RegisterError};
use veglia_people::{PersonId, SCHEMA};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_600_000_000_000);
const CENTRE: Actor = Actor::System("test");

async fn record(folder: &tempfile::TempDir) -> Database {
    veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await
}

/// Someone who does not exist.
fn person(codice_fiscale: &str) -> NewPerson {
    NewPerson {
        name: "Fabio".to_owned(),
        surname: "Cacciò".to_owned(),
        codice_fiscale: codice_fiscale.parse().unwrap(),
        phone: "333 1234567".parse().unwrap(),
        address: "Via di Prova 1, 20100 Milano".to_owned(),
    }
}

#[tokio::test]
async fn someone_registered_is_found_again_whole() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(&folder).await;
    let new = person("CCCFBA85D03L219P");
    let id = patients::register(&record, &CENTRE, &new, NOW)
        .await
        .unwrap();

    let found = patients::get(&record, &CENTRE, id).await.unwrap().unwrap();
    assert_eq!((found.id, found.details), (id, new));
    let nobody = PersonId::new(1).unwrap();
    assert_eq!(patients::get(&record, &CENTRE, nobody).await.unwrap(), None);
}

#[tokio::test]
async fn the_same_code_leads_to_the_same_person_and_an_omocode_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(&folder).await;
    let new = person("CCCFBA85D03L219P");
    let id = patients::register(&record, &CENTRE, &new, NOW)
        .await
        .unwrap();

    let again = patients::register(&record, &CENTRE, &new, NOW)
        .await
        .unwrap_err();
    assert!(
        matches!(again, RegisterError::Known(known) if known == id),
        "{again:?}"
    );
    let namesake = person("CCCFBA85D03L21VE");
    assert_ne!(
        patients::register(&record, &CENTRE, &namesake, NOW)
            .await
            .unwrap(),
        id
    );
}

#[tokio::test]
async fn names_are_given_for_many_at_once_and_only_for_who_is_on_file() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(&folder).await;
    let id = patients::register(&record, &CENTRE, &person("CCCFBA85D03L219P"), NOW)
        .await
        .unwrap();
    let mut asked: Vec<PersonId> = (1..=1_200).filter_map(PersonId::new).collect();
    asked.push(id);

    let names = patients::names_of(&record, &CENTRE, &asked).await.unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(names[&id].to_string(), "Cacciò Fabio");
}

#[tokio::test]
async fn empty_and_endless_texts_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(&folder).await;
    let good = person("CCCFBA85D03L219P");
    let cases = [
        (
            "name",
            NewPerson {
                name: "  ".to_owned(),
                ..good.clone()
            },
        ),
        (
            "surname",
            NewPerson {
                surname: "a".repeat(101),
                ..good.clone()
            },
        ),
        (
            "address",
            NewPerson {
                address: "Via\u{0}".to_owned(),
                ..good.clone()
            },
        ),
    ];
    for (fault, case) in cases {
        let refused = patients::register(&record, &CENTRE, &case, NOW)
            .await
            .unwrap_err();
        assert!(matches!(refused, RegisterError::Text { field, .. } if field == fault));
    }
}

#[test]
fn debug_shows_nothing_of_the_person() {
    let shown = format!("{:?}", person("CCCFBA85D03L219P"));
    assert_eq!(shown, "NewPerson(…)");
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
