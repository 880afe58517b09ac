//! A record with a patient who has a plan and two nurses, the line in a folder, and nobody who
//! answers for ingest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{
    Reasons, Written, create_plan, diary_of, note_once, record_verdicts, write_plan,
};
use veglia_intake::{Answered, CallId, Desk, Line, ListForm, Listed, Typed};
use veglia_people::background::{self, Background};
use veglia_people::care::{self, Holder};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Password, PersonId, patients};
use veglia_store::{Actor, Database};
use veglia_view::{
    About, Evidence, Expected, Flag, FlagId, How, HttpView, PatientId, Plan, PlanVersion, RuleSet,
    Severity, Standing, Trigger, Verdict, View, VitalKind,
};
use veglia_wire::{CareClock, Clock, WallMs};
use veglia_words::Language;

use crate::board::Board;

/// 2020-11-21 14:12:00 in Rome.
pub(crate) const NOW: WallMs = WallMs(1_605_964_320_000);
pub(crate) const MINUTE_MS: i64 = 60_000;

const SETUP: Actor = Actor::System("test");

/// The name of the form that tests send.
const CALL: &str = "00000000000000000000000000000abc";

struct Still;

impl Clock for Still {
    fn now(&self) -> WallMs {
        NOW
    }
}

/// The name of a form.
pub(crate) fn form_of(number: u64) -> String {
    format!("{number:032x}")
}

/// One of those whom nobody registered and who have a plan.
pub(crate) fn followed(number: u64) -> PatientId {
    PatientId::new(0xf000_0000 + number)
}

pub(crate) struct House {
    record: Database,
    pub(crate) line: Line,
    pub(crate) view: Box<dyn View>,
    forms: AtomicU64,
    rules: RuleSet,
    pub(crate) maria: PatientId,
    pub(crate) anna: Staff,
    pub(crate) bruno: Staff,
    _folder: TempDir,
}

/// A page as it is read.
pub(crate) fn text(page: &impl Template) -> String {
    page.render().expect("it renders")
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_intake::SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        let person = patients::NewPerson {
            name: "Maria".to_owned(),
            surname: "Rossi".to_owned(),
            codice_fiscale: "RSSMRA85M01H501Q"
                .parse()
                .expect("its check letter is right"),
            phone: "+39 02 55500001".parse().expect("a number"),
            address: "via Larga 1, Milano".to_owned(),
        };
        let maria = patients::register(&record, &SETUP, &person, NOW).await;
        let maria = PatientId::new(maria.expect("nobody is on file yet").get().unsigned_abs());
        let rules = RuleSet::shipped();
        create_plan(&record, &SETUP, &plan(maria), NOW)
            .await
            .expect("a plan from a template");
        let care = CareClock::real(Arc::new(Still));
        let line = Line::open(&folder.path().join("phone"), record.clone(), care);
        Self {
            line: line.expect("a new outbox"),
            view: Box::new(HttpView::new(&folder.path().join("nobody.sock"))),
            forms: AtomicU64::new(100),
            rules,
            maria,
            anna: nurse(&record, "anna", "Ferri Anna").await,
            bruno: nurse(&record, "bruno", "Verdi Bruno").await,
            record,
            _folder: folder,
        }
    }

    /// The centre gives Maria up.
    pub(crate) async fn releases(&self) {
        let maria = PersonId::new(self.maria.get().cast_signed()).expect("a person");
        let ended = care::release(&self.record, &SETUP, maria, &Holder::Centre, NOW).await;
        assert_eq!(ended.expect("the record answers"), 1);
    }

    /// Maria's plan is over.
    pub(crate) async fn ends_the_plan(&self) {
        let ended = Plan {
            version: PlanVersion(2),
            from: NOW.plus_ms(-MINUTE_MS / 2),
            until: Some(NOW),
            ..plan(self.maria)
        };
        let (reasons, at) = (Reasons::default(), NOW);
        let written = write_plan(&self.record, &SETUP, &ended, reasons, at).await;
        written.expect("a further version");
    }

    pub(crate) fn desk<'a>(&'a self, who: &'a Staff) -> Desk<'a> {
        Desk {
            view: self.view.as_ref(),
            record: &self.record,
            rules: &self.rules,
            line: Some(&self.line),
            who,
            now: NOW,
            language: Language::It,
        }
    }

    /// The name of the form that tests send.
    pub(crate) fn call(&self) -> CallId {
        CALL.parse().expect("32 digits")
    }

    /// Anna sends a form.
    pub(crate) async fn sends(&self, step: &str, fields: &[(&str, &str)]) -> Answered {
        self.sends_to(self.desk(&self.anna), step, fields).await
    }

    pub(crate) async fn sends_to(
        &self,
        desk: Desk<'_>,
        step: &str,
        fields: &[(&str, &str)],
    ) -> Answered {
        let at = NOW.to_string();
        let own = [("step", step), ("call", CALL), ("at", at.as_str())];
        let all = own.iter().chain(fields);
        let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let all: std::collections::BTreeMap<String, String> = all.collect();
        let answered = veglia_intake::answer(desk, self.maria, Typed::from(all)).await;
        answered
            .expect("the record answers")
            .expect("Maria is on file")
    }

    /// Somebody does something with Maria's line of the list.
    pub(crate) async fn acts(&self, who: &Staff, act: &str, whom: &str) -> Listed {
        let form = ListForm {
            act: act.to_owned(),
            whom: whom.to_owned(),
            at: String::new(),
            form: form_of(self.forms.fetch_add(1, Ordering::SeqCst)),
        };
        let done = veglia_intake::act(self.desk(who), self.maria, &form).await;
        done.expect("the record answers").expect("Maria is on file")
    }

    pub(crate) async fn writes_sheet(&self, sheet: &Background) {
        let maria = PersonId::new(self.maria.get().cast_signed()).expect("a person");
        let written = background::write(&self.record, &SETUP, maria, sheet, 0, NOW).await;
        written.expect("it can be written");
    }

    /// So many others have a plan and no device: oxygen at eight and at two. What is known of
    /// them: all but the last have said theirs.
    pub(crate) async fn follows_by_telephone(&self, count: u64) -> Board {
        let two = NOW.plus_ms(-12 * MINUTE_MS);
        let mut board = Board::default();
        for number in 0..count {
            let patient = followed(number);
            let mut plan = plan(patient);
            plan.from = NOW.plus_ms(-24 * 60 * MINUTE_MS);
            plan.parameters.truncate(1);
            plan.parameters[0].expected = Expected::DailyAt(vec![
                "08:00".parse().expect("a time"),
                "14:00".parse().expect("a time"),
            ]);
            let made = create_plan(&self.record, &SETUP, &plan, NOW).await;
            made.expect("a plan");
            if number + 1 < count {
                board.told(patient, plan.parameters[0].vital, two);
            }
        }
        board
    }

    /// The rules say that Maria's oxygen is at 88 %.
    pub(crate) async fn raises_a_red(&self) {
        let at = NOW.plus_ms(-MINUTE_MS);
        let id = "00000000000000aa-1".parse().expect("a record");
        let first = Evidence::reading(id, VitalKind::SpO2, 880, at);
        let flag = Flag {
            id: FlagId {
                patient: self.maria,
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
        let asking = Actor::System("asking");
        let words = "Messaggio al paziente: NON recapitato. Telefonargli.";
        let noted = note_once(&self.record, &asking, &id, "told:1:failed", words, NOW).await;
        noted.expect("the diary takes it");
    }

    /// Why Maria's data were looked at, the first first.
    pub(crate) async fn accesses(&self) -> Vec<String> {
        let subject = self.maria.to_string();
        let listed = self.record.accesses_to(&SETUP, &subject, None, 100).await;
        let listed = listed.expect("the log can be read").into_iter().rev();
        listed.map(|it| it.purpose).collect()
    }

    /// The notes in Maria's diary.
    pub(crate) async fn notes(&self) -> Vec<String> {
        let ever = WallMs(0)..NOW.plus_ms(MINUTE_MS);
        let lines = diary_of(&self.record, &SETUP, self.maria, ever, 100).await;
        let lines = lines.expect("the diary can be read").into_iter();
        let notes = lines.filter_map(|line| match line.what {
            Written::Act(act) => Some(act.words),
            _ => None,
        });
        notes.collect()
    }
}

fn plan(patient: PatientId) -> Plan {
    let from = NOW.plus_ms(-MINUTE_MS);
    Plan::template("home-covid", patient, from).expect("it is shipped")
}

async fn nurse(record: &Database, username: &str, name: &str) -> Staff {
    let nurse = NewStaff {
        username: username.parse().expect("a user name"),
        name: name.to_owned(),
        role: Role::Nurse,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let id = staff::create(record, &SETUP, nurse, NOW).await;
    Staff {
        id: id.expect("a new name"),
        name: name.to_owned(),
        role: Role::Nurse,
        belongs: None,
    }
}
