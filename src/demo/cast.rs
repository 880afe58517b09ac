//! The people of the demonstration: invented names, real rules. Each home has a patient with a
//! plan, and its devices are assigned to them by the calls that the commands use. In one home there
//! are two, who share an oximeter: whose its values are, the pages ask.

use anyhow::{Context, Result};
use veglia_homes::{Home, Measures, Of};
use veglia_people::contacts::{self, Address, Channel};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::NewPerson;
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{CodiceFiscale, Hours, MmgId, Party, Password, PersonId};
use veglia_store::{Actor, Database};
use veglia_triage::{Calling, Expected, OxygenScale, Parameter, PatientId, Plan, PlanVersion};
use veglia_wire::{VitalKind, WallMs};

use super::saved::{Saved, USERNAME};
use crate::{clock, record};

/// How often a home is expected to measure, and how late it may be, in care minutes. Devices of
/// the demonstration measure about once a care minute.
const EXPECTED_EVERY_MINUTES: u32 = 15;
const GRACE_MINUTES: u32 = 10;

/// Nobody's number and nobody's address: in a demonstration messages go to a file.
const CENTRE_MOBILE: &str = "+39 333 0000000";
const DOCTOR_EMAIL: &str = "medico@prova.example";

const NAMES: [&str; 16] = [
    "Ada", "Bruno", "Carla", "Dario", "Elena", "Franco", "Giulia", "Ivo", "Lucia", "Marco",
    "Nadia", "Oreste", "Paola", "Renzo", "Silvia", "Teresa",
];
const SURNAMES: [&str; 13] = [
    "Bianchi",
    "Colombo",
    "Ferrari",
    "Galli",
    "Lombardi",
    "Moretti",
    "Negri",
    "Orlandi",
    "Pellegrini",
    "Riva",
    "Sala",
    "Testa",
    "Villa",
];

/// Makes the account and every patient that is not there yet.
pub(super) async fn enter(
    record: &Database,
    homes: &[Home],
    saved: &mut Saved,
    now: WallMs,
) -> Result<()> {
    let actor = Actor::System("demo");
    if !saved.account {
        let account = NewStaff {
            username: USERNAME.parse()?,
            name: "Centrale di prova".into(),
            role: Role::Nurse,
            password: Password::new(saved.password().to_owned()),
        };
        let centre = staff::create(record, &actor, account, clock::wall().now()).await?;
        man(record, &actor, Party::Staff(centre), now).await?;
        saved.account = true;
    }
    let doctor = family_doctor(record, &actor, now).await?;
    for (place, home) in homes.iter().enumerate() {
        if !saved.patients.contains_key(&home.name) {
            let people = settle(record, &actor, place, home, doctor, now)
                .await
                .with_context(|| format!("cannot admit the patient of {}", home.name))?;
            for (who, patient) in people.into_iter().enumerate() {
                saved.patients.insert(resident(home, who), patient);
            }
        }
    }
    Ok(())
}

/// One account holds every post of the centre, at every hour.
async fn man(record: &Database, actor: &Actor, centre: Party, now: WallMs) -> Result<()> {
    let mobile = Address::new(Channel::Sms, CENTRE_MOBILE)?;
    contacts::add(record, actor, centre, &mobile, now).await?;
    for post in Post::ALL {
        let shift = Shift {
            post,
            party: centre,
            hours: Hours::always(),
            period: Period {
                from: now,
                until: None,
            },
        };
        duty::add_shift(record, actor, &shift).await?;
    }
    Ok(())
}

/// The family doctor of everybody, made at the first start.
async fn family_doctor(record: &Database, actor: &Actor, now: WallMs) -> Result<MmgId> {
    if let Some(doctor) = mmg::list(record, actor).await?.first() {
        return Ok(doctor.id);
    }
    let new = NewMmg {
        name: "Medico di prova".into(),
        hours: Hours::always(),
        contacts: vec![Address::new(Channel::Email, DOCTOR_EMAIL)?],
    };
    Ok(mmg::add(record, actor, &new, now).await?)
}

/// What those who live in a home are saved as: by its name, the second of two with a number.
fn resident(home: &Home, who: usize) -> String {
    match who {
        0 => home.name.clone(),
        who => format!("{} ({})", home.name, who + 1),
    }
}

/// Admits everybody in a home, and gives them its devices.
async fn settle(
    record: &Database,
    actor: &Actor,
    place: usize,
    home: &Home,
    doctor: MmgId,
    now: WallMs,
) -> Result<Vec<PatientId>> {
    let mut people = Vec::new();
    for who in 0..home.people() {
        people.push(admit(record, actor, (place, who), home, doctor, now).await?);
    }
    for device in &home.devices {
        let of = match device.of {
            Of::First => people.first(),
            Of::Second => people.get(1),
            Of::Both => None,
        };
        match of {
            Some(patient) => {
                veglia_diary::assign_device(record, actor, &device.id, *patient, now, now).await?
            }
            None => {
                veglia_diary::share_device(record, actor, &device.id, &people, now, now).await?
            }
        };
    }
    Ok(people)
}

async fn admit(
    record: &Database,
    actor: &Actor,
    (place, who): (usize, usize),
    home: &Home,
    doctor: MmgId,
    now: WallMs,
) -> Result<PatientId> {
    let patient = record::register(record, actor, &person(place, who)?, now).await?;
    if let Some(person) = PersonId::new(i64::try_from(patient.get())?) {
        mmg::assign(record, actor, person, doctor, now).await?;
    }
    veglia_diary::create_plan(record, actor, &plan(patient, who, home, now), now).await?;
    Ok(patient)
}

/// What their own devices measure is what is expected of somebody; of a device that is shared
/// nobody knows whose turn it is.
fn plan(patient: PatientId, who: usize, home: &Home, now: WallMs) -> Plan {
    let own = if who == 0 { Of::First } else { Of::Second };
    let measured = |what: Measures| match what {
        Measures::Oximetry => &[VitalKind::SpO2, VitalKind::Pulse][..],
        Measures::Temperature => &[VitalKind::Temperature],
        Measures::Both => &[VitalKind::SpO2, VitalKind::Pulse, VitalKind::Temperature],
    };
    let mut vitals: Vec<VitalKind> = home
        .devices
        .iter()
        .filter(|device| device.of == own)
        .flat_map(|device| measured(device.measures))
        .copied()
        .collect();
    vitals.sort_unstable();
    vitals.dedup();
    let parameter = |vital| Parameter {
        vital,
        expected: Expected::EveryMinutes(EXPECTED_EVERY_MINUTES),
        grace_minutes: GRACE_MINUTES,
    };
    Plan {
        patient,
        version: PlanVersion(1),
        from: now,
        until: None,
        parameters: vitals.into_iter().map(parameter).collect(),
        spo2: None,
        oxygen_scale: OxygenScale::One,
        guards: Vec::new(),
        limits: Vec::new(),
        calling: Calling::default(),
    }
}

fn person(place: usize, who: usize) -> Result<NewPerson> {
    let name = NAMES[(place + who) % NAMES.len()];
    let surname = SURNAMES[place % SURNAMES.len()];
    Ok(NewPerson {
        name: name.into(),
        surname: surname.into(),
        codice_fiscale: codice_fiscale(place, who)?,
        phone: format!("+39 02 5550{place:04}").parse()?,
        address: format!("via delle Prove {}, Milano", place + 1),
    })
}

/// A code of nobody, well-formed: the letters X X X stand where a name would, and the control
/// letter is the one that fits.
fn codice_fiscale(place: usize, who: usize) -> Result<CodiceFiscale> {
    let month = if who == 0 { 'A' } else { 'B' };
    let body = format!(
        "XXXYYY{:02}{month}{:02}F{:03}",
        30 + place % 60,
        1 + place / 60 % 28,
        205
    );
    ('A'..='Z')
        .find_map(|letter| format!("{body}{letter}").parse().ok())
        .with_context(|| format!("no control letter fits {body}"))
}
