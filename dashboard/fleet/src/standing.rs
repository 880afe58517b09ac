//! How one box is: one mark, and where it stands in the list.
//!
//! Facts in, a mark out; no clock and no I/O. **No data is never green**: a box is well only while
//! it answers, keeps nothing back, and at least one of its devices speaks.

use veglia_identity::{Entry, UnixSeconds};
use veglia_view::{ClockState, GatewayRow, PortState, Status, WallMs};
use veglia_words::{Key, Words};

use crate::words;

/// A box says how it is every minute: without two words in a row it is mute. In milliseconds of
/// wall time, with half a minute for a slow network.
const MUTE_AFTER_MS: i64 = 150_000;

/// Readings that wait for so long while the box is connected are worth a look, in milliseconds of
/// wall time: what waited through a cut line is sent within a minute or two.
const BEHIND_AFTER_MS: i64 = 5 * 60_000;

/// A certificate is renewed a month before its end; with less than this left something hinders it.
const EXPIRES_SOON_DAYS: i64 = 21;

/// What is known of one box.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// Its row in the allow-list.
    pub(crate) listed: Option<&'a Entry>,
    /// Until when its certificate is good, if that is known.
    pub(crate) certified_until: Option<UnixSeconds>,
    /// What it said last, and of what moment that is; `None` while ingest does not answer.
    pub(crate) heard: Option<(Option<&'a GatewayRow>, Status)>,
    /// The moment, by wall time.
    pub(crate) now: UnixSeconds,
}

/// The mark of a box, in the order of the list: whoever needs somebody stands first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It was heard and is silent now, for so many milliseconds of care time.
    Mute(i64),
    /// Its certificate ends or has ended.
    Expires(UnixSeconds),
    /// It speaks, and something about it is wrong.
    Troubled(Key),
    /// It answers, and none of its devices speaks.
    Idle,
    /// It was not heard since ingest began.
    Unseen,
    /// Nobody can say: ingest does not answer.
    Unknown,
    /// It answers, and devices speak.
    Well,
    /// It is shut out.
    Revoked(UnixSeconds),
}

/// A mark as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chip {
    /// For the style.
    pub(crate) kind: &'static str,
    /// The shape.
    pub(crate) mark: &'static str,
    /// The word.
    pub(crate) word: String,
    /// What it means and what to do; empty when all is well.
    pub(crate) advice: String,
}

/// Judges one box.
pub(crate) fn judge(facts: &Facts<'_>) -> Standing {
    if let Some(at) = facts.listed.and_then(Entry::revoked_at) {
        return Standing::Revoked(at);
    }
    let Some((row, status)) = facts.heard else {
        return Standing::Unknown;
    };
    if let Some(row) = row {
        let silent = status.care_now.since(row.heard_at).max(0);
        if silent / speed(status) > MUTE_AFTER_MS {
            return Standing::Mute(silent);
        }
    }
    if let Some(until) = facts.certified_until
        && until <= facts.now.plus_days(EXPIRES_SOON_DAYS)
    {
        return Standing::Expires(until);
    }
    row.map_or(Standing::Unseen, |row| connected(facts, row, status))
}

fn connected(facts: &Facts<'_>, row: &GatewayRow, status: Status) -> Standing {
    if facts.listed.is_none() {
        return Standing::Troubled(Key("trouble-unlisted"));
    }
    if row.clock == ClockState::Unknown {
        return Standing::Troubled(Key("trouble-clock"));
    }
    let Some(state) = &row.state else {
        return Standing::Idle;
    };
    if state.refused > 0 {
        return Standing::Troubled(Key("trouble-refused"));
    }
    let oldest = state
        .oldest_ms
        .map_or(0, |ms| i64::try_from(ms).unwrap_or(i64::MAX));
    if oldest / speed(status) > BEHIND_AFTER_MS {
        return Standing::Troubled(Key("trouble-late"));
    }
    let speaks = |state| state == PortState::Speaking;
    if state.ports.iter().any(|port| speaks(port.state)) {
        Standing::Well
    } else {
        Standing::Idle
    }
}

/// Care milliseconds in one of wall time; never nothing.
pub(crate) fn speed(status: Status) -> i64 {
    i64::from(status.speed.max(1))
}

impl Standing {
    /// Whether what the box said last is still so.
    pub(crate) fn is_current(&self) -> bool {
        !matches!(
            self,
            Self::Mute(_) | Self::Unknown | Self::Revoked(_) | Self::Unseen
        )
    }

    /// How it is shown at `now`, by wall time.
    pub(crate) fn chip(&self, now: UnixSeconds, w: Words) -> Chip {
        let chip = |kind, mark, word: String, advice: Option<Key>| Chip {
            kind,
            mark,
            word,
            advice: advice.map_or_else(String::new, |key| w.say(key).into_owned()),
        };
        let say = |key: Key| w.say(key).into_owned();
        let dated = |key: Key, at| w.with(key, "date", words::date(at, w)).to_string();
        match self {
            Self::Mute(ms) => {
                let word = w.with("chip-mute", "span", words::span(*ms, w)).to_string();
                chip("mute", "▬", word, Some(Key("chip-mute-advice")))
            }
            Self::Expires(until) if *until <= now => {
                let word = dated(Key("chip-expired"), *until);
                chip("mute", "▲", word, Some(Key("chip-expired-advice")))
            }
            Self::Expires(until) => {
                let word = dated(Key("chip-expires"), *until);
                chip("technical", "▲", word, Some(Key("chip-expires-advice")))
            }
            Self::Troubled(why) => {
                let advice = w.with("chip-troubled-advice", "why", w.say(why));
                let advice = advice.to_string();
                let chip = chip("technical", "▲", say(Key("chip-troubled")), None);
                Chip { advice, ..chip }
            }
            Self::Idle => {
                let word = say(Key("chip-idle"));
                chip("still", "▬", word, Some(Key("chip-idle-advice")))
            }
            Self::Unseen => {
                let word = say(Key("chip-unseen"));
                chip("none", "○", word, Some(Key("chip-unseen-advice")))
            }
            Self::Unknown => chip("none", "?", say(Key("chip-unknown")), None),
            Self::Well => chip("calm", "●", say(Key("chip-well")), None),
            Self::Revoked(at) => {
                let word = w.with("chip-revoked", "moment", words::moment(*at, w));
                let advice = Some(Key("chip-revoked-advice"));
                chip("revoked", "✕", word.to_string(), advice)
            }
        }
    }
}

/// How old something of a state is that was `ms` old when the state was said.
pub(crate) fn grown(ms: u64, row: &GatewayRow, now: WallMs) -> i64 {
    let then = i64::try_from(ms).unwrap_or(i64::MAX);
    then.saturating_add(now.since(row.heard_at).max(0))
}

#[cfg(test)]
mod tests;
