//! What was handed over to the other broker and has not come back.
//!
//! A list in the order of handing over. The other broker keeps that order for one publisher and
//! one subscriber, so what comes back is nearly always its first entry; what is not in it at all
//! was published by somebody else.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::backend::Message;

/// At most this many outstanding. Mosquitto queues 1,000 for a client and drops the next without
/// a word; half of it leaves room for one that was told to keep fewer.
pub(super) const MESSAGES: usize = 512;

/// At most this much outstanding: eight of the largest packets, or five hundred frames. What one
/// lost connection makes homes send again.
pub(super) const BYTES: usize = 512 * 1024;

/// A broker that takes messages and brings none back for so long is not working. Two probes fall
/// into it, so it is never just that nobody had anything to say.
pub(super) const STALLED: Duration = Duration::from_secs(10);

/// The list, as its three users share it.
#[derive(Debug, Default)]
pub(super) struct Window {
    outstanding: watch::Sender<Outstanding>,
}

#[derive(Debug, Default)]
struct Outstanding {
    messages: VecDeque<Message>,
    bytes: usize,
    came_back: u64,
}

impl Outstanding {
    fn has_room_for(&self, bytes: usize) -> bool {
        // A message larger than the window passes alone.
        let fits = self.messages.is_empty() || self.bytes + bytes <= BYTES;
        fits && self.messages.len() < MESSAGES
    }

    fn remove(&mut self, message: &Message) -> Option<Message> {
        let place = self.messages.iter().position(|it| it == message)?;
        let found = self.messages.remove(place)?;
        self.bytes -= size(&found);
        self.came_back += 1;
        Some(found)
    }
}

fn size(message: &Message) -> usize {
    message.topic.len() + message.payload.len()
}

impl Window {
    /// Waits for room and adds a message. For one caller only: two could both see the last room.
    /// The message is added or not at all when the future is dropped.
    pub(super) async fn add(&self, message: &Message) {
        let bytes = size(message);
        let mut level = self.outstanding.subscribe();
        let room = level.wait_for(|it| it.has_room_for(bytes)).await;
        drop(room.expect("the sender is in self"));
        self.outstanding.send_modify(|it| {
            it.bytes += bytes;
            it.messages.push_back(message.clone());
        });
    }

    /// Takes off what has come back; `None` if it was never handed over.
    pub(super) fn take(&self, message: &Message) -> Option<Message> {
        let mut found = None;
        self.outstanding.send_if_modified(|it| {
            found = it.remove(message);
            found.is_some()
        });
        found
    }

    /// How many messages are outstanding.
    pub(super) fn len(&self) -> usize {
        self.outstanding.borrow().messages.len()
    }

    /// How many have come back.
    pub(super) fn came_back(&self) -> u64 {
        self.outstanding.borrow().came_back
    }

    /// Returns when something was outstanding for [`STALLED`] and nothing came back.
    pub(super) async fn stalled(&self) {
        let mut level = self.outstanding.subscribe();
        loop {
            let waiting = level.wait_for(|it| !it.messages.is_empty()).await;
            let before = waiting.expect("the sender is in self").came_back;
            let moved = level.wait_for(|it| it.came_back > before);
            if timeout(STALLED, moved).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tokio::time::Instant;

    use super::*;

    fn message(number: u32, bytes: usize) -> Message {
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(bytes.max(4), 0);
        Message {
            topic: Arc::from("v1/p/07/g/casa-12/up"),
            payload: Bytes::from(payload),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_so_many_messages_and_so_many_bytes() {
        for (bytes, most) in [(4, MESSAGES), (60 * 1024, 8)] {
            let window = Window::default();
            let mut held: u32 = 0;
            while timeout(Duration::from_secs(1), window.add(&message(held, bytes)))
                .await
                .is_ok()
            {
                held += 1;
            }
            assert_eq!(window.len(), most);
            assert_eq!(window.take(&message(0, bytes)), Some(message(0, bytes)));
            window.add(&message(held, bytes)).await;
            assert_eq!(window.len(), most);
        }
    }

    #[tokio::test]
    async fn what_is_larger_than_the_window_passes_alone() {
        let window = Window::default();
        window.add(&message(1, 2 * BYTES)).await;
        assert_eq!(window.len(), 1);
    }

    #[tokio::test]
    async fn a_message_comes_back_once_and_a_strangers_never() {
        let window = Window::default();
        window.add(&message(1, 4)).await;
        window.add(&message(2, 4)).await;
        assert_eq!(window.take(&message(3, 4)), None);
        assert_eq!(window.take(&message(1, 4)), Some(message(1, 4)));
        assert_eq!(window.take(&message(1, 4)), None);
        assert_eq!((window.len(), window.came_back()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_stalled_when_nothing_comes_back_and_not_when_nothing_was_sent() {
        let window = Window::default();
        assert!(timeout(10 * STALLED, window.stalled()).await.is_err());
        let start = Instant::now();
        let sending = async {
            for number in 0..6 {
                window.add(&message(number, 4)).await;
                tokio::time::sleep(STALLED / 2).await;
                if number < 3 {
                    window.take(&message(number, 4));
                }
            }
        };
        tokio::select! {
            () = sending => panic!("it is stalled before"),
            () = window.stalled() => {}
        }
        assert_eq!(start.elapsed(), STALLED / 2 * 5);
    }
}
