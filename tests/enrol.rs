//! A box enrols with the code that was printed for it, and its readings cross TLS to a centre of
//! real processes, until it is revoked: every step as a person types it. The centre's pages are
//! stood in for by a listener of this test that asks the same registrar.
// req: G3, G5

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use veglia_identity::{Authority, EnrolmentFile, IdentityFile, Registrar, UnixSeconds};

use process::{Process, wait_until};

/// A centre with an authority, and a box, each with its own data directory.
struct House {
    dir: TempDir,
    pages: SocketAddr,
    broker: u16,
}

impl House {
    fn new() -> Self {
        let dir = TempDir::new().expect("a scratch folder can be made");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let pages = listener.local_addr().expect("it is bound");
        let house = Self {
            dir,
            pages,
            broker: free_port(),
        };
        house.configure();
        house.says("centre", "ca init --name prova");
        house.says("centre", "ca server --name 127.0.0.1");
        house.says("centre", "identity service ingest --certificate");
        let registrar = Registrar {
            authority: Authority::open(&house.path("centre/ca")).expect("the authority"),
            identities: IdentityFile::new(house.path("centre/identities.toml")),
            enrolments: EnrolmentFile::new(house.path("centre/enrolments.toml")),
            broker: format!("127.0.0.1:{}", house.broker),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.expect("a connection"), &registrar);
            }
        });
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn configure(&self) {
        let (plain, tls) = (free_port(), self.broker);
        let centre = format!(
            "data = {:?}\n\
             [broker]\nlisten = \"127.0.0.1:{plain}\"\n\
             [broker.tls]\nlisten = \"127.0.0.1:{tls}\"\n\
             certificate = {:?}\nkey = {:?}\nauthority = {:?}\n\
             [ingest]\nbroker = \"mqtts://127.0.0.1:{tls}\"\n\
             certificate = \"ingest.pem\"\nkey = \"ingest.key\"\n\
             authority = \"ca/authority.pem\"\n",
            self.path("centre"),
            self.path("centre/ca/server.pem"),
            self.path("centre/ca/server.key"),
            self.path("centre/ca/authority.pem"),
        );
        fs::write(self.path("centre.toml"), centre).expect("a file can be written");
        let data = self.path("box");
        let text = format!("data = {data:?}\n[gateway]\nreconnect_seconds = 1\n");
        fs::write(self.path("box.toml"), text).expect("a file can be written");
    }

    fn veglia(&self, who: &str, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
        command
            .arg("--config")
            .arg(self.path(&format!("{who}.toml")));
        command.args(arguments.split(' ')).env_remove("RUST_LOG");
        command
    }

    fn run(&self, who: &str, arguments: &str) -> Output {
        let mut command = self.veglia(who, arguments);
        command.output().expect("the program can be started")
    }

    /// What it says when all is well.
    fn says(&self, who: &str, arguments: &str) -> String {
        let output = self.run(who, arguments);
        assert!(output.status.success(), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The one sentence of a refusal.
    fn refuses(&self, who: &str, arguments: &str, word: &str) {
        let output = self.run(who, arguments);
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(!output.status.success(), "{arguments}: {said}");
        assert!(said.contains(word), "{word} is not in: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }

    /// A code for a gateway, from what is printed for a person.
    fn code(&self, id: &str) -> String {
        let said = self.says("centre", &format!("identity gateway {id} --code"));
        said.lines()
            .next()
            .expect("the code comes first")
            .to_owned()
    }

    fn enroll(&self, code: &str) -> String {
        format!(
            "gateway enroll --centre http://{} --code {code}",
            self.pages
        )
    }

    fn start(&self, who: &str, role: &str) -> Process {
        let log = self.path(&format!("{who}-{role}.log"));
        Process::start(&mut self.veglia(who, role), &log)
    }
}

/// Answers one question as the centre's pages would.
fn answer(stream: TcpStream, registrar: &Registrar) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).expect("a request") > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let asked = serde_json::from_slice(&body).expect("a question");
    let (status, text) = match registrar.enrol(&asked, now()) {
        Ok(admission) => (200, serde_json::to_string(&admission)),
        Err(error) => {
            let refusal = error.refusal();
            (refusal.kind.status(), serde_json::to_string(&refusal))
        }
    };
    let text = text.expect("an answer");
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    let mut stream = reader.into_inner();
    stream
        .write_all((head + &text).as_bytes())
        .expect("an answer is taken");
}

fn now() -> UnixSeconds {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = passed.expect("after 1970").as_secs();
    UnixSeconds(i64::try_from(seconds).expect("a time"))
}

fn free_port() -> u16 {
    let mut chance = fastrand::Rng::new();
    std::iter::repeat_with(|| chance.u16(10_000..32_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("an endless row ends only when something is found")
}

#[test]
fn an_enrolled_box_is_heard_over_tls_until_it_is_revoked() {
    let house = House::new();
    let code = house.code("casa-1");
    let said = house.says("box", &house.enroll(&code));
    assert!(said.contains("this box is gateway casa-1"), "{said}");

    let mut broker = house.start("centre", "broker");
    broker.wait_for("front door open", 1);
    let mut ingest = house.start("centre", "ingest");
    ingest.wait_for("receiving from the broker", 1);
    let mut gateway = house.start("box", "gateway");
    gateway.wait_for("connected to the broker", 1);

    house.says("centre", "identity revoke casa-1");
    let revoked = now();
    gateway.wait_for("the centre has revoked casa-1: call the centre", 1);
    // A code of the same second might be older than the revocation, so it would not do.
    wait_until("the next second", || (now() > revoked).then_some(()));

    // The same box, with a new code and a new key; what it has measured stays.
    let code = house.code("casa-1");
    let again = format!("{} --again", house.enroll(&code));
    house.says("box", &again);
    gateway.wait_for("connected to the broker", 2);
    let said = gateway.end();
    assert_eq!(said.matches("has revoked casa-1").count(), 1, "{said}");
    ingest.end();
    broker.end();
}

#[test]
fn a_box_that_is_enrolled_says_so_and_changes_nothing() {
    let house = House::new();
    house.says("box", &house.enroll(&house.code("casa-1")));
    let said = house.says("box", &house.enroll(&house.code("casa-1")));
    assert!(
        said.contains("gateway casa-1 of the centre http://"),
        "{said}"
    );
    assert!(said.contains("already, and nothing was changed"), "{said}");
}

#[test]
fn a_box_that_cannot_enrol_says_why_in_one_sentence() {
    let house = House::new();
    house.refuses("box", "gateway", "this box is not enrolled");
    house.refuses(
        "box",
        "gateway enroll --code 1234-5678",
        "the code cannot be read",
    );
    let code = house.code("casa-1");
    house.refuses(
        "box",
        &format!("gateway enroll --code {code}"),
        "--centre URL",
    );
    let far = format!("gateway enroll --centre http://192.0.2.1 --code {code}");
    house.refuses("box", &far, "write https://");
    house.says("centre", "identity revoke casa-1");
    house.refuses("box", &house.enroll(&code), "the centre knows no such code");
}
