//! That nobody can tell from the work of the record who has a case.

// req: A4

use std::net::Ipv4Addr;
use std::sync::Mutex;

use jiff::civil::date;
use veglia_store::sea_orm::{DbBackend, ExecResult, QueryResult, Statement};
use veglia_store::sea_orm_migration::async_trait::async_trait;

use super::*;
use crate::cases::Cases;
use crate::result::{Finding, LabResult, Method, Status, Tested};

/// A transaction whose statements are written down as they are sent.
struct Counting<'a, 'b> {
    tx: &'a Tx<'b>,
    said: Mutex<Vec<String>>,
}

impl Counting<'_, '_> {
    fn note(&self, statement: &Statement) {
        let mut said = self.said.lock().unwrap();
        said.push(statement.sql.clone());
    }
}

#[async_trait]
impl ConnectionTrait for Counting<'_, '_> {
    fn get_database_backend(&self) -> DbBackend {
        self.tx.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(&statement);
        self.tx.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.tx.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(&statement);
        self.tx.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(&statement);
        self.tx.query_all_raw(statement).await
    }
}

const NOW: WallMs = WallMs(1_603_300_000_000);

async fn house(folder: &tempfile::TempDir) -> Database {
    let path = folder.path().join("record.db");
    let schemas = [veglia_people::SCHEMA, veglia_notify::SCHEMA, crate::SCHEMA];
    let record = veglia_trial::open(&path, &schemas).await;
    let result = LabResult {
        laboratory: "Niguarda".to_owned(),
        id: "L1".to_owned(),
        status: Status::Final,
        finding: Finding::Positive,
        method: Method::Molecular,
        taken_at: NOW.plus_ms(-3_600_000),
        person: Tested {
            code: "RSSMRA85M01H501Q".parse().unwrap(),
            surname: "Rossi".to_owned(),
            name: "Maria".to_owned(),
            born: None,
        },
        phone: Some("333 1234567".parse().unwrap()),
    };
    let cases = Cases::new(record.clone(), date(2020, 10, 20));
    cases.received(&ACTOR, &result, NOW).await.unwrap();
    record
}

/// The statements that a pair costs, and whether it was written to the entries.
async fn cost(record: &Database, phone: &Phone, code: &PersonCode) -> Vec<String> {
    let entry = &Entry {
        hash: digest(&[phone.as_str(), code.as_str()]),
        code_hash: "0".to_owned(),
        counted: Counted::of(Reached::Phone(phone), code, Ipv4Addr::LOCALHOST.into()),
    };
    let said = record.run_tx("test.cost", &ACTOR, move |tx| {
        Box::pin(async move {
            let counting = Counting {
                tx,
                said: Mutex::default(),
            };
            let entered = enter(&counting, entry, Reached::Phone(phone), code, NOW).await?;
            assert!(entered.is_some());
            Ok(counting.said.into_inner().unwrap())
        })
    });
    said.await.unwrap()
}

#[tokio::test]
async fn a_pair_on_file_and_any_other_cost_the_same_statements() {
    let folder = tempfile::tempdir().unwrap();
    let record = house(&folder).await;
    let (known, strange) = ("333 1234567", "347 7654321");
    let (maria, nobody) = ("RSSMRA85M01H501Q", "CCCFBA85D03L219P");
    let mut costs = Vec::new();
    for (phone, code) in [
        (known, maria),
        (known, nobody),
        (strange, maria),
        (strange, nobody),
    ] {
        let (phone, code) = (phone.parse().unwrap(), code.parse().unwrap());
        costs.push(cost(&record, &phone, &code).await);
    }
    // Forgetting, six limits, the pair, the entry.
    assert_eq!(costs[0].len(), 9, "{:#?}", costs[0]);
    assert!(costs.iter().all(|it| *it == costs[0]), "{costs:#?}");
}

#[test]
fn codes_of_six_digits_are_spread_evenly() {
    let mut first = [0_u32; 10];
    for _ in 0..10_000 {
        let code = six_digits().unwrap();
        assert_eq!(code.len(), 6);
        let digit = code.bytes().next().unwrap() - b'0';
        first[usize::from(digit)] += 1;
    }
    // A thousand each; thirty is one standard deviation, and eight of them are no chance.
    assert!(first.iter().all(|it| it.abs_diff(1_000) < 240), "{first:?}");
}

#[test]
fn a_house_of_ipv6_is_one_address() {
    let phone = "333 1234567".parse().unwrap();
    let code = "RSSMRA85M01H501Q".parse().unwrap();
    let counted = |address: &str| {
        let from = address.parse().unwrap();
        Counted::of(Reached::Phone(&phone), &code, from).address
    };
    assert_eq!(counted("2001:db8:1:2::3"), counted("2001:db8:1:2:ffff::4"));
    assert_ne!(counted("2001:db8:1:2::3"), counted("2001:db8:1:3::3"));
    assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    assert_eq!(counted("::ffff:192.0.2.1"), counted("192.0.2.1"));
    assert_ne!(counted("::ffff:192.0.2.1"), counted("::ffff:192.0.2.2"));
}
