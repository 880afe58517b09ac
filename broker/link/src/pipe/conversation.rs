//! MQTT 3.1.1 as a client speaks it: greeting, subscribing, then both directions at once.
//!
//! Reading and writing never wait for each other: a broker that takes nothing cannot keep an
//! acknowledgement from being heard, and a listener that is busy cannot keep a frame from being
//! sent. Each choice of the loop may be dropped half-way without losing a byte: what was read
//! stays in `input`, what was not written stays in `output`.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, Packet, PubAck, Publish, Subscribe, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error, QoS, v4::SubscribeFilter};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::stream::Bytes;
use super::{Message, PipeError};

/// Largest packet: a frame of 16 KiB with its topic, with room for the format to grow. The
/// broker has the same limit.
const MAX_PACKET_BYTES: usize = 64 * 1024;

/// Read at once: what a full frame needs, and less than a socket holds.
const READ_BYTES: usize = 16 * 1024;

/// Nothing more is taken to be written while this much waits: a packet of any size, so that a
/// broker which does not read is felt by whoever publishes.
const WRITE_BYTES: usize = 32 * 1024;

/// Publishes that the broker has not confirmed; twice our window, so that it never binds.
const UNCONFIRMED: usize = 64;

/// How often the broker is asked whether it is there. A silent one is noticed after one to two of
/// these.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The packet id of the only subscription.
const SUBSCRIPTION: u16 = 1;

/// A connection on which packets go to and fro.
pub(super) struct Conversation {
    reader: ReadHalf<Box<dyn Bytes>>,
    writer: WriteHalf<Box<dyn Bytes>>,
    input: BytesMut,
    output: BytesMut,
    /// Everything written has left our side; TLS keeps some until it is told.
    flushed: bool,
    /// Messages read and not yet delivered. Nothing is read before they are, so they are never
    /// more than one read brings.
    arrived: VecDeque<Message>,
    last_id: u16,
    unconfirmed: usize,
    /// The broker was asked whether it is there and has said nothing since.
    asked: bool,
}

impl Conversation {
    pub(super) fn new(stream: Box<dyn Bytes>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            input: BytesMut::new(),
            output: BytesMut::new(),
            flushed: true,
            arrived: VecDeque::new(),
            last_id: SUBSCRIPTION,
            unconfirmed: 0,
            asked: false,
        }
    }

    /// Says who we are, and returns what the broker thinks of it.
    pub(super) async fn greet(&mut self, connect: Connect) -> Result<ConnectReturnCode, PipeError> {
        self.say(&Packet::Connect(connect)).await?;
        match self.hear().await? {
            Packet::ConnAck(answer) => Ok(answer.code),
            _ => Err(PipeError::Protocol),
        }
    }

    /// Subscribes. What arrives before the broker has confirmed that is kept for delivery.
    pub(super) async fn subscribe(&mut self, filters: &[String]) -> Result<(), PipeError> {
        let filters = filters.iter().map(|filter| SubscribeFilter {
            path: filter.clone(),
            qos: QoS::AtLeastOnce,
        });
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = SUBSCRIPTION;
        self.say(&Packet::Subscribe(subscribe)).await?;
        loop {
            match self.hear().await? {
                Packet::SubAck(granted) => {
                    let refused =
                        |code: &SubscribeReasonCode| *code == SubscribeReasonCode::Failure;
                    if granted.return_codes.iter().any(refused) {
                        return Err(PipeError::NotGranted);
                    }
                    return Ok(());
                }
                // More than is ever delivered at once is left to be sent again.
                packet if self.arrived.len() < super::ARRIVALS => self.understand(packet)?,
                _ => {}
            }
        }
    }

    /// Writes a packet whole. If the broker has hung up, what it said before is the reason.
    async fn say(&mut self, packet: &Packet) -> Result<(), PipeError> {
        self.queue(packet)?;
        match write(&mut self.writer, &mut self.output, &mut self.flushed).await {
            Ok(()) => Ok(()),
            Err(error) => match self.hear().await {
                Err(reason @ PipeError::Ended(Some(_))) => Err(reason),
                _ => Err(PipeError::Ended(Some(error))),
            },
        }
    }

    /// The next packet.
    async fn hear(&mut self) -> Result<Packet, PipeError> {
        loop {
            if let Some(packet) = self.here()? {
                return Ok(packet);
            }
            taken(read(&mut self.reader, &mut self.input).await)?;
        }
    }

    /// The next packet that has arrived whole.
    fn here(&mut self) -> Result<Option<Packet>, PipeError> {
        match Packet::read(&mut self.input, MAX_PACKET_BYTES) {
            Ok(packet) => Ok(Some(packet)),
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(_) => Err(PipeError::Protocol),
        }
    }

    fn queue(&mut self, packet: &Packet) -> Result<(), PipeError> {
        let queued = packet.write(&mut self.output, MAX_PACKET_BYTES);
        queued.map_err(|_| PipeError::Protocol)?;
        Ok(())
    }

    /// Keeps the connection going until it fails or nobody listens.
    pub(super) async fn serve(
        mut self,
        mut asked: mpsc::Receiver<Message>,
        deliver: mpsc::Sender<Result<Message, PipeError>>,
    ) {
        let reason = self.converse(&mut asked, &deliver).await;
        // Fails only when nobody wants to know.
        drop(deliver.send(Err(reason)).await);
    }

    async fn converse(
        &mut self,
        asked: &mut mpsc::Receiver<Message>,
        deliver: &mpsc::Sender<Result<Message, PipeError>>,
    ) -> PipeError {
        let mut pulse = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let turn = tokio::select! {
                slot = deliver.reserve(), if !self.arrived.is_empty() => match slot {
                    Ok(slot) => {
                        if let Some(message) = self.arrived.pop_front() {
                            slot.send(Ok(message));
                        }
                        Ok(())
                    }
                    Err(_) => Err(PipeError::Ended(None)),
                },
                read = read(&mut self.reader, &mut self.input), if self.arrived.is_empty() => {
                    taken(read).and_then(|()| self.understand_all())
                }
                written = write(&mut self.writer, &mut self.output, &mut self.flushed),
                    if self.has_to_write() => {
                    written.map_err(|error| PipeError::Ended(Some(error)))
                }
                message = next(asked), if self.may_publish() => self.publish(message),
                _ = pulse.tick() => self.ask(),
            };
            if let Err(reason) = turn {
                return reason;
            }
        }
    }

    fn has_to_write(&self) -> bool {
        !self.output.is_empty() || !self.flushed
    }

    fn may_publish(&self) -> bool {
        self.output.len() < WRITE_BYTES && self.unconfirmed < UNCONFIRMED
    }

    fn publish(&mut self, message: Message) -> Result<(), PipeError> {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let mut publish = Publish::new(message.topic, QoS::AtLeastOnce, message.bytes);
        publish.pkid = self.last_id;
        self.unconfirmed += 1;
        self.queue(&Packet::Publish(publish))
    }

    fn understand_all(&mut self) -> Result<(), PipeError> {
        self.asked = false;
        while let Some(packet) = self.here()? {
            self.understand(packet)?;
        }
        Ok(())
    }

    fn understand(&mut self, packet: Packet) -> Result<(), PipeError> {
        match packet {
            Packet::Publish(publish) => {
                if publish.qos == QoS::AtLeastOnce {
                    self.queue(&Packet::PubAck(PubAck::new(publish.pkid)))?;
                }
                self.arrived.push_back(Message {
                    topic: publish.topic,
                    bytes: publish.payload.into(),
                });
                Ok(())
            }
            Packet::PubAck(_) => {
                self.unconfirmed = self.unconfirmed.saturating_sub(1);
                Ok(())
            }
            Packet::PingResp => Ok(()),
            _ => Err(PipeError::Protocol),
        }
    }

    /// Asks whether the broker is there, unless it has not answered the last time. While we do
    /// not read, its silence is ours.
    fn ask(&mut self) -> Result<(), PipeError> {
        if self.asked && self.arrived.is_empty() {
            return Err(PipeError::Silent { after: KEEP_ALIVE });
        }
        self.asked = true;
        self.queue(&Packet::PingReq)
    }
}

async fn read(reader: &mut ReadHalf<Box<dyn Bytes>>, input: &mut BytesMut) -> io::Result<usize> {
    input.reserve(READ_BYTES);
    reader.read_buf(input).await
}

/// Writes what waits, and sees it off.
async fn write(
    writer: &mut WriteHalf<Box<dyn Bytes>>,
    output: &mut BytesMut,
    flushed: &mut bool,
) -> io::Result<()> {
    while !output.is_empty() {
        *flushed = false;
        if writer.write_buf(output).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    writer.flush().await?;
    *flushed = true;
    Ok(())
}

/// Nothing read is the end; so it is without the farewell of TLS, which a broker that ends a
/// session at once does not say. What was cut off in between is for the outbox to repeat.
fn taken(result: io::Result<usize>) -> Result<(), PipeError> {
    match result {
        Ok(0) => Err(PipeError::Ended(None)),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(PipeError::Ended(None)),
        Err(error) => Err(PipeError::Ended(Some(error))),
    }
}

/// The next message to publish; for ever if nobody will ask any more.
async fn next(asked: &mut mpsc::Receiver<Message>) -> Message {
    match asked.recv().await {
        Some(message) => message,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
