//! Which device set each flag off: what must be taken back when the device was not its patient's.
//!
//! A flag names the records behind it and not their device, because the rules do not care. Whoever
//! corrects who had a device takes back what it set off meanwhile, and nothing else.
//!
//! Limits: [`FLAGS_MAX`] flags, the newest. An older one stays on the list until a person closes
//! it.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use veglia_triage::{FlagId, PatientId, Severity, Verdict};
use veglia_view::is_stand_in;
use veglia_wire::{DeviceId, WallMs};

/// Flags remembered: weeks of a large centre, some megabytes.
const FLAGS_MAX: usize = 20_000;

/// A flag and what set it off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    flag: FlagId,
    device: DeviceId,
    /// Since when it stands, by the time of measuring.
    since: WallMs,
    is_red: bool,
}

/// What set off the newest flags.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    of: HashMap<FlagId, Source>,
    order: VecDeque<FlagId>,
}

impl Sources {
    /// A device's reading has raised flags; the first that raised one is what set it off.
    pub(crate) fn note(&mut self, verdicts: &[Verdict], device: &DeviceId) {
        for verdict in verdicts {
            if let Verdict::Raise(flag) = verdict {
                self.keep(Source {
                    flag: flag.id.clone(),
                    device: device.clone(),
                    since: flag.since,
                    is_red: flag.severity == Severity::Red,
                });
            }
        }
    }

    fn keep(&mut self, source: Source) {
        if self.of.contains_key(&source.flag) {
            return;
        }
        if self.order.len() >= FLAGS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.of.remove(&oldest);
        }
        self.order.push_back(source.flag.clone());
        self.of.insert(source.flag.clone(), source);
    }

    /// The device that set a flag off.
    pub(crate) fn device(&self, flag: &FlagId) -> Option<&DeviceId> {
        self.of.get(flag).map(|source| &source.device)
    }

    /// The flags of a patient that a device set off in a time, the first first.
    pub(crate) fn by(
        &self,
        patient: PatientId,
        device: &DeviceId,
        is_then: impl Fn(WallMs) -> bool,
    ) -> Vec<FlagId> {
        let all = self.order.iter().filter_map(|flag| self.of.get(flag));
        let theirs = all.filter(|it| it.flag.patient == patient && it.device == *device);
        let then = theirs.filter(|it| is_then(it.since));
        then.map(|it| it.flag.clone()).collect()
    }

    /// Flags of whoever stood in for somebody that a device set off in a time, the first first.
    pub(crate) fn of_strangers(
        &self,
        device: &DeviceId,
        is_then: impl Fn(WallMs) -> bool,
    ) -> Vec<FlagId> {
        let all = self.order.iter().filter_map(|flag| self.of.get(flag));
        let theirs = all.filter(|it| is_stand_in(it.flag.patient) && it.device == *device);
        let then = theirs.filter(|it| is_then(it.since));
        then.map(|it| it.flag.clone()).collect()
    }

    /// Every flag of a patient that a device set off, the first first, and whether it is red.
    pub(crate) fn of(&self, patient: PatientId) -> impl Iterator<Item = (&FlagId, bool)> {
        let all = self.order.iter().filter_map(|flag| self.of.get(flag));
        let theirs = all.filter(move |it| it.flag.patient == patient);
        theirs.map(|it| (&it.flag, it.is_red))
    }

    /// All of it, to be remembered.
    pub(crate) fn saved(&self) -> Vec<Source> {
        let all = self.order.iter().filter_map(|flag| self.of.get(flag));
        all.cloned().collect()
    }

    /// What was remembered.
    pub(crate) fn remembered(saved: Vec<Source>) -> Self {
        let mut sources = Self::default();
        saved.into_iter().for_each(|source| sources.keep(source));
        sources
    }
}
