//! How many at once, in all and from one address: connections, from the accept to the close, and
//! among them the TLS handshakes under way.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::config::Limits;
use crate::refusal::Refusal;

/// A book of places.
#[derive(Debug)]
pub(crate) struct Admission {
    most: u32,
    most_from_one: u32,
    all_taken: Refusal,
    all_of_address_taken: Refusal,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Admission {
    /// The places for connections.
    pub(crate) fn to_the_house(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections.get(),
            most_from_one: limits.connections_per_address.get(),
            all_taken: Refusal::HouseFull,
            all_of_address_taken: Refusal::AddressFull,
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
            open: Mutex::default(),
        })
    }

    /// One more, until the pass is dropped.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Pass, Refusal> {
        let address = neighbourhood(address);
        let mut open = self.open();
        if open.total >= self.most {
            return Err(self.all_taken);
        }
        let from_here = open.by_address.entry(address).or_default();
        if *from_here >= self.most_from_one {
            return Err(self.all_of_address_taken);
        }
        *from_here += 1;
        open.total += 1;
        drop(open);
        Ok(Pass {
            admission: Arc::clone(self),
            address,
        })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> u32 {
        self.open().total
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("nothing panics under this lock")
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Pass {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.total -= 1;
        if let Some(from_here) = open.by_address.get_mut(&self.address) {
            *from_here -= 1;
            if *from_here == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

/// An IPv6 subscriber has a whole /64 of addresses, so it counts as one.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
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
        assert!(admission.admit(from("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn nothing_is_remembered_of_who_left() {
        let admission = admission();
        drop(admission.admit(from("192.0.2.1")).unwrap());
        assert_eq!(admission.taken(), 0);
        assert!(admission.open().by_address.is_empty());
    }
}
