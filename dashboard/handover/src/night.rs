//! Tonight, for the out-of-hours doctor on duty: whom they were given, how these are now, what was
//! agreed with the day, where they live and whom to call.
//!
//! It is read on a telephone in a car: one column, numbers that dial, no scripts. How patients are
//! is read anew at each look; what was agreed stands as the day wrote it.

use askama::Template;
use veglia_words::Words;

use crate::book::{self, Kind};
use crate::desk::{Desk, HandoverError};
use crate::fact::Fact;
use crate::gather::{Wanted, gather};
use crate::lines::{self, LineView};
use crate::shown::VersionView;
use crate::task::Task;
use crate::writing::{filled, line_of};

/// Patients on the page, the gravest: three times what a list names. The others are named on a list
/// of their own, and the page says how many they are.
const LINES_MAX: usize = 180;

/// The page, to be framed by a door.
#[derive(Template)]
#[template(path = "night.html")]
pub struct NightPage {
    w: Words,
    when: String,
    /// What the day wrote, if it has.
    written: Option<VersionView>,
    /// What they said for everybody.
    words: String,
    /// Whether the night has begun without it.
    is_missing: bool,
    /// Whether the reader has acknowledged it.
    is_mine: bool,
    lines: Vec<LineView>,
    left_out: usize,
    /// What was given back to the day of this night.
    back: Option<VersionView>,
}

impl NightPage {
    /// The page as it is now, of whom the reader was given.
    ///
    /// # Errors
    /// See [`HandoverError`].
    pub async fn load(desk: Desk<'_>) -> Result<Self, HandoverError> {
        let task = Task::near(Kind::Night, desk.now).ok_or(HandoverError::Calendar)?;
        let (w, names) = (desk.words(), desk.signatures().await?);
        let followed = desk.followed().await?;
        let all: Vec<_> = followed.iter().copied().collect();
        let wanted = Wanted {
            chosen: &[],
            given: &all,
            because: Fact::Given,
            most: LINES_MAX,
        };
        let gathered = gather(desk, task.span, &followed, &wanted).await?;
        let (cases, left_out) = (gathered.cases, gathered.left_out);
        let actor = desk.actor();
        let written = book::newest(desk.record, &actor, (Kind::Night, task.at)).await;
        let written = written.map_err(HandoverError::Record)?;
        let back = book::newest(desk.record, &actor, (Kind::Morning, task.at)).await;
        let back = back.map_err(HandoverError::Record)?;
        let is_missing = written.is_none() && task.at <= desk.now;
        // Whoever is given nobody reads nothing of the list.
        let written = written.filter(|_| !followed.is_empty());
        let agreed = filled(&cases, written.as_ref(), None);
        let mut lines = lines::views(desk, &agreed, &names, Kind::Night.purpose()).await?;
        for line in &mut lines {
            let named = written.as_ref().and_then(|it| line_of(it, line.patient));
            line.is_in = named.is_some();
        }
        let reader = actor.to_string();
        let is_mine = |version: &book::Version| version.acks.iter().any(|ack| ack.by == reader);
        Ok(Self {
            w,
            when: task.when(w),
            is_missing,
            is_mine: written.as_ref().is_some_and(is_mine),
            words: written
                .as_ref()
                .map_or_else(String::new, |it| it.body.words.clone()),
            written: written
                .as_ref()
                .map(|it| VersionView::new(desk, it, &names)),
            lines,
            left_out,
            back: back.as_ref().map(|it| VersionView::new(desk, it, &names)),
        })
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("tonight-title").into_owned()
    }
}
