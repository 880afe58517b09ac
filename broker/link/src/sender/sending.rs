//! The mode in which the sender spends its life: connected.
//!
//! One loop, one choice at a time: hear an acknowledgement or a command, hand over what is ready,
//! notice new records, say how the gateway is, or go back because time has passed. Nothing in it
//! waits for anything else, so that a broker that takes nothing cannot keep an acknowledgement from
//! being heard.

use std::time::Instant;

use veglia_wire::ack::MAX_SOFTWARE_CHARS;
use veglia_wire::frame::MAX_RECORDS;
use veglia_wire::{
    Ack, Channel, ClockState, FrameError, FrameHeader, Hello, Refusal, Sequence, Topic, UpFrame,
    WallMs,
};

use super::remote::{self, Remote, Stir};
use super::{Mode, Sender, SenderError, Source};
use crate::control::TURNS_EVERY;
use crate::outbox::OutboxState;
use crate::pipe::{Inbox, Message, Mouth, PipeError};
use crate::status::{Phase, chain};
use crate::window::{Due, Flight};

/// A connection, and what is ready to be handed over to it.
pub(super) struct Sending {
    mouth: Mouth,
    inbox: Inbox,
    /// The greeting is due: at first, again as long as nobody answers, and when ingest asks for
    /// what is no longer kept.
    greet: bool,
    /// Ingest has answered on this connection.
    answered: bool,
    /// Ingest has been told on this connection that what it waits for is deleted.
    told_deleted: bool,
    ready: Option<Ready>,
    /// The commands of this connection; none when none are taken.
    remote: Option<Remote>,
}

/// A message ready to go.
pub(super) struct Ready {
    pub(super) topic: String,
    pub(super) bytes: Vec<u8>,
    pub(super) cargo: Cargo,
}

/// What a message carries.
#[derive(Clone, Copy)]
pub(super) enum Cargo {
    Greeting,
    State,
    Frame(Span),
}

#[derive(Clone, Copy)]
pub(super) struct Span {
    first: Sequence,
    last: Sequence,
}

impl Sending {
    pub(super) fn new(mouth: Mouth, inbox: Inbox, remote: Option<Remote>) -> Self {
        Self {
            mouth,
            inbox,
            greet: true,
            answered: false,
            told_deleted: false,
            ready: None,
            remote,
        }
    }

    /// There is something new to say of the gateway. A state that was not handed over yet is old.
    fn changed(&mut self) {
        if let Some(remote) = &mut self.remote {
            remote.news(Instant::now());
        }
        self.ready
            .take_if(|ready| matches!(ready.cargo, Cargo::State));
    }
}

impl<S: Source> Sender<S> {
    pub(super) async fn sending(&mut self, mut here: Sending) -> Result<Mode, SenderError> {
        let mut outbox = self.source.watch();
        loop {
            if outbox.borrow_and_update().state == OutboxState::Closed {
                return Err(SenderError::Closed);
            }
            self.turned();
            self.prepare(&mut here).await?;
            let deadline = self.window.deadline();
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(Mode::Stopped),
                arrival = here.inbox.next() => match arrival {
                    Ok(message) => self.hear(message, &mut here).await,
                    Err(reason) => return Ok(Mode::Resting(reason)),
                },
                // Before the hand-over: a backlog must not keep the state waiting.
                stir = remote::news(self.control.as_mut(), here.remote.as_ref()) => {
                    match stir {
                        Stir::Changed => here.changed(),
                        Stir::Due => {}
                    }
                }
                handed = hand_over(&here.mouth, here.ready.as_ref()) => {
                    if let Err(reason) = handed {
                        return Ok(Mode::Resting(reason));
                    }
                    self.handed_over(&mut here);
                }
                () = sleep_until(deadline) => match self.window.on_time(Instant::now()) {
                    Due::Nothing => {}
                    Due::WentBack => {
                        here.greet |= !here.answered;
                        tracing::debug!("nothing was acknowledged for a while; sending again");
                    }
                    Due::Stalled => return Ok(Mode::Resting(PipeError::Stalled {
                        after: self.config.timing.stalled,
                    })),
                },
                changed = outbox.changed() => {
                    changed.map_err(|_| SenderError::Closed)?;
                    self.tell(Phase::Connected);
                }
                () = tokio::time::sleep(TURNS_EVERY) => {}
            }
        }
    }

    /// Sees to it that something is ready, if anything may be sent.
    async fn prepare(&mut self, here: &mut Sending) -> Result<(), SenderError> {
        let next = self.window.next();
        let still_next = here.ready.as_ref().is_some_and(|ready| match ready.cargo {
            Cargo::Greeting | Cargo::State => true,
            Cargo::Frame(span) => span.first == next,
        });
        if still_next {
            return Ok(());
        }
        here.ready = None;
        if here.greet {
            here.ready = Some(self.greeting(here.remote.as_ref()));
            return Ok(());
        }
        // Not before ingest has answered the greeting: when a whole city comes back, what waits at
        // the broker for ingest must not grow by a message from every home.
        let remote = here.remote.as_ref().filter(|_| here.answered);
        if let Some(remote) = remote.filter(|it| it.is_due(Instant::now())) {
            here.ready = self.state(remote).await?;
            return Ok(());
        }
        let newest = self.source.status().newest;
        if let Some(newest) = newest.filter(|newest| *newest >= next && self.window.is_open()) {
            here.ready = self.frame(next, newest).await?;
        }
        Ok(())
    }

    fn greeting(&self, remote: Option<&Remote>) -> Ready {
        let outbox = self.source.status();
        let hello = Hello {
            epoch: outbox.epoch,
            oldest: outbox.oldest,
            newest: outbox.newest,
            software: self.software(),
            clock: self.clock(),
            boot: self.config.boot,
            session: remote.map(|remote| remote.session),
        };
        Ready {
            topic: self.topic(Channel::Hello),
            bytes: hello.encode(),
            cargo: Cargo::Greeting,
        }
    }

    /// As much of the version as a greeting may hold.
    pub(super) fn software(&self) -> String {
        let ascii = self.config.software.chars().filter(char::is_ascii);
        ascii.take(MAX_SOFTWARE_CHARS).collect()
    }

    /// The frame that begins with `from`, or with the oldest record kept.
    async fn frame(
        &mut self,
        from: Sequence,
        newest: Sequence,
    ) -> Result<Option<Ready>, SenderError> {
        let mut limit = MAX_RECORDS;
        loop {
            let page = self.source.page(from, newest, limit).await;
            let page = page.map_err(SenderError::Outbox)?;
            if page.records.is_empty() {
                return Ok(None);
            }
            self.window.skip_to(page.first);
            let clock = *self.config.clock_state.borrow();
            let count = page.records.len();
            let header = FrameHeader {
                gateway: self.config.gateway.clone(),
                epoch: self.source.status().epoch,
                first: page.first,
                count: u8::try_from(count).unwrap_or(u8::MAX),
            };
            let span = Span {
                first: header.first,
                last: header.last(),
            };
            let frame = UpFrame {
                header,
                sent_at: (clock != ClockState::Unknown).then(|| self.config.clock.now()),
                clock,
                records: page.records,
            };
            match frame.encode() {
                Ok(bytes) => {
                    return Ok(Some(Ready {
                        topic: self.topic(Channel::Up),
                        bytes,
                        cargo: Cargo::Frame(span),
                    }));
                }
                Err(FrameError::TooLarge(_)) if limit > 1 => limit /= 2,
                Err(error) => {
                    tracing::error!(error = chain(&error), "a frame could not be made");
                    return Ok(None);
                }
            }
        }
    }

    fn handed_over(&mut self, here: &mut Sending) {
        let Some(ready) = here.ready.take() else {
            return;
        };
        let now = Instant::now();
        let sent = message_bytes(&ready.topic, &ready.bytes);
        self.config
            .status
            .send_modify(|status| status.sent_bytes += sent);
        match ready.cargo {
            Cargo::Greeting => here.greet = false,
            Cargo::State => {
                if let Some(remote) = &mut here.remote {
                    remote.said(now);
                }
            }
            Cargo::Frame(Span { last, .. }) => {
                let bytes = ready.bytes.len();
                self.window.sent(Flight { last, bytes }, now, &mut self.rng);
            }
        }
    }

    /// Takes in a message.
    async fn hear(&mut self, message: Message, here: &mut Sending) {
        let received = message_bytes(&message.topic, &message.bytes);
        self.config
            .status
            .send_modify(|status| status.received_bytes += received);
        let topic = message.topic.parse::<Topic>();
        if topic.is_ok_and(|topic| topic.channel == Channel::Cmd) {
            self.command(&message.bytes, here.remote.as_mut());
        } else {
            self.acknowledged(&message, here).await;
        }
    }

    async fn acknowledged(&mut self, message: &Message, here: &mut Sending) {
        let ack = match Ack::decode(&message.bytes) {
            Ok(ack) => ack,
            Err(error) => {
                tracing::warn!(error = chain(&error), "an acknowledgement cannot be read");
                return;
            }
        };
        let outbox = self.source.status();
        if ack.epoch != outbox.epoch {
            tracing::debug!(link.epoch = %ack.epoch, "acknowledgement of another outbox ignored");
            return;
        }
        if ack.through > outbox.newest {
            tracing::error!(
                link.through = ack.through.map(Sequence::get),
                link.newest = outbox.newest.map(Sequence::get),
                "ingest acknowledges what was never sent; refused"
            );
            return;
        }
        if let Some(refusal) = ack.refused {
            self.refused(refusal).await;
            here.changed();
        }
        here.answered = true;
        self.reconnect.progress();
        self.compare_clocks(ack.at, here);
        if self
            .window
            .acknowledge(ack.through, ack.window, Instant::now())
            && let Some(through) = ack.through
        {
            self.source.acknowledged(through);
        }
        if let Some(expected) = ack.expected {
            self.expected(expected, outbox.oldest, here);
        }
        let (now, waiting) = (self.config.clock.now(), self.source.status().waiting());
        self.config.status.send_modify(|status| {
            status.last_ack_at = Some(now);
            status.unacknowledged = waiting;
        });
    }

    /// Says so when the gateway's clock, which it believes, is not the centre's.
    fn compare_clocks(&mut self, at: WallMs, here: &mut Sending) {
        let now = self.config.clock.now();
        let is_believed = *self.config.clock_state.borrow() != ClockState::Unknown;
        if !is_believed || !self.clocks.heard(at, now) {
            return;
        }
        let ahead_ms = self.clocks.ahead_ms();
        match ahead_ms {
            Some(ahead_ms) => tracing::warn!(
                link.ahead_s = ahead_ms / 1_000,
                "the clock of this box is not the centre's; set it, or see that it reaches a time \
                 server"
            ),
            None => tracing::info!("the clock of this box is the centre's again"),
        }
        self.config
            .status
            .send_modify(|status| status.clock_ahead_ms = ahead_ms);
        here.changed();
    }

    /// Keeps a copy of what ingest could not understand, and counts it once.
    async fn refused(&mut self, refusal: Refusal) {
        self.source.keep_refused(refusal).await;
        if self.refused_through >= Some(refusal.to) {
            return;
        }
        let from = self
            .refused_through
            .map_or(refusal.from, |known| refusal.from.max(known.plus(1)));
        let count = refusal.to.get().saturating_sub(from.get()) + 1;
        self.refused_through = Some(refusal.to);
        let status = &self.config.status;
        status.send_modify(|status| {
            status.records_refused = status.records_refused.saturating_add(count);
        });
    }

    /// Goes back to what ingest waits for. If that is no longer kept, a greeting says once what
    /// the oldest is, and sending starts over from there.
    fn expected(&mut self, expected: Sequence, oldest: Option<Sequence>, here: &mut Sending) {
        let is_deleted = oldest.is_none_or(|oldest| expected < oldest);
        if is_deleted && here.told_deleted {
            return;
        }
        if !self.window.expect(expected, Instant::now()) {
            return;
        }
        tracing::debug!(
            link.expected = expected.get(),
            "ingest waits for a lost frame"
        );
        if is_deleted {
            tracing::error!(
                link.expected = expected.get(),
                link.oldest = oldest.map(Sequence::get),
                "ingest waits for records that it has acknowledged before; they are deleted here"
            );
            here.greet = true;
            here.told_deleted = true;
        }
    }
}

/// Publishes what is ready; for ever if nothing is.
async fn hand_over(mouth: &Mouth, ready: Option<&Ready>) -> Result<(), PipeError> {
    match ready {
        Some(ready) => {
            mouth
                .publish(ready.topic.clone(), ready.bytes.clone())
                .await
        }
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Bytes of a message and of what MQTT adds: the fixed header, two lengths, and the answer to it.
fn message_bytes(topic: &str, bytes: &[u8]) -> u64 {
    const MQTT_BYTES: usize = 12;
    u64::try_from(topic.len() + bytes.len() + MQTT_BYTES).unwrap_or(u64::MAX)
}
