//! What the diary says of many patients at once, for whoever has a list of their own: a family
//! doctor has fifteen hundred.
//!
//! Statements grow with every few hundred patients or flags, never with each.

use std::collections::{BTreeSet, HashMap};

use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::sea_query::Query;
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_triage::PatientId;
use veglia_wire::WallMs;

use crate::error::ReadError;
use crate::flags::{self, OpenFlag};
use crate::hidden::Veils;
use crate::rows::{flag_event, open_flag, standing};
use crate::sealed::Keys;
use crate::standings::{self, Stood};

/// Names in one statement: below the number of parameters any engine takes.
const NAMES_PER_QUERY: usize = 500;

/// A flag of somebody who was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// The flag, with all that was said of it.
    pub flag: OpenFlag,
    /// Whether it still asks for a person.
    pub is_listed: bool,
}

/// The flags of these patients that ask for a person, or that were raised at or after `since`; in
/// the order of their names.
///
/// # Errors
/// See [`ReadError`].
pub async fn flags_among(
    record: &Database,
    actor: &Actor,
    among: &[PatientId],
    since: WallMs,
) -> Result<Vec<Raised>, ReadError> {
    let names: Vec<String> = among.iter().map(ToString::to_string).collect();
    let names = names.as_slice();
    let read = record.read_tx("diary.flags_among", actor, move |tx| {
        Box::pin(async move {
            let (mut listed, mut all) = (BTreeSet::new(), BTreeSet::new());
            for some in names.chunks(NAMES_PER_QUERY) {
                listed.extend(listed_of(tx, some).await?);
                all.extend(raised_of(tx, some, since).await?);
            }
            all.extend(listed.iter().cloned());
            let all: Vec<String> = all.into_iter().collect();
            let veils = Veils::before(tx, names).await?;
            let mut told = flags::as_told(tx, &all).await?;
            told.retain(|it| !veils.hides_flag(&it.flag.id));
            let told = told.into_iter();
            let raised = told.map(|flag| Raised {
                is_listed: listed.contains(&flag.flag.id.to_string()),
                flag,
            });
            Ok(raised.collect())
        })
    });
    Ok(read.await?)
}

async fn listed_of(tx: &Tx<'_>, patients: &[String]) -> Result<Vec<String>, TxError> {
    let mut theirs = Query::select();
    theirs
        .column(flag_event::Column::FlagId)
        .from(flag_event::Entity)
        .and_where(flag_event::Column::Patient.is_in(patients.iter().cloned()));
    let listed = open_flag::Entity::find()
        .filter(open_flag::Column::FlagId.in_subquery(theirs))
        .all(tx)
        .await?;
    Ok(listed.into_iter().map(|row| row.flag_id).collect())
}

async fn raised_of(
    tx: &Tx<'_>,
    patients: &[String],
    since: WallMs,
) -> Result<Vec<String>, TxError> {
    let raised = flag_event::Entity::find()
        .filter(flag_event::Column::Patient.is_in(patients.iter().cloned()))
        .filter(flag_event::Column::ToldAtMs.gte(since.0))
        .filter(flag_event::Column::What.eq(flags::RAISED))
        .all(tx)
        .await?;
    Ok(raised.into_iter().map(|row| row.flag_id).collect())
}

/// All that was written of where these patients are, the newest first; whoever was never anywhere
/// but at home is not in the answer.
///
/// # Errors
/// See [`ReadError`].
pub async fn standings_among(
    record: &Database,
    actor: &Actor,
    among: &[PatientId],
) -> Result<HashMap<PatientId, Vec<Stood>>, ReadError> {
    let names: Vec<String> = among.iter().map(ToString::to_string).collect();
    let names = names.as_slice();
    let read = record.read_tx("diary.standings_among", actor, move |tx| {
        Box::pin(async move {
            let veils = Veils::before(tx, names).await?;
            let mut keys = Keys::default();
            let mut all: HashMap<PatientId, Vec<Stood>> = HashMap::new();
            let mut newest: HashMap<String, i64> = HashMap::new();
            for some in names.chunks(NAMES_PER_QUERY) {
                let of = standing::Column::Patient.is_in(some.iter().cloned());
                let found = standing::Entity::find().filter(of);
                let found = found.order_by_desc(standing::Column::Number);
                for row in found.all(tx).await? {
                    let newest = *newest.entry(row.patient.clone()).or_insert(row.number);
                    if veils.hides_standing(&row, newest) {
                        continue;
                    }
                    let stood = standings::opened(tx, &mut keys, row).await?;
                    all.entry(stood.standing.patient).or_default().push(stood);
                }
            }
            Ok(all)
        })
    });
    Ok(read.await?)
}
