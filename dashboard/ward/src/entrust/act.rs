//! What the forms of the page write: the relation with its entry in the access log, then the note
//! in the diary.

use veglia_diary::write_note;
use veglia_people::care::{self, EntrustError, Holder, WHY_CHARS_MAX};
use veglia_people::mmg::{self, MmgError};
use veglia_people::{MmgId, PersonId, Unit};
use veglia_view::{PatientId, WallMs};
use veglia_words::Key;

use super::{CareForm, CareOutcome, CarePage, in_the_diary, may_write, moment_of};
use crate::patient::PageError;
use crate::plan::PlanDesk;
use crate::{access, book};

/// Whether a form was done: what the diary says of it, or what is wrong.
type Done = Result<String, Key>;

/// Does what a form of the page asks, in the name of whoever sent it.
///
/// # Errors
/// See [`PageError`]. Of a diary that does not answer the relation is written all the same, and is
/// in the access log.
pub async fn entrust(
    desk: PlanDesk<'_>,
    patient: PatientId,
    form: &CareForm,
) -> Result<CareOutcome, PageError> {
    if !may_write(desk.role) {
        return Ok(CareOutcome::NotAllowed);
    }
    let Some(page) = CarePage::load(desk, patient).await? else {
        return Ok(CareOutcome::Unknown);
    };
    let Some(person) = book::person_of(patient) else {
        return Ok(CareOutcome::Unknown);
    };
    let words: Vec<&str> = form.why.split_whitespace().collect();
    let why = words.join(" ");
    if why.is_empty() || why.chars().count() > WHY_CHARS_MAX || why.contains(char::is_control) {
        return Ok(CareOutcome::Faulty(
            page.refusing(Key("entrust-fault-why"), form),
        ));
    }
    let done = match form.act.as_str() {
        "unit" => to_unit(desk, &page, person, form, &why).await?,
        "out-of-hours" => out_of_hours(desk, person, form, &why).await?,
        "doctor" => to_doctor(desk, &page, person, patient, form).await?,
        "release" => release(desk, &page, person, form).await?,
        _ => Err(Key("entrust-fault-form")),
    };
    match done {
        Ok(said) => {
            let note = format!("{said} Motivo: {why}");
            let written = write_note(desk.record, desk.actor, patient, None, &note, desk.now);
            written.await.map_err(PageError::Note)?;
            let is_centre = form.act == "release" && form.holder == Holder::Centre.to_string();
            Ok(match is_centre {
                true => CareOutcome::Released,
                false => CareOutcome::Written,
            })
        }
        Err(fault) => Ok(CareOutcome::Faulty(page.refusing(fault, form))),
    }
}

async fn to_unit(
    desk: PlanDesk<'_>,
    page: &CarePage,
    person: PersonId,
    form: &CareForm,
    why: &str,
) -> Result<Done, PageError> {
    let Some(name) = page.units.iter().find(|unit| **unit == form.unit) else {
        return Ok(Err(Key("entrust-fault-unit")));
    };
    let Ok(unit) = name.parse::<Unit>() else {
        return Ok(Err(Key("entrust-fault-unit")));
    };
    let until = match form.until.trim() {
        "" => None,
        until => match moment_of(until).filter(|until| *until > desk.now) {
            Some(until) => Some(until),
            None => return Ok(Err(Key("entrust-fault-until"))),
        },
    };
    let holder = Holder::Unit(unit);
    if page.now.iter().any(|it| it.holder == holder.to_string()) {
        return Ok(Err(Key("entrust-fault-already")));
    }
    let given = give(desk, person, &holder, until, why).await?;
    let until = until.map_or_else(String::new, |it| format!(", fino al {}", in_the_diary(it)));
    Ok(given.map(|()| format!("Affidato al reparto {name}{until}.")))
}

async fn out_of_hours(
    desk: PlanDesk<'_>,
    person: PersonId,
    form: &CareForm,
    why: &str,
) -> Result<Done, PageError> {
    let until = moment_of(&form.until).filter(|until| *until > desk.now);
    let Some(until) = until else {
        return Ok(Err(Key("entrust-fault-until")));
    };
    let given = give(desk, person, &Holder::OutOfHours, Some(until), why).await?;
    let until = in_the_diary(until);
    Ok(given.map(|()| format!("Passato alla Continuità Assistenziale fino al {until}.")))
}

async fn give(
    desk: PlanDesk<'_>,
    person: PersonId,
    holder: &Holder,
    until: Option<WallMs>,
    why: &str,
) -> Result<Result<(), Key>, PageError> {
    let (record, actor, now) = (desk.record, desk.actor, desk.now);
    match care::entrust(record, actor, person, holder, (now, until), why).await {
        Ok(()) => Ok(Ok(())),
        Err(EntrustError::Backwards | EntrustError::Endless) => Ok(Err(Key("entrust-fault-until"))),
        Err(EntrustError::Why) => Ok(Err(Key("entrust-fault-why"))),
        Err(EntrustError::Unknown(_)) => Ok(Err(Key("entrust-fault-form"))),
        Err(EntrustError::Store(fault)) => Err(PageError::Access(fault)),
    }
}

async fn to_doctor(
    desk: PlanDesk<'_>,
    page: &CarePage,
    person: PersonId,
    patient: PatientId,
    form: &CareForm,
) -> Result<Done, PageError> {
    let chosen = page
        .doctors
        .iter()
        .find(|(id, _)| id.to_string() == form.doctor);
    let (Some((_, name)), Ok(id)) = (chosen, form.doctor.parse::<MmgId>()) else {
        return Ok(Err(Key("entrust-fault-doctor")));
    };
    // The book of family doctors is not the one of relations: its entry stands here.
    let entered = access::opens_care(desk.record, desk.actor, patient, desk.now).await;
    entered.map_err(PageError::Access)?;
    match mmg::assign(desk.record, desk.actor, person, id, desk.now).await {
        Ok(()) => Ok(Ok(format!("Medico di famiglia da adesso: {name}."))),
        Err(MmgError::Store(fault)) => Err(PageError::Access(fault)),
        Err(_) => Ok(Err(Key("entrust-fault-doctor"))),
    }
}

async fn release(
    desk: PlanDesk<'_>,
    page: &CarePage,
    person: PersonId,
    form: &CareForm,
) -> Result<Done, PageError> {
    let Ok(holder) = form.holder.parse::<Holder>() else {
        return Ok(Err(Key("entrust-fault-form")));
    };
    if holder == Holder::Centre && !page.held.is_empty() {
        return Ok(Err(Key("entrust-fault-held")));
    }
    let ended = care::release(desk.record, desk.actor, person, &holder, desk.now).await;
    if ended.map_err(PageError::Access)? == 0 {
        return Ok(Err(Key("entrust-fault-over")));
    }
    let whom = match &holder {
        Holder::Centre => "La Centrale non lo segue più.".to_owned(),
        Holder::Unit(unit) => format!("Non è più affidato al reparto {unit}."),
        Holder::OutOfHours => "Non è più affidato alla Continuità Assistenziale.".to_owned(),
    };
    Ok(Ok(whom))
}
