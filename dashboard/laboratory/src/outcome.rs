//! What was looked for, what was found, and how final that is: the words of laboratories.
//!
//! A finding comes as a code of LOINC or SNOMED CT, as a flag, or as Italian words, and mostly as
//! more than one of these at once. All that are known must agree; of two that do not, neither is
//! believed, and a person looks at it.

/// A test for SARS-CoV-2 whose finding is about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Test(&'static str);

/// LOINC codes (loinc.org, SARS-CoV-2 in vitro diagnostic), and the words of sheets. Genes by
/// themselves, antibodies and cycle numbers are not here: they are details of a finding.
const TESTS: &[(&str, &[&str])] = &[
    // RNA by amplification: respiratory specimen, any specimen, nasopharynx, nose, saliva
    (
        "molecolare",
        &[
            "94500-6",
            "94309-2",
            "94759-8",
            "94565-9",
            "95406-5",
            "94845-5",
            "95608-6",
            "94531-1",
            "MOLECOLARE",
            "TAMPONE MOLECOLARE",
            "RT-PCR",
            "PCR",
        ],
    ),
    // Antigen: rapid, in upper respiratory tract; by immunoassay in respiratory specimen
    (
        "antigenico",
        &[
            "94558-4",
            "97097-0",
            "95209-3",
            "96119-3",
            "ANTIGENICO",
            "TAMPONE ANTIGENICO",
            "ANTIGENE",
            "TEST ANTIGENICO RAPIDO",
        ],
    ),
];

impl Test {
    /// The test that these words and codes name.
    pub(crate) fn of(words: &[&str]) -> Option<Self> {
        agreed(words, TESTS).map(Self)
    }

    /// The word stored, which is Italian because laboratories' sheets have it.
    pub(crate) fn code(self) -> &'static str {
        self.0
    }

    /// Whether it looks for a protein of the virus, and not for its RNA.
    pub(crate) fn is_antigenic(self) -> bool {
        self.0 == "antigenico"
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// The virus.
    Positive,
    /// No virus.
    Negative,
    /// Neither the one nor the other.
    Indeterminate,
    /// Nothing that can be used: the swab is to be taken again.
    Repeat,
    /// Nothing, because it was not analysed.
    None,
}

/// What one letter or a dash means, no laboratory has agreed upon: `ND` is "not detected" to one
/// and "not available" to another. They are words of nobody here, and a person looks.
const OUTCOMES: &[(&str, &[&str])] = &[
    (
        "positivo",
        &[
            "POSITIVO",
            "POSITIVA",
            "POSITIVE",
            "POS",
            "RILEVATO",
            "RILEVATA",
            "DETECTED",
            "DET",
            "PRESENTE",
            "DEBOLMENTE POSITIVO",
            "LA6576-8",
            "LA11882-0",
            "10828004",
            "260373001",
            "1240581000000104",
        ],
    ),
    (
        "negativo",
        &[
            "NEGATIVO",
            "NEGATIVA",
            "NEGATIVE",
            "NEG",
            "NON RILEVATO",
            "NON RILEVATA",
            "NOT DETECTED",
            "ASSENTE",
            "LA6577-6",
            "LA11883-8",
            "260385009",
            "260415000",
            "1240591000000102",
        ],
    ),
    (
        "indeterminato",
        &[
            "INDETERMINATO",
            "INDETERMINATA",
            "INDETERMINATE",
            "IND",
            "DUBBIO",
            "DUBBIA",
            "INCONCLUSIVE",
            "INCONCLUSIVO",
            "BORDERLINE",
            "LA11884-6",
            "LA9663-1",
            "82334004",
            "419984006",
        ],
    ),
    (
        "da ripetere",
        &[
            "DA RIPETERE",
            "RIPETERE",
            "NON VALIDO",
            "NON IDONEO",
            "CAMPIONE NON IDONEO",
            "INVALID",
            "INVALIDO",
            "LA15841-2",
            "455371000124106",
            "125154007",
        ],
    ),
];

impl Outcome {
    /// What these words and codes say together.
    pub(crate) fn of(words: &[&str]) -> Option<Self> {
        Some(match agreed(words, OUTCOMES)? {
            "positivo" => Self::Positive,
            "negativo" => Self::Negative,
            "indeterminato" => Self::Indeterminate,
            _ => Self::Repeat,
        })
    }

    /// What a flag says (OBX-8, HL7 table 0078), where `ND` is "not detected"; `N` is "normal"
    /// there, and says nothing of a virus.
    pub(crate) fn of_flag(flag: &str) -> Option<Self> {
        match flag {
            "POS" | "DET" => Some(Self::Positive),
            "NEG" | "ND" => Some(Self::Negative),
            "IND" => Some(Self::Indeterminate),
            _ => None,
        }
    }

    /// The word stored, which is Italian because laboratories' sheets have it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Positive => "positivo",
            Self::Negative => "negativo",
            Self::Indeterminate => "indeterminato",
            Self::Repeat => "da ripetere",
            Self::None => "",
        }
    }
}

/// How final a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    /// More is to come: nothing is done about it.
    Preliminary,
    /// It is the result.
    Final,
    /// It is the result, in place of one that was wrong.
    Corrected,
    /// There is none, or what was said was not this person's.
    Cancelled,
}

/// HL7 table 0085, and the words of sheets; a sheet that says nothing means what is final.
const STATUS: &[(&str, &[&str])] = &[
    ("provvisorio", &["P", "R", "S", "I", "PROVVISORIO"]),
    ("definitivo", &["F", "U", "", "DEFINITIVO", "FINALE"]),
    ("corretto", &["C", "CORRETTO", "RETTIFICATO"]),
    ("annullato", &["X", "D", "W", "ANNULLATO"]),
];

impl Status {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match agreed_or_empty(word)? {
            "provvisorio" => Self::Preliminary,
            "definitivo" => Self::Final,
            "corretto" => Self::Corrected,
            _ => Self::Cancelled,
        })
    }

    /// The word stored.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Preliminary => "provvisorio",
            Self::Final => "definitivo",
            Self::Corrected => "corretto",
            Self::Cancelled => "annullato",
        }
    }
}

fn agreed_or_empty(word: &str) -> Option<&'static str> {
    let word = plain(word);
    meaning(&word, STATUS)
}

/// The meaning that all known words share; none where none is known, or two disagree.
fn agreed(words: &[&str], table: &'static [(&str, &[&str])]) -> Option<&'static str> {
    let known = words.iter().map(|it| plain(it)).filter(|it| !it.is_empty());
    let mut known = known.filter_map(|it| meaning(&it, table));
    let first = known.next()?;
    known.all(|it| it == first).then_some(first)
}

fn meaning(word: &str, table: &'static [(&str, &[&str])]) -> Option<&'static str> {
    let row = table
        .iter()
        .find(|(code, words)| words.contains(&word) || code.to_ascii_uppercase() == word);
    row.map(|(code, _)| *code)
}

/// In capitals, with single spaces and without the stop at the end.
fn plain(word: &str) -> String {
    let words: Vec<&str> = word.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_flag_and_words_are_read_and_must_agree() {
        assert_eq!(
            Outcome::of(&["10828004", "Positivo", "POS"]),
            Some(Outcome::Positive)
        );
        assert_eq!(
            Outcome::of(&["  non   rilevato. "]),
            Some(Outcome::Negative)
        );
        assert_eq!(
            Outcome::of(&["LABX7", "da ripetere"]),
            Some(Outcome::Repeat)
        );
        assert_eq!(Outcome::of(&["260385009", "Positivo"]), None);
        assert_eq!(Outcome::of(&["boh", ""]), None);
    }

    #[test]
    fn a_dash_and_short_letters_are_no_finding() {
        for word in ["-", "+", "ND", "n.d.", "N", "P"] {
            assert_eq!(Outcome::of(&[word]), None, "{word}");
        }
        assert_eq!(Outcome::of_flag("ND"), Some(Outcome::Negative));
        assert_eq!(Outcome::of_flag("N"), None);
    }

    #[test]
    fn every_word_stored_is_read_again_as_the_same() {
        for outcome in [
            Outcome::Positive,
            Outcome::Negative,
            Outcome::Indeterminate,
            Outcome::Repeat,
        ] {
            assert_eq!(Outcome::of(&[outcome.code()]), Some(outcome));
        }
        for status in [
            Status::Preliminary,
            Status::Final,
            Status::Corrected,
            Status::Cancelled,
        ] {
            assert_eq!(Status::of(status.code()), Some(status));
        }
        for (code, words) in TESTS {
            for word in words.iter().chain([code]) {
                assert_eq!(Test::of(&[word]).map(Test::code), Some(*code));
            }
        }
    }

    #[test]
    fn a_status_that_is_not_known_is_none() {
        assert_eq!(Status::of("F"), Some(Status::Final));
        assert_eq!(Status::of("c"), Some(Status::Corrected));
        assert_eq!(Status::of("Q"), None);
    }
}
