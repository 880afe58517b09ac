//! The objects that a client of the mock sees, with the names and habits of the real ones.

use std::collections::HashMap;
use std::time::Duration;

use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};
use zbus::{Connection, fdo, interface, proxy};

use super::{
    ADAPTER, Attribute, BluezError, Bonding, CONTROL, Peer, RESOLVED_AFTER, World, advertise,
    answer, device_path, hang_up, long, ring, tell,
};

pub(super) struct Agents {
    pub(super) world: World,
}

#[interface(name = "org.bluez.AgentManager1")]
impl Agents {
    fn register_agent(
        &self,
        agent: ObjectPath<'_>,
        _capability: &str,
        #[zbus(header)] header: Header<'_>,
    ) {
        let who = header.sender().expect("everybody has a name").to_string();
        let mut state = self.world.lock();
        state.agents.retain(|(other, _)| *other != who);
        state.agents.push((who, agent.to_string()));
    }

    /// The last one who asks for it.
    fn request_default_agent(&self, _agent: ObjectPath<'_>, #[zbus(header)] header: Header<'_>) {
        let who = header.sender().expect("everybody has a name").to_string();
        let mut state = self.world.lock();
        if let Some(place) = state.agents.iter().position(|(other, _)| *other == who) {
            let agent = state.agents.remove(place);
            state.agents.push(agent);
        }
    }

    fn unregister_agent(&self, agent: ObjectPath<'_>) {
        let mut state = self.world.lock();
        state.agents.retain(|(_, path)| *path != agent.as_str());
    }
}

/// Who answers what a device wants to know.
#[proxy(interface = "org.bluez.Agent1", gen_blocking = false)]
trait Agent {
    fn request_passkey(&self, device: &ObjectPath<'_>) -> zbus::Result<u32>;
    fn display_passkey(
        &self,
        device: &ObjectPath<'_>,
        passkey: u32,
        entered: u16,
    ) -> zbus::Result<()>;
    fn request_confirmation(&self, device: &ObjectPath<'_>, passkey: u32) -> zbus::Result<()>;
}

/// Whether the two agree on a key, by asking whoever pairs.
async fn agrees(
    connection: &Connection,
    world: &World,
    address: &str,
    (who, path): (String, String),
) -> zbus::Result<bool> {
    let agent = AgentProxy::builder(connection)
        .destination(who)?
        .path(path)?;
    let agent = agent.build().await?;
    let device = ObjectPath::try_from(device_path(address)).expect("a path");
    match world.peer(address, |peer| peer.bonds) {
        Bonding::JustWorks => Ok(true),
        Bonding::Shows(digits) => Ok(agent.request_passkey(&device).await? == digits),
        Bonding::Types(digits) => {
            agent.display_passkey(&device, digits, 0).await?;
            Ok(true)
        }
        Bonding::Compares(digits) => {
            agent.request_confirmation(&device, digits).await?;
            Ok(true)
        }
    }
}

pub(super) struct Adapter {
    pub(super) world: World,
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

    async fn start_discovery(
        &self,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<()> {
        if self.world.lock().is_at_limit {
            let said = "Connection has too many match rules";
            return Err(fdo::Error::LimitsExceeded(said.into()));
        }
        self.world.lock().discovering = true;
        let (connection, world) = (connection.clone(), self.world.clone());
        tokio::spawn(async move {
            // While somebody searches, everybody is heard now and then.
            while world.lock().discovering {
                advertise(&connection, &world).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Ok(())
    }

    fn stop_discovery(&self) {
        self.world.lock().discovering = false;
    }

    fn remove_device(&self, _device: ObjectPath<'_>) {}
}

pub(super) struct Device {
    pub(super) world: World,
    pub(super) address: String,
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
        #[zbus(connection)] connection: &Connection,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<(), BluezError> {
        let agent = self.world.lock().agents.last().cloned();
        if let Some(agent) = agent {
            let agrees = agrees(connection, &self.world, &self.address, agent).await;
            if !matches!(agrees, Ok(true)) {
                let said = format!("{agrees:?}");
                return Err(BluezError::AuthenticationFailed(said));
            }
        }
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

pub(super) struct Service {
    pub(super) uuid: String,
    pub(super) device: String,
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

pub(super) struct Characteristic {
    pub(super) world: World,
    pub(super) address: String,
    pub(super) place: usize,
    pub(super) service: String,
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
        if uuid == ring::QUESTIONS {
            let (connection, world) = (connection.clone(), self.world.clone());
            let address = self.address.clone();
            if let Some(question) = ring::hear(&world, &address, &value) {
                tokio::spawn(async move {
                    ring::reply(&connection, &world, &address, &question).await;
                });
            }
        } else if uuid == CONTROL {
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
        let (hangs_up, hurries) = self.world.peer(&self.address, |peer| {
            if peer.is_locked {
                return Err(BluezError::Failed("ATT error: 0x0f".into()));
            }
            if peer.hurries && !peer.is_connected {
                return Err(BluezError::Failed("Not connected".into()));
            }
            peer.subscribed.insert(uuid);
            Ok((peer.hangs_up_when_heard, peer.hurries))
        })?;
        let tells = self.world.peer(&self.address, |peer| peer.tells.clone());
        if let Some((_, value)) = tells.filter(|(of, _)| *of == uuid) {
            let (connection, world) = (connection.clone(), self.world.clone());
            let address = self.address.clone();
            let told = tokio::spawn(async move {
                if !hurries {
                    tokio::time::sleep(RESOLVED_AFTER).await;
                }
                tell(&connection, &world, &address, uuid, &value).await;
                if hurries {
                    hang_up(&connection, &world, &address).await;
                }
            });
            if hurries {
                told.await.expect("it tells and hangs up");
            }
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
