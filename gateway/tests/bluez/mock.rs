//! A BlueZ that a test holds in its hands: the objects that a client sees, on a bus of the test's
//! own, and devices that do what the test tells them.
//!
//! Behaviour that was seen of the real one: a device is shown while it is known, services are
//! resolved a moment after connecting, a value that is read is told as if the device had sent it,
//! and a new search makes every advertisement news. What it cannot show is the radio: timing,
//! losses, keys.

mod objects;
pub(crate) mod ring;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use objects::{Adapter, Agents, Characteristic, Device, Service};
use tokio::sync::Notify;
use zbus::{Connection, fdo};

/// Longest wait for anything that a client does.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long services take to be resolved.
const RESOLVED_AFTER: Duration = Duration::from_millis(20);

const ADAPTER: &str = "/org/bluez/hci0";

/// Record Access Control Point and Spot-Check Measurement.
const CONTROL: u16 = 0x2A52;
const SPOT: u16 = 0x2A5E;

/// One attribute of a device.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) service: u16,
    pub(crate) uuid: u16,
    pub(crate) flags: &'static [&'static str],
    pub(crate) value: Vec<u8>,
}

/// One device, and what became of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) advertises: Vec<u16>,
    pub(crate) table: Vec<Attribute>,
    /// Refuses its next connections with this error.
    pub(crate) refuses: Option<BluezError>,
    /// Refuses subscriptions with this error.
    pub(crate) is_locked: bool,
    /// Hangs up as soon as it is subscribed to.
    pub(crate) hangs_up_when_heard: bool,
    /// Tells that, and hangs up, before it has answered the subscription.
    pub(crate) hurries: bool,
    /// What it tells as soon as it is subscribed to.
    pub(crate) tells: Option<(u16, Vec<u8>)>,
    /// What it has stored: values of the spot-check measurement.
    pub(crate) stored: Vec<Vec<u8>>,
    /// What it has recorded, if it is a ring: names and bytes.
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
    /// The file that is open there.
    pub(crate) opened: Option<usize>,
    /// It hangs up instead of telling a block, once, when it has told so many.
    pub(crate) hangs_up_after: Option<u32>,
    /// Blocks of files that it has told.
    pub(crate) blocks: u32,
    /// Files that it has opened, and questions to close one.
    pub(crate) opens: u32,
    pub(crate) closes: u32,
    /// A file that it does not open.
    pub(crate) keeps_shut: Option<&'static str>,
    /// Saturation and pulse that a ring says live, while somebody wears it.
    pub(crate) worn: Option<(u8, u8)>,
    /// Somebody puts it on when it has been told to close so many files.
    pub(crate) put_on_after: Option<u32>,
    /// Live questions that it has answered.
    pub(crate) answers: u32,
    /// What has come of a question.
    pub(crate) asked: Vec<u8>,
    /// How many seconds a ring's clock is behind Greenwich.
    pub(crate) behind_s: i64,
    /// How it lets itself be paired.
    pub(crate) bonds: Bonding,
    pub(crate) is_connected: bool,
    pub(crate) is_paired: bool,
    pub(crate) connects: u32,
    pub(crate) disconnects: u32,
    pub(crate) reports: u32,
    pub(crate) deletions: u32,
    pub(crate) written: Vec<(u16, Vec<u8>)>,
    pub(crate) subscribed: BTreeSet<u16>,
    pub(crate) is_resolved: bool,
    pub(crate) rssi: i16,
}

/// How a device lets itself be paired.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Bonding {
    /// Without a question.
    #[default]
    JustWorks,
    /// It shows these digits, to be typed at the box.
    Shows(u32),
    /// The box shows these digits, to be typed there.
    Types(u32),
    /// Both show these digits, to be compared.
    Compares(u32),
}

/// What BlueZ answers when it does not do something.
#[derive(Debug, Clone, zbus::DBusError)]
#[zbus(prefix = "org.bluez.Error")]
pub(crate) enum BluezError {
    #[zbus(error)]
    ZBus(zbus::Error),
    Failed(String),
    AuthenticationFailed(String),
    NotReady(String),
}

#[derive(Debug, Default)]
struct State {
    powered: bool,
    discovering: bool,
    is_blocked: bool,
    /// The bus gives the client no more room.
    is_at_limit: bool,
    peers: BTreeMap<String, Peer>,
    /// Who answers questions about bonds: the name on the bus, and the path.
    agents: Vec<(String, String)>,
}

/// What all objects of one BlueZ share.
#[derive(Clone, Default)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds it")
    }

    fn peer<T>(&self, address: &str, of: impl FnOnce(&mut Peer) -> T) -> T {
        let mut state = self.lock();
        let peer = state.peers.get_mut(address).expect("a device of the test");
        let answer = of(peer);
        drop(state);
        self.changed.notify_waiters();
        answer
    }
}

/// A BlueZ on a bus. Dropping it is the death of the daemon; the world stays.
pub(crate) struct BlueZ {
    connection: Connection,
    pub(crate) world: World,
}

/// The UUID of a short number, or of one that stands for a ring's.
fn long(uuid: u16) -> String {
    if let Some(long) = ring::long(uuid) {
        return long.to_owned();
    }
    format!("0000{uuid:04x}-0000-1000-8000-00805f9b34fb")
}

fn device_path(address: &str) -> String {
    format!("{ADAPTER}/dev_{}", address.replace(':', "_"))
}

fn attribute_path(address: &str, place: usize, attribute: &Attribute) -> (String, String) {
    let service = format!("{}/service{:04x}", device_path(address), attribute.service);
    let characteristic = format!("{service}/char{:04x}", place + 1);
    (service, characteristic)
}

impl BlueZ {
    /// Takes its name on a bus. Without an adapter nothing can be connected.
    pub(crate) async fn start(bus: &str, world: World, has_adapter: bool) -> Self {
        let builder = zbus::connection::Builder::address(bus).expect("an address");
        let builder = builder.serve_at("/", fdo::ObjectManager).expect("a path");
        let manager = Agents {
            world: world.clone(),
        };
        let builder = builder.serve_at("/org/bluez", manager).expect("a path");
        let builder = builder.name("org.bluez").expect("a name");
        let connection = builder.build().await.expect("the bus takes it");
        let bluez = Self { connection, world };
        {
            // A daemon that starts knows nobody's links.
            let mut state = bluez.world.lock();
            state.powered = false;
            state.discovering = false;
            for peer in state.peers.values_mut() {
                peer.is_connected = false;
                peer.is_resolved = false;
                peer.subscribed.clear();
            }
        }
        if has_adapter {
            bluez.plug_adapter().await;
        }
        let addresses: Vec<String> = bluez.world.lock().peers.keys().cloned().collect();
        for address in addresses {
            bluez.show(&address).await;
        }
        bluez
    }

    /// The adapter is plugged in.
    pub(crate) async fn plug_adapter(&self) {
        let adapter = Adapter {
            world: self.world.clone(),
        };
        let server = self.connection.object_server();
        server.at(ADAPTER, adapter).await.expect("a new object");
    }

    /// A device comes near.
    pub(crate) async fn add(&self, address: &str, peer: Peer) {
        let peer = Peer { rssi: -60, ..peer };
        self.world.lock().peers.insert(address.to_owned(), peer);
        self.show(address).await;
    }

    async fn show(&self, address: &str) {
        let server = self.connection.object_server();
        let table = self.world.peer(address, |peer| peer.table.clone());
        for (place, attribute) in table.iter().enumerate() {
            let (service, characteristic) = attribute_path(address, place, attribute);
            let object = Service {
                uuid: long(attribute.service),
                device: device_path(address),
            };
            // The second attribute of a service finds it there.
            server
                .at(service.as_str(), object)
                .await
                .expect("an object");
            let object = Characteristic {
                world: self.world.clone(),
                address: address.to_owned(),
                place,
                service,
            };
            server
                .at(characteristic.as_str(), object)
                .await
                .expect("an object");
        }
        let device = Device {
            world: self.world.clone(),
            address: address.to_owned(),
        };
        let path = device_path(address);
        server.at(path.as_str(), device).await.expect("an object");
    }

    /// The device tells a value, if somebody listens.
    pub(crate) async fn tell(&self, address: &str, uuid: u16, value: &[u8]) {
        tell(&self.connection, &self.world, address, uuid, value).await;
    }

    /// The device hangs up, or is lost.
    pub(crate) async fn hang_up(&self, address: &str) {
        hang_up(&self.connection, &self.world, address).await;
    }

    /// Looks at a device, or changes it.
    pub(crate) fn peer<T>(&self, address: &str, of: impl FnOnce(&mut Peer) -> T) -> T {
        self.world.peer(address, of)
    }

    /// The bus gives the client no more room, or again some.
    pub(crate) fn limit(&self, is_at_limit: bool) {
        self.world.lock().is_at_limit = is_at_limit;
    }

    /// Waits until something holds of a device.
    pub(crate) async fn until(&self, address: &str, what: &str, holds: impl Fn(&Peer) -> bool) {
        let waited = async {
            loop {
                let changed = self.world.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if holds(&self.world.lock().peers[address]) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(PATIENCE, waited).await.is_err() {
            let state = self.world.lock();
            panic!("in vain: {what}: {:?}", state.peers[address]);
        }
    }

    /// Waits until something holds of the number of connections of all devices.
    pub(crate) async fn until_all(&self, what: &str, holds: impl Fn(u32) -> bool) {
        let begun = Instant::now();
        loop {
            let connects = self.world.lock().peers.values().map(|it| it.connects).sum();
            if holds(connects) {
                return;
            }
            assert!(
                begun.elapsed() < 5 * PATIENCE,
                "in vain: {what}: {connects}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Switches the adapter, and whether it lets itself be switched on.
    pub(crate) async fn switch(&self, powered: bool, is_blocked: bool) {
        {
            let mut state = self.world.lock();
            state.powered = powered;
            state.is_blocked = is_blocked;
            state.discovering &= powered;
        }
        let linked: Vec<String> = {
            let state = self.world.lock();
            let linked = state.peers.iter().filter(|(_, it)| it.is_connected);
            linked.map(|(address, _)| address.clone()).collect()
        };
        for address in linked.iter().filter(|_| !powered) {
            self.hang_up(address).await;
        }
    }
}

async fn tell(connection: &Connection, world: &World, address: &str, uuid: u16, value: &[u8]) {
    let found = world.peer(address, |peer| {
        let is_heard = peer.is_connected && peer.subscribed.contains(&uuid);
        let place = peer.table.iter().position(|it| it.uuid == uuid);
        let place = place.filter(|_| is_heard)?;
        peer.table[place].value = value.to_vec();
        Some((place, peer.table[place].clone()))
    });
    let Some((place, attribute)) = found else {
        return;
    };
    let (_, path) = attribute_path(address, place, &attribute);
    let server = connection.object_server();
    let Ok(object) = server.interface::<_, Characteristic>(path.as_str()).await else {
        return;
    };
    let emitter = object.signal_emitter();
    // A bus that has gone takes nothing.
    drop(object.get().await.value_changed(emitter).await);
}

async fn hang_up(connection: &Connection, world: &World, address: &str) {
    world.peer(address, |peer| {
        peer.is_connected = false;
        peer.is_resolved = false;
        peer.subscribed.clear();
        peer.disconnects += 1;
    });
    let server = connection.object_server();
    let path = device_path(address);
    if let Ok(object) = server.interface::<_, Device>(path.as_str()).await {
        let emitter = object.signal_emitter();
        let device = object.get().await;
        drop(device.services_resolved_changed(emitter).await);
        drop(device.connected_changed(emitter).await);
    }
}

/// An advertisement is heard of everybody who is not connected.
async fn advertise(connection: &Connection, world: &World) {
    let addresses: Vec<String> = {
        let mut state = world.lock();
        let free = state.peers.iter_mut().filter(|(_, it)| !it.is_connected);
        free.map(|(address, peer)| {
            peer.rssi = if peer.rssi == -60 { -61 } else { -60 };
            address.clone()
        })
        .collect()
    };
    for address in addresses {
        let server = connection.object_server();
        let path = device_path(&address);
        if let Ok(object) = server.interface::<_, Device>(path.as_str()).await {
            let emitter = object.signal_emitter();
            drop(object.get().await.r_s_s_i_changed(emitter).await);
        }
    }
}

/// A device's memory answers: report, count and delete, all of it each time.
async fn answer(connection: &Connection, world: &World, address: &str, request: &[u8]) {
    let stored = world.peer(address, |peer| peer.stored.clone());
    let response = match request {
        [1, 1] if stored.is_empty() => vec![6, 0, 1, 6],
        [1, 1] => {
            for value in &stored {
                tell(connection, world, address, SPOT, value).await;
            }
            vec![6, 0, 1, 1]
        }
        [4, 1] => {
            let [low, high] = u16::try_from(stored.len()).expect("a few").to_le_bytes();
            vec![5, 0, low, high]
        }
        [2, 1] => {
            world.peer(address, |peer| {
                peer.stored.clear();
                peer.deletions += 1;
            });
            vec![6, 0, 2, 1]
        }
        [op, ..] => vec![6, 0, *op, 2],
        [] => return,
    };
    if request == [1, 1] {
        world.peer(address, |peer| peer.reports += 1);
    }
    tell(connection, world, address, CONTROL, &response).await;
}
