//! "La chiamiamo": when somebody takes charge of a patient, the home hears that they are seen to.
//!
//! ```text
//! diary: charge taken, or telephoned and nobody answered
//!     → alert (open, had by somebody, at home) → boxes that last heard the patient's devices
//!     → command WeWillCall → what came of it, in the diary
//! ```
//! It is said once for an alert, and only as long as somebody has it: an act that is read late, or
//! again after a restart, says nothing that is not so; nor does a box that is reached at a later
//! try. A box is asked only when a device of the patient alone was last heard on it: of a
//! household's device nobody knows who wears it, and the box may stand with the other. Between
//! saying and writing that down a crash leads to saying it twice.
//!
//! Limits: [`LOOK_BACK_MS`] of acts are looked through at the start, [`AT_ONCE`] are under way; one
//! above them is not said and logged: whoever took charge telephones in any case.
//!
//! Deliberately absent: judging. The rules do not know, and a replay says nothing to anybody.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use veglia_diary::{
    Act, ActKind, AlertId, CallOutcome, ChangeId, Changed, ReadError, Whom, changes_since,
    flags_listed, has_noted, last_change_by, note_once, wearer,
};
use veglia_link::CommandError;
use veglia_triage::{FlagId, PatientId, Severity};
use veglia_view::{Board, ORDER_WITHIN, is_stand_in};
use veglia_wire::{CommandKind, GatewayId, Outcome};

use crate::repeats::Asker;
use crate::watch::ACTOR;

/// How often new acts are looked for: whoever takes charge has the telephone in hand by then.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Acts so old, in care milliseconds, are looked at when ingest begins: a charge lasts no longer.
const LOOK_BACK_MS: i64 = 2 * 60 * 60 * 1000;

/// Alerts under way: each waits up to a minute for a home.
const AT_ONCE: usize = 64;

/// How often a gateway is looked for that has not been heard yet, and the pause between: after a
/// restart of ingest every gateway is heard within a minute.
const TRIES: u32 = 5;
const TRY_PAUSE: Duration = Duration::from_secs(15);

/// Who has homes told that somebody will call.
pub(crate) struct Calls {
    asker: Asker,
    /// Which box brought what of a patient's devices.
    board: Board,
    /// The last change looked at; none before the first look.
    seen: Option<ChangeId>,
}

/// What is to be said about an alert.
#[derive(Debug)]
pub(crate) struct Announcement {
    alert: AlertId,
    flag: FlagId,
    boxes: BTreeSet<GatewayId>,
}

impl Announcement {
    fn key(alert: AlertId) -> String {
        format!("we-will-call:{}", alert.0)
    }
}

impl Calls {
    pub(crate) fn new(asker: Asker, board: Board) -> Self {
        Self {
            asker,
            board,
            seen: None,
        }
    }

    /// Follows the diary's acts until told to stop.
    pub(crate) async fn serve(mut self, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = UnderWay::default();
        let mut is_refused = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = under_way.ended(), if !under_way.tasks.is_empty() => {}
                _ = look.tick() => {
                    let found = self.look().await;
                    if let Err(error) = &found
                        && !is_refused
                    {
                        let cause = std::error::Error::source(error).map(ToString::to_string);
                        tracing::error!(%error, cause, "homes are not told who is seen to");
                    }
                    is_refused = found.is_err();
                    for one in found.unwrap_or_default() {
                        let asker = self.asker.clone();
                        let alert = one.alert;
                        let telling = async move { announce(&asker, one, TRY_PAUSE).await };
                        under_way.begin(alert, telling);
                    }
                }
            }
        }
    }

    /// What the acts since the last look ask for.
    pub(crate) async fn look(&mut self) -> Result<Vec<Announcement>, ReadError> {
        let record = &self.asker.record;
        let mut seen = match self.seen {
            Some(seen) => seen,
            None => {
                let since = self.asker.care.now().plus_ms(-LOOK_BACK_MS);
                last_change_by(record, &ACTOR, since).await?
            }
        };
        let mut found = Vec::new();
        loop {
            let changes = changes_since(record, &ACTOR, seen).await?;
            let Some(last) = changes.last() else {
                break;
            };
            seen = last.id;
            for change in &changes {
                if let Changed::Act(act) = &change.what {
                    found.extend(self.asked_by(act).await?);
                }
            }
        }
        self.seen = Some(seen);
        Ok(found)
    }

    /// What an act asks for, if anything.
    async fn asked_by(&self, act: &Act) -> Result<Option<Announcement>, ReadError> {
        let is_to_call = matches!(
            act.kind,
            ActKind::TakenCharge | ActKind::Called(Whom::Patient, CallOutcome::NoAnswer)
        );
        let Some(flag) = act.flag.as_ref().filter(|_| is_to_call) else {
            return Ok(None);
        };
        if is_stand_in(flag.patient) {
            return Ok(None);
        }
        let Some(alert) = had(&self.asker, flag).await? else {
            return Ok(None);
        };
        if has_noted(&self.asker.record, &ACTOR, &Announcement::key(alert)).await? {
            return Ok(None);
        }
        let boxes = self.boxes(flag.patient).await?;
        Ok((!boxes.is_empty()).then(|| Announcement {
            alert,
            flag: flag.clone(),
            boxes,
        }))
    }

    /// On which boxes the devices were last heard that the patient wears alone.
    async fn boxes(&self, patient: PatientId) -> Result<BTreeSet<GatewayId>, ReadError> {
        let mut boxes = BTreeSet::new();
        let Some(row) = self.board.row(patient) else {
            return Ok(boxes);
        };
        let now = self.asker.care.now();
        for state in &row.devices {
            let Some(gateway) = &state.gateway else {
                continue;
            };
            let worn_by = wearer(&self.asker.record, &ACTOR, &state.device, now).await?;
            if worn_by == Some(patient) {
                boxes.insert(gateway.clone());
            }
        }
        Ok(boxes)
    }
}

/// Alerts whose homes are being told.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    tasks: JoinSet<()>,
    alerts: HashMap<Id, AlertId>,
}

impl UnderWay {
    /// Begins to tell the homes of an alert, unless they are being told.
    pub(crate) fn begin(
        &mut self,
        alert: AlertId,
        telling: impl Future<Output = ()> + Send + 'static,
    ) {
        if self.is_told(alert) {
            return;
        }
        if self.tasks.len() >= AT_ONCE {
            tracing::warn!("too many homes are being told: one is not");
            return;
        }
        let task = self.tasks.spawn(telling).id();
        self.alerts.insert(task, alert);
    }

    pub(crate) fn is_told(&self, alert: AlertId) -> bool {
        self.alerts.values().any(|known| *known == alert)
    }

    /// Waits for one that is over, however it ended.
    pub(crate) async fn ended(&mut self) {
        let task = match self.tasks.join_next_with_id().await {
            Some(Ok((task, ()))) => task,
            Some(Err(error)) => {
                tracing::error!(%error, "telling a home broke down");
                error.id()
            }
            None => return,
        };
        self.alerts.remove(&task);
    }
}

/// The alert of a flag, if it is about how a patient at home is, and somebody has it.
async fn had(asker: &Asker, flag: &FlagId) -> Result<Option<AlertId>, ReadError> {
    let listed = flags_listed(&asker.record, &ACTOR, &[flag.clone()].into()).await?;
    let alert = listed.into_iter().next().and_then(|open| open.alert);
    let now = asker.care.now();
    let had = alert.filter(|alert| {
        let state = &alert.state;
        let is_had = state.hold.as_ref().is_some_and(|hold| hold.until > now);
        is_had && state.severity != Severity::Technical && !state.is_away()
    });
    Ok(had.map(|alert| alert.id))
}

/// Tells the home, and writes down what came of it; `pause` is the time between two tries.
pub(crate) async fn announce(asker: &Asker, one: Announcement, pause: Duration) {
    let mut words = None;
    for gateway in &one.boxes {
        let Some(answered) = tell(asker, &one, gateway, pause).await else {
            break;
        };
        if words != Some(SPOKEN) {
            words = Some(said(answered));
        }
    }
    let Announcement { alert, flag, .. } = one;
    if let Some(words) = words {
        let (key, at) = (Announcement::key(alert), asker.care.now());
        match note_once(&asker.record, &ACTOR, &flag, &key, words, at).await {
            Ok(_) => tracing::info!(words, "a home was told that somebody will call"),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the diary does not know that a home was told");
            }
        }
    }
}

/// What one home answered; none when nobody has the alert any more by a later try.
async fn tell(
    asker: &Asker,
    one: &Announcement,
    gateway: &GatewayId,
    pause: Duration,
) -> Option<Result<Outcome, CommandError>> {
    let mut tries = 1;
    loop {
        let sent = asker
            .commands
            .send(gateway, CommandKind::WeWillCall, ORDER_WITHIN);
        match sent.await {
            Err(CommandError::NoSession) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(pause).await;
                if !is_had_still(asker, one).await {
                    return None;
                }
            }
            answered => return Some(answered),
        }
    }
}

/// Whether somebody has the alert still. Nobody is told what the diary cannot say.
async fn is_had_still(asker: &Asker, one: &Announcement) -> bool {
    match had(asker, &one.flag).await {
        Ok(alert) => alert == Some(one.alert),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "a home is not told that somebody will call");
            false
        }
    }
}

/// What the diary says when the home has heard it.
const SPOKEN: &str = "In casa è stato detto a voce: «La chiamiamo».";

/// What came of it, in the diary's words.
fn said(answered: Result<Outcome, CommandError>) -> &'static str {
    match answered {
        Ok(Outcome::Done) => SPOKEN,
        Ok(Outcome::NotSupported) => {
            "«La chiamiamo» non è stato detto in casa: la scatola non ha voce."
        }
        Ok(Outcome::NotConnected | Outcome::Busy | Outcome::OutOfRange) => {
            "«La chiamiamo» non è stato detto in casa: la scatola non l'ha accolto."
        }
        Err(CommandError::NoSession | CommandError::TooMany) => {
            "«La chiamiamo» non è stato detto in casa: la scatola non è collegata."
        }
        Err(CommandError::Gone | CommandError::NoAnswer(_)) => {
            "«La chiamiamo» è stato inviato in casa: la scatola non ha risposto."
        }
    }
}
