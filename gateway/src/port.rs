//! One serial port, for the life of the box: opened, read, lost, opened again. It is read on while
//! the disk writes, so that what is said is dated when it was said.
//!
//! A port that hangs up reads as "zero bytes" for ever, at once; that is unplugged, not idle.
//! What waits in a port's buffer when it is opened was said before anybody listened and is thrown
//! away: it could only be stamped with a time at which it was not measured.
//!
//! A cable may outlive the device on it: the port stays open while the oximeter is switched off and
//! on. So a device that is not understood is greeted again and again ([`Greeting`]).

mod greeting;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_serial::{
    ClearBuffer, DataBits, SerialPort, SerialPortBuilderExt, SerialStream, StopBits,
};
use tokio_util::sync::CancellationToken;
use veglia_codecs::{Decoder, Frame, KeepAlive, Parity, Protocol, Reject, Seconds};
use veglia_link::Outbox;
use veglia_link::outbox::AppendError;
use veglia_wire::{Body, DeviceEvent, Outcome, Record, When};

use crate::ble::writer::Writer;
use crate::checks::{Check, Checks};
use crate::clock::BoxClock;
use crate::commander::Ask;
use crate::config::PortConfig;
use crate::desk::Place;
use crate::figures::Figures;
use crate::heart::{Beat, Heart};
use crate::listener::Listener;
use crate::voice::Voice;
use greeting::Greeting;

/// First wait before a lost port is tried again. A device re-plugged by hand is back in a second.
const RETRY_FIRST: Duration = Duration::from_millis(250);

/// Longest such wait: an open() every five seconds costs nothing and nobody waits longer.
const RETRY_LONGEST: Duration = Duration::from_secs(5);

/// How long a byte may take into the line. A device that must be kept speaking, on a line that
/// takes none, is as good as unplugged.
const WRITE_PATIENCE: Duration = Duration::from_secs(1);

/// Bytes taken from a port at once: more than a second of any device on a serial line.
const READ_BYTES: usize = 4096;

/// How often a silent port's task turns all the same, at least.
const TURN_EVERY: Duration = Duration::from_secs(1);

/// What all ports share.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) clock: Arc<BoxClock>,
    pub(crate) outbox: Outbox,
    pub(crate) figures: Figures,
    pub(crate) voice: Voice,
    pub(crate) heart: Heart,
    /// The gateway's folder.
    pub(crate) dir: PathBuf,
}

/// One port and all that its task needs.
pub(crate) struct Port {
    config: PortConfig,
    clock: Arc<BoxClock>,
    figures: Figures,
    place: Place,
    asks: mpsc::Receiver<Ask>,
    listener: Listener,
    decoder: Box<dyn Decoder>,
    seconds: Seconds<When>,
    writer: Writer,
    checks: Checks,
    beat: Beat,
}

/// What a port is doing; each mode answers with the next one.
enum Mode {
    Closed {
        wait: Duration,
        told: Option<String>,
    },
    Open(SerialStream),
    Stopped,
}

impl Port {
    pub(crate) fn new(
        config: PortConfig,
        means: Means,
        place: Place,
        asks: mpsc::Receiver<Ask>,
    ) -> Self {
        let (outbox, voice) = (means.outbox, means.voice);
        Self {
            listener: Listener::new(config.device.clone()),
            decoder: config.protocol.decoder(),
            seconds: Seconds::new(config.protocol),
            checks: Checks::open(
                &means.dir,
                config.device.as_ref(),
                outbox.clone(),
                voice.clone(),
            ),
            writer: Writer::new(outbox, voice),
            beat: means.heart.part(format!("port {}", config.path.display())),
            config,
            clock: means.clock,
            figures: means.figures,
            place,
            asks,
        }
    }

    /// Serves the port until told to stop. An error is one that only a restart can mend.
    pub(crate) async fn serve(mut self, stop: CancellationToken) -> Result<(), AppendError> {
        let mut mode = Mode::Closed {
            wait: Duration::ZERO,
            told: None,
        };
        loop {
            self.beat.beat();
            mode = match mode {
                Mode::Closed { wait, told } => self.open(wait, told, &stop).await,
                Mode::Open(stream) => self.read(stream, &stop).await?,
                Mode::Stopped => return self.finish().await,
            };
        }
    }

    async fn open(
        &mut self,
        wait: Duration,
        told: Option<String>,
        stop: &CancellationToken,
    ) -> Mode {
        tokio::select! {
            () = stop.cancelled() => return Mode::Stopped,
            () = tokio::time::sleep(wait) => {}
        }
        let path = self.config.path.display().to_string();
        match open_stream(&path, self.config.protocol).await {
            Ok(stream) => {
                tracing::info!(port = path, protocol = %self.config.protocol, "port open");
                self.decoder.reset();
                self.listener.replugged();
                self.place.opened(&self.listener);
                // Whoever asked before the port was lost waits no more.
                while self.asks.try_recv().is_ok() {}
                Mode::Open(stream)
            }
            Err(error) => {
                let why = error.to_string();
                if told.as_ref() != Some(&why) {
                    tracing::warn!(
                        port = path,
                        error = why,
                        "cannot open the port; check that the device is plugged in and that \
                         this user may read it (group dialout); trying again"
                    );
                }
                let wait = (wait * 2).clamp(RETRY_FIRST, RETRY_LONGEST);
                Mode::Closed {
                    wait,
                    told: Some(why),
                }
            }
        }
    }

    /// Reads until the port is lost, the box stops, or the outbox fails for good.
    async fn read(
        &mut self,
        mut stream: SerialStream,
        stop: &CancellationToken,
    ) -> Result<Mode, AppendError> {
        let quiet = Duration::from_millis(u64::from(self.config.protocol.quiet_ms()));
        let mut alive = Alive::new(self.config.protocol.keep_alive());
        let mut greeting = Greeting::said(self.config.protocol.greeting(), Instant::now());
        let mut buffer = [0_u8; READ_BYTES];
        let mut heard = Vec::new();
        let mut quiet_at = Instant::now() + quiet;
        let lost = loop {
            self.beat.beat();
            let turn = quiet_at.min(Instant::now() + TURN_EVERY);
            let read = tokio::select! {
                () = stop.cancelled() => {
                    self.hand_out();
                    return Ok(Mode::Stopped);
                }
                Some(ask) = self.asks.recv() => {
                    self.measure_now(ask, &mut stream).await;
                    continue;
                }
                written = self.writer.progress(), if !self.writer.is_idle() => {
                    written?;
                    continue;
                }
                written = self.checks.progress(), if !self.checks.is_idle() => {
                    written?;
                    continue;
                }
                prompt = prompt(&mut alive, &mut greeting) => match prompt.say(&mut stream).await {
                    Ok(()) => continue,
                    Err(error) => break error.to_string(),
                },
                read = tokio::time::timeout_at(turn, stream.read(&mut buffer)) => read,
            };
            match read {
                Err(_elapsed) => {
                    self.tick();
                    if Instant::now() >= quiet_at {
                        self.decoder.reset();
                        quiet_at = Instant::now() + quiet;
                    }
                }
                Ok(Ok(0)) => break "the device hung up".to_owned(),
                Ok(Ok(count)) => {
                    quiet_at = Instant::now() + quiet;
                    self.decoder.push(&buffer[..count], &mut heard);
                    greeting.heard(heard.iter().any(Result::is_ok), Instant::now());
                    let records = self.records(&mut heard);
                    self.writer.push(records);
                }
                Ok(Err(error)) => break error.to_string(),
            }
        };
        self.hand_out();
        tracing::info!(
            port = %self.config.path.display(),
            reason = lost,
            unattributed = self.listener.unattributed(),
            "port lost; waiting for the device to come back"
        );
        self.place.lost();
        let down = self.event(DeviceEvent::Down);
        self.writer.push(down);
        self.finish().await?;
        Ok(Mode::Closed {
            wait: RETRY_FIRST,
            told: None,
        })
    }

    /// Waits until everything is on disk.
    async fn finish(&mut self) -> Result<(), AppendError> {
        self.writer.finish().await?;
        self.checks.finish().await
    }

    fn records(&mut self, heard: &mut Vec<Result<Frame, Reject>>) -> Vec<Record> {
        let mut thinned = Vec::new();
        for frame in heard.drain(..) {
            match frame {
                Ok(frame) => {
                    let when = self.clock.stamp(Listener::stamp(&frame));
                    self.seconds.take(when.mono.0, when, frame, &mut thinned);
                }
                Err(reject) => {
                    self.figures.rejected(reject.reason);
                    self.listener.reject();
                }
            }
        }
        self.listen(&thinned)
    }

    fn listen(&mut self, frames: &[(When, Frame)]) -> Vec<Record> {
        let mut records = Vec::new();
        for (when, frame) in frames {
            let check = Check::of(frame);
            if check.as_ref().is_some_and(|check| self.checks.has(check)) {
                self.place.heard(when.mono, &self.listener);
                continue;
            }
            let mut said = Vec::new();
            self.listener.hear(frame, *when, &mut said);
            self.place.heard(when.mono, &self.listener);
            records.extend(match check {
                Some(check) => self.checks.take(check, said),
                None => said,
            });
        }
        records
    }

    /// Time passed in silence.
    fn tick(&mut self) {
        let mut held = Vec::new();
        self.seconds.tick(self.clock.stamp(None).mono.0, &mut held);
        let records = self.listen(&held);
        self.writer.push(records);
    }

    /// Nothing more comes for now: what was held is kept.
    fn hand_out(&mut self) {
        let mut held = Vec::new();
        self.seconds.finish(&mut held);
        let records = self.listen(&held);
        self.writer.push(records);
    }

    /// Tells the device to measure once, if it can be told.
    async fn measure_now(&mut self, ask: Ask, stream: &mut SerialStream) {
        let outcome = match self.config.protocol.measure_now() {
            None => Outcome::NotSupported,
            Some(bytes) => match write(stream, &[bytes]).await {
                Ok(()) => Outcome::Done,
                // The next read says so too, and opens the port anew.
                Err(_) => Outcome::NotConnected,
            },
        };
        if ask.reply.send(outcome).is_err() {
            tracing::debug!("nobody waits any more for what the device was asked");
        }
    }

    fn event(&self, event: DeviceEvent) -> Vec<Record> {
        let device = self.listener.device().cloned();
        let record = |device| Record {
            device: Some(device),
            when: self.clock.stamp(None),
            body: Body::Event(event),
        };
        device.map(record).into_iter().collect()
    }
}

/// Writes one after the other.
async fn write(stream: &mut SerialStream, all: &[&[u8]]) -> io::Result<()> {
    for bytes in all {
        let written = tokio::time::timeout(WRITE_PATIENCE, stream.write_all(bytes)).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    }
    Ok(())
}

/// What a device is told without having asked.
enum Prompt {
    /// What keeps it speaking.
    Alive(&'static [u8]),
    /// In which format to speak, or to begin at all.
    Greeting(&'static [&'static [u8]]),
}

impl Prompt {
    async fn say(self, stream: &mut SerialStream) -> io::Result<()> {
        match self {
            Self::Alive(bytes) => write(stream, &[bytes]).await,
            Self::Greeting(all) => greet(stream, all).await,
        }
    }
}

/// Waits until the device must be told something, and answers what. It may be dropped at any time.
async fn prompt(alive: &mut Alive, greeting: &mut Greeting) -> Prompt {
    tokio::select! {
        bytes = alive.is_due() => Prompt::Alive(bytes),
        all = greeting.is_due() => Prompt::Greeting(all),
    }
}

/// Greets a device. A line that takes nothing is not lost: whoever never listens fills it in the
/// end, and may speak all the same.
async fn greet(stream: &mut SerialStream, greeting: &[&[u8]]) -> io::Result<()> {
    match write(stream, greeting).await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            tracing::debug!("the line takes no greeting; what the device says is heard");
            Ok(())
        }
        other => other,
    }
}

/// What a device must be sent again and again so that it goes on speaking.
struct Alive {
    send: Option<KeepAlive>,
    due: Instant,
}

impl Alive {
    fn new(send: Option<KeepAlive>) -> Self {
        let due = Instant::now();
        Self { send, due }
    }

    /// Waits until something must be sent; for ever for a device that wants nothing. It may be
    /// dropped at any moment.
    async fn is_due(&mut self) -> &'static [u8] {
        let Some(KeepAlive { every_ms, bytes }) = self.send else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(self.due).await;
        self.due = Instant::now() + Duration::from_millis(u64::from(every_ms));
        bytes
    }
}

async fn open_stream(path: &str, protocol: Protocol) -> Result<SerialStream, tokio_serial::Error> {
    let line = protocol.line().ok_or_else(|| {
        let why = format!("{protocol} is not spoken on serial lines");
        tokio_serial::Error::new(tokio_serial::ErrorKind::InvalidInput, why)
    })?;
    let bits = match line.data_bits {
        5 => DataBits::Five,
        6 => DataBits::Six,
        7 => DataBits::Seven,
        _ => DataBits::Eight,
    };
    let parity = match line.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Odd => tokio_serial::Parity::Odd,
        Parity::Even => tokio_serial::Parity::Even,
    };
    let stop = if line.stop_bits == 2 {
        StopBits::Two
    } else {
        StopBits::One
    };
    let mut stream = tokio_serial::new(path, line.baud)
        .data_bits(bits)
        .parity(parity)
        .stop_bits(stop)
        .open_native_async()?;
    stream.clear(ClearBuffer::Input)?;
    greet(&mut stream, protocol.greeting()).await?;
    Ok(stream)
}

#[cfg(test)]
mod tests;
