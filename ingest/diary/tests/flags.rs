//! Flags in the diary: recorded once however often they are said, and on the list until a person
//! has closed what only a person may close.

// req: G7

mod support;

use support::*;
use veglia_diary::{
    ActRefused, OpenFlag, RecordError, Told, Written, close, diary_of, flags_listed, has_noted,
    note_once, open_flags, record_verdicts, take_charge, write_note,
};
use veglia_store::Database;
use veglia_triage::{FlagId, How, Severity, Standing, Verdict, Why};
use veglia_wire::WallMs;

async fn record(record: &Database, verdicts: &[Verdict], at: i64) -> usize {
    record_verdicts(record, &TRIAGE, verdicts, minute(at))
        .await
        .expect("recording")
}

async fn listed(record: &Database) -> Vec<OpenFlag> {
    open_flags(record, &TRIAGE).await.expect("reading the list")
}

async fn everything(record: &Database) -> Vec<veglia_diary::Line> {
    let ever = WallMs(i64::MIN)..WallMs(i64::MAX);
    diary_of(record, &TRIAGE, PATIENT, ever, 1_000)
        .await
        .expect("reading the diary")
}

/// A red that was confirmed and whose episode is over.
fn a_confirmed_red() -> Vec<(Vec<Verdict>, i64)> {
    let mut home = Home::new();
    vec![
        (home.spo2(0, 0, 91), 0),
        (home.spo2(2, 2, 90), 2),
        (home.spo2(10, 10, 96), 10),
        (home.spo2(45, 45, 96), 45),
    ]
}

async fn only_id(record: &Database) -> FlagId {
    let listed = listed(record).await;
    assert_eq!(listed.len(), 1);
    listed[0].flag.id.clone()
}

#[tokio::test]
async fn a_replay_changes_nothing() {
    let (_folder, diary) = diary().await;
    let story = a_confirmed_red();
    let mut news = 0;
    for (verdicts, at) in &story {
        news += record(&diary, verdicts, *at).await;
    }
    assert_eq!(news, 3, "raised, confirmed, ended");
    let (before, list) = (everything(&diary).await, listed(&diary).await);
    for (verdicts, at) in &story[1..] {
        assert_eq!(record(&diary, verdicts, *at).await, 0);
    }
    for (verdicts, at) in &story {
        assert_eq!(
            record(&diary, verdicts, *at + 600).await,
            0,
            "even at another time"
        );
    }
    assert_eq!(everything(&diary).await, before);
    assert_eq!(listed(&diary).await, list);
}

#[tokio::test]
async fn a_flag_on_the_list_has_the_standing_and_readings_told_last() {
    let (_folder, diary) = diary().await;
    let story = a_confirmed_red();
    record(&diary, &story[0].0, 0).await;
    let raised = &listed(&diary).await[0];
    assert_eq!(
        raised.flag.standing,
        Standing::Unconfirmed {
            repeat_by: minute(10)
        }
    );
    assert_eq!(
        (raised.flag.severity, raised.raised_at),
        (Severity::Red, minute(0))
    );
    record(&diary, &story[1].0, 2).await;
    let confirmed = &listed(&diary).await[0];
    let expected = Standing::Confirmed {
        how: How::Repeat,
        at: minute(2),
    };
    assert_eq!(confirmed.flag.standing, expected);
    let steps: Vec<i32> = confirmed
        .flag
        .evidence
        .iter()
        .map(|it| it.value().unwrap().1)
        .collect();
    assert_eq!(steps, [910, 900]);
}

#[tokio::test]
async fn a_confirmed_red_waits_for_a_person_after_its_episode() {
    let (_folder, diary) = diary().await;
    for (verdicts, at) in a_confirmed_red() {
        record(&diary, &verdicts, at).await;
    }
    let waiting = &listed(&diary).await[0];
    assert_eq!(waiting.ended, Some((Why::Recovered, minute(45))));
    let id = waiting.flag.id.clone();
    close(
        &diary,
        &ANNA,
        &id,
        waiting.flag.telling,
        "Chiamata, sta bene.",
        minute(50),
    )
    .await
    .unwrap();
    assert!(listed(&diary).await.is_empty());
}

#[tokio::test]
async fn an_unconfirmed_red_leaves_the_list_by_itself() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    record(&diary, &home.spo2(0, 0, 91), 0).await;
    let id = only_id(&diary).await;
    record(&diary, &home.spo2(2, 2, 97), 2).await;
    assert!(listed(&diary).await.is_empty());
    let refused = take_charge(&diary, &ANNA, &id, minute(3))
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            ActRefused::Over {
                why: Why::NotConfirmed,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_flag_that_stands_again_is_on_the_list_again() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    record(&diary, &home.spo2(10, 10, 91), 10).await;
    let first = only_id(&diary).await;
    record(&diary, &home.spo2(5, 11, 90), 11).await;
    let ids: Vec<FlagId> = listed(&diary)
        .await
        .into_iter()
        .map(|it| it.flag.id)
        .collect();
    assert_eq!(ids, home.open());
    assert!(!ids.contains(&first));
    record(&diary, &home.spo2(7, 12, 96), 12).await;
    let again = listed(&diary).await;
    let again = again
        .iter()
        .find(|it| it.flag.id == first)
        .expect("it stands again");
    assert_eq!((again.flag.telling, again.ended), (3, None));
}

#[tokio::test]
async fn what_is_said_of_a_flag_that_was_never_raised_is_refused_whole() {
    let (_folder, diary) = diary().await;
    let story = a_confirmed_red();
    let refused = record_verdicts(&diary, &TRIAGE, &story[1].0, minute(2))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, RecordError::NeverRaised(_)),
        "{refused:?}"
    );
    assert!(everything(&diary).await.is_empty());
}

#[tokio::test]
async fn of_two_people_one_is_told_who_was_first() {
    let (folder, diary) = diary().await;
    let other = open(&folder.path().join("record.db")).await;
    record(&diary, &Home::new().spo2(0, 0, 85), 0).await;
    let id = only_id(&diary).await;
    let (anna, bruno) = tokio::join!(
        take_charge(&diary, &ANNA, &id, minute(1)),
        take_charge(&other, &BRUNO, &id, minute(1)),
    );
    let (first, second) = if anna.is_ok() {
        ("staff:1", bruno)
    } else {
        ("staff:2", anna)
    };
    let refused = second.unwrap_err();
    assert!(
        matches!(&refused, ActRefused::Taken { by, .. } if by == first),
        "{refused:?}"
    );
    let hold = listed(&diary).await[0].alert.clone().unwrap().state.hold;
    assert_eq!(hold.expect("someone has charge").by, first);
    let again = if first == "staff:1" { &ANNA } else { &BRUNO };
    take_charge(&diary, again, &id, minute(2))
        .await
        .expect("twice is no fault");

    let (anna, bruno) = tokio::join!(
        close(&diary, &ANNA, &id, 1, "Vista.", minute(3)),
        close(&other, &BRUNO, &id, 1, "Vista.", minute(3)),
    );
    let (first, second) = if anna.is_ok() {
        ("staff:1", bruno)
    } else {
        ("staff:2", anna)
    };
    let refused = second.unwrap_err();
    assert!(
        matches!(&refused, ActRefused::Closed { by, .. } if by == first),
        "{refused:?}"
    );
}

#[tokio::test]
async fn nobody_closes_a_confirmation_they_have_not_read() {
    let (_folder, diary) = diary().await;
    let story = a_confirmed_red();
    record(&diary, &story[0].0, 0).await;
    let seen = listed(&diary).await[0].flag.telling;
    let id = only_id(&diary).await;
    record(&diary, &story[1].0, 2).await;
    let refused = close(&diary, &ANNA, &id, seen, "Vista.", minute(3))
        .await
        .unwrap_err();
    assert!(matches!(refused, ActRefused::News), "{refused:?}");
    assert_eq!(only_id(&diary).await, id);
}

#[tokio::test]
async fn an_unconfirmed_red_that_was_closed_comes_back_when_it_is_confirmed() {
    let (_folder, diary) = diary().await;
    let story = a_confirmed_red();
    record(&diary, &story[0].0, 0).await;
    let id = only_id(&diary).await;
    take_charge(&diary, &ANNA, &id, minute(1)).await.unwrap();
    close(&diary, &ANNA, &id, 1, "Dito freddo.", minute(1))
        .await
        .unwrap();
    assert!(listed(&diary).await.is_empty());
    record(&diary, &story[1].0, 2).await;
    let back = &listed(&diary).await[0];
    assert_eq!(
        (&back.flag.id, &back.alert.as_ref().unwrap().state.hold),
        (&id, &None),
        "a new round, nobody has charge"
    );
    take_charge(&diary, &BRUNO, &id, minute(3)).await.unwrap();
}

#[tokio::test]
async fn a_confirmed_red_that_was_closed_comes_back_when_it_gets_too_bad_to_wait() {
    let (_folder, diary) = diary().await;
    let story = a_confirmed_red();
    record(&diary, &story[0].0, 0).await;
    record(&diary, &story[1].0, 2).await;
    let id = only_id(&diary).await;
    let seen = listed(&diary).await[0].flag.telling;
    close(&diary, &ANNA, &id, seen, "Sentita.", minute(3))
        .await
        .unwrap();
    let confirmed = |how, more| Verdict::Confirm {
        id: id.clone(),
        how,
        evidence: Vec::new(),
        at: minute(4),
        telling: seen + more,
    };
    record(&diary, &[confirmed(How::Repeat, 1)], 4).await;
    let among = [id.clone()].into();
    let still = flags_listed(&diary, &TRIAGE, &among).await.unwrap();
    assert_eq!(still, [], "other readings say the same");
    record(&diary, &[confirmed(How::AtOnce, 2)], 5).await;
    let back = flags_listed(&diary, &TRIAGE, &among).await.unwrap();
    assert_eq!(back, listed(&diary).await);
    assert_eq!(back.len(), 1);
}

#[tokio::test]
async fn the_gravest_stands_first_and_then_the_oldest() {
    let (_folder, diary) = diary().await;
    let mut home = Home::new();
    record(&diary, &home.spo2(0, 0, 85), 0).await;
    let mut other = Home::new();
    let mut said = other.spo2(-5, 0, 85);
    for verdict in &mut said {
        if let Verdict::Raise(flag) = verdict {
            flag.id.patient = OTHER;
            flag.severity = Severity::Amber;
        }
    }
    record(&diary, &said, 0).await;
    let severities: Vec<Severity> = listed(&diary)
        .await
        .iter()
        .map(|it| it.flag.severity)
        .collect();
    assert_eq!(severities, [Severity::Red, Severity::Amber]);
}

#[tokio::test]
async fn notes_are_kept_in_order_and_odd_ones_refused() {
    let (_folder, diary) = diary().await;
    record(&diary, &Home::new().spo2(0, 0, 85), 0).await;
    let id = only_id(&diary).await;
    write_note(&diary, &ANNA, PATIENT, None, "Vive da sola.", minute(1))
        .await
        .unwrap();
    write_note(
        &diary,
        &BRUNO,
        PATIENT,
        Some(&id),
        "Richiamare.\nDue volte.",
        minute(2),
    )
    .await
    .unwrap();
    for odd in ["", "  ", "bell\u{7}", &"x".repeat(4_001)] {
        let refused = write_note(&diary, &ANNA, PATIENT, None, odd, minute(3)).await;
        assert!(matches!(refused, Err(ActRefused::Words)), "{odd:?}");
    }
    let refused = write_note(&diary, &ANNA, OTHER, Some(&id), "Altrui.", minute(3)).await;
    assert!(matches!(refused, Err(ActRefused::Unknown(_))));
    let words: Vec<String> = everything(&diary)
        .await
        .into_iter()
        .filter_map(|line| match line.what {
            Written::Act(act) => Some(format!("{}: {}", act.by, act.words)),
            Written::Said(Verdict::Raise(_)) => Some("raised".to_owned()),
            Written::Paged(_) => None,
            other => panic!("unexpected {other:?}"),
        })
        .collect();
    assert_eq!(
        words,
        [
            "staff:2: Richiamare.\nDue volte.",
            "staff:1: Vive da sola.",
            "raised"
        ]
    );
}

#[tokio::test]
async fn the_diary_is_one_patients_in_a_range_and_no_longer_than_asked() {
    let (_folder, diary) = diary().await;
    for (verdicts, at) in a_confirmed_red() {
        record(&diary, &verdicts, at).await;
    }
    write_note(&diary, &ANNA, OTHER, None, "Altro paziente.", minute(1))
        .await
        .unwrap();
    let range = minute(2)..minute(45);
    let lines = diary_of(&diary, &ANNA, PATIENT, range, 100).await.unwrap();
    let said = lines
        .iter()
        .filter(|line| matches!(line.what, Written::Said(_)));
    assert_eq!(said.count(), 1, "the confirmation alone");
    let range = minute(0)..minute(100);
    let lines = diary_of(&diary, &ANNA, PATIENT, range, 2).await.unwrap();
    let times: Vec<WallMs> = lines.iter().map(|line| line.at).collect();
    // The end of the flag, and whom it still calls.
    assert_eq!(times, [minute(45), minute(45)]);
}

#[tokio::test]
async fn a_note_that_the_machine_makes_is_written_once() {
    let (_folder, record) = diary().await;
    let verdicts = Home::new().spo2(0, 0, 90);
    record_verdicts(&record, &TRIAGE, &verdicts, minute(0))
        .await
        .unwrap();
    let flag = verdicts[0].id();
    let known = async |key| has_noted(&record, &TRIAGE, key).await.unwrap();
    let note = async |key, words| {
        let noted = note_once(&record, &TRIAGE, flag, key, words, minute(1)).await;
        noted.unwrap()
    };
    assert!(!known("repeat:1").await);
    assert!(note("repeat:1", "asked").await);
    assert!(!note("repeat:1", "asked again").await);
    assert!(known("repeat:1").await && !known("repeat:2").await);
    assert!(note("repeat:2", "asked for another").await);
    let lines = diary_of(&record, &TRIAGE, PATIENT, minute(0)..minute(9), 10).await;
    let words: Vec<String> = lines
        .unwrap()
        .into_iter()
        .filter_map(|line| match line.what {
            Written::Act(act) => Some(act.words),
            _ => None,
        })
        .collect();
    assert_eq!(words, ["asked for another", "asked"]);
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}

/// A replay hears verdicts as they are said, the diary reads them by their numbers.
#[test]
fn what_is_said_late_under_an_earlier_number_says_nothing_any_more() {
    let raised = Home::new().spo2(0, 0, 91).remove(0);
    let end = |why, telling| Verdict::End {
        id: raised.id().clone(),
        why,
        at: minute(1),
        telling,
    };
    let said = [end(Why::NotTheirs, 65_536), end(Why::Recovered, 2)];
    let told = Told::after(None, raised.clone(), minute(0));
    let told = said
        .into_iter()
        .fold(told, |told, verdict| Told::after(told, verdict, minute(1)));
    assert!(!told.unwrap().stands());
}
