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

/// Starts a process with the limit that shells and systemd give to every program, so that it has
/// to raise its own as it does in life. Nothing else may need files in this moment.
#[cfg(all(feature = "broker", feature = "ingest"))]
pub(crate) fn with_usual<T>(start: impl FnOnce() -> T) -> io::Result<T> {
    const USUAL: u64 = 1_024;
    let allowed = getrlimit(Resource::Nofile);
    let usual = Rlimit {
        current: Some(allowed.maximum.map_or(USUAL, |most| most.min(USUAL))),
        maximum: allowed.maximum,
    };
    setrlimit(Resource::Nofile, usual)?;
    let started = start();
    setrlimit(Resource::Nofile, allowed)?;
    Ok(started)
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

#[cfg(all(test, feature = "broker", feature = "ingest"))]
mod tests {
    use super::*;

    #[test]
    fn a_started_process_has_the_usual_limit_and_this_one_keeps_its_own() {
        let current = || getrlimit(Resource::Nofile).current;
        let before = current();
        let started = with_usual(current).unwrap();
        assert!(started.is_some_and(|allowed| allowed <= 1_024));
        assert_eq!(current(), before);
    }
}
