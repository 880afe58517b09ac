//! A BlueZ that a test holds in its hands: the objects that a client sees, on a bus of the test's
//! own, and devices that do what the test tells them.
//!
//! Behaviour that was seen of the real one: a device is shown while it is known, services are
//! resolved a moment after connecting, a value that is read is told as if the device had sent it,
//! and a new search makes every advertisement news. What it cannot show is the radio: timing,
//! losses, keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use zbus::fdo;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};
use zbus::{Connection, interface};

/// Longest wait for anything that a client does.
const PATIENCE: Duration = Duration::from_secs(60);

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
    /// What it tells as soon as it is subscribed to.
    pub(crate) tells: Option<(u16, Vec<u8>)>,
    /// What it has stored: values of the spot-check measurement.
    pub(crate) stored: Vec<Vec<u8>>,
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
    peers: BTreeMap<String, Peer>,
    agents: u32,
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

/// The UUID of a short number.
fn long(uuid: u16) -> String {
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

struct Agents {
    world: World,
}

#[interface(name = "org.bluez.AgentManager1")]
impl Agents {
    fn register_agent(&self, _agent: ObjectPath<'_>, _capability: &str) {
        self.world.lock().agents += 1;
    }

    fn request_default_agent(&self, _agent: ObjectPath<'_>) {}

    fn unregister_agent(&self, _agent: ObjectPath<'_>) {}
}

struct Adapter {
    world: World,
}

#[interface(name = "org.bluez.Adapter1")]
impl Adapter {
    #[zbus(property)]
    fn address(&self) -> String {
        "00:1A:7D:DA:71:13".into()
    }

    #[zbus(property)]
    fn address_type(&self) -> String {
        "public".into()
    }

    #[zbus(property)]
    fn name(&self) -> String {
        "mock".into()
    }

    #[zbus(property)]
    fn alias(&self) -> String {
        "mock".into()
    }

    #[zbus(property)]
    fn modalias(&self) -> String {
        "usb:v1D6Bp0246d0542".into()
    }

    #[zbus(property)]
    fn powered(&self) -> bool {
        self.world.lock().powered
    }

    #[zbus(property)]
    fn set_powered(&mut self, powered: bool) -> fdo::Result<()> {
        let mut state = self.world.lock();
        if state.is_blocked {
            return Err(fdo::Error::Failed("Blocked through rfkill".into()));
        }
        state.powered = powered;
        Ok(())
    }

    #[zbus(property)]
    fn discovering(&self) -> bool {
        self.world.lock().discovering
    }

    fn set_discovery_filter(&self, _filter: HashMap<String, OwnedValue>) {}

    async fn start_discovery(&self, #[zbus(connection)] connection: &Connection) {
        self.world.lock().discovering = true;
        let (connection, world) = (connection.clone(), self.world.clone());
        tokio::spawn(async move {
            // While somebody searches, everybody is heard now and then.
            while world.lock().discovering {
                advertise(&connection, &world).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }

    fn stop_discovery(&self) {
        self.world.lock().discovering = false;
    }

    fn remove_device(&self, _device: ObjectPath<'_>) {}
}

struct Device {
    world: World,
    address: String,
}

#[interface(name = "org.bluez.Device1")]
impl Device {
    #[zbus(property)]
    fn address(&self) -> String {
        self.address.clone()
    }

    #[zbus(property)]
    fn address_type(&self) -> String {
        "public".into()
    }

    #[zbus(property)]
    fn name(&self) -> String {
        self.world.peer(&self.address, |peer| peer.name.to_owned())
    }

    #[zbus(property)]
    fn alias(&self) -> String {
        self.name()
    }

    #[zbus(property, name = "RSSI")]
    fn rssi(&self) -> i16 {
        self.world.peer(&self.address, |peer| peer.rssi)
    }

    #[zbus(property)]
    fn connected(&self) -> bool {
        self.world.peer(&self.address, |peer| peer.is_connected)
    }

    #[zbus(property)]
    fn services_resolved(&self) -> bool {
        self.world.peer(&self.address, |peer| peer.is_resolved)
    }

    #[zbus(property)]
    fn paired(&self) -> bool {
        self.world.peer(&self.address, |peer| peer.is_paired)
    }

    #[zbus(property)]
    fn trusted(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn set_trusted(&mut self, _trusted: bool) {}

    #[zbus(property)]
    fn blocked(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn legacy_pairing(&self) -> bool {
        false
    }

    #[zbus(property, name = "UUIDs")]
    fn uuids(&self) -> Vec<String> {
        let of = |peer: &mut Peer| peer.advertises.iter().copied().map(long).collect();
        self.world.peer(&self.address, of)
    }

    #[zbus(property)]
    fn adapter(&self) -> OwnedObjectPath {
        OwnedObjectPath::try_from(ADAPTER).expect("a path")
    }

    async fn connect(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<(), BluezError> {
        self.world.peer(&self.address, |peer| {
            if let Some(error) = peer.refuses.clone() {
                return Err(error);
            }
            peer.is_connected = true;
            peer.connects += 1;
            Ok(())
        })?;
        self.connected_changed(&emitter).await?;
        let (connection, world) = (connection.clone(), self.world.clone());
        let address = self.address.clone();
        tokio::spawn(async move {
            tokio::time::sleep(RESOLVED_AFTER).await;
            let is_up = world.peer(&address, |peer| {
                peer.is_resolved = peer.is_connected;
                peer.is_resolved
            });
            let path = device_path(&address);
            let server = connection.object_server();
            if let (true, Ok(object)) = (is_up, server.interface::<_, Device>(path).await) {
                let emitter = object.signal_emitter();
                drop(object.get().await.services_resolved_changed(emitter).await);
            }
        });
        Ok(())
    }

    async fn disconnect(&self, #[zbus(connection)] connection: &Connection) {
        if self.world.peer(&self.address, |peer| peer.is_connected) {
            hang_up(connection, &self.world, &self.address).await;
        }
    }

    async fn pair(
        &self,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<(), BluezError> {
        self.world.peer(&self.address, |peer| {
            if let Some(error) = peer.refuses.clone() {
                return Err(error);
            }
            peer.is_paired = true;
            peer.is_locked = false;
            Ok(())
        })?;
        Ok(self.paired_changed(&emitter).await?)
    }

    fn cancel_pairing(&self) {}
}

struct Service {
    uuid: String,
    device: String,
}

#[interface(name = "org.bluez.GattService1")]
impl Service {
    #[zbus(property, name = "UUID")]
    fn uuid(&self) -> String {
        self.uuid.clone()
    }

    #[zbus(property)]
    fn primary(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn device(&self) -> OwnedObjectPath {
        OwnedObjectPath::try_from(self.device.as_str()).expect("a path")
    }
}

struct Characteristic {
    world: World,
    address: String,
    place: usize,
    service: String,
}

impl Characteristic {
    fn attribute(&self) -> Attribute {
        let of = |peer: &mut Peer| peer.table[self.place].clone();
        self.world.peer(&self.address, of)
    }
}

#[interface(name = "org.bluez.GattCharacteristic1")]
impl Characteristic {
    #[zbus(property, name = "UUID")]
    fn uuid(&self) -> String {
        long(self.attribute().uuid)
    }

    #[zbus(property)]
    fn service(&self) -> OwnedObjectPath {
        OwnedObjectPath::try_from(self.service.as_str()).expect("a path")
    }

    #[zbus(property)]
    fn flags(&self) -> Vec<String> {
        let flags = self.attribute().flags.iter();
        flags.map(|flag| (*flag).to_owned()).collect()
    }

    #[zbus(property)]
    fn value(&self) -> Vec<u8> {
        self.attribute().value
    }

    #[zbus(property)]
    fn notifying(&self) -> bool {
        let uuid = self.attribute().uuid;
        let of = |peer: &mut Peer| peer.subscribed.contains(&uuid);
        self.world.peer(&self.address, of)
    }

    #[zbus(property, name = "MTU")]
    fn mtu(&self) -> u16 {
        185
    }

    /// The real one tells of a value that was read, too.
    async fn read_value(
        &self,
        _options: HashMap<String, OwnedValue>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<Vec<u8>, BluezError> {
        self.value_changed(&emitter).await?;
        Ok(self.attribute().value)
    }

    async fn write_value(
        &self,
        value: Vec<u8>,
        _options: HashMap<String, OwnedValue>,
        #[zbus(connection)] connection: &Connection,
    ) {
        let uuid = self.attribute().uuid;
        self.world.peer(&self.address, |peer| {
            peer.written.push((uuid, value.clone()));
            peer.table[self.place].value.clone_from(&value);
        });
        if uuid == CONTROL {
            let (connection, world) = (connection.clone(), self.world.clone());
            let address = self.address.clone();
            tokio::spawn(async move { answer(&connection, &world, &address, &value).await });
        }
    }

    async fn start_notify(
        &self,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), BluezError> {
        let uuid = self.attribute().uuid;
        let hangs_up = self.world.peer(&self.address, |peer| {
            if peer.is_locked {
                return Err(BluezError::Failed("ATT error: 0x0f".into()));
            }
            peer.subscribed.insert(uuid);
            Ok(peer.hangs_up_when_heard)
        })?;
        let tells = self.world.peer(&self.address, |peer| peer.tells.clone());
        if let Some((_, value)) = tells.filter(|(of, _)| *of == uuid) {
            let (connection, world) = (connection.clone(), self.world.clone());
            let address = self.address.clone();
            tokio::spawn(async move {
                tokio::time::sleep(RESOLVED_AFTER).await;
                tell(&connection, &world, &address, uuid, &value).await;
            });
        }
        if hangs_up {
            let (connection, world) = (connection.clone(), self.world.clone());
            let address = self.address.clone();
            tokio::spawn(async move { hang_up(&connection, &world, &address).await });
        }
        Ok(())
    }

    fn stop_notify(&self) -> Result<(), BluezError> {
        let uuid = self.attribute().uuid;
        let of = |peer: &mut Peer| peer.subscribed.remove(&uuid);
        if self.world.peer(&self.address, of) {
            Ok(())
        } else {
            Err(BluezError::Failed("No notify session started".into()))
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
