//! Invitations: that a number is to be written to about a case, once; and the task that does it.
//!
//! ```text
//! invite, with the result ─▶ waiting ─▶ Inviter ─▶ notify: an SMS with a personal link
//!                               │                    └─ failed ─▶ call
//!                               ├─ a landline, or no number ─▶ call ─▶ called
//!                               ├─ in hospital ─▶ away ─▶ looked at again
//!                               ├─ deceased ─▶ withheld
//!                               └─ corrected by the laboratory ─▶ withdrawn
//! ```
//! Whom it is for is read from the case at the moment of sending.
//!
//! The SMS says that there is a message and where; nothing of health is in it, and the link alone
//! opens nothing. A link is made when the message is, and the table has only its hash: a crash
//! between both makes another, and the first was sent to nobody.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use thiserror::Error;
use veglia_diary::{ReadError, whereabouts_at};
use veglia_notify::{EnqueueError, Event, Happened, Key, Message, MessageError, NewDelivery};
use veglia_people::contacts::{Address, Channel};
use veglia_people::{CodiceFiscale, Phone, patients};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{Condition, IntoActiveModel, QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_view::{CareClock, PatientId, Whereabouts};
use veglia_wire::WallMs;

use crate::result::Finding;
use crate::rows::{invitation, link, result};
use crate::secret::Secret;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks after which those in hospital are looked at again: about ten minutes.
const AGAIN_LOOKS: u32 = 600;

/// Invitations sent in one look.
const AT_ONCE: u64 = 100;

/// How long a personal link fills in the number: longer than the longest isolation.
pub(crate) const LINK_MS: i64 = 45 * 24 * 3_600 * 1_000;

const EVENTS_CURSOR: &str = "isolation.events";

const ACTOR: Actor = Actor::System("isolation");

const SUBJECT: &str = "Veglia";

/// What is said; the link follows.
const WORDS: &str = "ATS Milano: c'è una comunicazione per lei. Entri con il suo Codice Fiscale \
    e il codice che riceverà:";

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Sent,
    /// In hospital: nobody writes to them about swabs there.
    Away,
    /// Deceased: nobody writes to that telephone any more.
    Withheld,
    /// Somebody has to telephone.
    Call,
    /// Somebody has telephoned.
    Called,
    /// The laboratory has corrected the number, the person or the finding before it was sent.
    Withdrawn,
}

impl State {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Away => "away",
            Self::Withheld => "withheld",
            Self::Call => "call",
            Self::Called => "called",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Those of which nobody was told yet.
    const OPEN: [Self; 3] = [Self::Waiting, Self::Away, Self::Call];
}

/// Makes the invitations of a case what its newest positives ask for: each number once, and a call
/// where none is known. What no positive names any more is withdrawn, unless it was sent.
pub(crate) async fn invite(tx: &Tx<'_>, case: i64, now: WallMs) -> Result<(), TxError> {
    let positives = result::Entity::find()
        .filter(positive_of(case))
        .order_by_asc(result::Column::Id);
    let positives = positives.all(tx).await?;
    let mut wanted: Vec<Option<String>> = Vec::new();
    for number in positives.iter().filter_map(|it| it.phone.clone()) {
        if !wanted.contains(&Some(number.clone())) {
            wanted.push(Some(number));
        }
    }
    if wanted.is_empty() && !positives.is_empty() {
        wanted.push(None);
    }
    let of_case = invitation::Entity::find()
        .filter(invitation::Column::CaseId.eq(case))
        .filter(invitation::Column::State.ne(State::Withdrawn.code()));
    for row in of_case.all(tx).await? {
        if wanted.contains(&row.phone) {
            wanted.retain(|number| *number != row.phone);
            continue;
        }
        invitation::Entity::update_many()
            .col_expr(
                invitation::Column::State,
                Expr::value(State::Withdrawn.code()),
            )
            .filter(invitation::Column::Id.eq(row.id))
            .filter(invitation::Column::State.is_in(State::OPEN.map(State::code)))
            .exec(tx)
            .await?;
    }
    for number in wanted {
        let phone = number.as_deref().and_then(|it| it.parse::<Phone>().ok());
        let state = match phone {
            Some(phone) if phone.takes_sms() => State::Waiting,
            _ => State::Call,
        };
        let row = invitation::ActiveModel {
            id: NotSet,
            case_id: Set(case),
            phone: Set(number),
            state: Set(state.code().to_owned()),
            at_ms: Set(now.0),
            called_at_ms: Set(None),
            called_by: Set(None),
        };
        invitation::Entity::insert(row)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

fn positive_of(case: i64) -> Condition {
    Condition::all()
        .add(result::Column::CaseId.eq(case))
        .add(result::Column::IsNewest.eq(true))
        .add(result::Column::Finding.eq(Finding::Positive.code()))
}

/// Whom an invitation is for as the case is now; nobody when no positive names its number any more.
pub(crate) async fn addressee(
    tx: &Tx<'_>,
    row: &invitation::Model,
) -> Result<Option<result::Model>, TxError> {
    let is_number = match &row.phone {
        Some(phone) => result::Column::Phone.eq(phone.as_str()),
        None => result::Column::Phone.is_null(),
    };
    let positives = result::Entity::find()
        .filter(positive_of(row.case_id))
        .filter(is_number)
        .order_by_asc(result::Column::TakenAtMs);
    Ok(positives.one(tx).await?)
}

/// Where those are whom the centre knows, at a moment.
pub(crate) type Places = HashMap<PatientId, Whereabouts>;

/// Why nobody writes to, or calls, whoever has this code, if the centre knows of a reason.
pub(crate) async fn is_not_for(
    record: &Database,
    actor: &Actor,
    places: &Places,
    code: &str,
) -> Result<Option<State>, TxError> {
    let Ok(code) = code.parse::<CodiceFiscale>() else {
        return Ok(None);
    };
    let Some(person) = patients::number_of(record, actor, &code).await? else {
        return Ok(None);
    };
    let patient = person.to_string().parse::<PatientId>().ok();
    Ok(match patient.and_then(|patient| places.get(&patient)) {
        Some(Whereabouts::InHospital) => Some(State::Away),
        Some(Whereabouts::Deceased) => Some(State::Withheld),
        _ => None,
    })
}

/// Writes to whoever is to be invited; one at a record.
pub struct Inviter {
    record: Database,
    care: CareClock,
    /// The address of the page that a link opens, before its secret.
    page: String,
}

/// Why nobody was written to; it is tried again.
#[derive(Debug, Error)]
enum InviterError {
    #[error("the record did not answer")]
    Record(#[source] TxError),
    #[error("the diary did not answer")]
    Diary(#[source] ReadError),
    #[error("the outbox did not take a message")]
    Outbox(#[source] EnqueueError),
    #[error("an invitation cannot be said")]
    Message(#[source] MessageError),
    #[error("no link could be made")]
    Random(#[source] getrandom::Error),
}

impl Inviter {
    /// `page` is the address of the page that links open, as browsers reach it.
    #[must_use]
    pub fn new(record: Database, care: CareClock, page: String) -> Self {
        Self { record, care, page }
    }

    /// Works until it is dropped.
    pub async fn run(self) {
        let mut was_well = true;
        for looks in (0..AGAIN_LOOKS).cycle() {
            let round = self.round(looks == 0).await;
            if let Err(error) = &round
                && was_well
            {
                let cause = error.source().map(ToString::to_string);
                tracing::error!(%error, cause, "whoever tested positive is not invited");
            }
            was_well = round.is_ok();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Writes to all who wait, and follows what became of what was written.
    async fn round(&self, looks_again: bool) -> Result<(), InviterError> {
        if looks_again {
            self.look_again().await?;
        }
        let waiting = self.record.read_tx("invitations.waiting", &ACTOR, |tx| {
            Box::pin(async move {
                let rows = invitation::Entity::find()
                    .filter(invitation::Column::State.eq(State::Waiting.code()))
                    .order_by_asc(invitation::Column::Id)
                    .limit(AT_ONCE);
                Ok(rows.all(tx).await?)
            })
        });
        // One that cannot be written to stops neither the others nor the calls.
        let mut written = Ok(());
        for row in waiting.await.map_err(InviterError::Record)? {
            written = written.and(self.write_to(&row).await);
        }
        self.follow().await.and(written)
    }

    async fn write_to(&self, row: &invitation::Model) -> Result<(), InviterError> {
        let phone = row.phone.as_deref().unwrap_or_default();
        let Ok(mobile) = Address::new(Channel::Sms, phone) else {
            return self.settle(row.id, State::Call).await;
        };
        let named = self.record.read_tx("invitations.whose", &ACTOR, move |tx| {
            Box::pin(async move { addressee(tx, row).await })
        });
        let Some(named) = named.await.map_err(InviterError::Record)? else {
            return self.settle(row.id, State::Withdrawn).await;
        };
        let places = whereabouts_at(&self.record, &ACTOR, self.care.now()).await;
        let places = places.map_err(InviterError::Diary)?;
        let reason = is_not_for(&self.record, &ACTOR, &places, &named.code).await;
        if let Some(state) = reason.map_err(InviterError::Record)? {
            return self.settle(row.id, state).await;
        }
        let now = self.care.wall().now();
        let secret = Secret::random().map_err(InviterError::Random)?;
        let made = &link::Model {
            token_hash: secret.hash(),
            case_id: row.case_id,
            phone: phone.to_owned(),
            made_at_ms: now.0,
        };
        let written = self.record.run_tx("invitations.link", &ACTOR, move |tx| {
            Box::pin(async move {
                // Corrected meanwhile: nothing is sent.
                let current = invitation::Entity::find_by_id(row.id).one(tx).await?;
                if current.is_none_or(|it| it.state != State::Waiting.code()) {
                    return Ok(false);
                }
                let over = link::Column::MadeAtMs.lte(now.plus_ms(-LINK_MS).0);
                link::Entity::delete_many().filter(over).exec(tx).await?;
                link::Entity::insert(made.clone().into_active_model())
                    .exec_without_returning(tx)
                    .await?;
                Ok(true)
            })
        });
        if !written.await.map_err(InviterError::Record)? {
            return Ok(());
        }
        let key: Key = about(row.id).parse().map_err(InviterError::Message)?;
        let address = format!("{}/{}", self.page, secret.reveal());
        let delivery = NewDelivery {
            about: key.clone(),
            key,
            recipient: format!("case:{}", row.case_id),
            addresses: vec![mobile],
            message: Message::new(SUBJECT, WORDS, &address).map_err(InviterError::Message)?,
            urgent: false,
            not_before: now,
        };
        let sent = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, now).await;
        if let Err(error) = sent {
            self.forget(&made.token_hash).await?;
            return Err(InviterError::Outbox(error));
        }
        self.settle(row.id, State::Sent).await
    }

    /// Takes back a link that was sent to nobody: it is tried again every second.
    async fn forget(&self, link: &str) -> Result<(), InviterError> {
        let forgotten = self.record.run_tx("invitations.forget", &ACTOR, move |tx| {
            Box::pin(async move {
                link::Entity::delete_by_id(link.to_owned()).exec(tx).await?;
                Ok(())
            })
        });
        forgotten.await.map_err(InviterError::Record)
    }

    async fn look_again(&self) -> Result<(), InviterError> {
        let again = self.record.run_tx("invitations.again", &ACTOR, |tx| {
            Box::pin(async move {
                invitation::Entity::update_many()
                    .col_expr(
                        invitation::Column::State,
                        Expr::value(State::Waiting.code()),
                    )
                    .filter(invitation::Column::State.eq(State::Away.code()))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        });
        again.await.map_err(InviterError::Record)
    }

    async fn follow(&self) -> Result<(), InviterError> {
        let cursor = veglia_notify::cursor(&self.record, &ACTOR, EVENTS_CURSOR).await;
        let after = cursor.map_err(InviterError::Record)?;
        let events = veglia_notify::events_since(&self.record, &ACTOR, after).await;
        let events = events.map_err(InviterError::Record)?;
        for event in &events {
            if let Some(id) = failed(event) {
                self.settle(id, State::Call).await?;
            }
        }
        let Some(last) = events.last() else {
            return Ok(());
        };
        veglia_notify::set_cursor(&self.record, &ACTOR, EVENTS_CURSOR, last.id)
            .await
            .map_err(InviterError::Record)
    }

    async fn settle(&self, id: i64, state: State) -> Result<(), InviterError> {
        let settled = self.record.run_tx("invitations.settle", &ACTOR, move |tx| {
            Box::pin(async move {
                invitation::Entity::update_many()
                    .col_expr(invitation::Column::State, Expr::value(state.code()))
                    .filter(invitation::Column::Id.eq(id))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        });
        settled.await.map_err(InviterError::Record)
    }
}

fn about(id: i64) -> String {
    format!("invitation-{id}")
}

/// The invitation that did not arrive, if this tells of one.
fn failed(event: &Event) -> Option<i64> {
    let number = event.about.as_str().strip_prefix("invitation-")?;
    match event.happened {
        Happened::Failed => number.parse().ok(),
        _ => None,
    }
}
