//! Words that come late: after a device was taken back, after a stream has pushed out what they
//! are of, and after a plan that a clock ahead of the centre's has written. The red is then of
//! whoever it is of, and of nobody else.

use veglia_diary::{create_plan, set_standing};
use veglia_triage::{Calling, OxygenScale, Plan, PlanVersion, Whereabouts};

use super::shared::shared;
use super::*;

/// Readings in one frame.
pub(super) const BURST: i64 = 50;

/// A value a second, as a clip on a finger sends it.
pub(super) fn streams(story: &mut Story, from: WallMs, seconds: i64, percent: i32) {
    for chunk in 0..seconds / BURST {
        let seconds = chunk * BURST..(chunk + 1) * BURST;
        let records = seconds.map(|second| {
            let at = from.plus_ms(second * 1_000);
            let mono = at.since(NOON).unsigned_abs();
            let percent = percent + i32::from(second % 2 == 1);
            saturation(1, mono, Some(at), percent)
        });
        let records: Vec<Record> = records.collect();
        let now = from.plus_ms(((chunk + 1) * BURST - 1) * 1_000);
        story.clock.0.store(now.0, Ordering::SeqCst);
        story.send(records);
    }
}

#[tokio::test]
async fn a_correction_after_the_device_was_taken_back_moves_the_red_all_the_same() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    story.measure(30, 85);
    story.tick();
    assert_eq!(story.watched(None).await.flagged(), [ANNA]);
    story.end(anna, story.at(60)).await;
    story.tick();
    story.at(65);
    // It was Bruno who measured.
    story.say((0, 60), Some(BRUNO), 1).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [BRUNO]);
    assert_eq!(meaning.shown(ANNA), None);
}

#[tokio::test]
async fn a_corrected_answer_moves_the_red_after_the_household_has_the_device_no_more() {
    let mut story = Story::new().await;
    let now = story.at(0);
    let both = [ANNA, BRUNO];
    let id = share_device(&story.record, &ACTOR, &oximeter(), &both, now, now).await;
    story.written().await;
    story.measure(10, 85);
    story.at(12);
    story.say((10, 11), Some(ANNA), 0).await;
    story.tick();
    assert_eq!(story.watched(None).await.flagged(), [ANNA]);
    story.end(id.unwrap(), story.at(20)).await;
    story.tick();
    story.at(25);
    story.say((10, 11), Some(BRUNO), 1).await;
    story.tick();
    assert_eq!(story.meaning().await.flagged(), [BRUNO]);
}

/// Anna's oximeter is taken back, and another is hers; a correction of the first moves what the
/// first has set off, and what her thermometer measured meanwhile stays hers.
#[tokio::test]
async fn a_late_correction_leaves_what_a_patients_other_devices_measured() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    let thermometer = DeviceId::new("taidoc:77").unwrap();
    let now = story.at(0);
    let given = assign_device(&story.record, &ACTOR, &thermometer, ANNA, now, now).await;
    given.unwrap();
    story.written().await;
    for minute in [25, 28] {
        let at = story.at(minute);
        let fever = Vital::from_steps(VitalKind::Temperature, 3_950, Site::Ear).unwrap();
        story.send(vec![Record {
            device: Some(thermometer.clone()),
            body: Body::Reading(fever, Quality::empty()),
            ..saturation(1, minute.unsigned_abs(), Some(at), 97)
        }]);
    }
    story.measure(30, 85);
    story.tick();
    let before = story.watched(None).await.standing;
    story.end(anna, story.at(60)).await;
    story.tick();
    story.at(65);
    story.say((20, 60), Some(BRUNO), 1).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [ANNA, BRUNO], "her fever, his oxygen");
    let fever = meaning.standing.iter().find(|id| id.patient == ANNA);
    assert!(before.contains(fever.unwrap()), "under the same name");
    let of_bruno = meaning.evidence.iter().filter(|(who, _)| *who == BRUNO);
    let at = NOON.plus_ms(30 * MINUTE_MS);
    assert!(of_bruno.clone().all(|(_, when)| *when == at), "{meaning:?}");
}

#[tokio::test]
async fn a_corrected_reading_moves_nobody_into_another_home() {
    let mut story = Story::new().await;
    story.assign(ANNA, story.at(0)).await;
    story.measure(10, 85);
    story.at(12);
    // Bruno was visiting.
    story.say((10, 11), Some(BRUNO), 1).await;
    story.tick();
    let now = story.at(40);
    story.send(vec![clock(1, 40, Some(now))]);
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [BRUNO]);
    assert_eq!(
        meaning.shown(BRUNO),
        Some((NOON.plus_ms(10 * MINUTE_MS), false))
    );
    let (anna, bruno) = (&meaning.rows[&ANNA], &meaning.rows[&BRUNO]);
    assert_eq!((anna.devices.len(), bruno.devices.len()), (1, 0));
    assert_eq!(anna.gateway_last_heard, Some(now));
    assert!(bruno.gateway_last_heard < Some(now), "it is Anna's box");
}

#[tokio::test]
async fn taking_a_device_back_leaves_a_patients_memory_as_it_is() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    story.measure(30, 97);
    story.end(anna, story.at(60)).await;
    story.tick();
    let fold = story.folded().await;
    assert_eq!(fold.lives(), BTreeMap::new());
}

#[tokio::test]
async fn a_red_at_the_beginning_of_a_long_stream_is_the_patients_once_it_is_answered() {
    let mut story = Story::new().await;
    shared(&story).await;
    let began = story.at(10);
    streams(&mut story, began, 300, 82);
    story.tick();
    assert_eq!(story.watched(None).await.unknown(), 1);
    streams(&mut story, began.plus_ms(300_000), 2_100, 96);
    story.tick();
    story.say((10, 51), Some(BRUNO), 0).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![BRUNO], 0));
}

#[tokio::test]
async fn a_session_that_is_answered_waits_no_longer_whatever_came_after() {
    let mut story = Story::new().await;
    shared(&story).await;
    story.measure(10, 82);
    story.tick();
    let began = story.at(20);
    streams(&mut story, began, 2_100, 96);
    story.tick();
    story.say((10, 11), Some(BRUNO), 0).await;
    story.tick();
    let meaning = story.meaning().await;
    let waits: Vec<WallMs> = meaning.waiting().iter().map(|it| it.from).collect();
    assert_eq!(waits, [began], "the stream alone");
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![BRUNO], 0));
}

#[tokio::test]
async fn a_correction_keeps_plan_and_whereabouts_whatever_clock_wrote_them() {
    let mut story = Story::new().await;
    story.assign(ANNA, story.at(0)).await;
    story.measure(30, 85);
    // The page's clock is half an hour ahead.
    let ahead = story.at(90);
    let plan = Plan {
        patient: ANNA,
        version: PlanVersion(1),
        from: NOON,
        until: None,
        parameters: Vec::new(),
        spo2: None,
        oxygen_scale: OxygenScale::One,
        guards: Vec::new(),
        limits: Vec::new(),
        calling: Calling::default(),
    };
    let written = create_plan(&story.record, &ACTOR, &plan, ahead).await;
    written.unwrap();
    stands(&story, Whereabouts::InHospital, NOON, ahead).await;
    story.written().await;
    story.at(60);
    story.tick();
    story.say((30, 31), Some(BRUNO), 1).await;
    story.tick();
    let corrected = story.at(61);
    // What is written later is not known at the correction, whenever it is read again.
    stands(&story, Whereabouts::AtHome, NOON, ahead).await;
    let fold = story.folded().await;
    let state = &fold.patients[&ANNA].state;
    assert_eq!(fold.lives().get(&ANNA), Some(&1));
    assert!(state.plan().is_some(), "the plan is in force");
    assert_eq!(state.whereabouts(corrected), Whereabouts::InHospital);
}

#[tokio::test]
async fn what_waits_no_longer_is_forgotten_at_a_tick_of_the_journal() {
    let mut story = Story::new().await;
    shared(&story).await;
    story.measure(10, 97);
    story.at(48 * 60 + 9);
    story.tick();
    let is_kept = async |story: &Story| {
        let waiting = story.folded().await.waiting.unsaved();
        waiting.iter().any(|(_, saved)| !saved.is_empty())
    };
    assert!(is_kept(&story).await, "until then it is kept");
    story.at(48 * 60 + 11);
    story.tick();
    assert!(!is_kept(&story).await);
}

async fn stands(story: &Story, whereabouts: Whereabouts, from: WallMs, now: WallMs) {
    let at = (whereabouts, from);
    let said = set_standing(&story.record, &ACTOR, ANNA, at, "ricovero", now).await;
    said.unwrap();
}

impl Story {
    /// What the watch knows at the end of the journal.
    pub(super) async fn folded(&self) -> Fold {
        let fold = Fold::resume(self.record.clone(), RuleSet::shipped(), HashMap::new(), 0);
        let mut fold = fold.await.unwrap();
        for (_, entry) in self.entries() {
            let mut told = fold::Told::default();
            fold.take(&entry, &mut told).await.unwrap();
        }
        fold
    }
}
