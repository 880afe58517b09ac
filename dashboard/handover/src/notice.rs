//! What the ward says while nobody has acknowledged a handover.
//!
//! Of a shift from when it is written; of a night while it lasts; of what a night gave back once it
//! is over, until somebody of the day has read it.

use veglia_people::staff;
use veglia_store::{Actor, Database, TxError};
use veglia_view::WallMs;
use veglia_words::{Key, Language};

use crate::WORDS;
use crate::book::{self, Kind, Unacknowledged};
use crate::calendar::Night;
use crate::fact::Names;

/// A sentence for each handover that waits to be acknowledged.
///
/// # Errors
/// What the database reports.
pub async fn waiting(
    record: &Database,
    actor: &Actor,
    now: WallMs,
    language: Language,
) -> Result<Vec<String>, TxError> {
    let mut waiting = book::unacknowledged(record, actor).await?;
    waiting.retain(|it| is_due(it, now));
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let names = Names(staff::signatures(record, actor).await?);
    let w = WORDS.speaking(language);
    let said = waiting.iter().map(|it| {
        let key = match it.kind {
            Kind::Shift => Key("ward-shift"),
            Kind::Night => Key("ward-night"),
            Kind::Morning => Key("ward-morning"),
        };
        w.with(key, "change", language.hour_of(it.change, now))
            .and("who", names.of(&it.by))
            .and("at", language.hour_of(it.at, now))
            .to_string()
    });
    Ok(said.collect())
}

fn is_due(waiting: &Unacknowledged, now: WallMs) -> bool {
    let night = || Night::at(waiting.change);
    match waiting.kind {
        Kind::Shift => true,
        Kind::Night => night().is_some_and(|night| night.is_on(now)),
        Kind::Morning => night().is_some_and(|night| night.until <= now),
    }
}
