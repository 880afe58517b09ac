//! What laboratories say, in whatever order and however often.

// req: A2, A4, A8

use jiff::civil::date;
use veglia_isolation::{
    CaseId, Fact, Finding, Method, Onset, ResultError, RuleBook, Standing, Status, Taken,
};

use crate::house::{ACTOR, House, november, october, positive};

async fn standing(house: &House, case: CaseId, day: jiff::civil::Date) -> Standing {
    let course = house.course(case).await;
    let book = RuleBook::shipped();
    let isolation = course.isolation(book.on(day), day);
    isolation.expect("the days are told").standing
}

#[tokio::test]
async fn the_same_result_is_one_case_however_often_it_comes() {
    let house = House::new().await;
    let result = positive("L1", october(20));
    let case = house.opens(&result).await;
    for _ in 0..3 {
        assert_eq!(house.receives(&result).await, Taken::Known);
    }
    assert_eq!(house.course(case).await.swab, date(2020, 10, 20));
    // Another swab, of another laboratory too, is of the same case.
    let mut again = positive("L1", october(31));
    again.laboratory = "Sacco".to_owned();
    assert_eq!(house.receives(&again).await, Taken::Added(case));
    assert_eq!(house.course(case).await.again, [date(2020, 10, 31)]);
    let one = house.asks("select id from isolation_case").await;
    let invited = house.asks("select id from isolation_invitation").await;
    assert_eq!((one.len(), invited.len()), (1, 1));
}

#[tokio::test]
async fn results_make_the_same_course_in_whatever_order_they_come() {
    let mut negative = positive("L3", november(8));
    negative.finding = Finding::Negative;
    let results = [
        positive("L1", october(20)),
        positive("L2", october(31)),
        negative,
    ];
    let mut courses = Vec::new();
    for order in [[0, 1, 2], [1, 0, 2], [1, 2, 0]] {
        let house = House::new().await;
        for place in order {
            house.receives(&results[place]).await;
        }
        let case = match house.receives(&positive("L4", october(30))).await {
            Taken::Added(case) => case,
            other => panic!("{other:?}"),
        };
        courses.push(house.course(case).await);
    }
    assert_eq!(courses[0].swab, date(2020, 10, 20));
    assert_eq!(courses[0].again, [date(2020, 10, 30), date(2020, 10, 31)]);
    assert_eq!(courses[0].negative, Some(date(2020, 11, 8)));
    assert!(courses.iter().all(|it| *it == courses[0]), "{courses:?}");
}

#[tokio::test]
async fn a_correction_takes_the_place_of_what_it_corrects_also_when_it_comes_first() {
    let house = House::new().await;
    let wrong = positive("L1", october(20));
    let case = house.opens(&wrong).await;
    let mut other = wrong.clone();
    other.finding = Finding::Negative;
    // Not marked as a correction: a person has to look.
    let refused = house.cases.received(&ACTOR, &other, november(1)).await;
    assert!(matches!(refused, Err(ResultError::Differs)));
    other.status = Status::Corrected;
    let (from, to) = (case, Some(case));
    assert_eq!(house.receives(&other).await, Taken::TakenBack { from, to });
    assert_eq!(house.receives(&other).await, Taken::Known);
    assert_eq!(house.receives(&wrong).await, Taken::Known);
    let read = house.cases.get(&ACTOR, case).await.unwrap().unwrap();
    assert_eq!(read.course, None);

    let mut first = positive("L9", october(21));
    first.status = Status::Corrected;
    first.person.code = "CCCFBA85D03L219P".parse().unwrap();
    first.person.surname = "Caccia".to_owned();
    let second = house.opens(&first).await;
    first.status = Status::Final;
    first.taken_at = october(20);
    assert_eq!(house.receives(&first).await, Taken::Known);
    let swab = house.course(second).await.swab;
    assert_eq!(swab, date(2020, 10, 21));
}

#[tokio::test]
async fn a_correction_of_the_person_leaves_the_wrong_one_and_closes_the_wrong_number() {
    let house = House::new().await;
    let wrong = positive("L1", october(20));
    let case = house.opens(&wrong).await;
    let mut right = wrong.clone();
    right.status = Status::Corrected;
    right.person.code = "CCCFBA85D03L219P".parse().unwrap();
    right.person.surname = "Caccia".to_owned();
    right.phone = Some("347 7654321".parse().unwrap());
    let moved = house.receives(&right).await;
    let is_moved = |moved| match moved {
        Taken::TakenBack { from, to } => from == case && to.is_some_and(|to| to != case),
        _ => false,
    };
    assert!(is_moved(moved), "{moved:?}");
    // Whoever was told of it reads that it was corrected.
    let told = house.cases.get(&ACTOR, case).await.unwrap().unwrap();
    assert_eq!((told.course, told.called.as_str()), (None, "Maria Rossi"));
    let sql = "select id from isolation_result where is_newest and phone = '+393331234567'";
    assert!(house.asks(sql).await.is_empty());
}

#[tokio::test]
async fn one_number_serves_a_parent_and_the_children() {
    let house = House::new().await;
    let mother = house.opens(&positive("L1", october(20))).await;
    let mut child = positive("L2", october(20));
    child.person.code = "CCCFBA85D03L219P".parse().unwrap();
    child.person.name = "Fabio".to_owned();
    let child = house.opens(&child).await;
    assert_ne!(mother, child);
    let invited = house.asks("select id from isolation_invitation").await;
    assert_eq!(invited.len(), 2);
}

#[tokio::test]
async fn omocodia_is_the_same_person_only_with_the_same_names() {
    let house = House::new().await;
    let mut first = positive("L1", october(20));
    first.person.code = "CCCFBA85D03L219P".parse().unwrap();
    first.person.surname = "D'Àngelo".to_owned();
    let case = house.opens(&first).await;
    let mut again = first.clone();
    again.id = "L2".to_owned();
    again.taken_at = october(31);
    again.person.code = "CCCFBA85D03LNMVE".parse().unwrap();
    again.person.surname = "DANGELO".to_owned();
    assert_eq!(house.receives(&again).await, Taken::Added(case));
    let mut other = again.clone();
    other.id = "L3".to_owned();
    other.person.code = "CCCFBA85D03L21VE".parse().unwrap();
    other.person.surname = "Caccia".to_owned();
    let alike = house.opens(&other).await;
    assert_ne!(alike, case);
    let alike = house.cases.get(&ACTOR, alike).await.unwrap().unwrap();
    assert_eq!(alike.like, Some(case));
}

#[tokio::test]
async fn before_the_first_day_and_without_a_positive_there_is_no_case() {
    let house = House::new().await;
    let early = positive("L1", october(19));
    assert_eq!(house.receives(&early).await, Taken::BeforeStart);
    let mut negative = positive("L2", october(21));
    negative.finding = Finding::Negative;
    assert_eq!(house.receives(&negative).await, Taken::NoCase);
    assert!(
        house
            .asks("select id from isolation_result")
            .await
            .is_empty()
    );
    // Three months later it is another illness.
    let case = house.opens(&positive("L3", october(21))).await;
    let later = positive("L4", october(21).plus_ms(91 * 86_400_000));
    assert!(matches!(house.receives(&later).await, Taken::Opened(other) if other != case));
    let mut tomorrow = positive("L5", october(22));
    tomorrow.id.clear();
    let refused = house.cases.received(&ACTOR, &tomorrow, october(22)).await;
    assert!(matches!(
        refused,
        Err(ResultError::Text { field: "id", .. })
    ));
    tomorrow.id = "L5".to_owned();
    let refused = house.cases.received(&ACTOR, &tomorrow, october(20)).await;
    assert!(matches!(refused, Err(ResultError::When)));
}

#[tokio::test]
async fn a_molecular_negative_waits_for_ats_and_a_rapid_one_changes_nothing() {
    let house = House::new().await;
    let case = house.opens(&positive("L1", october(20))).await;
    let day = date(2020, 10, 31);
    let mut rapid = positive("L2", october(31));
    (rapid.finding, rapid.method) = (Finding::Negative, Method::Antigenic);
    assert_eq!(house.receives(&rapid).await, Taken::Added(case));
    let from = date(2020, 10, 30);
    assert_eq!(standing(&house, case, day).await, Standing::Open { from });
    let mut negative = positive("L3", october(31));
    negative.finding = Finding::Negative;
    assert_eq!(house.receives(&negative).await, Taken::Added(case));
    let after = standing(&house, case, day).await;
    assert_eq!(after, Standing::Negative { on: day });
    // A positive after it takes it back.
    house.receives(&positive("L4", november(2))).await;
    let from = date(2020, 11, 9);
    let after = standing(&house, case, date(2020, 11, 3)).await;
    assert_eq!(after, Standing::Open { from });
}

#[tokio::test]
async fn what_is_said_of_symptoms_is_kept_and_the_newest_holds() {
    let house = House::new().await;
    let case = house.opens(&positive("L1", october(20))).await;
    let said = [
        Fact::Onset(Onset::On(date(2020, 10, 18))),
        Fact::FreeSince(Some(date(2020, 10, 26))),
        Fact::FreeSince(None),
        Fact::FreeSince(Some(date(2020, 10, 28))),
        Fact::FreeSince(Some(date(2020, 10, 28))),
    ];
    for fact in said {
        let noted = house.cases.note(&ACTOR, case, fact, october(29)).await;
        noted.unwrap();
    }
    let kept = house.asks("select id from isolation_fact").await;
    assert_eq!(kept.len(), 4);
    let from = date(2020, 10, 31);
    let now = standing(&house, case, date(2020, 10, 30)).await;
    assert_eq!(now, Standing::Open { from });
}
