//! What became of a report, for the centre and for whoever made it.
//!
//! A doctor is told whether the centre has read it, by the access log; and that somebody is in
//! telemonitoring only where the care relation lets them know. The centre is told whom it follows.

use std::collections::{HashMap, HashSet};

use veglia_people::care;
use veglia_people::roll::{self, Enrolled};
use veglia_people::staff::Role;
use veglia_people::{CodiceFiscale, PersonId, patients};
use veglia_store::Asked;
use veglia_view::{PatientId, WallMs};
use veglia_words::Key;

use super::{READ_BY_THE_CENTRE, subject};
use crate::desk::{Desk, DoctorError, patient_of};
use crate::rows::report::Model;

/// What became of a report.
pub(super) struct Became {
    pub(super) words: String,
    /// Whose page the reader may open.
    pub(super) patient: Option<PatientId>,
}

/// What became of each, in the same order.
pub(super) async fn became(desk: Desk<'_>, rows: &[Model]) -> Result<Vec<Became>, DoctorError> {
    let (record, actor) = (desk.record, desk.who.actor());
    let mut people: Vec<Option<PersonId>> = Vec::with_capacity(rows.len());
    for row in rows {
        people.push(match row.codice_fiscale.parse::<CodiceFiscale>() {
            Ok(code) => {
                let number = patients::number_of(record, &actor, &code).await;
                number.map_err(DoctorError::People)?
            }
            Err(_) => None,
        });
    }
    let known: Vec<PersonId> = people.iter().copied().flatten().collect();
    let roll = roll::call(record, &actor, &known, desk.now).await;
    let roll = roll.map_err(DoctorError::People)?;
    if desk.who.role.is_of_the_centre() {
        let told = people
            .into_iter()
            .map(|person| for_the_centre(desk, person, &roll));
        return Ok(told.collect());
    }
    let theirs = match desk.who.role {
        Role::Mmg => care::patients_of(record, desk.who, desk.now).await,
        _ => Ok(Vec::new()),
    };
    let theirs = theirs.map_err(DoctorError::People)?;
    let theirs: HashSet<PersonId> = theirs.into_iter().collect();
    let mut told = Vec::with_capacity(rows.len());
    for (row, person) in rows.iter().zip(people) {
        let own = person.filter(|person| theirs.contains(person));
        told.push(for_the_doctor(desk, row, own, &roll).await?);
    }
    Ok(told)
}

fn is_followed(person: PersonId, roll: &HashMap<PersonId, Enrolled>) -> bool {
    roll.get(&person).is_some_and(|it| it.is_followed)
}

fn for_the_centre(
    desk: Desk<'_>,
    person: Option<PersonId>,
    roll: &HashMap<PersonId, Enrolled>,
) -> Became {
    let followed = person.filter(|person| is_followed(*person, roll));
    let key = match (person, followed) {
        (None, _) => Key("report-unknown"),
        (Some(_), None) => Key("report-not-followed"),
        (Some(_), Some(_)) => Key("report-followed"),
    };
    Became {
        words: desk.words().say(key).into_owned(),
        patient: followed.and_then(patient_of),
    }
}

async fn for_the_doctor(
    desk: Desk<'_>,
    row: &Model,
    own: Option<PersonId>,
    roll: &HashMap<PersonId, Enrolled>,
) -> Result<Became, DoctorError> {
    let w = desk.words();
    let mut words = match read_at(desk, row).await? {
        Some(at) => {
            let time = w.language.hour_of(at, desk.now);
            w.with("report-read", "time", time).to_string()
        }
        None => w.say("report-unread").into_owned(),
    };
    if own.is_some_and(|person| is_followed(person, roll)) {
        words.push(' ');
        words.push_str(&w.say("report-followed"));
    }
    Ok(Became {
        words,
        patient: own.and_then(patient_of),
    })
}

/// When somebody of the centre last read it.
async fn read_at(desk: Desk<'_>, row: &Model) -> Result<Option<WallMs>, DoctorError> {
    let subject = subject(row);
    let asked = Asked {
        subject: Some(&subject),
        purpose: Some(READ_BY_THE_CENTRE),
        ..Asked::default()
    };
    let read = desk.record.accesses(&desk.who.actor(), asked, 1).await;
    let read = read.map_err(DoctorError::Access)?;
    Ok(read.first().map(|it| WallMs(it.at_ms)))
}
