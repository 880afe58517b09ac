//! Any history of pushes, checkpoints and crashes, compared with a plain list after each step.

// req: G6

use std::ops::Range;

use proptest::prelude::*;
use veglia_wire::{DeviceId, Quality, Site, VitalKind, WallMs};

use super::{MIDNIGHT_MS, open, open_tight};
use crate::chunk::Dot;
use crate::{Bucket, Outline, Sample, Series};

#[derive(Debug, Clone)]
enum Step {
    /// One journal entry.
    Entry(Vec<Sample>),
    Checkpoint,
    Settle,
    /// The process ends without a word and starts again from the journal.
    Crash,
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let time = prop_oneof![
        // Few distinct times: ties, late readings and full windows.
        6 => (0..40_i64).prop_map(|s| MIDNIGHT_MS + s * 20_000),
        3 => MIDNIGHT_MS..MIDNIGHT_MS + 3_600_000,
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX - 1), Just(-1), any::<i64>()],
    ];
    let vital = prop_oneof![3 => Just(VitalKind::SpO2), 1 => Just(VitalKind::Temperature)];
    let quality = prop_oneof![3 => Just(0_u16), 1 => 0..0x2000_u16];
    (
        0..3_u8,
        vital,
        0..11_u8,
        time,
        prop_oneof![900..910_i32, any::<i32>()],
        quality,
    )
        .prop_map(|(device, vital, site, at_ms, value, quality)| Sample {
            device: super::device(&format!("device-{device}")),
            vital,
            site: Site::from_code(site).unwrap(),
            at: WallMs(at_ms),
            value,
            quality: Quality::from_bits_retain(quality),
        })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(any_sample(), 1..60).prop_map(Step::Entry),
        4 => Just(Step::Checkpoint),
        2 => Just(Step::Settle),
        1 => Just(Step::Crash),
    ]
}

fn any_range() -> impl Strategy<Value = Range<WallMs>> {
    let end = prop_oneof![
        4 => -100_000..4_000_000_i64,
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
    ];
    let end = end.prop_map(|offset| WallMs(MIDNIGHT_MS.saturating_add(offset)));
    (end.clone(), end).prop_map(|(a, b)| a..b)
}

/// The series of one device as a list in stable order of time.
fn listed(journal: &[Vec<Sample>], device: &DeviceId, vital: VitalKind) -> Vec<Sample> {
    let all = journal.iter().flatten();
    let ours = all.filter(|sample| sample.device == *device && sample.vital == vital);
    let mut listed: Vec<Sample> = ours.cloned().collect();
    listed.sort_by_key(|sample| sample.at);
    listed
}

fn outline(samples: &[&Sample]) -> Option<Outline> {
    let dot = |sample: &Sample| Dot {
        at: sample.at,
        value: sample.value,
        quality: sample.quality,
    };
    let backwards = samples.iter().rev();
    Some(Outline {
        first: dot(samples.first()?),
        // Both prefer the earliest of equals.
        min: dot(samples.iter().min_by_key(|sample| sample.value)?),
        max: dot(backwards.max_by_key(|sample| sample.value)?),
        last: dot(samples.last()?),
    })
}

fn naive_curve(samples: &[Sample], range: &Range<WallMs>, bucket_ms: u64) -> Vec<Bucket> {
    let inside = samples.iter().filter(|sample| range.contains(&sample.at));
    let inside: Vec<&Sample> = inside.collect();
    let bucket_of = |sample: &Sample| {
        u64::try_from(i128::from(sample.at.0) - i128::from(range.start.0)).unwrap() / bucket_ms
    };
    let buckets = inside
        .chunk_by(|a, b| bucket_of(a) == bucket_of(b))
        .map(|samples| {
            let of = |is_clean: bool| -> Vec<&Sample> {
                let sort = samples.iter().copied();
                sort.filter(|sample| sample.quality.is_clean() == is_clean)
                    .collect()
            };
            let (clean, doubtful) = (of(true), of(false));
            let from = i128::from(range.start.0) + i128::from(bucket_of(samples[0]) * bucket_ms);
            Bucket {
                from: WallMs(i64::try_from(from).unwrap()),
                n: u64::try_from(samples.len()).unwrap(),
                flagged: u64::try_from(doubtful.len()).unwrap(),
                clean_sum: clean.iter().map(|sample| i64::from(sample.value)).sum(),
                clean: outline(&clean),
                doubtful: outline(&doubtful),
            }
        });
    buckets.collect()
}

async fn compare(
    series: &Series,
    journal: &[Vec<Sample>],
    range: &Range<WallMs>,
    buckets: u32,
    limit: usize,
) {
    for name in ["device-0", "device-1", "device-2", "never-seen"] {
        let device = super::device(name);
        for vital in [VitalKind::SpO2, VitalKind::Temperature] {
            let listed = listed(journal, &device, vital);
            let latest = series.latest(&device, vital).await.unwrap();
            assert_eq!(latest.as_ref(), listed.last());
            let inside = listed.iter().filter(|sample| range.contains(&sample.at));
            let inside: Vec<Sample> = inside.cloned().collect();
            let raw = series
                .raw(&device, vital, range.clone(), limit)
                .await
                .unwrap();
            assert_eq!(raw.samples, inside[..limit.min(inside.len())]);
            assert_eq!(raw.more, inside.len() > limit);
            assert_eq!(raw.damaged, []);
            let curve = series
                .m4(&device, vital, range.clone(), buckets)
                .await
                .unwrap();
            assert_eq!(curve.buckets, naive_curve(&listed, range, curve.bucket_ms));
            assert!(curve.buckets.len() <= usize::try_from(buckets).unwrap());
        }
    }
    let mut seen: Vec<DeviceId> = journal
        .iter()
        .flatten()
        .map(|sample| sample.device.clone())
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(series.devices(), seen);
}

async fn live(steps: Vec<Step>, tight: bool, range: Range<WallMs>, buckets: u32, limit: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let mut journal: Vec<Vec<Sample>> = Vec::new();
    let (mut series, mut writer) = if tight {
        open_tight(&path).await
    } else {
        open(&path).await
    };
    for step in steps {
        match step {
            Step::Entry(samples) => {
                for sample in &samples {
                    let _pressure = writer.push(sample);
                }
                journal.push(samples);
            }
            Step::Checkpoint => {
                writer
                    .checkpoint(u64::try_from(journal.len()).unwrap())
                    .await
                    .unwrap();
            }
            Step::Settle => writer.settle().await.unwrap(),
            Step::Crash => {
                drop(writer);
                series.database().close().await.unwrap();
                (series, writer) = if tight {
                    open_tight(&path).await
                } else {
                    open(&path).await
                };
                let resume = usize::try_from(writer.resume_from()).unwrap();
                compare(&series, &journal[..resume], &range, buckets, limit).await;
                for sample in journal[resume..].iter().flatten() {
                    let _pressure = writer.push(sample);
                }
            }
        }
        compare(&series, &journal, &range, buckets, limit).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_history_reads_like_a_plain_list(
        steps in prop::collection::vec(any_step(), 1..16),
        tight in any::<bool>(),
        range in any_range(),
        buckets in prop_oneof![1..60_u32, Just(crate::BUCKETS_MAX)],
        limit in 0..120_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(live(steps, tight, range, buckets, limit));
    }
}
