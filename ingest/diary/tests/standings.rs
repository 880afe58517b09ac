//! Where patients are, and the reasons of plans: kept beside each other, never altered.

// req: G7

mod support;

use support::*;
use veglia_diary::{
    ChangeId, Changed, Decision, PlanRefused, Reasons, StandingRefused, Written, changes_since,
    create_plan, diary_of, last_change_by, plans_of, set_standing, standings_of, whereabouts_at,
    write_plan,
};
use veglia_triage::{OxygenScale, Plan, PlanVersion, Target, Whereabouts};
use veglia_wire::WallMs;

fn plan(template: &str, version: i64) -> Plan {
    Plan {
        version: PlanVersion(version),
        ..Plan::template(template, PATIENT, minute(0)).expect("the template exists")
    }
}

#[tokio::test]
async fn where_a_patient_is_has_an_author_a_time_and_a_reason_and_ingest_hears_of_it() {
    let (_folder, diary) = diary().await;
    let hospital = (Whereabouts::InHospital, minute(10));
    let number = set_standing(&diary, &ANNA, PATIENT, hospital, " Ricovero. ", minute(12)).await;
    assert_eq!(number.unwrap(), 1);
    let home = (Whereabouts::AtHome, minute(50));
    let number = set_standing(&diary, &BRUNO, PATIENT, home, "Dimesso.", minute(51)).await;
    assert_eq!(number.unwrap(), 2);

    let all = standings_of(&diary, &ANNA, PATIENT).await.unwrap();
    let said: Vec<(&str, &str)> = all.iter().map(|it| (&*it.by, &*it.why)).collect();
    assert_eq!(
        said,
        [
            (&*BRUNO.to_string(), "Dimesso."),
            (&*ANNA.to_string(), "Ricovero.")
        ]
    );
    for (at, whereabouts) in [(9, None), (10, Some(hospital.0)), (50, Some(home.0))] {
        let everybody = whereabouts_at(&diary, &ANNA, minute(at)).await.unwrap();
        assert_eq!(everybody.get(&PATIENT).copied(), whereabouts, "{at}");
    }

    let changes = changes_since(&diary, &TRIAGE, ChangeId(0)).await.unwrap();
    let heard: Vec<(i64, Whereabouts)> = changes
        .iter()
        .map(|change| match &change.what {
            Changed::Standing(it) => (it.number, it.whereabouts),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(heard, [(1, hospital.0), (2, home.0)]);
    let by = last_change_by(&diary, &TRIAGE, minute(20)).await.unwrap();
    assert_eq!(by, changes[0].id);

    let ever = WallMs(i64::MIN)..WallMs(i64::MAX);
    let lines = diary_of(&diary, &ANNA, PATIENT, ever, 10).await.unwrap();
    let went = lines.iter().map(|line| match &line.what {
        Written::Went(stood) => stood.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(went.collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn nobody_is_sent_anywhere_without_a_reason() {
    let (_folder, diary) = diary().await;
    for why in ["", "  ", "a\u{7}b", &"x".repeat(5_000)] {
        let suspended = (Whereabouts::Suspended, minute(0));
        let refused = set_standing(&diary, &ANNA, PATIENT, suspended, why, minute(0)).await;
        assert!(matches!(refused, Err(StandingRefused::Reason)), "{why:?}");
    }
    let tomorrow = (Whereabouts::InHospital, minute(1_440));
    let refused = set_standing(&diary, &ANNA, PATIENT, tomorrow, "Ricovero.", minute(0)).await;
    assert!(
        matches!(refused, Err(StandingRefused::Future)),
        "{refused:?}"
    );
    let all = standings_of(&diary, &ANNA, PATIENT).await.unwrap();
    assert!(all.is_empty());
}

#[tokio::test]
async fn the_second_scale_needs_a_recorded_decision_once() {
    let (_folder, diary) = diary().await;
    let first = plan("copd", 1);
    create_plan(&diary, &ANNA, &first, minute(0)).await.unwrap();
    let target = |low_percent| Target {
        low_percent,
        high_percent: 92,
    };
    let second = Plan {
        spo2: Some(target(88)),
        oxygen_scale: OxygenScale::Two,
        ..plan("copd", 2)
    };
    let refused = create_plan(&diary, &ANNA, &second, minute(1)).await;
    assert!(matches!(refused, Err(PlanRefused::Decision)), "{refused:?}");
    let decision = Decision {
        who: "Medico 7".to_owned(),
        grounds: "Insufficienza ipercapnica nota.".to_owned(),
    };
    let anonymous = Decision {
        who: " ".to_owned(),
        ..decision.clone()
    };
    let why = "Dopo la visita.";
    let reasons = |decision| Reasons { why, decision };
    let refused = write_plan(&diary, &ANNA, &second, reasons(Some(&anonymous)), minute(1)).await;
    assert!(matches!(refused, Err(PlanRefused::Decision)), "{refused:?}");
    write_plan(&diary, &ANNA, &second, reasons(Some(&decision)), minute(2))
        .await
        .unwrap();
    let third = Plan {
        version: PlanVersion(3),
        ..second.clone()
    };
    create_plan(&diary, &BRUNO, &third, minute(3))
        .await
        .unwrap();
    let written = plans_of(&diary, &ANNA, PATIENT).await.unwrap();
    let said: Vec<(i64, &str, &str)> = written
        .iter()
        .map(|it| (it.plan.version.0, &*it.by, &*it.why))
        .collect();
    let (anna, bruno) = (ANNA.to_string(), BRUNO.to_string());
    assert_eq!(said, [(3, &*bruno, ""), (2, &*anna, why), (1, &*anna, "")]);
    let decided: Vec<Option<&Decision>> = written.iter().map(|it| it.decision.as_ref()).collect();
    assert_eq!(decided, [None, Some(&decision), None]);
    let lower = Plan {
        version: PlanVersion(4),
        spo2: Some(target(85)),
        ..second
    };
    let refused = create_plan(&diary, &ANNA, &lower, minute(4)).await;
    assert!(
        matches!(refused, Err(PlanRefused::Decision)),
        "another target: {refused:?}"
    );
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
