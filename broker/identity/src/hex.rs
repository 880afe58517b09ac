//! 32 bytes as 64 hexadecimal digits, and a comparison that does not tell where it stopped.

use std::hint::black_box;

/// As many as SHA-256 makes.
pub(crate) type Digest32 = [u8; 32];

pub(crate) fn write(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly 64 digits, of either case.
pub(crate) fn read(text: &str) -> Option<Digest32> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        // `from_str_radix` would take a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}

/// Takes the same time wherever the first difference is.
pub(crate) fn same(one: &Digest32, other: &Digest32) -> bool {
    let pairs = one.iter().zip(other);
    let difference = pairs.fold(0, |sum, (one, two)| black_box(sum | (one ^ two)));
    difference == 0
}

/// Gives a hash its text: `Display`, `FromStr` and serde, all as 64 hexadecimal digits.
macro_rules! written_as_hex {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::hex::write(&self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::hex::NotAHash;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::hex::read(text)
                    .map(Self)
                    .ok_or($crate::hex::NotAHash)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use written_as_hex;

/// The text is not a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 hexadecimal digits")]
pub struct NotAHash;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_64_hexadecimal_digits_is_no_hash() {
        let good = write(&[0xa5; 32]);
        assert_eq!(read(&good), Some([0xa5; 32]));
        assert!(read(&good[2..]).is_none());
        assert!(read(&good.replacen("a5", "+5", 1)).is_none());
        assert!(read(&good.replacen("a5", "é", 1)).is_none());
    }

    #[test]
    fn a_difference_in_any_byte_counts() {
        let one = [7; 32];
        assert!(same(&one, &[7; 32]));
        for place in 0..32 {
            let mut other = one;
            other[place] ^= 0x80;
            assert!(!same(&one, &other), "{place}");
        }
    }
}
