//! Patients who were taken to hospital: from what is written of where they are.

use veglia_diary::Stood;
use veglia_view::{PatientId, WallMs, Whereabouts};
use veglia_words::Words;

use crate::desk::{Desk, Own};
use crate::found::LOOK_BACK_MS;
use crate::rows::act;
use crate::say;

/// A patient was taken to hospital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) patient: PatientId,
    /// Of the row that says so, within the patient.
    pub(crate) number: i64,
    pub(crate) from: WallMs,
    pub(crate) why: String,
    /// When it was written.
    pub(crate) at: WallMs,
    /// Where they went then, and from when.
    pub(crate) next: Option<(Whereabouts, WallMs)>,
}

impl Admission {
    /// By what an answer to it is known.
    pub(crate) fn name(&self) -> String {
        name_of(self.number)
    }
}

/// By what an answer to an admission of this number is known.
pub(crate) fn name_of(number: i64) -> String {
    format!("admission-{number}")
}

/// The admissions of a patient, by all that is written, which stands newest first. Who is in
/// hospital and is written there once more was admitted once.
pub(crate) fn admissions(written: &[Stood]) -> Vec<Admission> {
    let is_in = |stood: &Stood| stood.standing.whereabouts == Whereabouts::InHospital;
    let mut found: Vec<Admission> = Vec::new();
    let mut was_in = false;
    for stood in written.iter().rev() {
        let standing = stood.standing;
        if is_in(stood) && !was_in {
            found.push(Admission {
                patient: standing.patient,
                number: standing.number,
                from: standing.from,
                why: stood.why.clone(),
                at: stood.at,
                next: None,
            });
        } else if !is_in(stood)
            && let Some(last) = found.last_mut()
        {
            last.next
                .get_or_insert((standing.whereabouts, standing.from));
        }
        was_in = is_in(stood);
    }
    found
}

/// The newest admission that the reader has not seen, if it is of late or lasts.
pub(crate) fn unseen(written: &[Stood], answered: &[act::Model], now: WallMs) -> Option<Admission> {
    let newest = admissions(written).pop()?;
    let is_late = now.since(newest.at) < LOOK_BACK_MS;
    let (patient, name) = (newest.patient.to_string(), newest.name());
    let is_seen = answered
        .iter()
        .any(|it| it.patient == patient && it.flag == name);
    Some(newest).filter(|it| !is_seen && (is_late || it.next.is_none()))
}

/// An admission on the page.
pub(crate) struct AdmissionView {
    pub(crate) number: i64,
    pub(crate) patient: String,
    pub(crate) name: String,
    pub(crate) in_place_of: Option<String>,
    pub(crate) since: String,
    pub(crate) age: String,
    pub(crate) why: String,
    /// Where they went then.
    pub(crate) next: Option<String>,
    pub(crate) typed: String,
}

impl AdmissionView {
    /// How its form names it, beside the patient of the address.
    pub(crate) fn is_of(&self, patient: PatientId, number: &str) -> bool {
        self.patient == patient.to_string() && self.number.to_string() == number
    }

    pub(crate) fn new(desk: Desk<'_>, own: &Own, admission: Admission) -> Self {
        let (words, now): (Words, WallMs) = (desk.words(), desk.now);
        let next = admission.next.map(|(place, from)| {
            let place = words.say(say::place(place));
            let said = words.with("admission-next", "place", place);
            said.and("time", words.language.hour_of(from, now))
                .to_string()
        });
        Self {
            number: admission.number,
            patient: own.patient.to_string(),
            name: own.name.clone(),
            in_place_of: own.in_place_of.clone(),
            since: words.language.hour_of(admission.from, now),
            age: say::span(words, now.since(admission.from)),
            why: admission.why,
            next,
            typed: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use veglia_view::PatientStanding;

    use super::*;

    fn stood(number: i64, whereabouts: Whereabouts) -> Stood {
        Stood {
            standing: PatientStanding {
                patient: PatientId::new(7),
                number,
                from: WallMs(number * 1_000),
                whereabouts,
            },
            why: format!("riga {number}"),
            by: "staff:1".to_owned(),
            at: WallMs(number * 1_000),
        }
    }

    /// The numbers of admissions, and whether each is over; `places` from the oldest on.
    fn told(places: &[Whereabouts]) -> Vec<(i64, bool)> {
        let written = places.iter().zip(1..);
        let mut written: Vec<Stood> = written
            .map(|(place, number)| stood(number, *place))
            .collect();
        written.reverse();
        let all = admissions(&written).into_iter();
        all.map(|it| (it.number, it.next.is_some())).collect()
    }

    #[test]
    fn one_stay_in_hospital_is_one_admission_however_often_it_is_written() {
        use Whereabouts::{AtHome, Discharged, InHospital};
        assert_eq!(told(&[]), []);
        assert_eq!(told(&[AtHome]), []);
        assert_eq!(told(&[InHospital]), [(1, false)]);
        assert_eq!(told(&[InHospital, InHospital]), [(1, false)]);
        assert_eq!(
            told(&[InHospital, AtHome, InHospital]),
            [(1, true), (3, false)]
        );
        assert_eq!(told(&[AtHome, InHospital, Discharged, AtHome]), [(2, true)]);
    }

    #[test]
    fn what_was_seen_is_not_shown_and_what_lasts_is_shown_however_old() {
        let now = WallMs(2 * LOOK_BACK_MS);
        let lasts = [stood(1, Whereabouts::InHospital)];
        assert!(unseen(&lasts, &[], now).is_some());
        let over = [
            stood(2, Whereabouts::AtHome),
            stood(1, Whereabouts::InHospital),
        ];
        assert!(unseen(&over, &[], now).is_none());
        assert!(unseen(&over, &[], WallMs(LOOK_BACK_MS)).is_some());
        let answer = act::Model {
            id: 1,
            once: String::new(),
            patient: PatientId::new(7).to_string(),
            flag: "admission-1".to_owned(),
            act: "seen".to_owned(),
            actor: "staff:1".to_owned(),
            telling: 0,
            at_ms: 0,
        };
        assert!(unseen(&lasts, &[answer], now).is_none());
    }
}
