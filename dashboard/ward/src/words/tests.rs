//! Values, times and rhythms as they are said.

use veglia_view::LocalTime;
use veglia_words::Language;

use super::*;

/// 2020-11-21 14:05:07 in Rome.
const NOW: WallMs = WallMs(1_605_963_907_000);
const HOUR_MS: i64 = 3_600_000;
const IT: Words = crate::WORDS.speaking(Language::It);
const EN: Words = crate::WORDS.speaking(Language::En);

#[test]
fn values_are_read_with_the_mark_of_the_language_and_without_false_precision() {
    let table = [
        (VitalKind::SpO2, 910, "91\u{a0}%"),
        (VitalKind::SpO2, 929, "92\u{a0}%"),
        (VitalKind::Pulse, 724, "72\u{a0}/min"),
        (VitalKind::Pulse, 725, "73\u{a0}/min"),
        (VitalKind::Temperature, 3_864, "38,6\u{a0}°C"),
        (VitalKind::Temperature, 3_805, "38,1\u{a0}°C"),
        (VitalKind::Temperature, -20, "−0,2\u{a0}°C"),
        (VitalKind::RespiratoryRate, 180, "18\u{a0}atti/min"),
    ];
    for (vital, steps, words) in table {
        assert_eq!(value(IT, vital, steps), words);
    }
    let exact = exact_value(IT, VitalKind::Temperature, 3_864);
    assert_eq!(exact, "38,64\u{a0}°C");
    assert_eq!(exact_value(IT, VitalKind::SpO2, 929), "92,9\u{a0}%");
    assert_eq!(value(EN, VitalKind::Temperature, 3_864), "38.6\u{a0}°C");
    let breaths = value(EN, VitalKind::RespiratoryRate, 180);
    assert_eq!(breaths, "18\u{a0}breaths/min");
}

#[test]
fn ages_are_said_in_the_largest_whole_unit() {
    let table = [
        (-120_000, "orario futuro", "time in the future"),
        (-2_000, "adesso", "now"),
        (59_999, "adesso", "now"),
        (60_000, "1 min fa", "1 min ago"),
        (3_599_000, "59 min fa", "59 min ago"),
        (3_600_000, "1 h fa", "1 h ago"),
        (86_400_000, "1 giorno fa", "1 day ago"),
        (3 * 86_400_000, "3 giorni fa", "3 days ago"),
    ];
    for (ms, it, en) in table {
        assert_eq!(age(IT, NOW.plus_ms(-ms), NOW), it);
        assert_eq!(age(EN, NOW.plus_ms(-ms), NOW), en);
    }
}

#[test]
fn times_are_of_rome_and_name_the_day_when_it_is_another() {
    let yesterday = NOW.plus_ms(-24 * HOUR_MS);
    assert_eq!(at_time(IT, yesterday, NOW), "il 20/11 alle 14:05");
    assert_eq!(at_time(EN, yesterday, NOW), "on 20 Nov at 14:05");
    let earlier = NOW.plus_ms(-HOUR_MS);
    assert_eq!(since_time(IT, earlier, NOW), "dalle 13:05");
    assert_eq!(since_time(EN, earlier, NOW), "since 13:05");
    assert_eq!(until_time(IT, yesterday, NOW), "fino al 20/11 alle 14:05");
    // The night the clocks went back: 02:30 happened twice, an hour apart.
    let twice = WallMs(1_603_585_800_000);
    let exactly = |at| IT.language.exactly(at);
    assert_eq!(exactly(twice), "25/10/2020 02:30:00");
    assert_eq!(exactly(twice.plus_ms(HOUR_MS)), "25/10/2020 02:30:00");
}

#[test]
fn a_rhythm_is_said_as_a_nurse_would() {
    let every = |minutes| Expected::EveryMinutes(minutes);
    let at = |hours: &[i8]| {
        let times = hours.iter().map(|hour| LocalTime::new(*hour, 0).unwrap());
        Expected::DailyAt(times.collect())
    };
    let table = [
        (every(15), "ogni 15 min", "every 15 min"),
        (every(60), "ogni ora", "every hour"),
        (every(240), "ogni 4 ore", "every 4 hours"),
        (every(90), "ogni 90 min", "every 90 min"),
        (at(&[8]), "alle 08:00", "at 08:00"),
        (
            at(&[8, 14, 20]),
            "alle 08:00, 14:00 e 20:00",
            "at 08:00, 14:00 and 20:00",
        ),
    ];
    for (expected, it, en) in table {
        let parameter = Parameter {
            vital: VitalKind::SpO2,
            expected,
            grace_minutes: 5,
        };
        assert_eq!(rhythm(IT, &parameter), it);
        assert_eq!(rhythm(EN, &parameter), en);
    }
}

#[test]
fn every_doubt_has_words() {
    let all = doubts(VitalKind::SpO2, Quality::all(), Site::Unknown);
    let silent = [Quality::FROM_STORAGE]; // how it was read, not a doubt
    assert_eq!(all.len(), Quality::all().iter().count() - silent.len());
    assert!(doubts(VitalKind::SpO2, Quality::empty(), Site::Unknown).is_empty());
    let skin = doubts(VitalKind::Temperature, Quality::NO_CONTACT, Site::Skin);
    let said: Vec<_> = skin.into_iter().map(|doubt| IT.say(doubt)).collect();
    assert_eq!(said, ["sensore staccato", "sulla pelle"]);
}
