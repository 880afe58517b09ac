//! One end of a serial cable: the simulator holds the master of a pty, the gateway opens the
//! slave through a link whose name stays the same, as under `/dev/serial/by-id`.
//!
//! Nobody at the other end means that bytes are lost, as on a real wire. A pty by itself would
//! keep them and hand a later reader the past as if it were the present.
//!
//! Absent: baud rates (a pty has none).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, ioctl_fionbio, read, write};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use thiserror::Error;

/// Why a port could not be made or written to.
#[derive(Debug, Error)]
pub enum PtyError {
    /// The system gave no pty.
    #[error("no pseudo-terminal to be had; see `ulimit -n` and /proc/sys/kernel/pty/max")]
    Open(#[source] io::Error),
    /// The link to it could not be made.
    #[error("cannot make the port {}; choose a folder that can be written to", path.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The line gave an error instead of bytes.
    #[error("the simulated line cannot be read; start the simulator again")]
    Read(#[source] io::Error),
    /// The line took an error instead of bytes.
    #[error("the simulated line broke; start the simulator again")]
    Write(#[source] io::Error),
}

/// Whether anybody can have heard what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// All bytes went into the line, and somebody holds its other end.
    Whole,
    /// A part of them went in before there was no more room; the rest was dropped.
    Torn,
    /// Nobody holds the other end, or there was no room at all: all bytes were dropped.
    Not,
}

/// A device's end of the cable, plugged in.
#[derive(Debug)]
pub struct Pty {
    master: OwnedFd,
    slave: PathBuf,
    link: PathBuf,
}

impl Pty {
    /// Plugs a device in: a new pty, and `link` leading to it, from one moment to the next.
    ///
    /// # Errors
    /// When there is no pty to be had or the link cannot be made.
    pub fn plug(link: &Path) -> Result<Self, PtyError> {
        let (master, slave) = open_raw().map_err(|errno| PtyError::Open(errno.into()))?;
        point(link, &slave).map_err(|source| PtyError::Link {
            path: link.to_owned(),
            source,
        })?;
        Ok(Self {
            master,
            slave,
            link: link.to_owned(),
        })
    }

    /// Whether somebody has the port open.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn has_reader(&self) -> Result<bool, PtyError> {
        let mut line = [PollFd::new(&self.master, PollFlags::OUT)];
        poll(&mut line, Some(&Timespec::default()))
            .map_err(|errno| PtyError::Write(errno.into()))?;
        Ok(!line[0].revents().contains(PollFlags::HUP))
    }

    /// The bytes that the other end has sent since this was last asked, at most `N`.
    ///
    /// # Errors
    /// When the line breaks; that nobody is there is no error.
    pub fn sent<const N: usize>(&self) -> Result<Vec<u8>, PtyError> {
        let mut bytes = [0; N];
        match read(&self.master, &mut bytes) {
            Ok(count) => Ok(bytes[..count].to_vec()),
            Err(Errno::AGAIN | Errno::IO | Errno::INTR) => Ok(Vec::new()),
            Err(errno) => Err(PtyError::Read(errno.into())),
        }
    }

    /// Puts bytes on the line, without ever waiting for room.
    ///
    /// # Errors
    /// When the line breaks; that nobody listens is no error.
    pub fn write(&self, bytes: &[u8]) -> Result<Heard, PtyError> {
        if !self.has_reader()? {
            return Ok(Heard::Not);
        }
        match write(&self.master, bytes) {
            Ok(written) if written == bytes.len() => Ok(Heard::Whole),
            Ok(written) if written > 0 => Ok(Heard::Torn),
            Ok(_) | Err(Errno::AGAIN | Errno::IO | Errno::INTR) => Ok(Heard::Not),
            Err(errno) => Err(PtyError::Write(errno.into())),
        }
    }
}

/// Pulled out: the link goes first, because the system may give the pty's number to another
/// device at once; then the reader gets its hang-up. A link that leads elsewhere by now belongs
/// to whoever was plugged in since.
impl Drop for Pty {
    fn drop(&mut self) {
        if fs::read_link(&self.link).ok().as_ref() != Some(&self.slave) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.link) {
            tracing::debug!(port = %self.link.display(), %error, "the port's link stays");
        }
    }
}

fn open_raw() -> rustix::io::Result<(OwnedFd, PathBuf)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    ioctl_fionbio(&master, true)?;
    // Raw and without echo before anybody can open it: what a line discipline would do to a
    // binary frame nobody would find.
    let mut line = tcgetattr(&master)?;
    line.make_raw();
    tcsetattr(&master, OptionalActions::Now, &line)?;
    let slave = PathBuf::from(OsString::from_vec(
        ptsname(&master, Vec::new())?.into_bytes(),
    ));
    // Linux says that nobody listens only after somebody has.
    drop(open(
        &slave,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )?);
    Ok((master, slave))
}

/// Makes `link` lead to `slave`, replacing what was there in one step.
fn point(link: &Path, slave: &Path) -> io::Result<()> {
    let mut fresh = link.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    if let Err(error) = fs::remove_file(&fresh)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    symlink(slave, &fresh)?;
    fs::rename(&fresh, link)
}
