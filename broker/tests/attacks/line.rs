//! What is below the packets: TLS, and below that a socket from whatever address. Here a client
//! introduces itself by its certificate.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Packet, PubAck};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Client, PATIENCE};
use crate::grounds::Grounds;

/// Where everybody else comes from is 127.0.0.1.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

enum Stage {
    Raw(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Cut,
}

pub(crate) struct Line {
    stage: Stage,
    /// Whom it may introduce itself as.
    known: Vec<(&'static str, Arc<ClientConfig>)>,
    /// With nothing to show.
    nobody: Arc<ClientConfig>,
    alert: Option<AlertDescription>,
}

impl Line {
    pub(crate) async fn open(at: &Grounds) -> Self {
        Self::between(at, IpAddr::V4(Ipv4Addr::LOCALHOST), at.address).await
    }

    async fn between(at: &Grounds, address: IpAddr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::new(address, 0))
            .expect("an address");
        let stream = socket.connect(to).await.expect("the door listens");
        stream.set_nodelay(true).expect("a socket");
        let all = ["casa-1", "casa-2", "casa-3", "ingest", "seven", "deaf"];
        Self {
            stage: Stage::Raw(stream),
            known: all.map(|name| (name, at.introduction(name))).into(),
            nobody: at.introduction(""),
            alert: None,
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stage {
            Stage::Raw(stream) => stream.write_all(bytes).await,
            Stage::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Stage::Cut => Ok(()),
        }
    }

    /// Zero is the end. A reset is an end too: bytes were on their way to a closed door.
    pub(crate) async fn read(&mut self, into: &mut BytesMut) -> usize {
        let read = match &mut self.stage {
            Stage::Raw(stream) => stream.read_buf(into).await,
            Stage::Tls(stream) => stream.read_buf(into).await,
            Stage::Cut => return 0,
        };
        read.unwrap_or_else(|fault| {
            self.note(&fault);
            0
        })
    }

    /// The handshake, as far as the client sees it: what the door thinks of it comes after.
    async fn shake_hands(&mut self, introduction: Arc<ClientConfig>) {
        let Stage::Raw(stream) = std::mem::replace(&mut self.stage, Stage::Cut) else {
            panic!("hands are shaken once");
        };
        let server = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let shaken = TlsConnector::from(introduction).connect(server, stream);
        match timeout(PATIENCE, shaken).await.expect("an answer") {
            Ok(stream) => self.stage = Stage::Tls(Box::new(stream)),
            Err(fault) => self.note(&fault),
        }
    }

    /// What somebody of the house has to show; others have nothing.
    fn introduction(&self, who: Option<&str>) -> Arc<ClientConfig> {
        let found = self.known.iter().find(|(name, _)| who == Some(name));
        Arc::clone(found.map_or(&self.nobody, |(_, introduction)| introduction))
    }

    fn note(&mut self, fault: &io::Error) {
        let tls = fault.get_ref().and_then(|inner| inner.downcast_ref());
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            self.alert = Some(*alert);
        }
    }

    fn session(&self) -> Option<&rustls::ClientConnection> {
        match &self.stage {
            Stage::Tls(stream) => Some(stream.get_ref().1),
            Stage::Raw(_) | Stage::Cut => None,
        }
    }
}

impl Client {
    /// A connection from another address, on which nothing was said.
    pub(crate) async fn from_elsewhere(at: &Grounds) -> Self {
        Self::from_address(at, ELSEWHERE).await
    }

    /// The same from this address.
    pub(crate) async fn from_address(at: &Grounds, address: IpAddr) -> Self {
        Self::over(Line::between(at, address, at.address).await)
    }

    /// The same at the plain port, where there is no TLS to speak.
    pub(crate) async fn at_the_plain_port(at: &Grounds) -> Self {
        Self::over(Line::between(at, IpAddr::V4(Ipv4Addr::LOCALHOST), at.plain).await)
    }

    /// Connects with this introduction and says this CONNECT, as it is.
    pub(crate) async fn introduced(
        at: &Grounds,
        introduction: Arc<ClientConfig>,
        connect: &Connect,
    ) -> (Self, Option<ConnectReturnCode>) {
        let mut client = Self::open(at).await;
        client.shake_hands(introduction).await;
        let code = client.greet(connect).await;
        (client, code)
    }

    pub(crate) async fn shake_hands(&mut self, introduction: Arc<ClientConfig>) {
        self.line.shake_hands(introduction).await;
    }

    /// Shakes hands as whoever the user name says, and sends the CONNECT without it. The answer;
    /// `None` when it was answered by closing.
    pub(crate) async fn connect(&mut self, connect: &Connect) -> Option<ConnectReturnCode> {
        let mut connect = connect.clone();
        if matches!(self.line.stage, Stage::Raw(_)) {
            let who = connect.login.take().map(|login| login.username);
            let introduction = self.line.introduction(who.as_deref());
            self.shake_hands(introduction).await;
        }
        self.greet(&connect).await
    }

    /// The alert with which the door ended TLS, if it has.
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        self.line.alert
    }

    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.line.session()?.protocol_version()
    }

    /// The certificate that the door showed.
    pub(crate) fn shown(&self) -> Option<CertificateDer<'static>> {
        let chain = self.line.session()?.peer_certificates()?;
        chain.first().cloned()
    }

    pub(crate) fn was_resumed(&self) -> bool {
        let kind = self.line.session().and_then(|it| it.handshake_kind());
        kind == Some(rustls::HandshakeKind::Resumed)
    }

    /// Hands over for somebody to whom others send meanwhile: what they sent is not looked at.
    pub(crate) async fn hand_over_past(&mut self, topic: &str, payload: &[u8]) {
        self.publish(topic, QoS::AtLeastOnce, payload).await;
        loop {
            match self.receive().await {
                Some(Packet::PubAck(answer)) => return assert_eq!(answer, PubAck::new(1)),
                Some(Packet::Publish(_)) => {}
                other => panic!("not a PUBACK: {other:?}"),
            }
        }
    }

    /// What comes below MQTT, until the door closes.
    pub(crate) async fn raw_answer(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Stage::Raw(stream) = &mut self.line.stage else {
            panic!("nothing is raw after a handshake");
        };
        let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        drop(read.expect("the door closes"));
        bytes
    }
}
