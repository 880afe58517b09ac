//! Everybody comes at once, as after a power cut, and everybody gets in: limits that stop an
//! attacker must not stop a town.
// req: G5

use std::sync::Arc;
use std::time::Duration;

use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Packet};
use rustls::ClientConfig;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use veglia_broker::Limits;

use crate::client::Client;
use crate::grounds::Grounds;
use crate::house::House;

/// More than there are places for handshakes from one address, which is where all come from.
const GATEWAYS: usize = 300;

#[tokio::test]
async fn a_town_that_comes_back_at_once_gets_in() {
    assert!(GATEWAYS > usize::try_from(Limits::default().handshakes_per_address.get()).unwrap());
    let house = House::open().await;
    let homes = house.enrol_a_town(GATEWAYS);
    // All are known once the last one is.
    let (name, shown) = homes.last().unwrap();
    while enter(&house, name, Arc::clone(shown)).await.is_none() {
        sleep(Duration::from_millis(50)).await;
    }

    let house = Arc::new(house);
    let start = Instant::now();
    let mut arriving = JoinSet::new();
    for (name, shown) in homes {
        let house = Arc::clone(&house);
        arriving.spawn(async move {
            let mut pause = Duration::from_millis(100);
            loop {
                match enter(&house, &name, Arc::clone(&shown)).await {
                    Some(client) => return client,
                    None => sleep(pause).await,
                }
                pause *= 2;
            }
        });
    }
    let mut town = arriving.join_all().await;
    println!("crowd: {GATEWAYS} are in after {:?}", start.elapsed());
    assert_eq!(house.health.snapshot().sessions, GATEWAYS);
    for client in &mut town {
        client.send(Packet::PingReq).await;
    }
    for client in &mut town {
        assert_eq!(client.receive().await, Some(Packet::PingResp));
    }
    house.shutdown.cancel();
    for client in &mut town {
        assert!(client.is_closed().await);
    }
}

/// Tries once.
pub(crate) async fn enter(at: &Grounds, name: &str, shown: Arc<ClientConfig>) -> Option<Client> {
    let mut connect = Connect::new(name);
    connect.keep_alive = 60;
    let (client, code) = Client::introduced(at, shown, &connect).await;
    (code == Some(ConnectReturnCode::Success)).then_some(client)
}
