//! A centre and some homes in a directory of their own: configuration, identities, processes.
//!
//! The homes are simulated by one process ([`House::homes`]); each has a gateway of its own. The
//! broker's port is chosen below the range that the system gives to outgoing connections, so that
//! no client takes it while the broker is down.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use veglia_codecs::Protocol;
use veglia_homes::{Device, Home, Rhythm};

use crate::process::Process;

/// What `veglia homes --count` puts in every home.
const PROTOCOLS: [Protocol; 2] = [Protocol::Node, Protocol::Nonin8];

/// What a role says when it is up.
pub(crate) const BROKER_UP: &str = "front door open";
/// The same of ingest.
pub(crate) const INGEST_UP: &str = "receiving from the broker";
/// The same of a gateway, once for each of its ports.
pub(crate) const PORT_OPEN: &str = "port open";

/// Ports of a home.
pub(crate) const PORTS: usize = PROTOCOLS.len();

/// A centre and its homes, none of them running yet.
#[derive(Debug)]
pub(crate) struct House {
    dir: TempDir,
    pub(crate) homes: Vec<Home>,
}

impl House {
    /// So many homes, each with two devices that count so many times a second.
    pub(crate) fn new(homes: usize, hz: u16) -> Self {
        let dir = TempDir::new().expect("a scratch folder can be made");
        let counting = |number| Home::counting(number, &PROTOCOLS, Rhythm::hz(hz), 1);
        let house = Self {
            dir,
            homes: (1..=homes).map(counting).collect(),
        };
        for folder in ["data", "ports", "logs"] {
            fs::create_dir(house.path(folder)).expect("a folder can be made");
        }
        house.configure();
        for home in &house.homes {
            let secret = house.path(&format!("{}.secret", home.name));
            house.admit(&["gateway", &home.name], &secret);
        }
        house.admit(&["ingest"], &house.path("ingest.secret"));
        house
    }

    /// Something in the house's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where a device's port is.
    pub(crate) fn port(&self, home: &Home, device: &Device) -> PathBuf {
        home.port(&self.path("ports"), device)
    }

    fn configure(&self) {
        let data = self.path("data");
        let (broker, pages) = (free_port(), free_port());
        let centre = format!(
            "data = {data:?}\n\
             [broker]\nlisten = \"127.0.0.1:{broker}\"\n\
             [dashboard]\nlisten = \"127.0.0.1:{pages}\"\n\
             [ingest]\nbroker = \"127.0.0.1:{broker}\"\nsecret_file = {:?}\n",
            self.path("ingest.secret"),
        );
        fs::write(self.path("centre.toml"), centre).expect("a file can be written");
        for home in &self.homes {
            let mut box_at_home = format!(
                "data = {data:?}\n[gateway]\ncommit_ms = 0\nid = {:?}\n\
                 broker = \"127.0.0.1:{broker}\"\nsecret_file = {:?}\n",
                home.name,
                self.path(&format!("{}.secret", home.name)),
            );
            for device in &home.devices {
                let path = self.port(home, device);
                let (protocol, id) = (device.protocol, device.id.as_str());
                box_at_home += &format!(
                    "[[gateway.port]]\npath = {path:?}\nprotocol = \"{protocol}\"\n{}",
                    if protocol.names_itself() {
                        String::new()
                    } else {
                        format!("device = {id:?}\n")
                    },
                );
            }
            let file = self.path(&format!("{}.toml", home.name));
            fs::write(file, box_at_home).expect("a file can be written");
        }
    }

    fn admit(&self, whom: &[&str], secret: &Path) {
        let mut command = self.veglia("centre", "identity");
        let done = command.args(whom).arg("--secret-file").arg(secret).output();
        let done = done.expect("the program can be started");
        assert!(done.status.success(), "{done:?}");
    }

    /// `veglia` with one of the configurations: `centre`, or the name of a home.
    pub(crate) fn veglia(&self, configuration: &str, role: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
        let file = self.path(&format!("{configuration}.toml"));
        command.arg("--config").arg(file).arg(role);
        command.env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
    }

    /// Starts a role; `life` tells its logs apart.
    pub(crate) fn start(&self, configuration: &str, role: &str, life: usize) -> Process {
        let log = self.log(configuration, role, life);
        Process::start(&mut self.veglia(configuration, role), &log)
    }

    /// Where a life of a role logs.
    pub(crate) fn log(&self, configuration: &str, role: &str, life: usize) -> PathBuf {
        self.path(&format!("logs/{configuration}-{role}-{life}"))
    }

    /// Starts the simulated homes.
    pub(crate) fn homes_speak(&self, hz: u16) -> Process {
        let mut command = self.veglia("centre", "homes");
        command.args(["--homes", &self.homes.len().to_string()]);
        command.args(["--count", &hz.to_string()]);
        command.arg("--ports").arg(self.path("ports"));
        command.arg("--log").arg(self.spoken());
        let mut homes = Process::start(&mut command, &self.path("logs/homes"));
        homes.wait_for("simulated homes speak", 1);
        homes
    }

    /// What the simulated homes say that they said.
    pub(crate) fn spoken(&self) -> PathBuf {
        self.path("spoken")
    }
}

/// A port that nobody listens on now. Somebody may before it is used, but hardly ever.
fn free_port() -> u16 {
    let mut chance = fastrand::Rng::new();
    std::iter::repeat_with(|| chance.u16(10_000..32_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("an endless row ends only when something is found")
}
