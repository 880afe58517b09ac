//! Where a role answers: its socket, its address, and for how long.
//!
//! The socket is made under another name, closed to everybody but its owner, and then renamed: so
//! it is never open to others under its own name, and what a killed process left goes with it.

use std::fs::{self, Permissions};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::http::{Answering, converse};
use super::{Config, Kind, Role, SOCKET};

/// Connections at once on each listener; the next ones wait. Health is asked by one or two
/// programs and now and then a person, and must stay small beside the work itself. The socket and
/// the address have places of their own: who is silent at the one keeps nobody from the other.
const AT_ONCE_MAX: usize = 16;

/// After an accept that failed, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Read and written by the owner alone.
const OWNER_ONLY: u32 = 0o600;

/// Where a role answers until it is dropped. The role's folder must be locked for longer.
pub(crate) struct Desk {
    role: watch::Sender<Option<Arc<dyn Role>>>,
    answering: Arc<Answering>,
    socket: Option<PathBuf>,
    /// Ends with the desk.
    listening: JoinSet<()>,
}

impl Desk {
    /// Opens the socket in `dir`, and the address that the configuration gives the role.
    ///
    /// # Errors
    /// A sentence for an address that others could reach, or that cannot be had.
    pub(crate) fn open(
        config: &Config,
        kind: Kind,
        dir: &Path,
        stop: &CancellationToken,
    ) -> Result<Self> {
        let address = config.address(kind)?;
        let mut desk = Self::on_socket(kind, dir, stop);
        if let Some(address) = address {
            let listener = listen(address).with_context(|| {
                format!(
                    "cannot answer for [health] {} on {address}; each role needs a port of its \
                     own: if another program listens there, choose another",
                    kind.name()
                )
            })?;
            let answering = Arc::clone(&desk.answering);
            desk.listening.spawn(receive(listener, answering));
        }
        Ok(desk)
    }

    /// Opens the socket alone. Without it the role goes on, and says so.
    fn on_socket(kind: Kind, dir: &Path, stop: &CancellationToken) -> Self {
        let (role, seen) = watch::channel(None);
        let answering = Arc::new(Answering {
            kind,
            role: seen,
            began: Instant::now(),
            stop: stop.clone(),
        });
        let mut desk = Self {
            role,
            answering: Arc::clone(&answering),
            socket: None,
            listening: JoinSet::new(),
        };
        let socket = dir.join(SOCKET);
        match bind(dir, &socket) {
            Ok(listener) => {
                desk.listening.spawn(receive(listener, answering));
                desk.socket = Some(socket);
            }
            Err(error) => tracing::warn!(
                %error,
                socket = %socket.display(),
                "veglia status cannot ask this role: see that the disk takes files, and that the \
                 path of the data directory is short"
            ),
        }
        desk
    }

    /// Opens the socket alone, for a role that can be asked at once.
    #[cfg(all(feature = "gateway", feature = "broker", feature = "dashboard"))]
    pub(crate) fn of(kind: Kind, dir: &Path, stop: &CancellationToken, role: impl Role) -> Self {
        let desk = Self::on_socket(kind, dir, stop);
        desk.speak_for(role);
        desk
    }

    /// Answers on one more address. Without it the role goes on, and says so.
    #[cfg(feature = "gateway")]
    pub(crate) fn also_on(&mut self, address: SocketAddr) {
        match listen(address) {
            Ok(listener) => {
                let answering = Arc::clone(&self.answering);
                self.listening.spawn(receive(listener, answering));
                tracing::info!(page = %format!("http://{address}/"), "the box shows how it is");
            }
            Err(error) => tracing::warn!(
                %address, %error,
                "the box goes on without its page: another program listens there; choose another \
                 [gateway] status_page"
            ),
        }
    }

    /// What a supervisor asks whether the role turns, also after the desk is closed.
    pub(crate) fn alive(&self) -> Alive {
        Alive(Arc::clone(&self.answering))
    }

    /// From now on `role` says how it is.
    pub(crate) fn speak_for(&self, role: impl Role) {
        self.role.send_replace(Some(Arc::new(role)));
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            // What stays is found dead by whoever asks, and goes at the next start.
            drop(fs::remove_file(socket));
        }
    }
}

/// A role, to be asked whether its tasks turn.
#[derive(Clone)]
pub(crate) struct Alive(Arc<Answering>);

impl Alive {
    /// What does not turn; none when all does.
    pub(crate) async fn stalled(&self) -> Option<String> {
        self.0.stalled().await
    }
}

fn bind(dir: &Path, socket: &Path) -> io::Result<UnixListener> {
    let fresh = dir.join(format!("{SOCKET}.new"));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, Permissions::from_mode(OWNER_ONLY))?;
    fs::rename(&fresh, socket)?;
    Ok(listener)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = StdTcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Something that connections come from.
trait Listener: Send + Sync {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn next(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<UnixStream> {
        Ok(self.accept().await?.0)
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<TcpStream> {
        Ok(self.accept().await?.0)
    }
}

/// Takes connections for ever, so many at once; those under way end with it.
async fn receive(listener: impl Listener, answering: Arc<Answering>) {
    let places = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let mut conversations = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.next().await {
            Ok(stream) => {
                let answering = Arc::clone(&answering);
                conversations.spawn(async move {
                    converse(stream, answering).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a question about health could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        // Otherwise what has ended would be kept.
        while conversations.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests;
