//! What a list of many says of each, and the screens on walls, on a real database.

#![cfg(test)]

use std::path::Path;

use veglia_people::boards::{self, BoardError};
use veglia_people::contacts::{Address, Channel};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::{Hours, PersonId, SCHEMA, roll};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_600_000_000_000);
const SETUP: Actor = Actor::System("test");

async fn record(folder: &Path) -> Database {
    veglia_trial::open(&folder.join("record.db"), &[SCHEMA]).await
}

async fn admit(record: &Database, code: &str, name: &str) -> PersonId {
    let person = NewPerson {
        name: name.to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: code.parse().unwrap(),
        phone: "+390255501234".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    patients::register(record, &SETUP, &person, NOW)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_roll_has_names_and_the_doctor_of_the_moment() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    let maria = admit(&record, "RSSMRA85M01H501Q", "Maria").await;
    let ada = admit(&record, "RSSMRA85T10A562S", "Ada").await;
    let nobody = PersonId::new(7).unwrap();
    let mut doctors = Vec::new();
    for name in ["Bianchi Ugo", "Verdi Lia"] {
        let doctor = NewMmg {
            name: name.to_owned(),
            hours: Hours::always(),
            contacts: vec![Address::new(Channel::Email, "studio@prova.example").unwrap()],
        };
        doctors.push(mmg::add(&record, &SETUP, &doctor, NOW).await.unwrap());
    }
    let later = NOW.plus_ms(1_000);
    mmg::assign(&record, &SETUP, maria, doctors[0], NOW)
        .await
        .unwrap();
    mmg::assign(&record, &SETUP, maria, doctors[1], later)
        .await
        .unwrap();
    let call = async |at| {
        roll::call(&record, &SETUP, &[maria, ada, nobody], at)
            .await
            .unwrap()
    };
    let now = call(NOW).await;
    assert_eq!(now.len(), 2, "who is not on file is not in it");
    assert_eq!(now[&maria].name.to_string(), "Rossi Maria");
    assert_eq!(now[&maria].doctor.as_ref().unwrap().1, "Bianchi Ugo");
    assert_eq!(now[&ada].doctor, None);
    assert_eq!(
        call(later).await[&maria].doctor,
        Some((doctors[1], "Verdi Lia".to_owned()))
    );
    assert_eq!(format!("{:?}", now[&maria]), "Enrolled(…)");
}

#[tokio::test]
async fn a_screen_is_opened_by_its_secret_alone_until_it_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    let refused = boards::make(&record, &SETUP, " \n ", NOW)
        .await
        .unwrap_err();
    assert!(matches!(refused, BoardError::Name));
    let secret = boards::make(&record, &SETUP, " Sala ", NOW).await.unwrap();
    assert_eq!(format!("{secret:?}"), "BoardSecret(…)");
    let again = secret.reveal().parse().unwrap();
    let board = boards::open(&record, &SETUP, &again)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((board.name.as_str(), board.ended_at), ("Sala", None));
    let other = "0".repeat(32).parse().unwrap();
    assert_eq!(boards::open(&record, &SETUP, &other).await.unwrap(), None);
    assert!(boards::end(&record, &SETUP, board.id, NOW).await.unwrap());
    assert_eq!(boards::open(&record, &SETUP, &again).await.unwrap(), None);
}

#[tokio::test]
async fn a_centre_has_so_many_screens_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    for _ in 0..boards::BOARDS_MAX {
        boards::make(&record, &SETUP, "Sala", NOW).await.unwrap();
    }
    let refused = boards::make(&record, &SETUP, "Sala", NOW)
        .await
        .unwrap_err();
    assert!(matches!(refused, BoardError::TooMany));
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
