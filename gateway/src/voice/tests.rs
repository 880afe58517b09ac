//! What is said, and when.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use veglia_link::{Outbox, OutboxOptions};
use veglia_wire::{Boot, CareClock, Clock, MonoMs, Quality, SpO2, Vital, WallMs, When};

use super::*;
use crate::clock::BoxClock;
use crate::heart::{Heart, STALLED_AFTER};

/// 12:00 in Milan.
const NOON: i64 = 1_603_188_000_000;

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> WallMs {
        WallMs(self.0.load(Ordering::SeqCst))
    }
}

fn record(mono_ms: u64, body: Body) -> Record {
    Record {
        device: Some(DeviceId::new("nonin:1").unwrap()),
        when: When {
            boot: Boot(1),
            mono: MonoMs(mono_ms),
            wall: None,
            device: None,
        },
        body,
    }
}

fn reading(mono_ms: u64, quality: Quality) -> Record {
    let vital = Vital::SpO2(SpO2::from_percent_tenths(970).unwrap());
    record(mono_ms, Body::Reading(vital, quality))
}

#[test]
fn a_measurement_is_acknowledged_once_at_its_beginning() {
    let (voice, _phrases) = Voice::new();
    let clean = |mono_ms| voice.words(&[reading(mono_ms, Quality::empty())]);
    assert_eq!(clean(1_000), [Phrase::Received]);
    for second in 2..300 {
        assert_eq!(clean(second * 1_000), Vec::new());
    }
    assert_eq!(clean(300_000 + PAUSE_MS), [Phrase::Received]);
    let searching = reading(900_000, Quality::SEARCHING);
    assert_eq!(
        voice.words(&[searching]),
        Vec::new(),
        "that is no measurement yet"
    );
}

#[test]
fn an_empty_battery_is_told_once_until_it_was_charged() {
    let (voice, _phrases) = Voice::new();
    let charge = |percent| {
        let event = DeviceEvent::BatteryPercent(percent);
        voice.words(&[record(1, Body::Event(event))])
    };
    let said: Vec<Vec<Phrase>> = [50, 10, 9, 90, 5].map(charge).into();
    let low = vec![Phrase::BatteryLow];
    assert_eq!(said, [vec![], low.clone(), vec![], vec![], low]);
}

#[test]
fn the_night_may_begin_before_midnight_or_not_at_all() {
    let quiet = |quiet_from, quiet_until| {
        let config = VoiceConfig {
            quiet_from,
            quiet_until,
            ..VoiceConfig::default()
        };
        let hours = (0..24).filter(|hour| config.is_quiet(*hour));
        hours.collect::<Vec<u8>>()
    };
    assert_eq!(quiet(22, 3), [0, 1, 2, 22, 23]);
    assert_eq!(quiet(1, 3), [1, 2]);
    assert_eq!(quiet(7, 7), Vec::<u8>::new());
}

/// Of a box in this folder.
fn heart(dir: &Path) -> Heart {
    Heart::new(Outbox::open(&dir.join("outbox"), OutboxOptions::default()).unwrap())
}

/// A player that writes down what it is given.
fn player(dir: &Path) -> Vec<String> {
    let script = dir.join("player");
    let said = dir.join("said");
    let text = format!("#!/bin/sh\nbasename \"$1\" >> {}\n", said.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    vec![script.display().to_string()]
}

/// Everything that a box says of these phrases at a time of day.
async fn said(dir: &Path, wall_ms: i64, phrases: &[Phrase], lamp: Option<&Path>) -> String {
    let hand = std::sync::Arc::new(Hand(AtomicI64::new(wall_ms)));
    let clock = std::sync::Arc::new(BoxClock::new(Boot(1), CareClock::real(hand)));
    let (voice, waiting) = Voice::new();
    let config = VoiceConfig {
        sounds: dir.to_owned(),
        player: player(dir),
        lamp: lamp.map(Path::to_owned),
        ..VoiceConfig::default()
    };
    let speaker = Speaker::new(config, clock, waiting).unwrap();
    for phrase in phrases {
        voice.say(*phrase);
    }
    assert!(voice.is_heard());
    drop(voice);
    let speaking = speaker.speak(heart(dir).part("the voice"), CancellationToken::new());
    let done = tokio::time::timeout(Duration::from_secs(120), speaking).await;
    done.expect("it comes to an end");
    fs::read_to_string(dir.join("said")).unwrap_or_default()
}

#[tokio::test]
async fn at_night_only_what_the_centre_asks_for_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let all = Phrase::ALL;
    let by_day = said(dir.path(), NOON, &all, None).await;
    assert_eq!(
        by_day,
        "ricevuta.wav\nrimisuri.wav\nla-chiamiamo.wav\nscarico.wav\n"
    );
    let dir = tempfile::tempdir().unwrap();
    let by_night = said(dir.path(), NOON + 12 * 3_600_000, &all, None).await;
    assert_eq!(by_night, "rimisuri.wav\nla-chiamiamo.wav\n");
    let dir = tempfile::tempdir().unwrap();
    let undated = said(dir.path(), 0, &all, None).await;
    assert_eq!(undated, "rimisuri.wav\nla-chiamiamo.wav\n");
}

#[tokio::test]
async fn the_lamp_blinks_while_somebody_is_asked_and_its_absence_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let lamp = dir.path().join("lamp");
    fs::create_dir(&lamp).unwrap();
    for file in ["trigger", "brightness"] {
        fs::write(lamp.join(file), "").unwrap();
    }
    let trigger = |text: &str| text.starts_with("none") || text.starts_with("timer");
    said(dir.path(), NOON, &[Phrase::MeasureAgain], Some(&lamp)).await;
    let shown = fs::read_to_string(lamp.join("trigger")).unwrap();
    assert!(trigger(&shown), "{shown}");
    assert_eq!(fs::read_to_string(lamp.join("brightness")).unwrap(), "0");

    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere");
    let heard = said(dir.path(), NOON, &[Phrase::Received], Some(&nowhere)).await;
    assert_eq!(heard, "ricevuta.wav\n");
}

#[tokio::test]
async fn a_box_without_a_player_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let hand = std::sync::Arc::new(Hand(AtomicI64::new(NOON)));
    let clock = std::sync::Arc::new(BoxClock::new(Boot(1), CareClock::real(hand)));
    let (voice, waiting) = Voice::new();
    let config = VoiceConfig {
        sounds: dir.path().to_owned(),
        player: vec!["/nowhere/aplay".to_owned()],
        ..VoiceConfig::default()
    };
    voice.say(Phrase::Received);
    voice.say(Phrase::Received);
    drop(voice);
    let speaker = Speaker::new(config, clock, waiting).unwrap();
    let speaking = speaker.speak(
        heart(dir.path()).part("the voice"),
        CancellationToken::new(),
    );
    let done = tokio::time::timeout(Duration::from_secs(120), speaking).await;
    done.expect("it comes to an end");
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_has_nothing_to_say_turns() {
    let dir = tempfile::tempdir().unwrap();
    let hand = std::sync::Arc::new(Hand(AtomicI64::new(NOON)));
    let clock = std::sync::Arc::new(BoxClock::new(Boot(1), CareClock::real(hand)));
    let heart = heart(dir.path());
    let (_voice, waiting) = Voice::new();
    let speaker = Speaker::new(VoiceConfig::default(), clock, waiting).unwrap();
    tokio::spawn(speaker.speak(heart.part("the voice"), CancellationToken::new()));
    // Only who turns once more after this moment is not missed at that one.
    let later = STALLED_AFTER + Duration::from_millis(50);
    let began = std::time::Instant::now();
    while heart.stopped(later).is_some() {
        assert!(began.elapsed() < Duration::from_secs(120), "it does not");
        std::thread::sleep(Duration::from_millis(5));
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}
