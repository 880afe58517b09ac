//! End to end: outboxes, the door, mosquitto, the door again, and a receiver that stores. Mosquitto
//! is killed and stopped under load; nothing is lost and nothing is doubled.

// req: G5

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use veglia_link::{Access, Secret};

use crate::away::{unbridled_house, until};
use crate::homes::{BREATH, Life, Plan};
use crate::house::GATEWAYS;

#[tokio::test]
async fn a_broker_that_dies_again_and_again_loses_and_doubles_no_reading() {
    let (mut mosquitto, mut standing, house) = unbridled_house().await;
    let (_, paused) = watch::channel(false);
    let life = Life::of(&Plan {
        broker: house.address,
        homes: &GATEWAYS,
        access: &|name| Access::Secret(Secret::new(house.secret(name))),
        stalled: Duration::from_secs(20),
        paused,
    });

    for death in 1..=5 {
        sleep(BREATH * 4).await;
        // It stands still first, so that something is outstanding when it dies.
        mosquitto.freeze();
        sleep(BREATH * 2).await;
        mosquitto.kill();
        until(&mut standing, "the loss is seen", |it| !it.connected).await;
        sleep(BREATH * 2).await;
        mosquitto.run();
        until(&mut standing, "it is back", |it| {
            it.connections == 1 + death
        })
        .await;
    }
    life.lost_nothing().await;
    assert!(standing.borrow().lost > 0, "nothing had to be repaired");
    house.close().await.unwrap();
}
