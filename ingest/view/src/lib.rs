//! What others may ask of ingest: who is how at this moment, curves, readings, exports, how the
//! gateways are; and what they may ask gateways through it.
//!
//! ```text
//! watch ──▶ Board ──┐
//!                   ├─▶ LocalView ── serve ──▶ Unix socket ──▶ HttpView
//! series ───────────┘        └────────────── View ───────────────┘
//! ```
//! One trait, [`View`], for whoever asks: [`LocalView`] answers inside ingest's process,
//! [`HttpView`] asks the same over a socket. The dashboard cannot tell them apart, but for
//! [`ViewError::Unreachable`].
//!
//! Samples are kept by device; here they become a patient's, by the intervals in which the patient
//! wore the device ([`Worn`]). So a corrected assignment corrects every curve and moves no sample.
//!
//! **Readings that are no patient's yet** (a household shares the device, or nobody has it) are
//! judged as of somebody unknown: a row of the board like any other, of a patient who stands in
//! ([`Row::waits`]), until somebody says whose they are.
//!
//! **Limits**: rows, buckets, readings and bytes of an answer are bounded by constants; an export
//! is the only answer without an end known beforehand, and it streams.
//!
//! **Deliberately absent**: names (the clinical path knows none), writing (acts and plans go into
//! the diary) and judgement of age: rows say when a value was measured, screens say how old it is.

mod ask;
mod board;
mod export;
mod gateways;
mod http;
mod local;
mod merge;
mod row;
mod socket;

pub use ask::{
    Asked, BUCKETS_MAX, Bedside, Bucket, Dot, ExportAsk, Lines, NAMED_MAX, Outline, READINGS_MAX,
    Reading, Readings, ReadingsAsk, Scope, Status, Trend, TrendAsk, View, ViewError, Waiting, Ward,
};
pub use board::{Board, Delta, Edition, Full, PATIENTS_MAX, Progress, ROWS_MAX, Version};
pub use export::{EXPORT_HEADER, decimal};
pub use gateways::{
    GATEWAYS_MAX, GATEWAYS_PER_ANSWER, GatewayBoard, GatewayRow, Gateways, GatewaysAsk,
    ORDER_WITHIN, OrderAsk, Ordered, Orders,
};
pub use http::HttpView;
pub use local::{LocalView, SPAN_MAX_MS, Worn, WornBy};
pub use row::{
    Battery, DEVICES_MAX, DeviceState, FLAGS_MAX, Latest, MEASURED_MAX, OpenFlag, Row, Unjudged,
    Waits, is_stand_in, stand_in,
};
pub use socket::serve;

// The words that rows and answers are made of, for those who ask and know neither room.
pub use veglia_triage::{
    About, Calling, Cause, End, Evidence, Expected, ExpectedError, FamilyDoctor, Field, Flag,
    FlagId, Guard, Hours, How, LocalTime, Median, OwnLimits, OxygenScale, Parameter, Partial,
    PatientId, PatientStanding, Plan, PlanError, PlanVersion, Points, RuleName, RuleSet, Scale,
    ScoreParameter, Scored, Severity, Source, Standing, Target, Template, Trigger, Verdict, What,
    Whereabouts, Why, plan,
};
pub use veglia_wire::{
    Answer, AnswerCode, Answered, Boot, CareClock, Charge, Clock, ClockState, CommandId,
    CommandKind, Contact, DeviceId, GatewayId, Outcome, PortReport, PortState, Quality, RecordId,
    Sensor, Session, Site, State, Vital, VitalKind, WallMs,
};
