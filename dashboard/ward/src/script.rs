//! What to ask and say on the telephone about an alert, in order: who it is, what no sensor
//! measures, what to do, and what they need.
//!
//! The questions are those whose answers the rules know as red symptoms, and what the scores lack.
//! It is a page to read from; answers that count are entered where answers are.

use veglia_view::{About, Flag, Severity, VitalKind};

use crate::score::Score;

/// A line of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// What is read aloud, or done.
    pub(crate) text: String,
    /// What a yes means; empty where nothing follows.
    pub(crate) then: &'static str,
}

const SYMPTOMS: &str = "«Le manca il fiato anche da fermo? Riesce a finire una frase? Ha dolore \
    al petto? È svenuto? Si sente confuso? Ha le labbra blu? Tossisce sangue?»";

const WHO: &str =
    "«Buongiorno, Centrale Medica. Con chi parlo?» Verificare nome e data di nascita.";
const NEEDS: &str = "«Di che cosa ha bisogno?»";

fn line(text: &str) -> Question {
    Question {
        text: text.to_owned(),
        then: "",
    }
}

fn symptoms() -> Question {
    Question {
        text: SYMPTOMS.to_owned(),
        then: "Un solo sì: «Chiami il 112», oppure lo chiama la Centrale.",
    }
}

/// What the scores lack, a line each.
fn lacking(scores: &[Score]) -> impl Iterator<Item = Question> {
    let asked = scores.iter().map(|score| score.ask.as_str());
    asked.filter(|ask| !ask.is_empty()).map(line)
}

/// The script of a call that is about no flag.
pub(crate) fn plain(scores: &[Score]) -> Vec<Question> {
    let begin = [line(WHO), symptoms()].into_iter();
    begin.chain(lacking(scores)).chain([line(NEEDS)]).collect()
}

/// The script about a flag, with what is to be said of it and what the scores lack.
pub(crate) fn of(flag: &Flag, to_say: &[&str], scores: &[Score]) -> Vec<Question> {
    let is_clinical = flag.severity != Severity::Technical;
    let mut script = vec![line(WHO)];
    script.extend(is_clinical.then(symptoms));
    script.extend(check(flag).map(line));
    script.extend(lacking(scores));
    script.extend(to_say.iter().copied().map(line));
    script.push(line(NEEDS));
    script
}

/// What makes a measurement good, or a sensor speak again.
fn check(flag: &Flag) -> Option<&'static str> {
    if flag.severity == Severity::Technical {
        return Some(
            "«Il sensore è acceso? È sul dito? La scatola di Veglia ha la luce accesa e la spina \
             nella presa?»",
        );
    }
    match flag.about {
        About::Vital(VitalKind::SpO2 | VitalKind::Pulse) => Some(
            "«Si sieda, scaldi la mano, metta il sensore su un dito senza smalto e stia fermo un \
             minuto: che cosa legge?»",
        ),
        About::Vital(VitalKind::Temperature) => Some(
            "«Ha preso un antipiretico? Quando?» Chiedere di misurare di nuovo la temperatura.",
        ),
        _ => None,
    }
}
