//! Which readings stand in a document.
//!
//! Of few readings all. Of many the extremes of each day: the curve is asked for hour by hour, and
//! each of its points is a reading that was made. Ingest tells no device with a point, so each is
//! looked up once more. Readings that something speaks against are counted and not shown, and so
//! are those that nobody living has: an hour with one among its extremes is read reading by
//! reading. Temperatures always are, because a curve does not tell the skin from the body.
//!
//! Whether a device repeated a value, held it, or dated it ahead is not to be known here: only the
//! rules follow a device. The document says so.

use jiff::civil::Date;
use veglia_view::{
    BUCKETS_MAX, Dot, Outline, PatientId, Quality, READINGS_MAX, Reading, Readings, ReadingsAsk,
    RuleSet, Site, TrendAsk, View, ViewError, Vital, VitalKind, WallMs,
};

use crate::facts::{Chosen, Measured, Shown};
use crate::gather::Raised;
use crate::gather::hours::{Hour, Hours, Verdict};
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
    let rules = RuleSet::shipped();
    for vital in VitalKind::ALL {
        let look = Look {
            view,
            patient,
            vital,
            rules: &rules,
        };
        let hours = look.hours(from, to).await?;
        let mut measured = hours.counted(vital);
        match measured.clean + measured.doubtful + measured.on_skin {
            0 => continue,
            few if few <= ALL_UP_TO => measured.shown = look.all(from, to).await?,
            _ => {
                measured.is_thinned = true;
                let mut wanted = days(&hours.hours);
                wanted.extend(of_alerts(vital, (from, to), alerts));
                measured.shown = look.up(wanted).await?;
            }
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
    let rules = RuleSet::shipped();
    for vital in VitalKind::ALL {
        let look = Look {
            view,
            patient,
            vital,
            rules: &rules,
        };
        let hours = look.hours(from, to).await?;
        let mut measured = hours.counted(vital);
        if measured.clean + measured.doubtful + measured.on_skin == 0 {
            continue;
        }
        let clean = hours.hours.iter().filter_map(|it| it.clean);
        measured.shown = look.up(extremes(clean)).await?;
        let shown = u64::try_from(measured.shown.len()).unwrap_or(u64::MAX);
        measured.is_thinned = shown < measured.clean + measured.on_skin;
        all.push(measured);
    }
    Ok(all)
}

/// A reading that is wanted, and why.
type Wanted = (WallMs, i32, Chosen);

/// The extremes of each day of the calendar.
fn days(hours: &[Hour]) -> Vec<Wanted> {
    let day_of = |hour: &Hour| local(hour.from).map(|at| at.date());
    let mut wanted = Vec::new();
    let mut rest = hours;
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

/// What is left to read of a stretch of time, and in how long a piece it is tried next.
struct Left {
    next: WallMs,
    to: WallMs,
    length_ms: i64,
}

impl Left {
    fn of(from: WallMs, to: WallMs) -> Self {
        Self {
            next: from,
            to,
            length_ms: to.since(from).max(1),
        }
    }
}

/// Looks readings up of one vital sign.
struct Look<'a> {
    view: &'a dyn View,
    patient: PatientId,
    vital: VitalKind,
    rules: &'a RuleSet,
}

impl Look<'_> {
    /// Every hour in which anything was measured, the last cut where the time ends.
    async fn hours(&self, from: WallMs, to: WallMs) -> Result<Hours, ViewError> {
        let whole = to.since(from).max(0).div_euclid(HOUR_MS);
        let most = i64::from(BUCKETS_MAX);
        let length_ms = HOUR_MS * ((whole + most - 1) / most).max(1);
        let mut hours = Hours::default();
        if self.vital == VitalKind::Temperature {
            self.read((from, to), length_ms, &mut hours).await?;
            return Ok(hours);
        }
        let whole = to.since(from).max(0).div_euclid(length_ms);
        let rest = from.plus_ms(whole * length_ms);
        for (from, to, buckets) in [(from, rest, whole), (rest, to, 1)] {
            if from >= to {
                continue;
            }
            let ask = TrendAsk {
                patient: self.patient,
                vital: self.vital,
                from,
                to,
                buckets: u32::try_from(buckets).unwrap_or(BUCKETS_MAX),
            };
            let trend = self.view.trend(ask).await?;
            hours.is_damaged |= !trend.damaged.is_empty();
            for bucket in trend.buckets {
                let ends = bucket.clean.map(|it| [it.min, it.max]);
                if ends.is_none_or(|ends| ends.iter().all(|dot| self.is_plausible(dot.steps))) {
                    hours.hours.push(Hour {
                        from: bucket.from,
                        n: bucket.n,
                        doubtful: bucket.flagged,
                        on_skin: 0,
                        clean: bucket.clean,
                    });
                } else {
                    let until = bucket.from.plus_ms(length_ms).min(to);
                    let stretch = (bucket.from, until);
                    self.read(stretch, length_ms, &mut hours).await?;
                }
            }
        }
        Ok(hours)
    }

    /// Reads a stretch of time reading by reading into its hours.
    async fn read(
        &self,
        (from, to): (WallMs, WallMs),
        length_ms: i64,
        hours: &mut Hours,
    ) -> Result<(), ViewError> {
        let mut left = Left::of(from, to);
        while let Some(piece) = self.piece(&mut left).await? {
            hours.is_damaged |= !piece.damaged.is_empty();
            for reading in &piece.readings {
                let into_ms = reading.at.since(from).rem_euclid(length_ms);
                hours.take(reading.at.plus_ms(-into_ms), reading, self.judge(reading));
            }
        }
        Ok(())
    }

    /// The next piece of a stretch of time, whole. An answer that was cut is asked for again in a
    /// shorter piece: of a device that a household shares, it may have been cut at the readings of
    /// others.
    async fn piece(&self, left: &mut Left) -> Result<Option<Readings>, ViewError> {
        while left.next < left.to {
            let until = left.next.plus_ms(left.length_ms).min(left.to);
            let ask = self.ask((left.next, until), READINGS_MAX);
            let piece = self.view.readings(ask).await?;
            if piece.more && left.length_ms > 1 {
                left.length_ms /= 2;
                continue;
            }
            left.next = until;
            left.length_ms = (2 * left.length_ms).min(left.to.since(until)).max(1);
            return Ok(Some(piece));
        }
        Ok(None)
    }

    /// As the rules judge a single reading.
    fn judge(&self, reading: &Reading) -> Verdict {
        if !reading.quality.is_clean() {
            return Verdict::Doubtful;
        }
        match reading.site {
            Site::Skin => Verdict::OnSkin,
            _ if self.is_plausible(reading.steps) => Verdict::Counts,
            _ => Verdict::Doubtful,
        }
    }

    /// Whether a living person has such a value. What is plausible is one range, so that between
    /// two plausible values all are.
    fn is_plausible(&self, steps: i32) -> bool {
        let value = Vital::from_steps(self.vital, steps, Site::Unknown);
        value.is_ok_and(|value| self.rules.is_scorable(value, Quality::empty()))
    }

    fn ask(&self, (from, to): (WallMs, WallMs), limit: usize) -> ReadingsAsk {
        ReadingsAsk {
            patient: self.patient,
            vital: self.vital,
            from,
            to,
            limit,
        }
    }

    async fn readings(
        &self,
        (from, to): (WallMs, WallMs),
        limit: usize,
    ) -> Result<Vec<Reading>, ViewError> {
        let ask = self.ask((from, to), limit);
        Ok(self.view.readings(ask).await?.readings)
    }

    /// All that nothing speaks against, also those of the skin.
    async fn all(&self, from: WallMs, to: WallMs) -> Result<Vec<Shown>, ViewError> {
        let (mut left, mut readings) = (Left::of(from, to), Vec::new());
        while let Some(piece) = self.piece(&mut left).await? {
            readings.extend(piece.readings);
        }
        let is_doubtful = |it: &Reading| matches!(self.judge(it), Verdict::Doubtful);
        let clean = readings.into_iter().filter(|it| !is_doubtful(it));
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
            let found =
                found.find(|it| it.steps == steps && matches!(self.judge(it), Verdict::Counts));
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
