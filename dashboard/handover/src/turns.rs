//! The shifts of the centre, and at which change of them one is.
//!
//! Three shifts, as Italian wards keep them: morning from 7, afternoon from 14, night from 21, by
//! the clock on the wall in Italy. The roster says who works; whoever writes a handover is whoever
//! writes it.

use jiff::ToSpan;
use veglia_view::WallMs;
use veglia_words::Key;

use crate::clock::{hour_of, local};

/// When shifts change.
const HOURS: [i8; 3] = [7, 14, 21];

/// How long after a change its handover may still be written; then one writes for the next. In
/// milliseconds.
pub(crate) const LATE_MS: i64 = 2 * 3_600_000;

/// One change of shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// When the outgoing shift began.
    pub(crate) began: WallMs,
    /// When it gives over.
    pub(crate) at: WallMs,
    /// When the incoming shift ends.
    pub(crate) until: WallMs,
}

impl Change {
    /// The change that somebody writes for at a moment: the next, or the last while it is fresh.
    pub(crate) fn near(now: WallMs) -> Option<Self> {
        let all = around(now)?;
        let last = all.iter().rposition(|at| *at <= now)?;
        let is_fresh = now.since(*all.get(last)?) < LATE_MS;
        Self::nth(&all, if is_fresh { last } else { last + 1 })
    }

    /// The change of a moment that is one.
    pub(crate) fn at(moment: WallMs) -> Option<Self> {
        let all = around(moment)?;
        let place = all.iter().position(|at| *at == moment)?;
        Self::nth(&all, place)
    }

    fn nth(all: &[WallMs], place: usize) -> Option<Self> {
        Some(Self {
            began: *all.get(place.checked_sub(1)?)?,
            at: *all.get(place)?,
            until: *all.get(place + 1)?,
        })
    }
}

/// What a shift that begins at a moment is called.
pub(crate) fn turn_name(from: WallMs) -> Key {
    match local(from).map(|at| at.hour()) {
        Some(7) => Key("turn-morning"),
        Some(14) => Key("turn-afternoon"),
        _ => Key("turn-night"),
    }
}

/// The changes of the days around a moment, in order.
fn around(now: WallMs) -> Option<Vec<WallMs>> {
    let today = local(now)?.date();
    let mut all = Vec::new();
    for days in -2_i32..=2 {
        let day = today.checked_add(days.days()).ok()?;
        for hour in HOURS {
            all.push(hour_of(day, hour)?);
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::clock::moment;

    fn at(month: i8, day: i8, hour: i8, minute: i8) -> WallMs {
        moment(date(2020, month, day).at(hour, minute, 0, 0)).unwrap()
    }

    #[test]
    fn one_writes_for_the_next_change_or_for_the_last_while_it_is_fresh() {
        let table = [
            ((11, 21, 13, 40), (11, 21, 14)),
            ((11, 21, 14, 0), (11, 21, 14)),
            ((11, 21, 15, 59), (11, 21, 14)),
            ((11, 21, 16, 0), (11, 21, 21)),
            ((11, 21, 23, 30), (11, 22, 7)),
            ((11, 22, 3, 0), (11, 22, 7)),
        ];
        for ((month, day, hour, minute), change) in table {
            let near = Change::near(at(month, day, hour, minute)).unwrap();
            assert_eq!(near.at, at(change.0, change.1, change.2, 0));
            assert_eq!(Change::at(near.at), Some(near));
        }
        assert_eq!(Change::at(at(11, 21, 13, 0)), None);
    }

    #[test]
    fn the_night_in_which_the_clocks_go_back_is_eleven_hours_long() {
        let night = Change::near(at(10, 24, 21, 10)).unwrap();
        assert_eq!(night.until, at(10, 25, 7, 0));
        assert_eq!(night.until.since(night.at), 11 * 3_600_000);
        assert_eq!(turn_name(night.at), Key("turn-night"));
        assert_eq!(turn_name(night.until), Key("turn-morning"));
        let spring = moment(date(2021, 3, 28).at(7, 0, 0, 0)).unwrap();
        let spring = Change::at(spring).unwrap();
        assert_eq!(spring.at.since(spring.began), 9 * 3_600_000);
    }
}
