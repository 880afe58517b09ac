//! What comes back: ingest's acknowledgement, and the greeting that asks for it.
//!
//! A greeting of version 1 names no session: such a gateway takes no commands.
//!
//! An [`Ack`] says "everything up to here is on my disk"; the gateway then deletes it. Nothing
//! else, no PUBACK and no hand-over to a queue, means that.

use alloc::string::String;
use alloc::vec::Vec;

use crate::body::clock_state;
use crate::cbor::{DecodeError, Reader, Writer};
use crate::ids::{Epoch, Sequence, Session};
use crate::time::{Boot, ClockState, WallMs};

/// The version of acknowledgements written here, and the newest read.
pub const VERSION: u64 = 1;

/// The newest version of a greeting read here, written by whoever takes commands; version 1 is
/// written by whoever takes none.
pub const HELLO_VERSION: u64 = 2;

/// Longest software version text of a [`Hello`]: a semantic version and a short revision.
pub const MAX_SOFTWARE_CHARS: usize = 64;

/// What ingest has of one outbox life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The outbox life.
    pub epoch: Epoch,
    /// Everything up to and including this is on ingest's disk; none when nothing is.
    pub through: Option<Sequence>,
    /// Ingest's care time.
    pub at: WallMs,
    /// How many unacknowledged frames ingest wishes to see at most.
    pub window: u32,
    /// A frame came that begins after a hole: ingest waits for this sequence.
    pub expected: Option<Sequence>,
    /// Sequences that arrived intact and cannot be understood. They are in quarantine, counted as
    /// received, and the gateway keeps its copy for a person to look at.
    pub refused: Option<Refusal>,
}

/// Sequences that ingest could not understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// First of them.
    pub from: Sequence,
    /// Last of them.
    pub to: Sequence,
    /// Why.
    pub reason: RefusalReason,
}

/// Why ingest could not understand records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RefusalReason {
    /// Made by a newer version of the format.
    NewerVersion = 1,
    /// Undamaged, but not what the format allows.
    Undecodable = 2,
}

/// Said on every connection, before any frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The outbox life.
    pub epoch: Epoch,
    /// The oldest sequence still in the outbox, if any waits.
    pub oldest: Option<Sequence>,
    /// The newest sequence ever given, if any was.
    pub newest: Option<Sequence>,
    /// The gateway's software version.
    pub software: String,
    /// What the gateway knows of the wall time.
    pub clock: ClockState,
    /// Which start of the gateway.
    pub boot: Boot,
    /// This connection, for commands to name; none when the gateway takes none.
    pub session: Option<Session>,
}

/// Reads an optional sequence written as 0 or its number.
fn sequence(input: &mut Reader<'_>, field: &'static str) -> Result<Option<Sequence>, DecodeError> {
    input.uint(field).map(Sequence::new)
}

fn number(sequence: Option<Sequence>) -> u64 {
    sequence.map_or(0, Sequence::get)
}

/// Reads the version, which stands first in every message; the newest known is `known`.
pub(crate) fn version(
    input: &mut Reader<'_>,
    field: &'static str,
    known: u64,
) -> Result<u64, DecodeError> {
    input.key("version", 1)?;
    let found = input.uint("version")?;
    if found > known {
        return Err(DecodeError::NewerVersion {
            field,
            found,
            known,
        });
    }
    Ok(found)
}

impl Ack {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.map(6 + usize::from(self.refused.is_some()));
        out.uint(1);
        out.uint(VERSION);
        out.uint(2);
        out.uint(self.epoch.0);
        out.uint(3);
        out.uint(number(self.through));
        out.uint(4);
        out.int(self.at.0);
        out.uint(5);
        out.uint(u64::from(self.window));
        out.uint(6);
        out.uint(number(self.expected));
        if let Some(refused) = self.refused {
            out.uint(7);
            out.array(3);
            out.uint(refused.from.get());
            out.uint(refused.to.get());
            out.uint(match refused.reason {
                RefusalReason::NewerVersion => 1,
                RefusalReason::Undecodable => 2,
            });
        }
        out.finish()
    }

    /// Reads what [`Ack::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let pairs = input.map_of_any_version("ack")?;
        version(&mut input, "the acknowledgement", VERSION)?;
        input.key("epoch", 2)?;
        let epoch = Epoch(input.uint("epoch")?);
        input.key("through", 3)?;
        let through = sequence(&mut input, "through")?;
        input.key("at", 4)?;
        let at = WallMs(input.int("at")?);
        input.key("window", 5)?;
        let window = input.uint_to("window", u64::from(u32::MAX), "a 32-bit number")?;
        let window = u32::try_from(window).unwrap_or(u32::MAX);
        input.key("expected", 6)?;
        let expected = sequence(&mut input, "expected")?;
        let refused = if pairs == 6 {
            None
        } else {
            input.has("ack", pairs, 7)?;
            Some(refusal(&mut input)?)
        };
        input.end("ack")?;
        Ok(Self {
            epoch,
            through,
            at,
            window,
            expected,
            refused,
        })
    }
}

fn refusal(input: &mut Reader<'_>) -> Result<Refusal, DecodeError> {
    input.key("refused", 7)?;
    let parts = input.array("refused", 3, "three parts")?;
    let missing = DecodeError::Type {
        field: "refused",
        expected: "from, to and reason",
    };
    if parts != 3 {
        return Err(missing);
    }
    let from = sequence(input, "refused from")?.ok_or_else(|| missing.clone())?;
    let to = sequence(input, "refused to")?.ok_or(missing)?;
    let reason = match input.uint("refused reason")? {
        1 => RefusalReason::NewerVersion,
        2 => RefusalReason::Undecodable,
        other => {
            return Err(DecodeError::Range {
                field: "refused reason",
                value: i128::from(other),
                allowed: "1 to 2",
            });
        }
    };
    Ok(Refusal { from, to, reason })
}

impl Hello {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.map(7 + usize::from(self.session.is_some()));
        out.uint(1);
        out.uint(if self.session.is_some() {
            HELLO_VERSION
        } else {
            1
        });
        out.uint(2);
        out.uint(self.epoch.0);
        out.uint(3);
        out.uint(number(self.oldest));
        out.uint(4);
        out.uint(number(self.newest));
        out.uint(5);
        out.text(&self.software);
        out.uint(6);
        out.uint(u64::from(self.clock.code()));
        out.uint(7);
        out.uint(u64::from(self.boot.0));
        if let Some(session) = self.session {
            out.uint(8);
            out.uint(session.0);
        }
        out.finish()
    }

    /// Reads what [`Hello::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let pairs = input.map_of_any_version("hello")?;
        let version = version(&mut input, "the greeting", HELLO_VERSION)?;
        let has_session = version >= 2;
        input.has("hello", pairs, 7 + usize::from(has_session))?;
        input.key("epoch", 2)?;
        let epoch = Epoch(input.uint("epoch")?);
        input.key("oldest", 3)?;
        let oldest = sequence(&mut input, "oldest")?;
        input.key("newest", 4)?;
        let newest = sequence(&mut input, "newest")?;
        input.key("software", 5)?;
        let software = input.text("software", MAX_SOFTWARE_CHARS)?;
        input.key("clock", 6)?;
        let clock = clock_state(input.uint("clock")?)?;
        input.key("boot", 7)?;
        let boot = input.uint_to("boot", u64::from(u32::MAX), "a 32-bit number")?;
        let boot = Boot(u32::try_from(boot).unwrap_or(u32::MAX));
        let session = if has_session {
            input.key("session", 8)?;
            Some(Session(input.uint("session")?))
        } else {
            None
        };
        input.end("hello")?;
        Ok(Self {
            epoch,
            oldest,
            newest,
            software,
            clock,
            boot,
            session,
        })
    }
}
