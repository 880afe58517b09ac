//! What can go wrong between the box and BlueZ, in words, and a time-out around every call.
//!
//! btleplug's calls wait for D-Bus as long as D-Bus lets them, a minute in the worst case, and its
//! errors are texts from four layers. Here each call has its own patience, and each error one
//! sentence that says what to do.

use std::time::Duration;

use bluez_async::BluetoothError;
use veglia_wire::PortFault;

/// How long a small question to BlueZ may take: it answers from memory, or asks the radio once.
pub(crate) const ASK: Duration = Duration::from_secs(8);

/// How long a connection may take to come about, its services read: a device with a slow rhythm
/// and a big table needs ten seconds.
pub(crate) const CONNECT: Duration = Duration::from_secs(25);

/// How long one attribute may take to be read, written or subscribed to. ATT itself gives up at
/// thirty seconds; a pairing that begins behind it takes three.
pub(crate) const ATTRIBUTE: Duration = Duration::from_secs(12);

/// Why something over Bluetooth did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(
        "this program may not speak to BlueZ: its user must be in the group bluetooth, or allowed \
         by the D-Bus policy that comes with the package"
    )]
    NotAllowed,
    #[error("the Bluetooth service does not run: `systemctl start bluetooth`")]
    NoService,
    #[error("the system bus does not run: `systemctl start dbus`")]
    NoBus,
    #[error("there is no Bluetooth adapter: plug the stick in, or look at `rfkill` and `dmesg`")]
    NoAdapter,
    #[error("there is no Bluetooth adapter {0}: name another one in [gateway.bluetooth]")]
    NoSuchAdapter(String),
    #[error("the Bluetooth adapter is switched off: `rfkill unblock bluetooth` switches it on")]
    Off,
    #[error("the bus gives this program no more room: a new connection to it is needed")]
    Limit,
    #[error("BlueZ did not answer in {0} s when asked to {1}")]
    NoAnswer(u64, &'static str),
    #[error("BlueZ has lost its searching: a new connection to it is needed")]
    NotSearching,
    #[error("what the connection to BlueZ tells has ended")]
    Ended,
    #[error("BlueZ knows the device no more; it must be heard again first")]
    Forgotten,
    #[error("the device and the box do not agree on a key: `veglia gateway pair` makes a new one")]
    Locked,
    #[error("BlueZ is busy with the same; later")]
    Busy,
    #[error("the device cannot be reached: {0}")]
    Unreached(String),
    #[error("BlueZ refused to {1}: {0}")]
    Refused(String, &'static str),
    #[error("the device offers nothing that is understood here")]
    Unsupported,
}

impl Trouble {
    /// What the centre is told of it.
    pub(crate) fn fault(&self) -> Option<PortFault> {
        Some(match self {
            Self::NotAllowed => PortFault::NotAllowed,
            Self::NoAdapter | Self::NoSuchAdapter(_) => PortFault::NoRadio,
            Self::Off => PortFault::RadioOff,
            Self::NoService
            | Self::NoBus
            | Self::Limit
            | Self::NoAnswer(..)
            | Self::NotSearching
            | Self::Ended => PortFault::NoService,
            Self::Locked => PortFault::BondLost,
            Self::Unsupported => PortFault::Unsupported,
            Self::Forgotten | Self::Busy | Self::Unreached(_) | Self::Refused(..) => return None,
        })
    }

    /// Whether nothing will work on this connection to BlueZ any more.
    pub(crate) fn is_of_the_session(&self) -> bool {
        matches!(
            self,
            Self::NotAllowed
                | Self::NoService
                | Self::NoBus
                | Self::NoAdapter
                | Self::NoSuchAdapter(_)
                | Self::Off
                | Self::Limit
                | Self::NotSearching
                | Self::Ended
        )
    }

    /// Whether another process might fare better where new connections of this one do not: what
    /// only a person or the system can mend is waited for instead.
    pub(crate) fn is_cured_by_restart(&self) -> bool {
        matches!(
            self,
            Self::Limit | Self::NoAnswer(..) | Self::NotSearching | Self::Ended
        )
    }
}

/// Waits for a call of btleplug, but not for ever.
pub(crate) async fn call<T>(
    what: &'static str,
    patience: Duration,
    call: impl Future<Output = btleplug::Result<T>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(patience, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(of_btleplug(&error, what)),
        Err(_elapsed) => Err(Trouble::NoAnswer(patience.as_secs(), what)),
    }
}

/// Waits for a call of bluer, but not for ever.
pub(crate) async fn call_bluer<T>(
    what: &'static str,
    patience: Duration,
    call: impl Future<Output = bluer::Result<T>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(patience, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(of_bluer(&error, what)),
        Err(_elapsed) => Err(Trouble::NoAnswer(patience.as_secs(), what)),
    }
}

fn of_btleplug(error: &btleplug::Error, what: &'static str) -> Trouble {
    let btleplug::Error::Other(inside) = error else {
        return match error {
            btleplug::Error::DeviceNotFound => Trouble::Forgotten,
            btleplug::Error::PermissionDenied => Trouble::NotAllowed,
            btleplug::Error::NoAdapterAvailable => Trouble::NoAdapter,
            other => Trouble::Refused(other.to_string(), what),
        };
    };
    match inside.downcast_ref::<BluetoothError>() {
        Some(BluetoothError::DbusError(error)) => {
            let name = error.name().unwrap_or_default();
            named(name, error.message().unwrap_or_default(), what)
        }
        Some(BluetoothError::NoBluetoothAdapters) => Trouble::NoAdapter,
        Some(BluetoothError::ServiceDiscoveryTimedOut) => {
            Trouble::Unreached("its services could not be read".to_owned())
        }
        _ => Trouble::Refused(inside.to_string(), what),
    }
}

fn of_bluer(error: &bluer::Error, what: &'static str) -> Trouble {
    use bluer::ErrorKind as Kind;

    match &error.kind {
        Kind::AuthenticationCanceled
        | Kind::AuthenticationFailed
        | Kind::AuthenticationRejected
        | Kind::AuthenticationTimeout
        | Kind::NotAuthorized => Trouble::Locked,
        Kind::ConnectionAttemptFailed => Trouble::Unreached(error.message.clone()),
        Kind::InProgress => Trouble::Busy,
        Kind::NotReady => Trouble::Off,
        Kind::NotFound | Kind::DoesNotExist => Trouble::Forgotten,
        Kind::Failed => by_words(&error.message, what),
        Kind::Internal(bluer::InternalErrorKind::DBusConnectionLost) => Trouble::NoBus,
        Kind::Internal(bluer::InternalErrorKind::DBus(name)) => named(name, &error.message, what),
        _ => Trouble::Refused(error.to_string(), what),
    }
}

/// By the name of a D-Bus error, and where BlueZ puts everything under one name, by its words.
fn named(name: &str, message: &str, what: &'static str) -> Trouble {
    let bus = name.strip_prefix("org.freedesktop.DBus.Error.");
    let bluez = name.strip_prefix("org.bluez.Error.");
    match (bus, bluez) {
        (Some("AccessDenied" | "AuthFailed"), _) => Trouble::NotAllowed,
        (Some("ServiceUnknown" | "NameHasNoOwner" | "NoReply"), _) => Trouble::NoService,
        (Some("NoServer" | "FileNotFound" | "Disconnected" | "IOError"), _) => Trouble::NoBus,
        (Some("Failed"), _) if message.contains("send message") => Trouble::NoBus,
        (Some("LimitsExceeded"), _) => Trouble::Limit,
        (Some("UnknownObject" | "UnknownMethod"), _) => Trouble::Forgotten,
        (_, Some("NotReady")) => Trouble::Off,
        (_, Some("InProgress" | "AlreadyConnected")) => Trouble::Busy,
        (_, Some("DoesNotExist")) => Trouble::Forgotten,
        (_, Some(denied)) if denied.starts_with("Auth") || denied == "NotAuthorized" => {
            Trouble::Locked
        }
        _ => by_words(message, what),
    }
}

fn by_words(message: &str, what: &'static str) -> Trouble {
    let said = message.to_ascii_lowercase();
    // ATT errors 5, 8, 12 and 15: authentication, authorisation, key size, encryption.
    let locked = [
        "0x05",
        "0x08",
        "0x0c",
        "0x0f",
        "insufficient",
        "key-missing",
        "authentication",
    ];
    if said.contains("rfkill") || said.contains("not powered") {
        Trouble::Off
    } else if locked.iter().any(|word| said.contains(word)) {
        Trouble::Locked
    } else if said.contains("connect") || said.contains("page-timeout") {
        Trouble::Unreached(message.to_owned())
    } else {
        Trouble::Refused(message.to_owned(), what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_bus_and_of_bluez_become_sentences_with_a_remedy() {
        let table = [
            (
                "org.freedesktop.DBus.Error.AccessDenied",
                "",
                "group bluetooth",
            ),
            (
                "org.freedesktop.DBus.Error.ServiceUnknown",
                "",
                "start bluetooth",
            ),
            ("org.freedesktop.DBus.Error.FileNotFound", "", "start dbus"),
            (
                "org.freedesktop.DBus.Error.LimitsExceeded",
                "",
                "no more room",
            ),
            ("org.bluez.Error.NotReady", "Resource Not Ready", "rfkill"),
            ("org.bluez.Error.Failed", "Blocked through rfkill", "rfkill"),
            ("org.bluez.Error.AuthenticationFailed", "", "gateway pair"),
            ("org.bluez.Error.Failed", "ATT error: 0x0f", "gateway pair"),
            (
                "org.bluez.Error.Failed",
                "le-connection-abort-by-local",
                "cannot be reached",
            ),
            (
                "org.bluez.Error.Failed",
                "Not connected",
                "cannot be reached",
            ),
        ];
        for (name, message, remedy) in table {
            let said = named(name, message, "read").to_string();
            assert!(said.contains(remedy), "{name} {message}: {said}");
        }
    }
}
