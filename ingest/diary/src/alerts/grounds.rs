//! What an alert goes by that is no alert's own: where its patient is, and whom the plan calls.
//!
//! Both are rows of the diary and may change while an alert is open; whoever writes one moves the
//! open alerts of the patient in the same transaction, so that no timer fires in between. Pages
//! that were called before and that nobody needs any more are recalled: whoever delivers asks
//! ([`recalled`]) before it sends.

use veglia_store::sea_orm::IntoActiveModel;
use veglia_store::sea_orm::QuerySelect;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::OnConflict;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::PatientId;
use veglia_wire::WallMs;

use super::pages::{PageId, PageWhy};
use super::{ALERTS_MAX, NAMES_PER_QUERY, apply, state};
use crate::error::ReadError;
use crate::ladder::Input;
use crate::rows::{alert, page, page_event};
use crate::{plans, standings};

/// What becomes of a page that nobody needs any more.
const RECALLED: &str = "recalled";

/// Why, for whoever reads the row.
const NOT_AT_HOME: &str = "the patient is not at home";

/// Tells an alert where its patient is and whom the plan calls, if it does not know. Returns its
/// row as it is then.
pub(super) async fn settle(
    tx: &Tx<'_>,
    row: alert::Model,
    now: WallMs,
) -> Result<alert::Model, TxError> {
    let patient = patient_of(&row)?;
    let known = state(&row).map_err(TxError::refuse)?;
    let calling = plans::calling_of(tx, patient, now).await?;
    let whereabouts = standings::whereabouts_of(tx, patient, now).await?;
    let mut row = row;
    if calling != known.calling {
        row = told(tx, row, &Input::Planned { calling }, now).await?;
    }
    if whereabouts != known.whereabouts {
        let (id, was_home) = (row.id, !known.is_away());
        row = told(tx, row, &Input::Stands { whereabouts }, now).await?;
        if was_home {
            recall(tx, id, now).await?;
        }
    }
    Ok(row)
}

/// The same for every open alert of a patient.
pub(crate) async fn settle_all(
    tx: &Tx<'_>,
    patient: PatientId,
    now: WallMs,
) -> Result<(), TxError> {
    let open = alert::Entity::find()
        .filter(alert::Column::Patient.eq(patient.to_string()))
        .filter(alert::Column::OpenKey.is_not_null())
        .limit(ALERTS_MAX);
    for row in open.all(tx).await? {
        settle(tx, row, now).await?;
    }
    Ok(())
}

/// Moves an alert; its row as it is then.
pub(super) async fn told(
    tx: &Tx<'_>,
    row: alert::Model,
    input: &Input,
    now: WallMs,
) -> Result<alert::Model, TxError> {
    let (id, flag_id) = (row.id, row.flag_id.clone());
    apply(tx, row, input, now).await?;
    let row = alert::Entity::find_by_id(id).one(tx).await?;
    let row = row.ok_or_else(|| TxError::refuse(ReadError::damaged("alert", id)))?;
    Ok(alert::Model { flag_id, ..row })
}

fn patient_of(row: &alert::Model) -> Result<PatientId, TxError> {
    let patient = row.patient.parse();
    patient.map_err(|_| TxError::refuse(ReadError::damaged("alert", row.id)))
}

/// Nobody needs the pages of an alert any more, but for digests, which speak of others too.
async fn recall(tx: &Tx<'_>, alert: i64, now: WallMs) -> Result<(), TxError> {
    let pages = page::Entity::find()
        .filter(page::Column::AlertId.eq(alert))
        .filter(page::Column::Why.ne(PageWhy::Digest.code()));
    for page in pages.all(tx).await? {
        let row = page_event::Model {
            page_id: page.id,
            what: RECALLED.to_owned(),
            at_ms: now.0,
            actor: tx.actor().to_string(),
            reason: NOT_AT_HOME.to_owned(),
        };
        let key = [page_event::Column::PageId, page_event::Column::What];
        let known = OnConflict::columns(key).do_nothing().to_owned();
        page_event::Entity::insert(row.into_active_model())
            .on_conflict(known)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Whether nobody needs a page any more.
pub(super) async fn is_recalled(tx: &Tx<'_>, page: PageId) -> Result<bool, TxError> {
    let row = page_event::Entity::find()
        .filter(page_event::Column::PageId.eq(page.0))
        .filter(page_event::Column::What.eq(RECALLED));
    Ok(row.one(tx).await?.is_some())
}

/// Of these pages, those that nobody needs any more: they are not sent, and what waits of them is
/// withdrawn.
///
/// # Errors
/// See [`ReadError`].
pub async fn recalled(
    record: &Database,
    actor: &Actor,
    among: &[PageId],
) -> Result<Vec<PageId>, ReadError> {
    let read = record.read_tx("diary.recalled", actor, move |tx| {
        Box::pin(async move {
            let mut recalled = Vec::new();
            for some in among.chunks(NAMES_PER_QUERY) {
                let rows = page_event::Entity::find()
                    .filter(page_event::Column::PageId.is_in(some.iter().map(|page| page.0)))
                    .filter(page_event::Column::What.eq(RECALLED));
                recalled.extend(rows.all(tx).await?.iter().map(|row| PageId(row.page_id)));
            }
            Ok(recalled)
        })
    });
    Ok(read.await?)
}
