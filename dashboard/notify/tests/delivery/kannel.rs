//! Debian's Kannel, started by a test: an SMS gateway whose mobile network is the test itself.
//!
//! Kannel's `fake` centre of short messages writes each message as a line to whoever is connected,
//! and says that it arrived. Nobody connected is a network that is away: messages wait.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{PATIENCE, free_port, program};

/// Another test may take a port between our look and the start.
const TRIES: u32 = 5;

/// The password of our account there.
pub(crate) const PASSWORD: &str = "kannel-prova-0123456789";

/// A gateway that runs.
pub(crate) struct Kannel {
    /// Where messages are handed in.
    pub(crate) port: u16,
    network: u16,
    /// Kept for its files.
    _folder: TempDir,
    boxes: Vec<Child>,
}

impl Kannel {
    /// `None` when it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let (bearer, sms) = (program("bearerbox")?, program("smsbox")?);
        let started = (0..TRIES).find_map(|_| Self::try_to_start(&bearer, &sms));
        Some(started.expect("kannel starts"))
    }

    fn try_to_start(bearer: &Path, sms: &Path) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for kannel");
        let [admin, inner, network, port] = [(); 4].map(|()| free_port());
        let settings = settings(admin, inner, network, port);
        fs::write(folder.path().join("kannel.conf"), settings).expect("a new file");
        let mut boxes = vec![start(bearer, folder.path())];
        if !listens(inner, &mut boxes) {
            return None;
        }
        boxes.push(start(sms, folder.path()));
        let up = listens(port, &mut boxes);
        let kannel = Self {
            port,
            network,
            _folder: folder,
            boxes,
        };
        up.then_some(kannel)
    }

    /// A telephone that hears everything, from now on.
    pub(crate) fn telephone(&self) -> Telephone {
        let line = TcpStream::connect(("127.0.0.1", self.network)).expect("the network is there");
        line.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Telephone(BufReader::new(line))
    }

    /// Ends it, as a failing machine would.
    pub(crate) fn kill(&mut self) {
        for mut child in self.boxes.drain(..) {
            child.kill().expect("it can be ended");
            child.wait().expect("it ends");
        }
    }
}

impl Drop for Kannel {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The other end of the mobile network.
pub(crate) struct Telephone(BufReader<TcpStream>);

impl Telephone {
    /// The next message: sender, number, kind and words in one line.
    pub(crate) fn rings(&mut self) -> String {
        let mut line = String::new();
        self.0
            .read_line(&mut line)
            .expect("a message comes in time");
        line.trim_end().to_owned()
    }
}

fn start(program: &Path, folder: &Path) -> Child {
    let mut command = Command::new(program);
    command.arg("kannel.conf").current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("kannel can be run")
}

fn listens(port: u16, boxes: &mut [Child]) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let ended = |child: &mut Child| child.try_wait().expect("a child").is_some();
        if boxes.iter_mut().any(ended) {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("kannel neither listens nor ends");
}

fn settings(admin: u16, inner: u16, network: u16, port: u16) -> String {
    format!(
        "group = core\nadmin-port = {admin}\nadmin-password = prova\n\
         admin-interface = 127.0.0.1\nsmsbox-port = {inner}\nsmsbox-interface = 127.0.0.1\n\
         box-deny-ip = \"*.*.*.*\"\nbox-allow-ip = \"127.0.0.1\"\ndlr-storage = internal\n\n\
         group = smsc\nsmsc = fake\nsmsc-id = rete\nport = {network}\n\
         connect-allow-ip = 127.0.0.1\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nbearerbox-port = {inner}\n\
         sendsms-port = {port}\nsendsms-interface = 127.0.0.1\n\n\
         group = sendsms-user\nusername = veglia\npassword = {PASSWORD}\nmax-messages = 3\n\
         concatenation = true\n\n\
         group = sms-service\nkeyword = default\ntext = \"\"\nomit-empty = true\n"
    )
}
