//! Version 2 of the identity file: keys, revocations, and what becomes of a version 1.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use veglia_identity::{
    Credential, Denied, EditError, Grant, Grants, Identities, Identity, IdentityFile, Key, KeyHash,
    ParseError, Partitions, Poll, UnixSeconds, Watch,
};

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);
const LATER: UnixSeconds = UnixSeconds(1_790_000_500);

fn key() -> KeyHash {
    Key::generate().expect("a key").hash()
}

fn ingest(partitions: Partitions) -> Grants {
    Grants {
        partitions,
        may: BTreeSet::from([Grant::Receive]),
    }
}

struct Folder {
    _kept: tempfile::TempDir,
    path: PathBuf,
    file: IdentityFile,
}

fn folder() -> Folder {
    let kept = tempfile::tempdir().expect("a folder for the test");
    let path = kept.path().join("identities.toml");
    let file = IdentityFile::new(&path);
    file.create_if_missing().expect("a new file");
    Folder {
        _kept: kept,
        path,
        file,
    }
}

#[test]
fn who_has_the_listed_key_is_let_in_and_nobody_else() {
    let it = folder();
    let (mine, other) = (key(), key());
    let partition = it.file.admit_gateway_key("casa-12", 7, mine, NOW).unwrap();
    assert_eq!(partition, 7);
    let secret = it.file.add_gateway("casa-13", 7).unwrap();

    let list = it.file.load().unwrap();
    let entry = list.authenticate_key("casa-12", &mine).unwrap();
    assert_eq!(entry.credential(), &Credential::Key(mine));
    assert_eq!(entry.admitted_at(), Some(NOW));
    assert_eq!(list.by_key(&mine), Some(entry));
    assert_eq!(list.by_key(&other), None);
    let by_key = |name, key| list.authenticate_key(name, key).map(|_| ());
    assert_eq!(by_key("casa-12", &other), Err(Denied::WrongKey));
    assert_eq!(by_key("casa-14", &mine), Err(Denied::Unknown));

    // Each listener has its own way: a secret opens nothing for who is listed by a key.
    let by_secret = |name: &str, secret: &str| {
        let known = list.authenticate_secret(name, secret);
        known.map(|_| ())
    };
    assert_eq!(by_key("casa-13", &mine), Err(Denied::WrongKey));
    assert_eq!(
        by_secret("casa-12", secret.reveal()),
        Err(Denied::WrongSecret)
    );
    assert_eq!(
        by_secret("casa-12", &mine.to_string()),
        Err(Denied::WrongSecret)
    );
    assert_eq!(by_secret("casa-13", secret.reveal()), Ok(()));
}

#[test]
fn a_revoked_identity_is_told_so_and_only_with_its_own_key() {
    let it = folder();
    let (mine, other) = (key(), key());
    it.file.admit_gateway_key("casa-12", 7, mine, NOW).unwrap();
    let secret = it.file.add_gateway("casa-13", 7).unwrap();
    assert!(it.file.revoke("casa-12", LATER).unwrap());
    assert!(it.file.revoke("casa-13", LATER).unwrap());
    assert!(!it.file.revoke("casa-14", LATER).unwrap());

    let list = it.file.load().unwrap();
    let revoked = Err(Denied::Revoked { at: LATER });
    let by_key = |key| list.authenticate_key("casa-12", key).map(|_| ());
    assert_eq!(by_key(&mine), revoked);
    assert_eq!(by_key(&other), Err(Denied::WrongKey));
    let by_secret = |secret| list.authenticate_secret("casa-13", secret).map(|_| ());
    assert_eq!(by_secret(secret.reveal()), revoked);
    assert_eq!(by_secret(""), Err(Denied::WrongSecret));
    assert!(
        list.authenticate_secret("casa-13", secret.reveal())
            .is_err()
    );
}

#[test]
fn a_revocation_keeps_its_time_and_can_be_taken_back() {
    let it = folder();
    let mine = key();
    it.file.admit_gateway_key("casa-12", 7, mine, NOW).unwrap();
    let before = it.file.load().unwrap();
    it.file.revoke("casa-12", NOW).unwrap();
    it.file.revoke("casa-12", LATER).unwrap();
    let list = it.file.load().unwrap();
    let entry = list.entry("casa-12").unwrap();
    assert_eq!(entry.revoked_at(), Some(NOW));
    assert_ne!(Some(entry), before.entry("casa-12"), "its session ends");

    assert!(it.file.reinstate("casa-12").unwrap());
    assert!(!it.file.reinstate("casa-14").unwrap());
    assert_eq!(it.file.load().unwrap(), before);
}

#[test]
fn who_was_revoked_can_be_admitted_again_with_a_new_secret() {
    let it = folder();
    let old = it.file.add_gateway("casa-12", 7).unwrap();
    let grants = ingest(Partitions::All);
    it.file.add_service("ingest", &grants).unwrap();
    it.file.revoke("casa-12", NOW).unwrap();
    it.file.revoke("ingest", NOW).unwrap();
    let new = it.file.add_gateway("casa-12", 9).unwrap();
    let service = it.file.add_service("ingest", &grants).unwrap();
    let list = it.file.load().unwrap();
    assert_eq!(list.len(), 2);
    let by_secret = |name: &str, secret: &str| {
        let known = list.authenticate_secret(name, secret);
        known.map(|entry| entry.identity().clone())
    };
    let gateway = Identity::Gateway {
        id: "casa-12".to_owned(),
        partition: 7,
    };
    assert_eq!(by_secret("casa-12", new.reveal()), Ok(gateway));
    assert_eq!(by_secret("casa-12", old.reveal()), Err(Denied::WrongSecret));
    assert!(by_secret("ingest", service.reveal()).is_ok());
    assert!(it.file.add_gateway("casa-12", 7).is_err(), "it is in force");
}

#[test]
fn an_exchanged_box_takes_the_place_and_the_partition_of_the_old_one() {
    let it = folder();
    let (old, new) = (key(), key());
    it.file.admit_gateway_key("casa-12", 7, old, NOW).unwrap();
    it.file.revoke("casa-12", NOW).unwrap();
    let partition = it.file.admit_gateway_key("casa-12", 9, new, LATER).unwrap();
    assert_eq!(partition, 7);
    let list = it.file.load().unwrap();
    assert_eq!(list.len(), 1);
    assert!(list.authenticate_key("casa-12", &new).is_ok());
    let old = list.authenticate_key("casa-12", &old).map(|_| ());
    assert_eq!(old, Err(Denied::WrongKey));

    let text = fs::read_to_string(&it.path).unwrap();
    it.file.admit_gateway_key("casa-12", 9, new, NOW).unwrap();
    assert_eq!(
        fs::read_to_string(&it.path).unwrap(),
        text,
        "nothing to change"
    );
}

#[test]
fn a_gateway_with_a_secret_can_go_over_to_a_key() {
    let it = folder();
    let secret = it.file.add_gateway("casa-12", 7).unwrap();
    let mine = key();
    it.file.admit_gateway_key("casa-12", 7, mine, NOW).unwrap();
    let list = it.file.load().unwrap();
    assert!(list.authenticate_key("casa-12", &mine).is_ok());
    assert!(
        list.authenticate_secret("casa-12", secret.reveal())
            .is_err()
    );
}

#[test]
fn a_service_has_its_key_and_the_grants_given_last() {
    let it = folder();
    let (one, two) = (key(), key());
    let some = ingest(Partitions::These(BTreeSet::from([3, 7])));
    it.file
        .admit_service_key("ingest", &some, one, NOW)
        .unwrap();
    let all = ingest(Partitions::All);
    it.file.admit_service_key("ingest", &all, two, NOW).unwrap();
    let list = it.file.load().unwrap();
    let expected = Identity::Service {
        name: "ingest".to_owned(),
        grants: all,
    };
    let known = list.authenticate_key("ingest", &two).unwrap();
    assert_eq!(known.identity(), &expected);
    assert!(list.authenticate_key("ingest", &one).is_err());
}

#[test]
fn one_key_is_one_identity() {
    let it = folder();
    let mine = key();
    it.file.admit_gateway_key("casa-12", 7, mine, NOW).unwrap();
    it.file.revoke("casa-12", LATER).unwrap();
    let before = fs::read_to_string(&it.path).unwrap();
    let again = it.file.admit_gateway_key("casa-13", 7, mine, LATER);
    let fault = match again.unwrap_err() {
        EditError::Refused(fault) => fault,
        other => panic!("{other}"),
    };
    assert!(matches!(&fault, ParseError::KeyTwice { name, .. } if name == "casa-13"));
    let grants = ingest(Partitions::All);
    let service = it.file.admit_service_key("ingest", &grants, mine, LATER);
    assert!(matches!(service, Err(EditError::Refused(_))));
    let other = key();
    let named_alike = it.file.admit_service_key("casa-12", &grants, other, LATER);
    assert!(matches!(named_alike, Err(EditError::Refused(_))));
    assert_eq!(fs::read_to_string(&it.path).unwrap(), before);
}

fn row(columns: &str) -> String {
    format!("[[gateway]]\nid = \"casa-12\"\npartition = 7\n{columns}\n")
}

#[test]
fn an_identity_proves_itself_in_exactly_one_way() {
    let hash = "5a".repeat(32);
    let secret = format!("secret_sha256 = \"{hash}\"\n");
    let key = format!("key_sha256 = \"{hash}\"\n");
    let parse = |columns: &str| Identities::parse(&format!("version = 2\n{}", row(columns)));
    assert!(parse(&secret).is_ok());
    assert!(parse(&key).is_ok());
    assert!(parse(&format!("{key}revoked_at = 1790000000")).is_ok());
    for columns in [String::new(), secret.clone() + &key] {
        let fault = parse(&columns).unwrap_err();
        assert!(
            matches!(&fault, ParseError::Credential { line: 3, name } if name == "casa-12"),
            "{fault}"
        );
    }
    for columns in ["key_sha256 = \"5a\"".to_owned(), key + "revoked = true"] {
        assert!(matches!(parse(&columns), Err(ParseError::Syntax { .. })));
    }
}

#[test]
fn a_version_1_file_is_read_and_the_next_change_writes_version_2() {
    let it = folder();
    let hash = "5a".repeat(32);
    let old = format!(
        "version = 1\n{}",
        row(&format!("secret_sha256 = \"{hash}\""))
    );
    fs::write(&it.path, &old).unwrap();
    let read = it.file.load().unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(
        fs::read_to_string(&it.path).unwrap(),
        old,
        "reading is no change"
    );

    it.file.admit_gateway_key("casa-13", 8, key(), NOW).unwrap();
    let text = fs::read_to_string(&it.path).unwrap();
    assert!(text.contains("\nversion = 2\n"), "{text}");
    assert_eq!(
        it.file.load().unwrap().entry("casa-12"),
        read.entry("casa-12")
    );
}

#[test]
fn what_version_1_does_not_know_is_refused_in_it() {
    let hash = "5a".repeat(32);
    for columns in [
        format!("key_sha256 = \"{hash}\""),
        format!("secret_sha256 = \"{hash}\"\nrevoked_at = 1790000000"),
    ] {
        let fault = Identities::parse(&format!("version = 1\n{}", row(&columns)));
        assert!(matches!(fault, Err(ParseError::TooOld { line: 3, .. })));
    }
}

#[test]
fn the_broker_sees_a_revocation_at_its_next_look() {
    let it = folder();
    let mine = key();
    it.file.admit_gateway_key("casa-12", 7, mine, NOW).unwrap();
    let mut watch = Watch::new(&it.path);
    assert!(matches!(watch.poll(), Poll::Changed(_)));
    it.file.revoke("casa-12", LATER).unwrap();
    let Poll::Changed(list) = watch.poll() else {
        panic!("the file was replaced");
    };
    assert!(list.authenticate_key("casa-12", &mine).is_err());
}
