//! Where a door stands that lets people in by their secrets, over plain TCP, and who is known to
//! it. `tests/attacks` has other grounds, where certificates are shown.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tempfile::TempDir;
use veglia_broker::{Backend, Config, FrontDoor, Limits};
use veglia_identity::IdentityFile;

use crate::house::{ANY_PORT, GATEWAYS, House, services};

/// What a name that is nobody's is told.
pub(crate) const STRANGERS_ARE_TOLD: Option<ConnectReturnCode> =
    Some(ConnectReturnCode::BadUserNamePassword);

pub(crate) struct Grounds {
    pub(crate) address: SocketAddr,
    pub(crate) file: IdentityFile,
    pub(crate) path: PathBuf,
    secrets: BTreeMap<String, String>,
    _folder: TempDir,
}

impl Grounds {
    pub(crate) fn secret(&self, name: &str) -> String {
        self.secrets
            .get(name)
            .expect("somebody of the house")
            .clone()
    }
}

impl House {
    pub(crate) async fn with(limits: Limits) -> Self {
        Self::before(limits, crate::behind::backend()).await
    }

    pub(crate) async fn before(limits: Limits, backend: Box<dyn Backend>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("identities.toml");
        let file = IdentityFile::new(&path);
        let secrets = enrol(&file);
        let config = Config {
            listen: ANY_PORT,
            identities: path.clone(),
            limits,
            ..Config::default()
        };
        let listener = veglia_broker::listen(&config).await.expect("a free port");
        let grounds = Grounds {
            address: listener.local_addr().expect("its address"),
            file,
            path,
            secrets,
            _folder: folder,
        };
        let door = FrontDoor::new(config, backend).expect("a good identity file");
        Self::around(grounds, door, listener.into())
    }
}

fn enrol(file: &IdentityFile) -> BTreeMap<String, String> {
    file.create_if_missing().expect("a new file");
    let mut secrets = BTreeMap::new();
    for (name, partition) in GATEWAYS {
        let secret = file.add_gateway(name, partition).expect("enrolled");
        secrets.insert(name.to_owned(), secret.reveal().to_owned());
    }
    for (name, grants) in services() {
        let secret = file.add_service(name, &grants).expect("admitted");
        secrets.insert(name.to_owned(), secret.reveal().to_owned());
    }
    secrets
}
