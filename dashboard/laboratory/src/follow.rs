//! Passes results on to whoever opens cases, one by one and in the order in which they came.
//!
//! A result is passed on first and marked then: a crash between the two passes it on again, which
//! the cases know. A result that they do not take, and one that a laboratory withdrew or corrected
//! after it was positive, waits for a person: no case is closed by a machine, and whoever was told
//! of a positive that is none is called.

use std::time::Duration;

use jiff::tz::TimeZone;
use thiserror::Error;
use veglia_isolation::{
    Cases, Finding, LabResult, Method, ResultError, Status as Said, Taken, Tested,
};
use veglia_people::TIME_ZONE;
use veglia_store::{Actor, Database, TxError};
use veglia_wire::{CareClock, WallMs};

use crate::book::{self, RESULTS_MAX, Reported};
use crate::config::StartDay;
use crate::outcome::{Outcome, Status, Test};
use crate::when::When;

/// Between two looks: an SMS within a second of the result is soon enough.
const LOOK_EVERY: Duration = Duration::from_millis(500);

const ACTOR: Actor = Actor::System("laboratory");

/// The words stored of results that a person has to look at.
pub(crate) const CANCELLED: &str = "cancelled";
pub(crate) const TAKEN_BACK: &str = "taken-back";
pub(crate) const REFUSED: &str = "refused";

/// The task; one at a record.
#[derive(Debug)]
pub struct Follower {
    record: Database,
    care: CareClock,
    cases: Cases,
}

/// Why nothing is passed on at the moment; it is tried again.
#[derive(Debug, Error)]
pub enum FollowError {
    /// Results were not read, or not marked.
    #[error("results of laboratories were not read")]
    Record(#[source] TxError),
    /// A case was not written.
    #[error("the cases did not answer")]
    Cases(#[source] ResultError),
}

impl Follower {
    /// Of this record; positives from a day on open cases.
    #[must_use]
    pub fn new(record: Database, care: CareClock, from: StartDay) -> Self {
        Self {
            cases: Cases::new(record.clone(), from.0),
            record,
            care,
        }
    }

    /// Works until it is dropped.
    pub async fn run(self) {
        let mut was_well = true;
        loop {
            let round = self.round().await;
            if let Err(error) = &round
                && was_well
            {
                let error = crate::receive::chain(error);
                tracing::error!(error, "results of laboratories open no cases");
            }
            was_well = round.is_ok();
            // More may wait.
            if !matches!(round, Ok(RESULTS_MAX..)) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Passes on what has come; how many.
    ///
    /// # Errors
    /// See [`FollowError`]; what was passed on before stays so.
    pub async fn round(&self) -> Result<u64, FollowError> {
        let waiting = book::to_pass_on(&self.record, &ACTOR).await;
        let waiting = waiting.map_err(FollowError::Record)?;
        let mut passed = 0;
        for next in &waiting {
            let now = self.care.now();
            let (number, became) = match next {
                Ok(reported) => (reported.number, self.pass_on(reported, now).await?),
                Err(number) => {
                    tracing::error!(result = number, "a kept result is not read: it waits");
                    (*number, REFUSED)
                }
            };
            book::pass(&self.record, &ACTOR, number, became, now)
                .await
                .map_err(FollowError::Record)?;
            passed += 1;
        }
        Ok(passed)
    }

    async fn pass_on(&self, reported: &Reported, now: WallMs) -> Result<&'static str, FollowError> {
        let status = match reported.report.status {
            Status::Preliminary => return Ok("preliminary"),
            Status::Cancelled => {
                let was = book::was_positive(&self.record, &ACTOR, reported).await;
                let was = was.map_err(FollowError::Record)?;
                return Ok(if was { CANCELLED } else { "nothing" });
            }
            Status::Final => Said::Final,
            Status::Corrected => Said::Corrected,
        };
        let result = result(reported, status);
        match self.cases.received(&ACTOR, &result, now).await {
            Ok(Taken::Opened(_)) => Ok("opened"),
            Ok(Taken::Added(_)) => Ok("added"),
            Ok(Taken::Corrected(_)) => Ok("corrected"),
            Ok(Taken::TakenBack { .. }) => Ok(TAKEN_BACK),
            Ok(Taken::Known) => Ok("known"),
            Ok(Taken::NoCase) => Ok("no-case"),
            Ok(Taken::BeforeStart) => Ok("before-start"),
            Err(error @ ResultError::Store(_)) => Err(FollowError::Cases(error)),
            Err(error) => {
                let (result, error) = (reported.number, crate::receive::chain(&error));
                tracing::warn!(result, error, "a result waits for a person");
                Ok(REFUSED)
            }
        }
    }
}

fn result(reported: &Reported, status: Said) -> LabResult {
    let (written, report) = (&reported.written, &reported.report);
    let is_antigenic = Test::of(&[&written.test]).is_some_and(Test::is_antigenic);
    LabResult {
        laboratory: reported.laboratory.clone(),
        // One order may ask for both.
        id: match is_antigenic {
            true => format!("{}:ag", reported.order),
            false => reported.order.clone(),
        },
        status,
        finding: match report.outcome {
            Outcome::Positive => Finding::Positive,
            Outcome::Negative => Finding::Negative,
            Outcome::Indeterminate | Outcome::Repeat | Outcome::None => Finding::Indeterminate,
        },
        method: if is_antigenic {
            Method::Antigenic
        } else {
            Method::Molecular
        },
        taken_at: moment(report.taken),
        person: Tested {
            code: report.person.clone(),
            surname: name(&written.surname),
            name: name(&written.name),
            born: report.born,
        },
        phone: report.phone.clone(),
    }
}

/// Names are cut where cases cut them: whoever is meant, the code says.
fn name(text: &str) -> String {
    text.chars()
        .take(veglia_isolation::NAME_CHARS_MAX)
        .collect()
}

/// Cases count days in Italy: of a day without an hour its beginning stands for it.
fn moment(taken: When) -> WallMs {
    taken.at.unwrap_or_else(|| {
        let zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
        let begins = taken.day.to_zoned(zone).map(|it| it.timestamp());
        WallMs(begins.unwrap_or_default().as_millisecond())
    })
}
