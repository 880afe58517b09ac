//! Devices that a household shares, and what people say of readings after they were measured.

// req: G3

mod support;

use support::{ANNA, BRUNO, OTHER, PATIENT, device, diary, minute};
use veglia_diary::{
    AssignRefused, Assignments, AttributeRefused, AttributionId, ChangeId, Holder, Saying, Whose,
    answer_whose, assign_device, assignments, attributions_of, changes_since, correct_whose,
    dismiss_whose, end_assignment, handovers_of_device, handovers_of_patient, share_device, wearer,
};
use veglia_triage::PatientId;
use veglia_wire::{DeviceId, WallMs};

const THIRD: PatientId = PatientId::new(0xca1);

fn oximeter() -> DeviceId {
    device("nonin:501234")
}

/// What somebody says of the readings from one minute to another.
fn saying(
    device: &DeviceId,
    from: i64,
    until: i64,
    patient: Option<PatientId>,
    seen: i64,
) -> Saying<'_> {
    Saying {
        device,
        measured: minute(from)..minute(until),
        patient,
        seen: AttributionId(seen),
    }
}

#[tokio::test]
async fn a_device_is_shared_by_two_to_six_different_patients() {
    let (_folder, record) = diary().await;
    let oximeter = oximeter();
    let seven: Vec<PatientId> = (1..=7).map(PatientId::new).collect();
    for members in [&[PATIENT][..], &[PATIENT, PATIENT], &seven] {
        let shared = share_device(&record, &ANNA, &oximeter, members, minute(0), minute(0)).await;
        assert!(
            matches!(shared, Err(AssignRefused::Household)),
            "{members:?}"
        );
    }
    let both = [PATIENT, OTHER];
    share_device(&record, &ANNA, &oximeter, &both, minute(0), minute(0))
        .await
        .unwrap();
    // The diary keeps them in an order of its own.
    let all = assignments(&record, &ANNA).await.unwrap();
    let holder = all.holder(&oximeter, minute(1));
    assert_eq!(holder, Some(&Holder::Household(vec![OTHER, PATIENT])));
    assert_eq!(all.whose(&oximeter, minute(1)), Whose::Somebodys);
    assert_eq!(all.resolve(&oximeter, minute(1)), None);
    assert_eq!(all.whose(&oximeter, minute(-1)), Whose::Nobodys);
    let again = assign_device(&record, &ANNA, &oximeter, THIRD, minute(5), minute(5)).await;
    assert!(matches!(again, Err(AssignRefused::Overlap { .. })));
}

#[tokio::test]
async fn an_answer_gives_exactly_these_readings_to_one_of_the_household() {
    let (_folder, record) = diary().await;
    let oximeter = oximeter();
    let both = [PATIENT, OTHER];
    share_device(&record, &ANNA, &oximeter, &both, minute(0), minute(0))
        .await
        .unwrap();
    let stranger = saying(&oximeter, 10, 12, Some(THIRD), 0);
    let refused = answer_whose(&record, &ANNA, stranger, minute(20)).await;
    assert!(matches!(refused, Err(AttributeRefused::Stranger(THIRD))));
    for (from, until) in [(12, 12), (30, 60)] {
        let odd = saying(&oximeter, from, until, Some(OTHER), 0);
        let refused = answer_whose(&record, &ANNA, odd, minute(20)).await;
        assert!(matches!(refused, Err(AttributeRefused::Range)), "{from}");
    }
    let theirs = saying(&oximeter, 10, 12, Some(OTHER), 0);
    let first = answer_whose(&record, &ANNA, theirs, minute(20)).await;
    let first = first.unwrap();
    let all = assignments(&record, &ANNA).await.unwrap();
    let expected = [
        (9, Whose::Somebodys),
        (10, Whose::Patient(OTHER)),
        (11, Whose::Patient(OTHER)),
        (12, Whose::Somebodys),
    ];
    for (at, whose) in expected {
        assert_eq!(all.whose(&oximeter, minute(at)), whose, "minute {at}");
    }
    let of_other: Vec<(WallMs, Option<WallMs>)> = all
        .of_patient(OTHER)
        .map(|(_, stretch)| (stretch.from, stretch.until))
        .collect();
    assert_eq!(of_other, [(minute(10), Some(minute(12)))]);

    // Bruno answers at the same moment, from a page that did not know.
    let late = saying(&oximeter, 10, 12, Some(PATIENT), 0);
    let refused = answer_whose(&record, &BRUNO, late, minute(21)).await;
    let Err(AttributeRefused::Said(said)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((said.id, said.patient), (first, Some(OTHER)));
    // Now he knows, and corrects it: for a reason.
    let knowing = || saying(&oximeter, 10, 12, Some(PATIENT), first.0);
    let refused = correct_whose(&record, &BRUNO, knowing(), " ", minute(22)).await;
    assert!(matches!(refused, Err(AttributeRefused::Reason)));
    correct_whose(
        &record,
        &BRUNO,
        knowing(),
        "sentita al telefono",
        minute(22),
    )
    .await
    .unwrap();
    assert_eq!(
        wearer(&record, &ANNA, &oximeter, minute(11)).await.unwrap(),
        Some(PATIENT)
    );
    let said = attributions_of(&record, &ANNA, &oximeter).await.unwrap();
    let told: Vec<(Option<PatientId>, &str, &str)> = said
        .iter()
        .map(|it| (it.patient, it.why.as_str(), it.by.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Some(PATIENT), "sentita al telefono", "staff:2"),
            (Some(OTHER), "", "staff:1"),
        ]
    );
}

#[tokio::test]
async fn an_answer_leaves_what_was_said_before_of_readings_amid_its_own() {
    let (_folder, record) = diary().await;
    let oximeter = oximeter();
    let both = [PATIENT, OTHER];
    share_device(&record, &ANNA, &oximeter, &both, minute(0), minute(0))
        .await
        .unwrap();
    let trial = saying(&oximeter, 11, 12, None, 0);
    let first = answer_whose(&record, &ANNA, trial, minute(20)).await;
    let first = first.unwrap().0;
    // What waits lies on both sides of it.
    let theirs = saying(&oximeter, 10, 14, Some(OTHER), first);
    let answered = answer_whose(&record, &BRUNO, theirs, minute(20)).await;
    let newest = answered.unwrap();
    let said = attributions_of(&record, &ANNA, &oximeter).await.unwrap();
    assert_eq!(said[0].id, newest);
    let all = assignments(&record, &ANNA).await.unwrap();
    let whose: Vec<Whose> = (9..=14)
        .map(|at| all.whose(&oximeter, minute(at)))
        .collect();
    let (theirs, waits) = (Whose::Patient(OTHER), Whose::Somebodys);
    let expected = [waits, theirs, Whose::Dismissed, theirs, theirs, waits];
    assert_eq!(whose, expected);
    // Nothing of it waits any more.
    let again = saying(&oximeter, 10, 14, Some(PATIENT), newest.0);
    let refused = answer_whose(&record, &ANNA, again, minute(21)).await;
    assert!(matches!(refused, Err(AttributeRefused::Said(_))));
    // That a red is nobody's takes a reason.
    let red = || saying(&oximeter, 15, 16, None, newest.0);
    let refused = dismiss_whose(&record, &ANNA, red(), " ", minute(21)).await;
    assert!(matches!(refused, Err(AttributeRefused::Reason)));
    dismiss_whose(&record, &ANNA, red(), "provato dal tecnico", minute(21))
        .await
        .unwrap();
    let all = assignments(&record, &ANNA).await.unwrap();
    assert_eq!(all.whose(&oximeter, minute(15)), Whose::Dismissed);
}

#[tokio::test]
async fn the_changes_alone_tell_whose_every_reading_is() {
    let (_folder, record) = diary().await;
    let (oximeter, thermometer) = (oximeter(), device("taidoc:77"));
    let both = [PATIENT, OTHER];
    let shared = share_device(&record, &ANNA, &oximeter, &both, minute(0), minute(0)).await;
    assign_device(&record, &ANNA, &thermometer, PATIENT, minute(0), minute(0))
        .await
        .unwrap();
    let theirs = saying(&oximeter, 3, 5, Some(OTHER), 0);
    answer_whose(&record, &ANNA, theirs, minute(9))
        .await
        .unwrap();
    let nobodys = saying(&thermometer, 4, 6, None, 0);
    correct_whose(&record, &BRUNO, nobodys, "prova in sede", minute(9))
        .await
        .unwrap();
    end_assignment(&record, &ANNA, shared.unwrap(), minute(8), minute(9))
        .await
        .unwrap();
    let mut heard = Assignments::default();
    for change in changes_since(&record, &ANNA, ChangeId(0)).await.unwrap() {
        heard.apply(&change.what);
        heard.apply(&change.what);
    }
    assert_eq!(heard, assignments(&record, &ANNA).await.unwrap());
    assert_eq!(heard.whose(&thermometer, minute(5)), Whose::Dismissed);
    assert_eq!(heard.whose(&oximeter, minute(8)), Whose::Nobodys);
    let course = heard.course(&thermometer).unwrap();
    let whose: Vec<Whose> = course.stretches().iter().map(|it| it.whose).collect();
    let patients = Whose::Patient(PATIENT);
    assert_eq!(
        whose,
        [Whose::Nobodys, patients, Whose::Dismissed, patients]
    );
}

#[tokio::test]
async fn who_gave_and_who_took_back_a_device_is_told_by_device_and_by_patient() {
    let (_folder, record) = diary().await;
    let oximeter = oximeter();
    let alone = assign_device(&record, &ANNA, &oximeter, PATIENT, minute(0), minute(1)).await;
    end_assignment(&record, &BRUNO, alone.unwrap(), minute(30), minute(31))
        .await
        .unwrap();
    let both = [PATIENT, OTHER];
    share_device(&record, &BRUNO, &oximeter, &both, minute(40), minute(41))
        .await
        .unwrap();
    let all = handovers_of_device(&record, &ANNA, &oximeter)
        .await
        .unwrap();
    assert_eq!(
        handovers_of_patient(&record, &ANNA, PATIENT).await.unwrap(),
        all
    );
    let of_other = handovers_of_patient(&record, &ANNA, OTHER).await.unwrap();
    assert_eq!(of_other, all[..1]);
    let [second, first] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(second.assignment.holder.members().len(), 2);
    assert_eq!(
        (second.given_at, second.returned.as_ref()),
        (minute(41), None)
    );
    assert_eq!(first.given_by, "staff:1");
    let returned = first.returned.as_ref().unwrap();
    assert_eq!(
        (returned.until, returned.by.as_str(), returned.at),
        (minute(30), "staff:2", minute(31))
    );
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
