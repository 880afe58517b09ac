//! Alerts in the diary: timers that a crash does not lose, pages that are made once, people who
//! act at the same moment, and figures of what nobody closed.

// req: G7, G9

mod support;

use support::*;
use veglia_diary::ladder::Doctor;
use veglia_diary::{
    ActRefused, Alert, CallOutcome, Callee, PageId, PageWhy, Whom, Written, adopt, alert_figures,
    alerts_since, close, diary_of, escalate, hand_over, open_flags, page_failed, page_seen,
    pages_since, record_call, record_verdicts, remade, snooze, take_charge, tick,
};
use veglia_store::Database;
use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::sea_orm_migration::prelude::Query;
use veglia_triage::{FlagId, Severity, Verdict};
use veglia_wire::WallMs;

/// 10:00 in Milano, in the minutes of `support`: family doctors are reached.
const TEN: i64 = 120;

async fn record(diary: &Database, verdicts: &[Verdict], at: i64) {
    record_verdicts(diary, &TRIAGE, verdicts, minute(at))
        .await
        .expect("recording");
}

async fn at(diary: &Database, now: i64) -> usize {
    tick(diary, &TRIAGE, minute(now)).await.expect("a tick")
}

/// A tick each minute.
async fn live(diary: &Database, minutes: std::ops::RangeInclusive<i64>) {
    for minute in minutes {
        at(diary, minute).await;
    }
}

/// Whom pages called, by the minute after ten.
async fn called(diary: &Database) -> Vec<(i64, Callee, PageWhy)> {
    let pages = pages_since(diary, &TRIAGE, PageId(0), 500).await;
    let pages = pages.expect("reading pages");
    let said = pages.into_iter().map(|page| {
        let after = page.at.since(minute(TEN)) / 60_000;
        (after, page.callee, page.why)
    });
    said.collect()
}

async fn page_for(diary: &Database, callee: Callee) -> PageId {
    let pages = pages_since(diary, &TRIAGE, PageId(0), 500).await;
    let pages = pages.expect("reading pages");
    let mut pages = pages.into_iter().filter(|page| page.callee == callee);
    pages.next().expect("somebody was called").id
}

async fn open(diary: &Database) -> Vec<Alert> {
    let read = alerts_since(diary, &TRIAGE, None).await;
    let (alerts, _) = read.expect("reading alerts");
    for alert in &alerts {
        let again = remade(diary, &TRIAGE, alert.id).await;
        let again = again.expect("reading events");
        assert_eq!(again.as_ref(), Some(&alert.state), "made of its events");
    }
    alerts
}

/// A red too bad to wait, at ten.
async fn a_red() -> (tempfile::TempDir, Database, FlagId) {
    let (folder, diary) = diary().await;
    record(&diary, &Home::new().spo2(TEN, TEN, 85), TEN).await;
    let open = open_flags(&diary, &TRIAGE).await;
    let flag = open.expect("reading the list").remove(0).flag.id;
    (folder, diary, flag)
}

#[tokio::test]
async fn an_unconfirmed_red_pages_nobody_and_its_confirmation_pages_at_once() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    record(&diary, &home.spo2(TEN, TEN, 91), TEN).await;
    live(&diary, TEN..=TEN + 1).await;
    assert_eq!(called(&diary).await, []);
    assert_eq!(open(&diary).await.len(), 1, "and is on the list");
    record(&diary, &home.spo2(TEN + 2, TEN + 2, 90), TEN + 2).await;
    let said = called(&diary).await;
    assert_eq!(said[0], (2, Callee::Operator, PageWhy::New));
}

#[tokio::test]
async fn an_operator_who_never_answers_is_followed_by_everybody_to_the_family_doctor() {
    let (_folder, diary, _) = a_red().await;
    live(&diary, TEN..=TEN + 60).await;
    let said = called(&diary).await;
    let expected = [
        (0, Callee::Operator, PageWhy::New),
        (0, Callee::Mmg, PageWhy::Informed),
        (5, Callee::Operator, PageWhy::Again),
        (10, Callee::SecondOperator, PageWhy::Escalated),
        (15, Callee::Doctor, PageWhy::Escalated),
        (30, Callee::Operator, PageWhy::Again),
    ];
    assert_eq!(said[..6], expected);
    assert!(said.contains(&(60, Callee::Operator, PageWhy::Unseen)));
    open(&diary).await;
}

#[tokio::test]
async fn ticks_read_twice_and_a_record_opened_again_page_once() {
    let (folder, diary, _) = a_red().await;
    let path = folder.path().join("record.db");
    let mut moved = 0;
    for now in TEN..=TEN + 20 {
        moved += at(&diary, now).await;
        // As after a crash: another process, the same tick and those before it once more.
        let other = support::open(&path).await;
        for again in TEN..=now {
            assert_eq!(at(&other, again).await, 0, "minute {again}");
        }
        other.close().await.unwrap();
    }
    assert_eq!((moved, called(&diary).await.len()), (3, 5));
}

#[tokio::test]
async fn a_deadline_that_passed_while_nobody_looked_is_late_once_and_says_so() {
    let (_folder, diary, flag) = a_red().await;
    at(&diary, TEN + 1).await;
    // Down from minute 1 to minute 21.
    at(&diary, TEN + 21).await;
    at(&diary, TEN + 21).await;
    let said = called(&diary).await;
    let late: Vec<_> = said.iter().filter(|(after, ..)| *after == 21).collect();
    assert_eq!(late.len(), 3, "again, the second operator, the doctor");
    let lines = diary_of(&diary, &TRIAGE, flag.patient, minute(0)..minute(999), 99).await;
    let late_ms: Vec<i64> = lines
        .unwrap()
        .into_iter()
        .filter_map(|line| match line.what {
            Written::Paged(paged) => Some(paged.late_ms / 60_000),
            _ => None,
        })
        .filter(|late| *late > 0)
        .collect();
    assert_eq!(late_ms.len(), 3);
    assert!(
        [16, 11, 6].iter().all(|late| late_ms.contains(late)),
        "{late_ms:?}"
    );
}

#[tokio::test]
async fn a_charge_lapses_while_the_reading_stays_red_and_is_prolonged_by_a_call() {
    let (_folder, diary, flag) = a_red().await;
    take_charge(&diary, &ANNA, &flag, minute(TEN + 1))
        .await
        .unwrap();
    let call = (Whom::Patient, CallOutcome::NoAnswer);
    record_call(&diary, &ANNA, &flag, call, "", minute(TEN + 11))
        .await
        .unwrap();
    let seen = page_for(&diary, Callee::Mmg).await;
    assert!(
        page_seen(&diary, &ANNA, seen, minute(TEN + 12))
            .await
            .unwrap()
    );
    assert!(
        !page_seen(&diary, &ANNA, seen, minute(TEN + 13))
            .await
            .unwrap()
    );
    live(&diary, TEN + 11..=TEN + 40).await;
    assert_eq!(called(&diary).await.len(), 2, "operator and family doctor");
    live(&diary, TEN + 41..=TEN + 46).await;
    let said = called(&diary).await;
    assert_eq!(
        said[2..],
        [
            (41, Callee::Operator, PageWhy::ChargeLapsed),
            (46, Callee::Operator, PageWhy::Again)
        ]
    );
    assert_eq!(open(&diary).await[0].state.hold, None);
    take_charge(&diary, &BRUNO, &flag, minute(TEN + 47))
        .await
        .expect("it is nobody's");
}

#[tokio::test]
async fn what_another_has_cannot_be_snoozed_or_given_away_but_may_be_escalated() {
    let (_folder, diary, flag) = a_red().await;
    let now = minute(TEN + 2);
    take_charge(&diary, &ANNA, &flag, minute(TEN + 1))
        .await
        .unwrap();
    let taken = |refused: Result<(), ActRefused>| match refused.unwrap_err() {
        ActRefused::Taken { by, at } => (by, at),
        other => panic!("{other:?}"),
    };
    let until = now.plus_ms(600_000);
    let anna = ("staff:1".to_owned(), minute(TEN + 1));
    let refused = snooze(&diary, &BRUNO, &flag, until, "Dorme.", now).await;
    assert_eq!(taken(refused), anna);
    let refused = hand_over(&diary, &BRUNO, &flag, 2, "", now).await;
    assert_eq!(taken(refused), anna);
    hand_over(&diary, &ANNA, &flag, 2, "Fine turno.", now)
        .await
        .unwrap();
    let refused = take_charge(&diary, &ANNA, &flag, now).await;
    assert_eq!(taken(refused).0, "staff:2");
    escalate(&diary, &ANNA, &flag, "Peggiora.", now)
        .await
        .unwrap();
    let said = called(&diary).await;
    assert_eq!(said.last(), Some(&(2, Callee::Doctor, PageWhy::Escalated)));
    assert_eq!(open(&diary).await[0].state.hold, None);
}

#[tokio::test]
async fn a_snooze_has_a_reason_and_an_end_and_a_red_half_an_hour_at_most() {
    let (_folder, diary, flag) = a_red().await;
    let now = minute(TEN + 1);
    let for_minutes = |minutes: i64| now.plus_ms(minutes * 60_000);
    let refused = snooze(&diary, &ANNA, &flag, for_minutes(31), "Dorme.", now).await;
    assert!(matches!(refused, Err(ActRefused::Snooze { minutes: 30 })));
    let refused = snooze(&diary, &ANNA, &flag, for_minutes(0), "Dorme.", now).await;
    assert!(matches!(refused, Err(ActRefused::Snooze { .. })));
    let refused = snooze(&diary, &ANNA, &flag, for_minutes(9), " ", now).await;
    assert!(matches!(refused, Err(ActRefused::Words)));
    snooze(&diary, &ANNA, &flag, for_minutes(9), "Cambia il dito.", now)
        .await
        .unwrap();
    live(&diary, TEN + 2..=TEN + 10).await;
    let said = called(&diary).await;
    assert_eq!(said[2..], [(10, Callee::Operator, PageWhy::Again)]);
}

#[tokio::test]
async fn a_snoozed_red_that_gets_too_bad_to_wait_calls_at_once() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    record(&diary, &home.spo2(TEN, TEN, 91), TEN).await;
    record(&diary, &home.spo2(TEN + 2, TEN + 2, 91), TEN + 2).await;
    let flag = open_flags(&diary, &TRIAGE).await.unwrap().remove(0).flag.id;
    let until = minute(TEN + 30);
    snooze(
        &diary,
        &ANNA,
        &flag,
        until,
        "Cambia il dito.",
        minute(TEN + 3),
    )
    .await
    .unwrap();
    let before = called(&diary).await.len();
    record(&diary, &home.spo2(TEN + 4, TEN + 4, 90), TEN + 4).await;
    assert_eq!(called(&diary).await.len(), before);
    record(&diary, &home.spo2(TEN + 5, TEN + 5, 84), TEN + 5).await;
    let said = called(&diary).await;
    assert_eq!(said[before..], [(5, Callee::Operator, PageWhy::New)]);
}

#[tokio::test]
async fn a_page_that_no_channel_delivered_climbs_at_once_and_counts_once() {
    let (_folder, diary, _) = a_red().await;
    let first = page_for(&diary, Callee::Operator).await;
    let failed = async |page| {
        page_failed(&diary, &TRIAGE, page, minute(TEN + 1), "SMTP 421")
            .await
            .unwrap()
    };
    assert!(failed(first).await && !failed(first).await);
    assert!(!failed(PageId(99)).await, "no such page");
    let said = called(&diary).await;
    assert_eq!(said[2..], [(1, Callee::Operator, PageWhy::ChannelFailed)]);
    open(&diary).await;
}

#[tokio::test]
async fn one_alert_holds_all_flags_of_a_rule_and_closing_the_newest_closes_the_elders() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    // Confirmed, recovered, and waiting; then red again: another flag of the same rule.
    for (measured, percent) in [(0, 91), (2, 90), (10, 96), (45, 96), (60, 85)] {
        let verdicts = home.spo2(TEN + measured, TEN + measured, percent);
        record(&diary, &verdicts, TEN + measured).await;
    }
    let flags = open_flags(&diary, &TRIAGE).await.unwrap();
    assert_eq!(flags.len(), 2);
    let alerts = open(&diary).await;
    let [alert] = alerts.as_slice() else {
        panic!("one alert, not {}", alerts.len());
    };
    assert!(flags.iter().all(|it| it.alert.as_ref() == Some(alert)));
    let newest = flags.iter().find(|it| it.flag.id == alert.flag).unwrap();
    assert_eq!(newest.ended, None);
    let seen = newest.flag.telling;
    close(
        &diary,
        &ANNA,
        &alert.flag,
        seen,
        "Soccorso.",
        minute(TEN + 61),
    )
    .await
    .unwrap();
    assert_eq!(open_flags(&diary, &TRIAGE).await.unwrap(), []);
    assert_eq!(open(&diary).await, []);
    let pages = called(&diary).await.len();
    live(&diary, TEN + 62..=TEN + 200).await;
    assert_eq!(called(&diary).await.len(), pages, "it is closed");
}

#[tokio::test]
async fn a_confirmed_red_is_closed_by_a_person_alone_and_the_others_are_counted() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    // A red that the repeat does not bear out closes by itself.
    record(&diary, &home.spo2(TEN, TEN, 91), TEN).await;
    record(&diary, &home.spo2(TEN + 2, TEN + 2, 97), TEN + 2).await;
    assert_eq!(open(&diary).await, []);
    for (measured, percent) in [(60, 91), (62, 90), (70, 96), (105, 96)] {
        let verdicts = home.spo2(TEN + measured, TEN + measured, percent);
        record(&diary, &verdicts, TEN + measured).await;
    }
    let waiting = open(&diary).await.remove(0);
    assert_eq!(waiting.state.over, Some(minute(TEN + 105)));
    assert!(waiting.state.due().is_some(), "nobody has it yet");
    let seen = open_flags(&diary, &TRIAGE).await.unwrap()[0].flag.telling;
    close(
        &diary,
        &ANNA,
        &waiting.flag,
        seen,
        "Sta bene.",
        minute(TEN + 110),
    )
    .await
    .unwrap();
    let figures = alert_figures(&diary, &TRIAGE, minute(0), minute(999)).await;
    let figures = figures.unwrap();
    assert_eq!(
        (figures.opened, figures.closed, figures.closed_alone),
        (2, 2, 1)
    );
    assert_eq!(figures.technical, 0);
}

#[tokio::test]
async fn flags_of_a_record_from_before_there_were_alerts_get_theirs() {
    let (_folder, diary, flag) = a_red().await;
    let forget = diary.run_tx("test.forget", &TRIAGE, |tx| {
        Box::pin(async move {
            for table in ["page", "alert_event", "alert_flag", "alert"] {
                tx.execute(Query::delete().from_table(table)).await?;
            }
            Ok(())
        })
    });
    forget.await.unwrap();
    assert_eq!(open(&diary).await, []);
    let adopted = async || adopt(&diary, &TRIAGE, minute(TEN + 1)).await.unwrap();
    assert_eq!((adopted().await, adopted().await), (1, 0));
    assert_eq!(open(&diary).await[0].flag, flag);
    let said = called(&diary).await;
    assert_eq!(said[0], (1, Callee::Operator, PageWhy::New));
}

#[tokio::test]
async fn a_fever_is_told_to_the_family_doctor_with_the_others_and_closes_by_itself() {
    let (_folder, diary) = diary().await;
    let mut verdicts = Home::new().spo2(TEN, TEN, 85);
    for verdict in &mut verdicts {
        if let Verdict::Raise(flag) = verdict {
            flag.severity = Severity::Amber;
        }
    }
    record(&diary, &verdicts, TEN).await;
    let due = Doctor::Due {
        // 12:30
        at: minute(270),
        why: PageWhy::Digest,
    };
    assert_eq!(open(&diary).await[0].state.doctor, due);
    live(&diary, TEN..=271).await;
    let said = called(&diary).await;
    assert!(
        said.contains(&(150, Callee::Mmg, PageWhy::Digest)),
        "{said:?}"
    );
    let ended = Verdict::End {
        id: verdicts[0].id().clone(),
        why: veglia_triage::Why::Recovered,
        at: minute(280),
        telling: 2,
    };
    record(&diary, &[ended], 280).await;
    assert_eq!(open(&diary).await, []);
    let days = veglia_diary::patient_days(&diary, &TRIAGE, minute(0), WallMs(i64::MAX)).await;
    assert_eq!(days.unwrap(), 0, "nobody has a plan");
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
