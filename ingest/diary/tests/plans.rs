//! Plans and devices: versions without gaps, devices with one wearer at a time, and changes that
//! tell ingest all of it in order.

// req: G3

mod support;

use support::*;
use veglia_diary::{
    AssignRefused, AssignmentId, Assignments, CHANGES_MAX, ChangeId, Changed, EndRefused,
    PlanRefused, assign_device, assignments, changes_since, create_plan, end_assignment,
    last_change_by, plan_of, plans_current, wearer, write_note,
};
use veglia_store::Database;
use veglia_triage::{PatientId, Plan, PlanVersion};

const OXIMETER: &str = "nonin:501234";

fn plan(patient: PatientId, version: i64) -> Plan {
    Plan {
        version: PlanVersion(version),
        ..Plan::template("home-covid", patient, minute(0)).expect("the template exists")
    }
}

async fn assign(
    record: &Database,
    patient: PatientId,
    from: i64,
) -> Result<AssignmentId, AssignRefused> {
    assign_device(
        record,
        &ANNA,
        &device(OXIMETER),
        patient,
        minute(from),
        minute(0),
    )
    .await
}

async fn end(record: &Database, id: AssignmentId, until: i64) -> Result<(), EndRefused> {
    end_assignment(record, &ANNA, id, minute(until), minute(1_000)).await
}

#[tokio::test]
async fn versions_of_a_plan_follow_one_another() {
    let (_folder, diary) = diary().await;
    create_plan(&diary, &ANNA, &plan(PATIENT, 1), minute(0))
        .await
        .unwrap();
    create_plan(&diary, &ANNA, &plan(PATIENT, 2), minute(1))
        .await
        .unwrap();
    create_plan(&diary, &ANNA, &plan(OTHER, 1), minute(2))
        .await
        .unwrap();
    for version in [1, 2, 4] {
        let refused = create_plan(&diary, &BRUNO, &plan(PATIENT, version), minute(3)).await;
        let expected = PlanVersion(3);
        assert!(matches!(refused, Err(PlanRefused::Version { next }) if next == expected));
    }
    let current = plans_current(&diary, &TRIAGE).await.unwrap();
    assert_eq!(current, [plan(OTHER, 1), plan(PATIENT, 2)]);
    assert_eq!(
        plan_of(&diary, &ANNA, PATIENT).await.unwrap(),
        Some(plan(PATIENT, 2))
    );
    assert_eq!(
        plan_of(&diary, &ANNA, PatientId::new(9)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn of_two_people_who_write_the_same_version_one_is_refused() {
    let (folder, diary) = diary().await;
    let other = open(&folder.path().join("record.db")).await;
    let plan = plan(PATIENT, 1);
    let (anna, bruno) = tokio::join!(
        create_plan(&diary, &ANNA, &plan, minute(0)),
        create_plan(&other, &BRUNO, &plan, minute(0)),
    );
    assert!(anna.is_ok() != bruno.is_ok());
    assert_eq!(plans_current(&diary, &TRIAGE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_faulty_plan_is_refused_with_its_sentences() {
    let (_folder, diary) = diary().await;
    let mut faulty = plan(PATIENT, 1);
    faulty.parameters[0].grace_minutes = 0;
    let refused = create_plan(&diary, &ANNA, &faulty, minute(0))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("grace of spo2"), "{refused}");
    assert!(
        changes_since(&diary, &TRIAGE, ChangeId(0))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_device_has_one_wearer_at_a_time() {
    let (_folder, diary) = diary().await;
    let first = assign(&diary, PATIENT, 100).await.unwrap();
    for from in [0, 100, 500] {
        let refused = assign(&diary, OTHER, from).await.unwrap_err();
        assert!(
            matches!(
                &refused,
                AssignRefused::Overlap { holder, .. } if holder.patient() == Some(PATIENT)
            ),
            "{refused:?}"
        );
    }
    end(&diary, first, 200).await.unwrap();
    assert!(
        assign(&diary, OTHER, 199).await.is_err(),
        "one minute too early"
    );
    assert!(
        assign(&diary, OTHER, 50).await.is_err(),
        "it would run into the first"
    );
    assign(&diary, OTHER, 200).await.unwrap();
    let all = assignments(&diary, &TRIAGE).await.unwrap();
    let oximeter = device(OXIMETER);
    for (at, wearer) in [
        (99, None),
        (100, Some(PATIENT)),
        (199, Some(PATIENT)),
        (200, Some(OTHER)),
        (9_999, Some(OTHER)),
    ] {
        assert_eq!(all.resolve(&oximeter, minute(at)), wearer, "minute {at}");
    }
    assert_eq!(all.resolve(&device("other:1"), minute(150)), None);
    assert_eq!(all.of_device(&oximeter).count(), 2);
    assert_eq!(all.of_patient(PATIENT).count(), 1);
}

#[tokio::test]
async fn of_two_people_who_assign_a_device_one_is_refused() {
    let (folder, diary) = diary().await;
    let other = open(&folder.path().join("record.db")).await;
    let (anna, bruno) = tokio::join!(assign(&diary, PATIENT, 0), assign(&other, OTHER, 0));
    assert!(anna.is_ok() != bruno.is_ok());
}

#[tokio::test]
async fn a_device_is_not_taken_back_in_the_future() {
    let (_folder, diary) = diary().await;
    let id = assign(&diary, PATIENT, 100).await.unwrap();
    let refused = end(&diary, id, 1_001).await.unwrap_err();
    assert!(matches!(refused, EndRefused::Future), "{refused:?}");
    end(&diary, id, 1_000).await.unwrap();
}

#[tokio::test]
async fn an_assignment_ends_once_and_after_it_began() {
    let (_folder, diary) = diary().await;
    let id = assign(&diary, PATIENT, 100).await.unwrap();
    let refused = end(&diary, id, 100).await.unwrap_err();
    assert!(
        matches!(refused, EndRefused::TooEarly { .. }),
        "{refused:?}"
    );
    end(&diary, id, 200).await.unwrap();
    let refused = end(&diary, id, 300).await.unwrap_err();
    let EndRefused::Ended { until, by } = refused else {
        panic!("ended twice: {refused:?}");
    };
    assert_eq!((until, by.as_str()), (minute(200), "staff:1"));
    let refused = end(&diary, AssignmentId(99), 300).await.unwrap_err();
    assert!(matches!(refused, EndRefused::Unknown(_)), "{refused:?}");
}

#[tokio::test]
async fn changes_tell_everything_in_order_and_build_the_same_assignments() {
    let (_folder, diary) = diary().await;
    create_plan(&diary, &ANNA, &plan(PATIENT, 1), minute(0))
        .await
        .unwrap();
    let id = assign(&diary, PATIENT, 0).await.unwrap();
    write_note(&diary, &ANNA, PATIENT, None, "Consegnato.", minute(1))
        .await
        .unwrap();
    end(&diary, id, 50).await.unwrap();
    assign(&diary, OTHER, 60).await.unwrap();

    let all = changes_since(&diary, &TRIAGE, ChangeId::default())
        .await
        .unwrap();
    let kinds: Vec<&str> = all
        .iter()
        .map(|change| match &change.what {
            Changed::Plan(_) => "plan",
            Changed::Assigned(_) => "assigned",
            Changed::Ended(_) => "ended",
            Changed::Attributed(_) => "attributed",
            Changed::Standing(_) => "standing",
            Changed::Act(_) => "act",
        })
        .collect();
    assert_eq!(kinds, ["plan", "assigned", "act", "ended", "assigned"]);
    let rest = changes_since(&diary, &TRIAGE, all[2].id).await.unwrap();
    assert_eq!(rest, all[3..]);

    let mut heard = Assignments::default();
    for change in all.iter().chain(&all[1..2]) {
        heard.apply(&change.what);
    }
    assert_eq!(heard, assignments(&diary, &TRIAGE).await.unwrap());
}

#[tokio::test]
async fn a_poll_gives_a_bounded_number_of_changes() {
    let (_folder, diary) = diary().await;
    let many = CHANGES_MAX + 3;
    for _ in 0..many {
        write_note(&diary, &ANNA, PATIENT, None, "Nota.", minute(0))
            .await
            .unwrap();
    }
    let first = changes_since(&diary, &TRIAGE, ChangeId(0)).await.unwrap();
    assert_eq!(u64::try_from(first.len()).unwrap(), CHANGES_MAX);
    let last = first.last().unwrap().id;
    let rest = changes_since(&diary, &TRIAGE, last).await.unwrap();
    assert_eq!(rest.len(), 3);
}

#[tokio::test]
async fn what_the_diary_knew_at_a_moment_is_found_again() {
    let (_folder, record) = diary().await;
    let by = async |at| last_change_by(&record, &TRIAGE, minute(at)).await.unwrap();
    assert_eq!(by(0).await, ChangeId(0));
    let first = assign(&record, PATIENT, -5).await.unwrap();
    write_note(&record, &ANNA, PATIENT, None, "Vive da sola.", minute(3))
        .await
        .unwrap();
    end_assignment(&record, &ANNA, first, minute(9), minute(10))
        .await
        .unwrap();
    assert_eq!(by(-1).await, ChangeId(0));
    assert_eq!(by(0).await, ChangeId(1));
    assert_eq!(by(9).await, ChangeId(2));
    assert_eq!(by(10).await, ChangeId(3));
}

#[tokio::test]
async fn a_device_is_worn_by_one_patient_at_a_moment_or_by_nobody() {
    let (_folder, record) = diary().await;
    let first = assign(&record, PATIENT, 0).await.unwrap();
    end_assignment(&record, &ANNA, first, minute(10), minute(10))
        .await
        .unwrap();
    assign(&record, OTHER, 20).await.unwrap();
    for (at, worn_by) in [
        (-1, None),
        (0, Some(PATIENT)),
        (10, None),
        (20, Some(OTHER)),
        (90, Some(OTHER)),
    ] {
        let found = wearer(&record, &TRIAGE, &device(OXIMETER), minute(at)).await;
        assert_eq!(found.unwrap(), worn_by, "{at}");
    }
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
