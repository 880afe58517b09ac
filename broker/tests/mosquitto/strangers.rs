//! The broker behind the door knows others too, or does not know us.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet};
use tokio::sync::watch;
use tokio::time::timeout;
use veglia_broker::{BackendError, Limits, Standing};

use crate::away::{standing, until};
use crate::client::{Client, PATIENCE};
use crate::house::{House, unbridled};
use crate::mosquitto::{ANYBODY, Mosquitto};

/// Publishes straight into mosquitto, past the door, and waits until it has it.
async fn publish_past_the_door(mosquitto: &Mosquitto, topic: &str, payload: &[u8], retain: bool) {
    let port = mosquitto.address.port();
    let options = MqttOptions::new("stranger", "127.0.0.1", port);
    let (stranger, mut events) = AsyncClient::new(options, 1);
    let publish = stranger.publish(topic, QoS::AtLeastOnce, retain, payload);
    publish.await.unwrap();
    let confirmed = async {
        while !matches!(
            events.poll().await.unwrap(),
            Event::Incoming(Packet::PubAck(_))
        ) {}
    };
    timeout(PATIENCE, confirmed)
        .await
        .expect("mosquitto has it");
}

#[tokio::test]
async fn what_did_not_come_through_the_door_goes_no_further() {
    let mosquitto = Mosquitto::start();
    let topic = "v1/p/07/g/casa-1/up";
    // Kept by mosquitto, and brought to whoever subscribes.
    publish_past_the_door(&mosquitto, topic, b"retained", true).await;
    let backend = mosquitto.backend();
    let mut standing = standing(&*backend);
    let house = House::before(Limits::default(), backend).await;
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    until(&mut standing, "it is connected", |it| it.connected).await;
    publish_past_the_door(&mosquitto, topic, b"forged", false).await;
    publish_past_the_door(&mosquitto, "v1/probe", &u64::MAX.to_be_bytes(), false).await;
    publish_past_the_door(&mosquitto, "elsewhere", b"not ours", false).await;
    until(&mut standing, "it is counted", |it| it.foreign >= 2).await;

    let mut casa = Client::enter(&house, "casa-1").await;
    casa.hand_over(topic, b"through the door").await;
    assert_eq!(ingest.message().await.1, b"through the door");
    house.close().await.unwrap();
}

#[tokio::test]
async fn two_doors_before_one_broker_do_not_hear_each_other() {
    let mosquitto = Mosquitto::start();
    let one = House::before(Limits::default(), mosquitto.backend()).await;
    let other = House::before(Limits::default(), mosquitto.backend()).await;
    for (house, payload) in [(&one, b"one"), (&other, b"two"), (&one, b"six")] {
        let mut ingest = Client::enter(house, "ingest").await;
        ingest.hear("v1/p/07/g/+/up").await;
        let mut casa = Client::enter(house, "casa-1").await;
        casa.hand_over("v1/p/07/g/casa-1/up", payload).await;
        assert_eq!(ingest.message().await.1, payload);
    }
    one.close().await.unwrap();
    other.close().await.unwrap();
}

/// A service's, which may be larger than a gateway's.
#[tokio::test]
async fn the_largest_packet_of_a_client_does_not_end_the_connection_of_all() {
    let mosquitto = Mosquitto::start();
    let backend = mosquitto.backend();
    let standing = standing(&*backend);
    let house = House::before(unbridled(), backend).await;
    let mut ingest = Client::enter(&house, "ingest").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    // Fixed header of 4 bytes, length of the topic in 2, and no packet id.
    let topic = "v1/p/07/g/casa-1/cmd";
    casa.hear(topic).await;
    let largest = vec![0x5a; 64 * 1024 - 4 - 2 - topic.len()];
    for _ in 0..20 {
        ingest.publish(topic, QoS::AtMostOnce, &largest).await;
        assert_eq!(casa.message().await.1.len(), largest.len());
    }
    assert_eq!(standing.borrow().connections, 1);
    assert_eq!(standing.borrow().lost, 0);
    house.close().await.unwrap();
}

/// One that knows `door` with this password, and gives it these rights.
fn guarded(password: &str, rights: &str) -> Mosquitto {
    Mosquitto::start_with(|folder| {
        write_password(folder, password);
        let rights_file = folder.join("rights");
        fs::write(&rights_file, format!("user door\n{rights}")).expect("a new file");
        format!(
            "password_file {}\nacl_file {}\n",
            folder.join("passwords").display(),
            rights_file.display()
        )
    })
}

fn write_password(folder: &Path, password: &str) {
    let file = folder.join("passwords");
    let mut command = Command::new("mosquitto_passwd");
    let made = command.arg("-b").arg("-c").arg(file);
    let made = made.args(["door", password]).output();
    assert!(made.expect("it comes with mosquitto").status.success());
}

/// Long enough for two calls. A door that is let in wrongly may be missed, never a right one
/// blamed.
async fn stays_away(standing: &mut watch::Receiver<Standing>) {
    let connected = standing.wait_for(|it| it.connected);
    let connected = timeout(Duration::from_millis(500), connected).await;
    assert!(connected.is_err(), "it was let in");
}

const EVERYTHING: &str = "topic readwrite v1/#\n";

#[tokio::test]
async fn it_shows_its_password_from_the_url_or_from_a_file() {
    let mosquitto = guarded("open sesame", EVERYTHING);
    let folder = mosquitto.folder.path();
    fs::write(folder.join("secret"), "open sesame\n").unwrap();
    let file = format!(", password_file = \"{}\"", folder.join("secret").display());
    for (login, keys) in [("door:open%20sesame@", ""), ("door@", file.as_str())] {
        let house = House::before(Limits::default(), mosquitto.backend_as(login, keys)).await;
        house.is_served().await;
        house.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_keeps_the_door_from_being_ready_until_it_is_mended() {
    let mosquitto = guarded("open sesame", EVERYTHING);
    let secret = mosquitto.folder.path().join("secret");
    fs::write(&secret, "open barley").unwrap();
    let keys = format!(", password_file = \"{}\"", secret.display());
    let backend = mosquitto.backend_as("door@", &keys);
    let mut standing = standing(&*backend);
    let house = House::before(Limits::default(), backend).await;
    stays_away(&mut standing).await;
    fs::write(&secret, "open sesame").unwrap();
    until(&mut standing, "it is connected", |it| it.connected).await;
    house.is_served().await;
    house.close().await.unwrap();
}

/// Mosquitto grants the subscription all the same, and keeps what it would bring to itself.
#[tokio::test]
async fn without_the_right_to_read_the_door_is_never_ready() {
    let mosquitto = guarded("open sesame", "topic write v1/#\n");
    let backend = mosquitto.backend_as("door:open%20sesame@", "");
    let mut standing = standing(&*backend);
    let house = House::before(Limits::default(), backend).await;
    until(&mut standing, "it is let in", |it| it.connected).await;
    let given_up = until(&mut standing, "it is given up", |it| !it.connected).await;
    assert!(given_up.lost >= 1, "{given_up:?}");
    assert_eq!(house.health.snapshot().router_answered, None);
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_password_file_that_is_not_there_keeps_the_door_shut() {
    let mosquitto = Mosquitto::prepared(|_| ANYBODY.to_owned());
    let backend = mosquitto.backend_as("door@", ", password_file = \"nowhere/secret\"");
    let fault = backend.open().unwrap_err();
    assert!(matches!(fault, BackendError::Password { .. }));
    assert!(fault.to_string().contains("nowhere/secret"), "{fault}");
}
