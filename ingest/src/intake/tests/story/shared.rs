//! Devices that several people share, and devices that turn out to have been another's: whose a
//! reading is once somebody has said so, and what becomes of the flags that it raised before.

// req: G3

use super::*;

/// Anna and Bruno share the oximeter.
pub(super) async fn shared(story: &Story) {
    let now = story.at(0);
    let both = [ANNA, BRUNO];
    let shared = share_device(&story.record, &ACTOR, &oximeter(), &both, now, now).await;
    shared.unwrap();
    story.written().await;
}

impl Story {
    /// Somebody says whose the readings from one minute to another are.
    pub(super) async fn say(
        &self,
        (from, until): (i64, i64),
        patient: Option<PatientId>,
        seen: i64,
    ) {
        let now = WallMs(self.clock.0.load(Ordering::SeqCst));
        let minute = |minute: i64| NOON.plus_ms(minute * MINUTE_MS);
        let device = oximeter();
        let saying = Saying {
            device: &device,
            measured: minute(from)..minute(until),
            patient,
            seen: AttributionId(seen),
        };
        let said = match seen {
            0 => answer_whose(&self.record, &ACTOR, saying, now).await,
            _ => correct_whose(&self.record, &ACTOR, saying, "sbaglio", now).await,
        };
        said.unwrap();
        self.written().await;
    }

    pub(super) fn measure(&mut self, minute: i64, percent: i32) {
        let now = self.at(minute);
        let mono = u64::try_from(minute).unwrap();
        self.send(vec![saturation(1, mono, Some(now), percent)]);
    }
}

#[tokio::test]
async fn a_red_of_a_shared_device_calls_while_it_waits_and_goes_to_whoever_it_is_of() {
    let mut story = Story::new().await;
    shared(&story).await;
    story.measure(10, 85);
    story.tick();
    let waiting = story.watched(None).await;
    assert_eq!((waiting.flagged(), waiting.unknown()), (vec![], 1));
    let [waits] = waiting.waiting()[..] else {
        panic!("{waiting:?}")
    };
    let at = NOON.plus_ms(10 * MINUTE_MS);
    assert_eq!((waits.from, waits.until, waits.readings), (at, at, 1));
    assert!(waiting.standing[0].rule.to_string().contains("red"));

    story.at(12);
    story.say((10, 11), Some(BRUNO), 0).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![BRUNO], 0));
    assert_eq!(meaning.shown(BRUNO), Some((at, false)));
    assert_eq!(meaning.waiting(), Vec::<&Waits>::new());
    assert!(!meaning.rows.contains_key(&ANNA), "Anna has nothing of it");
}

#[tokio::test]
async fn two_presses_of_a_button_are_sessions_of_their_own_and_are_answered_apart() {
    let mut story = Story::new().await;
    shared(&story).await;
    for (minute, percent) in [(10, 97), (11, 96), (20, 91), (40, 95)] {
        story.measure(minute, percent);
    }
    story.tick();
    let waiting = story.watched(None).await;
    let readings: Vec<u32> = waiting.waiting().iter().map(|it| it.readings).collect();
    assert_eq!(readings, [1, 1, 1, 1]);
    story.say((10, 12), Some(ANNA), 0).await;
    story.say((20, 21), Some(BRUNO), 0).await;
    story.tick();
    let meaning = story.meaning().await;
    let minute = |minute: i64| NOON.plus_ms(minute * MINUTE_MS);
    assert_eq!(meaning.shown(ANNA), Some((minute(11), false)));
    assert_eq!(meaning.shown(BRUNO), Some((minute(20), false)));
    assert_eq!(
        meaning.waiting().len(),
        1,
        "nobody has answered for the last"
    );
    assert_eq!(meaning.flagged(), [BRUNO]);
}

#[tokio::test]
async fn a_wrong_answer_is_corrected_and_the_flag_that_it_raised_is_taken_back() {
    let mut story = Story::new().await;
    shared(&story).await;
    story.measure(10, 85);
    story.measure(11, 84);
    story.at(12);
    story.say((10, 12), Some(ANNA), 0).await;
    story.tick();
    assert_eq!(story.watched(None).await.flagged(), [ANNA]);
    story.at(20);
    story.say((10, 12), Some(BRUNO), 1).await;
    story.tick();
    let corrected = story.watched(None).await;
    assert_eq!((corrected.flagged(), corrected.unknown()), (vec![BRUNO], 0));
    assert_eq!(corrected.shown(ANNA), None);
    // Her own red is judged as if nothing had been.
    story.measure(30, 86);
    story.say((30, 31), Some(ANNA), 0).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [ANNA, BRUNO]);
}

#[tokio::test]
async fn readings_that_are_no_patients_call_nobody_any_more() {
    let mut story = Story::new().await;
    shared(&story).await;
    story.measure(10, 85);
    story.at(12);
    story.say((10, 11), None, 0).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![], 0));
    assert_eq!(meaning.waiting(), Vec::<&Waits>::new());
}

#[tokio::test]
async fn a_device_taken_back_in_the_past_takes_its_flags_along_and_the_red_calls_for_somebody() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    story.measure(10, 97);
    // From minute 20 on it was somebody else's, as turns out at minute 60.
    story.measure(30, 85);
    story.tick();
    assert_eq!(story.watched(None).await.flagged(), [ANNA]);
    let now = story.at(60);
    let until = NOON.plus_ms(20 * MINUTE_MS);
    end_assignment(&story.record, &ACTOR, anna, until, now)
        .await
        .unwrap();
    story.written().await;
    story.tick();
    let nobodys = story.watched(None).await;
    assert_eq!((nobodys.flagged(), nobodys.unknown()), (vec![], 1));
    // It was Bruno's.
    story.at(61);
    story.assign(BRUNO, until).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.unknown()), (vec![BRUNO], 0));
}

#[tokio::test]
async fn what_is_bad_by_a_patients_own_device_outlives_a_correction_of_another() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    let thermometer = DeviceId::new("taidoc:77").unwrap();
    let now = story.at(0);
    assign_device(&story.record, &ACTOR, &thermometer, ANNA, now, now)
        .await
        .unwrap();
    story.written().await;
    let fever = |at: WallMs, mono| Record {
        device: Some(thermometer.clone()),
        body: Body::Reading(
            Vital::from_steps(VitalKind::Temperature, 3_950, Site::Ear).unwrap(),
            Quality::empty(),
        ),
        ..saturation(1, mono, Some(at), 97)
    };
    let at = story.at(5);
    story.send(vec![fever(at, 5)]);
    let at = story.at(8);
    story.send(vec![fever(at, 8)]);
    story.measure(30, 85);
    story.tick();
    let before = story.watched(None).await.standing;
    assert!(before.len() > 1, "{before:?}");
    let now = story.at(60);
    end_assignment(
        &story.record,
        &ACTOR,
        anna,
        NOON.plus_ms(20 * MINUTE_MS),
        now,
    )
    .await
    .unwrap();
    story.written().await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [ANNA], "the fever stands");
    let fever = meaning.standing.iter().find(|id| id.patient == ANNA);
    assert!(before.contains(fever.unwrap()), "under the same name");
    assert_eq!(meaning.unknown(), 1);
}

#[tokio::test]
async fn devices_that_nobody_has_do_not_crowd_out_what_a_household_shares() {
    let mut story = Story::new().await;
    shared(&story).await;
    let at = story.at(5);
    let mut passers_by = (0..600_u64).map(|number| Record {
        device: Some(DeviceId::new(&format!("ble:{number:012}")).unwrap()),
        ..saturation(1, number, Some(at), 97)
    });
    while let records @ [_, ..] = &passers_by.by_ref().take(100).collect::<Vec<_>>()[..] {
        story.send(records.to_vec());
    }
    let crowded = story.watched(None).await;
    assert_eq!(crowded.waiting().len(), 500, "a drawer of them is bounded");
    story.measure(10, 85);
    story.tick();
    let meaning = story.watched(None).await;
    assert_eq!((meaning.waiting().len(), meaning.unknown()), (501, 1));
}
