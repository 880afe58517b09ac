//! A broker of a hundred lines, unreliable on demand: it drops or doubles what it is told to,
//! and can be killed. It knows no identities but one password, and keeps nothing.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rumqttc::{
    ConnAck, ConnectReturnCode, Packet, PubAck, Publish, QoS, SubAck, SubscribeReasonCode,
    matches as topic_matches,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) const PASSWORD: &str = "open sesame";

const MAX_PACKET_BYTES: usize = 64 * 1024;

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    Lost,
    Doubled,
}

type Fault = Box<dyn FnMut(&str) -> Fate + Send>;

#[derive(Clone)]
struct Shared {
    subscribers: Arc<Mutex<Vec<Subscriber>>>,
    fault: Arc<Mutex<Fault>>,
}

struct Subscriber {
    filters: Vec<String>,
    deliver: mpsc::UnboundedSender<Publish>,
}

pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    shared: Shared,
    end: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            subscribers: Arc::default(),
            fault: Arc::new(Mutex::new(Box::new(|_| Fate::Arrives))),
        };
        let end = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, shared.clone(), end.clone()));
        Self {
            address,
            shared,
            end,
            accepting,
        }
    }

    /// From now on the fate of each message is decided by its topic.
    pub(crate) fn fault(&self, fault: impl FnMut(&str) -> Fate + Send + 'static) {
        *self.shared.fault.lock().unwrap() = Box::new(fault);
    }

    /// Publishes as if a client had.
    pub(crate) fn inject(&self, topic: String, bytes: Vec<u8>) {
        self.shared
            .route(&Publish::new(topic, QoS::AtMostOnce, bytes));
    }

    /// Closes everything at once and forgets all; returns when it is gone.
    pub(crate) async fn kill(self) {
        self.end.cancel();
        self.accepting.await.unwrap();
    }
}

async fn accept(listener: TcpListener, shared: Shared, end: CancellationToken) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            () = end.cancelled() => break,
            accepted = listener.accept() => {
                let (socket, _) = accepted.unwrap();
                clients.spawn(serve(socket, shared.clone()));
            }
        }
    }
    drop(listener);
    clients.shutdown().await;
}

async fn serve(mut socket: TcpStream, shared: Shared) {
    let (deliver, mut deliveries) = mpsc::unbounded_channel();
    let mut input = Default::default();
    loop {
        while let Ok(packet) = Packet::read(&mut input, MAX_PACKET_BYTES) {
            let Some(answer) = shared.answer(packet, &deliver) else {
                return;
            };
            if write(&mut socket, answer).await.is_err() {
                return;
            }
        }
        tokio::select! {
            read = socket.read_buf(&mut input) => {
                if read.unwrap_or(0) == 0 {
                    return;
                }
            }
            Some(publish) = deliveries.recv() => {
                if write(&mut socket, Packet::Publish(publish)).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn write(socket: &mut TcpStream, packet: Packet) -> std::io::Result<()> {
    let mut output = Default::default();
    packet.write(&mut output, MAX_PACKET_BYTES).unwrap();
    socket.write_all(&output).await
}

impl Shared {
    /// The answer to a packet; none ends the connection.
    fn answer(&self, packet: Packet, deliver: &mpsc::UnboundedSender<Publish>) -> Option<Packet> {
        match packet {
            Packet::Connect(connect) => {
                let login = connect.login.unwrap();
                assert_eq!(login.username, connect.client_id);
                assert!(connect.clean_session);
                let code = if login.password == PASSWORD {
                    ConnectReturnCode::Success
                } else {
                    ConnectReturnCode::BadUserNamePassword
                };
                Some(Packet::ConnAck(ConnAck::new(code, false)))
            }
            Packet::Subscribe(subscribe) => {
                let granted = SubscribeReasonCode::Success(QoS::AtMostOnce);
                let codes = vec![granted; subscribe.filters.len()];
                let filters = subscribe.filters.into_iter().map(|it| it.path).collect();
                self.subscribers.lock().unwrap().push(Subscriber {
                    filters,
                    deliver: deliver.clone(),
                });
                Some(Packet::SubAck(SubAck::new(subscribe.pkid, codes)))
            }
            Packet::Publish(publish) => {
                let answer = Packet::PubAck(PubAck::new(publish.pkid));
                let fate = (self.fault.lock().unwrap())(&publish.topic);
                if fate != Fate::Lost {
                    self.route(&publish);
                }
                if fate == Fate::Doubled {
                    self.route(&publish);
                }
                Some(answer)
            }
            Packet::PingReq => Some(Packet::PingResp),
            _ => None,
        }
    }

    fn route(&self, publish: &Publish) {
        let mut subscribers = self.subscribers.lock().unwrap();
        subscribers.retain(|subscriber| {
            let is_for = |filter: &String| topic_matches(&publish.topic, filter);
            if !subscriber.filters.iter().any(is_for) {
                return !subscriber.deliver.is_closed();
            }
            let mut copy = publish.clone();
            (copy.qos, copy.pkid) = (QoS::AtMostOnce, 0);
            subscriber.deliver.send(copy).is_ok()
        });
    }
}
