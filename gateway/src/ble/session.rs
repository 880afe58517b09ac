//! One connection to BlueZ, from opening it to its end: who is near, who of them belongs here, a
//! task for each of those, and a look every few seconds whether BlueZ still does what it should.
//!
//! BlueZ does not say when it goes, and btleplug does not say when the bus goes. So both are asked;
//! what is certain is only an answer. There is one stream of events for the whole session, because
//! each that is dropped may leave a rule behind at the bus.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use btleplug::api::{Central, CentralEvent, Peripheral as _, ScanFilter};
use btleplug::platform::{Adapter, Manager, Peripheral, PeripheralId};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use veglia_wire::PortFault;

use super::adapter::{Agent, Air, choose};
use super::config::BluetoothConfig;
use super::device::{Broken, Device};
use super::radio::{ASK, Trouble, call, call_bluer};
use super::roster::{Heard, Member, Roster};
use super::seats::{Answer, Seats, Ticket};
use super::{Home, port_name};
use crate::heart::Beat;

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

/// How long it is told that there was no seat for a device of this home.
const FULL_TOLD_FOR: Duration = Duration::from_secs(15 * 60);

/// How long the devices' tasks may take to end.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// The state of one session.
struct Session<'a> {
    home: &'a Home,
    roster: Roster,
    adapter: Adapter,
    air: Air,
    seats: Seats<PeripheralId>,
    strangers: HashMap<PeripheralId, Instant>,
    tasks: JoinSet<Ended>,
    /// When there was no seat for a device of this home.
    full: Option<Instant>,
    /// What the centre was told of this home's devices as a whole.
    told: Option<PortFault>,
    is_searching: bool,
    searched: Instant,
    not_searching: u32,
    /// Looks on end at which the adapter was off; it takes a moment to come on.
    off: u32,
    heard: Instant,
    stop: CancellationToken,
    beat: Beat,
}

/// A device's task that has ended.
struct Ended {
    id: PeripheralId,
    member: Member,
    result: Result<(), Broken>,
}

/// Opens a connection to BlueZ and serves the devices of this home until told to stop. An end of
/// another kind is told with its reason. The thread beats as long as it turns: opening the bus can
/// block it.
pub(super) async fn run(
    home: &Home,
    config: &BluetoothConfig,
    stop: CancellationToken,
) -> Result<(), Broken> {
    let beat = home.heart.part("Bluetooth");
    let manager = call("open the bus", ASK, Manager::new()).await;
    let manager = manager.map_err(Broken::Session)?;
    let (adapter, name) = choose(&manager, config.adapter.as_deref()).await?;
    beat.beat();
    let (search, searches) = mpsc::channel(1);
    let (air, agent) = Air::open(&name, search).await;
    beat.beat();
    let stopped = stop.child_token();
    let session = Session {
        home,
        roster: Roster::new(config, home.dir.clone()),
        adapter,
        air,
        seats: Seats::new(stopped.clone()),
        strangers: HashMap::new(),
        tasks: JoinSet::new(),
        full: None,
        told: None,
        is_searching: false,
        searched: Instant::now(),
        not_searching: 0,
        off: 0,
        heard: Instant::now(),
        stop: stopped,
        beat,
    };
    tracing::info!(adapter = name, "listening for Bluetooth devices");
    session.serve(searches, agent, stop).await
}

impl Session<'_> {
    async fn serve(
        mut self,
        mut searches: mpsc::Receiver<()>,
        _agent: Agent,
        stop: CancellationToken,
    ) -> Result<(), Broken> {
        let events = call("tell of devices", ASK, self.adapter.events()).await;
        let mut events = events.map_err(Broken::Session)?;
        self.search(true).await?;
        self.home.desk.fault_added(None);
        self.told = self.wrong();
        self.home.notice(self.told);
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut wants_search = false;
        let outcome = loop {
            self.beat.beat();
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                event = events.next() => match event {
                    Some(event) => if let Err(broken) = self.hear(event).await {
                        break Err(broken);
                    },
                    None => break Err(Broken::Session(Trouble::Ended)),
                },
                Some(()) = searches.recv() => wants_search = true,
                Some(ended) = self.tasks.join_next() => if let Err(broken) = self.left(ended) {
                    break Err(broken);
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
                if let Ok(Err(Broken::Append(error))) = ended.map(|it| it.result) {
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
                self.seats.gone(&id, self.heard);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if is_fresh && self.seats.heard(&id, self.heard) {
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
        if self.seats.heard(id, Instant::now()) {
            return Ok(());
        }
        let heard = Heard {
            address: properties.address,
            name: properties.local_name,
            services: properties.services,
        };
        let Some(member) = self.roster.member(&heard) else {
            self.pass_by(id);
            return Ok(());
        };
        let now = Instant::now();
        let seat = self
            .seats
            .ask(id.clone(), &member.device, member.is_named, now);
        match seat {
            Answer::Seated(ticket) => {
                tracing::info!(device = %member.device, address = %heard.address,
                    rssi = properties.rssi.filter(|rssi| *rssi != 127), "a device of this home");
                self.take_up(id, peripheral, (member, heard), ticket);
            }
            // It is looked at again when it is heard again.
            Answer::Soon => {}
            Answer::Doubled => {
                tracing::warn!(device = %member.device, address = %heard.address,
                    "another device of the same id is served: this one is not listened to");
                self.pass_by(id);
            }
            Answer::Full => {
                if member.is_named {
                    tracing::error!(device = %member.device, address = %heard.address,
                        "this home has more devices than the box serves: one is not listened to");
                    self.full = Some(now);
                } else {
                    // Nobody can tell a guest's device from a passer-by's.
                    tracing::info!(device = %member.device, address = %heard.address,
                        "all seats are taken: a device that nobody has named is not listened to");
                }
                self.pass_by(id);
            }
        }
        Ok(())
    }

    /// It does not belong here, for now.
    fn pass_by(&mut self, id: &PeripheralId) {
        if self.strangers.len() >= MAX_STRANGERS {
            self.strangers.clear();
        }
        self.strangers.insert(id.clone(), Instant::now());
    }

    fn take_up(
        &mut self,
        id: &PeripheralId,
        peripheral: Peripheral,
        (member, heard): (Member, Heard),
        ticket: Ticket,
    ) {
        self.air.admit(member.address);
        let shared = (self.home.clone(), self.air.clone());
        let (id, known) = (id.clone(), member.clone());
        let device = Device::new(peripheral, (member, heard), shared, ticket);
        self.tasks.spawn(async move {
            Ended {
                id,
                member: known,
                result: device.serve().await,
            }
        });
    }

    /// A device's task has ended: of one that has made place for another nothing is left.
    fn left(&mut self, ended: Result<Ended, JoinError>) -> Result<(), Broken> {
        let Ended { id, member, result } = ended.map_err(|error| {
            tracing::error!(%error, "the task of a device died");
            Broken::Session(Trouble::Ended)
        })?;
        result?;
        self.seats.left(&id);
        if self.stop.is_cancelled() {
            return Ok(());
        }
        tracing::info!(device = %member.device, address = %member.address,
            "the device was not heard for long and makes place for another");
        self.air.dismiss(member.address);
        if !member.is_named {
            self.home.desk.give_up(&port_name(member.address));
        }
        self.strangers.clear();
        Ok(())
    }

    /// What is wrong with this home's devices as a whole.
    fn wrong(&self) -> Option<PortFault> {
        let is_full = self.full.is_some_and(|at| at.elapsed() < FULL_TOLD_FOR);
        if self.roster.is_damaged() {
            Some(PortFault::ListDamaged)
        } else {
            is_full.then_some(PortFault::TooMany)
        }
    }

    /// Tells the centre when that changes.
    fn tell(&mut self) {
        let fault = self.wrong();
        if fault != self.told {
            self.told = fault;
            self.home.notice(fault);
        }
    }

    /// Looks whether BlueZ still does what it should.
    async fn look(&mut self, begin_anew: bool) -> Result<(), Trouble> {
        if self.roster.look() {
            self.strangers.clear();
            let seats = &self.seats;
            let waited = self.roster.expected();
            self.home
                .introduce(waited.filter(|(_, device)| !seats.serves(device)));
        }
        self.tell();
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
            || self.seats.len() > linked;
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
