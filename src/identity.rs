//! `veglia identity …`: who may speak over the broker. The broker sees a change within a second.
//!
//! A gateway comes in by a one-time code and a service by a certificate; secrets are for a broker
//! and its clients on one machine.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use veglia_identity::{
    Authority, Credential, EnrolmentFile, EnrolmentLink, Entry, Grant, Grants, Identity as Who,
    IdentityFile, Key, Partitions, Secret, UnixSeconds, keep,
};
use veglia_wire::{GatewayId, Partition};

use crate::config::Config;
use crate::{clock, label};

/// The commands on the identity file.
#[derive(Debug, Subcommand)]
pub(crate) enum Identity {
    /// Admits a gateway: makes a one-time code for its box, or a secret for a box that needs no
    /// TLS.
    Gateway(Gateway),
    /// Admits an ingest, for all partitions, and writes its secret to a file.
    Ingest {
        /// Its name.
        #[arg(long, default_value = "ingest")]
        name: String,
        /// Where the secret goes.
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
    },
    /// Admits a service for all partitions, with a key and a certificate. Run again, it renews
    /// the certificate and keeps the key.
    Service(Service),
    /// Takes an identity away; its connection ends, and a code that waits for it is withdrawn.
    Revoke {
        /// The gateway or service.
        name: String,
    },
    /// Takes a revocation back.
    Reinstate {
        /// The gateway or service.
        name: String,
    },
    /// Everybody in the list, and the codes that are open.
    List,
}

#[derive(Debug, Args)]
pub(crate) struct Gateway {
    /// The gateway's id.
    id: GatewayId,
    #[command(flatten)]
    way: Way,
    /// How long the code is good, at most 90 days: `24h`, `14d`.
    #[arg(long, value_name = "TIME", default_value = "24h", requires = "code")]
    #[arg(value_parser = clock::span)]
    valid: SignedDuration,
    /// The centre's pages as boxes reach them, for the label.
    #[arg(long, value_name = "URL", requires = "code")]
    centre: Option<String>,
    /// Where the label's square goes, as a picture to print.
    #[arg(long, value_name = "FILE", requires = "code")]
    svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Way {
    /// Prints a one-time code, with which the box gets its certificate.
    #[arg(long)]
    code: bool,
    /// Where a secret goes: carry this file to the box.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Service {
    /// Its name.
    name: String,
    /// Makes NAME.key and NAME.pem, with which it signs in over TLS.
    #[arg(long, required = true)]
    certificate: bool,
    /// Where the two files go, instead of the data directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Identity {
    /// Changes the identity file of the configuration.
    pub(crate) fn run(self, config: &Config) -> Result<()> {
        let path = config.identities();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let file = IdentityFile::new(&path);
        // Whoever admits somebody may begin the list. To look at it, or to change somebody in it,
        // it must be there: it may only have been moved aside.
        if self.admits() {
            file.create_if_missing()?;
        }
        let codes = EnrolmentFile::new(config.enrolments());
        let now = clock::unix();
        let done = match self {
            Self::Gateway(gateway) => gateway.run(config, &file, &codes, now)?,
            Self::Ingest { name, secret_file } => {
                admit_ingest(&file, &name, &secret_file)?;
                let place = secret_file.display();
                format!("ingest {name} admitted; its secret is in {place}")
            }
            Self::Service(service) => service.run(config, &file, now)?,
            Self::Revoke { name } => {
                // The code first: it must not bring the box back in between.
                let withdrawn = codes.withdraw(&name)?;
                if !file.revoke(&name, now)? && !withdrawn {
                    bail!("there is no identity {name} in {}", path.display());
                }
                format!("{name} revoked; its connection ends within a second")
            }
            Self::Reinstate { name } => {
                if !file.reinstate(&name)? {
                    bail!("there is no identity {name} in {}", path.display());
                }
                format!("{name} may connect again")
            }
            Self::List => list(&file, &codes, now)?,
        };
        Ok(writeln!(io::stdout(), "{done}")?)
    }

    fn admits(&self) -> bool {
        match self {
            Self::Gateway(_) | Self::Ingest { .. } | Self::Service(_) => true,
            Self::Revoke { .. } | Self::Reinstate { .. } | Self::List => false,
        }
    }
}

impl Gateway {
    fn run(
        self,
        config: &Config,
        file: &IdentityFile,
        codes: &EnrolmentFile,
        now: UnixSeconds,
    ) -> Result<String> {
        let Self {
            id,
            way,
            valid,
            centre,
            svg,
        } = self;
        if let Some(secret_file) = &way.secret_file {
            admit_gateway(file, &id, secret_file)?;
            let place = secret_file.display();
            return Ok(format!("gateway {id} admitted; its secret is in {place}"));
        }
        if let Some(centre) = &centre {
            label::check(centre)?;
        }
        let authority = Authority::open(&config.authority())?;
        let expires_at = UnixSeconds(now.0.saturating_add(valid.as_secs()));
        let partition = Partition::of(&id).number();
        let root = authority.fingerprint();
        let code = codes.make(root, id.as_str(), partition, expires_at, now)?;
        let link = EnrolmentLink { centre, code };
        if let Some(svg) = &svg {
            keep_private(&label::svg(&link)?, svg)?;
        }
        Ok(format!(
            "{code}\n\n{}\nThe code lets one box in as {id}, until {}. It is shown only now.\n\
             On the box: veglia gateway enroll --centre {} --code {code}",
            label::unicode(&link)?,
            date(expires_at),
            link.centre.as_deref().unwrap_or("URL"),
        ))
    }
}

impl Service {
    fn run(self, config: &Config, file: &IdentityFile, now: UnixSeconds) -> Result<String> {
        let Self { name, out, .. } = self;
        let authority = Authority::open(&config.authority())?;
        let folder = out.unwrap_or_else(|| config.data.clone());
        let (key_file, certificate_file) = (
            folder.join(format!("{name}.key")),
            folder.join(format!("{name}.pem")),
        );
        let is_there = fs::symlink_metadata(&key_file).is_ok();
        let key = if is_there {
            Key::open(&key_file)?
        } else {
            Key::generate()?
        };
        // A name that cannot be is refused here, before a file is made for it.
        let certificate = authority.issue_service(&name, &key, now)?;
        if !is_there {
            key.save(&key_file)?;
        }
        file.admit_service_key(&name, &everything(), key.hash(), now)?;
        keep(&certificate_file, &certificate)?;
        Ok(format!(
            "service {name} admitted; its key is {}, its certificate {}",
            key_file.display(),
            certificate_file.display()
        ))
    }
}

/// A line each, in the order of names; a dash stands for what is not known or not so.
fn list(file: &IdentityFile, codes: &EnrolmentFile, now: UnixSeconds) -> Result<String> {
    let list = file.load()?;
    let mut entries: Vec<&Entry> = list.entries().map(AsRef::as_ref).collect();
    entries.sort_by_key(|entry| entry.identity().name());
    let when = |time: Option<UnixSeconds>| time.map_or_else(|| "-".to_owned(), date);
    let row = |name: &str, kind: &str, how: &str, since: &str, revoked: &str| {
        format!("{name:<24} {kind:<8} {how:<7} {since:<17} {revoked}")
    };
    let mut lines = vec![row("NAME", "KIND", "BY", "SINCE", "REVOKED")];
    lines.extend(entries.iter().map(|entry| {
        let kind = match entry.identity() {
            Who::Gateway { .. } => "gateway",
            Who::Service { .. } => "service",
        };
        let how = match entry.credential() {
            Credential::Key(_) => "key",
            Credential::Secret(_) => "secret",
        };
        let (since, revoked) = (when(entry.admitted_at()), when(entry.revoked_at()));
        row(entry.identity().name(), kind, how, &since, &revoked)
    }));
    lines.extend(codes.open_codes(now)?.iter().map(|code| {
        let until = format!("until {}", date(code.expires_at));
        row(
            &code.gateway,
            "gateway",
            "code",
            &date(code.made_at),
            &until,
        )
    }));
    Ok(lines.join("\n"))
}

/// To the minute, in UTC: who reads it may sit elsewhere.
pub(crate) fn date(time: UnixSeconds) -> String {
    let time = Timestamp::from_second(time.0);
    time.map_or_else(
        |_| "no date".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%MZ").to_string(),
    )
}

/// Admits a gateway in the partition of its id.
pub(crate) fn admit_gateway(file: &IdentityFile, id: &GatewayId, secret_file: &Path) -> Result<()> {
    let secret = file.add_gateway(id.as_str(), Partition::of(id).number())?;
    keep_secret(&secret, secret_file)
}

/// Admits an ingest that receives from every gateway.
pub(crate) fn admit_ingest(file: &IdentityFile, name: &str, secret_file: &Path) -> Result<()> {
    keep_secret(&file.add_service(name, &everything())?, secret_file)
}

/// What an ingest that serves every home may do.
fn everything() -> Grants {
    Grants {
        partitions: Partitions::All,
        may: [Grant::Receive].into(),
    }
}

fn keep_secret(secret: &Secret, path: &Path) -> Result<()> {
    keep_private(secret.reveal(), path)
}

/// Writes what only its owner may read.
fn keep_private(text: &str, path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{text}")?;
    file.sync_all()
        .with_context(|| format!("cannot write {}", path.display()))
}
