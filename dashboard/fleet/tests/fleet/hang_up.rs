//! Askers that hang up before they have their answer.

use std::fs::File;
use std::pin::pin;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use veglia_fleet::{Deed, Wish};
use veglia_identity::Key;

use crate::house::House;

/// Only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// As many as are served at once.
const AT_ONCE: usize = 4;

/// Far more turns than an answer takes that waits for nobody.
const TURNS: usize = 100;

/// Whether an answer comes though the files are in use.
async fn is_answered(asking: impl Future) -> bool {
    let waited = async {
        for _ in 0..TURNS {
            yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = asking => true,
        () = waited => false,
    }
}

#[tokio::test]
async fn what_was_begun_keeps_its_place_and_is_logged_though_the_asker_hangs_up() {
    let house = House::new().await;
    let (_, code) = house.label("casa-1").await;
    let key = Key::generate().unwrap();
    let held = File::create(house.path("enrolments.toml.lock")).unwrap();
    held.lock().unwrap();
    for _ in 0..AT_ONCE {
        let asking = house.enrol(&code, &key);
        assert!(!is_answered(asking).await, "the files were not in use");
    }

    let mut next = pin!(house.ask(Wish::Renew, "{}"));
    assert!(!is_answered(next.as_mut()).await, "a place was given twice");

    drop(held);
    assert_eq!(timeout(PATIENCE, next).await.unwrap().status, 400);
    let logged = async {
        while !house.deeds().await.iter().any(|it| it.0 == Deed::Enrolled) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, logged).await.unwrap();
    assert!(house.list().load().unwrap().entry("casa-1").is_some());
}
