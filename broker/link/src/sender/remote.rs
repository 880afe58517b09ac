//! Being commanded: which commands count on this connection, and saying how the gateway is.
//!
//! A command counts when it names this connection's session and a number above all before it.
//! Everything else is counted and ignored: it was meant for another connection, or came twice.
//!
//! The state is made when it is sent, so that it is never older than that: at the beginning of a
//! connection, once ingest has answered; when something changed; and every minute. It takes its
//! turn before the frames that wait, and a newer one takes the place of one that could not be
//! handed over yet.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use veglia_wire::state::MAX_ANSWERS;
use veglia_wire::{
    Answered, Channel, ClockState, Command, CommandId, Outcome, Sequence, Session, State,
};

use super::sending::{Cargo, Ready};
use super::{Sender, SenderError, Source};
use crate::control::{Control, Report};
use crate::status::chain;

/// How often the state is said when nothing changes: an operator's page is then at most a minute
/// behind, for about 200 bytes.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Shortest pause between two states: a loose plug must not fill the line.
const SAY_PAUSE: Duration = Duration::from_millis(200);

/// The commands of one connection.
pub(super) struct Remote {
    pub(super) session: Session,
    last: Option<CommandId>,
    /// Commands for which there was no room.
    turned_away: VecDeque<Answered>,
    said_at: Option<Instant>,
    say_at: Instant,
}

impl Remote {
    pub(super) fn new(session: Session, now: Instant) -> Self {
        Self {
            session,
            last: None,
            turned_away: VecDeque::new(),
            said_at: None,
            say_at: now,
        }
    }

    /// There is something new to say.
    pub(super) fn news(&mut self, now: Instant) {
        let soonest = self.said_at.map_or(now, |at| (at + SAY_PAUSE).max(now));
        self.say_at = self.say_at.min(soonest);
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.say_at <= now
    }

    /// For ever when it is due already: it is said as soon as what is before it has gone.
    async fn becomes_due(&self) {
        if self.is_due(Instant::now()) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep_until(self.say_at.into()).await;
    }

    pub(super) fn said(&mut self, now: Instant) {
        self.said_at = Some(now);
        self.say_at = now + SAY_EVERY;
    }

    /// Whether a command counts on this connection.
    fn takes(&mut self, command: &Command) -> bool {
        let counts = command.session == self.session && self.last < Some(command.id);
        if counts {
            self.last = Some(command.id);
        }
        counts
    }

    fn turn_away(&mut self, id: CommandId) {
        if self.turned_away.len() == MAX_ANSWERS {
            self.turned_away.pop_front();
        }
        let outcome = Outcome::Busy;
        self.turned_away.push_back(Answered { id, outcome });
    }

    /// The answers of this session, oldest first, the newest of them when there are too many.
    fn answers(&self, report: &Report) -> Vec<Answered> {
        let of_session = report
            .answers
            .iter()
            .filter(|(session, _)| *session == self.session);
        let answers = of_session.map(|(_, answer)| *answer);
        let mut answers: Vec<Answered> = answers.chain(self.turned_away.iter().copied()).collect();
        answers.sort_by_key(|answer| answer.id);
        let too_many = answers.len().saturating_sub(MAX_ANSWERS);
        answers.split_off(too_many)
    }
}

/// Waits until something changes or the state becomes due; for ever without a control.
pub(super) async fn news(control: Option<&mut Control>, remote: Option<&Remote>) -> Stir {
    let (Some(control), Some(remote)) = (control, remote) else {
        return std::future::pending().await;
    };
    tokio::select! {
        // When whoever reports has gone, nothing changes any more.
        Ok(()) = control.changed.changed() => Stir::Changed,
        () = remote.becomes_due() => Stir::Due,
    }
}

/// Why the sender should look at the state again.
pub(super) enum Stir {
    Changed,
    Due,
}

impl<S: Source> Sender<S> {
    /// A session of its own for a new connection; none without a control.
    pub(super) fn remote(&self) -> Option<Remote> {
        self.control.as_ref()?;
        // Without chance from the system there is none that nobody can guess: no commands then.
        let number = getrandom::u64().inspect_err(|error| {
            tracing::error!(%error, "no session could be made: no commands on this connection");
        });
        Some(Remote::new(Session(number.ok()?), Instant::now()))
    }

    /// Takes in a command.
    pub(super) fn command(&mut self, bytes: &[u8], remote: Option<&mut Remote>) {
        let (Some(control), Some(remote)) = (&self.control, remote) else {
            return;
        };
        let taken = match Command::decode(bytes) {
            Ok(command) if remote.takes(&command) => Some(command),
            Ok(command) => {
                tracing::debug!(
                    link.session = %command.session,
                    link.command = command.id.0,
                    "a command of another session, or one that came before, is ignored"
                );
                // If it came twice its answer may have been lost.
                remote.news(Instant::now());
                None
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "a command cannot be read");
                None
            }
        };
        let Some(command) = taken else {
            self.config
                .status
                .send_modify(|status| status.commands_ignored += 1);
            return;
        };
        self.reconnect.progress();
        let id = command.id;
        if control.commands.try_send(command).is_err() {
            tracing::warn!(link.command = id.0, "a command finds the box busy");
            remote.turn_away(id);
            remote.news(Instant::now());
        }
    }

    /// How the gateway is at this moment.
    pub(super) async fn state(&mut self, remote: &Remote) -> Result<Option<Ready>, SenderError> {
        let Some(report) = self.control.as_ref().map(|control| (control.report)()) else {
            return Ok(None);
        };
        let oldest_ms = self.oldest_ms().await?;
        let state = State {
            session: remote.session,
            software: self.software(),
            boot: self.config.boot,
            clock: self.clock(),
            waiting: self.source.status().waiting(),
            oldest_ms,
            refused: self.config.status.borrow().records_refused,
            last_command: remote.last,
            answers: remote.answers(&report),
            ports: report.ports,
        };
        Ok(Some(Ready {
            topic: self.topic(Channel::State),
            bytes: state.encode(),
            cargo: Cargo::State,
        }))
    }

    /// How long the oldest record that is not acknowledged has waited, if that can be told.
    async fn oldest_ms(&mut self) -> Result<Option<u64>, SenderError> {
        let status = self.source.status();
        let Some(newest) = status.newest.filter(|_| status.waiting() > 0) else {
            return Ok(None);
        };
        let acknowledged = status.acknowledged.map_or(0, Sequence::get);
        let from = Sequence::FIRST.plus(acknowledged);
        let page = self.source.page(from, newest, 1).await;
        let page = page.map_err(SenderError::Outbox)?;
        let measured = page.records.first().and_then(|record| record.when.wall);
        let is_known = *self.config.clock_state.borrow() != ClockState::Unknown;
        let age_ms = measured
            .filter(|_| is_known)
            .map(|at| self.config.clock.now().since(at).max(0));
        Ok(age_ms.and_then(|age_ms| u64::try_from(age_ms).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veglia_wire::CommandKind;

    const HERE: Session = Session(7);

    fn command(session: u64, id: u64) -> Command {
        Command {
            session: Session(session),
            id: CommandId(id),
            kind: CommandKind::Ping,
        }
    }

    #[test]
    fn a_command_counts_once_and_only_in_its_session() {
        let mut remote = Remote::new(HERE, Instant::now());
        let came = [(7, 1), (7, 1), (8, 2), (7, 3), (7, 2), (7, 4)];
        let taken = came.map(|(session, id)| remote.takes(&command(session, id)));
        assert_eq!(taken, [true, false, false, true, false, true]);
    }

    #[test]
    fn only_answers_of_this_session_are_said_and_the_newest_of_them() {
        let mut remote = Remote::new(HERE, Instant::now());
        let answer = |id| Answered {
            id: CommandId(id),
            outcome: Outcome::Done,
        };
        let report = Report {
            ports: Vec::new(),
            answers: (1..=20)
                .map(|id| (Session(if id == 20 { 8 } else { 7 }), answer(id)))
                .collect(),
        };
        remote.turn_away(CommandId(30));
        let said: Vec<u64> = remote.answers(&report).iter().map(|it| it.id.0).collect();
        assert_eq!(said, (5..=19).chain([30]).collect::<Vec<_>>());
    }

    #[test]
    fn news_are_said_soon_but_not_without_pause() {
        let start = Instant::now();
        let mut remote = Remote::new(HERE, start);
        assert!(remote.is_due(start));
        remote.said(start);
        assert!(!remote.is_due(start + SAY_PAUSE));
        remote.news(start);
        assert!(!remote.is_due(start));
        assert!(remote.is_due(start + SAY_PAUSE));
        remote.said(start + SAY_PAUSE);
        assert!(remote.is_due(start + SAY_PAUSE + SAY_EVERY));
    }
}
