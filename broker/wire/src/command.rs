//! What the centre may ask of a box at home, and what the box says became of it.
//!
//! A command names the [`Session`] it is meant for: the connection that the gateway announced in
//! its [`crate::Hello`]. So a command that was held up, recorded or sent again reaches no later
//! connection. Within a session its numbers rise, so that one that comes twice is done once.
//! The answer travels in the gateway's next [`crate::State`].
//!
//! Deliberately absent: who asked (the broker lets only a service with the grant speak here),
//! patients, and anything that could change what the box keeps or throws away.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ack::version;
use crate::cbor::{DecodeError, Reader, Writer};
use crate::ids::{DeviceId, MAX_ID_CHARS, Session};
use crate::vital::VitalKind;

/// The version of commands written here, and the newest read.
pub const VERSION: u64 = 1;

/// Longest pause between two attempts to reach the broker that may be asked for, in seconds: an
/// hour. Beyond it a box could not be called back the same day.
pub const MAX_RECONNECT_SECONDS: u32 = 3_600;

/// Number of a command within its session: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommandId(pub u64);

/// Something asked of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The connection it is meant for; on any other it is ignored.
    pub session: Session,
    /// Its number, above that of every command before it in the session.
    pub id: CommandId,
    /// What is asked.
    pub kind: CommandKind,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandKind {
    /// Say how you are.
    Ping,
    /// Let this device measure this vital sign once, now.
    MeasureAgain {
        /// Which device.
        device: DeviceId,
        /// Which vital sign.
        vital: VitalKind,
    },
    /// Go by these settings until the box is started again; its own file rules then.
    Configure {
        /// Longest pause between two attempts to reach the broker, in seconds: 1 to
        /// [`MAX_RECONNECT_SECONDS`].
        reconnect_seconds: u32,
    },
    /// Tell the person aloud that the centre is about to call.
    WeWillCall,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Done; of [`CommandKind::MeasureAgain`]: the device was told to. Whether somebody then put
    /// a finger in, the readings say.
    Done,
    /// The device cannot be asked, or does not measure that.
    NotSupported,
    /// No such device is connected to this box now.
    NotConnected,
    /// The box has more to do than it takes on; ask again.
    Busy,
    /// A value outside its range.
    OutOfRange,
}

impl Outcome {
    /// Every outcome, in the order of their codes.
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::NotSupported,
        Self::NotConnected,
        Self::Busy,
        Self::OutOfRange,
    ];

    /// The code on the wire, from 1.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 1,
            Self::NotSupported => 2,
            Self::NotConnected => 3,
            Self::Busy => 4,
            Self::OutOfRange => 5,
        }
    }

    /// The outcome of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }
}

const PING: u64 = 1;
const MEASURE_AGAIN: u64 = 2;
const CONFIGURE: u64 = 3;
const WE_WILL_CALL: u64 = 4;

impl Command {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.map(4);
        out.uint(1);
        out.uint(VERSION);
        out.uint(2);
        out.uint(self.session.0);
        out.uint(3);
        out.uint(self.id.0);
        out.uint(4);
        match &self.kind {
            CommandKind::Ping => {
                out.array(1);
                out.uint(PING);
            }
            CommandKind::MeasureAgain { device, vital } => {
                out.array(3);
                out.uint(MEASURE_AGAIN);
                out.text(device.as_str());
                out.uint(u64::from(vital.code()));
            }
            CommandKind::Configure { reconnect_seconds } => {
                out.array(2);
                out.uint(CONFIGURE);
                out.uint(u64::from(*reconnect_seconds));
            }
            CommandKind::WeWillCall => {
                out.array(1);
                out.uint(WE_WILL_CALL);
            }
        }
        out.finish()
    }

    /// Reads what [`Command::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let pairs = input.map_of_any_version("command")?;
        version(&mut input, "the command", VERSION)?;
        input.has("command", pairs, 4)?;
        input.key("session", 2)?;
        let session = Session(input.uint("session")?);
        input.key("id", 3)?;
        let id = CommandId(input.uint("id")?);
        if id.0 == 0 {
            return Err(DecodeError::Range {
                field: "id",
                value: 0,
                allowed: "1 and more",
            });
        }
        input.key("kind", 4)?;
        let kind = kind(&mut input)?;
        input.end("command")?;
        Ok(Self { session, id, kind })
    }
}

fn kind(input: &mut Reader<'_>) -> Result<CommandKind, DecodeError> {
    let parts = input.array("kind", 3, "one to three parts")?;
    let kind = input.uint("kind")?;
    match (kind, parts) {
        (PING, 1) => Ok(CommandKind::Ping),
        (MEASURE_AGAIN, 3) => {
            let device = device(input)?;
            let vital = input.uint("vital")?;
            let known = u8::try_from(vital).ok().and_then(VitalKind::from_code);
            let vital = known.ok_or(DecodeError::Range {
                field: "vital",
                value: i128::from(vital),
                allowed: "1 to 4",
            })?;
            Ok(CommandKind::MeasureAgain { device, vital })
        }
        (CONFIGURE, 2) => {
            let seconds = input.uint_to("seconds", u64::from(u32::MAX), "a 32-bit number")?;
            Ok(CommandKind::Configure {
                reconnect_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            })
        }
        (WE_WILL_CALL, 1) => Ok(CommandKind::WeWillCall),
        (PING | MEASURE_AGAIN | CONFIGURE | WE_WILL_CALL, _) => Err(DecodeError::Type {
            field: "kind",
            expected: "as long as its kind",
        }),
        (unknown, _) => Err(DecodeError::Range {
            field: "kind",
            value: i128::from(unknown),
            allowed: "1 to 4",
        }),
    }
}

pub(crate) fn device(input: &mut Reader<'_>) -> Result<DeviceId, DecodeError> {
    let text = input.text("device", MAX_ID_CHARS)?;
    DeviceId::new(&text).map_err(|source| DecodeError::Id {
        field: "device",
        source,
    })
}
