//! Who a patient is, as the top of their page says it, and since when they are watched.

use jiff::civil::Date;
use veglia_people::patients::{self, Person};
use veglia_store::{Actor, Database};
use veglia_view::{PatientId, WallMs};
use veglia_words::Words;

use crate::book;
use crate::patient::PageError;
use crate::words;

/// The facts of the banner. `phone` is a number that a telephone dials.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) code: String,
    /// Birth and age, when the tax code leaves no doubt.
    pub(crate) born: Option<String>,
    pub(crate) phone: String,
    pub(crate) address: String,
}

impl Identity {
    pub(crate) fn new(w: Words, person: &Person, now: WallMs) -> Self {
        let details = &person.details;
        let code = details.codice_fiscale.as_str();
        Self {
            code: code.to_owned(),
            born: born(code, now).and_then(|day| said(w, day, now)),
            phone: details.phone.as_str().to_owned(),
            address: details.address.clone(),
        }
    }
}

/// Surname first, as the centre calls people.
pub(crate) fn full_name(person: &Person) -> String {
    format!("{} {}", person.details.surname, person.details.name)
}

/// Somebody on file, by their number as a patient.
pub(crate) async fn known(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Option<Person>, PageError> {
    match book::person_of(patient) {
        Some(person) => patients::get(record, actor, person)
            .await
            .map_err(PageError::Person),
        None => Ok(None),
    }
}

/// `01/08/1985 (35 anni)`.
fn said(w: Words, born: Date, now: WallMs) -> Option<String> {
    let today = words::day(now)?;
    let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
    let years = today.year() - born.year() - i16::from(!had_birthday);
    let years = w.with("identity-years", "n", i32::from(years));
    Some(format!("{} ({years})", w.language.date(born)))
}

/// The day of birth in a tax code. It holds two digits of the year; a year that could be of either
/// century is not guessed.
fn born(code: &str, now: WallMs) -> Option<Date> {
    /// What stands for each digit when two people would have the same code.
    const STAND_INS: &str = "LMNPQRSTUV";
    /// The letter of each month.
    const MONTHS: &str = "ABCDEHLMPRST";
    let digit = |letter: char| {
        let place = STAND_INS.find(letter);
        let stands_for = place.and_then(|place| i8::try_from(place).ok());
        let digit = letter.to_digit(10);
        let digit = digit.and_then(|digit| i8::try_from(digit).ok());
        digit.or(stands_for)
    };
    let mut letters = code.chars().skip(6);
    let number = |letters: &mut dyn Iterator<Item = char>| {
        Some(digit(letters.next()?)? * 10 + digit(letters.next()?)?)
    };
    let year = i16::from(number(&mut letters)?);
    let month = MONTHS.find(letters.next()?)?;
    // Women have forty added to their day.
    let day = number(&mut letters)? % 40;
    let this_year = words::day(now)?.year();
    let year = (2_000 + year > this_year).then_some(1_900 + year)?;
    Date::new(year, i8::try_from(month + 1).ok()?, day).ok()
}

/// For how long a patient has been watched, and isolated: a sentence each.
pub(crate) fn days(
    w: Words,
    watched_from: Option<WallMs>,
    isolated_since: Option<Date>,
    now: WallMs,
) -> Vec<String> {
    let Some(today) = words::day(now) else {
        return Vec::new();
    };
    let apart = |from: Date| today.since(from).map_or(0, |span| span.get_days());
    let watched = watched_from.and_then(words::day).map(apart);
    let watched = watched.filter(|days| *days >= 0);
    let isolated = isolated_since.map(|from| (from, apart(from)));
    let isolated = isolated.filter(|(_, days)| *days >= 0);
    let watched = watched.map(|days| w.with("identity-watched", "day", days + 1));
    let isolated = isolated.map(|(from, days)| {
        let since = words::midnight(from).unwrap_or(now);
        let said = w.with("identity-isolated", "n", days);
        said.and("since", w.language.day_of_year(since))
    });
    let said = watched.into_iter().chain(isolated);
    said.map(|it| it.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use veglia_words::Language;

    use super::*;

    const IT: Words = crate::WORDS.speaking(Language::It);

    /// November 2020.
    const NOW: WallMs = WallMs(1_605_964_320_000);

    #[test]
    fn a_day_of_birth_is_read_only_when_it_is_certain() {
        let table = [
            ("RSSMRA85M01H501Q", Some("01/08/1985 (35 anni)")),
            ("RSSMRAURM01H501Q", Some("01/08/1985 (35 anni)")),
            // A woman, and her birthday is to come.
            ("RSSMRA85T62H501Q", Some("22/12/1985 (34 anni)")),
            ("RSSMRA21M01H501Q", Some("01/08/1921 (99 anni)")),
            ("RSSMRA20M01H501Q", None),
            ("RSSMRA05M01H501Q", None),
            ("RSSMRA85M31H501Q", Some("31/08/1985 (35 anni)")),
            ("RSSMRA85B31H501Q", None),
            ("RSS", None),
        ];
        for (code, told) in table {
            let born = born(code, NOW).and_then(|day| said(IT, day, NOW));
            assert_eq!(born.as_deref(), told, "{code}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar_in_rome() {
        // 20 October, half past midnight in Rome, the 19th in Greenwich; then clocks went back.
        let from = WallMs(1_603_146_600_000);
        let later = WallMs(1_604_012_400_000); // 30 October
        let isolated = "2020-10-20".parse().ok();
        let told = [
            "Giorno 11 di monitoraggio",
            "In isolamento dal 20/10: 10 giorni compiuti",
        ];
        assert_eq!(days(IT, Some(from), isolated, later), told);
        assert_eq!(days(IT, None, None, later), Vec::<String>::new());
        assert_eq!(days(IT, Some(later), None, from), Vec::<String>::new());
    }
}
