//! The flags of a demonstration, held against what was expected, spoken and written down.
//!
//! Four witnesses that know nothing of each other: the scenario says which rules, the simulator's
//! log which values, ingest's journal which records, the diary which flags.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use veglia_diary::{OpenFlag, flags_raised, probe};
use veglia_homes::Home;
use veglia_ingest::entry::Entry;
use veglia_journal::{HostFilesystem, Item, Journal, JournalReader, Options, SegmentedLog};
use veglia_store::{Actor, Database, Purpose};
use veglia_triage::{About, Evidence, Severity, Trigger, Why};
use veglia_wire::{Body, DeviceId, Quality, RecordId, UpFrame, VitalKind, WallMs};

use crate::demo::{Demo, Values, block_on};

/// After a last reading, by the plan of every demonstration: when the next is expected.
const EXPECTED_MS: i64 = 15 * 60_000;
/// And how long after that silence is told.
const GRACE_MS: i64 = 10 * 60_000;

/// Read at once.
const READ_BYTES: usize = 1024 * 1024;

/// A reading as the journal has it.
#[derive(Debug)]
pub(crate) struct Kept {
    device: DeviceId,
    vital: VitalKind,
    steps: i32,
    quality: Quality,
    at: WallMs,
}

/// Every reading of the journal by the name of its record; names grow in order of sending.
pub(crate) type Journalled = BTreeMap<RecordId, Kept>;

/// What a demonstration that has ended left behind.
pub(crate) struct Left {
    pub(crate) journal: Journalled,
    /// Each flag with its home.
    flags: Vec<(String, OpenFlag)>,
}

impl Left {
    pub(crate) fn read(demo: &Demo) -> Self {
        let residents = residents(demo);
        let home = |flag: OpenFlag| {
            let patient = flag.flag.id.patient.to_string();
            (residents[&patient].clone(), flag)
        };
        Self {
            journal: journalled(demo),
            flags: raised(demo).into_iter().map(home).collect(),
        }
    }

    /// Each home raises what its scenario expects and nothing else, on grounds that hold.
    pub(crate) fn is_as_expected(&self, homes: &[Home]) {
        for home in homes {
            let scenario = home.scenario().expect("every home has a story");
            let title = format!("{} ({})", home.name, scenario.name());
            let flags = self.flags.iter().filter(|(of, _)| *of == home.name);
            let flags: Vec<&OpenFlag> = flags.map(|(_, flag)| flag).collect();
            let rules = |flag: &&OpenFlag| flag.flag.id.rule.to_string();
            let raised: BTreeSet<String> = flags.iter().map(rules).collect();
            let expected: BTreeSet<String> = scenario.expect().iter().cloned().collect();
            let allowed: BTreeSet<String> = scenario.may().iter().cloned().collect();
            let besides: BTreeSet<&String> = raised.difference(&expected).collect();
            assert!(expected.is_subset(&raised), "{title}: {flags:#?}");
            assert!(
                besides.iter().all(|rule| allowed.contains(*rule)),
                "{title}: {besides:?}: {flags:#?}"
            );
            for rule in &expected {
                let mut ours = flags.iter().filter(|flag| rules(flag) == *rule);
                let is_confirmed = |flag: &&OpenFlag| flag.flag.standing.is_confirmed();
                assert!(ours.any(is_confirmed), "{title}: {rule} is never confirmed");
            }
            for flag in flags {
                assert!(self.is_grounded(home, flag), "{title}: {flag:#?}");
            }
        }
    }

    /// Whether a flag's grounds are readings of this home that the rule means, or their absence.
    fn is_grounded(&self, home: &Home, flag: &OpenFlag) -> bool {
        let flag = &flag.flag;
        let is_ours = |device: &DeviceId| home.devices.iter().any(|ours| ours.id == *device);
        match flag.id.trigger {
            Trigger::Record(first) => {
                let is_true = |evidence: &Evidence| {
                    let kept = &self.journal[&evidence.id];
                    let (vital, steps) = evidence.value().expect("a reading");
                    is_ours(&kept.device)
                        && (kept.vital, kept.steps, kept.at) == (vital, steps, evidence.at)
                        && kept.quality.is_clean()
                        && means(flag.id.rule.as_str(), evidence)
                };
                flag.severity > Severity::Technical
                    && match flag.about {
                        // Confirmed, a score rests on the values that bore it out.
                        About::Score(_) => is_ours(&self.journal[&first].device),
                        _ => flag.evidence.first().is_some_and(|it| it.id == first),
                    }
                    && flag.evidence.iter().all(is_true)
            }
            Trigger::HomeSilentSince(_) => false,
            Trigger::SilentSince(vital, since) => {
                let ours = self.journal.values();
                let ours = ours.filter(|kept| kept.vital == vital && is_ours(&kept.device));
                let deadline = since.plus_ms(GRACE_MS);
                let before = ours.map(|kept| kept.at).filter(|at| *at < deadline).max();
                flag.severity == Severity::Technical
                    && flag.evidence.is_empty()
                    && before.map(|last| last.plus_ms(EXPECTED_MS)) == Some(since)
            }
        }
    }

    /// What a replay of the journal must say, by the diary.
    pub(crate) fn standing(&self) -> BTreeMap<String, Value> {
        let stands = |flag: &&OpenFlag| !matches!(flag.ended, Some((Why::ExplainedByLateData, _)));
        let flags = self.flags.iter().map(|(_, flag)| flag).filter(stands);
        flags
            .map(|flag| (flag.flag.id.to_string(), line(flag)))
            .collect()
    }

    /// The values of the journal, in order of sending. What the probe of the alarm path says is
    /// nobody's.
    pub(crate) fn values(&self) -> Values {
        let mut values = Values::new();
        let kept = self.journal.values();
        for kept in kept.filter(|it| it.device.as_str() != probe::DEVICE) {
            let key = (kept.device.to_string(), kept.vital);
            values.entry(key).or_default().push(kept.steps);
        }
        values
    }
}

/// The limits as the clinical documents have them, written a second time.
fn means(rule: &str, evidence: &Evidence) -> bool {
    let (vital, steps) = evidence.value().expect("a reading");
    match (rule, vital) {
        // Whole percents, rounded down: 92 or less, 94 or less.
        ("spo2-red", VitalKind::SpO2) => steps < 930,
        ("spo2-amber", VitalKind::SpO2) => steps < 950,
        // Whole beats, rounded: 111 or more.
        ("pulse-fast", VitalKind::Pulse) => steps >= 1_105,
        // Tenths of a degree, rounded: above 38.0.
        ("fever", VitalKind::Temperature) => steps >= 3_805,
        // Above 39.0.
        ("fever-high", VitalKind::Temperature) => steps >= 3_905,
        // NEWS2 gives points to 95 or less, to 91 beats or more, to 38.1 degrees or more.
        ("news2-medium", VitalKind::SpO2) => steps < 960,
        ("news2-medium", VitalKind::Pulse) => steps >= 905,
        ("news2-medium", VitalKind::Temperature) => steps >= 3_805,
        _ => false,
    }
}

fn line(open: &OpenFlag) -> Value {
    let flag = &open.flag;
    json!({
        "flag": flag.id,
        "severity": flag.severity,
        "about": flag.about,
        "since": flag.since,
        "standing": flag.standing,
        "ended": open.ended.map(|(why, at)| json!({ "why": why, "at": at })),
        "late": flag.late,
        "evidence": flag.evidence,
    })
}

/// What `veglia replay` says of a demonstration that does not run.
pub(crate) fn replayed(demo: &Demo, more: &[&str]) -> BTreeMap<String, Value> {
    let output = demo.veglia("replay").args(more).output();
    let output = output.expect("the program can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    let lines = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("each line is JSON");
        (line["flag"].as_str().expect("a name").to_owned(), line)
    });
    lines.collect()
}

/// Homes by their patients; of two, the second is saved with a number.
pub(crate) fn residents(demo: &Demo) -> BTreeMap<String, String> {
    let saved = fs::read_to_string(demo.path("data/demo.json")).expect("it saves what it knows");
    let saved: Value = serde_json::from_str(&saved).expect("what is saved is JSON");
    let patients = saved["patients"]
        .as_object()
        .expect("a patient for each home");
    let text = |value: &Value| value.as_str().expect("a patient's name").to_owned();
    patients
        .iter()
        .map(|(name, patient)| {
            let home = name.split(' ').next().unwrap_or(name);
            (text(patient), home.to_owned())
        })
        .collect()
}

fn raised(demo: &Demo) -> Vec<OpenFlag> {
    block_on(async {
        let path = demo.path("data/record.db");
        let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]).await;
        let record = record.expect("record.db can be opened");
        let all = flags_raised(&record, &Actor::System("test"), WallMs(i64::MIN)).await;
        all.expect("the diary can be read")
    })
}

fn journalled(demo: &Demo) -> Journalled {
    let path = demo.path("data/ingest/journal");
    let (journal, _) = SegmentedLog::open(HostFilesystem, &path, Options::default())
        .expect("the journal can be opened");
    let mut all = Journalled::new();
    let (mut reader, mut next) = (journal.reader(), journal.oldest());
    while next < journal.next() {
        for item in reader.read(next, READ_BYTES).expect("it can be read") {
            let Item::Entry(entry) = item else {
                panic!("a demonstration damages nothing: {item:?}")
            };
            next = entry.position.next();
            take(&mut all, &Entry::decode(&entry.bytes).expect("an entry"));
        }
    }
    all
}

fn take(all: &mut Journalled, entry: &Entry) {
    let Entry::Frame { skip, bytes, .. } = entry else {
        return;
    };
    let frame = UpFrame::decode(bytes).expect("what is in the journal is whole");
    for (id, record) in frame.into_numbered().skip(usize::from(*skip)) {
        let (Body::Reading(vital, quality), Some(device)) = (record.body, record.device) else {
            continue;
        };
        let kept = Kept {
            device,
            vital: vital.kind(),
            steps: vital.steps(),
            quality,
            at: record.when.wall.expect("a box with a clock gives the time"),
        };
        let twice = all.insert(id, kept);
        assert!(twice.is_none(), "{id} is in the journal twice");
    }
}
