//! The files of TLS are replaced while the door is open.
// req: G5

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode};
use rustls::pki_types::CertificateDer;
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::time::sleep;
use veglia_broker::{FrontDoor, Refusal, Rumqttd, ServeError, TlsError};
use veglia_identity::{Key, UnixSeconds};

use crate::client::Client;
use crate::grounds::{certify, config, trust};
use crate::honest::Honest;
use crate::house::House;
use crate::pki::{Badge, Centre, DAY_S, introduction, now};

/// What the door shows to somebody who comes now.
async fn shown(house: &House) -> CertificateDer<'static> {
    let mut casa = Client::open(house).await;
    casa.shake_hands(house.introduction("casa-3")).await;
    casa.shown().expect("a certificate")
}

/// Waits until the door shows another certificate than this.
async fn shows_another_than(house: &House, old: &CertificateDer<'static>) {
    for _ in 0..1_000 {
        if shown(house).await != *old {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("the door never showed its new certificate");
}

#[tokio::test]
async fn a_new_server_certificate_is_shown_to_newcomers_and_the_sessions_stay() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    let old = shown(&house).await;
    certify(&house.tls, &house.centre);
    shows_another_than(&house, &old).await;
    casa.ping().await;
    casa.hand_over("v1/p/07/g/casa-1/up", b"the same session")
        .await;
    Client::enter(&house, "casa-3").await.ping().await;
    assert_eq!(house.refused(Refusal::UnknownAuthority), 0);
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_pair_that_does_not_match_or_a_damaged_file_changes_nothing() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let old = shown(&house).await;
    let good_key = fs::read(&house.tls.key).unwrap();
    let good_authority = fs::read(&house.tls.authority).unwrap();
    fs::write(&house.tls.key, Key::generate().unwrap().pem()).unwrap();
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(shown(&house).await, old);
    fs::write(&house.tls.key, good_key).unwrap();
    fs::write(&house.tls.authority, "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    sleep(Duration::from_millis(1_500)).await;
    Client::enter(&house, "casa-1").await.ping().await;
    fs::write(&house.tls.authority, good_authority).unwrap();
    certify(&house.tls, &house.centre);
    shows_another_than(&house, &old).await;
    Client::enter(&house, "casa-1").await.ping().await;
    honest.end().await;
    house.close().await.unwrap();
}

fn root(centre: &Centre) -> CertificateDer<'static> {
    CertificateDer::from(centre.authority.der().to_vec())
}

/// Trusts the old door and shows this.
fn shows(house: &House, badge: &Badge) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root(&house.centre)).unwrap();
    introduction(roots, rustls::ALL_VERSIONS, Some(badge))
}

#[tokio::test]
async fn another_authority_is_brought_in_beside_the_old_one_and_then_alone() {
    let house = House::open().await;
    let mut old = Client::enter(&house, "casa-1").await;
    let next = Centre::new("il-nuovo-centro");
    let new_badge = next.gateway("casa-9");
    house.admit_casa_9(new_badge.hash());

    let both = format!("{}{}", house.centre.authority.pem(), next.authority.pem());
    fs::write(&house.tls.authority, both).unwrap();
    let mut new = enters_at_last(&house, &new_badge).await;
    old.ping().await;

    trust(&house.tls, &next);
    assert!(old.is_closed().await);
    house
        .has_refused(Refusal::UnknownAuthority, 1 + new.refused_before)
        .await;
    new.client.ping().await;
    let shown = shows(&house, house.badge("casa-1"));
    let (client, code) = Client::introduced(&house, shown, &Connect::new("casa-1")).await;
    assert_eq!(
        (code, client.alert()),
        (None, Some(AlertDescription::UnknownCA))
    );
    house.close().await.unwrap();
}

#[tokio::test]
async fn without_its_authority_nobody_stays_or_gets_in_until_it_is_back() {
    let house = House::open().await;
    let mut one = Client::enter(&house, "casa-1").await;
    let mut ingest = Client::enter(&house, "ingest").await;
    fs::remove_file(&house.tls.authority).unwrap();
    assert!(one.is_closed().await);
    assert!(ingest.is_closed().await);
    house.has_refused(Refusal::UnknownAuthority, 2).await;
    let mut back = Client::open(&house).await;
    assert_eq!(back.connect(&house.connect("casa-1")).await, None);
    house.has_refused(Refusal::UnknownAuthority, 3).await;

    trust(&house.tls, &house.centre);
    let badge = house.badge("casa-1");
    let introduction = shows(&house, badge);
    for _ in 0..1_000 {
        let shown = Arc::clone(&introduction);
        let (_, code) = Client::introduced(&house, shown, &Connect::new("casa-1")).await;
        if code == Some(ConnectReturnCode::Success) {
            house.is_served().await;
            return house.close().await.unwrap();
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("the authority is back and nobody gets in");
}

#[tokio::test]
async fn a_session_ends_with_its_certificate() {
    const SECONDS_LEFT: i64 = 4;
    let house = House::of_an_old_centre().await;
    let honest = Honest::start(&house).await;
    let key = Key::generate().unwrap();
    house.admit_casa_9(key.hash());
    sleep(Duration::from_millis(1_500)).await;
    let issued = UnixSeconds(now().0 - 90 * DAY_S + SECONDS_LEFT);
    let badge = house.centre.gateway_for("casa-9", key, issued);
    let introduction = shows(&house, &badge);
    let (mut casa, code) = Client::introduced(&house, introduction, &Connect::new("casa-9")).await;
    assert_eq!(code, Some(ConnectReturnCode::Success));
    casa.ping().await;
    assert!(casa.is_closed().await);
    house.has_refused(Refusal::CertificateExpired, 1).await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_door_whose_files_cannot_be_used_does_not_open_and_says_what_to_do() {
    let house = House::open().await;
    let folder = house.folder.path().to_owned();
    let fault = || {
        let opened = FrontDoor::new(config(&folder, Default::default()), Box::new(Rumqttd));
        match opened {
            Err(ServeError::Tls(fault)) => fault,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it opened"),
        }
    };
    let certificate = fs::read(&house.tls.certificate).unwrap();
    fs::write(&house.tls.certificate, "").unwrap();
    assert!(matches!(fault(), TlsError::NoCertificate(_)));
    fs::write(&house.tls.certificate, &certificate).unwrap();
    fs::write(&house.tls.key, &certificate).unwrap();
    assert!(matches!(fault(), TlsError::NoKey(_)));
    fs::write(&house.tls.key, Key::generate().unwrap().pem()).unwrap();
    let pair = fault();
    assert!(matches!(pair, TlsError::Pair { .. }));
    assert!(pair.to_string().contains("veglia ca server"), "{pair}");
    fs::remove_file(&house.tls.key).unwrap();
    assert!(matches!(fault(), TlsError::Read { .. }));
    fs::write(&house.tls.key, vec![b'x'; 100_000]).unwrap();
    assert!(matches!(fault(), TlsError::TooLarge(_)));
    fs::write(&house.tls.authority, "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    assert!(matches!(fault(), TlsError::Pem { .. }));
    house.shutdown.cancel();
    house.end().await.unwrap();
}

/// Somebody who was let in at last.
struct Entered {
    client: Client,
    /// How often they tried before the door knew their authority.
    refused_before: u64,
}

async fn enters_at_last(house: &House, badge: &Badge) -> Entered {
    let introduction = shows(house, badge);
    for refused_before in 0..1_000 {
        let shown = Arc::clone(&introduction);
        let (client, code) = Client::introduced(house, shown, &Connect::new("casa-9")).await;
        if code == Some(ConnectReturnCode::Success) {
            return Entered {
                client,
                refused_before,
            };
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody of the new authority was ever let in");
}
