//! Where a door stands that speaks TLS, with its authority and its identities.
//!
//! Everybody is known by a key; by a secret, for the plain way, gateway `casa-4` (partition 7).

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use rustls::ClientConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::timeout;
use veglia_broker::{Backend, Config, FrontDoor, Limits, Listeners, Pace, Refusal, Rumqttd, Tls};
use veglia_identity::{IdentityFile, KeyHash};

use crate::client::{Client, PATIENCE};
use crate::house::{ANY_PORT, GATEWAYS, House, services};
use crate::pki::{Badge, Centre, days_ago, introduction, now};

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

impl House {
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
        Self::around(grounds, door, listeners)
    }

    /// Its authority has been there long enough for certificates to have ended.
    pub(crate) async fn of_an_old_centre() -> Self {
        Self::planned(Plan {
            centre: Centre::since("centro-di-prova", days_ago(200)),
            ..Plan::default()
        })
        .await
    }

    /// Closes the door and opens it again at the same place, as a restart does.
    pub(crate) async fn restart(self, limits: Limits) -> Self {
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
        Self::around(self.grounds, door, listeners)
    }

    /// Waits until so many were refused for this reason.
    pub(crate) async fn has_refused(&self, why: Refusal, count: u64) {
        self.until(why.name(), |it| {
            it.refused.get(&why).copied().unwrap_or_default() >= count
        })
        .await;
        assert_eq!(self.refused(why), count, "{why}");
    }

    /// A frame goes through beside an honest pair, whose seats are not touched.
    pub(crate) async fn is_served_to_newcomers(&self) {
        let mut seven = Client::enter(self, "seven").await;
        seven.hear("v1/p/07/g/+/hello").await;
        let mut casa = Client::enter(self, "casa-1").await;
        casa.hand_over("v1/p/07/g/casa-1/hello", b"served too")
            .await;
        seven.message_is(b"served too").await;
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

    /// Puts gateway `casa-9` (partition 9) on the list, by this key.
    pub(crate) fn admit_casa_9(&self, key: KeyHash) {
        let admitted = self.file.admit_gateway_key("casa-9", 9, key, now());
        assert_eq!(admitted.expect("admitted"), 9);
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

    /// Nobody here has one to send: the user name of a CONNECT says whose certificate to show.
    pub(crate) fn secret(&self, _name: &str) -> String {
        String::new()
    }
}

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
    file.create_if_missing().expect("a new file");
    let mut badges = BTreeMap::new();
    for (name, partition) in GATEWAYS {
        let badge = centre.gateway(name);
        let admitted = file.admit_gateway_key(name, partition, badge.hash(), now());
        assert_eq!(admitted.expect("admitted"), partition);
        badges.insert(name.to_owned(), badge);
    }
    for (name, grants) in services() {
        let badge = centre.service(name);
        let admitted = file.admit_service_key(name, &grants, badge.hash(), now());
        admitted.expect("admitted");
        badges.insert(name.to_owned(), badge);
    }
    let secret = file.add_gateway("casa-4", 7).expect("enrolled");
    (badges, secret.reveal().to_owned())
}
