//! The box of the story: the real gateway library in a process of its own, so that its power can
//! be cut (SIGKILL) at any moment. The process is this test program again, told by its environment
//! to be the box.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use veglia_gateway::{BoxStatus, Config, DeviceStatus, Gateway, PortConfig};
use veglia_wire::{Charge, WallMs};

use crate::time::{Dial, care};

/// Where the box's folder is named, for the process that is the box.
pub(crate) const FOLDER: &str = "VEGLIA_WEEK_BOX";

/// Name of the test function that becomes the box.
const AS_TEST: &str = "the_box";

/// All that the box is told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) broker: String,
    pub(crate) secret: PathBuf,
    pub(crate) ports: Vec<PathBuf>,
    pub(crate) origin: WallMs,
}

/// A start of the box, until its power is cut.
#[derive(Debug)]
pub(crate) struct Power(Child);

impl Told {
    /// Writes it down for the starts to come.
    pub(crate) fn write(&self, dir: &Path) {
        let mut text = format!("{}\n{}\n", self.broker, self.origin.0);
        for path in [&self.secret].into_iter().chain(&self.ports) {
            text += &format!("{}\n", path.display());
        }
        fs::write(dir.join("told"), text).expect("a file can be written");
    }

    fn read(dir: &Path) -> Self {
        let text = fs::read_to_string(dir.join("told")).expect("the box was told");
        let mut lines = text.lines();
        let mut line = || lines.next().expect("the box was told all").to_owned();
        let (broker, origin, secret) = (line(), line(), line());
        Self {
            broker,
            origin: WallMs(origin.parse().expect("a number")),
            secret: secret.into(),
            ports: lines.map(PathBuf::from).collect(),
        }
    }
}

impl Power {
    /// Starts the box; what it logs is added to `log` in its folder.
    pub(crate) fn on(dir: &Path) -> Self {
        let mut options = File::options();
        let log = options.create(true).append(true).open(dir.join("log"));
        let log = log.expect("the log can be opened");
        let child = Command::new(std::env::current_exe().expect("this program has a name"))
            .args(["--exact", AS_TEST, "--nocapture"])
            .env(FOLDER, dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("this program can be started again");
        Self(child)
    }

    /// Whether it still runs.
    pub(crate) fn is_on(&mut self) -> bool {
        let ended = self.0.try_wait().expect("a child can be asked after");
        ended.is_none()
    }

    /// Cuts the power.
    pub(crate) fn cut(self) {
        drop(self);
    }
}

impl Drop for Power {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How far the box has come, as it last wrote it down.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many records wait; none while it has not said.
    pub(crate) waiting: Option<u64>,
    /// How full the battery is at each port, in percent; 255 = unknown.
    pub(crate) charges: Vec<u8>,
}

impl Progress {
    pub(crate) fn read(dir: &Path) -> Self {
        let bytes = fs::read(dir.join("progress")).unwrap_or_default();
        bytes
            .split_first_chunk()
            .map_or_else(Self::default, |it| Self {
                waiting: Some(u64::from_le_bytes(*it.0)),
                charges: it.1.to_vec(),
            })
    }

    /// What it writes down.
    fn of(status: &BoxStatus) -> Vec<u8> {
        let charge = |device: &DeviceStatus| match device.battery {
            Some(Charge::Percent(percent)) => percent,
            Some(Charge::Low) | None => u8::MAX,
        };
        let mut bytes = status.outbox.waiting.to_le_bytes().to_vec();
        bytes.extend(status.devices.iter().map(charge));
        bytes
    }
}

/// Is the box until its power is cut.
pub(crate) fn run(dir: &Path) {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let told = Told::read(dir);
    let config = Config {
        id: Some("casa-001".into()),
        broker: Some(told.broker),
        secret_file: Some(told.secret),
        reconnect_seconds: 1,
        commit_ms: 0,
        port: told.ports.into_iter().map(port).collect(),
        ..Config::default()
    };
    let dial = Arc::new(Dial::start(dir));
    let care = care(dial.clone(), told.origin);
    fs::create_dir_all(dir.join("gateway")).expect("a folder can be made");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let opened = Gateway::open_by(config, &dir.join("gateway"), care, dial);
        let gateway = opened.expect("the box opens its outbox");
        let (mut outbox, look) = (gateway.outbox(), gateway.look());
        let file = File::create(dir.join("progress")).expect("a file can be made");
        tokio::spawn(async move {
            loop {
                outbox.borrow_and_update();
                let written = file.write_all_at(&Progress::of(&look.status().await), 0);
                written.expect("the progress can be written down");
                if outbox.changed().await.is_err() {
                    return;
                }
            }
        });
        let ran = gateway.run(CancellationToken::new()).await;
        panic!("the box ended by itself: {ran:?}");
    });
}

fn port(path: PathBuf) -> PortConfig {
    PortConfig {
        path,
        protocol: veglia_codecs::Protocol::Node,
        device: None,
    }
}
