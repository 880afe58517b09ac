//! The medical module: pure rules over readings.
//!
//! [`step`] takes a rule set, a patient's state, one input and the time, moves the state and
//! returns [`Verdict`]s: a flag is raised, confirmed or over. That is all. Who is told, and who
//! closes an alert, is decided elsewhere; a confirmed red is never closed from here.
//!
//! **Flags are a function of the set of observations.** Homes go off line and devices keep
//! memories, so readings arrive late, shuffled and twice. Each rule is a fold over the readings
//! in order of *measuring* (`limit.rs`, `silence.rs`), a late arrival has the fold done again
//! (`track.rs`), and the difference to what was said before is what is said now (`ledger.rs`).
//!
//! **Numbers are data.** Every threshold stands in a versioned rule set with its source
//! (`rules/home-2020.toml`); a flag names the version it was raised by.
//!
//! **What is never a clinical flag**: a reading with anything against it ([`veglia_wire::Quality`]
//! `BLOCKING`: no finger, searching, artefact, held, uncertain time …), an implausible value (a
//! missing value sent as 0), a temperature from the skin, a reading dated after its arrival. An
//! old value is not a low one: silence is its own, technical flag.
//!
//! **Continuous oxygen** (a device that speaks every second) is judged by the median of two minutes
//! of clean seconds; its repeat is the next median that shares no second with the first. A spot
//! measurement is judged by itself, and the next one is its repeat (`stream.rs`).
//!
//! **What waits for no second value** (`calls.rs`): a red symptom that a person tells
//! (`symptom.rs`) and two red vital signs at one time (`together.rs`) are confirmed reds at once; a
//! vital sign that cannot be measured is an amber call (`signal.rs`). And a clean value may be no
//! measurement all the same, when a device repeats it, holds it or ends at it (`gate.rs`).
//!
//! **One cause, one flag.** Each vital sign has bands and rules; a rule under a graver one is
//! silent while that one is open (`limit.rs`).
//!
//! **Days** have rules of their own (`days.rs`): the patient's own baseline, a slow fall, a
//! restless course, a fever that lasts, tests under exertion.
//!
//! **Scores** (NEWS2, MEWS) are intervals while values are missing, and flag by their lower end
//! (`score.rs`).
//!
//! **Nearly every reading is put off** (`quiet.rs`). Of somebody who is well the rules say nothing
//! for hours, and a proof at the front of the state shows it of a reading without looking at the
//! rest. It is written into a log and folded when something else comes. What is said, and when, is
//! the same.
//!
//! **Limits.** Per vital sign, 128 readings over two days are remembered; what is older is judged
//! alone, also a second of a stream (`track.rs`). Of weeks a few values a day are kept.
//!
//! **Deliberately absent**: a clock, a disk, a network, a log, a name. `clippy.toml` beside this
//! crate refuses the first three. Veglia is not a certified medical device.

mod calls;
mod days;
mod flag;
mod gate;
mod home;
mod ledger;
mod limit;
mod observation;
mod patient;
pub mod plan;
mod presence;
mod quiet;
mod rules;
mod score;
mod signal;
mod silence;
mod state;
mod stream;
mod symptom;
mod together;
mod track;
mod whereabouts;

pub use days::{Baseline, Exertion, Origin, Trend};
pub use flag::{
    About, Evidence, Flag, FlagId, FlagIdError, How, Median, Severity, Standing, Trigger,
    UnknownAbout, Verdict, What, Why,
};
pub use observation::{Input, Observation, Seen, Source};
pub use patient::{PatientId, PatientIdError};
pub use plan::{
    Calling, End, Expected, ExpectedError, FamilyDoctor, Field, Guard, Hours, LocalTime, OwnLimits,
    OxygenScale, Parameter, Plan, PlanError, PlanFileError, PlanVersion, Target, Template,
};
pub use presence::{Cause, Presence, Sign};
pub use rules::{Band, NAME_CHARS_MAX, RuleName, RuleNameError, RuleSet, RuleSetError};
pub use score::{Chart, Class, Partial, Points, SCORED_MAX, Scale, ScoreParameter, Scored};
pub use state::{PLANS_MAX, PatientState, STANDINGS_MAX, STATE_BYTES_MAX, Said, step};
pub use track::{HORIZON_MS, Latest, RECENT_MAX};
pub use whereabouts::{PatientStanding, UnknownWhereabouts, Whereabouts};
