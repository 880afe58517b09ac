//! How often people are called: alerts of a patient-day, by the rules as they are and by the same
//! rules with nobody asked to measure again. Tables in Markdown, for `docs/clinical-rules.md`.
//!
//! A scenario of the demonstration is lived through from its beginning for a day, in some homes, at
//! two paces: a value a minute, which is the demonstration's usual speed, and a value a second. A
//! recording is taken a row a minute. Alerts are clinical ones; silence needs a plan and is left
//! out. Who is asked to measure again does, with the next value.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use veglia_codecs::Observation as Said;
use veglia_diary::Told;
use veglia_homes::{Home, Life, Scenario};
use veglia_triage::{
    FlagId, Input, Observation, PatientId, PatientState, RuleSet, Seen, Severity, Source, Standing,
    Verdict, step,
};
use veglia_wire::{DeviceId, Epoch, Quality, RecordId, Sequence, Site, Vital, VitalKind, WallMs};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// In how many homes a scenario is lived through at each pace, since people differ in what is usual
/// for them.
const PACES: [(&str, i64, usize); 2] = [("minute", MINUTE_MS, 10), ("second", SECOND_MS, 1)];

/// The days are the same whenever the command is called.
const SEED: u64 = 1;

/// 20 October 2020, 08:00 in Milano.
const BEGIN: WallMs = WallMs(1_603_173_600_000);

/// What was said of some patients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    /// Clinical alerts, confirmed or not.
    alerts: u32,
    /// Those that called a person.
    called: u32,
    /// Those that no person has to close: refuted, or over and no confirmed red.
    alone: u32,
    watched_minutes: u32,
}

/// The tables that were asked for.
pub(super) fn tables(scenarios: bool, recordings: &[PathBuf], rules: &RuleSet) -> Result<String> {
    let unasked = rules.without_repeats();
    let mut text = String::new();
    if scenarios {
        for (title, every_ms, homes) in PACES {
            let each = Scenario::shipped().into_iter().map(|scenario| {
                let scenario = Arc::new(scenario);
                let tallies = [rules, &unasked].map(|it| lived(&scenario, every_ms, homes, it));
                (scenario.name().to_owned(), tallies)
            });
            text.push_str(&table(&format!("A value a {title}"), each));
        }
    }
    let mut rows = Vec::new();
    for path in recordings {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let tallies = [recorded(path, rules)?, recorded(path, &unasked)?];
        rows.push((name.into_owned(), tallies));
    }
    if !rows.is_empty() {
        text.push_str(&table("Recorded, a value a minute", rows.into_iter()));
    }
    Ok(text)
}

fn table(title: &str, rows: impl Iterator<Item = (String, [Tally; 2])>) -> String {
    let mut text = format!(
        "{title}\n\n| | patient-days | alerts | confirmed | ended by themselves | alerts, nobody \
         asked | ended by themselves |\n|---|---|---|---|---|---|---|\n"
    );
    for (name, [asked, unasked]) in rows {
        text.push_str(&format!(
            "| {name} | {:.1} | {} | {} | {} | {} | {} |\n",
            asked.days(),
            asked.a_day(),
            asked.share(asked.called),
            asked.share(asked.alone),
            unasked.a_day(),
            unasked.share(unasked.alone),
        ));
    }
    text.push('\n');
    text
}

impl Tally {
    fn days(self) -> f64 {
        f64::from(self.watched_minutes) * 60_000.0 / 86_400_000.0
    }

    /// Alerts of a patient-day.
    fn a_day(self) -> String {
        format!(
            "{:.2}",
            f64::from(self.alerts) / self.days().max(f64::EPSILON)
        )
    }

    fn share(self, of: u32) -> String {
        match self.alerts {
            0 => "–".to_owned(),
            alerts => format!("{:.0} %", 100.0 * f64::from(of) / f64::from(alerts)),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            alerts: self.alerts + other.alerts,
            called: self.called + other.called,
            alone: self.alone + other.alone,
            watched_minutes: self.watched_minutes + other.watched_minutes,
        }
    }
}

/// A day of a scenario, in each of its homes.
fn lived(scenario: &Arc<Scenario>, every_ms: i64, homes: usize, rules: &RuleSet) -> Tally {
    let homes = (1..=homes).map(|number| Home::living(number, Arc::clone(scenario), SEED));
    let tallies = homes.map(|home| {
        let mut life = Life::new(&home, SEED);
        let mut watch = Watch::new(rules);
        let mut waiting = Vec::new();
        for passed_ms in (0..DAY_MS).step_by(usize::try_from(every_ms).unwrap_or(usize::MAX)) {
            let now = BEGIN.plus_ms(passed_ms);
            let heard = life.turn(passed_ms).into_iter();
            waiting.extend(heard.map(|(device, said)| (now, device, said)));
            if !life.is_offline(passed_ms) {
                for (at, device, said) in waiting.drain(..) {
                    if let Some(seen) = seen(said)
                        && watch.hear(&device, at, now, seen)
                    {
                        life.measure(&device);
                    }
                }
            }
            watch.wait(now);
        }
        watch.tally(DAY_MS)
    });
    tallies.fold(Tally::default(), Tally::and)
}

fn seen(said: Said) -> Option<Seen> {
    match said {
        Said::Reading(vital, quality) => Some(Seen::Vital(vital, quality)),
        Said::Contact(sensor, contact) => Some(Seen::Contact(sensor, contact)),
        _ => None,
    }
}

/// A recording, from its first minute to its last.
fn recorded(path: &Path, rules: &RuleSet) -> Result<Tally> {
    let wrong = || format!("in the recording {}", path.display());
    let text = fs::read_to_string(path).with_context(wrong)?;
    let recording = veglia_homes::Replay::read(&text).with_context(wrong)?;
    let device = DeviceId::new("recording")?;
    let mut watch = Watch::new(rules);
    let mut last_ms = 0;
    for row in recording.rows() {
        last_ms = i64::from(row.minute) * MINUTE_MS;
        let now = BEGIN.plus_ms(last_ms);
        watch.wait(now);
        let values = [
            (VitalKind::SpO2, row.spo2_tenths.map(i32::from)),
            (VitalKind::Pulse, row.pulse_tenths.map(i32::from)),
            (
                VitalKind::Temperature,
                row.celsius_hundredths.map(i32::from),
            ),
        ];
        for (kind, steps) in values {
            let Some(steps) = steps else { continue };
            let vital = Vital::from_steps(kind, steps, Site::Body).with_context(wrong)?;
            watch.hear(&device, now, now, Seen::Vital(vital, Quality::empty()));
        }
    }
    Ok(watch.tally(last_ms))
}

/// A patient, the rules, and what they said.
struct Watch<'a> {
    rules: &'a RuleSet,
    state: PatientState,
    records: u64,
    told: BTreeMap<FlagId, Told>,
}

impl<'a> Watch<'a> {
    fn new(rules: &'a RuleSet) -> Self {
        Self {
            rules,
            state: PatientState::new(PatientId::new(1)),
            records: 0,
            told: BTreeMap::new(),
        }
    }

    /// Whether the home is asked to measure again.
    fn hear(&mut self, device: &DeviceId, at: WallMs, received: WallMs, seen: Seen) -> bool {
        let sequence = Sequence::FIRST.plus(self.records);
        self.records += 1;
        let observation = Observation {
            id: RecordId {
                epoch: Epoch(1),
                sequence,
            },
            device: device.clone(),
            source: Source::Device,
            at,
            received,
            seen,
        };
        self.step(Input::Observation(&observation), received)
    }

    /// Lets a deadline pass that has come.
    fn wait(&mut self, now: WallMs) {
        let is_due = |deadline: WallMs| deadline <= now;
        if self.state.next_deadline().is_some_and(is_due) {
            self.step(Input::Tick, now);
        }
    }

    fn step(&mut self, input: Input<'_>, now: WallMs) -> bool {
        let mut is_asked = false;
        for verdict in step(self.rules, &mut self.state, input, now) {
            if let Verdict::Raise(flag) = &verdict {
                is_asked |= matches!(flag.standing, Standing::Unconfirmed { .. });
            }
            let id = verdict.id().clone();
            let told = Told::after(self.told.remove(&id), verdict, now);
            let told = told.expect("triage raises a flag before it says anything else of it");
            self.told.insert(id, told);
        }
        is_asked
    }

    fn tally(&self, watched_ms: i64) -> Tally {
        let mut tally = Tally {
            watched_minutes: u32::try_from(watched_ms / MINUTE_MS).unwrap_or(0),
            ..Tally::default()
        };
        let clinical = |told: &&Told| told.stands() && told.flag.severity > Severity::Technical;
        for told in self.told.values().filter(clinical) {
            let is_called = told.flag.standing.is_confirmed();
            let is_for_a_person = is_called && told.flag.severity == Severity::Red;
            tally.alerts += 1;
            tally.called += u32::from(is_called);
            tally.alone += u32::from(told.ended.is_some() && !is_for_a_person);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_day_of(name: &str, rules: &RuleSet) -> Tally {
        lived(
            &Arc::new(Scenario::named(name).unwrap()),
            MINUTE_MS,
            10,
            rules,
        )
    }

    #[test]
    fn nobody_is_called_for_who_is_well_and_somebody_for_who_is_not() {
        let rules = RuleSet::shipped();
        let stable = a_day_of("stable", &rules);
        assert_eq!((stable.called, stable.watched_minutes), (0, 14_400));
        let ill = a_day_of("sudden-desaturation", &rules);
        assert!(ill.called >= 10, "{ill:?}");
        assert_eq!(ill, a_day_of("sudden-desaturation", &rules));
    }

    #[test]
    fn without_a_second_measurement_every_alert_calls_somebody() {
        let rules = RuleSet::shipped().without_repeats();
        let ill = a_day_of("slow-worsening", &rules);
        assert!(ill.alerts > 0);
        assert_eq!(ill.called, ill.alerts);
    }
}
