//! What is being handed over: from shift to shift, to the night, or back in the morning.

use veglia_people::staff::Role;
use veglia_view::WallMs;
use veglia_words::{Key, Words};

use crate::book::Kind;
use crate::calendar::Night;
use crate::desk::Purpose;
use crate::gather::Span;
use crate::turns::{Change, turn_name};

/// How long after its moment a page that was open may still send a handover, in milliseconds.
const OPEN_MS: i64 = 12 * 3_600_000;

/// How far back the night is told what was done, in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// One handover to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) kind: Kind,
    /// The moment it is known by: the change of shift, or when the night begins.
    pub(crate) at: WallMs,
    pub(crate) span: Span,
    /// Of a shift, when the outgoing one began; of a night, when it ends.
    other: WallMs,
}

/// What a page that writes one is made of, in words.
pub(crate) struct Labels {
    pub(crate) title: Key,
    pub(crate) how: Key,
    pub(crate) nobody: Key,
    pub(crate) newest: Key,
    pub(crate) waiting: Key,
    pub(crate) write: Key,
    pub(crate) again: Key,
    pub(crate) recommendation: Key,
    pub(crate) line_in: Key,
    pub(crate) press: Key,
}

impl Task {
    /// What somebody would write at a moment.
    pub(crate) fn near(kind: Kind, now: WallMs) -> Option<Self> {
        match kind {
            Kind::Shift => Change::near(now).map(Self::of_shift),
            Kind::Night | Kind::Morning => Some(Self::of_night(kind, Night::near(now)?, now)),
        }
    }

    /// What a page was about that was opened a while ago.
    pub(crate) fn at(kind: Kind, at: WallMs, now: WallMs) -> Option<Self> {
        match kind {
            Kind::Shift => {
                let is_open = now.since(at).abs() <= OPEN_MS;
                Change::at(at).filter(|_| is_open).map(Self::of_shift)
            }
            Kind::Night | Kind::Morning => {
                let night = Night::at(at)?;
                let is_open = at.since(now) <= OPEN_MS && now.since(night.until) <= 0;
                is_open.then(|| Self::of_night(kind, night, now))
            }
        }
    }

    fn of_shift(change: Change) -> Self {
        Self {
            kind: Kind::Shift,
            at: change.at,
            span: Span {
                since: change.began,
                until: change.until,
            },
            other: change.began,
        }
    }

    fn of_night(kind: Kind, night: Night, now: WallMs) -> Self {
        let since = match kind {
            Kind::Morning => night.from,
            Kind::Shift | Kind::Night => now.plus_ms(-DAY_MS),
        };
        Self {
            kind,
            at: night.from,
            span: Span {
                since,
                until: night.until,
            },
            other: night.until,
        }
    }

    /// Where its pages are.
    pub(crate) fn address(self) -> &'static str {
        match self.kind {
            Kind::Shift => "/passaggio-consegne",
            Kind::Night => "/notte",
            Kind::Morning => "/notte/mattina",
        }
    }

    /// What it is for, in words.
    pub(crate) fn when(self, w: Words) -> String {
        let (at, other) = (w.language.moment(self.at), w.language.moment(self.other));
        match self.kind {
            Kind::Shift => w
                .with("shift-when", "at", at)
                .and("from", w.say(turn_name(self.other)))
                .and("to", w.say(turn_name(self.at)))
                .to_string(),
            Kind::Night | Kind::Morning => w
                .with("night-when", "from", at)
                .and("until", other)
                .to_string(),
        }
    }
}

impl Kind {
    /// Where versions of it are read.
    pub(crate) fn read_at(self) -> &'static str {
        match self {
            Self::Shift => "/passaggio-consegne",
            Self::Night | Self::Morning => "/notte",
        }
    }

    pub(crate) fn purpose(self) -> Purpose {
        match self {
            Self::Shift => Purpose::Shift,
            Self::Night | Self::Morning => Purpose::Night,
        }
    }

    /// Whether somebody of this role writes it.
    pub(crate) fn is_written_by(self, role: Role) -> bool {
        match self {
            Self::Shift | Self::Night => role.is_of_the_centre(),
            Self::Morning => role == Role::OutOfHoursDoctor,
        }
    }

    /// Whether somebody of this role takes over with it.
    pub(crate) fn is_taken_by(self, role: Role) -> bool {
        match self {
            Self::Shift | Self::Morning => role.is_of_the_centre(),
            Self::Night => role == Role::OutOfHoursDoctor,
        }
    }

    pub(crate) fn labels(self) -> Labels {
        match self {
            Self::Shift => Labels {
                title: Key("shift-title"),
                how: Key("shift-how"),
                nobody: Key("shift-nobody"),
                newest: Key("shift-newest"),
                waiting: Key("shift-waits"),
                write: Key("shift-write"),
                again: Key("shift-write-again"),
                recommendation: Key("sbar-recommendation"),
                line_in: Key("line-in"),
                press: Key("shift-press"),
            },
            Self::Night => Labels {
                title: Key("night-title"),
                how: Key("night-how"),
                nobody: Key("night-nobody"),
                newest: Key("night-newest"),
                waiting: Key("night-waits"),
                write: Key("night-write"),
                again: Key("night-write-again"),
                recommendation: Key("night-agreed"),
                line_in: Key("night-in"),
                press: Key("night-press"),
            },
            Self::Morning => Labels {
                title: Key("morning-title"),
                how: Key("morning-how"),
                nobody: Key("morning-nobody"),
                newest: Key("morning-newest"),
                waiting: Key("night-waits"),
                write: Key("morning-write"),
                again: Key("morning-write-again"),
                recommendation: Key("morning-left"),
                line_in: Key("morning-in"),
                press: Key("morning-press"),
            },
        }
    }
}
