//! The task behind a hub: it asks ingest, and has what changed told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use veglia_store::Database;
use veglia_view::{Plan, Status, Trend, TrendAsk, Version, View, ViewError, WallMs};
use veglia_words::{Each, Language, Words};

use super::{Hub, Link, Pace, Standing, Ward};
use crate::book::{self, Book, BookError, Figures};
use crate::event;
use crate::score::RULES;
use crate::spark::Spark;
use crate::wall::WallView;

/// Shortest time between two countings of alerts: a count reads the alerts of a week.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Drawings asked for at the same time, so that a page of a hundred is drawn within seconds and
/// ingest is not kept from its work.
const DRAWINGS_MAX: usize = 16;

/// Pages of one answer read in a row before pages are told; the rest comes with the next poll.
const PAGES_IN_A_ROW: usize = 50;

/// How long the watch of ingest may be silent, in milliseconds of wall time. It reports every
/// second; a page says "interrupted" after five.
const WATCH_SILENT_MS: i64 = 5_000;

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
    /// What the walls of each language were last told.
    wall: Each<Option<WallView>>,
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

impl Watch {
    pub(super) fn new(
        hub: Hub,
        view: Arc<dyn View>,
        record: Database,
        pace: Pace,
        standing: watch::Sender<Standing>,
    ) -> Self {
        Self {
            hub,
            view,
            book: Book::new(record),
            pace,
            standing,
            since: None,
            link: Link::Never,
            figures: None,
            wall: Each::default(),
            drawings: JoinSet::new(),
            counts: true,
            counted: None,
            book_is_open: true,
        }
    }

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
                    let link = self.link;
                    if !matches!(link, Link::Alive(_)) && told.elapsed() < self.pace.keep_alive {
                        continue;
                    }
                    let beat = |w: Words| match &link {
                        Link::Alive(status) => event::tick(w, status),
                        Link::Never | Link::Lost(_) => event::KEEP_ALIVE,
                    };
                    self.hub.read().boards.tell_all(beat);
                    self.hub.tell_walls(beat);
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
        for language in Language::ALL {
            if self.hub.walls.of(language).receiver_count() == 0 {
                // A screen that is lit later begins with what it is sent then, not with this.
                *self.wall.of_mut(language) = None;
                continue;
            }
            let wall = self.hub.wall(language);
            if self.wall.of(language).as_ref() != Some(&wall) {
                self.hub.tell_wall(language, event::wall(&wall));
                *self.wall.of_mut(language) = Some(wall);
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
                let told = |w: Words| event::figures(w, &figures);
                self.hub.read().boards.tell_lists(told);
            }
            self.figures = Some(figures);
            self.counted = Some(Instant::now());
            self.counts = false;
        }
        Ok(())
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
