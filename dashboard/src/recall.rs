//! Messages about patients who are no longer at home: what waits of them is withdrawn.
//!
//! The diary says which pages nobody needs any more; here they are stopped, before they are passed
//! on and while they wait for a channel, for quiet hours or for a surgery to open. A message that
//! tells of several pages is withdrawn only when none of them is needed.

use veglia_diary::{PageId, recalled};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

use crate::paging::{PagingError, page_of};

/// Whether nobody needs a page any more.
pub(crate) async fn is_recalled(
    record: &Database,
    actor: &Actor,
    page: PageId,
) -> Result<bool, PagingError> {
    let recalled = recalled(record, actor, &[page]).await;
    Ok(!recalled.map_err(PagingError::Diary)?.is_empty())
}

/// Withdraws every waiting message that nobody needs any more. `wall` is the moment by the outbox's
/// clock.
pub(crate) async fn withdraw(
    record: &Database,
    actor: &Actor,
    wall: WallMs,
) -> Result<(), PagingError> {
    let waiting = veglia_notify::waiting(record, actor).await;
    let waiting = waiting.map_err(PagingError::Record)?;
    let abouts = waiting.iter().flat_map(|(_, abouts)| abouts);
    let pages: Vec<PageId> = abouts.filter_map(page_of).collect();
    if pages.is_empty() {
        return Ok(());
    }
    let gone = recalled(record, actor, &pages).await;
    let gone = gone.map_err(PagingError::Diary)?;
    for (key, abouts) in &waiting {
        let is_gone = |about| page_of(about).is_some_and(|page| gone.contains(&page));
        if abouts.iter().all(is_gone) {
            veglia_notify::withdraw(record, actor, key, wall)
                .await
                .map_err(PagingError::Record)?;
            tracing::info!(
                message = key.as_str(),
                "withdrawn: the patient is not at home"
            );
        }
    }
    Ok(())
}
