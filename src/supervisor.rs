//! Tells systemd that the process is up, and that it turns.
//!
//! A role is up when it can be asked how it is. It turns when its own tasks do, which is what
//! [`Alive`] asks: a timer that only proves itself would keep a stuck process alive. Whether the
//! work succeeds is no business of a watchdog: a gateway without a centre is well.
//!
//! Deliberately absent: supervisors other than systemd. Without one nothing is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::health::{Alive, Desk};

/// Of the time that the supervisor gives, a ping comes in each of these parts.
const PINGS: u32 = 3;

/// The roles of this process, as a supervisor sees them: cheap to clone.
#[derive(Clone)]
pub(crate) struct Supervisor {
    roles: usize,
    up: Arc<Mutex<Vec<Alive>>>,
}

impl Supervisor {
    /// Of a process with so many roles.
    pub(crate) fn of(roles: usize) -> Self {
        Self {
            roles,
            up: Arc::default(),
        }
    }

    /// This role is up. With the last one the process is, and is watched until told to stop.
    pub(crate) fn attend(&self, desk: &Desk, stop: &CancellationToken) {
        let mut up = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        up.push(desk.alive());
        if up.len() == self.roles {
            tokio::spawn(watch(std::mem::take(&mut up), stop.clone()));
        }
    }
}

async fn watch(roles: Vec<Alive>, stop: CancellationToken) {
    tell(&[NotifyState::Ready]);
    let stopped = stop.cancelled();
    match sd_notify::watchdog_enabled() {
        Some(limit) => {
            tokio::select! {
                () = stopped => {}
                () = ping(&roles, limit / PINGS) => {}
            }
        }
        None => stopped.await,
    }
    tell(&[NotifyState::Stopping]);
}

/// Tells for ever that all roles turn, as long as they do.
async fn ping(roles: &[Alive], every: Duration) {
    let mut turns = tokio::time::interval(every);
    loop {
        turns.tick().await;
        match timeout(every, stalled(roles)).await {
            Ok(None) => tell(&[NotifyState::Watchdog]),
            Ok(Some(what)) => tracing::error!(
                what,
                "a task of this process does not turn; its supervisor will start it again"
            ),
            Err(_) => tracing::error!("a role does not answer whether its tasks turn"),
        }
    }
}

async fn stalled(roles: &[Alive]) -> Option<String> {
    for role in roles {
        let what = role.stalled().await;
        if what.is_some() {
            return what;
        }
    }
    None
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor cannot be told how this process is");
    }
}
