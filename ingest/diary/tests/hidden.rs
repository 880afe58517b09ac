//! What a patient had hidden, through every function that reads a diary: as if it never was.

mod support;

use std::fmt::Debug;

use support::person::*;
use support::*;
use veglia_diary::{
    ActRefused, AlertCursor, ChangeId, EntryId, HideRefused, Hideable, HidingCode, PageId, Raised,
    Written, alerts_since, changes_since, correct, diary_of, flags_among, flags_listed,
    flags_raised, handovers_of_patient, hidden_periods, hide, open_flags, open_flags_of,
    pages_since, plans_of, reveal, set_standing, standings_among, standings_of, take_charge,
    whole_diary_of, write_note,
};
use veglia_store::{Actor, Database};
use veglia_triage::{FlagId, Verdict, Whereabouts, Why};
use veglia_wire::WallMs;

const CARLA: Actor = Actor::Staff(3);

/// What nobody is to read.
const SECRET: &str = "Ne parlerà con il consultorio.";

/// The day after, when a period of that day may be hidden.
const LATER: i64 = 3 * 1_440;

/// Everything there is to read of a diary, by the function that tells it.
async fn told(diary: &Database, reader: &Actor) -> Vec<(&'static str, String)> {
    let all = WallMs(0)..WallMs(i64::MAX);
    let since = WallMs(0);
    let flags = flags_among(diary, &TRIAGE, &[PATIENT], since).await;
    let named = flags.expect("the diary").into_iter();
    let named = named.map(|it: Raised| it.flag.flag.id).collect();
    vec![
        (
            "diary_of",
            said(diary_of(diary, reader, PATIENT, all, 100).await),
        ),
        ("open_flags", said(open_flags(diary, reader).await)),
        (
            "open_flags_of",
            said(open_flags_of(diary, reader, PATIENT).await),
        ),
        (
            "flags_listed",
            said(flags_listed(diary, reader, &named).await),
        ),
        (
            "flags_raised",
            said(flags_raised(diary, reader, since).await),
        ),
        (
            "flags_among",
            said(flags_among(diary, reader, &[PATIENT, OTHER], since).await),
        ),
        ("plans_of", said(plans_of(diary, reader, PATIENT).await)),
        (
            "standings_of",
            said(standings_of(diary, reader, PATIENT).await),
        ),
        (
            "standings_among",
            said(standings_among(diary, reader, &[PATIENT, OTHER]).await),
        ),
        (
            "handovers_of_patient",
            said(handovers_of_patient(diary, reader, PATIENT).await),
        ),
        (
            "changes_since",
            said(changes_since(diary, reader, ChangeId(0)).await),
        ),
        (
            "pages_since",
            said(pages_since(diary, reader, PageId(0), 500).await),
        ),
        (
            "alerts_since",
            said(
                alerts_since(diary, reader, Some(AlertCursor(0)))
                    .await
                    .map(|it| it.0),
            ),
        ),
    ]
}

/// As it is told, without the numbers of rows: they count for all patients together.
fn said(told: Result<impl Debug, impl Debug>) -> String {
    let mut said = format!("{:?}", told.expect("the diary"));
    for number in ["EntryId(", "ChangeId(", "AlertId(", "PageId("] {
        let mut parts = said.split(number);
        let mut without = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            without.push_str(number);
            without.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_digit()));
        }
        said = without;
    }
    said
}

/// Said of a flag after all else.
const LAST_TELLING: u32 = 1 << 16;

/// The episodes that some verdicts began are over.
async fn over(diary: &Database, said: &[Verdict], at: i64) {
    let raised = said.iter().filter_map(|it| match it {
        Verdict::Raise(flag) => Some(flag.id.clone()),
        _ => None,
    });
    let ends: Vec<Verdict> = raised
        .map(|id| Verdict::End {
            id,
            why: Why::Recovered,
            at: minute(at),
            telling: LAST_TELLING,
        })
        .collect();
    record(diary, &ends, at).await;
}

/// The same flag asks for people again.
async fn anew(diary: &Database, said: &[Verdict], at: i64) {
    let again = said.iter().find_map(|it| match it {
        Verdict::Raise(flag) => Some(flag.clone()),
        _ => None,
    });
    let mut again = again.expect("a flag");
    again.telling = LAST_TELLING + 1;
    record(diary, &[Verdict::Raise(again)], at).await;
}

async fn refused(diary: &Database, what: &Hideable, at: i64) -> HideRefused {
    let hidden = hide(diary, &ANNA, PATIENT, what, minute(at)).await;
    hidden.expect_err("it may not be hidden")
}

/// A red of which ANNA takes charge, with BRUNO's note of it, closed and over.
async fn episode(diary: &Database) -> FlagId {
    let mut person = Person::new();
    let said = person.spo2(TEN, 85);
    record(diary, &said, TEN).await;
    over(diary, &said, TEN + 1).await;
    let flag = taken(diary, TEN + 1).await;
    write_note(diary, &BRUNO, PATIENT, Some(&flag), SECRET, minute(TEN + 2))
        .await
        .expect("the diary");
    close_all(diary, TEN + 5).await;
    flag
}

/// BRUNO's note, and ANNA's correction of it.
async fn noted(diary: &Database, at: i64) -> EntryId {
    write_note(diary, &BRUNO, PATIENT, None, SECRET, minute(at))
        .await
        .expect("the diary");
    let note = last_entry(diary).await;
    correct(
        diary,
        &ANNA,
        PATIENT,
        note,
        "Consultorio, martedì.",
        minute(at + 1),
    )
    .await
    .expect("the diary");
    note
}

async fn last_entry(diary: &Database) -> EntryId {
    let all = WallMs(0)..WallMs(i64::MAX);
    let lines = whole_diary_of(diary, &TRIAGE, PATIENT, all, 1)
        .await
        .expect("the diary");
    match &lines.first().expect("a line").what {
        Written::Act(act) => act.id,
        other => panic!("{other:?}"),
    }
}

/// What stays: a note that nobody minds, before and after.
async fn ordinary(diary: &Database, at: i64) {
    write_note(diary, &BRUNO, PATIENT, None, "Sta bene.", minute(at))
        .await
        .expect("the diary");
}

async fn hidden(diary: &Database, what: &Hideable) -> HidingCode {
    hide(diary, &ANNA, PATIENT, what, minute(LATER))
        .await
        .expect("the diary")
}

#[tokio::test]
async fn what_is_hidden_is_told_by_no_function_as_if_it_never_was() {
    let (_never_folder, never) = diary().await;
    ordinary(&never, 1).await;
    ordinary(&never, LATER - 1).await;
    let never = told(&never, &CARLA).await;

    for kind in ["entry", "alert", "period"] {
        let (_folder, diary) = diary().await;
        ordinary(&diary, 1).await;
        let what = match kind {
            "entry" => Hideable::Entry(noted(&diary, TEN).await),
            "alert" => Hideable::Alert(episode(&diary).await),
            _ => {
                episode(&diary).await;
                noted(&diary, TEN + 20).await;
                Hideable::Period(minute(TEN)..minute(TEN + 60))
            }
        };
        ordinary(&diary, LATER - 1).await;
        let before = told(&diary, &CARLA).await;
        assert!(
            before.iter().any(|(_, said)| said.contains(SECRET)),
            "{kind}"
        );
        hidden(&diary, &what).await;
        for ((name, said), (_, never)) in told(&diary, &CARLA).await.iter().zip(&never) {
            assert_eq!(said, never, "{kind} by {name}");
        }
        // Also to a part of the program that shows it to somebody.
        let digest = Actor::System("digest");
        let all = WallMs(0)..WallMs(i64::MAX);
        let lines = diary_of(&diary, &digest, PATIENT, all.clone(), 100).await;
        assert!(!said(lines).contains(SECRET), "{kind}");
        let copy = whole_diary_of(&diary, &CARLA, PATIENT, all, 100).await;
        assert!(said(copy).contains(SECRET), "the patient's copy of {kind}");
    }
}

#[tokio::test]
async fn a_stay_in_a_hidden_period_is_hidden_and_the_one_that_holds_is_not() {
    let (_folder, diary) = diary().await;
    for (at, place) in [(10, Whereabouts::InHospital), (20, Whereabouts::AtHome)] {
        set_standing(
            &diary,
            &ANNA,
            PATIENT,
            (place, minute(at)),
            SECRET,
            minute(at),
        )
        .await
        .expect("the diary");
    }
    hidden(&diary, &Hideable::Period(minute(5)..minute(60))).await;
    let stood = standings_of(&diary, &CARLA, PATIENT)
        .await
        .expect("the diary");
    let places: Vec<Whereabouts> = stood.iter().map(|it| it.standing.whereabouts).collect();
    assert_eq!(places, [Whereabouts::AtHome]);
    let periods = hidden_periods(&diary, &CARLA, PATIENT)
        .await
        .expect("the diary");
    assert_eq!(periods, [minute(5)..minute(60)]);
}

#[tokio::test]
async fn whoever_wrote_an_act_goes_on_reading_it_and_a_page_is_not_cut_short() {
    let (_folder, diary) = diary().await;
    for at in 0..5 {
        ordinary(&diary, at).await;
    }
    for at in [10, 20, 30] {
        let note = noted(&diary, at).await;
        hidden(&diary, &Hideable::Entry(note)).await;
    }
    let all = WallMs(0)..WallMs(i64::MAX);
    let read = |reader| diary_of(&diary, reader, PATIENT, all.clone(), 4);
    let anna = read(&ANNA).await.expect("the diary");
    assert!(!said(Ok::<_, ()>(&anna)).contains(SECRET));
    assert!(
        said(Ok::<_, ()>(&anna)).contains("Consultorio"),
        "her own words"
    );
    let bruno = read(&BRUNO).await.expect("the diary");
    assert!(said(Ok::<_, ()>(&bruno)).contains(SECRET), "his own words");
    let carla = read(&CARLA).await.expect("the diary");
    assert_eq!(carla.len(), 4, "what is hidden takes nobody's place");
    assert!(!said(Ok::<_, ()>(&carla)).contains(SECRET));
}

#[tokio::test]
async fn what_is_open_cannot_be_hidden_nor_a_period_of_the_last_day() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    record(&diary, &person.spo2(TEN, 85), TEN).await;
    let flag = taken(&diary, TEN + 1).await;
    let charge = last_entry(&diary).await;
    let day = Hideable::Period(minute(0)..minute(TEN + 60));
    for what in [Hideable::Alert(flag.clone()), Hideable::Entry(charge), day] {
        let refused = hide(&diary, &ANNA, PATIENT, &what, minute(LATER)).await;
        assert!(matches!(refused, Err(HideRefused::Open)), "{what:?}");
    }
    close_all(&diary, TEN + 5).await;
    let today = Hideable::Period(minute(0)..minute(TEN + 60));
    let refused = hide(&diary, &ANNA, PATIENT, &today, minute(TEN + 120)).await;
    assert!(matches!(refused, Err(HideRefused::Period)));
    let strange = Hideable::Entry(EntryId(9_999));
    let refused = hide(&diary, &ANNA, PATIENT, &strange, minute(LATER)).await;
    assert!(matches!(refused, Err(HideRefused::Unknown)));
    let refused = hide(&diary, &ANNA, OTHER, &Hideable::Alert(flag), minute(LATER)).await;
    assert!(matches!(refused, Err(HideRefused::Unknown)));
}

#[tokio::test]
async fn what_goes_on_cannot_be_hidden_though_somebody_has_closed_it() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    let said = person.spo2(TEN, 85);
    record(&diary, &said, TEN).await;
    let flag = taken(&diary, TEN + 1).await;
    let charge = last_entry(&diary).await;
    close_all(&diary, TEN + 5).await;
    let kinds = [
        Hideable::Alert(flag),
        Hideable::Entry(charge),
        Hideable::Period(minute(0)..minute(TEN + 60)),
    ];
    for what in &kinds {
        let refused = refused(&diary, what, LATER).await;
        assert!(matches!(refused, HideRefused::Open), "{what:?}");
    }
    over(&diary, &said, TEN + 30).await;
    for what in &kinds {
        hidden(&diary, what).await;
    }
}

#[tokio::test]
async fn nothing_of_the_last_day_is_hidden_by_any_way() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    let said = person.spo2(TEN, 85);
    record(&diary, &said, TEN).await;
    over(&diary, &said, TEN).await;
    let flag = taken(&diary, TEN + 1).await;
    let charge = last_entry(&diary).await;
    let old = noted(&diary, TEN + 2).await;
    // Open for two days, and closed an hour ago.
    close_all(&diary, LATER - 60).await;
    let day = Hideable::Period(minute(0)..minute(TEN + 60));
    let alert = Hideable::Alert(flag.clone());
    for what in [&alert, &day] {
        let refused = refused(&diary, what, LATER).await;
        assert!(matches!(refused, HideRefused::Recent), "{what:?}");
    }
    ordinary(&diary, LATER - 5).await;
    let called = Hideable::Entry(last_entry(&diary).await);
    let refusal = refused(&diary, &called, LATER).await;
    assert!(matches!(refusal, HideRefused::Recent));
    // An old note that was corrected just now.
    let old = Hideable::Entry(old);
    let Hideable::Entry(id) = old else { return };
    let corrected = correct(&diary, &ANNA, PATIENT, id, "Mercoledì.", minute(LATER - 4));
    corrected.await.expect("the diary");
    let refusal = refused(&diary, &old, LATER).await;
    assert!(matches!(refusal, HideRefused::Recent));
    // And what somebody says of the closed alert just now.
    let next = LATER + 1_440;
    let said = write_note(
        &diary,
        &BRUNO,
        PATIENT,
        Some(&flag),
        SECRET,
        minute(next - 1),
    );
    said.await.expect("the diary");
    for what in [&alert, &day] {
        let refused = refused(&diary, what, next).await;
        assert!(matches!(refused, HideRefused::Recent), "{what:?}");
    }
    for what in [&alert, &day, &called, &old, &Hideable::Entry(charge)] {
        let done = hide(&diary, &ANNA, PATIENT, what, minute(next + 1_440)).await;
        assert!(!matches!(done, Err(HideRefused::Recent)), "{what:?}");
    }
}

#[tokio::test]
async fn a_flag_that_rings_anew_is_seen_with_its_new_acts_and_after_closing_too() {
    let (_folder, diary) = diary().await;
    let mut person = Person::new();
    let said = person.spo2(TEN, 85);
    record(&diary, &said, TEN).await;
    over(&diary, &said, TEN + 1).await;
    let flag = taken(&diary, TEN + 1).await;
    close_all(&diary, TEN + 5).await;
    // Said of it when it was closed, and hidden with it.
    let after = write_note(
        &diary,
        &BRUNO,
        PATIENT,
        Some(&flag),
        SECRET,
        minute(TEN + 6),
    );
    after.await.expect("the diary");
    hidden(&diary, &Hideable::Alert(flag.clone())).await;
    anew(&diary, &said, LATER + 1).await;
    let open = open_flags_of(&diary, &CARLA, PATIENT).await;
    assert_eq!(open.expect("the diary")[0].flag.id, flag);
    let night = "Chiamata alle due.";
    let called = write_note(
        &diary,
        &BRUNO,
        PATIENT,
        Some(&flag),
        night,
        minute(LATER + 2),
    );
    called.await.expect("whoever sees it may act");
    close_all(&diary, LATER + 3).await;
    for at in [LATER + 4, LATER + 6] {
        let all = WallMs(0)..minute(at + 1_440);
        let lines = diary_of(&diary, &CARLA, PATIENT, all, 100).await;
        let read = said_of(&lines.expect("the diary"));
        assert!(read.contains(night), "{read}");
        assert!(read.contains("Richiamato"), "the closing note: {read}");
        assert!(!read.contains(SECRET), "{read}");
        let raised = flags_raised(&diary, &CARLA, WallMs(0)).await;
        assert!(!raised.expect("the diary").is_empty());
    }
}

fn said_of(lines: &[veglia_diary::Line]) -> String {
    format!("{lines:?}")
}

#[tokio::test]
async fn whoever_presses_twice_ends_all_of_it_with_any_of_the_codes() {
    for kind in ["entry", "alert", "period"] {
        for which in [0, 1] {
            let (_folder, diary) = diary().await;
            let what = match kind {
                "entry" => Hideable::Entry(noted(&diary, TEN).await),
                "alert" => Hideable::Alert(episode(&diary).await),
                _ => {
                    episode(&diary).await;
                    Hideable::Period(minute(TEN)..minute(TEN + 60))
                }
            };
            let before = told(&diary, &CARLA).await;
            let codes = [hidden(&diary, &what).await, hidden(&diary, &what).await];
            assert_ne!(told(&diary, &CARLA).await, before);
            // Nobody else presses a second time: to them it is not there, and a period that they
            // hide is another hiding.
            let other = hide(&diary, &BRUNO, PATIENT, &what, minute(LATER)).await;
            if kind == "period" {
                let at = minute(LATER + 1);
                let code = other.expect("a period").to_string();
                let shown = reveal(&diary, &BRUNO, PATIENT, &code, at).await;
                assert!(shown.expect("the diary"));
                assert_ne!(
                    told(&diary, &CARLA).await,
                    before,
                    "the sheet alone shows it"
                );
            } else if kind == "alert" {
                assert!(matches!(other, Err(HideRefused::Unknown)));
            }
            let (code, at) = (codes[which].to_string(), minute(LATER + 2));
            let shown = reveal(&diary, &BRUNO, PATIENT, &code, at).await;
            assert!(shown.expect("the diary"), "{kind}");
            if kind != "entry" {
                assert_eq!(told(&diary, &CARLA).await, before, "{kind}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_can_be_done_about_what_is_hidden() {
    let (_folder, diary) = diary().await;
    let flag = episode(&diary).await;
    let note = noted(&diary, TEN + 30).await;
    hidden(&diary, &Hideable::Alert(flag.clone())).await;
    hidden(&diary, &Hideable::Entry(note)).await;
    let at = minute(LATER + 1);
    let refused = correct(&diary, &CARLA, PATIENT, note, "Altro.", at).await;
    assert!(matches!(refused, Err(ActRefused::NoEntry(_))));
    let refused = write_note(&diary, &CARLA, PATIENT, Some(&flag), "Altro.", at).await;
    assert!(matches!(refused, Err(ActRefused::Unknown(_))));
    let refused = take_charge(&diary, &CARLA, &flag, at).await;
    assert!(matches!(refused, Err(ActRefused::Unknown(_))));
    for what in [Hideable::Alert(flag), Hideable::Entry(note)] {
        let refused = hide(&diary, &CARLA, PATIENT, &what, at).await;
        assert!(matches!(refused, Err(HideRefused::Unknown)), "{what:?}");
    }
}

#[tokio::test]
async fn the_code_of_the_sheet_alone_shows_it_again() {
    let (_folder, diary) = diary().await;
    let note = noted(&diary, TEN).await;
    let before = told(&diary, &CARLA).await;
    let code = hidden(&diary, &Hideable::Entry(note)).await.to_string();
    assert_ne!(told(&diary, &CARLA).await, before);
    let at = minute(LATER + 1);
    for (patient, typed, is_right) in [
        (PATIENT, "", false),
        (PATIENT, "0000-0000-0000", false),
        (OTHER, code.as_str(), false),
        (PATIENT, &code.to_lowercase().replace('-', " "), true),
        (PATIENT, &code, false),
    ] {
        let shown = reveal(&diary, &BRUNO, patient, typed, at)
            .await
            .expect("the diary");
        assert_eq!(shown, is_right, "{typed}");
    }
    assert_eq!(told(&diary, &CARLA).await, before);
}

#[tokio::test]
async fn the_machine_goes_on_behind_the_veil() {
    let (_folder, diary) = diary().await;
    let flag = episode(&diary).await;
    let heard = |reader| changes_since(&diary, reader, ChangeId(0));
    let before = heard(&TRIAGE).await.expect("the diary");
    hidden(&diary, &Hideable::Alert(flag)).await;
    assert_eq!(heard(&TRIAGE).await.expect("the diary"), before);
    assert!(heard(&CARLA).await.expect("the diary").len() < before.len());
}

#[test]
fn hidden_things_are_hidden_on_postgresql_too() {
    veglia_trial::again_on_postgresql("hidden_things_are_hidden_on_postgresql_too");
}
