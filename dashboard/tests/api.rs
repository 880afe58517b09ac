//! The API asked what nobody thought of: `schemathesis` reads the document that the real server
//! serves and asks thousands of questions, right ones and wrong ones. No server error, no answer
//! that the document does not know, no body that is not as it says, nothing wrong that is taken
//! for right, nothing that opens without a token. It is fetched by pip below the target folder;
//! where Python, pip or the network is missing, the test is skipped, aloud.

#![cfg(test)]

#[path = "api/ingest.rs"]
mod ingest;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use veglia_dashboard::{Config, Deps, serve};
use veglia_diary::{create_plan, record_verdicts};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::tokens::{self, NewToken, Scope, Secret};
use veglia_people::{Password, PersonId};
use veglia_store::{Actor, Database, Purpose};
use veglia_view::{
    About, Evidence, Flag, FlagId, How, PatientId, Plan, Severity, Standing, Trigger, Verdict,
    VitalKind,
};
use veglia_wire::{CareClock, Clock, WallMs};

use ingest::Ingest;

const NAME: &str = "nothing_that_a_program_asks_is_answered_otherwise_than_the_document_says";

/// For all questions, beside other busy programs; alone it takes a minute.
const PATIENCE: Duration = Duration::from_secs(900);

const TEST: Actor = Actor::System("test");

/// What is to hold of every answer. Left out: that everything right is accepted, because whether an
/// act can be done is the diary's to say, and no document knows it.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,\
    missing_required_header,unsupported_method,allow_header_conformance,ignored_auth";

struct Now;

impl Clock for Now {
    fn now(&self) -> WallMs {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        WallMs(i64::try_from(now.as_millis()).unwrap())
    }
}

/// Where the packages are, fetched when they are not; or why they are not there.
fn packages() -> Result<String, String> {
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let whole = folder.join("requirements.txt");
    let path = folder.display().to_string();
    if fs::read(&whole).is_ok_and(|held| Some(held) == fs::read(&wanted).ok()) {
        return Ok(path);
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet"]);
    pip.args(["--disable-pip-version-check", "--no-warn-script-location"]);
    pip.args(["--upgrade", "--target"]).arg(&folder);
    let done = pip.arg("--requirement").arg(&wanted).output();
    let done = done.map_err(|error| format!("python3 cannot be started: {error}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(format!("pip failed: {said}"));
    }
    fs::copy(wanted, whole).map_err(|error| error.to_string())?;
    Ok(path)
}

/// A centre with one patient who has a plan, a device and a red flag.
struct Centre {
    address: SocketAddr,
    patient: PatientId,
    token: Secret,
    folder: tempfile::TempDir,
}

impl Centre {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_doctor::SCHEMA,
            veglia_enrol::SCHEMA,
            veglia_fleet::SCHEMA,
            veglia_intake::SCHEMA,
            veglia_handover::SCHEMA,
            veglia_notify::SCHEMA,
        ];
        let path = folder.path().join("record.db");
        let record = Database::open(&path, Purpose::Record, &schemas).await;
        let record = record.unwrap();
        let patient = follow(&record).await;
        let token = employ(&record).await;
        let clock = Arc::new(Now);
        let deps = Deps {
            record,
            view: Arc::new(Ingest::of(patient, clock.clone())),
            clock: clock.clone(),
            care: CareClock::real(clock),
            identities: folder.path().join("identities.toml"),
            enrolments: folder.path().join("enrolments.toml"),
            notify: veglia_notify::Config::default(),
            alarm_path: None,
            line: None,
            laboratory: veglia_laboratory::Config::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = serve(Config::default(), deps, listener, std::future::pending());
        tokio::spawn(serving);
        Self {
            address,
            patient,
            token,
            folder,
        }
    }

    /// Asks all that can be asked.
    async fn asked_everything(&self, packages: &str) -> Output {
        let config = self.folder.path().join("schemathesis.toml");
        let said = format!(
            "[auth.openapi.token]\nbearer = \"{}\"\n\n[parameters]\n\"path.patient\" = \"{}\"\n",
            self.token.reveal(),
            self.patient
        );
        fs::write(&config, said).unwrap();
        let mut python = tokio::process::Command::new("python3");
        python
            .args(["-m", "schemathesis.cli", "--no-color", "--config-file"])
            .arg(&config)
            .args(["run", "--checks", CHECKS])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--max-examples", "80", "--seed", "1", "--warnings", "off"])
            // As many as a token may ask.
            .args(["--rate-limit", "45/s", "--request-timeout", "60"])
            .arg(format!("http://{}/api/v1/openapi.json", self.address))
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        let asked = tokio::time::timeout(PATIENCE, python.output()).await;
        asked.unwrap().unwrap()
    }
}

/// A patient at home who is not well.
async fn follow(record: &Database) -> PatientId {
    let now = Now.now();
    let person = NewPerson {
        name: "Maria".to_owned(),
        surname: "Prova".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
        phone: "333 1234567".parse().unwrap(),
        address: "Via di Prova 1, 20100 Milano".to_owned(),
    };
    let person: PersonId = patients::register(record, &TEST, &person, now)
        .await
        .unwrap();
    let patient: PatientId = person.to_string().parse().unwrap();
    let plan = Plan::template("home-covid", patient, now).unwrap();
    create_plan(record, &TEST, &plan, now).await.unwrap();
    let id = "00000000000000aa-1".parse().unwrap();
    let flag = Flag {
        id: FlagId {
            patient,
            rule: "spo2-red".parse().unwrap(),
            rule_set: "home-2020-1".parse().unwrap(),
            trigger: Trigger::Record(id),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: now,
        evidence: vec![Evidence::reading(id, VitalKind::SpO2, 880, now)],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at: now,
        },
        late: false,
        telling: 1,
    };
    let raised = [Verdict::Raise(flag)];
    record_verdicts(record, &TEST, &raised, now).await.unwrap();
    patient
}

/// A nurse, and a token that is for everything.
async fn employ(record: &Database) -> Secret {
    let now = Now.now();
    let anna = NewStaff {
        username: "anna".parse().unwrap(),
        name: "Anna".to_owned(),
        role: Role::Nurse,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let username = anna.username.clone();
    staff::create(record, &TEST, anna, now).await.unwrap();
    let anna = staff::by_username(record, &TEST, &username).await.unwrap();
    let new = NewToken {
        name: "prova".to_owned(),
        scopes: Scope::ALL.to_vec(),
        days: 1,
    };
    tokens::make(record, &anna.unwrap(), &new, now)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_program_asks_is_answered_otherwise_than_the_document_says() {
    let packages = match packages() {
        Ok(packages) => packages,
        Err(reason) => return support::skip(NAME, &reason),
    };
    let centre = Centre::open().await;
    let asked = centre.asked_everything(&packages).await;
    let said = String::from_utf8_lossy(&asked.stdout);
    let erred = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{said}\n{erred}");
    // An operation that was left out would be no finding.
    assert!(said.contains("11 selected / 11 total"), "{said}");
}
