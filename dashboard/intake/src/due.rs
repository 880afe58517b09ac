//! Who is to be called, why, since when, and what comes next: functions of what is known, without
//! a clock and without a record.
//!
//! A reason is a flag that asks for a person, a time that was agreed, or an expected value of
//! somebody who has no device. A call that was answered since settles what began before it; a red
//! it settles only as long as the flag says nothing new.
//!
//! **Red and unreachable**: the patient twice, then everybody the clinical sheet names, then who
//! has the keys, then 112. Whoever is reached on the way sends the caller back to the patient.

use veglia_view::{Expected, OpenFlag, Plan, Row, RuleSet, Severity, Standing, WallMs};

use crate::attempt::{Attempt, Came, Whom};
use crate::saved::about;
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
pub(crate) fn of_flag(flag: &OpenFlag, rules: &RuleSet, now: WallMs) -> Reason {
    let (severity, since) = (flag.flag.severity, told_at(flag));
    let what = about(flag.flag.about);
    let words = match (severity, flag.flag.standing) {
        (Severity::Technical, _) => format!("Nessuna misura: {what}"),
        (_, Standing::Unconfirmed { repeat_by }) => {
            let by = words::by_time(repeat_by, now);
            format!("{what}: da confermare, la seconda misura è attesa {by}")
        }
        (Severity::Amber, _) => match rules.call_within_ms(&flag.flag.id.rule) {
            Some(within_ms) => {
                let by = words::by_time(since.plus_ms(within_ms), now);
                format!("{what}: chiamare {by}")
            }
            None => what,
        },
        (Severity::Red, _) => format!("{what}: confermato"),
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
                format!("{words} ({})", words::value(kind, steps))
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
pub(crate) fn agreed(attempts: &[Attempt], now: WallMs) -> Option<Reason> {
    let Came::Later(at) = attempts.last()?.came else {
        return None;
    };
    Some(Reason {
        severity: Severity::Amber,
        since: at,
        words: format!("Da richiamare {}", words::at_time(at, now)),
    })
}

/// An expected value of somebody who measures for us on the telephone alone.
pub(crate) fn expected(plan: &Plan, row: Option<&Row>, now: WallMs) -> Option<Reason> {
    let overdue = plan.parameters.iter().filter_map(|parameter| {
        let last = row.and_then(|row| row.latest(parameter.vital));
        let last = last.map_or(plan.from, |last| last.at);
        let grace_ms = i64::from(parameter.grace_minutes) * 60_000;
        let due = match &parameter.expected {
            Expected::EveryMinutes(every) => last.plus_ms(i64::from(*every) * 60_000),
            Expected::DailyAt(times) => {
                let times = times.iter().filter_map(|it| words::last_at(*it, now));
                let due = times.max().filter(|due| *due >= plan.from)?;
                // A value of a little before counts for it.
                (last < due.plus_ms(-grace_ms)).then_some(due)?
            }
            // Nobody is called out of bed to count.
            Expected::Within(_) => return None,
        };
        (due <= now).then_some((due, words::vital(parameter.vital)))
    });
    let mut overdue: Vec<(WallMs, &str)> = overdue.collect();
    overdue.sort();
    let since = overdue.first()?.0;
    let names: Vec<&str> = overdue.into_iter().map(|(_, name)| name).collect();
    Some(Reason {
        severity: Severity::Amber,
        since,
        words: format!(
            "Misure attese dal piano, per telefono: {}",
            names.join(", ")
        ),
    })
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
