//! How the dashboard is: whether the record and ingest answer, as every page needs.
//!
//! This is more than `/readyz` among the pages, which a proxy asks before it sends people there:
//! pages without an ingest must still be shown, because they say themselves that nobody watches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{self, BoxFuture};
use veglia_people::staff;
use veglia_store::Database;
use veglia_view::View;

use super::figure::Figure;
use super::{Role, Standing, lasting};

/// A dashboard, by what it stands on.
pub(crate) struct Pages {
    record: Database,
    view: Arc<dyn View>,
}

impl Pages {
    pub(crate) fn new(record: Database, view: Arc<dyn View>) -> Self {
        Self { record, view }
    }
}

impl Role for Pages {
    fn examine(&self) -> BoxFuture<'_, Standing> {
        Box::pin(async {
            let record = timed(staff::any(&self.record));
            let ingest = timed(self.view.status());
            let ((record, record_took), (ingest, ingest_took)) = future::join(record, ingest).await;
            let record = record.map(|_| record_took).map_err(anyhow::Error::from);
            let ingest = ingest.map(|_| ingest_took).map_err(anyhow::Error::from);
            standing(record, ingest)
        })
    }
}

async fn timed<T>(asked: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let answer = asked.await;
    (answer, began.elapsed())
}

/// Each how long it took to answer, or why it did not.
fn standing(record: anyhow::Result<Duration>, ingest: anyhow::Result<Duration>) -> Standing {
    let mut unready = Vec::new();
    let mut brief = Vec::new();
    match &record {
        Ok(took) => brief.push(format!("record answers in {}", lasting(*took))),
        Err(error) => unready.push(format!(
            "the record does not answer: {error:#}; see that record.db in the data directory can \
             be read and written"
        )),
    }
    match &ingest {
        Ok(took) => brief.push(format!("ingest answers in {}", lasting(*took))),
        Err(error) => unready.push(format!("{error:#}; pages say so meanwhile")),
    }
    let figures = [
        (
            "veglia_dashboard_record_answers",
            "Whether the record answers.",
            "veglia_dashboard_record_answer_seconds",
            "How long the record took to answer.",
            record.ok(),
        ),
        (
            "veglia_dashboard_ingest_answers",
            "Whether ingest answers.",
            "veglia_dashboard_ingest_answer_seconds",
            "How long ingest took to answer.",
            ingest.ok(),
        ),
    ];
    let figures = figures
        .into_iter()
        .flat_map(|(answers, whether, time, how_long, took)| {
            let time = took.map(|took| Figure::level(time, how_long, took));
            [Some(Figure::level(answers, whether, took.is_some())), time]
        });
    Standing {
        unready,
        brief,
        figures: figures.flatten().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn pages_are_ready_when_the_record_and_ingest_answer() {
        let soon = Duration::from_millis(2);
        let told = standing(Ok(soon), Ok(soon));
        assert_eq!(told.why(), None);
        let expected = ["record answers in 2 ms", "ingest answers in 2 ms"];
        assert_eq!(told.brief, expected);
    }

    #[test]
    fn each_that_does_not_answer_is_named() {
        let told = standing(Err(anyhow!("locked")), Err(anyhow!("ingest is away")));
        let why = told.why().unwrap();
        for words in [
            "record does not answer: locked",
            "record.db",
            "ingest is away",
        ] {
            assert!(why.contains(words), "{words} not in: {why}");
        }
    }
}
