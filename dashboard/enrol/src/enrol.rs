//! Writing who is put on file: everything, or nothing and why.

use thiserror::Error;
use veglia_diary::{AssignRefused, PlanRefused, Reasons, assign_device_in, write_plan_in};
use veglia_people::care::{self, Holder};
use veglia_people::mmg::{self, MmgError};
use veglia_people::patients::{self, Enrolment, ReadError, RegisterError};
use veglia_people::{Belongs, PersonId, Unit};
use veglia_store::{Tx, TxError};
use veglia_view::{PatientId, Plan};
use veglia_wire::DeviceId;
use veglia_words::Key;

use crate::consent::{self, ConsentError};
use crate::form::{Draft, EnrolForm, Fault};
use crate::page::{EnrolDesk, EnrolPage};
use crate::patient_of;

/// What became of a form.
pub enum EnrolOutcome {
    /// They are on file, and this is their number.
    Enrolled(PatientId),
    /// They were on file, and are entrusted to the unit of whoever asked as well.
    Joined(PatientId),
    /// Nothing was written: the form again, with what is wrong.
    Faulty(Box<EnrolPage>),
    /// Nothing was written: they are on file already; the page says what to do.
    Known(Box<EnrolPage>),
    /// This role puts nobody on file.
    NotAllowed,
}

/// Why a form could not be judged.
#[derive(Debug, Error)]
pub enum EnrolError {
    /// The database did not answer, or did not write.
    #[error("nobody was put on file")]
    Store(#[source] TxError),
    /// The system gave no random numbers.
    #[error("nobody was put on file")]
    Number(#[source] RegisterError),
    /// Who is on file could not be read.
    #[error("nobody was put on file")]
    Read(#[source] ReadError),
    /// What was agreed to could not be read.
    #[error("the page of consents was not made")]
    Consents(#[source] ConsentError),
}

/// Puts on file whom the form names, with all that it says.
///
/// # Errors
/// See [`EnrolError`]; nothing was written then.
pub async fn enrol(desk: EnrolDesk<'_>, form: &EnrolForm) -> Result<EnrolOutcome, EnrolError> {
    if !desk.may_enrol() {
        return Ok(EnrolOutcome::NotAllowed);
    }
    let draft = match form.read() {
        Ok(draft) => draft,
        Err(faults) => return again(desk, form, faults).await,
    };
    match write(desk, &draft).await {
        Ok(patient) => Ok(EnrolOutcome::Enrolled(patient)),
        Err(WriteError::Known(person)) => known(desk, form, &draft, person).await,
        Err(WriteError::Refused(fault)) => again(desk, form, vec![fault]).await,
        Err(WriteError::Number(fault)) => Err(EnrolError::Number(fault)),
        Err(WriteError::Store(fault)) => Err(EnrolError::Store(fault)),
    }
}

async fn again(
    desk: EnrolDesk<'_>,
    form: &EnrolForm,
    faults: Vec<Fault>,
) -> Result<EnrolOutcome, EnrolError> {
    let page = EnrolPage::typed(desk, form, faults).await;
    let page = page.map_err(EnrolError::Store)?;
    Ok(EnrolOutcome::Faulty(Box::new(page)))
}

enum WriteError {
    /// Somebody has this Codice Fiscale.
    Known(PersonId),
    /// A field that only the record can judge.
    Refused(Fault),
    Number(RegisterError),
    Store(TxError),
}

/// Which of the devices was refused; carried out of the transaction that it undoes.
#[derive(Debug, Error)]
#[error("a device was not handed over")]
struct NotHandedOver {
    device: DeviceId,
    #[source]
    source: AssignRefused,
}

async fn write(desk: EnrolDesk<'_>, draft: &Draft) -> Result<PatientId, WriteError> {
    let enrolment = Enrolment::new(&draft.person).map_err(WriteError::Number)?;
    let patient = patient_of(enrolment.id());
    let plan = patient.and_then(|it| Plan::template(draft.template, it, desk.now));
    let Some((patient, plan)) = patient.zip(plan) else {
        return Err(WriteError::Refused(("template", Key("fault-template"))));
    };
    let unit = unit_of(desk);
    let (enrolment, plan, unit, actor) = (&enrolment, &plan, unit.as_ref(), desk.who.actor());
    let written = desk.record.run_tx("enrol", &actor, move |tx| {
        Box::pin(async move {
            let on_file = enrolment.write(tx, desk.now).await?;
            on_file.map_err(TxError::refuse)?;
            let planned = write_plan_in(tx, plan, Reasons::default(), desk.now).await?;
            planned.map_err(TxError::refuse)?;
            beside(tx, desk, draft, enrolment, unit).await?;
            kit_and_consents(tx, desk, draft, enrolment.id(), patient).await
        })
    });
    let refused = match written.await {
        Ok(()) => return Ok(patient),
        Err(refused) => refused,
    };
    if let Some(RegisterError::Known(person)) = refused.refusal() {
        return Err(WriteError::Known(*person));
    }
    if let Some(fault) = not_handed_over(draft, &refused) {
        return Err(WriteError::Refused(fault));
    }
    if refused.refusal::<MmgError>().is_some() {
        return Err(WriteError::Refused(("doctor", Key("fault-doctor"))));
    }
    if refused.refusal::<PlanRefused>().is_some() {
        return Err(WriteError::Refused(("template", Key("fault-template"))));
    }
    Err(WriteError::Store(refused))
}

/// Family doctor, and the unit that discharges.
async fn beside(
    tx: &Tx<'_>,
    desk: EnrolDesk<'_>,
    draft: &Draft,
    enrolment: &Enrolment<'_>,
    unit: Option<&Unit>,
) -> Result<(), TxError> {
    let person = enrolment.id();
    if let Some(doctor) = draft.doctor {
        let assigned = mmg::assign_in(tx, person, doctor, desk.now).await?;
        assigned.map_err(TxError::refuse)?;
    }
    if let Some(unit) = unit {
        let holder = Holder::Unit(unit.clone());
        enrolment.entrust(tx, &holder, desk.now, &draft.why).await?;
    }
    Ok(())
}

/// The devices that are handed over with it, and what was agreed to.
async fn kit_and_consents(
    tx: &Tx<'_>,
    desk: EnrolDesk<'_>,
    draft: &Draft,
    person: PersonId,
    patient: PatientId,
) -> Result<(), TxError> {
    // A box that nobody ticked asks for nothing and withdraws nothing.
    for (item, _) in draft.consents.iter().filter(|(_, given)| *given) {
        consent::write_in(tx, person, *item, true, draft.how, desk.now).await?;
    }
    for device in &draft.devices {
        let given = assign_device_in(tx, device, patient, desk.now, desk.now).await?;
        given.map_err(|source| {
            let device = device.clone();
            TxError::refuse(NotHandedOver { device, source })
        })?;
    }
    Ok(())
}

/// The field of the device that was refused, if that was why nothing was written.
fn not_handed_over(draft: &Draft, refused: &TxError) -> Option<Fault> {
    let refused = refused.refusal::<NotHandedOver>()?;
    let is_first = draft.devices.first() == Some(&refused.device);
    let field = if is_first { "device1" } else { "device2" };
    Some((field, Key("fault-device-taken")))
}

/// Of a hospital's doctor, the unit whose patients theirs are.
fn unit_of(desk: EnrolDesk<'_>) -> Option<Unit> {
    match &desk.who.belongs {
        Some(Belongs::Unit(unit)) => Some(unit.clone()),
        _ => None,
    }
}

/// Somebody who is on file already. A unit that knows the name as well is entrusted with them from
/// now on; the centre, which may read them, is led to their page.
async fn known(
    desk: EnrolDesk<'_>,
    form: &EnrolForm,
    draft: &Draft,
    person: PersonId,
) -> Result<EnrolOutcome, EnrolError> {
    let (record, actor) = (desk.record, desk.who.actor());
    let Some(patient) = patient_of(person) else {
        return again(desk, form, vec![("code", Key("fault-code"))]).await;
    };
    if let Some(unit) = unit_of(desk) {
        let on_file = patients::get(record, &actor, person).await;
        let on_file = on_file.map_err(EnrolError::Read)?;
        let same = on_file.is_some_and(|on_file| {
            let (known, typed) = (&on_file.details, &draft.person);
            is_same(&known.surname, &typed.surname) && is_same(&known.name, &typed.name)
        });
        if !same {
            return again(desk, form, vec![("code", Key("fault-code-other"))]).await;
        }
        return join(desk, form, draft, (person, patient), unit).await;
    }
    let may_read = care::may_read(record, desk.who, person, desk.now).await;
    let is_readable = may_read.map_err(EnrolError::Store)?.is_ok();
    let faults = vec![("code", Key("fault-code-known"))];
    let page = EnrolPage::typed(desk, form, faults).await;
    let page = page.map_err(EnrolError::Store)?;
    let page = page.leading_to(is_readable.then_some(patient));
    Ok(EnrolOutcome::Known(Box::new(page)))
}

/// Entrusts somebody on file to a unit, with the kit and the consents of the form; their plan stays
/// the centre's.
async fn join(
    desk: EnrolDesk<'_>,
    form: &EnrolForm,
    draft: &Draft,
    (person, patient): (PersonId, PatientId),
    unit: Unit,
) -> Result<EnrolOutcome, EnrolError> {
    // Whoever is on file and gets one more reader may ask why: their access log says it.
    if draft.why.is_empty() {
        return again(desk, form, vec![("why", Key("fault-why-joining"))]).await;
    }
    let (actor, unit) = (desk.who.actor(), &unit);
    let written = desk.record.run_tx("enrol.join", &actor, move |tx| {
        Box::pin(async move {
            kit_and_consents(tx, desk, draft, person, patient).await?;
            care::join_in(tx, person, unit, desk.now, &draft.why).await
        })
    });
    let Err(refused) = written.await else {
        return Ok(EnrolOutcome::Joined(patient));
    };
    match not_handed_over(draft, &refused) {
        Some(fault) => again(desk, form, vec![fault]).await,
        None => Err(EnrolError::Store(refused)),
    }
}

/// Whether two names are the same but for capitals and spaces.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    plain(one) == plain(other)
}
