//! Whom somebody of the centre has to telephone, because no SMS reaches them: a landline, no number
//! at all, or a message that did not arrive. Whoever has called says so, once. Nobody calls about
//! somebody who is in hospital or deceased.
//!
//! The case is in the access log before its person is named.

use askama::Template;
use veglia_diary::whereabouts_at;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Access, Actor, Database, TxError};
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::WORDS;
use crate::cases::CaseId;
use crate::invitation::{State, addressee, is_not_for};
use crate::rows::invitation;

/// Calls on the page; the rest come up when these were made.
const SHOWN: usize = 100;

/// Invitations looked at for them: some are of people in hospital, or deceased.
const LOOKED_AT: u64 = 1_000;

/// Why somebody reads, in the access log.
const READ: &str = "case.call";

/// The list.
#[derive(Template)]
#[template(path = "calls.html")]
pub struct CallsPage {
    w: Words,
    calls: Vec<Call>,
}

struct Call {
    id: i64,
    called: String,
    code: String,
    phone: Option<String>,
    why: Key,
    swab: String,
}

impl CallsPage {
    /// Whom to telephone now, who waits longest first.
    ///
    /// # Errors
    /// What the database reports; then nobody is named.
    pub async fn load(
        record: &Database,
        actor: &Actor,
        language: Language,
        now: WallMs,
    ) -> Result<Self, TxError> {
        let named = record.read_tx("calls.list", actor, |tx| {
            Box::pin(async move {
                let waiting = invitation::Entity::find()
                    .filter(invitation::Column::State.eq(State::Call.code()))
                    .order_by_asc(invitation::Column::Id)
                    .limit(LOOKED_AT)
                    .all(tx)
                    .await?;
                let mut named = Vec::with_capacity(waiting.len());
                for row in waiting {
                    // Of a number that no positive names any more nobody is called.
                    let positive = addressee(tx, &row).await?;
                    named.extend(positive.map(|positive| (row, positive)));
                }
                Ok(named)
            })
        });
        let named = named.await?;
        let places = whereabouts_at(record, actor, now).await;
        let places = places.map_err(TxError::refuse)?;
        let mut listed = Vec::new();
        for (row, positive) in named {
            let reason = is_not_for(record, actor, &places, &positive.code).await?;
            if reason.is_none() && listed.len() < SHOWN {
                listed.push((row, positive));
            }
        }
        let subjects = listed
            .iter()
            .map(|(row, _)| CaseId(row.case_id).to_string());
        let subjects: Vec<String> = subjects.collect();
        let accesses = subjects.iter().map(|subject| Access {
            at_ms: now.0,
            purpose: READ,
            subject,
        });
        let accesses: Vec<Access<'_>> = accesses.collect();
        record.log_accesses(actor, &accesses).await?;
        let calls = listed.into_iter().map(|(row, positive)| Call {
            id: row.id,
            called: format!("{} {}", positive.surname, positive.name)
                .trim()
                .to_owned(),
            code: positive.code,
            why: why(row.phone.as_deref()),
            phone: row.phone,
            swab: language.day(WallMs(positive.taken_at_ms)),
        });
        Ok(Self {
            w: WORDS.speaking(language),
            calls: calls.collect(),
        })
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("calls-title").into_owned()
    }
}

fn why(phone: Option<&str>) -> Key {
    let phone = phone.and_then(|phone| phone.parse::<veglia_people::Phone>().ok());
    match phone {
        None => Key("calls-no-number"),
        Some(phone) if phone.takes_sms() => Key("calls-not-arrived"),
        Some(_) => Key("calls-landline"),
    }
}

/// Writes that somebody was called; whether they were on the list.
///
/// # Errors
/// What the database reports.
pub async fn called(
    record: &Database,
    actor: &Actor,
    invitation: i64,
    now: WallMs,
) -> Result<bool, TxError> {
    let written = record.run_tx("calls.called", actor, move |tx| {
        Box::pin(async move {
            let done = invitation::Entity::update_many()
                .col_expr(invitation::Column::State, Expr::value(State::Called.code()))
                .col_expr(invitation::Column::CalledAtMs, Expr::value(now.0))
                .col_expr(
                    invitation::Column::CalledBy,
                    Expr::value(tx.actor().to_string()),
                )
                .filter(invitation::Column::Id.eq(invitation))
                .filter(invitation::Column::State.eq(State::Call.code()))
                .exec(tx)
                .await?;
            Ok(done.rows_affected > 0)
        })
    });
    written.await
}
