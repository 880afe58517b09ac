//! A patient's days: ticks as the watch gives them, signs of the box, words on the telephone, and
//! where the patient is.

use veglia_triage::{
    Input, Observation, PatientStanding, Presence, Seen, Sign, Source, Verdict, Whereabouts,
};
use veglia_wire::{Answer, AnswerCode, DeviceId, VitalKind};

use super::{Home, PATIENT, daily, minute, plan, record, words};

const DAY: i64 = 24 * 60;

impl Home {
    /// A tick as the watch gives it: to a patient whose next deadline has passed.
    pub(crate) fn live(&mut self, minutes: i64) -> Vec<Verdict> {
        let due = self.state.next_deadline();
        if due.is_some_and(|due| due <= minute(minutes)) {
            return self.tick(minutes);
        }
        Vec::new()
    }

    /// The patient is somewhere from a moment on.
    pub(crate) fn go(&mut self, number: i64, from: i64, whereabouts: Whereabouts) -> Vec<Verdict> {
        let standing = PatientStanding {
            patient: PATIENT,
            number,
            from: minute(from),
            whereabouts,
        };
        self.give(Input::Standing(&standing), minute(from))
    }

    /// The box says that it is alive.
    pub(crate) fn beat(&mut self, number: u64, minutes: i64) {
        let presence = Presence {
            id: record(number),
            at: minute(minutes),
            received: minute(minutes),
            sign: Sign::Gateway,
        };
        self.give(Input::Presence(&presence), minute(minutes));
    }

    /// An answer on the telephone, and what is said of it.
    pub(crate) fn told_symptom(
        &mut self,
        number: u64,
        minutes: i64,
        code: AnswerCode,
        value: i32,
    ) -> Vec<String> {
        words(&self.observe(&Observation {
            id: record(number),
            device: DeviceId::new("hand:1").expect("a device id"),
            source: Source::ByPhone,
            at: minute(minutes),
            received: minute(minutes),
            seen: Seen::Answer(Answer { code, value }),
        }))
    }
}

/// SpO2 at 08:00 and 20:00, grace two hours; measured the evening before.
pub(crate) fn twice_a_day() -> Home {
    let mut home = Home::new();
    let parameters = vec![daily(VitalKind::SpO2, &["08:00", "20:00"], 120)];
    home.plan(&plan(1, minute(-2 * DAY), parameters));
    home.spo2(-DAY / 2, 97);
    home
}

/// Measured and heard the evening before, and never since.
pub(crate) fn off_line() -> Home {
    let mut home = twice_a_day();
    home.beat(5_000, -DAY / 2);
    home.beat(5_001, -DAY / 2 + 1);
    home
}
