//! The identity file changes while the door is open.

use std::fs;

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use veglia_broker::{Config, FrontDoor, Refusal, Rumqttd, ServeError};

use crate::client::Client;
use crate::house::{House, connect};

/// Tries until the door has seen the file.
async fn enters_at_last(house: &House, name: &str, secret: &str) -> Client {
    for _ in 0..1_000 {
        let mut client = Client::open(house).await;
        if client.connect(&connect(name, secret)).await == Some(ConnectReturnCode::Success) {
            return client;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{name} was never let in");
}

#[tokio::test]
async fn who_is_enrolled_gets_in_and_who_is_removed_is_sent_away() {
    let house = House::open().await;
    let mut one = Client::enter(&house, "casa-1").await;
    let mut two = Client::enter(&house, "casa-2").await;

    let secret = house.file.add_gateway("casa-9", 9).unwrap();
    house.file.remove("casa-1").unwrap();
    let mut nine = enters_at_last(&house, "casa-9", secret.reveal()).await;
    nine.hand_over("v1/p/09/g/casa-9/up", b"new here").await;
    assert!(one.is_closed().await);
    house
        .until("it is counted", |it| {
            it.refused.contains_key(&Refusal::Revoked)
        })
        .await;
    two.ping().await;

    let mut back = Client::open(&house).await;
    let code = back.connect(&house.connect("casa-1")).await;
    assert_eq!(code, Some(ConnectReturnCode::BadUserNamePassword));
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_new_secret_ends_the_session_of_the_old_one() {
    let house = House::open().await;
    let mut one = Client::enter(&house, "casa-1").await;
    house.file.remove("casa-1").unwrap();
    let secret = house.file.add_gateway("casa-1", 7).unwrap();
    assert!(one.is_closed().await);
    enters_at_last(&house, "casa-1", secret.reveal()).await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_broken_file_changes_nothing_until_it_is_mended() {
    let house = House::open().await;
    let mut one = Client::enter(&house, "casa-1").await;
    let good = fs::read_to_string(&house.path).unwrap();
    fs::write(&house.path, "version = 1\n[[gatewa").unwrap();
    one.ping().await;
    Client::enter(&house, "casa-2").await;

    fs::write(&house.path, good).unwrap();
    let secret = house.file.add_gateway("casa-9", 9).unwrap();
    enters_at_last(&house, "casa-9", secret.reveal()).await;
    one.ping().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn without_an_identity_file_the_door_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        identities: folder.path().join("identities.toml"),
        ..Config::default()
    };
    let door = FrontDoor::new(config, Box::new(Rumqttd));
    assert!(matches!(door, Err(ServeError::Identities(_))));
}
