//! A patient who measures and says how it is, and what people do about it.

use veglia_diary::{
    Alert, Callee, PageId, PageWhy, alerts_since, close, open_flags, pages_since, record_verdicts,
    remade, take_charge, tick,
};
use veglia_store::Database;
use veglia_triage::{
    FlagId, Input, Observation, PatientState, RuleSet, Seen, Source, Verdict, step,
};
use veglia_wire::{Answer, AnswerCode, Epoch, Quality, RecordId, Sequence, Site, Vital, VitalKind};

use super::{ANNA, PATIENT, TRIAGE, device, minute};

/// 10:00 in Milano, in the minutes of `support`: family doctors are reached.
pub(crate) const TEN: i64 = 120;
/// 02:00 of the next night: they are not.
pub(crate) const TWO: i64 = 18 * 60;

/// A patient who measures, and says how it is.
pub(crate) struct Person {
    pub(crate) rules: RuleSet,
    pub(crate) state: PatientState,
    count: u64,
}

impl Person {
    pub(crate) fn new() -> Self {
        Self {
            rules: RuleSet::shipped(),
            state: PatientState::new(PATIENT),
            count: 0,
        }
    }

    pub(crate) fn see(&mut self, at: i64, source: Source, seen: Seen) -> Vec<Verdict> {
        self.count += 1;
        let observation = Observation {
            id: RecordId {
                epoch: Epoch(7),
                sequence: Sequence::new(self.count).expect("counted from 1"),
            },
            device: device("nonin:501234"),
            source,
            at: minute(at),
            received: minute(at),
            seen,
        };
        step(
            &self.rules,
            &mut self.state,
            Input::Observation(&observation),
            minute(at),
        )
    }

    pub(crate) fn vital(
        &mut self,
        at: i64,
        kind: VitalKind,
        units: i32,
        quality: Quality,
    ) -> Vec<Verdict> {
        let steps = units * kind.steps_per_unit();
        let vital = Vital::from_steps(kind, steps, Site::Unknown).expect("a possible value");
        self.see(at, Source::Device, Seen::Vital(vital, quality))
    }

    pub(crate) fn spo2(&mut self, at: i64, percent: i32) -> Vec<Verdict> {
        self.vital(at, VitalKind::SpO2, percent, Quality::empty())
    }

    pub(crate) fn says(&mut self, at: i64, code: AnswerCode, value: i32) -> Vec<Verdict> {
        self.see(at, Source::ByPhone, Seen::Answer(Answer { code, value }))
    }

    pub(crate) fn tick(&mut self, at: i64) -> Vec<Verdict> {
        step(&self.rules, &mut self.state, Input::Tick, minute(at))
    }
}

pub(crate) async fn record(diary: &Database, verdicts: &[Verdict], at: i64) {
    record_verdicts(diary, &TRIAGE, verdicts, minute(at))
        .await
        .expect("recording");
}

/// A tick each minute, for the rules and for the alerts.
pub(crate) async fn live(
    diary: &Database,
    person: &mut Person,
    minutes: std::ops::RangeInclusive<i64>,
) {
    for now in minutes {
        let said = person.tick(now);
        record(diary, &said, now).await;
        tick(diary, &TRIAGE, minute(now)).await.expect("a tick");
    }
}

/// Whom pages called, by the minute.
pub(crate) async fn called(diary: &Database) -> Vec<(i64, Callee, PageWhy)> {
    let pages = pages_since(diary, &TRIAGE, PageId(0), 500)
        .await
        .expect("the diary");
    let said = pages.into_iter();
    said.map(|page| (page.at.since(minute(0)) / 60_000, page.callee, page.why))
        .collect()
}

/// The open alerts; each is what its events make of it.
pub(crate) async fn alerts(diary: &Database) -> Vec<Alert> {
    let (alerts, _) = alerts_since(diary, &TRIAGE, None).await.expect("the diary");
    for alert in &alerts {
        let again = remade(diary, &TRIAGE, alert.id).await.expect("the diary");
        assert_eq!(again.as_ref(), Some(&alert.state), "made of its events");
    }
    alerts
}

pub(crate) async fn listed(diary: &Database) -> Vec<(FlagId, u32)> {
    let open = open_flags(diary, &TRIAGE)
        .await
        .expect("the diary")
        .into_iter();
    open.map(|it| (it.flag.id, it.flag.telling)).collect()
}

/// ANNA takes charge of what stands first; its flag.
pub(crate) async fn taken(diary: &Database, at: i64) -> FlagId {
    let flag = listed(diary).await.remove(0).0;
    let taken = take_charge(diary, &ANNA, &flag, minute(at)).await;
    taken.expect("nobody else has it");
    flag
}

pub(crate) async fn close_all(diary: &Database, at: i64) {
    for (flag, telling) in listed(diary).await {
        close(
            diary,
            &ANNA,
            &flag,
            telling,
            "Richiamato, sta bene.",
            minute(at),
        )
        .await
        .expect("the diary");
    }
}

/// The newest page to a function.
pub(crate) async fn page_of(diary: &Database, callee: Callee) -> PageId {
    let pages = pages_since(diary, &TRIAGE, PageId(0), 500)
        .await
        .expect("the diary");
    let mut pages = pages.into_iter().filter(|page| page.callee == callee);
    pages.next_back().expect("somebody was called").id
}
