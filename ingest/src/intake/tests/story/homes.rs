//! What a correction or an answer does not touch: the home, the memory, the row.

use super::shared::shared;
use super::*;

#[tokio::test]
async fn an_answer_is_no_sign_of_life_of_a_home() {
    let mut story = Story::new().await;
    shared(&story).await;
    let now = story.at(5);
    story.send(vec![clock(1, 5, Some(now))]);
    story.measure(10, 97);
    let answered = story.at(120);
    story.say((10, 11), Some(BRUNO), 0).await;
    story.tick();
    let fold = story.folded().await;
    let state = serde_json::to_value(&fold.patients[&BRUNO].state).unwrap();
    let life = state["life"].to_string();
    assert!(!life.contains(&answered.0.to_string()), "{life}");
    story.meaning().await;
}

#[tokio::test]
async fn what_was_measured_elsewhere_is_no_sign_of_life_of_a_home() {
    let mut story = Story::new().await;
    story.assign(ANNA, story.at(0)).await;
    story.measure(10, 85);
    story.at(12);
    story.say((10, 11), Some(BRUNO), 1).await;
    story.tick();
    let fold = story.folded().await;
    let state = serde_json::to_value(&fold.patients[&BRUNO].state).unwrap();
    assert_eq!(state["life"]["spans"], serde_json::json!([]));
    let row = &fold.patients[&BRUNO].row;
    assert_eq!((row.devices.len(), row.gateway_last_heard), (0, None));
    assert_eq!(story.meaning().await.flagged(), [BRUNO]);
}

#[tokio::test]
async fn a_device_that_comes_back_while_its_box_is_ahead_leaves_the_memory_as_it_is() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    let now = story.at(30);
    story.send(vec![saturation(1, 1, Some(now.plus_ms(20_000)), 97)]);
    let back = now.plus_ms(5_000);
    story.clock.0.store(back.0, Ordering::SeqCst);
    story.end(anna, back).await;
    story.tick();
    assert_eq!(story.folded().await.lives(), BTreeMap::new());
    story.meaning().await;
}

#[tokio::test]
async fn a_word_of_a_time_in_which_nothing_was_measured_leaves_the_memory_as_it_is() {
    let mut story = Story::new().await;
    story.assign(ANNA, story.at(0)).await;
    story.measure(10, 97);
    story.at(50);
    story.say((20, 40), None, 1).await;
    story.tick();
    assert_eq!(story.folded().await.lives(), BTreeMap::new());
}

#[tokio::test]
async fn who_loses_a_reading_is_shown_with_what_remains() {
    let mut story = Story::new().await;
    story.assign(ANNA, story.at(0)).await;
    story.measure(30, 85);
    story.measure(31, 91);
    // One test reading was nobody's.
    story.measure(40, 97);
    story.at(50);
    story.say((40, 41), None, 1).await;
    story.tick();
    let mut fold = story.folded().await;
    let judged = fold.judged(ANNA, Some(NOON.plus_ms(50 * MINUTE_MS)));
    assert_eq!(judged.unwrap().row.unjudged, [], "it is hers, and counts");
    let meaning = story.meaning().await;
    let last = NOON.plus_ms(31 * MINUTE_MS);
    assert_eq!(meaning.flagged(), [ANNA]);
    assert_eq!(meaning.shown(ANNA), Some((last, false)));
    assert_eq!(meaning.rows[&ANNA].last_heard, Some(last));
}
