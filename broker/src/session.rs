//! One connection, from its first byte to its last.
//!
//! One task does it all, so what happens to a connection is told in order: greeting, seat, the
//! conversation, the will. In the conversation there is at most one publish in hand: the next
//! packet is read when this one was handed over, so a backend that is behind is felt by whoever
//! sends, as a socket that is not read. A PUBACK means "handed over", nothing more.
//!
//! Deliveries are QoS 0, and SUBACK says so: a second acknowledgement on this leg would repair
//! only what the end-to-end acknowledgement repairs already, and would need a memory of its own.
//!
//! However a session ends, dropping its parts is all there is to clean up: the stream is closed,
//! the subscriptions forgotten, and the seat given back last.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    ConnAck, ConnectReturnCode, Packet, PubAck, Publish, SubAck, Subscribe, SubscribeReasonCode,
    UnsubAck, Unsubscribe,
};
use rustls::pki_types::UnixTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use veglia_identity::Identities;
use veglia_wire::Topic;

use crate::arrivals::{Arrivals, LATE};
use crate::backend::Message;
use crate::config::Limits;
use crate::counters::Counters;
use crate::fanout::{Fanout, Mailbox, Room, Subscriptions, mailbox};
use crate::greeting::{Guest, Will, greet};
use crate::packets::{Fault, MAX_GATEWAY_BYTES, MAX_PACKET_BYTES, Packets};
use crate::rate::{Bucket, Rate};
use crate::refusal::Refusal;
use crate::rules::Peer;
use crate::takeover::{Seat, Seats, Sitter};
use crate::tls::{Papers, Trust};
use crate::warden;

/// From the accept to a whole CONNECT. Long for a mobile network, short for a socket that wants
/// only to take a place.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// For one write to get through. A home on a bad line drains a socket buffer in this time.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// Most filters of one SUBSCRIBE or UNSUBSCRIBE: every partition on every channel that a service
/// hears. Each is answered, so more would be work that the client decides on.
const MOST_FILTERS: usize = 64 * 4;

/// For a will to be handed over; the seat is not free before.
const WILL_PATIENCE: Duration = Duration::from_secs(5);

/// What every session meets behind the door.
#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) identities: watch::Receiver<Arc<Identities>>,
    pub(crate) trust: watch::Receiver<Trust>,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) hand_over: mpsc::Sender<Message>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) limits: Limits,
}

impl Hall {
    fn judge(&self, sitter: &Sitter, now: UnixTime) -> Result<(), Refusal> {
        warden::judge(sitter, &self.identities.borrow())?;
        warden::vouch(sitter, &self.trust.borrow(), true, now)
    }

    /// Waits for as long as the backend is behind.
    async fn hand_over(&self, topic: &Topic, payload: &Bytes) -> Result<(), Fault> {
        let message = Message {
            topic: Arc::from(topic.to_string()),
            // A copy, so that a small message does not keep a whole read buffer alive.
            payload: Bytes::copy_from_slice(payload),
        };
        let handed = self.hand_over.send(message).await;
        handed.map_err(|_| Fault::Lost)?;
        self.counters.published();
        Ok(())
    }
}

/// How a conversation ended.
enum Ended {
    /// With a DISCONNECT.
    Left,
    /// The stream ended or failed.
    Lost,
    /// The door ended it.
    Refused(Refusal),
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost => Self::Lost,
            Fault::Refused(why) => Self::Refused(why),
        }
    }
}

/// Serves one client until it is gone. `papers` are those of whoever came over TLS. Dropping the
/// future ends it at once, without its will.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    papers: Option<Arc<Papers>>,
    hall: &Hall,
) {
    let mut packets = Packets::new(stream);
    let identities = || Arc::clone(&hall.identities.borrow());
    let greeting = timeout(CONNECT_PATIENCE, greet(&mut packets, papers, identities)).await;
    let guest = match greeting {
        Ok(Ok(guest)) => guest,
        Ok(Err(Fault::Lost)) => return,
        Ok(Err(Fault::Refused(why))) => return refuse(packets, why, hall).await,
        Err(_) => return refuse(packets, Refusal::NoConnect, hall).await,
    };
    let name = guest.sitter.entry.identity().name();
    if let Err(why) = hall.arrivals.count(name, &hall.limits, Instant::now()) {
        sleep(LATE).await;
        return refuse(packets, why, hall).await;
    }
    let mut seat = hall.seats.take(&guest.sitter).await;
    let kick = Arc::clone(seat.kick());
    // The list or the authority may have changed since the handshake. Who has a seat is judged
    // at every later change.
    if let Err(why) = hall.judge(&guest.sitter, UnixTime::now()) {
        return refuse(packets, why, hall).await;
    }
    let ended = tokio::select! {
        why = kick.kicked() => Ended::Refused(why),
        ended = converse(packets, &guest, &mut seat, hall) => ended,
    };
    take_leave(&ended, name, hall);
    if let Some(will) = guest.will.filter(|_| is_absent(&ended)) {
        execute(&will, hall).await;
    }
    drop(seat);
}

/// A gateway that left, or that is here again, is not missed.
fn is_absent(ended: &Ended) -> bool {
    !matches!(ended, Ended::Left | Ended::Refused(Refusal::TakenOver))
}

async fn execute(will: &Will, hall: &Hall) {
    let handed = timeout(WILL_PATIENCE, hall.hand_over(&will.topic, &will.payload)).await;
    if !matches!(handed, Ok(Ok(()))) {
        tracing::warn!("a will could not be handed over");
    }
}

/// Logged without an address: it says where somebody lives.
fn take_leave(ended: &Ended, name: &str, hall: &Hall) {
    let Ended::Refused(why) = ended else {
        tracing::debug!(client = name, "the session ended");
        return;
    };
    hall.counters.refused(*why);
    match why {
        Refusal::TakenOver
        | Refusal::Silent
        | Refusal::Revoked
        | Refusal::UnknownAuthority
        | Refusal::CertificateExpired => {
            tracing::info!(client = name, reason = %why, "the session was ended");
        }
        _ => tracing::warn!(client = name, reason = %why, "the session was ended"),
    }
}

/// Answers a refused CONNECT. A stranger's refusal is counted, and logged for whoever looks.
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    mut packets: Packets<S>,
    why: Refusal,
    hall: &Hall,
) {
    hall.counters.turned_away(why);
    let Some(code) = why.connect_code() else {
        return;
    };
    let answer = async {
        packets.queue(&Packet::ConnAck(ConnAck::new(code, false)))?;
        packets.part().await
    };
    if !matches!(timeout(WRITE_PATIENCE, answer).await, Ok(Ok(()))) {
        tracing::debug!("the refused client did not wait for the answer");
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut packets: Packets<S>,
    guest: &Guest,
    seat: &mut Seat,
    hall: &Hall,
) -> Ended {
    let mut read_from = Instant::now();
    let (room, rate, most_bytes) = match &guest.peer {
        Peer::Gateway { .. } => {
            let rate = Rate::new(&hall.limits);
            read_from = seat.bucket.open_from(&rate, read_from);
            (Room::GATEWAY, Some(rate), MAX_GATEWAY_BYTES)
        }
        // A service is ours: what it sends is as much as gateways made it answer.
        Peer::Service { .. } => (Room::service(&hall.limits), None, MAX_PACKET_BYTES),
    };
    let (slot, mailbox) = mailbox(seat.number(), room, seat.kick());
    packets.trust(most_bytes);
    let conversation = Conversation {
        packets,
        mailbox,
        subscriptions: Subscriptions::new(&hall.fanout, slot),
        rate,
        bucket: &mut seat.bucket,
        read_from,
        guest,
        hall,
    };
    match conversation.run().await {
        Ok(()) => Ended::Left,
        Err(fault) => fault.into(),
    }
}

/// An accepted client.
struct Conversation<'a, S> {
    packets: Packets<S>,
    mailbox: Mailbox,
    subscriptions: Subscriptions,
    /// Absent for a service.
    rate: Option<Rate>,
    bucket: &'a mut Bucket,
    /// When the next packet may be read.
    read_from: Instant,
    guest: &'a Guest,
    hall: &'a Hall,
}

/// Whether the client goes on after a packet.
#[derive(PartialEq, Eq)]
enum Next {
    Stays,
    Leaves,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<'_, S> {
    /// Until the client leaves.
    async fn run(mut self) -> Result<(), Fault> {
        let welcome = ConnAck::new(ConnectReturnCode::Success, false);
        self.packets.queue(&Packet::ConnAck(welcome))?;
        self.flush().await?;
        let mut silent_at = Instant::now() + self.guest.patience;
        loop {
            let read_from = self.read_from;
            // A packet that is here counts, even if it was left waiting until it was late.
            let read = timeout_at(silent_at.max(read_from + self.guest.patience), async {
                // Even a moment that is past costs a millisecond of timer.
                if Instant::now() < read_from {
                    sleep_until(read_from).await;
                }
                self.packets.read().await
            });
            tokio::select! {
                packet = read => {
                    let packet = packet.map_err(|_| Fault::Refused(Refusal::Silent))??;
                    if self.listen(packet).await? == Next::Leaves {
                        return Ok(());
                    }
                    silent_at = Instant::now() + self.guest.patience;
                }
                message = self.mailbox.next() => self.bring(message)?,
            }
            self.flush().await?;
        }
    }

    /// Answers a packet and those that came with it, as far as the rate allows.
    async fn listen(&mut self, first: Packet) -> Result<Next, Fault> {
        let mut packet = Some(first);
        while let Some(here) = packet {
            let bytes = self.packets.last_bytes();
            if let Some(rate) = &self.rate {
                // Before it is answered: who goes in the middle has sent it all the same.
                self.read_from = self.bucket.count(bytes, rate, Instant::now());
            }
            if self.answer(here).await? == Next::Leaves {
                return Ok(Next::Leaves);
            }
            let now = Instant::now();
            packet = if self.read_from > now {
                None
            } else {
                self.packets.here()?
            };
        }
        Ok(Next::Stays)
    }

    async fn answer(&mut self, packet: Packet) -> Result<Next, Fault> {
        match packet {
            Packet::Publish(publish) => self.publish(publish).await?,
            Packet::Subscribe(subscribe) => self.subscribe(subscribe)?,
            Packet::Unsubscribe(unsubscribe) => self.unsubscribe(unsubscribe)?,
            Packet::PingReq => self.packets.queue(&Packet::PingResp)?,
            Packet::Disconnect => return Ok(Next::Leaves),
            // A second CONNECT, what only a server says, or acknowledgements of deliveries that
            // ask for none.
            _ => return Err(Fault::Refused(Refusal::Malformed)),
        }
        Ok(Next::Stays)
    }

    /// MQTT 3.1.1 cannot refuse a publish, so a refused one ends the connection.
    async fn publish(&mut self, publish: Publish) -> Result<(), Fault> {
        let topic = self.guest.peer.publish(&publish).map_err(Fault::Refused)?;
        self.hall.hand_over(&topic, &publish.payload).await?;
        if publish.qos == QoS::AtLeastOnce {
            self.packets
                .queue(&Packet::PubAck(PubAck::new(publish.pkid)))?;
        }
        Ok(())
    }

    fn subscribe(&mut self, subscribe: Subscribe) -> Result<(), Fault> {
        is_bounded(subscribe.filters.len())?;
        let mut codes = Vec::with_capacity(subscribe.filters.len());
        let mut refused = 0_usize;
        for filter in subscribe.filters {
            codes.push(match self.guest.peer.subscribe(&filter.path) {
                Ok(subscription) => {
                    self.subscriptions.add(subscription);
                    SubscribeReasonCode::Success(QoS::AtMostOnce)
                }
                Err(why) => {
                    self.hall.counters.refused(why);
                    refused += 1;
                    SubscribeReasonCode::Failure
                }
            });
        }
        if refused > 0 {
            let client = self.guest.sitter.entry.identity().name();
            tracing::warn!(client, refused, "filters of a SUBSCRIBE were refused");
        }
        let answer = SubAck::new(subscribe.pkid, codes);
        self.packets.queue(&Packet::SubAck(answer))
    }

    fn unsubscribe(&mut self, unsubscribe: Unsubscribe) -> Result<(), Fault> {
        is_bounded(unsubscribe.topics.len())?;
        for path in &unsubscribe.topics {
            if let Ok(subscription) = self.guest.peer.subscribe(path) {
                self.subscriptions.remove(&subscription);
            }
        }
        let answer = UnsubAck::new(unsubscribe.pkid);
        self.packets.queue(&Packet::UnsubAck(answer))
    }

    /// Queues a message and those that wait behind it, up to what is worth one write.
    fn bring(&mut self, first: Message) -> Result<(), Fault> {
        let mut message = Some(first);
        while let Some(here) = message {
            let publish = Publish::from_bytes(&*here.topic, QoS::AtMostOnce, here.payload);
            self.packets.queue(&Packet::Publish(publish))?;
            self.hall.counters.delivered();
            let is_room = self.packets.queued_bytes() < MAX_PACKET_BYTES;
            message = if is_room { self.mailbox.here() } else { None };
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let written = timeout(WRITE_PATIENCE, self.packets.flush()).await;
        written.unwrap_or(Err(Fault::Refused(Refusal::TooSlow)))
    }
}

fn is_bounded(filters: usize) -> Result<(), Fault> {
    if filters <= MOST_FILTERS {
        Ok(())
    } else {
        Err(Fault::Refused(Refusal::Malformed))
    }
}

#[cfg(test)]
mod tests;
