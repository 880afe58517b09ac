//! Accounts, the door and the sessions, on a real database.

#![cfg(test)]

use std::path::Path;

use veglia_people::sessions::{self, IDLE_MS, Token, WHOLE_MS};
use veglia_people::staff::{self, AccountError, NewStaff, Role, Staff};
use veglia_people::{Password, PasswordError, SCHEMA, SignIn, SignInError};
use veglia_store::{Actor, Database, Purpose};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_600_000_000_000);
const SETUP: Actor = Actor::System("test");
const PHRASE: &str = "tre civette sul comò";

async fn record(folder: &Path) -> Database {
    veglia_trial::open(&folder.join("record.db"), &[SCHEMA]).await
}

fn typed(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn anna() -> NewStaff {
    NewStaff {
        username: "anna".parse().unwrap(),
        name: "Anna Ferri".to_owned(),
        role: Role::Nurse,
        password: typed(PHRASE),
    }
}

async fn anna_signed_in(record: &Database) -> (Staff, Token) {
    staff::create(record, &SETUP, anna(), NOW).await.unwrap();
    let door = SignIn::new(record.clone(), NOW);
    let staff = door.authenticate("anna", typed(PHRASE), NOW).await.unwrap();
    let token = sessions::open(record, &staff, NOW).await.unwrap();
    (staff, token)
}

async fn is_in(record: &Database, token: &Token, now: WallMs) -> bool {
    sessions::lookup(record, token, now)
        .await
        .unwrap()
        .is_some()
}

#[tokio::test]
async fn a_new_database_has_no_account_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let door = SignIn::new(record(folder.path()).await, NOW);
    for name in ["admin", "root", "veglia"] {
        let refused = door.authenticate(name, typed(name), NOW).await.unwrap_err();
        assert!(matches!(refused, SignInError::Refused));
    }
}

#[tokio::test]
async fn the_right_password_opens_and_every_wrong_pair_gets_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    let id = staff::create(&record, &SETUP, anna(), NOW).await.unwrap();
    let door = SignIn::new(record, NOW);

    let staff = door
        .authenticate(" Anna ", typed(PHRASE), NOW)
        .await
        .unwrap();
    assert_eq!(
        (staff.id, staff.name.as_str(), staff.role),
        (id, "Anna Ferri", Role::Nurse)
    );
    for (name, phrase) in [
        ("anna", "tre civette"),
        ("bruno", PHRASE),
        ("an na", PHRASE),
    ] {
        let refused = door
            .authenticate(name, typed(phrase), NOW)
            .await
            .unwrap_err();
        assert!(matches!(refused, SignInError::Refused), "{refused:?}");
    }
}

#[tokio::test]
async fn guessing_is_slowed_even_for_names_that_do_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let door = SignIn::new(record(folder.path()).await, NOW);
    for _ in 0..5 {
        let refused = door
            .authenticate("nobody", typed("guess"), NOW)
            .await
            .unwrap_err();
        assert!(matches!(refused, SignInError::Refused));
    }
    let slowed = door
        .authenticate("nobody", typed("guess"), NOW)
        .await
        .unwrap_err();
    assert!(
        matches!(slowed, SignInError::TooMany { wait_ms: 60_000 }),
        "{slowed:?}"
    );
}

#[tokio::test]
async fn a_user_name_is_given_once_and_a_weak_password_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    staff::create(&record, &SETUP, anna(), NOW).await.unwrap();

    let twice = staff::create(&record, &SETUP, anna(), NOW)
        .await
        .unwrap_err();
    assert!(matches!(twice, AccountError::Taken), "{twice:?}");
    let weak = NewStaff {
        password: typed("password"),
        ..anna()
    };
    let weak = staff::create(&record, &SETUP, weak, NOW).await.unwrap_err();
    assert!(
        matches!(weak, AccountError::Password(PasswordError::TooShort)),
        "{weak:?}"
    );
    let nameless = NewStaff {
        name: " \n".to_owned(),
        ..anna()
    };
    let nameless = staff::create(&record, &SETUP, nameless, NOW)
        .await
        .unwrap_err();
    assert!(matches!(nameless, AccountError::Name), "{nameless:?}");
}

#[tokio::test]
async fn a_session_ends_when_unused_and_when_a_shift_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    let (staff, unused) = anna_signed_in(&record).await;
    let busy = sessions::open(&record, &staff, NOW).await.unwrap();

    let mut elapsed_ms = 0;
    while elapsed_ms < WHOLE_MS {
        assert!(
            is_in(&record, &busy, NOW.plus_ms(elapsed_ms)).await,
            "{elapsed_ms}"
        );
        elapsed_ms += IDLE_MS / 2;
    }
    assert!(!is_in(&record, &busy, NOW.plus_ms(WHOLE_MS)).await);
    assert!(!is_in(&record, &unused, NOW.plus_ms(IDLE_MS)).await);
}

#[tokio::test]
async fn a_closed_session_is_closed_for_every_process() {
    let folder = tempfile::tempdir().unwrap();
    let here = record(folder.path()).await;
    let there = record(folder.path()).await;
    let (staff, token) = anna_signed_in(&here).await;
    let other = sessions::open(&there, &staff, NOW).await.unwrap();

    assert!(is_in(&there, &token, NOW).await);
    sessions::close(&here, &staff, &token).await.unwrap();
    assert!(!is_in(&there, &token, NOW).await);
    assert!(is_in(&here, &other, NOW).await);
    assert_eq!(
        sessions::close_all(&here, &SETUP, staff.id).await.unwrap(),
        1
    );
    assert!(!is_in(&there, &other, NOW).await);
}

#[tokio::test]
async fn a_new_password_and_a_disabled_account_end_the_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    let (staff, token) = anna_signed_in(&record).await;
    let door = SignIn::new(record.clone(), NOW);

    staff::set_password(&record, &SETUP, staff.id, typed("quattro gufi in soffitta"))
        .await
        .unwrap();
    assert!(!is_in(&record, &token, NOW).await);
    assert!(door.authenticate("anna", typed(PHRASE), NOW).await.is_err());
    door.authenticate("anna", typed("quattro gufi in soffitta"), NOW)
        .await
        .unwrap();

    let again = sessions::open(&record, &staff, NOW).await.unwrap();
    staff::disable(&record, &SETUP, staff.id, NOW)
        .await
        .unwrap();
    assert!(!is_in(&record, &again, NOW).await);
    let refused = door
        .authenticate("anna", typed("quattro gufi in soffitta"), NOW)
        .await;
    assert!(matches!(refused, Err(SignInError::Refused)));
}

#[tokio::test]
async fn an_account_that_is_not_there_cannot_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    let (staff, _token) = anna_signed_in(&record).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let empty = crate::record(elsewhere.path()).await;
    let missing = staff::disable(&empty, &SETUP, staff.id, NOW)
        .await
        .unwrap_err();
    assert!(matches!(missing, AccountError::Unknown(id) if id == staff.id));
}

#[tokio::test]
async fn a_stolen_table_holds_no_token_and_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.db");
    let record = Database::open(&file, Purpose::Record, &[SCHEMA]).await;
    let record = record.unwrap();
    let (_staff, token) = anna_signed_in(&record).await;
    record.close().await.unwrap();

    let bytes = std::fs::read(file).unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("Anna Ferri"), "the file is the one that was written");
    assert!(!holds(&token.reveal()));
    assert!(!holds(PHRASE));
}

#[test]
fn a_token_is_read_back_only_as_it_was_written() {
    let text = "0123456789abcdef".repeat(4);
    let token: Token = text.parse().unwrap();
    assert_eq!(token.reveal(), text);
    assert_eq!(format!("{token:?}"), "Token(…)");
    for wrong in [
        "",
        &text[1..],
        &format!("{text}0"),
        &text.replace('0', "g"),
        &"è".repeat(32),
    ] {
        assert!(wrong.parse::<Token>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_signature_keeps_its_name_when_the_account_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path()).await;
    let id = staff::create(&record, &SETUP, anna(), NOW).await.unwrap();
    staff::disable(&record, &SETUP, id, NOW).await.unwrap();
    let signatures = staff::signatures(&record, &SETUP).await.unwrap();
    let anna = Actor::Staff(id.get()).to_string();
    assert_eq!(
        signatures.get(&anna).map(String::as_str),
        Some("Anna Ferri")
    );
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
