//! What a chart is told, what it is not, and that no extreme is lost.

use proptest::prelude::*;
use veglia_view::{Bucket, PlanVersion, Quality, Target};

use super::*;

const NOON: i64 = 1_605_956_400_000;

fn dot(at: i64, steps: i32) -> Dot {
    Dot {
        at: WallMs(NOON + at),
        steps,
        quality: Quality::empty(),
    }
}

fn bucket(from: i64, dots: &[Dot]) -> Bucket {
    Bucket {
        from: WallMs(NOON + from),
        n: u64::try_from(dots.len()).unwrap(),
        flagged: 0,
        first: dots[0],
        min: *dots.iter().min_by_key(|dot| (dot.steps, dot.at)).unwrap(),
        max: *dots.iter().max_by_key(|dot| dot.steps).unwrap(),
        last: *dots.last().unwrap(),
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
    let mut held = dot(30_000, 500);
    held.quality = Quality::HELD;
    let buckets = vec![
        bucket(0, &[dot(0, 970), held, dot(50_000, 965)]),
        bucket(1_200_000, &[dot(1_200_000, 950)]),
    ];
    let chart = chart(&ask(), &trend(buckets), Vec::new());
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
    assert_eq!(json["table"][1]["lowest"], "50\u{a0}% alle 12:00");
    assert_eq!(json["missing"], "");
}

#[test]
fn limits_are_those_of_the_rules_or_of_the_patient() {
    let rules = RuleSet::shipped();
    let labels = |plan: Option<&Plan>, vital| -> Vec<String> {
        let limits = limits(&rules, plan, vital);
        limits.into_iter().map(|limit| limit.label).collect()
    };
    // 93 and 94 % are a band of their own, of which no rule speaks yet: no line promises it.
    let spo2 = ["rosso ≤ 92\u{a0}%"];
    assert_eq!(labels(None, VitalKind::SpO2), spo2);
    let fever = ["giallo ≥ 38,1\u{a0}°C"];
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
    };
    let own = [
        "obiettivo personale, minimo 88 %",
        "obiettivo personale, massimo 92 %",
    ];
    assert_eq!(labels(Some(&plan), VitalKind::SpO2), own);
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
        values in proptest::collection::vec((0_i64..60, 0_i32..1_000), 1..300),
    ) {
        let mut dots: Vec<Dot> = values
            .iter()
            .zip(0_i64..)
            .map(|((at, steps), place)| dot(at * 60_000 + place, *steps))
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
            for dot in [bucket.first, bucket.min, bucket.max, bucket.last] {
                let point = Point(dot.at.0, Some(in_unit(VitalKind::SpO2, dot.steps)), false);
                prop_assert!(points.contains(&point));
            }
        }
    }
}
