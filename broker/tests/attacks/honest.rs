//! An honest gateway and its ingest, who exchange frames for as long as somebody else attacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::client::{Client, PATIENCE};
use crate::grounds::Grounds;

/// Slower than a gateway may send, so that only others can hold it up.
const PAUSE: Duration = Duration::from_millis(25);

/// Rounds after which the pair is taken to be served.
const ROUNDS: u64 = 5;

/// A frame goes up and its acknowledgement comes down, again and again. One that is lost,
/// repeated or out of order, or a session that ends, fails the test.
pub(crate) struct Honest {
    rounds: Arc<AtomicU64>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Honest {
    pub(crate) async fn start(house: &Grounds) -> Self {
        let mut ingest = Client::enter(house, "ingest").await;
        ingest.hear("v1/p/07/g/+/up").await;
        let mut casa = Client::enter(house, "casa-2").await;
        casa.hear("v1/p/07/g/casa-2/ack").await;
        let rounds = Arc::new(AtomicU64::new(0));
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (rounds, stop) = (Arc::clone(&rounds), stop.clone());
            async move {
                while !stop.is_cancelled() {
                    let number = rounds.load(Ordering::Relaxed).to_be_bytes();
                    casa.hand_over("v1/p/07/g/casa-2/up", &number).await;
                    // Ingest hears everybody of the partition, as it does in life.
                    let frame = loop {
                        let (topic, payload) = ingest.message().await;
                        if topic == "v1/p/07/g/casa-2/up" {
                            break payload;
                        }
                    };
                    assert_eq!(frame, number);
                    ingest.hand_over_past("v1/p/07/g/casa-2/ack", &number).await;
                    assert_eq!(casa.message().await.1, number);
                    rounds.fetch_add(1, Ordering::Relaxed);
                    sleep(PAUSE).await;
                }
            }
        });
        let honest = Self { rounds, stop, task };
        honest.is_served().await;
        honest
    }

    pub(crate) fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// Waits until some more frames have gone up and their acknowledgements down.
    pub(crate) async fn is_served(&self) {
        let wanted = self.rounds() + ROUNDS;
        let served = async {
            while self.rounds() < wanted && !self.task.is_finished() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let served = timeout(PATIENCE, served).await;
        assert!(served.is_ok(), "the honest pair is held up");
        assert!(self.rounds() >= wanted, "the honest pair has failed");
    }

    /// Ends the pair; it must have been served to the last.
    pub(crate) async fn end(self) {
        self.is_served().await;
        self.stop.cancel();
        let ended = timeout(PATIENCE, self.task).await.expect("it ends");
        ended.expect("no frame was lost, repeated or out of order");
    }
}
