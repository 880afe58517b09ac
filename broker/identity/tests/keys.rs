//! Keys, signing requests and certificates, as a box and a stranger bring them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use veglia_identity::{
    Authority, CertificateError, CertificateFacts, Key, KeyError, Request, RequestError,
    UnixSeconds,
};
use x509_parser::pem::Pem;

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

/// A request that another tool would make.
fn foreign(key: &KeyPair) -> String {
    let request = CertificateParams::default()
        .serialize_request(key)
        .expect("a request");
    request.pem().expect("PEM")
}

#[test]
fn only_a_request_signed_by_its_own_p256_key_is_read() {
    let key = Key::generate().unwrap();
    let good = key.request("casa-12").unwrap();
    assert_eq!(Request::parse(&good).unwrap().key(), key.hash());
    let refused = |pem: &str| Request::parse(pem).unwrap_err();

    for kind in [&PKCS_ED25519, &PKCS_ECDSA_P384_SHA384] {
        let key = KeyPair::generate_for(kind).unwrap();
        assert_eq!(refused(&foreign(&key)), RequestError::KeyKind);
    }
    assert_eq!(refused(&"x".repeat(5_000)), RequestError::TooLarge);
    let big = format!("{good}{}", "\n".repeat(4_000));
    assert_eq!(refused(&big), RequestError::TooLarge);
    assert_eq!(refused(""), RequestError::Malformed);
    let kept = tempfile::tempdir().unwrap();
    let made = Authority::create(&kept.path().join("authority"), "milano", NOW).unwrap();
    assert_eq!(refused(made.pem()), RequestError::Malformed);
}

#[test]
fn a_request_changed_on_the_way_is_not_signed_by_its_key() {
    let key = Key::generate().unwrap();
    let good = key.request("casa-12").unwrap();
    let der = Pem::iter_from_buffer(good.as_bytes()).next().unwrap();
    let der = der.unwrap().contents;
    let rewritten = |der: &[u8]| {
        let block = pem_text(der);
        Request::parse(&block)
    };
    assert!(rewritten(&der).is_ok());
    let name = der.windows(7).position(|at| at == b"casa-12").unwrap();
    let mut renamed = der.clone();
    renamed[name] = b'C';
    assert_eq!(rewritten(&renamed), Err(RequestError::Signature));
    let mut trailing = der.clone();
    trailing.push(0);
    assert_eq!(rewritten(&trailing), Err(RequestError::Malformed));
    // Wherever a byte is changed: never another key, and in what was signed nothing at all. The
    // parser overlooks some bytes of the frame around it, which say nothing.
    let signed = 3..121;
    for place in 0..der.len() {
        let mut changed = der.clone();
        changed[place] ^= 0x01;
        match rewritten(&changed) {
            Ok(request) => assert_eq!(request.key(), key.hash(), "byte {place}"),
            Err(_) => continue,
        }
        assert!(!signed.contains(&place), "byte {place}");
    }
}

proptest! {
    /// A stranger's bytes, alone or put into an honest request or certificate.
    #[test]
    fn whatever_bytes_come_they_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        place in 0_usize..500,
        cut in 0_usize..100,
    ) {
        let key = Key::generate().unwrap();
        let request = key.request("casa-12").unwrap();
        let der = Pem::iter_from_buffer(request.as_bytes()).next().unwrap();
        let spliced = |honest: &[u8]| {
            let place = place.min(honest.len());
            let rest = honest.get(place + cut..).unwrap_or_default();
            [&honest[..place], &bytes[..], rest].concat()
        };
        if let Ok(read) = Request::parse(&pem_text(&spliced(&der.unwrap().contents))) {
            prop_assert_eq!(read.key(), key.hash());
        }
        prop_assert!(Request::parse(&String::from_utf8_lossy(&bytes)).is_err());
        let pair = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&pair).unwrap();
        for bytes in [bytes.clone(), spliced(certificate.der())] {
            if let Ok(facts) = CertificateFacts::read(&bytes) {
                prop_assert!(facts.name.len() < bytes.len());
            }
        }
    }
}

fn pem_text(der: &[u8]) -> String {
    let label = "CERTIFICATE REQUEST";
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        base64(der)
    )
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let padded = [
            group[0],
            *group.get(1).unwrap_or(&0),
            *group.get(2).unwrap_or(&0),
        ];
        let number = padded
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = DIGITS[number >> (18 - 6 * place) & 0x3f];
            text.push(if place <= group.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

#[test]
fn a_key_is_kept_for_its_owner_and_never_replaced() {
    let kept = tempfile::tempdir().unwrap();
    let path = kept.path().join("key.pem");
    let key = Key::generate().unwrap();
    key.save(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(Key::open(&path).unwrap().hash(), key.hash());
    let other = Key::generate().unwrap();
    assert!(matches!(other.save(&path), Err(KeyError::Exists(_))));
    assert_eq!(Key::open(&path).unwrap().der(), key.der());
    let shown = format!("{key:?}");
    assert!(!key.pem().contains(&shown) && shown.contains(&key.hash().to_string()));
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let kept = tempfile::tempdir().unwrap();
    let path = kept.path().join("key.pem");
    fs::write(
        &path,
        KeyPair::generate_for(&PKCS_ED25519)
            .unwrap()
            .serialize_pem(),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = Key::open(&path).unwrap_err();
    assert!(matches!(refused, KeyError::NotAKey(_)), "{refused}");
}

#[test]
fn what_is_no_certificate_has_no_facts() {
    assert_eq!(CertificateFacts::read(b""), Err(CertificateError::Der));
    assert_eq!(
        CertificateFacts::read(&[0x30; 20_000]),
        Err(CertificateError::Der)
    );
    assert_eq!(
        CertificateFacts::read_pem("text"),
        Err(CertificateError::Pem)
    );
    let key = KeyPair::generate().unwrap();
    let mut nameless = CertificateParams::default();
    nameless.distinguished_name = rcgen::DistinguishedName::new();
    let nameless = nameless.self_signed(&key).unwrap();
    let facts = CertificateFacts::read(nameless.der());
    assert_eq!(facts, Err(CertificateError::Name));
}
