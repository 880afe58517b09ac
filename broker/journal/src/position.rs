//! The number of an entry, and the proof that it is on disk.
//!
//! Both are plain values. A proof stays true for ever, so it may be copied; it cannot be made
//! outside this crate, so it cannot be invented.

use std::fmt;
use std::num::NonZeroU64;

/// Number of an entry: 1, 2, 3 … per journal, given at the append, never reused, survives reboots.
///
/// Numbers may be left out (see *a torn tail* in the crate's documentation), never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(NonZeroU64);

impl Position {
    /// The number of the first entry of a journal.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The position with this number; `None` for 0, which no entry has.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number, at least 1.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The position before this one; `None` before the first.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        Self::new(self.get() - 1)
    }

    /// Saturates: at a million entries a second the end is half a million years away.
    pub(crate) const fn plus(self, entries: u64) -> Self {
        Self(self.0.saturating_add(entries))
    }

    /// Saturates at the first position.
    pub(crate) fn minus(self, entries: u64) -> Self {
        Self::new(self.get().saturating_sub(entries)).unwrap_or(Self::FIRST)
    }

    /// How many positions lie from `earlier` to this one; `None` if it is not earlier.
    pub(crate) const fn since(self, earlier: Self) -> Option<u64> {
        self.get().checked_sub(earlier.get())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Proof that every entry up to and including [`Durable::through`] is on disk.
///
/// Only a journal can make one:
/// ```compile_fail,E0451
/// use veglia_journal::{Durable, Position};
/// let forged = Durable { first: Position::FIRST, through: Position::FIRST };
/// ```
/// ```compile_fail,E0624
/// use veglia_journal::{Durable, Position};
/// let forged = Durable::prove(Position::FIRST, Position::FIRST);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    first: Position,
    through: Position,
}

impl Durable {
    pub(crate) const fn prove(first: Position, through: Position) -> Self {
        Self { first, through }
    }

    /// The first entry of the append that gave this proof.
    #[must_use]
    pub const fn first(&self) -> Position {
        self.first
    }

    /// The last entry of that append. Every entry before it is on disk as well.
    #[must_use]
    pub const fn through(&self) -> Position {
        self.through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_start_at_one_and_count_up() {
        assert_eq!(Position::new(0), None);
        assert_eq!(Position::FIRST.get(), 1);
        assert_eq!(Position::FIRST.next().to_string(), "2");
        assert_eq!(Position::FIRST.previous(), None);
        assert_eq!(Position::FIRST.plus(4).minus(2), Position::FIRST.plus(2));
        assert_eq!(Position::FIRST.since(Position::FIRST.next()), None);
    }
}
