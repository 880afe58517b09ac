//! A centre with a nurse, a doctor and two patients; one of them wears a device that speaks.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use veglia_codecs::Protocol;
use veglia_series::{Pressure, SCHEMA, Sample, Series, SeriesWriter};
use veglia_store::sea_orm::{ConnectionTrait, Statement};
use veglia_store::{Actor, Database, Purpose};
use veglia_triage::{
    About, Evidence, Flag, FlagId, How, PatientId, Severity, Standing, Trigger, Verdict,
};
use veglia_wire::{DeviceId, Quality, Site, VitalKind, WallMs};

use crate::house::{House, PORT_OPEN, PORTS};
use crate::process::Process;

/// What stands before the six digits of a citizen's code.
const CODE_IS: &str = "codice è ";

/// How often it is looked whether one was sent: for a minute and a half.
const LOOKS: usize = 900;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What the pages say when they are served.
const PAGES_UP: &str = "pages served";

/// A device that spoke for fourteen days and is silent now.
const OLD_DEVICE: &str = "nonin:777777";

/// A key that signs for nobody: made for these tests.
const PUSH_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6QNJfVGM36A+dqSC
WWS8RkcbyU4mQj6PjUL9Luwsn+uhRANCAARstkhm5DmsZVpAfvvT69cOu+hGI+Eg
iOVZebO11BzDN/7vKN296IWxKjzZHuTSkmGbpgTWntweg5qAEEsje8Zc
-----END PRIVATE KEY-----
";

/// An identity provider that is not there: its button is, and the page that links an identity.
const PROVIDER: &str = r#"
[dashboard.federated]
issuer = "http://localhost:9"
client_id = "prova"
label = "Entra con SPID (prova)"
acr = ["https://www.spid.gov.it/SpidL2"]
"#;

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long a device has spoken, and how long ago the one low reading was, in milliseconds.
pub(crate) const A_FORTNIGHT: Past = Past {
    long_ms: 14 * DAY_MS,
    drop_ago_ms: 10 * DAY_MS,
};

/// The same of a day.
pub(crate) const A_DAY: Past = Past {
    long_ms: DAY_MS,
    drop_ago_ms: 10 * HOUR_MS,
};

/// How long before and after it the device calls its own readings disturbed.
const DISTURBED_MS: i64 = 30 * SECOND_MS;

/// What a device said before anybody looked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past {
    long_ms: i64,
    drop_ago_ms: i64,
}

/// The centre and its one home; nothing runs yet.
#[derive(Debug)]
pub(crate) struct Centre {
    pub(crate) house: House,
    page: String,
    patient: String,
}

impl Centre {
    /// People, a plan and an assignment, written by the commands that staff use.
    pub(crate) fn new(hz: u16) -> Self {
        let house = House::new(1, hz);
        call_nobody(&house);
        let page = pages(&house);
        let mut centre = Self {
            house,
            page,
            patient: String::new(),
        };
        centre.employ("anna", "Ferri Anna", "nurse", "tre civette sul comò");
        centre.employ("carla", "Bo Carla", "admin", "ambarabà ciccì coccò");
        centre.employ("luca", "Conti Luca", "doctor", "ambarabà ciccì coccò");
        centre.employ("rita", "Villa Rita", "auditor", "ambarabà ciccì coccò");
        centre.employ(
            "olga",
            "Riva Olga",
            "hospital-doctor",
            "ambarabà ciccì coccò",
        );
        centre.veglia("staff", &["tie", "olga", "--unit", "Pneumologia"], "");
        centre.patient = centre.admit("Maria", "Rossi", "RSSMRA85M01H501Q");
        let unit = ["care", &centre.patient, "--entrust", "unit:Pneumologia"];
        centre.veglia("patient", &unit, "");
        let device = centre.device().to_string();
        let assigned = ["assign", &device, "--patient", &centre.patient];
        centre.veglia("device", &assigned, "");
        centre.veglia("duty", &["add", "operator", "anna"], "");
        centre.veglia("duty", &["contact", "anna", "--mobile", "333 1234567"], "");
        centre
    }

    /// The oximeter of the home.
    pub(crate) fn device(&self) -> &DeviceId {
        let mut devices = self.house.homes[0].devices.iter();
        let oximeter = devices.find(|device| device.protocol == Protocol::Nonin8);
        &oximeter.expect("every home has one").id
    }

    /// Ada is Maria's family doctor, and has an account.
    pub(crate) fn has_family_doctor(&self) {
        let doctor = [
            "add",
            "--name",
            "Bianchi Ada",
            "--email",
            "ada@prova.example",
        ];
        self.veglia("mmg", &doctor, "");
        self.veglia("mmg", &["assign", &self.patient, "--mmg", "1"], "");
        self.employ("ada", "Bianchi Ada", "mmg", "ambarabà ciccì coccò");
        self.veglia("staff", &["tie", "ada", "--mmg", "1"], "");
    }

    /// What a script needs to know.
    pub(crate) fn told(&self) -> Value {
        json!({
            "base": self.page,
            "nurse": { "username": "anna", "password": "tre civette sul comò" },
            "admin": { "username": "carla", "password": "ambarabà ciccì coccò" },
            "doctor": { "username": "luca", "password": "ambarabà ciccì coccò" },
            "auditor": { "username": "rita", "password": "ambarabà ciccì coccò" },
            "family": { "username": "ada", "password": "ambarabà ciccì coccò" },
            "hospital": { "username": "olga", "password": "ambarabà ciccì coccò" },
            "patient": self.patient,
            "device": self.device(),
            "gateway": self.house.homes[0].name,
            "notice": self.notice(),
        })
    }

    /// Has an out-of-hours doctor on duty, to whom the patient is entrusted, whatever the hour is;
    /// with what they sign in.
    pub(crate) fn entrust_the_night(&self) -> Value {
        let password = "ambarabà ciccì coccò";
        self.employ("nora", "Neri Nora", "out-of-hours-doctor", password);
        self.veglia("duty", &["add", "out-of-hours", "nora"], "");
        let patient = &self.patient;
        let given = [
            "care",
            patient,
            "--entrust",
            "out-of-hours",
            "--until",
            "2099-01-01",
        ];
        self.veglia("patient", &given, "");
        json!({ "username": "nora", "password": password })
    }

    /// The address behind a family doctor's link.
    fn notice(&self) -> String {
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        let made = runtime.block_on(async {
            let record = self.house.path("data/record.db");
            let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
            let record = Database::open(&record, Purpose::Record, &schemas).await?;
            let (actor, doctor) = (Actor::System("test"), "mmg:1".parse()?);
            let link = veglia_people::links::make(&record, &actor, doctor, 1, now()).await?;
            record.close().await?;
            anyhow::Ok(format!("/avvisi/{}", link.reveal()))
        });
        made.expect("a link can be made")
    }

    /// Starts a role of the centre and waits until it is up.
    pub(crate) fn start(&self, role: &str, up: &str) -> Process {
        let has_lived = |life: &usize| self.house.log("centre", role, *life).exists();
        let life = (0..).take_while(has_lived).count();
        let mut process = self.house.start("centre", role, life);
        process.wait_for(up, 1);
        process
    }

    /// Starts the pages.
    pub(crate) fn serve_pages(&self) -> Process {
        self.start("dashboard", PAGES_UP)
    }

    /// Starts the home's gateway; its devices speak already.
    pub(crate) fn start_gateway(&self) -> Process {
        let mut gateway = self.house.start(&self.house.homes[0].name, "gateway", 0);
        gateway.wait_for(PORT_OPEN, PORTS);
        gateway
    }

    /// Makes the certificate authority with which boxes are enrolled.
    pub(crate) fn certify(&self) {
        self.veglia("ca", &["init"], "");
    }

    /// A box that was never here asks to be let in with the code of its label.
    pub(crate) fn enrol_a_box(&self, code: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
        command.arg("--data").arg(self.house.path("box"));
        command.args(["gateway", "enroll", "--centre", &self.page, "--code", code]);
        let done = command.output().expect("the program can be started");
        assert!(done.status.success(), "{done:?}");
    }

    /// Writes the past of one device at 1 Hz into the series, before ingest ever ran: quiet values,
    /// and one second at 84 % among disturbed ones that are lower.
    pub(crate) fn remember(&self, past: Past) {
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        let remembered = runtime.block_on(self.write(past, now()));
        remembered.expect("the past can be written");
    }

    async fn write(&self, past: Past, now: WallMs) -> anyhow::Result<()> {
        let folder = self.house.path("data/ingest");
        fs::create_dir_all(&folder)?;
        let series = folder.join("series.db");
        let series = Database::open(&series, Purpose::Series, &[SCHEMA]).await?;
        let (_, mut writer) = Series::open(series).await?;
        write_past(&mut writer, past, now).await?;
        let record = self.house.path("data/record.db");
        let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
        let record = Database::open(&record, Purpose::Record, &schemas).await?;
        let patient: PatientId = self.patient.parse()?;
        let from = now.plus_ms(-15 * DAY_MS);
        let (actor, device) = (Actor::System("test"), old_device());
        veglia_diary::assign_device(&record, &actor, &device, patient, from, now).await?;
        Ok(())
    }

    /// So many reds of the patient, a minute apart, as the rules would tell them.
    pub(crate) fn raise_reds(&self, count: u64) {
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        let raised = runtime.block_on(self.raise(count, now()));
        raised.expect("the diary takes what the rules say");
    }

    async fn raise(&self, count: u64, now: WallMs) -> anyhow::Result<()> {
        let record = self.house.path("data/record.db");
        let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
        let record = Database::open(&record, Purpose::Record, &schemas).await?;
        let patient: PatientId = self.patient.parse()?;
        for number in 1..=count {
            let at = now.plus_ms(-60_000 * i64::try_from(number)?);
            let red = red(patient, number, at)?;
            let actor = Actor::System("test");
            veglia_diary::record_verdicts(&record, &actor, &[red], at).await?;
        }
        record.close().await?;
        Ok(())
    }

    /// The newest code that was sent to a citizen by SMS, as soon as there is one.
    pub(crate) fn code_by_sms(&self) -> String {
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        runtime.block_on(async {
            for _ in 0..LOOKS {
                let texts = self.texts().await.expect("the record can be read");
                let code = texts.iter().find_map(|text| text.split_once(CODE_IS));
                if let Some((_, code)) = code {
                    return code.chars().take(6).collect();
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            panic!("no code was sent");
        })
    }

    /// What was sent so far, the newest first.
    async fn texts(&self) -> anyhow::Result<Vec<String>> {
        let record = self.house.path("data/record.db");
        let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
        let record = Database::open(&record, Purpose::Record, &schemas).await?;
        let rows = record.read_tx("test.texts", &Actor::System("test"), |tx| {
            Box::pin(async move {
                let sql = "select text from delivery order by id desc";
                let asked = Statement::from_string(tx.get_database_backend(), sql);
                Ok(tx.query_all_raw(asked).await?)
            })
        });
        let texts = rows.await?;
        record.close().await?;
        let texts = texts.iter().map(|row| row.try_get_by("text"));
        Ok(texts.collect::<Result<_, _>>()?)
    }

    fn employ(&self, username: &str, name: &str, role: &str, password: &str) {
        let account = ["add", username, "--name", name, "--role", role];
        self.veglia("staff", &account, &format!("{password}\n"));
    }

    fn admit(&self, name: &str, surname: &str, code: &str) -> String {
        let person = [
            "add",
            "--name",
            name,
            "--surname",
            surname,
            "--codice-fiscale",
            code,
            "--phone",
            "+39 02 55500001",
            "--address",
            "via Larga 1, Milano",
        ];
        let patient = self.veglia("patient", &person, "").trim().to_owned();
        self.veglia("plan", &["set", &patient], "");
        patient
    }

    /// What a command prints, when all is well.
    fn veglia(&self, command: &str, arguments: &[&str], typed: &str) -> String {
        let mut command = self.house.veglia("centre", command);
        command.args(arguments).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut input = child.stdin.take().expect("its input is piped");
        let written = input.write_all(typed.as_bytes());
        written.expect("the command reads what is typed");
        drop(input);
        let done = child.wait_with_output().expect("a child can be waited for");
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8(done.stdout).expect("what it prints is text")
    }
}

async fn write_past(writer: &mut SeriesWriter, past: Past, now: WallMs) -> anyhow::Result<()> {
    for second in 1..=past.long_ms / SECOND_MS {
        let at = now.plus_ms(second * SECOND_MS - past.long_ms);
        let (value, quality) = match now.since(at) - past.drop_ago_ms {
            0 => (840, Quality::empty()),
            near if near.abs() <= DISTURBED_MS => (830, Quality::ARTEFACT),
            _ => (950 + i32::try_from(second * 7919 % 20)?, Quality::empty()),
        };
        let sample = Sample {
            device: old_device(),
            vital: VitalKind::SpO2,
            site: Site::Unknown,
            at,
            value,
            quality,
        };
        if writer.push(&sample) == Pressure::Checkpoint {
            // Nothing was read from a journal: ingest will begin at its start.
            writer.checkpoint(0).await?;
        }
    }
    writer.checkpoint(0).await?;
    Ok(writer.settle().await?)
}

/// A low saturation that was confirmed at once.
fn red(patient: PatientId, number: u64, at: WallMs) -> anyhow::Result<Verdict> {
    let record = format!("00000000000000aa-{number}").parse()?;
    Ok(Verdict::Raise(Flag {
        id: FlagId {
            patient,
            rule: "spo2-red".parse()?,
            rule_set: "home-2020-1".parse()?,
            trigger: Trigger::Record(record),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: at,
        evidence: vec![Evidence::reading(record, VitalKind::SpO2, 870, at)],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at,
        },
        late: false,
        telling: 1,
    }))
}

fn old_device() -> DeviceId {
    DeviceId::new(OLD_DEVICE).expect("it is well formed")
}

fn now() -> WallMs {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = now.expect("the clock is past 1970").as_millis();
    WallMs(i64::try_from(ms).expect("milliseconds since 1970 fit"))
}

/// SMS go to a gateway that is not there, nor is the identity provider, and browsers may subscribe:
/// whoever tries it sees a channel that is down.
fn call_nobody(house: &House) {
    let (secret, key) = (house.path("sms.secret"), house.path("push.key"));
    fs::write(&secret, "prova").expect("a file can be written");
    fs::write(&key, PUSH_KEY).expect("a file can be written");
    let file = house.path("centre.toml");
    let mut text = fs::read_to_string(&file).expect("the configuration can be read");
    text += &format!(
        "[notify.sms]\ngateway = \"http://127.0.0.1:9/\"\nuser = \"prova\"\n\
         password_file = {secret:?}\nfrom = \"Veglia\"\n\
         [notify.push]\nkey_file = {key:?}\ncontact = \"mailto:prova@prova.example\"\n\
         {PROVIDER}secret_file = {secret:?}\n"
    );
    fs::write(&file, text).expect("the configuration can be written");
}

/// Where the configuration lets the pages be served.
fn pages(house: &House) -> String {
    let text = fs::read_to_string(house.path("centre.toml"));
    let text = text.expect("the configuration can be read");
    let (_, section) = text.split_once("[dashboard]").expect("pages are served");
    let address = section.split('"').nth(1).expect("they have an address");
    let (_, port) = address.rsplit_once(':').expect("it has a port");
    format!("http://localhost:{port}")
}
