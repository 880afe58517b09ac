//! The authority as its users meet it: made once, opened, signing, refusing.
//!
//! Chains are verified by `webpki`, which shares no code with what made them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use veglia_identity::{
    Authority, AuthorityError, CertificateFacts, Key, Request, SignError, UnixSeconds,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring::ECDSA_P256_SHA256};
use x509_parser::pem::Pem;

const DAY_S: i64 = 24 * 60 * 60;
const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

struct Place {
    _kept: tempfile::TempDir,
    folder: PathBuf,
}

fn place() -> Place {
    let kept = tempfile::tempdir().expect("a folder for the test");
    let folder = kept.path().join("authority");
    Place {
        _kept: kept,
        folder,
    }
}

fn authority() -> (Place, Authority) {
    let place = place();
    let made = Authority::create(&place.folder, "milano", NOW).expect("a new authority");
    (place, made)
}

fn request(key: &Key) -> Request {
    Request::parse(&key.request("a box").expect("a request")).expect("a good request")
}

fn ders(pem: &str) -> Vec<CertificateDer<'static>> {
    let blocks = Pem::iter_from_buffer(pem.as_bytes());
    blocks
        .map(|block| CertificateDer::from(block.expect("PEM").contents))
        .collect()
}

fn at(time: UnixSeconds) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(time.0.try_into().expect("after 1970")))
}

/// What a TLS library would say of a certificate.
fn verified(
    pem: &str,
    root: &Authority,
    usage: KeyUsage,
    time: UnixSeconds,
) -> Result<(), webpki::Error> {
    let (chain, root) = (ders(pem), CertificateDer::from(root.der()));
    let anchors = [anchor_from_trusted_cert(&root).expect("a root")];
    let leaf = EndEntityCert::try_from(&chain[0]).expect("a certificate");
    let algorithms = [ECDSA_P256_SHA256];
    leaf.verify_for_usage(&algorithms, &anchors, &[], at(time), usage, None, None)
        .map(|_| ())
}

fn plus(days: i64) -> UnixSeconds {
    UnixSeconds(NOW.0 + days * DAY_S)
}

#[test]
fn what_was_made_is_there_when_it_is_opened() {
    let (place, made) = authority();
    let opened = Authority::open(&place.folder).unwrap();
    assert_eq!(opened.fingerprint(), made.fingerprint());
    assert_eq!(opened.centre(), "milano");
    assert_eq!((opened.not_before(), opened.not_after()), (NOW, plus(3652)));
    assert!(opened.fingerprint().pin().matches(made.der()));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.folder), 0o700);
    assert_eq!(mode(&place.folder.join("authority.key")), 0o600);

    // Whoever opens it later signs for the same root.
    let key = Key::generate().unwrap();
    let certificate = opened.sign(&request(&key), "casa-12", NOW).unwrap();
    verified(&certificate, &made, KeyUsage::client_auth(), NOW).unwrap();
}

#[test]
fn an_authority_is_never_replaced() {
    let (place, made) = authority();
    let again = Authority::create(&place.folder, "milano", NOW).unwrap_err();
    assert!(matches!(again, AuthorityError::Exists(_)), "{again}");
    assert_eq!(Authority::open(&place.folder).unwrap().der(), made.der());
}

#[test]
fn of_many_that_make_the_authority_at_once_one_does() {
    let place = place();
    let made: usize = std::thread::scope(|scope| {
        let folder = &place.folder;
        let make = || Authority::create(folder, "milano", NOW).is_ok();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        let results = threads.into_iter().map(|it| it.join().unwrap());
        results.filter(|made| *made).count()
    });
    assert_eq!(made, 1);
    Authority::open(&place.folder).unwrap();
}

#[test]
fn what_a_crash_left_beside_is_no_authority_and_no_obstacle() {
    let place = place();
    let beside = place.folder.with_extension("new");
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("authority.key"), "half a k").unwrap();
    let none = Authority::open(&place.folder).unwrap_err();
    assert!(none.to_string().contains("veglia ca init"), "{none}");
    Authority::create(&place.folder, "milano", NOW).unwrap();
    assert!(!beside.exists());
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let place = place();
    fs::create_dir(&place.folder).unwrap();
    fs::write(place.folder.join("authority.key"), "somebody's").unwrap();
    let refused = Authority::create(&place.folder, "milano", NOW).unwrap_err();
    assert!(matches!(refused, AuthorityError::Write(_)), "{refused}");
    let kept = fs::read_to_string(place.folder.join("authority.key")).unwrap();
    assert_eq!(kept, "somebody's");
}

#[test]
fn a_centre_has_a_name_that_fits_into_a_certificate() {
    let place = place();
    let long = "x".repeat(65);
    for name in ["", "Milano Nord", "città", "a:b", long.as_str()] {
        let refused = Authority::create(&place.folder, name, NOW);
        assert!(matches!(refused, Err(AuthorityError::Centre(_))), "{name}");
    }
    assert!(!place.folder.exists());
}

#[test]
fn a_broken_authority_is_one_sentence_that_says_what_to_do() {
    let said = |breaking: &dyn Fn(&Path)| {
        let (place, _) = authority();
        breaking(&place.folder);
        let fault = Authority::open(&place.folder).unwrap_err();
        let cause = std::error::Error::source(&fault).map(ToString::to_string);
        format!("{fault}: {}", cause.unwrap_or_default())
    };
    let key = |folder: &Path| folder.join("authority.key");
    let root = |folder: &Path| folder.join("authority.pem");
    let open = |folder: &Path| {
        fs::set_permissions(key(folder), fs::Permissions::from_mode(0o644)).unwrap();
    };
    let text = said(&open);
    assert!(
        text.contains("mode 644") && text.contains("chmod 600"),
        "{text}"
    );
    let text = said(&|folder| fs::remove_file(key(folder)).unwrap());
    assert!(
        text.contains("authority.key") && text.contains("is there"),
        "{text}"
    );
    let text = said(&|folder| fs::write(key(folder), "no key").unwrap());
    assert!(text.contains("restore a copy"), "{text}");
    let text = said(&|folder| fs::write(key(folder), [0xff; 9]).unwrap());
    assert!(text.contains("restore a copy"), "{text}");
    let text = said(&|folder| fs::write(root(folder), "no certificate").unwrap());
    assert!(
        text.contains("authority.pem") && text.contains("restore"),
        "{text}"
    );
    let text = said(&|folder| {
        let other = Key::generate().unwrap();
        fs::write(key(folder), other.pem()).unwrap();
    });
    assert!(text.contains("same copy"), "{text}");
}

#[test]
fn a_gateways_certificate_names_it_and_lives_ninety_days() {
    let (_place, made) = authority();
    let key = Key::generate().unwrap();
    let pem = made.sign(&request(&key), "casa-12", plus(100)).unwrap();
    let facts = CertificateFacts::read_pem(&pem).unwrap();
    let expected = CertificateFacts {
        name: "casa-12".to_owned(),
        key: key.hash(),
        not_before: NOW,
        not_after: plus(190),
    };
    assert_eq!(facts, expected);
    assert_eq!(facts.renew_from(), plus(160));

    // A box whose clock stands at the beginning is let in, one past the end is not.
    let client = KeyUsage::client_auth;
    verified(&pem, &made, client(), NOW).unwrap();
    verified(&pem, &made, client(), plus(190)).unwrap();
    let over = verified(&pem, &made, client(), plus(191)).unwrap_err();
    assert!(matches!(over, webpki::Error::CertExpired { .. }), "{over}");
}

#[test]
fn a_gateways_certificate_makes_no_server_and_signs_nothing() {
    let (_place, made) = authority();
    let key = Key::generate().unwrap();
    let pem = made.sign(&request(&key), "casa-12", NOW).unwrap();
    let server = verified(&pem, &made, KeyUsage::server_auth(), NOW);
    assert!(server.is_err());
    let der = &ders(&pem)[0];
    let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
    assert!(!parsed.is_ca());
    let names = parsed.subject_alternative_name().unwrap().unwrap();
    let uri = x509_parser::extensions::GeneralName::URI("veglia:milano:casa-12");
    assert_eq!(names.value.general_names, [uri]);
}

#[test]
fn another_centres_certificate_is_not_believed() {
    let ((_one, here), (_two, there)) = (authority(), authority());
    let key = Key::generate().unwrap();
    let pem = there.sign(&request(&key), "casa-12", NOW).unwrap();
    assert!(verified(&pem, &there, KeyUsage::client_auth(), NOW).is_ok());
    assert!(verified(&pem, &here, KeyUsage::client_auth(), NOW).is_err());
}

#[test]
fn each_certificate_has_a_number_of_its_own() {
    let (_place, made) = authority();
    let asked = request(&Key::generate().unwrap());
    let number = || {
        let pem = made.sign(&asked, "casa-12", NOW).unwrap();
        let der = &ders(&pem)[0];
        let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
        parsed.raw_serial().to_vec()
    };
    let (one, two) = (number(), number());
    assert_ne!(one, two, "a renewal has the same key and another number");
    assert_eq!(one.len(), 16);
}

#[test]
fn a_server_is_known_by_each_of_its_names_and_no_other() {
    let (_place, made) = authority();
    let hosts = ["centre.example", "localhost", "192.0.2.7", "::1"].map(str::to_owned);
    let issued = made.issue_server(&hosts, NOW).unwrap();
    verified(&issued.certificate, &made, KeyUsage::server_auth(), NOW).unwrap();
    let chain = ders(&issued.certificate);
    assert_eq!(chain.len(), 2, "the leaf, then the root that a box pins");
    assert_eq!(chain[1].as_ref(), made.der());
    let leaf = EndEntityCert::try_from(&chain[0]).unwrap();
    for host in &hosts {
        let name = ServerName::try_from(host.as_str()).unwrap();
        leaf.verify_is_valid_for_subject_name(&name).unwrap();
    }
    for host in ["other.example", "sub.centre.example", "192.0.2.8"] {
        let name = ServerName::try_from(host).unwrap();
        assert!(
            leaf.verify_is_valid_for_subject_name(&name).is_err(),
            "{host}"
        );
    }
    let facts = CertificateFacts::read_pem(&issued.certificate).unwrap();
    assert_eq!(facts.key, issued.key.hash());
    assert_eq!(facts.not_after, plus(397));
}

#[test]
fn a_server_without_a_name_that_clients_can_ask_for_is_refused() {
    let (_place, made) = authority();
    let refused = |hosts: &[&str]| {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        made.issue_server(&hosts, NOW).unwrap_err()
    };
    assert!(matches!(refused(&[]), SignError::HowManyHosts));
    assert!(matches!(refused(&["a"; 33]), SignError::HowManyHosts));
    let long = format!("{}.example", "x".repeat(64));
    for host in [
        "",
        "centre example",
        "a..b",
        "-a",
        "10.0.0.256",
        "a:8883",
        "città",
        &long,
    ] {
        assert!(matches!(refused(&[host]), SignError::Host(_)), "{host}");
    }
}

#[test]
fn a_service_has_a_certificate_for_a_key_of_its_own() {
    let (_place, made) = authority();
    let key = Key::generate().unwrap();
    let pem = made.issue_service("ingest", &key, NOW).unwrap();
    verified(&pem, &made, KeyUsage::client_auth(), NOW).unwrap();
    let facts = CertificateFacts::read_pem(&pem).unwrap();
    assert_eq!((facts.name.as_str(), facts.key), ("ingest", key.hash()));
    let refused = made.issue_service("in gest", &key, NOW);
    assert!(matches!(refused, Err(SignError::Name(_))));
}

#[test]
fn nothing_outlives_the_root_and_nothing_is_signed_outside_its_life() {
    let (_place, made) = authority();
    let asked = request(&Key::generate().unwrap());
    let sign = |now| made.sign(&asked, "casa-12", now);
    let last = CertificateFacts::read_pem(&sign(plus(3600)).unwrap()).unwrap();
    assert_eq!(last.not_after, made.not_after());
    assert!(matches!(sign(plus(3652)), Err(SignError::Expired)));
    assert!(matches!(sign(plus(-1)), Err(SignError::ClockBefore)));
}
