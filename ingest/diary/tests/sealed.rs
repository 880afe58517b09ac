//! Words that people write, sealed with a key of the patient: bound to their row, noise when the
//! key is gone, and sealed afterwards where they were written before there were keys.

mod support;

use support::person::*;
use support::*;
use tempfile::TempDir;
use veglia_diary::{
    Decision, Reasons, SCHEMA, Written, destroy_key, diary_of, key_destroyed, note_once, plans_of,
    set_standing, standings_of, write_note, write_plan,
};
use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::sea_orm_migration::prelude::{Alias, Expr, ExprTrait, Query};
use veglia_store::{Database, Schema};
use veglia_triage::{PatientId, PatientState, Plan, Verdict, Whereabouts, Why};
use veglia_wire::WallMs;

const WORDS: &str = "Vive sola, la figlia è a Lecce.";

/// What people wrote of a patient, in the order of the diary.
async fn words(diary: &Database, patient: PatientId) -> Vec<String> {
    let all = WallMs(0)..WallMs(i64::MAX);
    let lines = diary_of(diary, &ANNA, patient, all, 100)
        .await
        .expect("the diary");
    let words = lines.into_iter().filter_map(|line| match line.what {
        Written::Act(act) => Some(act.words),
        Written::Planned { why, .. } => Some(why),
        Written::Went(stood) => Some(stood.why),
        _ => None,
    });
    words.collect()
}

async fn write(diary: &Database, patient: PatientId) {
    write_note(diary, &ANNA, patient, None, WORDS, minute(1))
        .await
        .expect("the diary");
    let plan = Plan::template("home-covid", patient, minute(0)).expect("the diary");
    let decision = Decision {
        who: WORDS.to_owned(),
        grounds: WORDS.to_owned(),
    };
    let reasons = Reasons {
        why: WORDS,
        decision: Some(&decision),
    };
    write_plan(diary, &ANNA, &plan, reasons, minute(2))
        .await
        .expect("the diary");
    let away = (Whereabouts::InHospital, minute(3));
    set_standing(diary, &ANNA, patient, away, WORDS, minute(3))
        .await
        .expect("the diary");
}

async fn forget(diary: &Database, patient: PatientId) {
    let done = diary.run_tx("test.forget", &ANNA, move |tx| {
        Box::pin(async move { destroy_key(tx, patient, minute(9)).await })
    });
    done.await.expect("the diary");
}

/// How many rows of the table keep words in plain text in the column.
async fn plain(diary: &Database, table: &'static str, column: &'static str) -> usize {
    let read = diary.read_tx("test.plain", &ANNA, move |tx| {
        Box::pin(async move {
            let mut rows = Query::select();
            rows.column(Alias::new(column))
                .from(Alias::new(table))
                .and_where(Expr::col(Alias::new(column)).like("%Lecce%"));
            Ok(tx.query_all(&rows).await?.len())
        })
    });
    read.await.expect("the diary")
}

#[tokio::test]
async fn words_are_read_back_and_stand_nowhere_in_plain_text() {
    let (_folder, diary) = diary().await;
    write(&diary, PATIENT).await;
    assert_eq!(words(&diary, PATIENT).await, [WORDS; 3]);
    let plans = plans_of(&diary, &ANNA, PATIENT).await.expect("the diary");
    let decision = plans[0].decision.as_ref().expect("it was written");
    assert_eq!(
        (decision.who.as_str(), decision.grounds.as_str()),
        (WORDS, WORDS)
    );
    for (table, column) in [
        ("entry", "words"),
        ("plan", "why"),
        ("plan", "decided_by"),
        ("plan", "decided_on"),
        ("standing", "why"),
    ] {
        assert_eq!(plain(&diary, table, column).await, 0, "{table}.{column}");
    }
}

#[tokio::test]
async fn sealed_words_do_not_open_in_the_row_of_another_patient() {
    let (_folder, diary) = diary().await;
    write_note(&diary, &ANNA, PATIENT, None, WORDS, minute(1))
        .await
        .expect("the diary");
    write_note(&diary, &ANNA, OTHER, None, "Altro.", minute(1))
        .await
        .expect("the diary");
    // The sealed text and the key too: what it is bound to still says whose it is.
    let moved = diary.run_tx("test.move", &ANNA, |tx| {
        Box::pin(async move {
            for (table, column, text) in [
                ("entry", "patient", "sealed"),
                ("patient_key", "patient", "key"),
            ] {
                let mut theirs = Query::select();
                theirs
                    .column(Alias::new(text))
                    .from(Alias::new(table))
                    .and_where(Expr::col(Alias::new(column)).eq(PATIENT.to_string()));
                let bytes = tx.query_one(&theirs).await?.expect("a row");
                let bytes: Vec<u8> = bytes.try_get("", text)?;
                let mut update = Query::update();
                update
                    .table(Alias::new(table))
                    .value(Alias::new(text), bytes)
                    .and_where(Expr::col(Alias::new(column)).eq(OTHER.to_string()));
                tx.execute(&update).await?;
            }
            Ok(())
        })
    });
    moved.await.expect("the diary");
    let all = WallMs(0)..WallMs(i64::MAX);
    let read = diary_of(&diary, &ANNA, OTHER, all, 10).await;
    assert!(read.expect_err("refused").to_string().contains("damaged"));
    assert_eq!(words(&diary, PATIENT).await, [WORDS]);
}

#[tokio::test]
async fn without_the_key_the_lines_stay_and_their_words_are_gone_for_good() {
    let (_folder, diary) = diary().await;
    write(&diary, PATIENT).await;
    write(&diary, OTHER).await;
    assert_eq!(
        key_destroyed(&diary, &ANNA, PATIENT)
            .await
            .expect("the diary"),
        None
    );
    forget(&diary, PATIENT).await;
    forget(&diary, PATIENT).await;
    let destroyed = key_destroyed(&diary, &ANNA, PATIENT)
        .await
        .expect("the diary");
    assert_eq!(destroyed, Some(minute(9)));
    assert_eq!(words(&diary, PATIENT).await, [""; 3]);
    assert_eq!(words(&diary, OTHER).await, [WORDS; 3]);
    let plans = plans_of(&diary, &ANNA, PATIENT).await.expect("the diary");
    assert_eq!(plans[0].decision, None);
    let stood = standings_of(&diary, &ANNA, PATIENT)
        .await
        .expect("the diary");
    assert_eq!(stood[0].why, "");
    let refused = write_note(&diary, &ANNA, PATIENT, None, "Ancora.", minute(10)).await;
    refused.expect_err("nothing more is written of them");
}

#[tokio::test]
async fn verdicts_of_a_household_with_an_erased_member_go_on_being_recorded() {
    let (_folder, diary) = diary().await;
    // A red of somebody unknown, of whom ANNA takes charge, turns out to be the erased member's.
    let unknown = PatientId::new(1 << 63 | 7);
    let mut stand_in = Person::new();
    stand_in.state = PatientState::new(unknown);
    record(&diary, &stand_in.spo2(TEN, 84), TEN).await;
    let flag = taken(&diary, TEN + 1).await;
    forget(&diary, PATIENT).await;
    let mut said = vec![Verdict::End {
        id: flag,
        why: Why::NotTheirs,
        at: minute(TEN + 4),
        telling: 1 << 16,
    }];
    said.extend(Person::new().spo2(TEN, 84));
    record(&diary, &said, TEN + 4).await;
    // The charge is handed on all the same, without words, and the other diary says so.
    let open = alerts(&diary).await;
    let held: Vec<bool> = open.iter().map(|it| it.state.hold.is_some()).collect();
    assert_eq!(held, [true]);
    assert_eq!(words(&diary, PATIENT).await, [""]);
    let theirs = words(&diary, unknown).await;
    assert!(
        theirs.iter().any(|it| it.contains("ha un nome")),
        "{theirs:?}"
    );
    // So is what the machine notes by itself.
    let said = note_once(
        &diary,
        &TRIAGE,
        &open[0].flag,
        "again",
        WORDS,
        minute(TEN + 5),
    )
    .await;
    assert!(said.expect("the machine goes on"));
    let mut other = Person::new();
    other.state = PatientState::new(OTHER);
    record(&diary, &other.spo2(TEN + 6, 84), TEN + 6).await;
    assert_eq!(alerts(&diary).await.len(), 2, "somebody else is watched");
    let flag = open[0].flag.clone();
    let refused = write_note(&diary, &ANNA, PATIENT, Some(&flag), WORDS, minute(TEN + 7)).await;
    refused.expect_err("a person writes nothing more of them");
}

/// The diary as it was before there were keys.
const OLD: Schema = Schema {
    room: "diary",
    migrations: || (SCHEMA.migrations)().into_iter().take(8).collect(),
};

#[tokio::test]
async fn what_was_written_before_there_were_keys_is_sealed_when_it_is_opened() {
    let folder = TempDir::new().expect("the diary");
    let path = folder.path().join("record.db");
    let old = veglia_trial::open(&path, &[OLD]).await;
    let written = old.run_tx("test.old", &ANNA, |tx| {
        Box::pin(async move {
            let at = minute(1).0;
            let patient = PATIENT.to_string();
            for (table, columns, values) in [
                (
                    "entry",
                    vec!["patient", "kind", "actor", "at_ms", "words"],
                    vec![
                        patient.clone().into(),
                        "note".into(),
                        "staff:1".into(),
                        at.into(),
                        WORDS.into(),
                    ],
                ),
                (
                    "standing",
                    vec![
                        "patient",
                        "number",
                        "from_ms",
                        "whereabouts",
                        "why",
                        "created_at_ms",
                        "created_by",
                    ],
                    vec![
                        patient.into(),
                        1_i64.into(),
                        at.into(),
                        "in-hospital".into(),
                        WORDS.into(),
                        at.into(),
                        "staff:1".into(),
                    ],
                ),
            ] {
                let mut insert = Query::insert();
                insert
                    .into_table(Alias::new(table))
                    .columns(columns.into_iter().map(Alias::new))
                    .values_panic(values);
                tx.execute(&insert).await?;
            }
            Ok(())
        })
    });
    written.await.expect("the diary");
    old.close().await.expect("the diary");
    let diary = open(&path).await;
    assert_eq!(words(&diary, PATIENT).await, [WORDS; 2]);
    assert_eq!(plain(&diary, "entry", "words").await, 0);
    assert_eq!(plain(&diary, "standing", "why").await, 0);
}

#[test]
fn words_are_sealed_on_postgresql_too() {
    veglia_trial::again_on_postgresql("words_are_sealed_on_postgresql_too");
}
