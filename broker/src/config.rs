//! What whoever runs the broker decides: where it listens, who may come, and how much.
//!
//! Time-outs are not here: they belong to the protocol and stand as constants where they act.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::external::BackendConfig;

/// The section `[broker]`. It is never written back: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where processes of this machine connect, each with its secret. Without TLS only a
    /// loopback address is accepted.
    pub listen: SocketAddr,
    /// Where everybody else connects, each with a certificate; without it nobody else does.
    pub tls: Option<Tls>,
    /// The identity file, watched while the broker runs.
    pub identities: PathBuf,
    /// What stands behind the front door.
    pub backend: BackendConfig,
    /// How much it takes on.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            tls: None,
            identities: PathBuf::from("identities.toml"),
            backend: BackendConfig::default(),
            limits: Limits::default(),
        }
    }
}

/// The section `[broker.tls]`. The three files are watched while the broker runs; new handshakes
/// use the new ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The broker's certificate and what leads from it to its root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The root certificate of the authority that client certificates are of, PEM. When this file
    /// is taken away, nobody who came with a certificate stays or gets in.
    pub authority: PathBuf,
}

/// How much the front door takes on. None of them can be zero or absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once. At some 30 KiB each with TLS, 24 without, this many cost
    /// 240 MiB; one machine is made for 2,000 gateways, which cost 60.
    pub connections: NonZeroU32,
    /// Connections at once from one IPv4 address, or one IPv6 /64 or /56: a quarter of the whole,
    /// since a mobile carrier may put many homes behind one address, but nobody may take all
    /// places. A /24 of IPv4 and a /48 of IPv6 may have twice as many.
    pub connections_per_address: NonZeroU32,
    /// TLS handshakes under way at once. A storm of 500 gateways after a restart passes; each may
    /// make us hold a handshake message of 64 KiB, so this many cost 32 MiB at most.
    pub handshakes: NonZeroU32,
    /// TLS handshakes under way at once with one IPv4 address, or one IPv6 /64 or /56: a quarter
    /// of the whole, and twice that for the networks around, as for connections. Nobody has yet
    /// shown a certificate, so whoever takes all of them takes them from neighbours behind the
    /// same address only: of the others the oldest gives way to a newcomer.
    pub handshakes_per_address: NonZeroU32,
    /// Packets a second from one gateway, over time. A frame carries up to 128 records, so 50
    /// empties an hour's backlog of one reading a second within a second; a gateway above it is
    /// read more slowly and never refused. A packet above 4 KiB, which is twice a usual frame,
    /// counts once for each 4 KiB begun.
    pub packets_per_second: NonZeroU32,
    /// Packets that one gateway may send at once before the rate counts: four times the window
    /// of 32 unacknowledged frames, or that window of the largest. It does not begin anew with a
    /// connection.
    pub packet_burst: NonZeroU32,
    /// How often a minute one identity may come in, over time. A gateway that gets nothing done
    /// waits longer each time, and one whose line breaks after each frame loses nothing by waiting
    /// two seconds; whoever comes more often is in a loop, or two boxes have one key.
    pub arrivals_per_minute: NonZeroU32,
    /// How often one identity may come in at once before that rate counts: a minute of a line
    /// that breaks every second.
    pub arrival_burst: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: const { NonZeroU32::new(8192).expect("it is not zero") },
            connections_per_address: const { NonZeroU32::new(2048).expect("it is not zero") },
            handshakes: const { NonZeroU32::new(512).expect("it is not zero") },
            handshakes_per_address: const { NonZeroU32::new(128).expect("it is not zero") },
            packets_per_second: const { NonZeroU32::new(50).expect("it is not zero") },
            packet_burst: const { NonZeroU32::new(128).expect("it is not zero") },
            arrivals_per_minute: const { NonZeroU32::new(30).expect("it is not zero") },
            arrival_burst: const { NonZeroU32::new(60).expect("it is not zero") },
        }
    }
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");

    /// Lets the relative paths of `[broker.tls]` start in the data directory.
    pub fn place_tls(&mut self, data: &Path) {
        if let Some(tls) = &mut self.tls {
            for path in [&mut tls.certificate, &mut tls.key, &mut tls.authority] {
                *path = data.join(&path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template says TLS in comments, because by default there is none.
    #[test]
    fn the_commented_section_is_a_good_one_and_its_paths_start_in_the_data_directory() {
        let (_, section) = Config::TEMPLATE.split_once("# [broker.tls]").unwrap();
        let section = section.replace("\n# ", "\n");
        let tls: Tls = toml::from_str(&section).unwrap();
        let mut config = Config {
            tls: Some(tls),
            ..Config::default()
        };
        config.place_tls(Path::new("data"));
        let tls = config.tls.unwrap();
        assert_eq!(tls.authority, Path::new("data/ca/authority.pem"));
        assert_eq!(tls.key, Path::new("data/ca/server.key"));
    }

    #[test]
    fn a_section_without_one_of_its_files_or_with_a_key_it_does_not_know_is_refused() {
        let whole = "listen = \"0.0.0.0:8883\"\ncertificate = \"c\"\nkey = \"k\"\n";
        assert!(toml::from_str::<Tls>(whole).is_err());
        let whole = format!("{whole}authority = \"a\"\n");
        assert!(toml::from_str::<Tls>(&whole).is_ok());
        let misspelt = format!("{whole}autority = \"a\"\n");
        assert!(toml::from_str::<Tls>(&misspelt).is_err());
    }
}
