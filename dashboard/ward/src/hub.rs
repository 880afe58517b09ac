//! One task asks ingest, renders what changed once, and tells every open page.
//!
//! ```text
//! View::ward ── every 500 ms ──▶ Desk ── rows, order ──▶ broadcast ──▶ pages
//!                                  └──── Snapshot ────▶ a page being opened
//! ```
//! A tick goes out every second *only while ingest answers and its watch is alive*. Its absence is
//! the message: within five seconds a page says that its data stand still, and since when. So a
//! dead ingest, a dead dashboard and a cut cable look alike, and none of them looks well.
//!
//! **Limits**: the constants below. A page that reads too slowly is not waited for: it misses
//! events and is sent everything again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::wrappers::BroadcastStream;
use veglia_store::Database;
use veglia_view::{Status, Version, View, ViewError, WallMs};

use crate::book::{self, Book, BookError, Figures};
use crate::desk::{Changes, Desk, Order, Shown};
use crate::event;
use crate::notice::Notice;
use crate::page;

/// Shortest time between two countings of alerts: a count reads the alerts of a week.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Events waiting for a slow page: some seconds of a busy ward.
const EVENTS_WAITING: usize = 1_024;

/// Open pages at most. A centre has some tens of screens; this bounds a loop that reconnects.
pub const PAGES_MAX: usize = 1_000;

/// Pages of one answer read in a row before pages are told; the rest comes with the next poll.
const PAGES_IN_A_ROW: usize = 50;

/// How long the watch of ingest may be silent, in milliseconds of wall time. It reports every
/// second; a page says "interrupted" after five.
const WATCH_SILENT_MS: i64 = 5_000;

/// The rhythm of a hub.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often ingest is asked what changed.
    pub poll: Duration,
    /// How often pages are told that all is alive.
    pub tick: Duration,
    /// How often names are looked up again.
    pub names: Duration,
    /// How long a stream may be silent.
    pub keep_alive: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(500),
            tick: Duration::from_secs(1),
            names: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// How it stands with ingest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It never answered since this dashboard began.
    Never,
    /// It answers.
    Alive(Status),
    /// It answered last then.
    Lost(Status),
}

impl Link {
    /// The last known moment of care, if any.
    #[must_use]
    pub fn now(&self) -> Option<WallMs> {
        match self {
            Self::Never => None,
            Self::Alive(status) | Self::Lost(status) => Some(status.care_now),
        }
    }
}

/// The list at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) lines: Vec<Shown>,
    pub(crate) order: Order,
    pub(crate) link: Link,
    /// Counted every now and then; none before the first time.
    pub(crate) figures: Option<Figures>,
}

/// The live ward; clones are the same.
#[derive(Debug, Clone)]
pub struct Hub {
    events: broadcast::Sender<Bytes>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    notices: Arc<watch::Sender<Vec<Notice>>>,
}

/// Too many open pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{PAGES_MAX} pages are open already: close some")]
pub struct Crowded;

/// The task behind a hub.
pub struct Watch {
    hub: Hub,
    view: Arc<dyn View>,
    book: Book,
    pace: Pace,
    events: broadcast::Sender<Bytes>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    desk: Desk,
    since: Option<Version>,
    link: Link,
    figures: Option<Figures>,
    /// Whether alerts are to be counted at the next look.
    counts: bool,
    /// When they were last counted.
    counted: Option<Instant>,
    /// Whether the record of people answered last time, so that a fault is logged once.
    book_is_open: bool,
}

impl Hub {
    /// A hub and the task that must run beside it.
    #[must_use]
    pub fn new(view: Arc<dyn View>, record: Database, pace: Pace) -> (Self, Watch) {
        let (events, _) = broadcast::channel(EVENTS_WAITING);
        let empty = Snapshot {
            lines: Vec::new(),
            order: Order::default(),
            link: Link::Never,
            figures: None,
        };
        let (writer, snapshot) = watch::channel(Arc::new(empty));
        let hub = Self {
            events: events.clone(),
            snapshot,
            notices: Arc::new(watch::Sender::new(Vec::new())),
        };
        let watch = Watch {
            hub: hub.clone(),
            view,
            book: Book::new(record),
            pace,
            events,
            snapshot: writer,
            desk: Desk::default(),
            since: None,
            link: Link::Never,
            figures: None,
            counts: true,
            counted: None,
            book_is_open: true,
        };
        (hub, watch)
    }

    /// How it stands with ingest.
    #[must_use]
    pub fn link(&self) -> Link {
        self.snapshot.borrow().link
    }

    /// Shows what is amiss with the centre itself, in the place of what was shown before.
    pub fn post(&self, notices: Vec<Notice>) {
        let event = event::notices(&notices);
        let is_news = self.notices.send_if_modified(|shown| {
            let is_news = *shown != notices;
            *shown = notices;
            is_news
        });
        if is_news && self.events.send(event).is_err() {
            tracing::trace!("no page is open");
        }
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.borrow().clone()
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// The events of one page, as the body of a `text/event-stream`: everything first, then what
    /// changes. It never ends by itself.
    ///
    /// # Errors
    /// [`Crowded`] above [`PAGES_MAX`].
    pub fn events(
        &self,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Crowded> {
        if self.events.receiver_count() >= PAGES_MAX {
            return Err(Crowded);
        }
        // Subscribed before the snapshot is taken: what is told twice does no harm.
        let changes = BroadcastStream::new(self.events.subscribe());
        let opening = stream::iter([event::RETRY, self.everything()]);
        let hub = self.clone();
        let changes = changes.map(move |change| change.unwrap_or_else(|_| hub.everything()));
        Ok(opening.chain(changes).map(Ok))
    }

    fn everything(&self) -> Bytes {
        let snapshot = self.snapshot();
        let mut all = BytesMut::from(event::RESYNC.as_ref());
        for shown in &snapshot.lines {
            all.extend_from_slice(&shown.event);
        }
        all.extend_from_slice(&event::order(&snapshot.order));
        all.extend_from_slice(&event::notices(&self.notices.borrow()));
        if let Some(figures) = &snapshot.figures {
            all.extend_from_slice(&event::figures(&page::figures(figures)));
        }
        if let Link::Alive(status) = &snapshot.link {
            all.extend_from_slice(&event::tick(status));
        }
        all.freeze()
    }
}

impl Watch {
    /// The hub that it feeds.
    #[must_use]
    pub fn hub(&self) -> Hub {
        self.hub.clone()
    }

    /// Watches until `shutdown` completes.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let every = |period| {
            let mut beats = interval(period);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            beats
        };
        let (mut poll, mut tick) = (every(self.pace.poll), every(self.pace.tick));
        let mut names = every(self.pace.names);
        let mut told = Instant::now();
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                _ = names.tick() => {
                    self.desk.ask_names_again();
                    self.counts = true;
                }
                _ = poll.tick() => self.poll().await,
                _ = tick.tick() => {
                    if let Link::Alive(status) = &self.link {
                        self.tell(event::tick(status));
                        told = Instant::now();
                    } else if told.elapsed() >= self.pace.keep_alive {
                        self.tell(event::KEEP_ALIVE);
                        told = Instant::now();
                    }
                }
            }
        }
    }

    async fn poll(&mut self) {
        match self.ask().await {
            Ok(status) if is_watching(&status) => {
                if !matches!(self.link, Link::Alive(_)) {
                    tracing::info!("ingest answers");
                }
                self.link = Link::Alive(status);
            }
            Ok(status) => self.lose("ingest answers, but its watch stands still", Some(status)),
            Err(error) => self.lose(&error.to_string(), None),
        }
        self.look_up().await;
        let Some(now) = self.link.now() else {
            return;
        };
        let Changes { rows, order } = self.desk.settle(now);
        let (lines, shown_order) = self.desk.shown();
        // First what a page being opened will read, then what open pages hear.
        self.snapshot.send_replace(Arc::new(Snapshot {
            lines,
            order: shown_order,
            link: self.link,
            figures: self.figures,
        }));
        rows.into_iter().for_each(|row| self.tell(row));
        if let Some(order) = order {
            self.tell(order);
        }
    }

    /// Reads what changed, page by page.
    async fn ask(&mut self) -> Result<Status, ViewError> {
        for _ in 1..PAGES_IN_A_ROW {
            let ward = self.view.ward(self.since).await?;
            self.since = Some(ward.delta.version);
            let complete = ward.delta.complete;
            self.desk.absorb(ward.delta);
            if complete {
                return Ok(ward.status);
            }
        }
        let ward = self.view.ward(self.since).await?;
        self.since = Some(ward.delta.version);
        self.desk.absorb(ward.delta);
        Ok(ward.status)
    }

    /// The data stand still since the last answer; a watch that stopped, since it last spoke.
    fn lose(&mut self, reason: &str, stopped: Option<Status>) {
        if matches!(self.link, Link::Alive(_)) {
            tracing::warn!(reason, "the ward stands still");
        }
        self.link = match (self.link, stopped) {
            (Link::Alive(status) | Link::Lost(status), _) => Link::Lost(status),
            (Link::Never, Some(status)) => match status.progress {
                Some(progress) => Link::Lost(Status {
                    care_now: progress.at,
                    ..status
                }),
                None => Link::Never,
            },
            (Link::Never, None) => Link::Never,
        };
    }

    async fn look_up(&mut self) {
        match self.read_book().await {
            Ok(()) => self.book_is_open = true,
            Err(error) => {
                if self.book_is_open {
                    let cause = book::story(&error);
                    tracing::warn!(error = cause, "names and acts on the ward may be missing");
                }
                self.book_is_open = false;
            }
        }
    }

    async fn read_book(&mut self) -> Result<(), BookError> {
        let strangers = self.desk.strangers();
        if !strangers.is_empty() {
            let names = self.book.names(&strangers).await?;
            self.desk.learn_names(&strangers, names);
        }
        let news = self.book.news().await?;
        self.counts |= !news.is_empty();
        news.into_iter().for_each(|news| self.desk.learn(news));
        let is_fresh = |counted: Instant| counted.elapsed() < COUNT_EVERY;
        if self.counts
            && !self.counted.is_some_and(is_fresh)
            && let Some(now) = self.link.now()
        {
            let figures = self.book.figures(now).await?;
            if self.figures != Some(figures) {
                self.tell(event::figures(&page::figures(&figures)));
            }
            self.figures = Some(figures);
            self.counted = Some(Instant::now());
            self.counts = false;
        }
        Ok(())
    }

    /// Nobody listening is no fault.
    fn tell(&self, event: Bytes) {
        if self.events.send(event).is_err() {
            tracing::trace!("no page is open");
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Whether rules are still being applied: the watch spoke a short while ago, by the wall.
fn is_watching(status: &Status) -> bool {
    let silent_ms = WATCH_SILENT_MS.saturating_mul(i64::from(status.speed));
    status
        .progress
        .is_some_and(|progress| status.care_now.since(progress.at) <= silent_ms)
}
