//! The `[health]` section: where roles answer besides their sockets.
//!
//! One address a role, not one for all: Prometheus then has a job a role with the same port,
//! whether the roles are one process or three, and `/readyz` of an address means one thing.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::Kind;

/// The `[health]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    broker: Option<SocketAddr>,
    ingest: Option<SocketAddr>,
    dashboard: Option<SocketAddr>,
    gateway: Option<SocketAddr>,
    /// A proxy that speaks TLS stands in front of addresses that others can reach.
    behind_proxy: bool,
}

impl Config {
    /// The section as `veglia config` prints it.
    pub(crate) const TEMPLATE: &str = "\
[health]
# Each role answers /healthz, /readyz and /metrics on health.sock in its folder. Besides, on an
# address of its own where one is given, for Prometheus. Without a proxy that speaks TLS only
# loopback addresses are accepted.
# broker = \"127.0.0.1:9464\"
# ingest = \"127.0.0.1:9465\"
# dashboard = \"127.0.0.1:9466\"
# gateway = \"127.0.0.1:9467\"
# Whether such a proxy stands in front.
behind_proxy = false
";

    /// The address of a role, if it has one.
    ///
    /// # Errors
    /// A sentence for an address that others could reach without encryption.
    pub(super) fn address(&self, kind: Kind) -> Result<Option<SocketAddr>> {
        let address = match kind {
            Kind::Broker => self.broker,
            Kind::Ingest => self.ingest,
            Kind::Dashboard => self.dashboard,
            Kind::Gateway => self.gateway,
        };
        match address {
            Some(address) if !address.ip().is_loopback() && !self.behind_proxy => bail!(
                "[health] {} = \"{address}\" would answer other machines without encryption: \
                 listen on 127.0.0.1, or set `behind_proxy = true` when a proxy that speaks TLS \
                 stands in front",
                kind.name()
            ),
            address => Ok(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_role_without_an_address_has_its_socket_alone() {
        let config = section("ingest = \"127.0.0.1:9465\"");
        assert_eq!(config.address(Kind::Broker).unwrap(), None);
        let ingest = config.address(Kind::Ingest).unwrap();
        assert_eq!(ingest, Some(SocketAddr::from(([127, 0, 0, 1], 9465))));
    }

    #[test]
    fn an_address_that_others_reach_needs_a_proxy() {
        let open = section("gateway = \"0.0.0.0:9467\"");
        let refused = open.address(Kind::Gateway).unwrap_err().to_string();
        for word in [
            "[health] gateway",
            "0.0.0.0:9467",
            "127.0.0.1",
            "behind_proxy",
        ] {
            assert!(refused.contains(word), "{word} not in: {refused}");
        }
        // Another role's address is that role's to refuse.
        assert_eq!(open.address(Kind::Broker).unwrap(), None);
        let proxied = section("gateway = \"0.0.0.0:9467\"\nbehind_proxy = true");
        assert!(proxied.address(Kind::Gateway).unwrap().is_some());
    }
}
