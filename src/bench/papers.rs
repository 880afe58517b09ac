//! What homes show at the door: a secret each where the way is plain, a certificate each over TLS.
//!
//! Certificates are made once, by an authority of the bench's own and with the code that a centre
//! uses; each run has a copy of the list that admits them. Homes of the same number have the same
//! certificate in every run, as a home has from day to day.
//!
//! Deliberately absent: enrolment. It happens once in the life of a box and has no part in a load.

use std::fmt;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use veglia_identity::{Authority, IdentityFile, Key, Request, UnixSeconds, keep};
use veglia_link::{Access, CertificateFiles, Secret};
use veglia_wire::Partition;

use super::load::{Home, gateway};

/// The list of who may come, in a data directory.
const IDENTITIES: &str = "identities.toml";

/// What ingest shows: it is on the broker's machine.
const INGEST_SECRET: &str = "ingest.secret";

/// By which way homes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    /// As processes of the broker's machine do, with a secret.
    Plain,
    /// As everybody else does: TLS, with a certificate.
    Tls,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Tls => "mTLS",
        })
    }
}

/// An authority and those for whom it vouches: the broker, and homes by their numbers.
#[derive(Debug)]
pub(super) struct Papers {
    folder: PathBuf,
}

impl Papers {
    /// Makes them for so many homes, in a folder that is not there yet.
    pub(super) fn make(folder: PathBuf, homes: usize, now: UnixSeconds) -> Result<Self> {
        fs::create_dir(&folder).context("cannot make a folder for certificates")?;
        let papers = Self { folder };
        let authority = Authority::create(&papers.authority(), "bench", now)?;
        let server = authority.issue_server(&[Ipv4Addr::LOCALHOST.to_string()], now)?;
        server.key.save(&papers.server_key())?;
        keep(&papers.server_certificate(), &server.certificate)?;

        let list = IdentityFile::new(papers.folder.join(IDENTITIES));
        list.create_if_missing()?;
        let secret = papers.folder.join(INGEST_SECRET);
        crate::identity::admit_ingest(&list, "ingest", &secret)?;
        for number in 0..homes {
            papers.vouch(&authority, &list, number, now)?;
        }
        Ok(papers)
    }

    fn vouch(
        &self,
        authority: &Authority,
        list: &IdentityFile,
        number: usize,
        now: UnixSeconds,
    ) -> Result<()> {
        let name = gateway(number)?;
        let files = self.of(number);
        let key = Key::generate()?;
        key.save(&files.key)?;
        let request = Request::parse(&key.request(name.as_str())?)?;
        keep(
            &files.certificate,
            &authority.sign(&request, name.as_str(), now)?,
        )?;
        let partition = Partition::of(&name).number();
        list.admit_gateway_key(name.as_str(), partition, key.hash(), now)?;
        Ok(())
    }

    /// Those of the home of a number.
    pub(super) fn of(&self, number: usize) -> CertificateFiles {
        CertificateFiles {
            certificate: self.folder.join(format!("{number}.pem")),
            key: self.folder.join(format!("{number}.key")),
            authority: self.authority().join("authority.pem"),
        }
    }

    /// The section `[broker.tls]` of a configuration.
    pub(super) fn section(&self, port: u16) -> String {
        format!(
            "[broker.tls]\nlisten = \"127.0.0.1:{port}\"\n\
             certificate = {:?}\nkey = {:?}\nauthority = {:?}\n",
            self.server_certificate(),
            self.server_key(),
            self.authority().join("authority.pem"),
        )
    }

    fn authority(&self) -> PathBuf {
        self.folder.join("ca")
    }

    fn server_key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    fn server_certificate(&self) -> PathBuf {
        self.folder.join("server.pem")
    }
}

/// The door that the homes of a run come to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Door<'a> {
    Plain,
    Tls(&'a Papers),
}

impl Door<'_> {
    pub(super) fn way(self) -> Way {
        match self {
            Self::Plain => Way::Plain,
            Self::Tls(_) => Way::Tls,
        }
    }

    /// Admits the homes and the ingest at a broker that is yet to start. What each home shows is
    /// in the order of the homes.
    pub(super) fn admit(self, data: &Path, homes: &[Home]) -> Result<Vec<Access>> {
        match self {
            Self::Plain => with_secrets(data, homes),
            Self::Tls(papers) => {
                for name in [IDENTITIES, INGEST_SECRET] {
                    fs::copy(papers.folder.join(name), data.join(name))
                        .with_context(|| format!("cannot copy {name}"))?;
                }
                let files = homes.iter().map(|home| papers.of(home.number));
                Ok(files.map(Access::Certificate).collect())
            }
        }
    }
}

fn with_secrets(data: &Path, homes: &[Home]) -> Result<Vec<Access>> {
    let file = IdentityFile::new(data.join(IDENTITIES));
    file.create_if_missing()?;
    crate::identity::admit_ingest(&file, "ingest", &data.join(INGEST_SECRET))?;
    let rows: Vec<(&str, u8)> = homes
        .iter()
        .map(|home| {
            let partition = Partition::of(&home.gateway).number();
            (home.gateway.as_str(), partition)
        })
        .collect();
    let secrets = file.add_gateways(&rows)?;
    let secrets = secrets.iter().map(|it| Secret::new(it.reveal()));
    Ok(secrets.map(Access::Secret).collect())
}
