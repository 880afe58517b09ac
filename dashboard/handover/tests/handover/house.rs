//! A centre with three who work there and two patients, a doctor who watches at night, and one who
//! does not.

use std::collections::BTreeMap;

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{create_plan, record_verdicts};
use veglia_handover::{Desk, Form, Kind, Promise, WritingPage, Written};
use veglia_people::background::{self, Background, Other};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Hours, Party, Password, PersonId};
use veglia_store::{Actor, Database};
use veglia_view::{
    About, Evidence, Flag, FlagId, How, PatientId, Plan, RuleSet, Severity, Standing, Trigger,
    Verdict, VitalKind, WallMs,
};
use veglia_words::Language;

use crate::board::Board;

/// 2020-11-20 13:40:00 in Rome, a Friday: before the change of 14:00.
pub(crate) const NOW: WallMs = WallMs(1_605_876_000_000);
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;

const SETUP: Actor = Actor::System("test");

/// When everything was set up.
const BEFORE: WallMs = WallMs(NOW.0 - 72 * HOUR_MS);

pub(crate) struct House {
    pub(crate) record: Database,
    pub(crate) view: Board,
    rules: RuleSet,
    pub(crate) promised: Vec<Promise>,
    pub(crate) maria: PatientId,
    pub(crate) luca: PatientId,
    pub(crate) anna: Staff,
    pub(crate) bruno: Staff,
    pub(crate) carla: Staff,
    /// Watches at night, by the roster.
    pub(crate) nora: Staff,
    /// Has the role, and is not on the roster.
    pub(crate) otto: Staff,
    _folder: TempDir,
}

/// A page as it is read: without tags, on one line.
pub(crate) fn text(page: &impl Template) -> String {
    let page = page.render().expect("it renders");
    let mut said = String::new();
    let mut is_tag = false;
    for letter in page.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                said.push(' ');
            }
            letter if !is_tag => said.push(letter),
            _ => {}
        }
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_handover::SCHEMA,
            veglia_notify::SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        let maria = register(&record, "Maria", "Rossi", "RSSMRA85M01H501Q").await;
        let luca = register(&record, "Luca", "Bianchi", "CCCFBA85D03L219P").await;
        let nora = employ(&record, "nora", "Neri Nora", Role::OutOfHoursDoctor).await;
        let shift = Shift {
            post: Post::OutOfHours,
            party: Party::Staff(nora.id),
            hours: Hours::always(),
            period: Period {
                from: BEFORE,
                until: None,
            },
        };
        let added = duty::add_shift(&record, &SETUP, &shift).await;
        added.expect("she is on file");
        Self {
            view: Board::default(),
            rules: RuleSet::shipped(),
            promised: Vec::new(),
            maria,
            luca,
            anna: employ(&record, "anna", "Ferri Anna", Role::Nurse).await,
            bruno: employ(&record, "bruno", "Verdi Bruno", Role::Nurse).await,
            carla: employ(&record, "carla", "Bo Carla", Role::Operator).await,
            otto: employ(&record, "otto", "Conti Otto", Role::OutOfHoursDoctor).await,
            nora,
            record,
            _folder: folder,
        }
    }

    pub(crate) fn desk<'a>(&'a self, who: &'a Staff, now: WallMs) -> Desk<'a> {
        Desk {
            view: &self.view,
            record: &self.record,
            rules: &self.rules,
            promised: Some(&self.promised),
            who,
            language: Language::It,
            now,
        }
    }

    /// The rules say that somebody's oxygen is low, a minute before.
    pub(crate) async fn raises_a_red(&self, patient: PatientId, now: WallMs) -> FlagId {
        let at = now.plus_ms(-MINUTE_MS);
        let id = format!("00000000000000aa-{}", at.0 / MINUTE_MS % 1_000 + 1);
        let id = id.parse().expect("a record");
        let first = Evidence::reading(id, VitalKind::SpO2, 880, at);
        let flag = Flag {
            id: FlagId {
                patient,
                rule: "spo2-red".parse().expect("a rule's name"),
                rule_set: "home-2020-1".parse().expect("a rule set's name"),
                trigger: Trigger::Record(first.id),
            },
            severity: Severity::Red,
            about: About::Vital(VitalKind::SpO2),
            since: at,
            evidence: vec![first],
            standing: Standing::Confirmed {
                how: How::AtOnce,
                at,
            },
            late: false,
            telling: 1,
        };
        let id = flag.id.clone();
        let said = record_verdicts(&self.record, &SETUP, &[Verdict::Raise(flag)], at).await;
        said.expect("the diary takes it");
        id
    }

    pub(crate) async fn writes_sheet(&self) {
        let sheet = Background {
            therapy: "eparina".to_owned(),
            allergies: "penicillina".to_owned(),
            home_oxygen: "2 L/min di notte".to_owned(),
            floor: "terzo, scala B".to_owned(),
            keys: "dalla portinaia".to_owned(),
            others: vec![Other {
                name: "Luca, figlio".to_owned(),
                phone: "+39 333 7654321".to_owned(),
            }],
            ..Background::default()
        };
        let maria = PersonId::new(self.maria.get().cast_signed()).expect("a person");
        let written = background::write(&self.record, &SETUP, maria, &sheet, 0, BEFORE).await;
        written.expect("it can be written");
    }

    /// The page of somebody who may write.
    pub(crate) async fn page(&self, who: &Staff, kind: Kind, now: WallMs) -> WritingPage {
        let page = WritingPage::load(self.desk(who, now), kind).await;
        page.expect("the record answers").expect("they may write")
    }

    /// Somebody fills in the form of the page they see, and sends it.
    pub(crate) async fn sends(
        &self,
        who: &Staff,
        kind: Kind,
        now: WallMs,
        fields: &[(String, &str)],
    ) -> Written {
        let form = self.form(who, kind, now, fields).await;
        self.sends_form(who, kind, now, &form).await
    }

    pub(crate) async fn sends_form(
        &self,
        who: &Staff,
        kind: Kind,
        now: WallMs,
        form: &Form,
    ) -> Written {
        let written = veglia_handover::write(self.desk(who, now), kind, form).await;
        written.expect("the record answers")
    }

    /// The form as a browser sends it: what is hidden in the page, and what is filled in.
    pub(crate) async fn form(
        &self,
        who: &Staff,
        kind: Kind,
        now: WallMs,
        fields: &[(String, &str)],
    ) -> Form {
        let page = self.page(who, kind, now).await;
        let page = page.render().expect("it renders");
        let hidden = |name: &str| {
            let field = format!("name=\"{name}\" value=\"");
            let (_, rest) = page.split_once(&field).expect("it is in the page");
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        let own = ["change", "seen", "shown"].map(|name| (name.to_owned(), hidden(name)));
        let filled = fields.iter();
        let filled = filled.map(|(name, value)| (name.clone(), (*value).to_owned()));
        let all: BTreeMap<String, String> = own.into_iter().chain(filled).collect();
        Form::from(all)
    }

    /// Why somebody's data were looked at, the first first.
    pub(crate) async fn accesses(&self, patient: PatientId) -> Vec<(String, String)> {
        let subject = patient.to_string();
        let listed = self.record.accesses_to(&SETUP, &subject, None, 100).await;
        let listed = listed.expect("the log can be read").into_iter().rev();
        listed.map(|it| (it.actor, it.purpose)).collect()
    }
}

/// The number of what was written.
pub(crate) fn number(written: Written) -> i64 {
    match written {
        Written::Done(address) => {
            let number = address.rsplit('/').next().expect("an address");
            number.parse().expect("a number")
        }
        Written::Again(page, why) => panic!("{why:?}: {}", text(page.as_ref())),
        Written::NotAllowed => panic!("they may not"),
    }
}

/// A field of one patient.
pub(crate) fn of(prefix: &str, patient: PatientId) -> String {
    format!("{prefix}-{patient}")
}

async fn register(record: &Database, name: &str, surname: &str, code: &str) -> PatientId {
    let person = NewPerson {
        name: name.to_owned(),
        surname: surname.to_owned(),
        codice_fiscale: code.parse().expect("its check letter is right"),
        phone: "+39 02 55500001".parse().expect("a number"),
        address: "via Larga 1, Milano".to_owned(),
    };
    let person = patients::register(record, &SETUP, &person, BEFORE).await;
    let patient = PatientId::new(person.expect("they are new").get().unsigned_abs());
    let plan = Plan::template("home-covid", patient, BEFORE).expect("it is shipped");
    let made = create_plan(record, &SETUP, &plan, BEFORE).await;
    made.expect("a plan from a template");
    patient
}

async fn employ(record: &Database, username: &str, name: &str, role: Role) -> Staff {
    let username: staff::Username = username.parse().expect("a user name");
    let account = NewStaff {
        username: username.clone(),
        name: name.to_owned(),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let made = staff::create(record, &SETUP, account, BEFORE).await;
    made.expect("an account");
    let found = staff::by_username(record, &SETUP, &username).await;
    found.expect("the record answers").expect("it was made")
}
