//! Where a record is: a file of this machine, or a database on a PostgreSQL server.
//!
//! A [`Server`] can be shown and logged whole: its password is in a file and is read when a
//! connection pool is opened. Over a network there is no connection without TLS and a certificate
//! that bears the name in the address; on this machine itself (a Unix socket, a loopback address)
//! there is none with it, unless an authority is named.
//!
//! Deliberately absent: other parameters of the server's libraries (`sslmode` above all, which
//! could take the encryption away), client certificates, several hosts in one address.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use url::{Host, Url};

/// Where the clinical record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An SQLite file.
    File(PathBuf),
    /// A database on a PostgreSQL server.
    Server(Server),
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

/// A database on a PostgreSQL server, and how to sign in there. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Server {
    address: String,
    reach: Reach,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
}

/// By which way the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Machine,
    Network,
}

/// Why a text is no address of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not of the form.
    #[error(
        "the address of a record on PostgreSQL is postgres://USER@HOST/DATABASE, or \
         postgres:///DATABASE?host=FOLDER&user=USER for the socket in a folder of this machine"
    )]
    Form,
    /// A password is written in it.
    #[error("a password is no part of an address: write it into a file named as password_file")]
    Password,
    /// A parameter that may not be set.
    #[error("of the parameters of an address only host and user are known")]
    Parameter,
}

/// How a configuration names a server: by its address, or with the files to sign in.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an address such as \"postgres://veglia@db.example/veglia\", or { url, \
                 password_file, ca } of which the last two may be left out"
)]
enum Written {
    Address(String),
    Whole(Whole),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    url: String,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
}

impl TryFrom<Written> for Server {
    type Error = AddressError;

    fn try_from(written: Written) -> Result<Self, AddressError> {
        match written {
            Written::Address(address) => address.parse(),
            Written::Whole(whole) => {
                let server: Self = whole.url.parse()?;
                Ok(Self {
                    password_file: whole.password_file,
                    ca: whole.ca,
                    ..server
                })
            }
        }
    }
}

impl FromStr for Server {
    type Err = AddressError;

    fn from_str(address: &str) -> Result<Self, AddressError> {
        let url = Url::parse(address).map_err(|_| AddressError::Form)?;
        let mut folder = None;
        let mut user = !url.username().is_empty();
        for (key, value) in url.query_pairs() {
            match &*key {
                "host" if value.starts_with('/') => folder = Some(value),
                "user" => user = !value.is_empty(),
                "password" => return Err(AddressError::Password),
                _ => return Err(AddressError::Parameter),
            }
        }
        if url.password().is_some() {
            return Err(AddressError::Password);
        }
        let is_ours = matches!(url.scheme(), "postgres" | "postgresql");
        let database = url.path().trim_start_matches('/');
        let reach = match (folder, url.host()) {
            (Some(_), None) => Reach::Machine,
            // A folder may be written as a host too, by others.
            (None, Some(host)) if !host.to_string().contains('%') => reach(&host),
            _ => return Err(AddressError::Form),
        };
        if !is_ours || !user || database.is_empty() || database.contains('/') {
            return Err(AddressError::Form);
        }
        Ok(Self {
            address: address.to_owned(),
            reach,
            password_file: None,
            ca: None,
        })
    }
}

/// Hosts of this scheme are not read as numbers by the standard of addresses.
fn reach(host: &Host<&str>) -> Reach {
    let is_loopback = match host {
        Host::Domain("localhost") => true,
        Host::Domain(name) => name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    if is_loopback {
        Reach::Machine
    } else {
        Reach::Network
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl Server {
    /// The same, signing in with the password in the first line of a file.
    #[must_use]
    pub fn with_password_file(self, file: PathBuf) -> Self {
        Self {
            password_file: Some(file),
            ..self
        }
    }

    /// The same, encrypted and believed only with a certificate of this authority (PEM) beside
    /// those that the system believes.
    #[must_use]
    pub fn with_ca(self, file: PathBuf) -> Self {
        Self {
            ca: Some(file),
            ..self
        }
    }

    /// The same, its relative files in a folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        let inside = |file: PathBuf| folder.join(file);
        Self {
            password_file: self.password_file.map(inside),
            ca: self.ca.map(inside),
            ..self
        }
    }

    /// The key `record` as `veglia config` prints it. Without it the record is a file.
    pub const TEMPLATE: &'static str = include_str!("template.toml");

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn password_file(&self) -> Option<&Path> {
        self.password_file.as_deref()
    }

    pub(crate) fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// Whether its certificate must prove that it is the one that was meant.
    pub(crate) fn must_prove_itself(&self) -> bool {
        self.reach == Reach::Network || self.ca.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_user_host_and_database_and_no_secret() {
        let odd = [
            ("record.db", AddressError::Form),
            ("mysql://veglia@db.example/veglia", AddressError::Form),
            ("postgres://db.example/veglia", AddressError::Form),
            ("postgres://veglia@db.example", AddressError::Form),
            ("postgres:///veglia?user=veglia", AddressError::Form),
            ("postgres://v@%2Frun%2Fpostgresql/v", AddressError::Form),
            (
                "postgres://v@db.example/veglia?host=/run",
                AddressError::Form,
            ),
            (
                "postgres://veglia:sesame@db.example/veglia",
                AddressError::Password,
            ),
            (
                "postgres://veglia@db.example/veglia?password=sesame",
                AddressError::Password,
            ),
            (
                "postgres://veglia@db.example/veglia?sslmode=disable",
                AddressError::Parameter,
            ),
        ];
        for (address, why) in odd {
            assert_eq!(address.parse::<Server>().unwrap_err(), why, "{address}");
        }
    }

    #[test]
    fn only_on_this_machine_a_server_need_not_prove_itself() {
        let must = |address: &str| address.parse::<Server>().unwrap().must_prove_itself();
        for address in [
            "postgres:///veglia?host=/run/postgresql&user=veglia",
            "postgres://veglia@localhost/veglia",
            "postgresql://veglia@127.0.0.1:5433/veglia",
            "postgres://veglia@[::1]/veglia",
        ] {
            assert!(!must(address), "{address}");
        }
        for address in [
            "postgres://veglia@db.example/veglia",
            "postgres://veglia@192.0.2.1/veglia",
            "postgres://veglia@localhost.example/veglia",
        ] {
            assert!(must(address), "{address}");
        }
        let named = "postgres://veglia@localhost/veglia".parse::<Server>();
        assert!(named.unwrap().with_ca("ca.pem".into()).must_prove_itself());
    }

    #[test]
    fn a_configuration_names_it_by_address_or_with_its_files() {
        #[derive(Deserialize)]
        struct Config {
            record: Server,
        }
        let read = |text: &str| toml::from_str::<Config>(text).map(|config| config.record);
        let commented = Server::TEMPLATE.lines();
        let named: Vec<Server> = commented
            .filter_map(|line| line.strip_prefix("# record = "))
            .map(|value| read(&format!("record = {value}")).unwrap())
            .collect();
        let [socket, network] = named.try_into().unwrap();
        assert_eq!(socket.password_file(), None);
        let network = network.within(Path::new("data"));
        assert_eq!(
            (network.password_file(), network.ca()),
            (
                Some(Path::new("data/record.password")),
                Some(Path::new("data/record-ca.pem"))
            )
        );
        for wrong in [
            "record = 5",
            "record = \"postgres://v:sesame@db.example/v\"",
            "record = { url = \"postgres://v:sesame@db.example/v\" }",
            "record = { url = \"postgres://v@db.example/v\", password = \"sesame\" }",
        ] {
            let error = read(wrong).unwrap_err();
            assert!(!error.message().contains("sesame"), "{error}");
        }
    }
}
