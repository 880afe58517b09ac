//! What an O2Ring has recorded: fetched when it is off the finger, each file once, into records
//! with the times that they were measured at.
//!
//! ```text
//! Worn → Due → Settling → Fetching (one file) → Due → Settling → … → Done → Worn …
//! ```
//! The ring answers one question at a time and does not say which. So it is asked for nothing else
//! while a file is fetched, and the last live question has its answer before the first of these is
//! asked. Live values go before old ones: a worn ring is listened to and not asked for files, and
//! after each file it is asked whether it is worn. So whoever puts it on waits for one file at
//! most, and for [`LONGEST`] at the very most.
//!
//! A file is judged as a whole, so a link that is lost in the middle of one costs that file's
//! transfer and nothing else: it is fetched again at the next connection, behind the others. On
//! its way into the outbox a file is in parts, each on the ledger, so that a power cut doubles
//! none. What the ring has told live already is left out ([`Live`](super::live::Live)).
//!
//! Deliberately absent: deleting. The ring keeps its last files and overwrites the oldest itself,
//! and no source says how to make it forget one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use veglia_codecs::o2ring::{Download, Info, Step};
use veglia_codecs::{DeviceTime, Frame, Observation, Protocol, observe};
use veglia_wire::{Contact, Record};

use super::device::{Broken, Device};
use super::ledger::{self, Ledger};
use super::memory::Said;
use super::radio::Trouble;
use super::talk::Talk;

/// How long after it was taken off a ring has closed its file: it counts down ten seconds.
const CLOSES: Duration = Duration::from_secs(30);

/// Silence after which no answer is on its way any more: the ring answers within a tenth of that.
const SETTLED: Duration = Duration::from_millis(1_500);

/// A ring that answers nothing for so long is given up, for now.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one file may take: a long night is some ninety blocks, and a block on a bad radio takes
/// two seconds.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// How long until it is asked again for what did not come.
const AGAIN: Duration = Duration::from_secs(10 * 60);

/// Samples of a part: an append of the outbox holds them with their two values.
const PART_SAMPLES: usize = 400;

/// Parts that go into the outbox at once. Together they are more than a commit gathers, so that
/// none waits for company; and a night is not held in memory twice.
const PARTS_AT_ONCE: usize = 6;

/// Files remembered as unreadable: more than a ring keeps.
const MAX_UNREADABLE: usize = 64;

/// Where the files of a ring stand, within one connection.
#[derive(Debug)]
pub(crate) struct Night {
    mode: Mode,
    /// Files that did not come; the others are asked for first.
    missed: BTreeSet<String>,
    /// The file at which the link was lost before: asked for when no other is wanted, so that one
    /// that makes the ring hang up does not stand before the rest.
    stumbled: Option<String>,
}

#[derive(Debug)]
enum Mode {
    /// It is worn, and records.
    Worn,
    /// It may be asked when it is off the finger, from this moment on.
    Due(Instant),
    /// It was last heard at this moment, and is asked nothing more.
    Settling(Instant),
    /// It tells.
    Fetching {
        download: Download,
        begun: Instant,
        heard: Instant,
        came: Came,
    },
    /// There is nothing that we have not.
    Done,
}

/// What has come of a download so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// No file was asked for.
    Nothing,
    /// A file, or the word that it does not come.
    One,
    /// Something that this box cannot keep now, or not even the list.
    Trouble,
}

impl Night {
    /// At the beginning of a connection. `stumbled`: the file at which the one before ended.
    pub(crate) fn new(now: Instant, stumbled: Option<String>) -> Self {
        Self {
            mode: Mode::Due(now),
            missed: BTreeSet::new(),
            stumbled,
        }
    }

    /// Whether the ring is to be left alone with live questions.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.mode, Mode::Settling(_) | Mode::Fetching { .. })
    }

    /// Whether all that it has recorded was taken over.
    fn is_done(&self) -> bool {
        matches!(self.mode, Mode::Done)
    }

    /// The file at which the link is lost, when it is lost now.
    pub(crate) fn stumbles(&self) -> Option<String> {
        let file = self.under_way().or(self.stumbled.as_deref());
        file.map(str::to_owned)
    }

    /// The file that is being fetched.
    fn under_way(&self) -> Option<&str> {
        match &self.mode {
            Mode::Fetching { download, .. } => download.under_way(),
            _ => None,
        }
    }

    /// The ring has said live whether it is worn.
    pub(crate) fn heard(&mut self, contact: Contact, now: Instant) {
        match (&self.mode, contact) {
            (Mode::Fetching { .. }, _) => {}
            (_, Contact::On | Contact::Searching) => self.mode = Mode::Worn,
            (Mode::Worn, Contact::Off) => self.mode = Mode::Due(now + CLOSES),
            (&Mode::Due(at), Contact::Off) if now < at => {}
            (Mode::Due(_) | Mode::Settling(_), Contact::Off) => self.mode = Mode::Settling(now),
            _ => {}
        }
    }

    /// Time passes; what to send, if anything.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Vec<u8>> {
        match self.mode {
            Mode::Settling(last) if now.duration_since(last) >= SETTLED => {
                let (download, first) = Download::start();
                self.mode = Mode::Fetching {
                    download,
                    begun: now,
                    heard: now,
                    came: Came::Nothing,
                };
                Some(first)
            }
            Mode::Fetching { heard, begun, .. }
                if now.duration_since(heard) > PATIENCE || now.duration_since(begun) > LONGEST =>
            {
                self.missed.extend(self.under_way().map(str::to_owned));
                match std::mem::replace(&mut self.mode, Mode::Due(now + AGAIN)) {
                    Mode::Fetching { download, .. } => download.abandon(),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The ring answers. None: it was not asked for files.
    pub(crate) fn answered(
        &mut self,
        value: &[u8],
        wants: impl Fn(&str) -> bool,
        now: Instant,
    ) -> Option<Vec<Step>> {
        let Mode::Fetching {
            download, heard, ..
        } = &mut self.mode
        else {
            return None;
        };
        *heard = now;
        let is_put_off =
            |name: &str| self.missed.contains(name) || self.stumbled.as_deref() == Some(name);
        Some(download.hear(value, |name| wants(name) && !is_put_off(name)))
    }

    /// A file has come, and was kept or not. That took its time, in which the ring was not silent.
    fn came(&mut self, is_kept: bool, now: Instant) {
        if let Mode::Fetching {
            begun, heard, came, ..
        } = &mut self.mode
        {
            (*begun, *heard) = (now, now);
            *came = if is_kept { Came::One } else { Came::Trouble };
        }
    }

    /// A file does not come, for now.
    fn missed(&mut self, name: String) {
        self.missed.insert(name);
        if let Mode::Fetching { came, .. } = &mut self.mode {
            *came = Came::One;
        }
    }

    /// The ring has told all it will in this download.
    fn finished(&mut self, now: Instant) {
        let Mode::Fetching { came, .. } = self.mode else {
            return;
        };
        self.mode = match came {
            // Whether it is worn by now comes before the next file.
            Came::One => Mode::Due(now),
            Came::Nothing if self.stumbled.take().is_some() => Mode::Due(now),
            Came::Nothing if self.missed.is_empty() => Mode::Done,
            Came::Nothing | Came::Trouble => {
                self.missed.clear();
                Mode::Due(now + AGAIN)
            }
        };
    }

    /// The list did not come.
    fn failed(&mut self, now: Instant) {
        self.mode = Mode::Due(now + AGAIN);
    }
}

/// Whether a frame says that the sensor is worn.
pub(super) fn contact(frame: &Frame) -> Option<Contact> {
    observe(frame).into_iter().find_map(|said| match said {
        Observation::Contact(_, contact) => Some(contact),
        _ => None,
    })
}

/// One sample of a recording, and what it says.
type Sample = (DeviceTime, Frame, Said);

impl Device {
    /// Takes a value of the ring that answers a question for files. False: it answers none.
    pub(super) async fn take_recorded(
        &mut self,
        talk: &mut Talk,
        value: &[u8],
    ) -> Result<Result<bool, Trouble>, Broken> {
        let now = Instant::now();
        let wants = |name: &str| {
            let is_known = |ledger: &Ledger| ledger.knows(&ledger::file(name));
            !self.unreadable.contains(name) && !self.ledger.as_ref().is_some_and(is_known)
        };
        let night = talk.night.as_mut();
        let Some(steps) = night.and_then(|night| night.answered(value, wants, now)) else {
            return Ok(Ok(false));
        };
        talk.heard = now;
        if let Some(place) = &self.place {
            place.heard(self.now().mono, &self.listener);
        }
        for step in steps {
            if let Err(trouble) = self.follow_ring(talk, step).await? {
                return Ok(Err(trouble));
            }
        }
        Ok(Ok(true))
    }

    /// Does one step of a download.
    async fn follow_ring(
        &mut self,
        talk: &mut Talk,
        step: Step,
    ) -> Result<Result<(), Trouble>, Broken> {
        if let Step::Send(bytes) = &step {
            return Ok(self.tell_ring(talk, bytes).await);
        }
        let Some(night) = &mut talk.night else {
            return Ok(Ok(()));
        };
        let device = &self.member.device;
        match step {
            Step::Send(_) => {}
            Step::Info(info) => self.introduced(&info),
            Step::File { name, bytes } => {
                let is_kept = self.take_file(&name, &bytes).await?;
                talk.heard = Instant::now();
                night.came(is_kept, talk.heard);
            }
            Step::Skipped { name, why } => {
                tracing::warn!(%device, file = name, error = %why,
                    "a recording did not come; it is asked for again");
                night.missed(name);
            }
            Step::Failed(why) => {
                tracing::warn!(%device, error = %why,
                    "the list of recordings did not come; it is asked for again");
                night.failed(Instant::now());
            }
            Step::Finished => {
                night.finished(Instant::now());
                // Only when all that it has recorded is dated may its clock be set.
                if night.is_done() {
                    return Ok(self.set_clock_of_ring(talk).await);
                }
            }
        }
        Ok(Ok(()))
    }

    /// Sends the ring something, if this is one.
    pub(super) async fn tell_ring(&self, talk: &mut Talk, bytes: &[u8]) -> Result<(), Trouble> {
        let mut channels = talk.channels.iter_mut();
        match channels.find(|it| it.protocol == Protocol::O2Ring) {
            Some(ring) => ring.send(&self.peripheral, bytes).await,
            None => Ok(()),
        }
    }

    /// The ring has said what it has, and what time it is there.
    fn introduced(&mut self, info: &Info) {
        tracing::debug!(device = %self.member.device, files = info.files.len(), "it has recorded");
        let said = info.clock().and_then(|time| time.seconds());
        if let Some((said, wall)) = said.zip(self.now().wall)
            && self.clock.observe(said, wall)
        {
            self.keep_offset(wall);
        }
    }

    async fn set_clock_of_ring(&mut self, talk: &mut Talk) -> Result<(), Trouble> {
        let Some(wall) = self.now().wall else {
            return Ok(());
        };
        let Some(ahead_s) = self.clock.ahead_s(wall).filter(|it| it.abs() > 2) else {
            return Ok(());
        };
        let time = self.clock.setting(wall);
        let Some(bytes) = time.and_then(|time| Protocol::O2Ring.set_time(&time)) else {
            return Ok(());
        };
        let local = self.clock.local(wall);
        let said = local.map(|local| DeviceTime(local.0.saturating_add(ahead_s)));
        // On disk before it is done; its list tells at the next connection what its clock says.
        self.clock.was_set(said, wall);
        self.keep_offset(wall);
        self.tell_ring(talk, &bytes).await
    }

    /// Takes a whole file over. False: it was not kept, or not all of it, and must come again.
    async fn take_file(&mut self, name: &str, bytes: &[u8]) -> Result<bool, Broken> {
        let samples = self.samples(bytes);
        let device = self.member.device.clone();
        if samples.is_empty() {
            tracing::warn!(%device, file = name, bytes = bytes.len(),
                "a recording holds nothing that can be read; the rest goes on");
            if self.unreadable.len() >= MAX_UNREADABLE {
                self.unreadable.clear();
            }
            self.unreadable.insert(name.to_owned());
            return Ok(true);
        }
        // What was told live counts as had only when it is on the disk.
        self.writer.finish().await.map_err(Broken::Append)?;
        if self.writer.take_lost() {
            self.live.forget();
        }
        let all: Vec<(&[Sample], usize)> = samples.chunks(PART_SAMPLES).zip(0..).collect();
        for together in all.chunks(PARTS_AT_ONCE) {
            let parts = together.iter();
            let parts = parts.filter_map(|(part, number)| self.part(name, *number, part));
            let parts: Vec<(String, Vec<Record>)> = parts.collect();
            if !self.take_parts(parts).await? {
                return Ok(false);
            }
        }
        if let Some(ledger) = &mut self.ledger
            && let Err(error) = ledger.done(&[ledger::file(name)], None)
        {
            tracing::warn!(%error, "the device's list cannot be kept; the file will come again");
            return Ok(false);
        }
        tracing::info!(%device, file = name, samples = samples.len(), "recording taken over");
        Ok(true)
    }

    /// The samples of a file that say something: one without a finger does not.
    fn samples(&mut self, bytes: &[u8]) -> Vec<Sample> {
        let (mut decoder, mut frames) = (Protocol::O2RingFile.decoder(), Vec::new());
        decoder.push(bytes, &mut frames);
        decoder.finish(&mut frames);
        let mut samples = Vec::new();
        for frame in frames {
            match frame {
                Ok(frame) => {
                    let said = Said::of(&frame);
                    samples.extend(said.measured.map(|time| (time, frame, said)));
                }
                Err(reject) => {
                    self.home.figures.rejected(reject.reason);
                    self.listener.reject();
                }
            }
        }
        samples.retain(|(_, _, said)| !said.vitals.is_empty());
        samples
    }

    /// The entry and the records of a part that is not known yet, without what was told live.
    fn part(
        &mut self,
        name: &str,
        number: usize,
        samples: &[Sample],
    ) -> Option<(String, Vec<Record>)> {
        let ledger = self.ledger.as_ref();
        if ledger.is_some_and(|it| it.knows_part(name, number)) {
            return None;
        }
        let now = self.now();
        let mut records = Vec::new();
        let mut first = None;
        for (time, frame, said) in samples {
            let dated = self.dated(frame, said);
            if dated.first().is_some_and(|it| self.live.has(it, now)) {
                continue;
            }
            first = first.or(Some(*time));
            records.extend(dated);
        }
        // By the first that is kept: after a power cut the outbox is asked for it.
        let first = first.or(samples.first().map(|(time, _, _)| *time))?;
        Some((ledger::part(first, name, number), records))
    }
}

#[cfg(test)]
mod tests;
