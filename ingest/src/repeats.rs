//! Confirm by repeat: when the rules wait for a second measurement, the home is asked for one.
//!
//! The watch makes a [`Wish`] of a flag that is raised unconfirmed; here it becomes a command to
//! the gateway through which the reading came, and a line in the diary that says what came of it.
//! A device that another patient wears by then is not asked: the answer would be of somebody else.
//! A household's device is asked as long as nobody has it alone, for somebody unknown as for whom
//! somebody named in the same measure.
//! The rules do not know: whether a repeat comes, and what it says, they see in the readings.
//!
//! A wish is asked once. What makes it one is the flag and the moment until which the rules wait,
//! and the diary remembers that it was asked; so the watch may make the same wish again after a
//! restart. Between asking and writing that down a crash leads to a second question, which costs
//! one measurement more. A wish whose time is over, as in a journal read again, asks nobody.
//!
//! Limits: [`WISHES_WAITING`] wishes wait, [`AT_ONCE`] are under way. One above them is not asked
//! and logged: the alarm itself does not depend on it.
//!
//! Deliberately absent: values that come by hand or by telephone. There is nobody to command.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use veglia_diary::{ReadError, has_noted, note_once, wearer};
use veglia_link::{CommandError, Commands};
use veglia_store::Database;
use veglia_triage::{FlagId, PatientId};
use veglia_view::ORDER_WITHIN;
use veglia_wire::{CareClock, CommandKind, DeviceId, GatewayId, Outcome, VitalKind, WallMs};

use crate::watch::ACTOR;

/// Wishes that wait: as many as flags are raised at once when a whole city comes back on line.
const WISHES_WAITING: usize = 1024;

/// Wishes under way: each waits up to ten seconds for a home.
const AT_ONCE: usize = 256;

/// How often a gateway is looked for that has not been heard yet, and the pause between: after a
/// restart of ingest every gateway is heard within a minute.
const LOOKS: u32 = 5;
const LOOK_PAUSE: Duration = Duration::from_secs(15);

/// A second measurement that the rules wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) flag: FlagId,
    /// Until when the rules wait, by the clock of care.
    pub(crate) repeat_by: WallMs,
    pub(crate) vital: VitalKind,
    /// Which device measured what the flag was raised by.
    pub(crate) device: DeviceId,
    /// Who had it alone; none of a household's, or of one that nobody has.
    pub(crate) worn_by: Option<PatientId>,
    /// Through which gateway that came.
    pub(crate) gateway: GatewayId,
}

/// Who asks.
pub(crate) struct Repeats {
    asker: Asker,
    wishes: mpsc::Receiver<Wish>,
}

/// What asking takes.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) commands: Commands,
    pub(crate) record: Database,
    pub(crate) care: CareClock,
}

impl Repeats {
    /// One who asks, and where wishes are put.
    pub(crate) fn new(asker: Asker) -> (Self, mpsc::Sender<Wish>) {
        let (sender, wishes) = mpsc::channel(WISHES_WAITING);
        (Self { asker, wishes }, sender)
    }

    /// Asks until told to stop.
    pub(crate) async fn serve(mut self, stop: CancellationToken) {
        let asker = Arc::new(self.asker);
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = under_way.join_next(), if !under_way.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "asking for a second measurement broke down");
                    }
                }
                wish = self.wishes.recv(), if under_way.len() < AT_ONCE => match wish {
                    Some(wish) => {
                        let asker = Arc::clone(&asker);
                        under_way.spawn(async move { asker.see_to(&wish).await });
                    }
                    None => return,
                },
            }
        }
    }
}

impl Asker {
    /// Asks, once, and writes down what came of it.
    pub(crate) async fn see_to(&self, wish: &Wish) {
        match self.ask(wish).await {
            Ok(Some(words)) => tracing::info!(words, "a second measurement was asked for"),
            Ok(None) => {}
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the diary does not know of a repeat asked for");
            }
        }
    }

    async fn ask(&self, wish: &Wish) -> Result<Option<&'static str>, ReadError> {
        let key = format!("repeat:{}:{}", wish.flag, wish.repeat_by);
        if self.is_over(wish) || has_noted(&self.record, &ACTOR, &key).await? {
            return Ok(None);
        }
        let Some(answered) = self.command(wish).await? else {
            tracing::info!("a second measurement is not asked for: its device was given away");
            return Ok(None);
        };
        let words = said(answered);
        let at = self.care.now();
        let is_new = note_once(&self.record, &ACTOR, &wish.flag, &key, words, at).await?;
        Ok(is_new.then_some(words))
    }

    /// What the home answered; none when the device is worn by another than it was.
    async fn command(
        &self,
        wish: &Wish,
    ) -> Result<Option<Result<Outcome, CommandError>>, ReadError> {
        let kind = CommandKind::MeasureAgain {
            device: wish.device.clone(),
            vital: wish.vital,
        };
        let mut looks = 1;
        loop {
            let worn_by = wearer(&self.record, &ACTOR, &wish.device, self.care.now()).await?;
            if worn_by != wish.worn_by {
                return Ok(None);
            }
            let sent = self
                .commands
                .send(&wish.gateway, kind.clone(), ORDER_WITHIN);
            match sent.await {
                Err(CommandError::NoSession) if looks < LOOKS && !self.is_over(wish) => {
                    looks += 1;
                    tokio::time::sleep(LOOK_PAUSE).await;
                }
                answered => return Ok(Some(answered)),
            }
        }
    }

    fn is_over(&self, wish: &Wish) -> bool {
        self.care.now() >= wish.repeat_by
    }
}

/// What came of it, in the diary's words.
fn said(answered: Result<Outcome, CommandError>) -> &'static str {
    match answered {
        Ok(Outcome::Done) => "Richiesta di nuova misura inviata: il dispositivo è stato avvisato.",
        Ok(Outcome::NotSupported) => {
            "Richiesta di nuova misura inviata: il dispositivo non misura a richiesta."
        }
        Ok(Outcome::NotConnected) => {
            "Richiesta di nuova misura inviata: il dispositivo non è collegato."
        }
        Ok(Outcome::Busy | Outcome::OutOfRange) => {
            "Richiesta di nuova misura inviata: il gateway non l'ha accolta."
        }
        Err(CommandError::NoSession) => {
            "Richiesta di nuova misura non inviata: il gateway non è collegato."
        }
        Err(CommandError::TooMany) => {
            "Richiesta di nuova misura non inviata: troppe richieste in attesa."
        }
        Err(CommandError::Gone) => {
            "Richiesta di nuova misura inviata: il gateway si è scollegato senza rispondere."
        }
        Err(CommandError::NoAnswer(_)) => {
            "Richiesta di nuova misura inviata: il gateway non ha risposto."
        }
    }
}
