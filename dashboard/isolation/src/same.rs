//! Whether two records are of one person. Signing in never asks this: it compares codes exactly.
//!
//! *Omocodia* puts letters in place of digits when two people would have the same code: the same
//! person may then be on file under two codes, and two people under codes that differ only so. So
//! a code without its omocodia decides nothing alone: the names must agree too, however they are
//! spelled (accents, apostrophes, spaces, capitals).

use jiff::civil::Date;

use crate::code::PersonCode;

/// Letters that stand for 0 to 9.
const OMOCODIA: &str = "LMNPQRSTUV";

/// Places of digits in a *Codice Fiscale*, from 0.
const DIGITS: [usize; 7] = [6, 7, 9, 10, 12, 13, 14];

/// What is known of somebody, as a laboratory or a cohabitant writes it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Likeness {
    pub(crate) code: Option<PersonCode>,
    pub(crate) surname: String,
    pub(crate) name: String,
    pub(crate) born: Option<Date>,
}

/// Whether two are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Same {
    /// Nothing speaks for it.
    No,
    /// A person must look.
    Perhaps,
    /// The same code, or the same but for omocodia and the same names.
    Yes,
}

impl Likeness {
    /// Whether `other` is this person.
    pub(crate) fn is(&self, other: &Self) -> Same {
        let names = spelled(&self.surname) == spelled(&other.surname)
            && spelled(&self.name) == spelled(&other.name);
        let names = names && !spelled(&self.surname).is_empty();
        let births = self.born.zip(other.born).map(|(one, two)| one == two);
        match (&self.code, &other.code) {
            (Some(one), Some(two)) if one == two => Same::Yes,
            (Some(one), Some(two)) if plain(one) == plain(two) => {
                match names && births != Some(false) {
                    true => Same::Yes,
                    false => Same::Perhaps,
                }
            }
            // Of two codes that are not alike one may be mistyped; of no code names must do.
            _ if names && births == Some(true) => Same::Perhaps,
            _ => Same::No,
        }
    }
}

/// A code without omocodia and without its check letter: what it was made of.
pub(crate) fn plain(code: &PersonCode) -> String {
    let PersonCode::CodiceFiscale(code) = code else {
        return code.as_str().to_owned();
    };
    let letters = code.as_str().char_indices().take(15);
    let digit = |letter| OMOCODIA.chars().zip('0'..='9').find(|it| it.0 == letter);
    letters
        .map(|(place, letter)| match digit(letter) {
            Some((_, digit)) if DIGITS.contains(&place) => digit,
            _ => letter,
        })
        .collect()
}

/// A name as it sounds: small letters without accents, apostrophes and spaces.
pub(crate) fn spelled(name: &str) -> String {
    let folded = name.chars().flat_map(char::to_lowercase).map(|c| match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' | 'ć' | 'č' => 'c',
        'ñ' => 'n',
        'š' | 'ś' => 's',
        'ž' | 'ź' | 'ż' => 'z',
        c => c,
    });
    folded.filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One made-up person, then the same with one more digit replaced at each step.
    const LADDER: [&str; 8] = [
        "CCCFBA85D03L219P",
        "CCCFBA85D03L21VE",
        "CCCFBA85D03L2MVP",
        "CCCFBA85D03LNMVE",
        "CCCFBA85D0PLNMVA",
        "CCCFBA85DLPLNMVL",
        "CCCFBA8RDLPLNMVX",
        "CCCFBAURDLPLNMVU",
    ];

    fn of(code: &str, surname: &str, name: &str) -> Likeness {
        Likeness {
            code: code.parse().ok(),
            surname: surname.to_owned(),
            name: name.to_owned(),
            born: None,
        }
    }

    #[test]
    fn every_step_of_omocodia_is_the_same_person_when_the_names_agree() {
        let first = of(LADDER[0], "D'Àngelo", "Fàbio Maria");
        for code in LADDER {
            assert_eq!(first.is(&of(code, "DANGELO", "fabio-maria")), Same::Yes);
        }
        assert_eq!(first.is(&of(LADDER[3], "Caccia", "Fabia")), Same::Perhaps);
        assert_eq!(
            first.is(&of("RSSMRA85M01H501Q", "D'Angelo", "Fabio Maria")),
            Same::No
        );
    }

    #[test]
    fn without_a_code_names_and_birthday_make_a_person_look() {
        let born = |day| Likeness {
            born: Some(jiff::civil::date(1985, 4, day)),
            ..of("", "Rossi", "Maria")
        };
        assert_eq!(born(3).is(&born(3)), Same::Perhaps);
        assert_eq!(born(3).is(&born(4)), Same::No);
        assert_eq!(
            of("", "Rossi", "Maria").is(&of("", "Rossi", "Maria")),
            Same::No
        );
        let nobody = of("", "", "");
        assert_eq!(nobody.is(&nobody), Same::No);
    }
}
