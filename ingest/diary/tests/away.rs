//! Patients who leave home with an open alert, and whom a plan has called: through the diary's own
//! doors, with every timer in the record.

// req: G7, G9

mod support;

use support::*;
use veglia_diary::{
    Alert, Callee, Decision, PageId, PageWhy, PlanRefused, Reasons, Written, alerts_since, close,
    create_plan, diary_of, open_flags, page_failed, pages_since, recalled, record_verdicts, remade,
    set_standing, take_charge, tick, write_plan,
};
use veglia_store::Database;
use veglia_triage::{Calling, FamilyDoctor, FlagId, Plan, PlanVersion, Verdict, Whereabouts};
use veglia_wire::WallMs;

/// 10:00 in Milano, in the minutes of `support`: family doctors are reached.
const TEN: i64 = 120;

async fn record(diary: &Database, verdicts: &[Verdict], at: i64) {
    record_verdicts(diary, &TRIAGE, verdicts, minute(at))
        .await
        .expect("recording");
}

async fn live(diary: &Database, minutes: std::ops::RangeInclusive<i64>) {
    for now in minutes {
        tick(diary, &TRIAGE, minute(now)).await.expect("a tick");
    }
}

async fn goes(diary: &Database, whereabouts: Whereabouts, at: i64) {
    let now = minute(at);
    set_standing(
        diary,
        &ANNA,
        PATIENT,
        (whereabouts, now),
        "Telefonata.",
        now,
    )
    .await
    .expect("writing where the patient is");
}

/// Whom pages called at a minute after ten or later.
async fn called(diary: &Database, since: i64) -> Vec<(i64, Callee, PageWhy)> {
    let pages = pages_since(diary, &TRIAGE, PageId(0), 500).await;
    let pages = pages.expect("reading pages").into_iter();
    let said = pages.map(|page| {
        let after = page.at.since(minute(TEN)) / 60_000;
        (after, page.callee, page.why)
    });
    said.filter(|(after, ..)| *after >= since).collect()
}

/// The open alert; it is what its events make of it.
async fn alert(diary: &Database) -> Alert {
    let (mut alerts, _) = alerts_since(diary, &TRIAGE, None).await.expect("reading");
    let alert = alerts.pop().expect("an open alert");
    let again = remade(diary, &TRIAGE, alert.id).await.expect("reading");
    assert_eq!(again.as_ref(), Some(&alert.state), "made of its events");
    alert
}

/// A red too bad to wait, at ten, and its home.
async fn a_red() -> (tempfile::TempDir, Database, Home, FlagId) {
    let (folder, diary) = diary().await;
    let mut home = Home::new();
    record(&diary, &home.spo2(TEN, TEN, 85), TEN).await;
    let open = open_flags(&diary, &TRIAGE).await;
    let flag = open.expect("reading the list").remove(0).flag.id;
    (folder, diary, home, flag)
}

#[tokio::test]
async fn the_ladder_of_a_confirmed_red_stops_when_the_patient_leaves_home_and_it_stays_listed() {
    for whereabouts in Whereabouts::ALL.into_iter().skip(1) {
        let (folder, diary, _, flag) = a_red().await;
        goes(&diary, whereabouts, TEN + 3).await;
        live(&diary, TEN + 3..=TEN + 90).await;
        // As after a crash: another process has the same timers.
        let other = open(&folder.path().join("record.db")).await;
        live(&other, TEN + 90..=TEN + 100).await;
        assert_eq!(called(&diary, 1).await, [], "{whereabouts}");
        let alert = alert(&diary).await;
        assert!(alert.closed.is_none() && alert.state.whereabouts == whereabouts);
        let listed = open_flags(&diary, &TRIAGE).await.unwrap();
        assert_eq!(listed.len(), 1, "a confirmed red waits for a person");
        close(&diary, &ANNA, &flag, 9, "In ospedale.", minute(TEN + 101))
            .await
            .expect("closed by a person");
    }
}

#[tokio::test]
async fn who_was_marked_wrongly_is_called_for_anew_from_the_moment_of_the_correction() {
    let (_folder, diary, _, _) = a_red().await;
    goes(&diary, Whereabouts::Deceased, TEN + 1).await;
    live(&diary, TEN + 2..=TEN + 20).await;
    goes(&diary, Whereabouts::AtHome, TEN + 21).await;
    live(&diary, TEN + 21..=TEN + 36).await;
    let expected = [
        (21, Callee::Operator, PageWhy::Again),
        (21, Callee::Mmg, PageWhy::Informed),
        (26, Callee::Operator, PageWhy::Again),
        (31, Callee::SecondOperator, PageWhy::Escalated),
        (36, Callee::Doctor, PageWhy::Escalated),
    ];
    assert_eq!(called(&diary, 1).await, expected);
    alert(&diary).await;
}

#[tokio::test]
async fn pages_that_nobody_needs_any_more_are_recalled_and_those_after_the_return_are_not() {
    let (_folder, diary, home, flag) = a_red().await;
    drop(home);
    let pages = async || {
        let pages = pages_since(&diary, &TRIAGE, PageId(0), 500).await.unwrap();
        pages
            .into_iter()
            .map(|page| page.id)
            .collect::<Vec<PageId>>()
    };
    let before = pages().await;
    let is_none = recalled(&diary, &TRIAGE, &before).await.unwrap();
    assert_eq!(is_none, []);
    goes(&diary, Whereabouts::InHospital, TEN + 1).await;
    goes(&diary, Whereabouts::AtHome, TEN + 2).await;
    live(&diary, TEN + 2..=TEN + 10).await;
    let all = pages().await;
    assert!(all.len() > before.len(), "called anew");
    let mut gone = recalled(&diary, &TRIAGE, &all).await.unwrap();
    gone.sort();
    assert_eq!(gone, before);
    let ever = minute(0)..minute(9_999);
    let lines = diary_of(&diary, &TRIAGE, flag.patient, ever, 99)
        .await
        .unwrap();
    let told = lines.iter().filter_map(|line| match &line.what {
        Written::Paged(paged) => paged.recalled,
        _ => None,
    });
    assert_eq!(
        told.collect::<Vec<WallMs>>(),
        vec![minute(TEN + 1); before.len()]
    );
}

#[tokio::test]
async fn a_red_of_who_is_marked_away_is_listed_and_told_to_the_operator_once() {
    let (_folder, diary) = diary().await;
    goes(&diary, Whereabouts::InHospital, TEN - 10).await;
    let mut home = Home::new();
    record(&diary, &home.spo2(TEN, TEN, 85), TEN).await;
    live(&diary, TEN..=TEN + 60).await;
    assert_eq!(
        called(&diary, 0).await,
        [(0, Callee::Operator, PageWhy::New)]
    );
    assert_eq!(open_flags(&diary, &TRIAGE).await.unwrap().len(), 1);
    alert(&diary).await;
    goes(&diary, Whereabouts::AtHome, TEN + 61).await;
    let anew = called(&diary, 61).await;
    assert_eq!(anew[0], (61, Callee::Operator, PageWhy::Again));
}

/// The newest page reached nobody.
async fn newest_fails(diary: &Database, at: i64) {
    let pages = pages_since(diary, &TRIAGE, PageId(0), 500).await;
    let newest = pages.expect("reading pages").pop().expect("a page");
    page_failed(diary, &TRIAGE, newest.id, minute(at), "SMTP 421")
        .await
        .expect("writing what became of it");
}

#[tokio::test]
async fn the_one_call_about_who_is_away_goes_on_to_the_next_when_it_reaches_nobody() {
    let (_folder, diary) = diary().await;
    goes(&diary, Whereabouts::Deceased, TEN - 10).await;
    let mut home = Home::new();
    record(&diary, &home.spo2(TEN, TEN, 85), TEN).await;
    for at in [TEN + 1, TEN + 2, TEN + 3] {
        newest_fails(&diary, at).await;
    }
    let expected = [
        (0, Callee::Operator, PageWhy::New),
        (1, Callee::SecondOperator, PageWhy::ChannelFailed),
        (2, Callee::Doctor, PageWhy::ChannelFailed),
    ];
    assert_eq!(called(&diary, 0).await, expected);
    alert(&diary).await;
}

#[tokio::test]
async fn a_page_from_before_the_patient_left_that_fails_calls_nobody_else() {
    let (_folder, diary, _, _) = a_red().await;
    goes(&diary, Whereabouts::InHospital, TEN + 1).await;
    newest_fails(&diary, TEN + 2).await;
    assert_eq!(called(&diary, 1).await, []);
    alert(&diary).await;
}

#[tokio::test]
async fn whoever_has_an_alert_keeps_it_and_it_calls_again_only_at_home() {
    let (_folder, diary, _, flag) = a_red().await;
    take_charge(&diary, &ANNA, &flag, minute(TEN + 1))
        .await
        .unwrap();
    goes(&diary, Whereabouts::InHospital, TEN + 2).await;
    assert!(alert(&diary).await.state.hold.is_some());
    live(&diary, TEN + 2..=TEN + 200).await;
    assert_eq!(
        called(&diary, 1).await,
        [],
        "the charge has lapsed in silence"
    );
    goes(&diary, Whereabouts::AtHome, TEN + 201).await;
    assert!(!called(&diary, 201).await.is_empty());
}

fn plan(version: i64, calling: Calling) -> Plan {
    Plan {
        version: PlanVersion(version),
        calling,
        ..Plan::template("home-covid", PATIENT, minute(0)).expect("the template exists")
    }
}

fn doctor_first() -> Calling {
    Calling {
        ladder: "doctor-first-2020".parse().ok(),
        family_doctor: FamilyDoctor::NotInformed,
    }
}

#[tokio::test]
async fn the_plan_says_who_is_called_and_whether_the_family_doctor_is_told() {
    let (_folder, diary) = diary().await;
    create_plan(&diary, &ANNA, &plan(1, doctor_first()), minute(0))
        .await
        .unwrap();
    let mut home = Home::new();
    record(&diary, &home.spo2(TEN, TEN, 85), TEN).await;
    let first = called(&diary, 0).await;
    let expected = [
        (0, Callee::Operator, PageWhy::New),
        (0, Callee::Doctor, PageWhy::New),
    ];
    assert_eq!(first, expected);
    alert(&diary).await;
}

#[tokio::test]
async fn a_plan_written_while_an_alert_climbs_has_it_go_on_by_its_ladder() {
    let (_folder, diary, _, _) = a_red().await;
    let before = called(&diary, 0).await.len();
    create_plan(&diary, &ANNA, &plan(1, doctor_first()), minute(TEN + 1))
        .await
        .unwrap();
    assert_eq!(alert(&diary).await.state.calling, doctor_first());
    live(&diary, TEN + 1..=TEN + 5).await;
    let said = called(&diary, 0).await;
    let callees: Vec<Callee> = said[before..].iter().map(|it| it.1).collect();
    assert!(callees.contains(&Callee::Doctor), "{said:?}");
    alert(&diary).await;
}

#[tokio::test]
async fn a_plan_that_names_an_unknown_ladder_is_refused() {
    let (_folder, diary) = diary().await;
    let calling = Calling {
        ladder: "nobody-2020".parse().ok(),
        family_doctor: FamilyDoctor::Informed,
    };
    let decision = Decision {
        who: "Medico 7".to_owned(),
        grounds: "Prova.".to_owned(),
    };
    let reasons = Reasons {
        why: "",
        decision: Some(&decision),
    };
    let refused = write_plan(&diary, &ANNA, &plan(1, calling), reasons, minute(0)).await;
    let refused = refused.unwrap_err();
    assert!(matches!(&refused, PlanRefused::Ladder(name) if name.as_str() == "nobody-2020"));
    assert!(
        refused.to_string().contains("doctor-first-2020"),
        "{refused}"
    );
}
