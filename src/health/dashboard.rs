//! How the dashboard is: whether the record and ingest answer, as every page needs.
//!
//! This is more than `/readyz` among the pages, which a proxy asks before it sends people there:
//! pages without an ingest must still be shown, because they say themselves that nobody watches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{self, BoxFuture};
use veglia_people::staff;
use veglia_store::{Actor, Database};
use veglia_view::View;

use super::alarm_path::{AlarmPath, OF_DASHBOARD};
use super::figure::Figure;
use super::{Role, Standing, counted, lasting};

/// A dashboard, by what it stands on.
pub(crate) struct Pages {
    record: Database,
    view: Arc<dyn View>,
    path: Option<AlarmPath>,
}

impl Pages {
    pub(crate) fn new(record: Database, view: Arc<dyn View>, path: Option<AlarmPath>) -> Self {
        Self { record, view, path }
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
            let mut standing = standing(record, ingest);
            let now = crate::clock::wall().now();
            // A record that does not answer is told above.
            let actor = Actor::System("health");
            if let Ok(calling) = veglia_notify::standing(&self.record, &actor, now).await {
                add_calling(&mut standing, &calling);
            }
            if let Some(path) = &self.path {
                path.add_to(&mut standing, &OF_DASHBOARD).await;
            }
            standing
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

/// How calling people stands. A channel that does not work makes the role unready: the next one is
/// used meanwhile, and somebody has to mend it.
fn add_calling(standing: &mut Standing, calling: &veglia_notify::Standing) {
    for channel in &calling.channels {
        if let Some((_, reason)) = &channel.down {
            standing.unready.push(format!(
                "nobody is called by {}: {reason}; other ways are used meanwhile",
                channel.channel
            ));
        }
    }
    standing.brief.push(format!(
        "{} sent, {} waiting, {} undelivered",
        counted(calling.sent, "message", "messages"),
        calling.waiting,
        calling.failed
    ));
    let up = calling.channels.iter();
    let up = up.map(|it| (it.channel.code(), it.down.is_none().into()));
    let oldest_ms = calling.oldest_due_ms.unwrap_or_default();
    let oldest = Duration::from_millis(u64::try_from(oldest_ms).unwrap_or_default());
    standing.figures.extend([
        Figure::level(
            "veglia_dashboard_waiting_messages",
            "Messages that wait.",
            calling.waiting,
        ),
        Figure::level(
            "veglia_dashboard_oldest_message_seconds",
            "How long the oldest message waits that is due.",
            oldest,
        ),
        Figure::level(
            "veglia_dashboard_sent_messages",
            "Messages that a channel took, since the record began.",
            calling.sent,
        ),
        Figure::level(
            "veglia_dashboard_received_messages",
            "Of these, such as were said to have arrived.",
            calling.received,
        ),
        Figure::level(
            "veglia_dashboard_undelivered_messages",
            "Messages that nobody got.",
            calling.failed,
        ),
        Figure::levels(
            "veglia_dashboard_channel_works",
            "Whether a channel took the last message.",
            "channel",
            up,
        ),
    ]);
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
    fn a_channel_that_is_down_is_named_with_its_reason() {
        let mut told = standing(Ok(Duration::ZERO), Ok(Duration::ZERO));
        let calling = veglia_notify::Standing {
            sent: 1,
            channels: vec![veglia_notify::ChannelStanding {
                channel: veglia_people::contacts::Channel::Email,
                down: Some((veglia_wire::WallMs(0), "the mail server is away".into())),
            }],
            ..veglia_notify::Standing::default()
        };
        add_calling(&mut told, &calling);
        let why = told.why().unwrap();
        assert!(why.contains("by email: the mail server is away"), "{why}");
        let expected = "1 message sent, 0 waiting, 0 undelivered";
        assert_eq!(told.brief.last().map(String::as_str), Some(expected));
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
