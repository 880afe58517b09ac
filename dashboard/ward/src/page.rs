//! The ward's page: every patient in one list, whoever needs somebody first.

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use veglia_diary::AlertFigures;
use veglia_people::views::SavedView;
use veglia_view::{Severity, WallMs};
use veglia_words::{Key, Language, Words};

use crate::WORDS;

use crate::board::{Leaf, Order};
use crate::book::{FIGURES_MS, Figures};
use crate::desk::place_of;
use crate::event::Alarms;
use crate::filter::{Charge, Filter, lane_name, severities, severity_name};
use crate::hub::{Hub, Link};
use crate::line::{Lane, Line};
use crate::notice::Notice;
use crate::words;

/// Reasons that a line shows: one line must not fill the screen. `css/line.css` and `js/ward.js`
/// say the same.
const REASONS_SHOWN: usize = 3;

/// The ward as it stands, to be framed by a door. Complete without scripts; `js/ward.js` makes it
/// live from the stream at `events`.
#[derive(Debug, Template)]
#[template(path = "ward.html")]
pub struct WardPage {
    w: Words,
    /// Where the live page finds its events.
    events: String,
    now: WallMs,
    clock: String,
    lost: Option<String>,
    views: Vec<ViewLink>,
    /// Views that the reader keeps: the number, and the link.
    kept: Vec<(i64, ViewLink)>,
    /// The view of this page as the fields of a form; empty when it needs no name.
    asked: Vec<(&'static str, String)>,
    /// Why a view was not kept, and the name that was typed.
    unkept: Option<(Key, String)>,
    filter: FilterForm,
    outside: String,
    alarms: Alarms,
    leaves: Option<LeafLinks>,
    lanes: Vec<LaneView>,
    notices: Vec<Notice>,
    figures: Option<String>,
    /// A line without content, for the script to copy.
    blank: Vec<(&'static str, Key)>,
}

/// Why a view was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unkept {
    /// It has no name, or too long a one.
    Name,
    /// Its reader keeps as many as anybody may.
    TooMany,
}

#[derive(Debug)]
struct LaneView {
    lane: Lane,
    name: &'static str,
    heading: Key,
    count: usize,
    hidden: usize,
    lines: Vec<Arc<Line>>,
    nobody: Key,
}

/// One choice of a list, and whether it is made.
#[derive(Debug)]
struct Choice {
    value: String,
    name: Cow<'static, str>,
    is_made: bool,
}

/// What the form of the filter holds.
#[derive(Debug)]
struct FilterForm {
    lanes: Vec<Choice>,
    severities: Vec<Choice>,
    charges: Vec<Choice>,
    doctors: Vec<Choice>,
    places: Vec<Choice>,
    search: String,
    /// Whether anything but the search is chosen.
    is_open: bool,
    is_everybody: bool,
}

/// A view that everybody needs, as an address.
#[derive(Debug)]
struct ViewLink {
    address: String,
    name: Cow<'static, str>,
    is_here: bool,
    /// Whether it says how many there are.
    counts: bool,
}

/// Turning over.
#[derive(Debug)]
struct LeafLinks {
    here: usize,
    all: usize,
    before: Option<String>,
    next: Option<String>,
}

impl LaneView {
    /// Where the others of the lane stand.
    fn address(&self) -> String {
        format!("/?corsia={}", lane_name(self.lane))
    }
}

impl WardPage {
    /// The page of this moment through a filter; `events` is the address of
    /// [`Hub::events_through`], to which the filter is added.
    #[must_use]
    pub fn new(hub: &Hub, filter: &Filter, events: &str, language: Language) -> Self {
        let w = WORDS.speaking(language);
        let link = hub.link();
        let Leaf {
            lines,
            order,
            alarms,
        } = hub.leaf(filter, language);
        let blank = crate::line::COLUMNS.iter();
        Self {
            w,
            events: format!("{events}{}", filter.address()),
            now: link.now().unwrap_or(WallMs(0)),
            clock: match link.now() {
                Some(now) => language.clock(now),
                None => "–".to_owned(),
            },
            lost: lost(w, &link),
            views: views(w, filter),
            kept: Vec::new(),
            asked: filter.turned_to(0).fields(),
            unkept: None,
            filter: form(w, filter, hub),
            outside: outside(w, order.outside),
            alarms,
            leaves: leaves(filter, &order),
            lanes: lanes(&lines, &order, filter),
            notices: hub.notices(),
            figures: hub.figures().map(|it| figures(w, &it)),
            blank: blank
                .map(|vital| (vital.name(), words::vital_key(*vital)))
                .collect(),
        }
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> Cow<'static, str> {
        self.w.say("ward-title")
    }

    /// The same with the views that its reader keeps.
    #[must_use]
    pub fn keeping(self, views: Vec<SavedView>, here: &Filter) -> Self {
        let here = here.kept();
        let kept = views.into_iter().map(|it| {
            let link = ViewLink {
                is_here: here.as_ref() == Some(&it.address),
                address: format!("/{}", it.address),
                name: it.name.into(),
                counts: false,
            };
            (it.id, link)
        });
        Self {
            kept: kept.collect(),
            ..self
        }
    }

    /// The same, with why a view was not kept under the name that was typed.
    #[must_use]
    pub fn not_keeping(self, why: Unkept, name: String) -> Self {
        let why = match why {
            Unkept::Name => Key("ward-unkept-name"),
            Unkept::TooMany => Key("ward-unkept-many"),
        };
        Self {
            unkept: Some((why, name)),
            ..self
        }
    }

    /// How many reasons of a line the style leaves to the patient's page; empty for none.
    fn more(&self, line: &Line) -> String {
        match line.why.len().saturating_sub(REASONS_SHOWN) {
            0 => String::new(),
            more => self.w.with("ward-more", "n", more).to_string(),
        }
    }

    /// Unlike a template's own fields, an address may be given as text.
    fn address(&self, line: &Line) -> String {
        format!("/pazienti/{}", line.patient)
    }
}

/// What this page does not show and somebody must see to; empty for nothing.
pub(crate) fn outside(w: Words, (red, amber): (usize, usize)) -> String {
    let said = |key: Key, count: usize| w.with(key, "n", count);
    let (reds, ambers) = (
        said(Key("outside-reds"), red),
        said(Key("outside-ambers"), amber),
    );
    let who = match (red, amber) {
        (0, 0) => return String::new(),
        (_, 0) => reds,
        (0, _) => ambers,
        _ => w.with("outside-both", "reds", reds).and("ambers", ambers),
    };
    w.with("outside", "who", who).to_string()
}

fn views(w: Words, here: &Filter) -> Vec<ViewLink> {
    let nobody = Filter {
        charge: Charge::Nobody,
        ..Filter::default()
    };
    let technical = Filter {
        lane: Some(Lane::Technical),
        ..Filter::default()
    };
    let is_mine = matches!(here.charge, Charge::Held(_));
    let view = |filter: &Filter, name: Key| ViewLink {
        address: format!("/{}", filter.address()),
        name: w.say(name),
        is_here: here == filter,
        counts: filter.charge == Charge::Nobody,
    };
    vec![
        view(&Filter::default(), Key("view-all")),
        view(&nobody, Key("view-waiting")),
        ViewLink {
            address: "/?carico=me".to_owned(),
            name: w.say("view-mine"),
            is_here: is_mine,
            counts: false,
        },
        view(&technical, Key("view-technical")),
    ]
}

fn form(w: Words, filter: &Filter, hub: &Hub) -> FilterForm {
    let choice = |value: &str, name: Key, is_made| Choice {
        value: value.to_owned(),
        name: w.say(name),
        is_made,
    };
    let lanes = Lane::ALL.into_iter().map(|lane| {
        let is_made = filter.lane == Some(lane);
        choice(lane_name(lane), lane.short(), is_made)
    });
    let severities = severities().map(|severity| {
        let name = match severity {
            Severity::Red => Key("filter-red"),
            Severity::Amber => Key("filter-amber"),
            Severity::Technical => Key("filter-technical"),
        };
        let is_made = filter.severity == Some(severity);
        choice(severity_name(severity), name, is_made)
    });
    let doctors = hub.doctors().into_iter();
    let doctors = doctors.map(|(id, name)| Choice {
        value: id.to_string(),
        name: name.to_string().into(),
        is_made: filter.doctor == Some(id),
    });
    let places = hub.places().into_iter().map(|place| Choice {
        value: place.to_string(),
        is_made: place.as_str() == filter.place,
        name: place.to_string().into(),
    });
    let (nobody, mine) = (
        filter.charge == Charge::Nobody,
        matches!(filter.charge, Charge::Held(_)),
    );
    FilterForm {
        lanes: lanes.collect(),
        severities: severities.collect(),
        charges: vec![
            choice("nessuno", Key("filter-nobody"), nobody),
            choice("me", Key("filter-me"), mine),
        ],
        doctors: doctors.collect(),
        places: places.collect(),
        search: filter.search.clone(),
        is_open: filter.lane.is_some()
            || filter.severity.is_some()
            || filter.doctor.is_some()
            || !filter.place.is_empty()
            || filter.charge != Charge::Any,
        is_everybody: filter.leaves_nobody_out(),
    }
}

fn leaves(filter: &Filter, order: &Order) -> Option<LeafLinks> {
    let turned = |leaf| format!("/{}", filter.turned_to(leaf).address());
    let (leaf, all) = (filter.leaf, order.leaves);
    (all > 1 || leaf > 0).then(|| LeafLinks {
        here: leaf + 1,
        all,
        before: leaf.checked_sub(1).map(turned),
        next: (leaf + 1 < all).then(|| turned(leaf + 1)),
    })
}

/// What to say while ingest does not answer.
pub(crate) fn lost(w: Words, link: &Link) -> Option<String> {
    match link {
        Link::Alive(_) => None,
        Link::Lost(status) => {
            let hour = w.language.hour(status.care_now);
            Some(w.with("lost-since", "hour", hour).to_string())
        }
        Link::Never => Some(w.say("lost-never").into_owned()),
    }
}

/// How many alerts there were of late, for whom, and how many no person closed.
pub(crate) fn figures(w: Words, of: &Figures) -> String {
    let days = FIGURES_MS / 86_400_000;
    let AlertFigures {
        opened,
        technical,
        closed,
        closed_alone,
    } = of.alerts;
    let rate = match of.patient_days_thousandths {
        // Of less than a day of one patient there is no rate.
        ..1_000 => String::new(),
        // In hundredths; 100 × 1 000 because the days are in thousandths.
        thousandths => {
            let hundredths = opened.saturating_mul(100_000) / thousandths;
            let (whole, part) = (hundredths / 100, hundredths % 100);
            let rate = w.language.number(&format!("{whole}.{part:02}"));
            format!(", {}", w.with("figures-rate", "rate", rate))
        }
    };
    let alone = match closed {
        1.. => {
            let share = closed_alone.saturating_mul(100) / closed;
            let closed = w.with("figures-closed", "closed", closed);
            let closed = closed.and("alone", closed_alone).and("share", share);
            closed.to_string()
        }
        0 => w.say("figures-none-closed").into_owned(),
    };
    let figures = w.with("figures", "days", days).and("opened", opened);
    let figures = figures.and("rate", rate).and("closed", alone);
    figures.and("technical", technical).to_string()
}

fn lanes(lines: &[Arc<Line>], order: &Order, filter: &Filter) -> Vec<LaneView> {
    let is_filtered = !filter.leaves_nobody_out();
    let view = |lane: Lane| LaneView {
        lane,
        name: lane.name(),
        heading: lane.heading(),
        count: order.count.get(place_of(lane)).copied().unwrap_or(0),
        hidden: order.hidden(lane),
        lines: lines
            .iter()
            .filter(|line| line.lane == lane)
            .map(Arc::clone)
            .collect(),
        nobody: match (is_filtered, lane) {
            (true, _) => Key("nobody-here"),
            (false, Lane::Clinical) => Key("nobody-clinical"),
            (false, Lane::Technical) => Key("nobody-technical"),
            (false, Lane::Calm) => Key("nobody-calm"),
        },
    };
    Lane::ALL.into_iter().map(view).collect()
}
