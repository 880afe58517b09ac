//! `veglia patient|plan|device|staff …`: the clinical record from the command line. The
//! demonstration makes its patients by the same calls.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use veglia_diary as diary;
use veglia_people::patients::NewPerson;
use veglia_people::staff::{self, NewStaff, Role, Username};
use veglia_people::{CodiceFiscale, Password, PersonId, Phone, patients};
use veglia_store::{Actor, Database, Purpose};
use veglia_triage::{PatientId, Plan as CarePlan, PlanVersion};
use veglia_wire::{DeviceId, WallMs};

use crate::config::Config;

/// Patients.
#[derive(Debug, Subcommand)]
pub(crate) enum Patient {
    /// Registers a patient and prints the identifier.
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
    },
}

/// Monitoring plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Gives a patient a plan from a template, from now on.
    Set {
        /// The patient's identifier.
        patient: PatientId,
        /// The template.
        #[arg(long, default_value = "home-covid")]
        template: String,
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

/// People who work at the centre.
#[derive(Debug, Subcommand)]
pub(crate) enum Staff {
    /// Makes an account. The password is read from standard input.
    Add {
        /// The name to sign in with.
        username: Username,
        /// The person's name.
        #[arg(long)]
        name: String,
        /// operator, nurse, doctor or admin.
        #[arg(long)]
        role: Role,
    },
}

/// Opens the record of a data directory, shared by ingest, the pages and these commands.
pub(crate) async fn open_in(data: &Path) -> Result<Database> {
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    let schemas = [
        veglia_people::SCHEMA,
        veglia_diary::SCHEMA,
        veglia_fleet::SCHEMA,
    ];
    Ok(Database::open(&data.join("record.db"), Purpose::Record, &schemas).await?)
}

async fn open(config: &Config) -> Result<Database> {
    open_in(&config.data).await
}

/// Who types the command.
fn actor() -> Actor {
    Actor::Command(std::env::var("USER").unwrap_or_else(|_| "unknown".into()))
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

impl Patient {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        let Self::Add {
            name,
            surname,
            codice_fiscale,
            phone,
            address,
        } = self;
        let person = NewPerson {
            name,
            surname,
            codice_fiscale,
            phone,
            address,
        };
        let patient = register(&record, &actor(), &person, config.clock.care().now()).await?;
        say(&patient.to_string())
    }
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

fn patient_of(person: PersonId) -> Result<PatientId> {
    let number = u64::try_from(person.get()).context("an identifier of a person is positive")?;
    Ok(PatientId::new(number))
}

impl Plan {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        let Self::Set { patient, template } = self;
        let now = config.clock.care().now();
        let Some(mut plan) = CarePlan::template(&template, patient, now) else {
            bail!(
                "there is no template {template:?}; there is {}",
                CarePlan::TEMPLATES.join(", ")
            );
        };
        if let Some(current) = diary::plan_of(&record, &actor(), patient).await? {
            plan.version = PlanVersion(current.version.0 + 1);
        }
        diary::create_plan(&record, &actor(), &plan, now).await?;
        say(&format!("plan {template} set for patient {patient}"))
    }
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
                say(&format!("{device} returned by patient {}", worn.patient))
            }
        }
    }
}

impl Staff {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        let Self::Add {
            username,
            name,
            role,
        } = self;
        if io::stdin().is_terminal() {
            write!(io::stderr(), "password for {}: ", username.as_str())?;
        }
        let mut typed = String::new();
        io::stdin()
            .lock()
            .read_line(&mut typed)
            .context("cannot read the password")?;
        let password = Password::new(typed.trim_end_matches(['\r', '\n']).to_owned());
        let said = format!("account {} made", username.as_str());
        let account = NewStaff {
            username,
            name,
            role,
            password,
        };
        // Accounts live by wall time, as sessions do.
        staff::create(&record, &actor(), account, crate::clock::wall().now()).await?;
        say(&said)
    }
}
