//! Who was promised to be called again, for those who hand over.

use veglia_store::{Actor, Database, TxError};
use veglia_view::{PatientId, WallMs};

use crate::attempt::{Book, Came};

/// Everybody to whom the newest call promised another, and when.
///
/// # Errors
/// What the database reports.
pub async fn promised(
    record: &Database,
    actor: &Actor,
    now: WallMs,
) -> Result<Vec<(PatientId, WallMs)>, TxError> {
    let book = Book::read(record, actor, now).await?;
    let promised = book.patients().filter_map(|patient| {
        let newest = book.of(patient).last()?;
        match newest.came {
            Came::Later(at) => Some((patient, at)),
            _ => None,
        }
    });
    Ok(promised.collect())
}
