//! Many who come at once under one name, of whom the door may serve only one.

use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::grounds::Grounds;

/// So many come as this one. Each is let in, or gave way before it was answered.
pub(crate) async fn arrive_at_once(at: &Grounds, name: &str, count: usize) -> Vec<Client> {
    let mut arriving = JoinSet::new();
    for _ in 0..count {
        let mut client = Client::open(at).await;
        let connect = at.connect(name);
        arriving.spawn(async move {
            let code = client.connect(&connect).await;
            assert!(matches!(code, Some(ConnectReturnCode::Success) | None));
            client
        });
    }
    arriving.join_all().await
}

/// How many of them are still answered.
pub(crate) async fn served(clients: &mut [Client]) -> usize {
    let mut served = 0;
    for client in clients {
        client.send(Packet::PingReq).await;
        served += usize::from(client.receive().await == Some(Packet::PingResp));
    }
    served
}
