//! Spoils one frame of a journal, as a disk does: some bytes are others than were written.

use std::fs;
use std::path::{Path, PathBuf};

/// What a frame of the journal begins with, and how long its header is.
const MAGIC: [u8; 4] = [0xF3, b'V', b'F', 0x0D];
const HEADER_BYTES: usize = 28;

/// A frame this long holds readings and not only the passing of time.
const WITH_READINGS_BYTES: usize = 40;

/// Turns bits over in the payload of a frame in the middle of the journal in `dir`.
pub(crate) fn spoil_the_middle(dir: &Path) {
    let segment = newest_segment(dir);
    let mut bytes = fs::read(&segment).expect("a segment can be read");
    let starts: Vec<usize> = (0..bytes.len() - HEADER_BYTES)
        .filter(|&at| bytes[at..].starts_with(&MAGIC))
        .collect();
    let long = |pair: &&[usize]| pair[1] - pair[0] > HEADER_BYTES + WITH_READINGS_BYTES;
    let frames: Vec<&[usize]> = starts.windows(2).filter(long).collect();
    let payload = frames[frames.len() / 2][0] + HEADER_BYTES;
    for byte in &mut bytes[payload + 20..payload + 24] {
        *byte ^= 0xFF;
    }
    fs::write(&segment, bytes).expect("a segment can be written");
}

fn newest_segment(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir).expect("the journal's folder can be read");
    let files = files.map(|file| file.expect("its files can be named").path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "log"))
        .max()
        .expect("a journal has a segment")
}
