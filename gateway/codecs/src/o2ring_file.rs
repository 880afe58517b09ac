//! What an O2Ring has recorded: a file of samples, one every four seconds (`.vld`, version 3), or
//! every two in the O2 Max (version 5).
//!
//! ```text
//! 0   version · mode · year (2) · month · day · hour · minute · second
//! 9   length of the file (4) · duration in seconds (2) · 2 unexplained
//! 17  average and lowest SpO2 · counts, none of which is read · 40
//! 40  SpO2 · pulse (2) · motion · vibration, again and again        255, 65535 = none
//! ```
//!
//! Two bytes stand low byte first. The file has no checksum and no times but one, so what can be
//! judged is judged as a whole, at its end: nothing is said before [`Decoder::finish`]. The
//! interval is the duration divided by the samples and must come out as a known one; the date
//! must be one; else the whole file is refused, because a value whose time is a guess is none.
//! The first sample is taken to be of the time in the header; no source knows whether it is, or
//! ends four seconds later.
//!
//! **Every sample twice.** Some rings write a version 3 file with each sample twice in a row: it is
//! twice as long as its header says, or its interval comes out as two seconds. Copies are one
//! sample, and two that differ are none. No true two-second file of version 3 was ever seen.
//! A file that may be the first part of such a one, because all its pairs are equal, is read as
//! that, and its readings are marked as of no certain time; so are those of half a version 5 file,
//! which may as well be a whole one whose stated length is damaged.
//!
//! **Below 61 % the ring stores 255**, as it does without a finger. So an absence in a file says
//! neither that nobody wore the ring nor that the saturation was bearable, and is never a reading.
//!
//! Sources: OSCAR's viatom loader (interval, doubled samples, checks on the header, 255 below
//! 61 %), the maker's own viatom-develop/LepuBle and home-health-hub/viatom-o2ring-ble (places).
//! Certain: places, interval. Where sources differ: one takes the high byte of the pulse for a mark
//! of invalidity; it is 0 or 255 in every file, in which both say the same, and with anything else
//! there is no pulse. Version 5 rests on one file. The O2Ring-S writes other files.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_firmware_core::Field;
use veglia_wire::{Contact, Quality, Sensor};

use crate::noise::Noise;
use crate::observe::{Observation, dated, measured, pulse, spo2};
use crate::protocol::{Facts, Framing};
use crate::reject::{FileFault, MAX_REJECT_BYTES, Reject, RejectReason};
use crate::time::{DateTime, DeviceTime};
use crate::{Decoder, Frame as AnyFrame};

/// Of a file there is no line, no radio and no silence.
pub(crate) const FACTS: Facts = Facts {
    quiet_ms: u32::MAX,
    samples,
    ..Facts::new::<Stream>("o2ring-file", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let start = DateTime::at(DeviceTime(BEGUN_S)).unwrap_or_default();
    let sample = |(spo2, place): (u8, i64)| {
        Frame::Sample(Sample {
            time: DeviceTime(BEGUN_S + 4 * place),
            is_time_certain: true,
            spo2,
            pulse: 72,
            motion: 4,
            vibration: 0,
            is_doubled: false,
        })
    };
    let values = [97, 96, 95, 96].into_iter().zip(0..);
    let header = Frame::Header(Header::new(3, &start, 4, 16));
    let parts = core::iter::once(header).chain(values.map(sample));
    parts.map(AnyFrame::O2RingFile).collect()
}

/// 20 October 2020, 08:00.
const BEGUN_S: i64 = 1_603_180_800;

/// Bytes in the header.
pub const HEADER_LEN: usize = 40;

/// Bytes in a sample.
pub const SAMPLE_LEN: usize = 5;

/// Bytes in the longest file: two bytes count its seconds, and the shortest interval is two.
pub const MAX_FILE_BYTES: usize = HEADER_LEN + SAMPLE_LEN * (65_535 / 2);

/// Years that a ring's clock can show.
const YEARS: core::ops::RangeInclusive<u16> = 2015..=2059;
const NO_SPO2: u8 = 255;

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The header.
    Header(Header),
    /// A sample.
    Sample(Sample),
}

/// The header of a file, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header(pub [u8; HEADER_LEN]);

/// A sample, and when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, by the ring's clock.
    pub time: DeviceTime,
    /// The file may be another than it seems, and then the time is wrong.
    pub is_time_certain: bool,
    /// Oxygen saturation in percent; 255 = none, or below 61.
    pub spo2: u8,
    /// Pulse in beats per minute; 65535 = none.
    pub pulse: u16,
    /// How much the hand moved.
    pub motion: u8,
    /// Whether the ring shook to wake its wearer, or for another reason.
    pub vibration: u8,
    /// Written twice.
    pub is_doubled: bool,
}

/// The bytes of a part, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match frame {
        Frame::Header(header) => header.0.to_vec(),
        Frame::Sample(sample) => {
            let [low, high] = sample.pulse.to_le_bytes();
            let bytes = [sample.spo2, low, high, sample.motion, sample.vibration];
            bytes.repeat(if sample.is_doubled { 2 } else { 1 })
        }
    }
}

impl Header {
    /// A header of `version` 3 or 5 for so many samples, for simulated devices.
    #[must_use]
    pub fn new(version: u8, start: &DateTime, samples: u16, duration_s: u16) -> Self {
        let mut bytes = [0; HEADER_LEN];
        let [year_low, year_high] = start.year.to_le_bytes();
        let date = [version, 0, year_low, year_high, start.month, start.day];
        let clock = [start.hour, start.minute, start.second];
        let len = 40 + 5 * u32::from(samples);
        let parts = [
            date.as_slice(),
            &clock,
            &len.to_le_bytes(),
            &duration_s.to_le_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        Self(bytes)
    }

    /// Version of the format.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.0[0]
    }

    /// When the recording was begun, by the ring's clock.
    #[must_use]
    pub const fn start(&self) -> DateTime {
        let [
            _,
            _,
            year_low,
            year_high,
            month,
            day,
            hour,
            minute,
            second,
            ..,
        ] = self.0;
        DateTime {
            year: u16::from_le_bytes([year_low, year_high]),
            month,
            day,
            hour,
            minute,
            second,
        }
    }

    /// Samples that the header speaks of, if its length is one of whole samples.
    #[must_use]
    pub fn samples(&self) -> Option<usize> {
        let [_, _, _, _, _, _, _, _, _, a, b, c, d, ..] = self.0;
        let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
        let len = len.checked_sub(HEADER_LEN)?;
        (len % SAMPLE_LEN == 0).then_some(len / SAMPLE_LEN)
    }

    /// How long was recorded, in seconds.
    #[must_use]
    pub const fn duration_s(&self) -> u16 {
        u16::from_le_bytes([self.0[13], self.0[14]])
    }

    /// The time of the first sample; none when the header holds no date that a ring can show.
    fn first(&self) -> Option<DeviceTime> {
        let start = Some(self.start()).filter(|start| YEARS.contains(&start.year));
        start.and_then(DateTime::seconds)
    }
}

/// How the samples of a file follow each other.
#[derive(Clone, Copy, Debug)]
struct Rhythm {
    step_s: i64,
    is_doubled: bool,
    is_certain: bool,
    /// Samples in the file, copies counted, to the end that the header states.
    written: usize,
}

impl Rhythm {
    const fn single(step_s: i64, written: usize) -> Self {
        Self {
            step_s,
            is_doubled: false,
            is_certain: true,
            written,
        }
    }

    const fn doubled(written: usize, is_certain: bool) -> Self {
        Self {
            step_s: 4,
            is_doubled: true,
            is_certain,
            written,
        }
    }

    /// What follows from the header and what was found; none when they do not fit together.
    fn of(header: &Header, samples: &[u8]) -> Option<Self> {
        let found = samples.len() / SAMPLE_LEN;
        let by_header = header.samples().and_then(|stated| {
            let interval = interval(header.duration_s(), stated)?;
            Some((stated, interval))
        });
        // A damaged length still leaves the number of samples that are there.
        let by_file = || Some((found, interval(header.duration_s(), found)?));
        let (stated, step_s) = by_header.or_else(by_file)?;
        let differing = differing_pairs(samples);
        match (header.version(), step_s) {
            (3, 4) if found >= 2 * stated => Some(Self::doubled(2 * stated, true)),
            (3, 4) if found > stated && differing == 0 => Some(Self::doubled(2 * stated, false)),
            (3, 4) if (2..=stated).contains(&found) && differing == 0 => {
                Some(Self::doubled(2 * stated, false))
            }
            (3, 4) => Some(Self::single(4, stated)),
            (3, _) if differing > 1 => None,
            (3, _) => Some(Self::doubled(stated, found >= stated)),
            _ if found > stated => None,
            (_, 2) if found >= 2 && differing == 0 => Some(Self::doubled(stated, false)),
            // Half of a two-second file, or a whole one of four seconds whose length is damaged.
            (_, 2) if 2 * found == stated => Some(Self {
                is_certain: false,
                ..Self::single(2, stated)
            }),
            _ => Some(Self::single(step_s, stated)),
        }
    }
}

/// Seconds from sample to sample, if they are some that a ring has.
fn interval(duration_s: u16, samples: usize) -> Option<i64> {
    let (duration, samples) = (i64::from(duration_s), i64::try_from(samples).ok()?);
    let is_whole = samples > 0 && duration % samples == 0;
    is_whole
        .then(|| duration / samples)
        .filter(|it| matches!(it, 2 | 4))
}

/// Of the samples two by two, how many pairs are no copies.
fn differing_pairs(samples: &[u8]) -> usize {
    let pairs = samples.chunks_exact(2 * SAMPLE_LEN);
    pairs
        .filter(|pair| pair[..SAMPLE_LEN] != pair[SAMPLE_LEN..])
        .count()
}

/// One file. It is held whole, up to the longest there can be; what comes behind that is noise.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    file: Vec<u8>,
    /// Bytes taken since the start.
    offset: u64,
    beyond: Noise,
}

impl Decoder for Stream {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Result<AnyFrame, Reject>>) {
        for &byte in bytes {
            if self.file.len() < MAX_FILE_BYTES {
                self.file.push(byte);
            } else {
                self.beyond.push(byte, self.offset, out);
            }
            self.offset += 1;
        }
    }

    fn finish(&mut self, out: &mut Vec<Result<AnyFrame, Reject>>) {
        let mut stream = core::mem::take(self);
        if !stream.file.is_empty() {
            read(&stream.file, out);
        }
        stream.beyond.flush(out);
    }
}

fn read(file: &[u8], out: &mut Vec<Result<AnyFrame, Reject>>) {
    let (header, first, rhythm) = match judge(file) {
        Ok(judged) => judged,
        Err(reason) => return refuse(reason, file, 0, out),
    };
    out.push(Ok(AnyFrame::O2RingFile(Frame::Header(header))));
    let samples = &file[HEADER_LEN..];
    let (samples, behind) = samples.split_at(samples.len().min(rhythm.written * SAMPLE_LEN));
    let len = if rhythm.is_doubled {
        2 * SAMPLE_LEN
    } else {
        SAMPLE_LEN
    };
    for (piece, place) in samples.chunks(len).zip(0..) {
        let offset = HEADER_LEN + len * place;
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let time = DeviceTime(first.0 + rhythm.step_s * place);
        sample(piece, time, &rhythm, offset, out);
    }
    let fault = RejectReason::File(FileFault::BehindTheEnd);
    refuse(fault, behind, HEADER_LEN + samples.len(), out);
}

/// What the header says, if the file can be read by it.
fn judge(file: &[u8]) -> Result<(Header, DeviceTime, Rhythm), RejectReason> {
    let header = file.first_chunk().copied().map(Header);
    let header = header.ok_or(RejectReason::File(FileFault::Torn))?;
    let version = header.version();
    if !matches!(version, 3 | 5) {
        return Err(RejectReason::UnknownVersion { version });
    }
    let first = header
        .first()
        .ok_or(RejectReason::File(FileFault::NoDate))?;
    let rhythm = Rhythm::of(&header, &file[HEADER_LEN..]);
    let rhythm = rhythm.ok_or(RejectReason::File(FileFault::NoInterval))?;
    Ok((header, first, rhythm))
}

/// Reads a sample, or two copies of one. At the end of a torn file there may be less.
fn sample(
    piece: &[u8],
    time: DeviceTime,
    rhythm: &Rhythm,
    offset: usize,
    out: &mut Vec<Result<AnyFrame, Reject>>,
) {
    let Some((&[spo2, low, high, motion, vibration], copy)) = piece.split_first_chunk() else {
        return refuse(RejectReason::File(FileFault::Torn), piece, offset, out);
    };
    let is_doubled = copy.len() == SAMPLE_LEN;
    if is_doubled && piece[..SAMPLE_LEN] != *copy {
        return refuse(
            RejectReason::File(FileFault::CopiesDiffer),
            piece,
            offset,
            out,
        );
    }
    if spo2 > 100 && spo2 != NO_SPO2 {
        let field = Field::Spo2;
        return refuse(RejectReason::OutOfRange { field }, piece, offset, out);
    }
    out.push(Ok(AnyFrame::O2RingFile(Frame::Sample(Sample {
        time,
        is_time_certain: rhythm.is_certain,
        spo2,
        pulse: u16::from_le_bytes([low, high]),
        motion,
        vibration,
        is_doubled,
    }))));
    if !is_doubled && !copy.is_empty() {
        let torn = RejectReason::File(FileFault::Torn);
        refuse(torn, copy, offset + SAMPLE_LEN, out);
    }
}

/// One reject, whatever its length: a file refused as a whole is refused once, with its beginning.
fn refuse(
    reason: RejectReason,
    bytes: &[u8],
    offset: usize,
    out: &mut Vec<Result<AnyFrame, Reject>>,
) {
    if bytes.is_empty() {
        return;
    }
    out.push(Err(Reject {
        reason,
        bytes: bytes.iter().copied().take(MAX_REJECT_BYTES).collect(),
        offset: u64::try_from(offset).unwrap_or(u64::MAX),
    }));
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let Self::Sample(sample) = self else {
            return Vec::new();
        };
        let mut quality = Quality::FROM_STORAGE;
        if !sample.is_time_certain {
            quality |= Quality::TIME_UNCERTAIN;
        }
        // With anything in its upper byte, one source calls the pulse invalid.
        let rate = Some(sample.pulse).filter(|rate| *rate <= 255);
        let vitals = [
            spo2(u16::from(sample.spo2) * 10),
            rate.and_then(|rate| pulse(rate * 10)),
        ];
        let said = measured(Sensor::Oximeter, Contact::On, vitals, quality);
        dated(DateTime::at(sample.time), said)
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Header(header) => {
                map.serialize_entry("kind", "header")?;
                map.serialize_entry("version", &header.version())?;
                map.serialize_entry("device_seconds", &header.first().map(|time| time.0))?;
                map.serialize_entry("duration_s", &header.duration_s())?;
                map.serialize_entry("samples", &header.samples())
            }
            Self::Sample(sample) => {
                let spo2 = Some(sample.spo2).filter(|it| !matches!(*it, 0 | NO_SPO2));
                let pulse = Some(sample.pulse).filter(|it| *it != u16::MAX);
                map.serialize_entry("kind", "sample")?;
                map.serialize_entry("device_seconds", &sample.time.0)?;
                map.serialize_entry("time_is_certain", &sample.is_time_certain)?;
                map.serialize_entry("spo2_percent", &spo2)?;
                map.serialize_entry("pulse_per_minute", &pulse)?;
                map.serialize_entry("motion", &sample.motion)?;
                map.serialize_entry("vibration", &sample.vibration)
            }
        }
    }
}
