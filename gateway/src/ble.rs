//! Devices over Bluetooth: those of this home, found, connected, listened to, for months.
//!
//! ```text
//! BlueZ → btleplug → session (who is near) → device (one task each) → decoder → records → outbox
//! ```
//! All of it runs on a thread and a runtime of its own. btleplug's tasks die now and then when a
//! signal comes at the wrong moment, its calls hang when the bus goes, and each connection to the
//! bus collects rules until the bus refuses more. None of that can be tidied up from outside; so
//! when a session is no good any more its runtime is dropped, with every task and every connection
//! to the bus in it, and a new one begins. The serial ports and the link do not notice.
//!
//! The ladder: a call has a time-out; a device is let go and found again; the session is begun
//! anew, later and later; and when that does not help where a new process might, the gateway ends
//! for its supervisor to start it again. The outbox loses nothing by that. What only a person can
//! mend (no adapter, switched off, not allowed) is said once and waited for.
//!
//! Limits: [`MAX_DEVICES`] devices. A process must not be built with `panic = "abort"`.
//!
//! Deliberately absent: a choice of whom to connect beyond what was configured or paired, and
//! Bluetooth other than Low Energy.

mod adapter;
mod clock;
mod config;
mod device;
mod ladder;
mod ledger;
mod listen;
mod live;
mod memory;
mod night;
mod pair;
mod prepare;
mod radio;
mod roster;
mod seats;
mod session;
mod stored;
mod talk;
pub(crate) mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use btleplug::api::BDAddr;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use veglia_link::Outbox;
use veglia_wire::{DeviceId, PortFault};

pub use pair::{PairError, Paired, Person, pair};

pub use config::{
    BluetoothConfig, BluetoothConfigError, BluetoothDevice, MAX_DEVICES, PairedError,
};

use crate::clock::BoxClock;
use crate::desk::Desk;
use crate::figures::Figures;
use crate::heart::Heart;
use crate::run::RunError;
use crate::voice::Voice;
use device::Broken;
use ladder::{Ladder, Rung};
use radio::Trouble;
use roster::Roster;

/// Pauses of a device's task.
struct Rhythm;

impl Rhythm {
    /// Until a device that hung up may be connected again.
    const BACK_SOON: Duration = Duration::from_secs(1);
    /// First pause after something went wrong.
    const RETRY_FIRST: Duration = Duration::from_secs(5);
    /// Longest such pause: a finger is on the clip for minutes.
    const RETRY_LONGEST: Duration = Duration::from_secs(60);
}

/// How long a session may take to end when the box stops.
const END_PATIENCE: Duration = Duration::from_secs(15);

/// What the devices of a home share with the rest of the box.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) clock: Arc<BoxClock>,
    pub(crate) outbox: Outbox,
    pub(crate) figures: Figures,
    pub(crate) desk: Desk,
    pub(crate) voice: Voice,
    pub(crate) heart: Heart,
    /// The gateway's folder.
    pub(crate) dir: PathBuf,
    /// Where the clocks of devices are read.
    pub(crate) zone: TimeZone,
    /// A device that says nothing for so long is let go.
    pub(crate) quiet: Duration,
}

/// The name of a device's place at the desk.
fn port_name(address: BDAddr) -> String {
    format!("ble {address}")
}

/// The place of what concerns all devices of a home.
const NOTICE: &str = "ble";

impl Home {
    /// Names devices that are waited for, so that they can be missed.
    fn introduce(&self, devices: impl Iterator<Item = (BDAddr, DeviceId)>) {
        for (address, id) in devices {
            let (nobody, _) = mpsc::channel(1);
            let place = self.desk.add(&port_name(address), Some(id), nobody);
            if place.is_none() {
                tracing::error!(%address, "there are more devices than the box can report");
            }
        }
    }

    /// Tells what is wrong with this home's devices as a whole, or that nothing is any more.
    fn notice(&self, fault: Option<PortFault>) {
        if fault.is_none() {
            self.desk.give_up(NOTICE);
            return;
        }
        let (nobody, _) = mpsc::channel(1);
        match self.desk.add(NOTICE, None, nobody) {
            Some(place) => place.fault(fault),
            None => tracing::error!(?fault, "there is no place left to report this"),
        }
    }
}

/// The box's Bluetooth.
pub(crate) struct Bluetooth {
    pub(crate) config: BluetoothConfig,
    pub(crate) home: Home,
}

impl Bluetooth {
    /// What to serve, if anything: the section of the configuration, or the defaults when devices
    /// were paired at this box.
    pub(crate) fn wanted(
        config: Option<BluetoothConfig>,
        dir: &std::path::Path,
    ) -> Option<BluetoothConfig> {
        let were_paired = || config::paired_file(dir).exists();
        config.or_else(|| were_paired().then(BluetoothConfig::default))
    }

    /// Serves the devices until told to stop. An error is one that only a restart can mend.
    pub(crate) async fn serve(self, stop: CancellationToken) -> Result<(), RunError> {
        let roster = Roster::new(&self.config, self.home.dir.clone());
        self.home.introduce(roster.expected());
        let damaged = roster.is_damaged().then_some(PortFault::ListDamaged);
        self.home.notice(damaged);
        drop(roster);
        let restart_after = Duration::from_secs(self.config.restart_seconds);
        let mut ladder = Ladder::new(restart_after);
        let mut wait = Duration::ZERO;
        let mut told = String::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
            let begun = Instant::now();
            let trouble = match self.session(&stop).await {
                Ok(()) => return Ok(()),
                Err(Broken::Append(error)) => return Err(RunError::Append(error)),
                Err(Broken::Session(trouble)) => trouble,
            };
            self.home.desk.fault_added(trouble.fault());
            let sentence = trouble.to_string();
            wait = match ladder.climb(&trouble, begun, Instant::now()) {
                Rung::Again(wait) => wait,
                Rung::Restart => return Err(RunError::Bluetooth(sentence)),
            };
            if sentence == told && !wait.is_zero() {
                tracing::debug!(error = sentence, "Bluetooth does not work; trying again");
            } else {
                tracing::warn!(
                    error = sentence,
                    "Bluetooth does not work; the rest of the box goes on, and it is tried again"
                );
                told = sentence;
            }
        }
    }

    /// One session on a thread of its own, until it ends or the box stops.
    async fn session(&self, stop: &CancellationToken) -> Result<(), Broken> {
        let (outcome, ended) = oneshot::channel();
        let (home, config, told) = (self.home.clone(), self.config.clone(), stop.child_token());
        let began = thread::Builder::new()
            .name("bluetooth".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let result = match runtime {
                    Ok(runtime) => {
                        let result = runtime.block_on(session::run(&home, &config, told));
                        // Ends every task and every connection to the bus, hung ones too.
                        runtime.shutdown_background();
                        result
                    }
                    Err(error) => {
                        tracing::error!(%error, "no runtime for Bluetooth");
                        Err(Broken::Session(Trouble::Ended))
                    }
                };
                // Nobody waits any more when the box has stopped.
                drop(outcome.send(result));
            });
        if let Err(error) = began {
            tracing::error!(%error, "no thread for Bluetooth");
            return Err(Broken::Session(Trouble::Ended));
        }
        let mut ended = ended;
        let result = tokio::select! {
            result = &mut ended => result,
            () = stop.cancelled() => {
                match tokio::time::timeout(END_PATIENCE, ended).await {
                    Ok(result) => result,
                    Err(_elapsed) => return Ok(()),
                }
            }
        };
        self.home.desk.lose_added();
        // The sender is dropped only with a thread that panicked.
        result.unwrap_or(Err(Broken::Session(Trouble::Ended)))
    }
}
