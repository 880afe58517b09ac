//! How many at once, in all, from one address and from the networks around it: connections, from
//! the accept to the close, and among them the TLS handshakes under way.
//!
//! An IPv6 subscriber has at least a whole /64 of addresses, so that counts as one address; many
//! have a /56 and some a /48, and whoever rents a machine may have a /24 of IPv4. So these are
//! counted too, the widest more loosely, because they may also be many homes.
//!
//! A connection that is open stays. A handshake shows nothing of who is behind it: when there is
//! no place left, the oldest of the network that has most gives way to a newcomer of one that has
//! fewer. Among equals the newcomer goes: in an honest storm those who came first finish.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::config::Limits;
use crate::refusal::Refusal;
use crate::takeover::Kick;

/// The networks of an IPv4 address that are counted: bits of the prefix, narrowest first, and how
/// many times the limit of one address each may have.
const AROUND_V4: &[(u32, u32)] = &[(32, 1), (24, 2)];

/// The same for IPv6. A subscriber with a /56 is one subscriber.
const AROUND_V6: &[(u32, u32)] = &[(64, 1), (56, 1), (48, 2)];

/// A book of places.
#[derive(Debug)]
pub(crate) struct Admission {
    most: u32,
    most_from_one: u32,
    all_taken: Refusal,
    all_of_address_taken: Refusal,
    /// Whether who is in may be sent away for a newcomer.
    gives_way: bool,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Places given since the start.
    count: u64,
    /// In the order in which they came.
    occupants: BTreeMap<u64, Occupant>,
    by_network: HashMap<Network, u32>,
}

#[derive(Debug)]
struct Occupant {
    around: Around,
    kick: Arc<Kick>,
}

/// A prefix, and how many bits of it count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Network {
    prefix: IpAddr,
    bits: u32,
}

/// The networks of one address.
#[derive(Debug, Clone)]
struct Around {
    own: Network,
    /// With how many times the limit of one address, narrowest first.
    wider: Vec<(Network, u32)>,
}

impl Admission {
    /// The places for connections.
    pub(crate) fn to_the_house(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections.get(),
            most_from_one: limits.connections_per_address.get(),
            all_taken: Refusal::HouseFull,
            all_of_address_taken: Refusal::AddressFull,
            gives_way: false,
            open: Mutex::default(),
        })
    }

    /// The places for handshakes.
    pub(crate) fn to_handshakes(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.handshakes.get(),
            most_from_one: limits.handshakes_per_address.get(),
            all_taken: Refusal::HandshakesFull,
            all_of_address_taken: Refusal::AddressHandshakes,
            gives_way: true,
            open: Mutex::default(),
        })
    }

    /// One more, until the pass is dropped.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Pass, Refusal> {
        let around = Around::of(address);
        let mut open = self.open();
        if open.of(around.own) >= self.most_from_one {
            return Err(self.all_of_address_taken);
        }
        for (network, times) in &around.wider {
            if open.of(*network) >= self.most_from_one.saturating_mul(*times) {
                self.make_room(&mut open, Some(*network), &around)?;
            }
        }
        if open.total() >= self.most {
            self.make_room(&mut open, None, &around)?;
        }
        let kick = Arc::new(Kick::default());
        let number = open.enter(around, Arc::clone(&kick));
        drop(open);
        Ok(Pass {
            admission: Arc::clone(self),
            number,
            kick,
        })
    }

    /// Sends somebody away, of this network or of all, if there is one who has more than the
    /// newcomer would have.
    fn make_room(
        &self,
        open: &mut Open,
        within: Option<Network>,
        newcomer: &Around,
    ) -> Result<(), Refusal> {
        let why = match within {
            Some(_) => self.all_of_address_taken,
            None => self.all_taken,
        };
        let heaviest = self
            .gives_way
            .then(|| open.heaviest(within, newcomer))
            .flatten();
        let gone = heaviest.and_then(|number| open.leave(number));
        gone.ok_or(why)?.kick.kick(why);
        Ok(())
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> u32 {
        self.open().total()
    }

    /// Whether more than half of all are taken.
    pub(crate) fn is_crowded(&self) -> bool {
        self.taken() > self.most / 2
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("nothing panics under this lock")
    }
}

impl Open {
    fn total(&self) -> u32 {
        u32::try_from(self.occupants.len()).unwrap_or(u32::MAX)
    }

    fn of(&self, network: Network) -> u32 {
        self.by_network.get(&network).copied().unwrap_or_default()
    }

    /// How many share its widest network, and how many its own.
    fn weight(&self, around: &Around) -> (u32, u32) {
        (self.of(around.widest()), self.of(around.own))
    }

    /// The oldest of whoever has most, if that is more than the newcomer would have then.
    fn heaviest(&self, within: Option<Network>, newcomer: &Around) -> Option<u64> {
        let (weight, Reverse(number), around) = self
            .occupants
            .iter()
            .filter(|(_, it)| within.is_none_or(|network| it.around.is_in(network)))
            .map(|(number, it)| (self.weight(&it.around), Reverse(*number), &it.around))
            .max_by_key(|(weight, number, _)| (*weight, *number))?;
        let (mut widest, own) = self.weight(newcomer);
        if around.widest() != newcomer.widest() {
            widest += 1;
        }
        (weight > (widest, own + 1)).then_some(number)
    }

    fn enter(&mut self, around: Around, kick: Arc<Kick>) -> u64 {
        self.count += 1;
        for network in around.all() {
            *self.by_network.entry(network).or_default() += 1;
        }
        self.occupants.insert(self.count, Occupant { around, kick });
        self.count
    }

    fn leave(&mut self, number: u64) -> Option<Occupant> {
        let gone = self.occupants.remove(&number)?;
        for network in gone.around.all() {
            if let Some(from_here) = self.by_network.get_mut(&network) {
                *from_here -= 1;
                if *from_here == 0 {
                    self.by_network.remove(&network);
                }
            }
        }
        Some(gone)
    }
}

impl Network {
    fn of(address: IpAddr, bits: u32) -> Self {
        let prefix = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX << 32_u32.saturating_sub(bits);
                IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX << 128_u32.saturating_sub(bits);
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
            }
        };
        Self { prefix, bits }
    }
}

impl Around {
    fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let counted = match address {
            IpAddr::V4(_) => AROUND_V4,
            IpAddr::V6(_) => AROUND_V6,
        };
        let mut networks = counted
            .iter()
            .map(|(bits, times)| (Network::of(address, *bits), *times));
        let (own, _) = networks.next().expect("an address is in its own network");
        Self {
            own,
            wider: networks.collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = Network> {
        let wider = self.wider.iter().map(|(network, _)| *network);
        std::iter::once(self.own).chain(wider)
    }

    fn widest(&self) -> Network {
        self.wider.last().map_or(self.own, |(network, _)| *network)
    }

    fn is_in(&self, network: Network) -> bool {
        self.all().any(|it| it == network)
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Pass {
    admission: Arc<Admission>,
    number: u64,
    kick: Arc<Kick>,
}

impl Pass {
    /// Waits until the place is somebody else's.
    pub(crate) async fn withdrawn(&self) -> Refusal {
        self.kick.kicked().await
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        drop(self.admission.open().leave(self.number));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn admission() -> Arc<Admission> {
        Admission::to_the_house(&Limits {
            connections: NonZeroU32::new(3).expect("it is not zero"),
            connections_per_address: NonZeroU32::new(2).expect("it is not zero"),
            ..Limits::default()
        })
    }

    fn from(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let admission = admission();
        let _first = admission.admit(from("192.0.2.1")).unwrap();
        let second = admission.admit(from("192.0.2.1")).unwrap();
        let third = admission.admit(from("::ffff:192.0.2.1"));
        assert_eq!(third.unwrap_err(), Refusal::AddressFull);
        let _other = admission.admit(from("192.0.2.2")).unwrap();
        let full = admission.admit(from("192.0.2.3"));
        assert_eq!(full.unwrap_err(), Refusal::HouseFull);
        drop(second);
        assert!(admission.admit(from("192.0.2.1")).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let admission = admission();
        let _first = admission.admit(from("2001:db8::1")).unwrap();
        let _second = admission.admit(from("2001:db8::2")).unwrap();
        let third = admission.admit(from("2001:db8::3"));
        assert_eq!(third.unwrap_err(), Refusal::AddressFull);
        assert!(admission.admit(from("2001:db8:0:100::1")).is_ok());
    }

    #[test]
    fn nothing_is_remembered_of_who_left() {
        let admission = admission();
        drop(admission.admit(from("192.0.2.1")).unwrap());
        assert_eq!(admission.taken(), 0);
        assert!(admission.open().by_network.is_empty());
    }

    fn handshakes(most: u32, most_from_one: u32) -> Arc<Admission> {
        Admission::to_handshakes(&Limits {
            handshakes: NonZeroU32::new(most).expect("it is not zero"),
            handshakes_per_address: NonZeroU32::new(most_from_one).expect("it is not zero"),
            ..Limits::default()
        })
    }

    #[test]
    fn a_subscriber_cannot_pass_for_many_by_the_networks_it_has() {
        let admission = handshakes(100, 2);
        let _one = admission.admit(from("2001:db8:0:1::1")).unwrap();
        let _two = admission.admit(from("2001:db8:0:2::1")).unwrap();
        let third = admission.admit(from("2001:db8:0:3::1"));
        assert_eq!(third.unwrap_err(), Refusal::AddressHandshakes, "a /56");
        let _three = admission.admit(from("2001:db8:0:100::1")).unwrap();
        let _four = admission.admit(from("2001:db8:0:200::1")).unwrap();
        let fifth = admission.admit(from("2001:db8:0:300::1"));
        assert_eq!(fifth.unwrap_err(), Refusal::AddressHandshakes, "a /48");
        assert!(admission.admit(from("2001:db8:1::1")).is_ok());
    }

    #[tokio::test]
    async fn the_oldest_of_the_network_that_has_most_gives_way() {
        let admission = handshakes(4, 3);
        let few = admission.admit(from("198.51.100.1")).unwrap();
        let oldest = admission.admit(from("192.0.2.1")).unwrap();
        let _second = admission.admit(from("192.0.2.1")).unwrap();
        let _third = admission.admit(from("192.0.2.1")).unwrap();
        let newcomer = admission.admit(from("203.0.113.1")).unwrap();
        assert_eq!(oldest.withdrawn().await, Refusal::HandshakesFull);
        assert_eq!(admission.taken(), 4);
        // Given back once, however late its pass is dropped.
        drop(oldest);
        assert_eq!(admission.taken(), 4);
        drop((few, newcomer));
        assert_eq!(admission.taken(), 2);
    }

    #[test]
    fn among_equals_those_who_came_first_stay() {
        let admission = handshakes(2, 2);
        let _one = admission.admit(from("198.51.100.1")).unwrap();
        let _two = admission.admit(from("192.0.2.1")).unwrap();
        let third = admission.admit(from("203.0.113.1"));
        assert_eq!(third.unwrap_err(), Refusal::HandshakesFull);
    }

    #[tokio::test]
    async fn a_neighbour_of_a_crowd_gets_in_within_the_network_they_share() {
        let admission = handshakes(100, 2);
        let oldest = admission.admit(from("192.0.2.1")).unwrap();
        let _second = admission.admit(from("192.0.2.1")).unwrap();
        let _third = admission.admit(from("192.0.2.2")).unwrap();
        let _fourth = admission.admit(from("192.0.2.2")).unwrap();
        let _neighbour = admission.admit(from("192.0.2.3")).unwrap();
        assert_eq!(oldest.withdrawn().await, Refusal::AddressHandshakes);
        assert_eq!(admission.taken(), 4);
    }
}
