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

mod watch;

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{broadcast, watch as level};
use tokio_stream::wrappers::BroadcastStream;
use veglia_people::place::Place;
use veglia_store::Database;
use veglia_view::{PatientId, Status, View, WallMs};
use veglia_words::{Each, Language, Words};

use crate::WORDS;
use crate::board::{Boards, Leaf, TooMany};
use crate::book::Figures;
use crate::desk::Desk;
use crate::event;
use crate::filter::Filter;
use crate::notice::Notice;
use crate::wall::WallView;

pub use watch::Watch;

/// Events waiting for a slow screen on a wall.
const WALLS_WAITING: usize = 64;

/// Open pages at most. A centre has some tens of screens; this bounds a loop that reconnects.
pub const PAGES_MAX: usize = 1_000;

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
    standing: level::Receiver<Standing>,
    walls: Each<broadcast::Sender<Bytes>>,
    notices: Arc<level::Sender<Vec<Notice>>>,
}

/// Too many open pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{PAGES_MAX} pages are open already: close some")]
pub struct Crowded;

impl Hub {
    /// A hub and the task that must run beside it.
    #[must_use]
    pub fn new(view: Arc<dyn View>, record: Database, pace: Pace) -> (Self, Watch) {
        let empty = Standing {
            link: Link::Never,
            figures: None,
        };
        let (writer, standing) = level::channel(empty);
        let hub = Self {
            ward: Arc::default(),
            standing,
            walls: Each::make(|_| broadcast::Sender::new(WALLS_WAITING)),
            notices: Arc::new(level::Sender::new(Vec::new())),
        };
        let watch = Watch::new(hub.clone(), view, record, pace, writer);
        (hub, watch)
    }

    /// How it stands with ingest.
    #[must_use]
    pub fn link(&self) -> Link {
        self.standing.borrow().link
    }

    /// Shows what is amiss with the centre itself, in the place of what was shown before.
    pub fn post(&self, notices: Vec<Notice>) {
        let event = |w: Words| event::notices(w, &notices);
        let is_news = self.notices.send_if_modified(|shown| {
            let is_news = *shown != notices;
            shown.clone_from(&notices);
            is_news
        });
        if is_news {
            self.read().boards.tell_lists(event);
        }
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.borrow().clone()
    }

    pub(crate) fn figures(&self) -> Option<Figures> {
        self.standing.borrow().figures
    }

    /// What is seen through a filter now.
    #[must_use]
    pub fn leaf(&self, filter: &Filter, language: Language) -> Leaf {
        let ward = self.read();
        let w = WORDS.speaking(language);
        ward.boards.leaf(&ward.desk, filter, self.now(), w)
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

    /// Where anybody here lives, by name.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.read().desk.places()
    }

    /// What a screen without names shows now.
    pub(crate) fn wall(&self, language: Language) -> WallView {
        let w = WORDS.speaking(language);
        WallView::of(&self.read().desk, self.now(), w)
    }

    /// The events of one page that shows everybody, as the body of a `text/event-stream`:
    /// everything first, then what changes. It never ends by itself.
    ///
    /// # Errors
    /// [`Crowded`] above [`PAGES_MAX`].
    pub fn events(
        &self,
        language: Language,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Crowded> {
        self.events_through(Filter::default(), language)
    }

    /// The same of a page that shows some.
    ///
    /// # Errors
    /// [`Crowded`] above [`PAGES_MAX`], or when too many different pages are open.
    pub fn events_through(
        &self,
        filter: Filter,
        language: Language,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Crowded> {
        let w = WORDS.speaking(language);
        // Subscribed before everything is gathered: what is told twice does no harm.
        let changes = {
            let mut ward = self.write();
            let Ward { desk, boards } = &mut *ward;
            if boards.pages() + self.lit() >= PAGES_MAX {
                return Err(Crowded);
            }
            let changes = boards.listen(desk, &filter, self.now(), w);
            changes.map_err(|TooMany| Crowded)?
        };
        let opening = stream::iter([event::RETRY, self.everything(&filter, w)]);
        let hub = self.clone();
        let changes = BroadcastStream::new(changes);
        let changes =
            changes.map(move |change| change.unwrap_or_else(|_| hub.everything(&filter, w)));
        Ok(opening.chain(changes).map(Ok))
    }

    /// The events of a screen on a wall: all that it shows each time anything of it changes.
    ///
    /// # Errors
    /// [`Crowded`] above [`PAGES_MAX`].
    pub fn wall_events(
        &self,
        language: Language,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, Crowded> {
        if self.read().boards.pages() + self.lit() >= PAGES_MAX {
            return Err(Crowded);
        }
        let changes = BroadcastStream::new(self.walls.of(language).subscribe());
        let mut opening = BytesMut::from(event::wall(&self.wall(language)).as_ref());
        if let Link::Alive(status) = self.link() {
            opening.extend_from_slice(&event::tick(WORDS.speaking(language), &status));
        }
        let opening = stream::iter([event::RETRY, opening.freeze()]);
        let hub = self.clone();
        let changes =
            changes.map(move |it| it.unwrap_or_else(|_| event::wall(&hub.wall(language))));
        Ok(opening.chain(changes).map(Ok))
    }

    /// How many screens on walls are lit.
    fn lit(&self) -> usize {
        let walls = Language::ALL.map(|language| self.walls.of(language));
        walls.iter().map(|walls| walls.receiver_count()).sum()
    }

    fn tell_walls(&self, event: impl Fn(Words) -> Bytes) {
        for language in Language::ALL {
            self.tell_wall(language, event(WORDS.speaking(language)));
        }
    }

    /// Nobody listening is no fault.
    fn tell_wall(&self, language: Language, event: Bytes) {
        if self.walls.of(language).send(event).is_err() {
            tracing::trace!("no wall is lit");
        }
    }

    fn everything(&self, filter: &Filter, w: Words) -> Bytes {
        let Leaf {
            lines,
            order,
            alarms,
        } = self.leaf(filter, w.language);
        let mut all = BytesMut::from(event::RESYNC.as_ref());
        for line in &lines {
            all.extend_from_slice(&event::row(line));
        }
        let Standing { link, figures } = *self.standing.borrow();
        if filter.hears_alarms() {
            all.extend_from_slice(&event::alarms(&alarms));
        }
        if filter.is_list() {
            all.extend_from_slice(&event::order(w, &order));
            all.extend_from_slice(&event::notices(w, &self.notices.borrow()));
            if let Some(figures) = &figures {
                all.extend_from_slice(&event::figures(w, figures));
            }
        }
        if let Link::Alive(status) = &link {
            all.extend_from_slice(&event::tick(w, status));
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
