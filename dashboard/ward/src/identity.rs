//! Who a patient is, as the top of their page says it.

use veglia_people::patients::Person;
use veglia_view::WallMs;

use crate::words;

/// Surname first, as the centre calls people.
pub(crate) fn full_name(person: &Person) -> String {
    format!("{} {}", person.details.surname, person.details.name)
}

/// Each fact with what it is.
pub(crate) fn facts(person: &Person, now: WallMs) -> Vec<(&'static str, String)> {
    let details = &person.details;
    let code = details.codice_fiscale.as_str();
    let born = birth_year(code, now).map(|year| ("Anno di nascita", year.to_string()));
    let rest = [
        ("Codice fiscale", code.to_owned()),
        ("Telefono", details.phone.as_str().to_owned()),
        ("Indirizzo", details.address.clone()),
    ];
    born.into_iter().chain(rest).collect()
}

/// The year of birth in a tax code. It holds two digits; a year that could be of either century
/// is not guessed.
fn birth_year(code: &str, now: WallMs) -> Option<i16> {
    /// What stands for each digit when two people would have the same code.
    const STAND_INS: &str = "LMNPQRSTUV";
    let digit = |letter: char| {
        let stands_for = STAND_INS
            .find(letter)
            .and_then(|place| i16::try_from(place).ok());
        let digit = letter
            .to_digit(10)
            .and_then(|digit| i16::try_from(digit).ok());
        digit.or(stands_for)
    };
    let mut letters = code.chars().skip(6);
    let year = digit(letters.next()?)? * 10 + digit(letters.next()?)?;
    let this_year = words::day(now)?.year();
    (2_000 + year > this_year).then_some(1_900 + year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_birth_is_read_only_when_it_is_certain() {
        // November 2020.
        let now = WallMs(1_605_964_320_000);
        let table = [
            ("RSSMRA85M01H501Q", Some(1985)),
            ("RSSMRAURM01H501Q", Some(1985)),
            ("RSSMRA21M01H501Q", Some(1921)),
            ("RSSMRA20M01H501Q", None),
            ("RSSMRA05M01H501Q", None),
            ("RSS", None),
        ];
        for (code, year) in table {
            assert_eq!(birth_year(code, now), year, "{code}");
        }
    }
}
