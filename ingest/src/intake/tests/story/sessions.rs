//! Who measured: where one person's measures end and another's begin, and what an answer holds for.

// req: G3

use veglia_wire::{Contact, DeviceEvent, Sensor};

use super::mended::{BURST, streams};
use super::shared::shared;
use super::*;

impl Story {
    /// So many seconds after noon.
    fn second(&self, second: i64) -> WallMs {
        let now = NOON.plus_ms(second * 1_000);
        self.clock.0.store(now.0, Ordering::SeqCst);
        now
    }

    /// A value of so many seconds after noon.
    fn value(&mut self, second: i64, percent: i32) {
        let at = self.second(second);
        let mono = second.unsigned_abs() * 1_000;
        self.send(vec![saturation(1, mono, Some(at), percent)]);
    }

    /// What the oximeter says beside its values.
    fn hear(&mut self, second: i64, body: Body) {
        let at = self.second(second);
        let mono = second.unsigned_abs() * 1_000;
        let said = saturation(1, mono, Some(at), 97);
        self.send(vec![Record { body, ..said }]);
    }

    /// Somebody touches a name beside what a page showed.
    async fn touch(&self, shown: std::ops::Range<WallMs>, patient: Option<PatientId>) {
        let device = oximeter();
        let saying = Saying {
            device: &device,
            measured: shown,
            patient,
            seen: AttributionId::default(),
        };
        let now = WallMs(self.clock.0.load(Ordering::SeqCst));
        let said = answer_whose(&self.record, &ACTOR, saying, now).await;
        said.expect("what waits can be answered");
        self.written().await;
    }
}

/// What waits, with the values of each session.
fn sessions(meaning: &Meaning) -> Vec<Vec<i32>> {
    let waiting = meaning.rows.values().filter(|row| row.waits.is_some());
    let mut sessions: Vec<(WallMs, Vec<i32>)> = waiting
        .map(|row| {
            let values = row.measured.iter().map(|it| it.steps / 10);
            let from = row.waits.as_ref().map(|waits| waits.from);
            (from.unwrap(), values.collect())
        })
        .collect();
    sessions.sort_unstable();
    sessions.into_iter().map(|(_, values)| values).collect()
}

#[tokio::test]
async fn husband_and_wife_who_measure_after_one_another_are_two() {
    let mut story = Story::new().await;
    shared(&story).await;
    story.value(600, 85);
    story.value(660, 97);
    story.tick();
    let waiting = story.watched(None).await;
    assert_eq!(sessions(&waiting), [vec![85], vec![97]]);
    assert_eq!(waiting.unknown(), 1, "her 97 does not end his red");
    story
        .touch(story.second(660)..story.second(661), Some(ANNA))
        .await;
    story
        .touch(story.second(600)..story.second(601), Some(BRUNO))
        .await;
    story.second(700);
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![BRUNO], 0));
    assert_eq!(meaning.shown(ANNA), Some((NOON.plus_ms(660_000), false)));
}

#[tokio::test]
async fn one_press_of_a_button_is_one_session_however_many_values_it_gives() {
    let mut story = Story::new().await;
    shared(&story).await;
    for (second, percent) in [(600, 96), (604, 97), (608, 97)] {
        story.value(second, percent);
    }
    story.tick();
    let waiting = story.meaning().await;
    assert_eq!(sessions(&waiting), [[96, 97, 97]]);
}

#[tokio::test]
async fn a_clip_that_is_handed_on_begins_a_session_and_one_that_moved_goes_on() {
    let off = [
        Body::Contact(Sensor::Oximeter, Contact::Off),
        Body::Event(DeviceEvent::Down),
    ];
    for off in off {
        let mut story = Story::new().await;
        shared(&story).await;
        let began = story.second(600);
        streams(&mut story, began, BURST, 96);
        // The finger moved.
        story.hear(650, off);
        for second in 652..660 {
            story.value(second, 95);
        }
        story.tick();
        let one = story.watched(None).await;
        assert_eq!(one.waiting().len(), 1, "{off:?}");
        // It is the other's finger.
        story.hear(660, off);
        story.hear(662, Body::Contact(Sensor::Oximeter, Contact::On));
        for second in 670..680 {
            story.value(second, 83);
        }
        story.tick();
        let waiting = story.meaning().await;
        let sessions = sessions(&waiting);
        assert_eq!(sessions.len(), 2, "{off:?}: {sessions:?}");
        assert!(sessions[1].iter().all(|percent| *percent == 83));
    }
}

#[tokio::test]
async fn the_values_of_a_long_session_are_few_and_spread_over_it() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.second(600);
    streams(&mut story, began, 1_200, 96);
    story.tick();
    let waiting = story.watched(None).await;
    let mut rows = waiting.rows.values();
    let row = rows.find(|row| row.waits.is_some()).unwrap();
    let (from, until) = (row.measured[0].at, row.measured.last().unwrap().at);
    assert!(row.measured.len() <= veglia_view::MEASURED_MAX);
    assert!(row.measured.len() > veglia_view::MEASURED_MAX / 3);
    assert_eq!(from, began);
    assert!(until.since(from) > 1_000_000, "{from} {until}");
}

#[tokio::test]
async fn what_waits_around_a_word_can_be_answered() {
    let mut story = Story::new().await;
    shared(&story).await;
    // A stream, so that it would be one session.
    for second in (610..=730).step_by(10) {
        story.value(second, 85);
    }
    story.tick();
    assert_eq!(story.watched(None).await.waiting().len(), 1);
    story.second(780);
    // The middle of it was the nurse trying it, says the device's sheet.
    story.say((11, 12), None, 1).await;
    story.tick();
    let waiting = story.watched(None).await;
    let mut waits: Vec<Waits> = waiting.waiting().into_iter().cloned().collect();
    waits.sort_unstable_by_key(|it| it.from);
    let readings: Vec<u32> = waits.iter().map(|it| it.readings).collect();
    assert_eq!(readings, [5, 2], "none is shown as empty");
    for it in waits {
        story.touch(it.from..it.until.plus_ms(1), Some(BRUNO)).await;
    }
    story.second(790);
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![BRUNO], 0));
    assert_eq!(meaning.waiting(), Vec::<&Waits>::new());
}

#[tokio::test]
async fn an_answer_in_the_middle_of_a_measure_holds_for_the_rest_of_it() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.second(600);
    streams(&mut story, began, 100, 82);
    story.tick();
    assert_eq!(story.watched(None).await.unknown(), 1);
    streams(&mut story, began.plus_ms(100_000), 50, 82);
    // The page showed the first hundred seconds.
    story.touch(began..began.plus_ms(99_001), Some(BRUNO)).await;
    story.tick();
    streams(&mut story, began.plus_ms(150_000), 100, 82);
    story.tick();
    let answered = story.watched(None).await;
    assert_eq!((answered.flagged(), answered.unknown()), (vec![BRUNO], 0));
    assert_eq!(answered.waiting(), Vec::<&Waits>::new(), "nobody is asked");
    let last = began.plus_ms(249_000);
    assert_eq!(answered.shown(BRUNO), Some((last, false)));
    // When it is over, the same word is written of the rest.
    let now = story.second(1_000);
    story.tick();
    let held = story.folded().await.waiting.held_over(now);
    let [rest] = &held[..] else {
        panic!("{held:?}")
    };
    assert_eq!(rest.patient, BRUNO);
    assert_eq!(rest.measured, began.plus_ms(99_001)..last.plus_ms(1));
    story.touch(rest.measured.clone(), Some(BRUNO)).await;
    story.tick();
    let fold = story.folded().await;
    assert_eq!(fold.waiting.held_over(now), []);
    assert_eq!(fold.lives().get(&BRUNO), None, "his rules go on");
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [BRUNO]);
}

#[tokio::test]
async fn who_measures_after_an_answer_and_a_hand_over_is_somebody_unknown() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.second(600);
    streams(&mut story, began, 100, 97);
    story.touch(began..began.plus_ms(99_001), Some(BRUNO)).await;
    story.tick();
    story.hear(702, Body::Contact(Sensor::Oximeter, Contact::Off));
    streams(&mut story, began.plus_ms(120_000), 50, 82);
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![], 1));
}

#[tokio::test]
async fn what_was_held_for_one_and_is_anothers_is_taken_back() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.second(600);
    streams(&mut story, began, 100, 82);
    story.touch(began..began.plus_ms(99_001), Some(BRUNO)).await;
    story.tick();
    streams(&mut story, began.plus_ms(100_000), 100, 82);
    story.tick();
    assert_eq!(story.watched(None).await.flagged(), [BRUNO]);
    story.second(840);
    story.say((10, 14), Some(ANNA), 1).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![ANNA], 0));
    assert_eq!(meaning.shown(BRUNO), None);
}

#[tokio::test]
async fn that_nobody_measured_does_not_hold_for_what_follows() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.second(600);
    streams(&mut story, began, 100, 97);
    story.touch(began..began.plus_ms(99_001), None).await;
    story.tick();
    streams(&mut story, began.plus_ms(100_000), 100, 82);
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![], 1));
}

/// A clip that does not hold: a session every eighteen seconds, with a value each.
fn slips(story: &mut Story, from: i64, times: i64, percent: i32) {
    for time in 0..times {
        let second = from + time * 18;
        story.value(second, percent);
        story.hear(second + 2, Body::Contact(Sensor::Oximeter, Contact::Off));
    }
}

#[tokio::test]
async fn a_red_whose_session_found_no_room_any_more_calls_all_the_same() {
    let mut story = Story::new().await;
    shared(&story).await;
    slips(&mut story, 600, 40, 90);
    let waiting = story.watched(None).await;
    assert_eq!((waiting.unknown(), waiting.confirmed.len()), (40, 0));
    assert!(waiting.waiting().len() < 40, "there is no room for all");
    // Ten minutes later no second value has come of any of them.
    for minute in [20, 25, 35] {
        story.at(minute);
        story.tick();
    }
    let meaning = story.meaning().await;
    assert_eq!((meaning.unknown(), meaning.confirmed.len()), (40, 40));
}

#[tokio::test]
async fn what_is_held_waits_for_its_word_however_many_measure_after_it() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.second(600);
    streams(&mut story, began, 100, 97);
    story.touch(began..began.plus_ms(99_001), Some(BRUNO)).await;
    story.tick();
    streams(&mut story, began.plus_ms(100_000), 50, 97);
    story.hear(751, Body::Contact(Sensor::Oximeter, Contact::Off));
    slips(&mut story, 770, 40, 97);
    let now = story.at(60);
    let held = story.folded().await.waiting.held_over(now);
    let [rest] = &held[..] else {
        panic!("{held:?}")
    };
    assert_eq!(rest.patient, BRUNO);
    assert_eq!(rest.measured.start, began.plus_ms(99_001));
}

#[tokio::test]
async fn a_correction_of_what_was_answered_lets_go_of_what_was_held_by_that_answer() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.second(600);
    let answered = began..began.plus_ms(99_001);
    streams(&mut story, began, 100, 82);
    story.touch(answered.clone(), Some(BRUNO)).await;
    story.tick();
    streams(&mut story, began.plus_ms(100_000), 50, 82);
    story.tick();
    assert_eq!(story.watched(None).await.flagged(), [BRUNO]);
    // It was Anna's finger.
    let now = story.second(752);
    let device = oximeter();
    let saying = Saying {
        device: &device,
        measured: answered,
        patient: Some(ANNA),
        seen: AttributionId(1),
    };
    let said = correct_whose(&story.record, &ACTOR, saying, "sbaglio", now).await;
    said.unwrap();
    story.written().await;
    story.tick();
    let held = story.folded().await.waiting.held_over(story.at(60));
    assert_eq!(held, [], "nobody writes Bruno's name on the rest");
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![ANNA], 1));
    assert_eq!(meaning.shown(BRUNO), None);
}

#[tokio::test]
async fn a_red_whose_session_found_no_room_goes_to_whoever_it_turns_out_to_be_of() {
    let mut story = Story::new().await;
    shared(&story).await;
    slips(&mut story, 600, 40, 90);
    let first = story.second(600);
    story.second(1_330);
    story.touch(first..first.plus_ms(1_000), Some(BRUNO)).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![BRUNO], 39));
}
