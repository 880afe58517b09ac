//! One Bluetooth device, for as long as a connection to BlueZ lasts: waited for, connected,
//! listened to, lost, waited for again.
//!
//! ```text
//! Away → Connecting → Discovering → Preparing → Listening → Lost → Away …
//! ```
//! A device is connected only when it was heard just now: BlueZ remembers devices that are gone. A
//! link that is up and says nothing is no link: it is let go after a while, because links that
//! died without a word exist.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use btleplug::api::{Peripheral as _, ValueNotification};
use btleplug::platform::Peripheral;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, future};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use veglia_link::outbox::AppendError;
use veglia_wire::{Body, DeviceEvent, PortFault, Record, When};

use super::adapter::Air;
use super::clock::DeviceClock;
use super::ledger::Ledger;
use super::live::Live;
use super::radio::{ASK, CONNECT, Trouble, call};
use super::roster::{Heard, Member};
use super::seats::{Sighting, Ticket};
use super::talk::Talk;
use super::writer::Writer;
use super::{Home, Rhythm, port_name};
use crate::commander::Ask;
use crate::desk::Place;
use crate::listener::Listener;

/// Failures on end after which somebody at home is told what to do.
const FAILURES_TOLD: u32 = 3;

/// Measurements on end whose time is doubtful, after which somebody is told to set the clock.
const DOUBTS_TOLD: u32 = 3;

/// The values of a device, kept across its connections.
pub(super) type Values = BoxStream<'static, ValueNotification>;

/// Why a task ends that should not.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The outbox failed for good.
    Append(AppendError),
    /// Nothing will work on this connection to BlueZ.
    Session(Trouble),
}

/// One device and all that its task needs.
pub(crate) struct Device {
    pub(super) peripheral: Peripheral,
    pub(super) member: Member,
    pub(super) heard: Heard,
    pub(super) home: Home,
    pub(super) air: Air,
    pub(super) place: Option<Place>,
    pub(super) sightings: watch::Receiver<Sighting>,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) listener: Listener,
    pub(super) writer: Writer,
    pub(super) ledger: Option<Ledger>,
    pub(super) clock: DeviceClock,
    /// Recorded files that came whole and cannot be read: they will not be better the next time.
    pub(super) unreadable: BTreeSet<String>,
    /// The recorded file that was being fetched when the link was lost.
    pub(super) stumbled: Option<String>,
    /// What a ring has told live, and so need not tell again.
    pub(super) live: Live,
    stop: CancellationToken,
    is_busy: Arc<AtomicBool>,
    used: Sighting,
    failures: u32,
    /// Measurements on end that were just made and have no certain time.
    doubts: u32,
}

/// What a device's task is doing; each mode answers with the next one.
enum Mode {
    Away(Duration),
    Connecting,
    Discovering,
    Preparing(Box<Talk>),
    Listening(Box<Talk>),
    Lost(Why),
    Stopped,
}

/// Why a link ended, or did not come about.
#[derive(Debug)]
pub(super) enum Why {
    /// The device hung up, or went out of reach.
    HungUp,
    /// It was connected and said nothing.
    Silent,
    /// It measures once, and nobody has for long.
    Idle,
    /// It did not let itself be connected, or did not do what it must.
    Trouble(Trouble),
}

impl Device {
    pub(crate) fn new(
        peripheral: Peripheral,
        (member, heard): (Member, Heard),
        (home, air): (Home, Air),
        ticket: Ticket,
    ) -> Self {
        let (sender, asks) = mpsc::channel(crate::commander::ASKS_WAITING);
        let name = port_name(member.address);
        let place = home.desk.add(&name, Some(member.device.clone()), sender);
        let ledger = Ledger::open(&home.dir, &member.device);
        let ledger = ledger
            .inspect_err(|error| {
                tracing::error!(device = %member.device, %error,
                    "what this device has stored is left there: its list cannot be kept");
            })
            .ok();
        let standing = ledger.as_ref().map(Ledger::standing).unwrap_or_default();
        Self {
            listener: Listener::new(Some(member.device.clone())),
            writer: Writer::new(home.outbox.clone(), home.voice.clone()),
            clock: DeviceClock::new(home.zone.clone(), standing),
            ledger,
            place,
            peripheral,
            member,
            heard,
            home,
            air,
            sightings: ticket.sightings,
            asks,
            unreadable: BTreeSet::new(),
            stumbled: None,
            live: Live::default(),
            stop: ticket.stop,
            is_busy: ticket.is_busy,
            used: Sighting::default(),
            failures: 0,
            doubts: 0,
        }
    }

    /// Serves the device until told to stop.
    pub(crate) async fn serve(mut self) -> Result<(), Broken> {
        let ended = self.live(self.stop.clone()).await;
        if matches!(ended, Err(Broken::Session(_))) {
            // What was heard before is not lost with the session, and its end is told.
            if self.place.as_ref().is_some_and(Place::is_open) {
                let down = self.event(DeviceEvent::Down);
                self.writer.push(vec![down]);
            }
            match tokio::time::timeout(ASK, self.writer.finish()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Broken::Append(error)),
                Err(_elapsed) => tracing::error!(device = %self.member.device,
                    "the disk is so slow that the last seconds of this device are lost"),
            }
        }
        ended
    }

    async fn live(&mut self, stop: CancellationToken) -> Result<(), Broken> {
        if let Some(ledger) = &mut self.ledger
            && let Err(error) = ledger.settle(&self.home.outbox).await
        {
            tracing::error!(device = %self.member.device, %error,
                "what this device has stored is left there: its list cannot be kept");
            self.ledger = None;
        }
        let values = call("tell values", ASK, self.peripheral.notifications()).await;
        let mut values = values.map_err(Broken::Session)?;
        let mut mode = Mode::Away(Duration::ZERO);
        loop {
            let is_busy = !matches!(mode, Mode::Away(_) | Mode::Stopped);
            self.is_busy.store(is_busy, Ordering::Relaxed);
            mode = match mode {
                Mode::Away(wait) => self.away(wait, &mut values, &stop).await?,
                Mode::Connecting => self.connect(&mut values, &stop).await,
                Mode::Discovering => tokio::select! {
                    () = stop.cancelled() => Mode::Lost(Why::HungUp),
                    found = self.discover() => match found {
                        Ok(talk) => Mode::Preparing(Box::new(talk)),
                        Err(trouble) => Mode::Lost(Why::Trouble(trouble)),
                    },
                },
                Mode::Preparing(mut talk) => {
                    let why = tokio::select! {
                        () = stop.cancelled() => Some(Why::HungUp),
                        prepared = self.prepare(&mut talk) => prepared.err().map(Why::Trouble),
                    };
                    match why {
                        None => Mode::Listening(talk),
                        Some(why) => {
                            // It speaks as soon as it is listened to, and may have told all.
                            self.take_rest(*talk, None, &mut values).await?;
                            Mode::Lost(why)
                        }
                    }
                }
                Mode::Listening(talk) => {
                    let why = self.listen(*talk, &mut values, &stop).await?;
                    Mode::Lost(why)
                }
                Mode::Lost(why) => {
                    let wait = self.lost(why).await?;
                    if stop.is_cancelled() {
                        Mode::Stopped
                    } else {
                        Mode::Away(wait)
                    }
                }
                Mode::Stopped => {
                    let kept = self.writer.finish().await;
                    return kept.map_err(Broken::Append);
                }
            };
        }
    }

    /// Waits until the device is heard anew.
    async fn away(
        &mut self,
        wait: Duration,
        values: &mut Values,
        stop: &CancellationToken,
    ) -> Result<Mode, Broken> {
        let rest = tokio::time::sleep(wait);
        tokio::pin!(rest);
        let mut has_rested = false;
        loop {
            let seen = self.sightings.borrow_and_update().seen;
            if has_rested && seen > self.used.seen {
                self.used.seen = seen;
                return Ok(Mode::Connecting);
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(Mode::Stopped),
                () = &mut rest, if !has_rested => has_rested = true,
                changed = self.sightings.changed() => if changed.is_err() {
                    return Err(Broken::Session(Trouble::Ended));
                },
                done = self.writer.progress(), if !self.writer.is_idle() => {
                    done.map_err(Broken::Append)?;
                }
                Some(ask) = self.asks.recv() => not_connected(ask),
                // Not connected, it has nothing to say; what BlueZ tells of it is not kept.
                value = values.next() => if value.is_none() {
                    return Err(Broken::Session(Trouble::Ended));
                },
            }
        }
    }

    async fn connect(&mut self, values: &mut Values, stop: &CancellationToken) -> Mode {
        // BlueZ makes one connection at a time.
        let turn = Arc::clone(&self.air.turn);
        let Ok(_turn) = turn.acquire().await else {
            return Mode::Stopped;
        };
        self.used.gone = self.sightings.borrow().gone;
        let connected = call("connect", CONNECT, self.peripheral.connect());
        let draining = values.by_ref().for_each(|_| future::ready(()));
        tokio::select! {
            () = stop.cancelled() => Mode::Lost(Why::HungUp),
            connected = connected => match connected {
                // Busy: the link of the session before is still up.
                Ok(()) | Err(Trouble::Busy) => Mode::Discovering,
                Err(trouble) => Mode::Lost(Why::Trouble(trouble)),
            },
            () = draining => Mode::Lost(Why::Trouble(Trouble::Ended)),
        }
    }

    /// Whether BlueZ has told that the link is down, and it is.
    pub(super) async fn is_gone(&mut self) -> bool {
        let gone = self.sightings.borrow_and_update().gone;
        if gone == self.used.gone {
            return false;
        }
        self.used.gone = gone;
        let is_up = call("tell of the link", ASK, self.peripheral.is_connected()).await;
        !matches!(is_up, Ok(true))
    }

    /// Tidies up after a link, and answers how long to leave the device in peace.
    async fn lost(&mut self, why: Why) -> Result<Duration, Broken> {
        let device = &self.member.device;
        let was_up = self.place.as_ref().is_some_and(Place::is_open);
        // Whatever is left of the link must not keep the device from its next one.
        if !matches!(why, Why::HungUp) || was_up {
            let gone = call("disconnect", ASK, self.peripheral.disconnect()).await;
            if let Err(error) = gone {
                tracing::debug!(%device, %error, "the link was down already");
            }
        }
        if was_up {
            let down = self.event(DeviceEvent::Down);
            self.writer.push(vec![down]);
        }
        if let Some(place) = &self.place {
            place.lost();
        }
        self.air.search_again();
        self.used.seen = self.sightings.borrow().seen;
        let (first, longest) = match &why {
            Why::HungUp | Why::Idle => (Rhythm::BACK_SOON, Rhythm::BACK_SOON),
            Why::Silent => (Rhythm::RETRY_FIRST, Rhythm::RETRY_LONGEST),
            Why::Trouble(Trouble::Unsupported) => (Rhythm::RETRY_LONGEST, Rhythm::RETRY_LONGEST),
            Why::Trouble(_) => (Rhythm::BACK_SOON, Rhythm::RETRY_LONGEST),
        };
        if !matches!(why, Why::HungUp | Why::Idle) {
            self.failures = self.failures.saturating_add(1);
        }
        let doublings = self.failures.saturating_sub(1).min(8);
        let wait = first.saturating_mul(1 << doublings).min(longest);
        match why {
            Why::HungUp => tracing::info!(%device, "the device has hung up; waiting for it"),
            Why::Idle => tracing::debug!(%device, "nobody measures; the link is made anew"),
            Why::Silent if self.failures == 1 => {
                tracing::warn!(%device, "the device is connected and says nothing; it is let go");
            }
            Why::Silent => tracing::debug!(%device, "the device still says nothing"),
            Why::Trouble(trouble) if trouble.is_of_the_session() => {
                return Err(Broken::Session(trouble));
            }
            Why::Trouble(trouble) => self.told(&trouble).await,
        }
        Ok(wait)
    }

    /// Says what is wrong, once, and to the centre when a person at home can help.
    async fn told(&self, trouble: &Trouble) {
        let device = &self.member.device;
        let fault = match trouble {
            Trouble::Locked | Trouble::Unsupported => trouble.fault(),
            _ if self.failures < FAILURES_TOLD => None,
            // It hangs where a key would be needed that one of the two has not.
            Trouble::NoAnswer(_, "subscribe" | "read") => Some(PortFault::BondLost),
            _ if self.air.is_bonded(&self.member).await => Some(PortFault::BondLost),
            _ => Some(PortFault::HeldElsewhere),
        };
        if let (Some(place), Some(fault)) = (&self.place, fault) {
            place.fault(Some(fault));
        }
        if self.failures == 1 || self.failures == FAILURES_TOLD {
            tracing::warn!(%device, error = %trouble, ?fault, "the device cannot be listened to");
        } else {
            tracing::debug!(%device, error = %trouble, "the device cannot be listened to");
        }
    }

    /// A value came: whatever was wrong is not any more.
    pub(super) fn is_well(&mut self) {
        self.failures = 0;
        if let Some(place) = &self.place {
            place.fault((self.doubts >= DOUBTS_TOLD).then_some(PortFault::ClockWrong));
        }
    }

    /// A measurement was just made, and its time is doubtful or not.
    pub(super) fn has_dated(&mut self, is_doubtful: bool) {
        self.doubts = if is_doubtful {
            self.doubts.saturating_add(1)
        } else {
            0
        };
        if self.doubts == DOUBTS_TOLD {
            tracing::warn!(device = %self.member.device,
                "the clock of the device is wrong and cannot be set: what it measures has no \
                 certain time");
        }
        self.is_well();
    }

    pub(super) fn now(&self) -> When {
        self.home.clock.stamp(None)
    }

    pub(super) fn event(&self, event: DeviceEvent) -> Record {
        Record {
            device: Some(self.member.device.clone()),
            when: self.now(),
            body: Body::Event(event),
        }
    }
}

/// Answers whoever wants something of a device that is away.
fn not_connected(ask: Ask) {
    if ask.reply.send(veglia_wire::Outcome::NotConnected).is_err() {
        tracing::debug!("nobody waits any more for what the device was asked");
    }
}

/// When something was last heard.
pub(super) fn has_passed(since: Instant, patience: Duration) -> bool {
    since.elapsed() > patience
}
