//! The clinical sheet: versions beside each other, of two writers one is told who was first.

// req: G8

#![cfg(test)]

use veglia_people::background::{self, Background, MAX_TEXT_CHARS, Other, SheetRefused};
use veglia_people::patients::{self, NewPerson};
use veglia_people::{PersonId, SCHEMA};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_605_964_320_000);
const ADA: Actor = Actor::Staff(1);
const BRUNO: Actor = Actor::Staff(2);

struct Centre {
    _folder: tempfile::TempDir,
    record: Database,
    maria: PersonId,
}

async fn centre() -> Centre {
    let folder = tempfile::tempdir().unwrap();
    let record = veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await;
    let maria = NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let maria = patients::register(&record, &ADA, &maria, NOW).await;
    Centre {
        _folder: folder,
        maria: maria.unwrap(),
        record,
    }
}

fn first() -> Background {
    Background {
        conditions: " BPCO\r\ndiabete ".to_owned(),
        keys: "dal portinaio".to_owned(),
        key_holder: Other {
            name: "Sig.ra Bo, vicina".to_owned(),
            phone: "02 5550 0002".to_owned(),
        },
        others: vec![Other::default(), other("Luca, figlio", "333 1234567")],
        isolated_since: Some("2020-11-14".parse().unwrap()),
        ..Background::default()
    }
}

fn other(name: &str, phone: &str) -> Other {
    Other {
        name: name.to_owned(),
        phone: phone.to_owned(),
    }
}

impl Centre {
    async fn write(
        &self,
        actor: &Actor,
        says: &Background,
        seen: i64,
    ) -> Result<i64, SheetRefused> {
        background::write(&self.record, actor, self.maria, says, seen, NOW).await
    }
}

#[tokio::test]
async fn every_version_stays_with_its_author_and_numbers_are_kept_in_one_form() {
    let centre = centre().await;
    assert_eq!(centre.write(&ADA, &first(), 0).await.unwrap(), 1);
    let second = Background {
        allergies: "penicillina".to_owned(),
        ..first()
    };
    assert_eq!(centre.write(&BRUNO, &second, 1).await.unwrap(), 2);
    let history = background::history(&centre.record, &ADA, centre.maria).await;
    let history = history.unwrap();
    let written: Vec<(i64, &str)> = history.iter().map(|it| (it.version, &*it.by)).collect();
    assert_eq!(written, [(2, "staff:2"), (1, "staff:1")]);
    let newest = background::current(&centre.record, &ADA, centre.maria).await;
    let newest = newest.unwrap().unwrap();
    assert_eq!(newest, history[0]);
    assert_eq!(newest.says.conditions, "BPCO\ndiabete");
    assert_eq!(newest.says.key_holder.phone, "+390255500002");
    // Nobody without a name or a number is among those to be called.
    assert_eq!(newest.says.others, [other("Luca, figlio", "+393331234567")]);
    assert_eq!(history[1].says.allergies, "");
    assert!(!format!("{newest:?}{:?}", newest.says).contains("penicillina"));
}

#[tokio::test]
async fn of_two_who_write_at_once_the_second_is_told_who_was_first_and_writes_nothing() {
    let centre = centre().await;
    centre.write(&ADA, &first(), 0).await.unwrap();
    let blind = Background {
        therapy: "cortisone".to_owned(),
        ..Background::default()
    };
    let refused = centre.write(&BRUNO, &blind, 0).await.unwrap_err();
    let SheetRefused::Overtaken { by, at } = refused else {
        panic!("{refused}");
    };
    assert_eq!((by.as_str(), at), ("staff:1", NOW));
    let unchanged = centre.write(&ADA, &first(), 1).await;
    assert!(matches!(unchanged, Err(SheetRefused::Unchanged)));
    let history = background::history(&centre.record, &ADA, centre.maria).await;
    assert_eq!(history.unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_or_called_is_refused_with_its_field() {
    let centre = centre().await;
    let long = Background {
        therapy: "a".repeat(MAX_TEXT_CHARS + 1),
        ..Background::default()
    };
    let refused = centre.write(&ADA, &long, 0).await.unwrap_err();
    assert!(matches!(
        refused,
        SheetRefused::Text {
            field: "therapy",
            ..
        }
    ));
    let odd = Background {
        floor: "terzo\npiano".to_owned(),
        ..Background::default()
    };
    let refused = centre.write(&ADA, &odd, 0).await.unwrap_err();
    assert!(matches!(refused, SheetRefused::Text { field: "floor", .. }));
    let nobody = Background {
        others: vec![other("Luca", "boh")],
        ..Background::default()
    };
    let refused = centre.write(&ADA, &nobody, 0).await.unwrap_err();
    assert!(matches!(refused, SheetRefused::Phone("other-1")));
    let empty = centre.write(&ADA, &Background::default(), 0).await;
    assert!(matches!(empty, Err(SheetRefused::Unchanged)));
    let stranger = PersonId::new(9).unwrap();
    let refused = background::write(&centre.record, &ADA, stranger, &first(), 0, NOW).await;
    assert!(matches!(refused, Err(SheetRefused::Unknown(_))));
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
