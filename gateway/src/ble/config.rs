//! Which Bluetooth devices are this home's: the `[gateway.bluetooth]` section, and the list that
//! `veglia gateway pair` keeps, which has the same entries.
//!
//! Whoever is not named is not connected, however near: a neighbour's oximeter must not become the
//! patient's. Only `accept` opens the door to any device of a kind, for a place where no stranger's
//! is in reach.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use btleplug::api::BDAddr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use veglia_codecs::{Protocol, UnknownProtocol};
use veglia_wire::DeviceId;

use crate::config::parsed_option;

/// Bluetooth devices of one box. A state names at most 32 ports, and sixteen may be serial.
pub const MAX_DEVICES: usize = 16;

/// The `[gateway.bluetooth]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BluetoothConfig {
    /// The radio, such as `hci0`. None: the first one.
    pub adapter: Option<String>,
    /// Protocols of which any device in reach is taken.
    #[serde(deserialize_with = "protocols")]
    pub accept: Vec<Protocol>,
    /// A connected device that says nothing for so many seconds is let go, and connected anew.
    pub quiet_seconds: u64,
    /// How long new connections to BlueZ may fail, in seconds, until the whole program is ended for
    /// its supervisor to start it again.
    pub restart_seconds: u64,
    /// Where the clocks of devices are read: devices keep local time and do not say which.
    pub time_zone: String,
    /// The devices of this home.
    pub device: Vec<BluetoothDevice>,
}

impl Default for BluetoothConfig {
    fn default() -> Self {
        Self {
            adapter: None,
            accept: Vec::new(),
            // An oximeter speaks every second; one on a table says at least that it is there.
            quiet_seconds: 60,
            // A bluetoothd that is started again by its own watchdog takes a minute or two.
            restart_seconds: 300,
            time_zone: "Europe/Rome".to_owned(),
            device: Vec::new(),
        }
    }
}

/// One Bluetooth device, known by its address: a name is that of a whole make, and the neighbour's
/// device has it too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BluetoothDevice {
    /// Its address, `AA:BB:CC:DD:EE:FF`.
    #[serde(default, deserialize_with = "parsed_option", serialize_with = "shown")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<BDAddr>,
    /// The name it advertises, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it speaks. None: whatever it offers that is understood.
    #[serde(default, deserialize_with = "parsed_option", serialize_with = "shown")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Its id at the centre. None: `ble:` and the address.
    #[serde(default, deserialize_with = "parsed_option", serialize_with = "shown")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
}

/// What is wrong with the section.
#[derive(Debug, thiserror::Error)]
pub enum BluetoothConfigError {
    /// A device that cannot be recognised.
    #[error(
        "a [[gateway.bluetooth.device]] needs its address; `veglia gateway pair` finds it, and \
         notes it down by itself"
    )]
    Nameless,
    /// A protocol that no Bluetooth device speaks.
    #[error("{0} is not spoken over Bluetooth")]
    Serial(Protocol),
    /// More devices than [`MAX_DEVICES`].
    #[error("{0} Bluetooth devices are named, at most {MAX_DEVICES} are served")]
    TooMany(usize),
    /// No such place.
    #[error("[gateway.bluetooth] time_zone = {0:?} is no time zone; write for example Europe/Rome")]
    Zone(String),
}

/// Why the list of paired devices cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum PairedError {
    /// The file cannot be read or written.
    #[error("cannot keep the list of paired devices in {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "the list of paired devices {} is damaged: move it away and pair the devices again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<toml::de::Error>,
    },
}

impl BluetoothConfig {
    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), BluetoothConfigError> {
        if self.device.len() > MAX_DEVICES {
            return Err(BluetoothConfigError::TooMany(self.device.len()));
        }
        let nameless = |it: &BluetoothDevice| it.address.is_none();
        if self.device.iter().any(nameless) {
            return Err(BluetoothConfigError::Nameless);
        }
        let named = self.device.iter().filter_map(|device| device.protocol);
        let mut all = self.accept.iter().copied().chain(named);
        if let Some(serial) = all.find(|protocol| protocol.gatt().is_none()) {
            return Err(BluetoothConfigError::Serial(serial));
        }
        self.zone().map(drop)
    }

    pub(crate) fn zone(&self) -> Result<jiff::tz::TimeZone, BluetoothConfigError> {
        jiff::tz::TimeZone::get(&self.time_zone)
            .map_err(|_| BluetoothConfigError::Zone(self.time_zone.clone()))
    }
}

/// The devices that were paired at this box, kept beside its outbox.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct PairedFile {
    device: Vec<BluetoothDevice>,
}

/// The file of a gateway's folder.
pub(crate) fn paired_file(dir: &Path) -> PathBuf {
    dir.join("paired.toml")
}

/// The devices that were paired at this box; none when none ever was.
pub(crate) fn paired(dir: &Path) -> Result<Vec<BluetoothDevice>, PairedError> {
    let path = paired_file(dir);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(PairedError::Io { path, source }),
    };
    let file: PairedFile = toml::from_str(&text).map_err(|error| PairedError::Damaged {
        path,
        source: Box::new(error),
    })?;
    Ok(file.device)
}

/// Adds a device to the list, or takes the place of the entry with its address. The file is
/// replaced by rename: a running gateway that looks at it sees the old list or the new one.
pub(crate) fn add_paired(dir: &Path, device: BluetoothDevice) -> Result<(), PairedError> {
    let mut file = PairedFile {
        device: paired(dir)?,
    };
    file.device.retain(|known| known.address != device.address);
    file.device.push(device);
    let path = paired_file(dir);
    let fresh = path.with_extension("new");
    let text = toml::to_string(&file).map_err(io::Error::other);
    let written = text.and_then(|text| {
        let mut out = File::create(&fresh)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(dir)?.sync_all()
    });
    written.map_err(|source| PairedError::Io { path, source })
}

fn protocols<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Protocol>, D::Error> {
    let names = Vec::<String>::deserialize(input)?;
    let all = names.iter().map(|name| name.parse());
    all.collect::<Result<_, UnknownProtocol>>()
        .map_err(de::Error::custom)
}

fn shown<T: ToString, S: Serializer>(value: &Option<T>, out: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => out.serialize_str(&value.to_string()),
        None => out.serialize_none(),
    }
}
