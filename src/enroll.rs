//! `veglia gateway enroll …`: the box becomes a gateway of a centre, with a one-time code.
//!
//! A code on the command line stands in the shell's history and in the list of processes; `-` has
//! it read from standard input.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;
use veglia_gateway::{Enrolled, Invitation, UNDER_WAY, enrol, waiting};

use crate::box_status::BoxStatus;
use crate::config::Config;
use crate::datadir::RoleDir;
use crate::pair::Pair;
use crate::{clock, roles};

/// Most bytes that are read from standard input: the text of a label is shorter.
const MAX_CODE_BYTES: u64 = 2 * 1024;

/// The box at home: it runs, unless something else is asked of it.
#[derive(Debug, Args)]
pub(crate) struct Gateway {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Makes this box a gateway of a centre: makes its key, and gets its certificate.
    Enroll(Enroll),
    /// Makes a Bluetooth device this home's: finds it, pairs it, sees its first value.
    Pair(Pair),
    /// How the box is: devices, what waits for the centre, clock, line.
    Status(BoxStatus),
}

#[derive(Debug, Args)]
struct Enroll {
    /// The centre's pages, for example `https://centre.example`; the label may say it.
    #[arg(long, value_name = "URL")]
    centre: Option<String>,
    /// The one-time code from the centre, or the whole text of the box's label; `-` reads it from
    /// standard input.
    #[arg(long, value_name = "CODE")]
    code: Code,
    /// Enrol a box that is enrolled already, for example after it was revoked. Readings that wait
    /// to be sent stay.
    #[arg(long)]
    again: bool,
    /// Believe a centre that stands behind a proxy with a certificate of a public authority.
    /// Without this, the code is told only to whoever shows the centre's own root certificate.
    #[arg(long)]
    public_ca: bool,
}

/// What was typed for a code.
#[derive(Clone)]
struct Code(String);

impl FromStr for Code {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// Redacted: a code in a log is no secret.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(redacted)")
    }
}

impl Code {
    /// The code itself, read from `input` if it was not typed.
    fn reveal(self, input: impl Read) -> Result<String> {
        if self.0 != "-" {
            return Ok(self.0);
        }
        let mut text = String::new();
        let read = input.take(MAX_CODE_BYTES).read_to_string(&mut text);
        read.context("the code cannot be read from standard input")?;
        Ok(text)
    }
}

impl Gateway {
    /// Runs the box, or enrols it.
    pub(crate) async fn run(self, config: Result<Config>, stop: CancellationToken) -> Result<()> {
        match self.task {
            None => roles::gateway::run(config, stop).await,
            Some(Task::Enroll(enroll)) => {
                let config = config?;
                tokio::select! {
                    enrolled = enroll.run(&config) => enrolled,
                    // Nothing is lost: the same code can be tried again.
                    () = stop.cancelled() => Ok(()),
                }
            }
            Some(Task::Pair(pair)) => {
                let config = config?;
                tokio::select! {
                    paired = pair.run(&config) => paired,
                    () = stop.cancelled() => Ok(()),
                }
            }
            Some(Task::Status(status)) => status.run(&config?).await,
        }
    }
}

impl Enroll {
    async fn run(self, config: &Config) -> Result<()> {
        let data = &config.data;
        let code = self.code.reveal(io::stdin().lock())?;
        let mut invitation = Invitation::read(self.centre.as_deref(), &code)?;
        if self.public_ca {
            invitation = invitation.by_public_ca();
        }
        // Two that enrol at once would each take the other's key for their own.
        let _alone = RoleDir::take(data, &Path::new("gateway").join(UNDER_WAY))?;
        let old = config.gateway.gateway(data).ok();
        let said = match enrol(&invitation, data, self.again, &clock::wall()).await? {
            Enrolled::Now(done) => {
                let left = match old.filter(|old| *old != done.gateway) {
                    Some(old) => left_behind(data, old.as_str()).await,
                    None => String::new(),
                };
                format!(
                    "this box is gateway {} of the centre {} now; start it with `veglia \
                     gateway`{left}",
                    done.gateway, done.centre
                )
            }
            Enrolled::Before(done) => format!(
                "this box is gateway {} of the centre {} already, and nothing was changed; with \
                 --again it is enrolled anew",
                done.gateway, done.centre
            ),
        };
        Ok(writeln!(io::stdout(), "{said}")?)
    }
}

/// A warning about what the box has measured as another gateway and not sent: readings are of the
/// gateway that measured them, and never sent as another's.
async fn left_behind(data: &Path, old: &str) -> String {
    let folder = Path::new("gateway").join(old);
    let counted = match RoleDir::take(data, &folder) {
        Ok(dir) => waiting(dir.path()).await.ok(),
        // It still runs, and goes on sending until it ends.
        Err(_) => None,
    };
    let count = match counted {
        Some(0) => return String::new(),
        Some(1) => "1 reading".to_owned(),
        Some(count) => format!("{count} readings"),
        None => "the readings".to_owned(),
    };
    format!(
        "\nWARNING: {count} of gateway {old} that were not sent stay in {}: to have them sent, \
         ask the centre for a code for {old} and enrol again with it",
        data.join(folder).display()
    )
}

#[cfg(test)]
mod tests {
    use veglia_link::{Outbox, OutboxOptions};
    use veglia_wire::{Body, Boot, Gap, GapReason, MonoMs, Record, When};

    use super::*;

    #[tokio::test]
    async fn readings_of_the_gateway_it_was_are_counted_and_told() {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("gateway/casa-1");
        assert_eq!(left_behind(data.path(), "casa-1").await, "");

        let outbox = Outbox::open(&dir.join("outbox"), OutboxOptions::default()).unwrap();
        let record = Record {
            device: None,
            when: When {
                boot: Boot(1),
                mono: MonoMs(0),
                wall: None,
                device: None,
            },
            body: Body::Gap(Gap {
                reason: GapReason::Damaged,
                lost: 1,
                lasted_ms: None,
            }),
        };
        let appended = outbox.append(vec![record.clone(), record]).await;
        appended.unwrap();
        outbox.close().await;
        drop(outbox);
        let told = left_behind(data.path(), "casa-1").await;
        assert!(
            told.contains("WARNING: 2 readings of gateway casa-1"),
            "{told}"
        );

        let _running = RoleDir::take(data.path(), Path::new("gateway/casa-1")).unwrap();
        let told = left_behind(data.path(), "casa-1").await;
        assert!(
            told.contains("WARNING: the readings of gateway casa-1"),
            "{told}"
        );
    }

    #[test]
    fn a_code_is_taken_as_it_was_typed_or_from_standard_input() {
        let code = |typed: &str| Code(typed.to_owned()).reveal(&b"04HM-ASW9\n"[..]).unwrap();
        assert_eq!(code("Y093-ZW0F"), "Y093-ZW0F");
        assert_eq!(code("-"), "04HM-ASW9\n");
        assert!(Code("-".to_owned()).reveal(&b"\xff"[..]).is_err());
        let long = Code("-".to_owned()).reveal(io::repeat(b'0')).unwrap();
        assert_eq!(u64::try_from(long.len()), Ok(MAX_CODE_BYTES));
    }

    #[test]
    fn a_code_does_not_show_in_a_debug_print() {
        let code: Code = "04HM-ASW9".parse().unwrap();
        assert_eq!(format!("{code:?}"), "Code(redacted)");
    }
}
