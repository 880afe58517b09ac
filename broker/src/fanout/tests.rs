//! Mailboxes that fill, and whose fault that is.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::*;

/// A service that hears partition 7 and has not read anything yet.
fn service(fanout: &Arc<Fanout>) -> (Subscriptions, Mailbox, Arc<Kick>) {
    let kick = Arc::new(Kick::default());
    let (slot, mailbox) = mailbox(1, Room::service(&Limits::default()), &kick);
    let mut subscriptions = Subscriptions::new(fanout, slot);
    let filter = "v1/p/07/g/+/up".parse().expect("a filter");
    subscriptions.add(Subscription::Partition(filter));
    (subscriptions, mailbox, kick)
}

fn up(gateway: &str, bytes: usize) -> (Topic, Message) {
    let text = format!("v1/p/07/g/{gateway}/up");
    let topic = text.parse().expect("a topic");
    let message = Message {
        topic: Arc::from(text),
        payload: Bytes::from(vec![0x5a; bytes]),
    };
    (topic, message)
}

async fn is_kicked(kick: &Kick) -> bool {
    timeout(Duration::from_secs(1), kick.kicked()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn two_thousand_gateways_that_come_back_together_fit() {
    let fanout = Arc::new(Fanout::default());
    let (_subscriptions, _mailbox, kick) = service(&fanout);
    for number in 0..2_000 {
        let (topic, message) = up(&format!("casa-{number}"), 1_000);
        for _ in 0..4 {
            assert!(!fanout.deliver(&topic, &message).is_beyond_share);
        }
    }
    assert!(!is_kicked(&kick).await);
}

#[tokio::test(start_paused = true)]
async fn one_gateway_fills_its_share_and_the_service_stays() {
    let fanout = Arc::new(Fanout::default());
    let (_subscriptions, mut mailbox, kick) = service(&fanout);
    for (gateway, bytes) in [("small", 10), ("large", 16 * 1024)] {
        let (topic, message) = up(gateway, bytes);
        let window = (0..64).all(|_| !fanout.deliver(&topic, &message).is_beyond_share);
        assert!(window, "two windows of 32 frames of {bytes} bytes fit");
        let end = (0..10_000).position(|_| fanout.deliver(&topic, &message).is_beyond_share);
        assert!(end.is_some(), "{gateway} may send for ever");
    }
    let (topic, message) = up("honest", 1_000);
    assert!(!fanout.deliver(&topic, &message).is_beyond_share);
    // What is read is room again.
    let (topic, message) = up("small", 10);
    assert!(fanout.deliver(&topic, &message).is_beyond_share);
    assert_eq!(mailbox.next().await.payload.len(), 10);
    assert!(!fanout.deliver(&topic, &message).is_beyond_share);
    while mailbox.here().is_some() {}
    assert!(locked(&mailbox.waiting).by_gateway.is_empty());
    assert_eq!(locked(&mailbox.waiting).bytes, 0);
    assert!(!is_kicked(&kick).await);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_many_together_fill_is_too_slow() {
    let fanout = Arc::new(Fanout::default());
    let (_subscriptions, _mailbox, kick) = service(&fanout);
    for number in 0..600 {
        let (topic, message) = up(&format!("casa-{number}"), 16 * 1024);
        assert!(!fanout.deliver(&topic, &message).is_beyond_share);
    }
    assert_eq!(kick.kicked().await, Refusal::TooSlow);
}
