//! `veglia patient|device …`: the clinical record from the command line. The
//! demonstration makes its patients by the same calls.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use veglia_diary as diary;
use veglia_diary::Reasons;
use veglia_people::care::{self, Holder};
use veglia_people::duty;
use veglia_people::patients::{Enrolment, NewPerson};
use veglia_people::{CodiceFiscale, PersonId, Phone, patients};
use veglia_store::{Actor, Database, Place, TxError};
use veglia_triage::{PatientId, Plan as CarePlan, Whereabouts};
use veglia_wire::{DeviceId, WallMs};

use crate::config::Config;
use crate::plan::LastDay;

/// Patients.
#[derive(Debug, Subcommand)]
pub(crate) enum Patient {
    /// Registers a patient, with a plan if one is named, and prints the identifier.
    Add {
        /// Given name.
        #[arg(long)]
        name: String,
        /// Family name.
        #[arg(long)]
        surname: String,
        /// Codice Fiscale.
        #[arg(long)]
        codice_fiscale: CodiceFiscale,
        /// Telephone.
        #[arg(long)]
        phone: Phone,
        /// Address.
        #[arg(long)]
        address: String,
        /// The plan, from this template: home-covid, copd, heart-failure or post-discharge.
        #[arg(long)]
        plan: Option<String>,
        /// The plan's last day, as 2020-11-03, or none; else as the template has it.
        #[arg(long, requires = "plan")]
        until: Option<LastDay>,
    },
    /// Says where a patient is from now on, and why; without that, what was said so far.
    ///
    /// While a patient is not at home, silence, reminders and requests to measure again stop.
    Standing {
        /// The patient's identifier.
        patient: PatientId,
        /// at-home, in-hospital, suspended, discharged or deceased.
        #[arg(requires = "why")]
        whereabouts: Option<Whereabouts>,
        /// Why.
        #[arg(long)]
        why: Option<String>,
    },
    /// Who cares for a patient, and so may read their data; or entrusts them to somebody.
    ///
    /// Family doctors have a book of their own: see `veglia mmg assign`.
    Care {
        /// The patient's identifier.
        patient: PersonId,
        /// Entrusts them to centre, out-of-hours (until a moment), or unit:NAME, from now on.
        #[arg(long, value_name = "HOLDER", conflicts_with = "release")]
        entrust: Option<Holder>,
        /// Until when; without it, until they are released.
        #[arg(long, requires = "entrust", value_parser = duty::read_moment)]
        until: Option<WallMs>,
        /// Why.
        #[arg(long, requires = "entrust", default_value = "")]
        why: String,
        /// Ends what entrusts them to centre, out-of-hours, or unit:NAME, now.
        #[arg(long, value_name = "HOLDER")]
        release: Option<Holder>,
    },
    /// Writes the patient's own copy of the record about them, as JSON; their readings are given by
    /// `veglia export --patient`.
    Export {
        /// The patient's identifier.
        patient: PatientId,
    },
    /// Everybody who was erased, a line each: keep it beside the backups, and newer than they are.
    Erased,
    /// Erases again whom a restored backup brought back. To erase somebody for the first time takes
    /// two administrators, on the pages.
    Erase {
        /// The list that `veglia patient erased` wrote.
        #[arg(long, value_name = "LIST")]
        again: PathBuf,
    },
}

/// Devices.
#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Assigns a device to a patient, from now on.
    Assign {
        /// The device, as it appears in exports.
        device: DeviceId,
        /// The patient's identifier.
        #[arg(long)]
        patient: PatientId,
    },
    /// Ends a device's assignment now.
    Return {
        /// The device.
        device: DeviceId,
    },
}

/// Opens the record, shared by ingest, the pages and these commands.
pub(crate) async fn open_at(place: &Place) -> Result<Database> {
    if let Place::File(path) = place {
        let data = path.parent().unwrap_or(Path::new(""));
        std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    }
    let schemas = [
        veglia_people::SCHEMA,
        veglia_diary::SCHEMA,
        veglia_doctor::SCHEMA,
        veglia_documents::SCHEMA,
        veglia_enrol::SCHEMA,
        veglia_fleet::SCHEMA,
        veglia_intake::SCHEMA,
        veglia_handover::SCHEMA,
        veglia_isolation::SCHEMA,
        veglia_laboratory::SCHEMA,
        veglia_notify::SCHEMA,
        veglia_privacy::SCHEMA,
    ];
    Ok(Database::open_record(place, &schemas).await?)
}

/// The same, where the configuration says.
pub(crate) async fn open(config: &Config) -> Result<Database> {
    open_at(&config.record()).await
}

/// Who types the command.
pub(crate) fn actor() -> Actor {
    Actor::Command(std::env::var("USER").unwrap_or_else(|_| "unknown".into()))
}

pub(crate) fn say(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

impl Patient {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        let now = config.clock.care().now();
        match self {
            Self::Add {
                name,
                surname,
                codice_fiscale,
                phone,
                address,
                plan,
                until,
            } => {
                let person = NewPerson {
                    name,
                    surname,
                    codice_fiscale,
                    phone,
                    address,
                };
                let patient = match plan {
                    Some(template) => {
                        let begins = |patient| begin(&template, until, patient, now);
                        enrol(&record, &actor(), &person, begins, now).await?
                    }
                    None => register(&record, &actor(), &person, now).await?,
                };
                say(&patient.to_string())
            }
            Self::Standing {
                patient,
                whereabouts,
                why,
            } => match whereabouts.zip(why) {
                Some((whereabouts, why)) => {
                    let from = (whereabouts, now);
                    diary::set_standing(&record, &actor(), patient, from, &why, now).await?;
                    say(&format!("patient {patient} is {whereabouts}"))
                }
                None => tell_standings(&record, patient).await,
            },
            Self::Care {
                patient,
                entrust,
                until,
                why,
                release,
            } => {
                if let Some(holder) = entrust {
                    care::entrust(&record, &actor(), patient, &holder, (now, until), &why).await?;
                }
                if let Some(holder) = release {
                    if holder == Holder::Centre {
                        refuse_while_watched(&record, patient, now).await?;
                    }
                    let ended = care::release(&record, &actor(), patient, &holder, now).await?;
                    if ended == 0 {
                        bail!("patient {patient} is not entrusted to {holder}");
                    }
                }
                tell_care(&record, patient).await
            }
            Self::Export { patient } => crate::privacy::export(&record, patient, now).await,
            Self::Erased => crate::privacy::tell_erased(&record).await,
            Self::Erase { again } => crate::privacy::again(&record, &again, now).await,
        }
    }
}

/// An alarm of somebody whom the centre has released would ring, and nobody might open it.
async fn refuse_while_watched(record: &Database, patient: PersonId, now: WallMs) -> Result<()> {
    let held = veglia_ward::left_to_the_centre(record, &actor(), patient_of(patient)?, now).await?;
    if !held.is_empty() {
        let left: Vec<String> = held.iter().map(ToString::to_string).collect();
        bail!(
            "the centre cannot release patient {patient}: {}",
            left.join("; ")
        );
    }
    Ok(())
}

async fn tell_care(record: &Database, patient: PersonId) -> Result<()> {
    for caring in care::of(record, &actor(), patient).await? {
        let until = caring.until.map_or_else(String::new, local_time);
        say(&format!(
            "{} – {until}  {}  {}  {}",
            local_time(caring.from),
            caring.holder,
            caring.by,
            caring.why
        ))?;
    }
    Ok(())
}

async fn tell_standings(record: &Database, patient: PatientId) -> Result<()> {
    for stood in diary::standings_of(record, &actor(), patient).await? {
        let from = local_time(stood.standing.from);
        let whereabouts = stood.standing.whereabouts;
        say(&format!(
            "{from}  {whereabouts}  {}  {}",
            stood.by, stood.why
        ))?;
    }
    Ok(())
}

/// A time as a person reads it, on the clock of the patients' kitchens.
pub(crate) fn local_time(at: WallMs) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/Rome").ok();
    let time = jiff::Timestamp::from_millisecond(at.0).ok();
    let local = time.zip(zone).map(|(time, zone)| time.to_zoned(zone));
    local.map_or_else(
        || at.to_string(),
        |local| local.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// Registers a person who is a patient: the same number names both.
pub(crate) async fn register(
    record: &Database,
    actor: &Actor,
    person: &NewPerson,
    now: WallMs,
) -> Result<PatientId> {
    let person = patients::register(record, actor, person, now).await?;
    patient_of(person)
}

/// The plan that a patient begins with.
fn begin(
    template: &str,
    until: Option<LastDay>,
    patient: PatientId,
    now: WallMs,
) -> Result<CarePlan> {
    let plan = crate::plan::from_template(template, patient, now)?;
    Ok(match until {
        Some(day) => CarePlan {
            until: day.end()?,
            ..plan
        },
        None => plan,
    })
}

/// Registers a person who is a patient together with their plan: both are written, or neither is.
async fn enrol(
    record: &Database,
    actor: &Actor,
    person: &NewPerson,
    begins: impl FnOnce(PatientId) -> Result<CarePlan>,
    now: WallMs,
) -> Result<PatientId> {
    let enrolment = Enrolment::new(person)?;
    let patient = patient_of(enrolment.id())?;
    let plan = begins(patient)?;
    let (enrolment, plan) = (&enrolment, &plan);
    let written = record.run_tx("patients.enrol", actor, move |tx| {
        Box::pin(async move {
            let known = enrolment.write(tx, now).await?;
            known.map_err(TxError::refuse)?;
            let planned = diary::write_plan_in(tx, plan, Reasons::default(), now).await?;
            planned.map_err(TxError::refuse)
        })
    });
    match written.await {
        Ok(()) => Ok(patient),
        Err(TxError::Refused(reason)) => Err(anyhow::Error::from_boxed(reason)),
        Err(fault) => Err(fault).context("the patient was not registered"),
    }
}

fn patient_of(person: PersonId) -> Result<PatientId> {
    let number = u64::try_from(person.get()).context("an identifier of a person is positive")?;
    Ok(PatientId::new(number))
}

impl Device {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        let now = config.clock.care().now();
        match self {
            Self::Assign { device, patient } => {
                diary::assign_device(&record, &actor(), &device, patient, now, now).await?;
                say(&format!("{device} assigned to patient {patient}"))
            }
            Self::Return { device } => {
                let known = diary::assignments(&record, &actor()).await?;
                let Some(worn) = known.of_device(&device).find(|worn| worn.until.is_none()) else {
                    bail!("{device} is with nobody");
                };
                diary::end_assignment(&record, &actor(), worn.id, now, now).await?;
                say(&format!("{device} returned by {}", worn.holder))
            }
        }
    }
}
