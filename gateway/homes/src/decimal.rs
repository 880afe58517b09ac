//! Decimal numbers as people write them, to integers in the step of their vital.
//!
//! Values come from scenario files and from spreadsheets. They are kept as integers from the
//! first moment, so that what is simulated can be compared exactly with what arrives. Absent:
//! exponents, separators of thousands, `NaN`: whoever writes those means something else.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Most digits before the point. No vital has more, and all products below stay in an `i32`.
const MOST_DIGITS: usize = 6;

/// Reads `text` as an integer with `decimals` digits after the point; further digits round to
/// the nearest, halves away from zero. None when it is not a decimal number of sensible size.
pub(crate) fn rounded(text: &str, decimals: usize) -> Option<i32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_empty = whole.is_empty() && fraction.is_empty();
    if is_empty || whole.len() > MOST_DIGITS || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digit = |byte: u8| i32::from(byte - b'0');
    let kept = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(decimals);
    let value = whole
        .bytes()
        .chain(kept)
        .fold(0, |sum, byte| sum * 10 + digit(byte));
    let round_up = fraction
        .as_bytes()
        .get(decimals)
        .is_some_and(|&next| next >= b'5');
    let value = value + i32::from(round_up);
    Some(if negative { -value } else { value })
}

/// A number with at most `DECIMALS` digits after the point, as its integer: 97.5 with one
/// decimal is 975. In a scenario a digit too many is a mistake, and is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<const DECIMALS: usize>(pub(crate) i32);

impl<'de, const DECIMALS: usize> Deserialize<'de> for Decimal<DECIMALS> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Number<const DECIMALS: usize>;

        impl<const DECIMALS: usize> Visitor<'_> for Number<DECIMALS> {
            type Value = Decimal<DECIMALS>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number with at most {DECIMALS} digits after the point")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                self.read(&value.to_string())
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
                self.read(&value.to_string())
            }
        }

        impl<const DECIMALS: usize> Number<DECIMALS> {
            fn read<E: Error>(self, text: &str) -> Result<Decimal<DECIMALS>, E> {
                let digits = text
                    .split_once('.')
                    .map_or(0, |(_, fraction)| fraction.len());
                rounded(text, DECIMALS)
                    .filter(|_| digits <= DECIMALS)
                    .map(Decimal)
                    .ok_or_else(|| E::custom(format!("{text} is not {}", self.sentence())))
            }

            fn sentence(&self) -> String {
                format!("a number with at most {DECIMALS} digits after the point")
            }
        }

        input.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn a_decimal_is_read_exactly_and_rounded_half_away_from_zero() {
        for (text, decimals, value) in [
            ("97", 1, 970),
            ("97.", 1, 970),
            (".5", 1, 5),
            ("97.5", 1, 975),
            ("97.54", 1, 975),
            ("97.55", 1, 976),
            ("36.799999", 2, 3680),
            ("-0.25", 1, -3),
            ("99.96", 1, 1000),
        ] {
            assert_eq!(rounded(text, decimals), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_number_is_refused() {
        for text in [
            "", ".", "-", "NaN", "1e3", "9,5", "1 000", "--1", "+1", "1234567", "1.2.3",
        ] {
            assert_eq!(rounded(text, 1), None, "{text}");
        }
    }
}
