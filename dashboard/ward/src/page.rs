//! The ward's page: every patient in one list, whoever needs somebody first.

use std::sync::Arc;

use askama::Template;
use veglia_view::WallMs;

use veglia_diary::AlertFigures;

use crate::book::{FIGURES_MS, Figures};
use crate::desk::Order;
use crate::hub::{Hub, Link};
use crate::line::{Lane, Line};
use crate::notice::Notice;
use crate::words;

/// The ward as it stands, to be framed by a door. Complete without scripts; `js/ward.js` makes it
/// live from the stream at `events`.
#[derive(Debug, Template)]
#[template(path = "ward.html")]
pub struct WardPage {
    /// Where the live page finds its events.
    events: &'static str,
    now: WallMs,
    clock: String,
    lost: Option<String>,
    lanes: Vec<LaneView>,
    notices: Vec<Notice>,
    figures: Option<String>,
    /// A line without content, for the script to copy.
    blank: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
struct LaneView {
    name: &'static str,
    heading: &'static str,
    count: usize,
    lines: Vec<Arc<Line>>,
    nobody: &'static str,
}

impl LaneView {
    fn hidden(&self) -> usize {
        self.count.saturating_sub(self.lines.len())
    }
}

impl WardPage {
    /// The page of this moment; `events` is the address of [`Hub::events`].
    #[must_use]
    pub fn new(hub: &Hub, events: &'static str) -> Self {
        let snapshot = hub.snapshot();
        let now = snapshot.link.now().unwrap_or(WallMs(0));
        let mut lines: Vec<Arc<Line>> = Vec::with_capacity(snapshot.lines.len());
        lines.extend(snapshot.lines.iter().map(|shown| Arc::clone(&shown.line)));
        Self {
            events,
            now,
            clock: snapshot
                .link
                .now()
                .map_or_else(|| "–".to_owned(), words::clock),
            lost: lost(&snapshot.link),
            lanes: lanes(&lines, &snapshot.order),
            notices: hub.notices(),
            figures: snapshot.figures.as_ref().map(figures),
            blank: crate::line::COLUMNS
                .iter()
                .map(|vital| (vital.name(), words::vital_name(*vital)))
                .collect(),
        }
    }

    /// Unlike a template's own fields, an address may be given as text.
    fn address(&self, line: &Line) -> String {
        format!("/pazienti/{}", line.patient)
    }
}

/// What to say while ingest does not answer.
pub(crate) fn lost(link: &Link) -> Option<String> {
    match link {
        Link::Alive(_) => None,
        Link::Lost(status) => Some(format!(
            "Collegamento interrotto – dati fermi {}",
            words::at_time(status.care_now, status.care_now)
        )),
        Link::Never => Some("Collegamento interrotto – nessun dato ancora ricevuto".to_owned()),
    }
}

/// How many alerts there were of late, for whom, and how many no person closed.
pub(crate) fn figures(of: &Figures) -> String {
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
            format!(", {whole},{part:02} per paziente al giorno")
        }
    };
    let alone = match closed {
        1.. => {
            let share = closed_alone.saturating_mul(100) / closed;
            format!("{closed} chiusi, di cui {closed_alone} ({share} %) da sé, senza una persona")
        }
        0 => "nessuno chiuso".to_owned(),
    };
    format!(
        "Ultimi {days} giorni: {opened} allarmi clinici{rate}; {alone}. Segnalazioni tecniche: \
         {technical}."
    )
}

fn lanes(lines: &[Arc<Line>], order: &Order) -> Vec<LaneView> {
    let lanes = Lane::ALL.into_iter().zip(order.count);
    let view = |(lane, count): (Lane, usize)| LaneView {
        name: lane.name(),
        heading: lane.heading(),
        count,
        lines: lines
            .iter()
            .filter(|line| line.lane == lane)
            .map(Arc::clone)
            .collect(),
        nobody: match lane {
            Lane::Clinical => "Nessun allarme clinico aperto.",
            Lane::Technical => "Nessun paziente con segnalazioni tecniche o dati mancanti.",
            Lane::Calm => "Nessun paziente senza allarmi.",
        },
    };
    lanes.map(view).collect()
}
