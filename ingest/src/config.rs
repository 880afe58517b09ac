//! What an ingest must be told.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use veglia_wire::{IdError, Partition};

/// The `[ingest]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The broker, `host:port`.
    pub broker: String,
    /// The name of this ingest's identity at the broker.
    pub service: String,
    /// The file that holds its secret.
    pub secret_file: PathBuf,
    /// The partitions served: first and last.
    pub partitions: [u8; 2],
}

impl Default for Config {
    fn default() -> Self {
        Self {
            broker: "localhost:1883".into(),
            service: "ingest".into(),
            secret_file: PathBuf::from("ingest.secret"),
            partitions: [0, 63],
        }
    }
}

/// Why the section cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The broker's address has no port.
    #[error("[ingest] broker = {0:?} must be host:port, for example \"localhost:1883\"")]
    Broker(String),
    /// The partitions are not a range from 0 to 63.
    #[error("[ingest] partitions = [{0}, {1}] must be a first and a last from 0 to 63")]
    Partitions(u8, u8, #[source] Option<IdError>),
    /// The secret cannot be read.
    #[error("cannot read the secret of ingest in {path}; `veglia identity ingest` makes one")]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");

    /// Lets relative paths start in the data directory.
    pub fn place(&mut self, data: &Path) {
        self.secret_file = data.join(&self.secret_file);
    }

    /// Host and port of the broker.
    pub fn broker(&self) -> Result<(String, u16), ConfigError> {
        let wrong = || ConfigError::Broker(self.broker.clone());
        let (host, port) = self.broker.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() {
            Err(wrong())
        } else {
            Ok((host.into(), port))
        }
    }

    /// The partitions served.
    pub fn partitions(&self) -> Result<Vec<Partition>, ConfigError> {
        let [first, last] = self.partitions;
        let partitions: Result<Vec<_>, _> = (first..=last).map(Partition::new).collect();
        match partitions {
            Ok(partitions) if !partitions.is_empty() => Ok(partitions),
            Ok(_) => Err(ConfigError::Partitions(first, last, None)),
            Err(source) => Err(ConfigError::Partitions(first, last, Some(source))),
        }
    }
}
