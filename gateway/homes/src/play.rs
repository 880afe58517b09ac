//! The tasks of a simulation: a device that speaks on its line, a recording that is read out, a
//! home whose line to the centre comes and goes.
//!
//! Each ends at the shutdown; a recording also ends after its last row. Absent: what is said.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use veglia_firmware_core::HELLO_EVERY_MS;
use veglia_wire::{CareClock, WallMs};

use crate::home::rng;
use crate::line::{FAREWELL, Line, Stage, Tally};
use crate::log::What;
use crate::pty::Heard;
use crate::relay::RelayHandle;
use crate::replay::{Replay, Row};
use crate::run::SimulationError;
use crate::scenario::Scenario;
use crate::speaker::Speaker;
use crate::voice::{Node, Oximetry, Said, Utterance};

/// How often a recording looks again whether somebody listens: no row is read out to nobody.
const LISTENER_CHECK: Duration = Duration::from_millis(20);

/// How often a home looks whether its line to the centre is due to change. At the fastest care
/// clock this is three minutes of care.
const LINK_CHECK: Duration = Duration::from_millis(50);

/// A device of a scenario, or one that counts, until the shutdown.
pub(crate) async fn device(
    mut line: Line,
    mut speaker: Speaker,
    period: Duration,
    seed: u64,
) -> Result<Tally, SimulationError> {
    // Homes do not speak in chorus.
    let period_ms = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
    let offset = rng(seed, &line.home, line.device.as_str()).u64(0..period_ms);
    let began = Instant::now();
    let mut turns = interval_at(began + Duration::from_millis(offset), period);
    // A busy machine makes the device skip a turn, not hurry afterwards.
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let stop = line.stage.stop.clone();
    loop {
        let is_last = tokio::select! {
            _ = turns.tick() => false,
            () = stop.cancelled() => true,
        };
        // What was said once to whoever believes nothing before the second time is said again.
        if is_last && !line.is_half_believed() {
            break;
        }
        let is_opened = line.was_opened()?;
        let asked = line.asked()?;
        if is_opened || asked.who {
            speaker.opened();
        }
        if asked.measure {
            speaker.measure();
        }
        match speaker.turn(line.stage.passed_ms(), wall_ms_since(began)) {
            None => line.unplugged().await?,
            Some(utterances) => {
                line.plugged().await?;
                for utterance in utterances {
                    line.speak(utterance).await?;
                }
            }
        }
        if is_last {
            break;
        }
    }
    sleep(FAREWELL).await;
    Ok(line.tally)
}

/// A recording: from the moment somebody listens, each row once and in order at its minute of
/// care. A row that nobody could hear is said again until somebody does.
pub(crate) async fn recording(
    line: Line,
    replay: Arc<Replay>,
    node: Node,
) -> Result<Tally, SimulationError> {
    let mut reading = Reading {
        line,
        node,
        began: Instant::now(),
        hello_at_ms: 0,
    };
    reading.all(&replay).await?;
    sleep(FAREWELL).await;
    Ok(reading.line.tally)
}

/// A recording being read out.
struct Reading {
    line: Line,
    node: Node,
    began: Instant,
    hello_at_ms: u64,
}

impl Reading {
    async fn all(&mut self, replay: &Replay) -> Result<(), SimulationError> {
        let Some(first) = replay.rows().first() else {
            return Ok(());
        };
        while !self.line.is_listened_to()? {
            if !self.rests(LISTENER_CHECK).await {
                return Ok(());
            }
        }
        let clock = self.line.stage.clock.clone();
        let began = clock.now();
        for row in replay.rows() {
            let due = began.plus_ms(i64::from(row.minute - first.minute) * 60_000);
            self.wait_until(&clock, due).await?;
            if self.line.stage.stop.is_cancelled() {
                break;
            }
            self.row(row).await?;
        }
        Ok(())
    }

    /// Waits, and says whether there is more to come: the shutdown ends every wait, and nothing
    /// between a word that went into the line and its entry in the log.
    async fn rests(&self, time: Duration) -> bool {
        let stop = &self.line.stage.stop;
        stop.run_until_cancelled(sleep(time)).await.is_some()
    }

    /// Waits for the care time, and meanwhile says now and then who speaks.
    async fn wait_until(&mut self, clock: &CareClock, due: WallMs) -> Result<(), SimulationError> {
        loop {
            let left_ms = clock.wall_ms(due.since(clock.now()));
            let Some(left) = u64::try_from(left_ms).ok().filter(|&ms| ms > 0) else {
                return Ok(());
            };
            let a_while = Duration::from_millis(left).min(Duration::from_secs(1));
            if !self.rests(a_while).await {
                return Ok(());
            }
            self.introduce().await?;
        }
    }

    /// Says hello when it is due: at the start, to a new listener, and every minute.
    async fn introduce(&mut self) -> Result<(), SimulationError> {
        let now_ms = wall_ms_since(self.began);
        if !self.line.is_listened_to()? {
            return Ok(());
        }
        let is_asked = self.line.was_opened()? | self.line.asked()?.who;
        if !is_asked && now_ms < self.hello_at_ms {
            return Ok(());
        }
        self.hello_at_ms = now_ms + u64::from(HELLO_EVERY_MS);
        for utterance in self.node.hello(uptime(now_ms)) {
            if self.line.speak(utterance).await? != Heard::Whole {
                self.hello_at_ms = 0;
            }
        }
        Ok(())
    }

    async fn row(&mut self, row: &Row) -> Result<(), SimulationError> {
        let uptime_ms = uptime(wall_ms_since(self.began));
        let oximetry = Oximetry {
            spo2_tenths: row.spo2_tenths,
            pulse_tenths: row.pulse_tenths,
            artefact: false,
            counter: None,
        };
        let oximetry = self.node.oximetry(uptime_ms, oximetry);
        self.insist(oximetry).await?;
        if let Some(celsius_hundredths) = row.celsius_hundredths {
            let temperature = self.node.temperature(uptime_ms, celsius_hundredths);
            self.insist(temperature).await?;
        }
        Ok(())
    }

    /// Says it until it has gone into the line in full: never to nobody, and never to somebody
    /// who does not know yet who speaks.
    async fn insist(&mut self, utterance: Utterance) -> Result<(), SimulationError> {
        loop {
            self.introduce().await?;
            if self.line.is_listened_to()?
                && self.line.speak(utterance.clone()).await? == Heard::Whole
            {
                return Ok(());
            }
            if !self.rests(LISTENER_CHECK).await {
                return Ok(());
            }
        }
    }
}

/// Cuts and mends the line of a home as its scenario says, and leaves it whole.
pub(crate) async fn link(
    stage: Stage,
    home: String,
    scenario: Arc<Scenario>,
    link: RelayHandle,
) -> Result<Tally, SimulationError> {
    while !stage.stop.is_cancelled() {
        let whole = !scenario.is_offline(stage.passed_ms());
        if whole != link.is_whole() {
            let what = if whole {
                link.restore();
                What::Online
            } else {
                link.cut();
                What::Offline
            };
            stage.tell(&home, None, Said::event(what), true).await?;
        }
        stage.stop.run_until_cancelled(sleep(LINK_CHECK)).await;
    }
    link.restore();
    Ok(Tally::default())
}

fn wall_ms_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Wraps after 49 days, as the node's own does.
fn uptime(ms: u64) -> u32 {
    u32::try_from(ms % (1 << 32)).expect("a remainder of 2^32 fits 32 bits")
}
