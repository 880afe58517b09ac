//! In which part of the territory somebody lives, as the line of their address says it: one of the
//! nine Municipi of Milan, or the Comune.
//!
//! Nobody is asked twice: the address is kept in one line, and what stands at its end is read. An
//! address in Milan that does not name a Municipio is Milan's. **Deliberately absent**: guessing a
//! Municipio from street or postcode, which cross their borders.

use std::fmt;
use std::sync::Arc;

/// Municipi of Milan.
const MUNICIPI: u8 = 9;

/// Longest name of a Comune in Italy has 34 letters; a longer text is no Comune.
const NAME_CHARS_MAX: usize = 40;

const MILAN: &str = "Milano";

/// A Municipio of Milan, or a Comune, as people name it: `Municipio 3`, `Sesto San Giovanni`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(Arc<str>);

impl Place {
    /// The place of an address in one line, such as `via Larga 1, 20122 Milano, Municipio 1` or
    /// `via Roma 2, 20099 Sesto San Giovanni (MI)`; none when it names no Comune.
    #[must_use]
    pub fn of_address(line: &str) -> Option<Self> {
        let mut parts = line.rsplit([',', ';']).map(str::trim);
        let last = parts.next()?;
        let Some(municipio) = municipio(last) else {
            // What stands alone is a street.
            parts.next()?;
            return comune(last).map(|name| Self(name.into()));
        };
        // Other cities have Municipi too.
        let comune = comune(parts.next()?)?;
        let is_milan = comune.eq_ignore_ascii_case(MILAN);
        Some(Self(
            match is_milan && (1..=MUNICIPI).contains(&municipio) {
                true => format!("Municipio {municipio}").into(),
                false => comune.into(),
            },
        ))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn municipio(part: &str) -> Option<u8> {
    let (name, number) = part.rsplit_once(' ')?;
    let is_one = name.trim().eq_ignore_ascii_case("municipio");
    number.parse().ok().filter(|_| is_one)
}

/// The name of a Comune, without its postcode and province: `20099 Sesto San Giovanni (MI)`.
fn comune(part: &str) -> Option<String> {
    let is_postcode = |word: &str| word.len() == 5 && word.bytes().all(|it| it.is_ascii_digit());
    let is_province = |word: &str| word.starts_with('(') && word.ends_with(')');
    let words = part.split_whitespace();
    let words: Vec<&str> = words
        .filter(|word| !is_postcode(word) && !is_province(word))
        .collect();
    let name = words.join(" ");
    let is_of_a_name = |c: char| c.is_alphabetic() || " '’-.".contains(c);
    // A stair or a doorbell is written small.
    let is_name = name.starts_with(char::is_uppercase)
        && name.chars().count() <= NAME_CHARS_MAX
        && name.chars().all(is_of_a_name);
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_the_end_of_an_address_and_never_guessed() {
        let table = [
            (
                "via Larga 1, 20122 Milano, Municipio 1",
                Some("Municipio 1"),
            ),
            ("via Larga 1, Milano, municipio 9", Some("Municipio 9")),
            ("via Larga 1, 20122 Milano, Municipio 10", Some("Milano")),
            ("via Larga 1, Milano", Some("Milano")),
            (
                "via Roma 2; 20099 Sesto San Giovanni (MI)",
                Some("Sesto San Giovanni"),
            ),
            ("corso Italia 3, 16121 Genova, Municipio 1", Some("Genova")),
            (
                "via delle Prove 4, scala B, Cassina de’ Pecchi",
                Some("Cassina de’ Pecchi"),
            ),
            ("via Larga 1", None),
            ("via Larga 1, scala 2", None),
            ("via Larga 1, scala B", None),
            ("", None),
        ];
        for (address, place) in table {
            let read = Place::of_address(address);
            assert_eq!(read.as_ref().map(Place::as_str), place, "{address}");
        }
    }
}
