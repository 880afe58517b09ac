//! What was taken over from one device's memory already: a durable list, so that a stored
//! measurement comes to the centre once, however often the device tells it and whoever loses power.
//!
//! ```text
//! veglia-ledger 1
//! offset 3600000                           box's clock less the device's, milliseconds
//! begin 00000000000000ff 41 1603188000 …   about to be appended behind sequence 41
//! before 1603184400 0 1603188000000        its clock was set: what it said, old offset, when
//! blind 1603188000000                      its clock was set, and nobody knows what it said
//! known 1603188000 spo2=970 @26719860      is in the outbox; measured in that minute
//! through 00000000000000ff 43              all that is known is at most this
//! ```
//! An entry is the device's own time of measuring and its values: neither when it came nor in which
//! words. Of a recorded file it is the time of a part of it, and the file's name. A line is on disk
//! before the next step is taken. When the power fails between `begin` and `known`, the outbox
//! itself is asked at the next start.
//!
//! Limits: [`MAX_KNOWN`] entries, the newest; devices store a few hundred.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use veglia_codecs::DeviceTime;
use veglia_link::Outbox;
use veglia_wire::{DeviceId, Epoch, Sequence, Vital, WallMs};

use super::clock::{Setting, Standing};

/// The first line.
const MAGIC: &str = "veglia-ledger 1";

/// Entries that are remembered: many times what any of these devices stores.
const MAX_KNOWN: usize = 4096;

/// Lines after which the file is written anew, without what is forgotten.
const MAX_LINES: usize = 4 * MAX_KNOWN;

/// Two minutes of the same measurement: its clock was observed at different connections.
const SAME_MINUTES: u64 = 10;

/// How the entry of a measurement begins that has no time.
const UNTIMED: &str = "untimed";

/// The list of one device.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    device: DeviceId,
    file: File,
    lines: usize,
    known: BTreeMap<String, Option<i64>>,
    order: VecDeque<String>,
    open: Vec<Begun>,
    standing: Standing,
    is_torn: bool,
    through: Option<(Epoch, Sequence)>,
}

/// An entry that may be in the outbox or not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Begun {
    epoch: Epoch,
    after: u64,
    entry: String,
}

/// The name of a measurement: the device's time of it, its values, and the minute that it was by
/// the box's clock, if that can be told. A device whose calendar begins anew at each use says the
/// same time and value on two days.
pub(crate) fn entry(measured: DeviceTime, vitals: &[Vital], minutes: Option<i64>) -> String {
    let mut text = measured.0.to_string();
    for vital in vitals {
        text += &format!(" {}={}", vital.kind(), vital.steps());
    }
    if let Some(minutes) = minutes {
        text += &format!(" @{minutes}");
    }
    text
}

/// The two halves of an entry.
fn halves(entry: &str) -> (&str, Option<i64>) {
    match entry.rsplit_once(" @") {
        Some((name, minutes)) => (name, minutes.parse().ok()),
        None => (entry, None),
    }
}

/// The name of a stored value that has no time: its bytes, and which of its like it is.
pub(crate) fn untimed(value: &[u8], alike: u32) -> String {
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{UNTIMED} {hex} {alike}")
}

/// The name of a recorded file that was taken over whole.
pub(crate) fn file(name: &str) -> String {
    format!("file {name}")
}

/// The name of a part of a recorded file, by the device's time of its first measurement.
pub(crate) fn part(first: DeviceTime, file: &str, number: usize) -> String {
    format!("{}{}", first.0, part_of(file, number))
}

/// How the name of a part ends, whatever its first measurement is.
fn part_of(file: &str, number: usize) -> String {
    format!(" file={file}/{number}")
}

impl Ledger {
    /// Opens the list of a device in the gateway's folder, or begins one. A line that was not
    /// written to its end counts for nothing, and neither does one that cannot be read.
    pub(crate) fn open(dir: &Path, device: &DeviceId) -> io::Result<Self> {
        let dir = dir.join("ble");
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{}.ledger", device.as_str().replace(':', "_")));
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut ledger = Self {
            file: OpenOptions::new().create(true).append(true).open(&path)?,
            path,
            device: device.clone(),
            lines: 0,
            known: BTreeMap::new(),
            order: VecDeque::new(),
            open: Vec::new(),
            standing: Standing::default(),
            is_torn: false,
            through: None,
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            ledger.read(line);
        }
        // Also ends a line that was torn.
        ledger.rewrite()?;
        Ok(ledger)
    }

    fn read(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let standing = &mut self.standing;
        match word {
            "offset" => standing.offset_ms = rest.parse().ok().or(standing.offset_ms),
            "before" => standing.before = setting(rest).or(standing.before),
            "blind" => standing.blind = rest.parse().ok().map(WallMs).or(standing.blind),
            "known" => self.know(rest.to_owned()),
            "begin" => self.open.extend(begun(rest)),
            "through" => self.through = through(rest).or(self.through),
            _ => {}
        }
    }

    fn know(&mut self, entry: String) {
        self.open.retain(|begun| begun.entry != entry);
        let (name, minutes) = halves(&entry);
        if self.known.insert(name.to_owned(), minutes).is_none() {
            self.order.push_back(name.to_owned());
        }
        while self.order.len() > MAX_KNOWN {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    /// Finds out what became of entries that were begun when the power failed.
    pub(crate) async fn settle(&mut self, outbox: &Outbox) -> io::Result<()> {
        // What was only in an outbox that is gone is nowhere but on the device.
        if self
            .through
            .is_some_and(|(epoch, _)| epoch != outbox.status().epoch)
        {
            self.known.clear();
            self.order.clear();
            self.through = None;
        }
        for begun in std::mem::take(&mut self.open) {
            let is_there = begun.epoch == outbox.status().epoch
                && outbox
                    .holds(Sequence::new(begun.after), |record| {
                        let stamp = record.when.device.map(|stamp| stamp.0.to_string());
                        record.device.as_ref() == Some(&self.device)
                            && stamp.as_deref() == begun.entry.split(' ').next()
                    })
                    .await
                    .map_err(io::Error::other)?;
            if is_there {
                let newest = outbox.status().newest;
                self.done(&[begun.entry], newest.map(|newest| (begun.epoch, newest)))?;
            }
        }
        self.rewrite()
    }

    /// Whether a measurement was taken over before.
    pub(crate) fn knows(&self, entry: &str) -> bool {
        let (name, minutes) = halves(entry);
        match (self.known.get(name), minutes) {
            (None, _) => false,
            (Some(Some(then)), Some(minutes)) => then.abs_diff(minutes) <= SAME_MINUTES,
            (Some(_), _) => true,
        }
    }

    /// Whether a part of a recorded file was taken over before.
    pub(crate) fn knows_part(&self, file: &str, number: usize) -> bool {
        let name = part_of(file, number);
        self.known.keys().any(|entry| entry.ends_with(&name))
    }

    /// How the device's clock stood when it was last heard.
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// Up to where the centre must have everything before the device may forget it.
    pub(crate) fn through(&self) -> Option<(Epoch, Sequence)> {
        self.through
    }

    /// Writes down how the device's clock stands, and how it was set.
    pub(crate) fn set_standing(&mut self, standing: Standing) -> io::Result<()> {
        self.standing = standing;
        self.write(&lines_of(standing))
    }

    /// Measurements are about to be put in the outbox, whose newest record is `after`.
    pub(crate) fn begin(
        &mut self,
        entries: &[String],
        epoch: Epoch,
        after: Option<Sequence>,
    ) -> io::Result<()> {
        let after = after.map_or(0, Sequence::get);
        let line = |entry: &String| format!("begin {epoch} {after} {entry}");
        let lines: Vec<String> = entries.iter().map(line).collect();
        self.write(&lines)
    }

    /// They are in the outbox, at most at `through`.
    pub(crate) fn done(
        &mut self,
        entries: &[String],
        through: Option<(Epoch, Sequence)>,
    ) -> io::Result<()> {
        let line = |entry: &String| format!("known {entry}");
        let mut lines: Vec<String> = entries.iter().map(line).collect();
        if let Some((epoch, last)) = through {
            lines.push(format!("through {epoch} {last}"));
            self.through = through;
        }
        entries.iter().for_each(|entry| self.know(entry.clone()));
        self.write(&lines)?;
        if self.lines > MAX_LINES {
            self.rewrite()?;
        }
        Ok(())
    }

    /// The device has forgotten what it had stored: what had no time may come again, and is new.
    pub(crate) fn forget_untimed(&mut self) -> io::Result<()> {
        let is_timed = |entry: &String| !entry.starts_with(UNTIMED);
        if self.order.iter().all(is_timed) {
            return Ok(());
        }
        self.order.retain(is_timed);
        self.known.retain(|entry, _| is_timed(entry));
        self.rewrite()
    }

    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.lines = self.lines.saturating_add(lines.len());
        // What a full disk has cut off must not swallow the next line.
        let start = if self.is_torn { "\n" } else { "" };
        self.is_torn = true;
        self.file.write_all(format!("{start}{text}").as_bytes())?;
        self.file.sync_data()?;
        self.is_torn = false;
        Ok(())
    }

    /// Replaces the file by what is still of use.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut lines = vec![MAGIC.to_owned()];
        lines.extend(lines_of(self.standing));
        let known = |name: &String| match self.known.get(name) {
            Some(Some(minutes)) => format!("known {name} @{minutes}"),
            _ => format!("known {name}"),
        };
        lines.extend(self.order.iter().map(known));
        let line = |it: &Begun| format!("begin {} {} {}", it.epoch, it.after, it.entry);
        lines.extend(self.open.iter().map(line));
        let through = self.through;
        lines.extend(through.map(|(epoch, last)| format!("through {epoch} {last}")));
        let fresh = self.path.with_extension("new");
        self.file = File::create(&fresh)?;
        self.lines = 0;
        self.write(&lines)?;
        fs::rename(&fresh, &self.path)?;
        let dir = self.path.parent().unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    }
}

fn lines_of(standing: Standing) -> Vec<String> {
    let offset = standing.offset_ms.map(|offset| format!("offset {offset}"));
    let setting = |it: Setting| format!("before {} {} {}", it.until.0, it.offset_ms, it.at.0);
    let blind = standing.blind.map(|at| format!("blind {}", at.0));
    let all = [offset, standing.before.map(setting), blind];
    all.into_iter().flatten().collect()
}

fn setting(rest: &str) -> Option<Setting> {
    let mut numbers = rest.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Setting {
        until: DeviceTime(next()?),
        offset_ms: next()?,
        at: WallMs(next()?),
    })
}

fn begun(rest: &str) -> Option<Begun> {
    let (epoch, rest) = rest.split_once(' ')?;
    let (after, entry) = rest.split_once(' ')?;
    Some(Begun {
        epoch: Epoch(u64::from_str_radix(epoch, 16).ok()?),
        after: after.parse().ok()?,
        entry: entry.to_owned(),
    })
}

fn through(rest: &str) -> Option<(Epoch, Sequence)> {
    let (epoch, last) = rest.split_once(' ')?;
    let epoch = Epoch(u64::from_str_radix(epoch, 16).ok()?);
    Some((epoch, Sequence::new(last.parse().ok()?)?))
}

#[cfg(test)]
mod tests;
