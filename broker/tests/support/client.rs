//! A client that says exactly what it is told to, with rumqttc's packets.
//!
//! What the packets go over is the `line` of each binary: a plain socket, or TLS. How a client
//! introduces itself there, which is `Client::connect`, stands beside it.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, Subscribe, SubscribeFilter,
    SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error, QoS};
use tokio::time::timeout;

use crate::grounds::Grounds;
use crate::line::Line;

/// Only a failure waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const MAX_BYTES: usize = 1 << 20;

pub(crate) struct Client {
    pub(crate) line: Line,
    incoming: BytesMut,
}

impl Client {
    /// A connection on which nothing was said.
    pub(crate) async fn open(at: &Grounds) -> Self {
        Self::over(Line::open(at).await)
    }

    pub(crate) fn over(line: Line) -> Self {
        Self {
            line,
            incoming: BytesMut::new(),
        }
    }

    /// Connects as somebody of the house and expects to be let in.
    pub(crate) async fn enter(at: &Grounds, name: &str) -> Self {
        let mut client = Self::open(at).await;
        let code = client.connect(&at.connect(name)).await;
        assert_eq!(code, Some(ConnectReturnCode::Success), "{name}");
        client
    }

    /// Sends a CONNECT over whatever line there is; `None` when it was answered by closing.
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

    pub(crate) async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, MAX_BYTES).expect("a packet");
        self.send_bytes(&bytes).await;
    }

    /// A door that closed while it was written to is seen at the next receive.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let written = timeout(PATIENCE, self.line.write(bytes)).await;
        drop(written.expect("the door reads"));
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

    async fn next(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.incoming, MAX_BYTES) {
                Ok(packet) => return Some(packet),
                Err(Error::InsufficientBytes(_)) => {}
                Err(fault) => panic!("the door wrote nonsense: {fault}"),
            }
            if self.line.read(&mut self.incoming).await == 0 {
                return None;
            }
        }
    }
}
