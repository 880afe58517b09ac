//! The chunk format: round trips, frozen bytes, damage, and how many bytes a reading takes.

use proptest::prelude::*;

use super::*;

fn point(at_ms: i64, value: i32) -> Point {
    Point {
        at_ms,
        value,
        marks: 0,
    }
}

fn any_point() -> impl Strategy<Value = Point> {
    let time = prop_oneof![
        3 => 1_700_000_000_000..1_700_000_300_000_i64,
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)],
    ];
    let value = prop_oneof![3 => 850..1000_i32, 1 => any::<i32>()];
    let marks = prop_oneof![3 => Just(0_u32), 1 => any::<u32>()];
    (time, value, marks).prop_map(|(at_ms, value, marks)| Point {
        at_ms,
        value,
        marks,
    })
}

proptest! {
    #[test]
    fn any_points_come_back_in_stable_order_of_time(
        points in prop::collection::vec(any_point(), 0..400)
    ) {
        let mut expected = points.clone();
        expected.sort_by_key(|point| point.at_ms);
        prop_assert_eq!(decode(&encode(&points)), Ok(expected));
    }

    #[test]
    fn any_changed_byte_is_noticed(
        points in prop::collection::vec(any_point(), 1..100),
        place in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut bytes = encode(&points);
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn any_bytes_under_a_true_check_sum_are_decoded_or_refused(
        n in 0..500_usize, body in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        let mut bytes = vec![VERSION];
        put_varint(&mut bytes, widen(n));
        bytes.extend(check_sum(n, &body).to_le_bytes());
        bytes.extend(&body);
        if let Ok(points) = decode(&bytes) {
            prop_assert_eq!(points.len(), n);
        }
    }
}

#[test]
fn the_bytes_of_version_1_are_frozen() {
    let mut points: Vec<Point> = (0..6)
        .map(|i| {
            point(
                1_700_000_000_000 + i64::from(i) * 1000 + i64::from(i % 3),
                970 - 10 * i,
            )
        })
        .collect();
    points[5].at_ms += 3000;
    points[4].marks = 0x0003_0010;
    let bytes = encode(&points);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "0106870adb110068e5cf8b010000e9078301402b04ed05940f0a011f04000190800c0100"
    );
    assert_eq!(decode(&bytes), Ok(points));
}

#[test]
fn nothing_is_a_chunk_too() {
    assert_eq!(decode(&encode(&[])), Ok(Vec::new()));
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let mut bytes = encode(&[point(0, 1)]);
    bytes[0] = VERSION + 1;
    let refused = decode(&bytes).unwrap_err();
    assert_eq!(refused, ChunkError::Newer(2));
    assert!(refused.to_string().contains("update this program"));
}

#[test]
fn a_truncated_chunk_is_refused_at_every_length() {
    let bytes = encode(&[point(0, 1), point(1000, 2), point(2000, 3)]);
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "at {length}");
    }
}

/// A deterministic spread of numbers, good enough for jitter.
struct Scatter(u64);

impl Scatter {
    fn up_to(&mut self, bound: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound).cast_signed()
    }
}

#[test]
fn five_minutes_of_oximetry_take_about_one_byte_a_reading() {
    let mut scatter = Scatter(0x9e37_79b9_7f4a_7c15);
    let mut seconds = 0;
    let mut spo2 = 960_i64;
    let mut pulse = 720_i64;
    let mut oximetry = Vec::new();
    let mut heart = Vec::new();
    while oximetry.len() < 300 {
        // One second in fifty is lost, and arrival jitters by 40 ms.
        seconds += if scatter.up_to(50) == 0 { 2 } else { 1 };
        let at_ms = 1_700_000_000_000 + seconds * 1000 + scatter.up_to(40);
        spo2 = (spo2 + 10 * (scatter.up_to(3) - 1)).clamp(900, 1000);
        pulse = (pulse + 10 * (scatter.up_to(5) - 2)).clamp(500, 1200);
        let mut reading = point(at_ms, i32::try_from(spo2).unwrap());
        if (100..130).contains(&seconds) {
            reading.marks = 4;
        }
        oximetry.push(reading);
        heart.push(point(at_ms, i32::try_from(pulse).unwrap()));
    }
    for (name, points, bytes_max) in [("SpO2", &oximetry, 360), ("pulse", &heart, 400)] {
        let bytes = encode(points);
        let each = f64::from(u32::try_from(bytes.len()).unwrap()) / 300.0;
        println!("{name}: {} bytes, {each:.3} bytes a reading", bytes.len());
        assert!(
            bytes.len() <= bytes_max,
            "{name} takes {} bytes",
            bytes.len()
        );
        assert_eq!(decode(&bytes).as_ref(), Ok(points));
    }
}

#[test]
fn a_gap_costs_once() {
    let steady: Vec<Point> = (0..300).map(|i| point(i * 1000, 970)).collect();
    let mut gapped = steady.clone();
    for late in &mut gapped[150..] {
        late.at_ms += 40_000;
    }
    let extra = encode(&gapped).len() - encode(&steady).len();
    assert!(extra <= 6, "a gap took {extra} bytes more");
}
