//! How ingest is: whether readings can come, can be stored, and are looked at by the rules.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use veglia_ingest::{Figures, Ingest, Snapshot};
use veglia_link::Phase;
use veglia_view::{LocalView, View};
use veglia_wire::CareClock;

use super::alarm_path::{AlarmPath, OF_INGEST};
use super::figure::Figure;
use super::{Role, Standing, counted, lasting};

/// The watch takes a tick every second. Keeping its states may hold it up for some, and so may a
/// burst of readings; a clinician must not wait longer than this without being told.
const BEHIND_AFTER: Duration = Duration::from_secs(15);

/// Nobody is behind whose last tick is one second old, and the next on its way.
const UP_TO_DATE: Duration = Duration::from_secs(2);

/// An ingest, as its tasks tell of it.
pub(crate) struct Ear {
    figures: Figures,
    view: LocalView,
    link: watch::Receiver<Phase>,
    care: CareClock,
    feeding: Option<Feed>,
    path: Option<AlarmPath>,
}

/// How the readings' second home is fed, asked whenever somebody looks.
pub(crate) type Feed = Box<dyn Fn() -> Feeding + Send + Sync>;

/// How InfluxDB is fed. It never makes an ingest unready: pages and rules do not need it.
pub(crate) struct Feeding {
    /// Lines that the server took.
    pub(crate) written: u64,
    /// Entries of the journal that it has not been given yet.
    pub(crate) behind: u64,
    /// Lines that it refuses for good.
    pub(crate) quarantined: u64,
    /// Entries that left the journal before it could be given them.
    pub(crate) missed: u64,
    /// Why it takes nothing now, in words.
    pub(crate) trouble: Option<String>,
}

impl Ear {
    /// `care` is the clock that the ingest runs by.
    pub(crate) fn of(ingest: &Ingest, care: CareClock) -> Self {
        Self {
            figures: ingest.figures(),
            view: ingest.view(),
            link: ingest.link(),
            care,
            feeding: None,
            path: None,
        }
    }

    /// With what is known of a second home of the readings.
    pub(crate) fn and_feed(mut self, feeding: Option<Feed>) -> Self {
        self.feeding = feeding;
        self
    }

    /// With the alarm path that it is a part of.
    pub(crate) fn and_path(mut self, path: Option<AlarmPath>) -> Self {
        self.path = path;
        self
    }

    /// How far the rules are behind, on the wall's clock; `None` before they began.
    async fn behind(&self) -> Option<Duration> {
        let status = self.view.status().await.ok()?;
        let care_ms = status.care_now.since(status.progress?.at);
        let wall_ms = u64::try_from(self.care.wall_ms(care_ms)).unwrap_or_default();
        Some(Duration::from_millis(wall_ms))
    }
}

impl Role for Ear {
    fn examine(&self) -> BoxFuture<'_, Standing> {
        Box::pin(async {
            let behind = self.behind().await;
            let phase = self.link.borrow().clone();
            let mut standing = standing(&self.figures.snapshot(), &phase, behind);
            if let Some(feeding) = self.feeding.as_ref().map(|look| look()) {
                standing.brief.extend(fed(&feeding));
                standing.figures.extend(shown_feeding(&feeding));
            }
            if let Some(path) = &self.path {
                path.add_to(&mut standing, &OF_INGEST).await;
            }
            standing
        })
    }
}

fn standing(counted_so_far: &Snapshot, phase: &Phase, behind: Option<Duration>) -> Standing {
    let figures = counted_so_far;
    let is_connected = matches!(phase, Phase::Connected);
    let mut unready = Vec::new();
    if figures.disk_full {
        unready.push("the disk takes no more readings: free some space on it".into());
    }
    unready.extend(no_link(phase));
    unready.extend(no_progress(behind));
    let mut brief = vec![
        String::from(if is_connected {
            "connected"
        } else {
            "no broker"
        }),
        counted(figures.records, "record stored", "records stored"),
    ];
    if figures.records > 0 {
        let late = lasting(Duration::from_millis(figures.durable_ms_p99));
        brief.push(format!("99 % on disk within {late}"));
    }
    brief.extend(behind.map(|behind| {
        if behind > UP_TO_DATE {
            format!("rules {} behind", lasting(behind))
        } else {
            "rules up to date".into()
        }
    }));
    Standing {
        unready,
        brief,
        figures: shown(figures, is_connected, behind),
    }
}

fn no_link(phase: &Phase) -> Option<String> {
    match phase {
        Phase::Connected => None,
        Phase::Connecting {
            last_error: None, ..
        } => Some("there is no connection to the broker yet".into()),
        Phase::Connecting {
            attempt,
            last_error: Some(error),
        } => Some(format!(
            "there is no connection to the broker (attempt {attempt}): {error}; see that the \
             broker runs; the homes keep their readings meanwhile"
        )),
        Phase::Stopped => Some("receiving has stopped".into()),
    }
}

fn no_progress(behind: Option<Duration>) -> Option<String> {
    match behind {
        None => Some("the rules have not begun to read the journal".into()),
        Some(behind) if behind > BEHIND_AFTER => Some(format!(
            "the rules are {} behind and flags come late: see in the log what the diary or the \
             disk refuses; after a long stop, wait",
            lasting(behind)
        )),
        Some(_) => None,
    }
}

/// Nothing to say of a server that takes everything as it comes.
fn fed(feeding: &Feeding) -> Option<String> {
    let trouble = feeding.trouble.as_ref()?;
    Some(format!(
        "InfluxDB {} behind: {trouble}",
        counted(feeding.behind, "entry", "entries")
    ))
}

fn shown_feeding(feeding: &Feeding) -> Vec<Figure> {
    vec![
        Figure::level(
            "veglia_influxdb_taking",
            "Whether InfluxDB took the last request.",
            feeding.trouble.is_none(),
        ),
        Figure::level(
            "veglia_influxdb_behind_entries",
            "Entries of the journal that InfluxDB has not been given yet.",
            feeding.behind,
        ),
        Figure::level(
            "veglia_influxdb_quarantined_lines",
            "Lines that InfluxDB refuses for good.",
            feeding.quarantined,
        ),
        Figure::count(
            "veglia_influxdb_written_lines",
            "Lines that InfluxDB took.",
            feeding.written,
        ),
        Figure::count(
            "veglia_influxdb_missed_entries",
            "Entries that left the journal before InfluxDB could be given them.",
            feeding.missed,
        ),
    ]
}

fn shown(figures: &Snapshot, is_connected: bool, behind: Option<Duration>) -> Vec<Figure> {
    let mut shown = vec![
        Figure::level(
            "veglia_ingest_connected",
            "Whether there is a connection to the broker.",
            is_connected,
        ),
        Figure::level(
            "veglia_ingest_disk_full",
            "Whether the disk refuses readings.",
            figures.disk_full,
        ),
        Figure::levels(
            "veglia_ingest_time_to_disk_seconds",
            "From measured at home to on disk here, since the start.",
            "quantile",
            [
                ("0.5", Duration::from_millis(figures.durable_ms_p50).into()),
                ("0.99", Duration::from_millis(figures.durable_ms_p99).into()),
            ],
        ),
    ];
    shown.extend(behind.map(|behind| {
        Figure::level(
            "veglia_ingest_rules_behind_seconds",
            "How far the rules are behind the journal; up to 1 s is none.",
            behind,
        )
    }));
    let counts = counts(figures).into_iter();
    shown.extend(counts.map(|(name, help, number)| Figure::count(name, help, number)));
    shown
}

fn counts(figures: &Snapshot) -> [(&'static str, &'static str, u64); 8] {
    [
        (
            "veglia_ingest_stored_frames",
            "Frames stored.",
            figures.frames,
        ),
        (
            "veglia_ingest_stored_records",
            "Records stored.",
            figures.records,
        ),
        (
            "veglia_ingest_repeated_frames",
            "Frames that were known already; many come after a lost connection.",
            figures.repeated,
        ),
        (
            "veglia_ingest_holes",
            "Frames that came after a hole; what is missing was asked for again.",
            figures.holes,
        ),
        (
            "veglia_ingest_damaged_frames",
            "Frames that arrived damaged; they are in quarantine.",
            figures.damaged,
        ),
        (
            "veglia_ingest_refused_records",
            "Records that arrived intact and were not understood.",
            figures.refused,
        ),
        (
            "veglia_ingest_damaged_journal_entries",
            "Entries of the journal that could not be read back: the disk loses data.",
            figures.journal_damaged,
        ),
        (
            "veglia_ingest_records_lost_at_home",
            "Records that homes say they could not keep.",
            figures.lost_at_home,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMELY: Option<Duration> = Some(Duration::from_millis(400));

    fn why(figures: &Snapshot, phase: &Phase, behind: Option<Duration>) -> Option<String> {
        standing(figures, phase, behind).why()
    }

    fn counted_nothing() -> Snapshot {
        Figures::default().snapshot()
    }

    #[test]
    fn an_ingest_is_ready_when_readings_come_are_stored_and_are_looked_at() {
        assert_eq!(why(&counted_nothing(), &Phase::Connected, TIMELY), None);
        let behind = Some(BEHIND_AFTER);
        assert_eq!(why(&counted_nothing(), &Phase::Connected, behind), None);
    }

    #[test]
    fn a_second_home_that_is_away_is_told_and_stops_nobody() {
        let feeding = |trouble: Option<&str>| Feeding {
            written: 7,
            behind: 1_200,
            quarantined: 0,
            missed: 0,
            trouble: trouble.map(Into::into),
        };
        assert_eq!(fed(&feeding(None)), None);
        let said = fed(&feeding(Some("it does not answer"))).unwrap();
        assert_eq!(said, "InfluxDB 1200 entries behind: it does not answer");
        assert_eq!(shown_feeding(&feeding(None)).len(), 5);
    }

    #[test]
    fn each_thing_that_fails_is_named() {
        let full = Snapshot {
            disk_full: true,
            ..counted_nothing()
        };
        let away = Phase::Connecting {
            attempt: 3,
            last_error: Some("connection refused".into()),
        };
        let said = why(&full, &away, Some(Duration::from_secs(300))).unwrap();
        for words in [
            "free some space",
            "attempt 3",
            "connection refused",
            "5 min behind",
        ] {
            assert!(said.contains(words), "{words} not in: {said}");
        }
        let said = why(&counted_nothing(), &Phase::Connected, None).unwrap();
        assert!(said.contains("have not begun"), "{said}");
        let said = why(&counted_nothing(), &Phase::FIRST, TIMELY).unwrap();
        assert!(said.contains("no connection to the broker yet"), "{said}");
    }
}
