//! One connection to BlueZ, from opening it to its end: who is near, who of them belongs here, a
//! task for each of those, and a look every few seconds whether BlueZ still does what it should.
//!
//! BlueZ does not say when it goes, and btleplug does not say when the bus goes. So both are asked;
//! what is certain is only an answer. There is one stream of events for the whole session, because
//! each that is dropped may leave a rule behind at the bus.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use btleplug::api::{Central, CentralEvent, Manager as _, Peripheral as _, ScanFilter};
use btleplug::platform::{Adapter, Manager, PeripheralId};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use veglia_wire::DeviceId;

use super::Home;
use super::config::{BluetoothConfig, MAX_DEVICES};
use super::device::{Broken, Device, Sighting};
use super::radio::{ASK, Trouble, call, call_bluer};
use super::roster::{Heard, Member, Roster};

/// How often BlueZ is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// How often searching is begun anew: some adapters find less and less.
const CYCLE_EVERY: Duration = Duration::from_secs(5 * 60);

/// Searching is begun anew for a lost device at most this often. BlueZ tells of a device that it
/// has just heard only when something about it is new; a new search forgets what was heard.
const SEARCH_AGAIN: Duration = Duration::from_secs(8);

/// Looks on end at which BlueZ may be found not searching before it is asked to, and before it is
/// given up: it rests between two searches, and while it connects.
const NOT_SEARCHING: (u32, u32) = (3, 9);

/// Searching, and hearing nothing of anybody for so long, is deafness: a new session costs nothing.
const DEAF_AFTER: Duration = Duration::from_secs(10 * 60);

/// Strangers that are remembered as such.
const MAX_STRANGERS: usize = 256;

/// How long the devices' tasks may take to end.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// What devices share in a session.
#[derive(Clone)]
pub(crate) struct Air {
    /// Whose turn it is to connect.
    pub(super) turn: Arc<Semaphore>,
    search: mpsc::Sender<()>,
    side: Option<bluer::Adapter>,
    members: Arc<Mutex<BTreeSet<bluer::Address>>>,
}

impl Air {
    /// A device was lost: what it advertises from now on is news.
    pub(super) fn search_again(&self) {
        if self.search.try_send(()).is_err() {
            tracing::trace!("one wish waiting is enough");
        }
    }

    /// Whether BlueZ keeps a key for the device.
    pub(super) async fn is_bonded(&self, member: &Member) -> bool {
        let address = bluer::Address::new(member.address.into_inner());
        let Some(Ok(device)) = self.side.as_ref().map(|side| side.device(address)) else {
            return false;
        };
        let paired = call_bluer("tell of a bond", ASK, device.is_paired()).await;
        matches!(paired, Ok(true))
    }
}

/// The state of one session.
struct Session<'a> {
    home: &'a Home,
    roster: Roster,
    adapter: Adapter,
    air: Air,
    devices: HashMap<PeripheralId, watch::Sender<Sighting>>,
    strangers: HashMap<PeripheralId, Instant>,
    /// Each id has one device: two of one id would be two patients' readings in one.
    served: BTreeSet<DeviceId>,
    tasks: JoinSet<Result<(), Broken>>,
    is_searching: bool,
    searched: Instant,
    not_searching: u32,
    /// Looks on end at which the adapter was off; it takes a moment to come on.
    off: u32,
    heard: Instant,
    stop: CancellationToken,
}

/// Opens a connection to BlueZ and serves the devices of this home until told to stop. An end of
/// another kind is told with its reason.
pub(super) async fn run(
    home: &Home,
    config: &BluetoothConfig,
    stop: CancellationToken,
) -> Result<(), Broken> {
    let manager = call("open the bus", ASK, Manager::new()).await;
    let manager = manager.map_err(Broken::Session)?;
    let (adapter, name) = choose(&manager, config.adapter.as_deref()).await?;
    let (search, searches) = mpsc::channel(1);
    let members = Arc::new(Mutex::new(BTreeSet::new()));
    let (side, _agent) = side(&name, &members).await;
    let air = Air {
        turn: Arc::new(Semaphore::new(1)),
        search,
        side,
        members,
    };
    let session = Session {
        home,
        roster: Roster::new(config, home.dir.clone()),
        adapter,
        air,
        devices: HashMap::new(),
        strangers: HashMap::new(),
        served: BTreeSet::new(),
        tasks: JoinSet::new(),
        is_searching: false,
        searched: Instant::now(),
        not_searching: 0,
        off: 0,
        heard: Instant::now(),
        stop: stop.child_token(),
    };
    tracing::info!(adapter = name, "listening for Bluetooth devices");
    session.serve(searches, stop).await
}

async fn choose(manager: &Manager, wanted: Option<&str>) -> Result<(Adapter, String), Broken> {
    let adapters = call("name its adapters", ASK, manager.adapters()).await;
    let mut found = None;
    for adapter in adapters.map_err(Broken::Session)? {
        let info = call("tell of an adapter", ASK, adapter.adapter_info()).await;
        let info = info.map_err(Broken::Session)?;
        let name = info.split(' ').next().unwrap_or_default().to_owned();
        let is_better = match wanted {
            Some(wanted) => name == wanted,
            None => found.as_ref().is_none_or(|(_, best)| name < *best),
        };
        if is_better {
            found = Some((adapter, name));
        }
    }
    found.ok_or_else(|| {
        Broken::Session(match wanted {
            Some(wanted) => Trouble::NoSuchAdapter(wanted.to_owned()),
            None => Trouble::NoAdapter,
        })
    })
}

/// A second way to BlueZ, for what btleplug does not know: bonds, and an agent that lets members
/// make one without a question being asked. Without it the rest still works.
async fn side(
    name: &str,
    members: &Arc<Mutex<BTreeSet<bluer::Address>>>,
) -> (Option<bluer::Adapter>, Option<bluer::agent::AgentHandle>) {
    let opened = async {
        let session = call_bluer("open the bus", ASK, bluer::Session::new()).await?;
        let agent = session.register_agent(agent(Arc::clone(members)));
        let agent = call_bluer("take an agent", ASK, agent).await?;
        let adapter = call_bluer("find the adapter", ASK, async { session.adapter(name) }).await?;
        Ok::<_, Trouble>((adapter, agent))
    };
    match opened.await {
        Ok((adapter, agent)) => (Some(adapter), Some(agent)),
        Err(error) => {
            tracing::warn!(%error, "devices that need a bond cannot make one now");
            (None, None)
        }
    }
}

/// Lets the devices of this home bond without a question, and nobody else.
fn agent(members: Arc<Mutex<BTreeSet<bluer::Address>>>) -> bluer::agent::Agent {
    bluer::agent::Agent {
        request_default: true,
        request_authorization: Some(Box::new(move |request| {
            let members = members.lock().unwrap_or_else(PoisonError::into_inner);
            let is_ours = members.contains(&request.device);
            std::future::ready(if is_ours {
                Ok(())
            } else {
                Err(bluer::agent::ReqError::Rejected)
            })
            .boxed()
        })),
        ..bluer::agent::Agent::default()
    }
}

impl Session<'_> {
    async fn serve(
        mut self,
        mut searches: mpsc::Receiver<()>,
        stop: CancellationToken,
    ) -> Result<(), Broken> {
        let events = call("tell of devices", ASK, self.adapter.events()).await;
        let mut events = events.map_err(Broken::Session)?;
        self.search(true).await?;
        self.home.desk.fault_added(None);
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut wants_search = false;
        let outcome = loop {
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                event = events.next() => match event {
                    Some(event) => self.hear(event).await?,
                    None => break Err(Broken::Session(Trouble::Ended)),
                },
                Some(()) = searches.recv() => wants_search = true,
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(broken)) => break Err(broken),
                    Err(error) => {
                        tracing::error!(%error, "the task of a device died");
                        break Err(Broken::Session(Trouble::Ended));
                    }
                },
                _ = look.tick() => {
                    let is_time = self.searched.elapsed() >= CYCLE_EVERY;
                    let again = wants_search && self.searched.elapsed() >= SEARCH_AGAIN;
                    wants_search &= !again;
                    if let Err(trouble) = self.look(is_time || again).await {
                        break Err(Broken::Session(trouble));
                    }
                }
            }
        };
        self.stop.cancel();
        let ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok(Err(Broken::Append(error))) = ended {
                    return Err(Broken::Append(error));
                }
            }
            Ok(())
        };
        let ended = tokio::time::timeout(END_PATIENCE, ended).await;
        if outcome.is_ok() {
            let stopped = call("stop searching", ASK, self.adapter.stop_scan()).await;
            drop(stopped); // BlueZ ends the search of a client that goes, in any case
        }
        outcome.and(ended.unwrap_or(Ok(())))
    }

    /// Something was heard over the air, or of a link.
    async fn hear(&mut self, event: CentralEvent) -> Result<(), Broken> {
        self.heard = Instant::now();
        let (id, is_fresh) = match event {
            CentralEvent::DeviceDiscovered(id)
            | CentralEvent::ServicesAdvertisement { id, .. }
            | CentralEvent::DeviceUpdated(id) => (id, false),
            CentralEvent::RssiUpdate { id, .. }
            | CentralEvent::ManufacturerDataAdvertisement { id, .. }
            | CentralEvent::ServiceDataAdvertisement { id, .. }
            | CentralEvent::DeviceConnected(id) => (id, true),
            CentralEvent::DeviceDisconnected(id) => {
                if let Some(device) = self.devices.get(&id) {
                    device.send_modify(|sighting| sighting.gone += 1);
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        if is_fresh && let Some(device) = self.devices.get(&id) {
            device.send_modify(|sighting| sighting.seen += 1);
            return Ok(());
        }
        let known = self.strangers.get(&id);
        if is_fresh && known.is_some_and(|since| since.elapsed() < CYCLE_EVERY) {
            return Ok(());
        }
        match self.look_at(&id, is_fresh).await {
            Err(trouble) if trouble.is_of_the_session() => Err(Broken::Session(trouble)),
            _ => Ok(()),
        }
    }

    /// Looks closer at a device: whether it is really there, and whether it belongs here.
    async fn look_at(&mut self, id: &PeripheralId, is_fresh: bool) -> Result<(), Trouble> {
        let peripheral = call("find a device", ASK, self.adapter.peripheral(id)).await?;
        let properties = call("tell of a device", ASK, peripheral.properties()).await?;
        let Some(properties) = properties else {
            return Ok(());
        };
        // BlueZ remembers devices: only one that it hears, or holds, is there.
        if !is_fresh && properties.rssi.is_none() {
            return Ok(());
        }
        if let Some(device) = self.devices.get(id) {
            device.send_modify(|sighting| sighting.seen += 1);
            return Ok(());
        }
        let heard = Heard {
            address: properties.address,
            name: properties.local_name,
            services: properties.services,
        };
        let member = self.roster.member(&heard);
        let is_full = self.devices.len() >= MAX_DEVICES;
        if is_full && member.is_some() {
            tracing::error!(address = %heard.address,
                "this home has more devices than the box serves: one is not listened to");
        }
        match member.filter(|it| !is_full && self.served.insert(it.device.clone())) {
            None => {
                if self.strangers.len() >= MAX_STRANGERS {
                    self.strangers.clear();
                }
                self.strangers.insert(id.clone(), Instant::now());
            }
            Some(member) => {
                tracing::info!(device = %member.device, address = %heard.address,
                    rssi = properties.rssi.filter(|rssi| *rssi != 127), "a device of this home");
                let (sightings, seen) = watch::channel(Sighting { seen: 1, gone: 0 });
                self.devices.insert(id.clone(), sightings);
                let address = bluer::Address::new(heard.address.into_inner());
                let mut members = self.air.members.lock();
                members.as_mut().map(|members| members.insert(address)).ok();
                drop(members);
                let shared = (self.home.clone(), self.air.clone());
                let device = Device::new(peripheral, (member, heard), shared, seen);
                self.tasks.spawn(device.serve(self.stop.clone()));
            }
        }
        Ok(())
    }

    /// Looks whether BlueZ still does what it should.
    async fn look(&mut self, begin_anew: bool) -> Result<(), Trouble> {
        if self.roster.look() {
            self.strangers.clear();
        }
        match &self.air.side {
            Some(side) => {
                match call_bluer("tell of the adapter", ASK, side.is_powered()).await {
                    Ok(true) => self.off = 0,
                    Ok(false) if self.off > 0 => return Err(Trouble::Off),
                    Ok(false) => self.off += 1,
                    Err(Trouble::Forgotten) => return Err(Trouble::NoAdapter),
                    Err(trouble) => return Err(trouble),
                }
                let found = call_bluer("tell of the adapter", ASK, side.is_discovering()).await?;
                self.not_searching = if found || !self.is_searching {
                    0
                } else {
                    self.not_searching + 1
                };
            }
            None => {
                call("tell of the adapter", ASK, self.adapter.adapter_info()).await?;
            }
        }
        if self.not_searching >= NOT_SEARCHING.1 {
            return Err(Trouble::NotSearching);
        }
        // Signals can stop while questions are still answered.
        if self.is_searching && self.heard.elapsed() > DEAF_AFTER {
            return Err(Trouble::Ended);
        }
        let begin_anew = begin_anew || self.not_searching == NOT_SEARCHING.0;
        match self.search(begin_anew).await {
            Err(Broken::Session(trouble)) => Err(trouble),
            _ => Ok(()),
        }
    }

    /// Searches while a device of this home is not linked, and not otherwise: each advertisement
    /// in the neighbourhood costs the box something.
    async fn search(&mut self, begin_anew: bool) -> Result<(), Broken> {
        let linked = self.home.desk.added_open();
        let was_searching = self.is_searching;
        let is_wanted = self.roster.accepts_strangers()
            || self.roster.named() > linked
            || self.devices.len() > linked;
        if self.is_searching && (begin_anew || !is_wanted) {
            self.is_searching = false;
            match call("stop searching", ASK, self.adapter.stop_scan()).await {
                Err(trouble) if trouble.is_of_the_session() => {
                    return Err(Broken::Session(trouble));
                }
                // It may have ended by itself.
                _ => {}
            }
        }
        if !self.is_searching && is_wanted {
            let filter = ScanFilter {
                services: self.roster.services(),
            };
            match call("search", ASK, self.adapter.start_scan(filter)).await {
                Ok(()) | Err(Trouble::Busy) => {}
                Err(Trouble::Forgotten) => return Err(Broken::Session(Trouble::NoAdapter)),
                Err(trouble) => return Err(Broken::Session(trouble)),
            }
            if !was_searching {
                self.heard = Instant::now();
            }
            self.is_searching = true;
            self.searched = Instant::now();
            // What is near is news again.
            self.strangers.clear();
        }
        Ok(())
    }
}
