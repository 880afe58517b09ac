//! Somebody unknown: by whose limits they are judged, who is asked to measure again, and what the
//! diary says of a measure that somebody answers for while it goes on.

use veglia_diary::{
    AttributionId, Saying, answer_whose, attributions_of, create_plan, share_device,
};
use veglia_triage::{Calling, End, OwnLimits, OxygenScale, Plan, PlanVersion};
use veglia_view::is_stand_in;

use super::*;

const ANNA: PatientId = PatientId::new(0xA);
const BRUNO: PatientId = PatientId::new(0xB);

fn shared() -> DeviceId {
    DeviceId::new("nonin:501234").unwrap()
}

fn second(seconds: i64) -> WallMs {
    NOON.plus_ms(seconds * 1_000)
}

impl House {
    /// Anna and Bruno share an oximeter.
    async fn share(&self) {
        let (both, since) = ([ANNA, BRUNO], second(-1));
        let shared = share_device(&self.record, &ACTOR, &shared(), &both, since, since).await;
        shared.unwrap();
    }

    /// A limit of the pulse of Anna's own, from a moment on.
    async fn limit(&self, version: i64, from: WallMs, (end, highest): (End, i32)) {
        let pulse = OwnLimits::of(VitalKind::Pulse).with(end, Some(highest));
        let plan = Plan {
            patient: ANNA,
            version: PlanVersion(version),
            from,
            until: None,
            parameters: Vec::new(),
            spo2: None,
            oxygen_scale: OxygenScale::One,
            guards: Vec::new(),
            limits: vec![pulse],
            calling: Calling::default(),
        };
        create_plan(&self.record, &ACTOR, &plan, NOON)
            .await
            .unwrap();
    }

    /// A fold that has read the diary and these saturations of the shared device.
    async fn folded(&self, values: &[(i64, i32)]) -> (Fold, Told) {
        let fold = Fold::resume(self.record.clone(), RuleSet::shipped(), HashMap::new(), 0).await;
        let (mut fold, mut told) = (fold.unwrap(), Told::default());
        fold.take(&self.change().await, &mut told).await.unwrap();
        for (number, (seconds, percent)) in (1..).zip(values) {
            let at = second(*seconds);
            let bytes = frame_of(&shared(), number, *percent, at);
            let entry = Entry::Frame { at, skip: 0, bytes };
            fold.take(&entry, &mut told).await.unwrap();
        }
        (fold, told)
    }
}

/// So much under the highest pulse that is well by the rules.
fn highest(lower: i32) -> (End, i32) {
    let rules = RuleSet::shipped();
    let mut limits = rules.limits_to_replace(VitalKind::Pulse);
    let highest = limits.find(|(end, _)| !end.is_low());
    let (end, edge) = highest.expect("a pulse has an upper limit");
    (end, edge - lower)
}

/// The highest pulse that those who stand in are judged well by.
fn limits(fold: &Fold) -> Vec<Option<i32>> {
    let (end, _) = highest(0);
    let people = fold.patients.iter();
    let unknown = people.filter(|(patient, _)| is_stand_in(**patient));
    let plans = unknown.map(|(_, known)| known.state.plan());
    plans
        .map(|plan| plan.and_then(|it| it.limits[0].at(end)))
        .collect()
}

#[tokio::test]
async fn somebody_unknown_is_judged_by_the_strictest_limits_that_are_in_force() {
    let house = House::new().await;
    house.share().await;
    house.limit(1, second(-10), highest(20)).await;
    house.limit(2, second(7 * 86_400), highest(10)).await;
    let (fold, _) = house.folded(&[(0, 97)]).await;
    assert_eq!(
        limits(&fold),
        [Some(highest(20).1)],
        "next week's is not in force"
    );
}

#[tokio::test]
async fn who_was_known_by_a_flag_alone_is_judged_by_the_strictest_limits_as_well() {
    let house = House::new().await;
    house.share().await;
    house.limit(1, second(-10), highest(20)).await;
    let (mut fold, mut told) = house.folded(&[(0, 97)]).await;
    for (patient, known) in &mut fold.patients {
        if is_stand_in(*patient) {
            *known = Known::new(*patient);
        }
    }
    let (at, bytes) = (second(2), frame_of(&shared(), 2, 97, second(2)));
    let entry = Entry::Frame { at, skip: 0, bytes };
    fold.take(&entry, &mut told).await.unwrap();
    assert_eq!(limits(&fold), [Some(highest(20).1)]);
}

#[tokio::test]
async fn somebody_unknown_is_asked_to_measure_again_once_while_nobody_has_said_who_it_is() {
    let house = House::new().await;
    house.share().await;
    let (_, told) = house.folded(&[(0, 90), (60, 90), (120, 90)]).await;
    let [wish] = &told.wishes[..] else {
        panic!("{:?}", told.wishes)
    };
    assert!(is_stand_in(wish.flag.patient));
    house.connect();
    let (asker, wish) = (house.asker(), wish.clone());
    let asking = tokio::spawn(async move { asker.see_to(&wish).await });
    let commanded = house.commanded().await;
    let again = CommandKind::MeasureAgain {
        device: shared(),
        vital: VitalKind::SpO2,
    };
    assert_eq!(commanded[0].kind, again);
    house.answer(&commanded[0], Outcome::Done);
    asking.await.unwrap();
}

#[tokio::test]
async fn of_the_rest_of_a_measure_that_was_answered_for_the_diary_says_the_same() {
    let mut house = House::new().await;
    house.share().await;
    let change = house.change().await;
    house.append(&change);
    for seconds in 0..10 {
        let number = u64::try_from(seconds).unwrap() + 1;
        let frame = frame_of(&shared(), number, 82, second(seconds));
        house.receive_at(frame, second(seconds));
    }
    let device = shared();
    let saying = Saying {
        device: &device,
        measured: second(0)..second(9).plus_ms(1),
        patient: Some(BRUNO),
        seen: AttributionId::default(),
    };
    let said = answer_whose(&house.record, &Actor::Staff(1), saying, second(10)).await;
    said.unwrap();
    let change = house.change().await;
    house.append(&change);
    for seconds in 10..20 {
        let number = u64::try_from(seconds).unwrap() + 1;
        let frame = frame_of(&shared(), number, 82, second(seconds));
        house.receive_at(frame, second(seconds));
    }
    // The first tick begins to count, at the second it is quiet for long enough.
    house.append(&Entry::Tick { at: second(20) });
    let last = house.append(&Entry::Tick { at: second(200) });
    let watching = house.watch("only").await;
    watching.until_read(last).await;
    let said = attributions_of(&house.record, &ACTOR, &shared()).await;
    let said = said.unwrap();
    let [rest, answer] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!((answer.patient, rest.patient), (Some(BRUNO), Some(BRUNO)));
    assert_eq!(
        (rest.from, rest.until),
        (answer.until, second(19).plus_ms(1))
    );
    assert!(rest.by.contains("watch"), "{}", rest.by);
    assert!(watching.board.waiting().is_empty(), "nobody is asked");
    watching.stop().await;
}

#[tokio::test]
async fn who_measures_on_after_an_answer_is_asked_to_measure_again() {
    let house = House::new().await;
    house.share().await;
    let well: Vec<(i64, i32)> = (0..10).map(|seconds| (seconds, 97)).collect();
    let (mut fold, mut told) = house.folded(&well).await;
    let device = shared();
    let saying = Saying {
        device: &device,
        measured: second(0)..second(9).plus_ms(1),
        patient: Some(BRUNO),
        seen: AttributionId::default(),
    };
    let said = answer_whose(&house.record, &Actor::Staff(1), saying, second(10)).await;
    said.unwrap();
    fold.take(&house.change().await, &mut told).await.unwrap();
    assert_eq!(told.wishes, []);
    for seconds in 10..70 {
        let number = u64::try_from(seconds).unwrap() + 1;
        let (at, bytes) = (
            second(seconds),
            frame_of(&shared(), number, 90, second(seconds)),
        );
        let entry = Entry::Frame { at, skip: 0, bytes };
        fold.take(&entry, &mut told).await.unwrap();
    }
    let [wish] = &told.wishes[..] else {
        panic!("{:?}", told.wishes)
    };
    assert_eq!(wish.flag.patient, BRUNO);
    house.connect();
    let asker = Asker {
        care: CareClock::real(Arc::new(Handover)),
        ..house.asker()
    };
    let wish = wish.clone();
    let asking = tokio::spawn(async move { asker.see_to(&wish).await });
    let commanded = house.commanded().await;
    house.answer(&commanded[0], Outcome::Done);
    asking.await.unwrap();
}
