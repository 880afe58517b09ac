//! An open door on the `grounds` of each binary, which say where it stands and what everybody
//! has to show.
//!
//! Known everywhere: gateways `casa-1` and `casa-2` (partition 7) and `casa-3` (partition 8),
//! services `ingest` (every partition), `seven` (partition 7) and `deaf` (which may nothing).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::Deref;

use rumqttc::mqttbytes::v4::{Connect, Login};
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_broker::{FrontDoor, Health, Limits, Listeners, Refusal, ServeError, Snapshot};
use veglia_identity::{Grant, Grants, Partitions};

use crate::client::{Client, PATIENCE};
use crate::grounds::Grounds;

pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// With their partitions.
pub(crate) const GATEWAYS: [(&str, u8); 3] = [("casa-1", 7), ("casa-2", 7), ("casa-3", 8)];

/// With what each may.
pub(crate) fn services() -> [(&'static str, Grants); 3] {
    let receive = |partitions| Grants {
        partitions,
        may: BTreeSet::from([Grant::Receive]),
    };
    let nothing = Grants {
        partitions: Partitions::All,
        may: BTreeSet::new(),
    };
    [
        ("ingest", receive(Partitions::All)),
        ("seven", receive(Partitions::These(BTreeSet::from([7])))),
        ("deaf", nothing),
    ]
}

/// Grounds with an open door.
pub(crate) struct House {
    pub(crate) grounds: Grounds,
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

/// Lets a gateway send and come back as fast as it can, to fill what is behind the door.
pub(crate) fn unbridled() -> Limits {
    Limits {
        packets_per_second: const { NonZeroU32::new(1_000_000).expect("it is not zero") },
        arrival_burst: const { NonZeroU32::new(1_000_000).expect("it is not zero") },
        ..Limits::default()
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    /// Opens this door.
    pub(crate) fn around(grounds: Grounds, door: FrontDoor, listeners: Listeners) -> Self {
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

impl Grounds {
    /// A CONNECT with which somebody of the house is let in.
    pub(crate) fn connect(&self, name: &str) -> Connect {
        connect(name, &self.secret(name))
    }
}

pub(crate) fn connect(name: &str, secret: &str) -> Connect {
    let mut connect = Connect::new(name);
    connect.login = Some(Login::new(name, secret));
    connect.keep_alive = 60;
    connect
}
