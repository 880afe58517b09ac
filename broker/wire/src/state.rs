//! How a box at home is: said at each connection, on change, when asked, and every minute.
//!
//! A state is of its moment: the next one replaces it, none is kept in the outbox or in ingest's
//! journal, and a lost one is made good by the next. What is measured never travels here.
//!
//! Limits: [`MAX_PORTS`] ports, [`MAX_ANSWERS`] answers, [`MAX_STATE_BYTES`] bytes.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::ack::{MAX_SOFTWARE_CHARS, version};
use crate::body::clock_state;
use crate::cbor::{DecodeError, Reader, Writer};
use crate::command::{CommandId, Outcome};
use crate::ids::{DeviceId, MAX_ID_CHARS, Session};
use crate::time::{Boot, ClockState};

/// The version of states written here, and the newest read.
pub const VERSION: u64 = 1;

/// Ports in a state: twice what a box serves today.
pub const MAX_PORTS: usize = 32;

/// Answers in a state. Each is repeated until this many newer ones have come, so that a state
/// lost on the way costs no answer; nobody has more commands than this on their way to one box.
pub const MAX_ANSWERS: usize = 16;

/// Bytes of a port's name: the longest names under `/dev/serial/by-id` fit.
pub const MAX_PORT_BYTES: usize = 128;

/// Bytes of a state: all ports and answers of the longest kind fit.
pub const MAX_STATE_BYTES: usize = 8 * 1024;

/// How a gateway is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The connection it speaks on: commands must name it.
    pub session: Session,
    /// The gateway's software version.
    pub software: String,
    /// Which start of the gateway.
    pub boot: Boot,
    /// What it knows of the wall time.
    pub clock: ClockState,
    /// Records that wait in its outbox for ingest's acknowledgement.
    pub waiting: u64,
    /// How long the oldest of them has waited, in milliseconds of care time; none when none
    /// waits, or when the box did not know the time.
    pub oldest_ms: Option<u64>,
    /// Records that ingest could not understand since the start; the box keeps a copy.
    pub refused: u64,
    /// The last command taken in this session, whatever became of it.
    pub last_command: Option<CommandId>,
    /// What hangs on its ports, at most [`MAX_PORTS`].
    pub ports: Vec<PortReport>,
    /// What became of the last commands of this session, oldest first, at most [`MAX_ANSWERS`].
    pub answers: Vec<Answered>,
}

/// One port of a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortReport {
    /// Its name on the box, at most [`MAX_PORT_BYTES`] bytes.
    pub name: String,
    /// The device on it; none before it has said who it is.
    pub device: Option<DeviceId>,
    /// Whether it speaks.
    pub state: PortState,
    /// Age of the last frame heard, in milliseconds of care time; none when none was.
    pub last_frame_ms: Option<u64>,
    /// The battery, if the device ever told.
    pub battery: Option<Charge>,
    /// What stands in the way, if the box knows and a person can help.
    pub fault: Option<PortFault>,
}

/// Why a device on a radio link does not speak, as far as the box can tell. Each has an instruction
/// of its own for whoever is at home.
///
/// Boxes and centres are not upgraded on the same day: a code that this program has no word for is
/// kept as it is, and costs nobody the rest of the state. As text a fault is its word, or its code
/// if it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortFault {
    /// The device or the box has lost the key of their bond: pair them again.
    BondLost,
    /// The device is near and lets nobody in: very likely a phone holds it.
    HeldElsewhere,
    /// The box's radio is switched off.
    RadioOff,
    /// The box has no radio: the stick was pulled out, or is broken.
    NoRadio,
    /// The box's program may not use the radio.
    NotAllowed,
    /// The box's radio service does not answer; it is started anew by itself.
    NoService,
    /// The device speaks nothing that the box understands.
    Unsupported,
    /// The box's list of its devices is damaged: they must be paired again.
    ListDamaged,
    /// More devices are to be served than the box can: one is not listened to.
    TooMany,
    /// The device speaks, and its clock is wrong: what it says cannot be dated.
    ClockWrong,
    /// A fault of a newer program, by its code; 0 where only its word came.
    #[serde(untagged, deserialize_with = "newer_fault")]
    Other(u8),
}

impl PortFault {
    /// Every fault that has a word here, by its code on the wire less one.
    pub const ALL: [Self; 10] = [
        Self::BondLost,
        Self::HeldElsewhere,
        Self::RadioOff,
        Self::NoRadio,
        Self::NotAllowed,
        Self::NoService,
        Self::Unsupported,
        Self::ListDamaged,
        Self::TooMany,
        Self::ClockWrong,
    ];

    /// The code on the wire, from 1.
    #[must_use]
    pub fn code(self) -> u8 {
        if let Self::Other(code) = self {
            return code;
        }
        let places = Self::ALL.iter().zip(1..);
        let mut found = places.filter(|(fault, _)| **fault == self);
        found.next().map_or(0, |(_, code)| code)
    }

    /// The fault of a code; none of 0.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        let place = usize::from(code.checked_sub(1)?);
        Some(Self::ALL.get(place).copied().unwrap_or(Self::Other(code)))
    }
}

/// What is none of the words: a code, or a word that a newer program has.
fn newer_fault<'de, D: Deserializer<'de>>(input: D) -> Result<u8, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Newer {
        Code(u8),
        Word(IgnoredAny),
    }
    Ok(match Newer::deserialize(input)? {
        Newer::Code(code) => code,
        Newer::Word(_) => 0,
    })
}

/// Whether a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortState {
    /// The port cannot be opened: unplugged, or not allowed.
    Absent,
    /// It is open, and nothing has been heard for a while.
    Silent,
    /// It is open and speaks.
    Speaking,
}

/// Charge of a device's battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charge {
    /// 0 to 100 %.
    Percent(u8),
    /// Low, said without a number.
    Low,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Which command.
    pub id: CommandId,
    /// What became of it.
    pub outcome: Outcome,
}

/// Stands for [`Charge::Low`]: no charge is below nothing.
const LOW: i64 = -1;

impl State {
    /// The message's bytes. What is above the limits is left out: the last ports, the oldest
    /// answers, the end of a text.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.map(11);
        out.uint(1);
        out.uint(VERSION);
        out.uint(2);
        out.uint(self.session.0);
        out.uint(3);
        out.text(beginning(&self.software, MAX_SOFTWARE_CHARS));
        out.uint(4);
        out.uint(u64::from(self.boot.0));
        out.uint(5);
        out.uint(u64::from(self.clock.code()));
        out.uint(6);
        out.uint(self.waiting);
        out.uint(7);
        out.uint_or_null(self.oldest_ms);
        out.uint(8);
        out.uint(self.refused);
        out.uint(9);
        out.uint(self.last_command.map_or(0, |id| id.0));
        let ports = &self.ports[..self.ports.len().min(MAX_PORTS)];
        out.uint(10);
        out.array(ports.len());
        ports.iter().for_each(|port| port.write(&mut out));
        let answers = &self.answers[self.answers.len().saturating_sub(MAX_ANSWERS)..];
        out.uint(11);
        out.array(answers.len());
        for answer in answers {
            out.array(2);
            out.uint(answer.id.0);
            out.uint(u64::from(answer.outcome.code()));
        }
        out.finish()
    }

    /// Reads what [`State::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_STATE_BYTES {
            return Err(DecodeError::Range {
                field: "state",
                value: i128::try_from(bytes.len()).unwrap_or(i128::MAX),
                allowed: "8192 bytes",
            });
        }
        let mut input = Reader::new(bytes);
        let pairs = input.map_of_any_version("state")?;
        version(&mut input, "the state", VERSION)?;
        input.has("state", pairs, 11)?;
        input.key("session", 2)?;
        let session = Session(input.uint("session")?);
        input.key("software", 3)?;
        let software = input.text("software", MAX_SOFTWARE_CHARS)?;
        input.key("boot", 4)?;
        let boot = input.uint_to("boot", u64::from(u32::MAX), "a 32-bit number")?;
        let boot = Boot(u32::try_from(boot).unwrap_or(u32::MAX));
        input.key("clock", 5)?;
        let clock = clock_state(input.uint("clock")?)?;
        input.key("waiting", 6)?;
        let waiting = input.uint("waiting")?;
        input.key("oldest", 7)?;
        let oldest_ms = input.uint_or_null("oldest")?;
        input.key("refused", 8)?;
        let refused = input.uint("refused")?;
        input.key("last command", 9)?;
        let last_command = input.uint("last command")?;
        let last_command = (last_command > 0).then_some(CommandId(last_command));
        input.key("ports", 10)?;
        let count = input.array("ports", MAX_PORTS, "0 to 32 ports")?;
        let ports: Result<Vec<_>, _> = (0..count).map(|_| PortReport::read(&mut input)).collect();
        let ports = ports?;
        input.key("answers", 11)?;
        let count = input.array("answers", MAX_ANSWERS, "0 to 16 answers")?;
        let answers: Result<Vec<_>, _> = (0..count).map(|_| answer(&mut input)).collect();
        let answers = answers?;
        input.end("state")?;
        Ok(Self {
            session,
            software,
            boot,
            clock,
            waiting,
            oldest_ms,
            refused,
            last_command,
            ports,
            answers,
        })
    }
}

impl PortReport {
    fn write(&self, out: &mut Writer) {
        // Without a fault a port is written as it always was.
        out.array(if self.fault.is_some() { 6 } else { 5 });
        out.text(beginning(&self.name, MAX_PORT_BYTES));
        out.text_or_null(self.device.as_ref().map(DeviceId::as_str));
        out.uint(match self.state {
            PortState::Absent => 0,
            PortState::Silent => 1,
            PortState::Speaking => 2,
        });
        out.uint_or_null(self.last_frame_ms);
        out.int_or_null(self.battery.map(|battery| match battery {
            Charge::Percent(percent) => i64::from(percent),
            Charge::Low => LOW,
        }));
        if let Some(fault) = self.fault {
            out.uint(u64::from(fault.code()));
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let parts = input.array("port", 6, "five or six parts")?;
        input.has("port", parts, if parts == 6 { 6 } else { 5 })?;
        let name = input.text("port", MAX_PORT_BYTES)?;
        let device = input
            .text_or_null("device", MAX_ID_CHARS)?
            .map(|text| DeviceId::new(&text))
            .transpose()
            .map_err(|source| DecodeError::Id {
                field: "device",
                source,
            })?;
        let state = match input.uint("port state")? {
            0 => PortState::Absent,
            1 => PortState::Silent,
            2 => PortState::Speaking,
            other => {
                return Err(DecodeError::Range {
                    field: "port state",
                    value: i128::from(other),
                    allowed: "0 to 2",
                });
            }
        };
        Ok(Self {
            name,
            device,
            state,
            last_frame_ms: input.uint_or_null("last frame")?,
            battery: input.int_or_null("battery")?.map(charge).transpose()?,
            fault: (parts == 6).then(|| fault(input)).transpose()?,
        })
    }
}

fn fault(input: &mut Reader<'_>) -> Result<PortFault, DecodeError> {
    let code = input.uint("fault")?;
    let fault = u8::try_from(code).ok().and_then(PortFault::from_code);
    fault.ok_or(DecodeError::Range {
        field: "fault",
        value: i128::from(code),
        allowed: "1 to 255",
    })
}

fn charge(value: i64) -> Result<Charge, DecodeError> {
    match u8::try_from(value) {
        Ok(percent @ 0..=100) => Ok(Charge::Percent(percent)),
        _ if value == LOW => Ok(Charge::Low),
        _ => Err(DecodeError::Range {
            field: "battery",
            value: i128::from(value),
            allowed: "-1 to 100",
        }),
    }
}

fn answer(input: &mut Reader<'_>) -> Result<Answered, DecodeError> {
    let parts = input.array("answer", 2, "two parts")?;
    input.has("answer", parts, 2)?;
    let id = CommandId(input.uint("id")?);
    let code = input.uint("outcome")?;
    let outcome = u8::try_from(code).ok().and_then(Outcome::from_code);
    let outcome = outcome.ok_or(DecodeError::Range {
        field: "outcome",
        value: i128::from(code),
        allowed: "1 to 5",
    })?;
    Ok(Answered { id, outcome })
}

/// As much of a text as fits, cut between two characters.
fn beginning(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}
