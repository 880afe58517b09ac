//! A listener that holds a bounded number of connections, in all and from one address.
//!
//! When all places are taken the rest wait in the kernel's queue. When one address has all of its
//! own, what comes from there in addition is closed at once: nobody else waits for it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at once: a hundred screens with six each, a few hundred more through a proxy, and
/// still within the 1,024 open files that a process has by default.
const CONNECTIONS: usize = 768;

/// Of one address: a hospital behind one router, with a hundred screens that hold a stream each and
/// some that load a page; and a sixth of all, so that one stranger leaves room for everybody else.
const CONNECTIONS_PER_ADDRESS: u32 = 128;

/// Said at most so often, or a flood would fill the log.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Whether the other end of a connection is who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Each comes by itself and gets the places of one address.
    Direct,
    /// All come through one proxy, which has to see to it that nobody takes too many.
    Proxied,
}

/// The bounded listener.
pub(crate) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    guests: Arc<Guests>,
    said_at: Option<Instant>,
}

/// A connection and the places it takes, given back when it is dropped.
pub(crate) struct Held {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    _guest: Guest,
}

impl Bounded {
    pub(crate) fn new(listener: TcpListener, callers: Callers) -> Self {
        let most_from_one = match callers {
            Callers::Direct => CONNECTIONS_PER_ADDRESS,
            Callers::Proxied => u32::MAX,
        };
        Self {
            listener,
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            guests: Arc::new(Guests {
                most_from_one,
                by_address: Mutex::default(),
            }),
            said_at: None,
        }
    }

    fn say_that_one_has_all(&mut self) {
        let now = Instant::now();
        let is_new = |at: Instant| now.duration_since(at) >= SAY_EVERY;
        if self.said_at.is_none_or(is_new) {
            self.said_at = Some(now);
            tracing::warn!(
                places = self.guests.most_from_one,
                "one address holds all its connections to the pages: more from there are closed"
            );
        }
    }
}

impl Listener for Bounded {
    type Io = Held;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Held, SocketAddr) {
        let place = self.places.clone().acquire_owned().await;
        let place = place.expect("nobody closes this semaphore");
        loop {
            // axum's own listener waits and tries again when the system is out of descriptors.
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            let Some(guest) = self.guests.admit(peer.ip()) else {
                drop(stream);
                self.say_that_one_has_all();
                continue;
            };
            let held = Held {
                stream,
                _place: place,
                _guest: guest,
            };
            return (held, peer);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// How many connections each address has.
#[derive(Debug)]
struct Guests {
    most_from_one: u32,
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

impl Guests {
    /// One more, until the guest is dropped; `None` when this address has all of its places.
    fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Guest> {
        let address = neighbourhood(address);
        let mut by_address = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let from_here = by_address.entry(address).or_default();
        if *from_here >= self.most_from_one {
            return None;
        }
        *from_here += 1;
        drop(by_address);
        Some(Guest {
            guests: Arc::clone(self),
            address,
        })
    }
}

/// One of the places of an address.
#[derive(Debug)]
struct Guest {
    guests: Arc<Guests>,
    address: IpAddr,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let guests = &self.guests;
        let mut by_address = guests
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(from_here) = by_address.get_mut(&self.address) {
            *from_here -= 1;
            if *from_here == 0 {
                by_address.remove(&self.address);
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

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests() -> Arc<Guests> {
        Arc::new(Guests {
            most_from_one: 2,
            by_address: Mutex::default(),
        })
    }

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_places_and_another_has_its_own() {
        let guests = guests();
        let _first = guests.admit(from("192.0.2.1")).unwrap();
        let second = guests.admit(from("192.0.2.1")).unwrap();
        assert!(guests.admit(from("::ffff:192.0.2.1")).is_none());
        assert!(guests.admit(from("192.0.2.2")).is_some());
        drop(second);
        assert!(guests.admit(from("192.0.2.1")).is_some());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let guests = guests();
        let _first = guests.admit(from("2001:db8::1")).unwrap();
        let _second = guests.admit(from("2001:db8::2")).unwrap();
        assert!(guests.admit(from("2001:db8::3")).is_none());
        assert!(guests.admit(from("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_an_address_that_left() {
        let guests = guests();
        drop(guests.admit(from("192.0.2.1")).unwrap());
        assert!(guests.by_address.lock().unwrap().is_empty());
    }
}
