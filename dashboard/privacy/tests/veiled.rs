//! Readings as pages get them: without those of periods that a patient had hidden.

use std::sync::Arc;

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{Hideable, create_plan, hide, set_standing};
use veglia_documents::{Desk, DocumentPage, DocumentQuery, Kind};
use veglia_people::Password;
use veglia_people::care::Relation;
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_privacy::VeiledView;
use veglia_store::{Actor, Database};
use veglia_view::{
    Asked, Bedside, Bucket, Delta, DeviceId, Dot, Edition, ExportAsk, Latest, Lines, Outline,
    PatientId, Plan, Quality, Reading, Readings, ReadingsAsk, Row, Scope, Site, Source, Status,
    Trend, TrendAsk, Unjudged, Version, View, ViewError, VitalKind, WallMs, Ward, Whereabouts,
};
use veglia_words::Language;

const NURSE: Actor = Actor::Staff(1);
const PATIENT: PatientId = PatientId::new(0xa11ce);
const HOUR_MS: i64 = 3_600_000;

/// Somebody who measures their oxygen every hour for four days. On the second day it was lowest
/// and highest.
struct Hourly;

fn at(hour: i64) -> WallMs {
    WallMs(hour * HOUR_MS)
}

fn steps(at: WallMs) -> i32 {
    match at.0 / HOUR_MS {
        30 => 800,
        40 => 1_000,
        hour => 900 + i32::try_from(hour / 2 * 2).expect("few"),
    }
}

fn measured(vital: VitalKind, from: WallMs, to: WallMs) -> impl Iterator<Item = WallMs> {
    let theirs = (0..96).map(at).filter(move |it| (from..to).contains(it));
    theirs.filter(move |_| vital == VitalKind::SpO2)
}

fn away<T>() -> Asked<'static, T> {
    Box::pin(async { Err(ViewError::Failed) })
}

/// Measured last: oxygen on the second day, a temperature an hour ago.
fn row(patient: PatientId) -> Arc<Row> {
    let mut row = Row::new(patient);
    for (vital, at) in [
        (VitalKind::SpO2, at(47)),
        (VitalKind::Temperature, at(94)),
        (VitalKind::Pulse, at(12)),
    ] {
        row.measure(Latest {
            vital,
            steps: 950,
            site: Site::Unknown,
            at,
            quality: Quality::empty(),
            source: Source::Device,
        });
    }
    row.unjudged = vec![(VitalKind::SpO2, Unjudged::Implausible)];
    Arc::new(row)
}

fn status() -> Status {
    Status {
        care_now: at(95),
        speed: 1,
        progress: None,
    }
}

impl View for Hourly {
    fn ward(&self, _: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async {
            Ok(Ward {
                delta: Delta {
                    version: Version {
                        edition: Edition(1),
                        count: 1,
                        began: 1,
                    },
                    afresh: true,
                    rows: vec![row(PATIENT)],
                    departed: Vec::new(),
                    complete: true,
                },
                status: status(),
            })
        })
    }

    fn status(&self) -> Asked<'_, Status> {
        Box::pin(async { Ok(status()) })
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        Box::pin(async move {
            Ok(Bedside {
                row: Some(row(patient)),
                status: status(),
            })
        })
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async move {
            let length_ms = ask.to.since(ask.from) / i64::from(ask.buckets);
            let dot = |at: WallMs| Dot {
                at,
                steps: steps(at),
                quality: Quality::empty(),
            };
            let bucket = |place: i64| {
                let from = ask.from.plus_ms(place * length_ms);
                let theirs = measured(ask.vital, from, from.plus_ms(length_ms));
                let dots: Vec<Dot> = theirs.map(dot).collect();
                Some(Bucket {
                    from,
                    n: u64::try_from(dots.len()).expect("few"),
                    flagged: 0,
                    clean: Some(Outline {
                        first: *dots.first()?,
                        min: *dots.iter().min_by_key(|it| it.steps)?,
                        max: *dots.iter().rev().max_by_key(|it| it.steps)?,
                        last: *dots.last()?,
                    }),
                    doubtful: None,
                })
            };
            Ok(Trend {
                bucket_ms: length_ms.unsigned_abs(),
                buckets: (0..i64::from(ask.buckets)).filter_map(bucket).collect(),
                damaged: Vec::new(),
            })
        })
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async move {
            let device: DeviceId = "nonin:501234".parse().expect("a device");
            let reading = |at| Reading {
                at,
                steps: steps(at),
                site: Site::Unknown,
                quality: Quality::empty(),
                device: device.clone(),
            };
            let all: Vec<Reading> = measured(ask.vital, ask.from, ask.to).map(reading).collect();
            Ok(Readings {
                more: all.len() > ask.limit,
                readings: all.into_iter().take(ask.limit).collect(),
                damaged: Vec::new(),
            })
        })
    }

    fn export(&self, _: ExportAsk) -> Asked<'_, Lines> {
        away()
    }
}

#[tokio::test]
async fn a_hidden_day_is_a_day_on_which_nobody_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record.db");
    let record = veglia_trial::open(&path, &[veglia_diary::SCHEMA]).await;
    let day = Hideable::Period(at(24)..at(48));
    let hidden = hide(&record, &NURSE, PATIENT, &day, at(95)).await;
    hidden.expect("it is over for a day");
    let view = VeiledView::new(Arc::new(Hourly), record);

    let ask = TrendAsk {
        patient: PATIENT,
        vital: VitalKind::SpO2,
        from: at(0),
        to: at(96),
        buckets: 96,
    };
    let trend = view.trend(ask).await.expect("a curve");
    let hours = |from: i64, to: i64| (from..to).map(at);
    let drawn: Vec<WallMs> = trend.buckets.iter().map(|it| it.from).collect();
    let open: Vec<WallMs> = hours(0, 24).chain(hours(48, 96)).collect();
    assert_eq!(drawn, open);
    let other = TrendAsk {
        patient: PatientId::new(7),
        ..ask
    };
    let other = view.trend(other).await.expect("a curve");
    assert_eq!(
        other.buckets.len(),
        96,
        "of another patient nothing is hidden"
    );

    let ask = |limit| ReadingsAsk {
        patient: PATIENT,
        vital: VitalKind::SpO2,
        from: at(0),
        to: at(96),
        limit,
    };
    let all = view.readings(ask(1_000)).await.expect("readings");
    let given: Vec<WallMs> = all.readings.iter().map(|it| it.at).collect();
    assert_eq!((given, all.more), (open, false));
    // What is hidden takes nobody's place, and nothing is counted that is not given.
    let some = view.readings(ask(30)).await.expect("readings");
    assert_eq!((some.readings.len(), some.more), (30, true));
    let first = view.readings(ask(24)).await.expect("readings");
    assert_eq!((first.readings.len(), first.more), (24, true));

    let ask = ExportAsk {
        scope: Scope::Patient(PATIENT),
        from: at(0),
        to: at(96),
    };
    let export = view.export(ask).await;
    assert!(matches!(export, Err(ViewError::Refused(_))));
}

/// The second day of a patient is hidden.
async fn hides_a_day(record: &Database, patient: PatientId) {
    let day = Hideable::Period(at(24)..at(48));
    let hidden = hide(record, &NURSE, patient, &day, at(95)).await;
    hidden.expect("it is over for a day");
}

async fn opened(schemas: &[veglia_store::Schema]) -> (TempDir, Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let record = veglia_trial::open(&folder.path().join("record.db"), schemas).await;
    (folder, record)
}

#[tokio::test]
async fn a_wide_bucket_keeps_what_lies_beside_a_hidden_day() {
    let (_folder, record) = opened(&[veglia_diary::SCHEMA]).await;
    hides_a_day(&record, PATIENT).await;
    let view = VeiledView::new(Arc::new(Hourly), record);
    let curve = async |buckets| {
        let ask = TrendAsk {
            patient: PATIENT,
            vital: VitalKind::SpO2,
            from: at(0),
            to: at(96),
            buckets,
        };
        view.trend(ask).await.expect("a curve").buckets
    };
    let whole = curve(1).await;
    let [all] = whole.as_slice() else {
        panic!("one bucket, not {whole:?}")
    };
    let outline = all.clean.expect("it is outlined");
    let dots = [outline.first, outline.min, outline.max, outline.last];
    let dots = dots.map(|it| (it.at, it.steps));
    assert_eq!((all.from, all.n), (at(0), 72));
    assert_eq!(
        dots,
        [(at(0), 900), (at(0), 900), (at(94), 994), (at(95), 994)],
        "neither the low nor the high of the hidden day"
    );
    // Hours 0 to 32, 32 to 64 and 64 to 96.
    let thirds = curve(3).await;
    let counts: Vec<(WallMs, u64)> = thirds.iter().map(|it| (it.from, it.n)).collect();
    assert_eq!(counts, [(at(0), 24), (at(32), 16), (at(64), 32)]);
}

#[tokio::test]
async fn what_was_measured_last_is_not_told_of_a_hidden_day() {
    let (_folder, record) = opened(&[veglia_diary::SCHEMA]).await;
    hides_a_day(&record, PATIENT).await;
    let view = VeiledView::new(Arc::new(Hourly), record);
    let bedside = view.patient(PATIENT).await.expect("an answer");
    let rows = view.rows(vec![PATIENT]).await.expect("an answer");
    let ward = view.ward(None).await.expect("an answer").delta;
    let rows = rows.into_iter().chain(bedside.row).chain(ward.rows);
    let mut seen = 0;
    for row in rows {
        let vitals: Vec<VitalKind> = row.latest.iter().map(|it| it.vital).collect();
        assert_eq!(vitals, [VitalKind::Temperature, VitalKind::Pulse]);
        assert_eq!((&row.unjudged, row.last_heard), (&vec![], Some(at(94))));
        seen += 1;
    }
    assert_eq!(seen, 3);
    let other = view.patient(PatientId::new(7)).await.expect("an answer");
    assert_eq!(other.row, Some(row(PatientId::new(7))));
}

#[tokio::test]
async fn a_final_report_of_somebody_with_a_hidden_day_tells_of_the_others() {
    let schemas = [
        veglia_people::SCHEMA,
        veglia_diary::SCHEMA,
        veglia_documents::SCHEMA,
    ];
    let (_folder, record) = opened(&schemas).await;
    let setup = Actor::System("test");
    let maria = NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85T10A562S".parse().expect("a code"),
        phone: "+39 333 1234567".parse().expect("a number"),
        address: "via Larga 1".to_owned(),
    };
    let person = patients::register(&record, &setup, &maria, at(0)).await;
    let patient = PatientId::new(person.expect("on file").get().unsigned_abs());
    let dora = NewStaff {
        username: "dora".parse().expect("a name"),
        name: "dora".to_owned(),
        role: Role::Doctor,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let username = dora.username.clone();
    let made = staff::create(&record, &setup, dora, at(0)).await;
    made.expect("an account");
    let dora = staff::by_username(&record, &setup, &username).await;
    let dora = dora.expect("the record answers").expect("she is there");
    let plan = Plan::template("home-covid", patient, at(0)).expect("a template");
    let written = create_plan(&record, &setup, &plan, at(0)).await;
    written.expect("it can be written");
    let gone = (Whereabouts::Discharged, at(95));
    let stood = set_standing(&record, &dora.actor(), patient, gone, "guarita", at(95)).await;
    stood.expect("it is written");
    hides_a_day(&record, patient).await;

    let view = VeiledView::new(Arc::new(Hourly), record.clone());
    let desk = Desk {
        view: &view,
        record: &record,
        who: &dora,
        relation: Some(Relation::Centre),
        now: at(95),
        language: Language::It,
    };
    let query = DocumentQuery::default();
    let page = DocumentPage::load(desk, patient, Kind::Last, &query).await;
    let page = page.expect("all answer").expect("there is a page");
    let page = page.render().expect("it renders").replace('\u{a0}', " ");
    assert!(!page.contains("Nessuna misura"), "{page}");
    assert!(page.contains("nel periodo: 72."), "{page}");
    let [lowest, highest, hidden] = ["90 %", "99,4 %", "80 %"].map(|it| page.contains(it));
    assert_eq!((lowest, highest, hidden), (true, true, false), "{page}");
}

#[test]
fn readings_are_hidden_on_postgresql_too() {
    veglia_trial::again_on_postgresql("readings_are_hidden_on_postgresql_too");
}
