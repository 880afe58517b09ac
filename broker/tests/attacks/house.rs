//! A door with TLS, its authority and its identities, open on ports of its own.
//!
//! Known here, each by a key: gateways `casa-1` and `casa-2` (partition 7) and `casa-3` (partition
//! 8), services `ingest` (every partition), `seven` (partition 7) and `deaf` (which may nothing).
//! By a secret, for the plain way: gateway `casa-4` (partition 7).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Login};
use rustls::ClientConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_broker::{
    Backend, Config, FrontDoor, Health, Limits, Listeners, Pace, Refusal, Rumqttd, ServeError,
    Snapshot, Tls,
};
use veglia_identity::{Grant, Grants, IdentityFile, Partitions};

use crate::client::{Client, PATIENCE};
use crate::pki::{Badge, Centre, introduction, now};

/// What a name that is nobody's is told: it has no certificate, so TLS says it.
pub(crate) const STRANGERS_ARE_TOLD: Option<ConnectReturnCode> = None;

/// Where a door stands, who may come, and with what.
pub(crate) struct Grounds {
    /// Where TLS is spoken.
    pub(crate) address: SocketAddr,
    pub(crate) plain: SocketAddr,
    pub(crate) file: IdentityFile,
    pub(crate) tls: Tls,
    pub(crate) centre: Centre,
    pub(crate) secret_of_casa_4: String,
    pub(crate) folder: TempDir,
    badges: BTreeMap<String, Badge>,
}

/// Grounds with an open door.
pub(crate) struct House {
    grounds: Grounds,
    pub(crate) health: Health,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
}

impl Deref for House {
    type Target = Grounds;

    fn deref(&self) -> &Grounds {
        &self.grounds
    }
}

/// What a house is opened with.
pub(crate) struct Plan {
    pub(crate) limits: Limits,
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) pace: Pace,
    pub(crate) centre: Centre,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            backend: Box::new(Rumqttd),
            pace: Pace::default(),
            centre: Centre::new("centro-di-prova"),
        }
    }
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
        Self::planned(Plan::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::planned(Plan {
            limits,
            ..Plan::default()
        })
        .await
    }

    pub(crate) async fn planned(plan: Plan) -> Self {
        let mut grounds = Grounds::new(plan.centre);
        let config = config(grounds.folder.path(), plan.limits);
        let listeners = listen(&config).await;
        (grounds.plain, grounds.address) = addresses(&listeners);
        let door = FrontDoor::new(config, plan.backend).expect("good files");
        let door = door.probing(plan.pace);
        let health = door.health();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(door.serve(listeners, shutdown.clone()));
        Self {
            grounds,
            health,
            shutdown,
            serving,
        }
    }

    /// Closes the door and opens it again at the same place, as a restart does.
    pub(crate) async fn restart(mut self, limits: Limits) -> Self {
        self.shutdown.cancel();
        let ended = timeout(PATIENCE, self.serving).await;
        let ended = ended.expect("the door closes").expect("it does not panic");
        ended.expect("in order");
        let mut config = config(self.grounds.folder.path(), limits);
        config.listen = self.grounds.plain;
        let tls = config.tls.as_mut().expect("TLS is configured");
        tls.listen = self.grounds.address;
        let listeners = listen(&config).await;
        let door = FrontDoor::new(config, Box::new(Rumqttd)).expect("good files");
        self.health = door.health();
        self.shutdown = CancellationToken::new();
        self.serving = tokio::spawn(door.serve(listeners, self.shutdown.clone()));
        self
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

    /// Waits until so many were refused for this reason.
    pub(crate) async fn has_refused(&self, why: Refusal, count: u64) {
        self.until(why.name(), |it| {
            it.refused.get(&why).copied().unwrap_or_default() >= count
        })
        .await;
        assert_eq!(self.refused(why), count, "{why}");
    }

    /// A frame goes through, whatever just happened to somebody else.
    pub(crate) async fn is_served(&self) {
        let mut ingest = Client::enter(self, "ingest").await;
        ingest.hear("v1/p/07/g/+/up").await;
        let mut casa = Client::enter(self, "casa-2").await;
        casa.hand_over("v1/p/07/g/casa-2/up", b"still served").await;
        ingest.message_is(b"still served").await;
    }

    /// The same beside an honest pair, whose seats are not touched.
    pub(crate) async fn is_served_to_newcomers(&self) {
        let mut seven = Client::enter(self, "seven").await;
        seven.hear("v1/p/07/g/+/hello").await;
        let mut casa = Client::enter(self, "casa-1").await;
        casa.hand_over("v1/p/07/g/casa-1/hello", b"served too")
            .await;
        seven.message_is(b"served too").await;
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

impl Grounds {
    /// All the files; the door does not stand yet.
    pub(crate) fn new(centre: Centre) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let config = config(folder.path(), Limits::default());
        let file = IdentityFile::new(&config.identities);
        let (badges, secret_of_casa_4) = enrol(&file, &centre);
        let tls = config.tls.expect("TLS is configured");
        certify(&tls, &centre);
        trust(&tls, &centre);
        Self {
            address: ANY_PORT,
            plain: ANY_PORT,
            file,
            tls,
            centre,
            secret_of_casa_4,
            folder,
            badges,
        }
    }

    /// Enrols so many gateways more, all at once; what each has to show.
    pub(crate) fn enrol_a_town(&self, size: usize) -> Vec<(String, Arc<ClientConfig>)> {
        let path = self.folder.path().join("identities.toml");
        let mut rows = fs::read_to_string(&path).expect("the identity file");
        let mut town = Vec::with_capacity(size);
        for number in 0..size {
            let name = format!("town-{number}");
            let badge = self.centre.gateway(&name);
            let key = badge.hash();
            let row =
                format!("\n[[gateway]]\nid = \"{name}\"\npartition = 9\nkey_sha256 = \"{key}\"\n");
            rows.push_str(&row);
            let shown = introduction(self.centre.roots(), rustls::ALL_VERSIONS, Some(&badge));
            town.push((name, shown));
        }
        fs::write(path, rows).expect("written");
        town
    }

    pub(crate) fn badge(&self, name: &str) -> &Badge {
        self.badges.get(name).expect("somebody of the house")
    }

    /// How somebody of the house introduces themselves; others have nothing to show.
    pub(crate) fn introduction(&self, name: &str) -> Arc<ClientConfig> {
        let versions = rustls::ALL_VERSIONS;
        introduction(self.centre.roots(), versions, self.badges.get(name))
    }

    /// A CONNECT. Its user name says whose certificate is to be shown; it is not sent.
    pub(crate) fn connect(&self, name: &str) -> Connect {
        connect(name, &self.secret(name))
    }

    /// Nobody here has one to send.
    pub(crate) fn secret(&self, _name: &str) -> String {
        String::new()
    }
}

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The configuration of a door whose files lie in this folder.
pub(crate) fn config(folder: &Path, limits: Limits) -> Config {
    Config {
        listen: ANY_PORT,
        tls: Some(Tls {
            listen: ANY_PORT,
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
            authority: folder.join("authority.pem"),
        }),
        identities: folder.join("identities.toml"),
        limits,
        ..Config::default()
    }
}

pub(crate) async fn listen(config: &Config) -> Listeners {
    let plain = veglia_broker::listen(config).await;
    let tls = veglia_broker::listen_tls(config).await;
    Listeners {
        plain: plain.expect("a free port"),
        tls: tls.expect("a free port"),
    }
}

/// The plain one and the one for TLS.
pub(crate) fn addresses(listeners: &Listeners) -> (SocketAddr, SocketAddr) {
    let tls = listeners.tls.as_ref().expect("TLS is configured");
    let address = |listener: &TcpListener| listener.local_addr().expect("its address");
    (address(&listeners.plain), address(tls))
}

pub(crate) fn connect(name: &str, secret: &str) -> Connect {
    let mut connect = Connect::new(name);
    connect.login = Some(Login::new(name, secret));
    connect.keep_alive = 60;
    connect
}

/// Writes a new server certificate and its key.
pub(crate) fn certify(tls: &Tls, centre: &Centre) {
    let hosts = ["127.0.0.1".to_owned()];
    let issued = centre.authority.issue_server(&hosts, now());
    let issued = issued.expect("a server certificate");
    fs::write(&tls.certificate, issued.certificate).expect("written");
    fs::write(&tls.key, issued.key.pem()).expect("written");
}

/// Writes the authority whose clients are let in.
pub(crate) fn trust(tls: &Tls, centre: &Centre) {
    fs::write(&tls.authority, centre.authority.pem()).expect("written");
}

fn enrol(file: &IdentityFile, centre: &Centre) -> (BTreeMap<String, Badge>, String) {
    let receive = |partitions| Grants {
        partitions,
        may: BTreeSet::from([Grant::Receive]),
    };
    let nothing = Grants {
        partitions: Partitions::All,
        may: BTreeSet::new(),
    };
    file.create_if_missing().expect("a new file");
    let mut badges = BTreeMap::new();
    for (name, partition) in [("casa-1", 7), ("casa-2", 7), ("casa-3", 8)] {
        let badge = centre.gateway(name);
        let admitted = file.admit_gateway_key(name, partition, badge.hash(), now());
        assert_eq!(admitted.expect("admitted"), partition);
        badges.insert(name.to_owned(), badge);
    }
    let services = [
        ("ingest", receive(Partitions::All)),
        ("seven", receive(Partitions::These(BTreeSet::from([7])))),
        ("deaf", nothing),
    ];
    for (name, grants) in services {
        let badge = centre.service(name);
        let admitted = file.admit_service_key(name, &grants, badge.hash(), now());
        admitted.expect("admitted");
        badges.insert(name.to_owned(), badge);
    }
    let secret = file.add_gateway("casa-4", 7).expect("enrolled");
    (badges, secret.reveal().to_owned())
}
