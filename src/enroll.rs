//! `veglia gateway enroll …`: the box becomes a gateway of a centre, with a one-time code.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;
use veglia_gateway::{Enrolled, Invitation, UNDER_WAY, enrol};

use crate::config::Config;
use crate::datadir::RoleDir;
use crate::{clock, roles};

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
}

#[derive(Debug, Args)]
struct Enroll {
    /// The centre's pages, for example https://centre.example; the label may say it.
    #[arg(long, value_name = "URL")]
    centre: Option<String>,
    /// The one-time code from the centre, or the whole text of the box's label.
    #[arg(long, value_name = "CODE")]
    code: String,
    /// Enrol a box that is enrolled already, for example after it was revoked. Readings that wait
    /// to be sent stay.
    #[arg(long)]
    again: bool,
}

impl Gateway {
    /// Runs the box, or enrols it.
    pub(crate) async fn run(self, config: Result<Config>, stop: CancellationToken) -> Result<()> {
        match self.task {
            None => roles::gateway::run(config, stop).await,
            Some(Task::Enroll(enroll)) => {
                let data = config?.data;
                tokio::select! {
                    enrolled = enroll.run(&data) => enrolled,
                    // Nothing is lost: the same code can be tried again.
                    () = stop.cancelled() => Ok(()),
                }
            }
        }
    }
}

impl Enroll {
    async fn run(self, data: &Path) -> Result<()> {
        let invitation = Invitation::read(self.centre.as_deref(), &self.code)?;
        // Two that enrol at once would each take the other's key for their own.
        let _alone = RoleDir::take(data, &Path::new("gateway").join(UNDER_WAY))?;
        let said = match enrol(&invitation, data, self.again, &clock::wall()).await? {
            Enrolled::Now(done) => format!(
                "this box is gateway {} of the centre {} now; start it with `veglia gateway`",
                done.gateway, done.centre
            ),
            Enrolled::Before(done) => format!(
                "this box is gateway {} of the centre {} already, and nothing was changed; with \
                 --again it is enrolled anew",
                done.gateway, done.centre
            ),
        };
        Ok(writeln!(io::stdout(), "{said}")?)
    }
}
