//! A cable to the centre that can be cut: a small TCP relay on loopback between a gateway and
//! the broker.
//!
//! Cut means that open connections end and new ones are closed as soon as they arrive; a
//! gateway sees what it sees when a router has lost its line. Limits: [`MAX_CONNECTIONS`].
//! Absent: delay, loss and corruption.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Connections at once. A gateway has one, and the dying one of its last life; the rest is for
/// a bench that shares a relay.
pub const MAX_CONNECTIONS: usize = 1_024;

/// Pause after a failed accept: the usual cause, too many open files, needs a moment to pass.
const BREATH: Duration = Duration::from_millis(50);

/// The maker of relays.
#[derive(Clone, Copy, Debug)]
pub struct Relay;

/// A running relay; it ends, and cuts what runs through it, with the last of its handles.
#[derive(Clone, Debug)]
pub struct RelayHandle {
    line: Arc<watch::Sender<Line>>,
}

/// The state of the line. The cuts are counted, so that one mended at once is not overlooked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    whole: bool,
    cuts: u64,
}

impl RelayHandle {
    /// Cuts the line: what is connected is closed, what comes is closed.
    pub fn cut(&self) {
        self.line.send_modify(|line| {
            line.whole = false;
            line.cuts += 1;
        });
    }

    /// Mends the line, for new connections.
    pub fn restore(&self) {
        self.line.send_modify(|line| line.whole = true);
    }

    /// Whether the line is whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.line.borrow().whole
    }
}

impl Relay {
    /// Listens on a free loopback port and relays what connects there to `target`.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(target: SocketAddr) -> io::Result<(SocketAddr, RelayHandle)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let whole = Line {
            whole: true,
            cuts: 0,
        };
        let (handle, line) = watch::channel(whole);
        tokio::spawn(accept(listener, target, line));
        let line = Arc::new(handle);
        Ok((address, RelayHandle { line }))
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, mut line: watch::Receiver<Line>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = handles_gone(&mut line) => return,
        };
        let Ok((near, _)) = accepted else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let now = *line.borrow();
        if !now.whole {
            continue;
        }
        let line = line.clone();
        tokio::spawn(async move {
            carry(near, target, line, now.cuts).await;
            drop(place);
        });
    }
}

/// Both directions until one side ends, or the line is cut once more than `cuts` times.
async fn carry(
    mut near: TcpStream,
    target: SocketAddr,
    mut line: watch::Receiver<Line>,
    cuts: u64,
) {
    let through = async {
        let mut far = TcpStream::connect(target).await?;
        copy_bidirectional(&mut near, &mut far).await
    };
    tokio::select! {
        carried = through => if let Err(error) = carried {
            tracing::debug!(%error, "a relayed connection broke");
        },
        () = is_cut(&mut line, cuts) => {}
    }
}

async fn is_cut(line: &mut watch::Receiver<Line>, cuts: u64) {
    while line.borrow_and_update().cuts == cuts {
        if line.changed().await.is_err() {
            return;
        }
    }
}

async fn handles_gone(line: &mut watch::Receiver<Line>) {
    while line.changed().await.is_ok() {}
}
