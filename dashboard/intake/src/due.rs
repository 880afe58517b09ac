//! Who is to be called, why, since when, and what comes next: functions of what is known, without
//! a clock and without a record.
//!
//! A reason is a flag that asks for a person, a time that was agreed, or an expected value of
//! somebody who has no device. A call that was answered since settles what began before it; a red
//! it settles only as long as the flag says nothing new.
//!
//! **Red and unreachable**: the patient twice, then everybody the clinical sheet names, then who
//! has the keys, then 112. Whoever is reached on the way sends the caller back to the patient.

use veglia_view::{Expected, OpenFlag, Parameter, Plan, Row, RuleSet, Severity, Standing, WallMs};
use veglia_words::Words;

use crate::attempt::{Attempt, Came, Whom};
use crate::words;

/// Between two attempts at somebody who has a red: long enough to come from the garden.
pub(crate) const RED_AGAIN_MS: i64 = 2 * 60_000;

/// The same where nothing is red.
pub(crate) const AGAIN_MS: i64 = 30 * 60_000;

/// How long somebody has to measure again, or to call 112, who was told to on the telephone.
const JUST_SPOKEN_MS: i64 = 5 * 60_000;

/// How often the patient is called before others are.
const PATIENT_TIMES: usize = 2;

const DAY_MS: i64 = 24 * 3_600_000;

/// Why somebody is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// How grave; what is agreed or expected is like an amber.
    pub(crate) severity: Severity,
    /// Since when.
    pub(crate) since: WallMs,
    pub(crate) words: String,
}

/// Somebody to be called, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) severity: Severity,
    pub(crate) since: WallMs,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) next: Whom,
    /// From when on.
    pub(crate) from: WallMs,
}

/// Why a flag asks for a call; none when it does not.
pub(crate) fn of_flag(flag: &OpenFlag, rules: &RuleSet, now: WallMs, w: Words) -> Reason {
    let (severity, since) = (flag.flag.severity, told_at(flag));
    let what = words::about(flag.flag.about, w);
    let words = match (severity, flag.flag.standing) {
        (Severity::Technical, _) => w.with("why-technical", "what", what).to_string(),
        (_, Standing::Unconfirmed { repeat_by }) => {
            let by = words::by_time(repeat_by, now, w);
            let why = w.with("why-unconfirmed", "what", what);
            why.and("by", by).to_string()
        }
        (Severity::Amber, _) => match rules.call_within_ms(&flag.flag.id.rule) {
            Some(within_ms) => {
                let by = words::by_time(since.plus_ms(within_ms), now, w);
                let why = w.with("why-call-by", "what", what);
                why.and("by", by).to_string()
            }
            None => what,
        },
        (Severity::Red, _) => w.with("why-confirmed", "what", what).to_string(),
    };
    Reason {
        severity,
        since,
        words: match flag
            .flag
            .evidence
            .last()
            .and_then(veglia_view::Evidence::value)
        {
            Some((kind, steps)) if severity != Severity::Technical => {
                let why = w.with("why-value", "why", words);
                why.and("value", words::value(kind, steps, w)).to_string()
            }
            _ => words,
        },
    }
}

/// When a flag last said something new.
fn told_at(flag: &OpenFlag) -> WallMs {
    match flag.flag.standing {
        Standing::Confirmed { at, .. } => at.max(flag.raised_at),
        Standing::Unconfirmed { .. } => flag.raised_at,
    }
}

/// The time that was agreed in the newest attempt, if it was.
pub(crate) fn agreed(attempts: &[Attempt], now: WallMs, w: Words) -> Option<Reason> {
    let Came::Later(at) = attempts.last()?.came else {
        return None;
    };
    Some(Reason {
        severity: Severity::Amber,
        since: at,
        words: w
            .with("why-agreed", "at", words::at_time(at, now, w))
            .to_string(),
    })
}

/// The expected values of somebody who measures for us on the telephone alone, each by itself: who
/// was called and gave one of them is called again when the next is due.
pub(crate) fn expected(plan: &Plan, row: Option<&Row>, now: WallMs, w: Words) -> Vec<Reason> {
    let overdue = plan.parameters.iter().filter_map(|parameter| {
        let last = row.and_then(|row| row.latest(parameter.vital));
        let last = last.map_or(plan.from, |last| last.at);
        let vital = w.say(words::vital(parameter.vital));
        Some(Reason {
            severity: Severity::Amber,
            since: due_at(parameter, last, plan.from, now)?,
            words: w.with("why-expected", "vital", vital).to_string(),
        })
    });
    overdue.collect()
}

/// Since when a value is due of which the last is from `last`: the newest of its moments, because a
/// call settles those before it.
fn due_at(parameter: &Parameter, last: WallMs, from: WallMs, now: WallMs) -> Option<WallMs> {
    match &parameter.expected {
        Expected::EveryMinutes(every) => {
            let every_ms = i64::from(*every) * 60_000;
            let times = now.since(last).checked_div(every_ms)?;
            (times > 0).then(|| last.plus_ms(times * every_ms))
        }
        Expected::DailyAt(times) => {
            let times = times.iter().filter_map(|it| words::last_at(*it, now));
            let due = times.max().filter(|due| *due >= from)?;
            // A value of a little before counts for it.
            let grace_ms = i64::from(parameter.grace_minutes) * 60_000;
            (last < due.plus_ms(-grace_ms)).then_some(due)
        }
        // Nobody is called out of bed to count.
        Expected::Within(_) => None,
    }
}

/// Whether a reason is settled by what was tried since. A red whose moment is the call's own was
/// said in it, and is not settled by having been said.
fn is_settled(reason: &Reason, attempts: &[Attempt]) -> bool {
    let is_since = |at: WallMs| match reason.severity {
        Severity::Red => at > reason.since,
        Severity::Amber | Severity::Technical => at >= reason.since,
    };
    attempts
        .iter()
        .any(|it| is_since(it.at) && it.came == Came::Answered && it.whom == Whom::Patient)
}

/// Whether and when somebody is to be called, by whom next; `contacts` is how many the clinical
/// sheet names, `has_key_holder` whether it names somebody with keys who has a telephone.
pub(crate) fn due(
    reasons: Vec<Reason>,
    attempts: &[Attempt],
    (contacts, has_key_holder): (usize, bool),
    now: WallMs,
) -> Option<Due> {
    let open = reasons.into_iter();
    let mut open: Vec<Reason> = open.filter(|it| !is_settled(it, attempts)).collect();
    open.sort_by(|a, b| (b.severity, a.since).cmp(&(a.severity, b.since)));
    let (severity, since) = open.first().map(|it| (it.severity, it.since))?;
    let since_then: Vec<&Attempt> = attempts.iter().filter(|it| it.at >= since).collect();
    let last = since_then.last();
    let (next, from) = if severity == Severity::Red {
        let (next, from) = unreachable(&since_then, (contacts, has_key_holder), since);
        (next, from.max(spoken(attempts, since)))
    } else {
        let from = last.map_or(since, |it| match it.came {
            Came::Later(at) => at,
            _ => it.at.plus_ms(AGAIN_MS),
        });
        (Whom::Patient, from)
    };
    // What lies more than a day ahead is of another list.
    (from.since(now) < DAY_MS).then_some(Due {
        severity,
        since,
        reasons: open,
        next,
        from,
    })
}

/// Until when a patient is left to measure who was spoken to just before the flag: it is mostly
/// what they said that raised it, and they were told what to do.
fn spoken(attempts: &[Attempt], since: WallMs) -> WallMs {
    let just = attempts.iter().rev().find(|it| it.at <= since);
    let answered = just.filter(|it| (it.whom, it.came) == (Whom::Patient, Came::Answered));
    answered.map_or(since, |it| it.at.plus_ms(JUST_SPOKEN_MS))
}

/// The next step with somebody who has a red, and from when on.
fn unreachable(
    tried: &[&Attempt],
    (contacts, has_key_holder): (usize, bool),
    since: WallMs,
) -> (Whom, WallMs) {
    let reached = tried
        .iter()
        .rposition(|it| it.came == Came::Answered && it.whom != Whom::Emergency);
    let tried = tried.get(reached.map_or(0, |place| place + 1)..);
    let tried = tried.unwrap_or_default();
    let last_at = tried.last().map_or(since, |it| it.at);
    let times = |whom: Whom| tried.iter().filter(|it| it.whom == whom).count();
    if times(Whom::Patient) < PATIENT_TIMES {
        let again = times(Whom::Patient) > 0;
        let from = tried.last().map_or(since, |it| match it.came {
            Came::Later(at) => at.min(it.at.plus_ms(RED_AGAIN_MS)),
            _ => it.at.plus_ms(RED_AGAIN_MS),
        });
        return (Whom::Patient, if again { from } else { last_at });
    }
    let contact = (0..contacts).find(|place| times(Whom::Contact(*place)) == 0);
    let next = match contact {
        Some(place) => Whom::Contact(place),
        None if has_key_holder && times(Whom::KeyHolder) == 0 => Whom::KeyHolder,
        None => Whom::Emergency,
    };
    (next, last_at)
}

#[cfg(test)]
mod tests;
