//! Pairing at the box: a person switches a device on, chooses it among what is found, bonds with
//! it, sees its first value, and from then on it is this home's.
//!
//! The bond is BlueZ's; who belongs here is a file of this box, which a running gateway looks at.
//! A device that knows no bond is taken all the same when it lets itself be listened to: many know
//! none. An old bond with the chosen device is forgotten first, because a device that has lost its
//! own half refuses everything until the box has, too.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bluer::agent::{Agent, ReqError};
use bluer::{Adapter, Address, Device};
use btleplug::api::BDAddr;
use futures_util::stream::SelectAll;
use futures_util::{FutureExt, StreamExt};
use uuid::Uuid;
use veglia_codecs::{Observation, Protocol, observe, unsupported};
use veglia_wire::{DeviceId, Vital};

use super::config::{BluetoothDevice, PairedError, add_paired};
use super::radio::{ASK, ATTRIBUTE, CONNECT, Trouble, call_bluer};
use super::roster::{Heard, device_id, over_bluetooth, spoken};

/// How long devices are looked for at a time.
const SEARCH: Duration = Duration::from_secs(12);

/// How long a person has to type the digits that a device shows.
const BOND: Duration = Duration::from_secs(60);

/// How long a first value is waited for: somebody must put a finger in.
const FIRST_VALUE: Duration = Duration::from_secs(60);

/// Searches that find nothing, until it is given up.
const SEARCHES: u32 = 5;

/// Who sits at the box. Both may take as long as a person takes.
pub trait Person: Send + Sync {
    /// Tells one line.
    fn tell(&self, line: &str);
    /// Asks, and waits for a line; none when nobody is there any more.
    fn ask(&self, question: &str) -> Option<String>;
}

/// Why no device was paired.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// Bluetooth does not work at all.
    #[error("{0}")]
    Bluetooth(String),
    /// Nothing that is understood was found.
    #[error("no device was found: switch it on close to the box, and keep phones away from it")]
    NothingFound,
    /// Nobody chose.
    #[error("nothing was chosen, and nothing was changed")]
    NothingChosen,
    /// The device and the box did not come together.
    #[error("{name} could not be connected: {why}")]
    Device {
        /// Its name or address.
        name: String,
        /// Why not.
        why: String,
    },
    /// The list of this home's devices cannot be kept.
    #[error("the device is paired and cannot be noted down as this home's")]
    Kept(#[from] PairedError),
}

impl From<Trouble> for PairError {
    fn from(trouble: Trouble) -> Self {
        Self::Bluetooth(trouble.to_string())
    }
}

/// A device that was paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// Its id at the centre.
    pub device: DeviceId,
    /// Its name and address, for people.
    pub name: String,
    /// Whether a value of it was seen.
    pub was_heard: bool,
}

/// A device in reach that may be chosen.
struct Found {
    heard: Heard,
    protocols: Vec<Protocol>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.heard.name.as_deref().unwrap_or("without a name");
        let names: Vec<&str> = self.protocols.iter().map(|it| it.name()).collect();
        write!(f, "{name} ({}), {}", self.heard.address, names.join(", "))
    }
}

/// Guides a person through pairing, and notes the device down in the gateway's folder `dir`.
///
/// # Errors
/// [`PairError`], in words for that person. Nothing is noted down then.
pub async fn pair(
    adapter: Option<&str>,
    dir: &Path,
    person: Arc<dyn Person>,
) -> Result<Paired, PairError> {
    let session = call_bluer("open the bus", ASK, bluer::Session::new()).await?;
    let found = async {
        match adapter {
            Some(name) => session.adapter(name),
            None => session.default_adapter().await,
        }
    };
    let adapter = match call_bluer("find an adapter", ASK, found).await {
        Err(Trouble::Forgotten) => return Err(Trouble::NoAdapter.into()),
        other => other?,
    };
    call_bluer("switch on", ASK, adapter.set_powered(true)).await?;
    let agent = session.register_agent(agent(&person));
    let _agent = call_bluer("take an agent", ASK, agent).await?;
    let chosen = choose(&adapter, &person).await?;
    let name = chosen.to_string();
    person.tell(&format!("Connecting {name} …"));
    let failed = |trouble: Trouble| PairError::Device {
        name: name.clone(),
        why: trouble.to_string(),
    };
    let device = bond(&adapter, &chosen, &person).await.map_err(failed)?;
    add_paired(
        dir,
        BluetoothDevice {
            address: Some(chosen.heard.address),
            name: chosen.heard.name.clone(),
            protocol: match chosen.protocols[..] {
                [only] => Some(only),
                _ => None,
            },
            device: None,
        },
    )?;
    person.tell("It is this home's now. Put it on: the first value is waited for …");
    let value = match first_value(&device, &chosen).await {
        Ok(value) => value,
        Err(error) => {
            tracing::debug!(%error, "no first value");
            None
        }
    };
    if let Some(vital) = value {
        person.tell(&format!("First value: {}", shown(vital)));
    }
    // The running gateway connects it by itself.
    if let Err(error) = call_bluer("disconnect", ASK, device.disconnect()).await {
        tracing::debug!(%error, "the device had hung up");
    }
    Ok(Paired {
        device: device_id(chosen.heard.address),
        name: chosen.heard.name.clone().unwrap_or(name),
        was_heard: value.is_some(),
    })
}

/// Searches until the person has chosen.
async fn choose(adapter: &Adapter, person: &Arc<dyn Person>) -> Result<Found, PairError> {
    for _ in 0..SEARCHES {
        person.tell("Switch the device on, close to the box. Searching …");
        let mut found = search(adapter, person).await?;
        if found.is_empty() {
            continue;
        }
        for (number, each) in (1..).zip(&found) {
            person.tell(&format!("  {number}  {each}"));
        }
        let answer = ask(person, "Which one? Its number, or Enter to search again: ").await;
        let answer = answer.ok_or(PairError::NothingChosen)?;
        if let Ok(number @ 1..) = answer.trim().parse::<usize>()
            && number <= found.len()
        {
            return Ok(found.swap_remove(number - 1));
        }
    }
    Err(PairError::NothingFound)
}

/// Devices in reach that are understood; of others that are known it is said why they are not.
async fn search(adapter: &Adapter, person: &Arc<dyn Person>) -> Result<Vec<Found>, PairError> {
    let mut events = call_bluer("search", ASK, adapter.discover_devices()).await?;
    let until = tokio::time::sleep(SEARCH);
    tokio::pin!(until);
    loop {
        tokio::select! {
            () = &mut until => break,
            event = events.next() => if event.is_none() {
                break;
            },
        }
    }
    let mut found = Vec::new();
    let addresses = call_bluer("name devices", ASK, adapter.device_addresses()).await?;
    for address in addresses {
        let Ok(device) = adapter.device(address) else {
            continue;
        };
        // One that BlueZ only remembers has no strength.
        let rssi = call_bluer("tell of a device", ASK, device.rssi()).await;
        if !matches!(rssi, Ok(Some(_))) {
            continue;
        }
        let name = call_bluer("tell of a device", ASK, device.name()).await;
        let services = call_bluer("tell of a device", ASK, device.uuids()).await;
        let heard = Heard {
            address: BDAddr::from(address.0),
            name: name.ok().flatten(),
            services: services
                .ok()
                .flatten()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        };
        let name = heard.name.clone().unwrap_or_default();
        let ids = heard
            .services
            .iter()
            .map(|it| veglia_codecs::Uuid(it.as_u128()));
        if let Some(why) = unsupported(&name, &ids.collect::<Vec<_>>()) {
            person.tell(&format!("  –  {name}: {why}"));
            continue;
        }
        let protocols = spoken(&heard, &over_bluetooth());
        if !protocols.is_empty() {
            found.push(Found { heard, protocols });
        }
    }
    Ok(found)
}

/// Bonds with the device if it knows bonds, and connects it.
async fn bond(
    adapter: &Adapter,
    chosen: &Found,
    person: &Arc<dyn Person>,
) -> Result<Device, Trouble> {
    let address = Address::new(chosen.heard.address.into_inner());
    let found = |adapter: &Adapter| {
        let device = adapter.device(address);
        async move { device }
    };
    let mut device = call_bluer("find the device", ASK, found(adapter)).await?;
    if call_bluer("tell of a bond", ASK, device.is_paired()).await? {
        person.tell("It was paired before; that is forgotten and made anew.");
        call_bluer("forget a bond", ASK, adapter.remove_device(address)).await?;
        // It is known again once it is heard again.
        let events = call_bluer("search", ASK, adapter.discover_devices()).await?;
        let heard = events.filter(|event| {
            let is_it = matches!(event, bluer::AdapterEvent::DeviceAdded(it) if *it == address);
            std::future::ready(is_it)
        });
        tokio::pin!(heard);
        let again = tokio::time::timeout(SEARCH, heard.next()).await;
        if !matches!(again, Ok(Some(_))) {
            return Err(Trouble::Unreached("it is not heard any more".to_owned()));
        }
        device = call_bluer("find the device", ASK, found(adapter)).await?;
    }
    match call_bluer("pair", BOND, device.pair()).await {
        Ok(()) => {}
        Err(trouble) if trouble.is_of_the_session() => return Err(trouble),
        Err(trouble) => {
            tracing::debug!(%trouble, "no bond");
            person.tell("It makes no bond; it is tried without one.");
        }
    }
    call_bluer("connect", CONNECT, device.connect()).await?;
    if let Err(trouble) = call_bluer("trust", ASK, device.set_trusted(true)).await {
        tracing::debug!(%trouble, "the device is not marked as trusted");
    }
    Ok(device)
}

/// The first reading that the device tells, if it tells one in time.
async fn first_value(device: &Device, chosen: &Found) -> Result<Option<Vital>, Trouble> {
    let mut values = SelectAll::new();
    let services = call_bluer("read the services", CONNECT, device.services()).await?;
    for service in services {
        for characteristic in call_bluer("name", ASK, service.characteristics()).await? {
            let uuid = call_bluer("name", ASK, characteristic.uuid()).await?;
            let listens = |protocol: &&Protocol| {
                let gatt = protocol.gatt();
                gatt.is_some_and(|it| it.listen.iter().any(|it| Uuid::from_u128(it.0) == uuid))
            };
            let Some(protocol) = chosen.protocols.iter().find(listens) else {
                continue;
            };
            let told = call_bluer("subscribe", ATTRIBUTE, characteristic.notify()).await?;
            let protocol = *protocol;
            values.push(told.map(move |value| (protocol, value)).boxed());
        }
    }
    let heard = async {
        let mut decoders: Vec<_> = chosen
            .protocols
            .iter()
            .map(|protocol| (*protocol, protocol.decoder()))
            .collect();
        while let Some((protocol, value)) = values.next().await {
            let mut frames = Vec::new();
            for (_, decoder) in decoders.iter_mut().filter(|(of, _)| *of == protocol) {
                decoder.push(&value, &mut frames);
            }
            for frame in frames.into_iter().flatten() {
                let reading = observe(&frame).into_iter().find_map(|said| match said {
                    Observation::Reading(vital, _) => Some(vital),
                    _ => None,
                });
                if reading.is_some() {
                    return reading;
                }
            }
        }
        None
    };
    Ok(tokio::time::timeout(FIRST_VALUE, heard)
        .await
        .unwrap_or(None))
}

/// A value for the person in front of it.
fn shown(vital: Vital) -> String {
    let (steps, per_unit) = (vital.steps(), vital.kind().steps_per_unit());
    let (whole, part) = (steps / per_unit, (steps % per_unit).abs());
    let unit = vital.kind().ucum();
    format!("{} {whole}.{part} {unit}", vital.kind())
}

/// Asks without holding up what else goes on.
async fn ask(person: &Arc<dyn Person>, question: &str) -> Option<String> {
    let (person, question) = (Arc::clone(person), question.to_owned());
    let asked = tokio::task::spawn_blocking(move || person.ask(&question));
    asked.await.ok().flatten()
}

/// Lets the person answer what a device wants to know.
fn agent(person: &Arc<dyn Person>) -> Agent {
    let [to_type, to_confirm, to_show] = [(); 3].map(|()| Arc::clone(person));
    Agent {
        request_default: true,
        request_passkey: Some(Box::new(move |_| {
            let person = Arc::clone(&to_type);
            async move {
                let typed = ask(&person, "Type the six digits that the device shows: ").await;
                let digits = typed.and_then(|typed| typed.trim().parse().ok());
                digits.ok_or(ReqError::Rejected)
            }
            .boxed()
        })),
        request_confirmation: Some(Box::new(move |request| {
            let person = Arc::clone(&to_confirm);
            async move {
                let question = format!("Does the device show {:06}? yes or no: ", request.passkey);
                let answer = ask(&person, &question).await.unwrap_or_default();
                if answer.trim().to_lowercase().starts_with('y') {
                    Ok(())
                } else {
                    Err(ReqError::Rejected)
                }
            }
            .boxed()
        })),
        display_passkey: Some(Box::new(move |request| {
            to_show.tell(&format!("Type {:06} on the device.", request.passkey));
            std::future::ready(Ok(())).boxed()
        })),
        request_authorization: Some(Box::new(|_| std::future::ready(Ok(())).boxed())),
        ..Agent::default()
    }
}
