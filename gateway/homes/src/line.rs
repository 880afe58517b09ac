//! The line of one device: what is put on it, who is there to hear it, and what the log is told.
//!
//! Absent: what to say and when.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use veglia_codecs::Protocol;
use veglia_firmware_core::{MEASURE, WHO};
use veglia_wire::{CareClock, DeviceId, WallMs};

use crate::home::{Device, Home};
use crate::log::{Entry, What};
use crate::pty::{Heard, Pty, PtyError};
use crate::run::SimulationError;
use crate::voice::{Said, Utterance};

/// Questions taken from a line at once; more are answered at the next turn.
const QUESTIONS: usize = 16;

/// How long after opening a port somebody may still be making it ready: a reader throws away what
/// it finds in a line that it has just opened. A device is quiet for that long, or the log would
/// call heard what was thrown away.
const MADE_READY: Duration = Duration::from_millis(250);

/// How long a device stays in its port, silent, before it is pulled out or the simulation ends, so
/// that what lies in its line is read: a pty forgets it at once when its device is gone. A machine
/// that starts ten houses at once may leave a line alone for more than a second.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// What all tasks of a simulation share.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) clock: CareClock,
    /// Care time at which scenarios began.
    pub(crate) began: WallMs,
    pub(crate) entries: Option<Sender<Entry>>,
    pub(crate) stop: CancellationToken,
}

/// What was asked of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Who speaks.
    pub(crate) who: bool,
    /// To measure once, now.
    pub(crate) measure: bool,
}

/// How many readings and other frames were spoken on a line, and how many to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) spoken: u64,
    pub(crate) unheard: u64,
}

/// The line of one device, plugged in or not.
pub(crate) struct Line {
    pub(crate) stage: Stage,
    pub(crate) home: String,
    pub(crate) device: DeviceId,
    pub(crate) tally: Tally,
    protocol: Protocol,
    port: PathBuf,
    pty: Option<Pty>,
    /// Since when somebody has the port open, as far as we have looked.
    listened: Option<Instant>,
    /// Somebody has opened it, and was not yet greeted.
    opened: bool,
    /// The last frame went in only in part.
    torn: bool,
    /// Readings and other frames that who listens now was told in full.
    told: u64,
}

impl Line {
    /// The line of a device, plugged in.
    pub(crate) fn new(
        stage: Stage,
        home: &Home,
        device: &Device,
        port: PathBuf,
    ) -> Result<Self, SimulationError> {
        let mut line = Self {
            stage,
            home: home.name.clone(),
            device: device.id.clone(),
            protocol: device.protocol,
            port,
            pty: None,
            listened: None,
            opened: false,
            torn: false,
            told: 0,
            tally: Tally::default(),
        };
        line.pty = Some(line.plug()?);
        Ok(line)
    }

    fn plug(&self) -> Result<Pty, SimulationError> {
        Pty::plug(&self.port).map_err(|source| self.broken(source))
    }

    fn broken(&self, source: PtyError) -> SimulationError {
        SimulationError::Port {
            port: self.port.clone(),
            source,
        }
    }

    /// Whether somebody has the port open, and has had the time to make it ready.
    ///
    /// When somebody has left, the line is laid anew: a serial port forgets at its last close
    /// what was not read and who had it alone, but a pty does so only when it is made again.
    pub(crate) fn is_listened_to(&mut self) -> Result<bool, SimulationError> {
        let listens = match &self.pty {
            Some(pty) => pty.has_reader().map_err(|source| self.broken(source))?,
            None => false,
        };
        match (self.listened, listens) {
            (None, true) => {
                self.listened = Some(Instant::now());
                self.opened = true;
                self.told = 0;
            }
            (Some(_), false) => {
                self.pty = Some(self.plug()?);
                self.listened = None;
                self.torn = false;
            }
            _ => {}
        }
        Ok(self
            .listened
            .is_some_and(|since| since.elapsed() >= MADE_READY))
    }

    /// Whether somebody has opened the port since this was last asked.
    pub(crate) fn was_opened(&mut self) -> Result<bool, SimulationError> {
        Ok(self.is_listened_to()? && std::mem::take(&mut self.opened))
    }

    /// Whether somebody was told one frame only, of a protocol without checksums: its listener
    /// takes a frame for true when the next one follows.
    pub(crate) fn is_half_believed(&self) -> bool {
        self.protocol == Protocol::Nonin8 && self.listened.is_some() && self.told == 1
    }

    /// What somebody has asked since this was last looked at. A Nonin does not listen.
    pub(crate) fn asked(&mut self) -> Result<Asked, SimulationError> {
        if !self.is_listened_to()? {
            return Ok(Asked::default());
        }
        let Some(pty) = &self.pty else {
            return Ok(Asked::default());
        };
        let sent = pty
            .sent::<QUESTIONS>()
            .map_err(|source| self.broken(source))?;
        let listens = self.protocol == Protocol::Node;
        Ok(Asked {
            who: listens && sent.contains(&WHO),
            measure: listens && sent.contains(&MEASURE),
        })
    }

    pub(crate) async fn unplugged(&mut self) -> Result<(), SimulationError> {
        if self.pty.is_none() {
            return Ok(());
        }
        sleep(FAREWELL).await;
        self.pty = None;
        self.listened = None;
        self.opened = false;
        self.torn = false;
        self.tell(Said::event(What::Unplugged), true).await
    }

    pub(crate) async fn plugged(&mut self) -> Result<(), SimulationError> {
        if self.pty.is_some() {
            return Ok(());
        }
        self.pty = Some(self.plug()?);
        self.tell(Said::event(What::Plugged), true).await
    }

    pub(crate) async fn speak(&mut self, utterance: Utterance) -> Result<Heard, SimulationError> {
        let heard = self.put(&utterance.bytes)?;
        self.tally.spoken += 1;
        self.tally.unheard += u64::from(heard != Heard::Whole);
        self.told += u64::from(heard == Heard::Whole);
        if let Some(said) = utterance.said {
            self.tell(said, heard == Heard::Whole).await?;
        }
        Ok(heard)
    }

    /// A node clears the line with a zero after a torn frame, else the next one would be lost
    /// with it. A Nonin's next frame clears it by its first bit.
    fn put(&mut self, bytes: &[u8]) -> Result<Heard, SimulationError> {
        let is_heard = self.is_listened_to()?;
        let Some(pty) = self.pty.as_ref().filter(|_| is_heard) else {
            return Ok(Heard::Not);
        };
        let cleared;
        let bytes = if self.torn && self.protocol == Protocol::Node {
            cleared = [&[0], bytes].concat();
            &cleared
        } else {
            bytes
        };
        let heard = pty.write(bytes).map_err(|source| self.broken(source))?;
        match heard {
            Heard::Whole => self.torn = false,
            Heard::Torn => self.torn = true,
            Heard::Not => {}
        }
        Ok(heard)
    }

    pub(crate) async fn tell(&self, said: Said, heard: bool) -> Result<(), SimulationError> {
        let device = Some(self.device.clone());
        self.stage.tell(&self.home, device, said, heard).await
    }
}

impl Stage {
    pub(crate) async fn tell(
        &self,
        home: &str,
        device: Option<DeviceId>,
        said: Said,
        heard: bool,
    ) -> Result<(), SimulationError> {
        let Some(entries) = &self.entries else {
            return Ok(());
        };
        let wall = self.clock.wall().now();
        let entry = Entry {
            home: home.to_owned(),
            device,
            what: said.what,
            wall_ms: wall.0,
            care_ms: self.clock.at(wall).0,
            spo2_tenths: said.spo2_tenths,
            pulse_tenths: said.pulse_tenths,
            celsius_hundredths: said.celsius_hundredths,
            flags: said.flags,
            heard,
            counter: said.counter,
        };
        entries
            .send(entry)
            .await
            .map_err(|_| SimulationError::LogEnded)
    }

    pub(crate) fn passed_ms(&self) -> i64 {
        self.clock.now().since(self.began)
    }
}
