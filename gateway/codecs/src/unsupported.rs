//! Devices that people own and that cannot be read, each with the reason, so that nobody waits for
//! a value that will never come.

use crate::gatt::Uuid;

/// A device that cannot be read.
struct Refused {
    /// The name for `veglia decode`.
    name: &'static str,
    /// Beginnings of the names it advertises.
    advertised: &'static [&'static str],
    /// A service by which it is known.
    service: Option<Uuid>,
    why: &'static str,
}

/// iHealth and Xiaomi by the makers' names; the service is the Generic Health Sensor's.
const REFUSED: [Refused; 3] = [
    Refused {
        name: "ihealth",
        advertised: &["iHealth", "PO3"],
        service: None,
        why: "iHealth devices speak encrypted and only to the maker's own software; use another \
              oximeter",
    },
    Refused {
        name: "mmc-t201",
        advertised: &["MMC-T201"],
        service: None,
        why: "the Xiaomi MMC-T201 tells the temperature of the skin, and how that becomes the \
              body's is not published; use another thermometer",
    },
    Refused {
        name: "ghs",
        advertised: &[],
        service: Some(Uuid::sig(0x1840)),
        why: "the Generic Health Sensor service is in no device that was seen yet; tell us which \
              one this is, and use another meanwhile",
    },
];

/// Why a device that advertises this name and these services cannot be read, in a sentence; none
/// for all others, which may still be unknown.
#[must_use]
pub fn unsupported(name: &str, services: &[Uuid]) -> Option<&'static str> {
    let is_it = |device: &&Refused| {
        let by_name = device.advertised.iter().any(|it| name.starts_with(it));
        let by_service = device.service.is_some_and(|it| services.contains(&it));
        by_name || by_service
    };
    REFUSED.iter().find(is_it).map(|device| device.why)
}

pub(crate) fn why_unsupported(name: &str) -> Option<&'static str> {
    let device = REFUSED.iter().find(|device| device.name == name);
    device.map(|device| device.why)
}
