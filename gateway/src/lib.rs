//! The box in the patient's living room: it reads devices and keeps every reading until ingest
//! says that it is on disk at the centre.
//!
//! ```text
//! serial port or Bluetooth → decoder → Listener (frame → records) → outbox (fsync) → link →
//! ingest's ack
//! ```
//! The other way come commands: measure again, say how you are. They reach this connection only,
//! and are answered in the state that the box says of itself.
//!
//! Each port has a task that opens it, reads it, and opens it again when it was unplugged; being
//! unplugged, noise and garbage are its normal life. A record is sent only after the outbox has
//! it on disk. The centre may be unreachable for days.
//!
//! Who the box is it knows from its configuration, with a secret for a broker on the same machine;
//! or from its enrolment ([`enrol()`]), with a key made here and a certificate that is renewed
//! while it runs.
//!
//! Limits: at most [`MAX_PORTS`] ports; the outbox's own limit in bytes.
//!
//! Deliberately absent: patients (the box knows devices only), thresholds and alarms, any
//! decision about a value beyond what the device itself said of it.

mod answer;
mod ble;
mod boot;
mod centre;
mod checks;
mod clock;
mod commander;
mod config;
mod desk;
mod enrol;
mod enrolment;
mod figures;
mod heart;
mod listener;
mod port;
mod pulse;
mod renewal;
mod run;
mod status;
mod traffic;
mod voice;

pub use answer::AnswerError;
pub use ble::{
    BluetoothConfig, BluetoothConfigError, BluetoothDevice, MAX_DEVICES, PairError, Paired,
    PairedError, Person, pair,
};
pub use centre::CentreError;
pub use clock::Steady;
pub use config::{Config, ConfigError, MAX_PORTS, PortConfig};
pub use enrol::{EnrolError, Enrolled, Invitation, enrol};
pub use enrolment::{Enrolment, EnrolmentError, Fault, UNDER_WAY};
pub use figures::Figures;
pub use heart::Heart;
pub use run::{Gateway, RunError, waiting};
pub use status::{BoxStatus, DeviceStatus, LinkFigures, Look, OutboxFigures};
pub use traffic::Month;
pub use voice::{VoiceConfig, VoiceConfigError};
