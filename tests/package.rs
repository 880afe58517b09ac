//! The box as Debian gets it: units that systemd understands and that let the process do no more
//! than it needs, a watchdog that is fed by what really turns, and a package whose files are there.
//! The package itself is built by hand: `package/gateway/build`.

#[path = "package/bus.rs"]
mod bus;
#[path = "support/process.rs"]
mod process;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use process::{Process, announce, wait_until};
use tempfile::TempDir;

/// What every unit must say, besides how it is started.
const HARDENING: [&str; 12] = [
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "ProtectKernelModules=yes",
    "ProtectClock=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictNamespaces=yes",
    "SystemCallFilter=@system-service",
    "CapabilityBoundingSet=",
    "User=veglia",
    "UMask=0077",
    "RestrictSUIDSGID=yes",
];

fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    let found = fs::read_to_string(checkout(path));
    found.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn units() -> Vec<PathBuf> {
    let folders = ["package/gateway", "package/centre"];
    let files = folders.iter().flat_map(|folder| {
        let folder = fs::read_dir(checkout(folder)).expect("the folder is there");
        folder.map(|file| file.expect("it can be listed").path())
    });
    let units: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|it| it == "service"))
        .collect();
    assert_eq!(units.len(), 5, "the box, three roles, and all of them");
    units
}

#[test]
fn every_unit_is_watched_started_again_and_kept_small() {
    for unit in units() {
        let text = fs::read_to_string(&unit).expect("it can be read");
        let has = |wanted: &str| text.lines().any(|line| line.starts_with(wanted));
        for wanted in ["Type=notify", "WatchdogSec=", "Restart=always"] {
            assert!(has(wanted), "{wanted} not in {}", unit.display());
        }
        for wanted in HARDENING {
            assert!(has(wanted), "{wanted} not in {}", unit.display());
        }
        assert!(has("StartLimitIntervalSec=0"), "{}", unit.display());
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let name = "systemd_finds_nothing_wrong_with_the_units";
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        return support::skip(name, "systemd-analyze is not installed");
    }
    let dir = tempfile::tempdir().expect("a scratch folder can be made");
    for unit in units() {
        let text = fs::read_to_string(&unit).expect("it can be read");
        // It also looks whether the program is there.
        let text = text.replace(
            "/usr/bin/veglia ",
            concat!(env!("CARGO_BIN_EXE_veglia"), " "),
        );
        let copy = dir
            .path()
            .join(unit.file_name().expect("a file has a name"));
        fs::write(&copy, text).expect("a file can be written");
        let verified = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(&copy)
            .output()
            .expect("the program can be started");
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success() && said.is_empty(), "{said}");
    }
}

/// A box in a folder of its own, and the socket on which its supervisor listens.
struct Watched {
    // Ends before its folder goes.
    gateway: Process,
    told: UnixDatagram,
    dir: TempDir,
}

impl Watched {
    /// `section` stands in the configuration besides who it is. The supervisor wants to hear of it
    /// within `watchdog`.
    fn start(dir: TempDir, section: &str, watchdog: Duration) -> Self {
        let socket = dir.path().join("notify");
        let told = UnixDatagram::bind(&socket).expect("a socket can be made");
        told.set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a wait can be bounded");
        let (config, secret) = (dir.path().join("box.toml"), dir.path().join("secret"));
        fs::write(&secret, "no centre will ever ask for it").expect("a file can be written");
        let text = format!(
            "data = {:?}\n[gateway]\nid = \"casa-1\"\nbroker = \"localhost:9\"\nsecret_file = \
             {secret:?}\n{section}\n",
            dir.path().join("data"),
        );
        fs::write(&config, text).expect("a file can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
        command.arg("--config").arg(config).arg("gateway");
        command.env("NOTIFY_SOCKET", &socket);
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        command.env("NO_COLOR", "1").env_remove("RUST_LOG");
        let gateway = Process::start(&mut command, &dir.path().join("log"));
        Self { gateway, told, dir }
    }

    /// What it tells its supervisor next.
    fn next(&self) -> String {
        let mut bytes = [0; 256];
        let count = self.told.recv(&mut bytes).expect("it is told in time");
        String::from_utf8_lossy(&bytes[..count])
            .trim_end()
            .to_owned()
    }
}

#[test]
fn the_supervisor_is_told_when_the_box_is_up_that_it_turns_and_when_it_ends() {
    let dir = tempfile::tempdir().expect("a scratch folder can be made");
    // Somebody else has the port of its page: it goes on without.
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let page = taken.local_addr().expect("it has an address");
    let page = format!("status_page = \"{page}\"");
    let mut watched = Watched::start(dir, &page, Duration::from_millis(600));
    assert_eq!(watched.next(), "READY=1");
    for _ in 0..3 {
        assert_eq!(watched.next(), "WATCHDOG=1");
    }
    watched
        .gateway
        .wait_for("the box goes on without its page", 1);
    announce("the box was watched; now it is ended");
    let Watched { dir, told, gateway } = watched;
    gateway.end();
    let last = wait_until("it says that it ends", || {
        let mut bytes = [0; 256];
        let count = told.recv(&mut bytes).expect("it is told in time");
        let said = String::from_utf8_lossy(&bytes[..count]).into_owned();
        Some(said).filter(|it| it.contains("STOP"))
    });
    assert_eq!(last.trim_end(), "STOPPING=1");
    drop(dir);
}

#[test]
fn a_box_of_which_one_task_hangs_is_not_called_alive_any_more() {
    let dir = tempfile::tempdir().expect("a scratch folder can be made");
    let lamp = dir.path().join("lamp");
    fs::create_dir(&lamp).expect("a folder can be made");
    fs::write(lamp.join("trigger"), "").expect("a file can be written");
    // Whoever opens it waits until somebody reads from it: the voice lights its lamp for ever.
    let made = Command::new("mkfifo").arg(lamp.join("brightness")).status();
    assert!(made.expect("mkfifo can be started").success());
    let voice = format!(
        "[gateway.voice]\nsounds = {:?}\nlamp = {lamp:?}",
        dir.path()
    );
    let watched = Watched::start(dir, &voice, Duration::from_secs(6));
    assert_eq!(watched.next(), "READY=1");
    let hung = "a task of this process does not turn";
    watched.told.set_nonblocking(true).expect("it can be asked");
    let told_in_vain = |times: usize| {
        let mut told = 0;
        // Whoever listens must go on listening, or the box waits until it is heard.
        wait_until("the box sees that a task hangs", || {
            let mut bytes = [0; 256];
            while watched.told.recv(&mut bytes).is_ok() {
                told += 1;
            }
            watched.gateway.has_said(hung, times).then_some(())
        });
        told
    };
    told_in_vain(1);
    assert!(watched.gateway.said().contains("the voice"));
    // systemd hears nothing more, and ends the process.
    assert_eq!(told_in_vain(3), 0);
}

#[test]
fn whatever_the_package_carries_is_there() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("the manifest is TOML");
    let deb = &manifest["package"]["metadata"]["deb"];
    let assets = deb["assets"].as_array().expect("assets are a list");
    let mut carried = Vec::new();
    for asset in assets {
        let [source, target, mode] = asset.as_array().expect("three words each").as_slice() else {
            panic!("an asset is a source, a target and a mode: {asset}");
        };
        let source = source.as_str().expect("a path");
        let is_made = source.starts_with("target/");
        assert!(is_made || checkout(source).is_file(), "{source}");
        assert!(["644", "755"].contains(&mode.as_str().expect("a mode")));
        carried.push(target.as_str().expect("a path").to_owned());
    }
    for wanted in ["usr/bin/", "etc/veglia/", "usr/share/veglia/sounds/"] {
        assert!(carried.iter().any(|it| it == wanted), "{wanted}");
    }
    let file = deb["systemd-units"]["unit-scripts"]
        .as_str()
        .expect("a folder");
    assert!(checkout(file).join("veglia-gateway.service").is_file());
    // The configuration that is installed is one that the program takes.
    let config = checkout("package/gateway/veglia.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
    command
        .arg("--config")
        .arg(config)
        .args(["--data", "/nonexistent", "gateway"]);
    let refused = command.output().expect("the program can be started");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("is not enrolled"), "{said}");
}

#[test]
fn the_phrases_that_are_made_are_those_that_are_said() {
    let script = read("package/gateway/phrases");
    let made: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix("say "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let voice = read("gateway/src/voice.rs");
    assert_eq!(made.len(), voice.matches(".wav\"").count(), "{made:?}");
    for file in made {
        assert!(voice.contains(&format!("\"{file}\"")), "{file}");
    }
}
