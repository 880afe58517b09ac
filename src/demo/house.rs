//! The rooms of the demonstration, opened in order, run together, ended in order.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use veglia_broker::{FrontDoor, Rumqttd};
use veglia_diary::probe::GATEWAY;
use veglia_gateway::{Gateway, PortConfig};
use veglia_homes::{Home, Log, Relay, RelayHandle};
use veglia_identity::IdentityFile;
use veglia_ingest::Ingest;
use veglia_intake::Line;
use veglia_link::OutboxStatus;
use veglia_store::Database;
use veglia_view::LocalView;
use veglia_wire::CareClock;

use super::Truth;
use crate::datadir::RoleDir;
use crate::health::alarm_path::AlarmPath;
use crate::health::{self, Desk, Kind};
use crate::identity;
use crate::phone::{self, Phone};
use crate::probe::{self, voice::Voice};

/// How long gateways may take to read the last bytes, and outboxes to empty, when the homes have
/// fallen silent. A healthy demonstration needs a second or two.
const DRAIN_LONGEST: Duration = Duration::from_secs(30);

/// A port is read within this time of its last byte being written.
const LAST_BYTES: Duration = Duration::from_millis(1_500);

/// Every simulated device is plugged in within this time of the start.
const PLUGGED_WITHIN: Duration = Duration::from_secs(5);

/// The rooms, open.
pub(super) struct House {
    data: PathBuf,
    care: CareClock,
    homes: Vec<Home>,
    gateways: Vec<(Gateway, RoleDir)>,
    broker: (FrontDoor, TcpListener),
    ingest: Ingest,
    dirs: Vec<RoleDir>,
    /// The alarm path's probe, and its health.
    voice: Option<Voice>,
    path: Option<AlarmPath>,
    phone: Option<Phone>,
}

impl House {
    /// Opens every room in `data`.
    pub(super) async fn open(
        data: &Path,
        care: &CareClock,
        mut homes: Vec<Home>,
        record: Database,
    ) -> Result<Self> {
        let dirs = vec![
            RoleDir::take(data, Path::new("broker"))?,
            RoleDir::take(data, Path::new("ingest"))?,
            RoleDir::take(data, Path::new("dashboard"))?,
        ];
        let broker = veglia_broker::Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            identities: data.join("identities.toml"),
            ..veglia_broker::Config::default()
        };
        admit(&broker.identities, data, &homes)?;
        let listener = veglia_broker::listen(&broker).await?;
        let door = listener.local_addr()?;

        let config = veglia_ingest::Config {
            broker: door.to_string(),
            secret_file: secret_of(data, "ingest"),
            ..veglia_ingest::Config::default()
        };
        let ingest_dir = data.join("ingest");
        let pace = probe::Config::default().pace(care)?;
        let path = AlarmPath::new(record.clone(), care.clone(), pace);
        let voice = pace.map(|pace| Voice {
            data: data.to_owned(),
            identities: broker.identities.clone(),
            secret_file: secret_of(data, GATEWAY),
            broker: door.to_string(),
            record: record.clone(),
            care: care.clone(),
            pace,
        });
        let phone = phone::line(&data.join("dashboard"), &record, care).map(|line| Phone {
            line,
            config: veglia_intake::Config {
                secret_file: secret_of(data, veglia_intake::GATEWAY),
                ..veglia_intake::Config::default()
            },
            identities: broker.identities.clone(),
            usual: door.to_string(),
            care: care.clone(),
        });
        let ingest = Ingest::open(config, &ingest_dir, record, care.clone()).await?;
        let mut gateways = Vec::with_capacity(homes.len());
        for home in &mut homes {
            // Each home has a line to the centre of its own, which its story may cut.
            let (line, handle) = Relay::start(door).await.context("no line for a home")?;
            home.link = Some(handle);
            gateways.push(gateway(data, home, line, care)?);
        }
        let broker = (FrontDoor::new(broker, Box::new(Rumqttd))?, listener);
        Ok(Self {
            data: data.to_owned(),
            care: care.clone(),
            homes,
            gateways,
            broker,
            ingest,
            dirs,
            voice,
            path,
            phone,
        })
    }

    /// Where the pages put what is said on the telephone.
    pub(super) fn line(&self) -> Option<Line> {
        self.phone.as_ref().map(|phone| phone.line.clone())
    }

    /// What the pages ask.
    pub(super) fn view(&self) -> LocalView {
        self.ingest.view()
    }

    /// Starts every room. `pages` serves the dashboard until its token is cancelled.
    pub(super) fn start<F>(
        self,
        seed: u64,
        log: Log,
        pages: impl FnOnce(CancellationToken) -> F,
    ) -> Running
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let Self {
            data,
            care,
            homes,
            gateways,
            broker,
            ingest,
            dirs,
            voice,
            path,
            phone,
        } = self;
        let (rooms_stop, homes_stop) = (CancellationToken::new(), CancellationToken::new());
        let (broker_stop, silent) = (CancellationToken::new(), CancellationToken::new());
        let (view, ingest_figures) = (ingest.view(), ingest.figures());
        let mut rooms: JoinSet<Result<()>> = JoinSet::new();
        let (door, listener) = broker;
        let stop = broker_stop.clone();
        let role = health::broker::Broker::new(door.health());
        let desk = Desk::of(Kind::Broker, &data.join("broker"), &stop, role);
        rooms.spawn(async move {
            let _desk = desk;
            Ok(door.serve(listener, stop).await?)
        });
        let stop = rooms_stop.clone();
        let role = health::ingest::Ear::of(&ingest, care.clone()).and_path(path);
        let desk = Desk::of(Kind::Ingest, &data.join("ingest"), &stop, role);
        rooms.spawn(async move {
            let _desk = desk;
            Ok(ingest.run(stop).await?)
        });
        rooms.spawn(pages(rooms_stop.clone()));
        speak(&mut rooms, voice, phone, &rooms_stop);
        let lines = homes.iter().filter_map(|home| home.link.clone()).collect();
        let ports = data.join("ports");
        let plugged: Vec<PathBuf> = homes
            .iter()
            .flat_map(|home| home.devices.iter().map(|device| home.port(&ports, device)))
            .collect();
        let box_care = care.clone();
        let (stop, fallen_silent) = (homes_stop.clone(), silent.clone().drop_guard());
        let speaking = tokio::spawn(async move {
            let _fallen_silent = fallen_silent;
            veglia_homes::run(homes, &ports, care, seed, Some(log), stop).await
        });
        let mut outboxes = Vec::new();
        let mut boxes = Vec::new();
        for (gateway, dir) in gateways {
            outboxes.push(gateway.outbox());
            boxes.push(gateway.figures());
            let (stop, plugged) = (rooms_stop.clone(), plugged.clone());
            rooms.spawn(live(gateway, dir, box_care.clone(), plugged, stop));
        }
        Running {
            rooms,
            rooms_stop,
            broker_stop,
            homes_stop,
            silent,
            speaking,
            lines,
            outboxes,
            boxes,
            view,
            ingest: ingest_figures,
            _dirs: dirs,
        }
    }
}

/// The gateways of the centre's own: the alarm path's probe, and the telephone.
fn speak(
    rooms: &mut JoinSet<Result<()>>,
    voice: Option<Voice>,
    phone: Option<Phone>,
    stop: &CancellationToken,
) {
    if let Some(voice) = voice {
        let stop = stop.clone();
        rooms.spawn(async move {
            voice.speak(stop).await;
            Ok(())
        });
    }
    if let Some(phone) = phone {
        let stop = stop.clone();
        rooms.spawn(async move {
            phone.speak(stop).await;
            Ok(())
        });
    }
}

/// A box at home, from when its devices are plugged in until it is stopped.
async fn live(
    gateway: Gateway,
    dir: RoleDir,
    care: CareClock,
    plugged: Vec<PathBuf>,
    stop: CancellationToken,
) -> Result<()> {
    let role = health::gateway::Home::of(&gateway, care);
    let desk = Desk::of(Kind::Gateway, dir.path(), &stop, role);
    until_there(&plugged).await;
    let ran = gateway.run(stop).await;
    // The folder is this process's for as long as its socket is there.
    drop(desk);
    drop(dir);
    Ok(ran?)
}

/// Waits until every device is plugged in, as whoever installs a box does before switching it on.
async fn until_there(ports: &[PathBuf]) {
    let deadline = Instant::now() + PLUGGED_WITHIN;
    while Instant::now() < deadline && !ports.iter().all(|port| port.exists()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn secret_of(data: &Path, name: &str) -> PathBuf {
    data.join("secrets").join(name)
}

/// Admits whoever has no secret yet.
fn admit(identities: &Path, data: &Path, homes: &[Home]) -> Result<()> {
    let file = IdentityFile::new(identities);
    file.create_if_missing()?;
    let secrets = data.join("secrets");
    std::fs::create_dir_all(&secrets)
        .with_context(|| format!("cannot make {}", secrets.display()))?;
    let ingest = secret_of(data, "ingest");
    if !ingest.exists() {
        identity::admit_ingest(&file, "ingest", &ingest)?;
    }
    for home in homes {
        let secret = secret_of(data, home.gateway.as_str());
        if !secret.exists() {
            identity::admit_gateway(&file, &home.gateway, &secret)?;
        }
    }
    Ok(())
}

fn gateway(
    data: &Path,
    home: &Home,
    line: SocketAddr,
    care: &CareClock,
) -> Result<(Gateway, RoleDir)> {
    let ports = data.join("ports");
    let port = |device: &veglia_homes::Device| PortConfig {
        path: home.port(&ports, device),
        protocol: device.protocol,
        device: Some(device.id.clone()),
    };
    let config = veglia_gateway::Config {
        id: Some(home.gateway.to_string()),
        broker: Some(line.to_string()),
        secret_file: Some(secret_of(data, home.gateway.as_str())),
        port: home.devices.iter().map(port).collect(),
        // A home that was without a line is back soon after its line is.
        reconnect_seconds: 2,
        ..veglia_gateway::Config::default()
    };
    let dir = RoleDir::take(data, &Path::new("gateway").join(home.gateway.as_str()))?;
    let gateway = Gateway::open(config, dir.path(), care.clone())?;
    Ok((gateway, dir))
}

/// The rooms, running.
pub(super) struct Running {
    rooms: JoinSet<Result<()>>,
    rooms_stop: CancellationToken,
    broker_stop: CancellationToken,
    homes_stop: CancellationToken,
    /// Cancelled when the homes have nothing more to say.
    silent: CancellationToken,
    speaking: tokio::task::JoinHandle<Result<veglia_homes::Summary, veglia_homes::SimulationError>>,
    lines: Vec<RelayHandle>,
    outboxes: Vec<watch::Receiver<OutboxStatus>>,
    boxes: Vec<veglia_gateway::Figures>,
    view: LocalView,
    ingest: veglia_ingest::Figures,
    _dirs: Vec<RoleDir>,
}

impl Running {
    /// Waits until a room ends, which it should not, and says why.
    pub(super) async fn failed(&mut self) -> anyhow::Error {
        match self.rooms.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => anyhow!(error).context("a room died"),
            Some(Ok(Ok(()))) | None => anyhow!("a room ended before its time"),
        }
    }

    /// Cancelled when every story has ended, which only recordings do, or the homes have failed.
    pub(super) fn silent(&self) -> CancellationToken {
        self.silent.clone()
    }

    /// Silences the homes and waits until everything that was spoken is stored.
    pub(super) async fn drain(&mut self) -> Result<Truth> {
        self.homes_stop.cancel();
        let spoken = (&mut self.speaking).await.context("the homes died")??;
        // A story that was cut short may have left its home without a line.
        self.lines.iter().for_each(RelayHandle::restore);
        tokio::time::sleep(LAST_BYTES).await;
        let deadline = Instant::now() + DRAIN_LONGEST;
        while self.waiting() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Truth {
            spoken,
            waiting: self.waiting(),
            view: self.view.clone(),
            ingest: self.ingest.clone(),
            boxes: self.boxes.clone(),
        })
    }

    fn waiting(&self) -> u64 {
        self.outboxes
            .iter()
            .map(|outbox| outbox.borrow().waiting())
            .sum()
    }

    /// Ends every room, the broker last: whoever speaks through it says goodbye first.
    pub(super) async fn end(mut self) -> Result<()> {
        self.rooms_stop.cancel();
        let mut outcome = Ok(());
        loop {
            if self.rooms.len() <= 1 {
                self.broker_stop.cancel();
            }
            let Some(ended) = self.rooms.join_next().await else {
                break;
            };
            let ended = ended.map_err(|error| anyhow!(error).context("a room died"));
            outcome = outcome.and(ended.and_then(|result| result));
        }
        outcome
    }
}
