//! Packing of whole numbers: variable-length, zig-zag, and blocks of 64 with one width each.
//!
//! A block is one byte `exceptions? << 7 | width`, then, if there are exceptions, their count; then
//! the low `width` bits of every number, little end first; then each exception as its place in the
//! block (one byte) and its remaining high bits (variable-length). The width is the cheapest one,
//! so one wild number does not widen its 63 neighbours.
//!
//! Reading never panics on any bytes: it runs out instead.

/// Numbers in a block. 64 keeps a place in one byte and the width's cost near one bit in 64.
const BLOCK: usize = 64;

/// The mark of a block that has exceptions.
const HAS_EXCEPTIONS: u8 = 0x80;

/// Signed to unsigned, small magnitudes to small numbers.
pub(crate) fn zigzag(signed: i64) -> u64 {
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(folded: u64) -> i64 {
    (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()
}

/// Writes seven bits a byte, low ones first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_byte(number) | 0x80);
        number >>= 7;
    }
    out.push(low_byte(number));
}

/// How many bits a number needs, 0 to 64.
pub(crate) fn bit_length(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

/// Packs all numbers, block after block.
pub(crate) fn pack(numbers: &[u64], out: &mut Vec<u8>) {
    for block in numbers.chunks(BLOCK) {
        pack_block(block, out);
    }
}

fn pack_block(block: &[u64], out: &mut Vec<u8>) {
    let width = cheapest_width(block);
    let mask = low_mask(width);
    let exceptions = block.iter().filter(|number| **number > mask).count();
    let [width_byte, ..] = width.to_le_bytes();
    if exceptions > 0 {
        let [count, ..] = exceptions.to_le_bytes();
        out.extend([width_byte | HAS_EXCEPTIONS, count]);
    } else {
        out.push(width_byte);
    }
    let (mut waiting, mut waiting_bits) = (0_u128, 0);
    for number in block {
        waiting |= u128::from(number & mask) << waiting_bits;
        waiting_bits += width;
        while waiting_bits >= 8 {
            let [low, ..] = waiting.to_le_bytes();
            out.push(low);
            waiting >>= 8;
            waiting_bits -= 8;
        }
    }
    if waiting_bits > 0 {
        let [low, ..] = waiting.to_le_bytes();
        out.push(low);
    }
    for (place, number) in (0_u8..).zip(block).filter(|(_, number)| **number > mask) {
        out.push(place);
        // A number above the mask has a width below 64, so the shift is in range.
        put_varint(out, number >> width);
    }
}

/// Tries every width up to the largest present and counts the bytes each would take.
fn cheapest_width(block: &[u64]) -> u32 {
    let widest = block.iter().copied().map(bit_length).max().unwrap_or(0);
    let bytes = |width: u32| {
        let packed = (block.len() * usize::try_from(width).unwrap_or(64)).div_ceil(8);
        let above = block
            .iter()
            .map(|number| bit_length(*number))
            .filter(|bits| *bits > width);
        let exceptions: u32 = above.map(|bits| 1 + (bits - width).div_ceil(7)).sum();
        packed + usize::try_from(exceptions).unwrap_or(usize::MAX) + usize::from(exceptions > 0)
    };
    // Ties go to the wider one: fewer exceptions to patch when reading.
    (0..=widest)
        .rev()
        .min_by_key(|width| bytes(*width))
        .unwrap_or(0)
}

fn low_mask(width: u32) -> u64 {
    u64::MAX.checked_shr(u64::BITS - width).unwrap_or(0)
}

fn low_byte(number: u64) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low
}

/// A place in bytes that are being read; every method is `None` when the bytes run out or cannot
/// have been written by this module.
pub(crate) struct Reader<'bytes> {
    rest: &'bytes [u8],
}

impl<'bytes> Reader<'bytes> {
    pub(crate) fn new(bytes: &'bytes [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'bytes [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let placed = bits << shift;
            if placed >> shift != bits {
                return None;
            }
            number |= placed;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Reads `count` numbers that [`pack`] wrote.
    pub(crate) fn unpack(&mut self, count: usize) -> Option<Vec<u64>> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            let in_block = BLOCK.min(count - numbers.len());
            self.unpack_block(in_block, &mut numbers)?;
        }
        Some(numbers)
    }

    fn unpack_block(&mut self, count: usize, numbers: &mut Vec<u64>) -> Option<()> {
        let head = self.byte()?;
        let width = u32::from(head & !HAS_EXCEPTIONS);
        if width > u64::BITS {
            return None;
        }
        let exceptions = if head & HAS_EXCEPTIONS == 0 {
            0
        } else {
            self.byte()?
        };
        let start = numbers.len();
        let mask = low_mask(width);
        let (mut waiting, mut waiting_bits) = (0_u128, 0);
        for _ in 0..count {
            while waiting_bits < width {
                waiting |= u128::from(self.byte()?) << waiting_bits;
                waiting_bits += 8;
            }
            let low = waiting & u128::from(mask);
            numbers.push(u64::try_from(low).expect("the mask has 64 bits"));
            waiting >>= width;
            waiting_bits -= width;
        }
        for _ in 0..exceptions {
            let place = usize::from(self.byte()?);
            let high = self.varint()?;
            let number = numbers.get_mut(start + place)?;
            *number |= high.checked_shl(width)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_numbers_come_back(
            numbers in prop::collection::vec(
                prop_oneof![4 => 0..64_u64, 1 => any::<u64>()], 0..300)
        ) {
            let mut bytes = Vec::new();
            pack(&numbers, &mut bytes);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.unpack(numbers.len()), Some(numbers));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_signed_number_folds_and_unfolds(number in any::<i64>()) {
            prop_assert_eq!(unzigzag(zigzag(number)), number);
            let mut bytes = Vec::new();
            put_varint(&mut bytes, zigzag(number));
            prop_assert_eq!(Reader::new(&bytes).varint(), Some(zigzag(number)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0..300_usize
        ) {
            if let Some(numbers) = Reader::new(&bytes).unpack(count) {
                prop_assert_eq!(numbers.len(), count);
            }
        }
    }

    #[test]
    fn one_wild_number_does_not_widen_its_block() {
        let mut numbers = [3_u64; 64];
        numbers[17] = u64::MAX;
        let mut bytes = Vec::new();
        pack(&numbers, &mut bytes);
        assert_eq!(bytes.len(), 2 + 16 + 1 + 9);
    }
}
