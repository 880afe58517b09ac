//! When the next reading is expected, and which plan asks.
//!
//! A local time that happens twice (the last Sunday of October) is expected the first time; one
//! that does not happen (the last Sunday of March) is expected as long after the jump as it would
//! have been after the hour before it.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use veglia_wire::{VitalKind, WallMs};

use super::{Expected, LocalTime, Parameter, Plan};

/// Days searched for the next daily time: today's may all have passed, so may those that count
/// for tomorrow's early hours; the third day always has one.
const DAYS_AHEAD: i32 = 3;

/// A stretch of time in which one version of the plan asks for a vital sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) from: WallMs,
    pub(crate) until: Option<WallMs>,
    pub(crate) parameter: &'a Parameter,
}

/// The plan in force at a moment.
pub(crate) fn in_force(plans: &[Plan], at: WallMs) -> Option<&Plan> {
    let begun = plans.iter().filter(|plan| plan.from <= at);
    let latest = begun.max_by_key(|plan| plan.version)?;
    latest
        .until
        .is_none_or(|until| at < until)
        .then_some(latest)
}

/// Every stretch in which the plans ask for a vital sign, oldest first.
pub(crate) fn segments(plans: &[Plan], vital: VitalKind) -> Vec<Segment<'_>> {
    let mut cuts: Vec<WallMs> = plans.iter().map(|plan| plan.from).collect();
    cuts.extend(plans.iter().filter_map(|plan| plan.until));
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.iter().skip(1).copied().map(Some).chain([None]);
    let stretches = cuts.iter().copied().zip(ends);
    let asked = stretches.filter_map(|(from, until)| {
        let parameter = in_force(plans, from)?.parameter(vital)?;
        Some(Segment {
            from,
            until,
            parameter,
        })
    });
    asked.collect()
}

/// When the next reading is expected after one at `anchor`, not before `not_before`.
pub(crate) fn expectation(
    parameter: &Parameter,
    zone: &TimeZone,
    anchor: WallMs,
    not_before: WallMs,
) -> Option<WallMs> {
    match &parameter.expected {
        Expected::EveryMinutes(every) => {
            let due = anchor.plus_ms(i64::from(*every) * 60_000);
            Some(due.max(not_before))
        }
        Expected::DailyAt(times) => {
            let early = anchor.plus_ms(parameter.grace_ms());
            next_daily(times, zone, early, not_before)
        }
    }
}

fn next_daily(
    times: &[LocalTime],
    zone: &TimeZone,
    after: WallMs,
    not_before: WallMs,
) -> Option<WallMs> {
    let start = Timestamp::from_millisecond(after.max(not_before).0).ok()?;
    let today = start.to_zoned(zone.clone()).date();
    let days = (0..DAYS_AHEAD).filter_map(|ahead| today.checked_add(ahead.days()).ok());
    days.flat_map(|day| {
        times
            .iter()
            .filter_map(move |time| moment(day, *time, zone))
    })
    .filter(|moment| *moment > after && *moment >= not_before)
    .min()
}

fn moment(day: Date, time: LocalTime, zone: &TimeZone) -> Option<WallMs> {
    let time = Time::new(time.hour, time.minute, 0, 0).ok()?;
    let zoned = day.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(WallMs(zoned.timestamp().as_millisecond()))
}
