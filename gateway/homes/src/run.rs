//! A simulation from beginning to end: plug every device in, let them speak, count.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use veglia_wire::CareClock;

use crate::home::{Device, Home, Story};
use crate::line::{Line, Stage, Tally};
use crate::log::{Log, LogError};
use crate::play;
use crate::pty::PtyError;
use crate::speaker::Speaker;
use crate::voice::Node;

/// What a simulation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Devices that spoke.
    pub devices: usize,
    /// Frames and noises they put on their lines.
    pub spoken: u64,
    /// How many of those nobody can have heard in full.
    pub unheard: u64,
}

/// Why a simulation could not be run to its end.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The folder of the ports cannot be made.
    #[error("cannot make the folder {} for the ports; choose another", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Two devices would have the same port.
    #[error("two devices would have the port {}; give homes and devices other names", _0.display())]
    Twice(PathBuf),
    /// A port failed.
    #[error("the port {} failed", port.display())]
    Port {
        /// The port.
        port: PathBuf,
        /// Why.
        #[source]
        source: PtyError,
    },
    /// The log failed.
    #[error("the simulation stopped because its log failed")]
    Log(#[source] LogError),
    /// The log ended before the devices did.
    #[error("the log takes no more entries")]
    LogEnded,
    /// A device's task panicked: a fault of the simulator.
    #[error("a simulated device broke down")]
    Task(#[source] JoinError),
}

/// Runs the devices of `homes` on ports in `dir` until `shutdown`, or until the last row where
/// all are recordings. Scenarios begin now, by `clock`.
///
/// # Errors
/// The first port, log or task that failed; the others are stopped then.
pub async fn run(
    homes: Vec<Home>,
    dir: &Path,
    clock: CareClock,
    seed: u64,
    log: Option<Log>,
    shutdown: CancellationToken,
) -> Result<Summary, SimulationError> {
    let made = tokio::fs::create_dir_all(dir).await;
    made.map_err(|source| SimulationError::Folder {
        path: dir.to_owned(),
        source,
    })?;
    let stage = Stage {
        began: clock.now(),
        clock,
        entries: log.as_ref().map(Log::entries),
        stop: shutdown.child_token(),
    };
    tracing::info!(homes = homes.len(), dir = %dir.display(), "simulated homes speak");
    let mut tasks = JoinSet::new();
    let devices = raise_curtain(&homes, dir, &stage, seed, &mut tasks)?;
    let stop = stage.stop.clone();
    drop(stage);

    let mut summary = Summary {
        devices,
        ..Summary::default()
    };
    let mut failed = None;
    while let Some(ended) = tasks.join_next().await {
        match ended.map_err(SimulationError::Task).flatten() {
            Ok(Tally { spoken, unheard }) => {
                summary.spoken += spoken;
                summary.unheard += unheard;
            }
            Err(error) => {
                stop.cancel();
                failed.get_or_insert(error);
            }
        }
    }
    if let Some(log) = log {
        log.finish().await.map_err(SimulationError::Log)?;
    }
    let Summary {
        devices,
        spoken,
        unheard,
    } = summary;
    tracing::info!(devices, spoken, unheard, "simulated homes fell silent");
    failed.map_or(Ok(summary), Err)
}

/// Plugs every device in and starts its task; the answer is how many there are.
fn raise_curtain(
    homes: &[Home],
    dir: &Path,
    stage: &Stage,
    seed: u64,
    tasks: &mut JoinSet<Result<Tally, SimulationError>>,
) -> Result<usize, SimulationError> {
    let mut ports = HashSet::new();
    for home in homes {
        for device in &home.devices {
            let port = home.port(dir, device);
            if !ports.insert(port.clone()) {
                return Err(SimulationError::Twice(port));
            }
            let line = Line::new(stage.clone(), home, device, port)?;
            start(line, home, device, seed, tasks);
        }
        if let (Story::Scenario(scenario), Some(link)) = (&home.story, &home.link)
            && scenario.goes_offline()
        {
            let scenario = Arc::clone(scenario);
            tasks.spawn(play::link(
                stage.clone(),
                home.name.clone(),
                scenario,
                link.clone(),
            ));
        }
    }
    Ok(ports.len())
}

fn start(
    line: Line,
    home: &Home,
    device: &Device,
    seed: u64,
    tasks: &mut JoinSet<Result<Tally, SimulationError>>,
) {
    match &home.story {
        Story::Scenario(_) | Story::Counter => {
            let speaker = Speaker::new(home, device, seed);
            tasks.spawn(play::device(line, speaker, home.rhythm.period(), seed));
        }
        Story::Replay(replay) => {
            let node = Node::new(device.serial, device.measures.model(), device.site);
            tasks.spawn(play::recording(line, Arc::clone(replay), node));
        }
    }
}
