//! A centre, a home and the people who are called, in a directory of their own; every process is
//! the real one, and all of them live by one care time.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use veglia_triage::PatientId;
use veglia_wire::WallMs;

use crate::bedside::{Device, name_of};
use crate::care::Care;
use crate::free_port;
use crate::process::Process;

/// What the processes say when they are up.
const INGEST_UP: &str = "receiving from the broker";
const PAGES_UP: &str = "pages served";
const PORT_OPEN: &str = "port open";

/// Devices that may be plugged in at the home.
const PORTS: u64 = 3;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "tre civette sul comò";

/// Who works at the centre: user name, role, post. Their numbers are their places, from 1.
pub(crate) const STAFF: [(&str, &str, &str); 4] = [
    ("anna", "nurse", "operator"),
    ("bruno", "nurse", "second-operator"),
    ("dora", "doctor", "doctor"),
    ("elio", "doctor", "out-of-hours"),
];

/// Codes of nobody, well-formed.
const CODES: [&str; 3] = ["RSSMRA85M01H501Q", "RSSMRA85T10A562S", "XXXYYY30A01F205U"];

/// A centre of which nothing runs yet.
#[derive(Debug)]
pub(crate) struct Centre {
    dir: TempDir,
    pub(crate) care: Care,
    pub(crate) pages: u16,
    pub(crate) broker: u16,
    lives: Cell<u32>,
}

/// The processes of a centre and its home.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) centre: Process,
    pub(crate) home: Process,
}

impl Centre {
    /// A centre where it is `at` and time runs so many times as fast, with this `[notify]`, and
    /// everybody on the roster. Each has a mobile and a mail address, in the order of `ways`.
    pub(crate) fn open(at: &str, speed: u32, notify: &str, ways: [&str; 2]) -> Self {
        let centre = Self {
            dir: TempDir::new().expect("a scratch folder can be made"),
            care: Care::begin(at, speed),
            pages: free_port(),
            broker: free_port(),
            lives: Cell::new(0),
        };
        for folder in ["ports", "logs"] {
            fs::create_dir(centre.path(folder)).expect("a folder can be made");
        }
        centre.configure(notify);
        for (user, role, post) in STAFF {
            let account = ["add", user, "--name", user, "--role", role];
            centre.veglia("staff", &account, &format!("{PASSWORD}\n"));
            for way in ways {
                let address = address_of(user, way);
                centre.veglia("duty", &["contact", user, way, &address], "");
            }
            centre.veglia("duty", &["add", post, user], "");
        }
        let doctor = ["add", "--name", "Prova", "--email", "mmg@prova.example"];
        centre.veglia("mmg", &doctor, "");
        centre
    }

    /// The same with messages to a file, [`Self::messages`].
    pub(crate) fn quiet(at: &str, speed: u32) -> Self {
        let notify = "[notify]\nfile = \"messages.jsonl\"\n";
        Self::open(at, speed, notify, ["--mobile", "--email"])
    }

    /// Something in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Every message that was written to the file: when, by the wall; to whom; about which page.
    pub(crate) fn messages(&self) -> Vec<Sent> {
        let text = fs::read_to_string(self.path("data/messages.jsonl")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(Sent::read).collect()
    }

    fn configure(&self, notify: &str) {
        let (data, clock, broker) = (self.path("data"), self.care.section(), self.broker);
        let centre = format!(
            "data = {data:?}\n{clock}[broker]\nlisten = \"127.0.0.1:{broker}\"\n\
             [dashboard]\nlisten = \"127.0.0.1:{}\"\n\
             [ingest]\nbroker = \"127.0.0.1:{broker}\"\nsecret_file = {:?}\n{notify}",
            self.pages,
            self.path("ingest.secret"),
        );
        fs::write(self.path("centre.toml"), centre).expect("a file can be written");
        let mut home = format!(
            "data = {data:?}\n{clock}[gateway]\nid = \"casa\"\nbroker = \"127.0.0.1:{broker}\"\n\
             secret_file = {:?}\nreconnect_seconds = 1\n",
            self.path("casa.secret"),
        );
        for port in 1..=PORTS {
            let port = self.port(port);
            home += &format!("[[gateway.port]]\npath = {port:?}\nprotocol = \"node\"\n");
        }
        fs::write(self.path("home.toml"), home).expect("a file can be written");
        self.let_in(&["ingest"], "ingest.secret");
        self.let_in(&["gateway", "casa"], "casa.secret");
    }

    /// Lets somebody speak over the broker.
    pub(crate) fn let_in(&self, whom: &[&str], secret: &str) {
        let secret = self.path(secret);
        let secret = secret.to_str().expect("scratch folders have plain names");
        let order = [whom, &["--secret-file", secret]].concat();
        self.veglia("identity", &order, "");
    }

    fn port(&self, serial: u64) -> PathBuf {
        self.path(&format!("ports/{serial}"))
    }

    /// Plugs a device in.
    pub(crate) fn plug(&self, serial: u64) -> Device {
        Device::plug(&self.port(serial), serial)
    }

    /// A patient with a plan, the family doctor, and the devices with these numbers.
    pub(crate) fn admit(&self, place: usize, devices: &[u64]) -> PatientId {
        let phone = format!("+39 02 5550000{place}");
        let person = [
            "add",
            "--name",
            "Ada",
            "--surname",
            "Prova",
            "--codice-fiscale",
            CODES[place],
            "--phone",
            &phone,
            "--address",
            "via delle Prove 1",
        ];
        let patient = self.veglia("patient", &person, "");
        let patient = patient.trim();
        self.veglia("plan", &["set", patient], "");
        self.veglia("mmg", &["assign", patient, "--mmg", "1"], "");
        for serial in devices {
            self.give(&name_of(*serial), patient);
        }
        patient.parse().expect("it prints the patient's number")
    }

    /// Gives a patient a device.
    pub(crate) fn give(&self, device: &str, patient: &str) {
        self.veglia("device", &["assign", device, "--patient", patient], "");
    }

    /// What a command prints, when all is well.
    pub(crate) fn veglia(&self, command: &str, arguments: &[&str], typed: &str) -> String {
        let mut command = self.command("centre", command);
        command.args(arguments).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut input = child.stdin.take().expect("its input is piped");
        // A command that reads nothing may have ended already.
        drop(input.write_all(typed.as_bytes()));
        drop(input);
        let done = child.wait_with_output().expect("a child can be waited for");
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8(done.stdout).expect("what it prints is text")
    }

    fn command(&self, configuration: &str, role: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
        let file = self.path(&format!("{configuration}.toml"));
        command.arg("--config").arg(file).arg(role);
        command.env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
    }

    fn start(&self, configuration: &str, role: &str) -> Process {
        let life = self.lives.get();
        self.lives.set(life + 1);
        let log = self.path(&format!("logs/{configuration}-{life}"));
        Process::start(&mut self.command(configuration, role), &log)
    }

    /// Starts broker, ingest and pages.
    pub(crate) fn start_centre(&self) -> Process {
        let mut centre = self.start("centre", "all");
        centre.wait_for(INGEST_UP, 1);
        centre.wait_for(PAGES_UP, 1);
        centre
    }

    /// Starts the home's box, with so many devices plugged in.
    pub(crate) fn start_home(&self, devices: usize) -> Process {
        let mut home = self.start("home", "gateway");
        home.wait_for(PORT_OPEN, devices);
        home
    }

    /// Starts everything.
    pub(crate) fn start_all(&self, devices: usize) -> Running {
        Running {
            centre: self.start_centre(),
            home: self.start_home(devices),
        }
    }
}

/// Where somebody is called.
fn address_of(user: &str, way: &str) -> String {
    if way == "--email" {
        return format!("{user}@prova.example");
    }
    let place = STAFF.iter().position(|(name, ..)| *name == user);
    format!("+39 333 000000{}", place.expect("they are on the list"))
}

/// A message as it was written to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) at: WallMs,
    /// `page-12.staff-1`.
    pub(crate) key: String,
    /// `staff:1`.
    pub(crate) to: String,
}

impl Sent {
    fn read(line: &str) -> Self {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let text = |key: &str| line[key].as_str().expect("it is text").to_owned();
        Self {
            at: WallMs(line["sent_at_ms"].as_i64().expect("it is a time")),
            key: text("key"),
            to: text("recipient"),
        }
    }

    /// Whether it is of this page.
    pub(crate) fn is_of(&self, page: i64) -> bool {
        self.key.starts_with(&format!("page-{page}."))
    }
}
