//! `veglia identity …`: who may speak over the broker. The broker sees a change within a second.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use veglia_identity::{Grant, Grants, IdentityFile, Partitions, Secret};
use veglia_wire::{GatewayId, Partition};

use crate::config::Config;

/// The commands on the identity file.
#[derive(Debug, Subcommand)]
pub(crate) enum Identity {
    /// Admits a gateway and writes its secret to a file that only its owner reads.
    Gateway {
        /// The gateway's id.
        id: GatewayId,
        /// Where the secret goes: carry this file to the box.
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
    },
    /// Admits an ingest, for all partitions, and writes its secret to a file.
    Ingest {
        /// Its name.
        #[arg(long, default_value = "ingest")]
        name: String,
        /// Where the secret goes.
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
    },
    /// Takes an identity away; its connection ends.
    Revoke {
        /// The gateway or service.
        name: String,
    },
}

impl Identity {
    /// Changes the identity file of the configuration.
    pub(crate) fn run(self, config: &Config) -> Result<()> {
        let path = config.identities();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let file = IdentityFile::new(&path);
        file.create_if_missing()?;
        let done = match self {
            Self::Gateway { id, secret_file } => {
                admit_gateway(&file, &id, &secret_file)?;
                format!(
                    "gateway {id} admitted; its secret is in {}",
                    secret_file.display()
                )
            }
            Self::Ingest { name, secret_file } => {
                admit_ingest(&file, &name, &secret_file)?;
                format!(
                    "ingest {name} admitted; its secret is in {}",
                    secret_file.display()
                )
            }
            Self::Revoke { name } => {
                if !file.remove(&name)? {
                    bail!("there is no identity {name} in {}", path.display());
                }
                format!("{name} revoked; its connection ends within a second")
            }
        };
        Ok(writeln!(io::stdout(), "{done}")?)
    }
}

/// Admits a gateway in the partition of its id.
pub(crate) fn admit_gateway(file: &IdentityFile, id: &GatewayId, secret_file: &Path) -> Result<()> {
    let secret = file.add_gateway(id.as_str(), Partition::of(id).number())?;
    keep(&secret, secret_file)
}

/// Admits an ingest that receives from every gateway.
pub(crate) fn admit_ingest(file: &IdentityFile, name: &str, secret_file: &Path) -> Result<()> {
    let grants = Grants {
        partitions: Partitions::All,
        may: [Grant::Receive].into(),
    };
    keep(&file.add_service(name, &grants)?, secret_file)
}

fn keep(secret: &Secret, path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{}", secret.reveal())?;
    file.sync_all()
        .with_context(|| format!("cannot write {}", path.display()))
}
