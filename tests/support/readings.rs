//! What was spoken and what was stored, compared value by value.
//!
//! The two sides meet only here: the simulator's log on one, the exported CSV on the other, both
//! read as text. The simulator's values count, so that each pair is another than its neighbours
//! for some minutes: a reading that is missing, that comes twice or that was never spoken is seen.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use veglia_homes::{Entry, What};

use crate::house::House;

/// How far the gateway's time of a reading may lie from when it was spoken: far above any delay
/// in a line, far below the minutes after which counted values repeat.
const APART_MS: i64 = 60_000;

/// A reading that a device spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) wall_ms: i64,
    pub(crate) pair: Pair,
    /// Whether its bytes went into a line that somebody held.
    pub(crate) heard: bool,
}

/// Saturation and pulse in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    spo2: u16,
    pulse: u16,
}

/// A reading that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) measured_ms: i64,
    pub(crate) pair: Pair,
}

/// Everything that the simulated devices spoke, in order.
pub(crate) fn spoken(log: &Path) -> BTreeMap<String, Vec<Spoken>> {
    let mut all: BTreeMap<String, Vec<Spoken>> = BTreeMap::new();
    let text = fs::read_to_string(log).expect("the simulator's log can be read");
    for line in text.lines() {
        let entry: Entry = serde_json::from_str(line).expect("each line is an entry");
        let (What::Reading, Some(device)) = (entry.what, entry.device) else {
            continue;
        };
        let pair = Pair {
            spo2: entry.spo2_tenths.expect("counted values are both there"),
            pulse: entry.pulse_tenths.expect("counted values are both there"),
        };
        all.entry(device.to_string()).or_default().push(Spoken {
            wall_ms: entry.wall_ms,
            pair,
            heard: entry.heard,
        });
    }
    all
}

/// Everything that is stored in a data directory, in order; none while its ingest cannot be asked.
pub(crate) fn stored(house: &House, data: &Path) -> Option<BTreeMap<String, Vec<Stored>>> {
    let mut command = house.veglia("centre", "export");
    let Output { status, stdout, .. } = command
        .arg("--data")
        .arg(data)
        .output()
        .expect("the program can be started");
    let csv = String::from_utf8(stdout).expect("an export is text");
    status.success().then(|| read(&csv))
}

/// Everything that an export holds, in its order.
fn read(csv: &str) -> BTreeMap<String, Vec<Stored>> {
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("device,vital,measured_ms,value,quality"),
        "an export begins with its columns"
    );
    let mut columns: BTreeMap<String, [Vec<(i64, u16)>; 2]> = BTreeMap::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let [device, vital, measured_ms, value, quality] = fields[..] else {
            panic!("a line of the export has five fields: {line}");
        };
        assert_eq!(quality, "", "nothing is said against a reading: {line}");
        let column = match vital {
            "spo2" => 0,
            "pulse" => 1,
            _ => panic!("nobody measured this: {line}"),
        };
        let measured_ms = measured_ms.parse().expect("a time is a number");
        columns.entry(device.to_owned()).or_default()[column].push((measured_ms, tenths(value)));
    }
    let rows = |(device, [spo2, pulse]): (String, [Vec<(i64, u16)>; 2])| {
        let rows = paired(&spo2, &pulse);
        (device, rows)
    };
    columns.into_iter().map(rows).collect()
}

/// A frame makes two readings of one moment, and both are stored or none. An export begins with
/// saturations: what is stored while it runs may appear among the pulses alone.
fn paired(spo2: &[(i64, u16)], pulse: &[(i64, u16)]) -> Vec<Stored> {
    let both = spo2.iter().zip(pulse);
    both.map(|(&(measured_ms, spo2), &(moment, pulse))| {
        assert_eq!(measured_ms, moment, "half of a frame is missing");
        let pair = Pair { spo2, pulse };
        Stored { measured_ms, pair }
    })
    .collect()
}

fn tenths(value: &str) -> u16 {
    let (units, tenth) = value.split_once('.').expect("a value has a decimal");
    assert_eq!(tenth.len(), 1, "a saturation or a pulse has one decimal");
    format!("{units}{tenth}")
        .parse()
        .expect("a value is a number")
}

/// Consecutive readings that were spoken and are not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// How many of them went into a line that somebody held.
    pub(crate) heard: usize,
}

/// One device's readings, spoken against stored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// How many are stored as they were spoken, in order.
    pub(crate) same: usize,
    pub(crate) missing: Vec<Run>,
    /// Stored again.
    pub(crate) doubled: Vec<Stored>,
    /// Stored and never spoken, or out of order.
    pub(crate) foreign: Vec<Stored>,
}

/// Walks along both sides.
pub(crate) fn compare(spoken: &[Spoken], stored: &[Stored]) -> Compared {
    let mut done = Compared::default();
    let mut next = 0;
    for &stored in stored {
        let is_it = |spoken: &Spoken| {
            spoken.pair == stored.pair
                && stored.measured_ms.abs_diff(spoken.wall_ms) <= APART_MS.unsigned_abs()
        };
        if let Some(skipped) = spoken[next..].iter().position(is_it) {
            done.missing.extend(run(&spoken[next..next + skipped]));
            done.same += 1;
            next += skipped + 1;
        } else if spoken[..next].iter().any(is_it) {
            done.doubled.push(stored);
        } else {
            done.foreign.push(stored);
        }
    }
    done.missing.extend(run(&spoken[next..]));
    done
}

fn run(skipped: &[Spoken]) -> Option<Run> {
    let (first, last) = (skipped.first()?, skipped.last()?);
    Some(Run {
        from_ms: first.wall_ms,
        to_ms: last.wall_ms,
        heard: skipped.iter().filter(|spoken| spoken.heard).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(number: u16) -> Spoken {
        Spoken {
            wall_ms: i64::from(number) * 100,
            pair: pair(number),
            heard: true,
        }
    }

    fn stored(number: u16) -> Stored {
        Stored {
            measured_ms: i64::from(number) * 100 + 5,
            pair: pair(number),
        }
    }

    fn pair(number: u16) -> Pair {
        let (spo2, pulse) = (700 + number, 400);
        Pair { spo2, pulse }
    }

    #[test]
    fn a_missing_a_doubled_and_a_foreign_reading_are_told_apart() {
        let all: Vec<Spoken> = (0..10).map(spoken).collect();
        let kept: Vec<Stored> = [0, 1, 1, 4, 5, 77, 6, 7].map(stored).to_vec();
        let run = |from: i64, to: i64, heard| Run {
            from_ms: from * 100,
            to_ms: to * 100,
            heard,
        };
        let expected = Compared {
            same: 6,
            missing: vec![run(2, 3, 2), run(8, 9, 2)],
            doubled: vec![stored(1)],
            foreign: vec![stored(77)],
        };
        assert_eq!(compare(&all, &kept), expected);
    }
}
