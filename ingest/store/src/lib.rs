//! The one door to SQL: connections, migrations, transactions and the access log.
//!
//! Every room that keeps rows goes through [`Database::run_tx`] (writes) and
//! [`Database::read_tx`] (reads). Both take the name of what is being done, so that it can be
//! measured, and the [`Actor`] on whose behalf it is done, so that nobody can forget to say who.
//!
//! ```
//! use veglia_store::sea_orm::{ConnectionTrait, DbErr};
//! use veglia_store::sea_orm_migration::prelude::*;
//! use veglia_store::{Actor, Database, Purpose, Schema, TxError};
//!
//! struct Notes;
//! impl MigrationName for Notes {
//!     fn name(&self) -> &str {
//!         "0001_notes"
//!     }
//! }
//! #[async_trait::async_trait]
//! impl MigrationTrait for Notes {
//!     async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
//!         let mut notes = Table::create();
//!         notes.table("note").col(ColumnDef::new("words").text().not_null());
//!         manager.create_table(notes).await
//!     }
//! }
//! const SCHEMA: Schema = Schema { room: "notes", migrations: || vec![Box::new(Notes)] };
//!
//! async fn write_down(database: &Database, actor: &Actor, words: &str) -> Result<(), TxError> {
//!     database
//!         .run_tx("note.add", actor, move |tx| {
//!             Box::pin(async move {
//!                 let mut insert = Query::insert();
//!                 insert.into_table("note").columns(["words"]).values_panic([words.into()]);
//!                 tx.execute(&insert).await?;
//!                 Ok(())
//!             })
//!         })
//!         .await
//! }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! let path = folder.path().join("record.db");
//! let database = Database::open(&path, Purpose::Record, &[SCHEMA]).await.unwrap();
//! write_down(&database, &Actor::System("example"), "well today").await.unwrap();
//! # });
//! ```
//!
//! **Rules for closures.** A closure may be run more than once, so it must do nothing but talk to
//! the `tx` it is given: no channel, no counter, no mail, and no second transaction (a process has
//! one writing connection: it would wait for itself). It borrows what it needs (`move` copies
//! references). An error rolls everything back; an `Ok` commits everything. An outcome that is not
//! a fault ("this number is already known") is best returned as a value; when something was
//! already written and must be undone, use [`TxError::refuse`].
//!
//! **Rules for queries.** The engine is SQLite, or PostgreSQL for the clinical record of a centre
//! that outgrows one machine ([`Place`]), with the same queries: rooms use SeaORM entities,
//! sea-query builders, or SQL with `$1` parameters, and no type or function of one engine; texts
//! hold no NUL. A statement that failed has ended its transaction on PostgreSQL: a closure that
//! meets an error returns it, and one that does not writes nothing, on either engine. Numbers of
//! rows grow in the order of commits, and may leave gaps. Only this crate names the version of
//! SeaORM: rooms reach it as `veglia_store::sea_orm`.
//!
//! **Limits.** One file is shared by the processes of one host, never over a network file system
//! (WAL needs shared memory). One writer at a time per database, on a server too (`postgres.rs`
//! says why and what it costs); readers never wait for it.
//!
//! **Deliberately absent**: a second way in, down-migrations (a backup is the way back), a pool
//! between us and the server that shares sessions (a setting of ours would be another's), and any
//! fall-back to memory when the disk fails.

mod access;
mod actor;
pub mod columns;
mod database;
mod error;
mod place;
mod postgres;
mod schema;
mod snapshot;
mod sqlite;
mod tx;

pub use access::{ACCESSES_MAX, Access, AccessLog, Accessed, Asked};
pub use actor::Actor;
pub use database::{Database, Purpose};
pub use error::{OpenError, SnapshotError, TxError};
pub use place::{AddressError, Place, Server};
pub use schema::Schema;
pub use snapshot::snapshot;
pub use tx::{Tx, TxFuture};

pub use sea_orm;
pub use sea_orm_migration;
