//! A record with a patient and two nurses, the page as they open it, and what the rules say.

use std::path::Path;

use askama::Template;
use tempfile::TempDir;
use veglia_diary::record_verdicts;
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{Password, patients};
use veglia_store::{Actor, Database};
use veglia_view::{
    About, Evidence, Flag, FlagId, How, HttpView, PatientId, Severity, Standing, Trigger, Verdict,
    VitalKind, WallMs,
};
use veglia_ward::{ActForm, Language, Link, Outcome, PatientPage, Sources, act};

/// 2020-11-21 14:12:00 in Rome.
pub(crate) const NOW: WallMs = WallMs(1_605_964_320_000);
pub(crate) const SETUP: Actor = Actor::System("test");

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) record: Database,
    pub(crate) maria: PatientId,
    pub(crate) ada: Actor,
    pub(crate) bruno: Actor,
}

pub(crate) async fn nurse(record: &Database, username: &str, name: &str) -> Actor {
    let nurse = NewStaff {
        username: username.parse().expect("a user name"),
        name: name.to_owned(),
        role: Role::Nurse,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let id = staff::create(record, &SETUP, nurse, NOW).await;
    Actor::Staff(id.expect("a new name").get())
}

pub(crate) async fn record_in(folder: &Path) -> Database {
    let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
    veglia_trial::open(&folder.join("record.db"), &schemas).await
}

pub(crate) async fn house() -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let record = record_in(folder.path()).await;
    let person = patients::NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q"
            .parse()
            .expect("its check letter is right"),
        phone: "+390212345678".parse().expect("a number"),
        address: "via Larga 1, Milano".to_owned(),
    };
    let maria = patients::register(&record, &SETUP, &person, NOW).await;
    let maria = maria.expect("nobody is registered yet");
    House {
        maria: PatientId::new(maria.get().unsigned_abs()),
        ada: nurse(&record, "ada", "Ada Bianchi").await,
        bruno: nurse(&record, "bruno", "Bruno Verdi").await,
        folder,
        record,
    }
}

pub(crate) fn evidence(steps: i32, minutes_ago: i64) -> Evidence {
    let id = format!("00000000000000aa-{steps}");
    Evidence::reading(
        id.parse().expect("a record id"),
        VitalKind::SpO2,
        steps,
        NOW.plus_ms(-minutes_ago * 60_000),
    )
}

pub(crate) fn low(patient: PatientId) -> Flag {
    let first = evidence(914, 7);
    Flag {
        id: FlagId {
            patient,
            rule: "spo2-red".parse().expect("a rule's name"),
            rule_set: "home-2020-1".parse().expect("a rule set's name"),
            trigger: Trigger::Record(first.id),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: first.at,
        evidence: vec![first],
        standing: Standing::Unconfirmed {
            repeat_by: first.at.plus_ms(600_000),
        },
        late: false,
        telling: 1,
    }
}

pub(crate) fn confirmed(flag: &Flag) -> Verdict {
    let second = evidence(900, 6);
    Verdict::Confirm {
        id: flag.id.clone(),
        how: How::Repeat,
        evidence: vec![flag.evidence[0], second],
        at: second.at,
        telling: 2,
    }
}

impl House {
    pub(crate) async fn say(&self, verdicts: &[Verdict]) {
        let recorded = record_verdicts(&self.record, &SETUP, verdicts, NOW).await;
        recorded.expect("the diary takes it");
    }

    pub(crate) async fn load(&self) -> Option<PatientPage> {
        self.opened(&self.ada, NOW).await
    }

    pub(crate) async fn opened(&self, actor: &Actor, now: WallMs) -> Option<PatientPage> {
        let view = HttpView::new(&self.folder.path().join("nobody.sock"));
        let sources = Sources {
            view: &view,
            record: &self.record,
            actor,
            last: Link::Never,
            fallback_now: now,
            language: Language::It,
        };
        let page = PatientPage::load(sources, self.maria).await;
        page.expect("the record answers")
    }

    pub(crate) async fn page(&self) -> String {
        let page = self.load().await.expect("Maria is registered");
        page.render().expect("it renders").replace('\u{a0}', " ")
    }

    pub(crate) async fn act(&self, actor: &Actor, form: &ActForm) -> Outcome {
        let done = act(&self.record, actor, self.maria, form, (NOW, Language::It)).await;
        done.expect("the diary answers")
    }
}

pub(crate) fn form(act: &str, flag: &Flag, seen: u32, words: &str) -> ActForm {
    ActForm {
        act: act.to_owned(),
        flag: flag.id.to_string(),
        seen,
        words: words.to_owned(),
        ..ActForm::default()
    }
}
