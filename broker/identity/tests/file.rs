//! The identity file as its users meet it: enrolled, revoked, replaced, broken.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use veglia_identity::{
    EditError, Grant, Grants, Identities, Identity, IdentityFile, LoadError, ParseError,
    Partitions, Poll, SecretHash, Watch,
};

fn hash() -> String {
    "5a".repeat(32)
}

fn gateway(id: &str) -> String {
    let hash = hash();
    format!("[[gateway]]\nid = \"{id}\"\npartition = 7\nsecret_sha256 = \"{hash}\"\n")
}

fn file(rows: &str) -> String {
    format!("version = 1\n{rows}")
}

fn ingest() -> Grants {
    Grants {
        partitions: Partitions::These(BTreeSet::from([3, 7])),
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
    let created = file.create_if_missing().expect("a new file");
    assert!(created);
    Folder {
        _kept: kept,
        path,
        file,
    }
}

#[test]
fn who_is_enrolled_is_known_by_the_secret_that_was_given() {
    let it = folder();
    let gateway = it.file.add_gateway("casa-12", 7).unwrap();
    let service = it.file.add_service("ingest", &ingest()).unwrap();

    let list = Identities::load(&it.path).unwrap();
    assert_eq!(list.len(), 2);
    let known = list
        .authenticate_secret("casa-12", gateway.reveal())
        .unwrap();
    let expected = Identity::Gateway {
        id: "casa-12".to_owned(),
        partition: 7,
    };
    assert_eq!(known.identity(), &expected);
    let known = list
        .authenticate_secret("ingest", service.reveal())
        .unwrap();
    let expected = Identity::Service {
        name: "ingest".to_owned(),
        grants: ingest(),
    };
    assert_eq!(known.identity(), &expected);

    assert!(
        list.authenticate_secret("casa-12", service.reveal())
            .is_err()
    );
    assert!(
        list.authenticate_secret("casa-13", gateway.reveal())
            .is_err()
    );
    assert!(list.authenticate_secret("casa-12", "").is_err());
}

#[test]
fn many_are_enrolled_in_one_change_or_none_is() {
    let it = folder();
    let names: Vec<String> = (0..1_000).map(|name| format!("casa-{name}")).collect();
    let rows: Vec<(&str, u8)> = names.iter().map(|name| (name.as_str(), 7)).collect();
    let secrets = it.file.add_gateways(&rows).unwrap();
    let list = Identities::load(&it.path).unwrap();
    assert_eq!((list.len(), secrets.len()), (1_000, 1_000));
    for (name, secret) in names.iter().zip(&secrets) {
        assert!(
            list.authenticate_secret(name, secret.reveal()).is_ok(),
            "{name}"
        );
    }
    let refused = it.file.add_gateways(&[("casa-new", 7), ("casa-0", 7)]);
    assert!(matches!(refused, Err(EditError::Refused(_))));
    assert_eq!(Identities::load(&it.path).unwrap(), list);
}

#[test]
fn the_file_holds_no_secret_and_only_its_owner_reads_it() {
    let it = folder();
    let secret = it.file.add_gateway("casa-12", 7).unwrap();
    let text = fs::read_to_string(&it.path).unwrap();
    assert!(!text.contains(secret.reveal()));
    let mode = fs::metadata(&it.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn creating_again_keeps_what_is_there() {
    let it = folder();
    it.file.add_gateway("casa-12", 7).unwrap();
    assert!(!it.file.create_if_missing().unwrap());
    assert_eq!(Identities::load(&it.path).unwrap().len(), 1);
}

#[test]
fn a_list_that_cannot_be_looked_for_is_not_replaced_by_an_empty_one() {
    let kept = tempfile::tempdir().unwrap();
    let path = kept.path().join("identities.toml");
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let refused = IdentityFile::new(&path).create_if_missing();
    assert!(refused.is_err());
    assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
}

#[test]
fn who_is_removed_is_unknown() {
    let it = folder();
    let secret = it.file.add_gateway("casa-12", 7).unwrap();
    assert!(it.file.remove("casa-12").unwrap());
    assert!(!it.file.remove("casa-12").unwrap());
    let list = Identities::load(&it.path).unwrap();
    assert!(
        list.authenticate_secret("casa-12", secret.reveal())
            .is_err()
    );
    assert!(list.is_empty());
}

#[test]
fn a_change_that_would_break_the_file_is_refused_and_changes_nothing() {
    let it = folder();
    it.file.add_gateway("casa-12", 7).unwrap();
    let before = fs::read_to_string(&it.path).unwrap();
    let twice = it.file.add_service("casa-12", &ingest());
    let refused = |result| matches!(result, Err(EditError::Refused(_)));
    assert!(refused(twice));
    assert!(refused(it.file.add_gateway("casa 13", 7)));
    assert!(refused(it.file.add_gateway("", 7)));
    assert!(refused(it.file.add_gateway(&"x".repeat(65), 7)));
    assert!(refused(it.file.add_gateway("casa-13", 64)));
    assert_eq!(fs::read_to_string(&it.path).unwrap(), before);
}

#[test]
fn two_programs_that_enrol_at_once_lose_nobody() {
    let it = folder();
    thread::scope(|scope| {
        for name in 0..8 {
            let file = it.file.clone();
            scope.spawn(move || file.add_gateway(&format!("casa-{name}"), name).unwrap());
        }
    });
    assert_eq!(Identities::load(&it.path).unwrap().len(), 8);
}

#[test]
fn a_fault_is_reported_with_its_line() {
    let good = gateway("casa-12");
    let hash = hash();
    let table: &[(&str, String, usize)] = &[
        ("an unknown key", format!("{good}partitoin = 3\n"), 6),
        ("no TOML", format!("{good}\n[[gateway\n"), 7),
        ("a short hash", good.replace(&hash, "5a5a"), 5),
        ("a negative partition", good.replace('7', "-7"), 4),
        ("a name with a space", gateway("casa 12"), 3),
        ("a name twice", format!("{good}{good}"), 7),
        ("no such partition", good.replace('7', "64"), 3),
    ];
    for (what, rows, expected) in table {
        let fault = Identities::parse(&file(rows)).unwrap_err();
        let line = match &fault {
            ParseError::Syntax { line, .. }
            | ParseError::Name { line, .. }
            | ParseError::Twice { line, .. }
            | ParseError::Partition { line, .. } => *line,
            ParseError::Credential { .. }
            | ParseError::KeyTwice { .. }
            | ParseError::TooOld { .. }
            | ParseError::Version(_) => 0,
        };
        assert_eq!(line, *expected, "{what}: {fault}");
        assert!(fault.to_string().contains(&format!("line {expected}")));
    }
}

#[test]
fn a_service_has_partitions_and_grants_that_exist() {
    let service = |partitions: &str, may: &str| {
        let hash = hash();
        file(&format!(
            "[[service]]\nname = \"ingest\"\nsecret_sha256 = \"{hash}\"\n\
             partitions = {partitions}\nmay = {may}\n"
        ))
    };
    assert!(Identities::parse(&service("\"all\"", "[\"receive\"]")).is_ok());
    assert!(Identities::parse(&service("[]", "[]")).is_ok());
    for (partitions, may) in [
        ("\"every\"", "[]"),
        ("[64]", "[]"),
        ("[256]", "[]"),
        ("3", "[]"),
        ("\"all\"", "[\"everything\"]"),
        ("\"all\"", "\"receive\""),
    ] {
        let refused = Identities::parse(&service(partitions, may));
        assert!(refused.is_err(), "{partitions} {may}");
    }
}

#[test]
fn a_newer_version_is_named_and_not_guessed_at() {
    let text = "version = 3\nsomething_new = true\n";
    assert_eq!(Identities::parse(text), Err(ParseError::Version(3)));
    assert_eq!(
        Identities::parse("version = 0\n"),
        Err(ParseError::Version(0))
    );
    assert!(matches!(
        Identities::parse(&gateway("casa-12")),
        Err(ParseError::Syntax { .. })
    ));
}

#[test]
fn a_watch_sees_a_replaced_file_once() {
    let it = folder();
    let mut watch = Watch::new(&it.path);
    assert!(matches!(watch.poll(), Poll::Changed(list) if list.is_empty()));
    assert!(matches!(watch.poll(), Poll::Unchanged));
    it.file.add_gateway("casa-12", 7).unwrap();
    assert!(matches!(watch.poll(), Poll::Changed(list) if list.entry("casa-12").is_some()));
    assert!(matches!(watch.poll(), Poll::Unchanged));
}

#[test]
fn a_broken_file_is_reported_once_and_mended_without_a_restart() {
    let it = folder();
    it.file.add_gateway("casa-12", 7).unwrap();
    let good = fs::read_to_string(&it.path).unwrap();
    let mut watch = Watch::new(&it.path);
    assert!(matches!(watch.poll(), Poll::Changed(_)));

    fs::write(&it.path, "version = 1\n[[gatewa").unwrap();
    assert!(matches!(
        watch.poll(),
        Poll::Broken(LoadError::Parse { .. })
    ));
    assert!(matches!(watch.poll(), Poll::Unchanged));
    fs::remove_file(&it.path).unwrap();
    assert!(matches!(watch.poll(), Poll::Broken(LoadError::Read { .. })));
    assert!(matches!(watch.poll(), Poll::Unchanged));
    fs::write(&it.path, good).unwrap();
    assert!(matches!(watch.poll(), Poll::Changed(list) if list.len() == 1));
}

#[test]
fn a_missing_file_is_reported_at_the_first_poll() {
    let kept = tempfile::tempdir().unwrap();
    let mut watch = Watch::new(kept.path().join("identities.toml"));
    assert!(matches!(watch.poll(), Poll::Broken(LoadError::Read { .. })));
}

#[test]
fn equal_entries_mean_that_nothing_changed_for_a_session() {
    let list = Identities::parse(&file(&gateway("casa-12"))).unwrap();
    let same = Identities::parse(&file(&(gateway("casa-11") + &gateway("casa-12")))).unwrap();
    assert_eq!(list.entry("casa-12"), same.entry("casa-12"));
    let moved = gateway("casa-12").replace('7', "8");
    let moved = Identities::parse(&file(&moved)).unwrap();
    assert_ne!(list.entry("casa-12"), moved.entry("casa-12"));
    assert!(SecretHash::of("a") != SecretHash::of("b"));
}
