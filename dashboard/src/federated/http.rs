//! Requests to an identity provider: HTTP/1.1, a connection each, no redirects, within
//! [`CALL_WITHIN`] and [`ANSWER_BYTES_MAX`]. Encrypted, but to this machine itself.

use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// For a whole call: somebody stands at the door meanwhile.
const CALL_WITHIN: Duration = Duration::from_secs(10);

/// Longest answer: a list of keys has a few kilobytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why nothing came back.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    #[error("its address is not encrypted, or none")]
    Address,
    #[error("it cannot be reached")]
    Connect(#[source] io::Error),
    #[error("it broke off")]
    Broken(#[source] hyper::Error),
    #[error("its answer is too long or broke off")]
    Body,
    #[error("it did not answer within {} s", CALL_WITHIN.as_secs())]
    Late,
}

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The authority's certificate cannot be read.
    #[error("the certificate of its authority cannot be read")]
    Authority(#[source] pem::Error),
    /// The provider of cryptography does not work, or the authority is none.
    #[error("encryption is not to be had")]
    Tls(#[source] rustls::Error),
}

/// The client.
pub(crate) struct Client {
    tls: TlsConnector,
}

impl Client {
    /// One that believes the authorities of the operating system, and this one.
    pub(crate) fn new(authority: Option<&Path>) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        // A certificate of the system that cannot be read is one authority less, not a failure.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = authority {
            let certificate = CertificateDer::from_pem_file(path);
            let certificate = certificate.map_err(ClientError::Authority)?;
            roots.add(certificate).map_err(ClientError::Tls)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(ClientError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let exchange = timeout(CALL_WITHIN, self.exchange(request)).await;
        exchange.unwrap_or(Err(CallError::Late))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let (mut head, body) = request.into_parts();
        let uri = std::mem::take(&mut head.uri);
        let authority = uri.authority().ok_or(CallError::Address)?.clone();
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_here(authority.host()) => false,
            _ => return Err(CallError::Address),
        };
        let port = authority
            .port_u16()
            .unwrap_or(if encrypted { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = path.parse::<Uri>().map_err(|_| CallError::Address)?;
        let mut request = Request::from_parts(head, Full::new(Bytes::from(body)));
        let host = authority.as_str().parse().map_err(|_| CallError::Address)?;
        request.headers_mut().insert(HOST, host);
        let agent = hyper::header::HeaderValue::from_static("veglia");
        request.headers_mut().insert(USER_AGENT, agent);
        let bare = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let stream = TcpStream::connect((bare, port)).await;
        let stream = stream.map_err(CallError::Connect)?;
        if !encrypted {
            return converse(stream, request).await;
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| CallError::Address)?;
        let stream = self.tls.connect(name, stream).await;
        converse(stream.map_err(CallError::Connect)?, request).await
    }
}

/// One request.
impl<'c> AsyncHttpClient<'c> for Client {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

async fn converse<S>(stream: S, request: Request<Full<Bytes>>) -> Result<HttpResponse, CallError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(CallError::Broken)?;
    let asked = async {
        let answer = sender.send_request(request).await;
        let (head, body) = answer.map_err(CallError::Broken)?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| {
            let is_long = error.is::<LengthLimitError>();
            tracing::debug!(is_long, "an answer of the identity provider was not read");
            CallError::Body
        })?;
        Ok(Response::from_parts(head, body.to_bytes().to_vec()))
    };
    // Side by side in one task: nothing is left behind when the caller's time is over.
    let mut connection = pin!(connection);
    let mut asked = pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        ended = &mut connection => match ended {
            // It ends when the answer is here: what is left to read is in memory.
            Ok(()) => asked.await,
            Err(error) => Err(CallError::Broken(error)),
        },
    }
}
