//! The centre's pages as a box asks them: two questions, enrolment and renewal, by HTTPS.
//!
//! Whom to believe: see [`trust`]. Plain HTTP is spoken on this machine only, since a code in the
//! clear is anybody's. Every wait and every length has a limit; redirects are not followed, so
//! that a code goes to whom it was meant for and to nobody else.

mod trust;

pub(crate) use trust::Trust;

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{CertificateError, Error as TlsError};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use veglia_identity::{Admission, MAX_BODY_BYTES, Refusal, UnixSeconds};
use veglia_link::date;
use veglia_wire::Clock;

/// For the whole of a question and its answer. A mobile connection that wakes up takes ten
/// seconds, a busy centre some more.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a centre did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// The address is none.
    #[error(
        "{0:?} is no address of a centre: write it as the browser shows it, for example \
         https://centre.example"
    )]
    Url(String),
    /// Not encrypted, and not on this machine.
    #[error("{url} is not encrypted, and is not this machine: write https://")]
    Plain {
        /// The address.
        url: String,
    },
    /// There is no connection.
    #[error("the centre at {url} cannot be reached: check the address and the network")]
    Unreachable {
        /// The address.
        url: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("the centre at {url} did not answer within {} s: try again", PATIENCE.as_secs())]
    Slow {
        /// The address.
        url: String,
    },
    /// Somebody else's certificate.
    #[error(
        "what answers at {url} is not the centre of this code: check the address, and that the \
         code was copied whole; a centre behind a proxy with a certificate of a public authority \
         needs --public-ca"
    )]
    Impostor {
        /// The address.
        url: String,
    },
    /// The certificate has ended, or the clock is wrong.
    #[error(
        "the certificate of {url} ended on {ended}, and the clock here says {believed}: if that \
         is not the time, set the clock; if it is, the centre must renew its certificate"
    )]
    Expired {
        /// The address.
        url: String,
        /// The end of the certificate.
        ended: String,
        /// What the clock here says.
        believed: String,
    },
    /// The certificate has not begun, so the clock is wrong.
    #[error(
        "the certificate of {url} begins on {begins}, and the clock here says {believed}: set \
         the clock"
    )]
    NotYet {
        /// The address.
        url: String,
        /// The beginning of the certificate.
        begins: String,
        /// What the clock here says.
        believed: String,
    },
    /// The certificate is for another name.
    #[error("the certificate of {url} is for another name: write the address that it is for")]
    OtherName {
        /// The address.
        url: String,
    },
    /// The port is another program's.
    #[error("what answers at {url} does not speak TLS: check the port")]
    NotTls {
        /// The address.
        url: String,
    },
    /// TLS failed otherwise.
    #[error("no encrypted connection to {url} can be made")]
    Tls {
        /// The address.
        url: String,
        /// Why not.
        #[source]
        source: TlsError,
    },
    /// HTTP failed.
    #[error("the centre at {url} broke off: try again")]
    BrokeOff {
        /// The address.
        url: String,
        /// How.
        #[source]
        source: hyper::Error,
    },
    /// It is no centre.
    #[error("what answers at {url} is no centre of Veglia (HTTP {status}): check the address")]
    NoCentre {
        /// The address.
        url: String,
        /// What it answered.
        status: u16,
    },
    /// The centre said no.
    #[error("{}", .0.error)]
    Refused(Refusal),
}

/// Where a centre's pages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Centre {
    host: String,
    port: u16,
    encrypted: bool,
    /// Without a slash at its end; empty for most.
    below: String,
}

impl FromStr for Centre {
    type Err = CentreError;

    /// `https://` may be left out.
    fn from_str(text: &str) -> Result<Self, CentreError> {
        let wrong = || CentreError::Url(text.to_owned());
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let uri: Uri = whole.parse().map_err(|_| wrong())?;
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let usual = if encrypted { 443 } else { 80 };
        let is_host = ServerName::try_from(host).is_ok();
        if !is_host || authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(usual),
            encrypted,
            below: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl std::fmt::Display for Centre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.place(), self.below)
    }
}

impl Centre {
    /// Host and port, as a request names them.
    fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Asks whoever is to be believed to be the centre.
    pub(crate) async fn ask(
        &self,
        path: &str,
        question: &impl Serialize,
        trust: Trust,
        wall: &Arc<dyn Clock>,
    ) -> Result<Admission, CentreError> {
        let question = serde_json::to_vec(question).expect("two texts are always JSON");
        let url = self.to_string();
        match timeout(PATIENCE, self.exchange(path, question, trust, wall)).await {
            Err(_) => Err(CentreError::Slow { url }),
            Ok(Err(error)) => Err(error),
            Ok(Ok((StatusCode::OK, answer))) => {
                let read = serde_json::from_slice(&answer);
                read.map_err(|_| CentreError::NoCentre { url, status: 200 })
            }
            Ok(Ok((status, answer))) => Err(match serde_json::from_slice(&answer) {
                Ok(refusal) => CentreError::Refused(refusal),
                Err(_) => CentreError::NoCentre {
                    url,
                    status: status.as_u16(),
                },
            }),
        }
    }

    async fn exchange(
        &self,
        path: &str,
        question: Vec<u8>,
        trust: Trust,
        wall: &Arc<dyn Clock>,
    ) -> Result<(StatusCode, Bytes), CentreError> {
        let socket = self.reach().await?;
        if !self.encrypted {
            return self.post(socket, path, question).await;
        }
        let config = trust::config(trust, Arc::clone(wall)).map_err(|source| CentreError::Tls {
            url: self.to_string(),
            source,
        })?;
        let name = ServerName::try_from(self.host.clone());
        let name = name.map_err(|_| CentreError::Url(self.to_string()))?;
        let connected = TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await;
        let stream = connected.map_err(|error| self.explain(error, wall.as_ref()))?;
        self.post(stream, path, question).await
    }

    async fn reach(&self) -> Result<TcpStream, CentreError> {
        let unreachable = |source| CentreError::Unreachable {
            url: self.to_string(),
            source,
        };
        let found = lookup_host((self.host.as_str(), self.port)).await;
        let mut places: Vec<SocketAddr> = found.map_err(unreachable)?.collect();
        if !self.encrypted {
            places.retain(|place| place.ip().to_canonical().is_loopback());
            if places.is_empty() {
                let url = self.to_string();
                return Err(CentreError::Plain { url });
            }
        }
        TcpStream::connect(&*places).await.map_err(unreachable)
    }

    async fn post<S>(
        &self,
        stream: S,
        path: &str,
        question: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), CentreError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broke_off = |source| CentreError::BrokeOff {
            url: self.to_string(),
            source,
        };
        let greeted = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = greeted.map_err(broke_off)?;
        // Ends with this function, whatever the centre does.
        let mut driven = JoinSet::new();
        driven.spawn(connection);
        let request = Request::post(format!("{}{path}", self.below))
            .header(HOST, self.place())
            .header(USER_AGENT, concat!("veglia/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(question)))
            .map_err(|_| CentreError::Url(self.to_string()))?;
        let answer = sender.send_request(request).await.map_err(broke_off)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BODY_BYTES);
        let body = body.collect().await.map_err(|error| {
            let url = self.to_string();
            match error.downcast::<hyper::Error>() {
                Ok(source) => CentreError::BrokeOff {
                    url,
                    source: *source,
                },
                // Longer than any answer of a centre.
                Err(_) => CentreError::NoCentre {
                    url,
                    status: status.as_u16(),
                },
            }
        })?;
        Ok((status, body.to_bytes()))
    }

    /// What a failed handshake means.
    fn explain(&self, error: io::Error, wall: &dyn Clock) -> CentreError {
        let url = self.to_string();
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        let Some(source) = inner.cloned() else {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => CentreError::NotTls { url },
                _ => CentreError::Unreachable { url, source: error },
            };
        };
        let believed = || date(UnixSeconds(wall.now().0.div_euclid(1000)));
        match source {
            TlsError::InvalidMessage(_) => CentreError::NotTls { url },
            TlsError::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => CentreError::Impostor { url },
            TlsError::InvalidCertificate(CertificateError::ExpiredContext {
                not_after, ..
            }) => CentreError::Expired {
                url,
                ended: date(seconds(not_after)),
                believed: believed(),
            },
            TlsError::InvalidCertificate(CertificateError::NotValidYetContext {
                not_before,
                ..
            }) => CentreError::NotYet {
                url,
                begins: date(seconds(not_before)),
                believed: believed(),
            },
            TlsError::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) => {
                CentreError::OtherName { url }
            }
            source => CentreError::Tls { url, source },
        }
    }
}

fn seconds(time: UnixTime) -> UnixSeconds {
    UnixSeconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_the_browser_shows_it() {
        let shown = [
            ("centre.example", "https://centre.example:443"),
            ("https://centre.example/", "https://centre.example:443"),
            (
                "https://centre.example:8443/v/",
                "https://centre.example:8443/v",
            ),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ];
        for (text, whole) in shown {
            assert_eq!(text.parse::<Centre>().unwrap().to_string(), whole);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "https://",
            "ftp://centre",
            "https://a b",
            "https://u:p@centre",
            "x?y",
        ] {
            let error = text.parse::<Centre>().unwrap_err();
            assert!(matches!(error, CentreError::Url(_)), "{text:?}: {error}");
        }
    }
}
