//! A clock that was ahead and is set right.

use super::{Doctor, Mover, PageWhy};

impl Mover<'_> {
    /// Timers that were set by a clock that was ahead are cut to what they may be from now on.
    pub(super) fn set_back(&mut self) {
        let course = self.course().clone();
        let now = self.now;
        let state = &mut self.state;
        let keep_ms = match state.over {
            Some(_) => course.charge_over_ms,
            None => course.charge_ms,
        };
        state.over = state.over.map(|over| over.min(now));
        if let Some(hold) = &mut state.hold {
            hold.since = hold.since.min(now);
            hold.until = hold.until.min(now.plus_ms(keep_ms));
        }
        if let Some(snooze) = &mut state.snooze {
            snooze.until = snooze.until.min(now.plus_ms(course.snooze_ms));
        }
        if let Some(climb) = &mut state.climb {
            let after_ms = |rung: usize| course.rungs.get(rung).map(|it| it.after_ms);
            let before_ms = climb.next.checked_sub(1).and_then(after_ms).unwrap_or(0);
            let next_ms = after_ms(climb.next);
            let wait_ms = next_ms.map_or(course.again.every_ms, |next| next - before_ms);
            climb.at = climb.at.min(now.plus_ms(wait_ms));
            let began = climb.at.plus_ms(-next_ms.unwrap_or(wait_ms));
            climb.began = climb.began.min(began);
        }
        let again = now.plus_ms(course.again.every_ms);
        state.unreached = state.unreached.map(|at| at.min(again));
        let hours = &self.ladder.hours;
        match &mut state.doctor {
            Doctor::Due { at, why } => {
                let next = match why {
                    PageWhy::Digest => hours.next(now, self.ladder.digest_at),
                    _ => hours.next_opening(now),
                };
                *at = (*at).min(next);
            }
            Doctor::Told { seen_by } => {
                *seen_by = (*seen_by).min(now.plus_ms(self.ladder.seen_within_ms));
            }
            Doctor::Unasked | Doctor::Done => {}
        }
    }
}
