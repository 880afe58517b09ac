//! Where a broker listens, as a person writes it.
//!
//! `host:port` is enough. `mqtt://` and `mqtts://` may stand before it, as other programs print
//! addresses; they then also promise whether the connection is encrypted, and [`crate::Access`]
//! holds them to it. Only here is an address taken apart.
//!
//! Deliberately absent: names and passwords in the address (they stand in files of their own, where
//! no process list shows them), paths.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use rustls::pki_types::ServerName;
use thiserror::Error;

/// The ports registered for MQTT, without and with TLS: used when a URL names none.
const PLAIN_PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A numerical IPv6 address stands here without brackets.
    host: String,
    port: u16,
    scheme: Option<Scheme>,
}

/// What a URL promises of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `mqtt://`
    Plain,
    /// `mqtts://`
    Tls,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It is not of the form.
    #[error(
        "{text:?} must be host:port, for example \"localhost:1883\" or \"centre.example:8883\""
    )]
    Form {
        /// What stands there.
        text: String,
    },
    /// The URL is of another kind.
    #[error("{text:?} must begin with mqtt:// or mqtts://, or be host:port alone")]
    Scheme {
        /// What stands there.
        text: String,
    },
    /// There is a name or a password in it. The text is not repeated.
    #[error(
        "no name and no password may stand in the address of a broker: write host:port, for \
         example \"localhost:1883\", and the secret into a file"
    )]
    Login,
}

impl Address {
    /// The host's name or numerical address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains('@') {
            return Err(AddressError::Login);
        }
        let (scheme, place) = match text.split_once("://") {
            None => (None, text),
            Some(("mqtt", place)) => (Some(Scheme::Plain), place),
            Some(("mqtts", place)) => (Some(Scheme::Tls), place),
            Some(_) => return Err(AddressError::Scheme { text: text.into() }),
        };
        let wrong = || AddressError::Form { text: text.into() };
        let place = match scheme {
            Some(_) => place.strip_suffix('/').unwrap_or(place),
            None => place,
        };
        let (host, port) = match (place.rsplit_once(':'), scheme) {
            // The last colon of `[::1]` is part of the address.
            (Some((host, port)), _) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            (_, Some(Scheme::Plain)) => (place, PLAIN_PORT),
            (_, Some(Scheme::Tls)) => (place, TLS_PORT),
            (_, None) => return Err(wrong()),
        };
        let bracketed = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let is_host = ServerName::try_from(host).is_ok();
        if !is_host || host.contains(':') != bracketed.is_some() || port == 0 {
            return Err(wrong());
        }
        Ok(Self {
            host: host.into(),
            port,
            scheme,
        })
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
            scheme: None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, u16, Option<Scheme>) {
        let address: Address = text.parse().unwrap();
        (address.host, address.port, address.scheme)
    }

    #[test]
    fn an_address_may_be_a_url() {
        assert_eq!(parts("localhost:1884"), ("localhost".into(), 1884, None));
        assert_eq!(
            parts("mqtt://10.0.0.7"),
            ("10.0.0.7".into(), 1883, Some(Scheme::Plain))
        );
        assert_eq!(
            parts("mqtts://centre.example/"),
            ("centre.example".into(), 8883, Some(Scheme::Tls))
        );
        assert_eq!(
            parts("mqtts://centre.example:443"),
            ("centre.example".into(), 443, Some(Scheme::Tls))
        );
    }

    #[test]
    fn a_numerical_address_of_ipv6_stands_in_brackets() {
        assert_eq!(parts("[::1]:1883"), ("::1".into(), 1883, None));
        assert_eq!(parts("mqtts://[::1]").1, 8883);
        let shown = "[::1]:1883".parse::<Address>().unwrap().to_string();
        assert_eq!(shown, "[::1]:1883");
        let socket: SocketAddr = "[::1]:7".parse().unwrap();
        assert_eq!(Address::from(socket).to_string(), "[::1]:7");
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        let texts = [
            "",
            "centre",
            ":1883",
            "centre:",
            "centre:0",
            "centre:70000",
            "a b:1",
            "::1:1883",
            "[centre]:1",
            "centre:1/path",
            "mqtt://",
            "[::1]",
        ];
        for text in texts {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("localhost:1883"), "{text:?}: {error}");
            assert!(error.contains(&format!("{text:?}")), "{text:?}: {error}");
        }
        let error = "https://centre:1883".parse::<Address>().unwrap_err();
        assert!(error.to_string().contains("mqtts://"), "{error}");
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error = "mqtt://casa:abracadabra@centre:1883".parse::<Address>();
        let error = error.unwrap_err().to_string();
        assert!(!error.contains("abracadabra"), "{error}");
    }
}
