//! `veglia audit …`: who read whom, and whether that log is whole.
//!
//! Verifying follows the chain over the whole log, on either engine. The chain alone cannot tell
//! that its end was cut off; a head that was noted before can: `--noted`. Listing is itself an
//! access, and is written before anything is shown.

use std::io::{self, Write};

use anyhow::{Result, bail};
use clap::Subcommand;
use veglia_people::PersonId;
use veglia_people::staff::{self, Username};
use veglia_store::{Access, Actor, Asked, Database};
use veglia_wire::WallMs;

use crate::config::Config;
use crate::record::{actor, local_time, open, say};

/// What stands in the log when it is listed here.
const PURPOSE: &str = "audit.command";

/// Entries asked for at once.
const PAGE: u64 = 1_000;

/// The access log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Follows the chain of the access log; fails at the first entry that does not follow.
    Verify {
        /// The head of an earlier verification: fails as well when that entry is gone.
        #[arg(long, value_name = "HEAD")]
        noted: Option<String>,
    },
    /// Who read whom, newest first.
    List {
        /// About this patient alone.
        #[arg(long)]
        patient: Option<PersonId>,
        /// By the account of this user name alone.
        #[arg(long)]
        by: Option<Username>,
        /// How many entries at most.
        #[arg(long, default_value_t = 100)]
        limit: u64,
    },
}

impl Audit {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let config = config?;
        let record = open(&config).await?;
        match self {
            Self::Verify { noted } => verify(&record, noted.as_deref()).await,
            Self::List { patient, by, limit } => {
                let by = match by {
                    Some(username) => {
                        let account = staff::by_username(&record, &actor(), &username).await?;
                        let Some(account) = account else {
                            bail!("there is no account {}", username.as_str());
                        };
                        Some(account.actor())
                    }
                    None => None,
                };
                let now = config.clock.care().now();
                list(&record, patient, by.as_ref(), limit, now).await
            }
        }
    }
}

async fn verify(record: &Database, noted: Option<&str>) -> Result<()> {
    let log = record.check_access_log(&actor()).await?;
    say(&format!(
        "{} entries are intact; head {}",
        log.intact, log.head
    ))?;
    if let Some(broken) = log.broken_at {
        bail!(
            "the access log is broken at entry {broken}: from there on something was changed, \
             taken out or put in; compare it with a backup"
        );
    }
    if let Some(noted) = noted {
        match record.access_with_head(&actor(), noted).await? {
            Some(number) => say(&format!("the noted head is that of entry {number}"))?,
            None => bail!(
                "no entry has the noted head: the end of the access log was cut off, or all of it \
                 was written anew; compare it with a backup"
            ),
        }
    }
    Ok(())
}

async fn list(
    record: &Database,
    patient: Option<PersonId>,
    by: Option<&Actor>,
    limit: u64,
    now: WallMs,
) -> Result<()> {
    let subject = patient.map(|it| it.to_string());
    let by = by.map(ToString::to_string);
    let access = Access {
        at_ms: now.0,
        purpose: PURPOSE,
        subject: subject.as_deref().unwrap_or("-"),
    };
    record.log_access(&actor(), access).await?;
    let names = staff::signatures(record, &actor()).await?;
    let mut out = io::stdout().lock();
    let (mut before, mut left) = (None, limit);
    while left > 0 {
        let asked = Asked {
            subject: subject.as_deref(),
            by: by.as_deref(),
            purpose: None,
            before,
        };
        let page = record.accesses(&actor(), asked, left.min(PAGE)).await?;
        for entry in &page {
            let who = names.get(&entry.actor).unwrap_or(&entry.actor);
            writeln!(
                out,
                "{}  {}  {who}  {}  {}",
                entry.number,
                local_time(WallMs(entry.at_ms)),
                entry.purpose,
                entry.subject
            )?;
        }
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        left = left.saturating_sub(u64::try_from(page.len())?);
    }
    Ok(())
}
