//! The bytes below the packets: TCP, and TLS over it where the URL says `mqtts`.
//!
//! Only the authority that the configuration names vouches for the other broker; the roots of the
//! operating system do not count. The files are read again for each call, so that renewed ones
//! need no restart.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::fault::{Fault, TlsFault, explain};
use super::settings::{ExternalConfig, Own, Secured};
use crate::tls::{self, VERSIONS};

/// A stream of bytes, both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Reaches the other broker, and makes sure that it is the one that is meant.
pub(super) async fn connect(config: &ExternalConfig) -> Result<Box<dyn Stream>, Fault> {
    let terms = config.secured().map(Secured::terms).transpose()?;
    let unreachable = |source| Fault::Unreachable {
        place: config.place_name(),
        source,
    };
    let place = (config.bare_host(), config.port());
    let socket = TcpStream::connect(place).await.map_err(unreachable)?;
    // Messages are small and somebody waits for each.
    socket.set_nodelay(true).map_err(unreachable)?;
    let Some(terms) = terms else {
        return Ok(Box::new(socket));
    };
    let name = ServerName::try_from(config.bare_host().to_owned());
    let name = name.map_err(|fault| unreachable(io::Error::other(fault)))?;
    match TlsConnector::from(terms).connect(name, socket).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(source) => Err(match explain(config, &source) {
            Some(fault) => fault,
            None => TlsFault::HungUp {
                place: config.place_name(),
                source,
            },
        }
        .into()),
    }
}

impl Secured {
    /// What we ask for and show. Reads some small files, every two seconds at most.
    pub(super) fn terms(&self) -> Result<Arc<ClientConfig>, tls::TlsError> {
        let mut roots = RootCertStore::empty();
        for root in tls::files::certificates(&self.ca)? {
            let added = roots.add(root);
            added.map_err(|source| tls::TlsError::Authority {
                path: self.ca.clone(),
                source,
            })?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(VERSIONS)
            .map_err(tls::TlsError::Unsupported)?
            .with_root_certificates(roots);
        let mut terms = match &self.own {
            None => builder.with_no_client_auth(),
            Some(Own { certificate, key }) => {
                let chain = tls::files::certificates(certificate)?;
                let private = tls::files::private_key(key)?;
                let paired = builder.with_client_auth_cert(chain, private);
                paired.map_err(|source| tls::TlsError::Pair {
                    certificate: certificate.clone(),
                    key: key.clone(),
                    source,
                })?
            }
        };
        // There is one connection and it lives for days.
        terms.resumption = Resumption::disabled();
        Ok(Arc::new(terms))
    }
}

/// A host as it is looked up: without the brackets that a URL puts around IPv6.
pub(super) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether a host is this machine.
pub(super) fn is_here(host: &str) -> bool {
    let address = bare(host).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
