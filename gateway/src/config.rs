//! What a box must be told: what hangs on which port; and who it is and where the broker is, unless
//! it was enrolled and knows that itself.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use veglia_codecs::Protocol;
use veglia_link::{Access, AccessError, Address, AddressError, Secret};
use veglia_wire::{DeviceId, GatewayId, IdError, Partition};

use crate::ble::{BluetoothConfig, BluetoothConfigError};
use crate::enrolment::{self, Enrolment, EnrolmentError};
use crate::voice::{VoiceConfig, VoiceConfigError};

/// The broker of a box that has a secret, when none is named.
const LOCAL_BROKER: &str = "localhost:1883";

/// Serial ports of one box. A hub has seven; a couple with two devices each needs four.
pub const MAX_PORTS: usize = 16;

/// Longest time for which readings are gathered, in milliseconds: what a power cut may cost.
const MAX_COMMIT_MS: u64 = 10_000;

/// The `[gateway]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The gateway's id, also its MQTT client id. None: the one that was enrolled here.
    pub id: Option<String>,
    /// The broker: `host:port`, or a URL with `mqtt://` or `mqtts://`. None: the one that the
    /// centre named at the enrolment.
    pub broker: Option<String>,
    /// The file that holds this gateway's secret, for a broker on this machine. None: the
    /// certificate of the enrolment.
    pub secret_file: Option<PathBuf>,
    /// Largest outbox in mebibytes.
    pub outbox_mib: u64,
    /// How long readings of measurements that go on are gathered for one write to the disk and one
    /// frame to the centre, in milliseconds. A memory card wears out by the number of writes, and a
    /// line is paid by the byte. Everything else goes at once.
    pub commit_ms: u64,
    /// Longest pause in seconds between two attempts to reach the broker.
    pub reconnect_seconds: u64,
    /// No battery keeps the box's clock: its time is not believed before the network confirms it.
    pub clock_needs_network: bool,
    /// What hangs on which serial port.
    pub port: Vec<PortConfig>,
    /// Where the box shows how it is, on this machine alone; none: nowhere.
    pub status_page: Option<SocketAddr>,
    /// What the box says aloud; none: nothing.
    pub voice: Option<VoiceConfig>,
    /// Devices over Bluetooth; none: the radio is left alone, unless devices were paired here.
    pub bluetooth: Option<BluetoothConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            id: None,
            broker: None,
            secret_file: None,
            // A week of four devices at 1 Hz is about 150 MiB; an SD card has room for this.
            outbox_mib: 1024,
            // Half a write a second, however many devices there are: a card lasts for years, and
            // what goes on second by second is at the centre after two.
            commit_ms: 2_000,
            // Five minutes: thousands of boxes must not knock at once when a centre comes back.
            reconnect_seconds: 300,
            clock_needs_network: false,
            port: Vec::new(),
            status_page: None,
            voice: None,
            bluetooth: None,
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
    /// What the device speaks, such as `nonin-8` or `node`.
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

pub(crate) fn parsed_option<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
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
    /// There is a secret, and nobody whose secret it is.
    #[error("[gateway] secret_file needs [gateway] id: whose secret is it?")]
    Nameless,
    /// The broker's address is none.
    #[error("[gateway] broker cannot be used")]
    Broker(#[from] AddressError),
    /// The broker's address promises otherwise than what is proved.
    #[error("the broker {broker} cannot be used")]
    Access {
        /// Its address.
        broker: Address,
        /// Why not.
        #[source]
        source: Box<AccessError>,
    },
    /// Neither a secret nor an enrolment.
    #[error(
        "this box is not enrolled: get a code at the centre and run `veglia gateway enroll \
         --centre URL --code CODE`; or, for a broker on this machine, name [gateway] id and \
         secret_file"
    )]
    NotEnrolled,
    /// Enrolled for more than one gateway.
    #[error("several gateways are enrolled here ({0}): say which with [gateway] id")]
    Several(String),
    /// The enrolment cannot be used.
    #[error("the enrolment of this box cannot be used")]
    Enrolment(#[from] EnrolmentError),
    /// More ports than [`MAX_PORTS`].
    #[error("[gateway] has {0} ports, at most {MAX_PORTS} are served")]
    TooManyPorts(usize),
    /// A protocol of Bluetooth on a serial port.
    #[error("port {path}: {protocol} is spoken over Bluetooth; name it in [gateway.bluetooth]")]
    Wireless {
        /// The port.
        path: String,
        /// Its protocol.
        protocol: Protocol,
    },
    /// A protocol that does not say who speaks needs a device.
    #[error("port {path}: {protocol} does not say who speaks; add device = \"<maker>:<serial>\"")]
    Unnamed {
        /// The port.
        path: String,
        /// Its protocol.
        protocol: Protocol,
    },
    /// More would be lost at a power cut than anybody expects.
    #[error("[gateway] commit_ms = {0} would lose so much at a power cut; at most 10000")]
    Commit(u64),
    /// Others could see the page.
    #[error("[gateway] status_page = \"{0}\" could be seen by others: choose 127.0.0.1")]
    StatusPage(SocketAddr),
    /// The voice section cannot work.
    #[error("[gateway.voice] cannot work")]
    Voice(#[from] VoiceConfigError),
    /// The Bluetooth section cannot work.
    #[error("[gateway.bluetooth] cannot work")]
    Bluetooth(#[from] BluetoothConfigError),
    /// The secret cannot be read.
    #[error(
        "cannot read the gateway's secret in {}; `veglia identity gateway` makes one",
        path.display()
    )]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Who the box is, where its broker is, and how it proves who it is there.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) gateway: GatewayId,
    pub(crate) partition: Partition,
    pub(crate) broker: Address,
    pub(crate) access: Access,
    /// Where it was enrolled; none if it has a secret.
    pub(crate) enrolment: Option<Enrolment>,
}

impl Config {
    /// Lets relative paths start in the data directory.
    pub fn place(&mut self, data: &Path) {
        if let Some(file) = &mut self.secret_file {
            *file = data.join(&*file);
        }
    }

    /// Which gateway this is: the one named, or else the one enrolled in the data directory. An
    /// enrolment that was interrupted after the centre had answered is finished here.
    pub fn gateway(&self, data: &Path) -> Result<GatewayId, ConfigError> {
        if let Some(id) = self.named()? {
            return Ok(id);
        }
        if self.secret_file.is_some() {
            return Err(ConfigError::Nameless);
        }
        let mut enrolled = enrolment::find(data)?;
        match (enrolled.pop(), enrolled.as_slice()) {
            (None, _) => Err(ConfigError::NotEnrolled),
            (Some(only), []) => Ok(only.gateway),
            (Some(last), others) => {
                let names = others.iter().chain([&last]);
                let names: Vec<&str> = names.map(|it| it.gateway.as_str()).collect();
                Err(ConfigError::Several(names.join(", ")))
            }
        }
    }

    fn named(&self) -> Result<Option<GatewayId>, ConfigError> {
        let Some(id) = &self.id else {
            return Ok(None);
        };
        let gateway = GatewayId::new(id).map_err(|source| ConfigError::Id {
            id: id.clone(),
            source,
        })?;
        Ok(Some(gateway))
    }

    /// Who the box is, whose folder is `dir`. What the configuration says wins over what the
    /// centre said at the enrolment.
    pub(crate) fn standing(&self, dir: &Path) -> Result<Standing, ConfigError> {
        let standing = match &self.secret_file {
            Some(file) => self.by_secret(file)?,
            None => self.by_enrolment(dir)?,
        };
        let checked = standing.access.check(&standing.broker);
        checked.map_err(|source| ConfigError::Access {
            broker: standing.broker.clone(),
            source: Box::new(source),
        })?;
        Ok(standing)
    }

    fn by_secret(&self, file: &Path) -> Result<Standing, ConfigError> {
        let gateway = self.named()?.ok_or(ConfigError::Nameless)?;
        let secret = fs::read_to_string(file).map_err(|source| ConfigError::Secret {
            path: file.to_owned(),
            source,
        })?;
        Ok(Standing {
            partition: Partition::of(&gateway),
            gateway,
            broker: self.broker.as_deref().unwrap_or(LOCAL_BROKER).parse()?,
            access: Access::Secret(Secret::new(secret.trim())),
            enrolment: None,
        })
    }

    fn by_enrolment(&self, dir: &Path) -> Result<Standing, ConfigError> {
        let enrolment = Enrolment::read(dir)?.ok_or(ConfigError::NotEnrolled)?;
        Ok(Standing {
            gateway: enrolment.gateway.clone(),
            partition: enrolment.partition,
            broker: match &self.broker {
                Some(broker) => broker.parse()?,
                None => enrolment.broker.clone(),
            },
            access: Access::Certificate(enrolment::certificate_files(dir)),
            enrolment: Some(enrolment),
        })
    }

    /// Refuses what cannot work, before anything is opened.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.named()?;
        if let Some(broker) = &self.broker {
            broker.parse::<Address>()?;
        }
        if self.commit_ms > MAX_COMMIT_MS {
            return Err(ConfigError::Commit(self.commit_ms));
        }
        if let Some(page) = self.status_page.filter(|page| !page.ip().is_loopback()) {
            return Err(ConfigError::StatusPage(page));
        }
        if let Some(voice) = &self.voice {
            voice.check()?;
        }
        if let Some(bluetooth) = &self.bluetooth {
            bluetooth.check()?;
        }
        if self.port.len() > MAX_PORTS {
            return Err(ConfigError::TooManyPorts(self.port.len()));
        }
        let wireless = |port: &&PortConfig| port.protocol.line().is_none();
        if let Some(port) = self.port.iter().find(wireless) {
            return Err(ConfigError::Wireless {
                path: port.path.display().to_string(),
                protocol: port.protocol,
            });
        }
        let unnamed = |port: &&PortConfig| port.device.is_none() && !port.protocol.names_itself();
        match self.port.iter().find(unnamed) {
            Some(port) => Err(ConfigError::Unnamed {
                path: port.path.display().to_string(),
                protocol: port.protocol,
            }),
            None => Ok(()),
        }
    }
}
