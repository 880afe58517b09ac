//! Each mark, from the facts that lead to it.
// req: G8

use std::sync::Arc;

use veglia_identity::{Identities, IdentityFile, KeyHash};
use veglia_view::{Boot, GatewayId, PortReport, Session, State};

use veglia_words::Language;

use super::*;
use crate::WORDS;

const CARE: WallMs = WallMs(1_605_964_320_000);
const WALL: UnixSeconds = UnixSeconds(1_790_000_000);

fn entry(revoked: bool) -> Arc<Entry> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identities.toml");
    let file = IdentityFile::new(&path);
    file.create_if_missing().unwrap();
    let key = KeyHash::of_spki(b"a key");
    file.admit_gateway_key("casa-1", 7, key, WALL).unwrap();
    if revoked {
        assert!(file.revoke("casa-1", WALL).unwrap());
    }
    let list: Identities = file.load().unwrap();
    Arc::clone(list.entry("casa-1").unwrap())
}

fn row(ports: &[PortState]) -> GatewayRow {
    let port = |state: &PortState| PortReport {
        name: "/dev/ttyUSB0".to_owned(),
        device: None,
        state: *state,
        last_frame_ms: Some(500),
        battery: None,
        fault: None,
    };
    GatewayRow {
        gateway: GatewayId::new("casa-1").unwrap(),
        heard_at: CARE,
        connected_at: Some(CARE),
        software: "0.1.0".to_owned(),
        boot: Boot(1),
        clock: ClockState::Synchronised,
        takes_orders: true,
        state: Some(State {
            session: Session(1),
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock: ClockState::Synchronised,
            waiting: 0,
            oldest_ms: None,
            refused: 0,
            last_command: None,
            ports: ports.iter().map(port).collect(),
            answers: Vec::new(),
        }),
    }
}

/// The standing of a listed box `later` milliseconds of care time after it spoke.
fn standing_at(row: &GatewayRow, later: i64, speed: u32) -> Standing {
    let entry = entry(false);
    let status = Status {
        care_now: CARE.plus_ms(later),
        speed,
        progress: None,
    };
    judge(&Facts {
        listed: Some(&entry),
        certified_until: None,
        heard: Some((Some(row), status)),
        now: WALL,
    })
}

#[test]
fn a_box_is_green_only_while_it_answers_and_a_device_speaks() {
    let speaks = row(&[PortState::Silent, PortState::Speaking]);
    assert_eq!(standing_at(&speaks, 60_000, 1), Standing::Well);
    assert_eq!(
        standing_at(&speaks, 60_000, 1)
            .chip(WALL, WORDS.speaking(Language::It))
            .kind,
        "calm"
    );
    for ports in [
        &[][..],
        &[PortState::Silent],
        &[PortState::Absent, PortState::Silent],
    ] {
        assert_eq!(standing_at(&row(ports), 1, 1), Standing::Idle, "{ports:?}");
    }
    let mut says_nothing = speaks;
    says_nothing.state = None;
    assert_eq!(standing_at(&says_nothing, 1, 1), Standing::Idle);
}

#[test]
fn a_box_is_mute_by_wall_time_however_fast_care_time_runs() {
    let row = row(&[PortState::Speaking]);
    let hour = 3_600_000;
    assert_eq!(standing_at(&row, hour, 60), Standing::Well);
    assert_eq!(standing_at(&row, hour, 1), Standing::Mute(hour));
    let chip = standing_at(&row, hour, 1).chip(WALL, WORDS.speaking(Language::It));
    assert_eq!(chip.word, "muto da 1 h");
    // A box whose word came from the time to come is not mute.
    assert_eq!(standing_at(&row, -hour, 1), Standing::Well);
}

#[test]
fn what_waits_too_long_or_was_refused_is_to_be_looked_at() {
    let state = |row: &mut GatewayRow, oldest, refused| {
        let state = row.state.as_mut().unwrap();
        (state.waiting, state.oldest_ms, state.refused) = (9, oldest, refused);
    };
    let mut recent = row(&[PortState::Speaking]);
    state(&mut recent, Some(60_000), 0);
    assert_eq!(standing_at(&recent, 1_000, 1), Standing::Well);
    let mut late = row(&[PortState::Speaking]);
    state(&mut late, Some(600_000), 0);
    let mut refused = row(&[PortState::Speaking]);
    state(&mut refused, None, 3);
    let mut lost = row(&[PortState::Speaking]);
    lost.clock = ClockState::Unknown;
    for row in [late, refused, lost] {
        let standing = standing_at(&row, 1_000, 1);
        assert!(matches!(standing, Standing::Troubled(_)), "{standing:?}");
    }
}

#[test]
fn a_certificate_that_was_not_renewed_is_said_before_it_ends() {
    let (entry, row) = (entry(false), row(&[PortState::Speaking]));
    let status = Status {
        care_now: CARE,
        speed: 1,
        progress: None,
    };
    let ends_in = |days| {
        judge(&Facts {
            listed: Some(&entry),
            certified_until: Some(WALL.plus_days(days)),
            heard: Some((Some(&row), status)),
            now: WALL,
        })
    };
    assert_eq!(ends_in(22), Standing::Well);
    assert!(
        ends_in(21)
            .chip(WALL, WORDS.speaking(Language::It))
            .word
            .starts_with("certificato scade il")
    );
    assert!(
        ends_in(-1)
            .chip(WALL, WORDS.speaking(Language::It))
            .word
            .starts_with("certificato scaduto")
    );
}

#[test]
fn nobody_knows_how_a_box_is_while_ingest_is_away_but_who_is_revoked_is_known() {
    let judged = |entry: &Entry, heard| {
        judge(&Facts {
            listed: Some(entry),
            certified_until: None,
            heard,
            now: WALL,
        })
    };
    let status = Status {
        care_now: CARE,
        speed: 1,
        progress: None,
    };
    assert_eq!(judged(&entry(false), None), Standing::Unknown);
    assert_eq!(
        judged(&entry(false), Some((None, status))),
        Standing::Unseen
    );
    assert_eq!(judged(&entry(true), None), Standing::Revoked(WALL));
    for standing in [Standing::Unknown, Standing::Unseen, Standing::Revoked(WALL)] {
        assert_ne!(
            standing.chip(WALL, WORDS.speaking(Language::It)).kind,
            "calm"
        );
        assert!(!standing.is_current());
    }
}
