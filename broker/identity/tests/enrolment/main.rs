//! Enrolment from the code on the label to the certificate on the box, and all that can go wrong.

mod file;
mod race;

use std::path::{Path, PathBuf};

use veglia_identity::{
    Admission, Authority, CertificateFacts, Denied, EnrolRequest, EnrolmentCode, EnrolmentFile,
    IdentityFile, Key, MAX_REQUEST_BYTES, Refusal, RefusalKind, Registrar, RenewRequest,
    UnixSeconds,
};

const DAY_S: i64 = 24 * 60 * 60;
const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

fn after(seconds: i64) -> UnixSeconds {
    UnixSeconds(NOW.0 + seconds)
}

fn key() -> Key {
    Key::generate().expect("a key")
}

struct Centre {
    kept: tempfile::TempDir,
    registrar: Registrar,
}

fn centre() -> Centre {
    let kept = tempfile::tempdir().expect("a folder for the test");
    Authority::create(&kept.path().join("authority"), "milano", NOW).expect("an authority");
    let registrar = registrar(kept.path());
    registrar.identities.create_if_missing().expect("a list");
    Centre { kept, registrar }
}

/// What any process of the centre would open.
fn registrar(folder: &Path) -> Registrar {
    Registrar {
        authority: Authority::open(&folder.join("authority")).expect("the authority"),
        identities: IdentityFile::new(folder.join("identities.toml")),
        enrolments: EnrolmentFile::new(folder.join("enrolments.toml")),
        broker: "centre.example:8883".to_owned(),
    }
}

fn ask(
    registrar: &Registrar,
    code: &str,
    key: &Key,
    now: UnixSeconds,
) -> Result<Admission, Refusal> {
    let asked = EnrolRequest {
        code: code.to_owned(),
        request: key.request("a box").expect("a request"),
    };
    registrar.enrol(&asked, now).map_err(|why| why.refusal())
}

impl Centre {
    fn codes(&self) -> PathBuf {
        self.kept.path().join("enrolments.toml")
    }

    fn code_for(&self, gateway: &str, now: UnixSeconds) -> EnrolmentCode {
        let root = self.registrar.authority.fingerprint();
        let until = UnixSeconds(now.0 + DAY_S);
        let made = self.registrar.enrolments.make(root, gateway, 7, until, now);
        made.expect("a code")
    }

    fn enrol(
        &self,
        code: &EnrolmentCode,
        key: &Key,
        now: UnixSeconds,
    ) -> Result<Admission, RefusalKind> {
        let answer = ask(&self.registrar, &code.to_string(), key, now);
        answer.map_err(|refusal| refusal.kind)
    }

    fn renew(&self, key: &Key, now: UnixSeconds) -> Result<Admission, RefusalKind> {
        let asked = RenewRequest {
            request: key.request("").expect("a request"),
        };
        let answer = self.registrar.renew(&asked, now);
        answer.map_err(|why| why.refusal().kind)
    }

    fn standing(&self, gateway: &str, key: &Key) -> Result<(), Denied> {
        let list = self.registrar.identities.load().expect("the list");
        list.authenticate_key(gateway, &key.hash()).map(|_| ())
    }
}

#[test]
fn a_code_and_a_request_make_a_box_a_gateway() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    let key = key();
    let admission = centre.enrol(&code, &key, after(60)).unwrap();
    assert_eq!(admission.gateway, "casa-12");
    assert_eq!(admission.partition, 7);
    assert_eq!(admission.broker, "centre.example:8883");
    assert_eq!(admission.authority, centre.registrar.authority.pem());
    let facts = CertificateFacts::read_pem(&admission.certificate).unwrap();
    assert_eq!((facts.name.as_str(), facts.key), ("casa-12", key.hash()));
    assert_eq!(facts.not_after, after(60 + 90 * DAY_S));
    assert_eq!(centre.standing("casa-12", &key), Ok(()));
    assert_eq!(centre.registrar.enrolments.open_codes(NOW).unwrap(), []);
}

#[test]
fn a_code_is_for_one_box_which_may_ask_again() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    let (mine, other) = (key(), key());
    centre.enrol(&code, &mine, NOW).unwrap();
    assert_eq!(centre.enrol(&code, &other, NOW), Err(RefusalKind::Used));
    let again = centre.enrol(&code, &mine, after(DAY_S * 2)).unwrap();
    assert_eq!(again.gateway, "casa-12");
    assert_eq!(centre.standing("casa-12", &mine), Ok(()));
}

#[test]
fn a_code_is_over_when_it_expires() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    let late = centre.enrol(&code, &key(), after(DAY_S));
    assert_eq!(late, Err(RefusalKind::Expired));
    assert!(centre.enrol(&code, &key(), after(DAY_S - 1)).is_ok());
}

#[test]
fn a_code_that_does_not_exist_is_unknown() {
    let (here, there) = (centre(), centre());
    let code = here.code_for("casa-12", NOW);
    let mut wrong = code.to_string();
    let first = if wrong.starts_with('0') { "1" } else { "0" };
    wrong.replace_range(..1, first);
    let refusal = ask(&here.registrar, &wrong, &key(), NOW).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::UnknownCode);

    let foreign = there.code_for("casa-12", NOW);
    let refusal = ask(&here.registrar, &foreign.to_string(), &key(), NOW).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::UnknownCode);
    assert!(
        refusal.error.contains("another centre"),
        "{}",
        refusal.error
    );

    let refusal = ask(&here.registrar, "1234-5678", &key(), NOW).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::BadRequest);
}

#[test]
fn a_code_is_understood_as_it_was_typed() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW).to_string();
    let typed = format!(
        "  {} ",
        code.to_lowercase().replace('-', " ").replace('0', "o")
    );
    assert!(ask(&centre.registrar, &typed, &key(), NOW).is_ok());
}

#[test]
fn too_many_wrong_codes_in_a_minute_are_turned_away_and_a_right_one_is_not() {
    let centre = centre();
    let right = centre.code_for("casa-12", NOW);
    let root = centre.registrar.authority.fingerprint();
    let elsewhere = EnrolmentFile::new(centre.kept.path().join("elsewhere.toml"));
    let wrong = elsewhere.make(root, "casa-13", 7, after(DAY_S), NOW);
    let wrong = wrong.unwrap();
    for attempt in 0..20 {
        let refused = centre.enrol(&wrong, &key(), after(attempt));
        assert_eq!(refused, Err(RefusalKind::UnknownCode), "{attempt}");
    }
    let refused = centre.enrol(&wrong, &key(), after(20));
    assert_eq!(refused, Err(RefusalKind::Busy));
    let refused = centre.enrol(&wrong, &key(), after(61));
    assert_eq!(refused, Err(RefusalKind::UnknownCode), "a minute later");
    assert!(centre.enrol(&right, &key(), after(20)).is_ok());
}

#[test]
fn a_new_code_exchanges_the_box() {
    let centre = centre();
    let (old, new) = (key(), key());
    let first = centre.code_for("casa-12", NOW);
    centre.enrol(&first, &old, NOW).unwrap();
    let second = centre.code_for("casa-12", after(10));
    centre.enrol(&second, &new, after(20)).unwrap();
    assert_eq!(centre.standing("casa-12", &new), Ok(()));
    assert_eq!(centre.standing("casa-12", &old), Err(Denied::WrongKey));
    // The box that was taken away cannot undo it with its own code, and cannot renew.
    let back = centre.enrol(&first, &old, after(30));
    assert_eq!(back, Err(RefusalKind::Used));
    assert_eq!(centre.renew(&old, after(30)), Err(RefusalKind::Revoked));
    assert_eq!(centre.standing("casa-12", &new), Ok(()));
}

#[test]
fn a_new_code_takes_the_place_of_one_that_was_not_used() {
    let centre = centre();
    let first = centre.code_for("casa-12", NOW);
    let second = centre.code_for("casa-12", after(1));
    let open = centre.registrar.enrolments.open_codes(after(1)).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].made_at, after(1));
    let refused = centre.enrol(&first, &key(), after(2));
    assert_eq!(refused, Err(RefusalKind::UnknownCode));
    assert!(centre.enrol(&second, &key(), after(2)).is_ok());
}

#[test]
fn a_withdrawn_code_is_unknown() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    let codes = &centre.registrar.enrolments;
    assert!(codes.withdraw("casa-12").unwrap());
    assert!(!codes.withdraw("casa-12").unwrap());
    let refused = centre.enrol(&code, &key(), NOW);
    assert_eq!(refused, Err(RefusalKind::UnknownCode));
}

#[test]
fn a_revoked_box_is_told_so_and_comes_back_only_with_a_later_code() {
    let centre = centre();
    let (mine, other) = (key(), key());
    let first = centre.code_for("casa-12", NOW);
    centre.enrol(&first, &mine, NOW).unwrap();
    let waiting = centre.code_for("casa-12", after(5));
    let identities = &centre.registrar.identities;
    identities.revoke("casa-12", after(10)).unwrap();

    assert_eq!(centre.renew(&mine, after(20)), Err(RefusalKind::Revoked));
    for (code, key) in [(&first, &mine), (&waiting, &mine), (&waiting, &other)] {
        assert_eq!(
            centre.enrol(code, key, after(20)),
            Err(RefusalKind::Revoked)
        );
    }
    let later = centre.code_for("casa-12", after(30));
    centre.enrol(&later, &other, after(40)).unwrap();
    assert_eq!(centre.standing("casa-12", &other), Ok(()));
    assert_eq!(centre.standing("casa-12", &mine), Err(Denied::WrongKey));
}

#[test]
fn a_box_that_was_off_for_a_season_renews_with_its_key() {
    let centre = centre();
    let mine = key();
    let code = centre.code_for("casa-12", NOW);
    centre.enrol(&code, &mine, NOW).unwrap();
    let list = centre.registrar.identities.load().unwrap();
    let season = after(120 * DAY_S);
    let renewed = centre.renew(&mine, season).unwrap();
    let facts = CertificateFacts::read_pem(&renewed.certificate).unwrap();
    assert_eq!(facts.name, "casa-12");
    assert_eq!(facts.not_after, after(210 * DAY_S));
    let same = centre.registrar.identities.load().unwrap();
    assert_eq!(same, list, "a renewal does not edit the list");
    assert_eq!(centre.renew(&key(), season), Err(RefusalKind::Revoked));
}

#[test]
fn a_key_that_is_another_gateways_is_refused_and_the_code_stays_good() {
    let centre = centre();
    let mine = key();
    let first = centre.code_for("casa-12", NOW);
    centre.enrol(&first, &mine, NOW).unwrap();
    let second = centre.code_for("casa-13", NOW);
    let refused = centre.enrol(&second, &mine, NOW);
    assert_eq!(refused, Err(RefusalKind::BadRequest));
    assert!(centre.enrol(&second, &key(), NOW).is_ok());
}

#[test]
fn a_bad_request_leaves_the_code_good() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    let request = "x".repeat(MAX_REQUEST_BYTES + 1);
    for request in [String::new(), request] {
        let code = code.to_string();
        let answer = centre.registrar.enrol(&EnrolRequest { code, request }, NOW);
        let refusal = answer.unwrap_err().refusal();
        assert_eq!(refusal.kind, RefusalKind::BadRequest);
        assert_eq!(refusal.kind.status(), 400);
    }
    assert!(centre.enrol(&code, &key(), NOW).is_ok());
}
