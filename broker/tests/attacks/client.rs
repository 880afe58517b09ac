//! A client that says exactly what it is told to, over TLS or below it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, Subscribe, SubscribeFilter,
    SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error, QoS};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::house::Grounds;

/// Only a failure waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where everybody else comes from is 127.0.0.1.
pub(crate) const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

const MAX_BYTES: usize = 1 << 20;

/// What is below the packets.
enum Line {
    Raw(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Cut,
}

pub(crate) struct Client {
    line: Line,
    /// Whom it may introduce itself as.
    known: Vec<(&'static str, Arc<ClientConfig>)>,
    /// With nothing to show.
    nobody: Arc<ClientConfig>,
    incoming: BytesMut,
    alert: Option<AlertDescription>,
}

impl Client {
    /// A connection on which nothing was said.
    pub(crate) async fn open(at: &Grounds) -> Self {
        Self::from(at, IpAddr::V4(Ipv4Addr::LOCALHOST), at.address).await
    }

    /// The same from another address.
    pub(crate) async fn from_elsewhere(at: &Grounds) -> Self {
        Self::from_address(at, ELSEWHERE).await
    }

    /// The same from this address.
    pub(crate) async fn from_address(at: &Grounds, address: IpAddr) -> Self {
        Self::from(at, address, at.address).await
    }

    /// The same at the plain port, where there is no TLS to speak.
    pub(crate) async fn at_the_plain_port(at: &Grounds) -> Self {
        Self::from(at, IpAddr::V4(Ipv4Addr::LOCALHOST), at.plain).await
    }

    async fn from(at: &Grounds, address: IpAddr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::new(address, 0))
            .expect("an address");
        let stream = socket.connect(to).await.expect("the door listens");
        stream.set_nodelay(true).expect("a socket");
        let all = ["casa-1", "casa-2", "casa-3", "ingest", "seven", "deaf"];
        Self {
            line: Line::Raw(stream),
            known: all.map(|name| (name, at.introduction(name))).into(),
            nobody: at.introduction(""),
            incoming: BytesMut::new(),
            alert: None,
        }
    }

    /// Connects as somebody of the house and expects to be let in.
    pub(crate) async fn enter(at: &Grounds, name: &str) -> Self {
        let mut client = Self::open(at).await;
        let code = client.connect(&at.connect(name)).await;
        assert_eq!(code, Some(ConnectReturnCode::Success), "{name}");
        client
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

    /// The handshake, as far as the client sees it: what the door thinks of it comes after.
    pub(crate) async fn shake_hands(&mut self, introduction: Arc<ClientConfig>) {
        let Line::Raw(stream) = std::mem::replace(&mut self.line, Line::Cut) else {
            panic!("hands are shaken once");
        };
        let server = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let shaken = TlsConnector::from(introduction).connect(server, stream);
        match timeout(PATIENCE, shaken).await.expect("an answer") {
            Ok(stream) => self.line = Line::Tls(Box::new(stream)),
            Err(fault) => self.note(&fault),
        }
    }

    /// Shakes hands as whoever the user name says, and sends the CONNECT without it. The answer;
    /// `None` when it was answered by closing.
    pub(crate) async fn connect(&mut self, connect: &Connect) -> Option<ConnectReturnCode> {
        let mut connect = connect.clone();
        if matches!(self.line, Line::Raw(_)) {
            let who = connect.login.take().map(|login| login.username);
            let found = self
                .known
                .iter()
                .find(|(name, _)| who.as_deref() == Some(name));
            let introduction = found.map_or(&self.nobody, |(_, introduction)| introduction);
            self.shake_hands(Arc::clone(introduction)).await;
        }
        self.greet(&connect).await
    }

    /// Sends a CONNECT over whatever line there is.
    pub(crate) async fn greet(&mut self, connect: &Connect) -> Option<ConnectReturnCode> {
        self.send(Packet::Connect(connect.clone())).await;
        match self.receive().await {
            Some(Packet::ConnAck(ConnAck {
                code,
                session_present,
            })) => {
                assert!(!session_present);
                Some(code)
            }
            None => None,
            other => panic!("not a CONNACK: {other:?}"),
        }
    }

    /// The alert with which the door ended TLS, if it has.
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        self.alert
    }

    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.session()?.protocol_version()
    }

    /// The certificate that the door showed.
    pub(crate) fn shown(&self) -> Option<CertificateDer<'static>> {
        let chain = self.session()?.peer_certificates()?;
        chain.first().cloned()
    }

    pub(crate) fn was_resumed(&self) -> bool {
        let kind = self.session().and_then(|it| it.handshake_kind());
        kind == Some(rustls::HandshakeKind::Resumed)
    }

    fn session(&self) -> Option<&rustls::ClientConnection> {
        match &self.line {
            Line::Tls(stream) => Some(stream.get_ref().1),
            Line::Raw(_) | Line::Cut => None,
        }
    }

    pub(crate) async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, MAX_BYTES).expect("a packet");
        self.send_bytes(&bytes).await;
    }

    /// A door that closed while it was written to is seen at the next receive.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let written = async {
            match &mut self.line {
                Line::Raw(stream) => stream.write_all(bytes).await,
                Line::Tls(stream) => {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                }
                Line::Cut => Ok(()),
            }
        };
        drop(timeout(PATIENCE, written).await.expect("the door reads"));
    }

    pub(crate) async fn publish(&mut self, topic: &str, qos: QoS, payload: &[u8]) {
        let mut publish = Publish::new(topic, qos, payload);
        publish.pkid = u16::from(qos != QoS::AtMostOnce);
        self.send(Packet::Publish(publish)).await;
    }

    /// Publishes at QoS 1 and waits until it was handed over.
    pub(crate) async fn hand_over(&mut self, topic: &str, payload: &[u8]) {
        self.publish(topic, QoS::AtLeastOnce, payload).await;
        let answer = self.receive().await;
        assert_eq!(answer, Some(Packet::PubAck(PubAck::new(1))), "{topic}");
    }

    /// The same for somebody to whom others send meanwhile: what they sent is not looked at.
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

    pub(crate) async fn subscribe(&mut self, filters: &[&str]) -> Vec<SubscribeReasonCode> {
        let filter = |path: &&str| SubscribeFilter::new((*path).to_owned(), QoS::AtLeastOnce);
        let mut subscribe = Subscribe::new_many(filters.iter().map(filter));
        subscribe.pkid = 9;
        self.send(Packet::Subscribe(subscribe)).await;
        match self.receive().await {
            Some(Packet::SubAck(answer)) => {
                assert_eq!(answer.pkid, 9);
                answer.return_codes
            }
            other => panic!("not a SUBACK: {other:?}"),
        }
    }

    /// Subscribes and expects it to be granted, at QoS 0.
    pub(crate) async fn hear(&mut self, filter: &str) {
        let granted = SubscribeReasonCode::Success(QoS::AtMostOnce);
        assert_eq!(self.subscribe(&[filter]).await, [granted], "{filter}");
    }

    /// The next packet; `None` when the door has closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Packet> {
        timeout(PATIENCE, self.next())
            .await
            .expect("a packet or the end")
    }

    pub(crate) async fn is_closed(&mut self) -> bool {
        self.receive().await.is_none()
    }

    pub(crate) async fn message(&mut self) -> (String, Vec<u8>) {
        match self.receive().await {
            Some(Packet::Publish(publish)) => {
                assert_eq!(publish.qos, QoS::AtMostOnce);
                assert!(!publish.retain);
                (publish.topic, publish.payload.to_vec())
            }
            other => panic!("not a message: {other:?}"),
        }
    }

    /// Reads until this message; others may have been on their way before it.
    pub(crate) async fn message_is(&mut self, payload: &[u8]) {
        while self.message().await.1 != payload {}
    }

    pub(crate) async fn ping(&mut self) {
        self.send(Packet::PingReq).await;
        assert_eq!(self.receive().await, Some(Packet::PingResp));
    }

    /// What comes below MQTT, until the door closes.
    pub(crate) async fn raw_answer(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Line::Raw(stream) = &mut self.line else {
            panic!("nothing is raw after a handshake");
        };
        let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        drop(read.expect("the door closes"));
        bytes
    }

    fn note(&mut self, fault: &io::Error) {
        let tls = fault.get_ref().and_then(|inner| inner.downcast_ref());
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            self.alert = Some(*alert);
        }
    }

    async fn next(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.incoming, MAX_BYTES) {
                Ok(packet) => return Some(packet),
                Err(Error::InsufficientBytes(_)) => {}
                Err(fault) => panic!("the door wrote nonsense: {fault}"),
            }
            let read = match &mut self.line {
                Line::Raw(stream) => stream.read_buf(&mut self.incoming).await,
                Line::Tls(stream) => stream.read_buf(&mut self.incoming).await,
                Line::Cut => return None,
            };
            match read {
                Ok(0) => return None,
                Ok(_) => {}
                // A reset is an end too: bytes were on their way to a closed door.
                Err(fault) => {
                    self.note(&fault);
                    return None;
                }
            }
        }
    }
}
