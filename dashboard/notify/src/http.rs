//! One HTTP request: as small a client as calls to gateways need.
//!
//! HTTP/1.1, a connection a request, no redirects (a gateway that moved is a matter for whoever
//! configures it), no cookies, no proxies. A call has [`CALL_WITHIN`] for everything together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{HOST, USER_AGENT};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

/// For a whole call, from the name's address to the answer: gateways answer in a second.
pub(crate) const CALL_WITHIN: Duration = Duration::from_secs(15);

/// The client; clones share what is known of authorities.
#[derive(Clone)]
pub(crate) struct Client {
    tls: TlsConnector,
}

/// Why nothing came back. The address is not told: it can be personal.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    #[error("its address cannot be called")]
    Address,
    #[error("it cannot be reached")]
    Connect(#[source] std::io::Error),
    #[error("it broke off")]
    Broken(#[source] hyper::Error),
    #[error("it did not answer within {} s", CALL_WITHIN.as_secs())]
    Late,
}

impl Client {
    /// A client that believes the authorities of the operating system.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        // A certificate of the system that cannot be read is one authority less, not a failure.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Sends one request to `url`.
    pub(crate) async fn call(
        &self,
        url: &Url,
        request: Builder,
        body: Bytes,
    ) -> Result<StatusCode, CallError> {
        timeout(CALL_WITHIN, self.exchange(url, request, body))
            .await
            .unwrap_or(Err(CallError::Late))
    }

    async fn exchange(
        &self,
        url: &Url,
        request: Builder,
        body: Bytes,
    ) -> Result<StatusCode, CallError> {
        let host = url.host_str().ok_or(CallError::Address)?;
        let port = url.port_or_known_default().ok_or(CallError::Address)?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let request = request
            .uri(target)
            .header(HOST, authority)
            .header(USER_AGENT, concat!("veglia/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|_| CallError::Address)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare, port)).await;
        let stream = stream.map_err(CallError::Connect)?;
        if url.scheme() == "https" {
            let name = ServerName::try_from(bare.to_owned()).map_err(|_| CallError::Address)?;
            let stream = self.tls.connect(name, stream).await;
            converse(stream.map_err(CallError::Connect)?, request).await
        } else {
            converse(stream, request).await
        }
    }
}

async fn converse<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, CallError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(CallError::Broken)?;
    let asked = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(CallError::Broken)?;
        // What it says beside is for people with its manual; the number says enough.
        Ok(response.status())
    };
    // Side by side in one task: nothing is left behind when the caller's time is over.
    let mut connection = std::pin::pin!(connection);
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        ended = &mut connection => match ended {
            // It ends when the answer is here: what is left to read is in memory.
            Ok(()) => asked.await,
            Err(error) => Err(CallError::Broken(error)),
        },
    }
}
