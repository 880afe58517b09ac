//! What a device on a serial line measured once and keeps: spot checks that have a time of their
//! own, and that come again out of its memory at every connection.
//!
//! Each comes to the centre once. A check is known by the device's own time of it and its values;
//! what is in the outbox is written down in a small file, and only then: when the power goes in
//! between, it comes twice, and never not at all. A check that is told live is always taken, and
//! written down so that the memory does not tell it again.
//!
//! ```text
//! <gateway>/serial/<device>.checks     veglia-checks 1 <epoch of the outbox>
//!                                      1603188000 spo2=970 pulse=720      oldest first
//! ```
//! What went into another outbox may never have reached the centre: a new one knows nothing.
//!
//! Limits: [`MAX_KNOWN`] checks, the newest. A check whose date cannot be read has no name and
//! comes again each time, marked as of uncertain time. Bluetooth has a ledger of its own, which
//! also knows what may be deleted; nothing is ever deleted on a serial line.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;
use veglia_codecs::{Frame, Observation, observe};
use veglia_link::Outbox;
use veglia_link::outbox::{AppendError, Appended};
use veglia_wire::{DeviceId, Quality, Record};

use crate::run::is_passing;
use crate::voice::Voice;

/// How the first line of the file begins; the outbox's epoch follows.
const MAGIC: &str = "veglia-checks 1";

/// Checks that are remembered: a Nonin keeps some twenty, and ten times as many do no harm.
const MAX_KNOWN: usize = 512;

/// Checks that wait for the disk: any device's whole memory.
const MAX_WAITING: usize = 512;

/// Checks of one append. Each makes a few records, and an append takes 1,024.
const AT_ONCE: usize = 128;

/// One measurement with a time of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    name: String,
    is_stored: bool,
}

impl Check {
    /// The check that a frame tells of, if it says when it was made.
    pub(crate) fn of(frame: &Frame) -> Option<Self> {
        let (mut measured, mut is_stored, mut values) = (None, false, String::new());
        for observation in observe(frame) {
            match observation {
                Observation::Measured(time) => measured = Some(time),
                Observation::Reading(vital, quality) => {
                    is_stored |= quality.contains(Quality::FROM_STORAGE);
                    values += &format!(" {}={}", vital.kind(), vital.steps());
                }
                _ => {}
            }
        }
        let time = measured.filter(|_| !values.is_empty())?;
        let name = format!("{}{values}", time.0);
        Some(Self { name, is_stored })
    }
}

/// The checks of one port's device: those that are known, and those on their way to the outbox.
pub(crate) struct Checks {
    /// None for a device that says who it is: none of those keeps anything.
    path: Option<PathBuf>,
    /// The first line of the file.
    heading: String,
    outbox: Outbox,
    voice: Voice,
    known: VecDeque<String>,
    waiting: VecDeque<(Check, Vec<Record>)>,
    /// What is on its way to the disk, and its names.
    under_way: Option<JoinHandle<Result<Appended, AppendError>>>,
    going: Vec<String>,
}

impl Checks {
    /// What is known of a device, from the file in the gateway's folder. What cannot be read is not
    /// known: it comes once too often.
    pub(crate) fn open(
        dir: &Path,
        device: Option<&DeviceId>,
        outbox: Outbox,
        voice: Voice,
    ) -> Self {
        let path = device.map(|device| {
            let name = format!("{}.checks", device.as_str().replace(':', "_"));
            dir.join("serial").join(name)
        });
        let heading = heading(&outbox);
        let known = path.as_ref().map(|path| read(path, &heading));
        let known = known.unwrap_or_default();
        Self {
            path,
            heading,
            outbox,
            voice,
            known,
            waiting: VecDeque::new(),
            under_way: None,
            going: Vec::new(),
        }
    }

    /// Whether a check out of the device's memory was taken over before, or is on its way.
    pub(crate) fn has(&self, check: &Check) -> bool {
        let waiting = self.waiting.iter().map(|(it, _)| &it.name);
        let mut all = self.known.iter().chain(&self.going).chain(waiting);
        check.is_stored && all.any(|name| *name == check.name)
    }

    /// Takes a check and its records; never waits. Answers the records that it does not take,
    /// because too many wait or because the device is not known: they go the way of all others.
    pub(crate) fn take(&mut self, check: Check, records: Vec<Record>) -> Vec<Record> {
        if self.path.is_none() || records.is_empty() || self.waiting.len() >= MAX_WAITING {
            return records;
        }
        self.waiting.push_back((check, records));
        self.start();
        Vec::new()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_none()
    }

    /// Waits until what is under way is on disk and written down, and starts the next. To be called
    /// when something is; may be dropped and called again.
    ///
    /// # Errors
    /// One that only a restart can mend. A full disk is a state that the outbox tells of itself.
    pub(crate) async fn progress(&mut self) -> Result<(), AppendError> {
        if let Some(under_way) = &mut self.under_way {
            let done = under_way.await;
            self.under_way = None;
            let names = std::mem::take(&mut self.going);
            match done {
                Ok(Ok(_)) => self.know(names),
                Ok(Err(error)) if !is_passing(&error) => return Err(error),
                // The outbox has counted them. What the device keeps is told again.
                Ok(Err(_)) => {}
                Err(error) => tracing::error!(%error, "a part of the readings was not kept"),
            }
        }
        self.start();
        Ok(())
    }

    /// Waits until everything is on disk.
    ///
    /// # Errors
    /// As [`Checks::progress`].
    pub(crate) async fn finish(&mut self) -> Result<(), AppendError> {
        while !self.is_idle() {
            self.progress().await?;
        }
        Ok(())
    }

    fn start(&mut self) {
        if self.under_way.is_some() || self.waiting.is_empty() {
            return;
        }
        let mut records = Vec::new();
        let count = self.waiting.len().min(AT_ONCE);
        for (check, more) in self.waiting.drain(..count) {
            self.going.push(check.name);
            records.extend(more);
        }
        let (outbox, voice) = (self.outbox.clone(), self.voice.clone());
        self.under_way = Some(tokio::spawn(async move {
            let words = voice.words(&records);
            let appended = outbox.append(records).await?;
            words.into_iter().for_each(|phrase| voice.say(phrase));
            Ok(appended)
        }));
    }

    fn know(&mut self, names: Vec<String>) {
        self.known.extend(names);
        let too_many = self.known.len().saturating_sub(MAX_KNOWN);
        self.known.drain(..too_many);
        let Some(path) = &self.path else { return };
        if let Err(error) = write(path, &self.heading, &self.known) {
            tracing::warn!(
                path = %path.display(), %error,
                "what was taken over from a device's memory is not written down, and may come \
                 twice; free some space"
            );
        }
    }
}

fn heading(outbox: &Outbox) -> String {
    format!("{MAGIC} {}\n", outbox.status().epoch)
}

fn read(path: &Path, heading: &str) -> VecDeque<String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            tracing::warn!(
                path = %path.display(), %error,
                "what a device has told before cannot be read; its memory comes once more"
            );
            String::new()
        }
    };
    let lines = text.strip_prefix(heading).unwrap_or_default().lines();
    lines.map(str::to_owned).take(MAX_KNOWN).collect()
}

/// The whole file or the one before, also after a power cut.
fn write(path: &Path, heading: &str, known: &VecDeque<String>) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut text = heading.to_owned();
    for name in known {
        text += name;
        text.push('\n');
    }
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_outbox_knows_nothing_of_what_went_into_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serial/nonin_1.checks");
        let known = VecDeque::from(["1603188000 spo2=970 pulse=720".to_owned()]);
        write(&path, "veglia-checks 1 7\n", &known).unwrap();
        assert_eq!(read(&path, "veglia-checks 1 7\n"), known);
        assert_eq!(read(&path, "veglia-checks 1 8\n"), VecDeque::new());
    }
}
