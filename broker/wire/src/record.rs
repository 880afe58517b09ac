//! One thing that happened at home: the unit of the outbox, numbered there, never altered after.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::cbor::{DecodeError, Reader, Writer};
use crate::ids::{DeviceId, MAX_ID_CHARS};
use crate::quality::Quality;
use crate::time::{Boot, DeviceStamp, MonoMs, WallMs, When};
use crate::vital::{Site, Vital, VitalKind};

/// What a person answered, and to which question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub code: AnswerCode,
    /// The answer: 1 yes, 0 no; for [`AnswerCode::Consciousness`] 0 alert, 1 voice, 2 pain,
    /// 3 unresponsive, 4 new confusion; for an oxygen saturation tenths of a percent.
    pub value: i32,
}

/// Questions that can be answered without an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum AnswerCode {
    /// Breathless at rest.
    BreathlessAtRest = 1,
    /// Unable to finish a sentence.
    CannotFinishSentence = 2,
    /// Chest pain.
    ChestPain = 3,
    /// Confusion.
    Confusion = 4,
    /// Blue lips.
    BlueLips = 5,
    /// Fainting.
    Fainting = 6,
    /// Coughing blood.
    CoughingBlood = 7,
    /// On supplementary oxygen.
    OnOxygen = 8,
    /// Level of consciousness (AVPU and new confusion).
    Consciousness = 9,
    /// Has taken something against fever.
    AntipyreticTaken = 10,
    /// The lowest oxygen saturation while walking for up to six minutes.
    #[serde(rename = "walking-lowest-spo2")]
    WalkingLowestSpO2 = 11,
    /// The lowest oxygen saturation while standing up and sitting down for a minute.
    #[serde(rename = "sit-to-stand-lowest-spo2")]
    SitToStandLowestSpO2 = 12,
    /// The oxygen saturation at rest just before such a test.
    #[serde(rename = "exertion-resting-spo2")]
    ExertionRestingSpO2 = 13,
    /// The patient's usual oxygen saturation at rest, recorded by a clinician.
    #[serde(rename = "baseline-spo2")]
    BaselineSpO2 = 14,
}

/// Which sensor of a device a contact is about. A finger out of the clip says nothing of the
/// probe in the armpit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Sensor {
    /// The pulse oximeter.
    Oximeter = 1,
    /// The thermometer.
    Thermometer = 2,
}

/// What the sensor said of its hold on the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Contact {
    /// On the body and measuring.
    On = 1,
    /// Off the body: no finger.
    Off = 2,
    /// On the body, searching for a pulse.
    Searching = 3,
    /// Measuring was tried and no value came.
    Unmeasurable = 4,
}

/// Something that happened to a device, or to the gateway itself when the record names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceEvent {
    /// The device was opened, or the gateway started.
    Up,
    /// The device was unplugged or fell silent.
    Down,
    /// Charge left, 0 to 100 %.
    BatteryPercent(u8),
    /// The device calls its battery low without a number.
    BatteryLow,
    /// Bytes that were no frame, counted since the last such event.
    Rejected(u32),
}

/// Why records are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum GapReason {
    /// The outbox's disk was full.
    DiskFull = 1,
    /// The outbox found its own bytes damaged.
    Damaged = 2,
    /// The outbox reached its limit: older continuous readings were thinned out to make room, or
    /// nothing more could be taken.
    Limit = 3,
}

/// A hole that the gateway knows of. It stands where the missing records would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// How many records were given up: 1 when this record takes the place of a damaged one, 0 when
    /// it takes the place of one that a later gap counts.
    pub lost: u32,
    /// How long it lasted, in milliseconds before the record's own time, when known.
    pub lasted_ms: Option<i64>,
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// A measured vital sign.
    Reading(Vital, Quality),
    /// A person's answer.
    Answer(Answer),
    /// The sensor's contact or ability to measure changed.
    Contact(Sensor, Contact),
    /// Something happened to a device or gateway.
    Event(DeviceEvent),
    /// The wall time became known, or stepped: this record's [`When`] maps its whole boot.
    Clock,
    /// Records are missing.
    Gap(Gap),
    /// The gateway is alive; how many records wait in its outbox.
    Heartbeat(u32),
}

/// One thing that happened, where, and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// The device, or none when it is about the gateway itself.
    pub device: Option<DeviceId>,
    /// When, by every clock that was there.
    pub when: When,
    /// What.
    pub body: Body,
}

/// A body as the numbers of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) kind: u8,
    pub(crate) value: i64,
    pub(crate) detail: i64,
    pub(crate) quality: u16,
    pub(crate) stamp: Option<i64>,
}

const ANSWER: u8 = 32;
const CONTACT: u8 = 33;
const EVENT: u8 = 34;
const CLOCK: u8 = 35;
const GAP: u8 = 36;
const HEARTBEAT: u8 = 37;

const ANSWERS: [AnswerCode; 14] = [
    AnswerCode::BreathlessAtRest,
    AnswerCode::CannotFinishSentence,
    AnswerCode::ChestPain,
    AnswerCode::Confusion,
    AnswerCode::BlueLips,
    AnswerCode::Fainting,
    AnswerCode::CoughingBlood,
    AnswerCode::OnOxygen,
    AnswerCode::Consciousness,
    AnswerCode::AntipyreticTaken,
    AnswerCode::WalkingLowestSpO2,
    AnswerCode::SitToStandLowestSpO2,
    AnswerCode::ExertionRestingSpO2,
    AnswerCode::BaselineSpO2,
];
const SENSORS: [Sensor; 2] = [Sensor::Oximeter, Sensor::Thermometer];
const CONTACTS: [Contact; 4] = [
    Contact::On,
    Contact::Off,
    Contact::Searching,
    Contact::Unmeasurable,
];
const GAPS: [GapReason; 3] = [GapReason::DiskFull, GapReason::Damaged, GapReason::Limit];

/// The code of a member of one of the tables above: its place, from 1.
fn code_in<T: PartialEq>(table: &[T], member: &T) -> i64 {
    table
        .iter()
        .zip(1..)
        .find(|(item, _)| *item == member)
        .map_or(0, |(_, code)| code)
}

fn member_of<T: Copy>(table: &[T], code: i64, field: &'static str) -> Result<T, DecodeError> {
    usize::try_from(code.saturating_sub(1))
        .ok()
        .and_then(|place| table.get(place).copied())
        .ok_or(DecodeError::Range {
            field,
            value: i128::from(code),
            allowed: "the known codes",
        })
}

fn narrow<T: TryFrom<i64>>(value: i64, field: &'static str) -> Result<T, DecodeError> {
    T::try_from(value).map_err(|_| DecodeError::Range {
        field,
        value: i128::from(value),
        allowed: "the range of its kind",
    })
}

impl Body {
    pub(crate) fn cells(self, device: Option<DeviceStamp>) -> Cells {
        let stamp = device.map(|stamp| stamp.0);
        let cells = |kind, value, detail| Cells {
            kind,
            value,
            detail,
            quality: 0,
            stamp,
        };
        match self {
            Self::Reading(vital, quality) => Cells {
                kind: vital.kind().code(),
                value: i64::from(vital.steps()),
                detail: i64::from(vital.site().code()),
                quality: quality.bits(),
                stamp,
            },
            Self::Answer(answer) => cells(
                ANSWER,
                i64::from(answer.value),
                code_in(&ANSWERS, &answer.code),
            ),
            Self::Contact(sensor, contact) => cells(
                CONTACT,
                code_in(&SENSORS, &sensor),
                code_in(&CONTACTS, &contact),
            ),
            Self::Event(event) => {
                let (code, value) = match event {
                    DeviceEvent::Up => (1, 0),
                    DeviceEvent::Down => (2, 0),
                    DeviceEvent::BatteryPercent(percent) => (3, i64::from(percent)),
                    DeviceEvent::BatteryLow => (4, 0),
                    DeviceEvent::Rejected(count) => (5, i64::from(count)),
                };
                cells(EVENT, value, code)
            }
            Self::Clock => cells(CLOCK, 0, 0),
            Self::Gap(gap) => Cells {
                stamp: gap.lasted_ms,
                ..cells(GAP, i64::from(gap.lost), code_in(&GAPS, &gap.reason))
            },
            Self::Heartbeat(waiting) => cells(HEARTBEAT, i64::from(waiting), 0),
        }
    }

    pub(crate) fn from_cells(cells: Cells) -> Result<Self, DecodeError> {
        let Cells {
            kind,
            value,
            detail,
            quality,
            stamp,
        } = cells;
        if let Some(kind) = VitalKind::from_code(kind) {
            let site = narrow(detail, "site")
                .map(Site::from_code)?
                .ok_or(DecodeError::Range {
                    field: "site",
                    value: i128::from(detail),
                    allowed: "the known sites",
                })?;
            let vital =
                Vital::from_steps(kind, narrow(value, "value")?, site).map_err(|source| {
                    DecodeError::Vital {
                        field: "value",
                        source,
                    }
                })?;
            return Ok(Self::Reading(vital, Quality::from_bits_retain(quality)));
        }
        Ok(match kind {
            ANSWER => Self::Answer(Answer {
                code: member_of(&ANSWERS, detail, "answer")?,
                value: narrow(value, "answer value")?,
            }),
            CONTACT => Self::Contact(
                member_of(&SENSORS, value, "sensor")?,
                member_of(&CONTACTS, detail, "contact")?,
            ),
            EVENT => Self::Event(event(detail, value)?),
            CLOCK => Self::Clock,
            GAP => Self::Gap(Gap {
                reason: member_of(&GAPS, detail, "gap reason")?,
                lost: narrow(value, "records lost")?,
                lasted_ms: stamp,
            }),
            HEARTBEAT => Self::Heartbeat(narrow(value, "records waiting")?),
            unknown => {
                return Err(DecodeError::Range {
                    field: "kind",
                    value: i128::from(unknown),
                    allowed: "the known kinds",
                });
            }
        })
    }

    /// A gap's span travels in the stamp's column, so a gap has no device stamp.
    pub(crate) fn stamp_is_devices(self) -> bool {
        !matches!(self, Self::Gap(_))
    }
}

fn event(code: i64, value: i64) -> Result<DeviceEvent, DecodeError> {
    Ok(match code {
        1 => DeviceEvent::Up,
        2 => DeviceEvent::Down,
        3 => DeviceEvent::BatteryPercent(narrow(value, "battery")?),
        4 => DeviceEvent::BatteryLow,
        5 => DeviceEvent::Rejected(narrow(value, "rejected")?),
        other => {
            return Err(DecodeError::Range {
                field: "event",
                value: i128::from(other),
                allowed: "1 to 5",
            });
        }
    })
}

/// Fields of a record in storage: kind, device, boot, mono, wall, value, detail, quality, stamp.
const RECORD_FIELDS: usize = 9;

impl Record {
    /// The record as the outbox stores it (`record` in `wire.cddl`).
    pub fn encode(&self) -> Vec<u8> {
        let cells = self.body.cells(self.when.device);
        let mut out = Writer::new();
        out.array(RECORD_FIELDS);
        out.uint(u64::from(cells.kind));
        out.text_or_null(self.device.as_ref().map(DeviceId::as_str));
        out.uint(u64::from(self.when.boot.0));
        out.uint(self.when.mono.0);
        out.int_or_null(self.when.wall.map(|wall| wall.0));
        out.int(cells.value);
        out.int(cells.detail);
        out.uint(u64::from(cells.quality));
        out.int_or_null(cells.stamp);
        out.finish()
    }

    /// Reads what [`Record::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let fields = input.array("record", RECORD_FIELDS, "nine fields")?;
        if fields != RECORD_FIELDS {
            return Err(DecodeError::Type {
                field: "record",
                expected: "an array of nine fields",
            });
        }
        let kind = narrow(input.int("kind")?, "kind")?;
        let device = input
            .text_or_null("device", MAX_ID_CHARS)?
            .map(|text| DeviceId::new(&text))
            .transpose()
            .map_err(|source| DecodeError::Id {
                field: "device",
                source,
            })?;
        let boot = Boot(narrow(input.int("boot")?, "boot")?);
        let mono = MonoMs(input.uint("mono")?);
        let wall = input.int_or_null("wall")?.map(WallMs);
        let value = input.int("value")?;
        let detail = input.int("detail")?;
        let quality = narrow(input.int("quality")?, "quality")?;
        let stamp = input.int_or_null("stamp")?;
        input.end("record")?;
        let body = Body::from_cells(Cells {
            kind,
            value,
            detail,
            quality,
            stamp,
        })?;
        let stamp = stamp.filter(|_| body.stamp_is_devices()).map(DeviceStamp);
        Ok(Self {
            device,
            when: When {
                boot,
                mono,
                wall,
                device: stamp,
            },
            body,
        })
    }
}
