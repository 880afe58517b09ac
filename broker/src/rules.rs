//! What each identity may say and hear: pure, so that it can be tried in a table.
//!
//! | who | may publish to | may subscribe to |
//! |---|---|---|
//! | gateway | its own `up`, `hello`, `pres` | its own `ack`, `cmd` |
//! | service | `ack`, `cmd` of its gateways | `up`, `hello`, `pres` of its partitions |
//!
//! Publishes are QoS 0 or 1 and never retained. A service has gateways and partitions only if it
//! is granted to receive.
//!
//! A topic or filter is what parses as one in `veglia_wire`; everything else is refused by not
//! being one: wildcards, `$share`, `$SYS`, letters outside ASCII. A will is a publish that comes
//! late, allowed to gateways on `pres` only.

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{LastWill, Publish};
use veglia_identity::{Grant, Identity, Partitions};
use veglia_wire::{Channel, Filter, GatewayId, Partition, Topic};

use crate::refusal::Refusal;

/// An identity in the terms of the wire.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    Gateway { id: GatewayId, partition: Partition },
    Service { receives_from: Partitions },
}

/// What a subscription brings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subscription {
    /// One topic: what a gateway hears.
    One(Topic),
    /// A channel of a whole partition: what a service hears.
    Partition(Filter),
}

impl Peer {
    /// The identity file keeps to the grammar of the wire, so a refusal here is a wrong file.
    pub(crate) fn of(identity: &Identity) -> Result<Self, Refusal> {
        match identity {
            Identity::Gateway { id, partition } => Ok(Self::Gateway {
                id: GatewayId::new(id).map_err(|_| Refusal::Credentials)?,
                partition: Partition::new(*partition).map_err(|_| Refusal::Credentials)?,
            }),
            Identity::Service { grants, .. } => {
                let receives = grants.may.contains(&Grant::Receive);
                let none = Partitions::These([].into());
                let receives_from = if receives {
                    grants.partitions.clone()
                } else {
                    none
                };
                Ok(Self::Service { receives_from })
            }
        }
    }

    /// The typed topic of a publish that may pass.
    pub(crate) fn publish(&self, publish: &Publish) -> Result<Topic, Refusal> {
        self.speak(&publish.topic, publish.qos, publish.retain)
    }

    /// The typed topic of a will that may be kept.
    pub(crate) fn will(&self, will: &LastWill) -> Result<Topic, Refusal> {
        let topic = self.speak(&will.topic, will.qos, will.retain);
        let on_pres = topic.ok().filter(|topic| topic.channel == Channel::Pres);
        on_pres.ok_or(Refusal::Will)
    }

    /// What subscribing to this text would bring.
    pub(crate) fn subscribe(&self, path: &str) -> Result<Subscription, Refusal> {
        let subscription = match self {
            Self::Gateway { id, partition } => path.parse().ok().and_then(|topic: Topic| {
                let own = topic.gateway == *id && topic.partition == *partition;
                (own && !topic.channel.is_upward()).then_some(Subscription::One(topic))
            }),
            Self::Service { receives_from } => path.parse().ok().and_then(|filter: Filter| {
                let granted = receives_from.contains(filter.partition.number());
                (granted && filter.channel.is_upward()).then_some(Subscription::Partition(filter))
            }),
        };
        subscription.ok_or(Refusal::NotYourFilter)
    }

    fn speak(&self, topic: &str, qos: QoS, retain: bool) -> Result<Topic, Refusal> {
        if qos == QoS::ExactlyOnce {
            return Err(Refusal::ExactlyOnce);
        }
        if retain {
            return Err(Refusal::Retained);
        }
        let topic: Topic = topic.parse().map_err(|_| Refusal::NotATopic)?;
        let allowed = match self {
            Self::Gateway { id, partition } => {
                let own = topic.gateway == *id && topic.partition == *partition;
                own && topic.channel.is_upward()
            }
            Self::Service { receives_from } => {
                !topic.channel.is_upward() && receives_from.contains(topic.partition.number())
            }
        };
        if allowed {
            Ok(topic)
        } else {
            Err(Refusal::NotYourTopic)
        }
    }
}

#[cfg(test)]
mod tests;
