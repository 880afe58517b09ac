//! When the next reading is expected, and which plan asks.
//!
//! A local time that happens twice (the last Sunday of October) is expected the first time; one
//! that does not happen (the last Sunday of March) is expected as long after the jump as it would
//! have been after the hour before it. Hours of the night are as long as that night.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use veglia_wire::{VitalKind, WallMs};

use super::{Expected, Hours, LocalTime, Parameter, Plan};
use crate::whereabouts::{PatientStanding, is_at_home};

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
fn in_force(plans: &[Plan], at: WallMs) -> Option<&Plan> {
    let begun = plans.iter().filter(|plan| plan.from <= at);
    let latest = begun.max_by_key(|plan| plan.version)?;
    latest
        .until
        .is_none_or(|until| at < until)
        .then_some(latest)
}

/// The plan that says who the patient is at a moment: target, limits, scale and guards hold on when
/// its days are over, since lungs and age stay what they are.
pub(crate) fn of_person(plans: &[Plan], at: WallMs) -> Option<&Plan> {
    let begun = plans.iter().filter(|plan| plan.from <= at);
    begun.max_by_key(|plan| plan.version)
}

/// The moments at which what is asked may change.
fn cuts(plans: &[Plan], standings: &[PatientStanding]) -> Vec<WallMs> {
    let mut cuts: Vec<WallMs> = plans.iter().map(|plan| plan.from).collect();
    cuts.extend(plans.iter().filter_map(|plan| plan.until));
    cuts.extend(standings.iter().map(|standing| standing.from));
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Around a moment at which something is asked: since when, and until when, without a break.
pub(crate) fn asked_around(
    plans: &[Plan],
    standings: &[PatientStanding],
    at: WallMs,
) -> (WallMs, Option<WallMs>) {
    let cuts = cuts(plans, standings);
    let is_asked = |cut: &WallMs| {
        let plan = in_force(plans, *cut);
        plan.is_some_and(|plan| !plan.parameters.is_empty()) && is_at_home(standings, *cut)
    };
    let before = cuts.iter().rev().filter(|cut| **cut <= at);
    let from = before.take_while(|cut| is_asked(cut)).last();
    let until = cuts.iter().find(|cut| at < **cut && !is_asked(cut));
    (from.copied().unwrap_or(at), until.copied())
}

/// Every stretch in which the plans ask for a vital sign of a patient at home, oldest first.
pub(crate) fn segments<'a>(
    plans: &'a [Plan],
    standings: &[PatientStanding],
    vital: VitalKind,
) -> Vec<Segment<'a>> {
    let cuts = cuts(plans, standings);
    let ends = cuts.iter().skip(1).copied().map(Some).chain([None]);
    let stretches = cuts.iter().copied().zip(ends);
    let mut asked: Vec<Segment<'a>> = Vec::new();
    for (from, until) in stretches {
        let plan = in_force(plans, from).filter(|_| is_at_home(standings, from));
        let Some(parameter) = plan.and_then(|plan| plan.parameter(vital)) else {
            continue;
        };
        match asked.last_mut() {
            // Another version, or a row that says again where the patient is, that asks the same.
            Some(last) if last.until == Some(from) && last.parameter == parameter => {
                last.until = until;
            }
            _ => asked.push(Segment {
                from,
                until,
                parameter,
            }),
        }
    }
    asked
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
        Expected::Within(hours) => {
            let due = anchor.plus_ms(i64::from(hours.every_minutes) * 60_000);
            next_within(hours, zone, due.max(not_before), parameter.grace_ms())
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
    let is_next = |moment: &WallMs| *moment > after && *moment >= not_before;
    // Where an hour does not happen a later time may come first, but never before the day's end.
    let next_of = |day: Date| {
        let moments = times.iter().filter_map(|time| moment(day, *time, zone));
        moments.filter(is_next).min()
    };
    let mut days = (0..DAYS_AHEAD).filter_map(|ahead| today.checked_add(ahead.days()).ok());
    days.find_map(next_of)
}

/// The moment itself, if it lies in the hours and a grace before their end; else when they next
/// begin. Who takes the sensor off a little before the end of the night is not silent.
fn next_within(hours: &Hours, zone: &TimeZone, due: WallMs, grace_ms: i64) -> Option<WallMs> {
    let start = Timestamp::from_millisecond(due.0).ok()?;
    let today = start.to_zoned(zone.clone()).date();
    // Hours that began yesterday may go on.
    let days = (-1..DAYS_AHEAD).filter_map(|ahead| today.checked_add(ahead.days()).ok());
    let mut moments = days.filter_map(|day| {
        let last_day = if hours.until <= hours.from {
            day.tomorrow().ok()?
        } else {
            day
        };
        let begin = moment(day, hours.from, zone)?;
        let end = moment(last_day, hours.until, zone)?;
        let due = due.max(begin);
        (due.plus_ms(grace_ms) < end).then_some(due)
    });
    moments.next()
}

fn moment(day: Date, time: LocalTime, zone: &TimeZone) -> Option<WallMs> {
    let time = Time::new(time.hour, time.minute, 0, 0).ok()?;
    let zoned = day.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(WallMs(zoned.timestamp().as_millisecond()))
}
