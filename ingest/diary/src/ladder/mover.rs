//! How one input moves an alert, and what falls due by itself.

mod clock;
mod unreached;

use veglia_triage::{FamilyDoctor, Severity, Whereabouts};
use veglia_wire::WallMs;

use super::{
    Beside, Climb, Course, Doctor, Hold, Input, Ladder, Rung, Snooze, State, Step, Telling,
};
use crate::alerts::pages::{Callee, PageWhy};

/// A state on its way.
pub(super) struct Mover<'a> {
    ladder: &'a Ladder,
    state: State,
    now: WallMs,
    steps: Vec<Step>,
}

impl<'a> Mover<'a> {
    pub(super) fn new(ladder: &'a Ladder, state: State, now: WallMs) -> Self {
        Self {
            ladder,
            state,
            now,
            steps: Vec::new(),
        }
    }

    pub(super) fn done(self) -> (State, Vec<Step>) {
        (self.state, self.steps)
    }

    fn course(&self) -> &Course {
        self.ladder.course_of(&self.state)
    }

    pub(super) fn take(&mut self, input: &Input) {
        match input {
            Input::Told {
                severity,
                confirmed,
                worse,
                at_once,
                rule,
                beside,
            } => {
                self.state.rule.clone_from(rule);
                self.told(*severity, *confirmed, (*worse, *at_once), beside);
            }
            Input::Over => self.over(),
            Input::Left => self.close(),
            Input::Taken { by, along } => self.hold(by, *along),
            Input::Inherited { hold, heard } => self.inherit(hold, *heard),
            Input::HandedOver { to } => self.hand_over(to),
            Input::Called { by } => {
                let lets = |hold: &Hold| hold.by == *by || hold.until <= self.now;
                let is_free = self.state.hold.as_ref().is_none_or(lets);
                if is_free && self.state.snooze.is_none() {
                    self.hold(by, None);
                }
            }
            Input::Snoozed { by, until } => self.snooze(by, *until),
            Input::Escalated => self.escalate(),
            Input::Closed => self.close(),
            Input::Seen => {
                if matches!(self.state.doctor, Doctor::Told { .. }) {
                    self.state.doctor = Doctor::Done;
                }
            }
            Input::Failed { callee, rung, why } => self.failed(*callee, *rung, *why),
            Input::SetBack => self.set_back(),
            Input::Stands { whereabouts } => self.stands(*whereabouts),
            Input::Planned { calling } => self.state.calling.clone_from(calling),
            Input::Tick => {}
        }
    }

    /// Leaving home ends all calls, coming home begins them anew. Whoever has the alert keeps it.
    fn stands(&mut self, whereabouts: Whereabouts) {
        let was_away = self.state.is_away();
        self.state.whereabouts = whereabouts;
        self.state.unreached = None;
        if self.state.is_away() {
            self.state.climb = None;
            self.state.snooze = None;
            if self.state.doctor != Doctor::Done {
                self.state.doctor = Doctor::Unasked;
            }
        } else if was_away && self.state.is_confirmed && !self.state.is_closed {
            if self.state.doctor == Doctor::Unasked {
                self.inform(false);
            }
            if self.state.hold.is_none() {
                // What was kept quiet meanwhile was so for who was away.
                self.state.snooze = None;
                self.climb(PageWhy::Again);
            }
        }
    }

    fn told(
        &mut self,
        severity: Severity,
        confirmed: bool,
        (worse, at_once): (bool, bool),
        beside: &Beside,
    ) {
        let rises = severity > self.state.severity;
        // A new episode after the last one was over is as good as a first.
        let returns = confirmed && (self.state.over.is_some() || self.state.rests);
        let is_new = confirmed && !self.state.is_confirmed;
        self.state.severity = self.state.severity.max(severity);
        self.state.is_confirmed |= confirmed;
        self.state.over = None;
        self.state.rests &= !confirmed;
        let latest = self.now.plus_ms(self.course().charge_ms);
        if let Some(hold) = &mut self.state.hold {
            hold.until = hold.until.min(latest);
        }
        self.join(beside);
        let worse = worse || returns;
        if !(rises || worse || is_new) || !self.state.is_confirmed || self.state.is_closed {
            return;
        }
        if self.state.is_away() {
            // Shown, and said once: the device is with somebody, or the patient never left.
            if self.state.severity == Severity::Red && !self.was_called_for() {
                self.call(Callee::Operator, PageWhy::New, self.now);
            }
            return;
        }
        self.state.snooze = None;
        if rises || is_new || returns {
            self.inform(beside.is_informed);
        }
        if self.state.hold.is_some() {
            let heard = self.state.heard.max(beside.heard);
            let is_more = rises || worse || at_once || heard < Some(self.state.severity);
            if is_more && !self.was_called_for() {
                self.state.heard = heard.max(Some(self.state.severity));
                self.call(Callee::Operator, PageWhy::New, self.now);
            }
        } else if worse && self.state.climb.is_some() && !rises {
            // Whoever is being called hears that there is more.
            self.call(Callee::Operator, PageWhy::New, self.now);
        } else {
            self.climb(PageWhy::New);
        }
    }

    /// Whoever has another red of the patient has this too, for as long.
    fn join(&mut self, beside: &Beside) {
        let state = &self.state;
        let is_attended = state.hold.is_some() || state.snooze.is_some() || state.climb.is_some();
        let Some(charge) = beside.charge.as_ref().filter(|it| it.until > self.now) else {
            return;
        };
        if is_attended || state.is_closed || state.severity == Severity::Technical {
            return;
        }
        let latest = self.now.plus_ms(self.course().charge_ms);
        self.state.hold = Some(Hold {
            by: charge.by.clone(),
            since: self.now,
            until: charge.until.min(latest),
        });
    }

    fn over(&mut self) {
        self.state.over = Some(self.now);
        self.state.rests |= self.state.is_confirmed;
        let keep_ms = self.course().charge_over_ms;
        if let Some(hold) = &mut self.state.hold {
            hold.until = hold.until.max(hold.since.plus_ms(keep_ms));
        }
    }

    fn close(&mut self) {
        self.state.is_closed = true;
        self.state.hold = None;
        self.state.snooze = None;
        self.state.climb = None;
        self.state.unreached = None;
        // What was urgent is told even when it is done with; the rest needs nobody any more.
        let is_informed = matches!(
            self.state.doctor,
            Doctor::Due {
                why: PageWhy::Informed,
                ..
            }
        );
        if !is_informed {
            self.state.doctor = Doctor::Done;
        }
    }

    fn hold(&mut self, by: &str, along: Option<WallMs>) {
        let course = self.course();
        let keep_ms = match self.state.over {
            Some(_) => course.charge_over_ms,
            None => course.charge_ms,
        };
        let known = self.state.hold.take().filter(|hold| hold.by == by);
        let latest = self.now.plus_ms(keep_ms);
        let until = along.map_or(latest, |until| {
            let known = known.as_ref().map_or(until, |hold| hold.until);
            until.max(known).min(latest)
        });
        self.state.hold = Some(Hold {
            by: by.to_owned(),
            since: known.map_or(self.now, |hold| hold.since),
            until,
        });
        self.state.snooze = None;
        self.state.climb = None;
        self.state.heard = None;
        self.state.unreached = None;
    }

    /// Whoever had somebody unknown has whom they turn out to be, since then and for as long.
    fn inherit(&mut self, hold: &Hold, heard: Option<Severity>) {
        let latest = self.now.plus_ms(self.course().charge_ms);
        self.state.hold = Some(Hold {
            until: hold.until.min(latest),
            ..hold.clone()
        });
        self.state.snooze = None;
        self.state.climb = None;
        self.state.unreached = None;
        self.state.heard = heard;
        self.state.inherited = Some(self.now);
    }

    /// Whether people were called for what is told now, when nobody knew whose it was.
    fn was_called_for(&self) -> bool {
        let is_told_with_it = self.state.inherited == Some(self.now);
        is_told_with_it && self.state.heard >= Some(self.state.severity)
    }

    /// Whoever is given a red may not be looking: they are told, once.
    fn hand_over(&mut self, to: &str) {
        let is_theirs = self.state.hold.as_ref().is_some_and(|hold| hold.by == to);
        self.hold(to, None);
        let is_urgent = self.state.is_confirmed && self.state.severity == Severity::Red;
        if is_urgent && !is_theirs && !self.state.is_closed {
            self.call(Callee::Receiver, PageWhy::New, self.now);
        }
    }

    fn snooze(&mut self, by: &str, until: WallMs) {
        let latest = self.now.plus_ms(self.course().snooze_ms);
        self.state.snooze = Some(Snooze {
            by: by.to_owned(),
            until: until.clamp(self.now, latest),
        });
        self.state.hold = None;
        self.state.climb = None;
        self.state.unreached = None;
    }

    /// The doctor on duty is called, and again and again until somebody takes charge.
    fn escalate(&mut self) {
        let course = self.course();
        let (rungs, every_ms) = (course.rungs.len(), course.again.every_ms);
        self.state.hold = None;
        self.state.snooze = None;
        self.call(Callee::Doctor, PageWhy::Escalated, self.now);
        self.state.climb = (!self.state.is_away()).then(|| Climb {
            began: self.now,
            next: rungs,
            at: self.now.plus_ms(every_ms),
            why: PageWhy::Again,
        });
    }

    /// Acts on all that is due.
    pub(super) fn look(&mut self) {
        self.look_at_hold();
        if let Some(snooze) = &self.state.snooze
            && snooze.until <= self.now
        {
            self.state.snooze = None;
            if self.state.is_confirmed && !self.state.is_away() {
                self.climb(PageWhy::Again);
            }
        }
        let is_kept = self.state.hold.is_some() || self.state.snooze.is_some();
        let is_open = self.state.is_confirmed && !self.state.is_closed;
        let is_calling = is_open && !self.state.is_away();
        if is_calling && !is_kept && self.state.climb.is_none() {
            self.climb(PageWhy::New);
        }
        self.look_at_climb();
        self.look_at_doctor();
        if self.state.unreached.is_some_and(|at| at <= self.now) {
            self.state.unreached = None;
            self.call(Callee::Operator, PageWhy::Again, self.now);
        }
    }

    fn look_at_hold(&mut self) {
        let has_lapsed = |hold: &Hold| hold.until <= self.now;
        if self.state.hold.as_ref().is_some_and(has_lapsed) {
            self.state.hold = None;
            if self.state.is_confirmed && !self.state.is_away() {
                self.climb(PageWhy::ChargeLapsed);
            }
        }
    }

    fn look_at_climb(&mut self) {
        while let Some(climb) = self.state.climb.filter(|climb| climb.at <= self.now) {
            match self.course().rungs.get(climb.next).copied() {
                Some(rung) => {
                    let why = if climb.next == 0 { climb.why } else { rung.why };
                    self.fire(climb, rung, why, climb.at);
                }
                None => self.repeat(climb),
            }
        }
    }

    fn look_at_doctor(&mut self) {
        if let Doctor::Due { at, why } = self.state.doctor
            && at <= self.now
        {
            self.call(Callee::Mmg, why, at);
            self.state.doctor = match why {
                PageWhy::Informed if !self.state.is_closed => Doctor::Told {
                    seen_by: self.now.plus_ms(self.ladder.seen_within_ms),
                },
                _ => Doctor::Done,
            };
        }
        if let Doctor::Told { seen_by } = self.state.doctor
            && seen_by <= self.now
        {
            self.call(Callee::Operator, PageWhy::Unseen, seen_by);
            self.state.doctor = Doctor::Done;
        }
    }

    fn climb(&mut self, why: PageWhy) {
        let first = self.course().rungs.first();
        let at = self.now.plus_ms(first.map_or(0, |rung| rung.after_ms));
        self.state.climb = Some(Climb {
            began: self.now,
            next: 0,
            at,
            why,
        });
    }

    fn fire(&mut self, climb: Climb, rung: Rung, why: PageWhy, due: WallMs) {
        self.steps.push(Step {
            callee: rung.callee,
            why,
            rung: Some(climb.next),
            due,
        });
        let next = climb.next.saturating_add(1);
        let course = self.course();
        let at = match course.rungs.get(next) {
            Some(rung) => climb.began.plus_ms(rung.after_ms),
            None => self.now.plus_ms(course.again.every_ms),
        };
        self.state.climb = Some(Climb { next, at, ..climb });
    }

    /// However long nobody looked, what is repeated is said once.
    fn repeat(&mut self, climb: Climb) {
        let again = self.course().again.clone();
        for callee in again.callees {
            self.call(callee, PageWhy::Again, climb.at);
        }
        self.state.climb = Some(Climb {
            at: self.now.plus_ms(again.every_ms),
            ..climb
        });
    }

    /// Tells the family doctor, or whoever stands in outside the hours. Of what is urgent they
    /// hear once for a patient, as long as another red that they were told of goes on.
    fn inform(&mut self, is_informed: bool) {
        let (telling, stand_in) = {
            let course = self.course();
            (course.family_doctor, course.outside_hours.clone())
        };
        let hours = &self.ladder.hours;
        let telling = match self.state.calling.family_doctor {
            FamilyDoctor::Informed => telling,
            FamilyDoctor::NotInformed => Telling::Never,
        };
        if is_informed && telling == Telling::AtOnce {
            if self.state.doctor == Doctor::Unasked {
                self.state.doctor = Doctor::Done;
            }
            return;
        }
        self.state.doctor = match telling {
            Telling::Never => Doctor::Done,
            Telling::Digest => Doctor::Due {
                at: hours.next(self.now, self.ladder.digest_at),
                why: PageWhy::Digest,
            },
            Telling::AtOnce => Doctor::Due {
                at: hours.next_opening(self.now),
                why: PageWhy::Informed,
            },
        };
        if !self.ladder.hours.is_open(self.now) && !self.was_called_for() {
            for callee in stand_in {
                self.call(callee, PageWhy::Informed, self.now);
            }
        }
    }

    fn call(&mut self, callee: Callee, why: PageWhy, due: WallMs) {
        self.steps.push(Step {
            callee,
            why,
            rung: None,
            due,
        });
    }
}
