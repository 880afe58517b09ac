//! What the box says of itself: that it is up, that it is alive, and what the time is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use veglia_link::Outbox;
use veglia_link::outbox::AppendError;
use veglia_wire::{Body, CareClock, ClockState, DeviceEvent, Record};

use crate::clock::BoxClock;
use crate::heart::Beat;
use crate::run::is_passing;

/// How often the box says that it is alive, in care milliseconds. Presence at the centre is
/// judged in minutes.
const HEARTBEAT_EVERY_MS: i64 = 5 * 60 * 1000;

/// How often the wall clock is looked at, in care milliseconds. A step is noticed before the next
/// heartbeat.
const CLOCK_LOOK_EVERY_MS: i64 = 10_000;

/// What the box says of itself.
pub(crate) struct Pulse {
    pub(crate) care: CareClock,
    pub(crate) clock: Arc<BoxClock>,
    pub(crate) clock_state: watch::Sender<ClockState>,
    pub(crate) outbox: Outbox,
    pub(crate) beat: Beat,
}

impl Pulse {
    /// Says at the start that the box is up and what the time is; then that it is alive, and when
    /// its clock was set.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<(), AppendError> {
        let mut heartbeat = tokio::time::interval(self.wall(HEARTBEAT_EVERY_MS));
        let mut look = tokio::time::interval(self.wall(CLOCK_LOOK_EVERY_MS));
        self.say(Body::Event(DeviceEvent::Up)).await?;
        self.say(Body::Clock).await?;
        loop {
            self.beat.beat();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = heartbeat.tick() => {
                    let waiting = self.outbox.status().waiting();
                    self.say(Body::Heartbeat(u32::try_from(waiting).unwrap_or(u32::MAX))).await?;
                }
                _ = look.tick() => {
                    if self.clock.adjust() {
                        self.say(Body::Clock).await?;
                    }
                    self.clock_state.send_replace(self.clock.state());
                }
            }
        }
    }

    fn wall(&self, care_ms: i64) -> Duration {
        let ms = u64::try_from(self.care.wall_ms(care_ms)).unwrap_or(u64::MAX);
        Duration::from_millis(ms.max(1))
    }

    async fn say(&self, body: Body) -> Result<(), AppendError> {
        let record = Record {
            device: None,
            when: self.clock.stamp(None),
            body,
        };
        match self.outbox.append(vec![record]).await {
            Err(error) if !is_passing(&error) => Err(error),
            _ => Ok(()),
        }
    }
}
