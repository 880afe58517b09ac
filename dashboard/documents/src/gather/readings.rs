//! Which readings stand in a document.
//!
//! Of few readings all. Of many the extremes of each day: the curve is asked for hour by hour, and
//! each of its points is a reading that was made. Ingest tells no device with a point, so each is
//! looked up once more. Readings that something speaks against are counted and not shown.

use jiff::civil::Date;
use veglia_view::{
    Bucket, Dot, Outline, PatientId, Reading, ReadingsAsk, Site, Trend, TrendAsk, View, ViewError,
    VitalKind, WallMs,
};

use crate::facts::{Chosen, Measured, Shown};
use crate::gather::Raised;
use crate::vitals::local;

const HOUR_MS: i64 = 3_600_000;

/// Readings of one vital sign up to which all stand in a report: what a person measures in a month
/// three times a day.
const ALL_UP_TO: u64 = 100;

/// Readings that alerts rest on, of one vital sign at most: the first ones.
const OF_ALERTS_MAX: usize = 40;

/// Readings of one moment looked through for the one that is meant: two devices and their repeats.
const OF_A_MOMENT_MAX: usize = 16;

/// The readings of a report: all, or of each day the lowest, the highest, the last, and those that
/// alerts rest on.
pub(super) async fn report(
    view: &dyn View,
    patient: PatientId,
    (from, to): (WallMs, WallMs),
    alerts: &[Raised],
) -> Result<Vec<Measured>, ViewError> {
    let mut all = Vec::new();
    for vital in VitalKind::ALL {
        let trend = hourly(view, patient, vital, (from, to)).await?;
        let mut measured = counted(vital, &trend);
        if measured.clean + measured.doubtful == 0 {
            continue;
        }
        let look = Look {
            view,
            patient,
            vital,
        };
        if measured.clean + measured.doubtful <= ALL_UP_TO {
            measured.shown = look.all(from, to).await?;
        } else {
            measured.is_thinned = true;
            let mut wanted = days(&trend);
            wanted.extend(of_alerts(vital, (from, to), alerts));
            measured.shown = look.up(wanted).await?;
        }
        all.push(measured);
    }
    Ok(all)
}

/// The extremes of all the time, and the last.
pub(super) async fn whole(
    view: &dyn View,
    patient: PatientId,
    (from, to): (WallMs, WallMs),
) -> Result<Vec<Measured>, ViewError> {
    let mut all = Vec::new();
    for vital in VitalKind::ALL {
        let ask = TrendAsk {
            patient,
            vital,
            from,
            to,
            buckets: 1,
        };
        let trend = view.trend(ask).await?;
        let mut measured = counted(vital, &trend);
        if measured.clean + measured.doubtful == 0 {
            continue;
        }
        let look = Look {
            view,
            patient,
            vital,
        };
        let clean = trend.buckets.iter().filter_map(|it| it.clean);
        measured.shown = look.up(extremes(clean)).await?;
        let shown = u64::try_from(measured.shown.len()).unwrap_or(u64::MAX);
        measured.is_thinned = shown < measured.clean;
        all.push(measured);
    }
    Ok(all)
}

/// A curve in whole hours, so that no part of it lies in two days.
async fn hourly(
    view: &dyn View,
    patient: PatientId,
    vital: VitalKind,
    (from, to): (WallMs, WallMs),
) -> Result<Trend, ViewError> {
    let hours = to.since(from).max(1).div_euclid(HOUR_MS) + 1;
    let ask = TrendAsk {
        patient,
        vital,
        from,
        to: from.plus_ms(hours * HOUR_MS),
        buckets: u32::try_from(hours).unwrap_or(u32::MAX),
    };
    let mut trend = view.trend(ask).await?;
    trend.buckets.retain(|bucket| bucket.from < to);
    Ok(trend)
}

fn counted(vital: VitalKind, trend: &Trend) -> Measured {
    let readings: u64 = trend.buckets.iter().map(|bucket| bucket.n).sum();
    let doubtful: u64 = trend.buckets.iter().map(|bucket| bucket.flagged).sum();
    Measured {
        vital,
        clean: readings.saturating_sub(doubtful),
        doubtful,
        is_thinned: false,
        is_damaged: !trend.damaged.is_empty(),
        shown: Vec::new(),
    }
}

/// A reading that is wanted, and why.
type Wanted = (WallMs, i32, Chosen);

/// The extremes of each day of the calendar.
fn days(trend: &Trend) -> Vec<Wanted> {
    let day_of = |bucket: &Bucket| local(bucket.from).map(|at| at.date());
    let mut wanted = Vec::new();
    let mut rest = trend.buckets.as_slice();
    while let Some(first) = rest.first() {
        let day: Option<Date> = day_of(first);
        let until = rest.iter().position(|it| day_of(it) != day);
        let (today, later) = rest.split_at(until.unwrap_or(rest.len()));
        wanted.extend(extremes(today.iter().filter_map(|it| it.clean)));
        rest = later;
    }
    wanted
}

fn extremes(outlines: impl Iterator<Item = Outline>) -> Vec<Wanted> {
    let outlines: Vec<Outline> = outlines.collect();
    let wanted = |dot: Dot, why| (dot.at, dot.steps, why);
    let lowest = outlines.iter().map(|it| it.min).min_by_key(|dot| dot.steps);
    // Of several that are the highest, the earliest, as of the lowest.
    let highest = outlines.iter().map(|it| it.max).rev();
    let highest = highest.max_by_key(|dot| dot.steps);
    let last = outlines.iter().map(|it| it.last).max_by_key(|dot| dot.at);
    let all = [
        lowest.map(|dot| wanted(dot, Chosen::Lowest)),
        highest.map(|dot| wanted(dot, Chosen::Highest)),
        last.map(|dot| wanted(dot, Chosen::Last)),
    ];
    all.into_iter().flatten().collect()
}

fn of_alerts(vital: VitalKind, (from, to): (WallMs, WallMs), alerts: &[Raised]) -> Vec<Wanted> {
    let evidence = alerts.iter().flat_map(|it| &it.flag.evidence);
    let wanted = evidence.filter_map(|it| {
        let (of, steps) = it.value()?;
        let is_in = of == vital && from <= it.at && it.at < to;
        is_in.then_some((it.at, steps, Chosen::Alert))
    });
    wanted.take(OF_ALERTS_MAX).collect()
}

/// Looks readings up of one vital sign.
struct Look<'a> {
    view: &'a dyn View,
    patient: PatientId,
    vital: VitalKind,
}

impl Look<'_> {
    async fn readings(
        &self,
        (from, to): (WallMs, WallMs),
        limit: usize,
    ) -> Result<Vec<Reading>, ViewError> {
        let ask = ReadingsAsk {
            patient: self.patient,
            vital: self.vital,
            from,
            to,
            limit,
        };
        Ok(self.view.readings(ask).await?.readings)
    }

    /// All clean ones.
    async fn all(&self, from: WallMs, to: WallMs) -> Result<Vec<Shown>, ViewError> {
        // A few more than were counted may have come meanwhile.
        let limit = usize::try_from(2 * ALL_UP_TO).unwrap_or(usize::MAX);
        let readings = self.readings((from, to), limit).await?;
        let clean = readings.into_iter().filter(|it| it.quality.is_clean());
        let shown = clean.map(|it| Shown {
            at: it.at,
            steps: it.steps,
            site: it.site,
            device: Some(it.device),
            why: Vec::new(),
        });
        Ok(shown.collect())
    }

    /// The wanted ones, each once, with all that it was wanted for. One that an alert rests on and
    /// that is not among the readings any more (it was found to be another's) is left out.
    async fn up(&self, mut wanted: Vec<Wanted>) -> Result<Vec<Shown>, ViewError> {
        wanted.sort_unstable();
        wanted.dedup();
        let mut shown: Vec<Shown> = Vec::new();
        for (at, steps, why) in wanted {
            if let Some(known) = shown
                .last_mut()
                .filter(|it| (it.at, it.steps) == (at, steps))
            {
                known.why.push(why);
                continue;
            }
            let found = self.readings((at, at.plus_ms(1)), OF_A_MOMENT_MAX).await?;
            let mut found = found.into_iter();
            let found = found.find(|it| it.steps == steps && it.quality.is_clean());
            if found.is_none() && why == Chosen::Alert {
                continue;
            }
            shown.push(Shown {
                at,
                steps,
                site: found.as_ref().map_or(Site::Unknown, |it| it.site),
                device: found.map(|it| it.device),
                why: vec![why],
            });
        }
        Ok(shown)
    }
}
