//! A door with its identities, open on a port of its own.
//!
//! Known here: gateways `casa-1` and `casa-2` (partition 7) and `casa-3` (partition 8), services
//! `ingest` (every partition), `seven` (partition 7) and `deaf` (which may nothing).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Login};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_broker::{Backend, Config, FrontDoor, Health, Limits, Refusal, ServeError, Snapshot};
use veglia_identity::{Grant, Grants, IdentityFile, Partitions};

use crate::client::{Client, PATIENCE};

/// What a name that is nobody's is told.
pub(crate) const STRANGERS_ARE_TOLD: Option<ConnectReturnCode> =
    Some(ConnectReturnCode::BadUserNamePassword);

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) file: IdentityFile,
    pub(crate) path: PathBuf,
    pub(crate) health: Health,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    secrets: BTreeMap<String, String>,
    _folder: TempDir,
}

/// Lets a gateway send as fast as it can, to fill what is behind the door.
pub(crate) fn unbridled() -> Limits {
    Limits {
        packets_per_second: const { NonZeroU32::new(1_000_000).expect("it is not zero") },
        ..Limits::default()
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::before(limits, crate::behind::backend()).await
    }

    pub(crate) async fn before(limits: Limits, backend: Box<dyn Backend>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("identities.toml");
        let file = IdentityFile::new(&path);
        let secrets = enrol(&file);
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            identities: path.clone(),
            limits,
            ..Config::default()
        };
        let listener = veglia_broker::listen(&config).await.expect("a free port");
        let address = TcpListener::local_addr(&listener).expect("its address");
        let door = FrontDoor::new(config, backend).expect("a good identity file");
        let health = door.health();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(door.serve(listener, shutdown.clone()));
        Self {
            address,
            file,
            path,
            health,
            shutdown,
            serving,
            secrets,
            _folder: folder,
        }
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        self.secrets
            .get(name)
            .expect("somebody of the house")
            .clone()
    }

    pub(crate) fn connect(&self, name: &str) -> Connect {
        connect(name, &self.secret(name))
    }

    pub(crate) fn refused(&self, why: Refusal) -> u64 {
        let refused = self.health.snapshot().refused;
        refused.get(&why).copied().unwrap_or_default()
    }

    /// Waits until the door stands as it should.
    pub(crate) async fn until(&self, what: &str, level: impl Fn(&Snapshot) -> bool) {
        let reached = async {
            while !level(&self.health.snapshot()) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let reached = timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "{what}: {:?}", self.health.snapshot());
    }

    /// A frame goes through, whatever just happened to somebody else.
    pub(crate) async fn is_served(&self) {
        let mut ingest = Client::enter(self, "ingest").await;
        ingest.hear("v1/p/07/g/+/up").await;
        let mut casa = Client::enter(self, "casa-2").await;
        casa.hand_over("v1/p/07/g/casa-2/up", b"still served").await;
        ingest.message_is(b"still served").await;
    }

    pub(crate) async fn close(self) -> Result<(), ServeError> {
        self.shutdown.cancel();
        self.end().await
    }

    /// Waits until the door closes by itself.
    pub(crate) async fn end(self) -> Result<(), ServeError> {
        let ended = timeout(PATIENCE, self.serving).await;
        ended.expect("the door closes").expect("it does not panic")
    }
}

pub(crate) fn connect(name: &str, secret: &str) -> Connect {
    let mut connect = Connect::new(name);
    connect.login = Some(Login::new(name, secret));
    connect.keep_alive = 60;
    connect
}

fn enrol(file: &IdentityFile) -> BTreeMap<String, String> {
    let receive = |partitions| Grants {
        partitions,
        may: BTreeSet::from([Grant::Receive]),
    };
    let nothing = Grants {
        partitions: Partitions::All,
        may: BTreeSet::new(),
    };
    file.create_if_missing().expect("a new file");
    let mut secrets = BTreeMap::new();
    let gateways = [("casa-1", 7), ("casa-2", 7), ("casa-3", 8)];
    for (name, partition) in gateways {
        let secret = file.add_gateway(name, partition).expect("enrolled");
        secrets.insert(name.to_owned(), secret.reveal().to_owned());
    }
    let services = [
        ("ingest", receive(Partitions::All)),
        ("seven", receive(Partitions::These(BTreeSet::from([7])))),
        ("deaf", nothing),
    ];
    for (name, grants) in services {
        let secret = file.add_service(name, &grants).expect("admitted");
        secrets.insert(name.to_owned(), secret.reveal().to_owned());
    }
    secrets
}
