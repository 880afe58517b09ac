//! What a box must be told: who it is, where the broker is, what hangs on which port.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use veglia_codecs::Protocol;
use veglia_wire::{DeviceId, GatewayId, IdError};

/// Serial ports of one box. A hub has seven; a couple with two devices each needs four.
pub const MAX_PORTS: usize = 16;

/// The `[gateway]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The gateway's id, also its MQTT client id.
    pub id: String,
    /// The broker, `host:port`.
    pub broker: String,
    /// The file that holds this gateway's secret, readable by it alone.
    pub secret_file: PathBuf,
    /// Largest outbox in mebibytes.
    pub outbox_mib: u64,
    /// Longest pause in seconds between two attempts to reach the broker.
    pub reconnect_seconds: u64,
    /// What hangs on which serial port.
    pub port: Vec<PortConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            id: "casa-1".into(),
            broker: "localhost:1883".into(),
            secret_file: PathBuf::from("gateway.secret"),
            // A week of four devices at 1 Hz is about 150 MiB; an SD card has room for this.
            outbox_mib: 1024,
            // Five minutes: thousands of boxes must not knock at once when a centre comes back.
            reconnect_seconds: 300,
            port: Vec::new(),
        }
    }
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");
}

/// One serial port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortConfig {
    /// The tty. Prefer `/dev/serial/by-id/…`: it stays the same when the device is re-plugged.
    pub path: PathBuf,
    /// What the device speaks: `nonin-8` or `node`.
    #[serde(deserialize_with = "parsed")]
    pub protocol: Protocol,
    /// The device, for protocols that do not say who speaks.
    #[serde(default, deserialize_with = "parsed_option")]
    pub device: Option<DeviceId>,
}

fn parsed<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    String::deserialize(input)?
        .parse()
        .map_err(de::Error::custom)
}

fn parsed_option<'de, D: Deserializer<'de>>(input: D) -> Result<Option<DeviceId>, D::Error> {
    parsed(input).map(Some)
}

/// Why a configuration cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The id is not an identifier.
    #[error("[gateway] id = {id:?} is not an identifier")]
    Id {
        /// What stands there.
        id: String,
        /// Why not.
        #[source]
        source: IdError,
    },
    /// The broker's address has no port.
    #[error("[gateway] broker = {0:?} must be host:port, for example \"localhost:1883\"")]
    Broker(String),
    /// More ports than [`MAX_PORTS`].
    #[error("[gateway] has {0} ports, at most {MAX_PORTS} are served")]
    TooManyPorts(usize),
    /// A protocol that does not say who speaks needs a device.
    #[error("port {path}: {protocol} does not say who speaks; add device = \"<maker>:<serial>\"")]
    Unnamed {
        /// The port.
        path: String,
        /// Its protocol.
        protocol: Protocol,
    },
    /// The secret cannot be read.
    #[error("cannot read the gateway's secret in {path}; `veglia identity gateway` makes one")]
    Secret {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Config {
    /// Lets relative paths start in the data directory.
    pub fn place(&mut self, data: &Path) {
        self.secret_file = data.join(&self.secret_file);
    }

    /// The gateway's id, checked.
    pub fn gateway(&self) -> Result<GatewayId, ConfigError> {
        GatewayId::new(&self.id).map_err(|source| ConfigError::Id {
            id: self.id.clone(),
            source,
        })
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

    /// Refuses what cannot work, before anything is opened.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.gateway()?;
        self.broker()?;
        if self.port.len() > MAX_PORTS {
            return Err(ConfigError::TooManyPorts(self.port.len()));
        }
        let unnamed =
            |port: &&PortConfig| port.device.is_none() && matches!(port.protocol, Protocol::Nonin8);
        match self.port.iter().find(unnamed) {
            Some(port) => Err(ConfigError::Unnamed {
                path: port.path.display().to_string(),
                protocol: port.protocol,
            }),
            None => Ok(()),
        }
    }
}
