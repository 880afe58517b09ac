//! The server side of a run: a broker and an ingest, each a process of this same executable, on a
//! data directory of the run's own. What they print goes to files there, and is quoted when
//! something fails. Dropping it kills them; the directory goes with whoever made it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use veglia_broker::Limits;
use veglia_view::{HttpView, View};

use super::machine;
use super::papers::Door;
use crate::open_files;

/// For a process to open its door. A slow disk and a busy machine are no failure.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// For a process to end in order: the last checkpoint of ingest writes whatever is in memory.
const STOP_PATIENCE: Duration = Duration::from_secs(300);

/// Between two looks at whether a door is open.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Lines of a failed process's log that are quoted.
const QUOTED_LINES: usize = 5;

/// The configuration of both, in the data directory.
const CONFIGURATION: &str = "veglia.toml";

/// A broker and an ingest at work.
pub(super) struct Server {
    data: PathBuf,
    door: SocketAddr,
    broker: Role,
    ingest: Role,
}

/// Where the homes seem to be. All of them call from the one address of this machine; in life most
/// have an address of their own, and the broker grants fewer handshakes at once to those who share
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Places {
    /// Each behind an address of its own: one address is granted what the whole house is.
    Apart,
    /// All behind one address, as those of one mobile carrier may be: the shipped limits.
    Together,
}

/// One process.
struct Role {
    name: &'static str,
    process: Child,
    log: PathBuf,
}

/// What the two processes have used so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) broker: Used,
    pub(super) ingest: Used,
}

/// What one process has used so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    /// Memory that it holds now.
    pub(super) resident_bytes: u64,
    /// Most memory that it ever held.
    pub(super) peak_bytes: u64,
    /// Processor time.
    pub(super) processor: Duration,
}

/// What is left of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Footprint {
    /// Ingest's journal.
    pub(super) journal_bytes: u64,
    /// `series.db` after the last checkpoint.
    pub(super) series_bytes: u64,
    /// What ingest took to end in order, its last checkpoint included.
    pub(super) stop: Duration,
}

impl Server {
    /// Starts both and waits until both answer.
    pub(super) async fn start(data: &Path, door: Door<'_>, places: Places) -> Result<Self> {
        let plain = free_port()?;
        let mut config = format!(
            "data = {data:?}\n[ingest]\nbroker = \"127.0.0.1:{plain}\"\n\
             [broker]\nlisten = \"127.0.0.1:{plain}\"\n"
        );
        if places == Places::Apart {
            let handshakes = Limits::default().handshakes;
            config += &format!("[broker.limits]\nhandshakes_per_address = {handshakes}\n");
        }
        let port = match door {
            Door::Plain => plain,
            Door::Tls(papers) => {
                let port = free_port()?;
                config += &papers.section(port);
                port
            }
        };
        fs::write(data.join(CONFIGURATION), config).context("cannot write a configuration")?;
        let door = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let broker = start_broker(data, door).await?;
        let mut ingest = Role::start("ingest", data)?;
        let view = HttpView::new(&socket(data));
        ingest.answers(async || view.status().await.is_ok()).await?;
        Ok(Self {
            data: data.to_owned(),
            door,
            broker,
            ingest,
        })
    }

    /// Where the homes connect, on the loopback.
    pub(super) fn door(&self) -> SocketAddr {
        self.door
    }

    /// Ends the broker as a crash does.
    pub(super) async fn kill_broker(&mut self) -> Result<()> {
        let killed = self.broker.process.kill().await;
        killed.context("cannot kill the broker")
    }

    /// Starts it again, at the same place.
    pub(super) async fn start_broker(&mut self) -> Result<()> {
        self.broker = start_broker(&self.data, self.door).await?;
        Ok(())
    }

    /// Where ingest answers questions.
    pub(super) fn view(&self) -> HttpView {
        HttpView::new(&socket(&self.data))
    }

    /// An error if one of the two has ended by itself.
    pub(super) fn check(&mut self) -> Result<()> {
        self.broker.check()?;
        self.ingest.check()
    }

    /// What they have used until now.
    pub(super) fn usage(&self) -> Result<Usage> {
        Ok(Usage {
            broker: self.broker.used()?,
            ingest: self.ingest.used()?,
        })
    }

    /// Ends both in order and says what they leave.
    pub(super) async fn stop(mut self) -> Result<Footprint> {
        let began = Instant::now();
        self.ingest.stop().await?;
        let stop = began.elapsed();
        self.broker.stop().await?;
        let ingest = self.data.join("ingest");
        Ok(Footprint {
            journal_bytes: bytes_of(&ingest.join("journal"), "")?,
            // With its write-ahead log, if one is left.
            series_bytes: bytes_of(&ingest, "series.db")?,
            stop,
        })
    }
}

/// Starts a broker and waits until its door is open.
async fn start_broker(data: &Path, door: SocketAddr) -> Result<Role> {
    let mut broker = Role::start("broker", data)?;
    let opened = broker.answers(async || TcpStream::connect(door).await.is_ok());
    opened.await?;
    Ok(broker)
}

impl Role {
    /// It begins with the limit of open files that any program begins with.
    fn start(name: &'static str, data: &Path) -> Result<Self> {
        let log = data.join(format!("{name}.log"));
        let output = fs::File::create(&log).context("cannot make a log")?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("--config")
            .arg(data.join(CONFIGURATION))
            .arg(name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .kill_on_drop(true);
        let process = open_files::with_usual(|| command.spawn())?
            .with_context(|| format!("cannot start the {name}"))?;
        Ok(Self { name, process, log })
    }

    /// Waits until it answers; an error if it ends before.
    async fn answers(&mut self, asked: impl AsyncFn() -> bool) -> Result<()> {
        let began = Instant::now();
        while !asked().await {
            self.check()?;
            if began.elapsed() > START_PATIENCE {
                bail!("the {} did not answer in time{}", self.name, self.quoted());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the {} ended ({status}){}", self.name, self.quoted()),
        }
    }

    async fn stop(&mut self) -> Result<()> {
        self.check()?;
        kill_process(self.pid()?, Signal::TERM)?;
        let ended = timeout(STOP_PATIENCE, self.process.wait()).await;
        let status = ended.with_context(|| format!("the {} does not end", self.name))??;
        if !status.success() {
            bail!("the {} failed ({status}){}", self.name, self.quoted());
        }
        Ok(())
    }

    fn pid(&self) -> Result<Pid> {
        let number = self.process.id().context("the process has ended")?;
        Pid::from_raw(i32::try_from(number)?).context("a process has a number above 0")
    }

    fn used(&self) -> Result<Used> {
        let pid = self.pid()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |name| {
            let bytes = machine::kib_after(&status, name);
            bytes.context("the kernel does not say how much memory a process holds")
        };
        Ok(Used {
            resident_bytes: bytes("VmRSS:")?,
            peak_bytes: bytes("VmHWM:")?,
            processor: machine::processor_time(&pid.to_string())?,
        })
    }

    /// The end of its log, as the rest of a sentence.
    fn quoted(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.len().saturating_sub(QUOTED_LINES);
        format!("; its last words:\n{}", lines[last..].join("\n"))
    }
}

fn socket(data: &Path) -> PathBuf {
    data.join("ingest").join("view.sock")
}

/// A port that is free now. Another program could take it before the broker does; then the broker
/// says so and the run fails.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Bytes of the files in a folder whose names begin so.
fn bytes_of(folder: &Path, beginning: &str) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("in {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.starts_with(beginning))
        {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
