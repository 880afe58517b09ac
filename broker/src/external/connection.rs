//! One connection to the other broker: opened, used, dropped, never repaired.
//!
//! rumqttc is only the codec here, as it is everywhere in this house: its client brings a TLS of
//! its own, forgets queued publishes when it reconnects, and can hang on a packet id for ever.
//!
//! Reading and writing do not wait for each other: a broker that takes nothing is still heard,
//! and a door that is busy does not keep what it said from being written. Each choice of the loop
//! may be dropped half-way without losing a byte: what was read stays in `incoming`, what was not
//! written in `outgoing`, and a message is in the window before it is either.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, Login, Packet, PubAck, Publish, Subscribe, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error as MqttError, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::fault::{Fault, explain};
use super::line::{Stream, connect};
use super::window::Window;
use super::{Ends, ExternalConfig};
use crate::backend::{Message, Standing};
use crate::packets::MAX_PACKET_BYTES;

/// What we ask for: all that the door ever hands over.
pub(super) const EVERYTHING: &str = "v1/#";

/// The packet id of the only subscription.
const SUBSCRIPTION: u16 = 1;

/// Twice the door's largest packet: ours carries a packet id where the client's had none, and a
/// client must not be able to end the connection of everybody by those two bytes.
const MAX_BYTES: usize = 2 * MAX_PACKET_BYTES;

/// Read at once: what a full frame needs, and less than a socket holds.
const READ_BYTES: usize = 16 * 1024;

/// Nothing more is taken from the door while this much waits to be written.
const WRITE_BYTES: usize = 64 * 1024;

/// Publishes that the other broker has not confirmed; below every broker's limit, and on one
/// machine enough to keep it busy.
const IN_FLIGHT: usize = 64;

/// A peer that vanished without a word is noticed after one to two of these.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// To connect and to subscribe.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How a connection ended.
pub(super) struct Ended {
    /// `None` when the door has gone.
    pub(super) why: Option<Fault>,
    /// Messages that came back over it.
    pub(super) came_back: u64,
    /// Messages that did not.
    pub(super) lost: u64,
}

/// A connection that takes messages.
pub(super) struct Connection {
    place: String,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Everything written has left our side; TLS keeps some until it is told.
    is_flushed: bool,
    /// What came back and waits for the door. Nothing is read before it was taken, so it is never
    /// more than one read brings.
    arrived: VecDeque<Message>,
    last_id: u16,
    unconfirmed: usize,
    /// The broker was asked whether it is there and has said nothing since.
    was_asked: bool,
    /// That somebody else publishes there was said.
    has_warned: bool,
}

/// Connects and subscribes.
pub(super) async fn open(config: &ExternalConfig, client_id: &str) -> Result<Connection, Fault> {
    let opened = timeout(PATIENCE, establish(config, client_id)).await;
    opened.unwrap_or_else(|_| {
        Err(Fault::Slow {
            place: config.place_name(),
        })
    })
}

async fn establish(config: &ExternalConfig, client_id: &str) -> Result<Connection, Fault> {
    let login = config.login()?;
    let mut hello = Connect::new(client_id);
    hello.keep_alive = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
    hello.clean_session = true;
    hello.login = login.map(|(user, password)| Login::new(user, password));
    let stream = connect(config).await?;
    let mut connection = Connection::over(stream, config.place_name());
    let greeted = connection.greet(hello).await;
    greeted.map_err(|fault| match fault {
        Fault::Ended(Some(source)) => match explain(config, &source) {
            Some(fault) => fault.into(),
            None => Fault::Ended(Some(source)),
        },
        fault => fault,
    })?;
    Ok(connection)
}

impl Connection {
    fn over(stream: Box<dyn Stream>, place: String) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            place,
            reader,
            writer,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            is_flushed: true,
            arrived: VecDeque::new(),
            last_id: SUBSCRIPTION,
            unconfirmed: 0,
            was_asked: false,
            has_warned: false,
        }
    }

    /// Says who we are and subscribes. What the broker had kept of others may come before it has
    /// confirmed that, and is not ours.
    async fn greet(&mut self, hello: Connect) -> Result<(), Fault> {
        let mut subscribe = Subscribe::new(EVERYTHING, QoS::AtLeastOnce);
        subscribe.pkid = SUBSCRIPTION;
        self.queue(&Packet::Connect(hello))?;
        match self.ask_and_hear().await? {
            Packet::ConnAck(answer) => match answer.code {
                ConnectReturnCode::Success => {}
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                    let place = self.place.clone();
                    return Err(Fault::Refused { place });
                }
                code => {
                    let place = self.place.clone();
                    return Err(Fault::NotServed { place, code });
                }
            },
            _ => return Err(self.not_mqtt()),
        }
        self.queue(&Packet::Subscribe(subscribe))?;
        loop {
            match self.ask_and_hear().await? {
                Packet::SubAck(answer) => {
                    let refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
                    return if refused {
                        Err(Fault::NotGranted)
                    } else {
                        Ok(())
                    };
                }
                Packet::Publish(publish) => self.confirm(&publish)?,
                _ => return Err(self.not_mqtt()),
            }
        }
    }

    /// Writes what waits, and the next packet. If the broker has hung up, what it said before is
    /// the reason.
    async fn ask_and_hear(&mut self) -> Result<Packet, Fault> {
        let written = write(&mut self.writer, &mut self.outgoing, &mut self.is_flushed).await;
        loop {
            if let Some(packet) = self.here()? {
                return Ok(packet);
            }
            let read = taken(read(&mut self.reader, &mut self.incoming).await);
            match (read, &written) {
                (Err(Fault::Ended(None)), Err(fault)) => {
                    return Err(Fault::Ended(Some(fault.kind().into())));
                }
                (read, _) => read?,
            }
        }
    }

    /// Carries messages both ways until the connection fails or the door has gone.
    pub(super) async fn carry(
        mut self,
        ends: &mut Ends,
        standing: &watch::Sender<Standing>,
    ) -> Ended {
        let window = Window::default();
        let why = tokio::select! {
            why = self.converse(ends, &window, standing) => why,
            () = window.stalled() => Some(Fault::Stalled),
        };
        Ended {
            why,
            came_back: window.came_back(),
            lost: u64::try_from(window.len()).unwrap_or(u64::MAX),
        }
    }

    /// `None` when the door has gone.
    async fn converse(
        &mut self,
        ends: &mut Ends,
        window: &Window,
        standing: &watch::Sender<Standing>,
    ) -> Option<Fault> {
        let Ends {
            from_door,
            to_door,
            held,
        } = ends;
        let mut pulse = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let turn = tokio::select! {
                slot = to_door.reserve(), if !self.arrived.is_empty() => {
                    let message = self.arrived.pop_front();
                    // No slot: the door has gone.
                    slot.ok()?.send(message?);
                    Ok(())
                }
                read = read(&mut self.reader, &mut self.incoming), if self.arrived.is_empty() => {
                    taken(read).and_then(|()| self.understand(window, standing))
                }
                written = write(&mut self.writer, &mut self.outgoing, &mut self.is_flushed),
                    if self.has_to_write() => {
                    written.map_err(|fault| Fault::Ended(Some(fault)))
                }
                message = next(from_door, held, window), if self.may_publish() => {
                    self.publish(message?)
                }
                _ = pulse.tick() => self.ask(),
            };
            if let Err(fault) = turn {
                return Some(fault);
            }
        }
    }

    fn has_to_write(&self) -> bool {
        !self.outgoing.is_empty() || !self.is_flushed
    }

    fn may_publish(&self) -> bool {
        self.outgoing.len() < WRITE_BYTES && self.unconfirmed < IN_FLIGHT
    }

    fn publish(&mut self, message: Message) -> Result<(), Fault> {
        let topic = message.topic.to_string();
        let mut publish = Publish::from_bytes(topic, QoS::AtLeastOnce, message.payload);
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        publish.pkid = self.last_id;
        self.unconfirmed += 1;
        self.queue(&Packet::Publish(publish))
    }

    /// All that has arrived.
    fn understand(
        &mut self,
        window: &Window,
        standing: &watch::Sender<Standing>,
    ) -> Result<(), Fault> {
        self.was_asked = false;
        while let Some(packet) = self.here()? {
            match packet {
                Packet::Publish(publish) => {
                    self.confirm(&publish)?;
                    match window.take(&message_of(publish)) {
                        Some(message) => self.arrived.push_back(message),
                        None => self.ignore(standing),
                    }
                }
                Packet::PubAck(_) => self.unconfirmed = self.unconfirmed.saturating_sub(1),
                Packet::PingResp => {}
                _ => return Err(self.not_mqtt()),
            }
        }
        Ok(())
    }

    fn confirm(&mut self, publish: &Publish) -> Result<(), Fault> {
        match publish.qos {
            QoS::AtLeastOnce => self.queue(&Packet::PubAck(PubAck::new(publish.pkid))),
            _ => Ok(()),
        }
    }

    /// What is not ours.
    fn ignore(&mut self, standing: &watch::Sender<Standing>) {
        standing.send_modify(|it| it.foreign += 1);
        if !self.has_warned {
            tracing::warn!(
                "somebody else publishes on {EVERYTHING} of the broker behind the door, \
                 which is ignored: let nobody but the door in there"
            );
            self.has_warned = true;
        }
    }

    /// Asks whether the broker is there, unless it has not answered the last time. While we do
    /// not read, its silence is ours.
    fn ask(&mut self) -> Result<(), Fault> {
        if self.was_asked && self.arrived.is_empty() {
            return Err(Fault::Silent);
        }
        self.was_asked = true;
        self.queue(&Packet::PingReq)
    }

    fn queue(&mut self, packet: &Packet) -> Result<(), Fault> {
        let queued = packet.write(&mut self.outgoing, MAX_BYTES);
        queued
            .map(drop)
            .map_err(|fault| Fault::Ended(Some(io::Error::other(fault))))
    }

    /// The next packet that has arrived whole.
    fn here(&mut self) -> Result<Option<Packet>, Fault> {
        match Packet::read(&mut self.incoming, MAX_BYTES) {
            Ok(packet) => Ok(Some(packet)),
            Err(MqttError::InsufficientBytes(_)) => Ok(None),
            Err(_) => Err(self.not_mqtt()),
        }
    }

    fn not_mqtt(&self) -> Fault {
        Fault::NotMqtt {
            place: self.place.clone(),
        }
    }
}

fn message_of(publish: Publish) -> Message {
    Message {
        topic: Arc::from(publish.topic),
        // A copy, so that a small message does not keep a whole read buffer alive.
        payload: Bytes::copy_from_slice(&publish.payload),
    }
}

/// The next message of the door, counted as handed over from here on even if the connection ends
/// in this moment: it may have left, and must not be sent a second time. `None` when the door has
/// gone. Nothing is lost when the future is dropped.
async fn next(
    from_door: &mut mpsc::Receiver<Message>,
    held: &mut Option<Message>,
    window: &Window,
) -> Option<Message> {
    if held.is_none() {
        *held = from_door.recv().await;
    }
    window.add(held.as_ref()?).await;
    held.take()
}

async fn read(
    reader: &mut ReadHalf<Box<dyn Stream>>,
    incoming: &mut BytesMut,
) -> io::Result<usize> {
    incoming.reserve(READ_BYTES);
    reader.read_buf(incoming).await
}

/// Writes what waits, and sees it off.
async fn write(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    outgoing: &mut BytesMut,
    is_flushed: &mut bool,
) -> io::Result<()> {
    *is_flushed = false;
    writer.write_all_buf(outgoing).await?;
    writer.flush().await?;
    *is_flushed = true;
    Ok(())
}

/// Nothing read is the end; so it is without the farewell of TLS.
fn taken(read: io::Result<usize>) -> Result<(), Fault> {
    match read {
        Ok(0) => Err(Fault::Ended(None)),
        Ok(_) => Ok(()),
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Err(Fault::Ended(None)),
        Err(fault) => Err(Fault::Ended(Some(fault))),
    }
}
