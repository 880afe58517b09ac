//! The words of this room.

/// Pages of before, in Italian alone.
const ITALIAN_ALONE: &[&str] = &[
    "diary.html",
    "patient.html",
    "patient/call.html",
    "patient/flag.html",
    "patient/refer.html",
    "patient/repeat.html",
    "plan.html",
    "seen.html",
    "sheet.html",
    "wall.html",
    "ward.html",
];

#[test]
fn every_word_stands_in_both_languages() {
    let room = env!("CARGO_MANIFEST_DIR");
    let said = veglia_words::proof::of_room(room, &crate::WORDS, ITALIAN_ALONE);
    assert_eq!(said, "");
}
