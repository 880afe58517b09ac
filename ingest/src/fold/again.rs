//! Second measurements: what the rules wait for, and whether this home can be asked for it.
//!
//! A value that comes late, from a device that another patient wears by now, asks nobody; neither
//! does one that a person typed, or one of a patient who is not at home. Of a device that nobody
//! has alone a second measurement is asked for once until its time is over, whoever it is thought
//! to be of: the one that comes would otherwise ask for a third.

use veglia_triage::{PatientId, Severity, Source, Standing, Verdict, Whereabouts};
use veglia_wire::{VitalKind, WallMs};

use super::{Arrived, Fold, Told, measured, source};
use crate::repeats::Wish;

impl Fold {
    /// Has the home asked for the second measurements that verdicts on a record wait for.
    pub(super) fn ask_again(
        &mut self,
        verdicts: &[Verdict],
        patient: PatientId,
        arrived: &Arrived,
        now: WallMs,
        told: &mut Told,
    ) {
        let Some(device) = &arrived.record.device else {
            return;
        };
        let measured = measured(&arrived.record);
        let awaited = verdicts.iter().filter_map(|it| awaited(it, measured));
        let awaited: Vec<(&Verdict, VitalKind, WallMs)> = awaited.collect();
        if awaited.is_empty() || !self.is_at_hand(patient, arrived, now) {
            return;
        }
        let worn_by = self.wearer(device, now);
        for (verdict, vital, repeat_by) in awaited {
            if worn_by.is_some() || self.waiting.ask(device, now, repeat_by) {
                told.wishes.push(Wish {
                    flag: verdict.id().clone(),
                    repeat_by,
                    vital,
                    device: device.clone(),
                    worn_by,
                    gateway: arrived.gateway.clone(),
                });
            }
        }
    }

    /// Whether a patient is where the device is that measured.
    fn is_at_hand(&self, patient: PatientId, arrived: &Arrived, now: WallMs) -> bool {
        let device = arrived.record.device.as_ref();
        let device = device.filter(|device| source(device) == Source::Device);
        let known = self.patients.get(&patient);
        let is_at_home = known.is_some_and(|it| it.state.whereabouts(now) == Whereabouts::AtHome);
        is_at_home && device.is_some_and(|device| self.wears(device, patient, now))
    }
}

/// The second measurement that a verdict waits for, and until when, if the device that measured
/// what was judged can give it.
fn awaited(
    verdict: &Verdict,
    measured: Option<VitalKind>,
) -> Option<(&Verdict, VitalKind, WallMs)> {
    let Verdict::Raise(flag) = verdict else {
        return None;
    };
    let Standing::Unconfirmed { repeat_by } = flag.standing else {
        return None;
    };
    // Silence is no measurement to be repeated, and an answer is no measurement at all. Of a score
    // it is the value that set it off, if this device can measure that.
    let is_clinical = flag.severity != Severity::Technical;
    let vital = flag.repeats().filter(|_| is_clinical)?;
    let is_measured = flag.about.vital().is_some() || measured == Some(vital);
    is_measured.then_some((verdict, vital, repeat_by))
}
