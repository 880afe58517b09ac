//! A real server that takes the same requests: VictoriaMetrics. What it exports is compared value
//! by value with what was given; killed, it is fed again.
//!
//! It keeps a point that comes twice only once when it is told to (`-dedup.minScrapeInterval`).
//! Its labels are our tags, and each field is a metric of its own.
// req: G6

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use veglia_influx::Writer;
use veglia_journal::Position;

use crate::feed::{Feed, config_for, cursor, hurry};
use crate::server::Key;
use crate::support;

const PROGRAM: &str = "victoria-metrics";

/// Longest wait until it is up, or shows what it has taken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Value and quality, as the server says them.
type Points = BTreeMap<Key, (f64, u16)>;

/// A server on a folder and a port of its own, killed when dropped.
struct Victoria {
    dir: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl Drop for Victoria {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Victoria {
    /// None, and the reason aloud, when the program is not there.
    fn start(dir: &Path, test: &str) -> Option<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        match launch(dir, address) {
            Ok(child) => Some(Self {
                dir: dir.to_owned(),
                address,
                child,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                support::skip(test, &format!("there is no {PROGRAM} here"));
                None
            }
            Err(error) => panic!("{PROGRAM} does not start: {error}"),
        }
    }

    /// SIGKILL: nothing is flushed.
    fn kill(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// The same folder and port again.
    fn start_again(&mut self) {
        self.child = launch(&self.dir, self.address).expect("it started before");
    }

    /// Waits until it answers.
    fn wait_up(&self) {
        let begun = Instant::now();
        while self.get("/health").is_err() {
            assert!(begun.elapsed() < PATIENCE, "{PROGRAM} does not answer");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn get(&self, target: &str) -> io::Result<String> {
        let mut connection = TcpStream::connect(self.address)?;
        write!(
            connection,
            "GET {target} HTTP/1.0\r\nHost: {}\r\n\r\n",
            self.address
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .ok_or(io::ErrorKind::InvalidData)?;
        if head.contains(" 200 ") {
            Ok(body.to_owned())
        } else {
            Err(io::Error::other(answer))
        }
    }

    /// All that it has. What it took a moment ago it shows after it was told to.
    fn points(&self) -> Points {
        self.get("/internal/force_flush").expect("it flushes");
        let values = self.metric("vitals_value");
        let qualities = self.metric("vitals_quality");
        assert_eq!(values.len(), qualities.len());
        let both = values.into_iter().zip(qualities);
        both.map(|((key, value), (same, quality))| {
            assert_eq!(key, same);
            let quality = (0..=u16::MAX).find(|it| f64::from(*it) == quality);
            (key, (value, quality.expect("flags are a small number")))
        })
        .collect()
    }

    fn metric(&self, name: &str) -> BTreeMap<Key, f64> {
        let target = format!("/api/v1/export?match[]={name}&reduce_mem_usage=1");
        let mut points = BTreeMap::new();
        for line in self.get(&target).expect("it exports").lines() {
            let block: Value = serde_json::from_str(line).expect("a line is JSON");
            let label = |name: &str| block["metric"][name].as_str().map(str::to_owned);
            let (device, vital) = (label("device"), label("vital"));
            let list = |name: &str| block[name].as_array().expect("a list").clone();
            for (value, at) in list("values").iter().zip(list("timestamps")) {
                let key = (
                    device.clone().expect("every point names its device"),
                    vital.clone().expect("every point names its vital sign"),
                    label("site"),
                    at.as_i64().expect("milliseconds"),
                );
                points.insert(key, value.as_f64().expect("a number"));
            }
        }
        points
    }
}

/// A port that nobody listens on, below the range that outgoing connections are given: nobody
/// takes it while the server is down.
fn free_port() -> u16 {
    let mut chance = fastrand::Rng::new();
    std::iter::repeat_with(|| chance.u16(10_000..32_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("an endless row ends only when something is found")
}

fn launch(dir: &Path, address: SocketAddr) -> io::Result<Child> {
    Command::new(PROGRAM)
        .arg(format!("-storageDataPath={}", dir.display()))
        .arg(format!("-httpListenAddr={address}"))
        .args(["-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn expected(feed: &Feed) -> Points {
    let points = feed.points().into_iter();
    let number = |text: String| text.parse().expect("a decimal");
    points
        .map(|(key, (value, quality))| (key, (number(value), quality)))
        .collect()
}

fn writer(dir: &Path, server: &Victoria) -> Writer {
    let config = config_for(dir, server.address);
    Writer::open(&config, dir, hurry()).expect("a writer opens")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_has_every_reading_with_its_value_its_time_and_its_flags() {
    let (dir, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let name = "a_real_server_has_every_reading_with_its_value_its_time_and_its_flags";
    let Some(server) = Victoria::start(data.path(), name) else {
        return;
    };
    let feed = Feed::new(100_000, 4_000);
    // It may not be up yet: that is one more thing a writer must bear.
    feed.deliver(writer(dir.path(), &server)).await;
    assert_eq!(server.points(), expected(&feed));
    assert_eq!(cursor(dir.path()), Some(feed.end()));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("influx-refused.lines")).unwrap(),
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_that_was_killed_is_fed_again_and_has_each_reading_once() {
    let (dir, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let name = "a_real_server_that_was_killed_is_fed_again_and_has_each_reading_once";
    let Some(mut server) = Victoria::start(data.path(), name) else {
        return;
    };
    server.wait_up();
    let feed = Feed::new(100_000, 2_000);
    let first = writer(dir.path(), &server);
    let figures = first.figures();
    let fed = feed.run(first, CancellationToken::new());
    let killed = async {
        crate::feed::wait_until("half of it", || figures.snapshot().written >= 50_000).await;
        server.kill();
        server.start_again();
    };
    let (ran, ()) = tokio::join!(fed, killed);
    ran.unwrap();
    assert_eq!(
        cursor(dir.path()),
        Some(feed.end()),
        "it answered 204 to everything"
    );
    let expected = expected(&feed);
    let held = server.points();
    assert!(
        held.iter()
            .all(|(key, point)| expected.get(key) == Some(point))
    );

    veglia_influx::rewind(dir.path(), Position::FIRST).unwrap();
    feed.deliver(writer(dir.path(), &server)).await;
    assert_eq!(server.points(), expected);
}
