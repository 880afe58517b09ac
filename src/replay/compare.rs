//! Two rule sets over the same data: whom would the second have called that the first did not, and
//! when.
//!
//! Flags are laid beside each other by patient and rule, when their episodes overlap. A flag that
//! was never confirmed has called nobody. What both say at the same moment is left out.

use std::collections::BTreeMap;

use serde::Serialize;
use veglia_diary::Told;
use veglia_triage::{FlagId, PatientId, RuleName, Severity, Standing};
use veglia_wire::WallMs;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    /// The second calls somebody and the first does not.
    OnlySecond,
    /// The first calls somebody and the second does not.
    OnlyFirst,
    /// Both do, the second earlier.
    Earlier,
    /// Both do, the second later.
    Later,
}

/// One call that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    pub(super) patient: String,
    pub(super) rule: RuleName,
    pub(super) severity: Severity,
    pub(super) change: Change,
    pub(super) first_called_at: Option<WallMs>,
    pub(super) second_called_at: Option<WallMs>,
}

/// Flags of one patient and rule, in order of time.
type Episodes<'a> = BTreeMap<(PatientId, &'a RuleName), Vec<&'a Told>>;

/// Every call that differs, by patient and rule, then in order of time.
pub(super) fn differences(
    first: &[&Told],
    second: &[&Told],
    name: impl Fn(&FlagId) -> String,
) -> Vec<Difference> {
    let (first, mut second) = (episodes(first), episodes(second));
    let mut found = Vec::new();
    let mut say = |of: &Told, first: Option<WallMs>, second: Option<WallMs>| {
        let change = match (first, second) {
            (None, Some(_)) => Change::OnlySecond,
            (Some(_), None) => Change::OnlyFirst,
            (Some(first), Some(second)) if second < first => Change::Earlier,
            (Some(first), Some(second)) if second > first => Change::Later,
            _ => return,
        };
        found.push(Difference {
            patient: name(&of.flag.id),
            rule: of.flag.id.rule.clone(),
            severity: of.flag.severity,
            change,
            first_called_at: first,
            second_called_at: second,
        });
    };
    for (key, ours) in &first {
        let mut theirs = second.remove(key).unwrap_or_default();
        for told in ours {
            let twin = theirs.iter().position(|other| is_overlapping(told, other));
            let twin = twin.map(|place| theirs.remove(place));
            say(told, called_at(told), twin.and_then(called_at));
        }
        for told in theirs {
            say(told, None, called_at(told));
        }
    }
    for told in second.into_values().flatten() {
        say(told, None, called_at(told));
    }
    found
}

fn episodes<'a>(flags: &[&'a Told]) -> Episodes<'a> {
    let mut episodes = Episodes::new();
    for told in flags {
        let id = &told.flag.id;
        episodes
            .entry((id.patient, &id.rule))
            .or_default()
            .push(*told);
    }
    for flags in episodes.values_mut() {
        flags.sort_by_key(|told| told.flag.since);
    }
    episodes
}

fn is_overlapping(one: &Told, other: &Told) -> bool {
    let end = |told: &Told| told.ended.map_or(WallMs(i64::MAX), |(_, at)| at);
    one.flag.since <= end(other) && other.flag.since <= end(one)
}

/// When a person was to be told.
pub(super) fn called_at(told: &Told) -> Option<WallMs> {
    match told.flag.standing {
        Standing::Confirmed { at, .. } => Some(at),
        Standing::Unconfirmed { .. } => None,
    }
}
