//! Screens on a wall: each is opened by an address of its own, without an account.
//!
//! Whoever has the address sees what the screen shows, which names nobody, and nothing else. The
//! table has only a hash of the random part, so the address is shown once, when it is made; a lost
//! one is ended and another is made. An administrator ends a screen; it then goes dark within a
//! minute.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;
use veglia_store::columns::{id, number, optional, optional_text, table_of, text};
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{DbErr, QueryOrder, QuerySelect};
use veglia_store::sea_orm_migration::async_trait::async_trait;
use veglia_store::sea_orm_migration::prelude::{MigrationName, MigrationTrait, SchemaManager};
use veglia_store::{Actor, Database, TxError};
use veglia_wire::WallMs;

use crate::patients::MAX_NAME_CHARS;
use crate::sessions::hex;

/// Screens that are open at the same time at most: a wall in every room of a large centre.
pub const BOARDS_MAX: u64 = 50;

/// Screens listed, those that were ended with them.
const LISTED_MAX: u64 = 200;

/// Random bytes in an address: beyond guessing, and still typed once on a television.
const SECRET_BYTES: usize = 16;

/// The table of screens.
pub(crate) struct Boards;

impl MigrationName for Boards {
    fn name(&self) -> &str {
        "0007_wall_boards"
    }
}

#[async_trait]
impl MigrationTrait for Boards {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut token_hash = text("token_hash");
        token_hash.unique_key();
        let columns = vec![
            id(),
            token_hash,
            text("name"),
            number("made_at_ms"),
            text("made_by"),
            optional("ended_at_ms"),
            optional_text("ended_by"),
        ];
        manager.create_table(table_of("wall_board", columns)).await
    }
}

mod row {
    use veglia_store::sea_orm;
    use veglia_store::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "wall_board")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) token_hash: String,
        pub(crate) name: String,
        pub(crate) made_at_ms: i64,
        pub(crate) made_by: String,
        pub(crate) ended_at_ms: Option<i64>,
        pub(crate) ended_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The secret part of a screen's address. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct BoardSecret(String);

/// A text that is no [`BoardSecret`].
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("the address of a screen ends in 32 hexadecimal digits")]
pub struct BoardSecretError;

impl BoardSecret {
    /// The secret itself, for the address that is shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl FromStr for BoardSecret {
    type Err = BoardSecretError;

    fn from_str(text: &str) -> Result<Self, BoardSecretError> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let fits = text.len() == 2 * SECRET_BYTES && text.bytes().all(is_hex);
        fits.then(|| Self(text.to_owned())).ok_or(BoardSecretError)
    }
}

impl fmt::Debug for BoardSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoardSecret(…)")
    }
}

/// A screen on a wall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WallBoard {
    /// Its number.
    pub id: i64,
    /// Where it hangs, or what it is called.
    pub name: String,
    /// When it was made.
    pub made_at: WallMs,
    /// When it was ended, if it was.
    pub ended_at: Option<WallMs>,
}

/// Why no screen was made.
#[derive(Debug, Error)]
pub enum BoardError {
    /// The name cannot be shown.
    #[error("the name of a screen must have 1 to {MAX_NAME_CHARS} ordinary characters")]
    Name,
    /// There are many already.
    #[error("{BOARDS_MAX} screens are open already: end those that hang nowhere")]
    TooMany,
    /// The system gave no random numbers.
    #[error("no address could be made for the screen")]
    Random(#[source] getrandom::Error),
    /// The database did not write.
    #[error("the screen was not written")]
    Store(#[source] TxError),
}

/// Makes a screen; the secret is told this once.
///
/// # Errors
/// See [`BoardError`]; there is no screen then.
pub async fn make(
    record: &Database,
    actor: &Actor,
    name: &str,
    now: WallMs,
) -> Result<BoardSecret, BoardError> {
    let name = name.trim();
    if name.is_empty()
        || name.chars().count() > MAX_NAME_CHARS
        || name.chars().any(char::is_control)
    {
        return Err(BoardError::Name);
    }
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(BoardError::Random)?;
    let secret = BoardSecret(hex(&secret));
    let hash = &secret.hash();
    let is_made = record
        .run_tx("boards.make", actor, move |tx| {
            Box::pin(async move {
                let open = row::Entity::find().filter(row::Column::EndedAtMs.is_null());
                if open.count(tx).await? >= BOARDS_MAX {
                    return Ok(false);
                }
                let row = row::ActiveModel {
                    id: NotSet,
                    token_hash: Set(hash.clone()),
                    name: Set(name.to_owned()),
                    made_at_ms: Set(now.0),
                    made_by: Set(tx.actor().to_string()),
                    ended_at_ms: Set(None),
                    ended_by: Set(None),
                };
                row::Entity::insert(row).exec_without_returning(tx).await?;
                Ok(true)
            })
        })
        .await
        .map_err(BoardError::Store)?;
    if is_made {
        Ok(secret)
    } else {
        Err(BoardError::TooMany)
    }
}

/// The open screen of this address; `None` when there is none, or no longer.
///
/// # Errors
/// What the database reports.
pub async fn open(
    record: &Database,
    actor: &Actor,
    secret: &BoardSecret,
) -> Result<Option<WallBoard>, TxError> {
    let hash = &secret.hash();
    let row = record
        .read_tx("boards.open", actor, move |tx| {
            Box::pin(async move {
                let screen = row::Entity::find()
                    .filter(row::Column::TokenHash.eq(hash))
                    .filter(row::Column::EndedAtMs.is_null());
                Ok(screen.one(tx).await?)
            })
        })
        .await?;
    Ok(row.map(WallBoard::from))
}

/// Every screen, the newest first.
///
/// # Errors
/// What the database reports.
pub async fn list(record: &Database, actor: &Actor) -> Result<Vec<WallBoard>, TxError> {
    let rows = record
        .read_tx("boards.list", actor, move |tx| {
            Box::pin(async move {
                let newest = row::Entity::find().order_by_desc(row::Column::Id);
                Ok(newest.limit(LISTED_MAX).all(tx).await?)
            })
        })
        .await?;
    Ok(rows.into_iter().map(WallBoard::from).collect())
}

/// Ends a screen; ending one that is ended is no fault. Whether there was one to end.
///
/// # Errors
/// What the database reports; the screen may then still be open.
pub async fn end(
    record: &Database,
    actor: &Actor,
    board: i64,
    now: WallMs,
) -> Result<bool, TxError> {
    record
        .run_tx("boards.end", actor, move |tx| {
            Box::pin(async move {
                let by = tx.actor().to_string();
                let ended = row::Entity::update_many()
                    .col_expr(row::Column::EndedAtMs, Expr::value(now.0))
                    .col_expr(row::Column::EndedBy, Expr::value(by))
                    .filter(row::Column::Id.eq(board))
                    .filter(row::Column::EndedAtMs.is_null())
                    .exec(tx)
                    .await?;
                Ok(ended.rows_affected > 0)
            })
        })
        .await
}

impl From<row::Model> for WallBoard {
    fn from(row: row::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            made_at: WallMs(row.made_at_ms),
            ended_at: row.ended_at_ms.map(WallMs),
        }
    }
}
