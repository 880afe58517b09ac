//! A page that reached nobody: who is called instead.

use super::{Callee, Doctor, Mover, PageWhy};

impl Mover<'_> {
    pub(super) fn failed(&mut self, callee: Callee, rung: Option<usize>, why: PageWhy) {
        if callee == Callee::Mmg && matches!(self.state.doctor, Doctor::Told { .. }) {
            self.state.doctor = Doctor::Done;
        }
        if self.state.is_closed {
            // Only the family doctor is told of what is closed; who else failed waits for nothing.
            if (callee, why) == (Callee::Mmg, PageWhy::Informed) {
                self.call(Callee::Operator, PageWhy::ChannelFailed, self.now);
            }
            return;
        }
        match (rung, self.state.climb) {
            (Some(rung), Some(climb)) => {
                // A rung above that was called already needs no help.
                if climb.next != rung.saturating_add(1) {
                    return;
                }
                if let Some(next) = self.course().rungs.get(climb.next).copied() {
                    self.fire(climb, next, PageWhy::ChannelFailed, self.now);
                    return;
                }
            }
            // Somebody has it, or keeps it quiet.
            (Some(_), None) => return,
            (None, None) if why == PageWhy::Again && !self.state.is_away() => return,
            (None, _) => {}
        }
        self.stand_in(callee, why);
    }

    /// The next post for one that could not be reached. Each stands in once: a page to a stand-in
    /// that fails goes on upwards, and ends at the doctor. Of a patient who is not at home no climb
    /// goes on calling, and whoever was marked wrongly is not to be forgotten: it is tried again
    /// later.
    fn stand_in(&mut self, callee: Callee, why: PageWhy) {
        let course = self.course();
        let is_stand_in = why == PageWhy::ChannelFailed;
        let next = match callee {
            Callee::Operator => Some(Callee::SecondOperator),
            Callee::SecondOperator if is_stand_in => Some(Callee::Doctor),
            Callee::Doctor if is_stand_in => None,
            _ => Some(Callee::Operator),
        };
        // Not a post that this course leaves alone, nor one that was called at the same moment.
        let is_called = |next: &Callee| {
            let is_asked = *next != Callee::Doctor || course.calls(Callee::Doctor);
            is_asked && !(why == PageWhy::Again && course.again.callees.contains(next))
        };
        let every_ms = course.again.every_ms;
        match next.filter(is_called) {
            Some(next) => self.call(next, PageWhy::ChannelFailed, self.now),
            None if self.state.is_away() && self.state.is_confirmed => {
                self.state.unreached = Some(self.now.plus_ms(every_ms));
            }
            None => {}
        }
    }
}
