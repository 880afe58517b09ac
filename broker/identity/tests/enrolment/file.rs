//! The file of codes, and the JSON that travels: bounds, versions, nothing in the clear.

use std::fs;

use veglia_identity::{
    Admission, EnrolRequest, EnrolmentError, EnrolmentsParseError, MAX_BODY_BYTES, MAX_OPEN_CODES,
    MAX_REQUEST_BYTES, Refusal, RefusalKind, RenewRequest,
};

use crate::{DAY_S, NOW, after, centre, key};

#[test]
fn the_files_hold_no_code() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW).to_string();
    let text = fs::read_to_string(centre.codes()).unwrap();
    for part in code.split('-') {
        assert!(
            !text.to_uppercase().contains(&format!("\"{part}")),
            "{text}"
        );
    }
    assert!(!text.contains(&code[..14]));
}

#[test]
fn a_code_that_cannot_be_is_not_made() {
    let centre = centre();
    let codes = &centre.registrar.enrolments;
    let root = centre.registrar.authority.fingerprint();
    let make = |gateway, partition, expires| codes.make(root, gateway, partition, expires, NOW);
    let good = after(DAY_S);
    assert!(matches!(
        make("casa 12", 7, good),
        Err(EnrolmentError::Name(_))
    ));
    assert!(matches!(
        make("casa-12", 64, good),
        Err(EnrolmentError::Partition(64))
    ));
    for expires in [NOW, after(-1), after(90 * DAY_S + 1)] {
        assert!(matches!(
            make("casa-12", 7, expires),
            Err(EnrolmentError::Validity)
        ));
    }
    assert!(!centre.codes().exists());
}

#[test]
fn a_used_code_is_forgotten_a_month_after_it_expired() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    centre.enrol(&code, &key(), NOW).unwrap();
    let month = after(31 * DAY_S);
    centre.code_for("casa-13", after(30 * DAY_S));
    assert_eq!(centre.enrol(&code, &key(), month), Err(RefusalKind::Used));
    centre.code_for("casa-13", month);
    assert_eq!(
        centre.enrol(&code, &key(), month),
        Err(RefusalKind::UnknownCode)
    );
}

#[test]
fn codes_are_bounded_and_a_full_file_says_so() {
    let centre = centre();
    let hash = "5a".repeat(32);
    let row = |number: usize| {
        format!(
            "[[code]]\ncode_sha256 = \"{hash}\"\ngateway = \"casa-{number}\"\npartition = 7\n\
             made_at = {}\nexpires_at = {}\n",
            NOW.0,
            NOW.0 + DAY_S
        )
    };
    let rows: String = (0..MAX_OPEN_CODES).map(row).collect();
    fs::write(centre.codes(), format!("version = 1\n{rows}")).unwrap();
    let root = centre.registrar.authority.fingerprint();
    let make = |gateway| {
        let codes = &centre.registrar.enrolments;
        codes.make(root, gateway, 7, after(DAY_S), NOW)
    };
    assert!(matches!(make("casa-new"), Err(EnrolmentError::TooMany)));
    assert!(make("casa-3").is_ok(), "in the place of its own");
}

#[test]
fn a_file_of_a_newer_version_or_damaged_is_refused_and_left_alone() {
    let centre = centre();
    let cases = [
        (
            "version = 2\nnew = true\n",
            EnrolmentsParseError::Version(2),
        ),
        (
            "version = 1\n[[code]]\ngateway = 3\n",
            EnrolmentsParseError::Syntax {
                line: 3,
                message: "invalid type: integer `3`, expected a string".to_owned(),
            },
        ),
    ];
    for (text, expected) in cases {
        fs::write(centre.codes(), text).unwrap();
        let fault = centre.registrar.enrolments.open_codes(NOW).unwrap_err();
        match fault {
            EnrolmentError::Parse { source, .. } => assert_eq!(source, expected),
            other => panic!("{other}"),
        }
        let root = centre.registrar.authority.fingerprint();
        let made = centre
            .registrar
            .enrolments
            .make(root, "a", 7, after(1), NOW);
        assert!(made.is_err());
        assert_eq!(fs::read_to_string(centre.codes()).unwrap(), text);
    }
}

#[test]
fn the_json_of_requests_and_answers_never_changes() {
    let asked: EnrolRequest =
        serde_json::from_str(r#"{"code": "A", "request": "B", "new": 1}"#).unwrap();
    assert_eq!((asked.code.as_str(), asked.request.as_str()), ("A", "B"));
    let asked: RenewRequest = serde_json::from_str(r#"{"request": "B"}"#).unwrap();
    assert_eq!(asked.request, "B");
    let admission = Admission {
        gateway: "casa-12".to_owned(),
        partition: 7,
        certificate: "C".to_owned(),
        authority: "A".to_owned(),
        broker: "b:1".to_owned(),
    };
    let text = serde_json::to_string(&admission).unwrap();
    let expected = concat!(
        r#"{"gateway":"casa-12","partition":7,"#,
        r#""certificate":"C","authority":"A","broker":"b:1"}"#
    );
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<Admission>(&text).unwrap(), admission);
    let kinds = [
        (RefusalKind::UnknownCode, "unknown-code", 404),
        (RefusalKind::Used, "used", 410),
        (RefusalKind::Expired, "expired", 410),
        (RefusalKind::Revoked, "revoked", 403),
        (RefusalKind::BadRequest, "bad-request", 400),
        (RefusalKind::Busy, "busy", 503),
    ];
    for (kind, name, status) in kinds {
        let error = "x".to_owned();
        let text = serde_json::to_string(&Refusal { error, kind }).unwrap();
        assert_eq!(text, format!(r#"{{"error":"x","kind":"{name}"}}"#));
        assert_eq!(kind.status(), status);
    }
    let largest = EnrolRequest {
        code: "-".repeat(112),
        request: "x\n".repeat(MAX_REQUEST_BYTES / 2),
    };
    assert!(serde_json::to_vec(&largest).unwrap().len() <= MAX_BODY_BYTES);
}
