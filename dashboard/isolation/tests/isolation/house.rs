//! A record of its own for each test, results of made-up people, and the SMS that wait.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use veglia_isolation::{
    CaseId, Cases, Door, Finding, LabResult, Messenger, Method, SCHEMA, Status, Taken, Tested,
};
use veglia_store::sea_orm::{ConnectionTrait, QueryResult, Statement};
use veglia_store::{Actor, Database};
use veglia_view::CareClock;
use veglia_wire::WallMs;

pub(crate) const ACTOR: Actor = Actor::System("test");

pub(crate) const MARIA: &str = "RSSMRA85M01H501Q";
pub(crate) const PHONE: &str = "333 1234567";

pub(crate) struct House {
    pub(crate) record: Database,
    pub(crate) cases: Cases,
    pub(crate) door: Door,
    pub(crate) messenger: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// What the clock in Italy shows.
pub(crate) fn at(shown: DateTime) -> WallMs {
    let zone = TimeZone::get("Europe/Rome").expect("the time zone is known");
    WallMs(
        zone.to_zoned(shown)
            .expect("the clock shows it")
            .timestamp()
            .as_millisecond(),
    )
}

/// Nine in the morning of a day of October 2020.
pub(crate) fn october(day: i8) -> WallMs {
    at(date(2020, 10, day).at(9, 0, 0, 0))
}

pub(crate) fn november(day: i8) -> WallMs {
    at(date(2020, 11, day).at(9, 0, 0, 0))
}

/// A positive of Maria, final, molecular, with her number.
pub(crate) fn positive(id: &str, taken_at: WallMs) -> LabResult {
    LabResult {
        laboratory: "Niguarda".to_owned(),
        id: id.to_owned(),
        status: Status::Final,
        finding: Finding::Positive,
        method: Method::Molecular,
        taken_at,
        person: Tested {
            code: MARIA.parse().expect("it is one"),
            surname: "Rossi".to_owned(),
            name: "Maria".to_owned(),
            born: Some(date(1985, 8, 1)),
        },
        phone: Some(PHONE.parse().expect("it is one")),
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_notify::SCHEMA,
            SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        let (door, messenger) = Messenger::at_a_door(record.clone());
        Self {
            cases: Cases::new(record.clone(), date(2020, 10, 20)),
            door,
            messenger: tokio::spawn(messenger.run()),
            record,
            _folder: folder,
        }
    }

    pub(crate) async fn receives(&self, result: &LabResult) -> Taken {
        let now = result.taken_at.plus_ms(24 * 3_600_000);
        let taken = self.cases.received(&ACTOR, result, now).await;
        taken.expect("it is taken")
    }

    pub(crate) async fn opens(&self, result: &LabResult) -> CaseId {
        match self.receives(result).await {
            Taken::Opened(case) => case,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn course(&self, case: CaseId) -> veglia_isolation::Course {
        let case = self
            .cases
            .get(&ACTOR, case)
            .await
            .expect("the record answers");
        let case = case.expect("there is a case");
        case.course.expect("it has a positive")
    }

    pub(crate) async fn asks(&self, sql: &'static str) -> Vec<QueryResult> {
        let rows = self.record.read_tx("test.asks", &ACTOR, move |tx| {
            Box::pin(async move {
                let backend = tx.get_database_backend();
                let asked = Statement::from_string(backend, sql);
                Ok(tx.query_all_raw(asked).await?)
            })
        });
        rows.await.expect("the record answers")
    }

    /// The texts of messages, the oldest first.
    pub(crate) async fn sent(&self) -> Vec<String> {
        let rows = self
            .asks("select text, link from delivery order by id")
            .await;
        let said = |row: &QueryResult| {
            let text: String = row.try_get_by("text").expect("the column is there");
            let link: String = row.try_get_by("link").expect("the column is there");
            format!("{text} {link}").trim().to_owned()
        };
        rows.iter().map(said).collect()
    }

    /// Waits, a minute at most, until there are so many messages.
    pub(crate) async fn waits_for_sent(&self, count: usize) -> Vec<String> {
        for _ in 0..6_000 {
            let sent = self.sent().await;
            if sent.len() >= count {
                return sent;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no {count} messages within a minute");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.messenger.abort();
    }
}

/// A clock that stands still.
struct Still(WallMs);

impl veglia_wire::Clock for Still {
    fn now(&self) -> WallMs {
        self.0
    }
}

impl House {
    /// Lets the inviter work until the first invitation is out, and gives its link.
    pub(crate) async fn invited(&self) -> veglia_isolation::Secret {
        let clock = CareClock::real(std::sync::Arc::new(Still(october(21))));
        let page = "https://cor.example/cittadino/entra".to_owned();
        let inviter = veglia_isolation::Inviter::new(self.record.clone(), clock, page);
        let inviter = tokio::spawn(inviter.run());
        let sent = self.waits_for_sent(1).await;
        for _ in 0..6_000 {
            if self.invitations().await.iter().all(|it| it != "waiting") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        inviter.abort();
        let (_, secret) = sent[0].rsplit_once('/').expect("there is a link");
        secret.parse().expect("it is one")
    }

    /// How each invitation stands.
    pub(crate) async fn invitations(&self) -> Vec<String> {
        let sql = "select state from isolation_invitation order by id";
        let rows = self.asks(sql).await;
        rows.iter()
            .map(|row| row.try_get_by("state").expect("the column is there"))
            .collect()
    }
}
