//! One task asks ingest, renders what changed once, and tells every open page.
//!
//! ```text
//! View::ward ── every 500 ms ──▶ Desk ──▶ Boards ── what changed ──▶ broadcast ──▶ pages
//! View::trend ── drawings ────────┘          └────── a leaf ───────▶ a page being opened
//! ```
//! What changed goes out as soon as it is known. A tick goes out every second *only while ingest
//! answers and its watch is alive*. Its absence is the message: within five seconds a page says
//! that its data stand still, and since when. So a dead ingest, a dead dashboard and a cut cable
//! look alike, and none of them looks well.
//!
//! **Limits**: the constants below. A page that reads too slowly is not waited for: it misses
//! events and is sent everything again.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::wrappers::BroadcastStream;
use veglia_store::Database;
use veglia_view::{PatientId, Plan, Status, Trend, TrendAsk, Version, View, ViewError, WallMs};

use crate::board::{Boards, Leaf, TooMany};
use crate::book::{self, Book, BookError, Figures};
use crate::desk::Desk;
use crate::event;
use crate::filter::Filter;
use crate::notice::Notice;
use crate::page;
use crate::score::RULES;
use crate::spark::Spark;
use crate::wall::WallView;

/// Shortest time between two countings of alerts: a count reads the alerts of a week.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Events waiting for a slow screen on a wall.
const WALLS_WAITING: usize = 64;

/// Drawings asked for at the same time, so that a page of a hundred is drawn within seconds and
/// ingest is not kept from its work.
const DRAWINGS_MAX: usize = 16;

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

/// The list, and what pages show of it.
#[derive(Debug, Default)]
struct Ward {
    desk: Desk,
    boards: Boards,
}

/// Patients with a clinical alarm under way that nobody has, by their gravest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Red.
    pub red: usize,
    /// Amber.
    pub amber: usize,
}

/// How it stands, apart from patients.
#[derive(Debug, Clone, Copy)]
struct Standing {
    link: Link,
    /// Counted every now and then; none before the first time.
    figures: Option<Figures>,
}

/// The live ward; clones are the same.
#[derive(Debug, Clone)]
pub struct Hub {
    ward: Arc<RwLock<Ward>>,
    standing: watch::Receiver<Standing>,
    walls: broadcast::Sender<Bytes>,
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
    standing: watch::Sender<Standing>,
    since: Option<Version>,
    link: Link,
    figures: Option<Figures>,
    /// What the walls were last told.
    wall: Option<WallView>,
    drawings: JoinSet<Drawing>,
    /// Whether alerts are to be counted at the next look.
    counts: bool,
    /// When they were last counted.
    counted: Option<Instant>,
    /// Whether the record of people answered last time, so that a fault is logged once.
    book_is_open: bool,
}

/// A curve to be drawn small, and the plan whose band it has.
type Drawing = (TrendAsk, Option<Plan>, Result<Trend, ViewError>);

impl Hub {
    /// A hub and the task that must run beside it.
    #[must_use]
    pub fn new(view: Arc<dyn View>, record: Database, pace: Pace) -> (Self, Watch) {
        let empty = Standing {
            link: Link::Never,
            figures: None,
        };
        let (writer, standing) = watch::channel(empty);
        let (walls, _) = broadcast::channel(WALLS_WAITING);
        let hub = Self {
            ward: Arc::default(),
            standing,
            walls,
            notices: Arc::new(watch::Sender::new(Vec::new())),
        };
        let watch = Watch {
            hub: hub.clone(),
            view,
            book: Book::new(record),
            pace,
            standing: writer,
            since: None,
            link: Link::Never,
            figures: None,
            wall: None,
            drawings: JoinSet::new(),
            counts: true,
            counted: None,
            book_is_open: true,
        };
        (hub, watch)
    }

    /// How it stands with ingest.
    #[must_use]
    pub fn link(&self) -> Link {
        self.standing.borrow().link
    }

    /// Shows what is amiss with the centre itself, in the place of what was shown before.
    pub fn post(&self, notices: Vec<Notice>) {
        let event = event::notices(&notices);
        let is_news = self.notices.send_if_modified(|shown| {
            let is_news = *shown != notices;
            *shown = notices;
            is_news
        });
        if is_news {
            self.read().boards.tell_lists(&event);
        }
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.borrow().clone()
    }

    pub(crate) fn figures(&self) -> Option<Figures> {
        self.standing.borrow().figures
    }

    /// What is seen through a filter now.
    pub(crate) fn leaf(&self, filter: &Filter) -> Leaf {
        let ward = self.read();
        ward.boards.leaf(&ward.desk, filter, self.now())
    }

    /// Whether ingest tells of somebody, registered or not.
    #[must_use]
    pub fn is_here(&self, patient: PatientId) -> bool {
        self.read().desk.is_here(patient)
    }

    /// How many wait for somebody.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.read().boards.waiting()
    }

    /// Family doctors of anybody here, by name.
    pub(crate) fn doctors(&self) -> Vec<(i64, Arc<str>)> {
        self.read().desk.doctors()
    }

    /// What a screen without names shows now.
    pub(crate) fn wall(&self) -> WallView {
        WallView::of(&self.read().desk, self.now())
    }

    /// The events of one page that shows everybody, as the body of a `text/event-stream`:
    /// everything first, then what changes. It never ends by itself.
    ///
    /// # Errors
    /// [`Crowded`] above [`PAGES_MAX`].
    pub fn events(
        &self,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Crowded> {
        self.events_through(Filter::default())
    }

    /// The same of a page that shows some.
    ///
    /// # Errors
    /// [`Crowded`] above [`PAGES_MAX`], or when too many different pages are open.
    pub fn events_through(
        &self,
        filter: Filter,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Crowded> {
        // Subscribed before everything is gathered: what is told twice does no harm.
        let changes = {
            let mut ward = self.write();
            let Ward { desk, boards } = &mut *ward;
            if boards.pages() + self.walls.receiver_count() >= PAGES_MAX {
                return Err(Crowded);
            }
            let changes = boards.listen(desk, &filter, self.now());
            changes.map_err(|TooMany| Crowded)?
        };
        let opening = stream::iter([event::RETRY, self.everything(&filter)]);
        let hub = self.clone();
        let changes = BroadcastStream::new(changes);
        let changes = changes.map(move |change| change.unwrap_or_else(|_| hub.everything(&filter)));
        Ok(opening.chain(changes).map(Ok))
    }

    /// The events of a screen on a wall: all that it shows each time anything of it changes.
    ///
    /// # Errors
    /// [`Crowded`] above [`PAGES_MAX`].
    pub fn wall_events(
        &self,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Crowded> {
        if self.read().boards.pages() + self.walls.receiver_count() >= PAGES_MAX {
            return Err(Crowded);
        }
        let changes = BroadcastStream::new(self.walls.subscribe());
        let mut opening = BytesMut::from(event::wall(&self.wall()).as_ref());
        if let Link::Alive(status) = self.link() {
            opening.extend_from_slice(&event::tick(&status));
        }
        let opening = stream::iter([event::RETRY, opening.freeze()]);
        let hub = self.clone();
        let changes = changes.map(move |it| it.unwrap_or_else(|_| event::wall(&hub.wall())));
        Ok(opening.chain(changes).map(Ok))
    }

    fn everything(&self, filter: &Filter) -> Bytes {
        let Leaf {
            lines,
            order,
            alarms,
        } = self.leaf(filter);
        let mut all = BytesMut::from(event::RESYNC.as_ref());
        for line in &lines {
            all.extend_from_slice(&event::row(line));
        }
        let Standing { link, figures } = *self.standing.borrow();
        if filter.hears_alarms() {
            all.extend_from_slice(&event::alarms(&alarms));
        }
        if filter.is_list() {
            all.extend_from_slice(&event::order(&order));
            all.extend_from_slice(&event::notices(&self.notices.borrow()));
            if let Some(figures) = &figures {
                all.extend_from_slice(&event::figures(&page::figures(figures)));
            }
        }
        if let Link::Alive(status) = &link {
            all.extend_from_slice(&event::tick(status));
        }
        all.freeze()
    }

    fn now(&self) -> WallMs {
        self.link().now().unwrap_or(WallMs(0))
    }

    // A panic while it is written leaves a list that is whole, if odd: nobody loses the ward for
    // it.
    fn read(&self) -> RwLockReadGuard<'_, Ward> {
        self.ward.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ward> {
        self.ward.write().unwrap_or_else(PoisonError::into_inner)
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
                    self.hub.write().desk.ask_names_again();
                    self.counts = true;
                }
                _ = poll.tick() => self.poll().await,
                _ = tick.tick() => {
                    let beat = match &self.link {
                        Link::Alive(status) => event::tick(status),
                        _ if told.elapsed() >= self.pace.keep_alive => event::KEEP_ALIVE,
                        _ => continue,
                    };
                    self.hub.read().boards.tell_all(&beat);
                    self.tell_walls(beat);
                    told = Instant::now();
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
        self.standing.send_replace(Standing {
            link: self.link,
            figures: self.figures,
        });
        if let Some(now) = self.link.now() {
            self.show(now).await;
            self.draw(now);
        }
    }

    /// Places whoever changed, and tells open pages. The list is let go in between, so that a page
    /// that is being opened waits for some milliseconds only.
    async fn show(&mut self, now: WallMs) {
        while self.hub.write().desk.settle(now) {
            tokio::task::yield_now().await;
        }
        let filters = self.hub.write().boards.looked_through();
        for filter in filters {
            {
                let mut ward = self.hub.write();
                let Ward { desk, boards } = &mut *ward;
                boards.refresh(desk, &filter);
            }
            tokio::task::yield_now().await;
        }
        {
            let mut ward = self.hub.write();
            let Ward { desk, boards } = &mut *ward;
            boards.tell(desk, now);
        }
        if self.hub.walls.receiver_count() == 0 {
            // A screen that is lit later begins with what it is sent then, not with this.
            self.wall = None;
        } else {
            let wall = self.hub.wall();
            if self.wall.as_ref() != Some(&wall) {
                self.tell_walls(event::wall(&wall));
                self.wall = Some(wall);
            }
        }
    }

    /// Takes in the drawings that have come, and asks for those that are due.
    fn draw(&mut self, now: WallMs) {
        let mut ward = self.hub.write();
        let Ward { desk, boards } = &mut *ward;
        while let Some(done) = self.drawings.try_join_next() {
            match done {
                Ok((ask, plan, Ok(trend))) => {
                    let spark = Spark::draw(&ask, &trend, &RULES, plan.as_ref());
                    desk.show(ask.patient, ask.vital, spark);
                }
                // It is asked for again when it is due; the number beside it stands.
                Ok((.., Err(error))) => tracing::debug!(%error, "a small curve was not read"),
                Err(error) => tracing::error!(%error, "a small curve was not drawn"),
            }
        }
        if !matches!(self.link, Link::Alive(_)) {
            return;
        }
        let room = DRAWINGS_MAX.saturating_sub(self.drawings.len());
        for (ask, plan) in boards.take_due(desk, now, room) {
            let view = Arc::clone(&self.view);
            self.drawings.spawn(async move {
                let trend = view.trend(ask).await;
                (ask, plan, trend)
            });
        }
    }

    /// Reads what changed, page by page.
    async fn ask(&mut self) -> Result<Status, ViewError> {
        for _ in 1..PAGES_IN_A_ROW {
            let ward = self.view.ward(self.since).await?;
            self.since = Some(ward.delta.version);
            let complete = ward.delta.complete;
            self.hub.write().desk.absorb(ward.delta);
            if complete {
                return Ok(ward.status);
            }
        }
        let ward = self.view.ward(self.since).await?;
        self.since = Some(ward.delta.version);
        self.hub.write().desk.absorb(ward.delta);
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
        let now = self.link.now();
        let asked = self.hub.write().desk.take_unasked();
        if !asked.is_empty() {
            match self.book.roll(&asked, now.unwrap_or(WallMs(0))).await {
                Ok(roll) => self.hub.write().desk.enrol(&asked, roll),
                Err(error) => {
                    self.hub.write().desk.not_answered(asked);
                    return Err(error);
                }
            }
        }
        let news = self.book.news().await?;
        self.counts |= !news.is_empty();
        {
            let desk = &mut self.hub.write().desk;
            news.into_iter().for_each(|news| desk.learn(news));
        }
        let is_fresh = |counted: Instant| counted.elapsed() < COUNT_EVERY;
        if self.counts
            && !self.counted.is_some_and(is_fresh)
            && let Some(now) = now
        {
            let figures = self.book.figures(now).await?;
            if self.figures != Some(figures) {
                let event = event::figures(&page::figures(&figures));
                self.hub.read().boards.tell_lists(&event);
            }
            self.figures = Some(figures);
            self.counted = Some(Instant::now());
            self.counts = false;
        }
        Ok(())
    }

    /// Nobody listening is no fault.
    fn tell_walls(&self, event: Bytes) {
        if self.hub.walls.send(event).is_err() {
            tracing::trace!("no wall is lit");
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
