//! The words of this room.

#[test]
fn every_word_stands_in_both_languages() {
    let room = env!("CARGO_MANIFEST_DIR");
    let said = veglia_words::proof::of_room(room, &crate::WORDS, &[]);
    assert_eq!(said, "");
}
