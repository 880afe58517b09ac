//! The receiving half: frames, greetings and states of some partitions come in, acknowledgements
//! and commands go out.
//!
//! ```text
//! broker → Incoming::Frame(Parcel { bytes, receipt }) → bounded channel → ingest
//!                                        receipt.acknowledge(&durable, …)
//! broker ← at most one ack per gateway every 20 ms ← board ←──┘
//! broker ← Commands::send, answered by the next Incoming::State
//! ```
//! The bytes of a frame are not looked at here: de-duplicating, storing and refusing are ingest's.
//! What it decides it says on the [`Receipt`]; see there why forgetting one acknowledges nothing.
//!
//! Saying it never waits and never fails: answers lie on a board, one place for each gateway, and
//! the newest stands for all before it. They are sent when there is a connection.
//!
//! When ingest is slow the channel fills, reading stops and the broker notices: what it throws
//! away then is sent again by the gateways.
//!
//! Deliberately absent: knowing which gateways exist (the broker checks who may publish where),
//! and the presence channel.

mod board;
mod commands;
pub mod fake;
mod receipt;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use veglia_identity::CENTRE_DAYS;
use veglia_wire::{CareClock, Channel, DecodeError, Filter, Hello, Partition, State, Topic};

use crate::access::Access;
use crate::address::Address;
use crate::pipe::{self, Inbox, Message, Mouth, PipeError, PipeOptions};
use crate::reconnect::Reconnect;
use crate::sender::Timing;
use crate::status::{Phase, chain};
use board::Board;
pub use commands::{CommandError, Commands, MAX_PENDING, MAX_QUEUED};
pub use receipt::{Incoming, Parcel, Receipt, Reply};

/// Pause between two rounds of acknowledgements. Shorter than a person notices, long enough that
/// a gateway with a backlog gets one for several frames.
pub const ACK_PAUSE: Duration = Duration::from_millis(20);

/// Frames on their way from all gateways together. Half of what the broker holds for a service
/// before it throws the service out, and everything with it; the other half is for gateways that
/// come back and have not been told yet.
const FRAMES_FROM_ALL: u32 = 4096;

/// Whom to receive from.
#[derive(Debug)]
pub struct ReceiverConfig {
    /// The broker.
    pub broker: Address,
    /// How the service proves who it is.
    pub access: Access,
    /// The service's name: also the MQTT client id.
    pub service: String,
    /// The partitions to serve. No two receivers may serve the same one.
    pub partitions: Vec<Partition>,
    /// Dates the acknowledgements.
    pub clock: CareClock,
    /// Unacknowledged frames that a gateway may have on their way, at most 32; fewer are announced
    /// while there are many gateways.
    pub window: u32,
    /// Time-outs: connecting and reconnecting are used here.
    pub timing: Timing,
    /// Where the receiver says how it is doing.
    pub status: watch::Sender<Phase>,
}

impl ReceiverConfig {
    /// The window to announce when there is no reason for a smaller one: the most that a gateway
    /// uses ([`crate::sender::WINDOW_FRAMES`]).
    pub const WINDOW: u32 = 32;
}

/// Receives into `tx` until `shutdown`, or until nobody listens at the other end of `tx`. Losing
/// the broker is not an end: it connects again, for ever.
///
/// Acknowledgements that ingest gave before `shutdown` and that could not be sent yet are lost;
/// the gateways ask again.
pub async fn run(config: ReceiverConfig, tx: mpsc::Sender<Incoming>, shutdown: CancellationToken) {
    run_commanding(config, Commands::default(), tx, shutdown).await;
}

/// The same, and carries the commands that are sent through `commands` or a clone of it.
pub async fn run_commanding(
    config: ReceiverConfig,
    commands: Commands,
    tx: mpsc::Sender<Incoming>,
    shutdown: CancellationToken,
) {
    let mut receiver = Receiver {
        board: Arc::new(Board::default()),
        commands,
        reconnect: Reconnect::new(&config.timing),
        config,
        tx,
        shutdown,
    };
    let mut mode = Mode::Connecting;
    loop {
        mode = match mode {
            Mode::Connecting => receiver.connecting().await,
            Mode::Resting(reason) => receiver.resting(&reason).await,
            Mode::Receiving(connection) => receiver.receiving(connection).await,
            Mode::Stopped => {
                receiver.config.status.send_replace(Phase::Stopped);
                return;
            }
        };
    }
}

/// What the receiver is doing.
enum Mode {
    Connecting,
    Resting(PipeError),
    Receiving(Connection),
    Stopped,
}

struct Connection {
    mouth: Mouth,
    inbox: Inbox,
}

/// What outlives a connection.
struct Receiver {
    config: ReceiverConfig,
    tx: mpsc::Sender<Incoming>,
    board: Arc<Board>,
    commands: Commands,
    reconnect: Reconnect,
    shutdown: CancellationToken,
}

impl Receiver {
    async fn connecting(&mut self) -> Mode {
        let options = PipeOptions {
            broker: self.config.broker.clone(),
            access: self.config.access.clone(),
            wall: Arc::clone(self.config.clock.wall()),
            name: self.config.service.clone(),
            lives_days: CENTRE_DAYS,
            filters: filters(&self.config.partitions),
            within: self.config.timing.connect,
        };
        tokio::select! {
            () = self.shutdown.cancelled() => Mode::Stopped,
            () = self.tx.closed() => Mode::Stopped,
            opened = pipe::open(&options) => match opened {
                Ok((mouth, inbox)) => {
                    let attempt = self.reconnect.attempt();
                    tracing::info!(link.attempt = attempt, "receiving from the broker");
                    self.config.status.send_replace(Phase::Connected);
                    Mode::Receiving(Connection { mouth, inbox })
                }
                Err(error) => Mode::Resting(error),
            },
        }
    }

    async fn resting(&mut self, reason: &PipeError) -> Mode {
        let (phase, pause) = self.reconnect.failed(reason);
        self.config.status.send_replace(phase);
        tokio::select! {
            () = self.shutdown.cancelled() => Mode::Stopped,
            () = tokio::time::sleep(pause) => Mode::Connecting,
        }
    }

    /// One choice at a time: hand on what came, hear the next, or send an acknowledgement. Reading
    /// stops while ingest is busy; acknowledging does not.
    async fn receiving(&mut self, mut here: Connection) -> Mode {
        let mut came: Option<Incoming> = None;
        let mut answers: VecDeque<(String, Vec<u8>)> = VecDeque::new();
        let mut pause = tokio::time::interval(ACK_PAUSE);
        pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return Mode::Stopped,
                slot = self.tx.reserve(), if came.is_some() => match (slot, came.take()) {
                    (Ok(slot), Some(incoming)) => slot.send(incoming),
                    _ => return Mode::Stopped,
                },
                arrival = here.inbox.next(), if came.is_none() => match arrival {
                    Ok(message) => {
                        self.reconnect.progress();
                        came = self.understand(message);
                    }
                    Err(reason) => return Mode::Resting(reason),
                },
                sent = publish(&here.mouth, answers.front()), if !answers.is_empty() => {
                    if let Err(reason) = sent {
                        return Mode::Resting(reason);
                    }
                    answers.pop_front();
                }
                () = self.commands.queued(), if answers.is_empty() => {
                    answers = self.commands.take();
                }
                () = self.next_round(&mut pause), if answers.is_empty() => {
                    answers = self.answers();
                }
            }
        }
    }

    /// When there is something to say, and the last round is long enough ago.
    async fn next_round(&self, pause: &mut tokio::time::Interval) {
        self.board.filled().await;
        pause.tick().await;
    }

    fn answers(&self) -> VecDeque<(String, Vec<u8>)> {
        let now = self.config.clock.now();
        let window = share(self.config.window, self.board.gateways());
        let acks = self.board.take(now, window);
        let acks = acks.into_iter().map(|(partition, gateway, ack)| {
            let channel = Channel::Ack;
            let topic = Topic {
                partition,
                gateway,
                channel,
            };
            (topic.to_string(), ack.encode())
        });
        acks.collect()
    }

    /// What a message is; nothing if it is none of ours.
    fn understand(&self, message: Message) -> Option<Incoming> {
        let topic: Topic = match message.topic.parse() {
            Ok(topic) => topic,
            Err(error) => {
                tracing::warn!(error = chain(&error), "message on an unknown topic dropped");
                return None;
            }
        };
        match topic.channel {
            Channel::Up => Some(Incoming::Frame(Parcel::new(
                Arc::clone(&self.board),
                topic,
                message.bytes,
            ))),
            Channel::Hello => match Hello::decode(&message.bytes) {
                Ok(hello) => {
                    self.commands.greeted(&topic, hello.session);
                    Some(Incoming::hello(Arc::clone(&self.board), topic, hello))
                }
                Err(error) => unread(&topic, &error),
            },
            Channel::State => match State::decode(&message.bytes) {
                Ok(state) => {
                    self.commands.heard(&topic, &state);
                    let gateway = topic.gateway;
                    Some(Incoming::State { gateway, state })
                }
                Err(error) => unread(&topic, &error),
            },
            Channel::Ack | Channel::Cmd | Channel::Pres => None,
        }
    }
}

fn unread(topic: &Topic, error: &DecodeError) -> Option<Incoming> {
    tracing::warn!(
        gateway = topic.gateway.as_str(),
        channel = topic.channel.name(),
        error = chain(error),
        "a message of a gateway cannot be read"
    );
    None
}

/// The window of one of so many gateways: they are told the same, whoever has most to send.
fn share(most: u32, gateways: usize) -> u32 {
    let each = u32::try_from(gateways).map_or(0, |gateways| FRAMES_FROM_ALL / gateways.max(1));
    each.min(most).max(1)
}

/// Frames, greetings and states of every partition.
fn filters(partitions: &[Partition]) -> Vec<String> {
    let channels = [Channel::Up, Channel::Hello, Channel::State];
    let filters = partitions.iter().flat_map(|partition| {
        channels.map(|channel| Filter {
            partition: *partition,
            channel,
        })
    });
    filters.map(|filter| filter.to_string()).collect()
}

/// Publishes the answer; for ever if there is none.
async fn publish(mouth: &Mouth, answer: Option<&(String, Vec<u8>)>) -> Result<(), PipeError> {
    match answer {
        Some((topic, bytes)) => mouth.publish(topic.clone(), bytes.clone()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn many_gateways_share_what_the_broker_holds() {
        let windows = [0, 1, 128, 256, 1000, 2000, 100_000].map(|gateways| share(32, gateways));
        assert_eq!(windows, [32, 32, 32, 16, 4, 2, 1]);
    }
}
