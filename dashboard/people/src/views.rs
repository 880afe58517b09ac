//! Views of the ward that somebody keeps under a name: an address of the list, per account.
//!
//! A view is what an address asks for, as the ward writes it; what it means is the ward's. Whoever
//! keeps it alone sees it.

use thiserror::Error;
use veglia_store::columns::{id, index_of, number, table_of, text};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{DbErr, QueryOrder, QuerySelect};
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::{MigrationName, MigrationTrait, SchemaManager};
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::StaffId;

/// Views of one account at most: they stand in a row above the list.
pub const VIEWS_MAX: u64 = 12;

/// Longest name of a view, in characters: it stands on a button.
pub const NAME_CHARS_MAX: usize = 40;

/// Longest address of a view, in bytes: a search of the ward's longest, written as an address.
const ADDRESS_BYTES_MAX: usize = 1_000;

/// The table of views.
pub(crate) struct Views;

impl MigrationName for Views {
    fn name(&self) -> &str {
        "0008_saved_views"
    }
}

#[async_trait]
impl MigrationTrait for Views {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            id(),
            number("staff_id"),
            text("name"),
            text("address"),
            number("made_at_ms"),
        ];
        let table = table_of("saved_view", columns);
        manager.create_table(table).await?;
        let index = index_of("saved_view_by_staff", "saved_view", &["staff_id"]);
        manager.create_index(index).await
    }
}

mod row {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "saved_view")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) staff_id: i64,
        pub(crate) name: String,
        pub(crate) address: String,
        pub(crate) made_at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A view that somebody keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its number.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What the address asks for, with its mark: `?corsia=clinici`.
    pub address: String,
}

/// Why a view was not kept.
#[derive(Debug, Error)]
pub enum ViewError {
    /// The name cannot be shown, or the address is none of the ward's.
    #[error("the name of a view has 1 to {NAME_CHARS_MAX} ordinary characters")]
    Name,
    /// There are many already.
    #[error("an account keeps at most {VIEWS_MAX} views: forget one")]
    TooMany,
    /// The database did not write.
    #[error("the view was not written")]
    Store(#[source] TxError),
}

/// Keeps a view; one of the same name is replaced.
///
/// # Errors
/// See [`ViewError`]; nothing was written then.
pub async fn keep(
    record: &Database,
    staff: StaffId,
    name: &str,
    address: &str,
    now: WallMs,
) -> Result<(), ViewError> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let name = &words.join(" ");
    let is_fit = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    let is_view = address.starts_with('?') && address.len() <= ADDRESS_BYTES_MAX;
    if !is_fit || !is_view || name.contains(char::is_control) {
        return Err(ViewError::Name);
    }
    let actor = Actor::Staff(staff.get());
    let kept = record.run_tx("views.keep", &actor, move |tx| {
        Box::pin(async move {
            let theirs = row::Column::StaffId.eq(staff.get());
            row::Entity::delete_many()
                .filter(theirs.clone())
                .filter(row::Column::Name.eq(name.as_str()))
                .exec(tx)
                .await?;
            let count = row::Entity::find().filter(theirs).count(tx).await?;
            if count >= VIEWS_MAX {
                return Ok(false);
            }
            let row = row::ActiveModel {
                id: NotSet,
                staff_id: Set(staff.get()),
                name: Set(name.clone()),
                address: Set(address.to_owned()),
                made_at_ms: Set(now.0),
            };
            row::Entity::insert(row).exec_without_returning(tx).await?;
            Ok(true)
        })
    });
    let is_kept = kept.await.map_err(ViewError::Store)?;
    is_kept.then_some(()).ok_or(ViewError::TooMany)
}

/// The views of an account, as they were kept.
///
/// # Errors
/// What the database reports.
pub async fn of(record: &Database, staff: StaffId) -> Result<Vec<SavedView>, TxError> {
    let actor = Actor::Staff(staff.get());
    let rows = record.read_tx("views.of", &actor, move |tx| {
        Box::pin(async move {
            let theirs = row::Entity::find()
                .filter(row::Column::StaffId.eq(staff.get()))
                .order_by_asc(row::Column::Id)
                .limit(VIEWS_MAX);
            Ok(theirs.all(tx).await?)
        })
    });
    let kept = rows.await?.into_iter().map(|row| SavedView {
        id: row.id,
        name: row.name,
        address: row.address,
    });
    Ok(kept.collect())
}

/// Forgets a view of an account. Whether there was one.
///
/// # Errors
/// What the database reports.
pub async fn forget(record: &Database, staff: StaffId, view: i64) -> Result<bool, TxError> {
    let actor = Actor::Staff(staff.get());
    let forgotten = record.run_tx("views.forget", &actor, move |tx| {
        Box::pin(async move {
            let done = row::Entity::delete_many()
                .filter(row::Column::Id.eq(view))
                .filter(row::Column::StaffId.eq(staff.get()))
                .exec(tx)
                .await?;
            Ok(done.rows_affected > 0)
        })
    });
    forgotten.await
}
