//! What a crash between two steps of an enrolment leaves behind.
//!
//! The steps are taken one by one, as [`Registrar::enrol`] takes them, and everything is dropped
//! after one of them: that is what the disk holds after a crash, because each step is synced
//! before the next begins.

use std::path::PathBuf;

use super::*;
use crate::key::Key;

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

struct Centre {
    _kept: tempfile::TempDir,
    codes: PathBuf,
    registrar: Registrar,
}

fn centre() -> Centre {
    let kept = tempfile::tempdir().unwrap();
    let codes = kept.path().join("enrolments.toml");
    let identities = IdentityFile::new(kept.path().join("identities.toml"));
    identities.create_if_missing().unwrap();
    let folder = kept.path().join("authority");
    let registrar = Registrar {
        authority: Authority::create(&folder, "milano", NOW).unwrap(),
        identities,
        enrolments: EnrolmentFile::new(&codes),
        broker: "centre.example:8883".to_owned(),
    };
    Centre {
        _kept: kept,
        codes,
        registrar,
    }
}

impl Centre {
    fn code(&self) -> EnrolmentCode {
        let root = self.registrar.authority.fingerprint();
        let codes = &self.registrar.enrolments;
        codes
            .make(root, "casa-12", 7, NOW.plus_days(1), NOW)
            .unwrap()
    }

    fn enrol(&self, code: &EnrolmentCode, key: &Key) -> Result<Admission, RefusalKind> {
        let asked = EnrolRequest {
            code: code.to_string(),
            request: key.request("a box").unwrap(),
        };
        let answer = self.registrar.enrol(&asked, NOW);
        answer.map_err(|why| why.refusal().kind)
    }

    /// The key of the gateway in the allow-list.
    fn listed(&self) -> Option<KeyHash> {
        let list = self.registrar.identities.load().unwrap();
        match list.entry("casa-12")?.credential() {
            Credential::Key(key) => Some(*key),
            Credential::Secret(_) => None,
        }
    }

    /// Takes the first steps of an enrolment and goes no further.
    fn begin(&self, code: &EnrolmentCode, key: &Key, and_admit: bool) {
        let mut held = self.registrar.enrolments.hold().unwrap();
        let ticket = held.look_up(code, key.hash(), NOW).unwrap();
        held.claim(&ticket, key.hash()).unwrap();
        if and_admit {
            let identities = &self.registrar.identities;
            let admitted = identities.admit_gateway_key("casa-12", 7, key.hash(), NOW);
            admitted.unwrap();
        }
    }
}

#[test]
fn a_crash_after_the_claim_enrols_nobody_and_only_the_same_box_goes_on() {
    let centre = centre();
    let code = centre.code();
    let (mine, other) = (Key::generate().unwrap(), Key::generate().unwrap());
    centre.begin(&code, &mine, false);
    assert_eq!(centre.listed(), None);

    assert_eq!(centre.enrol(&code, &other), Err(RefusalKind::Used));
    assert_eq!(centre.listed(), None);
    assert!(centre.enrol(&code, &mine).is_ok());
    assert_eq!(centre.listed(), Some(mine.hash()));
    assert_eq!(centre.enrol(&code, &other), Err(RefusalKind::Used));
}

#[test]
fn a_crash_before_the_last_step_leaves_an_enrolled_box_that_can_ask_again() {
    let centre = centre();
    let code = centre.code();
    let (mine, other) = (Key::generate().unwrap(), Key::generate().unwrap());
    centre.begin(&code, &mine, true);
    let before = centre.registrar.identities.load().unwrap();
    assert_eq!(centre.enrol(&code, &other), Err(RefusalKind::Used));
    assert!(centre.enrol(&code, &mine).is_ok());
    let after = centre.registrar.identities.load().unwrap();
    assert_eq!(after, before, "its session is not ended by asking again");
}

#[test]
fn a_claim_that_was_never_finished_gives_way_to_a_new_code() {
    let centre = centre();
    let old = centre.code();
    let (lost, found) = (Key::generate().unwrap(), Key::generate().unwrap());
    centre.begin(&old, &lost, false);
    let new = centre.code();
    assert_eq!(centre.enrol(&old, &lost), Err(RefusalKind::UnknownCode));
    assert!(centre.enrol(&new, &found).is_ok());
    assert_eq!(centre.listed(), Some(found.hash()));
}

#[test]
fn a_list_that_cannot_be_written_is_the_centres_fault_and_is_made_good_later() {
    let centre = centre();
    let code = centre.code();
    let key = Key::generate().unwrap();
    let asked = EnrolRequest {
        code: code.to_string(),
        request: key.request("a box").unwrap(),
    };
    // Where the new list would be written stands a folder.
    let obstacle = centre.codes.with_file_name("identities.toml.new");
    std::fs::create_dir(&obstacle).unwrap();
    let fault = centre.registrar.enrol(&asked, NOW).unwrap_err();
    assert!(fault.is_fault());
    assert_eq!(fault.refusal().kind, RefusalKind::Busy);
    assert_eq!(centre.listed(), None);

    std::fs::remove_dir(&obstacle).unwrap();
    centre.registrar.enrol(&asked, NOW).unwrap();
    assert_eq!(centre.listed(), Some(key.hash()));
}

#[test]
fn a_revocation_in_the_middle_of_an_enrolment_is_not_undone_by_it() {
    let centre = centre();
    let code = centre.code();
    let key = Key::generate().unwrap();
    let identities = &centre.registrar.identities;
    let old = Key::generate().unwrap().hash();
    identities
        .admit_gateway_key("casa-12", 7, old, NOW)
        .unwrap();
    // What an enrolment has read before it writes.
    let list = identities.load().unwrap();
    let held = centre.registrar.enrolments.hold().unwrap();
    let ticket = held.look_up(&code, key.hash(), NOW).unwrap();
    assert!(judge(&list, &ticket, key.hash()).is_ok());

    identities.revoke("casa-12", NOW).unwrap();
    let admitted = identities.admit_invited("casa-12", 7, key.hash(), ticket.made_at, NOW);
    assert_eq!(admitted.unwrap(), None);
    let list = identities.load().unwrap();
    assert_eq!(list.entry("casa-12").unwrap().revoked_at(), Some(NOW));
}

#[test]
fn a_code_that_was_used_is_answered_again_without_touching_the_list() {
    let centre = centre();
    let code = centre.code();
    let key = Key::generate().unwrap();
    centre.enrol(&code, &key).unwrap();
    // Where the list is locked for a change stands a folder: whoever wants to change it fails.
    let lock = centre.codes.with_file_name("identities.toml.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let again = centre.enrol(&code, &key).unwrap();
    assert_eq!((again.gateway.as_str(), again.partition), ("casa-12", 7));

    std::fs::remove_dir(&lock).unwrap();
    centre.registrar.identities.remove("casa-12").unwrap();
    assert_eq!(centre.enrol(&code, &key), Err(RefusalKind::Used));
    assert_eq!(centre.listed(), None);
}

#[test]
fn while_the_list_is_moved_aside_boxes_are_told_to_come_again_and_nobody_makes_another() {
    let centre = centre();
    let code = centre.code();
    let key = Key::generate().unwrap();
    let list = centre.codes.with_file_name("identities.toml");
    let aside = centre.codes.with_file_name("aside");
    std::fs::rename(&list, &aside).unwrap();
    assert_eq!(centre.enrol(&code, &key), Err(RefusalKind::Busy));
    assert!(!list.exists());

    std::fs::rename(&aside, &list).unwrap();
    centre.enrol(&code, &key).unwrap();
    assert_eq!(centre.listed(), Some(key.hash()));
}

#[test]
fn a_code_does_not_show_in_a_debug_print_of_what_was_asked() {
    let asked = EnrolRequest {
        code: "04HM-ASW9".to_owned(),
        request: "-----BEGIN".to_owned(),
    };
    assert_eq!(format!("{asked:?}"), "EnrolRequest(redacted)");
}
