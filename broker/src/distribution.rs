//! From the backend into the mailboxes, without ever waiting for a subscriber.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use veglia_wire::Topic;

use crate::backend::Message;
use crate::door::ServeError;
use crate::fanout::Fanout;
use crate::probe;
use crate::refusal::Refusal;
use crate::takeover::Seats;

/// Distributes for as long as the backend delivers. Messages of the probe go to the probe.
pub(crate) async fn distribute(
    mut deliveries: mpsc::Receiver<Message>,
    fanout: Arc<Fanout>,
    seats: Arc<Seats>,
    came_back: watch::Sender<u64>,
) -> ServeError {
    while let Some(message) = deliveries.recv().await {
        if let Some(number) = probe::number(&message) {
            came_back.send_replace(number);
        } else if let Ok(topic) = message.topic.parse::<Topic>() {
            let delivery = fanout.deliver(&topic, &message);
            if delivery.is_beyond_share {
                seats.end(topic.gateway.as_str(), Refusal::MailboxShare);
            }
            tracing::trace!(topic = %topic, hearers = delivery.hearers, "delivered");
        }
    }
    ServeError::BackendGone
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::time::timeout;
    use veglia_identity::Identities;

    use super::*;
    use crate::config::Limits;
    use crate::fanout::{Room, Subscriptions, mailbox};
    use crate::rules::Subscription;
    use crate::takeover::Sitter;

    const LIST: &str = "version = 1\n[[gateway]]\nid = \"casa\"\npartition = 7\nsecret_sha256 = ";

    fn casa() -> Sitter {
        let hash = "5a".repeat(32);
        let list = Identities::parse(&format!("{LIST}\"{hash}\"\n")).expect("an identity file");
        Sitter {
            entry: Arc::clone(list.entry("casa").expect("it is in the list")),
            papers: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_overflows_its_share_of_a_mailbox_is_sent_away_and_the_reader_stays() {
        let (fanout, seats) = (Arc::new(Fanout::default()), Arc::new(Seats::default()));
        let gateway = seats.take(&casa()).await;
        let reader = Arc::default();
        let (slot, _unread) = mailbox(9, Room::service(&Limits::default()), &reader);
        let mut subscriptions = Subscriptions::new(&fanout, slot);
        let filter = "v1/p/07/g/+/up".parse().expect("a filter");
        subscriptions.add(Subscription::Partition(filter));

        let (backend, deliveries) = mpsc::channel(1);
        let (came_back, _) = watch::channel(0);
        tokio::spawn(distribute(
            deliveries,
            fanout,
            Arc::clone(&seats),
            came_back,
        ));
        for _ in 0..1_000 {
            let message = Message {
                topic: Arc::from("v1/p/07/g/casa/up"),
                payload: Bytes::from_static(b"a frame"),
            };
            backend.send(message).await.expect("it is distributed");
        }
        assert_eq!(gateway.kick().kicked().await, Refusal::MailboxShare);
        let a_second = std::time::Duration::from_secs(1);
        assert!(timeout(a_second, reader.kicked()).await.is_err());
    }
}
