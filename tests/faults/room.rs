//! A small disk of its own for one role: a tmpfs in a mount namespace of the role's process.
//!
//! Nobody else sees the mount; the test reaches it through the process. It goes with the process.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;

/// How the system lets this user have a namespace: as root, or as root of a user namespace.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];

/// Written at once by the filler.
const CHUNK_BYTES: usize = 4096;

/// A way to have mounts of one's own, if there is one.
pub(crate) fn way() -> Option<&'static [&'static str]> {
    let works = |way: &&[&str]| {
        let mut command = Command::new("unshare");
        command.args(*way);
        command.args(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]);
        command.output().is_ok_and(|done| done.status.success())
    };
    WAYS.into_iter().find(works)
}

/// A role that runs with a small disk in place of one folder.
#[derive(Debug)]
pub(crate) struct Confined {
    pub(crate) process: Process,
    folder: PathBuf,
}

impl Confined {
    /// Starts `role` with a disk of `mebibytes` at `folder`, which is made.
    pub(crate) fn start(
        way: &[&str],
        role: &Command,
        folder: &Path,
        mebibytes: u32,
        log: &Path,
    ) -> Self {
        fs::create_dir_all(folder).expect("a folder can be made");
        let mut command = Command::new("unshare");
        command.args(way).args(["sh", "-c"]).arg(format!(
            "mount -t tmpfs -o size={mebibytes}m tmpfs \"$0\" && exec \"$@\""
        ));
        command
            .arg(folder)
            .arg(role.get_program())
            .args(role.get_args());
        for (name, value) in role.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self {
            process: Process::start(&mut command, log),
            folder: folder.to_owned(),
        }
    }

    /// A path as this process sees it.
    pub(crate) fn inside(&self, path: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.process.id());
        let path = path.strip_prefix("/").expect("paths here are absolute");
        Path::new(&root).join(path)
    }

    /// Leaves no room on the disk.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.filler()).expect("a file can be made");
        let full = std::iter::repeat_with(|| filler.write_all(&[1; CHUNK_BYTES]));
        let error = full.filter_map(Result::err).next();
        let kind = error.map(|error| error.kind());
        assert_eq!(kind, Some(io::ErrorKind::StorageFull));
    }

    /// Gives the room back.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.filler()).expect("a file can be deleted");
    }

    fn filler(&self) -> PathBuf {
        self.inside(&self.folder.join("filler"))
    }
}
