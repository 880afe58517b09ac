//! Some whole lines on their way, cheap to copy and to cut in two.

use bytes::Bytes;

/// At least one line; every line ends with a line break.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    bytes: Bytes,
    lines: usize,
}

impl Batch {
    /// `lines` must be how many line breaks there are.
    pub(crate) fn new(bytes: Vec<u8>, lines: usize) -> Self {
        Self {
            bytes: bytes.into(),
            lines,
        }
    }

    /// The lines as they are sent. Nothing is copied.
    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// How many there are.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// The first half and the second, none for a single line. Nothing is copied.
    pub(crate) fn halves(&self) -> Option<(Self, Self)> {
        let first = self.lines / 2;
        let last_break = first.checked_sub(1)?;
        let mut breaks = self
            .bytes
            .iter()
            .enumerate()
            .filter(|(_, it)| **it == b'\n');
        let (cut, _) = breaks.nth(last_break)?;
        let part = |range, lines| Self {
            bytes: range,
            lines,
        };
        Some((
            part(self.bytes.slice(..=cut), first),
            part(self.bytes.slice(cut + 1..), self.lines - first),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_whole_lines_and_nothing_is_left_out() {
        let batch = Batch::new(b"a\nbb\nccc\n".to_vec(), 3);
        let (first, second) = batch.halves().unwrap();
        assert_eq!((&first.bytes()[..], first.lines()), (&b"a\n"[..], 1));
        assert_eq!(
            (&second.bytes()[..], second.lines()),
            (&b"bb\nccc\n"[..], 2)
        );
        assert!(first.halves().is_none());
    }
}
