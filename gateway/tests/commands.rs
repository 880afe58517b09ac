//! A whole box with simulated devices, commanded through a real front door: what is asked of a
//! device is measured, and everything else is answered too.

#![cfg(test)]
// req: G5

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use veglia_broker::{FrontDoor, Rumqttd};
use veglia_codecs::Protocol;
use veglia_gateway::{Config, Gateway, PortConfig, RunError};
use veglia_homes::{Home, Rhythm, Scenario};
use veglia_identity::{Grant, Grants, IdentityFile, Partitions};
use veglia_link::sender::Timing;
use veglia_link::{Access, Commands, Incoming, Phase, ReceiverConfig, Secret, receiver};
use veglia_wire::{
    Body, CareClock, Charge, Clock, CommandKind, DeviceId, GatewayId, Outcome, Partition,
    PortState, Record, Sequence, State, UpFrame, VitalKind, WallMs,
};

/// Far longer than anything takes: reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node that lies on the table and, beside it, an oximeter that measures all the time.
const HOME: &str = r#"
title = "Prova"
expect = []
[[device]]
name = "nodo"
protocol = "node"
measures = "both"
every_minutes = 600
[[device]]
name = "ossimetro"
protocol = "nonin-8"
measures = "oximetry"
[[phase]]
minutes = 600
[noise]
spo2 = 0.0
pulse = 0.0
temperature = 0.0
"#;

struct System;

impl Clock for System {
    fn now(&self) -> WallMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.expect("it is later than 1970").as_millis();
        WallMs(i64::try_from(since).expect("and long before the end of time"))
    }
}

/// What the centre has heard.
#[derive(Debug, Default, Clone)]
struct Heard {
    records: BTreeMap<Sequence, Record>,
    states: Vec<State>,
}

impl Heard {
    fn readings(&self, device: &DeviceId) -> Vec<VitalKind> {
        let of_device = self
            .records
            .values()
            .filter(|record| record.device.as_ref() == Some(device));
        let kinds = of_device.filter_map(|record| match record.body {
            Body::Reading(vital, _) => Some(vital.kind()),
            _ => None,
        });
        kinds.collect()
    }
}

/// A home, its box, and the way to the centre.
struct Stage {
    commands: Commands,
    heard: watch::Receiver<Heard>,
    gateway: GatewayId,
    node: DeviceId,
    oximeter: DeviceId,
    stop: CancellationToken,
    running: JoinHandle<Result<(), RunError>>,
    _folder: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let care = CareClock::real(Arc::new(System));
        let scenario = Scenario::parse("prova", HOME).unwrap();
        let home = Home {
            rhythm: Rhythm::hz(50),
            ..Home::living(1, Arc::new(scenario), 11)
        };
        let stop = CancellationToken::new();
        let (broker, file) = door(folder.path(), &stop).await;
        let secret = file
            .add_gateway(home.gateway.as_str(), Partition::of(&home.gateway).number())
            .unwrap();
        let secret_file = folder.path().join("gateway.secret");
        std::fs::write(&secret_file, secret.reveal()).unwrap();
        let commands = Commands::default();
        let heard = centre(broker, &file, commands.clone(), &care, &stop);

        let ports = folder.path().join("ports");
        let config = config(&home, &ports, broker, secret_file);
        let dir = folder.path().join("box");
        std::fs::create_dir(&dir).unwrap();
        let [node, oximeter] = [0, 1].map(|place: usize| home.devices[place].id.clone());
        let gateway = home.gateway.clone();
        let (clock, ending) = (care.clone(), stop.clone());
        tokio::spawn(async move {
            veglia_homes::run(vec![home], &ports, clock, 11, None, ending)
                .await
                .unwrap();
        });
        let boxed = Gateway::open(config, &dir, care).unwrap();
        let running = tokio::spawn(boxed.run(stop.clone()));
        Self {
            commands,
            heard,
            gateway,
            node,
            oximeter,
            stop,
            running,
            _folder: folder,
        }
    }

    async fn until(&mut self, what: &str, holds: impl FnMut(&Heard) -> bool) -> Heard {
        let last = self.heard.clone();
        match tokio::time::timeout(PATIENCE, self.heard.wait_for(holds)).await {
            Ok(heard) => heard.unwrap().clone(),
            Err(_) => panic!(
                "waited in vain until {what}: {:?}",
                last.borrow().states.last()
            ),
        }
    }

    /// Waits until both devices speak.
    async fn both_speak(&mut self) -> State {
        let speak = |state: &State| {
            state.ports.len() == 2
                && state
                    .ports
                    .iter()
                    .all(|port| port.state == PortState::Speaking && port.device.is_some())
        };
        let heard = self
            .until("both devices speak", |heard| {
                heard.states.last().is_some_and(speak)
            })
            .await;
        heard.states[heard.states.len() - 1].clone()
    }

    async fn ask(&self, kind: CommandKind) -> Outcome {
        self.commands
            .send(&self.gateway, kind, PATIENCE)
            .await
            .unwrap()
    }

    async fn measure(&self, device: &DeviceId, vital: VitalKind) -> Outcome {
        let device = device.clone();
        self.ask(CommandKind::MeasureAgain { device, vital }).await
    }

    async fn strike(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }
}

async fn door(folder: &Path, stop: &CancellationToken) -> (SocketAddr, IdentityFile) {
    let identities = folder.join("identities.toml");
    let file = IdentityFile::new(&identities);
    file.create_if_missing().unwrap();
    let config = veglia_broker::Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        identities,
        ..veglia_broker::Config::default()
    };
    let listener = veglia_broker::listen(&config).await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = FrontDoor::new(config, Box::new(Rumqttd)).unwrap();
    tokio::spawn(door.serve(listener, stop.clone()));
    (address, file)
}

/// A centre that listens, understands, and keeps what it hears in memory.
fn centre(
    broker: SocketAddr,
    file: &IdentityFile,
    commands: Commands,
    care: &CareClock,
    stop: &CancellationToken,
) -> watch::Receiver<Heard> {
    let grants = Grants {
        partitions: Partitions::All,
        may: BTreeSet::from([Grant::Receive]),
    };
    let secret = file.add_service("ingest", &grants).unwrap();
    let config = ReceiverConfig {
        broker: broker.into(),
        access: Access::Secret(Secret::new(secret.reveal())),
        service: "ingest".to_owned(),
        partitions: Partition::all().collect(),
        clock: care.clone(),
        window: ReceiverConfig::WINDOW,
        timing: Timing {
            reconnect_cap: Duration::from_millis(200),
            ..Timing::default()
        },
        status: watch::channel(Phase::FIRST).0,
    };
    let (to, mut incoming) = mpsc::channel(8);
    tokio::spawn(receiver::run_commanding(config, commands, to, stop.clone()));
    let (heard, watched) = watch::channel(Heard::default());
    tokio::spawn(async move {
        while let Some(came) = incoming.recv().await {
            match came {
                Incoming::Frame(parcel) => {
                    let frame = UpFrame::decode(&parcel.bytes).unwrap();
                    let numbered = frame.into_numbered();
                    let records = numbered.map(|(id, record)| (id.sequence, record));
                    heard.send_modify(|heard| heard.records.extend(records));
                }
                Incoming::Hello { hello, reply, .. } => reply.nothing(hello.epoch),
                Incoming::State { state, .. } => {
                    heard.send_modify(|heard| heard.states.push(state));
                }
            }
        }
    });
    watched
}

fn config(home: &Home, ports: &Path, broker: SocketAddr, secret_file: PathBuf) -> Config {
    let port = |device: &veglia_homes::Device| PortConfig {
        path: home.port(ports, device),
        protocol: device.protocol,
        device: (device.protocol == Protocol::Nonin8).then(|| device.id.clone()),
    };
    Config {
        id: Some(home.gateway.to_string()),
        broker: Some(broker.to_string()),
        secret_file: Some(secret_file),
        port: home.devices.iter().map(port).collect(),
        ..Config::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_asked_to_measure_again_does_so() {
    let mut stage = Stage::set().await;
    let state = stage.both_speak().await;
    assert_eq!(state.ports[0].device.as_ref(), Some(&stage.node));
    assert!(matches!(state.ports[0].battery, Some(Charge::Percent(_))));
    assert_eq!(state.ports[1].device.as_ref(), Some(&stage.oximeter));

    // It lies on the table: it has said who it is, and has measured nothing since.
    assert_eq!(stage.heard.borrow().readings(&stage.node), []);
    let outcome = stage.measure(&stage.node, VitalKind::SpO2).await;
    assert_eq!(outcome, Outcome::Done);
    let node = stage.node.clone();
    let heard = stage
        .until("the node has measured", |heard| {
            heard.readings(&node).len() >= 3
        })
        .await;
    let measured = [VitalKind::SpO2, VitalKind::Pulse, VitalKind::Temperature];
    assert_eq!(heard.readings(&node), measured);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_answered_with_why() {
    let mut stage = Stage::set().await;
    stage.both_speak().await;
    let nobody = DeviceId::new("node:00000000000000ff").unwrap();
    let asked = [
        stage.measure(&stage.oximeter, VitalKind::SpO2).await,
        stage.measure(&stage.node, VitalKind::RespiratoryRate).await,
        stage.measure(&nobody, VitalKind::SpO2).await,
    ];
    let wanted = [
        Outcome::NotSupported,
        Outcome::NotSupported,
        Outcome::NotConnected,
    ];
    assert_eq!(asked, wanted);
    for (reconnect_seconds, outcome) in [
        (0, Outcome::OutOfRange),
        (3_601, Outcome::OutOfRange),
        (600, Outcome::Done),
    ] {
        let configure = CommandKind::Configure { reconnect_seconds };
        assert_eq!(stage.ask(configure).await, outcome);
    }
    assert_eq!(stage.ask(CommandKind::Ping).await, Outcome::Done);
    stage.strike().await;
}
