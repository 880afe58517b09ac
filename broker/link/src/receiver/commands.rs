//! Commands to gateways: sent to the connection that a gateway has now, answered in its state.
//!
//! ```text
//! send(gateway, kind) → queue → broker → gateway
//!        ↑ outcome, or why there is none ←──── state: answers {id, outcome}
//! ```
//! A gateway's session is learnt from its greeting, or from its state when this process began
//! later than the connection. Numbers go on above what the gateway has taken already, so that a
//! restart here repeats none.
//!
//! Limits: [`MAX_PENDING`] commands wait for the answer of one gateway, [`MAX_QUEUED`] for the
//! broker. Whoever asks for more is told so.
//!
//! Deliberately absent: keeping commands for later. One that finds no connection, or whose
//! connection ends, is told to whoever sent it, who decides whether it is still wanted.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Notify, oneshot};
use veglia_wire::{
    Channel, Command, CommandId, CommandKind, GatewayId, Outcome, Partition, Session, State, Topic,
};

/// Commands that wait for one gateway's answer: half of what its state has room to answer.
pub const MAX_PENDING: usize = veglia_wire::state::MAX_ANSWERS / 2;

/// Commands that wait for the broker. Nobody watches more gateways than this at once; a queue
/// that grows means that there is no broker.
pub const MAX_QUEUED: usize = 1024;

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CommandError {
    /// The gateway has not been heard since this process began, or takes no commands.
    #[error("the gateway is not connected, or its software takes no commands")]
    NoSession,
    /// The connection for which it was meant is over. It may or may not have been done.
    #[error("the gateway's connection ended before it answered; send the command again")]
    Gone,
    /// Too many wait already.
    #[error("too many commands wait for this gateway; wait for their answers")]
    TooMany,
    /// Nothing came back in time. It may or may not have been done.
    #[error("the gateway did not answer within {} s", .0.as_secs())]
    NoAnswer(Duration),
}

/// Sends commands to gateways; clones are the same. The receiver that was given it does the
/// speaking and the hearing.
#[derive(Debug, Clone, Default)]
pub struct Commands {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<Table>,
    queued: Notify,
}

/// Bounded by the number of gateways that the broker admits, as the board of acknowledgements is.
#[derive(Debug, Default)]
struct Table {
    gateways: HashMap<GatewayId, Seat>,
    queue: VecDeque<(GatewayId, Command)>,
}

/// A gateway's present connection.
#[derive(Debug)]
struct Seat {
    partition: Partition,
    session: Session,
    last: u64,
    pending: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    id: CommandId,
    answer: oneshot::Sender<Outcome>,
}

impl Commands {
    /// Sends a command to the connection that the gateway has now, and waits for what becomes of
    /// it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn send(
        &self,
        gateway: &GatewayId,
        kind: CommandKind,
        within: Duration,
    ) -> Result<Outcome, CommandError> {
        let (id, answer) = self.lock().put(gateway, kind)?;
        self.shared.queued.notify_one();
        match tokio::time::timeout(within, answer).await {
            Ok(outcome) => outcome.map_err(|_| CommandError::Gone),
            Err(_) => {
                self.lock().give_up(gateway, id);
                Err(CommandError::NoAnswer(within))
            }
        }
    }

    /// A gateway has connected.
    pub(super) fn greeted(&self, topic: &Topic, session: Option<Session>) {
        let mut table = self.lock();
        match session {
            Some(session) => {
                table.seat(topic, session);
            }
            None => table.leave(&topic.gateway),
        }
    }

    /// A gateway said how it is.
    pub(super) fn heard(&self, topic: &Topic, state: &State) {
        let mut table = self.lock();
        let seat = table.seat(topic, state.session);
        seat.last = seat.last.max(state.last_command.map_or(0, |id| id.0));
        for answered in &state.answers {
            let waits = seat.pending.iter().position(|it| it.id == answered.id);
            if let Some(place) = waits {
                let pending = seat.pending.swap_remove(place);
                if pending.answer.send(answered.outcome).is_err() {
                    tracing::debug!("nobody waits for the answer to a command any more");
                }
            }
        }
    }

    /// Returns when something waits to be sent.
    pub(super) async fn queued(&self) {
        while self.lock().queue.is_empty() {
            self.shared.queued.notified().await;
        }
    }

    /// Takes everything there is to send.
    pub(super) fn take(&self) -> VecDeque<(String, Vec<u8>)> {
        let mut table = self.lock();
        let queue = std::mem::take(&mut table.queue);
        let message = |(gateway, command): (GatewayId, Command)| {
            let topic = Topic {
                partition: table.gateways.get(&gateway)?.partition,
                gateway,
                channel: Channel::Cmd,
            };
            Some((topic.to_string(), command.encode()))
        };
        queue.into_iter().filter_map(message).collect()
    }

    /// A thread that panicked cannot have left a seat half changed in a way that matters: a
    /// command that is lost is told as unanswered.
    fn lock(&self) -> MutexGuard<'_, Table> {
        let table = self.shared.table.lock();
        table.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn put(
        &mut self,
        gateway: &GatewayId,
        kind: CommandKind,
    ) -> Result<(CommandId, oneshot::Receiver<Outcome>), CommandError> {
        let seat = self.gateways.get_mut(gateway);
        let seat = seat.ok_or(CommandError::NoSession)?;
        seat.pending.retain(|pending| !pending.answer.is_closed());
        if seat.pending.len() >= MAX_PENDING || self.queue.len() >= MAX_QUEUED {
            return Err(CommandError::TooMany);
        }
        seat.last += 1;
        let id = CommandId(seat.last);
        let (answer, answered) = oneshot::channel();
        seat.pending.push(Pending { id, answer });
        let session = seat.session;
        let command = Command { session, id, kind };
        self.queue.push_back((gateway.clone(), command));
        Ok((id, answered))
    }

    /// The gateway's seat in this session. In another one than before, whoever waits is told that
    /// the connection is gone.
    fn seat(&mut self, topic: &Topic, session: Session) -> &mut Seat {
        let Topic {
            partition, gateway, ..
        } = topic;
        let is_same = |seat: &Seat| seat.session == session;
        if !self.gateways.get(gateway).is_some_and(is_same) {
            self.leave(gateway);
        }
        self.gateways.entry(gateway.clone()).or_insert(Seat {
            partition: *partition,
            session,
            last: 0,
            pending: Vec::new(),
        })
    }

    fn leave(&mut self, gateway: &GatewayId) {
        self.gateways.remove(gateway);
        self.queue.retain(|(to, _)| to != gateway);
    }

    fn give_up(&mut self, gateway: &GatewayId, id: CommandId) {
        if let Some(seat) = self.gateways.get_mut(gateway) {
            seat.pending.retain(|pending| pending.id != id);
        }
        self.queue
            .retain(|(to, command)| to != gateway || command.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_wire::{Answered, Boot, ClockState};

    const LONG: Duration = Duration::from_secs(60);

    fn topic() -> Topic {
        let gateway = GatewayId::new("home-1").unwrap();
        Topic {
            partition: Partition::of(&gateway),
            gateway,
            channel: Channel::State,
        }
    }

    fn state(session: u64, last_command: u64, answers: &[(u64, Outcome)]) -> State {
        let answered = |(id, outcome): &(u64, Outcome)| Answered {
            id: CommandId(*id),
            outcome: *outcome,
        };
        State {
            session: Session(session),
            software: "0.1.0".into(),
            boot: Boot(1),
            clock: ClockState::Holdover,
            waiting: 0,
            oldest_ms: None,
            refused: 0,
            last_command: (last_command > 0).then_some(CommandId(last_command)),
            ports: Vec::new(),
            answers: answers.iter().map(answered).collect(),
        }
    }

    fn sent(commands: &Commands) -> Vec<Command> {
        let taken = commands.take().into_iter();
        taken
            .map(|(_, bytes)| Command::decode(&bytes).unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_gateway_that_was_never_heard_or_takes_none_cannot_be_commanded() {
        let (commands, topic) = (Commands::default(), topic());
        let answer = commands.send(&topic.gateway, CommandKind::Ping, LONG).await;
        assert_eq!(answer, Err(CommandError::NoSession));
        commands.greeted(&topic, Some(Session(1)));
        commands.greeted(&topic, None);
        let answer = commands.send(&topic.gateway, CommandKind::Ping, LONG).await;
        assert_eq!(answer, Err(CommandError::NoSession));
    }

    #[tokio::test]
    async fn whoever_waits_is_told_that_the_connection_is_gone() {
        let (commands, topic) = (Commands::default(), topic());
        commands.greeted(&topic, Some(Session(1)));
        let asking = commands.clone();
        let gateway = topic.gateway.clone();
        let waiting =
            tokio::spawn(async move { asking.send(&gateway, CommandKind::Ping, LONG).await });
        commands.queued().await;
        commands.greeted(&topic, Some(Session(2)));
        assert_eq!(waiting.await.unwrap(), Err(CommandError::Gone));
        assert_eq!(sent(&commands), []);
    }

    #[tokio::test]
    async fn what_is_not_answered_in_time_is_told_and_not_sent_later() {
        let (commands, topic) = (Commands::default(), topic());
        commands.greeted(&topic, Some(Session(1)));
        let soon = Duration::from_millis(1);
        let answer = commands.send(&topic.gateway, CommandKind::Ping, soon).await;
        assert_eq!(answer, Err(CommandError::NoAnswer(soon)));
        assert_eq!(sent(&commands), []);
    }

    #[tokio::test]
    async fn numbers_go_on_above_what_the_gateway_has_taken_before_this_process_began() {
        let (commands, topic) = (Commands::default(), topic());
        commands.heard(&topic, &state(1, 41, &[(41, Outcome::Done)]));
        let asking = commands.clone();
        let gateway = topic.gateway.clone();
        let waiting =
            tokio::spawn(async move { asking.send(&gateway, CommandKind::Ping, LONG).await });
        commands.queued().await;
        let command = sent(&commands).remove(0);
        assert_eq!((command.session, command.id), (Session(1), CommandId(42)));
        commands.heard(&topic, &state(1, 42, &[(42, Outcome::NotSupported)]));
        assert_eq!(waiting.await.unwrap(), Ok(Outcome::NotSupported));
    }

    #[tokio::test]
    async fn one_gateway_keeps_only_so_many_waiting() {
        let (commands, topic) = (Commands::default(), topic());
        commands.greeted(&topic, Some(Session(1)));
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..=MAX_PENDING {
            let (commands, gateway) = (commands.clone(), topic.gateway.clone());
            waiting.spawn(async move { commands.send(&gateway, CommandKind::Ping, LONG).await });
        }
        let first = waiting.join_next().await.unwrap().unwrap();
        assert_eq!(first, Err(CommandError::TooMany));
        // Those who no longer wait make room.
        waiting.shutdown().await;
        let soon = Duration::from_millis(1);
        let answer = commands.send(&topic.gateway, CommandKind::Ping, soon).await;
        assert_eq!(answer, Err(CommandError::NoAnswer(soon)));
    }
}
