//! The life of an alert, pure: who has it, who is called next, and when.
//!
//! ```text
//! told (unconfirmed) ─▶ waits, nobody is called
//! told (confirmed) ──▶ climb: operator, again, second operator, doctor, and so on until …
//!   taken ─▶ held until its end; then, if nothing else happened, lapsed: the climb begins anew
//!   snoozed ─▶ quiet until its end; then the climb begins anew; something graver ends it at once
//!   escalated ─▶ the doctor is called, and nobody holds it
//!   closed by a person, or left by itself (never a confirmed red)
//! ```
//! [`step`] is a fold: the state is made of the inputs in order, and of nothing else. A moment that
//! has passed while nobody looked is acted on at the next look, once.
//!
//! **A confirmed alert of a patient at home that is open is held by somebody, or snoozed, or
//! climbing.** Each of the three has an end in time ([`State::due`]), so it cannot be forgotten.
//!
//! **Only for a patient at home.** While a patient is in hospital, suspended, discharged or dead
//! ([`Input::Stands`]) nobody is called by a timer, and nobody's charge lapses into calls; the
//! alert stays open and says so. A further red calls the operator once: somebody measures who
//! should not. Whoever comes home, or never left, has the climb begin anew, as long as the alert is
//! open.
//!
//! **Who is called** is the ladder that the patient's plan names ([`Input::Planned`]).
//!
//! **A page that reached nobody** is not waited for: the next rung is called at once, and above the
//! rungs the next post ([`Input::Failed`]), once each, so that empty posts do not spin. Where no
//! climb goes on calling by itself, an end in time does ([`State::unreached`]).
//!
//! **Charge is of the patient.** What comes while somebody has a red of the same patient
//! ([`Beside`]) is theirs from its beginning: they hear once that there is more, and again of what
//! is too bad to wait; when the charge lapses it climbs as any other.
//!
//! **Of somebody unknown** the charge goes on when it is known who they are ([`Input::Inherited`]):
//! what people were called for before is not called for again.
//!
//! **Taking charge is not resolution.** While the episode goes on (the readings stay red, or none
//! arrive) a charge lapses; a call that is recorded or taking charge anew prolongs it.
//!
//! Deliberately absent: a clock, a database, names of people (a holder is a signature).

mod course;
mod hours;
mod mover;

use serde::{Deserialize, Serialize};
use veglia_triage::{Calling, RuleName, Severity, Whereabouts};
use veglia_wire::WallMs;

use self::mover::Mover;
use crate::alerts::pages::{Callee, PageWhy};

pub use course::{Again, Course, Ladder, LadderError, Rung, Telling};
pub use hours::Hours;

/// Who has an alert, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who: `staff:42`.
    pub by: String,
    /// Since when.
    pub since: WallMs,
    /// When it lapses.
    pub until: WallMs,
}

/// An alert that is kept quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// By whom.
    pub by: String,
    /// Until when.
    pub until: WallMs,
}

/// An alert that calls for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Climb {
    /// When the first rung was due.
    pub began: WallMs,
    /// The next rung, counted from 0; above the last one it goes on calling.
    pub next: usize,
    /// When it is due.
    pub at: WallMs,
    /// Why the first rung calls.
    pub why: PageWhy,
}

/// The family doctor's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doctor {
    /// Nothing to tell yet.
    Unasked,
    /// To be told then.
    Due {
        /// When.
        at: WallMs,
        /// As what.
        why: PageWhy,
    },
    /// Told, and not known to have seen it.
    Told {
        /// When it comes back to the centre.
        seen_by: WallMs,
    },
    /// Nothing more to do.
    Done,
}

/// The state of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The gravest so far; it only rises.
    pub severity: Severity,
    /// Whether people are to be called.
    pub is_confirmed: bool,
    /// Since when its episodes are all over, if they are.
    pub over: Option<WallMs>,
    /// Who has it.
    pub hold: Option<Hold>,
    /// Whether it is kept quiet.
    pub snooze: Option<Snooze>,
    /// Whether it is calling for people.
    pub climb: Option<Climb>,
    /// The family doctor's part.
    pub doctor: Doctor,
    /// Whether it is closed.
    pub is_closed: bool,
    /// Who is called for the patient.
    #[serde(default, skip_serializing_if = "Calling::is_usual")]
    pub calling: Calling,
    /// Where the patient is.
    #[serde(default)]
    pub whereabouts: Whereabouts,
    /// Its rule, which may have a course of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleName>,
    /// Whether its episodes were over, and none was confirmed since.
    #[serde(default)]
    pub rests: bool,
    /// The gravest that whoever has it was told of the patient since they took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Severity>,
    /// When it was found to be of somebody unknown of whom somebody had charge: what is told at
    /// that moment was called for before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<WallMs>,
    /// When somebody is called again because nobody could be reached, and no climb does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreached: Option<WallMs>,
}

/// What else there is of the patient when one of an alert's flags is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Who has another red of the patient whose episode goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Hold>,
    /// The gravest that they were told of the patient since they took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Severity>,
    /// Whether the family doctor's part of another red that goes on has begun.
    #[serde(default)]
    pub is_informed: bool,
}

/// What happens to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// One of its flags stands, as told now.
    Told {
        /// How grave.
        severity: Severity,
        /// Whether a person is to be told.
        confirmed: bool,
        /// It was confirmed before, and the patient has become worse.
        worse: bool,
        /// It is too bad to wait for a repeat.
        #[serde(default)]
        at_once: bool,
        /// By which rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<RuleName>,
        /// What else there is of the patient.
        #[serde(default)]
        beside: Beside,
    },
    /// The episodes of all its flags are over, and it waits to be closed.
    Over,
    /// Nothing of it asks for a person any more: it is closed by itself.
    Left,
    /// A person takes charge, or takes it anew.
    Taken {
        /// Who.
        by: String,
        /// Of what is taken with another alert of the patient: until when they have that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        along: Option<WallMs>,
    },
    /// Somebody unknown turns out to be its patient, and somebody has charge of them already.
    Inherited {
        /// Who, since when and until when.
        hold: Hold,
        /// The gravest that people were called for; none when nobody was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heard: Option<Severity>,
    },
    /// A person has telephoned.
    Called {
        /// Who.
        by: String,
    },
    /// A person keeps it quiet.
    Snoozed {
        /// Who.
        by: String,
        /// Until when; never longer than the course allows.
        until: WallMs,
    },
    /// A person asks for the doctor on duty.
    Escalated,
    /// A person gives it to another.
    HandedOver {
        /// To whom.
        to: String,
    },
    /// A person closes it.
    Closed,
    /// The family doctor has seen it.
    Seen,
    /// A page reached nobody.
    Failed {
        /// Whom it was for.
        callee: Callee,
        /// Which rung it was.
        rung: Option<usize>,
        /// Why they were called.
        #[serde(default = "unsaid")]
        why: PageWhy,
    },
    /// The clock was set back: no timer lies further ahead than it may.
    SetBack,
    /// The patient is somewhere from now on.
    Stands {
        /// Where.
        whereabouts: Whereabouts,
    },
    /// The patient's plan says who is called from now on.
    Planned {
        /// Who.
        calling: Calling,
    },
    /// Time has passed.
    Tick,
}

/// Why a page was made of whose failure a record from before does not say.
fn unsaid() -> PageWhy {
    PageWhy::Again
}

impl Input {
    /// Its name in the record: `told`, `taken`, `tick`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Told { .. } => "told",
            Self::Over => "over",
            Self::Left => "left",
            Self::Taken { .. } => "taken",
            Self::Inherited { .. } => "inherited",
            Self::Called { .. } => "called",
            Self::Snoozed { .. } => "snoozed",
            Self::Escalated => "escalated",
            Self::HandedOver { .. } => "handed-over",
            Self::Closed => "closed",
            Self::Seen => "seen",
            Self::Failed { .. } => "failed",
            Self::SetBack => "set-back",
            Self::Stands { .. } => "stands",
            Self::Planned { .. } => "planned",
            Self::Tick => "tick",
        }
    }
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Who is called.
    pub callee: Callee,
    /// Why.
    pub why: PageWhy,
    /// Which rung it was, if one.
    pub rung: Option<usize>,
    /// When it should have been; before `now` when nobody was there to look.
    pub due: WallMs,
}

impl State {
    /// An alert of which nothing was told yet.
    #[must_use]
    pub fn new(severity: Severity) -> Self {
        Self {
            severity,
            is_confirmed: false,
            over: None,
            hold: None,
            snooze: None,
            climb: None,
            doctor: Doctor::Unasked,
            is_closed: false,
            calling: Calling::default(),
            whereabouts: Whereabouts::AtHome,
            rule: None,
            rests: false,
            heard: None,
            inherited: None,
            unreached: None,
        }
    }

    /// Whether nobody is called because the patient is not at home.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.whereabouts != Whereabouts::AtHome
    }

    /// The next moment at which something happens by itself.
    #[must_use]
    pub fn due(&self) -> Option<WallMs> {
        let doctor = match self.doctor {
            Doctor::Due { at, .. } => Some(at),
            Doctor::Told { seen_by } => Some(seen_by),
            Doctor::Unasked | Doctor::Done => None,
        };
        let ends = [
            self.hold.as_ref().map(|hold| hold.until),
            self.snooze.as_ref().map(|snooze| snooze.until),
            self.climb.map(|climb| climb.at),
            self.unreached,
            doctor,
        ];
        ends.into_iter().flatten().min()
    }
}

impl State {
    /// Who is called next if nothing happens until then: the first of those that one moment calls.
    #[must_use]
    pub fn next_call(&self, ladder: &Ladder) -> Option<(Callee, WallMs)> {
        if self.is_away() {
            return None;
        }
        let course = ladder.course_of(self);
        let first = || course.rungs.first().map(|rung| rung.callee);
        if let Some(climb) = self.climb {
            let rung = course.rungs.get(climb.next).map(|rung| rung.callee);
            let callee = rung.or_else(|| course.again.callees.last().copied())?;
            return Some((callee, climb.at));
        }
        let hold = self.hold.as_ref().map(|hold| hold.until);
        let quiet = self.snooze.as_ref().map(|snooze| snooze.until);
        let until = hold.or(quiet).filter(|_| self.is_confirmed)?;
        Some((first()?, until))
    }
}

/// Moves an alert by one input, at `now`, by the ladder that its patient's plan names.
#[must_use]
pub fn step_by_plan(state: State, input: &Input, now: WallMs) -> (State, Vec<Step>) {
    let calling = match input {
        Input::Planned { calling } => calling,
        _ => &state.calling,
    };
    step(Ladder::of(calling), state, input, now)
}

/// Moves an alert by one input, at `now`, and says who is to be called.
#[must_use]
pub fn step(ladder: &Ladder, state: State, input: &Input, now: WallMs) -> (State, Vec<Step>) {
    let mut mover = Mover::new(ladder, state, now);
    mover.take(input);
    mover.look();
    mover.done()
}

#[cfg(test)]
mod tests;
