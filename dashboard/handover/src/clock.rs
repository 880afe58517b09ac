//! Moments and the clock on the wall in Italy.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use veglia_people::TIME_ZONE;
use veglia_view::WallMs;

/// What the clock in Italy shows; none outside every calendar.
pub(crate) fn local(at: WallMs) -> Option<Zoned> {
    let zone = TimeZone::get(TIME_ZONE).ok()?;
    let at = Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone))
}

/// The moment at which the clock in Italy shows this; of two such moments the first.
pub(crate) fn moment(shown: DateTime) -> Option<WallMs> {
    let zoned = TimeZone::get(TIME_ZONE).ok()?.to_zoned(shown).ok()?;
    Some(WallMs(zoned.timestamp().as_millisecond()))
}

/// The moment of a whole hour of a day.
pub(crate) fn hour_of(day: Date, hour: i8) -> Option<WallMs> {
    moment(day.at(hour, 0, 0, 0))
}
