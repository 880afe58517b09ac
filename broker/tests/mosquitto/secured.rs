//! The way to the broker behind the door is encrypted, and both are who they say.

// req: G5

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::sleep;
use veglia_broker::{Limits, Standing};
use veglia_identity::{Authority, Key, UnixSeconds};
use veglia_link::{Access, Secret};

use crate::away::{standing, until};
use crate::client::Client;
use crate::homes::{BREATH, Life, Plan};
use crate::house::{GATEWAYS, House, unbridled};
use crate::log::Log;
use crate::mosquitto::{ANYBODY, Mosquitto};

/// The authority that mosquitto and the door share, in the folder of mosquitto.
const OURS: &str = "ours";

/// One that nobody believes.
const ANOTHERS: &str = "anothers";

fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.expect("this is after 1970").as_secs();
    UnixSeconds(i64::try_from(seconds).expect("and long before the end"))
}

/// Two authorities of the same name, a server certificate of the one, and a client certificate of
/// each.
fn make_papers(folder: &Path, host: &str) {
    for name in [OURS, ANOTHERS] {
        let authority = Authority::create(&folder.join(name), "centro", now()).expect("made");
        let key = Key::generate().expect("a key");
        let certificate = authority.issue_service("door", &key, now());
        let write = |file: &str, text: &str| {
            fs::write(folder.join(name).join(file), text).expect("written");
        };
        write("door.pem", &certificate.expect("signed"));
        write("door.key", &key.pem());
        let server = authority.issue_server(&[host.to_owned()], now());
        let server = server.expect("signed");
        write("server.pem", &server.certificate);
        write("server.key", &server.key.pem());
    }
}

/// One that speaks TLS as this host, and lets in as its further settings say.
fn secured(host: &str, settings: &str) -> Mosquitto {
    Mosquitto::start_with(|folder| {
        make_papers(folder, host);
        let file = |name: &str| folder.join(OURS).join(name).display().to_string();
        format!(
            "cafile {}\ncertfile {}\nkeyfile {}\n{ANYBODY}{settings}",
            file("authority.pem"),
            file("server.pem"),
            file("server.key")
        )
    })
}

/// The keys of a configuration with the root of this authority, and a certificate of that.
fn keys(mosquitto: &Mosquitto, ca: &str, own: Option<&str>) -> String {
    let file = |whose: &str, name: &str| {
        let path = mosquitto.folder.path().join(whose).join(name);
        path.display().to_string()
    };
    let ca = file(ca, "authority.pem");
    let own = own.map(|own| {
        let (certificate, key) = (file(own, "door.pem"), file(own, "door.key"));
        format!(", certificate = \"{certificate}\", key = \"{key}\"")
    });
    format!(", ca = \"{ca}\"{}", own.unwrap_or_default())
}

/// A house before it, with these keys.
async fn house_before(mosquitto: &Mosquitto, keys: &str) -> (watch::Receiver<Standing>, House) {
    let url = format!("mqtts://{}", mosquitto.address);
    let backend = mosquitto.backend_at(&url, keys);
    let standing = standing(&*backend);
    (standing, House::before(unbridled(), backend).await)
}

#[tokio::test]
async fn frames_pass_through_a_broker_that_is_reached_over_tls() {
    let mosquitto = secured("127.0.0.1", "");
    let (mut standing, house) = house_before(&mosquitto, &keys(&mosquitto, OURS, None)).await;
    house.is_served().await;
    until(&mut standing, "it is connected", |it| it.connected).await;
    // More than one record of TLS, and more than either side reads at once.
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/07/g/+/up").await;
    let mut casa = Client::enter(&house, "casa-1").await;
    let payload = [0x5a; 16 * 1024];
    for _ in 0..200 {
        casa.hand_over("v1/p/07/g/casa-1/up", &payload).await;
        assert_eq!(ingest.message().await.1, payload);
    }
    assert_eq!(
        (standing.borrow().connections, standing.borrow().lost),
        (1, 0)
    );
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_broker_over_tls_that_dies_again_and_again_loses_and_doubles_no_reading() {
    let mut mosquitto = secured("127.0.0.1", "require_certificate true\n");
    let (mut standing, house) = house_before(&mosquitto, &keys(&mosquitto, OURS, Some(OURS))).await;
    let (_, paused) = watch::channel(false);
    let life = Life::of(&Plan {
        broker: house.address,
        homes: &GATEWAYS,
        access: &|name| Access::Secret(Secret::new(house.secret(name))),
        stalled: Duration::from_secs(20),
        paused,
    });
    for death in 1..=3 {
        sleep(BREATH * 4).await;
        mosquitto.freeze();
        sleep(BREATH * 2).await;
        mosquitto.kill();
        until(&mut standing, "the loss is seen", |it| !it.connected).await;
        mosquitto.run();
        until(&mut standing, "it is back", |it| {
            it.connections == 1 + death
        })
        .await;
    }
    life.lost_nothing().await;
    assert!(standing.borrow().lost > 0, "nothing had to be repaired");
    house.close().await.unwrap();
}

/// What the door says of a broker that it does not reach. It is not ready, and stays open.
async fn is_told(mosquitto: &Mosquitto, url: &str, keys: &str, words: &[&str]) {
    let log = Log::start();
    let backend = mosquitto.backend_at(url, keys);
    let standing = standing(&*backend);
    let house = House::before(Limits::default(), backend).await;
    log.says(words).await;
    assert!(!log.text().contains("sesame"));
    assert_eq!(standing.borrow().connections, 0);
    assert_eq!(house.health.snapshot().router_answered, None);
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_broker_whose_certificate_another_authority_signed_is_not_believed() {
    let mosquitto = secured("127.0.0.1", "");
    let url = format!("mqtts://{}", mosquitto.address);
    let keys = keys(&mosquitto, ANOTHERS, None);
    let words = [
        "is not the broker that is meant",
        "anothers/authority.pem has not signed",
    ];
    is_told(&mosquitto, &url, &keys, &words).await;
}

#[tokio::test]
async fn a_broker_whose_certificate_is_for_another_name_is_not_believed() {
    let mosquitto = secured("broker.example", "");
    let url = format!("mqtts://{}", mosquitto.address);
    let keys = keys(&mosquitto, OURS, None);
    is_told(&mosquitto, &url, &keys, &["is for another name"]).await;
}

#[tokio::test]
async fn a_broker_that_does_not_speak_tls_is_told_so_and_gets_no_password() {
    let mosquitto = Mosquitto::start_with(|folder| {
        make_papers(folder, "127.0.0.1");
        ANYBODY.to_owned()
    });
    let url = format!("mqtts://door:sesame@{}", mosquitto.address);
    let keys = keys(&mosquitto, OURS, None);
    is_told(&mosquitto, &url, &keys, &["TLS", "correct the port"]).await;
}

#[tokio::test]
async fn a_door_without_a_good_certificate_is_told_what_is_missing() {
    let mosquitto = secured("127.0.0.1", "require_certificate true\n");
    let url = format!("mqtts://{}", mosquitto.address);
    let none = keys(&mosquitto, OURS, None);
    is_told(&mosquitto, &url, &none, &["write certificate and key"]).await;
    let wrong = keys(&mosquitto, OURS, Some(ANOTHERS));
    is_told(&mosquitto, &url, &wrong, &["refuses our certificate"]).await;
}

#[tokio::test]
async fn a_renewed_authority_is_used_at_the_next_call_without_a_restart() {
    let mosquitto = secured("127.0.0.1", "");
    let copy = mosquitto.folder.path().join("ca.pem");
    let root = |whose: &str| mosquitto.folder.path().join(whose).join("authority.pem");
    fs::copy(root(ANOTHERS), &copy).unwrap();
    let keys = format!(", ca = \"{}\"", copy.display());
    let log = Log::start();
    let (mut standing, house) = house_before(&mosquitto, &keys).await;
    log.says(&["is not the broker that is meant"]).await;
    fs::copy(root(OURS), &copy).unwrap();
    until(&mut standing, "it is connected", |it| it.connected).await;
    house.is_served().await;
    house.close().await.unwrap();
}

#[test]
fn a_sentence_shows_its_cause_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), "no certificate").unwrap();
    let text = format!(
        "backend = {{ url = \"mqtts://door:sesame@localhost\", ca = \"{}\" }}",
        folder.path().join("ca.pem").display()
    );
    let config: veglia_broker::Config = toml::from_str(&text).unwrap();
    let fault = config.backend.make().open().unwrap_err();
    let source = fault.source().unwrap().to_string();
    assert!(source.contains("ca.pem holds no certificate"), "{source}");
    assert!(!format!("{fault:?} {config:?}").contains("sesame"));
}
