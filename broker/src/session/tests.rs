//! What a session does with time, on a stream in memory and a clock that leaps.

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;
use crate::refusal::Refusal;

/// A hall where nobody is known; what is handed over goes nowhere.
fn hall() -> Hall {
    let (_, identities) = watch::channel(Arc::default());
    let (_, trust) = watch::channel(None);
    let (hand_over, _) = mpsc::channel(1);
    Hall {
        identities,
        trust,
        arrivals: Arc::default(),
        seats: Arc::default(),
        fanout: Arc::default(),
        hand_over,
        counters: Arc::default(),
        limits: Limits::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_sent_away_after_the_time_for_a_connect() {
    let hall = hall();
    let (mut client, stream) = duplex(64);
    let start = Instant::now();
    run(stream, None, &hall).await;
    assert_eq!(start.elapsed(), CONNECT_PATIENCE);
    assert_eq!(hall.counters.refusals(Refusal::NoConnect), 1);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_dribbles_a_connect_gets_no_more_time() {
    let hall = hall();
    let (mut client, stream) = duplex(64);
    let start = Instant::now();
    let dribble = async {
        let promised = [0x10, 0x7f];
        for byte in promised.into_iter().chain(std::iter::repeat(0)) {
            if client.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::join!(run(stream, None, &hall), dribble);
    assert!(start.elapsed() <= CONNECT_PATIENCE + Duration::from_secs(1));
    assert_eq!(hall.counters.refusals(Refusal::NoConnect), 1);
}
