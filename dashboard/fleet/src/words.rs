//! Times, spans and states of boxes in the Italian that a nurse or a technician reads.
//!
//! Times are those of Europe/Rome. Ages of what was measured or heard are of care time, as on
//! every other page; dates of certificates and codes are of wall time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use veglia_identity::UnixSeconds;
use veglia_view::{
    Charge, ClockState, Latest, Ordered, Outcome, PatientId, Quality, VitalKind, WallMs,
};
use veglia_wire::PortFault;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long: `meno di 1 min`, `2 min`, `3 h`, `2 giorni`.
pub(crate) fn span(ms: i64) -> String {
    match (ms / MINUTE_MS, ms / HOUR_MS, ms / DAY_MS) {
        (..1, ..) => "meno di 1 min".to_owned(),
        (minutes, ..1, _) => format!("{minutes} min"),
        (_, hours, ..1) => format!("{hours} h"),
        (.., 1) => "1 giorno".to_owned(),
        (.., days) => format!("{days} giorni"),
    }
}

/// How long ago: `adesso`, `2 min fa`.
pub(crate) fn ago(ms: i64) -> String {
    match ms {
        ms if ms < MINUTE_MS => "adesso".to_owned(),
        ms => format!("{} fa", span(ms)),
    }
}

fn written(at_ms: i64, format: &str) -> String {
    let zone = TimeZone::get("Europe/Rome").ok();
    let at = Timestamp::from_millisecond(at_ms).ok();
    match (at, zone) {
        (Some(at), Some(zone)) => at.to_zoned(zone).strftime(format).to_string(),
        _ => "ora sconosciuta".to_owned(),
    }
}

/// `21/11/2020 14:05`.
pub(crate) fn time(at: WallMs) -> String {
    written(at.0, "%d/%m/%Y %H:%M")
}

/// `14:05`, and the day where it is another.
pub(crate) fn time_of(at: WallMs, now: WallMs) -> String {
    let day = |at: WallMs| written(at.0, "%d/%m/%Y");
    if day(at) == day(now) {
        written(at.0, "%H:%M")
    } else {
        written(at.0, "%d/%m %H:%M")
    }
}

/// A moment as a form's field holds it: `2020-11-21T14:05`.
pub(crate) fn field(at: WallMs) -> String {
    written(at.0, "%Y-%m-%dT%H:%M")
}

/// What such a field holds, in Rome; of an hour that a clock shows twice, the first.
pub(crate) fn moment_of(field: &str) -> Option<WallMs> {
    let local: DateTime = field.trim().parse().ok()?;
    let at = local.to_zoned(TimeZone::get("Europe/Rome").ok()?).ok()?;
    Some(WallMs(at.timestamp().as_millisecond()))
}

/// `SpO₂ 93 %`, `temperatura 38,2 °C (incerta)`.
pub(crate) fn reading(vital: VitalKind, steps: i32, quality: Quality) -> String {
    let (name, unit, places) = match vital {
        VitalKind::SpO2 => ("SpO₂", " %", 0_usize),
        VitalKind::Pulse => ("polso", "/min", 0),
        VitalKind::Temperature => ("temperatura", " °C", 1),
        VitalKind::RespiratoryRate => ("respiri", "/min", 0),
        VitalKind::SystolicPressure => ("pressione massima", " mmHg", 0),
    };
    let value = f64::from(steps) / f64::from(vital.steps_per_unit());
    let value = format!("{value:.places$}").replace('.', ",");
    let doubt = if quality.is_clean() { "" } else { " (incerta)" };
    format!("{name} {value}{unit}{doubt}")
}

/// The latest values, one sentence.
pub(crate) fn readings(latest: &[Latest]) -> String {
    let said = latest
        .iter()
        .map(|it| reading(it.vital, it.steps, it.quality));
    said.collect::<Vec<_>>().join(", ")
}

/// What whoever is at home is told on the telephone when a device does not get through: one thing
/// to do, in the patient's words.
pub(crate) fn fault(fault: PortFault) -> &'static str {
    match fault {
        PortFault::BondLost => {
            "La scatola e il dispositivo non si riconoscono più: bisogna abbinarli di nuovo. Al \
             paziente: «Tenga il dispositivo vicino alla scatola e acceso, ci pensiamo noi»; poi \
             sulla scatola veglia gateway pair."
        }
        PortFault::HeldElsewhere => {
            "Il dispositivo è vicino ma occupato: quasi certamente lo tiene un telefono. Al \
             paziente: «Chiuda l’app dell’ossimetro sul telefono, o spenga il Bluetooth del \
             telefono, poi spenga e riaccenda il dispositivo»."
        }
        PortFault::RadioOff => {
            "Il Bluetooth della scatola è spento. Al paziente: «Stacchi la spina della scatola, \
             conti fino a dieci e la riattacchi». Se continua, serve un tecnico."
        }
        PortFault::NoRadio => {
            "La scatola non trova la sua antenna Bluetooth. Al paziente: «Controlli che la \
             chiavetta sia ben inserita nella scatola, poi stacchi e riattacchi la spina». Se \
             continua, cambiare la scatola."
        }
        PortFault::NotAllowed => {
            "Il programma della scatola non può usare il Bluetooth: serve un tecnico. Il paziente \
             non può farci nulla."
        }
        PortFault::NoService => {
            "Il Bluetooth della scatola si sta riavviando da sé: attendere cinque minuti. Al \
             paziente: «Non deve fare nulla»."
        }
        PortFault::Unsupported => {
            "Questo dispositivo parla una lingua che la scatola non conosce: va cambiato con uno \
             dell’elenco. Le sue misure si dettano al telefono."
        }
        PortFault::ListDamaged => {
            "La scatola non riesce più a leggere l’elenco dei suoi dispositivi: vanno abbinati di \
             nuovo. Il paziente non può farci nulla; sulla scatola veglia gateway pair dice quale \
             file spostare."
        }
        PortFault::TooMany => {
            "Vicino alla scatola ci sono più dispositivi di quanti ne può ascoltare: uno resta \
             fuori. Togliere dalla scatola quelli che il paziente non usa più."
        }
        PortFault::ClockWrong => {
            "L’orologio del dispositivo è sbagliato e la scatola non può regolarlo: le sue misure \
             arrivano senza un’ora sicura e nessuna regola le giudica. Al paziente: «Regoli data e \
             ora del dispositivo»; altrimenti va cambiato. Intanto le misure si dettano al \
             telefono."
        }
    }
}

/// `14:05:07`.
pub(crate) fn clock(at: WallMs) -> String {
    written(at.0, "%H:%M:%S")
}

/// `21/11/2020 14:05`, of a code or a revocation.
pub(crate) fn moment(at: UnixSeconds) -> String {
    written(at.0.saturating_mul(1_000), "%d/%m/%Y %H:%M")
}

/// `21/11/2020`, of a certificate.
pub(crate) fn date(at: UnixSeconds) -> String {
    written(at.0.saturating_mul(1_000), "%d/%m/%Y")
}

/// What a box knows of the time.
pub(crate) fn clock_state(state: ClockState) -> &'static str {
    match state {
        ClockState::Unknown => "non regolato: ore delle misure ignote",
        ClockState::Holdover => "ora propria, non confermata in rete",
        ClockState::Synchronised => "ora confermata in rete",
    }
}

/// What waits in a box.
pub(crate) fn waiting(count: u64, oldest_ms: Option<u64>) -> String {
    let since = match oldest_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)) {
        Some(ms) => format!(" da {}", span(ms)),
        None => String::new(),
    };
    match count {
        0 => "niente in attesa".to_owned(),
        1 => format!("1 lettura in attesa{since}"),
        count => format!("{count} letture in attesa{since}"),
    }
}

/// A device's battery.
pub(crate) fn battery(charge: Charge) -> String {
    match charge {
        Charge::Percent(percent) => format!("batteria {percent}\u{a0}%"),
        Charge::Low => "batteria scarica".to_owned(),
    }
}

/// What became of a question to a box.
pub(crate) fn ping(box_id: &str, answer: Ordered) -> String {
    match answer {
        Ordered::Answered(Outcome::Done) => {
            format!("{box_id} ha risposto: il collegamento funziona.")
        }
        Ordered::Answered(_) => format!("{box_id} ha risposto, ma non ha accettato la domanda."),
        unheard => unanswered(box_id, unheard),
    }
}

/// What became of a measurement that was asked for.
pub(crate) fn measure(box_id: &str, device: &str, answer: Ordered) -> String {
    match answer {
        Ordered::Answered(Outcome::Done) => format!(
            "Misura chiesta a {device}. Se il sensore è indossato, il valore arriva tra poco."
        ),
        Ordered::Answered(Outcome::NotSupported) => format!(
            "{device} non accetta richieste: misura da solo. Per una misura subito, telefonare."
        ),
        Ordered::Answered(Outcome::NotConnected) => format!(
            "{box_id} risponde, ma {device} non è collegato: far controllare cavo e accensione."
        ),
        Ordered::Answered(Outcome::Busy) => {
            format!("{box_id} ha altro da fare in questo momento: riprovare tra un minuto.")
        }
        Ordered::Answered(Outcome::OutOfRange) => {
            format!("{box_id} non ha capito la richiesta: aggiornare il suo programma.")
        }
        unheard => unanswered(box_id, unheard),
    }
}

fn unanswered(box_id: &str, answer: Ordered) -> String {
    match answer {
        Ordered::NotConnected | Ordered::Answered(_) => format!(
            "{box_id} non è collegato, o il suo programma è troppo vecchio: non può ricevere \
             domande."
        ),
        Ordered::Gone => format!(
            "Il collegamento con {box_id} è caduto prima della risposta: riprovare tra un minuto."
        ),
        Ordered::TooMany => {
            format!("Ci sono già troppe domande in attesa per {box_id}: aspettare un minuto.")
        }
        Ordered::NoAnswer => format!(
            "{box_id} non ha risposto entro 10 secondi: controllare la rete di casa, poi \
             riprovare."
        ),
    }
}

/// What a patient is called whom the register does not know; as on the ward.
pub(crate) fn nameless(patient: PatientId) -> String {
    let number = patient.to_string();
    let end = number.get(10..).unwrap_or_default();
    format!("Paziente non registrato …{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_said_with_its_age() {
        let table = [
            (0, None, "niente in attesa"),
            (1, Some(30_000), "1 lettura in attesa da meno di 1 min"),
            (32, Some(240_000), "32 letture in attesa da 4 min"),
            (7, None, "7 letture in attesa"),
            (
                9,
                Some(u64::MAX),
                "9 letture in attesa da 106751991167 giorni",
            ),
        ];
        for (count, oldest, words) in table {
            assert_eq!(waiting(count, oldest), words);
        }
    }

    #[test]
    fn every_answer_of_a_box_has_words_that_name_it() {
        let said = Outcome::ALL.into_iter().map(Ordered::Answered);
        let unheard = [
            Ordered::NotConnected,
            Ordered::Gone,
            Ordered::TooMany,
            Ordered::NoAnswer,
        ];
        for answer in said.chain(unheard) {
            assert!(ping("casa-1", answer).contains("casa-1"), "{answer:?}");
            let words = measure("casa-1", "nonin:1", answer);
            let named = words.contains("casa-1") || words.contains("nonin:1");
            assert!(named && words.ends_with('.'), "{words}");
        }
    }

    #[test]
    fn times_are_of_rome() {
        assert_eq!(time(WallMs(1_605_963_907_000)), "21/11/2020 14:05");
        assert_eq!(date(UnixSeconds(1_605_963_907)), "21/11/2020");
    }
}
