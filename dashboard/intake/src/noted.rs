//! What is told to the diary once, by the name of the form that said it: of a form that was sent
//! twice there is one line. Whoever dies between the line and the note of it leaves a second line
//! behind: that is better than none.

use veglia_diary::{ActRefused, ReadError};
use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Database, TxError};

use crate::rows::noted::{Entity, Model};
use crate::said::CallId;

/// Tells the diary by `telling`, unless it was told.
///
/// # Errors
/// The diary did not answer: it is told when the form is sent again. A refusal is no error: what
/// the form said is kept here all the same.
pub(crate) async fn once(
    record: &Database,
    actor: &Actor,
    form: &CallId,
    telling: impl Future<Output = Result<(), ActRefused>>,
) -> Result<(), ReadError> {
    if is_noted(record, actor, form).await? {
        return Ok(());
    }
    match telling.await {
        Ok(()) => {}
        Err(ActRefused::Read(fault)) => return Err(fault),
        Err(refused) => tracing::info!(%refused, "a call has no line in the diary"),
    }
    Ok(note(record, actor, form).await?)
}

async fn is_noted(record: &Database, actor: &Actor, form: &CallId) -> Result<bool, TxError> {
    let read = record.read_tx("intake.is_noted", actor, move |tx| {
        Box::pin(async move { Ok(Entity::find_by_id(form.as_str()).one(tx).await?) })
    });
    Ok(read.await?.is_some())
}

async fn note(record: &Database, actor: &Actor, form: &CallId) -> Result<(), TxError> {
    let written = record.run_tx("intake.noted", actor, move |tx| {
        Box::pin(async move {
            // Of two forms at once one was as fast.
            if Entity::find_by_id(form.as_str()).one(tx).await?.is_none() {
                let row = Model {
                    form: form.to_string(),
                };
                Entity::insert(row.into_active_model())
                    .exec_without_returning(tx)
                    .await?;
            }
            Ok(())
        })
    });
    written.await
}
