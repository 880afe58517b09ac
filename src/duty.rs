//! `veglia duty|mmg …`: who is called, when, and how; from the command line.
//!
//! Somebody is a user name of the centre, or `mmg:NUMBER`. Times are those of the clock in Italy.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use veglia_people::contacts::{self, Address, Channel};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::staff::{self, Username};
use veglia_people::{Hours, MmgId, Party, PersonId};
use veglia_store::Database;
use veglia_wire::WallMs;

use crate::config::Config;
use crate::record::{actor, open};

/// The roster, and how people are reached.
#[derive(Debug, Subcommand)]
pub(crate) enum Duty {
    /// Gives somebody a post.
    Add {
        /// operator, second-operator, doctor or out-of-hours.
        post: Post,
        /// A user name, or mmg:NUMBER.
        who: String,
        /// Hours of the week, such as "mon-fri 08:00-20:00", or always.
        #[arg(long, default_value = "always")]
        hours: Hours,
        /// First day or moment; without it, now.
        #[arg(long, value_parser = duty::read_moment)]
        from: Option<WallMs>,
        /// End; without it, until it is ended.
        #[arg(long, value_parser = duty::read_moment)]
        until: Option<WallMs>,
    },
    /// Takes somebody off a post now.
    End {
        /// The post.
        post: Post,
        /// A user name, or mmg:NUMBER.
        who: String,
    },
    /// Adds a way of reaching somebody; they are tried in the order in which they were added.
    Contact {
        /// A user name, or mmg:NUMBER.
        who: String,
        #[command(flatten)]
        address: Way,
        /// Takes it away instead.
        #[arg(long)]
        remove: bool,
    },
    /// Leaves somebody alone in these hours, unless it is red.
    Quiet {
        /// A user name, or mmg:NUMBER.
        who: String,
        /// Hours of the week; without them, quiet hours end.
        #[arg(long)]
        hours: Option<Hours>,
    },
    /// Has another called in somebody's place.
    Substitute {
        /// Who is away: a user name, or mmg:NUMBER.
        who: String,
        /// Who is called: a user name, or mmg:NUMBER.
        #[arg(long)]
        by: String,
        /// First day or moment.
        #[arg(long, value_parser = duty::read_moment)]
        from: WallMs,
        /// End: its day is no longer in it.
        #[arg(long, value_parser = duty::read_moment)]
        until: WallMs,
    },
    /// Who stands on the roster, and who is called now.
    List,
}

/// Family doctors.
#[derive(Debug, Subcommand)]
pub(crate) enum Mmg {
    /// Writes a family doctor down and prints the number.
    Add {
        /// How the doctor is called.
        #[arg(long)]
        name: String,
        /// When the surgery is open.
        #[arg(long, default_value = "mon-fri 08:00-20:00")]
        hours: Hours,
        #[command(flatten)]
        addresses: Ways,
    },
    /// Gives a patient this family doctor, from now on.
    Assign {
        /// The patient's identifier.
        patient: PersonId,
        /// The doctor's number.
        #[arg(long)]
        mmg: MmgId,
    },
    /// Every family doctor.
    List,
}

/// One way of reaching somebody.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Way {
    /// A mobile number.
    #[arg(long)]
    mobile: Option<String>,
    /// An e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// The https:// address of a program.
    #[arg(long)]
    webhook: Option<String>,
    /// A file with the subscription that a browser gave (JSON).
    #[arg(long)]
    push_file: Option<PathBuf>,
}

/// Ways of reaching a family doctor, the mobile first.
#[derive(Debug, Args)]
pub(crate) struct Ways {
    /// A mobile number.
    #[arg(long)]
    mobile: Option<String>,
    /// An e-mail address.
    #[arg(long)]
    email: Option<String>,
}

impl Way {
    fn address(&self) -> Result<Address> {
        let given = [
            (Channel::Sms, self.mobile.clone()),
            (Channel::Email, self.email.clone()),
            (Channel::Webhook, self.webhook.clone()),
        ];
        let given = given
            .into_iter()
            .find_map(|(channel, text)| Some((channel, text?)));
        let (channel, text) = match (given, &self.push_file) {
            (Some(given), _) => given,
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                (Channel::Push, text)
            }
            (None, None) => bail!("say how: --mobile, --email, --webhook or --push-file"),
        };
        Ok(Address::new(channel, &text)?)
    }
}

impl Ways {
    fn addresses(self) -> Result<Vec<Address>> {
        let given = [(Channel::Sms, self.mobile), (Channel::Email, self.email)];
        let given = given
            .into_iter()
            .filter_map(|(channel, text)| Some((channel, text?)));
        given
            .map(|(channel, text)| Ok(Address::new(channel, &text)?))
            .collect()
    }
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// A user name, or `mmg:NUMBER`.
async fn party(record: &Database, who: &str) -> Result<Party> {
    if let Ok(doctor @ Party::Mmg(_)) = who.parse() {
        return Ok(doctor);
    }
    let username: Username = who
        .parse()
        .with_context(|| format!("{who:?} is neither a user name nor mmg:NUMBER"))?;
    let found = staff::by_username(record, &actor(), &username).await?;
    let Some(found) = found else {
        bail!("nobody has the user name {who:?}; `veglia staff add` makes an account");
    };
    Ok(Party::Staff(found.id))
}

impl Duty {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        let now = config.clock.care().now();
        match self {
            Self::Add {
                post,
                who,
                hours,
                from,
                until,
            } => {
                let said = format!("{who} is {} in the hours {}", post.code(), hours.as_str());
                let from = from.unwrap_or(now);
                let shift = Shift {
                    post,
                    party: party(&record, &who).await?,
                    hours,
                    period: Period { from, until },
                };
                duty::add_shift(&record, &actor(), &shift).await?;
                say(&said)
            }
            Self::End { post, who } => {
                let party = party(&record, &who).await?;
                match duty::end_shifts(&record, &actor(), post, party, now).await? {
                    0 => bail!("{who} does not stand on the roster as {}", post.code()),
                    _ => say(&format!("{who} is no longer {}", post.code())),
                }
            }
            Self::Contact {
                who,
                address,
                remove,
            } => contact(&record, &who, &address.address()?, remove, now).await,
            Self::Quiet { who, hours } => {
                let party = party(&record, &who).await?;
                duty::set_quiet(&record, &actor(), party, hours.as_ref()).await?;
                say(&format!("quiet hours of {who} written"))
            }
            Self::Substitute {
                who,
                by,
                from,
                until,
            } => {
                let (away, other) = (party(&record, &who).await?, party(&record, &by).await?);
                duty::stand_in(&record, &actor(), away, other, from, until).await?;
                say(&format!("{by} is called in the place of {who}"))
            }
            Self::List => list(&record, now).await,
        }
    }
}

async fn contact(
    record: &Database,
    who: &str,
    address: &Address,
    remove: bool,
    now: WallMs,
) -> Result<()> {
    let party = party(record, who).await?;
    let channel = address.channel();
    if !remove {
        contacts::add(record, &actor(), party, address, now).await?;
        return say(&format!("{who} is reached by {channel}"));
    }
    if !contacts::remove(record, &actor(), party, address, now).await? {
        bail!("{who} has no such address: nothing was taken away");
    }
    say(&format!("{who} is no longer reached by this {channel}"))
}

async fn list(record: &Database, now: WallMs) -> Result<()> {
    for shift in duty::roster(record, &actor(), now).await? {
        let (post, who, hours) = (shift.post.code(), shift.party, shift.hours.as_str());
        say(&format!("{post}  {who}  {hours}"))?;
    }
    for post in Post::ALL {
        let called = duty::on_duty(record, &actor(), post, now).await?;
        let said = called.iter().map(|it| {
            let ways = it.addresses.iter().map(|way| way.channel().code());
            match ways.collect::<Vec<_>>() {
                ways if ways.is_empty() => format!("{} (no way of reaching them)", it.party),
                ways => format!("{} by {}", it.party, ways.join(", ")),
            }
        });
        let said = said.collect::<Vec<_>>();
        let said = if said.is_empty() {
            "nobody".to_owned()
        } else {
            said.join("; ")
        };
        say(&format!("now {}: {said}", post.code()))?;
    }
    Ok(())
}

impl Mmg {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        let now = config.clock.care().now();
        match self {
            Self::Add {
                name,
                hours,
                addresses,
            } => {
                let new = NewMmg {
                    name,
                    hours,
                    contacts: addresses.addresses()?,
                };
                let id = mmg::add(&record, &actor(), &new, now).await?;
                say(&format!("mmg:{id}"))
            }
            Self::Assign { patient, mmg } => {
                mmg::assign(&record, &actor(), patient, mmg, now).await?;
                say(&format!("mmg:{mmg} is the family doctor of {patient}"))
            }
            Self::List => {
                for doctor in mmg::list(&record, &actor()).await? {
                    let hours = doctor.hours.as_str();
                    say(&format!("mmg:{}  {}  {hours}", doctor.id, doctor.name))?;
                }
                Ok(())
            }
        }
    }
}
