//! Why the diary could not be read, shared by every query.

use veglia_store::TxError;

/// Why the diary could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database did not answer.
    #[error("the diary could not be read")]
    Store(#[source] TxError),
    /// A row that this program would not have written.
    #[error("row {row} of the table {table} is damaged: restore it from a backup")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row, by its key.
        row: String,
    },
}

impl ReadError {
    /// Whether the same may succeed later; see [`TxError::is_passing`].
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_passing())
    }

    pub(crate) fn damaged(table: &'static str, row: impl ToString) -> Self {
        Self::Damaged {
            table,
            row: row.to_string(),
        }
    }
}

/// A damaged row met inside a transaction comes out as itself.
impl From<TxError> for ReadError {
    fn from(error: TxError) -> Self {
        match error.refusal::<Self>() {
            Some(Self::Damaged { table, row }) => Self::damaged(table, row),
            _ => Self::Store(error),
        }
    }
}
