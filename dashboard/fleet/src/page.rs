//! The page: what nobody wears, every box, the codes that wait, and what was done last.

use askama::Template;
use veglia_identity::UnixSeconds;
use veglia_people::staff::{Role, Staff};
use veglia_wire::WallMs;
use veglia_words::{Key, Words};

use crate::line::Line;
use crate::log::{Act, Deed};
use crate::standing::Standing;
use crate::words;

/// Boxes shown at most; whoever needs somebody comes first, so those left out are well, and can be
/// looked for. A telephone loads the page every five seconds.
pub const LINES_MAX: usize = 100;

/// Devices that nobody wears shown at most; the rest comes when those are assigned.
pub const LOOSE_MAX: usize = 30;

/// Longest text that is looked for: a device's id.
const SEARCH_CHARS_MAX: usize = 64;

/// Lines of the log on the page.
pub const ACTS_SHOWN: u64 = 20;

/// The page of all boxes, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "fleet.html")]
pub struct FleetPage {
    pub(crate) w: Words,
    pub(crate) clock: String,
    /// What to say while ingest does not answer.
    pub(crate) is_lost: bool,
    /// What became of what was just asked.
    pub(crate) notice: Option<String>,
    pub(crate) summary: String,
    /// What the list was looked through for; empty for all.
    pub(crate) search: String,
    pub(crate) loose: Vec<Loose>,
    pub(crate) loose_hidden: usize,
    pub(crate) lines: Vec<Line>,
    pub(crate) hidden: usize,
    /// Messages of boxes that found no place in ingest's list.
    pub(crate) unlisted: u64,
    pub(crate) codes: Vec<Code>,
    pub(crate) log: Vec<Entry>,
    pub(crate) may_manage: bool,
    /// Whether the reader cares for patients: else nobody is named, and no page of theirs is led
    /// to.
    pub(crate) reads_patients: bool,
    pub(crate) can_enrol: bool,
}

/// A device that measures and that nobody wears.
#[derive(Debug)]
pub(crate) struct Loose {
    pub(crate) device: String,
    pub(crate) gateway: String,
    pub(crate) notes: String,
}

/// A code that waits.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) gateway: String,
    pub(crate) made_at: String,
    pub(crate) expires_at: String,
}

/// A line of the log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) time: String,
    pub(crate) text: String,
    pub(crate) words: String,
}

impl FleetPage {
    /// The same page with a sentence on top.
    #[must_use]
    pub fn saying(self, sentence: String) -> Self {
        Self {
            notice: Some(sentence),
            ..self
        }
    }
}

/// Whether somebody may let boxes in and shut them out.
pub(crate) fn may_manage(who: &Staff) -> bool {
    who.role == Role::Admin
}

/// Whether somebody works with patients, and not with boxes alone.
pub(crate) fn reads_patients(who: &Staff) -> bool {
    who.role.is_of_the_centre()
}

/// Keeps the lines in which `search` stands, however it is written, and says what was looked for.
/// Names of patients are not looked through: the search stands in the page's address, and
/// addresses are logged on their way.
pub(crate) fn find(lines: &mut Vec<Line>, search: &str) -> String {
    let search: String = search.trim().chars().take(SEARCH_CHARS_MAX).collect();
    let wanted = search.to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&wanted);
    lines.retain(|line| holds(&line.id) || line.ports.iter().any(|port| holds(&port.name)));
    search
}

/// Sorts the lines, keeps those that are shown, and says how many are left out.
pub(crate) fn arrange(lines: &mut Vec<Line>) -> usize {
    lines.sort_by(|one, other| {
        let worn = |line: &Line| line.ports.iter().any(|port| !port.wearers.is_empty());
        let lane = |line: &Line| lane(&line.standing);
        let order = lane(one).cmp(&lane(other));
        // Of two alike, the one that somebody depends on; then by name, which people look for.
        let order = order.then(worn(other).cmp(&worn(one)));
        order.then_with(|| one.id.cmp(&other.id))
    });
    let hidden = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    hidden
}

fn lane(standing: &Standing) -> u8 {
    match standing {
        Standing::Mute(_) => 0,
        Standing::Expires(_) => 1,
        Standing::Troubled(_) => 2,
        Standing::Idle => 3,
        Standing::Unseen => 4,
        Standing::Unknown => 5,
        Standing::Well => 6,
        Standing::Revoked(_) => 7,
    }
}

/// `12 gateway: 1 muto, 2 da guardare, 9 collegati`.
pub(crate) fn summary(lines: &[Line], w: Words) -> String {
    let count = |of: &[u8]| {
        let lanes = lines.iter().map(|line| lane(&line.standing));
        lanes.filter(|lane| of.contains(lane)).count()
    };
    let parts = [
        (count(&[0]), Key("summary-mute")),
        (count(&[1, 2]), Key("summary-troubled")),
        (count(&[3]), Key("summary-idle")),
        (count(&[4]), Key("summary-unseen")),
        (count(&[5]), Key("summary-unknown")),
        (count(&[6]), Key("summary-well")),
        (count(&[7]), Key("summary-revoked")),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, key)| w.with(key, "n", count).to_string())
        .collect();
    match lines.len() {
        0 => w.say("summary-none").into_owned(),
        count => w
            .with("summary-all", "n", count)
            .and("parts", said.join(", "))
            .to_string(),
    }
}

/// The devices that measure and that nobody wears.
pub(crate) fn loose(lines: &[Line]) -> Vec<Loose> {
    let ports = lines
        .iter()
        .flat_map(|line| line.ports.iter().map(move |port| (line, port)));
    ports
        .filter(|(_, port)| port.is_loose)
        .filter_map(|(line, port)| {
            Some(Loose {
                device: port.device.clone()?,
                gateway: line.id.clone(),
                notes: port.notes.clone(),
            })
        })
        .collect()
}

pub(crate) fn entry(act: &Act, by: &str, w: Words) -> Entry {
    let key = match act.deed {
        Some(Deed::Invited) => Key("deed-invited"),
        Some(Deed::Withdrawn) => Key("deed-withdrawn"),
        Some(Deed::Enrolled) => Key("deed-enrolled"),
        Some(Deed::Revoked) => Key("deed-revoked"),
        Some(Deed::Pinged) => Key("deed-pinged"),
        Some(Deed::Measured) => Key("deed-measured"),
        Some(Deed::Failed) => Key("deed-failed"),
        None => Key("deed-unknown"),
    };
    let text = w.with(key, "gateway", &act.gateway).and("by", by);
    Entry {
        time: words::time(act.at, w),
        text: text.to_string(),
        words: act.words.clone(),
    }
}

pub(crate) fn code(code: veglia_identity::OpenCode, w: Words) -> Code {
    Code {
        gateway: code.gateway,
        made_at: words::moment(code.made_at, w),
        expires_at: words::moment(code.expires_at, w),
    }
}

/// The clock of the page: that of care while ingest answers.
pub(crate) fn clock(at: Option<WallMs>) -> String {
    at.map_or_else(|| "–".to_owned(), words::clock)
}

/// The end of a code's life in words.
pub(crate) fn until(at: UnixSeconds, w: Words) -> String {
    words::moment(at, w)
}
