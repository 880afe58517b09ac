//! The load: homes that have been cut off for a while and send what they have gathered.
//!
//! Each home has a gateway, an oximeter and a patient of its own. A reading is a function of its
//! home and number, so that the generator keeps none, sends the same again when asked, and knows
//! at the end what must be stored. One home in a hundred has a patient whose saturation is low.
//!
//! A home is a [`Source`] of link's sender: window, repetition and belief in acknowledgements are
//! those of every gateway. Deliberately absent: the outbox and its `fdatasync`, which a thousand
//! gateways have on a thousand disks and this machine has not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use hdrhistogram::Histogram;
use tokio::sync::watch;
use veglia_link::outbox::SpoolError;
use veglia_link::sender::{Page, Source};
use veglia_link::{OutboxState, OutboxStatus};
use veglia_wire::{
    Body, Boot, ClockState, DeviceId, Epoch, FrameHeader, GatewayId, MonoMs, Quality, Record,
    Refusal, Sequence, Site, UpFrame, Vital, VitalKind, WallMs, When,
};

/// What an oximeter says each second, in this order.
pub(super) const VITALS: [VitalKind; 2] = [VitalKind::SpO2, VitalKind::Pulse];

/// Between two pairs of readings: what a gateway keeps of a continuous oximeter.
const PAIR_EVERY_MS: u64 = 1_000;

/// One patient in so many has a low saturation, so that the rules have something to find.
const ILL_EVERY: usize = 100;

/// Longest latency told apart, in microseconds: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// One home of the load.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// Its number, from 0.
    pub(super) number: usize,
    /// Its gateway.
    pub(super) gateway: GatewayId,
    /// Its only device.
    pub(super) device: DeviceId,
    /// When its first reading was measured.
    pub(super) from: WallMs,
    /// How many readings it has; even.
    pub(super) readings: u64,
    /// How many of them make a frame.
    pub(super) per_frame: usize,
    /// Of its outbox, if it had one.
    pub(super) epoch: Epoch,
}

impl Home {
    /// The homes of one run. Together they have at least `readings`.
    pub(super) fn all(
        connections: usize,
        readings: u64,
        per_frame: usize,
        now: WallMs,
    ) -> Result<Vec<Self>> {
        let each = readings.div_ceil(u64::try_from(connections)?).div_ceil(2) * 2;
        let lasts_ms = i64::try_from(each / 2 * PAIR_EVERY_MS)?;
        (0..connections)
            .map(|number| {
                Ok(Self {
                    number,
                    gateway: gateway(number)?,
                    device: DeviceId::new(&format!("oximeter-{number:06}"))?,
                    from: now.plus_ms(-lasts_ms),
                    readings: each,
                    per_frame,
                    epoch: Epoch(fastrand::u64(..)),
                })
            })
            .collect()
    }

    /// Whether its patient is one of the few.
    pub(super) fn is_ill(&self) -> bool {
        self.number.is_multiple_of(ILL_EVERY)
    }

    /// When its pair of this number was measured.
    pub(super) fn at(&self, pair: u64) -> WallMs {
        let ms = i64::try_from(pair * PAIR_EVERY_MS).unwrap_or(i64::MAX);
        self.from.plus_ms(ms)
    }

    /// A value of its pair of this number, in steps: a slow wave with some noise on it.
    pub(super) fn steps(&self, vital: VitalKind, pair: u64) -> i32 {
        let ill = self.is_ill();
        let home = u64::try_from(self.number).unwrap_or(0);
        let wave = small((pair / 16 + home) % 24).abs_diff(12);
        let noise = small(mixed(home, pair) % 3);
        let (base, wave) = match vital {
            VitalKind::SpO2 if ill => (840, wave / 4 * 10),
            VitalKind::SpO2 => (950, wave / 4 * 10),
            _ => (680, wave * 10),
        };
        base + i32::try_from(wave).unwrap_or(0) + noise * 10
    }

    /// The reading of this sequence.
    fn record(&self, sequence: u64) -> Option<Record> {
        let index = sequence - 1;
        let pair = index / 2;
        let vital = VITALS[usize::from(index % 2 == 1)];
        let vital = Vital::from_steps(vital, self.steps(vital, pair), Site::Unknown).ok()?;
        Some(Record {
            device: Some(self.device.clone()),
            when: When {
                boot: Boot(1),
                mono: MonoMs(pair * PAIR_EVERY_MS),
                wall: Some(self.at(pair)),
                device: None,
            },
            body: Body::Reading(vital, Quality::empty()),
        })
    }

    /// Records from a sequence on, at most a frame.
    fn frame(&self, from: Sequence, limit: usize) -> Vec<Record> {
        let most = u64::try_from(limit.min(self.per_frame)).unwrap_or(0);
        let until = from.get().saturating_add(most).min(self.readings + 1);
        (from.get()..until)
            .filter_map(|sequence| self.record(sequence))
            .collect()
    }

    /// Bytes of all its frames, each counted once.
    pub(super) fn frame_bytes(&self) -> Result<u64> {
        let mut bytes = 0;
        let mut first = Sequence::FIRST;
        while first.get() <= self.readings {
            let records = self.frame(first, self.per_frame);
            let header = FrameHeader {
                gateway: self.gateway.clone(),
                epoch: self.epoch,
                first,
                count: u8::try_from(records.len())?,
            };
            first = header.last().plus(1);
            let frame = UpFrame {
                header,
                sent_at: Some(self.from),
                clock: ClockState::Synchronised,
                records,
            };
            bytes += u64::try_from(frame.encode()?.len())?;
        }
        Ok(bytes)
    }
}

/// The gateway of the home of a number.
pub(super) fn gateway(number: usize) -> Result<GatewayId> {
    Ok(GatewayId::new(&format!("home-{number:06}"))?)
}

/// Less than what its caller divided by, which is small.
fn small(rest: u64) -> i32 {
    i32::try_from(rest).unwrap_or(0)
}

/// A number that looks like chance and is the same each time (the finaliser of SplitMix64).
fn mixed(home: u64, pair: u64) -> u64 {
    let mut z = (home << 32 ^ pair).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// From handed to the sender to acknowledged, of all homes together.
#[derive(Debug, Clone)]
pub(super) struct Latencies {
    microseconds: Arc<Mutex<Histogram<u64>>>,
}

impl Latencies {
    pub(super) fn new() -> Result<Self> {
        let histogram = Histogram::new_with_max(LONGEST_US, 3)?;
        Ok(Self {
            microseconds: Arc::new(Mutex::new(histogram)),
        })
    }

    fn acknowledged(&self, handed: impl Iterator<Item = Instant>) {
        let now = Instant::now();
        let mut histogram = self.lock();
        for at in handed {
            let waited = now.duration_since(at).as_micros();
            histogram.saturating_record(u64::try_from(waited).unwrap_or(u64::MAX));
        }
    }

    /// In microseconds, at a quantile from 0 to 1.
    pub(super) fn at(&self, quantile: f64) -> u64 {
        self.lock().value_at_quantile(quantile)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Histogram<u64>> {
        self.microseconds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A home while it is being sent.
pub(super) struct Sending {
    home: Home,
    status: watch::Sender<OutboxStatus>,
    /// Last sequence of each frame on its way, and when the sender first took it.
    handed: VecDeque<(Sequence, Instant)>,
    handed_through: u64,
    latencies: Latencies,
}

impl Sending {
    /// It has nothing to send before [`release`].
    pub(super) fn new(home: Home, latencies: Latencies) -> Self {
        let status = watch::Sender::new(OutboxStatus {
            epoch: home.epoch,
            oldest: None,
            newest: None,
            acknowledged: None,
            bytes: 0,
            thinned: 0,
            state: OutboxState::Writing,
        });
        Self {
            home,
            status,
            handed: VecDeque::new(),
            handed_through: 0,
            latencies,
        }
    }

    /// The handle with which it is released and watched.
    pub(super) fn status(&self) -> watch::Sender<OutboxStatus> {
        self.status.clone()
    }
}

/// Lets a home send readings up to the one of this number.
pub(super) fn release(status: &watch::Sender<OutboxStatus>, readings: u64) {
    status.send_modify(|status| {
        status.oldest = Some(Sequence::FIRST);
        status.newest = Sequence::new(readings);
    });
}

impl Source for Sending {
    fn status(&self) -> OutboxStatus {
        *self.status.borrow()
    }

    fn watch(&self) -> watch::Receiver<OutboxStatus> {
        self.status.subscribe()
    }

    async fn page(
        &mut self,
        from: Sequence,
        _newest: Sequence,
        limit: usize,
    ) -> Result<Page, SpoolError> {
        let records = self.home.frame(from, limit);
        let through = from.get() + u64::try_from(records.len()).unwrap_or(0) - 1;
        if through > self.handed_through
            && let Some(last) = Sequence::new(through)
        {
            self.handed.push_back((last, Instant::now()));
            self.handed_through = through;
        }
        Ok(Page {
            first: from,
            records,
        })
    }

    fn acknowledged(&mut self, through: Sequence) {
        let count = self.handed.partition_point(|(last, _)| *last <= through);
        let handed = self.handed.drain(..count).map(|(_, at)| at);
        self.latencies.acknowledged(handed);
        self.status
            .send_modify(|status| status.acknowledged = Some(through));
    }

    /// Nobody looks at them here; they are missing when the stored values are compared.
    async fn keep_refused(&mut self, refusal: Refusal) {
        tracing::error!(?refusal, "ingest could not understand generated readings");
    }
}
