//! Who may come in: a certificate of the authority, in date, for a client, whose name and key are
//! in the list. Everything else is told so by the alert that TLS has for it, and counted.
// req: G5

use std::sync::Arc;

use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode};
use rustls::{AlertDescription, ClientConfig, ProtocolVersion};
use veglia_broker::Refusal;
use veglia_identity::Key;

use crate::client::Client;
use crate::honest::Honest;
use crate::house::{House, connect};
use crate::pki::{Badge, Centre, days_ago, introduction, now};

fn plain_connect(name: &str) -> Connect {
    let mut connect = Connect::new(name);
    connect.keep_alive = 60;
    connect
}

fn shows(house: &House, badge: Option<&Badge>) -> Arc<ClientConfig> {
    introduction(house.centre.roots(), rustls::ALL_VERSIONS, badge)
}

/// Tries to come in with TLS 1.3 and with 1.2; the door must answer both with this alert, and
/// count both for this reason.
async fn is_refused(house: &House, badge: Option<&Badge>, alert: AlertDescription, why: Refusal) {
    let before = house.refused(why);
    for version in rustls::ALL_VERSIONS {
        let introduction = introduction(house.centre.roots(), &[*version], badge);
        let (client, code) =
            Client::introduced(house, introduction, &plain_connect("casa-1")).await;
        assert_eq!(code, None, "{why}");
        assert_eq!(client.alert(), Some(alert), "{why} in {version:?}");
    }
    house.has_refused(why, before + 2).await;
}

#[tokio::test]
async fn a_certificate_is_all_it_takes_and_tls_1_3_is_preferred() {
    let house = House::open().await;
    let versions = [
        (rustls::ALL_VERSIONS, ProtocolVersion::TLSv1_3),
        (&[&rustls::version::TLS12], ProtocolVersion::TLSv1_2),
    ];
    for (versions, spoken) in versions {
        let badge = Some(house.badge("casa-1"));
        let introduction = introduction(house.centre.roots(), versions, badge);
        let (mut casa, code) =
            Client::introduced(&house, introduction, &plain_connect("casa-1")).await;
        assert_eq!(code, Some(ConnectReturnCode::Success));
        assert_eq!(casa.version(), Some(spoken));
        casa.hand_over("v1/p/07/g/casa-1/up", b"a frame").await;
    }
    house.close().await.unwrap();
}

#[tokio::test]
async fn without_a_certificate_nobody_gets_in() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let alert = AlertDescription::CertificateRequired;
    is_refused(&house, None, alert, Refusal::NoCertificate).await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let stranger = Centre::new("un-altro-centro").gateway("casa-1");
    let alert = AlertDescription::UnknownCA;
    is_refused(&house, Some(&stranger), alert, Refusal::UnknownAuthority).await;
    // One that calls itself as ours does: only the signature gives it away.
    let impostor = Centre::new(house.centre.authority.centre()).gateway("casa-1");
    let before = house.refused(Refusal::UnknownAuthority);
    let shown = shows(&house, Some(&impostor));
    let (client, code) = Client::introduced(&house, shown, &plain_connect("casa-1")).await;
    assert_eq!(code, None);
    let told = [AlertDescription::UnknownCA, AlertDescription::DecryptError].map(Some);
    assert!(told.contains(&client.alert()), "{:?}", client.alert());
    house
        .has_refused(Refusal::UnknownAuthority, before + 1)
        .await;
    // Even with the key that is in the list.
    let key = Key::generate().unwrap();
    house.admit_casa_9(key.hash());
    let other = Centre::new("un-altro-centro").gateway_for("casa-9", key, now());
    is_refused(&house, Some(&other), alert, Refusal::UnknownAuthority).await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let house = House::of_an_old_centre().await;
    let honest = Honest::start(&house).await;
    let key = Key::generate().unwrap();
    house.admit_casa_9(key.hash());
    let old = house.centre.gateway_for("casa-9", key, days_ago(91));
    let alert = AlertDescription::CertificateExpired;
    is_refused(&house, Some(&old), alert, Refusal::CertificateExpired).await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn the_servers_own_certificate_opens_nothing() {
    let house = House::open().await;
    let hosts = ["casa-1".to_owned()];
    let issued = house.centre.authority.issue_server(&hosts, now()).unwrap();
    let server = Badge {
        key: issued.key,
        certificate: issued.certificate,
    };
    let alert = AlertDescription::UnsupportedCertificate;
    is_refused(&house, Some(&server), alert, Refusal::BadCertificate).await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_good_certificate_for_a_name_or_key_that_is_not_listed_is_refused() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let alert = AlertDescription::AccessDenied;
    let unknown = house.centre.gateway("casa-9");
    is_refused(&house, Some(&unknown), alert, Refusal::NotEnrolled).await;
    let another_key = house.centre.gateway("casa-1");
    is_refused(&house, Some(&another_key), alert, Refusal::NotEnrolled).await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_renewed_certificate_for_the_same_key_needs_no_new_row() {
    let house = House::open().await;
    let first = house.centre.gateway("casa-9");
    house.admit_casa_9(first.hash());
    let again = house.centre.gateway_for("casa-9", same(&first.key), now());
    assert_ne!(first.certificate, again.certificate);
    for badge in [&first, &again] {
        enters_at_last(&house, badge, "casa-9").await;
    }
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_revoked_gateway_is_told_so_before_and_during_a_session() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    let mut one = Client::enter(&house, "casa-1").await;
    let mut three = Client::enter(&house, "casa-3").await;
    assert!(house.file.revoke("casa-1", now()).unwrap());
    assert!(one.is_closed().await);
    house.has_refused(Refusal::Revoked, 1).await;
    three.ping().await;

    let badge = house.badge("casa-1");
    let alert = AlertDescription::CertificateRevoked;
    is_refused(&house, Some(badge), alert, Refusal::Revoked).await;
    // Somebody who took its name but not its key learns nothing of the revocation.
    let thief = house.centre.gateway("casa-1");
    let alert = AlertDescription::AccessDenied;
    is_refused(&house, Some(&thief), alert, Refusal::NotEnrolled).await;

    assert!(house.file.reinstate("casa-1").unwrap());
    enters_at_last(&house, badge, "casa-1").await;
    honest.end().await;
    house.close().await.unwrap();
}

#[tokio::test]
async fn each_way_in_wants_its_own_proof() {
    let house = House::open().await;
    // A certificate for somebody who has a secret.
    let four = house.centre.gateway("casa-4");
    let alert = AlertDescription::AccessDenied;
    is_refused(&house, Some(&four), alert, Refusal::NotEnrolled).await;
    // The secret of casa-4, with the certificate of casa-1.
    let mut borrowed = connect("casa-4", &house.secret_of_casa_4);
    let shown = shows(&house, Some(house.badge("casa-1")));
    let (_, code) = Client::introduced(&house, shown, &borrowed).await;
    assert_eq!(code, Some(ConnectReturnCode::BadClientId));
    // A name that has a key, at the port for secrets.
    for password in ["", &house.secret_of_casa_4] {
        borrowed = connect("casa-1", password);
        let mut plain = Client::at_the_plain_port(&house).await;
        let code = plain.greet(&borrowed).await;
        assert_eq!(code, Some(ConnectReturnCode::BadUserNamePassword));
    }
    house.has_refused(Refusal::Credentials, 2).await;
    let mut plain = Client::at_the_plain_port(&house).await;
    let good = connect("casa-4", &house.secret_of_casa_4);
    assert_eq!(plain.greet(&good).await, Some(ConnectReturnCode::Success));
    house.close().await.unwrap();
}

#[tokio::test]
async fn no_session_of_tls_is_resumed() {
    let house = House::open().await;
    for versions in [rustls::ALL_VERSIONS, &[&rustls::version::TLS12]] {
        let badge = Some(house.badge("casa-1"));
        let again = introduction(house.centre.roots(), versions, badge);
        for _ in 0..2 {
            let again = Arc::clone(&again);
            let (mut client, code) =
                Client::introduced(&house, again, &plain_connect("casa-1")).await;
            assert_eq!(code, Some(ConnectReturnCode::Success));
            client.ping().await;
            assert!(!client.was_resumed());
        }
    }
    house.close().await.unwrap();
}

#[tokio::test]
async fn what_is_not_the_tls_of_today_is_told_so() {
    let house = House::open().await;
    let honest = Honest::start(&house).await;
    // A ClientHello of TLS 1.0: a version, 32 bytes, no session, one cipher, no compression, and
    // how its signatures are to be made.
    let mut hello = vec![
        0x16, 0x03, 0x01, 0x00, 0x37, 0x01, 0x00, 0x00, 0x33, 0x03, 0x01,
    ];
    hello.extend([0x5a; 32]);
    hello.extend([0x00, 0x00, 0x02, 0x00, 0x2f, 0x01, 0x00]);
    hello.extend([0x00, 0x08, 0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x01]);
    let fatal = |alert: AlertDescription| [0x02, u8::from(alert)];
    let mut old = Client::from_elsewhere(&house).await;
    old.send_bytes(&hello).await;
    let answer = old.raw_answer().await;
    assert!(
        answer.ends_with(&fatal(AlertDescription::ProtocolVersion)),
        "{answer:x?}"
    );
    house.has_refused(Refusal::TlsVersion, 1).await;

    // Somebody who speaks MQTT, or HTTP, at the port for TLS.
    for nonsense in [
        &b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06casa-1"[..],
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut client = Client::from_elsewhere(&house).await;
        client.send_bytes(nonsense).await;
        let answer = client.raw_answer().await;
        assert_eq!(answer.first(), Some(&0x15), "an alert: {answer:x?}");
    }
    house.has_refused(Refusal::NotTls, 2).await;
    // A client that does not trust the door says so itself.
    let suspicious = introduction(
        Centre::new("un-altro-centro").roots(),
        rustls::ALL_VERSIONS,
        Some(house.badge("casa-1")),
    );
    let mut client = Client::from_elsewhere(&house).await;
    client.shake_hands(suspicious).await;
    house.has_refused(Refusal::HandshakeByClient, 1).await;
    honest.end().await;
    house.close().await.unwrap();
}

/// As a box does that comes back to its key for a renewal.
fn same(key: &Key) -> Key {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    key.save(&path).unwrap();
    Key::open(&path).unwrap()
}

/// Tries until the door has seen the file.
async fn enters_at_last(house: &House, badge: &Badge, name: &str) {
    for _ in 0..1_000 {
        let shown = shows(house, Some(badge));
        let (_, code) = Client::introduced(house, shown, &plain_connect(name)).await;
        if code == Some(ConnectReturnCode::Success) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{name} was never let in");
}
