//! A system bus of the test's own: a dbus-daemon on a socket in a folder.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for the daemon's socket.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running bus. It ends with the value.
pub(crate) struct Bus {
    folder: PathBuf,
    child: Child,
}

/// What the bus forbids or bounds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// Match rules of one connection; none: as many as the system bus allows.
    pub(crate) match_rules: Option<u32>,
    /// Nobody may speak to BlueZ.
    pub(crate) forbids_bluez: bool,
}

/// Whether the daemon is installed here.
pub(crate) fn is_installed() -> bool {
    let asked = Command::new("dbus-daemon").arg("--version").output();
    asked.is_ok()
}

/// How clients find the bus in a folder.
pub(crate) fn address(folder: &Path) -> String {
    format!("unix:path={}", folder.join("bus.sock").display())
}

impl Bus {
    pub(crate) fn start(folder: &Path, rules: Rules) -> Self {
        let config = folder.join("bus.conf");
        let limit = rules.match_rules.unwrap_or(512);
        let forbidden = if rules.forbids_bluez {
            "<policy context=\"mandatory\"><deny send_destination=\"org.bluez\"/></policy>"
        } else {
            ""
        };
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
             <busconfig><type>system</type><listen>{}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"false\"/>\
             <allow receive_sender=\"*\"/><allow own=\"*\"/><allow user=\"*\"/></policy>{forbidden}\
             <limit name=\"max_match_rules_per_connection\">{limit}</limit></busconfig>",
            address(folder)
        );
        fs::write(&config, text).expect("a file can be written");
        let socket = folder.join("bus.sock");
        // Left by one that was killed.
        drop(fs::remove_file(&socket));
        let child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon can be started");
        let begun = Instant::now();
        // The file is there a moment before anybody listens.
        while UnixStream::connect(&socket).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the bus makes no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            folder: folder.to_owned(),
            child,
        }
    }

    /// Kills the daemon: everybody's connection breaks.
    pub(crate) fn kill(self) -> PathBuf {
        let folder = self.folder.clone();
        drop(self);
        folder
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
