//! What becomes of new files, without waiting for the seconds between two looks.

use std::fs::{self, File};
use std::path::Path;

use tempfile::TempDir;
use veglia_identity::{Authority, UnixSeconds};

use super::*;

/// Any day: nothing here asks whether a certificate has expired.
const TODAY: UnixSeconds = UnixSeconds(1_790_000_000);

struct Centre {
    folder: TempDir,
    authority: Authority,
}

impl Centre {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create(&folder.path().join("ca"), "prova", TODAY).unwrap();
        let centre = Self { folder, authority };
        let (certificate, key) = centre.pair();
        fs::write(centre.files().certificate, certificate).unwrap();
        fs::write(centre.files().key, key).unwrap();
        centre
    }

    fn files(&self) -> Tls {
        Tls {
            certificate: self.folder.path().join("server.pem"),
            key: self.folder.path().join("server.key"),
        }
    }

    fn pair(&self) -> (String, String) {
        let names = ["localhost".to_owned()];
        let issued = self.authority.issue_server(&names, TODAY).unwrap();
        (issued.certificate, issued.key.pem().to_string())
    }
}

/// Other bytes in the same file, which shows nothing of it: as when what failed was the reading.
fn replaced_unseen(path: &Path, text: &str) {
    let before = fs::metadata(path).unwrap();
    fs::write(path, text).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), before.len());
}

#[test]
fn a_pair_that_could_not_be_used_is_said_once_and_tried_again() {
    let centre = Centre::new();
    let (mut watched, _) = Watched::begin(centre.files()).unwrap();
    let (certificate, key) = centre.pair();
    let (_, wrong_key) = centre.pair();
    fs::write(centre.files().certificate, certificate).unwrap();
    fs::write(centre.files().key, wrong_key).unwrap();
    assert!(
        watched.look().is_none(),
        "it was used before it had settled"
    );
    assert!(matches!(watched.look(), Some(Err(TlsError::Pair { .. }))));
    assert!(watched.look().is_none(), "it was said twice");
    replaced_unseen(&centre.files().key, &key);
    assert!(
        matches!(watched.look(), Some(Ok(_))),
        "it was not tried again"
    );
    assert!(watched.look().is_none(), "it was taken twice");
}
