//! What stands behind the door stops: it is opened again, or waited for, or the door closes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use veglia_broker::{Backend, BackendError, Link, Pace, Refusal, Remedy, Rumqttd, ServeError};

use crate::client::Client;
use crate::grounds::Plan;
use crate::house::House;

/// Quick enough to be waited for, slow enough for a busy machine.
const QUICK: Pace = Pace {
    every: Duration::from_millis(50),
    patience: Duration::from_millis(400),
    strikes: 3,
};

/// rumqttd, but its first so many lives give nothing back from some moment on.
pub(crate) struct Mute {
    silent_lives: watch::Receiver<u64>,
    lives: AtomicU64,
    remedy: Remedy,
}

impl Mute {
    /// Also the number of lives that are silent from now on.
    pub(crate) fn new(remedy: Remedy) -> (Self, watch::Sender<u64>) {
        let (silence, silent_lives) = watch::channel(0);
        let lives = AtomicU64::new(0);
        let mute = Self {
            silent_lives,
            lives,
            remedy,
        };
        (mute, silence)
    }
}

impl Backend for Mute {
    fn open(&self) -> Result<Link, BackendError> {
        let life = 1 + self.lives.fetch_add(1, Ordering::Relaxed);
        let Link {
            hand_over,
            deliveries: mut from_router,
        } = Rumqttd.open()?;
        let (to_door, deliveries) = mpsc::channel(8);
        let silent_lives = self.silent_lives.clone();
        tokio::spawn(async move {
            while let Some(message) = from_router.recv().await {
                let is_silent = *silent_lives.borrow() >= life;
                if !is_silent && to_door.send(message).await.is_err() {
                    return;
                }
            }
        });
        Ok(Link {
            hand_over,
            deliveries,
        })
    }

    fn remedy(&self) -> Remedy {
        self.remedy
    }
}

impl House {
    /// One that soon notices that this has fallen silent.
    pub(crate) async fn before(mute: Mute) -> Self {
        Self::planned(Plan {
            backend: Box::new(mute),
            pace: QUICK,
            ..Plan::default()
        })
        .await
    }
}

#[tokio::test]
async fn a_silent_router_is_opened_again_and_everybody_comes_back() {
    let (mute, silence) = Mute::new(Remedy::Reopen);
    let house = House::before(mute).await;
    house.is_served().await;
    let mut casa = Client::enter(&house, "casa-1").await;
    let mut ingest = Client::enter(&house, "ingest").await;
    house
        .until("the router answers", |it| it.router_answered.is_some())
        .await;

    silence.send_replace(1);
    assert!(casa.is_closed().await);
    assert!(ingest.is_closed().await);
    house
        .until("it answers again", |it| {
            it.router_restarts == 1 && it.router_answered.is_some()
        })
        .await;
    house.is_served().await;
    assert_eq!(house.refused(Refusal::Revoked), 0);
    house.close().await.unwrap();
}

#[tokio::test]
async fn a_router_that_stops_again_and_again_ends_the_door_with_an_error() {
    let (mute, silence) = Mute::new(Remedy::Reopen);
    silence.send_replace(u64::MAX);
    let house = House::before(mute).await;
    let health = house.health.clone();
    let ended = house.end().await;
    assert!(
        matches!(ended, Err(ServeError::RouterSilent(_))),
        "{ended:?}"
    );
    let after = health.snapshot();
    assert_eq!(after.router_restarts, 3);
    assert_eq!((after.connections, after.sessions), (0, 0));
}

#[tokio::test]
async fn a_broker_that_is_away_is_waited_for_and_nobody_is_sent_away() {
    let (mute, silence) = Mute::new(Remedy::Wait);
    silence.send_replace(1);
    let house = House::before(mute).await;
    let mut casa = Client::enter(&house, "casa-1").await;
    // Longer than it takes to give up a router of our own.
    sleep(QUICK.strikes * (QUICK.every + QUICK.patience) * 2).await;
    let away = house.health.snapshot();
    assert_eq!((away.router_answered, away.router_restarts), (None, 0));
    casa.ping().await;

    silence.send_replace(0);
    house
        .until("it answers", |it| it.router_answered.is_some())
        .await;
    casa.ping().await;
    house.is_served().await;
    house.close().await.unwrap();
}
