//! Cursor files: the bytes, damage, and what a stop at any moment leaves.

use std::path::Path;

use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{
    Cursor, CursorError, CursorFile, HostFilesystem, MAX_CURSOR_PAYLOAD_BYTES, Position,
};

const PATH: &str = "/ingest/triage.cursor";

fn at(number: u64) -> Position {
    Position::new(number).expect("not zero")
}

fn stored(fs: &FaultyFilesystem) -> CursorFile<FaultyFilesystem> {
    let mut cursor = CursorFile::new(fs.clone(), Path::new(PATH));
    cursor.store(at(7), b"ok").expect("there is room");
    cursor
}

#[test]
fn a_cursor_that_was_never_stored_is_none() {
    let cursor = CursorFile::new(FaultyFilesystem::new(), Path::new(PATH));
    assert_eq!(cursor.load().expect("that is no error"), None);
}

#[test]
fn the_cursor_of_version_1_has_these_bytes() {
    let fs = FaultyFilesystem::new();
    stored(&fs);
    let golden = [
        b'V', b'E', b'G', b'L', b'I', b'A', b'C', b'U', 1, 0, 0, 0, 2, 0, 0,
        0, // version, length
        7, 0, 0, 0, 0, 0, 0, 0, b'o', b'k', // position, payload
        2, 50, 102, 170, // CRC-32C
    ];
    assert_eq!(fs.content(Path::new(PATH)).expect("it is there"), golden);
}

#[test]
fn any_flipped_byte_is_an_error_that_names_the_file() {
    let fs = FaultyFilesystem::new();
    let cursor = stored(&fs);
    let len = fs.content(Path::new(PATH)).expect("it is there").len();
    for offset in 0..len {
        fs.flip(Path::new(PATH), offset, 0x04)
            .expect("the byte is there");
        let error = cursor.load().expect_err("it is damaged");
        assert!(matches!(error, CursorError::Damaged { .. }));
        assert!(error.to_string().starts_with(PATH));
        fs.flip(Path::new(PATH), offset, 0x04)
            .expect("the byte is there");
    }
}

#[test]
fn a_cursor_cut_short_is_damaged() {
    let fs = FaultyFilesystem::new();
    let cursor = stored(&fs);
    let content = fs.content(Path::new(PATH)).expect("it is there");
    for len in 0..content.len() {
        fs.put(Path::new(PATH), &content[..len]);
        assert!(matches!(cursor.load(), Err(CursorError::Damaged { .. })));
    }
}

#[test]
fn a_power_cut_leaves_the_old_cursor_or_the_new_one() {
    for changes in 0..8 {
        for seed in 0..20 {
            let fs = FaultyFilesystem::new();
            let mut cursor = stored(&fs);
            fs.cut_power_after(changes);
            let confirmed = cursor.store(at(9), b"newer").is_ok();
            fs.crash_midway(seed);
            let found = cursor.load().expect("it is whole").expect("one was stored");
            let old = Cursor {
                position: at(7),
                payload: b"ok".to_vec(),
            };
            let new = Cursor {
                position: at(9),
                payload: b"newer".to_vec(),
            };
            assert!(found == new || (!confirmed && found == old));
        }
    }
}

#[test]
fn a_failed_store_can_be_tried_again() {
    let fs = FaultyFilesystem::new();
    let mut cursor = stored(&fs);
    fs.set_free_bytes(Some(3));
    cursor.store(at(8), b"").expect_err("there is no space");
    assert_eq!(
        cursor.load().expect("it is whole").map(|it| it.position),
        Some(at(7))
    );
    fs.set_free_bytes(None);
    cursor.store(at(8), b"").expect("there is space again");
    fs.crash();
    assert_eq!(
        cursor.load().expect("it is whole").map(|it| it.position),
        Some(at(8))
    );
}

#[test]
fn a_payload_has_a_limit() {
    let mut cursor = CursorFile::new(FaultyFilesystem::new(), Path::new(PATH));
    let error = cursor.store(at(1), &vec![0; MAX_CURSOR_PAYLOAD_BYTES + 1]);
    assert!(matches!(error, Err(CursorError::TooLarge { .. })));
}

#[test]
fn a_cursor_works_on_the_real_file_system() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("cursor");
    let mut cursor = CursorFile::new(HostFilesystem, &path);
    for number in 1..=3 {
        cursor.store(at(number), b"beside").expect("there is room");
    }
    let found = CursorFile::new(HostFilesystem, &path)
        .load()
        .expect("it is whole");
    assert_eq!(
        found,
        Some(Cursor {
            position: at(3),
            payload: b"beside".to_vec()
        })
    );
}
