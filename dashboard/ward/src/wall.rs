//! What a screen on a wall shows: who needs somebody, without a name.
//!
//! A patient is the end of their number, which also stands on the ward; initials are names too, and
//! so is who has taken charge. The hour of the last reading always stands there, and a screen that
//! is no longer fed says so by itself (`js/wall.js`, and `css/wall.css` should that stand still).

use std::borrow::Cow;

use askama::Template;
use serde::Serialize;
use veglia_view::WallMs;
use veglia_words::{Language, Words};

use crate::WORDS;
use crate::desk::{Desk, place_of};
use crate::hub::Hub;
use crate::line::{Chip, Lane, Line};
use crate::page::lost;

/// Lines that fit on a television and are read from across a room.
pub const WALL_LINES: usize = 6;

/// Who stands on a wall.
const LANES: [Lane; 2] = [Lane::Clinical, Lane::Technical];

/// All that a screen on a wall shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WallView {
    lines: Vec<WallLine>,
    /// Those of the two lanes that have no room.
    more: usize,
    clinical: usize,
    technical: usize,
    calm: usize,
    /// When the latest reading of anybody was measured.
    last: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct WallLine {
    code: String,
    chip: Chip,
    /// The gravest reason.
    why: String,
    /// How many more there are.
    others: usize,
    /// Somebody has it.
    held: bool,
    values: Vec<WallValue>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct WallValue {
    label: Cow<'static, str>,
    text: String,
    at: String,
    doubtful: bool,
    stale_at: Option<i64>,
}

impl WallView {
    pub(crate) fn of(desk: &Desk, now: WallMs, w: Words) -> Self {
        let shown = desk.top_of(&LANES).take(WALL_LINES);
        let shown = shown.filter_map(|patient| desk.line(patient, now, w));
        let lines: Vec<WallLine> = shown.map(|line| nameless(w, &line, now)).collect();
        let count = |lane| desk.count().get(place_of(lane)).copied().unwrap_or(0);
        let (clinical, technical) = (count(Lane::Clinical), count(Lane::Technical));
        Self {
            more: (clinical + technical).saturating_sub(lines.len()),
            clinical,
            technical,
            calm: count(Lane::Calm),
            last: desk.last_heard().map_or_else(
                || w.say("wall-never"),
                |at| w.language.hour_of(at, now).into(),
            ),
            lines,
        }
    }
}

fn nameless(w: Words, line: &Line, now: WallMs) -> WallLine {
    let gravest = line.why.first();
    let values = line.values.iter().map(|value| WallValue {
        label: value.label.clone(),
        text: value.text.clone(),
        at: value
            .at
            .map_or_else(String::new, |at| w.language.hour_of(WallMs(at), now)),
        doubtful: value.doubtful,
        stale_at: value.stale_at,
    });
    WallLine {
        code: line.code.clone(),
        chip: line.chip.clone(),
        why: gravest.map_or_else(String::new, |why| why.text.clone()),
        others: line.why.len().saturating_sub(1),
        held: gravest.is_some_and(|why| why.charge.is_some()),
        values: values.collect(),
    }
}

impl WallValue {
    fn is_stale(&self, now: &WallMs) -> bool {
        self.stale_at.is_none_or(|stale_at| stale_at <= now.0)
    }
}

/// The screen as it stands, to be framed by a door. It loads itself anew without scripts;
/// `js/wall.js` makes it live from the stream at `events`.
#[derive(Debug, Template)]
#[template(path = "wall.html")]
pub struct WallPage {
    w: Words,
    events: String,
    name: String,
    now: WallMs,
    clock: String,
    lost: Option<String>,
    view: WallView,
}

impl WallPage {
    /// The screen called `name` at this moment; `events` is the address of [`Hub::wall_events`].
    #[must_use]
    pub fn new(hub: &Hub, name: String, events: String, language: Language) -> Self {
        let w = WORDS.speaking(language);
        let link = hub.link();
        let now = link.now();
        Self {
            w,
            events,
            name,
            now: now.unwrap_or(WallMs(0)),
            clock: now.map_or_else(|| "–".to_owned(), |now| language.clock(now)),
            lost: lost(w, &link),
            view: hub.wall(language),
        }
    }
}
