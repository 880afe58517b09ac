//! `veglia ca …`: the centre's own certificate authority.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use veglia_identity::{Authority, IdentityFile, Key, keep};

use crate::clock;
use crate::config::Config;
use crate::identity::date;

/// The commands on the authority.
#[derive(Debug, Subcommand)]
pub(crate) enum Ca {
    /// Makes the authority, once: it signs for ten years. Begins the list of identities too.
    Init {
        /// The centre's name, as it stands in every certificate: letters, digits, `.`, `_`, `-`.
        #[arg(long, value_name = "CENTRE", default_value = "veglia")]
        name: String,
    },
    /// Makes a server's key and certificate, good for 397 days. Run again, it renews the
    /// certificate and keeps the key; the broker takes it up without a restart.
    Server {
        /// What clients connect to: host names and IP addresses.
        #[arg(long, value_name = "HOST", required = true, num_args = 1..)]
        name: Vec<String>,
        /// Where server.key and server.pem go, instead of the authority's folder.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Makes a new key too and drops the old one, for example because it was stolen.
        #[arg(long)]
        new_key: bool,
    },
    /// Says who the authority is and how long it signs.
    Show,
}

impl Ca {
    /// Uses the authority in the data directory.
    pub(crate) fn run(self, config: &Config) -> Result<()> {
        let folder = config.authority();
        let now = clock::unix();
        let done = match self {
            Self::Init { name } => {
                let made = Authority::create(&folder, &name, now)?;
                IdentityFile::new(config.identities()).create_if_missing()?;
                format!(
                    "{}\nKeep a copy of {} in a safe place: without it every box has to be \
                     enrolled again.",
                    described(&made),
                    folder.display()
                )
            }
            Self::Server { name, out, new_key } => {
                let authority = Authority::open(&folder)?;
                let out = out.unwrap_or(folder);
                server(&authority, &name, &out, new_key)?
            }
            Self::Show => described(&Authority::open(&folder)?),
        };
        Ok(writeln!(io::stdout(), "{done}")?)
    }
}

fn server(authority: &Authority, hosts: &[String], out: &Path, new_key: bool) -> Result<String> {
    let (key_file, certificate_file) = (out.join("server.key"), out.join("server.pem"));
    let stays = !new_key && fs::symlink_metadata(&key_file).is_ok();
    let key = if stays {
        Key::open(&key_file)?
    } else {
        Key::generate()?
    };
    // A host that cannot be is refused here, before a file is made for it.
    let certificate = authority.server_certificate(hosts, &key, clock::unix())?;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    // Whoever looks between the two finds a key of another certificate, and looks again.
    if !stays {
        keep(&key_file, &key.pem())?;
    }
    keep(&certificate_file, &certificate)?;
    Ok(format!(
        "certificate for {}: {} with its key {}",
        hosts.join(", "),
        certificate_file.display(),
        key_file.display()
    ))
}

fn described(authority: &Authority) -> String {
    format!(
        "centre       {}\nfingerprint  {} (SHA-256)\nvalid        {} to {}",
        authority.centre(),
        authority.fingerprint(),
        date(authority.not_before()),
        date(authority.not_after())
    )
}
