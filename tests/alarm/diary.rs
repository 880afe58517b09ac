//! What the record says, read beside the processes that write it: what was said of a patient, and
//! who was to be called.

use tokio::runtime::Runtime;
use veglia_diary::{Callee, LINES_MAX, Line, PageWhy, Paged, Written, diary_of};
use veglia_store::{Actor, Database, Purpose};
use veglia_triage::{How, PatientId, Standing, Trigger, Verdict};
use veglia_wire::{VitalKind, WallMs};

use crate::centre::Centre;
use crate::process::wait_until;

const ACTOR: Actor = Actor::System("test");

/// The record, open.
pub(crate) struct Diary {
    runtime: Runtime,
    record: Database,
}

/// Something that was said, and when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) at: WallMs,
    pub(crate) verdict: Verdict,
}

impl Diary {
    /// Opens the record of a centre that has run.
    pub(crate) fn open(centre: &Centre) -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        let path = centre.path("data/record.db");
        let schemas = [veglia_diary::SCHEMA];
        let record = runtime.block_on(Database::open(&path, Purpose::Record, &schemas));
        Self {
            runtime,
            record: record.expect("the record can be opened"),
        }
    }

    /// A patient's diary, oldest first.
    fn lines(&self, patient: PatientId) -> Vec<Line> {
        let ever = WallMs(i64::MIN)..WallMs(i64::MAX);
        let lines = diary_of(&self.record, &ACTOR, patient, ever, LINES_MAX);
        let mut lines = self.runtime.block_on(lines).expect("the diary can be read");
        lines.reverse();
        lines
    }

    /// What was said of a patient's flags, in order.
    pub(crate) fn said(&self, patient: PatientId) -> Vec<Said> {
        let said = |Line { at, what }| match what {
            Written::Said(verdict) => Some(Said { at, verdict }),
            _ => None,
        };
        self.lines(patient).into_iter().filter_map(said).collect()
    }

    /// Who was to be called about a patient, in the order of writing.
    pub(crate) fn paged(&self, patient: PatientId) -> Vec<Paged> {
        let paged = |line: Line| match line.what {
            Written::Paged(paged) => Some(paged),
            _ => None,
        };
        let mut paged: Vec<Paged> = self.lines(patient).into_iter().filter_map(paged).collect();
        paged.sort_by_key(|it| it.page.id);
        paged
    }

    /// Waits for what `look` finds among the pages.
    pub(crate) fn wait_for_pages<T>(
        &self,
        what: &str,
        patient: PatientId,
        mut look: impl FnMut(&[Paged]) -> Option<T>,
    ) -> T {
        wait_until(what, || look(&self.paged(patient)))
    }

    /// Waits for what `look` finds among what was said.
    pub(crate) fn wait_for_words<T>(
        &self,
        what: &str,
        patient: PatientId,
        mut look: impl FnMut(&[Said]) -> Option<T>,
    ) -> T {
        wait_until(what, || look(&self.said(patient)))
    }
}

/// When a page was due.
pub(crate) fn due(paged: &Paged) -> WallMs {
    paged.page.at.plus_ms(-paged.late_ms)
}

/// Who is called, why, and how long after the first.
pub(crate) type Rung = (Callee, PageWhy, i64);

/// Compares who was called, why and when it was due with the ladder as far as it is
/// given, in the order of being due.
#[track_caller]
pub(crate) fn assert_ladder(steps: &[Paged], ladder: &[Rung]) {
    let began = steps.first().map_or(WallMs(0), due);
    let rung = |it: &Paged| (it.page.callee, it.page.why, due(it).since(began));
    let last = ladder.last().map_or(0, |(.., after_ms)| *after_ms);
    let climbed = steps.iter().map(rung);
    let mut climbed: Vec<Rung> = climbed.filter(|(.., after_ms)| *after_ms <= last).collect();
    climbed.sort_by_key(|(callee, _, after_ms)| (*after_ms, callee.code()));
    assert_eq!(climbed, ladder);
}

/// How the first flag stood when it was raised.
pub(crate) fn raised(said: &[Said]) -> Option<Standing> {
    said.iter().find_map(|it| match &it.verdict {
        Verdict::Raise(flag) => Some(flag.standing),
        _ => None,
    })
}

/// How a flag was first confirmed, and when that was written.
pub(crate) fn confirmed(said: &[Said]) -> Option<(How, WallMs)> {
    said.iter().find_map(|it| match &it.verdict {
        Verdict::Raise(flag) => match flag.standing {
            Standing::Confirmed { how, .. } => Some((how, it.at)),
            Standing::Unconfirmed { .. } => None,
        },
        Verdict::Confirm { how, .. } => Some((*how, it.at)),
        Verdict::End { .. } => None,
    })
}

/// What fell silent, since when, and when that was told.
pub(crate) fn silence(said: &Said) -> Option<(VitalKind, WallMs, WallMs)> {
    match (&said.verdict, said.verdict.id().trigger) {
        (Verdict::Raise(_), Trigger::SilentSince(vital, since)) => Some((vital, since, said.at)),
        _ => None,
    }
}
