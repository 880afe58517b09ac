//! Laboratories at the door, over real sockets, by an HL7 client that knows nothing of this
//! project (`hl7` of PyPI, which makes, sends and reads the messages). It is fetched by pip below
//! the target folder; where Python, pip or the network is missing, the test is skipped, aloud.
// req: A2

#![cfg(test)]

#[path = "../../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use veglia_laboratory::{Config, Door, DoorError, Follower, StartDay};
use veglia_store::Database;
use veglia_wire::{CareClock, Clock, WallMs};

/// 2020-10-21T09:00:00+02:00
const NOW: WallMs = WallMs(1_603_263_600_000);

struct Still;

impl Clock for Still {
    fn now(&self) -> WallMs {
        NOW
    }
}

fn care() -> CareClock {
    CareClock::real(Arc::new(Still))
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/client")
        .join(name)
}

/// The client's package, fetched once; or why it is not there.
fn package() -> Result<String, String> {
    let wanted = file("requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hl7");
    let whole = folder.join("requirements.txt");
    let path = folder.display().to_string();
    if fs::read(&whole).is_ok_and(|held| Some(held) == fs::read(&wanted).ok()) {
        return Ok(path);
    }
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip.args([
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--upgrade",
        "--target",
    ]);
    let done = pip.arg(&folder).arg("--requirement").arg(&wanted).output();
    let done = done.map_err(|error| format!("python3 cannot be started: {error}"))?;
    if !done.status.success() {
        return Err(format!(
            "pip failed: {}",
            String::from_utf8_lossy(&done.stderr)
        ));
    }
    fs::copy(wanted, whole).map_err(|error| error.to_string())?;
    Ok(path)
}

/// The program of a laboratory; it ends with the test.
struct Client {
    process: Child,
    said: BufReader<ChildStdout>,
    told: ChildStdin,
}

impl Drop for Client {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Client {
    fn start(package: &str, port: u16) -> Self {
        let mut python = Command::new("python3");
        python.arg(file("send.py")).arg(port.to_string());
        python
            .env("PYTHONPATH", package)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        python.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = python.spawn().unwrap();
        Self {
            said: BufReader::new(process.stdout.take().unwrap()),
            told: process.stdin.take().unwrap(),
            process,
        }
    }

    fn order(&mut self, order: &Value) -> Vec<Value> {
        writeln!(self.told, "{order}").unwrap();
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{order} was answered {line:?}"))
    }

    fn send(&mut self, message: &str) -> Value {
        self.order(&json!({"message": message}))[0].clone()
    }

    fn bytes(&mut self, bytes: &[u8], piece: usize, answers: usize) -> Vec<Value> {
        let bytes: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        self.order(&json!({"bytes": bytes, "piece": piece, "answers": answers}))
    }
}

struct Laboratory {
    record: Database,
    client: Client,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Laboratory {
    async fn open(package: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schemas = [
            veglia_people::SCHEMA,
            veglia_notify::SCHEMA,
            veglia_isolation::SCHEMA,
            veglia_laboratory::SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        let config = Config {
            listen: Some(([127, 0, 0, 1], 0).into()),
            ..Config::default()
        };
        let door = Door::open(config).await.unwrap().unwrap();
        let (stop, port) = (CancellationToken::new(), door.address().port());
        tokio::spawn(door.serve(record.clone(), care(), stop.clone()));
        let client = Client::start(package, port);
        Self {
            record,
            client,
            stop,
            _folder: folder,
        }
    }

    /// Results that could be acted upon, since this was last asked.
    async fn passed(&self) -> u64 {
        let follower = Follower::new(self.record.clone(), care(), StartDay::default());
        follower.round().await.unwrap()
    }
}

fn oru(control: &str, order: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|SANPROVA|VEGLIA|ATS|20201021080000||ORU^R01^ORU_R01|{control}|P|2.5.1\r\
         PID|1||RSSMRA85T10A562S^^^MEF^NN||D\\T\\ANGELO^NICOLÒ||19851210|F|||||3331234567\r\
         OBR|1||{order}|94500-6^RNA^LN|||202010201030\r\
         OBX|1|CWE|94500-6^RNA^LN||260385009^Negativo^SCT||||||F\r\
         SPM|1|||258500001^NP^SCT|||||||||||||20201020103000\r"
    )
}

fn framed(message: &str) -> Vec<u8> {
    [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_sends_results_and_reads_every_answer() {
    const NAME: &str = "an_independent_client_sends_results_and_reads_every_answer";
    let package = match package() {
        Ok(package) => package,
        Err(reason) => return support::skip(NAME, &reason),
    };
    let mut lab = Laboratory::open(&package).await;
    let client = &mut lab.client;
    let good = json!(["AA", "M1", []]);
    assert_eq!(client.send(&oru("M1", "A1")), good);
    assert_eq!(client.send(&oru("M1", "A1")), good, "sent again");
    let corrected = oru("M2", "A1")
        .replace("||||||F", "||||||C")
        .replace("260385009^Negativo", "^positivo");
    assert_eq!(client.send(&corrected), json!(["AA", "M2", []]));
    for (from, to, answer) in [
        (
            "20201020103000",
            "20201020253000",
            json!(["AE", "M3", [["SPM^1^17", "102", "E"]]]),
        ),
        (
            "94500-6^RNA^LN||2",
            "X1^Boh^L||2",
            json!(["AE", "M3", [["OBX^1^3", "103", "E"]]]),
        ),
        (
            "|3331234567",
            "|",
            json!(["AA", "M3", [["PID^1^13", "101", "W"]]]),
        ),
        (
            "ORU^R01^ORU_R01",
            "ADT^A01^ADT_A01",
            json!(["AR", "M3", [["MSH^1^9", "200", "E"]]]),
        ),
    ] {
        assert_eq!(
            client.send(&oru("M3", "A3").replace(from, to)),
            answer,
            "{to}"
        );
    }
    let garbage = client.bytes(&framed("garbage, and nothing else"), 1_000, 1);
    assert_eq!(garbage, [json!(["AE", "", [["MSH^1", "100", "E"]]])]);
    let two = [framed(&oru("M4", "A4")), framed(&oru("M5", "A5"))].concat();
    assert_eq!(
        client.bytes(&two, two.len(), 2),
        [json!(["AA", "M4", []]), json!(["AA", "M5", []])]
    );
    assert_eq!(
        client.bytes(&framed(&oru("M6", "A6")), 1, 1),
        [json!(["AA", "M6", []])]
    );
    // Half a frame is nobody's; the line after it is a new one.
    client.order(&json!({"bytes": "0b4d5348", "answers": 0, "hang_up": true}));
    assert_eq!(client.send(&oru("M7", "A7")), json!(["AA", "M7", []]));
    let mut huge = framed(&oru("M8", "A8"));
    huge.truncate(huge.len() - 2);
    huge.resize(2 * 1024 * 1024, b'x');
    let refused = client.order(&json!({
        "bytes": huge.iter().map(|it| format!("{it:02x}")).collect::<String>(),
        "piece": 65_536, "answers": 1, "hang_up": true,
    }));
    // It hangs up on what it will not read to its end: the answer may be lost with the line.
    assert!(
        refused == [json!(["AR", "M8", [["", "207", "E"]]])] || refused == [Value::Null],
        "{refused:?}"
    );
    assert_eq!(client.send(&oru("M9", "A9")), json!(["AA", "M9", []]));
    // A1, its correction, A4, A5, A6, A7 and A9.
    assert_eq!(lab.passed().await, 7);
    assert_eq!(lab.passed().await, 0);
}

#[tokio::test]
async fn a_door_that_strangers_reach_is_not_opened() {
    let open = |behind_tunnel, from: &[&str]| {
        Door::open(Config {
            listen: Some(([0, 0, 0, 0], 0).into()),
            behind_tunnel,
            from: from.iter().map(|it| it.parse().unwrap()).collect(),
            ..Config::default()
        })
    };
    assert!(matches!(
        open(false, &["192.0.2.1"]).await,
        Err(DoorError::Exposed(_))
    ));
    assert!(matches!(open(true, &[]).await, Err(DoorError::Anybody(_))));
    assert!(matches!(open(true, &["192.0.2.1"]).await, Ok(Some(_))));
    assert!(matches!(Door::open(Config::default()).await, Ok(None)));
}
