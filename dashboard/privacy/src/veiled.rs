//! The readings that ingest gives, without those of hidden periods: what every page asks instead
//! of ingest itself, so that none can forget it.
//!
//! A hidden stretch looks like one in which nobody measured. What a list shows of the last 24 hours
//! is asked of ingest unchanged: a period that reaches into them cannot be hidden.

use std::ops::Range;
use std::sync::Arc;

use veglia_diary::hidden_periods;
use veglia_store::{Actor, Database};
use veglia_view::{
    Asked, Bedside, ExportAsk, Gateways, GatewaysAsk, Lines, OrderAsk, Ordered, PatientId,
    Readings, ReadingsAsk, Row, Scope, Status, Trend, TrendAsk, Version, View, ViewError, Waiting,
    WallMs, Ward,
};

const ACTOR: Actor = Actor::System("privacy");

/// Ingest behind the veil.
pub struct VeiledView {
    ingest: Arc<dyn View>,
    record: Database,
}

impl VeiledView {
    /// A veil before a view.
    #[must_use]
    pub fn new(ingest: Arc<dyn View>, record: Database) -> Self {
        Self { ingest, record }
    }

    /// The hidden periods of a patient. A record that does not answer shows nothing.
    async fn hidden(&self, patient: PatientId) -> Result<Vec<Range<WallMs>>, ViewError> {
        let periods = hidden_periods(&self.record, &ACTOR, patient).await;
        periods.map_err(|error| {
            tracing::error!(%error, "what a patient had hidden was not read");
            ViewError::Failed
        })
    }
}

impl View for VeiledView {
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward> {
        self.ingest.ward(since)
    }

    fn status(&self) -> Asked<'_, Status> {
        self.ingest.status()
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        self.ingest.patient(patient)
    }

    fn rows(&self, patients: Vec<PatientId>) -> Asked<'_, Vec<Arc<Row>>> {
        self.ingest.rows(patients)
    }

    fn waiting(&self) -> Asked<'_, Waiting> {
        self.ingest.waiting()
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async move {
            let hidden = self.hidden(ask.patient).await?;
            let mut trend = self.ingest.trend(ask).await?;
            let length_ms = i64::try_from(trend.bucket_ms).unwrap_or(i64::MAX);
            // A bucket with one hidden reading in it could tell its extremes.
            let touches = |from: WallMs, length_ms: i64| {
                let to = WallMs(from.0.saturating_add(length_ms));
                hidden.iter().any(|it| it.start < to && from < it.end)
            };
            trend
                .buckets
                .retain(|bucket| !touches(bucket.from, length_ms));
            trend.damaged.retain(|from| !touches(*from, 1));
            Ok(trend)
        })
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async move {
            let hidden = self.hidden(ask.patient).await?;
            let is_hidden = |at: &WallMs| hidden.iter().any(|it| it.contains(at));
            let mut all = Readings {
                readings: Vec::new(),
                more: false,
                damaged: Vec::new(),
            };
            // Between hidden periods, so that none of their readings takes another's place.
            for open in beside(ask.from..ask.to, &hidden) {
                let left = ask.limit.saturating_sub(all.readings.len());
                let part = ReadingsAsk {
                    from: open.start,
                    to: open.end,
                    // Of nothing that is left, one says whether there is more.
                    limit: left.max(1),
                    ..ask
                };
                let part = self.ingest.readings(part).await?;
                all.more |= part.more || part.readings.len() > left;
                all.readings.extend(part.readings.into_iter().take(left));
                all.damaged.extend(part.damaged);
                if all.more {
                    break;
                }
            }
            all.damaged.retain(|at| !is_hidden(at));
            Ok(all)
        })
    }

    /// Of one patient with hidden periods no lines are given: pages make none, and the patient's
    /// own copy is asked of ingest itself.
    fn export(&self, ask: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(async move {
            if let Scope::Patient(patient) = ask.scope
                && !self.hidden(patient).await?.is_empty()
            {
                return Err(ViewError::Refused(
                    "there is no export by this way".to_owned(),
                ));
            }
            self.ingest.export(ask).await
        })
    }

    fn gateways(&self, ask: GatewaysAsk) -> Asked<'_, Gateways> {
        self.ingest.gateways(ask)
    }

    fn order(&self, ask: OrderAsk) -> Asked<'_, Ordered> {
        self.ingest.order(ask)
    }
}

/// What is left of a time beside hidden periods, the earliest first.
fn beside(asked: Range<WallMs>, hidden: &[Range<WallMs>]) -> Vec<Range<WallMs>> {
    let mut parts = vec![asked];
    for period in hidden {
        let apart = |part: Range<WallMs>| {
            let before = part.start..part.end.min(period.start);
            let after = part.start.max(period.end)..part.end;
            [before, after].into_iter().filter(|it| !it.is_empty())
        };
        parts = parts.into_iter().flat_map(apart).collect();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_what_lies_beside_hidden_periods() {
        let at = |from, to| WallMs(from)..WallMs(to);
        let hidden = [at(20, 30), at(5, 8), at(25, 40)];
        assert_eq!(
            beside(at(0, 50), &hidden),
            [at(0, 5), at(8, 20), at(40, 50)]
        );
        assert_eq!(beside(at(22, 28), &hidden), []);
        assert_eq!(beside(at(0, 50), &[]), [at(0, 50)]);
    }
}
