//! How many files and sockets this process may hold. A broker has one for each gateway, and the
//! usual limit of 1,024 is a default for programs that use `select`, which none here does.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to what the system allows this process without asking. Where that is refused
/// the old limit stands; whoever needs more says so when it is reached.
pub(crate) fn allow_all() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?)
}

/// Whether so many connections may be open at once.
#[cfg(all(feature = "broker", feature = "ingest"))]
pub(crate) fn suffice_for(connections: usize) -> bool {
    /// Beside the connections: files, pipes, the runtime's own.
    const OTHERS: usize = 200;
    let allowed = getrlimit(Resource::Nofile).current;
    let allowed = allowed.and_then(|allowed| usize::try_from(allowed).ok());
    allowed.is_none_or(|allowed| allowed >= connections + OTHERS)
}
