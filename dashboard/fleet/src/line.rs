//! One box's line: its mark, what it says of itself, and its devices.

use std::collections::HashMap;

use veglia_identity::{Credential, Entry};
use veglia_view::{GatewayRow, PortReport, PortState};
use veglia_wire::{DeviceId, WallMs};
use veglia_words::{Key, Words};

use crate::book::Wearer;
use crate::standing::{Chip, Facts, Standing, grown, judge};
use crate::words;

/// A box as the list shows it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) standing: Standing,
    pub(crate) chip: Chip,
    /// Software, clock, what waits, how it signs in: each with what it is.
    pub(crate) facts: Vec<(Key, String)>,
    pub(crate) ports: Vec<Port>,
    /// What to say while no device is known.
    pub(crate) no_ports: Option<Key>,
    /// Whether what it said last is of another moment.
    pub(crate) is_old: bool,
    /// Whether it can be asked anything.
    pub(crate) can_ask: bool,
    pub(crate) is_revoked: bool,
    pub(crate) is_listed: bool,
}

/// A device on a box.
#[derive(Debug)]
pub(crate) struct Port {
    /// The device, or the port's name while nobody knows which.
    pub(crate) name: String,
    /// The device, as in addresses.
    pub(crate) device: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) word: Key,
    /// Age of the last frame, and the battery.
    pub(crate) notes: String,
    /// What whoever is at home can do, when the box knows what stands in the way.
    pub(crate) advice: Option<String>,
    /// Who has it: one, or a household.
    pub(crate) wearers: Vec<Wearer>,
    /// It speaks, and nobody wears it.
    pub(crate) is_loose: bool,
}

/// Makes the line of the box `id`.
pub(crate) fn line(
    id: &str,
    facts: &Facts<'_>,
    wearers: &HashMap<DeviceId, Vec<Wearer>>,
    w: Words,
) -> Line {
    let standing = judge(facts);
    let heard = facts
        .heard
        .and_then(|(row, status)| Some((row?, status.care_now)));
    let is_revoked = matches!(standing, Standing::Revoked(_));
    let ports = heard.map_or_else(Vec::new, |(row, now)| {
        let reports = row.state.iter().flat_map(|state| &state.ports);
        reports
            .map(|report| port(report, (row, now, standing.is_current()), wearers, w))
            .collect()
    });
    Line {
        id: id.to_owned(),
        chip: standing.chip(facts.now, w),
        facts: said(facts, heard, standing.is_current(), w),
        ports,
        no_ports: match standing {
            Standing::Unknown => Some(Key("box-ports-unknown")),
            Standing::Revoked(_) => None,
            _ => Some(Key("box-ports-unsaid")),
        },
        is_old: !standing.is_current(),
        can_ask: heard.is_some_and(|(row, _)| row.takes_orders) && standing.is_current(),
        is_revoked,
        is_listed: facts.listed.is_some(),
        standing,
    }
}

fn said(
    facts: &Facts<'_>,
    heard: Option<(&GatewayRow, WallMs)>,
    is_current: bool,
    w: Words,
) -> Vec<(Key, String)> {
    let mut said = Vec::new();
    if let Some((row, now)) = heard {
        let waiting = row.state.as_ref().map_or_else(
            || w.say("box-unsaid").into_owned(),
            |state| words::waiting(state.waiting, state.oldest_ms, w),
        );
        let clock = w.say(words::clock_state(row.clock)).into_owned();
        let version = w.with("box-version", "version", &row.software).to_string();
        said.push((Key("box-waiting"), waiting));
        said.push((Key("box-clock"), clock));
        said.push((Key("box-software"), version));
        said.push(if is_current {
            let since = |at| w.with("box-connected-since", "time", words::time(at, w));
            let since = row.connected_at.map(|at| since(at).to_string());
            let before = || w.say("box-connected-before").into_owned();
            (Key("box-connected"), since.unwrap_or_else(before))
        } else {
            let ms = now.since(row.heard_at).max(0);
            let heard = w.with("box-contact-at", "ago", words::ago(ms, w));
            let heard = heard.and("time", words::time(row.heard_at, w));
            (Key("box-contact"), heard.to_string())
        });
    }
    said.push((Key("box-access"), access(facts, w)));
    said
}

fn access(facts: &Facts<'_>, w: Words) -> String {
    match (facts.listed.map(Entry::credential), facts.certified_until) {
        (None, _) => w.say("box-access-unlisted").into_owned(),
        (Some(Credential::Secret(_)), _) => w.say("box-access-password").into_owned(),
        (Some(Credential::Key(_)), Some(until)) => w
            .with("box-access-until", "date", words::date(until, w))
            .to_string(),
        (Some(Credential::Key(_)), None) => w.say("box-access-certificate").into_owned(),
    }
}

fn port(
    report: &PortReport,
    (row, now, is_current): (&GatewayRow, WallMs, bool),
    wearers: &HashMap<DeviceId, Vec<Wearer>>,
    w: Words,
) -> Port {
    let (kind, mark, word) = match report.state {
        PortState::Speaking if is_current => ("calm", "●", Key("port-speaking")),
        PortState::Speaking => ("still", "▬", Key("port-spoke")),
        PortState::Silent => ("still", "▬", Key("port-silent")),
        PortState::Absent => ("none", "○", Key("port-absent")),
    };
    let speaks = is_current && report.state == PortState::Speaking;
    let frame = report.last_frame_ms.map(|ms| {
        // Of a device that speaks the age is as the box told it: it will have spoken since.
        let told = i64::try_from(ms).unwrap_or(i64::MAX);
        let age = if speaks { told } else { grown(ms, row, now) };
        w.with("port-frame", "ago", words::ago(age, w)).to_string()
    });
    let notes: Vec<String> = frame
        .into_iter()
        .chain(report.battery.map(|it| words::battery(it, w)))
        .collect();
    let worn_by = report.device.as_ref().and_then(|it| wearers.get(it));
    let worn_by = worn_by.cloned().unwrap_or_default();
    Port {
        name: report.device.as_ref().map_or_else(
            || w.with("port-name", "name", &report.name).to_string(),
            ToString::to_string,
        ),
        device: report.device.as_ref().map(ToString::to_string),
        kind,
        mark,
        word,
        notes: notes.join(", "),
        advice: report.fault.map(|it| words::fault(it, w)),
        is_loose: speaks && report.device.is_some() && worn_by.is_empty(),
        wearers: worn_by,
    }
}
