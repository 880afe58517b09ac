//! A mosquitto that a test starts, stops, kills and starts again, on a port of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use veglia_broker::{Backend, Config};

use crate::client::PATIENCE;
use crate::support::skip;

const PROGRAM: &str = "mosquitto";

/// Where Debian puts it, which is not on everybody's path.
const BESIDE_THE_PATH: &str = "/usr/sbin/mosquitto";

/// Another test may take the port between our look and mosquitto's start.
const PORTS: u32 = 5;

/// Whoever may connect, in mosquitto's words.
pub(crate) const ANYBODY: &str = "allow_anonymous true\n";

pub(crate) struct Mosquitto {
    program: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    running: Option<Child>,
}

impl Mosquitto {
    /// One that lets anybody in.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| ANYBODY.to_owned())
    }

    /// One with the settings that are made for its folder.
    pub(crate) fn start_with(settings: impl Fn(&Path) -> String) -> Self {
        let mut it = Self::prepared(&settings);
        for _ in 0..PORTS {
            if it.try_to_run() {
                return it;
            }
            it = Self::prepared(&settings);
        }
        panic!("mosquitto does not start: {:?}", it.configuration());
    }

    /// One that has a port and does not run yet.
    pub(crate) fn prepared(settings: impl Fn(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a folder for mosquitto");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("its address");
        let it = Self {
            program: program(),
            address,
            running: None,
            folder,
        };
        // `user` counts for root only, who would else become somebody who may not read this.
        let port = address.port();
        let settings = settings(it.folder.path());
        let text = format!("user root\nlistener {port} 127.0.0.1\n{settings}");
        fs::write(it.configuration(), text).expect("a new file");
        it
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("mosquitto.conf")
    }

    /// Starts it where it was, and waits until it listens.
    pub(crate) fn run(&mut self) {
        assert!(self.try_to_run(), "mosquitto does not start again");
    }

    fn try_to_run(&mut self) -> bool {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(self.configuration());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let spawned = command.spawn().expect("mosquitto can be run");
        let child = self.running.insert(spawned);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if child.try_wait().expect("a child").is_some() {
                return false;
            }
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        panic!("mosquitto neither listens nor ends");
    }

    /// As the machine's failure would: nothing is said to anybody.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().expect("it can be ended");
            child.wait().expect("it ends");
        }
    }

    /// It stands still, with its sockets open.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on as if nothing had been.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.running.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("it runs");
    }

    /// The backend of a configuration that names it.
    pub(crate) fn backend(&self) -> Box<dyn Backend> {
        self.backend_as("", "")
    }

    /// The backend with `user:password@` in its URL and other keys beside it.
    pub(crate) fn backend_as(&self, login: &str, keys: &str) -> Box<dyn Backend> {
        self.backend_at(&format!("mqtt://{login}{}", self.address), keys)
    }

    /// The backend at this URL, with other keys beside it.
    pub(crate) fn backend_at(&self, url: &str, keys: &str) -> Box<dyn Backend> {
        let text = format!("backend = {{ url = \"{url}\"{keys} }}");
        let config: Config = toml::from_str(&text).expect("a good section");
        config.backend.make()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where the program is. Without it nothing in this binary can run, and one line says so.
fn program() -> PathBuf {
    let on_path = std::env::var_os("PATH").and_then(|paths| {
        let mut places = std::env::split_paths(&paths).map(|place| place.join(PROGRAM));
        places.find(|place| place.is_file())
    });
    let beside = Some(PathBuf::from(BESIDE_THE_PATH)).filter(|place| place.is_file());
    let Some(program) = on_path.or(beside) else {
        skip("the front door before mosquitto", "there is no mosquitto");
        std::process::exit(0);
    };
    program
}
