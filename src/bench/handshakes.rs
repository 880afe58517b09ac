//! How many TLS handshakes the broker makes: version 1.3, in full, with a certificate on both
//! sides.
//!
//! Guests come, shake hands, take leave and wait for the broker to hang up. The waiting is what
//! makes it count: in TLS 1.3 a client is done before the broker has judged its certificate, and
//! whoever was not let in hears it only then. Guests keep whatever would let them resume, and each
//! comes again and again, so that a broker that offers resumption shows in the figures.
//!
//! Deliberately absent: MQTT. What a whole connection costs is in the storm.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustls::client::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{HandshakeKind, RootCertStore};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use veglia_link::CertificateFiles;

use super::machine;
use super::papers::{Door, Papers};
use super::server::{Places, Server};
use super::table::{median, ratio};

/// Guests at once. Enough that neither side ever waits for the other; fewer than what the broker
/// allows one address.
pub(super) const GUESTS: usize = 32;

/// All runs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HandshakesReport {
    pub(super) guests: usize,
    pub(super) seconds: u64,
    pub(super) median: Figures,
    pub(super) runs: Vec<Handshakes>,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Handshakes {
    pub(super) full: u64,
    /// Those that took up an earlier session: none if the broker offers no resumption.
    pub(super) resumed: u64,
    pub(super) figures: Figures,
}

/// What was measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Figures {
    pub(super) handshakes_per_s: f64,
    /// Processor time of the broker in a handshake, the connection to it included.
    pub(super) broker_ms: f64,
    /// The same of the guest.
    pub(super) guest_ms: f64,
}

impl HandshakesReport {
    pub(super) fn of(seconds: u64, runs: Vec<Handshakes>) -> Self {
        let of = |figure: fn(&Figures) -> f64| median(runs.iter().map(|run| figure(&run.figures)));
        Self {
            guests: GUESTS,
            seconds,
            median: Figures {
                handshakes_per_s: of(|it| it.handshakes_per_s),
                broker_ms: of(|it| it.broker_ms),
                guest_ms: of(|it| it.guest_ms),
            },
            runs,
        }
    }

    pub(super) fn resumed(&self) -> u64 {
        self.runs.iter().map(|run| run.resumed).sum()
    }
}

/// Measures once, in a folder that may be thrown away.
pub(super) async fn measure(data: &Path, papers: &Papers, seconds: u64) -> Result<Handshakes> {
    let door = Door::Tls(papers);
    door.admit(data, &[])?;
    let mut server = Server::start(data, door, Places::Together).await?;
    let guests: Result<Vec<Guest>> = (0..GUESTS)
        .map(|number| Guest::new(&papers.of(number), server.door()))
        .collect();

    let before = (server.usage()?, machine::processor_time("self")?);
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let mut visits = JoinSet::new();
    for guest in guests? {
        visits.spawn(guest.visit(until));
    }
    let mut made = Made::default();
    while let Some(visit) = visits.join_next().await {
        let visit = visit??;
        made.full += visit.full;
        made.resumed += visit.resumed;
    }
    let elapsed = began.elapsed();
    let after = (server.usage()?, machine::processor_time("self")?);
    server.check()?;
    server.stop().await?;

    let all = ratio(made.full + made.resumed, 1);
    let each_ms = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e3 / all;
    Ok(Handshakes {
        full: made.full,
        resumed: made.resumed,
        figures: Figures {
            handshakes_per_s: all / elapsed.as_secs_f64(),
            broker_ms: each_ms(before.0.broker.processor, after.0.broker.processor),
            guest_ms: each_ms(before.1, after.1),
        },
    })
}

/// Handshakes that were made.
#[derive(Debug, Default)]
struct Made {
    full: u64,
    resumed: u64,
}

/// A gateway that only ever shakes hands.
struct Guest {
    connector: TlsConnector,
    door: SocketAddr,
}

impl Guest {
    fn new(files: &CertificateFiles, door: SocketAddr) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&files.authority)?)?;
        let chain = vec![CertificateDer::from_pem_file(&files.certificate)?];
        let key = PrivateKeyDer::from_pem_file(&files.key)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            door,
        })
    }

    async fn visit(self, until: Instant) -> Result<Made> {
        let mut made = Made::default();
        while Instant::now() < until {
            match self.shake_hands().await.context("a handshake failed")? {
                HandshakeKind::Resumed => made.resumed += 1,
                _ => made.full += 1,
            }
        }
        Ok(made)
    }

    async fn shake_hands(&self) -> Result<HandshakeKind> {
        let socket = TcpStream::connect(self.door).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::from(self.door.ip());
        let mut stream = self.connector.connect(name, socket).await?;
        stream.shutdown().await?;
        match stream.read(&mut [0]).await {
            Ok(0) => {}
            Ok(_) => bail!("the broker spoke first"),
            // It hangs up without a word; a refusal would have been one.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error.into()),
        }
        let (_, session) = stream.get_ref();
        session.handshake_kind().context("there was no handshake")
    }
}
