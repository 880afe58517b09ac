//! The handle that closures get, and nothing more than it: it can query, it cannot commit.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};

use crate::actor::Actor;
use crate::error::TxError;

/// What a closure returns: `Box::pin(async move { … })`.
pub type TxFuture<'tx, T> = Pin<Box<dyn Future<Output = Result<T, TxError>> + Send + 'tx>>;

/// An open transaction, usable wherever SeaORM wants a connection.
///
/// `'env` is the life of what the closure borrows; naming it here is what lets a closure use
/// references to its surroundings (the trick of `std::thread::Scope`).
pub struct Tx<'env> {
    inner: DatabaseTransaction,
    actor: Actor,
    has_failed: AtomicBool,
    env: PhantomData<&'env mut &'env ()>,
}

impl Tx<'_> {
    pub(crate) fn new(inner: DatabaseTransaction, actor: Actor) -> Self {
        Self {
            inner,
            actor,
            has_failed: AtomicBool::new(false),
            env: PhantomData,
        }
    }

    pub(crate) fn into_inner(self) -> DatabaseTransaction {
        self.inner
    }

    /// Whether a statement of it failed. PostgreSQL then rolls back when it is told to commit, and
    /// calls that done.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    fn noted<T>(&self, done: Result<T, DbErr>) -> Result<T, DbErr> {
        if done.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        done
    }

    /// Who acts, for the columns that say so.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl ConnectionTrait for Tx<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.noted(self.inner.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.noted(self.inner.query_all_raw(statement).await)
    }
}
