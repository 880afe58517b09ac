//! Erasing somebody, with a kill between the steps: what must be gone, and what must still verify.

use tempfile::TempDir;
use veglia_diary::{Reasons, assign_device, set_standing, whole_diary_of, write_note, write_plan};
use veglia_people::patients::NewPerson;
use veglia_people::staff::{NewStaff, Role, Staff};
use veglia_people::{Password, PersonId, background, forgotten};
use veglia_store::Schema;
use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::sea_orm::sea_query::{Alias, Query};
use veglia_triage::Plan;
use veglia_view::Whereabouts;
use veglia_words::Language;

use super::*;
use crate::traces::FATES;

const SETUP: Actor = Actor::System("test");

/// 2020-11-21 14:12:00 in Rome.
const THEN: WallMs = WallMs(1_605_964_320_000);

/// 2031-01-01, more than ten years later.
const NOW: WallMs = WallMs(1_925_000_000_000);

/// What must stand nowhere afterwards.
const SECRETS: [&str; 5] = ["Brambilla", "RSSMRA85", "+39333", "via Segreta", "Lecce"];

const SCHEMAS: [Schema; 10] = [
    veglia_people::SCHEMA,
    veglia_diary::SCHEMA,
    veglia_doctor::SCHEMA,
    veglia_documents::SCHEMA,
    veglia_enrol::SCHEMA,
    veglia_fleet::SCHEMA,
    veglia_intake::SCHEMA,
    veglia_handover::SCHEMA,
    veglia_notify::SCHEMA,
    crate::SCHEMA,
];

struct House {
    record: Database,
    folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let record = veglia_trial::open(&folder.path().join("record.db"), &SCHEMAS).await;
        Self { record, folder }
    }

    async fn admin(&self, name: &str) -> Staff {
        let account = NewStaff {
            username: name.parse().unwrap(),
            name: name.to_owned(),
            role: Role::Admin,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let username = account.username.clone();
        staff::create(&self.record, &SETUP, account, THEN)
            .await
            .unwrap();
        let found = staff::by_username(&self.record, &SETUP, &username).await;
        found.unwrap().unwrap()
    }

    /// Somebody with words about them in the diary and on the sheet, discharged.
    async fn maria(&self) -> (PersonId, PatientId) {
        let maria = NewPerson {
            name: "Maria".to_owned(),
            surname: "Brambilla".to_owned(),
            codice_fiscale: "RSSMRA85T10A562S".parse().unwrap(),
            phone: "+39 333 1234567".parse().unwrap(),
            address: "via Segreta 1".to_owned(),
        };
        let person = patients::register(&self.record, &SETUP, &maria, THEN)
            .await
            .unwrap();
        let patient = PatientId::new(person.get().unsigned_abs());
        let words = "La figlia sta a Lecce.";
        write_note(&self.record, &SETUP, patient, None, words, THEN)
            .await
            .unwrap();
        let sheet = background::Background {
            therapy: words.to_owned(),
            ..background::Background::default()
        };
        background::write(&self.record, &SETUP, person, &sheet, 0, THEN)
            .await
            .unwrap();
        let gone = (Whereabouts::Discharged, THEN);
        set_standing(&self.record, &SETUP, patient, gone, words, THEN)
            .await
            .unwrap();
        (person, patient)
    }

    fn desk<'a>(&'a self, who: &'a Staff, now: WallMs) -> Desk<'a> {
        Desk {
            record: &self.record,
            who,
            language: Language::It,
            now,
        }
    }

    /// The refusal of a form; none when it was carried out.
    async fn refused(&self, who: &Staff, form: &ErasureForm, now: WallMs) -> Option<Key> {
        match erasing(self.desk(who, now), Retention::default(), form)
            .await
            .unwrap()
        {
            ErasureOutcome::Done => None,
            ErasureOutcome::Refused(page) => page.refused,
        }
    }

    /// Names of tables, and all text in them.
    async fn texts(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (table, _) in FATES {
            let read = self.record.read_tx("test.texts", &SETUP, move |tx| {
                Box::pin(async move {
                    let mut rows = Query::select();
                    rows.expr(Expr::cust("*")).from(Alias::new(*table));
                    let mut said = String::new();
                    for row in tx.query_all(&rows).await? {
                        for column in row.column_names() {
                            let text: Option<String> = row.try_get("", &column).unwrap_or(None);
                            said.push_str(&text.unwrap_or_default());
                            said.push('\n');
                        }
                    }
                    Ok(said)
                })
            });
            all.push(((*table).to_owned(), read.await.unwrap()));
        }
        all
    }

    async fn nothing_is_left(&self) {
        for (table, text) in self.texts().await {
            for secret in SECRETS {
                assert!(!text.contains(secret), "{secret} in {table}");
            }
        }
    }
}

fn asking(patient: PatientId) -> ErasureForm {
    ErasureForm {
        act: "ask".to_owned(),
        patient: patient.to_string(),
        why: "Termine passato.".to_owned(),
        ..ErasureForm::default()
    }
}

fn answering(act: &str, id: i64) -> ErasureForm {
    ErasureForm {
        act: act.to_owned(),
        id: id.to_string(),
        ..ErasureForm::default()
    }
}

#[tokio::test]
async fn two_administrators_erase_somebody_and_numbers_under_a_number_remain() {
    let house = House::new().await;
    let (person, patient) = house.maria().await;
    let (anna, bruno) = (house.admin("anna").await, house.admin("bruno").await);
    let looks = Access {
        at_ms: THEN.0,
        purpose: "patient.page",
        subject: &patient.to_string(),
    };
    house.record.log_access(&SETUP, looks).await.unwrap();

    assert_eq!(house.refused(&anna, &asking(patient), NOW).await, None);
    let own = house.refused(&anna, &answering("confirm", 1), NOW).await;
    assert_eq!(own, Some(Key("erasure-own")));
    let since = || forgotten::since(&house.record, &SETUP, person);
    assert_eq!(since().await.unwrap(), None);
    assert_eq!(
        house.refused(&bruno, &answering("confirm", 1), NOW).await,
        None
    );

    assert_eq!(since().await.unwrap(), Some(NOW));
    house.nothing_is_left().await;
    let known = patients::get(&house.record, &SETUP, person).await.unwrap();
    assert_eq!(known, None);
    let all = WallMs(0)..WallMs(i64::MAX);
    let lines = whole_diary_of(&house.record, &SETUP, patient, all, 9).await;
    assert_eq!(lines.unwrap().len(), 2, "the lines stay");
    let log = house.record.check_access_log(&SETUP).await.unwrap();
    assert_eq!((log.broken_at, log.intact), (None, 3));
    let gone = house.refused(&anna, &asking(patient), NOW).await;
    assert_eq!(gone, Some(Key("erasure-unknown")), "once is enough");
    let erased = erased(&house.record, &SETUP).await.unwrap();
    assert_eq!(erased, [(patient.to_string(), NOW)]);
}

#[tokio::test]
async fn nobody_goes_before_the_term_nor_while_somebody_is_concerned() {
    let house = House::new().await;
    let (_, patient) = house.maria().await;
    let anna = house.admin("anna").await;
    let early = house.refused(&anna, &asking(patient), THEN).await;
    assert_eq!(early, Some(Key("erasure-term")));
    let needed = Retention {
        kept_until: Some("2031-12-31".parse().unwrap()),
        ..Retention::default()
    };
    let desk = house.desk(&anna, NOW);
    let kept = erasing(desk, needed, &asking(patient)).await.unwrap();
    assert!(matches!(kept, ErasureOutcome::Refused(_)), "public health");
    let oximeter = "nonin:501234".parse().unwrap();
    assign_device(&house.record, &SETUP, &oximeter, patient, THEN, THEN)
        .await
        .unwrap();
    let kit = house.refused(&anna, &asking(patient), NOW).await;
    assert_eq!(kit, Some(Key("erasure-followed")));
    let reasonless = ErasureForm {
        why: " ".to_owned(),
        ..asking(patient)
    };
    let reasonless = house.refused(&anna, &reasonless, NOW).await;
    assert_eq!(reasonless, Some(Key("erasure-reason")));
    let nobody = house.refused(&anna, &asking(PatientId::new(7)), NOW).await;
    assert_eq!(nobody, Some(Key("erasure-unknown")));
}

#[tokio::test]
async fn what_was_confirmed_before_a_kill_is_carried_out_afterwards_and_a_withdrawal_never() {
    let house = House::new().await;
    let (person, patient) = house.maria().await;
    let (anna, bruno) = (house.admin("anna").await, house.admin("bruno").await);
    assert_eq!(house.refused(&anna, &asking(patient), NOW).await, None);
    assert_eq!(
        house.refused(&anna, &answering("withdraw", 1), NOW).await,
        None
    );
    let late = house.refused(&bruno, &answering("confirm", 1), NOW).await;
    assert_eq!(late, Some(Key("erasure-form")));

    assert_eq!(house.refused(&anna, &asking(patient), NOW).await, None);
    let desk = house.desk(&bruno, NOW);
    let confirmed = confirm(desk, Retention::default(), &answering("confirm", 2)).await;
    assert_eq!(confirmed.unwrap(), Ok(()));
    // Killed in the middle of the erasure: nothing of its transaction is there.
    let killed = house.record.run_tx("test.killed", &SETUP, move |tx| {
        Box::pin(async move {
            traces::erase(tx, patient, person, NOW).await?;
            Err::<(), _>(TxError::refuse(std::io::Error::other("killed")))
        })
    });
    killed.await.unwrap_err();
    assert_eq!(
        forgotten::since(&house.record, &SETUP, person)
            .await
            .unwrap(),
        None
    );
    house.record.close().await.unwrap();

    let path = house.folder.path().join("record.db");
    let house = House {
        record: veglia_trial::open(&path, &SCHEMAS).await,
        folder: house.folder,
    };
    assert_eq!(
        finish(&house.record, &SETUP, Retention::default(), NOW)
            .await
            .unwrap(),
        1
    );
    house.nothing_is_left().await;
    assert_eq!(
        finish(&house.record, &SETUP, Retention::default(), NOW)
            .await
            .unwrap(),
        0
    );
}

/// The word on the page for the last step of the newest request, and whether it can be withdrawn.
async fn stands(house: &House, who: &Staff) -> (Key, bool) {
    let page = ErasuresPage::load(house.desk(who, NOW), Retention::default()).await;
    let page = page.unwrap();
    let newest = page.asked.first().unwrap();
    (newest.stands, newest.may_withdraw)
}

async fn confirmed(house: &House, asks: &Staff, confirms: &Staff, patient: PatientId) {
    assert_eq!(house.refused(asks, &asking(patient), NOW).await, None);
    let desk = house.desk(confirms, NOW);
    let confirmed = confirm(desk, Retention::default(), &answering("confirm", 1)).await;
    assert_eq!(confirmed.unwrap(), Ok(()));
}

#[tokio::test]
async fn whoever_is_followed_again_after_a_confirmation_is_not_erased() {
    for again in ["standing", "device", "plan", "note"] {
        let house = House::new().await;
        let (person, patient) = house.maria().await;
        let (anna, bruno) = (house.admin("anna").await, house.admin("bruno").await);
        confirmed(&house, &anna, &bruno, patient).await;
        let record = &house.record;
        match again {
            "standing" => {
                let home = (Whereabouts::AtHome, NOW);
                let set = set_standing(record, &SETUP, patient, home, "Di nuovo.", NOW);
                set.await.unwrap();
            }
            "device" => {
                let oximeter = "nonin:501234".parse().unwrap();
                let given = assign_device(record, &SETUP, &oximeter, patient, NOW, NOW);
                given.await.unwrap();
            }
            "plan" => {
                let plan = Plan::template("home-covid", patient, NOW).unwrap();
                let reasons = Reasons {
                    why: "Di nuovo.",
                    decision: None,
                };
                let written = write_plan(record, &SETUP, &plan, reasons, NOW).await;
                written.unwrap();
            }
            _ => {
                let noted = write_note(record, &SETUP, patient, None, "Di nuovo.", NOW);
                noted.await.unwrap();
            }
        }
        let finished = finish(record, &SETUP, Retention::default(), NOW).await;
        assert_eq!(finished.unwrap(), 0, "{again}");
        let since = forgotten::since(record, &SETUP, person).await.unwrap();
        assert_eq!(since, None, "{again}");
        assert_eq!(
            stands(&house, &anna).await,
            (Key("erasure-lapsed"), false),
            "the request says so: {again}"
        );
        let noted = write_note(record, &SETUP, patient, None, "Sta bene.", NOW).await;
        noted.unwrap();
        // It was for those days: it is asked anew, and never carried out by itself.
        let later = NOW.plus_ms(20 * 366 * 86_400_000);
        let finished = finish(record, &SETUP, Retention::default(), later).await;
        assert_eq!(finished.unwrap(), 0, "{again}");
    }
}

#[tokio::test]
async fn what_was_confirmed_and_not_done_can_be_withdrawn() {
    let house = House::new().await;
    let (person, patient) = house.maria().await;
    let (anna, bruno) = (house.admin("anna").await, house.admin("bruno").await);
    confirmed(&house, &anna, &bruno, patient).await;
    assert_eq!(
        stands(&house, &anna).await,
        (Key("erasure-confirmed"), true)
    );
    let withdrawn = house.refused(&anna, &answering("withdraw", 1), NOW).await;
    assert_eq!(withdrawn, None);
    assert_eq!(
        stands(&house, &anna).await,
        (Key("erasure-withdrawn"), false)
    );
    let since = forgotten::since(&house.record, &SETUP, person).await;
    assert_eq!(since.unwrap(), None);
    let late = house.refused(&bruno, &answering("confirm", 1), NOW).await;
    assert_eq!(late, Some(Key("erasure-form")));
}

#[tokio::test]
async fn of_a_confirmation_and_a_withdrawal_at_the_same_time_one_is_told_it_is_late() {
    for _ in 0..8 {
        let house = House::new().await;
        let (person, patient) = house.maria().await;
        let (anna, bruno) = (house.admin("anna").await, house.admin("bruno").await);
        assert_eq!(house.refused(&anna, &asking(patient), NOW).await, None);
        let (confirm, withdraw) = (answering("confirm", 1), answering("withdraw", 1));
        let (confirmed, withdrawn) = tokio::join!(
            house.refused(&bruno, &confirm, NOW),
            house.refused(&anna, &withdraw, NOW),
        );
        let since = forgotten::since(&house.record, &SETUP, person).await;
        let is_erased = since.unwrap().is_some();
        assert_eq!(
            withdrawn.is_some(),
            is_erased,
            "{confirmed:?} {withdrawn:?}"
        );
    }
}

#[tokio::test]
async fn somebody_who_was_asked_for_twice_is_erased_once() {
    let house = House::new().await;
    let (_, patient) = house.maria().await;
    let (anna, bruno) = (house.admin("anna").await, house.admin("bruno").await);
    for _ in 0..2 {
        assert_eq!(house.refused(&anna, &asking(patient), NOW).await, None);
    }
    let first = house.refused(&bruno, &answering("confirm", 1), NOW).await;
    assert_eq!(first, None);
    let second = house.refused(&bruno, &answering("confirm", 2), NOW).await;
    assert_eq!(second, Some(Key("erasure-unknown")));
    assert_eq!(erased(&house.record, &SETUP).await.unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_was_telephoned_is_not_followed_by_that() {
    let house = House::new().await;
    let (_, patient) = house.maria().await;
    let anna = house.admin("anna").await;
    for kind in ["phone", "hand"] {
        let own = format!("{kind}:{patient}").parse().unwrap();
        assign_device(&house.record, &SETUP, &own, patient, WallMs(0), THEN)
            .await
            .unwrap();
    }
    assert_eq!(house.refused(&anna, &asking(patient), NOW).await, None);
}

#[tokio::test]
async fn a_restored_copy_is_told_again_who_was_erased() {
    let house = House::new().await;
    let (person, patient) = house.maria().await;
    for _ in 0..2 {
        erase_again(&house.record, &SETUP, patient, NOW)
            .await
            .unwrap();
    }
    house.nothing_is_left().await;
    let since = forgotten::since(&house.record, &SETUP, person).await;
    assert_eq!(since.unwrap(), Some(NOW));
    assert_eq!(erased(&house.record, &SETUP).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_table_of_the_record_has_its_fate() {
    let house = House::new().await;
    let read = house.record.read_tx("test.tables", &SETUP, |tx| {
        Box::pin(async move {
            let names = match tx.get_database_backend() {
                veglia_store::sea_orm::DbBackend::Postgres => {
                    "select tablename as name from pg_tables where schemaname = 'public'"
                }
                _ => {
                    "select name from sqlite_master where type = 'table' \
                     and name not like 'sqlite_%'"
                }
            };
            let backend = tx.get_database_backend();
            let statement = veglia_store::sea_orm::Statement::from_string(backend, names);
            let mut tables = Vec::new();
            for row in tx.query_all_raw(statement).await? {
                tables.push(row.try_get::<String>("", "name")?);
            }
            Ok(tables)
        })
    });
    let mut tables = read.await.unwrap();
    tables.retain(|name| !name.starts_with("migrations_"));
    tables.sort();
    let named: Vec<&str> = FATES.iter().map(|(name, _)| *name).collect();
    assert_eq!(tables, named, "say in traces.rs what becomes of it");
}

#[test]
fn somebody_is_erased_on_postgresql_too() {
    let name = "erasure::tests::somebody_is_erased_on_postgresql_too";
    veglia_trial::again_on_postgresql(name);
}
