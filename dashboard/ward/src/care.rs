//! Where the alert of a flag stands, in words: who has it and until when, or who is called next.

use veglia_diary::ladder::{Doctor, Ladder};
use veglia_diary::{Alert, Callee, PageWhy, Paged};
use veglia_view::{FlagId, Severity, WallMs};

use crate::words;

/// An alert, with what the people of it are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Care {
    /// The alert.
    pub alert: Alert,
    /// Who has it, or keeps it quiet; empty for nobody.
    pub by: String,
}

impl Care {
    /// The signature of whoever has an alert or keeps it quiet.
    pub(crate) fn signature(alert: &Alert) -> Option<&str> {
        let hold = alert.state.hold.as_ref().map(|hold| hold.by.as_str());
        hold.or(alert.state.snooze.as_ref().map(|snooze| snooze.by.as_str()))
    }

    /// Whether somebody sees to it.
    pub(crate) fn is_attended(&self) -> bool {
        self.alert.state.hold.is_some() || self.alert.state.snooze.is_some()
    }

    /// Who has it, or who is called next and when; none while nobody is to be called.
    pub(crate) fn says(&self, now: WallMs) -> Option<String> {
        let state = &self.alert.state;
        if let Some(hold) = &state.hold {
            let since = words::since_time(hold.since, now);
            let until = words::until_time(hold.until, now);
            return Some(format!("In carico a {} {since}, {until}", self.by));
        }
        if let Some(snooze) = &state.snooze {
            let until = words::until_time(snooze.until, now);
            return Some(format!("Sospesa da {} {until}", self.by));
        }
        if state.is_away() && state.is_confirmed {
            let place = words::whereabouts(state.whereabouts);
            return Some(format!(
                "{place}: nessuno viene chiamato finché non torna a casa"
            ));
        }
        let (callee, at) = state.next_call(Ladder::of(&state.calling))?;
        let (callee, at) = (capital(callee_name(callee)), words::at_time(at, now));
        Some(format!("{callee} {at} se nessuno prende in carico"))
    }

    /// What follows when the charge or the snooze ends.
    pub(crate) fn afterwards(&self, now: WallMs) -> Option<String> {
        if !self.is_attended() {
            return None;
        }
        let state = &self.alert.state;
        let (callee, at) = state.next_call(Ladder::of(&state.calling))?;
        let (callee, at) = (callee_name(callee), words::at_time(at, now));
        Some(format!("Se non si conclude prima: {callee} di nuovo {at}"))
    }

    /// Where the family doctor stands.
    pub(crate) fn family_doctor(&self, now: WallMs) -> Option<String> {
        match self.alert.state.doctor {
            Doctor::Unasked | Doctor::Done => None,
            Doctor::Due { at, why } => {
                let how = match why {
                    PageWhy::Digest => "nel riepilogo, ",
                    _ => "",
                };
                let at = words::at_time(at, now);
                Some(format!("Medico di famiglia: sarà informato {how}{at}"))
            }
            Doctor::Told { seen_by } => {
                let until = words::at_time(seen_by, now);
                Some(format!(
                    "Medico di famiglia: avvisato; se non ne prende visione, torna alla centrale \
                     {until}"
                ))
            }
        }
    }
}

/// The alert of a flag among those of its patient.
pub(crate) fn of<'a>(cares: &'a [Care], flag: &FlagId) -> Option<&'a Care> {
    cares.iter().find(|care| care.alert.covers(flag))
}

/// What the centre says to the patient about a flag.
pub(crate) fn to_say(severity: Severity, confirmed: bool, now: WallMs) -> Vec<&'static str> {
    match (severity, confirmed) {
        (Severity::Red, false) => {
            vec!["«Rimisuri subito; se le manca il fiato chiami il 112.»"]
        }
        (Severity::Red, true) => vec![
            "«Chiami il 112.»",
            "Se non risponde: due telefonate, poi la persona di contatto, poi chi ha le chiavi, \
             infine il 112.",
        ],
        (Severity::Amber, _) if Ladder::shipped().reaches_family_doctor(now) => {
            vec!["«Rimisuri entro un’ora.»"]
        }
        (Severity::Amber, _) => {
            vec!["«Rimisuri entro un’ora; se ha bisogno di un medico chiami il 116117.»"]
        }
        (Severity::Technical, _) => Vec::new(),
    }
}

/// A function of the centre or of the territory.
fn callee_name(callee: Callee) -> &'static str {
    match callee {
        Callee::Operator => "operatore",
        Callee::SecondOperator => "secondo operatore o responsabile di turno",
        Callee::Doctor => "medico di guardia",
        Callee::Mmg => "medico di famiglia",
        Callee::OutOfHours => "Continuità Assistenziale",
        Callee::Receiver => "chi l’ha ricevuto in consegna",
    }
}

/// That somebody was called, as a line of the diary.
pub(crate) fn paged(paged: &Paged, now: WallMs) -> String {
    let callee = callee_name(paged.page.callee);
    let said = match paged.page.why {
        PageWhy::New => format!("Avviso: {callee}"),
        PageWhy::Again => format!("Avviso ripetuto: {callee}"),
        PageWhy::Escalated => format!("Passaggio a: {callee}"),
        PageWhy::Informed => format!("Per conoscenza: {callee}"),
        PageWhy::Unseen => {
            format!("Il medico di famiglia non ha preso visione: torna a {callee}")
        }
        PageWhy::ChargeLapsed => format!("Presa in carico scaduta: di nuovo {callee}"),
        PageWhy::ChannelFailed => format!("Avviso non recapitato: {callee}"),
        PageWhy::Digest => format!("Nel riepilogo: {callee}"),
    };
    let mut said = vec![said];
    if paged.late_ms >= words::MINUTE_MS {
        said.push(format!("con {} di ritardo", words::span(paged.late_ms)));
    }
    said.extend(
        paged
            .seen
            .map(|at| format!("visto {}", words::at_time(at, now))),
    );
    said.extend(
        paged
            .failed
            .map(|at| format!("non recapitato, {}", words::at_time(at, now))),
    );
    said.extend(paged.recalled.map(|at| {
        let at = words::at_time(at, now);
        format!("ritirato {at}, paziente non a casa")
    }));
    said.join("; ")
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
