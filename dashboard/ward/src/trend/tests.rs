//! What a chart is told, what it is not, and that no extreme is lost.

// req: G8

use proptest::prelude::*;
use veglia_view::{Calling, OwnLimits, OxygenScale, PlanVersion, Quality, Target};

use veglia_words::Language;

use super::*;

const IT: Words = WORDS.speaking(Language::It);

const NOON: i64 = 1_605_956_400_000;

fn dot(at: i64, steps: i32) -> Dot {
    Dot {
        at: WallMs(NOON + at),
        steps,
        quality: Quality::empty(),
    }
}

fn outline(dots: &[Dot]) -> Option<Outline> {
    Some(Outline {
        first: *dots.first()?,
        min: *dots.iter().min_by_key(|dot| (dot.steps, dot.at))?,
        max: *dots.iter().max_by_key(|dot| dot.steps)?,
        last: *dots.last()?,
    })
}

fn bucket(from: i64, dots: &[Dot]) -> Bucket {
    let is_clean = |dot: &Dot| dot.quality.is_clean();
    let (clean, doubtful): (Vec<Dot>, Vec<Dot>) = dots.iter().partition(|dot| is_clean(dot));
    Bucket {
        from: WallMs(NOON + from),
        n: u64::try_from(dots.len()).unwrap(),
        flagged: u64::try_from(doubtful.len()).unwrap(),
        clean: outline(&clean),
        doubtful: outline(&doubtful),
    }
}

fn held(at: i64, steps: i32) -> Dot {
    Dot {
        quality: Quality::HELD,
        ..dot(at, steps)
    }
}

fn ask() -> TrendAsk {
    let query = TrendQuery {
        vital: "spo2".to_owned(),
        from: NOON,
        to: NOON + 3_600_000,
        px: 60,
    };
    query.check(PatientId::new(1)).unwrap()
}

fn trend(buckets: Vec<Bucket>) -> Trend {
    Trend {
        bucket_ms: 60_000,
        buckets,
        damaged: Vec::new(),
    }
}

#[test]
fn the_json_of_a_chart_is_what_the_page_script_reads() {
    let buckets = vec![
        bucket(0, &[dot(0, 970), held(30_000, 500), dot(50_000, 965)]),
        bucket(1_200_000, &[dot(1_200_000, 950)]),
    ];
    let chart = chart(IT, &ask(), &trend(buckets), Vec::new());
    let json = serde_json::to_value(&chart).unwrap();
    assert_eq!(json["vital"], "spo2");
    assert_eq!(json["title"], "SpO₂ (%)");
    let points = serde_json::json!([
        [NOON, 97.0, false],
        [NOON + 30_000, 50.0, true],
        [NOON + 50_000, 96.5, false],
        [NOON + 50_001, null, false],
        [NOON + 1_200_000, 95.0, false],
    ]);
    assert_eq!(json["points"], points, "a gap is null, not a line");
    assert_eq!(json["table"][0]["stretch"], "12:20 – 12:20");
    assert_eq!(json["table"][1]["count"], 3);
    assert_eq!(json["table"][1]["doubtful"], 1);
    assert_eq!(json["table"][1]["lowest"], "96\u{a0}% alle 12:00");
    assert_eq!(json["missing"], "");
}

#[test]
fn a_clean_low_beside_a_lower_artefact_is_drawn_and_told() {
    let buckets = vec![bucket(
        0,
        &[
            dot(0, 970),
            held(10_000, 500),
            dot(11_000, 840),
            held(12_000, 510),
            dot(50_000, 965),
        ],
    )];
    let json = serde_json::to_value(chart(IT, &ask(), &trend(buckets), Vec::new())).unwrap();
    let points = serde_json::json!([
        [NOON, 97.0, false],
        [NOON + 10_000, 50.0, true],
        [NOON + 11_000, 84.0, false],
        [NOON + 12_000, 51.0, true],
        [NOON + 50_000, 96.5, false],
    ]);
    assert_eq!(json["points"], points);
    assert_eq!(json["table"][0]["lowest"], "84\u{a0}% alle 12:00");
    assert_eq!(json["table"][0]["doubtful"], 2);
}

#[test]
fn a_line_does_not_cross_a_stretch_of_doubtful_readings() {
    let minute = |minute: i64| minute * 60_000;
    let buckets: Vec<Bucket> = (0..=12)
        .map(|it| match it {
            0 | 12 => bucket(minute(it), &[dot(minute(it), 970)]),
            _ => bucket(minute(it), &[held(minute(it), 500)]),
        })
        .collect();
    let points = points(VitalKind::SpO2, &trend(buckets));
    assert_eq!(points[1], Point(NOON + 1, None, false), "the line ends");
    assert_eq!(points.iter().filter(|point| point.2).count(), 11);
    assert_eq!(
        points.last(),
        Some(&Point(NOON + minute(12), Some(97.0), false))
    );
}

#[test]
fn a_stretch_without_a_clean_reading_has_no_extremes() {
    let buckets = vec![bucket(0, &[held(0, 500), held(1_000, 990)])];
    let table = table(IT, &ask(), &trend(buckets));
    assert_eq!((table[0].count, table[0].doubtful), (2, 2));
    assert_eq!(
        (table[0].lowest.as_str(), table[0].highest.as_str()),
        ("–", "–")
    );
}

#[test]
fn limits_are_those_of_the_rules_or_of_the_patient() {
    let rules = RuleSet::shipped();
    let labels = |plan: Option<&Plan>, vital| -> Vec<String> {
        let limits = limits(IT, &rules, plan, vital);
        limits.into_iter().map(|limit| limit.label).collect()
    };
    let spo2 = ["rosso ≤ 92\u{a0}%", "giallo ≤ 94\u{a0}%"];
    assert_eq!(labels(None, VitalKind::SpO2), spo2);
    let fever = ["rosso ≤ 35,0\u{a0}°C", "giallo ≥ 38,1\u{a0}°C"];
    assert_eq!(labels(None, VitalKind::Temperature), fever);
    let plan = Plan {
        patient: PatientId::new(1),
        version: PlanVersion(1),
        from: WallMs(NOON),
        until: None,
        parameters: Vec::new(),
        spo2: Some(Target {
            low_percent: 88,
            high_percent: 92,
        }),
        oxygen_scale: OxygenScale::One,
        guards: Vec::new(),
        limits: Vec::new(),
        calling: Calling::default(),
    };
    let own = [
        "obiettivo personale, minimo 88 %",
        "obiettivo personale, massimo 92 %",
    ];
    assert_eq!(labels(Some(&plan), VitalKind::SpO2), own);
    let slower = OwnLimits {
        amber_from: Some(1_200),
        ..OwnLimits::of(VitalKind::Pulse)
    };
    let plan = Plan {
        spo2: None,
        limits: vec![slower],
        ..plan
    };
    let pulse = labels(Some(&plan), VitalKind::Pulse);
    assert_eq!(pulse[1], "giallo ≥ 120\u{a0}/min", "{pulse:?}");
    assert_eq!(labels(Some(&plan), VitalKind::SpO2), spo2);
}

#[test]
fn questions_that_no_chart_asks_are_refused() {
    let good = TrendQuery {
        vital: "pulse".to_owned(),
        from: 0,
        to: 1,
        px: 800,
    };
    let check = |query: TrendQuery| query.check(PatientId::new(1)).err();
    assert_eq!(check(good.clone()), None);
    let table = [
        (
            TrendQuery {
                vital: "mood".to_owned(),
                ..good.clone()
            },
            TrendRefused::Vital,
        ),
        (
            TrendQuery {
                to: 0,
                ..good.clone()
            },
            TrendRefused::Range,
        ),
        (
            TrendQuery {
                from: i64::MIN,
                ..good.clone()
            },
            TrendRefused::Range,
        ),
        (
            TrendQuery {
                px: 0,
                ..good.clone()
            },
            TrendRefused::Pixels,
        ),
        (
            TrendQuery {
                px: 100_000,
                ..good
            },
            TrendRefused::Pixels,
        ),
    ];
    for (query, refusal) in table {
        assert_eq!(check(query), Some(refusal));
    }
}

proptest! {
    #[test]
    fn no_extreme_of_any_bucket_is_lost(
        values in proptest::collection::vec((0_i64..60, 0_i32..1_000, any::<bool>()), 1..300),
    ) {
        let mut dots: Vec<Dot> = values
            .iter()
            .zip(0_i64..)
            .map(|((at, steps, is_clean), place)| {
                let make = if *is_clean { dot } else { held };
                make(at * 60_000 + place, *steps)
            })
            .collect();
        dots.sort_by_key(|dot| dot.at);
        let minute = |dot: &Dot| (dot.at.0 - NOON) / 60_000;
        let buckets: Vec<Bucket> = dots
            .chunk_by(|one, next| minute(one) == minute(next))
            .map(|dots| bucket(minute(&dots[0]) * 60_000, dots))
            .collect();
        let points = points(VitalKind::SpO2, &trend(buckets.clone()));
        prop_assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        for bucket in buckets {
            for (outline, is_doubtful) in [(bucket.clean, false), (bucket.doubtful, true)] {
                let dots = outline.map(|it| [it.first, it.min, it.max, it.last]);
                for dot in dots.into_iter().flatten() {
                    let value = Some(in_unit(VitalKind::SpO2, dot.steps));
                    prop_assert!(points.contains(&Point(dot.at.0, value, is_doubtful)));
                }
            }
        }
    }
}
