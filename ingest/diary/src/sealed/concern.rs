//! Whether somebody is still a concern of the centre: looked for in the transaction that would
//! forget them, so that nobody is taken up again between the look and the forgetting.
//!
//! It looks at rows as they are and through no veil: what is hidden keeps somebody all the same. A
//! plan alone is no concern, because it has no end; that it was written is a line of the diary.

use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::Query;
use veglia_store::sea_orm::{EntityTrait, ExprTrait, QueryOrder, QuerySelect, QueryTrait};
use veglia_store::{Tx, TxError};
use veglia_triage::{PatientId, Whereabouts};
use veglia_wire::WallMs;

use crate::rows::{
    alert, assignment, assignment_end, assignment_member, entry, flag, flag_event, open_flag, page,
    plan, standing,
};

/// Whose concern somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// Something is open that calls people.
    Open,
    /// Not discharged and alive, or with a device.
    Followed,
    /// Nobody's any more.
    Past {
        /// When the last line of the diary was written; none of an empty diary.
        last: Option<WallMs>,
    },
}

/// Whose concern a patient is, within a transaction.
///
/// # Errors
/// What the database reports.
pub async fn concern_in(tx: &Tx<'_>, patient: PatientId) -> Result<Concern, TxError> {
    let patient = patient.to_string();
    let last = last_line(tx, &patient).await?;
    if is_open(tx, &patient).await? {
        return Ok(Concern::Open);
    }
    let stood = standing::Entity::find()
        .filter(standing::Column::Patient.eq(&patient))
        .order_by_desc(standing::Column::Number);
    let stood = stood.one(tx).await?;
    let is_gone = stood.is_some_and(|row| {
        [Whereabouts::Discharged, Whereabouts::Deceased]
            .iter()
            .any(|place| row.whereabouts == place.name())
    });
    if !is_gone || has_device(tx, &patient).await? {
        return Ok(Concern::Followed);
    }
    Ok(Concern::Past { last })
}

async fn is_open(tx: &Tx<'_>, patient: &str) -> Result<bool, TxError> {
    let alerts = alert::Entity::find()
        .filter(alert::Column::Patient.eq(patient))
        .filter(alert::Column::OpenKey.is_not_null());
    if alerts.one(tx).await?.is_some() {
        return Ok(true);
    }
    let mut theirs = Query::select();
    theirs
        .column(flag::Column::Id)
        .from(flag::Entity)
        .and_where(flag::Column::Patient.eq(patient));
    let flags =
        open_flag::Entity::find().filter(open_flag::Column::FlagId.in_subquery(theirs.take()));
    Ok(flags.one(tx).await?.is_some())
}

/// Whether they have a device, alone or with their household. Those of a name of their own, by
/// which they tell or type their values, are theirs for ever and are no sign of being watched.
async fn has_device(tx: &Tx<'_>, patient: &str) -> Result<bool, TxError> {
    let shared = assignment_member::Entity::find()
        .filter(assignment_member::Column::Patient.eq(patient))
        .select_only()
        .column(assignment_member::Column::AssignmentId)
        .into_query();
    let ended = assignment_end::Entity::find()
        .select_only()
        .column(assignment_end::Column::AssignmentId)
        .into_query();
    let theirs = assignment::Column::Patient.eq(patient);
    let kept = assignment::Entity::find()
        .filter(theirs.or(assignment::Column::Id.in_subquery(shared)))
        .filter(assignment::Column::Id.not_in_subquery(ended));
    let is_own_voice = |row: &assignment::Model| {
        row.device.starts_with("phone:") || row.device.starts_with("hand:")
    };
    Ok(!kept.all(tx).await?.iter().all(is_own_voice))
}

/// The moment of the last thing that was written of somebody.
async fn last_line(tx: &Tx<'_>, patient: &str) -> Result<Option<WallMs>, TxError> {
    let told = flag_event::Entity::find().filter(flag_event::Column::Patient.eq(patient));
    let acts = entry::Entity::find().filter(entry::Column::Patient.eq(patient));
    let pages = page::Entity::find().filter(page::Column::Patient.eq(patient));
    let plans = plan::Entity::find().filter(plan::Column::Patient.eq(patient));
    let stays = standing::Entity::find().filter(standing::Column::Patient.eq(patient));
    let given = assignment::Entity::find().filter(assignment::Column::Patient.eq(patient));
    let ids = given
        .clone()
        .select_only()
        .column(assignment::Column::Id)
        .into_query();
    let returned = assignment_end::Entity::find()
        .filter(assignment_end::Column::AssignmentId.in_subquery(ids));
    let moments = [
        newest(tx, told, flag_event::Column::ToldAtMs).await?,
        newest(tx, acts, entry::Column::AtMs).await?,
        newest(tx, pages, page::Column::AtMs).await?,
        newest(tx, plans, plan::Column::CreatedAtMs).await?,
        newest(tx, stays, standing::Column::CreatedAtMs).await?,
        newest(tx, given, assignment::Column::CreatedAtMs).await?,
        newest(tx, returned, assignment_end::Column::CreatedAtMs).await?,
    ];
    Ok(moments.into_iter().flatten().max().map(WallMs))
}

async fn newest<E: EntityTrait>(
    tx: &Tx<'_>,
    rows: Select<E>,
    moment: E::Column,
) -> Result<Option<i64>, TxError> {
    let newest = rows
        .select_only()
        .column(moment)
        .order_by_desc(moment)
        .limit(1)
        .into_tuple::<i64>();
    Ok(newest.one(tx).await?)
}
