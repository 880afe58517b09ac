//! The topic grammar, in both directions.
//!
//! ```text
//! v1/p/<partition>/g/<gateway>/<channel>
//! ```
//! A topic is ASCII without a dot, a space or a leading slash, so that it means the same in MQTT
//! and in a NATS subject.
//!
//! ```
//! use veglia_wire::{Channel, Topic};
//! let topic: Topic = "v1/p/07/g/casa-12/up".parse()?;
//! assert_eq!(topic.channel, Channel::Up);
//! assert_eq!(topic.to_string(), "v1/p/07/g/casa-12/up");
//! # Ok::<(), veglia_wire::TopicError>(())
//! ```

use core::fmt;
use core::str::FromStr;

use crate::ids::{GatewayId, IdError, Partition};

/// What a topic carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Frames, gateway to ingest.
    Up,
    /// The greeting at each connection, gateway to ingest.
    Hello,
    /// Acknowledgements, ingest to gateway; never retained.
    Ack,
    /// Commands, ingest to gateway.
    Cmd,
    /// Presence by will: a hint only.
    Pres,
    /// How the gateway is, and what became of commands, gateway to ingest.
    State,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 6] = [
        Self::Up,
        Self::Hello,
        Self::Ack,
        Self::Cmd,
        Self::Pres,
        Self::State,
    ];

    /// The last level of the topic.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Hello => "hello",
            Self::Ack => "ack",
            Self::Cmd => "cmd",
            Self::Pres => "pres",
            Self::State => "state",
        }
    }

    /// Whether the gateway publishes here (and ingest listens); otherwise it is the reverse.
    pub fn is_upward(self) -> bool {
        matches!(self, Self::Up | Self::Hello | Self::Pres | Self::State)
    }
}

/// One topic of one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The gateway's partition.
    pub partition: Partition,
    /// The gateway.
    pub gateway: GatewayId,
    /// What it carries.
    pub channel: Channel,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "v1/p/{}/g/{}/{}",
            self.partition,
            self.gateway,
            self.channel.name()
        )
    }
}

/// All gateways of one partition on one channel: what an ingest subscribes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Filter {
    /// The partition.
    pub partition: Partition,
    /// The channel.
    pub channel: Channel,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1/p/{}/g/+/{}", self.partition, self.channel.name())
    }
}

/// Why a text is not a topic or filter of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not of the form `v1/p/<partition>/g/<gateway>/<channel>`.
    #[error("a topic has the form v1/p/<two digits>/g/<gateway>/<channel>")]
    Form,
    /// The partition is not two digits from 00 to 63.
    #[error("the partition is not two digits from 00 to 63")]
    Partition,
    /// The gateway's id is not an id.
    #[error("the gateway is not an identifier")]
    Gateway(#[source] IdError),
    /// No such channel.
    #[error("the channel is none of up, hello, ack, cmd, pres, state")]
    Channel,
}

fn parse(text: &str) -> Result<(Partition, &str, Channel), TopicError> {
    let mut levels = text.split('/');
    let mut next = || levels.next().ok_or(TopicError::Form);
    if next()? != "v1" || next()? != "p" {
        return Err(TopicError::Form);
    }
    let digits = next()?;
    if next()? != "g" {
        return Err(TopicError::Form);
    }
    let gateway = next()?;
    let name = next()?;
    if levels.next().is_some() {
        return Err(TopicError::Form);
    }
    let channel = Channel::ALL
        .into_iter()
        .find(|channel| channel.name() == name);
    let channel = channel.ok_or(TopicError::Channel)?;
    Ok((partition(digits)?, gateway, channel))
}

fn partition(digits: &str) -> Result<Partition, TopicError> {
    let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits
        .parse()
        .ok()
        .filter(|_| two)
        .ok_or(TopicError::Partition)?;
    Partition::new(number).map_err(|_| TopicError::Partition)
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let (partition, gateway, channel) = parse(text)?;
        let gateway = GatewayId::new(gateway).map_err(TopicError::Gateway)?;
        Ok(Self {
            partition,
            gateway,
            channel,
        })
    }
}

impl FromStr for Filter {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        match parse(text)? {
            (partition, "+", channel) => Ok(Self { partition, channel }),
            _ => Err(TopicError::Form),
        }
    }
}
