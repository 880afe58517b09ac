//! Who in reach belongs here, and as which device.
//!
//! A device's id is `ble:` and its address, unless it is named in the configuration. The address
//! is known before anything is connected, is what BlueZ keeps the bond by, and stands on many a
//! label; the serial number in a device's information is missing, empty or the same in a whole
//! batch too often to tell patients apart by. A device that changes its address for privacy keeps
//! one towards a box that it is bonded with; without a bond it is another device each time, and
//! only taken where `accept` takes any.

use std::error::Error;
use std::path::PathBuf;
use std::time::SystemTime;

use btleplug::api::BDAddr;
use uuid::Uuid;
use veglia_codecs::{Protocol, unsupported};
use veglia_wire::DeviceId;

use super::config::{BluetoothConfig, BluetoothDevice, MAX_DEVICES, paired, paired_file};

/// What is heard of a device before it is connected.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) address: BDAddr,
    pub(crate) name: Option<String>,
    pub(crate) services: Vec<Uuid>,
}

/// A device that belongs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) device: DeviceId,
    pub(crate) address: BDAddr,
    /// What it may speak.
    pub(crate) protocols: Vec<Protocol>,
    /// Whether that was said in so many words; if not, what it offers decides.
    pub(crate) is_chosen: bool,
    /// Whether it is one of this home by its address, and not any device of a kind.
    pub(crate) is_named: bool,
}

/// The devices of this home.
#[derive(Debug)]
pub(crate) struct Roster {
    configured: Vec<BluetoothDevice>,
    accept: Vec<Protocol>,
    paired: Vec<BluetoothDevice>,
    dir: PathBuf,
    read_at: Option<SystemTime>,
    is_damaged: bool,
}

impl Roster {
    pub(crate) fn new(config: &BluetoothConfig, dir: PathBuf) -> Self {
        let mut roster = Self {
            configured: config.device.clone(),
            accept: config.accept.clone(),
            paired: Vec::new(),
            dir,
            read_at: None,
            is_damaged: false,
        };
        roster.look();
        roster
    }

    /// Reads the list of paired devices again, if it has changed or could not be read. True if
    /// there is a new one.
    pub(crate) fn look(&mut self) -> bool {
        let written = paired_file(&self.dir).metadata();
        let written = written.and_then(|file| file.modified()).ok();
        let is_new = written != self.read_at;
        if !is_new && !self.is_damaged {
            return false;
        }
        self.read_at = written;
        match paired(&self.dir) {
            Ok(devices) => {
                let is_news = devices != self.paired || self.is_damaged;
                self.paired = devices;
                self.is_damaged = false;
                is_news
            }
            Err(error) => {
                if is_new || !self.is_damaged {
                    tracing::error!(%error, cause = error.source().map(ToString::to_string),
                        "the devices paired before stay as they were");
                }
                self.is_damaged = true;
                false
            }
        }
    }

    /// Whether the list of paired devices cannot be read.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// The devices that are waited for, with their ids.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (BDAddr, DeviceId)> {
        let named = self.configured.iter().chain(&self.paired);
        named.filter_map(|entry| {
            let address = entry.address?;
            let id = entry.device.clone();
            Some((address, id.unwrap_or_else(|| device_id(address))))
        })
    }

    /// Whether a device in reach belongs here, and as which.
    pub(crate) fn member(&self, heard: &Heard) -> Option<Member> {
        let named = self.configured.iter().chain(&self.paired);
        let entry = named.take(2 * MAX_DEVICES).find(|entry| entry.is(heard));
        let chosen = entry.and_then(|entry| entry.protocol);
        let protocols = match (entry, chosen) {
            (_, Some(protocol)) => vec![protocol],
            // What it offers is seen when it is connected: it need not advertise all of it.
            (Some(_), None) => over_bluetooth(),
            (None, None) => spoken(heard, &self.accept),
        };
        if protocols.is_empty() {
            return None;
        }
        let device = entry.and_then(|entry| entry.device.clone());
        Some(Member {
            device: device.unwrap_or_else(|| device_id(heard.address)),
            address: heard.address,
            protocols,
            is_chosen: chosen.is_some(),
            is_named: entry.is_some(),
        })
    }

    /// How many devices are named, and so how many links are waited for.
    pub(crate) fn named(&self) -> usize {
        self.configured.len() + self.paired.len()
    }

    /// Services to listen for; none when every advertisement must be looked at, because a device
    /// that is known by its address or name need not advertise what it offers.
    pub(crate) fn services(&self) -> Vec<Uuid> {
        if self.named() > 0 {
            return Vec::new();
        }
        let gatt = self.accept.iter().filter_map(|protocol| protocol.gatt());
        gatt.map(|gatt| Uuid::from_u128(gatt.service.0)).collect()
    }

    /// Whether any device of a kind is taken, so that searching never ends.
    pub(crate) fn accepts_strangers(&self) -> bool {
        !self.accept.is_empty()
    }
}

impl BluetoothDevice {
    fn is(&self, heard: &Heard) -> bool {
        self.address == Some(heard.address)
    }
}

/// The id of a device that was given none.
pub(crate) fn device_id(address: BDAddr) -> DeviceId {
    let digits: String = address.to_string().replace(':', "");
    DeviceId::new(&format!("ble:{digits}")).expect("a prefix and twelve hexadecimal digits")
}

/// Every protocol that is spoken over Bluetooth.
pub(crate) fn over_bluetooth() -> Vec<Protocol> {
    let all = Protocol::ALL.into_iter();
    all.filter(|protocol| protocol.gatt().is_some()).collect()
}

/// Which of these protocols a device in reach speaks, by what it advertises. Services several
/// makers share are told apart by the name.
pub(crate) fn spoken(heard: &Heard, protocols: &[Protocol]) -> Vec<Protocol> {
    let name = heard.name.as_deref().unwrap_or_default();
    if unsupported(name, &[]).is_some() {
        return Vec::new();
    }
    let speaks = |protocol: &Protocol| {
        protocol.gatt().is_some_and(|gatt| {
            let service = Uuid::from_u128(gatt.service.0);
            let prefixes = gatt.name_prefixes;
            heard.services.contains(&service)
                && (prefixes.is_empty() || prefixes.iter().any(|it| name.starts_with(it)))
        })
    };
    protocols.iter().copied().filter(speaks).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn heard(address: BDAddr) -> Heard {
        Heard {
            address,
            name: None,
            services: Vec::new(),
        }
    }

    #[test]
    fn a_damaged_list_is_said_to_be_and_read_again_until_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = paired_file(dir.path());
        let address: BDAddr = "AA:BB:CC:00:00:01".parse().unwrap();
        fs::write(&file, "device = [[[").unwrap();
        let mut roster = Roster::new(&BluetoothConfig::default(), dir.path().to_owned());
        assert!(roster.is_damaged() && !roster.look());
        assert_eq!(roster.member(&heard(address)), None);

        // Also when nobody can tell by its time that it was mended.
        let written = file.metadata().unwrap().modified().unwrap();
        fs::write(&file, format!("[[device]]\naddress = \"{address}\"\n")).unwrap();
        let whole = fs::File::options().append(true).open(&file).unwrap();
        whole.set_modified(written).unwrap();
        assert!(roster.look() && !roster.is_damaged());
        assert!(roster.member(&heard(address)).unwrap().is_named);
        assert_eq!(roster.expected().count(), 1);
        assert!(!roster.look(), "once");

        // Damaged while it runs: who was paired stays so.
        fs::write(&file, "device = 7").unwrap();
        let later = written + std::time::Duration::from_secs(60);
        let torn = fs::File::options().append(true).open(&file).unwrap();
        torn.set_modified(later).unwrap();
        assert!(!roster.look() && roster.is_damaged());
        assert!(roster.member(&heard(address)).is_some());
    }
}
