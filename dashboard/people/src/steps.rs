//! A sign-in that stands between its password and its code. It is no session and opens no page: a
//! row of its own table, for a few minutes.

use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::code_rows::step;
use crate::rows::staff;
use crate::sessions::{OpenError, Token};
use crate::staff::Staff;

/// How long a code may be looked for, in milliseconds: to find the telephone and wait for the next
/// code.
pub const STEP_MS: i64 = 10 * 60 * 1_000;

const PEOPLE: Actor = Actor::System("people");

/// The password was right: a code is waited for.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(record: &Database, staff: &Staff, now: WallMs) -> Result<Token, OpenError> {
    let token = Token::random().map_err(OpenError::Random)?;
    let row = &step::Model {
        token_hash: token.hash(),
        staff_id: staff.id.get(),
        opened_at_ms: now.0,
    };
    let actor = staff.actor();
    let opened = record.run_tx("step.open", &actor, move |tx| {
        Box::pin(async move {
            let over = step::Column::OpenedAtMs.lte(now.plus_ms(-STEP_MS).0);
            step::Entity::delete_many().filter(over).exec(tx).await?;
            step::Entity::insert(row.clone().into_active_model())
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    });
    opened.await.map_err(OpenError::Store)?;
    Ok(token)
}

/// Who is signing in, if the password was shown a short while ago.
///
/// # Errors
/// What the database reports.
pub async fn whose(
    record: &Database,
    token: &Token,
    now: WallMs,
) -> Result<Option<Staff>, TxError> {
    let hash = &token.hash();
    let found = record.read_tx("step.whose", &PEOPLE, move |tx| {
        Box::pin(async move {
            let Some(row) = step::Entity::find_by_id(hash.clone()).one(tx).await? else {
                return Ok(None);
            };
            if now.since(WallMs(row.opened_at_ms)) >= STEP_MS {
                return Ok(None);
            }
            Ok(staff::Entity::find_by_id(row.staff_id).one(tx).await?)
        })
    });
    Ok(found.await?.and_then(Staff::from_row))
}

/// It is done with.
///
/// # Errors
/// What the database reports; it ends by itself then.
pub async fn end(record: &Database, staff: &Staff, token: &Token) -> Result<(), TxError> {
    let hash = &token.hash();
    record
        .run_tx("step.end", &staff.actor(), move |tx| {
            Box::pin(async move {
                step::Entity::delete_by_id(hash.clone()).exec(tx).await?;
                Ok(())
            })
        })
        .await
}
