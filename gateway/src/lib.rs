//! The box in the patient's living room: it reads devices and keeps every reading until ingest
//! says that it is on disk at the centre.
//!
//! ```text
//! serial port → decoder → Listener (frame → records) → outbox (fsync) → link → ingest's ack
//! ```
//! Each port has a task that opens it, reads it, and opens it again when it was unplugged; being
//! unplugged, noise and garbage are its normal life. A record is sent only after the outbox has
//! it on disk. The centre may be unreachable for days.
//!
//! Limits: at most [`MAX_PORTS`] ports; the outbox's own limit in bytes.
//!
//! Deliberately absent: patients (the box knows devices only), thresholds and alarms, any
//! decision about a value beyond what the device itself said of it, Bluetooth (not yet).

mod boot;
mod clock;
mod config;
mod figures;
mod listener;
mod port;
mod run;

pub use config::{Config, ConfigError, MAX_PORTS, PortConfig};
pub use figures::Figures;
pub use run::{Gateway, RunError};
