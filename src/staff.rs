//! `veglia staff …`: accounts, from the command line. The first one can be made nowhere else.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use veglia_people::staff::{self, NewStaff, Role, Username};
use veglia_people::{Belongs, MmgId, Password, StaffId, Unit, codes, passkeys, subjects};
use veglia_store::Database;

use crate::config::Config;
use crate::record::{actor, open, say};

/// People who have an account.
#[derive(Debug, Subcommand)]
pub(crate) enum Staff {
    /// Makes an account. The password is read from standard input.
    Add {
        /// The name to sign in with.
        username: Username,
        /// The person's name.
        #[arg(long)]
        name: String,
        /// operator, nurse, doctor, mmg, hospital-doctor, out-of-hours-doctor, admin or auditor.
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        tie: Whose,
    },
    /// Ties an account to a family doctor or to a hospital's unit: their patients are then its own.
    Tie {
        /// The name to sign in with.
        username: Username,
        #[command(flatten)]
        tie: Whose,
    },
    /// Takes the one-time codes of an account away, and ends its sessions: its telephone is lost.
    ForgetCodes {
        /// The name to sign in with.
        username: Username,
    },
    /// Takes the passkeys of an account away, and ends its sessions: its telephone is lost.
    ForgetPasskeys {
        /// The name to sign in with.
        username: Username,
    },
    /// Lets an identity of the provider in `[dashboard.federated]` open an account.
    Link {
        /// The name to sign in with.
        username: Username,
        /// Whom the provider means: the value of the claim that names people.
        #[arg(long)]
        subject: String,
    },
    /// Takes every identity away from an account.
    Unlink {
        /// The name to sign in with.
        username: Username,
    },
}

/// Whose patients are those of an account outside the centre.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Whose {
    /// The family doctor, by the number of `veglia mmg list`.
    #[arg(long)]
    mmg: Option<MmgId>,
    /// The hospital's unit, by the name that patients are entrusted to.
    #[arg(long)]
    unit: Option<Unit>,
}

impl Whose {
    fn belongs(self) -> Option<Belongs> {
        self.mmg.map(Belongs::Mmg).or(self.unit.map(Belongs::Unit))
    }
}

impl Staff {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        match self {
            Self::Add {
                username,
                name,
                role,
                tie,
            } => {
                let belongs = tied(role, tie)?;
                add(&record, username, name, role, belongs).await
            }
            Self::Tie { username, tie } => {
                let account = find(&record, &username).await?;
                let Some(belongs) = tied(account.role, tie)? else {
                    bail!("say to whom: --mmg NUMBER or --unit NAME");
                };
                staff::tie(&record, &actor(), account.id, &belongs).await?;
                say(&format!(
                    "account {} belongs to {belongs}",
                    username.as_str()
                ))
            }
            Self::ForgetCodes { username } => {
                let id: StaffId = find(&record, &username).await?.id;
                let now = crate::clock::wall().now();
                if !codes::withdraw(&record, &actor(), id, now).await? {
                    bail!("{} shows no one-time codes", username.as_str());
                }
                say(&format!("{} signs in by password alone", username.as_str()))
            }
            Self::ForgetPasskeys { username } => {
                let id = find(&record, &username).await?.id;
                let now = crate::clock::wall().now();
                let gone = passkeys::withdraw(&record, &actor(), id, None, now).await?;
                say(&format!(
                    "{gone} passkeys of {} withdrawn",
                    username.as_str()
                ))
            }
            Self::Link { username, subject } => {
                let provider = config.dashboard.federated.as_ref();
                let provider = provider.context("there is no [dashboard.federated]")?;
                let id = find(&record, &username).await?.id;
                let now = crate::clock::wall().now();
                let identity = (provider.issuer.as_str(), subject.as_str());
                subjects::link(&record, &actor(), id, identity, now).await?;
                say(&format!("an identity opens {} now", username.as_str()))
            }
            Self::Unlink { username } => {
                let id = find(&record, &username).await?.id;
                let now = crate::clock::wall().now();
                let gone = subjects::unlink(&record, &actor(), id, now).await?;
                say(&format!(
                    "{gone} identities of {} unlinked",
                    username.as_str()
                ))
            }
        }
    }
}

async fn add(
    record: &Database,
    username: Username,
    name: String,
    role: Role,
    belongs: Option<Belongs>,
) -> Result<()> {
    let password = password_of(&username)?;
    let said = format!("account {} made", username.as_str());
    let account = NewStaff {
        username,
        name,
        role,
        password,
    };
    // Accounts live by wall time, as sessions do.
    let now = crate::clock::wall().now();
    let id = staff::create(record, &actor(), account, now).await?;
    if let Some(belongs) = belongs {
        staff::tie(record, &actor(), id, &belongs).await?;
    }
    say(&said)
}

/// The tie, if it is one that this role has.
fn tied(role: Role, tie: Whose) -> Result<Option<Belongs>> {
    let belongs = tie.belongs();
    match (role, &belongs) {
        (_, None) | (Role::Mmg, Some(Belongs::Mmg(_))) => Ok(belongs),
        (Role::HospitalDoctor, Some(Belongs::Unit(_))) => Ok(belongs),
        _ => bail!("--mmg is for the role mmg, --unit for the role hospital-doctor"),
    }
}

async fn find(record: &Database, username: &Username) -> Result<staff::Staff> {
    let found = staff::by_username(record, &actor(), username).await?;
    found.with_context(|| format!("there is no account {}", username.as_str()))
}

fn password_of(username: &Username) -> Result<Password> {
    if io::stdin().is_terminal() {
        write!(io::stderr(), "password for {}: ", username.as_str())?;
    }
    let mut typed = String::new();
    io::stdin()
        .lock()
        .read_line(&mut typed)
        .context("cannot read the password")?;
    Ok(Password::new(
        typed.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}
