//! Everything that may be said over the broker, and nothing else.
//!
//! A reading travels as a [`Record`]: a body (a vital sign with its unit, an answer, a change of
//! contact, an event of the device, the clock, a gap, a heartbeat), the device it came from, its
//! [`Quality`] and [`When`] it was measured by which clock. Up to [`frame::MAX_RECORDS`] records
//! make an [`UpFrame`], which is published on a [`Topic`]; what comes back is an [`Ack`].
//! Beside them a gateway is asked by a [`Command`] and says how it is in a [`State`].
//! The bytes are CBOR with integer keys and definite lengths; `wire.cddl` beside this crate
//! describes them and the golden tests freeze them.
//!
//! Limits: a frame is at most 16 KiB, an identifier at most 64 characters, a partition one of 64.
//! Each limit is a constant with its reason.
//!
//! Deliberately absent: patients (the wire knows devices only; who wore one is resolved at the
//! centre), raw device bytes, floating-point numbers (a vital is an integer in its own step, so
//! that it compares and travels exactly), any I/O and any reading of a clock ([`Clock`] is a
//! trait that the executable implements).

#![no_std]

extern crate alloc;

pub mod ack;
mod body;
mod cbor;
mod columns;
pub mod command;
pub mod frame;
pub mod ids;
pub mod quality;
pub mod record;
pub mod state;
pub mod time;
pub mod topic;
pub mod vital;

pub use ack::{Ack, Hello, Refusal, RefusalReason};
pub use cbor::DecodeError;
pub use command::{Command, CommandId, CommandKind, Outcome};
pub use frame::{FrameError, FrameHeader, UpFrame};
pub use ids::{DeviceId, Epoch, GatewayId, IdError, Partition, RecordId, Sequence, Session};
pub use quality::Quality;
pub use record::{Answer, AnswerCode, Body, Contact, DeviceEvent, Gap, GapReason, Record, Sensor};
pub use state::{Answered, Charge, PortFault, PortReport, PortState, State};
pub use time::{Boot, CareClock, Clock, ClockState, DeviceStamp, MonoMs, WallMs, When};
pub use topic::{Channel, Filter, Topic, TopicError};
pub use vital::{OutOfRange, Pulse, RespiratoryRate, Site, SpO2, Temperature, Vital, VitalKind};
