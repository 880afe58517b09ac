//! The readings that ingest gives, without those of hidden periods: what every page asks instead
//! of ingest itself, so that none can forget it.
//!
//! A hidden stretch looks like one in which nobody measured, and what lies beside it is given
//! whole. Rows of the last 24 hours are passed on unchanged: a period that reaches into them cannot
//! be hidden. Older values of a row are veiled; when the gateway was heard is not, because it tells
//! of the home and not of the patient.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use veglia_diary::{PERIOD_AFTER_MS, hidden_periods};
use veglia_store::{Actor, Database};
use veglia_view::{
    Asked, Bedside, Bucket, Dot, ExportAsk, Gateways, GatewaysAsk, Lines, OrderAsk, Ordered,
    Outline, PatientId, Readings, ReadingsAsk, Row, Scope, Scored, Status, Trend, TrendAsk,
    Version, View, ViewError, Waiting, WallMs, Ward,
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

    /// What lies in one bucket beside hidden periods; none where nothing does.
    async fn cut(
        &self,
        ask: TrendAsk,
        whole: Range<WallMs>,
        hidden: &[Range<WallMs>],
    ) -> Result<Option<Bucket>, ViewError> {
        let mut left: Option<Bucket> = None;
        for open in beside(whole.clone(), hidden) {
            let part = TrendAsk {
                from: open.start,
                to: open.end,
                buckets: 1,
                ..ask
            };
            for bucket in self.ingest.trend(part).await?.buckets {
                left = Some(match left {
                    Some(known) => merged(known, bucket),
                    None => Bucket {
                        from: whole.start,
                        ..bucket
                    },
                });
            }
        }
        Ok(left)
    }

    /// Rows without what was measured in hidden periods. The record is asked only of those with a
    /// value old enough. While it does not answer no old value is shown, but all else is: a list
    /// must not go dark for it.
    async fn rows_veiled(&self, rows: Vec<Arc<Row>>, now: WallMs) -> Vec<Arc<Row>> {
        let old = WallMs(i64::MIN)..now.plus_ms(-PERIOD_AFTER_MS);
        let mut is_answering = true;
        let mut veiled = Vec::with_capacity(rows.len());
        for row in rows {
            let is_old = tells_of(&row, std::slice::from_ref(&old));
            let hidden = match is_old {
                false => Vec::new(),
                true if is_answering => match self.hidden(row.patient).await {
                    Ok(hidden) => hidden,
                    Err(_) => {
                        is_answering = false;
                        vec![old.clone()]
                    }
                },
                true => vec![old.clone()],
            };
            veiled.push(match tells_of(&row, &hidden) {
                true => Arc::new(without(&row, &hidden)),
                false => row,
            });
        }
        veiled
    }
}

/// Every moment at which a row says that something of the patient was heard.
fn moments(row: &Row) -> impl Iterator<Item = WallMs> {
    let latest = row.latest.iter().map(|it| it.at);
    let devices = row.devices.iter().filter_map(|it| it.last_heard);
    let scored = row.scores.iter().flat_map(scored_of);
    latest.chain(row.last_heard).chain(devices).chain(scored)
}

/// When the values were measured that a score is made of.
fn scored_of(scored: &Scored) -> impl Iterator<Item = WallMs> {
    let points = match scored {
        Scored::Counted(partial) => partial.points.as_slice(),
        Scored::NotCounted(_) => &[],
    };
    points.iter().map(|it| it.evidence.at)
}

fn is_in(hidden: &[Range<WallMs>], at: WallMs) -> bool {
    hidden.iter().any(|it| it.contains(&at))
}

fn tells_of(row: &Row, hidden: &[Range<WallMs>]) -> bool {
    moments(row).any(|at| is_in(hidden, at))
}

/// A row as if nobody had measured in hidden periods, as far as a row knows what was before.
fn without(row: &Row, hidden: &[Range<WallMs>]) -> Row {
    let mut row = row.clone();
    row.latest.retain(|it| !is_in(hidden, it.at));
    let latest = row.latest.as_slice();
    let is_left = |vital| latest.iter().any(|it| it.vital == vital);
    row.unjudged.retain(|(vital, _)| is_left(*vital));
    row.scores
        .retain(|it| !scored_of(it).any(|at| is_in(hidden, at)));
    for device in &mut row.devices {
        device.last_heard = device.last_heard.filter(|at| !is_in(hidden, *at));
    }
    if row.last_heard.is_some_and(|at| is_in(hidden, at)) {
        row.last_heard = None;
        row.last_heard = moments(&row).max();
    }
    row
}

impl View for VeiledView {
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async move {
            let mut ward = self.ingest.ward(since).await?;
            let rows = std::mem::take(&mut ward.delta.rows);
            ward.delta.rows = self.rows_veiled(rows, ward.status.care_now).await;
            Ok(ward)
        })
    }

    fn status(&self) -> Asked<'_, Status> {
        self.ingest.status()
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        Box::pin(async move {
            let mut bedside = self.ingest.patient(patient).await?;
            let row = bedside.row.into_iter().collect();
            let rows = self.rows_veiled(row, bedside.status.care_now).await;
            bedside.row = rows.into_iter().next();
            Ok(bedside)
        })
    }

    fn rows(&self, patients: Vec<PatientId>) -> Asked<'_, Vec<Arc<Row>>> {
        Box::pin(async move {
            let rows = self.ingest.rows(patients).await?;
            let now = self.ingest.status().await?.care_now;
            Ok(self.rows_veiled(rows, now).await)
        })
    }

    fn waiting(&self) -> Asked<'_, Waiting> {
        self.ingest.waiting()
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async move {
            let hidden = self.hidden(ask.patient).await?;
            let mut trend = self.ingest.trend(ask).await?;
            let length_ms = i64::try_from(trend.bucket_ms).unwrap_or(i64::MAX);
            // A bucket with one hidden reading in it could tell its extremes: what lies beside is
            // asked for anew.
            let mut buckets = Vec::with_capacity(trend.buckets.len());
            for bucket in trend.buckets {
                let whole = bucket.from..WallMs(bucket.from.0.saturating_add(length_ms));
                let is_touched = |it: &Range<WallMs>| it.start < whole.end && whole.start < it.end;
                match hidden.iter().any(is_touched) {
                    true => buckets.extend(self.cut(ask, whole, &hidden).await?),
                    false => buckets.push(bucket),
                }
            }
            trend.buckets = buckets;
            trend.damaged.retain(|from| !is_in(&hidden, *from));
            Ok(trend)
        })
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async move {
            let hidden = self.hidden(ask.patient).await?;
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
            all.damaged.retain(|at| !is_in(&hidden, *at));
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

/// Two stretches of one bucket as one.
fn merged(one: Bucket, other: Bucket) -> Bucket {
    Bucket {
        from: one.from,
        n: one.n.saturating_add(other.n),
        flagged: one.flagged.saturating_add(other.flagged),
        clean: outlined(one.clean, other.clean),
        doubtful: outlined(one.doubtful, other.doubtful),
    }
}

fn outlined(one: Option<Outline>, other: Option<Outline>) -> Option<Outline> {
    let (Some(one), Some(other)) = (one, other) else {
        return one.or(other);
    };
    Some(Outline {
        first: least(one.first, other.first, |dot| dot.at),
        min: least(one.min, other.min, |dot| (dot.steps, dot.at)),
        max: least(one.max, other.max, |dot| (Reverse(dot.steps), dot.at)),
        last: least(one.last, other.last, |dot| Reverse(dot.at)),
    })
}

fn least<K: Ord>(one: Dot, other: Dot, key: impl Fn(Dot) -> K) -> Dot {
    if key(other) < key(one) { other } else { one }
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
