//! A test double: parcels, greetings and states as if they had come, and the acknowledgements
//! and commands that would go out. It lives beside the real one so that ingest can be tried
//! without a broker.
//!
//! Its receipts speak to nobody but itself, so they cannot make a gateway delete anything.

use std::sync::Arc;

use veglia_wire::{Ack, Channel, Command, GatewayId, Hello, Partition, State, Topic, WallMs};

use super::board::Board;
use super::{Commands, Incoming, Parcel, ReceiverConfig};

/// Gateways that exist only here.
#[derive(Debug, Default)]
pub struct FakeGateways {
    board: Arc<Board>,
    commands: Commands,
}

impl FakeGateways {
    /// None has spoken yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A frame as if the gateway had sent it.
    #[must_use]
    pub fn parcel(&self, gateway: &GatewayId, bytes: Vec<u8>) -> Parcel {
        Parcel::new(Arc::clone(&self.board), topic(gateway, Channel::Up), bytes)
    }

    /// A greeting as if the gateway had connected.
    #[must_use]
    pub fn hello(&self, gateway: &GatewayId, hello: Hello) -> Incoming {
        let topic = topic(gateway, Channel::Hello);
        self.commands.greeted(&topic, hello.session);
        Incoming::hello(Arc::clone(&self.board), topic, hello)
    }

    /// How a gateway is, as if it had said so.
    #[must_use]
    pub fn state(&self, gateway: &GatewayId, state: State) -> Incoming {
        self.commands.heard(&topic(gateway, Channel::State), &state);
        let gateway = gateway.clone();
        Incoming::State { gateway, state }
    }

    /// Sends commands to these gateways.
    #[must_use]
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// The commands that come next, as they would go out together.
    pub async fn commanded(&self) -> Vec<Command> {
        self.commands.queued().await;
        let taken = self.commands.take().into_iter();
        taken
            .filter_map(|(_, bytes)| Command::decode(&bytes).ok())
            .collect()
    }

    /// What has been answered since the last call, as it would go out together, dated `at`.
    #[must_use]
    pub fn acks(&self, at: WallMs) -> Vec<(GatewayId, Ack)> {
        let taken = self.board.take(at, ReceiverConfig::WINDOW).into_iter();
        taken.map(|(_, gateway, ack)| (gateway, ack)).collect()
    }
}

fn topic(gateway: &GatewayId, channel: Channel) -> Topic {
    Topic {
        partition: Partition::of(gateway),
        gateway: gateway.clone(),
        channel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use veglia_journal::fake::FaultyFilesystem;
    use veglia_journal::{Journal, Options, SegmentedLog};
    use veglia_wire::{Epoch, Sequence};

    #[test]
    fn only_an_answered_parcel_is_acknowledged() {
        let opened = SegmentedLog::open(
            FaultyFilesystem::new(),
            Path::new("journal"),
            Options::default(),
        );
        let (mut log, _) = opened.unwrap();
        let gateways = FakeGateways::new();
        let gateway = GatewayId::new("home-1").unwrap();

        drop(gateways.parcel(&gateway, b"frame".to_vec()));
        assert_eq!(gateways.acks(WallMs(1)), []);

        let parcel = gateways.parcel(&gateway, b"frame".to_vec());
        let durable = log.append(&[&parcel.bytes]).unwrap();
        let third = Sequence::FIRST.plus(2);
        parcel.receipt.acknowledge(&durable, Epoch(7), third);
        let acks = gateways.acks(WallMs(1));
        assert_eq!(acks.len(), 1);
        assert_eq!(acks[0].1.through, Some(third));
    }
}
