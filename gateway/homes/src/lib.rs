//! Simulated homes whose devices speak their true protocols on ptys.
//!
//! ```text
//! Scenario or Replay → Home → run → pty (a tty the gateway opens) → gateway
//!                                └→ Log: what was said, and whether anybody could hear it
//! ```
//! A device speaks at its true rhythm of *wall* time (or at a chosen one, for benches), and its
//! values follow *care* time, so a scenario lasts the same care time at every speed. Everything
//! is deterministic for a seed, a home and a device; only the moments of speaking are real.
//!
//! Limits: [`MAX_HOMES`] homes, [`MAX_DEVICES`] devices in a scenario, [`MAX_HZ`] frames a second
//! and device. At a care speed of 60 a second of speaking is a minute of care: what a scenario
//! does for less than that may fall between two frames, as it would with a real device.
//!
//! Deliberately absent: people (a home has a number), thresholds and rules (a scenario only names
//! the flags it must raise), Bluetooth, and any knowledge of how the gateway works beyond the
//! path of a tty.

mod counter;
mod decimal;
mod home;
mod life;
mod line;
mod log;
mod play;
mod pty;
mod relay;
mod replay;
mod run;
mod scenario;
mod speaker;
mod vitals;
mod voice;

pub use counter::{counter_period, decode_counter, encode_counter};
pub use home::{Device, Home, MAX_HOMES, MAX_HZ, Rhythm, Story, homes};
pub use life::Life;
pub use log::{Entry, Flag, Log, LogError, What};
pub use pty::{Heard, Pty, PtyError};
pub use relay::{MAX_CONNECTIONS, Relay, RelayHandle};
pub use replay::{CsvError, MAX_ROWS, Replay, Row};
pub use run::{SimulationError, Summary, run};
pub use scenario::{
    DeviceSpec, MAX_DEVICES, MAX_MINUTES, Measures, Of, RULES, Scenario, ScenarioError,
    UnknownScenario,
};
pub use vitals::Vitals;
