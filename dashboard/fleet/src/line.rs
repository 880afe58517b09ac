//! One box's line: its mark, what it says of itself, and its devices.

use std::collections::HashMap;

use veglia_identity::{Credential, Entry};
use veglia_view::{GatewayRow, PortReport, PortState};
use veglia_wire::{DeviceId, WallMs};

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
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) ports: Vec<Port>,
    /// What to say while no device is known.
    pub(crate) no_ports: &'static str,
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
    pub(crate) word: &'static str,
    /// Age of the last frame, and the battery.
    pub(crate) notes: String,
    /// What whoever is at home can do, when the box knows what stands in the way.
    pub(crate) advice: Option<&'static str>,
    /// Who has it: one, or a household.
    pub(crate) wearers: Vec<Wearer>,
    /// It speaks, and nobody wears it.
    pub(crate) is_loose: bool,
}

/// Makes the line of the box `id`.
pub(crate) fn line(id: &str, facts: &Facts<'_>, wearers: &HashMap<DeviceId, Vec<Wearer>>) -> Line {
    let standing = judge(facts);
    let heard = facts
        .heard
        .and_then(|(row, status)| Some((row?, status.care_now)));
    let is_revoked = matches!(standing, Standing::Revoked(_));
    let ports = heard.map_or_else(Vec::new, |(row, now)| {
        let reports = row.state.iter().flat_map(|state| &state.ports);
        reports
            .map(|report| port(report, row, now, standing.is_current(), wearers))
            .collect()
    });
    Line {
        id: id.to_owned(),
        chip: standing.chip(facts.now),
        facts: said(facts, heard, standing.is_current()),
        ports,
        no_ports: match standing {
            Standing::Unknown => "Quali dispositivi ha, ora non è noto.",
            Standing::Revoked(_) => "",
            _ => "Non ha ancora detto quali dispositivi ha.",
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
) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    if let Some((row, now)) = heard {
        let waiting = row.state.as_ref().map_or_else(
            || "non detto".to_owned(),
            |state| words::waiting(state.waiting, state.oldest_ms),
        );
        said.push(("In attesa", waiting));
        said.push(("Orologio", words::clock_state(row.clock).to_owned()));
        said.push(("Programma", format!("versione {}", row.software)));
        said.push(if is_current {
            let since = row
                .connected_at
                .map(|at| format!("dal {}", words::time(at)));
            let before = || "da prima dell’avvio della centrale".to_owned();
            ("Collegato", since.unwrap_or_else(before))
        } else {
            let ms = now.since(row.heard_at).max(0);
            let heard = format!("{} ({})", words::ago(ms), words::time(row.heard_at));
            ("Ultimo contatto", heard)
        });
    }
    said.push(("Accesso", access(facts)));
    said
}

fn access(facts: &Facts<'_>) -> String {
    match (facts.listed.map(Entry::credential), facts.certified_until) {
        (None, _) => "non è nell’elenco".to_owned(),
        (Some(Credential::Secret(_)), _) => "con password, solo su questa macchina".to_owned(),
        (Some(Credential::Key(_)), Some(until)) => {
            format!("con certificato, fino al {}", words::date(until))
        }
        (Some(Credential::Key(_)), None) => "con certificato".to_owned(),
    }
}

fn port(
    report: &PortReport,
    row: &GatewayRow,
    now: WallMs,
    is_current: bool,
    wearers: &HashMap<DeviceId, Vec<Wearer>>,
) -> Port {
    let (kind, mark, word) = match report.state {
        PortState::Speaking if is_current => ("calm", "●", "trasmette"),
        PortState::Speaking => ("still", "▬", "trasmetteva"),
        PortState::Silent => ("still", "▬", "non trasmette"),
        PortState::Absent => ("none", "○", "non collegato"),
    };
    let speaks = is_current && report.state == PortState::Speaking;
    let frame = report.last_frame_ms.map(|ms| {
        // Of a device that speaks the age is as the box told it: it will have spoken since.
        let told = i64::try_from(ms).unwrap_or(i64::MAX);
        let age = if speaks { told } else { grown(ms, row, now) };
        format!("ultimo segnale {}", words::ago(age))
    });
    let notes: Vec<String> = frame
        .into_iter()
        .chain(report.battery.map(words::battery))
        .collect();
    let worn_by = report.device.as_ref().and_then(|it| wearers.get(it));
    let worn_by = worn_by.cloned().unwrap_or_default();
    Port {
        name: report
            .device
            .as_ref()
            .map_or_else(|| format!("porta {}", report.name), ToString::to_string),
        device: report.device.as_ref().map(ToString::to_string),
        kind,
        mark,
        word,
        notes: notes.join(", "),
        advice: report.fault.map(words::fault),
        is_loose: speaks && report.device.is_some() && worn_by.is_empty(),
        wearers: worn_by,
    }
}
