//! What programs are told over the API, and what they may ask: one type a thing, each made from
//! what the pages are made from.
//!
//! ```text
//! Ask ─▶ ward, view, diary, people, intake ─▶ From ─▶ JSON and its schema
//! Act ─▶ perform ─▶ diary, or Refused: who was first, what is to be changed
//! ```
//! No routes: a door mounts them, says who asks, and has written in the access log that they do.
//! Whose data somebody may read, and what the rules say, is decided elsewhere: nothing here judges.
//!
//! **Every field is always there.** What is not known is `null`, what there is none of is an empty
//! list; a field is never left out. Moments are RFC 3339 with the offset of Italy ([`Moment`]);
//! values are numbers in the unit beside them ([`Measured::unit`]); names of things are the codes
//! that are stored, and no sentence of a page is among them.
//!
//! **Limits**: every list is bounded and says where it goes on.
//!
//! **Deliberately absent**: names of colleagues beyond who signed what, and anything a page does
//! not show.

mod act;
mod curve;
mod diary;
mod flag;
mod me;
mod moment;
mod patient;
mod plan;
mod value;
mod ward;

pub use act::{Act, ActAsk, Callee, Refused, Service, Situation, perform};
pub use curve::{
    Limit, POINTS_MAX, Point, READINGS_MAX, Reading, Readings, ReadingsAsk, Trend, TrendAsk,
};
pub use diary::{Diary, DiaryAsk, Entry, LINES_MAX, Says};
pub use flag::{Evidence, Flag, Flags, Held, Severity, Signatures, Signed};
pub use me::{Me, Shown};
pub use moment::Moment;
pub use patient::{Device, Devices, Identity, Need, Needs, Patient, Sheet, TelephoneOf};
pub use plan::{Expected, OwnLimits, Parameter, Plan, Target};
pub use value::{Measured, Score, Source, Vital};
pub use ward::{ByCharge, Lane, Ward, WardAsk, WardLine};
