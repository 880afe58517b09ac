//! What a program does about a flag or a patient, in the name of its account.
//!
//! The diary decides, and of two who act at once tells one who was first ([`Refused`]).

use serde::Deserialize;
use thiserror::Error;
use utoipa::ToSchema;
use veglia_diary::{
    ActRefused, CallOutcome, EntryId, HomeService, Whom, ask_repeat, close, correct, escalate,
    hand_over, note_call, record_call, refer, snooze, take_charge, write_note,
};
use veglia_people::staff;
use veglia_store::{Actor, Database, TxError};
use veglia_view::{FlagId, PatientId, VitalKind, WallMs};

use crate::Vital;

const MINUTE_MS: i64 = 60_000;

/// Who was telephoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Callee {
    /// The patient.
    Patient,
    /// Whoever the patient named to be called.
    Contact,
    /// Whoever has a key to the home.
    KeyHolder,
    /// The family doctor.
    FamilyDoctor,
    /// 112.
    Emergency,
}

impl From<Callee> for Whom {
    fn from(callee: Callee) -> Self {
        match callee {
            Callee::Patient => Self::Patient,
            Callee::Contact => Self::Contact,
            Callee::KeyHolder => Self::KeyHolder,
            Callee::FamilyDoctor => Self::FamilyDoctor,
            Callee::Emergency => Self::Emergency,
        }
    }
}

/// How a telephone call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Situation {
    /// Reached, and there is no cause for worry.
    Well,
    /// Reached, and not well.
    Unwell,
    /// Nobody answered.
    NoAnswer,
    /// Help is on its way.
    HelpSent,
}

impl From<Situation> for CallOutcome {
    fn from(situation: Situation) -> Self {
        match situation {
            Situation::Well => Self::Well,
            Situation::Unwell => Self::Unwell,
            Situation::NoAnswer => Self::NoAnswer,
            Situation::HelpSent => Self::HelpSent,
        }
    }
}

/// Who goes to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// A doctor at home (*USCA*).
    SpecialUnit,
    /// Nursing at home (*ADI*).
    HomeCare,
    /// Oxygen delivered and fitted.
    Oxygen,
    /// A swab at home.
    Swab,
    /// Social services of the Comune.
    Social,
    /// Shopping and medicines.
    Errands,
    /// Psychological support.
    Psychology,
}

impl From<Service> for HomeService {
    fn from(service: Service) -> Self {
        match service {
            Service::SpecialUnit => Self::SpecialUnit,
            Service::HomeCare => Self::HomeCare,
            Service::Oxygen => Self::Oxygen,
            Service::Swab => Self::Swab,
            Service::Social => Self::Social,
            Service::Errands => Self::Errands,
            Service::Psychology => Self::Psychology,
        }
    }
}

/// What is done. Words are 1 to 4000 characters; those that may be empty say so.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Takes charge of a flag, or goes on having it.
    #[schema(title = "TakeCharge")]
    TakeCharge {
        /// Which.
        flag: String,
    },
    /// Says what came of a telephone call.
    #[schema(title = "Call")]
    Call {
        /// About which flag; without it, about the patient.
        flag: Option<String>,
        /// Who was called.
        whom: Callee,
        /// How it ended.
        outcome: Situation,
        /// May be empty.
        #[serde(default)]
        #[schema(max_length = 4000)]
        words: String,
    },
    /// Asks for another measurement; devices that take orders measure at once.
    #[schema(title = "AskRepeat")]
    AskRepeat {
        /// About which flag; without it, about the patient.
        flag: Option<String>,
        /// Of what.
        vital: Vital,
        /// May be empty.
        #[serde(default)]
        #[schema(max_length = 4000)]
        words: String,
    },
    /// Asks a service to see to the patient at home.
    #[schema(title = "Refer")]
    Refer {
        /// About which flag; without it, about the patient.
        flag: Option<String>,
        /// Which service.
        service: Service,
        /// Why.
        #[schema(min_length = 1, max_length = 4000)]
        words: String,
    },
    /// Keeps a flag quiet for a while.
    #[schema(title = "Snooze")]
    Snooze {
        /// Which.
        flag: String,
        /// For so long; the longest depends on how grave it is.
        #[schema(minimum = 1, maximum = 1440)]
        minutes: u16,
        /// Why.
        #[schema(min_length = 1, max_length = 4000)]
        words: String,
    },
    /// Asks for the doctor on duty.
    #[schema(title = "Escalate")]
    Escalate {
        /// About which flag.
        flag: String,
        /// May be empty.
        #[serde(default)]
        #[schema(max_length = 4000)]
        words: String,
    },
    /// Gives a flag to a colleague.
    #[schema(title = "HandOver")]
    HandOver {
        /// Which.
        flag: String,
        /// To whom: the number after `staff:`.
        to: i64,
        /// May be empty.
        #[serde(default)]
        #[schema(max_length = 4000)]
        words: String,
    },
    /// Closes a flag that was seen as it is.
    #[schema(title = "Close")]
    Close {
        /// Which.
        flag: String,
        /// Its `telling` when it was read: a flag that has changed since is not closed.
        telling: u32,
        /// Why.
        #[schema(min_length = 1, max_length = 4000)]
        words: String,
    },
    /// Writes a note.
    #[schema(title = "WriteNote")]
    Note {
        /// About which flag; without it, about the patient.
        flag: Option<String>,
        /// What.
        #[schema(min_length = 1, max_length = 4000)]
        words: String,
    },
    /// Corrects what an entry of the diary says; the entry stays.
    #[schema(title = "Correct")]
    Correct {
        /// The number of the entry.
        entry: i64,
        /// What is right.
        #[schema(min_length = 1, max_length = 4000)]
        words: String,
    },
}

/// An act, where it is done and by whom.
#[derive(Debug, Clone, Copy)]
pub struct ActAsk<'a> {
    /// The record.
    pub record: &'a Database,
    /// Who.
    pub actor: &'a Actor,
    /// About whom.
    pub patient: PatientId,
    /// When, by the clock of care.
    pub at: WallMs,
}

/// Why nothing was written.
#[derive(Debug, Error)]
pub enum Refused {
    /// It names a flag that is not this patient's.
    #[error("there is no such flag of this patient")]
    Flag,
    /// It names a colleague who has no account, or no longer.
    #[error("nobody works here under this number")]
    Colleague,
    /// The diary refuses, or does not answer.
    #[error("the diary did not take it")]
    Diary(#[source] ActRefused),
    /// Who works here was not read.
    #[error("who works here was not read")]
    Staff(#[source] TxError),
}

impl Act {
    /// What a patient's devices are to measure after this act, if anything.
    #[must_use]
    pub fn measures_again(&self) -> Option<VitalKind> {
        match self {
            Self::AskRepeat { vital, .. } => Some((*vital).into()),
            _ => None,
        }
    }

    /// The flag that it is about, if it is about one.
    fn about(&self, patient: PatientId) -> Result<Option<FlagId>, Refused> {
        let named = match self {
            Self::TakeCharge { flag }
            | Self::Snooze { flag, .. }
            | Self::Escalate { flag, .. }
            | Self::HandOver { flag, .. }
            | Self::Close { flag, .. } => Some(flag.as_str()),
            Self::Call { flag, .. }
            | Self::AskRepeat { flag, .. }
            | Self::Refer { flag, .. }
            | Self::Note { flag, .. } => flag.as_deref(),
            Self::Correct { .. } => None,
        };
        let Some(named) = named else {
            return Ok(None);
        };
        let flag: FlagId = named.parse().map_err(|_| Refused::Flag)?;
        // An act can name any flag; its address is about one patient.
        let is_theirs = flag.patient == patient;
        is_theirs.then_some(Some(flag)).ok_or(Refused::Flag)
    }
}

/// Does it.
///
/// # Errors
/// See [`Refused`]; nothing was written then.
pub async fn perform(ask: ActAsk<'_>, act: &Act) -> Result<(), Refused> {
    let flag = act.about(ask.patient)?;
    let (record, actor, patient, at) = (ask.record, ask.actor, ask.patient, ask.at);
    let done = match (act, flag.as_ref()) {
        (Act::TakeCharge { .. }, Some(flag)) => take_charge(record, actor, flag, at).await,
        (
            Act::Call {
                whom,
                outcome,
                words,
                ..
            },
            flag,
        ) => {
            let call = ((*whom).into(), (*outcome).into());
            match flag {
                Some(flag) => record_call(record, actor, flag, call, words, at).await,
                None => note_call(record, actor, patient, call, words, at).await,
            }
        }
        (Act::AskRepeat { vital, words, .. }, flag) => {
            ask_repeat(record, actor, patient, flag, (*vital).into(), words, at).await
        }
        (Act::Refer { service, words, .. }, flag) => {
            refer(record, actor, patient, flag, (*service).into(), words, at).await
        }
        (Act::Snooze { minutes, words, .. }, Some(flag)) => {
            let until = at.plus_ms(i64::from(*minutes) * MINUTE_MS);
            snooze(record, actor, flag, until, words, at).await
        }
        (Act::Escalate { words, .. }, Some(flag)) => escalate(record, actor, flag, words, at).await,
        (Act::HandOver { to, words, .. }, Some(flag)) => {
            is_colleague(ask, *to).await?;
            hand_over(record, actor, flag, *to, words, at).await
        }
        (Act::Close { telling, words, .. }, Some(flag)) => {
            close(record, actor, flag, *telling, words, at).await
        }
        (Act::Note { words, .. }, flag) => {
            write_note(record, actor, patient, flag, words, at).await
        }
        (Act::Correct { entry, words }, _) => {
            correct(record, actor, patient, EntryId(*entry), words, at).await
        }
        // Of these the name of a flag is no choice.
        (
            Act::TakeCharge { .. }
            | Act::Snooze { .. }
            | Act::Escalate { .. }
            | Act::HandOver { .. }
            | Act::Close { .. },
            None,
        ) => return Err(Refused::Flag),
    };
    done.map_err(Refused::Diary)
}

/// Somebody who may be given a flag.
async fn is_colleague(ask: ActAsk<'_>, to: i64) -> Result<(), Refused> {
    let staff = staff::active(ask.record, ask.actor).await;
    let staff = staff.map_err(Refused::Staff)?;
    let is_known = staff.iter().any(|it| it.id.get() == to);
    is_known.then_some(()).ok_or(Refused::Colleague)
}
