//! How the alarm path is, for each role that can read the record: the dashboard and ingest both
//! say it, so that either tells when the other is dead.

use std::time::Duration;

use veglia_diary::probe::{self, Leg, Overdue, Pace};
use veglia_store::{Actor, Database};
use veglia_wire::{CareClock, WallMs};

use super::figure::Figure;
use super::{Standing, lasting};

/// The path, judged by a clock of one's own.
pub(crate) struct AlarmPath {
    record: Database,
    care: CareClock,
    pace: Pace,
    began: WallMs,
}

/// The names of a role's figures.
pub(super) struct Names {
    answers: &'static str,
    age: &'static str,
    round: &'static str,
}

pub(super) const OF_INGEST: Names = Names {
    answers: "veglia_ingest_alarm_path_answers",
    age: "veglia_ingest_alarm_path_answer_age_seconds",
    round: "veglia_ingest_alarm_path_round_seconds",
};

#[cfg(feature = "dashboard")]
pub(super) const OF_DASHBOARD: Names = Names {
    answers: "veglia_dashboard_alarm_path_answers",
    age: "veglia_dashboard_alarm_path_answer_age_seconds",
    round: "veglia_dashboard_alarm_path_round_seconds",
};

impl AlarmPath {
    /// One that is watched from now on, at a pace; none when there is no probe.
    pub(crate) fn new(record: Database, care: CareClock, pace: Option<Pace>) -> Option<Self> {
        Some(Self {
            began: care.now(),
            record,
            care,
            pace: pace?,
        })
    }

    /// Says how it is. A record that does not answer is told elsewhere.
    pub(super) async fn add_to(&self, standing: &mut Standing, names: &Names) {
        let actor = Actor::System("health");
        let Ok(path) = probe::standing(&self.record, &actor).await else {
            return;
        };
        let now = self.care.now();
        self.add(standing, &path, now, names);
    }

    fn add(&self, standing: &mut Standing, path: &probe::Standing, now: WallMs, names: &Names) {
        let overdue = probe::overdue(path, self.pace, self.began, now);
        let last = path.last.as_ref();
        let ended = last.and_then(|round| round.done(Leg::Delivered));
        let age = self.wall(now.since(ended.unwrap_or(self.began)));
        let round = self.wall(last.and_then(probe::Round::lasted_ms).unwrap_or_default());
        match (overdue, ended) {
            (Some(overdue), _) => standing.unready.push(self.missed(overdue, now)),
            (None, Some(_)) => standing.brief.push(format!(
                "alarm path answered {} ago in {}",
                lasting(age),
                lasting(round)
            )),
            (None, None) => standing
                .brief
                .push("alarm path has not answered yet".into()),
        }
        standing.figures.extend([
            Figure::level(
                names.answers,
                "Whether the alarm path's probe comes home.",
                overdue.is_none(),
            ),
            Figure::level(
                names.age,
                "Since the alarm path's probe last came home.",
                age,
            ),
            Figure::level(
                names.round,
                "How long the alarm path's probe took the last time.",
                round,
            ),
        ]);
    }

    fn missed(&self, overdue: Overdue, now: WallMs) -> String {
        let lasted = lasting(self.wall(now.since(overdue.since)));
        let why = match overdue.leg {
            Leg::Spoken => "its probe does not speak: see that the dashboard runs, and its log",
            Leg::Received => "its probe does not reach ingest: see to the broker and to ingest",
            Leg::Judged => "ingest has it and the rules do not tell of it: see the log of ingest",
            Leg::Called => "the ladder calls nobody: see the log of ingest",
            Leg::Carried => "the dashboard passes no call on: see that it runs, and its log",
            Leg::Delivered => "no message leaves the outbox: see the log of the dashboard",
        };
        format!("the alarm path has not answered for {lasted}; {why}; alarms may reach nobody")
    }

    fn wall(&self, care_ms: i64) -> Duration {
        Duration::from_millis(u64::try_from(self.care.wall_ms(care_ms)).unwrap_or_default())
    }
}
