//! Which broker stands behind the door, as `[broker] backend` says it.
//!
//! A password may stand in the URL and is better kept in a file of its own: whoever looks at a
//! configuration sees what is in it. No fault repeats what was written.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use url::Url;

use super::External;
use super::line::{bare, is_here};
use crate::backend::{Backend, BackendError};
use crate::rumqttd::Rumqttd;

/// What MQTT without TLS is spoken on.
const MQTT_PORT: u16 = 1883;

/// What MQTT over TLS is spoken on.
const MQTTS_PORT: u16 = 8883;

/// The one word that is not a table.
const RUMQTTD: &str = "rumqttd";

/// What stands behind the front door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BackendConfig {
    /// rumqttd, in this process.
    #[default]
    Rumqttd,
    /// Another broker.
    External(ExternalConfig),
}

impl BackendConfig {
    /// Lets relative paths start in the data directory.
    pub fn place(&mut self, data: &Path) {
        let Self::External(config) = self else {
            return;
        };
        let password = match &mut config.password {
            Some(Password::File(file)) => Some(file),
            _ => None,
        };
        let secured = config.secured.iter_mut().flat_map(Secured::files);
        for file in secured.chain(password) {
            *file = data.join(&*file);
        }
    }

    /// The backend, not yet open.
    pub fn make(&self) -> Box<dyn Backend> {
        match self {
            Self::Rumqttd => Box::new(Rumqttd),
            Self::External(config) => Box::new(External::new(config.clone())),
        }
    }
}

/// Another broker, and as whom to speak to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct ExternalConfig {
    host: String,
    port: u16,
    user: Option<String>,
    password: Option<Password>,
    /// With TLS.
    secured: Option<Secured>,
}

/// The files of TLS towards the other broker, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secured {
    /// Whose signature makes its certificate a good one.
    pub(super) ca: PathBuf,
    /// What we show, if it asks.
    pub(super) own: Option<Own>,
}

/// Our certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Secured {
    fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let own = self.own.iter_mut();
        let own = own.flat_map(|own| [&mut own.certificate, &mut own.key]);
        std::iter::once(&mut self.ca).chain(own)
    }
}

#[derive(Clone, PartialEq, Eq)]
enum Password {
    Text(String),
    File(PathBuf),
}

/// A password is never shown.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
        }
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: String,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default)]
    trusted_network: bool,
}

/// Why a `backend` is none. The URL is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum InvalidBackend {
    /// Not a URL of the kind that is spoken.
    #[error(
        "write url as \"mqtt://host:port\" or \"mqtts://host:port\", for example \
         \"mqtt://127.0.0.1:1884\""
    )]
    Url,
    /// A path, query or fragment.
    #[error("nothing may follow the port in url: the topics are the door's business")]
    Beyond,
    /// A password without a user.
    #[error("the password has no user: write user beside url")]
    NoUser,
    /// Two users.
    #[error("write the user in url or in user, not in both")]
    TwoUsers,
    /// Two passwords.
    #[error("write the password in url or in password_file, not in both")]
    TwoPasswords,
    /// Another machine, in plain text.
    #[error(
        "readings and the password would travel to {host} in the clear: write mqtts:// and ca, \
         or say trusted_network = true if nobody else can listen there"
    )]
    Clear {
        /// The other machine.
        host: String,
    },
    /// TLS with whoever answers.
    #[error(
        "mqtts:// needs ca = \"FILE\" beside it: the certificate of the authority that has signed \
         that broker's"
    )]
    NoAuthority,
    /// Half of a pair.
    #[error("certificate and key belong together: write both, or neither")]
    HalfPair,
    /// Files of TLS without TLS.
    #[error("ca, certificate and key are for mqtts:// only: write url with it, or leave them out")]
    NotSecured,
}

impl TryFrom<Written> for ExternalConfig {
    type Error = InvalidBackend;

    fn try_from(written: Written) -> Result<Self, InvalidBackend> {
        let url = Url::parse(&written.url).map_err(|_| InvalidBackend::Url)?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(InvalidBackend::Url)?.to_owned();
        let is_secured = match url.scheme() {
            "mqtt" => false,
            "mqtts" => true,
            _ => return Err(InvalidBackend::Url),
        };
        let is_bare = matches!(url.path(), "" | "/");
        if !is_bare || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidBackend::Beyond);
        }
        if !is_secured && !written.trusted_network && !is_here(&host) {
            return Err(InvalidBackend::Clear { host });
        }
        let secured = secured(is_secured, written.ca, written.certificate, written.key)?;
        let user = Some(url.username()).filter(|user| !user.is_empty());
        let user = match (user.map(decoded).transpose()?, written.user) {
            (Some(_), Some(_)) => return Err(InvalidBackend::TwoUsers),
            (in_url, beside) => in_url.or(beside),
        };
        let password = match (url.password(), written.password_file) {
            (Some(_), Some(_)) => return Err(InvalidBackend::TwoPasswords),
            (Some(text), None) => Some(Password::Text(decoded(text)?)),
            (None, Some(file)) => Some(Password::File(file)),
            (None, None) => None,
        };
        if user.is_none() && password.is_some() {
            return Err(InvalidBackend::NoUser);
        }
        Ok(Self {
            port: url
                .port()
                .unwrap_or(if is_secured { MQTTS_PORT } else { MQTT_PORT }),
            user,
            password,
            secured,
            host,
        })
    }
}

fn secured(
    is_secured: bool,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<Secured>, InvalidBackend> {
    let own = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Own { certificate, key }),
        (None, None) => None,
        _ => return Err(InvalidBackend::HalfPair),
    };
    match (is_secured, ca) {
        (true, Some(ca)) => Ok(Some(Secured { ca, own })),
        (true, None) => Err(InvalidBackend::NoAuthority),
        (false, None) if own.is_none() => Ok(None),
        (false, _) => Err(InvalidBackend::NotSecured),
    }
}

fn decoded(text: &str) -> Result<String, InvalidBackend> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(String::from).map_err(|_| InvalidBackend::Url)
}

impl ExternalConfig {
    /// As it is looked up.
    pub(super) fn bare_host(&self) -> &str {
        bare(&self.host)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// With what TLS is spoken; `None` without it.
    pub(super) fn secured(&self) -> Option<&Secured> {
        self.secured.as_ref()
    }

    /// Where it is, for people.
    pub(super) fn place_name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// User and password. Reads the password's file, so that a new password needs no restart; a
    /// line end after it is not part of it. Some bytes of a local file, every two seconds at
    /// most: not worth a thread.
    pub(super) fn login(&self) -> Result<Option<(String, String)>, BackendError> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        let password = match &self.password {
            None => String::new(),
            Some(Password::Text(text)) => text.clone(),
            Some(Password::File(file)) => {
                let read = fs::read_to_string(file);
                let text = read.map_err(|source| BackendError::Password {
                    file: file.clone(),
                    source,
                })?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
        };
        Ok(Some((user.clone(), password)))
    }
}

impl<'de> Deserialize<'de> for BackendConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTable)
    }
}

struct WordOrTable;

impl<'de> Visitor<'de> for WordOrTable {
    type Value = BackendConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{RUMQTTD}\" or {{ url = \"mqtt://host:port\" }}")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<BackendConfig, E> {
        if word == RUMQTTD {
            Ok(BackendConfig::Rumqttd)
        } else {
            // Not repeated: it may be a URL with a password, written without its table.
            let unexpected = serde::de::Unexpected::Other("another text");
            Err(E::invalid_value(unexpected, &self))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<BackendConfig, A::Error> {
        let config = ExternalConfig::deserialize(MapAccessDeserializer::new(table))?;
        Ok(BackendConfig::External(config))
    }
}

#[cfg(test)]
mod tests;
