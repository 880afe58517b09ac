//! Does what the centre asks, one thing after the other, and notes what became of it.
//!
//! The link has seen to it that a command is meant for this connection and comes once. Nothing
//! asked here can change or delete what was measured.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use veglia_wire::command::MAX_RECONNECT_SECONDS;
use veglia_wire::{Answered, Command, CommandKind, DeviceId, Outcome, VitalKind};

use crate::desk::{Desk, Whereabouts};
use crate::heart::{Beat, TURNS_EVERY};
use crate::voice::{Phrase, Voice};

/// Commands that wait for the one under way: as many as the centre has waiting for one box.
pub(crate) const COMMANDS_WAITING: usize = 8;

/// Questions that wait for one port. They come one after the other; a second one waits only when
/// the port did not answer the first.
pub(crate) const ASKS_WAITING: usize = 2;

/// How long a port may take to pass a question on: a byte on a line that works takes a
/// millisecond.
const ASK_PATIENCE: Duration = Duration::from_secs(2);

/// A question for a port's task: let the device measure now.
pub(crate) struct Ask {
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// Who does what is asked.
pub(crate) struct Commander {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) desk: Desk,
    /// The ports, in the order of the desk.
    pub(crate) ports: Vec<mpsc::Sender<Ask>>,
    pub(crate) voice: Voice,
    pub(crate) beat: Beat,
    pub(crate) reconnect_cap: watch::Sender<Option<Duration>>,
}

impl Commander {
    /// Does what is asked until told to stop.
    pub(crate) async fn serve(mut self, stop: CancellationToken) {
        loop {
            self.beat.beat();
            let command = tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(TURNS_EVERY) => continue,
                command = self.commands.recv() => match command {
                    Some(command) => command,
                    None => return,
                },
            };
            let outcome = self.carry_out(&command.kind).await;
            tracing::info!(kind = ?command.kind, ?outcome, "the centre asked");
            let id = command.id;
            self.desk.answer(command.session, Answered { id, outcome });
        }
    }

    async fn carry_out(&self, kind: &CommandKind) -> Outcome {
        match kind {
            // The answer brings the state with it.
            CommandKind::Ping => Outcome::Done,
            CommandKind::MeasureAgain { device, vital } => self.measure_again(device, *vital).await,
            CommandKind::WeWillCall => self.aloud(Phrase::WeWillCall),
            CommandKind::Configure { reconnect_seconds } => {
                if !(1..=MAX_RECONNECT_SECONDS).contains(reconnect_seconds) {
                    return Outcome::OutOfRange;
                }
                let cap = Duration::from_secs(u64::from(*reconnect_seconds));
                self.reconnect_cap.send_replace(Some(cap));
                Outcome::Done
            }
        }
    }

    /// Asks the device, and the person as well: many devices measure only when somebody puts a
    /// finger in. A device that is not at this box asks nobody: it is somebody else's.
    async fn measure_again(&self, device: &DeviceId, vital: VitalKind) -> Outcome {
        if self.desk.find(device, vital) == Whereabouts::CannotMeasure {
            return Outcome::NotSupported;
        }
        match self.measure(device, vital).await {
            Outcome::NotConnected => Outcome::NotConnected,
            asked @ (Outcome::Done | Outcome::Busy) => {
                self.voice.say(Phrase::MeasureAgain);
                asked
            }
            Outcome::NotSupported | Outcome::OutOfRange => self.aloud(Phrase::MeasureAgain),
        }
    }

    /// Says something, if anybody can hear it.
    fn aloud(&self, phrase: Phrase) -> Outcome {
        if !self.voice.is_heard() {
            return Outcome::NotSupported;
        }
        self.voice.say(phrase);
        Outcome::Done
    }

    async fn measure(&self, device: &DeviceId, vital: VitalKind) -> Outcome {
        let index = match self.desk.find(device, vital) {
            Whereabouts::Port(index) => index,
            Whereabouts::CannotMeasure => return Outcome::NotSupported,
            Whereabouts::Away => return Outcome::NotConnected,
        };
        let Some(port) = self
            .ports
            .get(index)
            .cloned()
            .or_else(|| self.desk.asks(index))
        else {
            return Outcome::NotConnected;
        };
        let (reply, answer) = oneshot::channel();
        if port.try_send(Ask { reply }).is_err() {
            return Outcome::Busy;
        }
        match tokio::time::timeout(ASK_PATIENCE, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The port was lost in that moment.
            Ok(Err(_)) | Err(_) => Outcome::NotConnected,
        }
    }
}
