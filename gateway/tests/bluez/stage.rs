//! A box with its Bluetooth in a process of its own, a BlueZ that the test holds, and a centre
//! that keeps what comes.
//!
//! libdbus finds the system bus through the environment of the process. So each box is a process:
//! this same test program, started once more, which then is nothing but a gateway.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use veglia_broker::{FrontDoor, Rumqttd};
use veglia_gateway::{Config, Gateway, Person, pair};
use veglia_identity::{Grant, Grants, IdentityFile, Partitions};
use veglia_link::sender::Timing;
use veglia_link::{Access, Commands, Phase, ReceiverConfig, Secret, receiver};
use veglia_wire::{
    Body, CareClock, Clock, DeviceEvent, DeviceId, GatewayId, Partition, PortFault, PortReport,
    Quality, Record, Vital, WallMs,
};

use crate::bus::{self, Bus, Rules};
use crate::ingest::{Ingest, Manner, Seen};
use crate::mock::{BlueZ, World};

/// Far longer than anything takes: reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the process that is to be a box finds its configuration.
const BOX: &str = "VEGLIA_TEST_BOX";

/// Set when that process is to pair a device instead.
const PAIR: &str = "VEGLIA_TEST_PAIR";

/// The test that is a box when the environment says so.
const CHILD: &str = "the_box_of_another_test";

struct System;

impl Clock for System {
    fn now(&self) -> WallMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.expect("it is later than 1970").as_millis();
        WallMs(i64::try_from(since).expect("and long before the end of time"))
    }
}

pub(crate) fn care() -> CareClock {
    CareClock::real(Arc::new(System))
}

/// A box, its BlueZ and its centre.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    bus: Option<Bus>,
    bluez: Option<BlueZ>,
    world: World,
    broker: SocketAddr,
    identities: IdentityFile,
    seen: Option<watch::Receiver<Seen>>,
    stop: CancellationToken,
    running: Option<Child>,
    lives: usize,
}

/// The digits that somebody reads on the device to be paired.
const DIGITS: &str = "VEGLIA_TEST_DIGITS";

/// Somebody who always takes the first device, and believes in these digits alone.
struct FirstChoice {
    digits: String,
}

impl Person for FirstChoice {
    fn tell(&self, line: &str) {
        tracing::info!("told: {line}");
    }

    fn ask(&self, question: &str) -> Option<String> {
        tracing::info!("asked: {question}");
        let is_right = !self.digits.is_empty() && question.contains(&self.digits);
        Some(match question {
            _ if question.contains("six digits") => self.digits.clone(),
            _ if question.contains("yes or no") && is_right => "yes".to_owned(),
            _ if question.contains("yes or no") => "no".to_owned(),
            _ => "1".to_owned(),
        })
    }
}

/// Is a gateway, if this process was started to be one.
pub(crate) async fn be_a_box() {
    let Some(file) = std::env::var_os(BOX) else {
        return;
    };
    let file = PathBuf::from(file);
    let filter = "info,btleplug=warn,bluez_async=warn";
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let text = fs::read_to_string(&file).expect("a configuration");
    let config: Config = toml::from_str(&text).expect("a [gateway] section");
    let dir = file.with_extension("d");
    fs::create_dir_all(&dir).expect("a folder can be made");
    if std::env::var_os(PAIR).is_some() {
        let digits = std::env::var(DIGITS).unwrap_or_default();
        let paired = pair(None, &dir, Arc::new(FirstChoice { digits })).await;
        tracing::info!("{paired:?}");
        return;
    }
    let gateway = Gateway::open(config, &dir, care()).expect("a box");
    let ended = gateway.run(CancellationToken::new()).await;
    panic!("the box has ended: {ended:?}");
}

impl Stage {
    /// A BlueZ with an adapter, a broker, and nobody yet who receives.
    pub(crate) async fn set(rules: Rules) -> Self {
        let mut stage = Self::without_bluez(rules).await;
        stage.bluetoothd(true).await;
        stage
    }

    pub(crate) async fn without_bluez(rules: Rules) -> Self {
        let folder = TempDir::new().expect("a scratch folder can be made");
        let stop = CancellationToken::new();
        let (broker, identities) = door(folder.path(), &stop).await;
        Self {
            bus: Some(Bus::start(folder.path(), rules)),
            bluez: None,
            world: World::default(),
            folder,
            broker,
            identities,
            seen: None,
            stop,
            running: None,
            lives: 0,
        }
    }

    /// Starts bluetoothd.
    pub(crate) async fn bluetoothd(&mut self, has_adapter: bool) {
        let address = bus::address(self.folder.path());
        let bluez = BlueZ::start(&address, self.world.clone(), has_adapter).await;
        self.bluez = Some(bluez);
    }

    /// Kills bluetoothd.
    pub(crate) fn kill_bluetoothd(&mut self) {
        self.bluez = None;
    }

    /// Kills the bus, and starts another.
    pub(crate) fn break_bus(&mut self) {
        self.bluez = None;
        if let Some(bus) = self.bus.take() {
            bus.kill();
        }
    }

    pub(crate) fn mend_bus(&mut self) {
        self.bus = Some(Bus::start(self.folder.path(), Rules::default()));
    }

    pub(crate) fn bluez(&self) -> &BlueZ {
        self.bluez.as_ref().expect("bluetoothd runs")
    }

    /// The centre begins to receive.
    pub(crate) fn centre(&mut self) {
        let grants = Grants {
            partitions: Partitions::All,
            may: BTreeSet::from([Grant::Receive]),
        };
        let secret = self.identities.add_service("ingest", &grants);
        let config = ReceiverConfig {
            broker: self.broker.into(),
            access: Access::Secret(Secret::new(secret.expect("a secret").reveal())),
            service: "ingest".to_owned(),
            partitions: Partition::all().collect(),
            clock: care(),
            window: ReceiverConfig::WINDOW,
            timing: Timing {
                reconnect_cap: Duration::from_millis(200),
                ..Timing::default()
            },
            status: watch::channel(Phase::FIRST).0,
        };
        let (to, incoming) = mpsc::channel(8);
        let commands = Commands::default();
        tokio::spawn(receiver::run_commanding(
            config,
            commands,
            to,
            self.stop.clone(),
        ));
        let (ingest, seen) = Ingest::new(Manner::Proper);
        tokio::spawn(ingest.run(incoming));
        self.seen = Some(seen);
    }

    /// Starts the box, or starts it again. `bluetooth` is its section of the configuration.
    pub(crate) fn start(&mut self, bluetooth: &str) {
        self.start_with("", bluetooth);
    }

    /// The same with more of its own section.
    pub(crate) fn start_with(&mut self, more: &str, bluetooth: &str) {
        self.kill_box();
        let file = self.folder.path().join("casa-1.toml");
        let secret_file = self.folder.path().join("gateway.secret");
        if self.lives == 0 {
            let gateway = GatewayId::new("casa-1").expect("an identifier");
            let partition = Partition::of(&gateway).number();
            let secret = self.identities.add_gateway("casa-1", partition);
            fs::write(&secret_file, secret.expect("a secret").reveal()).expect("written");
        }
        let text = format!(
            "id = \"casa-1\"\nbroker = \"{}\"\nsecret_file = {secret_file:?}\n\
             reconnect_seconds = 1\n{more}[bluetooth]\n{bluetooth}",
            self.broker
        );
        fs::write(&file, text).expect("a file can be written");
        self.lives += 1;
        let log = File::create(self.log()).expect("a file can be made");
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", CHILD, "--nocapture"])
            .env(BOX, &file)
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus::address(self.folder.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.running = Some(child.expect("this program can be started"));
    }

    /// Pairs the first device that is found, while the box runs, by somebody who reads these
    /// digits on it; answers what was said.
    pub(crate) async fn pair(&self, digits: &str) -> String {
        let log = self.folder.path().join("log-pair");
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", CHILD, "--nocapture"])
            .env(BOX, self.folder.path().join("casa-1.toml"))
            .env(PAIR, "yes")
            .env(DIGITS, digits)
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus::address(self.folder.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file can be made"))
            .spawn();
        let mut child = child.expect("this program can be started");
        let ended = tokio::task::spawn_blocking(move || child.wait());
        let ended = tokio::time::timeout(PATIENCE, ended).await;
        let said = fs::read_to_string(&log).unwrap_or_default();
        assert!(ended.is_ok(), "it does not end: {said}");
        said
    }

    /// The power fails.
    pub(crate) fn kill_box(&mut self) {
        if let Some(mut child) = self.running.take() {
            // Both fail only when it has ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Waits until the box has ended by itself, which is a failure to its supervisor.
    pub(crate) async fn until_ended(&mut self) {
        let mut child = self.running.take().expect("a box runs");
        let ended = tokio::task::spawn_blocking(move || child.wait());
        let ended = tokio::time::timeout(PATIENCE, ended).await;
        let ended = ended.map(|it| it.expect("nobody panics").expect("it can be waited for"));
        assert!(
            ended.is_ok_and(|ended| !ended.success()),
            "the box goes on: {}",
            self.said()
        );
    }

    /// The folder of the box.
    pub(crate) fn box_folder(&self) -> PathBuf {
        self.folder.path().join("casa-1.d")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join(format!("log-{}", self.lives))
    }

    /// Waits until the box has said something in its log.
    pub(crate) async fn until_said(&self, text: &str) {
        let waited = async {
            while !self.said().contains(text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        assert!(waited.is_ok(), "it never said {text:?}: {}", self.said());
    }

    /// All that this life of the box has said.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Waits until something holds of what the centre has.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.clone().expect("the centre receives");
        match tokio::time::timeout(PATIENCE, seen.wait_for(|seen| holds(seen))).await {
            Ok(seen) => seen.expect("the centre goes on").clone(),
            Err(_) => {
                let seen = self.seen.as_ref().expect("as before").borrow().clone();
                let ports = seen.states.last().map(|state| state.ports.clone());
                panic!(
                    "in vain: {what}: {ports:?} {:?}\n{}",
                    seen.stored
                        .iter()
                        .map(|(_, it)| it.body)
                        .collect::<Vec<_>>(),
                    self.said()
                )
            }
        }
    }
}

impl Stage {
    /// The same, while a device says something again and again: its link may be let go just when it
    /// speaks.
    pub(crate) async fn until_telling(
        &self,
        (address, uuid): (&str, u16),
        values: &[Vec<u8>],
        what: &str,
        holds: impl Fn(&Seen) -> bool,
    ) -> Seen {
        let telling = async {
            loop {
                for value in values {
                    self.bluez().tell(address, uuid, value).await;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::select! {
            seen = self.until(what, holds) => seen,
            () = telling => unreachable!("it says it for ever"),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
        self.kill_box();
    }
}

async fn door(folder: &Path, stop: &CancellationToken) -> (SocketAddr, IdentityFile) {
    let identities = folder.join("identities.toml");
    let file = IdentityFile::new(&identities);
    file.create_if_missing().expect("a file can be made");
    let config = veglia_broker::Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        identities,
        ..veglia_broker::Config::default()
    };
    let listener = veglia_broker::listen(&config).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let door = FrontDoor::new(config, Box::new(Rumqttd)).expect("a door");
    tokio::spawn(door.serve(listener, stop.clone()));
    (address, file)
}

/// Readings of a device, in order: the vital sign, its value in its steps, its quality.
pub(crate) fn readings(seen: &Seen, device: &DeviceId) -> Vec<(Vital, Quality)> {
    of(seen, device)
        .filter_map(|record| match record.body {
            Body::Reading(vital, quality) => Some((vital, quality)),
            _ => None,
        })
        .collect()
}

/// The saturations among them, in percent.
pub(crate) fn saturations(seen: &Seen, device: &DeviceId) -> Vec<i32> {
    let all = readings(seen, device).into_iter();
    all.filter_map(|(vital, _)| match vital {
        Vital::SpO2(value) => Some(value.percent_tenths() / 10),
        _ => None,
    })
    .collect()
}

/// How often a device came and went.
pub(crate) fn events(seen: &Seen, device: &DeviceId, event: DeviceEvent) -> usize {
    let all = of(seen, device);
    all.filter(|record| record.body == Body::Event(event))
        .count()
}

/// What the box says of a device's port.
pub(crate) fn port(seen: &Seen, device: &DeviceId) -> Option<PortReport> {
    let ports = &seen.states.last()?.ports;
    ports
        .iter()
        .find(|port| port.device.as_ref() == Some(device))
        .cloned()
}

/// What the box says of all its devices at once.
pub(crate) fn notice(seen: &Seen) -> Option<PortFault> {
    let ports = &seen.states.last()?.ports;
    ports.iter().find(|port| port.name == "ble")?.fault
}

/// The records of a device, in order.
pub(crate) fn of<'a>(seen: &'a Seen, device: &'a DeviceId) -> impl Iterator<Item = &'a Record> {
    let all = seen.stored.iter().map(|(_, record)| record);
    all.filter(move |record| record.device.as_ref() == Some(device))
}
