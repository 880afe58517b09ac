//! What whoever runs the broker decides: where it listens, who may come, and how much.
//!
//! Time-outs are not here: they belong to the protocol and stand as constants where they act.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The section `[broker]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where gateways and services connect. Without TLS only a loopback address is accepted.
    pub listen: SocketAddr,
    /// The identity file, watched while the broker runs.
    pub identities: PathBuf,
    /// How much it takes on.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            identities: PathBuf::from("identities.toml"),
            limits: Limits::default(),
        }
    }
}

/// How much the front door takes on. None of them can be zero or absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once. At some 10 KiB each, this many cost 80 MiB; one machine is made
    /// for 2,000 gateways.
    pub connections: NonZeroU32,
    /// Connections at once from one IPv4 address or one IPv6 /64: a quarter of the whole, since
    /// a mobile carrier may put many homes behind one address, but nobody may take all places.
    pub connections_per_address: NonZeroU32,
    /// Packets a second from one gateway, over time. A frame carries up to 128 records, so 50
    /// empties an hour's backlog of one reading a second within a second; a gateway above it is
    /// read more slowly and never refused.
    pub packets_per_second: NonZeroU32,
    /// Packets that one gateway may send at once before the rate counts: four times the window
    /// of 32 unacknowledged frames.
    pub packet_burst: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: const { NonZeroU32::new(8192).expect("it is not zero") },
            connections_per_address: const { NonZeroU32::new(2048).expect("it is not zero") },
            packets_per_second: const { NonZeroU32::new(50).expect("it is not zero") },
            packet_burst: const { NonZeroU32::new(128).expect("it is not zero") },
        }
    }
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");
}
