//! What the figures were measured on. Figures without it say nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::param::clock_ticks_per_second;
use serde::Serialize;

use crate::open_files;

/// The machine, as far as it matters for the figures.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) memory_bytes: u64,
    pub(super) kernel: String,
    /// The kind of file system that the data lie on, as the kernel calls it.
    pub(super) file_system: String,
    /// Where that file system is mounted from.
    pub(super) device: String,
    pub(super) version: &'static str,
    /// Whether the program was compiled with optimisation: without, figures mean nothing.
    pub(super) optimised: bool,
}

impl Machine {
    /// Of this machine, with data in `folder`.
    pub(super) fn describe(folder: &Path) -> Result<Self> {
        let folder = folder.canonicalize()?;
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let (device, file_system) = mount_of(&mounts, &folder).unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo")?;
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpus.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(':'));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(Self {
            cpu: model.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            memory_bytes: kib_after(&memory, "MemTotal:").unwrap_or(0),
            kernel: kernel.trim().to_owned(),
            file_system,
            device,
            version: env!("CARGO_PKG_VERSION"),
            optimised: !cfg!(debug_assertions),
        })
    }
}

/// Device and kind of the file system that holds an absolute path.
fn mount_of(mounts: &str, path: &Path) -> Option<(String, String)> {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, Path::new(words.next()?), words.next()?))
    });
    let above = mounted.filter(|(_, point, _)| path.starts_with(point));
    // The last of several at one place hides the others.
    let (device, _, kind) = above.max_by_key(|(_, point, _)| point.components().count())?;
    Some((device.to_owned(), kind.to_owned()))
}

/// The number of KiB behind a name in one of the kernel's lists, as bytes.
pub(super) fn kib_after(list: &str, name: &str) -> Option<u64> {
    let line = list.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Processor time that a process has had so far, all its threads together. `process` is its number
/// or `self`.
pub(super) fn processor_time(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&stat).context("the kernel does not say how long a process has run")?;
    let ticks = Duration::from_secs(ticks);
    Ok(ticks / u32::try_from(clock_ticks_per_second())?)
}

/// Ticks in user and in kernel mode.
fn ticks(stat: &str) -> Option<u64> {
    // The name of the program, in brackets, may hold anything; behind it count from the state.
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

/// Refuses more connections than this process may hold.
pub(super) fn allow_connections(connections: usize) -> Result<()> {
    if !open_files::suffice_for(connections) {
        bail!("{connections} connections need more open files than allowed: see `ulimit -n`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_above_a_path_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\nnone /tmp tmpfs rw 0 0\n/dev/b /tmp/x xfs rw 0 0\n";
        let of = |path: &str| mount_of(mounts, Path::new(path)).unwrap().1;
        assert_eq!(of("/srv/data"), "ext4");
        assert_eq!(of("/tmp/y"), "tmpfs");
        assert_eq!(of("/tmp/x/y"), "xfs");
        assert_eq!(of("/tmpx"), "ext4");
    }

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 900 0 0 0 40 2 0 0 20 0 9 0 600 1 2";
        assert_eq!(ticks(stat), Some(42));
    }

    #[test]
    fn the_kernels_lists_are_read_in_bytes() {
        let list = "VmPeak:\t  200 kB\nVmHWM:\t   12 kB\n";
        assert_eq!(kib_after(list, "VmHWM:"), Some(12 * 1024));
        assert_eq!(kib_after(list, "VmSwap:"), None);
    }
}
