//! Views that somebody keeps under a name, on a real database.

#![cfg(test)]

use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::views::{self, VIEWS_MAX, ViewError};
use veglia_people::{Password, SCHEMA, StaffId};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_600_000_000_000);

async fn employ(record: &Database, name: &str) -> StaffId {
    let account = NewStaff {
        username: name.parse().unwrap(),
        name: name.to_owned(),
        role: Role::Nurse,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let made = staff::create(record, &Actor::System("test"), account, NOW).await;
    made.unwrap()
}

#[tokio::test]
async fn a_view_is_its_owners_and_is_replaced_by_its_name_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let record = veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await;
    let (ada, bruno) = (employ(&record, "ada").await, employ(&record, "bruno").await);
    let keep =
        async |name: &str, address: &str| views::keep(&record, ada, name, address, NOW).await;
    keep("I  miei rossi ", "?gravita=rosso").await.unwrap();
    keep("I miei rossi", "?gravita=rosso&carico=me")
        .await
        .unwrap();
    let kept = views::of(&record, ada).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].name, "I miei rossi");
    assert_eq!(kept[0].address, "?gravita=rosso&carico=me");
    assert!(views::of(&record, bruno).await.unwrap().is_empty());
    assert!(!views::forget(&record, bruno, kept[0].id).await.unwrap());
    for (name, address) in [
        ("", "?gravita=rosso"),
        ("a\u{7}b", "?gravita=rosso"),
        ("altrove", "//evil.example"),
    ] {
        let refused = keep(name, address).await;
        assert!(matches!(refused, Err(ViewError::Name)), "{name}");
    }
    for number in 1..VIEWS_MAX {
        keep(&format!("vista {number}"), "?carico=me")
            .await
            .unwrap();
    }
    let refused = keep("una di troppo", "?carico=me").await;
    assert!(matches!(refused, Err(ViewError::TooMany)));
    keep("vista 1", "?carico=nessuno").await.unwrap();
    assert!(views::forget(&record, ada, kept[0].id).await.unwrap());
    assert!(!views::forget(&record, ada, kept[0].id).await.unwrap());
}
