//! A reading as a line of InfluxDB's line protocol.
//!
//! ```text
//! vitals,device=nonin:501234,vital=spo2 value=97.6,quality=0i 1700000000123
//! vitals,device=node:7,site=skin,vital=temperature value=33.20,quality=1024i 1700000000123
//! ```
//! - `value` is in the unit of the vital sign, written from its integer steps, so that it is the
//!   decimal that was measured and never a rounding of it.
//! - `quality` are the bits of [`veglia_wire::Quality`]: a reading that is late, of uncertain time
//!   or an artefact is sent like any other, with what was said against it.
//! - The time is in milliseconds.
//! - Only temperatures that know where they were taken have the tag `site`. It is a tag because a
//!   tag is part of a point's identity: as a field, the skin would overwrite the ear.
//!
//! Everything but three numbers is the same in each line of a series; it is made once and kept.

use std::collections::HashMap;

use veglia_series::Sample;
use veglia_wire::{DeviceId, Site, VitalKind};

/// Devices whose prefixes are kept: a few for each of 100 000 patients, in about 60 MB. Beyond it
/// all are forgotten and made again as they come.
const MAX_DEVICES: usize = 300_000;

/// Bytes of a line, to reserve; most are shorter.
const USUAL_LINE: usize = 96;

/// Makes lines, remembering the beginnings of those made before.
#[derive(Debug, Default)]
pub struct Lines {
    prefixes: HashMap<DeviceId, Vec<Prefix>>,
}

/// What all lines of one series begin with.
#[derive(Debug)]
struct Prefix {
    vital: VitalKind,
    site: Site,
    bytes: Box<[u8]>,
}

impl Lines {
    /// Appends the line of a sample, with its line break.
    pub fn push(&mut self, sample: &Sample, out: &mut Vec<u8>) {
        out.reserve(USUAL_LINE);
        out.extend_from_slice(self.prefix(sample));
        push_decimal(out, sample.value, sample.vital.steps_per_unit());
        out.extend_from_slice(b",quality=");
        push_digits(out, u64::from(sample.quality.bits()), 1);
        out.extend_from_slice(b"i ");
        if sample.at.0 < 0 {
            out.push(b'-');
        }
        push_digits(out, sample.at.0.unsigned_abs(), 1);
        out.push(b'\n');
    }

    fn prefix(&mut self, sample: &Sample) -> &[u8] {
        if self.prefixes.len() >= MAX_DEVICES && !self.prefixes.contains_key(&sample.device) {
            self.prefixes.clear();
        }
        let known = self.prefixes.entry(sample.device.clone()).or_default();
        let is_same = |it: &Prefix| (it.vital, it.site) == (sample.vital, sample.site);
        let place = known.iter().position(is_same).unwrap_or_else(|| {
            known.push(Prefix {
                vital: sample.vital,
                site: sample.site,
                bytes: prefix(&sample.device, sample.vital, sample.site).into(),
            });
            known.len() - 1
        });
        &known[place].bytes
    }
}

fn prefix(device: &DeviceId, vital: VitalKind, site: Site) -> Vec<u8> {
    let mut out = b"vitals".to_vec();
    push_tag(&mut out, "device", device.as_str());
    if let Some(site) = site_name(site) {
        push_tag(&mut out, "site", site);
    }
    push_tag(&mut out, "vital", vital.name());
    out.extend_from_slice(b" value=");
    out
}

/// A tag. Commas, equals signs and spaces are escaped. Line breaks and backslashes cannot be said
/// in a tag in any way that every reader understands alike; an identifier holds neither, and of
/// the rest nothing needs escaping today: it is done so that a wider identifier cannot break out.
fn push_tag(out: &mut Vec<u8>, key: &str, value: &str) {
    out.push(b',');
    out.extend_from_slice(key.as_bytes());
    out.push(b'=');
    for byte in value.bytes() {
        if matches!(byte, b',' | b'=' | b' ') {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

/// `steps` in units of which `per_unit` (10 or 100) make one: as many places as steps have.
fn push_decimal(out: &mut Vec<u8>, steps: i32, per_unit: i32) {
    let (magnitude, per_unit) = (steps.unsigned_abs(), per_unit.unsigned_abs());
    if steps < 0 {
        out.push(b'-');
    }
    push_digits(out, u64::from(magnitude / per_unit), 1);
    out.push(b'.');
    let places = if per_unit == 10 { 1 } else { 2 };
    push_digits(out, u64::from(magnitude % per_unit), places);
}

/// The digits of a number, at least so many: the standard formatting takes several times as long.
fn push_digits(out: &mut Vec<u8>, number: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut rest = number;
    while rest > 0 || digits.len() - start < least {
        start -= 1;
        let [digit, ..] = (rest % 10).to_le_bytes();
        digits[start] = b'0' + digit;
        rest /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}

/// None when the device does not say.
fn site_name(site: Site) -> Option<&'static str> {
    Some(match site {
        Site::Unknown => return None,
        Site::Armpit => "armpit",
        Site::Body => "body",
        Site::Ear => "ear",
        Site::Finger => "finger",
        Site::GastroIntestinal => "gastro-intestinal",
        Site::Mouth => "mouth",
        Site::Rectum => "rectum",
        Site::Toe => "toe",
        Site::Tympanum => "tympanum",
        Site::Skin => "skin",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use veglia_wire::{Quality, WallMs};

    use super::*;

    fn line(sample: &Sample) -> String {
        let mut out = Vec::new();
        Lines::default().push(sample, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn sample(vital: VitalKind, value: i32) -> Sample {
        Sample {
            device: DeviceId::new("nonin:501234").unwrap(),
            vital,
            site: Site::Unknown,
            at: WallMs(1_700_000_000_123),
            value,
            quality: Quality::empty(),
        }
    }

    /// Splits at `at` where it is not escaped, and takes the escapes away.
    fn split(text: &str, at: char) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let last = parts.last_mut().unwrap();
            match letter {
                '\\' if letters.peek().is_some_and(|next| ",= ".contains(*next)) => {
                    last.push(letter);
                    last.extend(letters.next());
                }
                letter if letter == at => parts.push(String::new()),
                letter => last.push(letter),
            }
        }
        parts
    }

    fn plain(text: &str) -> String {
        text.replace("\\,", ",")
            .replace("\\=", "=")
            .replace("\\ ", " ")
    }

    #[test]
    fn lines_have_these_bytes() {
        assert_eq!(
            line(&sample(VitalKind::SpO2, 976)),
            "vitals,device=nonin:501234,vital=spo2 value=97.6,quality=0i 1700000000123\n"
        );
        let mut cold = sample(VitalKind::Temperature, -5);
        cold.site = Site::Skin;
        cold.quality = Quality::UNCALIBRATED | Quality::TIME_UNCERTAIN | Quality::ARTEFACT;
        cold.at = WallMs(-1);
        assert_eq!(
            line(&cold),
            "vitals,device=nonin:501234,site=skin,vital=temperature value=-0.05,quality=3076i -1\n"
        );
        assert!(line(&sample(VitalKind::Pulse, 0)).contains(" value=0.0,"));
        assert!(line(&sample(VitalKind::Temperature, 3760)).contains(" value=37.60,"));
    }

    #[test]
    fn an_identifier_cannot_hold_what_a_tag_cannot_say() {
        for bad in ["a\nb", "a\\b", "a,b", "a=b", "a b", "a\"b", ""] {
            assert!(DeviceId::new(bad).is_err(), "{bad:?}");
        }
    }

    prop_compose! {
        fn any_sample()(
            device in "[A-Za-z0-9_:.-]{1,64}",
            vital in prop::sample::select(VitalKind::ALL.to_vec()),
            site in prop::sample::select(Site::ALL.to_vec()),
            at in any::<i64>(),
            value in any::<i32>(),
            quality in any::<u16>(),
        ) -> Sample {
            Sample {
                device: DeviceId::new(&device).unwrap(),
                vital,
                site,
                at: WallMs(at),
                value,
                quality: Quality::from_bits_retain(quality),
            }
        }
    }

    proptest! {
        #[test]
        fn any_reading_says_its_own_value_time_and_flags(
            samples in prop::collection::vec(any_sample(), 1..8),
        ) {
            let (mut lines, mut out) = (Lines::default(), Vec::new());
            for sample in samples.iter().chain(&samples) {
                lines.push(sample, &mut out);
            }
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(text.lines().count(), samples.len() * 2);
            for (sample, line) in samples.iter().chain(&samples).zip(text.lines()) {
                let parts = split(line, ' ');
                let [head, fields, at] = &parts[..] else { panic!("{line}") };
                let mut tags = split(head, ',').into_iter();
                prop_assert_eq!(tags.next().unwrap(), "vitals");
                let device = format!("device={}", sample.device);
                prop_assert_eq!(tags.next(), Some(device));
                if let Some(site) = site_name(sample.site) {
                    prop_assert_eq!(tags.next(), Some(format!("site={site}")));
                }
                prop_assert_eq!(tags.next(), Some(format!("vital={}", sample.vital)));
                prop_assert_eq!(tags.next(), None);
                prop_assert_eq!(at.parse::<i64>().unwrap(), sample.at.0);
                let (value, quality) = fields.split_once(',').unwrap();
                prop_assert_eq!(quality, format!("quality={}i", sample.quality.bits()));
                let value = value.strip_prefix("value=").unwrap();
                let steps: i64 = value.replace('.', "").parse().unwrap();
                prop_assert_eq!(steps, i64::from(sample.value));
                let per_unit = f64::from(sample.vital.steps_per_unit());
                let meant = f64::from(sample.value) / per_unit;
                prop_assert_eq!(value.parse::<f64>().unwrap(), meant);
            }
        }

        #[test]
        fn no_tag_breaks_out_of_its_place(value in "[a-z,= èλ]{1,20}") {
            let mut line = b"vitals".to_vec();
            push_tag(&mut line, "device", &value);
            push_tag(&mut line, "vital", "pulse");
            line.extend_from_slice(b" value=1.0 1");
            let line = String::from_utf8(line).unwrap();
            let head = &split(&line, ' ')[0];
            let tags = split(head, ',');
            prop_assert_eq!(tags.len(), 3);
            let said = split(&tags[1], '=');
            prop_assert_eq!(said.len(), 2);
            prop_assert_eq!(plain(&said[1]), value);
        }
    }
}
