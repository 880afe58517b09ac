//! When a ring is asked for its files, and in which order.

use veglia_codecs::o2ring::{DownloadError, answer};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A ring that has been off the finger for long is asked for its files.
fn asked(night: &mut Night, now: Instant) -> Option<u8> {
    night.heard(Contact::Off, now);
    let question = night.look(now + 2 * SECOND)?;
    assert!(night.is_quiet());
    Some(question[1])
}

/// The ring tells its list; the name of the file that is opened then.
fn opened(night: &mut Night, files: &str, now: Instant) -> Option<String> {
    let list = format!("{{\"FileList\":\"{files}\"}}");
    let said = answer(0, 0, list.as_bytes());
    for step in night.answered(&said, |_| true, now).unwrap() {
        if step == Step::Finished {
            night.finished(now);
        }
    }
    night.under_way().map(str::to_owned)
}

/// The ring says something to the download, and what follows is followed.
fn says(night: &mut Night, said: &[u8], now: Instant) {
    for step in night.answered(said, |_| true, now).unwrap() {
        match step {
            Step::File { .. } => night.came(true, now),
            Step::Skipped { name, .. } => night.missed(name),
            Step::Finished => night.finished(now),
            Step::Failed(_) => night.failed(now),
            Step::Send(_) | Step::Info(_) => {}
        }
    }
}

const BOTH: &str = "20201120221500,20201121221500,";

/// The ring tells that the open file is empty, and closes it.
fn comes_whole(night: &mut Night, now: Instant) {
    says(night, &answer(0, 0, &0_u32.to_le_bytes()), now);
    says(night, &answer(0, 0, &[]), now);
}

#[test]
fn a_ring_is_asked_when_it_is_off_the_finger_and_its_last_answer_has_come() {
    let now = Instant::now();
    let mut night = Night::new(now, None);
    assert!(night.look(now).is_none(), "nobody knows whether it is worn");
    night.heard(Contact::On, now);
    assert!(night.look(now + 60 * SECOND).is_none() && !night.is_quiet());
    let off = now + 61 * SECOND;
    night.heard(Contact::Off, off);
    night.heard(Contact::Off, off + 10 * SECOND);
    assert!(!night.is_quiet(), "its file is not closed yet");
    let closed = off + CLOSES;
    night.heard(Contact::Off, closed);
    assert!(night.is_quiet());
    night.heard(Contact::Off, closed + SECOND);
    assert!(night.look(closed + 2 * SECOND).is_none(), "one more came");
    assert!(night.look(closed + 3 * SECOND).is_some());
    assert!(matches!(night.mode, Mode::Fetching { .. }));
}

#[test]
fn a_ring_that_says_nothing_more_is_listened_to_again_and_asked_later() {
    let now = Instant::now();
    let mut night = Night::new(now, None);
    night.heard(Contact::Off, now);
    night.look(now + 2 * SECOND).expect("the first question");
    let late = now + 2 * SECOND + PATIENCE + SECOND;
    assert_eq!(night.look(late), None, "no file is open");
    assert!(!night.is_quiet());
    night.heard(Contact::Off, late);
    assert!(!night.is_quiet(), "not at once");
    night.heard(Contact::Off, late + AGAIN);
    assert!(night.is_quiet());
}

#[test]
fn after_each_file_it_is_listened_to_until_it_says_that_it_is_not_worn() {
    let now = Instant::now();
    let mut night = Night::new(now, None);
    asked(&mut night, now).expect("the list is asked for");
    opened(&mut night, BOTH, now).expect("a file is opened");
    comes_whole(&mut night, now);
    assert!(!night.is_quiet() && !night.is_done());
    assert!(
        night.look(now + 60 * SECOND).is_none(),
        "nobody has said so"
    );
    // It was put on in the meantime.
    night.heard(Contact::On, now);
    assert!(night.look(now + 600 * SECOND).is_none() && !night.is_quiet());
}

#[test]
fn what_the_box_is_busy_with_is_not_the_rings_silence() {
    let now = Instant::now();
    let mut night = Night::new(now, None);
    asked(&mut night, now).expect("the list is asked for");
    opened(&mut night, BOTH, now).expect("a file is opened");
    // It came at once, and keeping it took a minute.
    let empty = answer(0, 0, &0_u32.to_le_bytes());
    night.answered(&empty, |_| true, now).unwrap();
    let kept = now + 60 * SECOND;
    night.came(true, kept);
    assert!(night.look(kept).is_none() && night.is_quiet());
    assert!(matches!(night.mode, Mode::Fetching { .. }));
}

#[test]
fn a_file_that_takes_too_long_is_given_up_and_comes_behind_the_others() {
    let now = Instant::now();
    let mut night = Night::new(now, None);
    asked(&mut night, now).expect("the list is asked for");
    let first = opened(&mut night, BOTH, now).expect("a file is opened");
    says(&mut night, &answer(0, 0, &9_000_u32.to_le_bytes()), now);
    let slow = PATIENCE - SECOND;
    let mut at = now;
    for block in 0.. {
        at += slow;
        if let Some(close) = night.look(at) {
            assert_eq!(close[1], 5, "the file is closed");
            break;
        }
        assert!(at < now + LONGEST + slow, "whoever puts it on would wait");
        says(&mut night, &answer(0, block, &[95; 64]), at);
    }
    assert!(!night.is_quiet());
    at += AGAIN;
    asked(&mut night, at).expect("the list is asked for");
    let second = opened(&mut night, BOTH, at).expect("a file is opened");
    assert_ne!(second, first);
}

#[test]
fn a_file_that_is_refused_keeps_the_clock_and_is_asked_for_again_later() {
    let now = Instant::now();
    let mut night = Night::new(now, None);
    asked(&mut night, now).expect("the list is asked for");
    let first = opened(&mut night, BOTH, now).expect("a file is opened");
    says(&mut night, &answer(1, 0, &[]), now);
    says(&mut night, &answer(0, 0, &[]), now);
    asked(&mut night, now).expect("the list is asked for");
    let second = opened(&mut night, BOTH, now).expect("another file is opened");
    assert_ne!(second, first);
    comes_whole(&mut night, now);
    asked(&mut night, now).expect("the list is asked for");
    assert_eq!(opened(&mut night, &first, now), None, "not at once");
    assert!(!night.is_done(), "its clock is not to be set");
    assert_eq!(asked(&mut night, now), None);
    let later = now + AGAIN;
    asked(&mut night, later).expect("the list is asked for");
    assert_eq!(opened(&mut night, &first, later), Some(first));
    comes_whole(&mut night, later);
    asked(&mut night, later).expect("the list is asked for");
    assert_eq!(opened(&mut night, "", later), None);
    assert!(night.is_done());
}

#[test]
fn a_file_at_which_the_ring_has_hung_up_comes_behind_the_others() {
    let now = Instant::now();
    let mut night = Night::new(now, Some("20201120221500".to_owned()));
    asked(&mut night, now).expect("the list is asked for");
    let second = opened(&mut night, BOTH, now).expect("a file is opened");
    assert_eq!(second, "20201121221500");
    comes_whole(&mut night, now);
    asked(&mut night, now).expect("the list is asked for");
    assert_eq!(opened(&mut night, "20201120221500,", now), None);
    assert!(!night.is_done());
    asked(&mut night, now).expect("the list is asked for, at once");
    assert!(opened(&mut night, "20201120221500,", now).is_some());
}

#[test]
fn a_list_that_does_not_come_is_asked_for_later() {
    let now = Instant::now();
    let mut night = Night::new(now, None);
    asked(&mut night, now).expect("the list is asked for");
    let steps = night.answered(&answer(1, 0, &[]), |_| true, now).unwrap();
    let why = DownloadError::Refused { status: 1 };
    assert_eq!(steps, [Step::Failed(why)]);
    night.failed(now);
    assert_eq!(asked(&mut night, now), None);
    assert!(asked(&mut night, now + AGAIN).is_some());
}
