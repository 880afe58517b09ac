//! What an O2Ring has recorded: fetched when it is off the finger, each file once, into records
//! with the times that they were measured at.
//!
//! ```text
//! Worn → Due → Settling → Fetching → Done → Worn …
//! ```
//! The ring answers one question at a time and does not say which. So it is asked for nothing else
//! while files are fetched, and the last live question has its answer before the first of these is
//! asked. A worn ring is listened to and not asked for files: live values go before old ones.
//!
//! A file is judged as a whole, so a link that is lost in the middle of one costs that file's
//! transfer and nothing else: it is fetched again at the next connection. On its way into the
//! outbox a file is in parts, each on the ledger, so that a power cut doubles none.
//!
//! Deliberately absent: deleting. The ring keeps its last files and overwrites the oldest itself,
//! and no source says how to make it forget one.

use std::time::{Duration, Instant};

use veglia_codecs::o2ring::{Download, Info, Step};
use veglia_codecs::{DeviceTime, Frame, Observation, Protocol, observe};
use veglia_wire::{Contact, Record};

use super::device::{Broken, Device};
use super::ledger::{self, Ledger};
use super::memory::{Said, Source};
use super::radio::Trouble;
use super::talk::Talk;

/// How long after it was taken off a ring has closed its file: it counts down ten seconds.
const CLOSES: Duration = Duration::from_secs(30);

/// Silence after which no answer is on its way any more: the ring answers within a tenth of that.
const SETTLED: Duration = Duration::from_millis(1_500);

/// A ring that answers nothing for so long is given up, for now.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long until it is asked again for what did not come.
const AGAIN: Duration = Duration::from_secs(10 * 60);

/// Samples of a part: an append of the outbox holds them with their two values.
const PART_SAMPLES: usize = 400;

/// Files remembered as unreadable: more than a ring keeps.
const MAX_UNREADABLE: usize = 64;

/// Where the files of a ring stand, within one connection.
#[derive(Debug)]
pub(crate) enum Night {
    /// It is worn, and records.
    Worn,
    /// It may be asked when it is off the finger, from this moment on.
    Due(Instant),
    /// It was last heard at this moment, and is asked nothing more.
    Settling(Instant),
    /// It tells; `is_all`: nothing went wrong so far.
    Fetching {
        download: Download,
        heard: Instant,
        is_all: bool,
    },
    /// There is nothing that we have not.
    Done,
}

impl Night {
    /// At the beginning of a connection.
    pub(crate) fn new(now: Instant) -> Self {
        Self::Due(now)
    }

    /// Whether the ring is to be left alone with live questions.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, Self::Settling(_) | Self::Fetching { .. })
    }

    /// The ring has said live whether it is worn.
    pub(crate) fn heard(&mut self, contact: Contact, now: Instant) {
        match (&*self, contact) {
            (Self::Fetching { .. }, _) => {}
            (_, Contact::On | Contact::Searching) => *self = Self::Worn,
            (Self::Worn, Contact::Off) => *self = Self::Due(now + CLOSES),
            (&Self::Due(at), Contact::Off) if now < at => {}
            (Self::Due(_) | Self::Settling(_), Contact::Off) => *self = Self::Settling(now),
            _ => {}
        }
    }

    /// Time passes; what to send, if anything.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Vec<u8>> {
        match self {
            Self::Settling(last) if now.duration_since(*last) >= SETTLED => {
                let (download, first) = Download::start();
                *self = Self::Fetching {
                    download,
                    heard: now,
                    is_all: true,
                };
                Some(first)
            }
            Self::Fetching { heard, .. } if now.duration_since(*heard) > PATIENCE => {
                match std::mem::replace(self, Self::Due(now + AGAIN)) {
                    Self::Fetching { download, .. } => download.abandon(),
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
        let Self::Fetching {
            download, heard, ..
        } = self
        else {
            return None;
        };
        *heard = now;
        Some(download.hear(value, wants))
    }

    /// Something of it did not come, or was not kept.
    fn failed(&mut self) {
        if let Self::Fetching { is_all, .. } = self {
            *is_all = false;
        }
    }

    /// The ring has told all it will.
    fn finished(&mut self, now: Instant) {
        *self = match self {
            Self::Fetching { is_all: true, .. } => Self::Done,
            _ => Self::Due(now + AGAIN),
        };
    }

    /// The box has been busy with what the ring told; the ring has not been silent.
    fn was_busy(&mut self, now: Instant) {
        if let Self::Fetching { heard, .. } = self {
            *heard = now;
        }
    }
}

/// Whether a frame says that the sensor is worn.
pub(super) fn contact(frame: &Frame) -> Option<Contact> {
    observe(frame).into_iter().find_map(|said| match said {
        Observation::Contact(_, contact) => Some(contact),
        _ => None,
    })
}

impl Device {
    /// Takes a value of the ring that answers a question for files. False: it answers none.
    pub(super) async fn take_recorded(
        &mut self,
        talk: &mut Talk,
        value: &[u8],
    ) -> Result<Result<bool, Trouble>, Broken> {
        let now = Instant::now();
        let Some(night) = &mut talk.night else {
            return Ok(Ok(false));
        };
        let wants = |name: &str| {
            let is_known = |ledger: &Ledger| ledger.knows(&ledger::file(name));
            !self.unreadable.contains(name) && !self.ledger.as_ref().is_some_and(is_known)
        };
        let Some(steps) = night.answered(value, wants, now) else {
            return Ok(Ok(false));
        };
        talk.heard = now;
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    if let Err(trouble) = self.tell_ring(talk, &bytes).await {
                        return Ok(Err(trouble));
                    }
                }
                Step::Info(info) => self.introduced(&info),
                Step::File { name, bytes } => {
                    let is_kept = self.take_file(&name, &bytes).await?;
                    // A night is some 40 appends: that took its time.
                    talk.heard = Instant::now();
                    let busy = talk.night.iter_mut();
                    busy.for_each(|night| night.was_busy(talk.heard));
                    if let Some(night) = talk.night.as_mut().filter(|_| !is_kept) {
                        night.failed();
                    }
                }
                Step::Skipped { name, why } => {
                    tracing::warn!(device = %self.member.device, file = name, error = %why,
                        "a recording did not come; it is asked for again");
                    talk.night.iter_mut().for_each(Night::failed);
                }
                Step::Failed(why) => {
                    tracing::warn!(device = %self.member.device, error = %why,
                        "the list of recordings did not come; it is asked for again");
                    talk.night.iter_mut().for_each(Night::failed);
                    talk.night.iter_mut().for_each(|night| night.finished(now));
                }
                Step::Finished => {
                    talk.night.iter_mut().for_each(|night| night.finished(now));
                    // Only when all that it has recorded is dated may its clock be set.
                    if !matches!(talk.night, Some(Night::Done)) {
                        continue;
                    }
                    if let Err(trouble) = self.set_clock_of_ring(talk).await {
                        return Ok(Err(trouble));
                    }
                }
            }
        }
        Ok(Ok(true))
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
        let (mut decoder, mut frames) = (Protocol::O2RingFile.decoder(), Vec::new());
        decoder.push(bytes, &mut frames);
        decoder.finish(&mut frames);
        let mut said = Vec::new();
        for frame in frames {
            match frame {
                Ok(frame) => {
                    let of_frame = Said::of(&frame);
                    // A sample without a finger says nothing.
                    said.extend(of_frame.measured.map(|time| (time, frame, of_frame)));
                }
                Err(reject) => {
                    self.home.figures.rejected(reject.reason);
                    self.listener.reject();
                }
            }
        }
        said.retain(|(_, _, said)| !said.vitals.is_empty());
        let device = self.member.device.clone();
        if said.is_empty() {
            tracing::warn!(%device, file = name, bytes = bytes.len(),
                "a recording holds nothing that can be read; the rest goes on");
            if self.unreadable.len() >= MAX_UNREADABLE {
                self.unreadable.clear();
            }
            self.unreadable.insert(name.to_owned());
            return Ok(true);
        }
        for (part, number) in said.chunks(PART_SAMPLES).zip(0..) {
            let entry = ledger::part(part[0].0, name, number);
            if self.ledger.as_ref().is_some_and(|it| it.knows(&entry)) {
                continue;
            }
            let records: Vec<Record> = part
                .iter()
                .flat_map(|(_, frame, said)| self.dated(frame, said))
                .collect();
            let kept = self.take_over(vec![(entry, records)], Source::File).await?;
            if kept.is_none() {
                return Ok(false);
            }
        }
        if let Some(ledger) = &mut self.ledger
            && let Err(error) = ledger.done(&[ledger::file(name)], None)
        {
            tracing::warn!(%error, "the device's list cannot be kept; the file will come again");
            return Ok(false);
        }
        tracing::info!(%device, file = name, samples = said.len(), "recording taken over");
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_ring_is_asked_when_it_is_off_the_finger_and_its_last_answer_has_come() {
        let now = Instant::now();
        let mut night = Night::new(now);
        assert!(night.look(now).is_none(), "nobody knows whether it is worn");
        night.heard(Contact::On, now);
        assert!(night.look(now + 60 * SECOND).is_none() && !night.is_quiet());
        let off = now + 61 * SECOND;
        night.heard(Contact::Off, off);
        night.heard(Contact::Off, off + 10 * SECOND);
        assert!(!night.is_quiet(), "its file is not closed yet");
        let closed = off + CLOSES;
        night.heard(Contact::Off, closed);
        assert!(night.is_quiet());
        night.heard(Contact::Off, closed + SECOND);
        assert!(night.look(closed + 2 * SECOND).is_none(), "one more came");
        assert!(night.look(closed + 3 * SECOND).is_some());
        assert!(matches!(night, Night::Fetching { .. }));
    }

    #[test]
    fn a_ring_that_says_nothing_more_is_listened_to_again_and_asked_later() {
        let now = Instant::now();
        let mut night = Night::Settling(now);
        night.look(now + 2 * SECOND).expect("the first question");
        let late = now + 2 * SECOND + PATIENCE + SECOND;
        assert_eq!(night.look(late), None, "no file is open");
        assert!(!night.is_quiet());
        night.heard(Contact::Off, late);
        assert!(!night.is_quiet(), "not at once");
        night.heard(Contact::Off, late + AGAIN);
        assert!(night.is_quiet());
    }
}
