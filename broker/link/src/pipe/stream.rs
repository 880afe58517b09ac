//! The bytes below the packets: TCP, and TLS over it where there is a certificate.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::{PipeError, PipeOptions};
use crate::access::{Access, AccessError, CertificateFiles, Proof};
use crate::tls_clock::believed;
use crate::tls_fault::{Attempt, TlsFault};

/// A stream of bytes, both ways.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Bytes for S {}

/// What was proved to the broker, to say what a failure means.
pub(super) struct Proved {
    files: CertificateFiles,
    proof: Proof,
}

impl Proved {
    /// What a failure of the stream has to do with TLS, if anything.
    pub(super) fn explain(&self, options: &PipeOptions, error: &io::Error) -> Option<TlsFault> {
        let attempt = Attempt {
            broker: &options.broker,
            files: &self.files,
            proof: &self.proof,
            believed: believed(options.wall.as_ref()),
        };
        attempt.explain(error)
    }
}

/// Connects, and encrypts if we are to prove who we are.
pub(super) async fn connect(
    options: &PipeOptions,
) -> Result<(Box<dyn Bytes>, Option<Proved>), PipeError> {
    let checked = options.access.check(&options.broker);
    checked.map_err(|source| unproved(options, source))?;
    match &options.access {
        Access::Secret(_) => Ok((plain(options).await?, None)),
        Access::Certificate(files) => {
            let proved = prove(files, options).await?;
            Ok((tls(options, &proved).await?, Some(proved)))
        }
    }
}

/// To this machine and nowhere else: a secret will follow.
async fn plain(options: &PipeOptions) -> Result<Box<dyn Bytes>, PipeError> {
    let mut places = resolve(options).await?;
    places.retain(|place| is_this_machine(place.ip()));
    if places.is_empty() {
        let broker = options.broker.clone();
        return Err(unproved(options, AccessError::SecretAbroad { broker }));
    }
    Ok(Box::new(reach(options, &places).await?))
}

fn is_this_machine(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn unproved(options: &PipeOptions, source: AccessError) -> PipeError {
    PipeError::Access {
        name: options.name.clone(),
        source,
    }
}

/// The files are read away from the runtime, which has others to serve.
async fn prove(files: &CertificateFiles, options: &PipeOptions) -> Result<Proved, PipeError> {
    let files = files.clone();
    let (name, wall) = (options.name.clone(), Arc::clone(&options.wall));
    let lives_days = options.lives_days;
    let proving = tokio::task::spawn_blocking(move || {
        let proof = files.prove(&name, lives_days, wall)?;
        Ok(Proved { files, proof })
    });
    match proving.await {
        Ok(proved) => proved.map_err(|source| unproved(options, source)),
        // Only a runtime that is being shut down loses such a task.
        Err(_) => Err(PipeError::Ended(None)),
    }
}

async fn tls(options: &PipeOptions, proved: &Proved) -> Result<Box<dyn Bytes>, PipeError> {
    let name = ServerName::try_from(options.broker.host().to_owned());
    let name = name.map_err(|error| unreached(options, io::Error::other(error)))?;
    let socket = reach(options, &resolve(options).await?).await?;
    let connector = TlsConnector::from(Arc::clone(&proved.proof.config));
    match connector.connect(name, socket).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(match proved.explain(options, &error) {
            Some(fault) => fault.into(),
            None if error.kind() == io::ErrorKind::UnexpectedEof => PipeError::HungUp {
                broker: options.broker.clone(),
            },
            None => unreached(options, error),
        }),
    }
}

fn unreached(options: &PipeOptions, source: io::Error) -> PipeError {
    PipeError::Connect {
        broker: options.broker.clone(),
        source,
    }
}

async fn resolve(options: &PipeOptions) -> Result<Vec<SocketAddr>, PipeError> {
    let place = (options.broker.host(), options.broker.port());
    let found = lookup_host(place).await;
    Ok(found
        .map_err(|source| unreached(options, source))?
        .collect())
}

async fn reach(options: &PipeOptions, places: &[SocketAddr]) -> Result<TcpStream, PipeError> {
    let socket = TcpStream::connect(places).await;
    let socket = socket.map_err(|source| unreached(options, source))?;
    // A reading is smaller than a segment and somebody waits for it.
    let nodelay = socket.set_nodelay(true);
    nodelay.map_err(|source| unreached(options, source))?;
    Ok(socket)
}
