//! How often one address may ask to be enrolled.
//!
//! Enrolling takes the disk and a signature, and the address is open to everybody. The limit is of
//! an address and not of all: one that floods shuts out itself.

use std::collections::HashMap;
use std::net::IpAddr;

use veglia_wire::WallMs;

/// Questions in a row from one address: a technician who enrols the boxes of a whole day behind
/// one router, some of them twice.
const BURST: i64 = 30;

/// One more after so long.
const REFILL_MS: i64 = 2_000;

/// Addresses remembered; those that have all their questions again are forgotten first.
const ADDRESSES_MAX: usize = 4_096;

/// What each address may still ask.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    /// When each will have all its questions again.
    free_at: HashMap<IpAddr, i64>,
}

impl Limiter {
    /// Whether this address may ask now; if so, one question is used.
    pub(crate) fn admits(&mut self, from: IpAddr, now: WallMs) -> bool {
        let from = network(from);
        if !self.free_at.contains_key(&from) && self.free_at.len() >= ADDRESSES_MAX {
            self.free_at.retain(|_, free_at| *free_at > now.0);
            if self.free_at.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let free_at = self.free_at.entry(from).or_insert(now.0);
        // A clock that was set back must not shut anybody out for as long.
        let debt = free_at.saturating_sub(now.0).clamp(0, BURST * REFILL_MS);
        if debt > (BURST - 1) * REFILL_MS {
            return false;
        }
        *free_at = now.0.saturating_add(debt + REFILL_MS);
        true
    }
}

/// Whoever has one IPv6 address has a whole /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            for segment in segments.iter_mut().skip(4) {
                *segment = 0;
            }
            IpAddr::from(segments)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_is_slowed_and_others_are_not() {
        let mut limiter = Limiter::default();
        let now = WallMs(1_000_000);
        for _ in 0..BURST {
            assert!(limiter.admits(address("192.0.2.1"), now));
        }
        assert!(!limiter.admits(address("192.0.2.1"), now));
        assert!(!limiter.admits(address("::ffff:192.0.2.1"), now));
        assert!(limiter.admits(address("192.0.2.2"), now));
        let later = now.plus_ms(REFILL_MS);
        assert!(limiter.admits(address("192.0.2.1"), later));
        assert!(!limiter.admits(address("192.0.2.1"), later));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let mut limiter = Limiter::default();
        for host in 0..BURST {
            assert!(limiter.admits(address(&format!("2001:db8::{host:x}")), WallMs(0)));
        }
        assert!(!limiter.admits(address("2001:db8::ffff"), WallMs(0)));
        assert!(limiter.admits(address("2001:db8:0:1::1"), WallMs(0)));
    }

    #[test]
    fn more_addresses_than_are_remembered_do_not_grow_memory() {
        let mut limiter = Limiter::default();
        let address = |number: usize| {
            let number = u32::try_from(number).unwrap();
            IpAddr::from(number.to_be_bytes())
        };
        for number in 0..ADDRESSES_MAX + 50 {
            limiter.admits(address(number), WallMs(0));
        }
        assert_eq!(limiter.free_at.len(), ADDRESSES_MAX);
        assert!(!limiter.admits(address(ADDRESSES_MAX + 99), WallMs(0)));
        assert!(limiter.admits(address(ADDRESSES_MAX + 99), WallMs(REFILL_MS)));
    }
}
