//! The frames in which laboratories send: `0x0B` message `0x1C 0x0D` (MLLP, release 1); pure.
//!
//! Bytes come in any pieces: half a frame, one byte, two frames at once. What stands between two
//! frames means nothing and is passed over, as the rule has it, but not without end.
//!
//! **Why our own.** `hl7-mllp-codec` 0.4, the one that is used, calls itself a play project, looks
//! for the end of a frame from the back of what has come, so that two messages in one packet
//! become one, and has no limit to what it keeps in memory.

/// Largest message: a result has two thousand bytes; a laboratory that sends its report along, as
/// a picture, some hundreds of thousands.
pub(crate) const MESSAGE_BYTES_MAX: usize = 512 * 1024;

/// Bytes between two frames before whoever sends them is no laboratory.
const NOISE_BYTES_MAX: usize = 4 * 1024;

const START: u8 = 0x0B;
const END: [u8; 2] = [0x1C, 0x0D];

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// A whole message.
    Message(Vec<u8>),
    /// A message that is longer than is taken: its beginning. Nothing after it can be trusted.
    Huge(Vec<u8>),
    /// Nothing of a frame for too long.
    Noise,
}

/// Puts frames together.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// What has come of the frame that is open.
    open: Option<Vec<u8>>,
    noise: usize,
}

impl Frames {
    /// Whether a frame has begun and not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes bytes off the front of `bytes` until something has come, or none is left.
    pub(crate) fn take(&mut self, bytes: &mut &[u8]) -> Option<Came> {
        while let Some((first, rest)) = bytes.split_first() {
            *bytes = rest;
            let Some(open) = &mut self.open else {
                if *first == START {
                    self.open = Some(Vec::new());
                    self.noise = 0;
                } else {
                    self.noise += 1;
                    if self.noise > NOISE_BYTES_MAX {
                        return Some(Came::Noise);
                    }
                }
                continue;
            };
            open.push(*first);
            if open.ends_with(&END) {
                open.truncate(open.len() - END.len());
                return self.open.take().map(Came::Message);
            }
            if open.len() >= MESSAGE_BYTES_MAX + END.len() {
                return self.open.take().map(Came::Huge);
            }
        }
        None
    }
}

/// A message in its frame.
pub(crate) fn framed(message: &str) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 3);
    frame.push(START);
    frame.extend_from_slice(message.as_bytes());
    frame.extend_from_slice(&END);
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Vec<Came> {
        let mut frames = Frames::default();
        let mut came = Vec::new();
        for mut piece in pieces.iter().copied() {
            while let Some(next) = frames.take(&mut piece) {
                came.push(next);
            }
        }
        came
    }

    fn message(text: &str) -> Came {
        Came::Message(text.as_bytes().to_vec())
    }

    #[test]
    fn two_in_one_packet_are_two_and_half_a_frame_is_none() {
        let both = [framed("one"), framed("two")].concat();
        assert_eq!(all(&[&both]), [message("one"), message("two")]);
        assert_eq!(all(&[b"\x0bhalf a fra"]), []);
        assert_eq!(
            all(&[b"\x0bhalf", b"\x1c", b"\rnoise\x0bx\x1c\r"]),
            [message("half"), message("x")]
        );
    }

    #[test]
    fn what_is_too_long_or_no_frame_is_said() {
        let long = vec![b'x'; MESSAGE_BYTES_MAX + 10];
        let came = all(&[b"\x0b", &long]);
        assert!(
            matches!(&came[0], Came::Huge(head) if head.len() > MESSAGE_BYTES_MAX),
            "{}",
            came.len()
        );
        assert_eq!(all(&[&long[..NOISE_BYTES_MAX + 1]]), [Came::Noise]);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_messages(
            texts in prop::collection::vec("[A-Z|^~\\r]{0,40}", 1..6),
            size in 1_usize..17,
        ) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| framed(text)).collect();
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            let wanted: Vec<Came> = texts.iter().map(|text| message(text)).collect();
            prop_assert_eq!(all(&pieces), wanted);
        }

        #[test]
        fn no_bytes_make_it_fall(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            all(&[&bytes]);
        }
    }
}
