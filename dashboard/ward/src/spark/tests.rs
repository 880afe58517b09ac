//! Drawings of a day.

use veglia_view::{Bucket, Outline, Quality, Source};

use veglia_words::Language;

use super::*;

const IT: Words = WORDS.speaking(Language::It);

/// 2020-11-21 14:12:00 in Rome.
const NOW: WallMs = WallMs(1_605_964_320_000);
const MINUTE: i64 = 60_000;

fn dot(ago_min: i64, steps: i32) -> Dot {
    Dot {
        at: NOW.plus_ms(-ago_min * MINUTE),
        steps,
        quality: Quality::empty(),
    }
}

fn bucket(ask: &TrendAsk, ago_min: i64, low: i32, high: i32) -> Bucket {
    let at = NOW.plus_ms(-ago_min * MINUTE);
    let bar_ms = DAY_MS / BARS;
    let outline = Outline {
        first: dot(ago_min, high),
        min: dot(ago_min, low),
        max: dot(ago_min, high),
        last: dot(ago_min, high),
    };
    Bucket {
        from: ask.from.plus_ms(at.since(ask.from) / bar_ms * bar_ms),
        n: 2,
        flagged: 0,
        clean: Some(outline),
        doubtful: None,
    }
}

fn spark(bars: &[(i64, i32, i32)]) -> Arc<Spark> {
    let ask = ask(PatientId::new(1), VitalKind::SpO2, NOW);
    let mut buckets: Vec<Bucket> = bars
        .iter()
        .map(|(ago, low, high)| bucket(&ask, *ago, *low, *high))
        .collect();
    buckets.sort_by_key(|bucket| bucket.from);
    let trend = Trend {
        bucket_ms: u64::try_from(DAY_MS / BARS).unwrap(),
        buckets,
        damaged: Vec::new(),
    };
    Arc::clone(Spark::draw(&ask, &trend, &RuleSet::shipped(), None).of(Language::It))
}

fn latest(steps: i32) -> Latest {
    Latest {
        vital: VitalKind::SpO2,
        steps,
        site: Site::Unknown,
        at: NOW,
        quality: Quality::empty(),
        source: Source::Device,
    }
}

#[test]
fn a_day_ends_with_the_half_hour_under_way() {
    let ask = ask(PatientId::new(1), VitalKind::SpO2, NOW);
    assert_eq!(ask.to.since(ask.from), DAY_MS);
    assert!(ask.to > NOW && ask.to.since(NOW) <= DAY_MS / BARS);
    assert_eq!(ask.to.0 % (DAY_MS / BARS), 0);
}

#[test]
fn a_bar_spans_its_extremes_and_a_silent_half_hour_is_a_hole() {
    let drawn = spark(&[(600, 840, 970), (60, 960, 980)]);
    assert_eq!(drawn.path.matches('M').count(), 2, "{}", drawn.path);
    // The lowest stands at the bottom of the box, however short it was.
    assert!(drawn.path.contains("V23"), "{}", drawn.path);
    assert_eq!(drawn.said, "Ultime 24 ore: da 84\u{a0}% a 98\u{a0}%");
    let none = spark(&[]);
    assert_eq!(&*none.path, "");
    assert_eq!(none.said, "Ultime 24 ore: nessuna misura valida");
}

#[test]
fn the_band_is_where_the_rules_call_nobody() {
    let (low, high) = band(&RuleSet::shipped(), None, VitalKind::SpO2).unwrap();
    assert_eq!((low, high), (950, 1_000), "amber at 94 and below");
}

#[test]
fn an_arrow_compares_with_two_hours_before_and_says_by_how_much() {
    let before = spark(&[(120, 960, 960)]);
    let down = before.arrow(IT, &latest(920)).unwrap();
    assert_eq!((down.mark, down.text.as_str()), ("↓", "4 in 2 h"));
    assert_eq!(down.said, "in calo di 4 in 2 h");
    let still = before.arrow(IT, &latest(951)).unwrap();
    assert_eq!((still.mark, still.said.as_str()), ("→", "stabile da 2 h"));
    assert_eq!(spark(&[(600, 960, 960)]).arrow(IT, &latest(920)), None);
}
