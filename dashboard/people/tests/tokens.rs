//! What programs show instead of a session, on a real database.

#![cfg(test)]

use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::tokens::{self, DAYS_MAX, NewToken, Scope, Secret, TOKENS_MAX, TokenError};
use veglia_people::{Password, SCHEMA};
use veglia_store::{Actor, Asked, Database};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_600_000_000_000);
const DAY_MS: i64 = 86_400_000;
const TEST: Actor = Actor::System("test");

async fn employ(record: &Database, name: &str) -> Staff {
    let account = NewStaff {
        username: name.parse().unwrap(),
        name: name.to_owned(),
        role: Role::Nurse,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let made = staff::create(record, &TEST, account, NOW).await;
    made.unwrap();
    let found = staff::by_username(record, &TEST, &name.parse().unwrap()).await;
    found.unwrap().unwrap()
}

fn new(name: &str, days: u16) -> NewToken {
    NewToken {
        name: name.to_owned(),
        scopes: vec![Scope::PatientRead],
        days,
    }
}

#[tokio::test]
async fn a_token_is_its_accounts_until_it_expires_is_ended_or_its_account_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let record = veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await;
    let (ada, bruno) = (employ(&record, "ada").await, employ(&record, "bruno").await);
    let secret = tokens::make(&record, &ada, &new("cruscotto", 30), NOW).await;
    let secret = secret.unwrap();
    let same: Secret = secret.reveal().parse().unwrap();
    let opens = async |at: WallMs| tokens::lookup(&record, &same, at).await.unwrap();
    let (owner, token) = opens(NOW).await.unwrap();
    assert_eq!((owner.id, token.name.as_str()), (ada.id, "cruscotto"));
    assert!(token.allows(Scope::PatientRead) && !token.allows(Scope::DiaryWrite));
    assert!(opens(NOW.plus_ms(30 * DAY_MS - 1)).await.is_some());
    assert!(opens(NOW.plus_ms(30 * DAY_MS)).await.is_none());

    // Somebody else's number ends nothing.
    let end = async |owner: &Staff| {
        let ended = tokens::end(&record, &TEST, owner.id, token.id, NOW).await;
        ended.unwrap()
    };
    assert!(!end(&bruno).await);
    assert!(opens(NOW).await.is_some());
    assert!(end(&ada).await && !end(&ada).await);
    assert!(opens(NOW).await.is_none());
    let listed = tokens::list(&record, &TEST, ada.id).await.unwrap();
    assert_eq!((listed.len(), listed[0].ended), (1, Some(NOW)));

    let second = tokens::make(&record, &ada, &new("altro", 1), NOW).await;
    let second = second.unwrap();
    staff::disable(&record, &TEST, ada.id, NOW).await.unwrap();
    let closed = tokens::lookup(&record, &second, NOW).await.unwrap();
    assert!(closed.is_none());
}

#[tokio::test]
async fn its_use_is_written_down_to_a_minute_and_its_life_in_the_access_log() {
    let folder = tempfile::tempdir().unwrap();
    let record = veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await;
    let ada = employ(&record, "ada").await;
    let secret = tokens::make(&record, &ada, &new("cruscotto", 30), NOW).await;
    let secret = secret.unwrap();
    let used = async || tokens::list(&record, &TEST, ada.id).await.unwrap()[0].used;
    assert_eq!(used().await, None);
    for (after_ms, noted_ms) in [(0, 0), (59_999, 0), (60_000, 60_000)] {
        let at = NOW.plus_ms(after_ms);
        tokens::lookup(&record, &secret, at).await.unwrap().unwrap();
        assert_eq!(used().await, Some(NOW.plus_ms(noted_ms)));
    }
    let id = tokens::list(&record, &TEST, ada.id).await.unwrap()[0].id;
    tokens::end(&record, &TEST, ada.id, id, NOW).await.unwrap();
    let logged = record.accesses(&TEST, Asked::default(), 10).await.unwrap();
    let logged: Vec<_> = logged.iter().map(|it| it.purpose.as_str()).collect();
    assert_eq!(logged, ["token.ended", "token.made"]);
}

#[tokio::test]
async fn a_token_for_nothing_for_ever_or_without_a_name_is_not_made_and_nor_is_one_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let record = veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await;
    let ada = employ(&record, "ada").await;
    let make = async |new: NewToken| tokens::make(&record, &ada, &new, NOW).await;
    for name in ["", "  ", "a\nb", &"a".repeat(61)] {
        let refused = make(new(name, 1)).await;
        assert!(matches!(refused, Err(TokenError::Name)), "{name}");
    }
    for days in [0, DAYS_MAX + 1] {
        let refused = make(new("a", days)).await;
        assert!(matches!(refused, Err(TokenError::Days)), "{days}");
    }
    let refused = make(NewToken {
        scopes: Vec::new(),
        ..new("a", 1)
    });
    assert!(matches!(refused.await, Err(TokenError::Scopes)));
    for number in 0..TOKENS_MAX {
        make(new(&number.to_string(), DAYS_MAX)).await.unwrap();
    }
    let refused = make(new("uno di troppo", 1)).await;
    assert!(matches!(refused, Err(TokenError::TooMany)));
    for text in ["", "veglia_", &format!("veglia_{}", "A".repeat(64))] {
        assert!(text.parse::<Secret>().is_err(), "{text}");
    }
}

#[test]
fn all_of_this_holds_on_postgresql() {
    veglia_trial::again_on_postgresql("all_of_this_holds_on_postgresql");
}
