//! scratch
use crate::client::Client;
use crate::house::House;
use rumqttc::mqttbytes::QoS;
use std::num::NonZeroU32;
use veglia_broker::Limits;

fn rss() -> String {
    std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l| l.starts_with("VmRSS")).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let house = House::with(Limits { packets_per_second: NonZeroU32::new(1_000_000).unwrap(), packet_burst: NonZeroU32::new(1000).unwrap(), ..Limits::default() }).await;
    println!("open {}", rss());
    let mut secrets = vec![];
    for n in 0..1000 { secrets.push((format!("g{n}"), house.file.add_gateway(&format!("g{n}"), 9).unwrap())); }
    println!("enrolled {}", rss());
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let mut all = vec![];
    let t = std::time::Instant::now();
    for (name, secret) in &secrets {
        let mut c = Client::open(&house).await;
        assert!(c.connect(&crate::house::connect(name, secret.reveal())).await == Some(rumqttc::mqttbytes::v4::ConnectReturnCode::Success));
        c.hear(&format!("v1/p/09/g/{name}/ack")).await;
        c.hear(&format!("v1/p/09/g/{name}/cmd")).await;
        all.push(c);
    }
    println!("1000 connected {} in {:?}", rss(), t.elapsed());
    let mut ingest = Client::enter(&house, "ingest").await;
    ingest.hear("v1/p/09/g/+/up").await;
    let t = std::time::Instant::now();
    const N: usize = 50_000;
    let send = tokio::spawn(async move { for n in 0..N { let i = n % 1000; all[i].publish(&format!("v1/p/09/g/g{i}/up"), QoS::AtLeastOnce, &[7; 300]).await; } all });
    let mut got = 0;
    while got < N { ingest.message().await; got += 1; }
    println!("{N} in {:?} {}", t.elapsed(), rss());
    let mut all = send.await.unwrap();
    println!("acks {:?}", all[0].receive().await);
    println!("{:?}", house.health.snapshot());
    let t = std::time::Instant::now();
    drop(all);
    house.until("gone", |it| it.connections == 1).await;
    println!("gone {:?} {}", t.elapsed(), rss());
    house.close().await.unwrap();
}
