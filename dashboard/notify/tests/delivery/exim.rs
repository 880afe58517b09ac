//! Debian's exim, started by a test as a mail server on a port of its own.
//!
//! It keeps what it takes in its spool, where the test reads it. One mailbox does not exist and
//! one is full, so that both kinds of refusal are a real server's.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{getgid, getuid};
use tempfile::TempDir;

use crate::{PATIENCE, free_port, program};

/// Another test may take the port between our look and the start.
const PORTS: u32 = 5;

/// A server that runs.
pub(crate) struct Exim {
    pub(crate) port: u16,
    program: PathBuf,
    folder: TempDir,
    running: Option<Child>,
}

impl Exim {
    /// One without encryption; `None` when it is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("tls_advertise_hosts =\n")
    }

    /// One that offers STARTTLS with this certificate and key.
    pub(crate) fn encrypted(certificate: &Path, key: &Path) -> Option<Self> {
        let certificate = certificate.display();
        Self::start_with(&format!(
            "tls_advertise_hosts = *\ntls_certificate = {certificate}\ntls_privatekey = {}\n",
            key.display()
        ))
    }

    fn start_with(tls: &str) -> Option<Self> {
        let program = program("exim4")?;
        for _ in 0..PORTS {
            let folder = tempfile::tempdir().expect("a folder for exim");
            let port = free_port();
            fs::write(
                folder.path().join("exim.conf"),
                settings(&folder, port, tls),
            )
            .expect("a new file");
            let mut exim = Self {
                port,
                program: program.clone(),
                folder,
                running: None,
            };
            if exim.run() {
                return Some(exim);
            }
        }
        panic!("exim does not start");
    }

    /// Starts it on its port; whether it listens.
    pub(crate) fn run(&mut self) -> bool {
        let mut command = Command::new(&self.program);
        command.arg("-C").arg(self.folder.path().join("exim.conf"));
        command
            .arg("-bdf")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = self
            .running
            .insert(command.spawn().expect("exim can be run"));
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if child.try_wait().expect("a child").is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("exim neither listens nor ends");
    }

    /// Ends it, as a failing machine would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().expect("it can be ended");
            child.wait().expect("it ends");
        }
    }

    /// What it has taken: headers and body of each message.
    pub(crate) fn taken(&self) -> Vec<String> {
        let input = self.folder.path().join("spool/input");
        let Ok(files) = fs::read_dir(input) else {
            return Vec::new();
        };
        let read = |entry: std::io::Result<fs::DirEntry>| {
            let head = entry.ok()?.path();
            let body = head.to_str()?.strip_suffix("-H")?.to_owned() + "-D";
            let text = [head, PathBuf::from(body)].map(fs::read_to_string);
            Some(text.into_iter().filter_map(Result::ok).collect::<String>())
        };
        files.filter_map(read).collect()
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.kill();
    }
}

/// It runs as whoever runs the test, so that it needs no right that the test has not.
fn settings(folder: &TempDir, port: u16, tls: &str) -> String {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    let folder = folder.path().display();
    format!(
        "exim_user = {user}\nexim_group = {group}\nspool_directory = {folder}/spool\n\
         log_file_path = {folder}/log-%s\npid_file_path = {folder}/exim.pid\n\
         primary_hostname = posta.prova.example\nlocal_interfaces = 127.0.0.1\n\
         daemon_smtp_ports = {port}\nhost_lookup =\nrfc1413_query_timeout = 0s\n\
         queue_only = true\nkeep_environment =\n{tls}\
         acl_smtp_rcpt = recipients\nacl_smtp_data = accept\nbegin acl\nrecipients:\n  \
         deny local_parts = nessuno\n  defer local_parts = piena\n       \
         message = 450 mailbox full\n  accept\n\
         begin routers\nbegin transports\nbegin retry\nbegin rewrite\n"
    )
}
