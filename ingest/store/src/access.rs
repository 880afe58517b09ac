//! The access log: who looked at whose data, when and why, each entry chained to the one before.
//!
//! An entry's hash is SHA-256 over the hash before it and its own fields, so that an entry that is
//! changed, removed or put between others breaks the chain from there on. Numbers leave no gap.
//! The chain cannot tell that its *end* was cut off: [`AccessLog::head`] is there to be noted
//! elsewhere (printed, mailed, kept by another office) and compared later.
//!
//! Subjects are opaque references (a patient's number), never names. The log is only in files of
//! [`crate::Purpose::Record`]; nothing here removes an entry.
//!
//! A look that goes on by itself (a chart that fetches itself anew) is written once for a stretch
//! of time ([`Database::log_access_once`]). The log itself is asked whether it was, so that
//! processes and restarts agree.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sha2::{Digest, Sha256};

use crate::actor::Actor;
use crate::database::Database;
use crate::error::TxError;
use crate::schema::Schema;
use crate::tx::Tx;

/// The store's own table, before those of the rooms.
pub(crate) const SCHEMA: Schema = Schema {
    room: "store",
    migrations: || vec![Box::new(First), Box::new(BySubject), Box::new(ByActor)],
};

/// Entries read at once when the chain is checked: a few hundred kilobytes.
const PAGE: u64 = 1_000;

/// What the first entry is chained to.
const BEGINNING: [u8; 32] = [0; 32];

struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "0001_access_log"
    }
}

#[async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut log = Table::create();
        log.table("access_log")
            .col(ColumnDef::new("id").big_integer().not_null().primary_key())
            .col(ColumnDef::new("at_ms").big_integer().not_null())
            .col(ColumnDef::new("actor").text().not_null())
            .col(ColumnDef::new("purpose").text().not_null())
            .col(ColumnDef::new("subject").text().not_null())
            .col(ColumnDef::new("prev_hash").blob().not_null())
            .col(ColumnDef::new("hash").blob().not_null());
        manager.create_table(log).await
    }
}

struct BySubject;

impl MigrationName for BySubject {
    fn name(&self) -> &str {
        "0002_access_by_subject"
    }
}

#[async_trait]
impl MigrationTrait for BySubject {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::create();
        index
            .name("access_log_by_subject")
            .table("access_log")
            .col("subject")
            .col("id");
        manager.create_index(index).await
    }
}

struct ByActor;

impl MigrationName for ByActor {
    fn name(&self) -> &str {
        "0003_access_by_actor"
    }
}

#[async_trait]
impl MigrationTrait for ByActor {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::create();
        index
            .name("access_log_by_actor")
            .table("access_log")
            .col("actor")
            .col("id");
        manager.create_index(index).await
    }
}

/// One access, as it is asked to be written.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Why, as a dotted `subject.verb` of the room: `"patient.open"`.
    pub purpose: &'static str,
    /// Whose data: an opaque reference, never a name.
    pub subject: &'a str,
}

/// One access, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accessed {
    /// Its number in the log, from 1 without a gap.
    pub number: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who, as [`Actor`] is displayed.
    pub actor: String,
    /// Why.
    pub purpose: String,
    /// Whose data.
    pub subject: String,
}

/// Which entries are asked for. Numbers, not times, say where to go on: two entries may be of the
/// same millisecond, and a clock may have been set back between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked<'a> {
    /// About this subject alone.
    pub subject: Option<&'a str>,
    /// By this actor alone, as [`Actor`] is displayed.
    pub by: Option<&'a str>,
    /// With this purpose alone.
    pub purpose: Option<&'a str>,
    /// With a smaller number than this; the newest otherwise.
    pub before: Option<i64>,
}

/// Accesses given at once at most: more than a person reads; the rest is asked for by number.
pub const ACCESSES_MAX: u64 = 1_000;

/// What a check of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// Entries whose chain holds.
    pub intact: u64,
    /// The number of the first entry that does not follow from the one before it.
    pub broken_at: Option<i64>,
    /// The hash of the last intact entry, in hexadecimal: to be noted elsewhere and compared.
    pub head: String,
}

/// An entry as it lies in the table.
#[derive(Debug)]
struct Entry {
    id: i64,
    at_ms: i64,
    actor: String,
    purpose: String,
    subject: String,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl Entry {
    /// Lengths stand before texts, so that no two entries are hashed as the same bytes.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(&self.prev_hash);
        digest.update(self.id.to_le_bytes());
        digest.update(self.at_ms.to_le_bytes());
        for text in [&self.actor, &self.purpose, &self.subject] {
            let length: u64 = text.len().try_into().expect("a length fits 64 bits");
            digest.update(length.to_le_bytes());
            digest.update(text);
        }
        digest.finalize().into()
    }

    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get_by("id")?,
            at_ms: row.try_get_by("at_ms")?,
            actor: row.try_get_by("actor")?,
            purpose: row.try_get_by("purpose")?,
            subject: row.try_get_by("subject")?,
            prev_hash: row.try_get_by("prev_hash")?,
            hash: row.try_get_by("hash")?,
        })
    }
}

impl Database {
    /// Writes that `actor` looks at a person's data; on the disk when this returns `Ok`.
    ///
    /// Call it before showing anything: what could not be logged is not shown.
    ///
    /// # Errors
    /// As [`Database::run_tx`].
    pub async fn log_access(&self, actor: &Actor, access: Access<'_>) -> Result<(), TxError> {
        self.log_accesses(actor, &[access]).await
    }

    /// The same of several accesses, all of them or none.
    ///
    /// # Errors
    /// As [`Database::run_tx`].
    pub async fn log_accesses(
        &self,
        actor: &Actor,
        accesses: &[Access<'_>],
    ) -> Result<(), TxError> {
        self.run_tx("access.log", actor, move |tx| {
            Box::pin(async move {
                for access in accesses {
                    append(tx, *access).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Writes an access unless the same actor's access for the same purpose to the same subject
    /// is written less than `window_ms` from it: one entry stands for the stretch of time that
    /// follows it. Whether it was written now.
    ///
    /// # Errors
    /// As [`Database::run_tx`].
    pub async fn log_access_once(
        &self,
        actor: &Actor,
        access: Access<'_>,
        window_ms: i64,
    ) -> Result<bool, TxError> {
        // Mostly it was, and a reader waits for nobody.
        let known = self.read_tx("access.known", actor, move |tx| {
            Box::pin(is_known(tx, access, window_ms))
        });
        if known.await? {
            return Ok(false);
        }
        self.run_tx("access.log", actor, move |tx| {
            Box::pin(async move {
                let is_new = !is_known(tx, access, window_ms).await?;
                if is_new {
                    append(tx, access).await?;
                }
                Ok(is_new)
            })
        })
        .await
    }

    /// Entries of the log, newest first, at most `limit` and [`ACCESSES_MAX`] of them. It writes
    /// nothing: whoever shows it logs that as well.
    ///
    /// # Errors
    /// As [`Database::read_tx`].
    pub async fn accesses(
        &self,
        actor: &Actor,
        asked: Asked<'_>,
        limit: u64,
    ) -> Result<Vec<Accessed>, TxError> {
        self.read_tx("access.list", actor, move |tx| {
            Box::pin(list(tx, asked, Ord::min(limit, ACCESSES_MAX)))
        })
        .await
    }

    /// Who looked at a subject's data before the entry with the number `before`, newest first.
    ///
    /// # Errors
    /// As [`Database::accesses`].
    pub async fn accesses_to(
        &self,
        actor: &Actor,
        subject: &str,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<Accessed>, TxError> {
        let asked = Asked {
            subject: Some(subject),
            before,
            ..Asked::default()
        };
        self.accesses(actor, asked, limit).await
    }

    /// The number of the entry whose hash was noted elsewhere, in hexadecimal; none when there is
    /// no such entry, or no longer.
    ///
    /// # Errors
    /// As [`Database::read_tx`].
    pub async fn access_with_head(
        &self,
        actor: &Actor,
        head: &str,
    ) -> Result<Option<i64>, TxError> {
        let Some(head) = bytes(head) else {
            return Ok(None);
        };
        let head = &head;
        self.read_tx("access.head", actor, move |tx| {
            Box::pin(async move {
                let mut entry = Query::select();
                entry
                    .column("id")
                    .from("access_log")
                    .and_where(Expr::col("hash").eq(head.clone()))
                    .limit(1);
                let row = tx.query_one(&entry).await?;
                Ok(row.map(|row| row.try_get_by("id")).transpose()?)
            })
        })
        .await
    }

    /// Follows the whole chain, as it is at one moment.
    ///
    /// # Errors
    /// As [`Database::read_tx`]; a broken chain is an answer, not an error.
    pub async fn check_access_log(&self, actor: &Actor) -> Result<AccessLog, TxError> {
        self.read_tx("access.check", actor, |tx| Box::pin(follow(tx)))
            .await
    }
}

impl Tx<'_> {
    /// Writes, in this transaction, that its actor looks at a person's data: what depends on the
    /// entry is written with it or not at all.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn log_access(&self, access: Access<'_>) -> Result<(), TxError> {
        append(self, access).await
    }
}

async fn is_known(tx: &Tx<'_>, access: Access<'_>, window_ms: i64) -> Result<bool, TxError> {
    let mut last = Query::select();
    last.column("at_ms")
        .from("access_log")
        .and_where(Expr::col("subject").eq(access.subject))
        .and_where(Expr::col("purpose").eq(access.purpose))
        .and_where(Expr::col("actor").eq(tx.actor().to_string()))
        .order_by("id", Order::Desc)
        .limit(1);
    let Some(row) = tx.query_one(&last).await? else {
        return Ok(false);
    };
    // Both ways: looks of one moment are not written in their order. An entry of a farther future
    // stands for nothing: a clock was set back.
    let apart_ms = access.at_ms.saturating_sub(row.try_get_by("at_ms")?);
    Ok(apart_ms.saturating_abs() < window_ms)
}

async fn list(tx: &Tx<'_>, asked: Asked<'_>, limit: u64) -> Result<Vec<Accessed>, TxError> {
    let mut page = Query::select();
    page.columns(["id", "at_ms", "actor", "purpose", "subject"])
        .from("access_log")
        .order_by("id", Order::Desc)
        .limit(limit);
    let wanted = [
        ("subject", asked.subject),
        ("actor", asked.by),
        ("purpose", asked.purpose),
    ];
    for (column, wanted) in wanted {
        if let Some(wanted) = wanted {
            page.and_where(Expr::col(column).eq(wanted));
        }
    }
    if let Some(before) = asked.before {
        page.and_where(Expr::col("id").lt(before));
    }
    let rows = tx.query_all(&page).await?;
    let accessed = |row: &QueryResult| -> Result<_, DbErr> {
        Ok(Accessed {
            number: row.try_get_by("id")?,
            at_ms: row.try_get_by("at_ms")?,
            actor: row.try_get_by("actor")?,
            purpose: row.try_get_by("purpose")?,
            subject: row.try_get_by("subject")?,
        })
    };
    Ok(rows.iter().map(accessed).collect::<Result<_, _>>()?)
}

async fn append(tx: &Tx<'_>, access: Access<'_>) -> Result<(), TxError> {
    let mut last = Query::select();
    last.columns(["id", "hash"])
        .from("access_log")
        .order_by("id", Order::Desc)
        .limit(1);
    let (id, prev_hash) = match tx.query_one(&last).await? {
        Some(row) => (row.try_get_by::<i64, _>("id")? + 1, row.try_get_by("hash")?),
        None => (1, BEGINNING.to_vec()),
    };
    let mut entry = Entry {
        id,
        at_ms: access.at_ms,
        actor: tx.actor().to_string(),
        purpose: access.purpose.to_owned(),
        subject: access.subject.to_owned(),
        prev_hash,
        hash: Vec::new(),
    };
    entry.hash = entry.digest().to_vec();
    let mut insert = Query::insert();
    insert
        .into_table("access_log")
        .columns([
            "id",
            "at_ms",
            "actor",
            "purpose",
            "subject",
            "prev_hash",
            "hash",
        ])
        .values_panic([
            entry.id.into(),
            entry.at_ms.into(),
            entry.actor.into(),
            entry.purpose.into(),
            entry.subject.into(),
            entry.prev_hash.into(),
            entry.hash.into(),
        ]);
    tx.execute(&insert).await?;
    Ok(())
}

async fn follow(tx: &Tx<'_>) -> Result<AccessLog, TxError> {
    let mut last = (0, BEGINNING.to_vec());
    let mut found = AccessLog {
        intact: 0,
        broken_at: None,
        head: String::new(),
    };
    loop {
        let mut page = Query::select();
        page.columns([
            "id",
            "at_ms",
            "actor",
            "purpose",
            "subject",
            "prev_hash",
            "hash",
        ])
        .from("access_log")
        .and_where(Expr::col("id").gt(last.0))
        .order_by("id", Order::Asc)
        .limit(PAGE);
        let rows = tx.query_all(&page).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let entry = Entry::read(row)?;
            let follows = entry.id == last.0 + 1 && entry.prev_hash == last.1;
            if !follows || entry.digest().as_slice() != entry.hash {
                found.broken_at = Some(entry.id);
                found.head = hexadecimal(&last.1);
                return Ok(found);
            }
            found.intact += 1;
            last = (entry.id, entry.hash);
        }
    }
    found.head = hexadecimal(&last.1);
    Ok(found)
}

/// The bytes of a head as it is shown; none of anything else.
fn bytes(head: &str) -> Option<Vec<u8>> {
    let digits = head.len() == 64 && head.bytes().all(|it| it.is_ascii_hexdigit());
    let pairs = (0..head.len()).step_by(2).map(|at| {
        let pair = head.get(at..at + 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    digits.then(|| pairs.collect()).flatten()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        })
}
