//! Pages that reach nobody: who is called instead, and who is told all the same.

// req: G9

mod support;

use support::person::*;
use support::*;
use veglia_diary::{
    Callee, PageId, PageWhy, escalate, page_failed, pages_since, set_standing, tick,
};
use veglia_store::Database;
use veglia_triage::Whereabouts;

#[tokio::test]
async fn a_page_that_fails_after_the_closing_does_not_keep_the_family_doctor_from_hearing() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TWO, 85), TWO).await;
    close_all(&diary, TWO + 20).await;
    // The retries of the message to Continuità Assistenziale end in failure.
    let page = page_of(&diary, Callee::OutOfHours).await;
    page_failed(&diary, &TRIAGE, page, minute(TWO + 40), "SMS 500")
        .await
        .unwrap();
    for now in [TWO + 60, 24 * 60, 24 * 60 + 1] {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    let said = called(&diary).await;
    let doctor = said
        .iter()
        .any(|(_, callee, why)| *callee == Callee::Mmg && *why == PageWhy::Informed);
    assert!(
        doctor,
        "informed at opening, also when it is closed by then: {said:?}"
    );
}

#[tokio::test]
async fn the_family_doctor_hears_at_opening_of_what_was_closed_in_the_night() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TWO, 85), TWO).await;
    close_all(&diary, TWO + 20).await;
    for now in [TWO + 60, 24 * 60, 24 * 60 + 1] {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    let said = called(&diary).await;
    let doctor = said
        .iter()
        .any(|(_, callee, why)| *callee == Callee::Mmg && *why == PageWhy::Informed);
    assert!(doctor, "{said:?}");
}

#[tokio::test]
async fn a_doctor_who_was_asked_for_and_cannot_be_reached_is_not_waited_for_in_silence() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    let flag = taken(&diary, TEN + 1).await;
    escalate(&diary, &ANNA, &flag, "Peggiora.", minute(TEN + 3))
        .await
        .unwrap();
    let before = called(&diary).await.len();
    let page = page_of(&diary, Callee::Doctor).await;
    page_failed(
        &diary,
        &TRIAGE,
        page,
        minute(TEN + 4),
        "nobody is on the roster as doctor",
    )
    .await
    .unwrap();
    for now in TEN + 4..=TEN + 6 {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    let said = called(&diary).await;
    assert_ne!(said[before..], [], "nobody has it, and nobody was called");
}

#[tokio::test]
async fn the_last_rung_that_fails_calls_somebody_at_once() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    for now in TEN..=TEN + 15 {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    let before = called(&diary).await.len();
    let page = page_of(&diary, Callee::Doctor).await;
    page_failed(&diary, &TRIAGE, page, minute(TEN + 15), "SMS 500")
        .await
        .unwrap();
    let said = called(&diary).await;
    assert_ne!(said[before..], []);
}

#[tokio::test]
async fn a_centre_doctor_who_stands_in_at_night_and_cannot_be_reached_comes_back() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TWO, 85), TWO).await;
    let before = called(&diary).await.len();
    let page = page_of(&diary, Callee::Doctor).await;
    page_failed(&diary, &TRIAGE, page, minute(TWO + 1), "SMS 500")
        .await
        .unwrap();
    let said = called(&diary).await;
    assert_ne!(said[before..], []);
}

#[tokio::test]
async fn empty_posts_are_climbed_over_at_once() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    for _ in 0..3 {
        let pages = pages_since(&diary, &TRIAGE, PageId(0), 500).await.unwrap();
        for page in pages
            .into_iter()
            .filter(|page| page.callee != Callee::Doctor)
        {
            page_failed(
                &diary,
                &TRIAGE,
                page.id,
                minute(TEN),
                "nobody is on the roster",
            )
            .await
            .unwrap();
        }
    }
    let said = called(&diary).await;
    assert!(
        said.iter().any(|it| it.0 == TEN && it.1 == Callee::Doctor),
        "{said:?}"
    );
}

/// Every page that has not failed yet reaches nobody.
async fn nobody_is_reached(diary: &Database, from: PageId, at: i64) -> PageId {
    let pages = pages_since(diary, &TRIAGE, from, 500)
        .await
        .expect("the diary");
    for page in &pages {
        page_failed(diary, &TRIAGE, page.id, minute(at), "SMS 500")
            .await
            .expect("the diary");
    }
    pages.last().map_or(from, |page| page.id)
}

#[tokio::test]
async fn posts_that_are_all_empty_are_climbed_over_and_do_not_spin() {
    for from in [TEN, TWO] {
        let (_folder, diary) = diary().await;
        record(&diary, &Person::new().spo2(from, 85), from).await;
        let mut last = PageId(0);
        for now in from..=from + 60 {
            tick(&diary, &TRIAGE, minute(now)).await.unwrap();
            for _ in 0..20 {
                last = nobody_is_reached(&diary, last, now).await;
            }
        }
        let said = called(&diary).await;
        let (first, later) = said.split_at(said.iter().filter(|it| it.0 == from).count());
        assert!(first.iter().any(|it| it.1 == Callee::Doctor), "{first:?}");
        assert!(first.len() <= 16 && later.len() <= 4 * 4, "{said:?}");
        assert!(later.iter().any(|it| it.0 > from + 45), "and goes on");
        alerts(&diary).await;
    }
}

#[tokio::test]
async fn who_is_marked_away_and_red_is_called_for_until_somebody_is_reached() {
    let (_folder, diary) = diary().await;
    let gone = (Whereabouts::Deceased, minute(TEN - 10));
    set_standing(&diary, &ANNA, PATIENT, gone, "Telefonata.", gone.1)
        .await
        .unwrap();
    record(&diary, &Person::new().spo2(TEN, 80), TEN).await;
    let mut last = PageId(0);
    for _ in 0..6 {
        last = nobody_is_reached(&diary, last, TEN).await;
    }
    let called_at = async |now| {
        let said = called(&diary).await.into_iter();
        said.filter(|it| it.0 == now)
            .map(|it| it.1)
            .collect::<Vec<_>>()
    };
    let posts = [Callee::Operator, Callee::SecondOperator, Callee::Doctor];
    assert_eq!(called_at(TEN).await, posts);
    for now in TEN + 1..=TEN + 15 {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    for _ in 0..6 {
        last = nobody_is_reached(&diary, last, TEN + 15).await;
    }
    assert_eq!(called_at(TEN + 15).await, posts, "again, all of them");
    for now in TEN + 16..=TEN + 90 {
        tick(&diary, &TRIAGE, minute(now)).await.unwrap();
    }
    assert_eq!(
        called_at(TEN + 30).await,
        [Callee::Operator],
        "reached: told once"
    );
    assert_eq!(called(&diary).await.len(), 7);
    alerts(&diary).await;
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
