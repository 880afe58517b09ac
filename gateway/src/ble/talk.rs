//! One connection with a device, once its services are read: what it offers that is understood, and
//! what its values mean.
//!
//! Values are known by their characteristic alone: BlueZ shows a value that was read as if the
//! device had sent it, and so nothing is ever counted.

use std::time::{Duration, Instant};

use btleplug::api::{CharPropFlags, Characteristic, Peripheral as _, WriteType};
use btleplug::platform::Peripheral;
use uuid::Uuid;
use veglia_codecs::{Decoder, Frame, KeepAlive, Protocol, Reject, Seconds, sig};
use veglia_wire::When;

use super::device::Why;
use super::night::Night;
use super::radio::{ATTRIBUTE, Trouble, call};
use super::roster::{Heard, Member, spoken};

/// Bytes of one write that every connection takes: the smallest ATT value.
const WRITE_BYTES: usize = 20;

/// So many values of which none is understood are another language, and not a bad moment.
const REJECTED_TOLD: u32 = 5;

/// A thermometer in the armpit takes five minutes.
const QUIET_OF_SINGLE: u32 = 6;

/// One protocol that the device speaks.
pub(crate) struct Channel {
    pub(crate) protocol: Protocol,
    listen: Vec<Uuid>,
    write: Option<Characteristic>,
    decoder: Box<dyn Decoder>,
    seconds: Seconds<When>,
    quiet: Duration,
    heard: Option<Instant>,
    keep_alive: Option<(KeepAlive, Instant)>,
}

/// What a connected device offers.
pub(crate) struct Talk {
    pub(crate) channels: Vec<Channel>,
    /// Where it is asked for what it has stored.
    pub(crate) control: Option<Characteristic>,
    pub(crate) heard: Instant,
    /// Values that were not understood, until one is.
    pub(crate) rejected: Option<u32>,
    /// What a ring has recorded.
    pub(crate) night: Option<Night>,
}

impl Talk {
    /// What of a device's table is understood, and is to be listened to.
    /// `stumbled`: the recorded file at which the link was lost before.
    pub(crate) fn of(
        peripheral: &Peripheral,
        member: &Member,
        heard: &Heard,
        stumbled: Option<String>,
    ) -> Option<Self> {
        let services = peripheral.services();
        let offered = Heard {
            services: services.iter().map(|service| service.uuid).collect(),
            ..heard.clone()
        };
        let all = peripheral.characteristics();
        let has = |uuid: &Uuid| all.iter().find(|it| it.uuid == *uuid).cloned();
        let protocols = if member.is_chosen {
            member.protocols.clone()
        } else {
            standard_first(spoken(&offered, &member.protocols))
        };
        let now = Instant::now();
        let channel = |protocol: Protocol| {
            let gatt = protocol.gatt()?;
            let listen = gatt.listen.iter().map(|uuid| Uuid::from_u128(uuid.0));
            let listen: Vec<Uuid> = listen.filter(|uuid| has(uuid).is_some()).collect();
            let write = gatt.write.and_then(|uuid| has(&Uuid::from_u128(uuid.0)));
            (!listen.is_empty()).then(|| Channel {
                protocol,
                listen,
                write,
                decoder: protocol.decoder(),
                seconds: Seconds::new(protocol),
                quiet: Duration::from_millis(u64::from(protocol.quiet_ms())),
                heard: None,
                keep_alive: protocol.keep_alive().map(|it| (it, now)),
            })
        };
        let channels: Vec<Channel> = protocols.into_iter().filter_map(channel).collect();
        let is_ring = |it: &Channel| it.protocol == Protocol::O2Ring && it.write.is_some();
        let night = channels.iter().any(is_ring);
        let night = night.then(|| Night::new(now, stumbled));
        (!channels.is_empty()).then(|| Self {
            channels,
            control: has(&Uuid::from_u128(sig::RECORD_ACCESS.0)),
            heard: now,
            rejected: Some(0),
            night,
        })
    }

    /// Characteristics to subscribe to. The control point last: it answers what is asked.
    pub(crate) fn subscriptions(&self, peripheral: &Peripheral) -> Vec<Characteristic> {
        let wanted = |it: &Characteristic| {
            let spoken = self
                .channels
                .iter()
                .any(|its| its.listen.contains(&it.uuid));
            spoken || it.uuid == Uuid::from_u128(sig::BATTERY_LEVEL.0)
        };
        let tells = CharPropFlags::NOTIFY | CharPropFlags::INDICATE;
        let all = peripheral.characteristics().into_iter();
        let all = all.filter(|it| wanted(it) && it.properties.intersects(tells));
        all.chain(self.control.clone()).collect()
    }

    /// Whether it measures once, and says nothing until it does.
    pub(crate) fn is_single(&self) -> bool {
        let is_single = |channel: &Channel| {
            matches!(channel.protocol, Protocol::PlxSpot | Protocol::Thermometer)
        };
        self.channels.iter().all(is_single)
    }

    /// How long it may say nothing.
    pub(crate) fn quiet(&self, usual: Duration) -> Duration {
        if self.is_single() {
            usual.saturating_mul(QUIET_OF_SINGLE)
        } else {
            usual
        }
    }

    /// What it means that it has said nothing for that long: values came and none was understood,
    /// or nobody has measured, or the link has died without a word.
    pub(crate) fn silence(&self) -> Why {
        if self.rejected.is_some_and(|it| it >= REJECTED_TOLD) {
            Why::Trouble(Trouble::Unsupported)
        } else if self.is_single() {
            Why::Idle
        } else {
            Why::Silent
        }
    }

    /// The channel that a value belongs to.
    pub(crate) fn channel(&mut self, uuid: Uuid) -> Option<&mut Channel> {
        let mut channels = self.channels.iter_mut();
        channels.find(|channel| channel.listen.contains(&uuid))
    }
}

/// A device that offers a standard service and its maker's own says the same in both.
fn standard_first(protocols: Vec<Protocol>) -> Vec<Protocol> {
    let is_standard = |protocol: &Protocol| {
        let gatt = protocol.gatt();
        gatt.is_some_and(|gatt| veglia_codecs::Uuid::sig(short(gatt.service.0)) == gatt.service)
    };
    if protocols.iter().any(is_standard) {
        protocols.into_iter().filter(is_standard).collect()
    } else {
        protocols
    }
}

/// The bytes of a UUID in which the short numbers stand.
fn short(uuid: u128) -> u16 {
    let [_, _, high, low, ..] = uuid.to_be_bytes();
    u16::from_be_bytes([high, low])
}

impl Channel {
    /// Takes one value, and hands out what it says.
    pub(crate) fn push(&mut self, value: &[u8], now: Instant) -> Vec<Result<Frame, Reject>> {
        let last = self.heard.replace(now);
        if last.is_some_and(|last| now.duration_since(last) > self.quiet) {
            self.decoder.reset();
        }
        let mut frames = Vec::new();
        self.decoder.push(value, &mut frames);
        frames
    }

    /// Thins what came to the last of each second, where the device speaks faster.
    pub(crate) fn thin(&mut self, when: When, frame: Frame, out: &mut Vec<(When, Frame)>) {
        self.seconds.take(when.mono.0, when, frame, out);
    }

    /// A second may have passed in silence.
    pub(crate) fn tick(&mut self, mono_ms: u64, out: &mut Vec<(When, Frame)>) {
        self.seconds.tick(mono_ms, out);
    }

    /// The link is lost.
    pub(crate) fn finish(&mut self, out: &mut Vec<(When, Frame)>) {
        self.seconds.finish(out);
    }

    /// Sends what makes the device speak.
    pub(crate) async fn greet(&mut self, peripheral: &Peripheral) -> Result<(), Trouble> {
        for bytes in self.protocol.greeting() {
            self.send(peripheral, bytes).await?;
        }
        Ok(())
    }

    /// Sends what keeps it speaking, when it is time.
    pub(crate) async fn keep_alive(
        &mut self,
        peripheral: &Peripheral,
        now: Instant,
    ) -> Result<(), Trouble> {
        let Some((keep, last)) = &mut self.keep_alive else {
            return Ok(());
        };
        if now.duration_since(*last) < Duration::from_millis(u64::from(keep.every_ms)) {
            return Ok(());
        }
        *last = now;
        let bytes = keep.bytes;
        self.send(peripheral, bytes).await
    }

    /// Writes bytes where the protocol takes them.
    pub(crate) async fn send(
        &mut self,
        peripheral: &Peripheral,
        bytes: &[u8],
    ) -> Result<(), Trouble> {
        let Some(write) = self.write.as_ref().filter(|_| !bytes.is_empty()) else {
            return Ok(());
        };
        let how = if write.properties.contains(CharPropFlags::WRITE) {
            WriteType::WithResponse
        } else {
            WriteType::WithoutResponse
        };
        for part in bytes.chunks(WRITE_BYTES) {
            call("write", ATTRIBUTE, peripheral.write(write, part, how)).await?;
        }
        Ok(())
    }
}
