//! Whose values come by telephone alone, and are due.
//!
//! Everybody who has a plan and no device is looked at, [`NAMED_MAX`] with each question, before
//! anybody is left out of a list. When ingest does not answer, the plan alone says who is due, and
//! the calls that were made since: who has given a value already may be called once more, and the
//! page says so.

use std::collections::HashMap;
use std::sync::Arc;

use veglia_view::{NAMED_MAX, PatientId, Plan, Row, ViewError};

use crate::desk::{Desk, IntakeError, is_in_force};
use crate::due::{self, Reason};

/// People whose values are asked for at most: fifty questions, and ten times those that a centre
/// can telephone in a day. The others are counted.
const ASKED_MAX: usize = 10_000;

/// Who is due.
#[derive(Debug, Default)]
pub(crate) struct ByPhone {
    pub(crate) reasons: Vec<(PatientId, Reason)>,
    /// Ingest did not answer: the last values of these are not known.
    pub(crate) unknown: usize,
    /// People nobody looked at.
    pub(crate) not_looked_at: usize,
}

impl ByPhone {
    /// Who is due now, of those with a plan.
    pub(crate) async fn read(desk: Desk<'_>, plans: &[Plan]) -> Result<Self, IntakeError> {
        let assignments = veglia_diary::assignments(desk.record, &desk.who.actor()).await;
        let assignments = assignments.map_err(IntakeError::Diary)?;
        let has_device = |patient: PatientId| {
            assignments.of_patient(patient).any(|(device, worn)| {
                let is_worn = worn.until.is_none_or(|until| desk.now < until);
                is_worn && !is_virtual(device.as_str())
            })
        };
        let by_phone = plans
            .iter()
            .filter(|plan| is_in_force(plan, desk.now) && !has_device(plan.patient));
        let by_phone: Vec<&Plan> = by_phone.collect();
        let (asked, left) = by_phone.split_at(by_phone.len().min(ASKED_MAX));
        let mut due = Self {
            not_looked_at: left.len(),
            ..Self::default()
        };
        for plans in asked.chunks(NAMED_MAX) {
            // Who does not answer once is not waited for again.
            let rows = match due.unknown {
                0 => rows(desk, plans).await,
                _ => None,
            };
            if rows.is_none() {
                due.unknown += plans.len();
            }
            let rows = rows.unwrap_or_default();
            for plan in plans {
                let row = rows.get(&plan.patient).map(Arc::as_ref);
                let reasons = due::expected(plan, row, desk.now, desk.w()).into_iter();
                due.reasons.extend(reasons.map(|it| (plan.patient, it)));
            }
        }
        Ok(due)
    }
}

/// What is known of some patients; none when ingest does not answer.
async fn rows(desk: Desk<'_>, plans: &[&Plan]) -> Option<HashMap<PatientId, Arc<Row>>> {
    let patients = plans.iter().map(|plan| plan.patient).collect();
    let rows: Result<Vec<Arc<Row>>, ViewError> = desk.view.rows(patients).await;
    match rows {
        Ok(rows) => Some(rows.into_iter().map(|row| (row.patient, row)).collect()),
        Err(error) => {
            tracing::warn!(%error, "the list of calls does not know the last values");
            None
        }
    }
}

/// Whether a device stands for what a person says.
fn is_virtual(device: &str) -> bool {
    device.starts_with("phone:") || device.starts_with("hand:")
}
