//! A record with two patients, their doctor, a colleague, a nurse, and what the rules say.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{Act, Written, diary_of, record_verdicts};
use veglia_doctor::{ActForm, Desk, InboxPage, InboxQuery, Outcome, Turn, act};
use veglia_people::contacts::{Address, Channel};
use veglia_people::duty;
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Belongs, MmgId, Party, Password, care};
use veglia_store::{Actor, Database};
use veglia_view::{
    About, Clock, Evidence, Flag, FlagId, How, HttpView, PatientId, Severity, Standing, Trigger,
    Verdict, VitalKind, WallMs,
};
use veglia_words::Language;

/// 20 October 2020, 10:00 in Milano: a Tuesday on which family doctors work.
pub(crate) const NOW: WallMs = WallMs(1_603_180_800_000);
pub(crate) const SETUP: Actor = Actor::System("test");

/// The name of a form.
pub(crate) const FORM: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const OTHER: &str = "fedcba9876543210fedcba9876543210";
pub(crate) const THIRD: &str = "00112233445566778899aabbccddeeff";

/// A clock that stands still until a test moves it.
pub(crate) struct StillClock(pub(crate) AtomicI64);

impl Clock for StillClock {
    fn now(&self) -> WallMs {
        WallMs(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Surgery {
    pub(crate) record: Database,
    pub(crate) maria: PatientId,
    pub(crate) luigi: PatientId,
    /// The family doctor of Maria.
    pub(crate) doctor: Staff,
    /// The family doctor of Luigi.
    pub(crate) colleague: Staff,
    pub(crate) nurse: Staff,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) turn: Turn,
    view: HttpView,
    _folder: TempDir,
}

pub(crate) async fn account(record: &Database, username: &str, name: &str, role: Role) -> Staff {
    let new = NewStaff {
        username: username.parse().expect("a user name"),
        name: name.to_owned(),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let made = staff::create(record, &SETUP, new, NOW).await;
    made.expect("the name is free");
    found(record, username).await
}

pub(crate) async fn found(record: &Database, username: &str) -> Staff {
    let username = username.parse().expect("a user name");
    let found = staff::by_username(record, &SETUP, &username).await;
    found
        .expect("the record answers")
        .expect("the account is there")
}

async fn doctor(record: &Database, username: &str, name: &str) -> Staff {
    let account = account(record, username, name, Role::Mmg).await;
    let new = NewMmg {
        name: name.to_owned(),
        hours: "mon-fri 08:00-20:00".parse().expect("hours"),
        contacts: vec![
            Address::new(Channel::Email, &format!("{username}@prova.example")).expect("an address"),
        ],
    };
    let mmg = mmg::add(record, &SETUP, &new, NOW).await;
    let belongs = Belongs::Mmg(mmg.expect("the doctor is written"));
    let tied = staff::tie(record, &SETUP, account.id, &belongs).await;
    tied.expect("the account is there");
    found(record, username).await
}

pub(crate) fn number(of: &Staff) -> MmgId {
    match of.belongs {
        Some(Belongs::Mmg(id)) => id,
        _ => panic!("a family doctor's account"),
    }
}

async fn admit(record: &Database, name: &str, code: &str, doctor: &Staff) -> PatientId {
    let person = NewPerson {
        name: name.to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: code.parse().expect("its check letter is right"),
        phone: "+390212345678".parse().expect("a number"),
        address: "via Larga 1, Milano".to_owned(),
    };
    let id = patients::register(record, &SETUP, &person, NOW).await;
    let id = id.expect("nobody has this code yet");
    let assigned = mmg::assign(record, &SETUP, id, number(doctor), NOW).await;
    assigned.expect("both are on file");
    PatientId::new(id.get().unsigned_abs())
}

pub(crate) async fn surgery() -> Surgery {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let schemas = [
        veglia_people::SCHEMA,
        veglia_diary::SCHEMA,
        veglia_notify::SCHEMA,
        veglia_doctor::SCHEMA,
    ];
    let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
    let nurse = account(&record, "anna", "Anna Ferri", Role::Nurse).await;
    let one = doctor(&record, "bianchi", "Dott. Bianchi").await;
    let other = doctor(&record, "verdi", "Dott.ssa Verdi").await;
    Surgery {
        maria: admit(&record, "Maria", "RSSMRA85M01H501Q", &one).await,
        luigi: admit(&record, "Luigi", "CCCFBA85D03L219P", &other).await,
        doctor: one,
        colleague: other,
        nurse,
        clock: Arc::new(StillClock(AtomicI64::new(NOW.0))),
        turn: Turn::default(),
        view: HttpView::new(&folder.path().join("nobody.sock")),
        record,
        _folder: folder,
    }
}

pub(crate) fn evidence(steps: i32, minutes_ago: i64) -> Evidence {
    let id = format!("00000000000000aa-{steps}");
    let id = id.parse().expect("a record id");
    let at = NOW.plus_ms(-minutes_ago * 60_000);
    Evidence::reading(id, VitalKind::SpO2, steps, at)
}

/// A value of oxygen that calls people.
pub(crate) fn flag(patient: PatientId, severity: Severity, steps: i32) -> Flag {
    let first = evidence(steps, 7);
    let rule = match severity {
        Severity::Red => "spo2-red",
        _ => "spo2-amber",
    };
    Flag {
        id: FlagId {
            patient,
            rule: rule.parse().expect("a rule's name"),
            rule_set: "home-2020-1".parse().expect("a rule set's name"),
            trigger: Trigger::Record(first.id),
        },
        severity,
        about: About::Vital(VitalKind::SpO2),
        since: first.at,
        evidence: vec![first],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at: first.at,
        },
        late: false,
        telling: 1,
    }
}

pub(crate) fn press(form: &str, flag: &Flag, act: &str, words: &str) -> ActForm {
    ActForm {
        form: form.to_owned(),
        flag: flag.id.to_string(),
        admission: String::new(),
        seen: flag.telling,
        act: act.to_owned(),
        words: words.to_owned(),
    }
}

pub(crate) fn shown(page: &impl Template) -> String {
    page.render().expect("it renders").replace('\u{a0}', " ")
}

impl Surgery {
    pub(crate) fn desk<'a>(&'a self, who: &'a Staff) -> Desk<'a> {
        Desk {
            view: &self.view,
            record: &self.record,
            who,
            now: self.clock.now(),
            language: Language::It,
        }
    }

    pub(crate) async fn say(&self, verdicts: &[Verdict]) {
        let at = self.clock.now();
        let recorded = record_verdicts(&self.record, &SETUP, verdicts, at).await;
        recorded.expect("the diary takes it");
    }

    /// A red of Maria that calls people.
    pub(crate) async fn red(&self) -> Flag {
        let red = flag(self.maria, Severity::Red, 850);
        self.say(&[Verdict::Raise(red.clone())]).await;
        red
    }

    pub(crate) async fn inbox(&self, who: &Staff) -> String {
        let page = InboxPage::load(self.desk(who), &InboxQuery::default()).await;
        shown(&page.expect("the record answers"))
    }

    /// What becomes of a form, of whoever may read the patient.
    pub(crate) async fn act(&self, who: &Staff, form: &ActForm) -> Outcome {
        let flag: FlagId = form.flag.parse().expect("a flag");
        let person = veglia_people::PersonId::new(flag.patient.get().cast_signed());
        let person = person.expect("a person");
        let relation = care::may_read(&self.record, who, person, self.clock.now()).await;
        let relation = relation.expect("the record answers").ok();
        let desk = self.desk(who);
        let done = act(desk, &self.turn, flag.patient, relation, form).await;
        done.expect("the record answers")
    }

    /// What people did about Maria, the newest first.
    pub(crate) async fn acts(&self) -> Vec<Act> {
        let day = NOW.plus_ms(-86_400_000)..NOW.plus_ms(2 * 86_400_000);
        let lines = diary_of(&self.record, &SETUP, self.maria, day, 500).await;
        let lines = lines.expect("the diary answers").into_iter();
        let acts = lines.filter_map(|line| match line.what {
            Written::Act(act) => Some(act),
            _ => None,
        });
        acts.collect()
    }

    /// The doctor is away, and the colleague stands in.
    pub(crate) async fn doctor_is_away(&self) {
        let (doctor, colleague) = (number(&self.doctor), number(&self.colleague));
        let (doctor, colleague) = (Party::Mmg(doctor), Party::Mmg(colleague));
        let until = NOW.plus_ms(86_400_000);
        let said = duty::stand_in(&self.record, &SETUP, doctor, colleague, NOW, until).await;
        said.expect("both are on file");
    }

    pub(crate) fn later(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }
}
